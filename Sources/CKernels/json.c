// Reading records of numbers whose shape is known. Where numbers lie is found for a whole block ahead of their values,
// so that no number waits for the end of the one before it; then a group of records is read column by column, with no
// branch that depends on a value: what is wrong anywhere is gathered, and asked for once a column.
#include "CKernels.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define PH_JSON __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define PH_JSON512                                                                                                     \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512bitalg,bmi,bmi2,popcnt")))
#else
#define PH_JSON
#endif

// The bytes that plain numbers are made of lie side by side: sign, point, digits; and a slash, refused with the values.
enum { first_byte = '-', byte_kinds = '9' - '-' + 1 };

static inline size_t spread(uint64_t bits, uint32_t base, uint16_t *edges) {
  const size_t count = (size_t)__builtin_popcountll(bits);
  while (bits) {
    *edges++ = (uint16_t)(base + (uint32_t)__builtin_ctzll(bits));
    bits &= bits - 1;
  }
  return count;
}

#define EDGES_BODY(LOOK, SPREAD)                                                                                       \
  size_t total = 0;                                                                                                    \
  uint64_t before = 0;                                                                                                 \
  for (size_t i = 0; i < n; i += 64) {                                                                                 \
    const uint64_t wanted = n - i >= 64 ? ~0ull : (1ull << (n - i)) - 1, inside = LOOK(p + i);                         \
    total += SPREAD((inside ^ (inside << 1 | before)) & wanted, (uint32_t)i, edges + total);                           \
    before = inside >> 63;                                                                                             \
  }                                                                                                                    \
  return total;

static inline uint64_t inside_base(const uint8_t *p) {
  const uint64_t each = 0x0101010101010101u, high = each << 7;
  uint64_t inside = 0;
  for (int i = 0; i < 64; i += 8) {
    uint64_t text;
    memcpy(&text, p + i, 8);
    // No byte borrows from the next one: the high bits of all are set.
    const uint64_t from = (text | high) - each * first_byte, past = (text | high) - each * (first_byte + byte_kinds);
    inside |= ((from & ~past & ~text & high) >> 7) * 0x0102040810204080u >> 56 << i;
  }
  return inside;
}

static size_t edges_base(const uint8_t *p, size_t n, uint16_t *edges) { EDGES_BODY(inside_base, spread) }

static size_t (*find_edges)(const uint8_t *, size_t, uint16_t *) = edges_base;

size_t ph_json_edges(const void *bytes, size_t count, uint16_t *edges) { return find_edges(bytes, count, edges); }

// Records that are read together, the first into row `row`: their bytes, and the edges of the column at hand.
typedef struct {
  const uint8_t *bytes;
  const uint16_t *edges;
  size_t edge_count, count, row;
} group;

#if defined(__x86_64__)

PH_JSON static inline uint32_t inside32(const uint8_t *p) {
  const __m256i kind = _mm256_sub_epi8(_mm256_loadu_si256((const __m256i *)p), _mm256_set1_epi8(first_byte));
  const __m256i bounded = _mm256_min_epu8(kind, _mm256_set1_epi8(byte_kinds - 1));
  return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bounded, kind));
}

PH_JSON static inline uint64_t inside_avx2(const uint8_t *p) { return inside32(p) | (uint64_t)inside32(p + 32) << 32; }

PH_JSON static size_t edges_avx2(const uint8_t *p, size_t n, uint16_t *edges) { EDGES_BODY(inside_avx2, spread) }

PH_JSON512 static inline uint64_t inside_avx512(const uint8_t *p) {
  return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(_mm512_loadu_si512(p), _mm512_set1_epi8(first_byte)),
                                _mm512_set1_epi8(byte_kinds));
}

PH_JSON512 static inline size_t spread_avx512(uint64_t bits, uint32_t base, uint16_t *edges) {
  static const uint8_t places[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                     16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                     32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
                                     48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
  const size_t count = (size_t)__builtin_popcountll(bits);
  const __m512i found = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(places));
  const __m512i start = _mm512_set1_epi16((short)base);
  _mm512_storeu_si512(edges, _mm512_add_epi16(_mm512_cvtepu8_epi16(_mm512_castsi512_si256(found)), start));
  if (__builtin_expect(count > 32, 0)) {
    const __m256i rest = _mm512_extracti64x4_epi64(found, 1);
    _mm512_storeu_si512(edges + 32, _mm512_add_epi16(_mm512_cvtepu8_epi16(rest), start));
  }
  return count;
}

