#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define PH_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define PH_CLONES
#endif

#define PH_RUNS(NAME, TYPE, START, STEP)                                                                              \
  PH_CLONES static void NAME##_plain(const TYPE *values, size_t start, const uint32_t *ends, size_t count,            \
                                     uint64_t *output) {                                                              \
    for (size_t run = 0; run < count; run++) {                                                                        \
      const size_t end = ends[run];                                                                                   \
      START;                                                                                                          \
      for (size_t row = start; row < end; row++) STEP;                                                                \
      output[run] = total;                                                                                            \
      start = end;                                                                                                    \
    }                                                                                                                 \
  }

#define PH_SUM(NAME, TYPE) PH_RUNS(NAME, TYPE, uint64_t total = 0, total += values[row])
#define PH_MIN(NAME, TYPE)                                                                                            \
  PH_RUNS(NAME, TYPE, TYPE total = values[start], total = values[row] < total ? values[row] : total)
#define PH_MAX(NAME, TYPE)                                                                                            \
  PH_RUNS(NAME, TYPE, TYPE total = values[start], total = values[row] > total ? values[row] : total)

PH_SUM(ph_sum_runs8, uint8_t)
PH_SUM(ph_sum_runs16, uint16_t)
PH_SUM(ph_sum_runs32, uint32_t)
PH_SUM(ph_sum_runs64, uint64_t)
PH_MIN(ph_min_runs8, uint8_t)
PH_MIN(ph_min_runs16, uint16_t)
PH_MIN(ph_min_runs32, uint32_t)
PH_MIN(ph_min_runs64, uint64_t)
PH_MAX(ph_max_runs8, uint8_t)
PH_MAX(ph_max_runs16, uint16_t)
PH_MAX(ph_max_runs32, uint32_t)
PH_MAX(ph_max_runs64, uint64_t)

typedef void runs8(const uint8_t *, size_t, const uint32_t *, size_t, uint64_t *);

static runs8 *sum8 = ph_sum_runs8_plain, *min8 = ph_min_runs8_plain, *max8 = ph_max_runs8_plain;

#if defined(__x86_64__)
// Most runs of bytes fit one or two registers: masked loads take their ends without a loop over the rest.
#define PH_RUNS8_512(NAME, START, LOAD, STEP, REDUCE)                                                                 \
  __attribute__((target("avx512f,avx512bw,avx512vl,bmi2"))) static void NAME##_512(                                   \
      const uint8_t *values, size_t start, const uint32_t *ends, size_t count, uint64_t *output) {                    \
    for (size_t run = 0; run < count; run++) {                                                                        \
      const size_t end = ends[run];                                                                                   \
      __m512i total = START;                                                                                          \
      for (; end - start > 64; start += 64) {                                                                         \
        const __m512i part = _mm512_loadu_si512(values + start);                                                      \
        total = STEP;                                                                                                 \
      }                                                                                                               \
      const __mmask64 mask = _bzhi_u64(~0ull, (unsigned)(end - start));                                               \
      const __m512i part = LOAD;                                                                                      \
      total = STEP;                                                                                                   \
      output[run] = REDUCE;                                                                                           \
      start = end;                                                                                                    \
    }                                                                                                                 \
  }

PH_RUNS8_512(ph_sum_runs8, _mm512_setzero_si512(), _mm512_maskz_loadu_epi8(mask, values + start),
             _mm512_add_epi64(total, _mm512_sad_epu8(part, _mm512_setzero_si512())),
             (uint64_t)_mm512_reduce_add_epi64(total))

// The least byte of sixteen: phminposuw finds it among eight words.
__attribute__((target("avx512f,avx512bw,avx512vl"))) static inline uint64_t least_byte(__m512i bytes) {
  const __m256i half = _mm256_min_epu8(_mm512_castsi512_si256(bytes), _mm512_extracti64x4_epi64(bytes, 1));
  __m128i quarter = _mm_min_epu8(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  quarter = _mm_min_epu8(quarter, _mm_srli_epi16(quarter, 8));
  return (uint64_t)(uint8_t)_mm_cvtsi128_si32(_mm_minpos_epu16(_mm_and_si128(quarter, _mm_set1_epi16(0xFF))));
}

__attribute__((target("avx512f,avx512bw,avx512vl"))) static inline uint64_t greatest_byte(__m512i bytes) {
  return 0xFF - least_byte(_mm512_xor_si512(bytes, _mm512_set1_epi8(-1)));
}

PH_RUNS8_512(ph_min_runs8, _mm512_set1_epi8(-1),
             _mm512_mask_loadu_epi8(_mm512_set1_epi8(-1), mask, values + start), _mm512_min_epu8(total, part),
             least_byte(total))
PH_RUNS8_512(ph_max_runs8, _mm512_setzero_si512(), _mm512_maskz_loadu_epi8(mask, values + start),
             _mm512_max_epu8(total, part), greatest_byte(total))

__attribute__((constructor)) static void pick(void) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2")) {
    sum8 = ph_sum_runs8_512;
    min8 = ph_min_runs8_512;
    max8 = ph_max_runs8_512;
  }
}
#endif

#define PH_DOOR(NAME, TYPE, BODY)                                                                                     \
  void NAME(const TYPE *values, size_t start, const uint32_t *ends, size_t count, uint64_t *output) {                 \
    BODY(values, start, ends, count, output);                                                                         \
  }

PH_DOOR(ph_sum_runs8, uint8_t, sum8)
PH_DOOR(ph_min_runs8, uint8_t, min8)
PH_DOOR(ph_max_runs8, uint8_t, max8)
PH_DOOR(ph_sum_runs16, uint16_t, ph_sum_runs16_plain)
PH_DOOR(ph_min_runs16, uint16_t, ph_min_runs16_plain)
PH_DOOR(ph_max_runs16, uint16_t, ph_max_runs16_plain)
PH_DOOR(ph_sum_runs32, uint32_t, ph_sum_runs32_plain)
PH_DOOR(ph_min_runs32, uint32_t, ph_min_runs32_plain)
PH_DOOR(ph_max_runs32, uint32_t, ph_max_runs32_plain)
PH_DOOR(ph_sum_runs64, uint64_t, ph_sum_runs64_plain)
PH_DOOR(ph_min_runs64, uint64_t, ph_min_runs64_plain)
PH_DOOR(ph_max_runs64, uint64_t, ph_max_runs64_plain)
