import Vectors

/// Reads intervals: `1 year 2 mons 3 days 04:05:06.7`, `1.5 hours ago`, `1-2`, `P1Y2M3DT4H5M6S`.
enum IntervalParser {
  enum Failure: Error {
    case syntax
    case range
  }

  /// The sum so far, wide enough that checks can wait until the end.
  private struct Total {
    var months: Int128 = 0
    var days: Int128 = 0
    var microseconds: Int128 = 0
    private var seen: Set<Unit> = []

    /// Notes that a unit was given; no unit may be given twice.
    mutating func note(_ units: Unit...) throws(Failure) {
      for unit in units where !seen.insert(unit).inserted { throw .syntax }
    }

    /// Adds `value` (a whole number and millionths of one) of a unit, the fraction spilling into smaller units.
    mutating func add(_ whole: Int64, _ fraction: Double, _ unit: Unit) {
      let amount = Int128(whole)
      switch unit {
      case .microsecond: microseconds += amount + Int128(fraction.rounded(.toNearestOrEven))
      case .millisecond: microseconds += amount * 1000 + Int128((fraction * 1000).rounded(.toNearestOrEven))
      case .second: microseconds += amount * 1_000_000 + Int128((fraction * 1_000_000).rounded(.toNearestOrEven))
      case .minute: addTime(amount, fraction, Calendar.microsecondsPerMinute)
      case .hour: addTime(amount, fraction, Calendar.microsecondsPerHour)
      case .day:
        days += amount
        addTime(0, fraction, Calendar.microsecondsPerDay)
      case .week:
        days += amount * 7
        addDays(fraction * 7)
      case .month:
        months += amount
        addDays(fraction * 30)
      case .year, .decade, .century, .millennium:
        let years = unit == .year ? 1 : unit == .decade ? 10 : unit == .century ? 100 : 1000
        months += amount * Int128(years * 12)
        months += Int128((fraction * Double(years * 12)).rounded(.toNearestOrEven))
      }
    }

    private mutating func addTime(_ whole: Int128, _ fraction: Double, _ unit: Int64) {
      microseconds += whole * Int128(unit) + Int128((fraction * Double(unit)).rounded(.toNearestOrEven))
    }

    private mutating func addDays(_ value: Double) {
      let whole = value.rounded(.towardZero)
      days += Int128(whole)
      addTime(0, value - whole, Calendar.microsecondsPerDay)
    }

    func finish(isAgo: Bool) throws(Failure) -> Interval {
      let sign: Int128 = isAgo ? -1 : 1
      guard let months = Int32(exactly: months * sign), let days = Int32(exactly: days * sign),
        let microseconds = Int64(exactly: microseconds * sign)
      else { throw .range }
      return Interval(months: months, days: days, microseconds: microseconds)
    }
  }

  enum Unit { case microsecond, millisecond, second, minute, hour, day, week, month, year, decade, century, millennium }

