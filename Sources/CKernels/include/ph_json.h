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
  /// Which of a record's edges is the start of the value; in the last step how many edges a record has.
  uint32_t edge;
  /// Where the column's values start.
  void *values;
} ph_json_step;

/// Finds the edges of runs of bytes of which plain numbers are made (`-`, `.`, `/` and digits): writes to `edges` where
/// a run starts and where the byte after it lies, in turn, for `count` bytes (at most 65,535), the first of which
/// follows no such byte, and returns how many it wrote. Reads up to 63 bytes past `count`; `edges` has room for
/// `count + 64` entries.
size_t ph_json_edges(const void *bytes, size_t count, uint16_t *edges);

/// Reads records of numbers that all have the shape of `steps`, of which at least one has a value. The first line
/// starts with `block`, whose `count` bytes have those edges. The values of the n-th line go to row `row + n` of their
/// columns, its offset (that of `block` is `offset`) and its number (`line` and on) to `offsets` and `lines`. The last
/// line may lack its newline where `is_last` says that nothing follows the block. Stops at the first line it does not
/// understand at once, such as one of more than sixteen digits, at one that the block does not hold to its end, and
/// after `capacity` lines. Returns how many it read, and in `taken` how many bytes. Up to `capacity` rows may be
/// written to, whatever it returns. Reads up to 63 bytes past the block.
size_t ph_json_read(const ph_json_step *steps, const void *block, size_t count, int is_last, const uint16_t *edges,
                    size_t edge_count, size_t capacity, size_t row, int64_t offset, int64_t line, int64_t *offsets,
                    int64_t *lines, size_t *taken);
