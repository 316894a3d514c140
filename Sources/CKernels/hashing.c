#include "CKernels.h"

#if defined(__x86_64__)
#define PH_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define PH_CLONES
#endif

typedef uint64_t lanes8 __attribute__((vector_size(64), aligned(8), may_alias));
typedef uint64_t loose8 __attribute__((vector_size(64), aligned(1), may_alias));

// Digits of the golden ratio and of the square roots of 2 and 3, as xxHash and splitmix use them.
static const lanes8 key_start = {0x9E3779B185EBCA87u, 0xC2B2AE3D27D4EB4Fu, 0x165667B19E3779F9u, 0x85EBCA77C2B2AE63u,
                                 0x27D4EB2F165667C5u, 0x9E3779B97F4A7C15u, 0x6A09E667F3BCC909u, 0xBB67AE8584CAA73Bu};

PH_CLONES void ph_hash_stripes(uint64_t *state, uint64_t first, const void *bytes, size_t count) {
  lanes8 sums = *(const lanes8 *)state;
  const loose8 *stripe = (const loose8 *)bytes;
  for (size_t i = 0; i < count; i++) {
    // The key moves on with every stripe, so that stripes that change places change the sums.
    const lanes8 key = key_start + (first + i) * 0x9FB21C651E98DF25u;
    const lanes8 data = stripe[i], mixed = data ^ key;
    sums += __builtin_shufflevector(data, data, 1, 0, 3, 2, 5, 4, 7, 6);
    sums += (mixed & 0xFFFFFFFFu) * (mixed >> 32);
    if (((first + i) & 15) == 15) sums = (sums ^ (sums >> 47) ^ key) * 0x9E3779B1u;
  }
  *(lanes8 *)state = sums;
}
