#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define PH_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define PH_CLONES
#endif

#define PH_NARROW(BITS)                                                                                               \
  PH_CLONES static void narrow##BITS(const uint64_t *restrict values, size_t count, uint64_t frame,                   \
                                     uint##BITS##_t *restrict lanes) {                                                \
    for (size_t i = 0; i < count; i++) lanes[i] = (uint##BITS##_t)(values[i] - frame);                                \
    for (size_t i = count; i < 1024; i++) lanes[i] = 0;                                                               \
  }

PH_NARROW(8)
PH_NARROW(16)
PH_NARROW(32)
PH_NARROW(64)

void ph_narrow64(const uint64_t *values, size_t count, uint64_t frame, unsigned lane_log, void *lanes) {
  switch (lane_log) {
    case 0: narrow8(values, count, frame, lanes); break;
    case 1: narrow16(values, count, frame, lanes); break;
    case 2: narrow32(values, count, frame, lanes); break;
    default: narrow64(values, count, frame, lanes);
  }
}

// A word of all lanes is 128 bytes: two vectors of 64, which the compiler cuts to what the processor has. All lanes
// shift by the same amount, so a body per width is not needed.
#define PH_PACKING(BITS, TYPE)                                                                                        \
  typedef TYPE lanes##BITS __attribute__((vector_size(64), aligned(1), may_alias));                                   \
  PH_CLONES void ph_unpack##BITS(const TYPE *restrict packed, unsigned width, TYPE *restrict values) {                \
    const lanes##BITS *in = (const lanes##BITS *)packed;                                                              \
    lanes##BITS *out = (lanes##BITS *)values;                                                                         \
    if (width == 0 || width >= BITS) {                                                                                \
      for (int i = 0; i < 2 * BITS; i++) out[i] = width == 0 ? (lanes##BITS){0} : in[i];                              \
      return;                                                                                                         \
    }                                                                                                                 \
    const lanes##BITS mask = (lanes##BITS){0} + (TYPE)(((TYPE)1 << width) - 1);                                       \
    unsigned shift = 0;                                                                                               \
    for (int row = 0; row < BITS; row++) {                                                                            \
      lanes##BITS low = in[0] >> (TYPE)shift, high = in[1] >> (TYPE)shift;                                            \
      shift += width;                                                                                                 \
      if (shift >= BITS) {                                                                                            \
        in += 2;                                                                                                      \
        shift -= BITS;                                                                                                \
        if (shift > 0) {                                                                                              \
          low |= in[0] << (TYPE)(width - shift);                                                                      \
          high |= in[1] << (TYPE)(width - shift);                                                                     \
        }                                                                                                             \
      }                                                                                                               \
      out[2 * row] = low & mask;                                                                                      \
      out[2 * row + 1] = high & mask;                                                                                 \
    }                                                                                                                 \
  }                                                                                                                   \
  PH_CLONES void ph_pack##BITS(const TYPE *restrict values, unsigned width, TYPE *restrict packed) {                  \
    const lanes##BITS *in = (const lanes##BITS *)values;                                                              \
    lanes##BITS *out = (lanes##BITS *)packed;                                                                         \
    if (width == 0) return;                                                                                           \
    if (width >= BITS) {                                                                                              \
      for (int i = 0; i < 2 * BITS; i++) out[i] = in[i];                                                              \
      return;                                                                                                         \
    }                                                                                                                 \
    const lanes##BITS mask = (lanes##BITS){0} + (TYPE)(((TYPE)1 << width) - 1);                                       \
    lanes##BITS low = {0}, high = {0};                                                                                \
    unsigned shift = 0;                                                                                               \
    for (int row = 0; row < BITS; row++) {                                                                            \
      const lanes##BITS first = in[2 * row] & mask, second = in[2 * row + 1] & mask;                                  \
      low |= first << (TYPE)shift;                                                                                    \
      high |= second << (TYPE)shift;                                                                                  \
      shift += width;                                                                                                 \
      if (shift >= BITS) {                                                                                            \
        out[0] = low;                                                                                                 \
        out[1] = high;                                                                                                \
        out += 2;                                                                                                     \
        shift -= BITS;                                                                                                \
        low = shift > 0 ? first >> (TYPE)(width - shift) : (lanes##BITS){0};                                          \
        high = shift > 0 ? second >> (TYPE)(width - shift) : (lanes##BITS){0};                                        \
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

static void patch_base(uint64_t *values, const uint64_t *bitmap, const uint64_t *highs, unsigned shift,
                       uint64_t multiplier) {
  for (size_t word = 0; word < 16; word++) {
    for (uint64_t bits = bitmap[word]; bits; bits &= bits - 1) {
      const uint64_t high = shift < 64 ? *highs++ << shift : (highs++, 0);
      values[word * 64 + (size_t)__builtin_ctzll(bits)] += high * multiplier;
    }
  }
}

#if defined(__x86_64__)
// Eight rows at a time: the next high parts are spread to the lanes whose bits are set.
PH_V4 static void patch_v4(uint64_t *values, const uint64_t *bitmap, const uint64_t *highs, unsigned shift,
                           uint64_t multiplier) {
  const __m512i shifts = _mm512_set1_epi64((int64_t)shift), multipliers = _mm512_set1_epi64((int64_t)multiplier);
  for (size_t word = 0; word < 16; word++) {
    uint64_t bits = bitmap[word];
    for (uint64_t *row = values + word * 64; bits; row += 8, bits >>= 8) {
      const __mmask8 mask = (__mmask8)bits;
      __m512i high = _mm512_maskz_expand_epi64(mask, _mm512_loadu_si512(highs));
      high = _mm512_sllv_epi64(high, shifts);
      if (multiplier != 1) high = _mm512_mullo_epi64(high, multipliers);
      _mm512_storeu_si512(row, _mm512_add_epi64(_mm512_loadu_si512(row), high));
      highs += (unsigned)__builtin_popcount(mask);
    }
  }
}

static void (*patch)(uint64_t *, const uint64_t *, const uint64_t *, unsigned, uint64_t) = patch_base;
static void (*prefix)(int64_t *, size_t, int64_t) = prefix_base;

__attribute__((constructor)) static void pick_packing(void) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    between8 = between8_v4;
    between16 = between16_v4;
    between32 = between32_v4;
    between64 = between64_v4;
    prefix = prefix_v4;
    patch = patch_v4;
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
#define patch patch_base
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

void ph_patch64(uint64_t *values, const uint64_t *bitmap, const uint64_t *highs, unsigned shift, uint64_t multiplier) {
  patch(values, bitmap, highs, shift, multiplier);
}

static void divide_base(const int64_t *values, size_t count, double divisor, double *quotients) {
  for (size_t i = 0; i < count; i++) {
    int64_t value;
    __builtin_memcpy(&value, values + i, 8);
    const double quotient = (double)value / divisor;
    __builtin_memcpy(quotients + i, &quotient, 8);
  }
}

#if defined(__x86_64__)
// AVX-512 converts eight 64-bit integers at once, which older levels cannot; the division is exact in all of them.
PH_V4 static void divide_v4(const int64_t *values, size_t count, double divisor, double *quotients) {
  const __m512d divisors = _mm512_set1_pd(divisor);
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m512d converted = _mm512_cvtepi64_pd(_mm512_loadu_si512(values + i));
    _mm512_storeu_pd(quotients + i, _mm512_div_pd(converted, divisors));
  }
  if (i == count) return;
  const __mmask8 rest = (__mmask8)((1u << (count - i)) - 1);
  const __m512d converted = _mm512_cvtepi64_pd(_mm512_maskz_loadu_epi64(rest, values + i));
  _mm512_mask_storeu_pd(quotients + i, rest, _mm512_div_pd(converted, divisors));
}
#endif

void ph_divide_decimals(const int64_t *values, size_t count, double divisor, double *quotients) {
#if defined(__x86_64__)
  if (prefix == prefix_v4) {
    divide_v4(values, count, divisor, quotients);
    return;
  }
#endif
  divide_base(values, count, divisor, quotients);
}
