#pragma once
// Text: powers of ten, counting a byte, and the structure of CSV.
#include <stddef.h>
#include <stdint.h>

/// Returns ten to the power of `exponent`, at most 19.
static inline uint64_t ph_power_of_ten(unsigned exponent) {
  static const uint64_t powers[20] = {1ull,
                                      10ull,
                                      100ull,
                                      1000ull,
                                      10000ull,
                                      100000ull,
                                      1000000ull,
                                      10000000ull,
                                      100000000ull,
                                      1000000000ull,
                                      10000000000ull,
                                      100000000000ull,
                                      1000000000000ull,
                                      10000000000000ull,
                                      100000000000000ull,
                                      1000000000000000ull,
                                      10000000000000000ull,
                                      100000000000000000ull,
                                      1000000000000000000ull,
                                      10000000000000000000ull};
  return powers[exponent];
}

/// Returns ten to the power of `exponent`, at most 22, as a double, which holds it exactly.
static inline double ph_power_of_ten_double(unsigned exponent) {
  static const double powers[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  return powers[exponent];
}

/// Reads the decimal digits at `text` into `mantissa` (which becomes `mantissa * 10^n + digits`, wrapping) and returns
/// how many there were. Eight at a time; reads up to 8 bytes past the last digit. In C so that it is always inlined.
static inline __attribute__((always_inline)) size_t ph_read_digits(const void *text, uint64_t *mantissa) {
  const unsigned char *p = (const unsigned char *)text;
  size_t total = 0;
  for (;;) {
    uint64_t digits;
    __builtin_memcpy(&digits, p + total, 8);
    digits ^= 0x3030303030303030ull;
    // A byte above 9 sets its high bit; carries only reach bytes after the first such one.
    uint64_t stops = ((digits + 0x7676767676767676ull) | digits) & 0x8080808080808080ull;
    unsigned count = stops ? (unsigned)__builtin_ctzll(stops) >> 3 : 8;
    if (count == 0) return total;
    digits <<= 64 - 8 * count;
    digits = digits * 10 + (digits >> 8);
    digits = ((digits & 0x000000FF000000FFull) * 0x000F424000000064ull +
              ((digits >> 16) & 0x000000FF000000FFull) * 0x0000271000000001ull) >>
             32;
    *mantissa = *mantissa * ph_power_of_ten(count) + digits;
    total += count;
    if (count < 8) return total;
  }
}

/// Computes `mantissa` times ten to the power of `exponent` (-27...27), rounded to the nearest double; returns 0 where
/// it cannot tell (the caller then takes a slower way). By the processor's 64-bit significand, in which mantissa and
/// power are exact, so that one rounding leads there and a second to the double; the pair is only ever wrong when the
/// first lands exactly half way between two doubles.
int ph_scale_to_double(uint64_t mantissa, int exponent, double *result);

/// Does the same, at once where both are exact doubles.
static inline __attribute__((always_inline)) int ph_decimal_to_double(uint64_t mantissa, int exponent, double *result) {
  if (mantissa < 1ull << 53 && exponent >= -22 && exponent <= 22) {
    *result = exponent < 0 ? (double)(int64_t)mantissa / ph_power_of_ten_double((unsigned)-exponent)
                           : (double)(int64_t)mantissa * ph_power_of_ten_double((unsigned)exponent);
    return 1;
  }
  return ph_scale_to_double(mantissa, exponent, result);
}

/// Returns the double (or float) nearest to a decimal number, whatever the machine's locale.
double ph_parse_double(const char *text);
float ph_parse_float(const char *text);

/// Returns how many of `count` bytes equal `byte`.
size_t ph_count_byte(const void *bytes, size_t count, uint8_t byte);

/// Writes to `positions` where `byte` stands among `count` bytes (below 4 GiB), and returns how many there are. Reads
/// up to 63 bytes past `count`; `positions` has room for `count + 64` entries.
size_t ph_find_all(const void *bytes, size_t count, uint8_t byte, uint32_t *positions);

/// Returns the index after the last of `count` bytes that equals `byte`; 0 when there is none.
size_t ph_after_last(const void *bytes, size_t count, uint8_t byte);

/// Finds the ends of CSV fields and records: writes to `positions` the place (below 4 GiB) of every `delimiter` and
/// every newline that stands outside quotes, and returns how many there are. `inside` says whether the first byte
/// stands inside quotes, and afterwards whether the byte after the last does. Reads up to 63 bytes past `count`;
/// `positions` has room for `count + 64` entries.
size_t ph_csv_structure(const void *bytes, size_t count, uint8_t delimiter, uint8_t quote, uint64_t *inside,
                        uint32_t *positions);
