// Memory of column buffers.
//
// Fresh memory costs more than most loops over it: 2.7 GB/s by 4 KiB pages, 10 GB/s by 2 MiB ones, and nothing at all
// when it is reused. So buffers come from chunks of our own that the system is asked to back by 2 MiB pages, and
// freed ones wait for the next buffer of their size.
//
// - below 4 KiB: malloc;
// - up to 2 MiB: slots of a size class (eight classes to a doubling), cut from aligned chunks, so that masking an
//   address finds its chunk. A chunk without used slots goes to a pool that every class of its kind takes from. The
//   first chunk of a class keeps small pages: a short query would pay for 2 MiB to use a few KiB.
// - above: a mapping each; freed mappings wait in a short list for a buffer of about their size.
#define _GNU_SOURCE
#include "CKernels.h"
#include "memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#if defined(__linux__)
#include <sys/mman.h>

#define SMALLEST 4096u
#define SMALL_LIMIT (128u << 10)
#define SLOT_LIMIT (2u << 20)
#define HUGE_PAGE ((size_t)2 << 20)
#define SMALL_CHUNK ((size_t)2 << 20)
#define LARGE_CHUNK ((size_t)8 << 20)
#define CLASS_COUNT 73
#define CHUNK_HEAD 4096u
#define MAPPING_COUNT 64
// Bytes that wait for reuse at most, of each kind, unless ph_buffer_keep allows more.
#define SMALLEST_LIMIT ((size_t)128 << 20)

struct slot {
  struct slot *next;
};

struct chunk {
  struct chunk *next, *previous;
  struct slot *free;
  uint32_t class_number, used, cut, slots;
};

struct size_class {
  pthread_mutex_t lock;
  // Chunks with a free slot.
  struct chunk *open;
  uint32_t chunk_count;
};

static size_t waiting_limit = SMALLEST_LIMIT;
static struct size_class classes[CLASS_COUNT];
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static struct chunk *pools[2];
static size_t pool_bytes;
static struct {
  void *base;
  size_t size;
  uint64_t age;
} mappings[MAPPING_COUNT];
static size_t mapping_bytes;
static uint64_t mapping_clock;

__attribute__((constructor)) static void prepare(void) {
  for (int i = 0; i < CLASS_COUNT; i++) pthread_mutex_init(&classes[i].lock, NULL);
}

// Eight classes to a doubling, from 4 KiB on.
static uint32_t class_of(size_t size) {
  if (size <= SMALLEST) return 0;
  size_t last = size - 1;
  uint32_t exponent = 63 - (uint32_t)__builtin_clzll(last);
  return (exponent - 12) * 8 + (uint32_t)((last >> (exponent - 3)) & 7) + 1;
}

static size_t class_size(uint32_t number) {
  if (number == 0) return SMALLEST;
  uint32_t exponent = 12 + (number - 1) / 8;
  return ((size_t)1 << exponent) + ((size_t)((number - 1) % 8 + 1) << (exponent - 3));
}

static int is_small(uint32_t number) { return class_size(number) <= SMALL_LIMIT; }
static size_t chunk_size(int small) { return small ? SMALL_CHUNK : LARGE_CHUNK; }

