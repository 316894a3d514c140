// What encoders ask of 64-bit values before they choose: bounds, changes, how long the codes are.
#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// The same digits on every processor, fused multiplication or not.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__)
#define PH_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define PH_CLONES
#endif

PH_CLONES void ph_bounds64(const int64_t *values, size_t count, uint64_t flip, int64_t *least, int64_t *greatest) {
  const int64_t turn = (int64_t)flip;
  int64_t low = INT64_MAX, high = INT64_MIN;
  for (size_t i = 0; i < count; i++) {
    const int64_t value = values[i] ^ turn;
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
  *least = low ^ turn;
  *greatest = high ^ turn;
}

PH_CLONES size_t ph_changes64(const int64_t *values, size_t count) {
  uint64_t changes = 0;
  for (size_t i = 1; i < count; i++) changes += values[i] != values[i - 1];
  return (size_t)changes;
}

PH_CLONES void ph_profile64(const int64_t *values, size_t count, int has_before, struct ph_profile *profile) {
  int64_t low = values[0], high = values[0];
  uint64_t sum = (uint64_t)values[0], changes = has_before && values[0] != values[-1];
  for (size_t i = 1; i < count; i++) {
    const int64_t value = values[i];
    low = value < low ? value : low;
    high = value > high ? value : high;
    sum += (uint64_t)value;
    changes += value != values[i - 1];
  }
  *profile = (struct ph_profile){low, high, (int64_t)sum, (size_t)changes};
}

// By the bytes in which values differ, the lowest first.
void ph_sort64(int64_t *values, uint32_t *places, size_t count, int64_t *spare_values, uint32_t *spare_places) {
  uint64_t differing = 0;
  for (size_t i = 1; i < count; i++) differing |= (uint64_t)values[i] ^ (uint64_t)values[0];
  int64_t *from = values, *to = spare_values;
  uint32_t *from_places = places, *to_places = spare_places;
  for (unsigned shift = 0; shift < 64; shift += 8) {
    if ((differing >> shift & 255) == 0) continue;
    // The sign's byte is turned, so that negative values come first.
    const unsigned turn = shift == 56 ? 128 : 0;
    uint32_t starts[256] = {0};
    for (size_t i = 0; i < count; i++) starts[((uint64_t)from[i] >> shift & 255) ^ turn]++;
    uint32_t start = 0;
    for (unsigned digit = 0; digit < 256; digit++) {
      const uint32_t here = starts[digit];
      starts[digit] = start;
      start += here;
    }
    for (size_t i = 0; i < count; i++) {
      const uint32_t place = starts[((uint64_t)from[i] >> shift & 255) ^ turn]++;
      to[place] = from[i];
      if (places) to_places[place] = from_places[i];
    }
    int64_t *const values_now = to;
    uint32_t *const places_now = to_places;
    to = from, from = values_now;
    to_places = from_places, from_places = places_now;
  }
  if (from == values) return;
  __builtin_memcpy(values, from, count * sizeof *values);
  if (places) __builtin_memcpy(places, from_places, count * sizeof *places);
}

PH_CLONES void ph_quotients64(const int64_t *values, size_t count, int64_t origin, uint64_t inverse, unsigned shift,
                              int64_t *quotients) {
  for (size_t i = 0; i < count; i++) {
    const int64_t value = (int64_t)((uint64_t)values[i] - (uint64_t)origin);
    quotients[i] = (int64_t)((uint64_t)(value >> shift) * inverse);
  }
}

PH_CLONES void ph_zigzag64(const int64_t *values, size_t count, uint64_t *codes) {
  for (size_t i = 0; i < count; i++) codes[i] = (uint64_t)values[i] << 1 ^ (uint64_t)(values[i] >> 63);
}

// What one width takes does not follow from what another does, so vectors hold some of them side by side.
PH_CLONES void ph_frame_widths(const uint32_t *lengths, uint32_t scale, uint32_t rows, uint32_t longest, uint32_t full,
                               const uint8_t *highs, size_t high_count, uint8_t *widths, uint32_t *sizes) {
  // Codes longer than each width.
  uint32_t above[65 + 32] = {0};
  for (uint32_t width = longest; width > 0; width--) above[width - 1] = above[width] + lengths[width] * scale;
  for (size_t index = 0; index < high_count; index++) {
    const uint32_t high = highs[index];
    // Sizes are below 2^25; the width stands behind, turned so that of equal sizes that of the widest is the least.
    uint32_t best = UINT32_MAX;
    for (uint32_t width = 0; width <= longest; width++) {
      const uint32_t patches = above[width], outliers = above[width + high];
      const uint32_t places = patches * 16 < rows ? patches * 16 : rows;
      const int32_t rest = (int32_t)(full + 20) - (int32_t)(width + high);
      const uint32_t size =
          rows * width + patches * (high + 3) + places + outliers * (uint32_t)(rest > 0 ? rest : 0);
      const uint32_t key = size << 7 | (127 - width);
      best = key < best ? key : best;
    }
    widths[index] = (uint8_t)(127 - (best & 127));
    sizes[index] = best >> 7;
  }
}

PH_CLONES size_t ph_multiples64(const int64_t *values, size_t count, int64_t origin, uint64_t inverse, unsigned shift,
                                uint64_t limit) {
  // In blocks, so that what is no multiple is found soon, and the loop within has no way out.
  size_t start = 0;
  for (; start < count; start += 512) {
    const size_t end = start + 512 < count ? start + 512 : count;
    uint64_t others = 0;
    for (size_t i = start; i < end; i++) {
      const uint64_t product = ((uint64_t)values[i] - (uint64_t)origin) * inverse;
      const uint64_t turned = product >> shift | product << (-shift & 63);
      others |= turned > limit;
    }
    if (others) break;
  }
  return start < count ? start : count;
}

PH_CLONES void ph_difference64(const int64_t *values, size_t count, int64_t *differences) {
  if (count > 0) differences[0] = 0;
  for (size_t i = 1; i < count; i++) differences[i] = (int64_t)((uint64_t)values[i] - (uint64_t)values[i - 1]);
}

// Baselines of what follows, and all there is elsewhere.
static void part_base(const uint8_t *classes, const uint64_t *values, size_t count, unsigned class_count,
                      uint64_t **targets) {
  (void)class_count;
  for (size_t i = 0; i < count; i++) *targets[classes[i]]++ = values[i];
}

#define HASH_FACTOR 0x9E3779B97F4A7C15u
#define KEY_FACTOR 0x9E3779B1u

static size_t run_starts_from(size_t first, const int64_t *values, size_t count, uint32_t *starts) {
  size_t found = 0;
  for (size_t i = first; i < count; i++) {
    starts[found] = (uint32_t)i;
    found += i == 0 || values[i] != values[i - 1];
  }
  return found;
}

static size_t run_starts_base(const int64_t *values, size_t count, uint32_t *starts) {
  return run_starts_from(0, values, count, starts);
}

// One line of the cache in eight, each time another one of its eight.
static size_t bit_lengths_from(size_t first, const uint64_t *codes, size_t count, uint64_t origin, uint32_t *lengths) {
  size_t counted = 0;
  for (size_t block = first; block < count; block += 64) {
    const size_t start = block + (block / 64 * 5 & 7) * 8;
    const size_t end = start + 8 < count ? start + 8 : count;
    for (size_t i = start; i < end; i++, counted++) {
      const uint64_t code = codes[i] - origin;
      lengths[code == 0 ? 0 : 64 - __builtin_clzll(code)]++;
    }
  }
  return counted;
}

static size_t bit_lengths_base(const uint64_t *codes, size_t count, uint64_t origin, uint32_t *lengths) {
  return bit_lengths_from(0, codes, count, origin, lengths);
}

static size_t patches_from(size_t first, const uint64_t *codes, size_t count, uint64_t origin, unsigned width,
                           int is_signed, uint16_t *positions, uint64_t *highs) {
  size_t found = 0;
  for (size_t i = first; i < count; i++) {
    const uint64_t code = codes[i] - origin;
    const uint64_t high = is_signed ? (uint64_t)((int64_t)code >> width) : code >> width;
    positions[found] = (uint16_t)i;
    highs[found] = high;
    found += high != 0;
  }
  return found;
}

static size_t patches_base(const uint64_t *codes, size_t count, uint64_t origin, unsigned width, int is_signed,
                           uint16_t *positions, uint64_t *highs) {
  return patches_from(0, codes, count, origin, width, is_signed, positions, highs);
}

static size_t sample_hashes_base(const uint64_t *values, size_t count, uint64_t *hashes) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) {
    const uint64_t hash = values[i] * HASH_FACTOR;
    hashes[found] = hash;
    found += hash >> 61 == 0;
  }
  return found;
}

