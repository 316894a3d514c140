import Bytes
import Vectors

/// Operators with a date, time or interval among their operands.
enum TemporalArithmetic {
  /// `zone` is by whose clocks moments move by days and months; nil is UTC.
  static func binary(
    _ op: ArithmeticOperator, _ left: Vector, _ right: Vector, _ type: LogicalType, zone: ZoneRules? = nil
  ) throws -> Vector {
    if let zone {
      switch (op, left.type, right.type) {
      case (.add, .timestamptz, .interval), (.subtract, .timestamptz, .interval):
        return try moved(left, right, isForward: op == .add, by: zone)
      case (.add, .interval, .timestamptz): return try moved(right, left, isForward: true, by: zone)
      default: break
      }
    }
    switch (op, left.type, right.type) {
    case (.add, .date, let other) where other.isInteger: return try shift(left, right, by: 1)
    case (.add, let other, .date) where other.isInteger: return try shift(right, left, by: 1)
    case (.subtract, .date, let other) where other.isInteger: return try shift(left, right, by: -1)
    case (.subtract, .date, .date): return try daysBetween(left, right)
    case (.add, .date, .time): return try dateWithTime(left, right)
    case (.add, .time, .date): return try dateWithTime(right, left)
    case (.add, .date, .interval), (.subtract, .date, .interval):
      return try moved(try Cast.vector(left, to: .timestamp), right, isForward: op == .add)
    case (.add, .interval, .date): return try moved(try Cast.vector(right, to: .timestamp), left, isForward: true)
    case (.add, .timestamp, .interval), (.add, .timestamptz, .interval): return try moved(left, right, isForward: true)
    case (.add, .interval, .timestamp), (.add, .interval, .timestamptz): return try moved(right, left, isForward: true)
    case (.subtract, .timestamp, .interval), (.subtract, .timestamptz, .interval):
      return try moved(left, right, isForward: false)
    case (.subtract, .timestamp, .timestamp), (.subtract, .timestamptz, .timestamptz),
      (.subtract, .timestamp, .timestamptz), (.subtract, .timestamptz, .timestamp):
      return try between(left, right)
    case (.subtract, .date, .timestamp), (.subtract, .date, .timestamptz):
      return try between(try Cast.vector(left, to: right.type), right)
    case (.subtract, .timestamp, .date), (.subtract, .timestamptz, .date):
      return try between(left, try Cast.vector(right, to: left.type))
    case (.add, .time, .interval), (.subtract, .time, .interval):
      let sign: Int64 = op == .add ? 1 : -1
      return mapBinary(left, right, .time) { (time: Int64, span: Interval) in
        Calendar.split(time &+ sign &* (span.microseconds % Calendar.microsecondsPerDay)).time
      }
    case (.add, .interval, .time): return try binary(.add, right, left, type)
    case (.subtract, .time, .time):
      return mapBinary(left, right, .interval) { (a: Int64, b: Int64) in
        Interval(months: 0, days: 0, microseconds: a &- b)
      }
    case (.add, .interval, .interval), (.subtract, .interval, .interval):
      let isSum = op == .add
      return try mapBinaryThrowing(left, right, .interval) { (a: Interval, b: Interval) -> Interval? in
        try sum(a, isSum ? b : negated(b))
      }
    case (.multiply, .interval, let other) where other.isNumber: return try scaled(left, right, isProduct: true)
    case (.multiply, let other, .interval) where other.isNumber: return try scaled(right, left, isProduct: true)
    case (.divide, .interval, let other) where other.isNumber: return try scaled(left, right, isProduct: false)
    default: throw Failure.noOperator(symbol(op), [left.type, right.type])
    }
  }

  private static func symbol(_ op: ArithmeticOperator) -> String {
    switch op {
    case .add: "+"
    case .subtract: "-"
    case .multiply: "*"
    case .divide: "/"
    case .modulo: "%"
    case .bitAnd: "&"
    case .bitOr: "|"
    case .bitXor: "#"
    case .shiftLeft: "<<"
    case .shiftRight: ">>"
    }
  }

  static func negate(_ operand: Vector) throws -> Vector {
    try mapUnaryThrowing(operand, .interval) { (a: Interval) -> Interval? in try negated(a) }
  }

  static func negated(_ value: Interval) throws -> Interval {
    guard value.months != .min, value.days != .min, value.microseconds != .min else { throw Failure.intervalRange }
    return Interval(months: -value.months, days: -value.days, microseconds: -value.microseconds)
  }

