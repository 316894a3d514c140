// Memory of column buffers.
//
// Fresh memory costs more than most loops over it: 2.7 GB/s by 4 KiB pages, 10 GB/s by 2 MiB ones, and nothing at all
// when it is reused. So buffers come from chunks of our own that the system is asked to back by 2 MiB pages, and
// freed ones wait for the next buffer of their size.
//
// - below 4 KiB: malloc;
// - up to 128 KiB: slots of a size class (eight classes to a doubling), cut from aligned chunks, so that masking an
//   address finds its chunk. A chunk without used slots goes to a pool that every class takes from. The first chunk of
//   a class keeps small pages: a short query would pay for 2 MiB to use a few KiB.
// - up to 2 MiB: runs of pages of regions that all sizes share, at the lowest place with room. Classes would each keep
//   what they used at most, and sizes take turns: a row group is decoded, then encoded.
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
#define RUN_LIMIT (2u << 20)
#define HUGE_PAGE ((size_t)2 << 20)
#define CHUNK ((size_t)2 << 20)
#define CLASS_COUNT 41
#define CHUNK_HEAD 4096u
#define PAGE ((size_t)4096)
#define REGION ((size_t)16 << 20)
#define REGION_PAGES ((uint32_t)(REGION / PAGE))
// So much of the first region keeps small pages, as the first chunk of a class does.
#define SMALL_PAGED ((size_t)4 << 20)
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

// Its first page is its head.
struct region {
  struct region *next;
  uint32_t used;
  // No run of free pages is longer.
  uint32_t longest;
  // A bit for each page that is used.
  uint64_t pages[REGION_PAGES / 64];
};

static size_t waiting_limit = SMALLEST_LIMIT;
static struct size_class classes[CLASS_COUNT];
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static struct chunk *pool;
static size_t pool_bytes;
static pthread_mutex_t region_lock = PTHREAD_MUTEX_INITIALIZER;
// The oldest first, so that the youngest become empty.
static struct region *regions;
static size_t empty_bytes;
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
  pthread_mutex_lock(&pool_lock);
  struct chunk *chunk = pool;
  if (chunk) {
    pool = chunk->next;
    pool_bytes -= CHUNK;
  }
  pthread_mutex_unlock(&pool_lock);
  if (!chunk) {
    chunk = map_aligned(CHUNK, CHUNK);
    if (!chunk) return NULL;
    if (!first) madvise(chunk, CHUNK, MADV_HUGEPAGE);
  }
  chunk->next = chunk->previous = NULL;
  chunk->free = NULL;
  chunk->class_number = number;
  chunk->used = chunk->cut = 0;
  chunk->slots = (uint32_t)((CHUNK - CHUNK_HEAD) / class_size(number));
  return chunk;
}

static void release_chunk(struct chunk *chunk) {
  pthread_mutex_lock(&pool_lock);
  int keeps = pool_bytes + CHUNK <= waiting_limit;
  if (keeps) {
    chunk->next = pool;
    pool = chunk;
    pool_bytes += CHUNK;
  }
  pthread_mutex_unlock(&pool_lock);
  if (!keeps) munmap(chunk, CHUNK);
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
  struct size_class *class = &classes[number];
  struct chunk *chunk = (struct chunk *)((uintptr_t)base & ~(uintptr_t)(CHUNK - 1));
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
  if (empty) release_chunk(empty);
}

// The first page from `page` on whose bit is `used`; REGION_PAGES where there is none.
static uint32_t next_page(const struct region *region, uint32_t page, int used) {
  while (page < REGION_PAGES) {
    uint64_t bits = (used ? region->pages[page / 64] : ~region->pages[page / 64]) >> (page % 64);
    if (bits) return page + (uint32_t)__builtin_ctzll(bits);
    page = (page / 64 + 1) * 64;
  }
  return REGION_PAGES;
}

static void mark_pages(struct region *region, uint32_t page, uint32_t count, int used) {
  region->used = used ? region->used + count : region->used - count;
  while (count > 0) {
    const uint32_t first = page % 64, here = 64 - first < count ? 64 - first : count;
    const uint64_t bits = (here == 64 ? ~0ull : (1ull << here) - 1) << first;
    if (used) region->pages[page / 64] |= bits;
    else region->pages[page / 64] &= ~bits;
    page += here;
    count -= here;
  }
}

static int is_empty(const struct region *region) { return region->used == 1; }

static struct region *new_region(int first) {
  struct region *region = map_aligned(REGION, REGION);
  if (!region) return NULL;
  const size_t small = first ? SMALL_PAGED : 0;
  madvise((char *)region + small, REGION - small, MADV_HUGEPAGE);
  region->used = 1;
  region->pages[0] = 1;
  region->longest = REGION_PAGES - 1;
  return region;
}