static size_t sample_keys_base(const uint32_t *keys, size_t count, uint32_t *rows) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) {
    rows[found] = (uint32_t)i;
    found += keys[i] * KEY_FACTOR >> 29 == 0;
  }
  return found;
}

#if defined(__x86_64__)
#define PH_V4 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,popcnt,bmi2")))

// Eight rows at a time: those of a class are moved together, and no more of them stored than there are.
PH_V4 static void part_v4(const uint8_t *classes, const uint64_t *values, size_t count, unsigned class_count,
                          uint64_t **targets) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i eight = _mm_loadl_epi64((const __m128i *)(classes + i));
    const __m512i value = _mm512_loadu_si512(values + i);
    for (unsigned class = 0; class < class_count; class++) {
      const __mmask8 mask = (__mmask8)_mm_cmpeq_epi8_mask(eight, _mm_set1_epi8((char)class));
      const unsigned rows = (unsigned)__builtin_popcount(mask);
      _mm512_mask_storeu_epi64(targets[class], (__mmask8)((1u << rows) - 1), _mm512_maskz_compress_epi64(mask, value));
      targets[class] += rows;
    }
  }
  part_base(classes + i, values + i, count - i, class_count, targets);
}

// Eight lines at a time, whose lengths are counted together, one length after the other: one by one each would wait for
// the one before where they are alike.
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,popcnt,lzcnt"))) static size_t bit_lengths_v4(
    const uint64_t *codes, size_t count, uint64_t origin, uint32_t *lengths) {
  const __m512i least = _mm512_set1_epi64((int64_t)origin), full = _mm512_set1_epi64(64);
  size_t block = 0, counted = 0;
  for (; block + 512 <= count; block += 512, counted += 64) {
    __m512i any = _mm512_setzero_si512(), shortest = full;
    __m128i found[8];
#pragma GCC unroll 8
    for (size_t line = 0; line < 8; line++) {
      const size_t start = block + line * 64 + (line * 5 & 7) * 8;
      const __m512i code = _mm512_sub_epi64(_mm512_loadu_si512(codes + start), least);
      const __m512i bits = _mm512_sub_epi64(full, _mm512_lzcnt_epi64(code));
      any = _mm512_or_si512(any, code);
      shortest = _mm512_min_epu64(shortest, bits);
      found[line] = _mm512_cvtepi64_epi8(bits);
    }
    const __m256i low = _mm256_set_m128i(_mm_unpacklo_epi64(found[2], found[3]), _mm_unpacklo_epi64(found[0], found[1]));
    const __m256i high =
        _mm256_set_m128i(_mm_unpacklo_epi64(found[6], found[7]), _mm_unpacklo_epi64(found[4], found[5]));
    const __m512i all = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    const uint64_t longest = (uint64_t)_mm512_reduce_or_epi64(any);
    const unsigned last = longest == 0 ? 0 : 64 - (unsigned)__builtin_clzll(longest);
    for (unsigned bits = (unsigned)_mm512_reduce_min_epu64(shortest); bits <= last; bits++) {
      lengths[bits] += (uint32_t)__builtin_popcountll(_mm512_cmpeq_epi8_mask(all, _mm512_set1_epi8((char)bits)));
    }
  }
  return counted + bit_lengths_from(block, codes, count, origin, lengths);
}

