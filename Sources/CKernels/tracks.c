#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define PH_V3 __attribute__((target("avx2,bmi2,popcnt")))
#define PH_V4 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi2,popcnt")))
#endif

enum { class_count = 8, most_rows = 31 };

// So many rows of one key, one after the other, are worth a loop that keeps their track in registers.
enum { least_run = 8 };

static inline size_t run_end(const uint32_t *keys, size_t row, size_t count) {
  size_t end = row + 1;
  while (end < count && keys[end] == keys[row]) end++;
  return end;
}

static inline int64_t unzigzag(uint64_t code) { return (int64_t)((code >> 1) ^ (0 - (code & 1))); }

static void walk_base(const uint32_t *keys, const uint8_t *classes, size_t count, const uint64_t *steps, size_t *next,
                      const uint8_t *is_from_home, const int64_t *shares, int64_t *tracks, int64_t *values) {
  for (size_t row = 0; row < count; row++) {
    const unsigned class = classes[row] & (class_count - 1);
    const int64_t step = unzigzag(steps[next[class]++]);
    uint64_t *track = (uint64_t *)tracks + 4 * (size_t)keys[row];
    const uint64_t home = is_from_home[class];
    const uint64_t value = track[home] + (uint64_t)step, rows = track[2] + home;
    const uint64_t move = (uint64_t)((int64_t)((uint64_t)step * (uint64_t)shares[track[2]]) >> 16);
    track[0] = value;
    track[1] += home ? move : 0;
    track[2] = rows < most_rows ? rows : most_rows;
    values[row] = (int64_t)value;
  }
}

#if defined(__x86_64__)
/// What a class does to a track: which words take the home instead of the last value, and how many rows it adds.
struct turn {
  int64_t is_home[4];
  int64_t rows[4];
};

// A track is read and written as a whole: four stores of a word each would take longer than all the rest. Where a key's
// rows follow each other, as in a table that lies by it, the next one would wait for that: there it stays in registers.
#define PH_WALK(STEP)                                                                                                 \
  struct turn turns[class_count] __attribute__((aligned(64)));                                                        \
  for (int class = 0; class < class_count; class ++) {                                                                \
    const int64_t home = is_from_home[class] != 0;                                                                    \
    turns[class] = (struct turn){{-home, 0, 0, 0}, {home, 0, 0, 0}};                                                  \
  }                                                                                                                   \
  const int most = INT32_MAX;                                                                                         \
  const __m256i limits = _mm256_setr_epi32(most, most, most, most, most_rows, most, most, most);                      \
  for (size_t row = 0; row < count; row++) {                                                                          \
    if (row + least_run <= count && keys[row + 1] == keys[row] && keys[row + least_run - 1] == keys[row]) {           \
      const size_t end = run_end(keys, row, count);                                                                   \
      if (end - row >= least_run) {                                                                                   \
        uint64_t *words = (uint64_t *)tracks + 4 * (size_t)keys[row];                                                 \
        uint64_t last = words[0], home = words[1], rows = words[2];                                                   \
        for (; row < end; row++) {                                                                                    \
          const uint64_t is_home = (uint64_t)turns[classes[row] & (class_count - 1)].is_home[0];                      \
          const uint64_t step = (uint64_t)(STEP), share = (uint64_t)shares[rows];                                     \
          last = ((last & ~is_home) | (home & is_home)) + step;                                                       \
          home += (uint64_t)((int64_t)(step * share) >> 16) & is_home;                                                \
          rows = rows - is_home < most_rows ? rows - is_home : most_rows;                                             \
          values[row] = (int64_t)last;                                                                                \
        }                                                                                                             \
        words[0] = last, words[1] = home, words[2] = rows;                                                            \
        row--;                                                                                                        \
        continue;                                                                                                     \
      }                                                                                                               \
    }                                                                                                                 \
    const struct turn *turn = turns + (classes[row] & (class_count - 1));                                             \
    const int64_t step = STEP;                                                                                        \
    __m256i *track = (__m256i *)(tracks + 4 * (size_t)keys[row]);                                                     \
    const __m256i old = _mm256_load_si256(track);                                                                     \
    const int64_t share = shares[tracks[4 * (size_t)keys[row] + 2]];                                                  \
    const int64_t move = ((int64_t)((uint64_t)step * (uint64_t)share) >> 16) & turn->is_home[0];                      \
    const __m256i from = _mm256_blendv_epi8(old, _mm256_shuffle_epi32(old, 0x4E),                                     \
                                            _mm256_load_si256((const __m256i *)turn->is_home));                       \
    const __m128i places = _mm_unpacklo_epi64(_mm_cvtsi64_si128(step), _mm_cvtsi64_si128(move));                      \
    const __m256i change = _mm256_inserti128_si256(_mm256_castsi128_si256(places),                                    \
                                                   _mm_load_si128((const __m128i *)turn->rows), 1);                   \
    const __m256i new = _mm256_min_epi32(_mm256_add_epi64(from, change), limits);                                     \
    _mm256_store_si256(track, new);                                                                                   \
    values[row] = _mm_cvtsi128_si64(_mm256_castsi256_si128(new));                                                     \
  }