PH_JSON512 static size_t edges_avx512(const uint8_t *p, size_t n, uint16_t *edges) {
  EDGES_BODY(inside_avx512, spread_avx512)
}

// The least number that has so many digits, but for one digit: a smaller one starts with a zero.
static const uint64_t least[32] = {
    0,           0,            10,            100,            1000,            10000,           100000,
    1000000,     10000000,     100000000,     1000000000,     10000000000,     100000000000,    1000000000000,
    10000000000000, 100000000000000, 1000000000000000};

// Shuffles that push the first `count` bytes to the right, zeros before them: the sixteen bytes from `count` on.
static const uint8_t right[48] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                  0x80, 0x80, 0x80, 0x80, 0,    1,    2,    3,    4,    5,    6,    7,
                                  8,    9,    10,   11,   12,   13,   14,   15};
// The same for a count, but without the byte at the second index.
static uint8_t joins[17][17][16];
// True where the processor has all that the functions of AVX-512 below want.
static int has_quartets;

__attribute__((constructor)) static void pick(void) {
  for (unsigned count = 0; count < 17; count++) {
    for (unsigned point = 0; point < 17; point++) {
      uint8_t *const join = joins[count][point];
      memset(join, 0x80, 16);
      unsigned place = 16;
      for (unsigned i = count; i-- > 0;)
        if (i != point) join[--place] = (uint8_t)i;
    }
  }
  __builtin_cpu_init();
  has_quartets = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                 __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
                 __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512bitalg");
  if (has_quartets)
    find_edges = edges_avx512;
  else if (__builtin_cpu_supports("avx2"))
    find_edges = edges_avx2;
}

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

PH_JSON static inline uint64_t sixteen(__m128i digits) {
  __m128i d = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010A));
  d = _mm_madd_epi16(d, _mm_set1_epi32(0x00010064));
  d = _mm_packus_epi32(d, d);
  d = _mm_madd_epi16(d, _mm_set1_epi32(0x00012710));
  const uint64_t halves = (uint64_t)_mm_cvtsi128_si64(d);
  return (halves & 0xFFFFFFFFu) * 100000000u + (halves >> 32);
}

// True when the literal stands between `from` and the group's edges in all its records.
PH_JSON static int literals(const group *g, const ph_json_step *step, const uint16_t *from, size_t from_stride) {
  static const uint8_t ones[64] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                   255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
  const uint32_t literal_count = step->literal_count;
  if (literal_count > 32) {
    for (size_t i = 0; i < g->count; i++) {
      const size_t at = from[i * from_stride];
      if (g->edges[i * g->edge_count] - at != literal_count || !equals(g->bytes + at, step->literal, literal_count))
        return 0;
    }
    return 1;
  }
  const __m256i literal = _mm256_loadu_si256((const __m256i *)step->literal);
  const __m256i wanted = _mm256_loadu_si256((const __m256i *)(ones + 32 - literal_count));
  __m256i differ = _mm256_setzero_si256();
  size_t length = 0;
  const uint16_t *to = g->edges;
  for (size_t i = 0; i < g->count; i++, from += from_stride, to += g->edge_count) {
    const size_t at = *from;
    length |= (*to - at) ^ literal_count;
    const __m256i text = _mm256_loadu_si256((const __m256i *)(g->bytes + at));
    differ = _mm256_or_si256(differ, _mm256_and_si256(_mm256_xor_si256(text, literal), wanted));
  }
  return length == 0 && _mm256_testz_si256(differ, differ);
}

