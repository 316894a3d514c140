import Bytes
import Vectors

/// The field of a date or time that `extract`, `date_part` and `date_trunc` speak of.
enum DateField {
  case microseconds, milliseconds, second, minute, hour, day, week, month, quarter, year, decade, century, millennium
  case weekday, isoWeekday, dayOfYear, isoYear, epoch, julian, zone, zoneHour, zoneMinute

  /// Takes a name in any case, with PostgreSQL's abbreviations.
  init?(_ name: StringReference) {
    switch name.string.lowercased() {
    case "microseconds", "microsecond", "us", "usec", "usecs", "usecond", "useconds", "microsecon": self = .microseconds
    case "milliseconds", "millisecond", "ms", "msec", "msecs", "msecond", "mseconds", "millisecon": self = .milliseconds
    case "second", "seconds", "sec", "secs", "s": self = .second
    case "minute", "minutes", "min", "mins", "m": self = .minute
    case "hour", "hours", "hr", "hrs", "h": self = .hour
    case "day", "days", "d": self = .day
    case "week", "weeks", "w": self = .week
    case "month", "months", "mon", "mons": self = .month
    case "quarter", "qtr": self = .quarter
    case "year", "years", "yr", "yrs", "y": self = .year
    case "decade", "decades", "dec", "decs": self = .decade
    case "century", "centuries", "c", "cent": self = .century
    case "millennium", "millennia", "mil", "mils": self = .millennium
    case "dow": self = .weekday
    case "isodow": self = .isoWeekday
    case "doy": self = .dayOfYear
    case "isoyear": self = .isoYear
    case "epoch": self = .epoch
    case "julian", "jd", "j": self = .julian
    case "timezone", "timezone_": self = .zone
    case "timezone_hour", "timezone_h": self = .zoneHour
    case "timezone_minute", "timezone_m": self = .zoneMinute
    default: return nil
    }
  }

  /// Units that could cut a timestamp, though zones do not; the others are only read.
  var isUnit: Bool {
    switch self {
    case .weekday, .isoWeekday, .dayOfYear, .isoYear, .epoch, .julian: false
    default: true
    }
  }

  static func unknown(_ name: StringReference, _ type: LogicalType) -> PulsehouseError {
    PulsehouseError(
      .user, "unit \"\(name.string.lowercased())\" not recognized for type \(type.name)", sqlState: "22023")
  }

  static func unsupported(_ name: StringReference, _ type: LogicalType) -> PulsehouseError {
    PulsehouseError(
      .user, "unit \"\(name.string.lowercased())\" not supported for type \(type.name)", sqlState: "0A000")
  }
}

/// The value of a field: an exact decimal, an infinity, or nothing (NULL).
enum FieldValue {
  case decimal(Int64, scale: Int32)
  case exact(Numeric)
  case approximate(Double)
  case infinite(isNegative: Bool)
  case missing

  var numeric: Numeric? {
    switch self {
    case .decimal(let mantissa, let scale): Numeric(mantissa: Int128(mantissa), scale: scale)
    case .exact(let value): value
    case .approximate(let value): try? NumericArithmetic.make(value)
    case .infinite(let isNegative): isNegative ? .negativeInfinity : .infinity
    case .missing: nil
    }
  }

  var double: Double? {
    switch self {
    case .decimal(let mantissa, let scale): Double(mantissa) / Double(PowerOfTen.uint64(scale))
    case .exact(let value): NumericArithmetic.double(value)
    case .approximate(let value): value
    case .infinite(let isNegative): isNegative ? -.infinity : .infinity
    case .missing: nil
    }
  }
}

