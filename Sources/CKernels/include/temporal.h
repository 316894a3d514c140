#pragma once
// Fields of many days and moments at once. Each has a Swift reference, `Calendar`, in its tests.
#include <stddef.h>
#include <stdint.h>

/// Writes the year of each day since 1970-01-01, in the Gregorian calendar carried back; the year before year 1 is -1.
/// Returns 0, and leaves nothing of use, when a day lies further than ten million days away.
int ph_years(const int32_t *days, size_t count, int32_t *years);

/// As `ph_years`, but the month of the year, 1 to 12.
int ph_months(const int32_t *days, size_t count, int32_t *months);

/// As `ph_years`, but the day of the month, 1 to 31.
int ph_month_days(const int32_t *days, size_t count, int32_t *month_days);

/// Writes the whole minutes of microseconds, rounded down. Returns 0, and leaves nothing of use, when one lies further
/// than 2^52 microseconds (142 years) from 0.
int ph_minutes(const int64_t *microseconds, size_t count, int32_t *minutes);

/// As `ph_minutes`, but whole days.
int ph_days(const int64_t *microseconds, size_t count, int32_t *days);

/// Writes `first + unit * number` of each number, wrapping. Returns 0 when one lies further than `limit` (at most 2^62)
/// from 0.
int ph_moments(const int64_t *numbers, size_t count, int64_t first, int64_t unit, int64_t limit, int64_t *moments);

/// As `ph_minutes`, but the minute of the hour, 0 to 59.
int ph_hour_minutes(const int64_t *microseconds, size_t count, int32_t *minutes);

/// As `ph_minutes`, but the hour of the day, 0 to 23.
int ph_day_hours(const int64_t *microseconds, size_t count, int32_t *hours);

/// Writes `value / divisor` of each value, rounded down; `divisor` is 60, 1440 or any other number above 0.
void ph_floor_divide32(const int32_t *values, size_t count, int32_t divisor, int32_t *quotients);
