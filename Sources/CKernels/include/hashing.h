#pragma once
#include <stddef.h>
#include <stdint.h>

/// Takes `count` stripes of 64 bytes into the eight sums at `state` (aligned to 8 bytes); `first` is how many went
/// before.
///
/// Source: the long loop of XXH3 (Yann Collet), with keys that move on by addition.
void ph_hash_stripes(uint64_t *state, uint64_t first, const void *bytes, size_t count);