  static func sum(_ left: Interval, _ right: Interval) throws -> Interval {
    let (months, first) = left.months.addingReportingOverflow(right.months)
    let (days, second) = left.days.addingReportingOverflow(right.days)
    let (microseconds, third) = left.microseconds.addingReportingOverflow(right.microseconds)
    if first || second || third { throw Failure.intervalRange }
    return Interval(months: months, days: days, microseconds: microseconds)
  }

  private static func shift(_ dates: Vector, _ numbers: Vector, by sign: Int64) throws -> Vector {
    let days = try Cast.vector(numbers, to: .integer)
    return try mapBinaryChecked(
      dates, days, .date,
      { (date: Int32, number: Int32) in
        if date == .max || date == .min { return (date, false) }
        let sum = Int64(date) &+ sign &* Int64(number)
        return (Int32(truncatingIfNeeded: sum), sum < Calendar.minimumDay || sum > Calendar.maximumDay)
      }, { _, _ in Failure.dateRange })
  }

  private static func daysBetween(_ left: Vector, _ right: Vector) throws -> Vector {
    try mapBinaryChecked(
      left, right, .integer,
      { (a: Int32, b: Int32) in
        let isInfinite = a == .max || a == .min || b == .max || b == .min
        return (a &- b, isInfinite)
      }, { _, _ in PulsehouseError(.user, "cannot subtract infinite dates", sqlState: "22008") })
  }

  private static func dateWithTime(_ dates: Vector, _ times: Vector) throws -> Vector {
    let start = try Cast.vector(dates, to: .timestamp)
    return mapBinary(start, times, .timestamp) { (a: Int64, b: Int64) in a == .max || a == .min ? a : a &+ b }
  }

  /// Months and days move the time that the zone's clocks show, microseconds the moment itself.
  private static func moved(
    _ moments: Vector, _ spans: Vector, isForward: Bool, by zone: ZoneRules
  ) throws -> Vector {
    try mapBinaryThrowing(moments, spans, .timestamptz) { (moment: Int64, span: Interval) -> Int64? in
      if moment == .max || moment == .min { return moment }
      let span = isForward ? span : try negated(span)
      var result = moment
      if span.months != 0 || span.days != 0 {
        let calendar = Interval(months: span.months, days: span.days, microseconds: 0)
        // By months first and then by days, each time by the clocks.
        guard let there = zone.moment(try add(calendar, to: zone.local(moment))) else { throw Failure.timestampRange }
        result = there
      }
      let (sum, overflow) = result.addingReportingOverflow(span.microseconds)
      guard !overflow, sum >= Calendar.minimumTimestamp, sum != .max else { throw Failure.timestampRange }
      return sum
    }
  }

  private static func moved(_ timestamps: Vector, _ spans: Vector, isForward: Bool) throws -> Vector {
    // Days and microseconds alone, the usual case, need no calendar.
    if spans.form == .constant, spans.validity == nil, spans.values(as: Interval.self)[0].months == 0 {
      let span = spans.values(as: Interval.self)[0]
      let (days, first) = Int64(span.days).multipliedReportingOverflow(by: Calendar.microsecondsPerDay)
      let (length, second) = days.addingReportingOverflow(span.microseconds)
      if !first && !second {
        return try mapUnaryChecked(
          timestamps, timestamps.type,
          { (a: Int64) in
            if a == .max || a == .min { return (a, false) }
            let (sum, overflow) = isForward ? a.addingReportingOverflow(length) : a.subtractingReportingOverflow(length)
            return (sum, overflow || sum < Calendar.minimumTimestamp || sum == .max)
          }, { _ in Failure.timestampRange })
      }
    }
    if hasMicrosecondsAlone(spans) {
      return try mapBinaryChecked(
        timestamps, spans, timestamps.type,
        { (a: Int64, span: Interval) in
          if a == .max || a == .min { return (a, false) }
          let (sum, overflow) =
            isForward
            ? a.addingReportingOverflow(span.microseconds) : a.subtractingReportingOverflow(span.microseconds)
          return (sum, overflow || sum < Calendar.minimumTimestamp || sum == .max)
        }, { _, _ in Failure.timestampRange })
    }
    return try mapBinaryThrowing(timestamps, spans, timestamps.type) { (a: Int64, span: Interval) -> Int64? in
      try add(isForward ? span : negated(span), to: a)
    }
  }

  /// True when no row, NULL or not, has months or days.
  private static func hasMicrosecondsAlone(_ spans: Vector) -> Bool {
    guard spans.form == .flat else { return false }
    let values = spans.values(as: Interval.self)
    var others: Int32 = 0
    var row = 0
    while row < spans.count {
      others |= values[row].months | values[row].days
      row &+= 1
    }
    return others == 0
  }

