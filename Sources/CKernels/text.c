// Counting a byte and finding the structure of CSV, chosen at load time: AVX-512, AVX2 or plain C.
#define _GNU_SOURCE
#include "CKernels.h"
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

int ph_scale_to_double(uint64_t mantissa, int exponent, double *result) {
#if defined(__x86_64__) && __LDBL_MANT_DIG__ == 64
  static const long double powers[28] = {1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,  1e7L,  1e8L,  1e9L,
                                         1e10L, 1e11L, 1e12L, 1e13L, 1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L,
                                         1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};
  if (exponent < -27 || exponent > 27) return 0;
  long double wide = exponent < 0 ? (long double)mantissa / powers[-exponent] : (long double)mantissa * powers[exponent];
  uint64_t significand;
  memcpy(&significand, &wide, 8);
  if ((significand & 0x7FF) == 0x400) return 0;
  *result = (double)wide;
  return 1;
#else
  (void)mantissa;
  (void)exponent;
  (void)result;
  return 0;
#endif
}

// The C locale, so that no setting of the machine changes what a decimal point is.
static locale_t plain;

double ph_parse_double(const char *text) { return plain ? strtod_l(text, NULL, plain) : strtod(text, NULL); }

float ph_parse_float(const char *text) { return plain ? strtof_l(text, NULL, plain) : strtof(text, NULL); }

static size_t count_base(const uint8_t *p, size_t n, uint8_t byte) {
  size_t total = 0;
  for (size_t i = 0; i < n; i++) total += p[i] == byte;
  return total;
}

// One 64-byte block as three bit masks.
typedef struct {
  uint64_t delimiters, quotes, newlines;
} masks;

// Each bit becomes the parity of the bits up to and including it.
static inline uint64_t prefix_parity(uint64_t bits) {
  bits ^= bits << 1;
  bits ^= bits << 2;
  bits ^= bits << 4;
  bits ^= bits << 8;
  bits ^= bits << 16;
  bits ^= bits << 32;
  return bits;
}

static inline size_t take(masks found, uint64_t wanted, uint32_t base, uint64_t *inside, uint32_t *positions) {
  uint64_t quoted = prefix_parity(found.quotes & wanted) ^ *inside;
  uint64_t ends = (found.delimiters | found.newlines) & ~quoted & wanted;
  *inside = wanted == ~0ull ? (uint64_t)((int64_t)quoted >> 63)
                            : (((quoted >> (63 - __builtin_clzll(wanted))) & 1) ? ~0ull : 0ull);
  size_t count = (size_t)__builtin_popcountll(ends);
  while (ends) {
    *positions++ = base + (uint32_t)__builtin_ctzll(ends);
    ends &= ends - 1;
  }
  return count;
}

#define CSV_BODY(LOOK)                                                                                                 \
  size_t total = 0;                                                                                                    \
  for (size_t i = 0; i < n; i += 64) {                                                                                 \
    uint64_t wanted = n - i >= 64 ? ~0ull : (1ull << (n - i)) - 1;                                                     \
    total += take(LOOK(p + i, delimiter, quote), wanted, (uint32_t)i, inside, positions + total);                      \
  }                                                                                                                    \
  return total;

static inline masks look_base(const uint8_t *p, uint8_t delimiter, uint8_t quote) {
  masks found = {0, 0, 0};
  for (int i = 0; i < 64; i++) {
    found.delimiters |= (uint64_t)(p[i] == delimiter) << i;
    found.quotes |= (uint64_t)(p[i] == quote) << i;
    found.newlines |= (uint64_t)(p[i] == '\n') << i;
  }
  return found;
}

static size_t csv_base(const uint8_t *p, size_t n, uint8_t delimiter, uint8_t quote, uint64_t *inside,
                       uint32_t *positions) {
  CSV_BODY(look_base)
}

static inline size_t spread(uint64_t bits, uint32_t base, uint32_t *positions) {
  size_t count = (size_t)__builtin_popcountll(bits);
  while (bits) {
    *positions++ = base + (uint32_t)__builtin_ctzll(bits);
    bits &= bits - 1;
  }
  return count;
}

#define FIND_BODY(LOOK)                                                                                                \
  size_t total = 0;                                                                                                    \
  for (size_t i = 0; i < n; i += 64) {                                                                                 \
    uint64_t wanted = n - i >= 64 ? ~0ull : (1ull << (n - i)) - 1;                                                     \
    total += spread(LOOK(p + i, byte) & wanted, (uint32_t)i, positions + total);                                       \
  }                                                                                                                    \
  return total;

static inline uint64_t equal_base(const uint8_t *p, uint8_t byte) {
  uint64_t found = 0;
  for (int i = 0; i < 64; i++) found |= (uint64_t)(p[i] == byte) << i;
  return found;
}

static size_t find_base(const uint8_t *p, size_t n, uint8_t byte, uint32_t *positions) { FIND_BODY(equal_base) }