PH_V4 static size_t run_starts_v4(const int64_t *values, size_t count, uint32_t *starts) {
  size_t found = run_starts_base(values, count < 1 ? count : 1, starts), i = 1;
  for (; i + 8 <= count; i += 8) {
    const __mmask8 mask = _mm512_cmpneq_epi64_mask(_mm512_loadu_si512(values + i), _mm512_loadu_si512(values + i - 1));
    if (!mask) continue;
    const __m256i row = _mm256_add_epi32(_mm256_set1_epi32((int32_t)i), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    _mm256_storeu_si256((__m256i *)(starts + found), _mm256_maskz_compress_epi32(mask, row));
    found += (size_t)__builtin_popcount(mask);
  }
  return found + run_starts_from(i, values, count, starts + found);
}

PH_V4 static size_t patches_v4(const uint64_t *codes, size_t count, uint64_t origin, unsigned width, int is_signed,
                               uint16_t *positions, uint64_t *highs) {
  const __m512i least = _mm512_set1_epi64((int64_t)origin);
  const __m128i shift = _mm_cvtsi32_si128((int)width);
  size_t found = 0, i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m512i code = _mm512_sub_epi64(_mm512_loadu_si512(codes + i), least);
    const __m512i high = is_signed ? _mm512_sra_epi64(code, shift) : _mm512_srl_epi64(code, shift);
    const __mmask8 mask = _mm512_test_epi64_mask(high, high);
    if (!mask) continue;
    const __m256i row = _mm256_add_epi32(_mm256_set1_epi32((int32_t)i), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    // Eight at a time: there is room, for no more are found than were looked at.
    _mm512_storeu_si512(highs + found, _mm512_maskz_compress_epi64(mask, high));
    _mm_storeu_si128((__m128i *)(positions + found), _mm256_cvtepi32_epi16(_mm256_maskz_compress_epi32(mask, row)));
    found += (size_t)__builtin_popcount(mask);
  }
  return found + patches_from(i, codes, count, origin, width, is_signed, positions + found, highs + found);
}

PH_V4 static size_t sample_hashes_v4(const uint64_t *values, size_t count, uint64_t *hashes) {
  const __m512i factor = _mm512_set1_epi64((int64_t)HASH_FACTOR), limit = _mm512_set1_epi64((int64_t)1 << 61);
  size_t found = 0, i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m512i hash = _mm512_mullo_epi64(_mm512_loadu_si512(values + i), factor);
    const __mmask8 mask = _mm512_cmplt_epu64_mask(hash, limit);
    _mm512_storeu_si512(hashes + found, _mm512_maskz_compress_epi64(mask, hash));
    found += (size_t)__builtin_popcount(mask);
  }
  return found + sample_hashes_base(values + i, count - i, hashes + found);
}

