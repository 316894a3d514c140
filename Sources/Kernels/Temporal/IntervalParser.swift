import Vectors

/// Reads intervals: `1 year 2 mons 3 days 04:05:06.7`, `1.5 hours ago`, `1-2`, `P1Y2M3DT4H5M6S`.
///
/// As PostgreSQL does, a text is cut into pieces which are read from the last to the first, so that a unit is known
/// before its number.
enum IntervalParser {
  enum Failure: Error {
    case syntax
    case range
    /// Each field is in range, but their sum is not.
    case total
  }

  enum Unit { case microsecond, millisecond, second, minute, hour, day, week, month, year, decade, century, millennium }

  /// The sum so far, wide enough that checks can wait until the end.
  private struct Total {
    var years: Int128 = 0
    var months: Int128 = 0
    var days: Int128 = 0
    var microseconds: Int128 = 0

    /// Adds `whole` and a `fraction` of a unit, the fraction spilling into smaller units.
    mutating func add(_ whole: Int64, _ fraction: Double, _ unit: Unit) {
      let amount = Int128(whole)
      switch unit {
      case .microsecond: addTime(amount, fraction, 1)
      case .millisecond: addTime(amount, fraction, 1000)
      case .second: addTime(amount, fraction, Calendar.microsecondsPerSecond)
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
        let count = unit == .year ? 1 : unit == .decade ? 10 : unit == .century ? 100 : 1000
        years += amount * Int128(count)
        months += Int128((fraction * Double(count * 12)).rounded(.toNearestOrEven))
      }
    }

    /// Half a microsecond is cut off.
    private mutating func addTime(_ whole: Int128, _ fraction: Double, _ unit: Int64) {
      let value = fraction * Double(unit)
      let cut = value.rounded(.towardZero)
      let rest = value - cut
      microseconds += whole * Int128(unit) + Int128(cut) + (rest > 0.5 ? 1 : rest < -0.5 ? -1 : 0)
    }

    private mutating func addDays(_ value: Double) {
      let whole = value.rounded(.towardZero)
      days += Int128(whole)
      addTime(0, value - whole, Calendar.microsecondsPerDay)
    }

    func finish(isAgo: Bool) throws(Failure) -> Interval {
      let sign: Int128 = isAgo ? -1 : 1
      guard Int32(exactly: years) != nil, Int32(exactly: months) != nil, let days = Int32(exactly: days * sign),
        let microseconds = Int64(exactly: microseconds * sign)
      else { throw .range }
      guard let months = Int32(exactly: (years * 12 + months) * sign) else { throw .total }
      return Interval(months: months, days: days, microseconds: microseconds)
    }
  }

  /// - Parameter fields: as the type was written; its last one is the unit of a number without any.
  static func parse(
    _ bytes: UnsafeRawBufferPointer, fields: IntervalFields = .all
  ) throws(Failure) -> Interval {
    do throws(Failure) {
      return try traditional(bytes, fields)
    } catch {
      if case .syntax = error, bytes.first == 0x50 { return try standard(bytes) }
      throw error
    }
  }

  // MARK: Numbers and units

  private enum Kind { case number, time, signed, word }

  private struct Piece {
    let kind: Kind
    /// In lower case, without blanks behind a sign.
    var text: [UInt8]
  }

  private static func isDigit(_ byte: UInt8?) -> Bool { byte.map(TextCursor.isDigit) ?? false }