#define INTEGERS_BODY(TYPE)                                                                                            \
  TYPE *const values = (TYPE *)step->values + g->row;                                                                  \
  __m128i bad = _mm_setzero_si128();                                                                                   \
  size_t over = 0;                                                                                                     \
  uint64_t wrong = 0;                                                                                                  \
  const uint16_t *edge = g->edges;                                                                                     \
  for (size_t i = 0; i < g->count; i++, edge += g->edge_count) {                                                       \
    const uint8_t *p = g->bytes + edge[0];                                                                             \
    const size_t negative = *p == '-', length = (size_t)edge[1] - edge[0] - negative;                                  \
    p += negative;                                                                                                     \
    over |= length - 1;                                                                                                \
    const __m128i text = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8('0'));                        \
    const __m128i digits = _mm_shuffle_epi8(text, _mm_loadu_si128((const __m128i *)(right + (length & 31))));          \
    bad = _mm_or_si128(bad, _mm_subs_epu8(digits, _mm_set1_epi8(9)));                                                  \
    const uint64_t magnitude = sixteen(digits);                                                                        \
    wrong |= magnitude < least[length & 31];                                                                           \
    const int64_t value = (int64_t)((magnitude ^ (0 - (uint64_t)negative)) + negative);                                \
    wrong |= value != (TYPE)value;                                                                                     \
    values[i] = (TYPE)value;                                                                                           \
  }                                                                                                                    \
  return over < 16 && !wrong && _mm_testz_si128(bad, bad);

PH_JSON static int integers16(const group *g, const ph_json_step *step) { INTEGERS_BODY(int16_t) }
PH_JSON static int integers32(const group *g, const ph_json_step *step) { INTEGERS_BODY(int32_t) }
PH_JSON static int integers64(const group *g, const ph_json_step *step) { INTEGERS_BODY(int64_t) }

PH_JSON static int doubles(const group *g, const ph_json_step *step) {
  uint64_t *const values = (uint64_t *)step->values + g->row;
  __m128i bad = _mm_setzero_si128();
  size_t over = 0;
  int64_t wrong = 0;
  const uint16_t *edge = g->edges;
  for (size_t i = 0; i < g->count; i++, edge += g->edge_count) {
    const uint8_t *p = g->bytes + edge[0];
    const size_t negative = *p == '-';
    size_t length = (size_t)edge[1] - edge[0] - negative;
    p += negative;
    over |= length - 1;
    length = length < 16 ? length : 16;
    const __m128i text = _mm_loadu_si128((const __m128i *)p);
    const unsigned points = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(text, _mm_set1_epi8('.')));
    size_t whole = (size_t)__builtin_ctz(points | 0x10000);
    whole = whole < length ? whole : length;
    const size_t has_point = whole < length, fraction = length - whole - has_point;
    // Digits stand on both sides of a point, and a zero starts only what is below one.
    wrong |= (int64_t)(whole - 1) | (int64_t)(fraction - has_point) | ((int64_t)(*p - '1') & (int64_t)(1 - whole));
    const __m128i shuffle = _mm_loadu_si128((const __m128i *)joins[length][whole]);
    const __m128i digits = _mm_shuffle_epi8(_mm_sub_epi8(text, _mm_set1_epi8('0')), shuffle);
    bad = _mm_or_si128(bad, _mm_subs_epu8(digits, _mm_set1_epi8(9)));
    const double value = (double)(int64_t)sixteen(digits) / ph_power_of_ten_double(fraction & 15);
    uint64_t bits;
    memcpy(&bits, &value, 8);
    values[i] = bits ^ (uint64_t)negative << 63;
  }
  return over < 16 && wrong >= 0 && _mm_testz_si128(bad, bad);
}

// Four numbers at a time, sixteen bytes each. Masks have a bit for each byte.
static const uint64_t firsts = 0x0001000100010001;

typedef struct {
  __m512i text, lengths;
  uint64_t negative, digits;
} quartet;

// What was found wrong in any of them so far.
typedef struct {
  __m128i over;
  uint64_t wrong;
} faults;