#if defined(__x86_64__)
__attribute__((target("avx2,popcnt"))) static size_t count_avx2(const uint8_t *p, size_t n, uint8_t byte) {
  const __m256i wanted = _mm256_set1_epi8((char)byte);
  size_t total = 0, i = 0;
  for (; i + 32 <= n; i += 32) {
    __m256i block = _mm256_loadu_si256((const __m256i *)(p + i));
    total += (size_t)__builtin_popcount((unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(block, wanted)));
  }
  return total + count_base(p + i, n - i, byte);
}

__attribute__((target("avx512f,avx512bw,popcnt"))) static size_t count_avx512(const uint8_t *p, size_t n,
                                                                             uint8_t byte) {
  const __m512i wanted = _mm512_set1_epi8((char)byte);
  size_t total = 0, i = 0;
  for (; i + 64 <= n; i += 64)
    total += (size_t)__builtin_popcountll(_mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p + i), wanted));
  return total + count_base(p + i, n - i, byte);
}

__attribute__((target("avx2"))) static inline uint64_t equal_avx2(__m256i low, __m256i high, uint8_t byte) {
  const __m256i wanted = _mm256_set1_epi8((char)byte);
  return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)) |
         (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)) << 32;
}

__attribute__((target("avx2"))) static inline masks look_avx2(const uint8_t *p, uint8_t delimiter, uint8_t quote) {
  __m256i low = _mm256_loadu_si256((const __m256i *)p);
  __m256i high = _mm256_loadu_si256((const __m256i *)(p + 32));
  masks found = {equal_avx2(low, high, delimiter), equal_avx2(low, high, quote), equal_avx2(low, high, '\n')};
  return found;
}

__attribute__((target("avx2"))) static size_t csv_avx2(const uint8_t *p, size_t n, uint8_t delimiter, uint8_t quote,
                                                       uint64_t *inside, uint32_t *positions) {
  CSV_BODY(look_avx2)
}

__attribute__((target("avx2"))) static inline uint64_t equal64_avx2(const uint8_t *p, uint8_t byte) {
  return equal_avx2(_mm256_loadu_si256((const __m256i *)p), _mm256_loadu_si256((const __m256i *)(p + 32)), byte);
}

__attribute__((target("avx2,popcnt,bmi"))) static size_t find_avx2(const uint8_t *p, size_t n, uint8_t byte,
                                                                  uint32_t *positions) {
  FIND_BODY(equal64_avx2)
}

__attribute__((target("avx512f,avx512bw"))) static inline uint64_t equal64_avx512(const uint8_t *p, uint8_t byte) {
  return _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p), _mm512_set1_epi8((char)byte));
}

__attribute__((target("avx512f,avx512bw,popcnt,bmi"))) static size_t find_avx512(const uint8_t *p, size_t n,
                                                                                uint8_t byte, uint32_t *positions) {
  FIND_BODY(equal64_avx512)
}

__attribute__((target("avx512f,avx512bw"))) static inline masks look_avx512(const uint8_t *p, uint8_t delimiter,
                                                                           uint8_t quote) {
  __m512i block = _mm512_loadu_si512(p);
  masks found = {_mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8((char)delimiter)),
                 _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8((char)quote)),
                 _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('\n'))};
  return found;
}

__attribute__((target("avx512f,avx512bw"))) static size_t csv_avx512(const uint8_t *p, size_t n, uint8_t delimiter,
                                                                    uint8_t quote, uint64_t *inside,
                                                                    uint32_t *positions) {
  CSV_BODY(look_avx512)
}
#endif

static size_t (*count_byte)(const uint8_t *, size_t, uint8_t) = count_base;
static size_t (*find_all)(const uint8_t *, size_t, uint8_t, uint32_t *) = find_base;
static size_t (*csv_structure)(const uint8_t *, size_t, uint8_t, uint8_t, uint64_t *, uint32_t *) = csv_base;

__attribute__((constructor)) static void pick(void) {
  plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bw")) {
    count_byte = count_avx512;
    find_all = find_avx512;
    csv_structure = csv_avx512;
  } else if (__builtin_cpu_supports("avx2")) {
    count_byte = count_avx2;
    find_all = find_avx2;
    csv_structure = csv_avx2;
  }
#endif
}

size_t ph_count_byte(const void *bytes, size_t count, uint8_t byte) { return count_byte(bytes, count, byte); }

size_t ph_find_all(const void *bytes, size_t count, uint8_t byte, uint32_t *positions) {
  return find_all(bytes, count, byte, positions);
}

size_t ph_after_last(const void *bytes, size_t count, uint8_t byte) {
  const uint8_t *last = memrchr(bytes, byte, count);
  return last ? (size_t)(last - (const uint8_t *)bytes) + 1 : 0;
}

size_t ph_csv_structure(const void *bytes, size_t count, uint8_t delimiter, uint8_t quote, uint64_t *inside,
                        uint32_t *positions) {
  return csv_structure(bytes, count, delimiter, quote, inside, positions);
}
