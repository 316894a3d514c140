#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define PH_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define PH_CLONES
#endif

// The inner loops have a constant trip count over contiguous lanes and shift all of them by the same amount, which
// compilers vectorise well; a body per width is not needed.
#define PH_PACKING(BITS, TYPE)                                                                                        \
  PH_CLONES void ph_unpack##BITS(const TYPE *restrict packed, unsigned width, TYPE *restrict values) {                \
    enum { lanes = 1024 / BITS, rows = BITS };                                                                        \
    if (width == 0) {                                                                                                 \
      for (int i = 0; i < 1024; i++) values[i] = 0;                                                                   \
      return;                                                                                                         \
    }                                                                                                                 \
    if (width >= BITS) {                                                                                              \
      for (int i = 0; i < 1024; i++) values[i] = packed[i];                                                           \
      return;                                                                                                         \
    }                                                                                                                 \
    const TYPE mask = (TYPE)(((TYPE)1 << width) - 1);                                                                 \
    for (unsigned row = 0; row < rows; row++) {                                                                       \
      const unsigned bit = row * width, shift = bit % BITS;                                                           \
      const TYPE *restrict word = packed + (size_t)(bit / BITS) * lanes;                                              \
      TYPE *restrict out = values + (size_t)row * lanes;                                                              \
      if (shift + width <= BITS) {                                                                                    \
        for (int lane = 0; lane < lanes; lane++) out[lane] = (TYPE)(word[lane] >> shift) & mask;                      \
      } else {                                                                                                        \
        const unsigned back = BITS - shift;                                                                           \
        for (int lane = 0; lane < lanes; lane++)                                                                      \
          out[lane] = (TYPE)((TYPE)(word[lane] >> shift) | (TYPE)(word[lane + lanes] << back)) & mask;                \
      }                                                                                                               \
    }                                                                                                                 \
  }                                                                                                                   \
  PH_CLONES void ph_pack##BITS(const TYPE *restrict values, unsigned width, TYPE *restrict packed) {                  \
    enum { lanes = 1024 / BITS, rows = BITS };                                                                        \
    if (width == 0) return;                                                                                           \
    if (width >= BITS) {                                                                                              \
      for (int i = 0; i < 1024; i++) packed[i] = values[i];                                                           \
      return;                                                                                                         \
    }                                                                                                                 \
    const TYPE mask = (TYPE)(((TYPE)1 << width) - 1);                                                                 \
    for (unsigned i = 0; i < width * lanes; i++) packed[i] = 0;                                                       \
    for (unsigned row = 0; row < rows; row++) {                                                                       \
      const unsigned bit = row * width, shift = bit % BITS;                                                           \
      TYPE *restrict word = packed + (size_t)(bit / BITS) * lanes;                                                    \
      const TYPE *restrict in = values + (size_t)row * lanes;                                                         \
      for (int lane = 0; lane < lanes; lane++) word[lane] |= (TYPE)((TYPE)(in[lane] & mask) << shift);                \
      if (shift + width > BITS) {                                                                                     \
        const unsigned back = BITS - shift;                                                                           \
        for (int lane = 0; lane < lanes; lane++) word[lane + lanes] |= (TYPE)((TYPE)(in[lane] & mask) >> back);       \
      }                                                                                                               \
    }                                                                                                                 \
  }

PH_PACKING(8, uint8_t)
PH_PACKING(16, uint16_t)
PH_PACKING(32, uint32_t)
PH_PACKING(64, uint64_t)

// Baseline range tests: also the reference for the intrinsics below.
#define PH_BETWEEN(BITS, TYPE)                                                                                        \
  static size_t between##BITS##_base(const TYPE *values, size_t count, TYPE low, TYPE high, uint64_t *bitmap) {       \
    const TYPE span = (TYPE)(high - low);                                                                             \
    size_t hits = 0;                                                                                                  \
    for (size_t start = 0; start < count; start += 64) {                                                              \
      const size_t n = count - start < 64 ? count - start : 64;                                                       \
      uint64_t word = 0;                                                                                              \
      for (size_t i = 0; i < n; i++) word |= (uint64_t)((TYPE)(values[start + i] - low) <= span) << i;                \
      bitmap[start / 64] = word;                                                                                      \
      hits += (size_t)__builtin_popcountll(word);                                                                     \
    }                                                                                                                 \
    return hits;                                                                                                      \
  }