// Loads the numbers of four records, the first of which has its edges at `edge`.
PH_JSON512 static inline quartet load_quartet(const uint8_t *bytes, const uint16_t *edge, size_t stride,
                                              faults *found) {
  const uint16_t *const second = edge + stride, *const third = second + stride, *const fourth = third + stride;
  const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(bytes + *edge))),
                                              _mm_loadu_si128((const __m128i *)(bytes + *second)), 1);
  const __m256i high =
      _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(bytes + *third))),
                              _mm_loadu_si128((const __m128i *)(bytes + *fourth)), 1);
  uint32_t edges[4];
  memcpy(edges, edge, 4);
  memcpy(edges + 1, second, 4);
  memcpy(edges + 2, third, 4);
  memcpy(edges + 3, fourth, 4);
  const __m128i pairs = _mm_set_epi32((int)edges[3], (int)edges[2], (int)edges[1], (int)edges[0]);
  const __m128i lengths = _mm_sub_epi32(_mm_srli_epi32(pairs, 16), _mm_and_si128(pairs, _mm_set1_epi32(0xFFFF)));
  found->over = _mm_or_si128(found->over, _mm_sub_epi32(lengths, _mm_set1_epi32(1)));
  quartet q;
  q.text = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  const __m512i spread = _mm512_set_epi32(0x0C0C0C0C, 0x0C0C0C0C, 0x0C0C0C0C, 0x0C0C0C0C, 0x08080808, 0x08080808,
                                          0x08080808, 0x08080808, 0x04040404, 0x04040404, 0x04040404, 0x04040404, 0, 0,
                                          0, 0);
  q.lengths = _mm512_permutexvar_epi8(spread, _mm512_castsi128_si512(lengths));
  q.negative = _mm512_mask_cmpeq_epi8_mask(firsts, q.text, _mm512_set1_epi8('-'));
  q.digits = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(q.text, _mm512_set1_epi8('0')), _mm512_set1_epi8(10));
  // The byte after the sign is a digit, and a zero only where none follows.
  const uint64_t leading = firsts + q.negative;
  const uint64_t zeros = _mm512_mask_cmpeq_epi8_mask(leading, q.text, _mm512_set1_epi8('0'));
  found->wrong |= (leading & ~q.digits) | (zeros << 1 & q.digits);
  return q;
}

// Returns four numbers of digits that start with one each of `digits`, in the first half of each sixteen bytes.
PH_JSON512 static inline __m256i join_quartet(__m512i digits, __m512i lengths, faults *found) {
  const __m512i places =
      _mm512_broadcast_i32x4(_mm_set_epi8(-1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12, -13, -14, -15, -16));
  // Places before the first are negative: there the shuffle gives zero.
  __m512i d = _mm512_shuffle_epi8(digits, _mm512_add_epi8(places, lengths));
  found->wrong |= _mm512_cmpgt_epu8_mask(d, _mm512_set1_epi8(9));
  d = _mm512_maddubs_epi16(d, _mm512_set1_epi16(0x010A));
  d = _mm512_madd_epi16(d, _mm512_set1_epi32(0x00010064));
  d = _mm512_packus_epi32(d, d);
  d = _mm512_madd_epi16(d, _mm512_set1_epi32(0x00012710));
  d = _mm512_add_epi64(_mm512_mul_epu32(d, _mm512_set1_epi64(100000000)), _mm512_srli_epi64(d, 32));
  return _mm512_castsi512_si256(_mm512_permutexvar_epi64(_mm512_set_epi64(6, 4, 2, 0, 6, 4, 2, 0), d));
}

PH_JSON512 static inline int is_faultless(const faults *found) {
  return !found->wrong && _mm_testz_si128(found->over, _mm_set1_epi32(~15));
}

// Reads the whole numbers of the first records, as many as make fours; -1 where one is wrong.
PH_JSON512 static long quartets_of_integers(const group *g, const ph_json_step *step) {
  faults found = {_mm_setzero_si128(), 0};
  const uint16_t *edge = g->edges;
  size_t i = 0;
  for (; i + 4 <= g->count; i += 4, edge += 4 * g->edge_count) {
    const quartet q = load_quartet(g->bytes, edge, g->edge_count, &found);
    const __m512i digits = _mm512_maskz_sub_epi8(~q.negative, q.text, _mm512_set1_epi8('0'));
    const __m256i magnitudes = join_quartet(digits, q.lengths, &found);
    const __mmask8 negative = (__mmask8)_pext_u64(q.negative, firsts);
    const __m256i values = _mm256_mask_sub_epi64(magnitudes, negative, _mm256_setzero_si256(), magnitudes);
    const size_t row = g->row + i;
    if (step->kind == ph_json_int64) {
      _mm256_storeu_si256((__m256i *)((int64_t *)step->values + row), values);
    } else if (step->kind == ph_json_int32) {
      const __m128i narrow = _mm256_cvtepi64_epi32(values);
      found.wrong |= _mm256_cmpneq_epi64_mask(_mm256_cvtepi32_epi64(narrow), values);
      _mm_storeu_si128((__m128i *)((int32_t *)step->values + row), narrow);
    } else {
      const __m128i narrow = _mm256_cvtepi64_epi16(values);
      found.wrong |= _mm256_cmpneq_epi64_mask(_mm256_cvtepi16_epi64(narrow), values);
      _mm_storel_epi64((__m128i *)((int16_t *)step->values + row), narrow);
    }
  }
  return is_faultless(&found) ? (long)i : -1;
}

