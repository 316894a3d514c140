// The walk of encoders along two columns that move together.
#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// So many rows ahead a key's track is fetched.
#define FORESIGHT 16

static inline uint64_t zigzag(uint64_t value) { return (value << 1) ^ (uint64_t)((int64_t)value >> 63); }
static inline uint32_t bit_length(uint64_t code) { return code == 0 ? 0 : 64 - (uint32_t)__builtin_clzll(code); }
static inline void fetch(const ph_stepping *walk, size_t row) {
  if (row + FORESIGHT < walk->count) ph_prefetch(walk->tracks + (size_t)walk->keys[row + FORESIGHT] * 8);
}

// Walks rows of one key, whose track stays in registers.
static void walk_run(const ph_stepping *walk, size_t row, size_t end) {
  const uint64_t most = (uint64_t)walk->memory - 1;
  uint64_t *track = (uint64_t *)walk->tracks + (size_t)walk->keys[row] * 8;
  uint64_t first_last = track[0], first_home = track[1], second_last = track[2], second_home = track[3];
  uint64_t rows = track[4];
  for (; row < end; row++) {
    const uint64_t first = (uint64_t)walk->first[row], second = (uint64_t)walk->second[row];
    const uint64_t first_near = first - first_last, second_near = second - second_last;
    const uint64_t first_far = first - first_home, second_far = second - second_home;
    const uint32_t last = bit_length(zigzag(first_near) | zigzag(second_near));
    const uint32_t home = bit_length(zigzag(first_far) | zigzag(second_far));
    // Which is nearer cannot be foretold: without a branch.
    const uint64_t is_far = !((last <= walk->reach) & (last < home)), far = 0 - is_far;
    walk->first_steps[row] = zigzag((first_far & far) | (first_near & ~far));
    walk->second_steps[row] = zigzag((second_far & far) | (second_near & ~far));
    walk->lengths[row] = (uint8_t)(home | (is_far - 1));
    walk->histogram[home] += is_far;
    const uint64_t share = (uint64_t)walk->shares[rows];
    first_last = first;
    second_last = second;
    first_home += (uint64_t)((int64_t)(first_far * share) >> 16) & far;
    second_home += (uint64_t)((int64_t)(second_far * share) >> 16) & far;
    rows = rows + is_far < most ? rows + is_far : most;
  }
  track[0] = first_last, track[1] = first_home, track[2] = second_last, track[3] = second_home, track[4] = rows;
}

static inline size_t run_end(const ph_stepping *walk, size_t row) {
  size_t end = row + 1;
  while (end < walk->count && walk->keys[end] == walk->keys[row]) end++;
  return end;
}

static void walk_base(const ph_stepping *walk) {
  for (size_t row = 0; row < walk->count;) {
    fetch(walk, row);
    const size_t end = run_end(walk, row);
    walk_run(walk, row, end);
    row = end;
  }
}

#if defined(__x86_64__)
// A row's four distances at once: to the last value and the home of the first column, and of the second.
__attribute__((target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl,bmi2"))) static void walk_v4(
    const ph_stepping *walk) {
  const uint64_t most = (uint64_t)walk->memory - 1;
  const uint32_t reach = walk->reach;
  for (size_t row = 0; row < walk->count; row++) {
    // In a table that lies by the key, a row would wait for the track that the one before has left in memory.
    if (row + 1 < walk->count && walk->keys[row + 1] == walk->keys[row]) {
      const size_t end = run_end(walk, row);
      walk_run(walk, row, end);
      row = end - 1;
      continue;
    }
    fetch(walk, row);
    int64_t *track = walk->tracks + (size_t)walk->keys[row] * 8;
    const __m256i places = _mm256_loadu_si256((const __m256i *)track);
    const __m256i values = _mm256_inserti128_si256(_mm256_set1_epi64x(walk->first[row]),
                                                   _mm_set1_epi64x(walk->second[row]), 1);
    const __m256i steps = _mm256_sub_epi64(values, places);
    const __m256i codes = _mm256_xor_si256(_mm256_slli_epi64(steps, 1), _mm256_srai_epi64(steps, 63));
    const __m128i longer = _mm_or_si128(_mm256_castsi256_si128(codes), _mm256_extracti128_si256(codes, 1));
    const __m128i zeros = _mm_lzcnt_epi64(longer);
    const uint64_t last = 64 - (uint64_t)_mm_cvtsi128_si64(zeros), home = 64 - (uint64_t)_mm_extract_epi64(zeros, 1);
    const uint64_t is_far = !((last <= reach) & (last < home));
    // Those from home where the row is far, else those from the last values, in the low half of each pair.
    const __mmask8 far = (__mmask8)(0 - is_far);
    const __m256i chosen = _mm256_mask_permutex_epi64(codes, far, codes, 0xB1);
    _mm_storel_epi64((__m128i *)(walk->first_steps + row), _mm256_castsi256_si128(chosen));
    _mm_storel_epi64((__m128i *)(walk->second_steps + row), _mm256_extracti128_si256(chosen, 1));
    walk->lengths[row] = (uint8_t)(home | (is_far - 1));
    walk->histogram[home] += is_far;
    const uint64_t rows = (uint64_t)track[4];
    const __m256i share = _mm256_maskz_set1_epi64(far, walk->shares[rows]);
    const __m256i moved = _mm256_add_epi64(places, _mm256_srai_epi64(_mm256_mullo_epi64(steps, share), 16));
    _mm256_storeu_si256((__m256i *)track, _mm256_mask_blend_epi64(0x5, moved, values));
    track[4] = (int64_t)(rows + is_far < most ? rows + is_far : most);
  }
}

static void (*step_along)(const ph_stepping *) = walk_base;

__attribute__((constructor)) static void pick_stepping(void) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    step_along = walk_v4;
  }
}
#else
#define step_along walk_base
#endif

void ph_step_along(const ph_stepping *walk) { step_along(walk); }
