#pragma once
// Intrinsics kernels with run-time dispatch (AVX-512, AVX2, baseline). Each has a Swift reference beside its benchmark.
#include <stddef.h>
#include <stdint.h>

#include "ph_find.h"

#include "ph_text.h"

/// Asks the cache for the line at `pointer`; never faults.
static inline void ph_prefetch(const void *pointer) { __builtin_prefetch(pointer); }

/// Returns 1 when the processor has AVX2, FMA and BMI2, which every Swift target is compiled for.
int ph_cpu_has_v3(void);

/// Returns the CRC-32C of `count` bytes, continuing from `seed` (0 to start); SSE4.2 where the processor has it.
uint32_t ph_crc32c(uint32_t seed, const void *bytes, size_t count);

/// Returns the same by tables alone, on any processor.
uint32_t ph_crc32c_table(uint32_t seed, const void *bytes, size_t count);

/// Returns `size` bytes, 64-byte aligned, not zeroed; NULL when there is no memory. Any thread.
void *ph_buffer_allocate(size_t size);

/// Gives back what `ph_buffer_allocate(size)` returned, with the same `size`. Any thread.
void ph_buffer_free(void *base, size_t size);

/// Lets freed buffers of up to `size` bytes, of each of two kinds, wait for the next ones; never less than 128 MiB. Any
/// thread.
void ph_buffer_keep(size_t size);

/// Tells the allocator to keep freed memory for the next buffer instead of giving it back to the system: row groups and
/// batches ask for megabytes at a time, and fresh pages cost more than most loops over them. Call once, first thing.
void ph_keep_freed_memory(void);

/// Opens a new file for reading and writing that has no name in `directory` any more; -1 and errno when it cannot.
int ph_open_nameless_file(const char *directory);

/// Gives the disk space of a part of a file back where the file system can; the part then reads as zeros.
void ph_discard_file_range(int descriptor, int64_t offset, int64_t count);

/// Lets the system send what was written of a part of a file to the disk, and does not wait for it: nothing is safer
/// for it, but a later fdatasync has less to do.
void ph_start_writing_back(int descriptor, int64_t offset, int64_t count);

/// Returns 0 when all that was written in the file system of `descriptor`, files and names, is safe; -1 and errno when
/// something was not, since `descriptor` was opened or this was last asked.
int ph_sync_file_system(int descriptor);

#include "packing.h"

#include "profiling.h"

#include "runs.h"

#include "temporal.h"

#include "stepping.h"

#include "tracks.h"

#include "hashing.h"

#include "ph_json.h"

// Gives memory of the C heap that is free, but kept for later, back to the system.
void ph_release_heap(void);

// From now on large pieces go back to the system as soon as they are freed, and few heaps are made for threads.
void ph_keep_heap_small(void);