static void *allocate_run(size_t size) {
  const uint32_t count = (uint32_t)((size + PAGE - 1) / PAGE);
  pthread_mutex_lock(&region_lock);
  struct region **place = &regions;
  for (;; place = &(*place)->next) {
    struct region *region = *place;
    if (!region) {
      region = *place = new_region(place == &regions);
      if (!region) {
        pthread_mutex_unlock(&region_lock);
        return NULL;
      }
      empty_bytes += REGION;
    }
    if (region->longest < count) continue;
    uint32_t longest = 0, start = next_page(region, 0, 0);
    while (start < REGION_PAGES) {
      const uint32_t end = next_page(region, start, 1);
      if (end - start >= count) break;
      if (end - start > longest) longest = end - start;
      start = next_page(region, end, 0);
    }
    if (start >= REGION_PAGES) {
      region->longest = longest;
      continue;
    }
    if (is_empty(region)) empty_bytes -= REGION;
    mark_pages(region, start, count, 1);
    pthread_mutex_unlock(&region_lock);
    return (char *)region + start * PAGE;
  }
}

static void free_run(void *base, size_t size) {
  const uint32_t count = (uint32_t)((size + PAGE - 1) / PAGE);
  struct region *region = (struct region *)((uintptr_t)base & ~(uintptr_t)(REGION - 1)), *surplus = NULL;
  uint32_t start = (uint32_t)(((uintptr_t)base & (REGION - 1)) / PAGE);
  pthread_mutex_lock(&region_lock);
  mark_pages(region, start, count, 0);
  const uint32_t end = next_page(region, start, 1);
  // The head's page is used.
  while (!(region->pages[(start - 1) / 64] >> ((start - 1) % 64) & 1)) start--;
  if (end - start > region->longest) region->longest = end - start;
  if (is_empty(region)) {
    if (empty_bytes + REGION <= waiting_limit) {
      empty_bytes += REGION;
    } else {
      struct region **place = &regions;
      while (*place != region) place = &(*place)->next;
      *place = region->next;
      surplus = region;
    }
  }
  pthread_mutex_unlock(&region_lock);
  if (surplus) munmap(surplus, REGION);
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
  if (size <= SMALL_LIMIT) return allocate_slot(size);
  return size <= RUN_LIMIT ? allocate_run(size) : allocate_mapping(size);
}

void ph_buffer_free(void *base, size_t size) {
  if (size < SMALLEST) free(base);
  else if (size <= SMALL_LIMIT) free_slot(base, size);
  else if (size <= RUN_LIMIT) free_run(base, size);
  else free_mapping(base, size);
}

void ph_buffer_keep(size_t size) {
  pthread_mutex_lock(&pool_lock);
  waiting_limit = size > SMALLEST_LIMIT ? size : SMALLEST_LIMIT;
  pthread_mutex_unlock(&pool_lock);
}

// What waits in a class: chunks without used slots.
static void release_class(struct size_class *class) {
  pthread_mutex_lock(&class->lock);
  for (struct chunk *chunk = class->open, *next; chunk; chunk = next) {
    next = chunk->next;
    if (chunk->used > 0) continue;
    take_out(class, chunk);
    class->chunk_count--;
    munmap(chunk, CHUNK);
  }
  pthread_mutex_unlock(&class->lock);
}

// Regions that are empty, and the free pages of the others, which may be touched again.
static void release_regions(void) {
  pthread_mutex_lock(&region_lock);
  struct region **place = &regions;
  while (*place) {
    struct region *region = *place;
    if (is_empty(region)) {
      *place = region->next;
      empty_bytes -= REGION;
      munmap(region, REGION);
      continue;
    }
    for (uint32_t start = next_page(region, 0, 0), end; start < REGION_PAGES; start = next_page(region, end, 0)) {
      end = next_page(region, start, 1);
      madvise((char *)region + start * PAGE, (end - start) * PAGE, MADV_DONTNEED);
    }
    place = &region->next;
  }
  pthread_mutex_unlock(&region_lock);
}

void ph_buffer_release(void) {
  for (uint32_t number = 0; number < CLASS_COUNT; number++) {
    release_class(&classes[number]);
  }
  release_regions();
  pthread_mutex_lock(&pool_lock);
  for (struct chunk *chunk = pool, *next; chunk; chunk = next) {
    next = chunk->next;
    munmap(chunk, CHUNK);
  }
  pool = NULL;
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
