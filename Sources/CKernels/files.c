#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CKernels.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int ph_open_nameless_file(const char *directory) {
#if defined(O_TMPFILE)
  int nameless = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  // Some file systems know no file without a name.
  if (nameless >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return nameless;
#endif
  char path[4096];
  if (snprintf(path, sizeof path, "%s/pulsehouse-XXXXXX", directory) >= (int)sizeof path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  int descriptor = mkstemp(path);
  if (descriptor >= 0) {
    unlink(path);
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  }
  return descriptor;
}

void ph_discard_file_range(int descriptor, int64_t offset, int64_t count) {
#if defined(__linux__)
  (void)fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, count);
#else
  (void)descriptor, (void)offset, (void)count;
#endif
}

void ph_start_writing_back(int descriptor, int64_t offset, int64_t count) {
#if defined(__linux__)
  (void)sync_file_range(descriptor, offset, count, SYNC_FILE_RANGE_WRITE);
#else
  (void)descriptor, (void)offset, (void)count;
#endif
}

int ph_sync_file_system(int descriptor) {
#if defined(__linux__)
  return syncfs(descriptor);
#else
  errno = ENOSYS;
  return -1;
#endif
}
