#pragma once
// What encoders ask of 64-bit values before they choose.
#include <stddef.h>
#include <stdint.h>

/// Finds the least and the greatest value; `flip` is 0 to compare as signed numbers, 1 << 63 to compare as unsigned
/// ones. At least one value.
void ph_bounds64(const int64_t *values, size_t count, uint64_t flip, int64_t *least, int64_t *greatest);

/// Returns how many values differ from the one before.
size_t ph_changes64(const int64_t *values, size_t count);

/// Writes the rows whose value differs from the one before, the first row too, and returns how many: fewer than 2^32.
/// `starts` has room for as many and 8 more.
size_t ph_run_starts64(const int64_t *values, size_t count, uint32_t *starts);

/// Returns how many of the first values, less `origin` and as unsigned numbers, are multiples of a divisor: all, or
/// some that end before the first that is none, by less than 512. `inverse` is that of the divisor's odd part modulo
/// 2^64, `shift` the number of its factors of two, `limit` the greatest quotient. (Hacker's Delight, "Test for zero
/// remainder".)
size_t ph_multiples64(const int64_t *values, size_t count, int64_t origin, uint64_t inverse, unsigned shift,
                      uint64_t limit);

/// What `ph_profile64` finds.
struct ph_profile {
  int64_t least, greatest, sum;
  size_t changes;
};

/// Finds the bounds of values, their sum, wrapping, and how many differ from the one before; the first one does where
/// `has_before` and the value that lies before it is another. At least one value.
void ph_profile64(const int64_t *values, size_t count, int has_before, struct ph_profile *profile);

/// Sorts signed values, and with them the places they came from where `places` is not NULL. The spare memory has room
/// for as many.
void ph_sort64(int64_t *values, uint32_t *places, size_t count, int64_t *spare_values, uint32_t *spare_places);

/// Divides values, less `origin`, by a divisor that they are multiples of: `inverse` is that of its odd part modulo
/// 2^64, `shift` the number of its factors of two. In place where both are the same.
void ph_quotients64(const int64_t *values, size_t count, int64_t origin, uint64_t inverse, unsigned shift,
                    int64_t *quotients);

/// Writes each value as a zigzag code: 0, -1, 1, -2 become 0, 1, 2, 3.
void ph_zigzag64(const int64_t *values, size_t count, uint64_t *codes);

/// Writes each value less the one before, wrapping; 0 for the first.
void ph_difference64(const int64_t *values, size_t count, int64_t *differences);

/// Adds to `lengths[0 ... 64]` how many of about an eighth of the values, less `origin`, have each number of bits; of
/// 1024 it takes 128. Returns how many it has taken, at least one if there is one.
size_t ph_bit_lengths(const uint64_t *codes, size_t count, uint64_t origin, uint32_t *lengths);

/// Finds for each of `high_count` numbers of high bits, at most 32, the width below `longest` at which the codes of a
/// vector are best patched by as many bits, and how many bits all take then. `lengths` tells how many of a sample of
/// the codes have each number of bits, at most `longest` of them, each standing for `scale` of the `rows` codes; `full`
/// is how many bits the longest code of all vectors has. Of widths that are as good it takes the widest.
void ph_frame_widths(const uint32_t *lengths, uint32_t scale, uint32_t rows, uint32_t longest, uint32_t full,
                     const uint8_t *highs, size_t high_count, uint8_t *widths, uint32_t *sizes);

/// Finds the codes (less `origin`) that do not fit `width` bits: writes their positions and what stands above those
/// bits (shifted with the sign when `is_signed`), and returns how many. Both outputs have room for `count` entries.
size_t ph_patches64(const uint64_t *codes, size_t count, uint64_t origin, unsigned width, int is_signed,
                    uint16_t *positions, uint64_t *highs);

/// Appends each value to the target of its class, in order, and moves the targets on. Classes are below `class_count`.
void ph_part64(const uint8_t *classes, const uint64_t *values, size_t count, unsigned class_count, uint64_t **targets);

/// Writes the hashes of those values that one in eight different values is among, the upper three bits of whose hashes
/// are zero, and returns how many. `hashes` has room for `count` and 8 more.
size_t ph_sample_hashes64(const uint64_t *values, size_t count, uint64_t *hashes);

/// Writes the rows of about one in eight different keys, ascending, and returns how many. `rows` has room for `count`
/// and 16 more.
size_t ph_sample_keys32(const uint32_t *keys, size_t count, uint32_t *rows);

/// Writes each value times `power`, rounded to a whole number, and 1 to `failed` where that number divided by `power`
/// is not the value again, bit for bit, or has more than 51 bits. Returns how many fail.
size_t ph_decimal_digits(const double *values, size_t count, double power, int64_t *integers, uint8_t *failed);