  /// Adds months (the day is clipped to the month's last), then days, then microseconds.
  static func add(_ span: Interval, to timestamp: Int64) throws -> Int64 {
    if timestamp == .max || timestamp == .min { return timestamp }
    var (days, time) = Calendar.split(timestamp)
    if span.months != 0 {
      let date = Calendar.date(fromDays: days)
      let months = date.year * 12 + date.month - 1 + Int(span.months)
      let year = months >= 0 ? months / 12 : (months - 11) / 12
      let month = months - year * 12 + 1
      guard year > -4714, year < 300_000 else { throw Failure.timestampRange }
      days = Calendar.days(year: year, month: month, day: min(date.day, Calendar.lastDay(year: year, month: month)))
    }
    days += Int64(span.days)
    let (sum, overflow) = time.addingReportingOverflow(span.microseconds)
    guard !overflow else { throw Failure.timestampRange }
    time = sum
    guard let result = Calendar.timestamp(days: days, time: time) else { throw Failure.timestampRange }
    return result
  }

  private static func between(_ left: Vector, _ right: Vector) throws -> Vector {
    try mapBinaryChecked(
      left, right, .interval,
      { (a: Int64, b: Int64) in
        let (difference, overflow) = a.subtractingReportingOverflow(b)
        let isInfinite = a == .max || a == .min || b == .max || b == .min
        let days = difference / Calendar.microsecondsPerDay
        let rest = difference % Calendar.microsecondsPerDay
        return (
          Interval(months: 0, days: Int32(truncatingIfNeeded: days), microseconds: rest), overflow || isInfinite
        )
      },
      { a, b in
        let isInfinite = a == .max || a == .min || b == .max || b == .min
        return isInfinite
          ? PulsehouseError(.user, "cannot subtract infinite timestamps", sqlState: "22008") : Failure.intervalRange
      })
  }

  /// Multiplies or divides an interval; fractions of a month become days of 30 to a month, of a day hours.
  private static func scaled(_ spans: Vector, _ factors: Vector, isProduct: Bool) throws -> Vector {
    let factors = try Cast.vector(factors, to: .double)
    if isProduct, let result = microseconds(spans, factors) { return result }
    return try mapBinaryThrowing(spans, factors, .interval) { (span: Interval, factor: Double) -> Interval? in
      if !isProduct && factor == 0 { throw Failure.divisionByZero }
      func apply(_ value: Double) -> Double { isProduct ? value * factor : value / factor }
      func rounded(_ seconds: Double) -> Double { (seconds * 1e6).rounded(.toNearestOrEven) / 1e6 }
      let allMonths = apply(Double(span.months))
      let allDays = apply(Double(span.days))
      guard let months = Int32(exactly: allMonths.rounded(.towardZero)),
        let days = Int32(exactly: allDays.rounded(.towardZero))
      else { throw Failure.intervalRange }
      let monthDays = rounded((allMonths - Double(months)) * 30)
      let wholeMonthDays = monthDays.rounded(.towardZero)
      var seconds = rounded((allDays - Double(days) + monthDays - wholeMonthDays) * 86400)
      var extraDays = 0.0
      if seconds.magnitude >= 86400 {
        extraDays = (seconds / 86400).rounded(.towardZero)
        seconds -= extraDays * 86400
      }
      let microseconds = (apply(Double(span.microseconds)) + seconds * 1e6).rounded(.toNearestOrEven)
      guard let finalDays = Int32(exactly: Double(days) + wholeMonthDays + extraDays),
        let finalMicroseconds = Int64(exactly: microseconds)
      else { throw Failure.intervalRange }
      return Interval(months: months, days: finalDays, microseconds: finalMicroseconds)
    }
  }

  /// Multiplies a constant of microseconds alone by doubles that are whole; nil where that is not it, or where the
  /// product of doubles would not be exact.
  private static func microseconds(_ spans: Vector, _ factors: Vector) -> Vector? {
    guard spans.form == .constant, spans.validity == nil, factors.form == .flat else { return nil }
    let span = spans.values(as: Interval.self)[0]
    guard span.months == 0, span.days == 0, span.microseconds.magnitude < 1 << 53 else { return nil }
    let limit = Double((1 << 53) / max(span.microseconds, -span.microseconds, 1))
    let values = factors.values(as: Double.self)
    let count = factors.count
    let buffer = AlignedBuffer(byteCount: count * MemoryLayout<Interval>.stride)
    let output = buffer.values(as: Interval.self)
    for row in 0..<count {
      let value = values[row]
      // False for NaN too.
      guard value.magnitude <= limit, value.rounded(.towardZero) == value else { return nil }
      let number = Int64(value)
      output[row] = Interval(months: 0, days: 0, microseconds: number &* span.microseconds)
    }
    return Vector(.interval, count: count, buffer: buffer, validity: factors.validity)
  }
}
