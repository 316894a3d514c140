#include "CKernels.h"

#include <malloc.h>

void ph_release_heap(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

void ph_keep_heap_small(void) {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
#endif
}