PH_BETWEEN(8, uint8_t)
PH_BETWEEN(16, uint16_t)
PH_BETWEEN(32, uint32_t)
PH_BETWEEN(64, uint64_t)

#if defined(__x86_64__)
#define PH_V4 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,popcnt,bmi2")))
#define PH_V3 __attribute__((target("avx2,popcnt,bmi2")))

#define PH_BETWEEN_V4(BITS, TYPE, SET)                                                                                \
  PH_V4 static size_t between##BITS##_v4(const TYPE *values, size_t count, TYPE low, TYPE high, uint64_t *bitmap) {   \
    const __m512i lows = SET(low), spans = SET((TYPE)(high - low));                                                   \
    size_t hits = 0;                                                                                                  \
    for (size_t start = 0; start < count; start += 64) {                                                              \
      const size_t n = count - start < 64 ? count - start : 64;                                                       \
      uint64_t word = 0;                                                                                              \
      for (size_t i = 0; i < n; i += 512 / BITS) {                                                                    \
        const __m512i v = _mm512_sub_epi##BITS(_mm512_loadu_si512(values + start + i), lows);                         \
        word |= (uint64_t)_mm512_cmple_epu##BITS##_mask(v, spans) << i;                                               \
      }                                                                                                               \
      if (n < 64) word &= ((uint64_t)1 << n) - 1;                                                                     \
      bitmap[start / 64] = word;                                                                                      \
      hits += (size_t)__builtin_popcountll(word);                                                                     \
    }                                                                                                                 \
    return hits;                                                                                                      \
  }

PH_BETWEEN_V4(8, uint8_t, _mm512_set1_epi8)
PH_BETWEEN_V4(16, uint16_t, _mm512_set1_epi16)
PH_BETWEEN_V4(32, uint32_t, _mm512_set1_epi32)
PH_BETWEEN_V4(64, uint64_t, _mm512_set1_epi64)

// x <= s, unsigned, is max(x, s) == s where there is such a max; 64 bits compare with the sign flipped.
PH_V3 static inline uint64_t mask8_v3(__m256i v, __m256i spans) {
  return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(v, spans), spans));
}
PH_V3 static inline uint64_t mask16_v3(__m256i v, __m256i spans) {
  const __m256i equal = _mm256_cmpeq_epi16(_mm256_max_epu16(v, spans), spans);
  return _pext_u32((uint32_t)_mm256_movemask_epi8(equal), 0x55555555u);
}
PH_V3 static inline uint64_t mask32_v3(__m256i v, __m256i spans) {
  const __m256i equal = _mm256_cmpeq_epi32(_mm256_max_epu32(v, spans), spans);
  return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(equal));
}
PH_V3 static inline uint64_t mask64_v3(__m256i v, __m256i spans) {
  const __m256i sign = _mm256_set1_epi64x(INT64_MIN);
  const __m256i above = _mm256_cmpgt_epi64(_mm256_xor_si256(v, sign), _mm256_xor_si256(spans, sign));
  return (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(above)) ^ 0xFu;
}

#define PH_BETWEEN_V3(BITS, TYPE, SET)                                                                                \
  PH_V3 static size_t between##BITS##_v3(const TYPE *values, size_t count, TYPE low, TYPE high, uint64_t *bitmap) {   \
    const __m256i lows = SET(low), spans = SET((TYPE)(high - low));                                                   \
    size_t hits = 0;                                                                                                  \
    for (size_t start = 0; start < count; start += 64) {                                                              \
      const size_t n = count - start < 64 ? count - start : 64;                                                       \
      uint64_t word = 0;                                                                                              \
      for (size_t i = 0; i < n; i += 256 / BITS) {                                                                    \
        const __m256i v =                                                                                             \
            _mm256_sub_epi##BITS(_mm256_loadu_si256((const __m256i *)(values + start + i)), lows);                    \
        word |= mask##BITS##_v3(v, spans) << i;                                                                       \
      }                                                                                                               \
      if (n < 64) word &= ((uint64_t)1 << n) - 1;                                                                     \
      bitmap[start / 64] = word;                                                                                      \
      hits += (size_t)__builtin_popcountll(word);                                                                     \
    }                                                                                                                 \
    return hits;                                                                                                      \
  }