  static func parse(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> Interval {
    var cursor = TextCursor(bytes)
    cursor.skipBlanks()
    if let first = cursor.peek, first | 0x20 == 0x70 {
      cursor.advance()
      return try standard(&cursor)
    }
    var total = Total()
    var isAgo = false
    var parts = 0
    if cursor.take(0x40) { cursor.skipBlanks() }
    while let byte = cursor.peek {
      if TextCursor.isBlank(byte) {
        cursor.advance()
        continue
      }
      if TextCursor.isLetter(byte) {
        guard parts > 0, cursor.takeWord() == "ago" else { throw .syntax }
        isAgo = true
        cursor.skipBlanks()
        guard cursor.isAtEnd else { throw .syntax }
        break
      }
      try part(&cursor, &total)
      parts += 1
    }
    guard parts > 0 else { throw .syntax }
    return try total.finish(isAgo: isAgo)
  }

  private static func part(_ cursor: inout TextCursor, _ total: inout Total) throws(Failure) {
    let isNegative = cursor.peek == 0x2D
    if isNegative || cursor.peek == 0x2B { cursor.advance() }
    var whole: Int64 = 0
    if cursor.peek != 0x2E {
      guard let next = cursor.peek, TextCursor.isDigit(next) else { throw .syntax }
      guard let value = cursor.takeInteger() else { throw .range }
      whole = Int64(value)
    }
    let sign: Int64 = isNegative ? -1 : 1
    if cursor.peek == 0x3A {
      try total.note(.hour, .minute, .second)
      let time = try clock(&cursor, hours: whole)
      total.microseconds += Int128(time) * Int128(sign)
      return
    }
    if cursor.peek == 0x2D, let digit = cursor.peek(1), TextCursor.isDigit(digit) {
      // Years and months of the SQL standard.
      cursor.advance()
      guard let months = cursor.takeInteger(limit: 1_000_000) else { throw .syntax }
      guard months < 12 else { throw .range }
      try total.note(.year, .month)
      total.months += Int128(sign) * (Int128(whole) * 12 + Int128(months))
      return
    }
    var fraction = 0.0
    if cursor.take(0x2E) { fraction = takeFraction(&cursor) }
    cursor.skipBlanks()
    // A number before a time is days; any other without a unit is seconds.
    var unit = Unit.second
    if let letter = cursor.peek, TextCursor.isLetter(letter) {
      let mark = cursor.position
      guard let name = cursor.takeWord() else { throw .syntax }
      if name == "ago" {
        cursor.move(to: mark)
      } else {
        guard let known = Self.unit(name) else { throw .syntax }
        unit = known
      }
    } else if isClock(cursor) {
      unit = .day
    }
    try total.note(unit)
    total.add(whole * sign, fraction * Double(sign), unit)
  }

  /// Whether `[sign]digits:` comes next.
  private static func isClock(_ cursor: TextCursor) -> Bool {
    var ahead = cursor
    if ahead.peek == 0x2D || ahead.peek == 0x2B { ahead.advance() }
    guard ahead.takeInteger() != nil else { return false }
    return ahead.peek == 0x3A
  }

  private static func clock(_ cursor: inout TextCursor, hours: Int64) throws(Failure) -> Int64 {
    guard cursor.take(0x3A), let minute = cursor.takeInteger(limit: 1_000_000) else { throw .syntax }
    var second = 0
    var micros = 0
    if cursor.take(0x3A) {
      guard let value = cursor.takeInteger(limit: 1_000_000) else { throw .syntax }
      second = value
      if cursor.take(0x2E) { micros = cursor.takeMicroseconds() }
    }
    guard minute < 60, second <= 60 else { throw .range }
    let (base, overflow) = hours.multipliedReportingOverflow(by: Calendar.microsecondsPerHour)
    let (sum, carry) = base.addingReportingOverflow(Int64(minute * 60 + second) * 1_000_000 + Int64(micros))
    if overflow || carry { throw .range }
    return sum
  }

  private static func takeFraction(_ cursor: inout TextCursor) -> Double {
    var numerator: Double = 0
    var denominator: Double = 1
    while let byte = cursor.peek, TextCursor.isDigit(byte) {
      if denominator < 1e15 {
        numerator = numerator * 10 + Double(byte - 0x30)
        denominator *= 10
      }
      cursor.advance()
    }
    return numerator / denominator
  }

  /// ISO 8601: `P[n]Y[n]M[n]W[n]DT[n]H[n]M[n]S`, signs before each number.
  private static func standard(_ cursor: inout TextCursor) throws(Failure) -> Interval {
    var total = Total()
    var inTime = false
    var parts = 0
    while let byte = cursor.peek {
      if byte | 0x20 == 0x74, !inTime {
        inTime = true
        cursor.advance()
        continue
      }
      if TextCursor.isBlank(byte) { break }
      let isNegative = cursor.peek == 0x2D
      if isNegative || cursor.peek == 0x2B { cursor.advance() }
      guard let whole = cursor.peek == 0x2E ? 0 : cursor.takeInteger() else { throw .syntax }
      var fraction = 0.0
      if cursor.take(0x2E) { fraction = takeFraction(&cursor) }
      guard let letter = cursor.peek else { throw .syntax }
      cursor.advance()
      let sign: Int64 = isNegative ? -1 : 1
      let unit: Unit
      switch (letter | 0x20, inTime) {
      case (0x79, false): unit = .year
      case (0x6D, false): unit = .month
      case (0x77, false): unit = .week
      case (0x64, false): unit = .day
      case (0x68, true): unit = .hour
      case (0x6D, true): unit = .minute
      case (0x73, true): unit = .second
      default: throw .syntax
      }
      total.add(Int64(whole) * sign, fraction * Double(sign), unit)
      parts += 1
    }
    cursor.skipBlanks()
    guard parts > 0 || inTime, cursor.isAtEnd else { throw .syntax }
    return try total.finish(isAgo: false)
  }

  /// Returns the unit a word in lower case names.
  static func unit(_ name: String) -> Unit? {
    switch name {
    case "microsecond", "microseconds", "us", "usec", "usecs", "usecond", "useconds", "microsecon": .microsecond
    case "millisecond", "milliseconds", "ms", "msec", "msecs", "mseconds", "msecond", "millisecon": .millisecond
    case "second", "seconds", "sec", "secs", "s": .second
    case "minute", "minutes", "min", "mins", "m": .minute
    case "hour", "hours", "hr", "hrs", "h": .hour
    case "day", "days", "d": .day
    case "week", "weeks", "w": .week
    case "month", "months", "mon", "mons": .month
    case "year", "years", "yr", "yrs", "y": .year
    case "decade", "decades", "dec", "decs": .decade
    case "century", "centuries", "c", "cent": .century
    case "millennium", "millennia", "mil", "mils": .millennium
    default: nil
    }
  }
}