/// Reads one field out of a value; nil where the type has no such field.
enum FieldReader {
  /// `zone` is whose clocks a moment is read by; nil is UTC.
  static func timestamp(
    _ field: DateField, _ value: Int64, hasZone: Bool, _ zone: ZoneRules? = nil
  ) -> FieldValue? {
    if value == .max || value == .min {
      switch field {
      case .year, .decade, .century, .millennium, .isoYear, .epoch, .julian: return .infinite(isNegative: value == .min)
      default: return .missing
      }
    }
    switch field {
    case .epoch: return .decimal(value, scale: 6)
    case .zone, .zoneHour, .zoneMinute:
      guard hasZone else { return nil }
      let offset = Int64(zone?.period(atMoment: value).offset ?? 0)
      return .decimal(field == .zone ? offset : field == .zoneHour ? offset / 3600 : offset / 60 % 60, scale: 0)
    default: break
    }
    let (days, time) = Calendar.split(zone?.local(value) ?? value)
    if let result = timeOfDay(field, time) { return result }
    if field == .julian {
      let perDay = NumericArithmetic.make(Calendar.microsecondsPerDay)
      guard let part = try? NumericArithmetic.divide(NumericArithmetic.make(time), perDay),
        let sum = try? NumericArithmetic.add(NumericArithmetic.make(days + 2_440_588), part)
      else { return nil }
      return .exact(sum)
    }
    return day(field, days)
  }

  /// Fields of a day; nil for those of a time.
  static func day(_ field: DateField, _ days: Int64) -> FieldValue? {
    let value: Int
    switch field {
    case .weekday: value = Calendar.weekday(days)
    case .isoWeekday: value = (Calendar.weekday(days) + 6) % 7 + 1
    case .week: value = Calendar.isoWeek(days).week
    case .isoYear:
      let year = Calendar.isoWeek(days).year
      value = year > 0 ? year : year - 1
    case .julian: value = Int(days) + 2_440_588
    default:
      let date = Calendar.date(fromDays: days)
      switch field {
      case .day: value = date.day
      case .month: value = date.month
      case .quarter: value = (date.month - 1) / 3 + 1
      case .year: value = date.year > 0 ? date.year : date.year - 1
      case .decade: value = date.year >= 0 ? date.year / 10 : -((8 - (date.year - 1)) / 10)
      case .century: value = date.year > 0 ? (date.year + 99) / 100 : -((99 - (date.year - 1)) / 100)
      case .millennium: value = date.year > 0 ? (date.year + 999) / 1000 : -((999 - (date.year - 1)) / 1000)
      case .dayOfYear: value = Calendar.dayOfYear(date)
      default: return nil
      }
    }
    return .decimal(Int64(value), scale: 0)
  }

  /// Fields of a time of day; nil for those of a day.
  static func timeOfDay(_ field: DateField, _ time: Int64) -> FieldValue? {
    switch field {
    case .hour: .decimal(time / Calendar.microsecondsPerHour, scale: 0)
    case .minute: .decimal(time / Calendar.microsecondsPerMinute % 60, scale: 0)
    case .second: .decimal(time % Calendar.microsecondsPerMinute, scale: 6)
    case .milliseconds: .decimal(time % Calendar.microsecondsPerMinute, scale: 3)
    case .microseconds: .decimal(time % Calendar.microsecondsPerMinute, scale: 0)
    default: nil
    }
  }

  static func interval(_ field: DateField, _ value: Interval) -> FieldValue? {
    let years = Int64(value.months / 12)
    switch field {
    case .year: return .decimal(years, scale: 0)
    case .month: return .decimal(Int64(value.months % 12), scale: 0)
    case .quarter: return .decimal(Int64(value.months % 12 / 3 + 1), scale: 0)
    case .decade: return .decimal(years / 10, scale: 0)
    case .century: return .decimal(years / 100, scale: 0)
    case .millennium: return .decimal(years / 1000, scale: 0)
    case .day: return .decimal(Int64(value.days), scale: 0)
    case .epoch:
      // A year has 365.25 days here.
      let days = Int128(years) * 36525 + (Int128(value.months % 12) * 30 + Int128(value.days)) * 100
      let total = days * 864_000_000 + Int128(value.microseconds)
      guard let mantissa = Int64(exactly: total) else { return .exact(Numeric(mantissa: total, scale: 6)) }
      return .decimal(mantissa, scale: 6)
    default: return timeOfDay(field, value.microseconds)
    }
  }
}
