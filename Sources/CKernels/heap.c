#include "CKernels.h"
#include "memory.h"

#include <malloc.h>

void ph_release_heap(void) {
  ph_buffer_release();
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

void ph_keep_heap_small(void) {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
  // malloc_trim gives back what is free at the end of the first arena alone; of the others, only freeing does.
  mallopt(M_TRIM_THRESHOLD, 1 << 20);
#endif
}
