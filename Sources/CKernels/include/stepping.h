#pragma once
// Two columns walked along the rows of each key: how far each row is from the last one of its key, and from its home.
#include <stddef.h>
#include <stdint.h>

/// What a walk reads and writes; all but `tracks` and `histogram` have `count` rows.
typedef struct {
  size_t count;
  const uint32_t *keys;
  const int64_t *first, *second;
  /// Eight words a key: the first column's last value and home, the second one's, and how many rows made the homes.
  int64_t *tracks;
  /// What a step moves a home of so many rows by, in parts of 2^16; as many as `memory`.
  const int64_t *shares;
  int64_t memory;
  /// The most bits of a step that may be taken from the last values.
  uint32_t reach;
  /// Steps as zigzag codes, from the last values or from home.
  uint64_t *first_steps, *second_steps;
  /// 255 for steps from the last values, else how many bits the longer step from home has.
  uint8_t *lengths;
  /// Adds up how many rows have each of those.
  uint64_t *histogram;
} ph_stepping;

/// Walks all rows. A row's steps are taken from the last values where the longer of them has at most `reach` bits and
/// fewer than the longer one from home; else from home, which then moves towards the row.
void ph_step_along(const ph_stepping *walk);