PH_V4 static size_t sample_keys_v4(const uint32_t *keys, size_t count, uint32_t *rows) {
  const __m512i factor = _mm512_set1_epi32((int32_t)KEY_FACTOR), limit = _mm512_set1_epi32(1 << 29);
  __m512i row = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  size_t found = 0, i = 0;
  for (; i + 16 <= count; i += 16, row = _mm512_add_epi32(row, _mm512_set1_epi32(16))) {
    const __m512i hash = _mm512_mullo_epi32(_mm512_loadu_si512(keys + i), factor);
    const __mmask16 mask = _mm512_cmplt_epu32_mask(hash, limit);
    if (!mask) continue;
    _mm512_storeu_si512(rows + found, _mm512_maskz_compress_epi32(mask, row));
    found += (size_t)__builtin_popcount(mask);
  }
  const size_t rest = sample_keys_base(keys + i, count - i, rows + found);
  for (size_t at = found; at < found + rest; at++) rows[at] += (uint32_t)i;
  return found + rest;
}

static void (*part)(const uint8_t *, const uint64_t *, size_t, unsigned, uint64_t **) = part_base;
static size_t (*bit_lengths)(const uint64_t *, size_t, uint64_t, uint32_t *) = bit_lengths_base;
static size_t (*patches)(const uint64_t *, size_t, uint64_t, unsigned, int, uint16_t *, uint64_t *) = patches_base;
static size_t (*run_starts)(const int64_t *, size_t, uint32_t *) = run_starts_base;
static size_t (*sample_hashes)(const uint64_t *, size_t, uint64_t *) = sample_hashes_base;
static size_t (*sample_keys)(const uint32_t *, size_t, uint32_t *) = sample_keys_base;