static void *map_aligned(size_t size, size_t alignment) {
  char *base = mmap(NULL, size + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return NULL;
  char *start = (char *)(((uintptr_t)base + alignment - 1) & ~(uintptr_t)(alignment - 1));
  if (start > base) munmap(base, (size_t)(start - base));
  char *end = base + size + alignment;
  if (end > start + size) munmap(start + size, (size_t)(end - start - size));
  return start;
}

static struct chunk *new_chunk(uint32_t number, int first) {
  int small = is_small(number);
  size_t size = chunk_size(small);
  pthread_mutex_lock(&pool_lock);
  struct chunk *chunk = pools[small];
  if (chunk) {
    pools[small] = chunk->next;
    pool_bytes -= size;
  }
  pthread_mutex_unlock(&pool_lock);
  if (!chunk) {
    chunk = map_aligned(size, size);
    if (!chunk) return NULL;
    if (!first) madvise(chunk, size, MADV_HUGEPAGE);
  }
  chunk->next = chunk->previous = NULL;
  chunk->free = NULL;
  chunk->class_number = number;
  chunk->used = chunk->cut = 0;
  chunk->slots = (uint32_t)((size - CHUNK_HEAD) / class_size(number));
  return chunk;
}

static void release_chunk(struct chunk *chunk, int small) {
  size_t size = chunk_size(small);
  pthread_mutex_lock(&pool_lock);
  int keeps = pool_bytes + size <= waiting_limit;
  if (keeps) {
    chunk->next = pools[small];
    pools[small] = chunk;
    pool_bytes += size;
  }
  pthread_mutex_unlock(&pool_lock);
  if (!keeps) munmap(chunk, size);
}

static void push(struct size_class *class, struct chunk *chunk) {
  chunk->previous = NULL;
  chunk->next = class->open;
  if (class->open) class->open->previous = chunk;
  class->open = chunk;
}

static void take_out(struct size_class *class, struct chunk *chunk) {
  if (chunk->previous) chunk->previous->next = chunk->next;
  else class->open = chunk->next;
  if (chunk->next) chunk->next->previous = chunk->previous;
}

static void *allocate_slot(size_t size) {
  uint32_t number = class_of(size);
  struct size_class *class = &classes[number];
  pthread_mutex_lock(&class->lock);
  struct chunk *chunk = class->open;
  if (!chunk) {
    chunk = new_chunk(number, class->chunk_count == 0);
    if (!chunk) {
      pthread_mutex_unlock(&class->lock);
      return NULL;
    }
    class->chunk_count++;
    push(class, chunk);
  }
  void *result = chunk->free;
  if (result) chunk->free = chunk->free->next;
  else result = (char *)chunk + CHUNK_HEAD + class_size(number) * chunk->cut++;
  chunk->used++;
  if (chunk->used == chunk->slots) take_out(class, chunk);
  pthread_mutex_unlock(&class->lock);
  return result;
}

static void free_slot(void *base, size_t size) {
  uint32_t number = class_of(size);
  int small = is_small(number);
  struct size_class *class = &classes[number];
  struct chunk *chunk = (struct chunk *)((uintptr_t)base & ~(uintptr_t)(chunk_size(small) - 1));
  struct chunk *empty = NULL;
  pthread_mutex_lock(&class->lock);
  struct slot *slot = base;
  slot->next = chunk->free;
  chunk->free = slot;
  if (chunk->used == chunk->slots) push(class, chunk);
  chunk->used--;
  // One chunk stays with its class, so that one buffer that comes and goes does not take a chunk along each time.
  if (chunk->used == 0 && (chunk->next || chunk->previous)) {
    take_out(class, chunk);
    class->chunk_count--;
    empty = chunk;
  }
  pthread_mutex_unlock(&class->lock);
  if (empty) release_chunk(empty, small);
}

static size_t mapping_size(size_t size) { return (size + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1); }

static void *allocate_mapping(size_t size) {
  size = mapping_size(size);
  int best = -1;
  pthread_mutex_lock(&pool_lock);
  for (int i = 0; i < MAPPING_COUNT; i++) {
    // Only of exactly its size: what is freed later is counted by the size that was asked for.
    if (mappings[i].base && mappings[i].size == size && (best < 0 || mappings[i].age > mappings[best].age)) best = i;
  }
  void *result = NULL;
  if (best >= 0) {
    result = mappings[best].base;
    mappings[best].base = NULL;
    mapping_bytes -= size;
  }
  pthread_mutex_unlock(&pool_lock);
  if (result) return result;
  result = map_aligned(size, HUGE_PAGE);
  if (result) madvise(result, size, MADV_HUGEPAGE);
  return result;
}

static void free_mapping(void *base, size_t size) {
  size = mapping_size(size);
  if (size > waiting_limit / 2) {
    munmap(base, size);
    return;
  }
  // What has waited longest makes room.
  while (1) {
    void *victim = NULL;
    size_t victim_size = 0;
    pthread_mutex_lock(&pool_lock);
    int place = -1, oldest = -1;
    for (int i = 0; i < MAPPING_COUNT; i++) {
      if (!mappings[i].base) place = i;
      else if (oldest < 0 || mappings[i].age < mappings[oldest].age) oldest = i;
    }
    if (place >= 0 && mapping_bytes + size <= waiting_limit) {
      mappings[place].base = base;
      mappings[place].size = size;
      mappings[place].age = ++mapping_clock;
      mapping_bytes += size;
      base = NULL;
    } else if (oldest >= 0) {
      victim = mappings[oldest].base;
      victim_size = mappings[oldest].size;
      mappings[oldest].base = NULL;
      mapping_bytes -= victim_size;
    }
    pthread_mutex_unlock(&pool_lock);
    if (victim) munmap(victim, victim_size);
    if (!base) return;
  }
}

void *ph_buffer_allocate(size_t size) {
  if (size < SMALLEST) return aligned_alloc(64, (size + 63) & ~(size_t)63);
  return size <= SLOT_LIMIT ? allocate_slot(size) : allocate_mapping(size);
}

void ph_buffer_free(void *base, size_t size) {
  if (size < SMALLEST) free(base);
  else if (size <= SLOT_LIMIT) free_slot(base, size);
  else free_mapping(base, size);
}

void ph_buffer_keep(size_t size) {
  pthread_mutex_lock(&pool_lock);
  waiting_limit = size > SMALLEST_LIMIT ? size : SMALLEST_LIMIT;
  pthread_mutex_unlock(&pool_lock);
}

// What waits in a class: chunks without used slots.
static void release_class(struct size_class *class, size_t size) {
  pthread_mutex_lock(&class->lock);
  for (struct chunk *chunk = class->open, *next; chunk; chunk = next) {
    next = chunk->next;
    if (chunk->used > 0) continue;
    take_out(class, chunk);
    class->chunk_count--;
    munmap(chunk, size);
  }
  pthread_mutex_unlock(&class->lock);
}

void ph_buffer_release(void) {
  for (uint32_t number = 0; number < CLASS_COUNT; number++) {
    release_class(&classes[number], chunk_size(is_small(number)));
  }
  pthread_mutex_lock(&pool_lock);
  for (int small = 0; small < 2; small++) {
    for (struct chunk *chunk = pools[small], *next; chunk; chunk = next) {
      next = chunk->next;
      munmap(chunk, chunk_size(small));
    }
    pools[small] = NULL;
  }
  pool_bytes = 0;
  for (int i = 0; i < MAPPING_COUNT; i++) {
    if (mappings[i].base) munmap(mappings[i].base, mappings[i].size);
    mappings[i].base = NULL;
  }
  mapping_bytes = 0;
  pthread_mutex_unlock(&pool_lock);
}

#else

void *ph_buffer_allocate(size_t size) { return aligned_alloc(64, (size + 63) & ~(size_t)63); }
void ph_buffer_free(void *base, size_t size) { free(base); }
void ph_buffer_keep(size_t size) { (void)size; }
void ph_buffer_release(void) {}

#endif

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
