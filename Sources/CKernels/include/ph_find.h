#pragma once
#include <stddef.h>

/// Returns where `needle` first stands in `haystack`, or NULL. Lengths in bytes; an empty needle stands at the start.
const void *ph_find(const void *haystack, size_t haystack_count, const void *needle, size_t needle_count);