__attribute__((constructor)) static void pick_profiling(void) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    part = part_v4;
    patches = patches_v4;
    run_starts = run_starts_v4;
    sample_hashes = sample_hashes_v4;
    sample_keys = sample_keys_v4;
    if (__builtin_cpu_supports("avx512cd")) bit_lengths = bit_lengths_v4;
  }
}
#else
#define part part_base
#define bit_lengths bit_lengths_base
#define patches patches_base
#define run_starts run_starts_base
#define sample_hashes sample_hashes_base
#define sample_keys sample_keys_base
#endif

void ph_part64(const uint8_t *classes, const uint64_t *values, size_t count, unsigned class_count, uint64_t **targets) {
  part(classes, values, count, class_count, targets);
}
size_t ph_bit_lengths(const uint64_t *codes, size_t count, uint64_t origin, uint32_t *lengths) {
  return bit_lengths(codes, count, origin, lengths);
}
size_t ph_patches64(const uint64_t *codes, size_t count, uint64_t origin, unsigned width, int is_signed,
                    uint16_t *positions, uint64_t *highs) {
  return width >= 64 ? 0 : patches(codes, count, origin, width, is_signed, positions, highs);
}
size_t ph_run_starts64(const int64_t *values, size_t count, uint32_t *starts) {
  return run_starts(values, count, starts);
}
size_t ph_sample_hashes64(const uint64_t *values, size_t count, uint64_t *hashes) {
  return sample_hashes(values, count, hashes);
}
size_t ph_sample_keys32(const uint32_t *keys, size_t count, uint32_t *rows) { return sample_keys(keys, count, rows); }

PH_CLONES static size_t decimal_digits(const double *restrict values, size_t count, double power,
                                       int64_t *restrict integers, uint8_t *restrict failed) {
  // Adding one and a half times 2^52 rounds to a whole number, half to even, and leaves its digits in the low bits.
  const double turn = 6755399441055744.0;
  size_t failures = 0;
  for (size_t i = 0; i < count; i++) {
    const double value = values[i], turned = value * power + turn, whole = turned - turn, back = whole / power;
    int64_t digits, bits, again;
    __builtin_memcpy(&digits, &turned, 8);
    __builtin_memcpy(&bits, &value, 8);
    __builtin_memcpy(&again, &back, 8);
    integers[i] = (int64_t)((uint64_t)digits - 0x4338000000000000u);
    const uint8_t fails = (bits != again) | !(whole < 2251799813685248.0) | !(whole > -2251799813685248.0);
    failed[i] = fails;
    failures += fails;
  }
  return failures;
}

size_t ph_decimal_digits(const double *values, size_t count, double power, int64_t *integers, uint8_t *failed) {
  return decimal_digits(values, count, power, integers, failed);
}
