#pragma once
// Totals of runs of unsigned values: run r covers values[ends[r - 1]] (ends[-1] stands for `start`) to before
// values[ends[r]]. No run is empty.
#include <stddef.h>
#include <stdint.h>

/// Writes each run's sum (modulo 2^64).
void ph_sum_runs8(const uint8_t *values, size_t start, const uint32_t *ends, size_t count, uint64_t *sums);
void ph_sum_runs16(const uint16_t *values, size_t start, const uint32_t *ends, size_t count, uint64_t *sums);
void ph_sum_runs32(const uint32_t *values, size_t start, const uint32_t *ends, size_t count, uint64_t *sums);
void ph_sum_runs64(const uint64_t *values, size_t start, const uint32_t *ends, size_t count, uint64_t *sums);

/// Writes each run's least or greatest value.
void ph_min_runs8(const uint8_t *values, size_t start, const uint32_t *ends, size_t count, uint64_t *least);
void ph_min_runs16(const uint16_t *values, size_t start, const uint32_t *ends, size_t count, uint64_t *least);
void ph_min_runs32(const uint32_t *values, size_t start, const uint32_t *ends, size_t count, uint64_t *least);
void ph_min_runs64(const uint64_t *values, size_t start, const uint32_t *ends, size_t count, uint64_t *least);
void ph_max_runs8(const uint8_t *values, size_t start, const uint32_t *ends, size_t count, uint64_t *greatest);
void ph_max_runs16(const uint16_t *values, size_t start, const uint32_t *ends, size_t count, uint64_t *greatest);
void ph_max_runs32(const uint32_t *values, size_t start, const uint32_t *ends, size_t count, uint64_t *greatest);
void ph_max_runs64(const uint64_t *values, size_t start, const uint32_t *ends, size_t count, uint64_t *greatest);
