#include "CKernels.h"

#include <malloc.h>

void ph_release_heap(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}