  private static func pieces(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> [Piece] {
    var result: [Piece] = []
    var index = 0
    func peek() -> UInt8? { index < bytes.count ? bytes[index] : nil }
    while let byte = peek() {
      if TextCursor.isBlank(byte) {
        index += 1
        continue
      }
      var text: [UInt8] = []
      func take(while accepts: (UInt8) -> Bool) {
        while let byte = peek(), accepts(byte) {
          text.append(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)
          index += 1
        }
      }
      func takeOne() {
        text.append(bytes[index])
        index += 1
      }
      let kind: Kind
      if TextCursor.isDigit(byte) {
        take(while: TextCursor.isDigit)
        switch peek() {
        case 0x3A:
          kind = .time
          take { TextCursor.isDigit($0) || $0 == 0x3A || $0 == 0x2E }
        case let mark? where mark == 0x2D || mark == 0x2F || mark == 0x2E:
          kind = .number
          takeOne()
          if isDigit(peek()) {
            take(while: TextCursor.isDigit)
            if peek() == mark { take { TextCursor.isDigit($0) || $0 == mark } }
          } else {
            take { TextCursor.isDigit($0) || TextCursor.isLetter($0) || $0 == mark }
          }
        default: kind = .number
        }
      } else if byte == 0x2E {
        takeOne()
        take(while: TextCursor.isDigit)
        kind = .number
      } else if TextCursor.isLetter(byte) {
        take(while: TextCursor.isLetter)
        kind = .word
        // What looks like a date or a zone is neither unit nor number; words of dates too may touch a number.
        let isOfDates = ["d", "dec", "h", "m", "mon", "s", "y"].contains(String(decoding: text, as: UTF8.self))
        if let next = peek(), [0x2D, 0x2F, 0x2E].contains(next) || (isDigit(next) || next == 0x2B) && !isOfDates {
          throw .syntax
        }
      } else if byte == 0x2B || byte == 0x2D {
        takeOne()
        while let next = peek(), TextCursor.isBlank(next) { index += 1 }
        guard isDigit(peek()) else { throw .syntax }
        take { TextCursor.isDigit($0) || $0 == 0x3A || $0 == 0x2E || $0 == 0x2D }
        kind = .signed
      } else if byte > 0x20, byte < 0x7F {
        // Other punctuation only parts.
        index += 1
        continue
      } else {
        throw .syntax
      }
      guard result.count < 25 else { throw .syntax }
      result.append(Piece(kind: kind, text: text))
    }
    return result
  }

  private static func traditional(
    _ bytes: UnsafeRawBufferPointer, _ fields: IntervalFields
  ) throws(Failure) -> Interval {
    /// The unit of the number before; `.none` is what "ago" leaves.
    enum Next {
      case open
      case none
      case unit(Unit)
    }
    var total = Total()
    var seen: Set<Unit> = []
    var next = Next.open
    var isAgo = false
    func note(_ units: [Unit]) throws(Failure) {
      for unit in units where !seen.insert(unit).inserted { throw .syntax }
    }
    for piece in try pieces(bytes).reversed() {
      if piece.kind == .word {
        let name = String(decoding: piece.text.prefix(10), as: UTF8.self)
        if name == "ago" {
          isAgo = true
          next = .none
        } else if let unit = unit(name) {
          next = .unit(unit)
        } else {
          throw .syntax
        }
        continue
      }
      let isNegative = piece.text.first == 0x2D
      var time: Int64?
      if piece.kind == .time {
        time = try clock(piece.text[...], fields)
      } else if piece.kind == .signed, piece.text.contains(0x3A) {
        guard let value = try? clock(piece.text.dropFirst(), fields) else { throw .syntax }
        time = isNegative ? -value : value
      }
      if let time {
        try note([.hour, .minute, .second, .millisecond, .microsecond])
        // It takes the place of a fraction of a day behind it.
        total.microseconds = Int128(time)
        next = .unit(.day)
        continue
      }
      var unit: Unit
      switch next {
      case .open: unit = fields.lastUnit
      case .none: throw .syntax
      case .unit(let known): unit = known
      }
      var index = 0
      guard let whole = integer(piece.text[...], &index) else { throw .range }
      var fraction = 0.0
      if index < piece.text.count {
        let mark = piece.text[index]
        index += 1
        if mark == 0x2D {
          // Years and months of the SQL standard.
          guard let months = integer(piece.text[...], &index), months >= 0, months < 12 else { throw .range }
          guard index == piece.text.count else { throw .syntax }
          try note([.month])
          total.months += Int128(whole) * 12 + Int128(isNegative ? -months : months)
          next = .unit(.month)
          continue
        }
        guard mark == 0x2E, let value = Self.fraction(piece.text[index...]) else { throw .syntax }
        fraction = isNegative ? -value : value
      }
      let isSplitSecond = unit == .second && fraction != 0
      try note(isSplitSecond ? [.second, .millisecond, .microsecond] : [unit])
      total.add(whole, fraction, unit)
      // A number before hours is days.
      if unit == .hour { unit = .day }
      next = .unit(unit)
    }
    guard !seen.isEmpty else { throw .syntax }
    return try total.finish(isAgo: isAgo)
  }

  /// Takes digits after an optional sign; 0 when there is none, nil when they are too many.
  private static func integer(_ text: ArraySlice<UInt8>, _ index: inout Int) -> Int64? {
    var place = index
    var isNegative = false
    if place < text.endIndex, text[place] == 0x2D || text[place] == 0x2B {
      isNegative = text[place] == 0x2D
      place += 1
    }
    guard place < text.endIndex, TextCursor.isDigit(text[place]) else { return 0 }
    var value: Int64 = 0
    while place < text.endIndex, TextCursor.isDigit(text[place]) {
      let digit = Int64(text[place] - 0x30)
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.subtractingReportingOverflow(digit)
      if overflow || carry { return nil }
      value = sum
      place += 1
    }
    index = place
    if isNegative { return value }
    return value == .min ? nil : -value
  }

  /// The digits after a point, to the end of the text; nil when there is anything else.
  private static func fraction(_ text: ArraySlice<UInt8>) -> Double? {
    var numerator: Double = 0
    var denominator: Double = 1
    for byte in text {
      guard TextCursor.isDigit(byte) else { return nil }
      if denominator < 1e15 {
        numerator = numerator * 10 + Double(byte - 0x30)
        denominator *= 10
      }
    }
    return numerator / denominator
  }

  /// `hh:mm`, `hh:mm:ss` and `mm:ss.f`; two numbers of MINUTE TO SECOND are `mm:ss`.
  private static func clock(_ text: ArraySlice<UInt8>, _ fields: IntervalFields) throws(Failure) -> Int64 {
    var index = text.startIndex
    func number() throws(Failure) -> Int64 {
      guard let value = integer(text, &index), Int32(exactly: value) != nil else { throw .range }
      return value
    }
    guard var hour = integer(text, &index) else { throw .range }
    guard index < text.endIndex, text[index] == 0x3A else { throw .syntax }
    index += 1
    var minute = try number()
    var second: Int64 = 0
    var isShort = false
    if index == text.endIndex {
      isShort = fields == .minuteToSecond
    } else if text[index] == 0x2E {
      isShort = true
    } else if text[index] == 0x3A {
      index += 1
      second = try number()
    } else {
      throw .syntax
    }
    if isShort {
      guard Int32(exactly: hour) != nil else { throw .range }
      (hour, minute, second) = (0, hour, minute)
    }
    var micros: Int64 = 0
    if index < text.endIndex {
      guard text[index] == 0x2E, let value = fraction(text[(index + 1)...]) else { throw .syntax }
      micros = Int64((value * 1_000_000).rounded(.toNearestOrEven))
    }
    guard hour >= 0, (0..<60).contains(minute), (0...60).contains(second) else { throw .range }
    let (base, overflow) = hour.multipliedReportingOverflow(by: Calendar.microsecondsPerHour)
    let (sum, carry) = base.addingReportingOverflow((minute * 60 + second) * 1_000_000 + micros)
    if overflow || carry { throw .range }
    return sum
  }

  // MARK: ISO 8601

  /// `P[n]Y[n]M[n]W[n]DT[n]H[n]M[n]S`, signs before each number, and `P0001-02-03T04:05:06`, `P00010203T040506`.
  private static func standard(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> Interval {
    var cursor = TextCursor(bytes)
    cursor.advance()
    guard !cursor.isAtEnd else { throw .syntax }
    var total = Total()
    var inTime = false
    var hasField = false
    /// A number, and of how many digits it is before the point.
    func number() throws(Failure) -> (whole: Int64, fraction: Double, width: Int) {
      let isNegative = cursor.take(0x2D)
      guard let first = cursor.peek, TextCursor.isDigit(first) || first == 0x2E else { throw .syntax }
      let start = cursor.position
      var whole = 0
      if first != 0x2E {
        guard let value = cursor.takeInteger(limit: 1_000_000_000_000_000) else { throw .range }
        whole = value
      }
      let width = cursor.position - start
      var fraction = 0.0
      if cursor.take(0x2E) {
        let begin = cursor.position
        while let byte = cursor.peek, TextCursor.isDigit(byte) { cursor.advance() }
        let digits = Array(bytes[begin..<cursor.position])
        guard width > 0 || !digits.isEmpty, let value = Self.fraction(digits[...]) else { throw .syntax }
        fraction = value
      }
      return (Int64(isNegative ? -whole : whole), isNegative ? -fraction : fraction, width)
    }
    func date(_ first: (whole: Int64, fraction: Double, width: Int)) throws(Failure) {
      guard !hasField else { throw .syntax }
      total.add(first.whole, first.fraction, .year)
      guard cursor.take(0x2D) else { return }
      let month = try number()
      total.add(month.whole, month.fraction, .month)
      if cursor.isAtEnd || cursor.peek == 0x54 { return }
      guard cursor.take(0x2D) else { throw .syntax }
      let day = try number()
      total.add(day.whole, day.fraction, .day)
      guard cursor.isAtEnd || cursor.peek == 0x54 else { throw .syntax }
    }
    func time(_ first: (whole: Int64, fraction: Double, width: Int)) throws(Failure) {
      guard !hasField else { throw .syntax }
      total.add(first.whole, first.fraction, .hour)
      guard cursor.take(0x3A) else { return }
      let minute = try number()
      total.add(minute.whole, minute.fraction, .minute)
      if cursor.isAtEnd { return }
      guard cursor.take(0x3A) else { throw .syntax }
      let second = try number()
      total.add(second.whole, second.fraction, .second)
      guard cursor.isAtEnd else { throw .syntax }
    }
    while let byte = cursor.peek {
      if byte == 0x54 {
        (inTime, hasField) = (true, false)
        cursor.advance()
        continue
      }
      let value = try number()
      let unit: Unit
      switch (cursor.peek, inTime) {
      case (0x59, false): unit = .year
      case (0x4D, false): unit = .month
      case (0x57, false): unit = .week
      case (0x44, false): unit = .day
      case (0x48, true): unit = .hour
      case (0x4D, true): unit = .minute
      case (0x53, true): unit = .second
      case (nil, false), (0x54, false):
        if value.width == 8, !hasField {
          total.add(value.whole / 10000, 0, .year)
          total.add(value.whole / 100 % 100, 0, .month)
          total.add(value.whole % 100, value.fraction, .day)
        } else {
          try date(value)
        }
        continue
      case (0x2D, false):
        try date(value)
        continue
      case (nil, true):
        if value.width == 6, !hasField {
          total.add(value.whole / 10000, 0, .hour)
          total.add(value.whole / 100 % 100, 0, .minute)
          total.add(value.whole % 100, 0, .second)
          total.add(0, value.fraction, .microsecond)
        } else {
          try time(value)
        }
        continue
      case (0x3A, true):
        try time(value)
        continue
      default: throw .syntax
      }
      cursor.advance()
      total.add(value.whole, value.fraction, unit)
      hasField = true
    }
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
