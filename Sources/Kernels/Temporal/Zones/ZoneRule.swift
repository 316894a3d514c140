import Vectors

/// A POSIX zone rule, `CET-1CEST,M3.5.0,M10.5.0/3`: what tzdata says of the years it does not list.
struct ZoneRule: Sendable {
  /// A day of each year, and a time of that day in seconds of the clock that shows until then.
  struct Change: Sendable {
    enum Day: Sendable {
      /// `Mm.w.d`: the w-th weekday d of month m; the fifth is the last.
      case weekday(month: Int, week: Int, day: Int)
      /// `Jn`: 1 to 365, February 29 is never counted.
      case julian(Int)
      /// `n`: 0 to 365.
      case dayOfYear(Int)
    }
    var day: Day
    var time: Int64
  }

  var standard: ZoneRules.Period
  var summer: ZoneRules.Period
  var begin: Change
  var end: Change

  /// The period at a moment (in seconds) and the one after it.
  func period(at second: Int64) -> (now: ZoneRules.Period, next: (start: Int64, period: ZoneRules.Period)?) {
    let day = second >= 0 ? second / 86_400 : (second - 86_399) / 86_400
    let year = Calendar.date(fromDays: day).year
    var changes: [(start: Int64, period: ZoneRules.Period)] = []
    for year in (year - 1)...(year + 1) {
      changes.append((start(of: begin, year) - Int64(standard.offset), summer))
      changes.append((start(of: end, year) - Int64(summer.offset), standard))
    }
    changes.sort { $0.start < $1.start }
    let next = changes.firstIndex { $0.start > second } ?? changes.count - 1
    return (changes[max(0, next - 1)].period, changes[next])
  }

  private func start(of change: Change, _ year: Int) -> Int64 {
    let first = Calendar.days(year: year, month: 1, day: 1)
    let day: Int64
    switch change.day {
    case .julian(let number): day = first + Int64(number - 1) + (Calendar.isLeap(year) && number >= 60 ? 1 : 0)
    case .dayOfYear(let number): day = first + Int64(number)
    case .weekday(let month, let week, let weekday):
      let start = Calendar.days(year: year, month: month, day: 1)
      var number = 1 + (weekday - Calendar.weekday(start) + 7) % 7 + (week - 1) * 7
      while number > Calendar.lastDay(year: year, month: month) { number -= 7 }
      day = start + Int64(number - 1)
    }
    return day * 86_400 + change.time
  }

  // MARK: Reading

  /// Reads a zone's name that is a rule itself; nil for any other.
  static func zone(_ text: String) -> ZoneRules? {
    guard let (standard, rule) = parse(text) else { return nil }
    return ZoneRules(name: text, transitions: [], periods: [standard], rule: rule)
  }

  /// Reads a rule; `rule` is nil where clocks never change.
  static func parse(_ text: String) -> (standard: ZoneRules.Period, rule: ZoneRule?)? {
    var reader = Reader(bytes: Array(text.utf8))
    guard let name = reader.name(), let offset = reader.offset() else { return nil }
    let standard = ZoneRules.Period(offset: -offset, isDaylightSaving: false, abbreviation: name)
    if reader.isAtEnd { return (standard, nil) }
    guard let summerName = reader.name(), !summerName.isEmpty else { return nil }
    var summerOffset = -offset + 3600
    if !reader.isAtEnd, reader.peek != 0x2C {
      guard let written = reader.offset() else { return nil }
      summerOffset = -written
    }
    let summer = ZoneRules.Period(offset: summerOffset, isDaylightSaving: true, abbreviation: summerName)
    // Without dates they are those of the United States.
    if reader.isAtEnd { reader = Reader(bytes: Array(",M3.2.0,M11.1.0".utf8)) }
    guard let begin = reader.change(), let end = reader.change(), reader.isAtEnd else { return nil }
    return (standard, ZoneRule(standard: standard, summer: summer, begin: begin, end: end))
  }

  private struct Reader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position >= bytes.count }
    var peek: UInt8? { isAtEnd ? nil : bytes[position] }

    mutating func take(_ byte: UInt8) -> Bool {
      guard peek == byte else { return false }
      position += 1
      return true
    }

    /// Letters, or anything between angle brackets; may be empty.
    mutating func name() -> String? {
      if take(0x3C) {
        let start = position
        while let byte = peek, byte != 0x3E { _ = take(byte) }
        let name = String(decoding: bytes[start..<position], as: UTF8.self)
        return take(0x3E) ? name : nil
      }
      let start = position
      while let byte = peek, TextCursor.isLetter(byte) { position += 1 }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int? {
      let start = position
      var value = 0
      while let byte = peek, TextCursor.isDigit(byte), position - start < 4 {
        value = value * 10 + Int(byte - 0x30)
        position += 1
      }
      return position > start && range.contains(value) ? value : nil
    }

    /// `[+-]hh[:mm[:ss]]` in seconds; west of Greenwich is positive.
    mutating func offset() -> Int? {
      let isNegative = take(0x2D)
      if !isNegative { _ = take(0x2B) }
      guard let hours = number(0...167) else { return nil }
      var seconds = hours * 3600
      if take(0x3A) {
        guard let minutes = number(0...59) else { return nil }
        seconds += minutes * 60
        if take(0x3A) {
          guard let rest = number(0...59) else { return nil }
          seconds += rest
        }
      }
      return isNegative ? -seconds : seconds
    }

    mutating func change() -> Change? {
      guard take(0x2C) else { return nil }
      let day: Change.Day
      if take(0x4D) {
        guard let month = number(1...12), take(0x2E), let week = number(1...5), take(0x2E), let weekday = number(0...6)
        else { return nil }
        day = .weekday(month: month, week: week, day: weekday)
      } else if take(0x4A) {
        guard let number = number(1...365) else { return nil }
        day = .julian(number)
      } else {
        guard let number = number(0...365) else { return nil }
        day = .dayOfYear(number)
      }
      var time = 7200
      if take(0x2F) {
        guard let written = offset() else { return nil }
        time = written
      }
      return Change(day: day, time: Int64(time))
    }
  }
}
