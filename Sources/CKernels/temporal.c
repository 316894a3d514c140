#include "CKernels.h"

#if defined(__x86_64__)
#define PH_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define PH_CLONES
#endif

enum { most_days = 10000000, most_microseconds_log = 52 };

// Source of the arithmetic: C. Neri and L. Schneider, "Euclidean affine functions and their application to calendar
// algorithms", Software: Practice and Experience, 2022. Years begin in March, 82 cycles of 400 years before 1970.
struct ph_date {
  uint32_t year, month, day;
};

static inline struct ph_date date(int32_t days) {
  const uint32_t number = (uint32_t)(days + 719468 + 146097 * 82);
  const uint32_t quarters = 4 * number + 3;
  const uint32_t century = quarters / 146097;
  const uint32_t rest = 4 * (quarters % 146097 / 4) + 3;
  const uint64_t product = (uint64_t)2939745 * rest;
  const uint32_t year = (uint32_t)(product >> 32);
  const uint32_t day_of_year = (uint32_t)product / 2939745 / 4;
  const uint32_t months = 2141 * day_of_year + 197913;
  const uint32_t is_next = day_of_year >= 306;
  return (struct ph_date){
      .year = 100 * century + year - 400 * 82 + is_next,
      .month = months / 65536 - (is_next ? 12 : 0),
      .day = months % 65536 / 2141 + 1,
  };
}

// There is no year 0: the year before year 1 is -1.
#define PH_YEAR(DATE) ((int32_t)(DATE).year - ((int32_t)(DATE).year <= 0))
#define PH_MONTH(DATE) ((int32_t)(DATE).month)
#define PH_DAY(DATE) ((int32_t)(DATE).day)

#define PH_FIELD(NAME, FIELD)                                                                                         \
  PH_CLONES int NAME(const int32_t *days, size_t count, int32_t *output) {                                            \
    uint32_t wrong = 0;                                                                                               \
    for (size_t row = 0; row < count; row++) {                                                                        \
      const int32_t day = days[row];                                                                                  \
      const uint32_t is_far = (uint32_t)day + most_days > 2 * most_days;                                              \
      wrong |= is_far;                                                                                                \
      const struct ph_date there = date(is_far ? 0 : day);                                                            \
      output[row] = FIELD(there);                                                                                     \
    }                                                                                                                 \
    return !wrong;                                                                                                    \
  }

PH_FIELD(ph_years, PH_YEAR)
PH_FIELD(ph_months, PH_MONTH)
PH_FIELD(ph_month_days, PH_DAY)

// Below 2^52 a quotient that is no whole number is further from one than half the distance of doubles there: rounding
// the division never reaches it.
#define PH_FLOOR_DIVIDE(VALUE, DIVISOR) ((VALUE) / (DIVISOR) - ((VALUE) % (DIVISOR) < 0))
#define PH_FLOOR_REST(VALUE, DIVISOR) ((VALUE) % (DIVISOR) + ((VALUE) % (DIVISOR) < 0 ? (DIVISOR) : 0))

#define PH_OF_WHOLES(NAME, UNIT, RESULT)                                                                              \
  PH_CLONES int NAME(const int64_t *microseconds, size_t count, int32_t *output) {                                    \
    const int64_t limit = (int64_t)1 << most_microseconds_log;                                                        \
    uint64_t wrong = 0;                                                                                               \
    for (size_t row = 0; row < count; row++) {                                                                        \
      const int64_t value = microseconds[row];                                                                        \
      const uint64_t is_far = (uint64_t)value + (uint64_t)limit > 2 * (uint64_t)limit;                                \
      wrong |= is_far;                                                                                                \
      const int32_t whole = (int32_t)__builtin_floor((double)(is_far ? 0 : value) / (UNIT));                          \
      output[row] = RESULT;                                                                                           \
    }                                                                                                                 \
    return !wrong;                                                                                                    \
  }

PH_OF_WHOLES(ph_minutes, 6e7, whole)
PH_OF_WHOLES(ph_hour_minutes, 6e7, PH_FLOOR_REST(whole, 60))
PH_OF_WHOLES(ph_day_hours, 6e7, PH_FLOOR_DIVIDE(PH_FLOOR_REST(whole, 1440), 60))
PH_OF_WHOLES(ph_days, 8.64e10, whole)

PH_CLONES int ph_moments(const int64_t *numbers, size_t count, int64_t first, int64_t unit, int64_t limit,
                         int64_t *moments) {
  uint64_t wrong = 0;
  for (size_t row = 0; row < count; row++) {
    const uint64_t number = (uint64_t)numbers[row];
    wrong |= number + (uint64_t)limit > 2 * (uint64_t)limit;
    moments[row] = (int64_t)((uint64_t)first + number * (uint64_t)unit);
  }
  return !wrong;
}

#define PH_DIVIDE(DIVISOR)                                                                                            \
  for (size_t row = 0; row < count; row++) {                                                                          \
    const int32_t value = values[row];                                                                                \
    quotients[row] = PH_FLOOR_DIVIDE(value, DIVISOR);                                                     \
  }

PH_CLONES void ph_floor_divide32(const int32_t *values, size_t count, int32_t divisor, int32_t *quotients) {
  // Divisions by what the compiler knows are multiplications.
  if (divisor == 60) {
    PH_DIVIDE(60)
  } else if (divisor == 1440) {
    PH_DIVIDE(1440)
  } else {
    PH_DIVIDE(divisor)
  }
}
