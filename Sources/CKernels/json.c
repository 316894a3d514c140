// Reading records of numbers whose shape is known: literals are compared 32 bytes at a time, numbers of up to fifteen
// digits read at once.
#include "CKernels.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define PH_JSON __attribute__((target("avx2,bmi,bmi2")))
#else
#define PH_JSON
#endif

// A number's digits: `whole` before the point, `fraction` after it (0 when there is no point).
typedef struct {
  uint64_t mantissa;
  unsigned whole, fraction;
} digits;

#if defined(__x86_64__)

PH_JSON static inline int equals(const uint8_t *text, const uint8_t *literal, uint32_t count) {
  for (;;) {
    const __m256i same = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)text),
                                           _mm256_loadu_si256((const __m256i *)literal));
    const uint32_t differ = ~(uint32_t)_mm256_movemask_epi8(same);
    if (count <= 32) return _bzhi_u64(differ, count) == 0;
    if (differ) return 0;
    text += 32;
    literal += 32;
    count -= 32;
  }
}

// Shuffles that push the first n bytes to the right, zeros before them: the sixteen bytes from n on.
static const uint8_t right[32] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                  0x80, 0x80, 0x80, 0x80, 0x80, 0,    1,    2,    3,    4,    5,
                                  6,    7,    8,    9,    10,   11,   12,   13,   14,   15};

PH_JSON static inline uint64_t sixteen(__m128i text, unsigned count) {
  __m128i d = _mm_shuffle_epi8(text, _mm_loadu_si128((const __m128i *)(right + count)));
  d = _mm_maddubs_epi16(d, _mm_set1_epi16(0x010A));
  d = _mm_madd_epi16(d, _mm_set1_epi32(0x00010064));
  d = _mm_packus_epi32(d, d);
  d = _mm_madd_epi16(d, _mm_set1_epi32(0x00012710));
  const uint64_t halves = (uint64_t)_mm_cvtsi128_si64(d);
  return (halves & 0xFFFFFFFFu) * 100000000u + (halves >> 32);
}

PH_JSON static inline unsigned digit_mask(__m128i text) {
  return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(text, _mm_set1_epi8(9)), text));
}

// Returns 0 for what it does not understand at once.
PH_JSON static inline int read_whole(const uint8_t *p, digits *found) {
  const __m128i text = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8('0'));
  const unsigned count = (unsigned)__builtin_ctz(~digit_mask(text));
  found->whole = count;
  found->mantissa = sixteen(text, count);
  return count - 1 < 15;
}

PH_JSON static inline int read_fraction(const uint8_t *p, digits *found) {
  const __m128i text = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8('0'));
  const unsigned mask = digit_mask(text), whole = (unsigned)__builtin_ctz(~mask);
  if (whole - 1 >= 14 || p[whole] != '.') {
    found->whole = whole;
    found->fraction = 0;
    found->mantissa = sixteen(text, whole);
    return whole - 1 < 15;
  }
  const unsigned fraction = (unsigned)__builtin_ctz(~(mask >> (whole + 1)));
  // What comes before the point moves over it.
  const __m128i places = _mm_set_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m128i before = _mm_cmpgt_epi8(_mm_set1_epi8((char)(whole + 1)), places);
  const __m128i joined = _mm_blendv_epi8(text, _mm_slli_si128(text, 1), before);
  found->whole = whole;
  found->fraction = fraction;
  found->mantissa = sixteen(joined, whole + fraction + 1);
  return fraction > 0 && whole + 1 + fraction < 16;
}

#else

static inline int equals(const uint8_t *text, const uint8_t *literal, uint32_t count) {
  return memcmp(text, literal, count) == 0;
}

static inline int read_whole(const uint8_t *p, digits *found) {
  found->mantissa = 0;
  found->whole = (unsigned)ph_read_digits(p, &found->mantissa);
  return found->whole - 1 < 15;
}

static inline int read_fraction(const uint8_t *p, digits *found) {
  found->fraction = 0;
  if (!read_whole(p, found)) return 0;
  if (p[found->whole] != '.') return 1;
  found->fraction = (unsigned)ph_read_digits(p + found->whole + 1, &found->mantissa);
  return found->fraction > 0 && found->whole + 1 + found->fraction < 16;
}

#endif

PH_JSON size_t ph_json_read(const ph_json_step *steps, const void *block, size_t begin, const uint32_t *ends,
                            size_t line_count, size_t row, int64_t offset, int64_t line, int64_t *offsets,
                            int64_t *lines) {
  const uint8_t *start = (const uint8_t *)block + begin;
  for (size_t index = 0; index < line_count; index++, row++) {
    const uint8_t *const end = (const uint8_t *)block + ends[index];
    const uint8_t *p = start;
    for (const ph_json_step *step = steps;; step++) {
      const uint32_t count = step->literal_count;
      if ((size_t)(end - p) < count || !equals(p, step->literal, count)) return index;
      p += count;
      if (step->kind == ph_json_end) break;
      digits found;
      // Signs of whole numbers are easily foretold, those of fractions are not.
      if (step->kind != ph_json_double) {
        const int negative = __builtin_expect(*p == '-', 0);
        if (negative) p++;
        if (!read_whole(p, &found) || (found.whole > 1 && *p == '0')) return index;
        p += found.whole;
        if (*p == '.' || (*p | 0x20) == 'e') return index;
        const int64_t value = negative ? -(int64_t)found.mantissa : (int64_t)found.mantissa;
        switch (step->kind) {
        case ph_json_int16:
          if (value != (int16_t)value) return index;
          ((int16_t *)step->values)[row] = (int16_t)value;
          break;
        case ph_json_int32:
          if (value != (int32_t)value) return index;
          ((int32_t *)step->values)[row] = (int32_t)value;
          break;
        default: ((int64_t *)step->values)[row] = value;
        }
      } else {
        const uint64_t sign = *p == '-';
        p += sign;
        if (!read_fraction(p, &found) || (found.whole > 1 && *p == '0')) return index;
        p += found.whole + (found.fraction > 0) + found.fraction;
        if (*p == '.' || (*p | 0x20) == 'e') return index;
        const double value = (double)(int64_t)found.mantissa / ph_power_of_ten_double(found.fraction);
        uint64_t bits;
        memcpy(&bits, &value, 8);
        ((uint64_t *)step->values)[row] = bits ^ sign << 63;
      }
    }
    if (p != end) return index;
    offsets[row] = offset + (start - (const uint8_t *)block);
    lines[row] = line + (int64_t)index;
    start = end + 1;
  }
  return line_count;
}