// The same of numbers that all have a point.
PH_JSON512 static long quartets_of_doubles(const group *g, const ph_json_step *step) {
  faults found = {_mm_setzero_si128(), 0};
  const __m512i places =
      _mm512_broadcast_i32x4(_mm_set_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
  const __m512d low = _mm512_set_pd(1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1e0);
  const __m512d high = _mm512_set_pd(1e15, 1e14, 1e13, 1e12, 1e11, 1e10, 1e9, 1e8);
  const uint16_t *edge = g->edges;
  size_t i = 0;
  for (; i + 4 <= g->count; i += 4, edge += 4 * g->edge_count) {
    const quartet q = load_quartet(g->bytes, edge, g->edge_count, &found);
    const uint64_t inside = _mm512_cmplt_epu8_mask(places, q.lengths);
    const uint64_t points = _mm512_mask_cmpeq_epi8_mask(inside, q.text, _mm512_set1_epi8('.'));
    // One point in each, and a digit after it.
    found.wrong |= (points & ((points - firsts) | firsts << 15)) | ((uint64_t)__builtin_popcountll(points) ^ 4) |
                   (points << 1 & ~(q.digits & inside));
    // What comes before the point moves over it.
    const uint64_t before = (points << 1) - firsts;
    const __m512i digits = _mm512_maskz_sub_epi8(~q.negative, q.text, _mm512_set1_epi8('0'));
    const __m512i joined = _mm512_mask_blend_epi8(before, digits, _mm512_bslli_epi128(digits, 1));
    const __m256i magnitudes = join_quartet(joined, q.lengths, &found);
    const __m256i fractions = _mm256_cvtepu16_epi64(_mm_popcnt_epi16(_mm_cvtsi64_si128((long long)(inside & ~before))));
    const __m256d powers =
        _mm512_castpd512_pd256(_mm512_permutex2var_pd(low, _mm512_castsi256_si512(fractions), high));
    const __m256d values = _mm256_div_pd(_mm256_cvtepi64_pd(magnitudes), powers);
    const __mmask8 negative = (__mmask8)_pext_u64(q.negative, firsts);
    const __m256d signed_values = _mm256_mask_xor_pd(values, negative, values, _mm256_set1_pd(-0.0));
    _mm256_storeu_pd((double *)step->values + g->row + i, signed_values);
  }
  return is_faultless(&found) ? (long)i : -1;
}

#else

static inline int equals(const uint8_t *text, const uint8_t *literal, uint32_t count) {
  return memcmp(text, literal, count) == 0;
}

static int literals(const group *g, const ph_json_step *step, const uint16_t *from, size_t from_stride) {
  for (size_t i = 0; i < g->count; i++) {
    const size_t at = from[i * from_stride];
    if (g->edges[i * g->edge_count] - at != step->literal_count ||
        !equals(g->bytes + at, step->literal, step->literal_count))
      return 0;
  }
  return 1;
}

// Reads digits and, where `fraction` is asked for, a point that may stand between them, up to `end`.
static int read_number(const uint8_t *p, const uint8_t *end, uint64_t *magnitude, unsigned *fraction) {
  *magnitude = 0;
  const size_t whole = ph_read_digits(p, magnitude);
  if (whole < 1 || end - p > 16 || (whole > 1 && *p == '0')) return 0;
  p += whole;
  if (fraction) *fraction = 0;
  if (p == end || !fraction) return p == end;
  if (*p != '.') return 0;
  *fraction = (unsigned)ph_read_digits(p + 1, magnitude);
  return *fraction > 0 && p + 1 + *fraction == end;
}

#define INTEGERS_BODY(TYPE)                                                                                            \
  for (size_t i = 0; i < g->count; i++) {                                                                              \
    const uint16_t *const edge = g->edges + i * g->edge_count;                                                         \
    const int negative = g->bytes[edge[0]] == '-';                                                                     \
    uint64_t magnitude;                                                                                                \
    if (!read_number(g->bytes + edge[0] + negative, g->bytes + edge[1], &magnitude, NULL)) return 0;                   \
    const int64_t value = negative ? -(int64_t)magnitude : (int64_t)magnitude;                                         \
    if (value != (TYPE)value) return 0;                                                                                \
    ((TYPE *)step->values)[g->row + i] = (TYPE)value;                                                                  \
  }                                                                                                                    \
  return 1;

static int integers16(const group *g, const ph_json_step *step) { INTEGERS_BODY(int16_t) }
static int integers32(const group *g, const ph_json_step *step) { INTEGERS_BODY(int32_t) }
static int integers64(const group *g, const ph_json_step *step) { INTEGERS_BODY(int64_t) }

static int doubles(const group *g, const ph_json_step *step) {
  for (size_t i = 0; i < g->count; i++) {
    const uint16_t *const edge = g->edges + i * g->edge_count;
    const int negative = g->bytes[edge[0]] == '-';
    uint64_t magnitude;
    unsigned fraction;
    if (!read_number(g->bytes + edge[0] + negative, g->bytes + edge[1], &magnitude, &fraction)) return 0;
    const double value = (double)(int64_t)magnitude / ph_power_of_ten_double(fraction);
    ((double *)step->values)[g->row + i] = negative ? -value : value;
  }
  return 1;
}

#endif

// Reads the values of a column; false where one is not understood.
static int values(group column, const ph_json_step *step) {
#if defined(__x86_64__)
  const long done = !has_quartets                  ? 0
                    : step->kind == ph_json_double ? quartets_of_doubles(&column, step)
                                                   : quartets_of_integers(&column, step);
  // Where one is wrong, or only of another form, the others decide.
  if (done > 0) {
    column.edges += (size_t)done * column.edge_count;
    column.count -= (size_t)done;
    column.row += (size_t)done;
  }
#endif
  switch (step->kind) {
  case ph_json_int16: return integers16(&column, step);
  case ph_json_int32: return integers32(&column, step);
  case ph_json_int64: return integers64(&column, step);
  default: return doubles(&column, step);
  }
}

enum { group_limit = 64 };

PH_JSON size_t ph_json_read(const ph_json_step *steps, const void *block, size_t count, int is_last,
                            const uint16_t *edges, size_t edge_count, size_t capacity, size_t row, int64_t offset,
                            int64_t line, int64_t *offsets, int64_t *lines, size_t *taken) {
  const uint8_t *const bytes = block;
  const ph_json_step *last = steps;
  while (last->kind != ph_json_end) last++;
  group g = {bytes, edges, last->edge, 16, row};
  // Where each record starts; the end of the last one.
  uint16_t starts[group_limit + 1];
  size_t index = 0, begin = 0;
  while (index < capacity && edge_count >= g.edge_count) {
    const size_t whole = edge_count / g.edge_count, room = capacity - index;
    g.count = whole < g.count ? whole : g.count;
    g.count = room < g.count ? room : g.count;
    // What follows a record's last number, up to the newline or the end of all.
    int is_right = 1;
    starts[0] = (uint16_t)begin;
    for (size_t i = 0; i < g.count; i++) {
      const size_t at = g.edges[i * g.edge_count + last[-1].edge + 1], end = at + last->literal_count;
      const int has_newline = end < count && bytes[end] == '\n';
      is_right &= has_newline || (end == count && is_last);
      is_right = is_right && equals(bytes + at, last->literal, last->literal_count);
      starts[i + 1] = (uint16_t)(end + (size_t)has_newline);
    }
    const uint16_t *from = starts;
    size_t stride = 1;
    for (const ph_json_step *step = steps; is_right && step < last; step++) {
      group column = g;
      column.edges += step->edge;
      is_right = literals(&column, step, from, stride);
      if (is_right) is_right = values(column, step);
      from = column.edges + 1;
      stride = g.edge_count;
    }
    if (!is_right) {
      // One of them is wrong: those before it are read one by one.
      if (g.count == 1) break;
      g.count = 1;
      continue;
    }
    for (size_t i = 0; i < g.count; i++) {
      offsets[g.row + i] = offset + starts[i];
      lines[g.row + i] = line + (int64_t)(index + i);
    }
    begin = starts[g.count];
    index += g.count;
    g.row += g.count;
    g.edges += g.count * g.edge_count;
    edge_count -= g.count * g.edge_count;
    g.count = g.count * 2 < group_limit ? g.count * 2 : group_limit;
  }
  *taken = begin;
  return index;
}