PH_BETWEEN_V3(8, uint8_t, _mm256_set1_epi8)
PH_BETWEEN_V3(16, uint16_t, _mm256_set1_epi16)
PH_BETWEEN_V3(32, uint32_t, _mm256_set1_epi32)
PH_BETWEEN_V3(64, uint64_t, _mm256_set1_epi64x)

// Eight at a time: shift-and-add inside the register, then add the last of the eight before.
PH_V4 static void prefix_v4(int64_t *values, size_t count, int64_t first) {
  if (count == 0) return;
  values[0] = first;
  const __m512i zero = _mm512_setzero_si512(), last = _mm512_set1_epi64(7);
  __m512i carry = zero;
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    __m512i v = _mm512_loadu_si512(values + i);
    v = _mm512_add_epi64(v, _mm512_alignr_epi64(v, zero, 7));
    v = _mm512_add_epi64(v, _mm512_alignr_epi64(v, zero, 6));
    v = _mm512_add_epi64(v, _mm512_alignr_epi64(v, zero, 4));
    v = _mm512_add_epi64(v, carry);
    _mm512_storeu_si512(values + i, v);
    carry = _mm512_permutexvar_epi64(last, v);
  }
  uint64_t sum = i == 0 ? 0 : (uint64_t)values[i - 1];
  for (; i < count; i++) {
    sum += (uint64_t)values[i];
    values[i] = (int64_t)sum;
  }
}

static size_t (*between8)(const uint8_t *, size_t, uint8_t, uint8_t, uint64_t *) = between8_base;
static size_t (*between16)(const uint16_t *, size_t, uint16_t, uint16_t, uint64_t *) = between16_base;
static size_t (*between32)(const uint32_t *, size_t, uint32_t, uint32_t, uint64_t *) = between32_base;
static size_t (*between64)(const uint64_t *, size_t, uint64_t, uint64_t, uint64_t *) = between64_base;
#endif

static void prefix_base(int64_t *values, size_t count, int64_t first) {
  if (count == 0) return;
  uint64_t sum = (uint64_t)first;
  values[0] = first;
  for (size_t i = 1; i < count; i++) {
    sum += (uint64_t)values[i];
    values[i] = (int64_t)sum;
  }
}

#if defined(__x86_64__)
static void (*prefix)(int64_t *, size_t, int64_t) = prefix_base;

__attribute__((constructor)) static void pick_packing(void) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    between8 = between8_v4;
    between16 = between16_v4;
    between32 = between32_v4;
    between64 = between64_v4;
    prefix = prefix_v4;
  } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) {
    between8 = between8_v3;
    between16 = between16_v3;
    between32 = between32_v3;
    between64 = between64_v3;
  }
}
#else
#define between8 between8_base
#define between16 between16_base
#define between32 between32_base
#define between64 between64_base
#define prefix prefix_base
#endif

size_t ph_between8(const uint8_t *values, size_t count, uint8_t low, uint8_t high, uint64_t *bitmap) {
  return between8(values, count, low, high, bitmap);
}
size_t ph_between16(const uint16_t *values, size_t count, uint16_t low, uint16_t high, uint64_t *bitmap) {
  return between16(values, count, low, high, bitmap);
}
size_t ph_between32(const uint32_t *values, size_t count, uint32_t low, uint32_t high, uint64_t *bitmap) {
  return between32(values, count, low, high, bitmap);
}
size_t ph_between64(const uint64_t *values, size_t count, uint64_t low, uint64_t high, uint64_t *bitmap) {
  return between64(values, count, low, high, bitmap);
}
void ph_prefix_sum64(int64_t *values, size_t count, int64_t first) { prefix(values, count, first); }