PH_V3 static void walk_v3(const uint32_t *keys, const uint8_t *classes, size_t count, const uint64_t *steps,
                          size_t *next, const uint8_t *is_from_home, const int64_t *shares, int64_t *tracks,
                          int64_t *values) {
  PH_WALK(unzigzag(steps[next[classes[row] & (class_count - 1)]++]))
}

// The steps of each class are spread to its rows, so that none waits for the place of the one before.
PH_V4 static void spread_v4(const uint8_t *classes, size_t count, const uint64_t *steps, size_t *next,
                            int64_t *values) {
  const __m512i one = _mm512_set1_epi64(1), zero = _mm512_setzero_si512();
  for (size_t start = 0; start < count; start += 64) {
    const size_t length = count - start < 64 ? count - start : 64;
    const __mmask64 rows = _bzhi_u64(~0ull, (unsigned)length);
    const __m512i here =
        _mm512_and_si512(_mm512_maskz_loadu_epi8(rows, classes + start), _mm512_set1_epi8(class_count - 1));
    __m512i codes[8];
    for (int part = 0; part < 8; part++) codes[part] = zero;
    for (int class = 0; class < class_count; class ++) {
      const uint64_t mask = _mm512_mask_cmpeq_epi8_mask(rows, here, _mm512_set1_epi8((char)class));
      if (mask == 0) continue;
      const uint64_t *step = steps + next[class];
#pragma GCC unroll 8
      for (int part = 0; part < 8; part++) {
        const uint64_t bits = mask >> (8 * part) & 255;
        codes[part] = _mm512_mask_expand_epi64(codes[part], (__mmask8)bits, _mm512_loadu_si512(step));
        step += __builtin_popcountll(bits);
      }
      next[class] = (size_t)(step - steps);
    }
    for (int part = 0; part < 8; part++) {
      const __m512i signs = _mm512_sub_epi64(zero, _mm512_and_si512(codes[part], one));
      const __m512i changes = _mm512_xor_si512(_mm512_srli_epi64(codes[part], 1), signs);
      _mm512_mask_storeu_epi64(values + start + 8 * part, (__mmask8)(rows >> (8 * part)), changes);
    }
  }
}

PH_V4 static void walk_v4(const uint32_t *keys, const uint8_t *classes, size_t count, const uint64_t *steps,
                          size_t *next, const uint8_t *is_from_home, const int64_t *shares, int64_t *tracks,
                          int64_t *values) {
  spread_v4(classes, count, steps, next, values);
  PH_WALK(values[row])
}

static void (*walk)(const uint32_t *, const uint8_t *, size_t, const uint64_t *, size_t *, const uint8_t *,
                    const int64_t *, int64_t *, int64_t *) = walk_base;

__attribute__((constructor)) static void pick_walk(void) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    walk = walk_v4;
  } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) {
    walk = walk_v3;
  }
}
#else
#define walk walk_base
#endif

void ph_walk_tracks(const uint32_t *keys, const uint8_t *classes, size_t count, const uint64_t *steps, size_t *next,
                    const uint8_t *is_from_home, const int64_t *shares, int64_t *tracks, int64_t *values) {
  walk(keys, classes, count, steps, next, is_from_home, shares, tracks, values);
}
