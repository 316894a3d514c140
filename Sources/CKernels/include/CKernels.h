#pragma once
// Intrinsics kernels with run-time dispatch (AVX-512, AVX2, baseline). Each has a Swift reference beside its benchmark.
#include <stddef.h>
#include <stdint.h>

/// Asks the cache for the line at `pointer`; never faults.
static inline void ph_prefetch(const void *pointer) { __builtin_prefetch(pointer); }

/// Returns 1 when the processor has AVX2, FMA and BMI2, which every Swift target is compiled for.
int ph_cpu_has_v3(void);
