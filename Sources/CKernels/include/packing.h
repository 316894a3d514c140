#pragma once
// Bit-packing in the transposed layout. A vector is 1024 values in lanes of 8, 16, 32 or 64 bits: row r of L = 1024 /
// bits lanes holds values r * L ... r * L + L - 1. Word w of the packed form is L lanes wide (always 128 bytes), and
// bit b of lane l's stream is bit b % bits of word b / bits. `width` bits a value, 0 <= width <= bits.
#include <stddef.h>
#include <stdint.h>

/// Packs 1024 values; writes width * 128 bytes. Bits above `width` are dropped.
void ph_pack8(const uint8_t *values, unsigned width, uint8_t *packed);
void ph_pack16(const uint16_t *values, unsigned width, uint16_t *packed);
void ph_pack32(const uint32_t *values, unsigned width, uint32_t *packed);
void ph_pack64(const uint64_t *values, unsigned width, uint64_t *packed);

/// Cuts the values, less `frame`, to lanes of 8 << lane_log bits, at most 1024 of them; the rest of 1024 lanes become
/// 0.
void ph_narrow64(const uint64_t *values, size_t count, uint64_t frame, unsigned lane_log, void *lanes);

/// Unpacks 1024 values from width * 128 bytes.
void ph_unpack8(const uint8_t *packed, unsigned width, uint8_t *values);
void ph_unpack16(const uint16_t *packed, unsigned width, uint16_t *values);
void ph_unpack32(const uint32_t *packed, unsigned width, uint32_t *values);
void ph_unpack64(const uint64_t *packed, unsigned width, uint64_t *values);

/// Sets bit i of `bitmap` when low <= values[i] <= high, clears it otherwise; bits past `count` in the last word become
/// 0. Returns how many are set. Reads up to 63 bytes past the values.
size_t ph_between8(const uint8_t *values, size_t count, uint8_t low, uint8_t high, uint64_t *bitmap);
size_t ph_between16(const uint16_t *values, size_t count, uint16_t low, uint16_t high, uint64_t *bitmap);
size_t ph_between32(const uint32_t *values, size_t count, uint32_t low, uint32_t high, uint64_t *bitmap);
size_t ph_between64(const uint64_t *values, size_t count, uint64_t low, uint64_t high, uint64_t *bitmap);

/// Replaces values[i] by first + the sum of values[1] ... values[i]; values[0] is ignored. Wraps.
void ph_prefix_sum64(int64_t *values, size_t count, int64_t first);

/// Adds (high << shift) * multiplier, wrapping, to those of 1024 values whose bit is set: the first of `highs` to the
/// first of them, and so on. Reads up to 7 highs past the last.
void ph_patch64(uint64_t *values, const uint64_t *bitmap, const uint64_t *highs, unsigned shift, uint64_t multiplier);

/// Writes values[i] / divisor as doubles; `values` and `quotients` may be the same memory.
void ph_divide_decimals(const int64_t *values, size_t count, double divisor, double *quotients);
