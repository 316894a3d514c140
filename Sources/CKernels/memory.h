#pragma once

/// Gives all memory of column buffers that waits for reuse back to the system.
void ph_buffer_release(void);
