#pragma once
// Steps of many walkers: see `TrackedStream`.
#include <stddef.h>
#include <stdint.h>

/// Takes a step for each row and writes where it leads. Row i's walker is keys[i], its class classes[i] & 7; the step
/// is the next one of its class, steps[next[class]], in zigzag form, and next[class] moves on. A track (four words,
/// aligned to 32 bytes) is the walker's last value, its home, how many rows made the home (at most 31), and a word that
/// stays. Where is_from_home[class] is 1, not 0, the step is taken from home, which then moves by shares[rows] / 65,536
/// of it. Wraps.
///
/// `steps` may be read up to 64 bytes past the last one that is taken.
void ph_walk_tracks(const uint32_t *keys, const uint8_t *classes, size_t count, const uint64_t *steps, size_t *next,
                    const uint8_t *is_from_home, const int64_t *shares, int64_t *tracks, int64_t *values);
