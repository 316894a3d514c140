#include "CKernels.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

void ph_keep_freed_memory(void) {
#if defined(__GLIBC__)
  // 32 MiB is the most that glibc lets come from its heaps rather than from a mapping of its own.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
#endif
}
