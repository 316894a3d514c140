import Vectors

/// A day of the proleptic Gregorian calendar; year 0 is 1 BC.
package struct CivilDate: Equatable {
  package var year: Int
  package var month: Int
  package var day: Int
}

/// Days and microseconds since 1970-01-01 against years, months and days.
///
/// Source: C. Neri and L. Schneider, "Euclidean affine functions and their application to calendar algorithms" (2022).
package enum Calendar {
  static let microsecondsPerDay: Int64 = 86_400_000_000
  static let microsecondsPerHour: Int64 = 3_600_000_000
  static let microsecondsPerMinute: Int64 = 60_000_000
  static let microsecondsPerSecond: Int64 = 1_000_000

  /// 4713-11-24 BC, the first day of a timestamp.
  static let minimumDay: Int64 = -2_440_588
  /// 5874897-12-31, the last day of a date.
  static let maximumDay: Int64 = 2_145_042_905
  /// 4713-11-24 BC 00:00.
  static let minimumTimestamp: Int64 = -210_866_803_200_000_000

  /// Eras of 400 years added so that every day of `Int32` is counted from a positive number.
  @inline(__always) private static var eraShift: UInt64 { 20_000 }

  /// Converts without a branch.
  @inline(__always) package static func date(fromDays days: Int64) -> CivilDate {
    let shifted = UInt64(bitPattern: days &+ 719_468 &+ Int64(bitPattern: eraShift &* 146_097))
    let first = 4 &* shifted &+ 3
    let century = first / 146_097
    let dayOfCentury = (first % 146_097) / 4
    let second = 4 &* dayOfCentury &+ 3
    let product = 2_939_745 &* second
    let yearOfCentury = product >> 32
    let dayOfYear = (product & 0xFFFF_FFFF) / 2_939_745 / 4
    let third = 2141 &* dayOfYear &+ 197_913
    let month = third >> 16
    let day = (third & 0xFFFF) / 2141
    let isNext: UInt64 = dayOfYear >= 306 ? 1 : 0
    let year = Int(bitPattern: UInt(100 &* century &+ yearOfCentury &+ isNext)) &- Int(eraShift &* 400)
    return CivilDate(year: year, month: Int(month &- 12 &* isNext), day: Int(day &+ 1))
  }

  /// Returns the day number; month in 1...12, day in 1...31, year within ±8 million.
  @inline(__always) package static func days(year: Int, month: Int, day: Int) -> Int64 {
    let isBefore = month <= 2 ? 1 : 0
    let shiftedYear = UInt64(bitPattern: Int64(year &+ Int(eraShift &* 400) &- isBefore))
    let shiftedMonth = UInt64(month &+ 12 &* isBefore)
    let century = shiftedYear / 100
    let yearDays = 1461 &* shiftedYear / 4 &- century &+ century / 4
    let monthDays = (979 &* shiftedMonth &- 2919) / 32
    let number = yearDays &+ monthDays &+ UInt64(day &- 1)
    return Int64(bitPattern: number) &- 719_468 &- Int64(bitPattern: eraShift &* 146_097)
  }

  static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  static func lastDay(year: Int, month: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Splits microseconds into whole days (rounding down) and the time of day.
  @inline(__always) static func split(_ timestamp: Int64) -> (days: Int64, time: Int64) {
    var days = timestamp / microsecondsPerDay
    var time = timestamp % microsecondsPerDay
    if time < 0 {
      days &-= 1
      time &+= microsecondsPerDay
    }
    return (days, time)
  }

  /// Returns the timestamp of a day and a time of day; nil out of range.
  static func timestamp(days: Int64, time: Int64) -> Int64? {
    let (base, overflow) = days.multipliedReportingOverflow(by: microsecondsPerDay)
    let (sum, carry) = base.addingReportingOverflow(time)
    guard !overflow, !carry, sum >= minimumTimestamp, sum < Int64.max else { return nil }
    return sum
  }

  /// 0 is Sunday.
  static func weekday(_ days: Int64) -> Int {
    let remainder = (days + 4) % 7
    return Int(remainder < 0 ? remainder + 7 : remainder)
  }

  static func dayOfYear(_ date: CivilDate) -> Int {
    Int(days(year: date.year, month: date.month, day: date.day) - days(year: date.year, month: 1, day: 1)) + 1
  }

  /// The ISO 8601 year and week a day lies in.
  static func isoWeek(_ day: Int64) -> (year: Int, week: Int) {
    let weekday = Int64((Calendar.weekday(day) + 6) % 7)
    // The week's Thursday decides the year.
    let thursday = day - weekday + 3
    let year = date(fromDays: thursday).year
    return (year, Int((thursday - days(year: year, month: 1, day: 1)) / 7) + 1)
  }
}
