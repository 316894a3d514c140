// What encoders ask of 64-bit values before they choose: bounds, changes, how long the codes are.
#include "CKernels.h"

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

PH_CLONES int64_t ph_sum64(const int64_t *values, size_t count) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i++) sum += (uint64_t)values[i];
  return (int64_t)sum;
}

PH_CLONES void ph_difference64(const int64_t *values, size_t count, int64_t *differences) {
  if (count > 0) differences[0] = 0;
  for (size_t i = 1; i < count; i++) differences[i] = (int64_t)((uint64_t)values[i] - (uint64_t)values[i - 1]);
}

void ph_bit_lengths(const uint64_t *codes, size_t count, size_t step, uint64_t origin, uint32_t *lengths) {
  for (size_t i = 0; i < count; i += step) {
    const uint64_t code = codes[i] - origin;
    lengths[code == 0 ? 0 : 64 - __builtin_clzll(code)]++;
  }
}

size_t ph_patches64(const uint64_t *codes, size_t count, uint64_t origin, unsigned width, int is_signed,
                    uint16_t *positions, uint64_t *highs) {
  size_t found = 0;
  if (width >= 64) return 0;
  if (is_signed) {
    for (size_t i = 0; i < count; i++) {
      const uint64_t high = (uint64_t)((int64_t)(codes[i] - origin) >> width);
      positions[found] = (uint16_t)i;
      highs[found] = high;
      found += high != 0;
    }
  } else {
    for (size_t i = 0; i < count; i++) {
      const uint64_t high = (codes[i] - origin) >> width;
      positions[found] = (uint16_t)i;
      highs[found] = high;
      found += high != 0;
    }
  }
  return found;
}

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
