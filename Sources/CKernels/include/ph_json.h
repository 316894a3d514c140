#pragma once
#include <stddef.h>
#include <stdint.h>

/// How the value of a step is read.
enum { ph_json_end = 0, ph_json_int16 = 1, ph_json_int32 = 2, ph_json_int64 = 3, ph_json_double = 4 };

/// The bytes before a value of a record, and what to do with the value.
typedef struct {
  /// Padded with bytes of any value to a multiple of 32, and at least 32.
  const uint8_t *literal;
  uint32_t literal_count;
  /// One of the kinds above; `ph_json_end` in the last step, which has no value.
  uint32_t kind;
  /// Where the column's values start.
  void *values;
} ph_json_step;

/// Reads records of numbers that all have the shape of `steps`: the first line starts at byte `begin` of `block`, line `i`
/// of `line_count` ends before byte `ends[i]`, and the values go to row `row + i` of their columns, its offset (that of `block` is `offset`) and its number
/// (`line` and on) to `offsets` and `lines`. Stops at the first line it does not understand at once, such as one of more
/// than fifteen digits, and returns how many it read. Reads up to 63 bytes past the lines.
size_t ph_json_read(const ph_json_step *steps, const void *block, size_t begin, const uint32_t *ends,
                    size_t line_count, size_t row, int64_t offset, int64_t line, int64_t *offsets, int64_t *lines);
