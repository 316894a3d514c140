import Bytes
import Vectors

/// Reads a date and time by a format, as PostgreSQL's `to_timestamp` does.
///
/// Blanks and marks need not be those of the format; digits run together only where the next pattern is a number.
struct TemplateReading {
  /// What the text said; zero is what it did not say.
  private struct Fields {
    var year = 0
    var yearDigits = 0
    var century = 0
    var month = 0
    var day = 0
    /// 1 is Sunday.
    var weekday = 0
    var dayOfYear = 0
    var week = 0
    var weekOfMonth = 0
    var julian = 0
    var hour = 0
    var minute = 0
    var second = 0
    var secondsOfDay = 0
    var milliseconds = 0
    var microseconds = 0
    var zoneHours = 0
    var zoneMinutes = 0
  }

  private let bytes: UnsafeRawBufferPointer
  private let tokens: [DateTemplate.Token]
  private var cursor: TextCursor
  private var fields = Fields()
  private var isBeforeChrist = false
  private var isTwelveHours = false
  private var isAfternoon = false
  /// Seconds are west of UTC; nil when no zone is said.
  private var isWest: Bool?
  /// Whether weeks or the calendar count; nil before either is met.
  private var countsWeeks: Bool?
  /// How many more blanks and marks of the text were passed over than the format has.
  private var skipped = 0
  private var isFixed = false

  private init(_ bytes: UnsafeRawBufferPointer, _ tokens: [DateTemplate.Token]) {
    self.bytes = bytes
    self.tokens = tokens
    cursor = TextCursor(bytes)
  }

  /// - Returns: what the clock shows, and the seconds east of UTC if the text says them.
  static func read(
    _ bytes: UnsafeRawBufferPointer, _ template: DateTemplate
  ) throws -> (local: Int64, offset: Int?) {
    var reading = TemplateReading(bytes, template.tokens)
    try reading.run()
    return try reading.result()
  }

  // MARK: The text

  private var text: String { String(decoding: bytes, as: UTF8.self) }

  private static func isSeparator(_ byte: UInt8) -> Bool {
    byte > 0x20 && byte < 0x7F && !TextCursor.isLetter(byte) && !TextCursor.isDigit(byte)
  }

  private mutating func skipBlanks() {
    let start = cursor.position
    cursor.skipBlanks()
    skipped += cursor.position - start
  }

  private mutating func skipCharacter() {
    guard !cursor.isAtEnd else { return }
    cursor.advance()
    while let next = cursor.peek, next & 0xC0 == 0x80 { cursor.advance() }
  }

  private mutating func run() throws {
    for (position, token) in tokens.enumerated() {
      if cursor.isAtEnd { return }
      switch token {
      case .fixed: isFixed = true
      case .literal(let literal, let isQuoted):
        if position == 0, !isFixed { skipBlanks() }
        skip(literal, isQuoted: isQuoted)
      case .pattern(let pattern, let form, let fills, let ordinal):
        if !isFixed { skipBlanks() }
        try countBy(pattern)
        try read(pattern, form, isOpen: !fills || ordinal != nil || isOpen(position))
        if ordinal != nil {
          skipCharacter()
          skipCharacter()
        }
        if !isFixed {
          skipped = 0
          skipBlanks()
        }
      }
    }
  }

  private mutating func skip(_ literal: [UInt8], isQuoted: Bool) {
    for byte in literal where byte & 0xC0 != 0x80 {
      if cursor.isAtEnd { return }
      if isFixed {
        skipCharacter()
      } else if !isQuoted, TemplateReading.isSeparator(byte) || TextCursor.isBlank(byte) {
        // It stands for one blank or mark, or for nothing.
        skipped -= 1
        guard let next = cursor.peek, TextCursor.isBlank(next) || TemplateReading.isSeparator(next) else { continue }
        cursor.advance()
        skipped += 1
      } else if skipped > 0 {
        // A blank that was passed over counts for the letter.
        skipped -= 1
      } else {
        skipCharacter()
      }
    }
  }

  /// Whether a number may have any count of digits, for what follows is none.
  private func isOpen(_ position: Int) -> Bool {
    guard position + 1 < tokens.count else { return true }
    switch tokens[position + 1] {
    case .fixed: return true
    case .literal(let text, _): return text.first.map { !TextCursor.isDigit($0) } ?? true
    case .pattern(let pattern, _, _, _): return !pattern.isNumber
    }
  }

  private mutating func countBy(_ pattern: DateTemplate.Pattern) throws {
    guard let weeks = pattern.countsWeeks else { return }
    if let countsWeeks, countsWeeks != weeks {
      throw PulsehouseError(
        .user, "invalid combination of date conventions", sqlState: "22007",
        hint: "Do not mix Gregorian and ISO week date conventions in a formatting template.")
    }
    countsWeeks = weeks
  }

  // MARK: Fields

  private func name(_ pattern: DateTemplate.Pattern, _ form: DateTemplate.LetterForm) -> String {
    switch form {
    case .upper: pattern.rawValue
    case .lower: pattern.rawValue.lowercased()
    case .capital: pattern.rawValue.prefix(1) + pattern.rawValue.dropFirst().lowercased()
    }
  }

  private func invalid(_ value: Range<Int>, _ name: String, _ detail: String) -> PulsehouseError {
    let text = String(decoding: bytes[value], as: UTF8.self)
    return PulsehouseError(
      .user, "invalid value \"\(text)\" for \"\(name)\"", sqlState: "22007", detail: detail)
  }

  /// Takes a number into `field`, which may have no other value yet; nil only reads it.
  ///
  /// - Returns: how many characters it has.
  @discardableResult
  private mutating func take(
    _ field: WritableKeyPath<Fields, Int>?, _ width: Int, _ name: String, isOpen: Bool
  ) throws -> Int {
    cursor.skipBlanks()
    let start = cursor.position
    let limit = isOpen ? bytes.count : min(bytes.count, start + width)
    if !isOpen, limit - start < width {
      throw PulsehouseError(
        .user, "source string too short for \"\(name)\" formatting field", sqlState: "22007",
        detail: "Field requires \(width) characters, but only \(limit - start) remain.",
        hint: "If your source string is not fixed-width, try using the \"FM\" modifier.")
    }
    var end = start
    var isNegative = false
    if end < limit, bytes[end] == 0x2D || bytes[end] == 0x2B {
      isNegative = bytes[end] == 0x2D
      end += 1
    }
    let digits = end
    var value = 0
    while end < limit, TextCursor.isDigit(bytes[end]) {
      value = min(value * 10 + Int(bytes[end] - 0x30), 1 << 40)
      end += 1
    }
    if end == digits { end = start }
    let shown = start..<max(end, min(bytes.count, start + width))
    if end > start, !isOpen, end < limit {
      throw invalid(
        shown, name, "Field requires \(width) characters, but only \(end - start) could be parsed.")
    }
    guard end > start else { throw invalid(shown, name, "Value must be an integer.") }
    guard let number = Int32(exactly: isNegative ? -value : value) else {
      throw PulsehouseError(
        .user, "value for \"\(name)\" in source string is out of range", sqlState: "22008",
        detail: "Value must be in the range \(Int32.min) to \(Int32.max).")
    }
    cursor.move(to: end)
    if let field { try set(field, Int(number), name) }
    return end - start
  }

  private mutating func set(_ field: WritableKeyPath<Fields, Int>, _ value: Int, _ name: String) throws {
    guard fields[keyPath: field] == 0 || fields[keyPath: field] == value else {
      throw PulsehouseError(
        .user, "conflicting values for \"\(name)\" field in formatting string", sqlState: "22007",
        detail: "This value contradicts a previous setting for the same field type.")
    }
    fields[keyPath: field] = value
  }

  /// Takes the first of `words` that comes next, in any case.
  private mutating func takeWord(_ words: [String], _ name: String) throws -> Int {
    let start = cursor.position
    for (index, word) in words.enumerated() {
      let letters = Array(word.utf8)
      guard start + letters.count <= bytes.count else { continue }
      let fits = letters.indices.allSatisfy { place in
        let byte = bytes[start + place]
        return (byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte) == letters[place]
      }
      if fits {
        cursor.advance(letters.count)
        return index
      }
    }
    var end = start
    while end < bytes.count, !TextCursor.isBlank(bytes[end]) { end += 1 }
    throw invalid(start..<end, name, "The given value did not match any of the allowed values for this field.")
  }

  private static let months = DateNames.months.map { $0.lowercased() }
  private static let shortMonths = months.map { String($0.prefix(3)) }
  private static let weekdays = DateNames.weekdays.map { $0.lowercased() }
  private static let shortWeekdays = weekdays.map { String($0.prefix(3)) }
  /// From December, so that no longer one is hidden behind its beginning.
  private static let romans = ["xii", "xi", "x", "ix", "viii", "vii", "vi", "v", "iv", "iii", "ii", "i"]

  private mutating func read(
    _ pattern: DateTemplate.Pattern, _ form: DateTemplate.LetterForm, isOpen: Bool
  ) throws {
    let name = name(pattern, form)
    switch pattern {
    case .meridian, .meridianLate, .meridianDots, .meridianDotsLate:
      let words = pattern == .meridian || pattern == .meridianLate ? ["am", "pm"] : ["a.m.", "p.m."]
      isAfternoon = try takeWord(words, name) == 1
      isTwelveHours = true
    case .era, .eraLate, .eraDots, .eraDotsLate:
      let words = pattern == .era || pattern == .eraLate ? ["ad", "bc"] : ["a.d.", "b.c."]
      isBeforeChrist = try takeWord(words, name) == 1
    case .hour, .hour12:
      try take(\.hour, 2, name, isOpen: isOpen)
      isTwelveHours = true
    case .hour24: try take(\.hour, 2, name, isOpen: isOpen)
    case .minute: try take(\.minute, 2, name, isOpen: isOpen)
    case .second: try take(\.second, 2, name, isOpen: isOpen)
    case .milliseconds:
      let count = try take(\.milliseconds, 3, name, isOpen: isOpen)
      fields.milliseconds *= count == 1 ? 100 : count == 2 ? 10 : 1
    case .tenths: try takeFraction(1, name, isOpen)
    case .hundredths: try takeFraction(2, name, isOpen)
    case .thousandths: try takeFraction(3, name, isOpen)
    case .fraction4: try takeFraction(4, name, isOpen)
    case .fraction5: try takeFraction(5, name, isOpen)
    case .fraction6, .microseconds: try takeFraction(6, name, isOpen)
    case .secondsOfDay: try take(\.secondsOfDay, 4, name, isOpen: isOpen)
    case .secondsOfDayLong: try take(\.secondsOfDay, 5, name, isOpen: isOpen)
    case .zoneName, .zoneOffset:
      throw PulsehouseError(
        .unsupported, "formatting field \"\(name)\" is only supported in to_char", sqlState: "0A000")
    case .zoneHours:
      if let sign = cursor.peek, [0x2B, 0x2D, 0x20].contains(sign) {
        isWest = sign == 0x2D
        cursor.advance()
      } else {
        // When more was passed over than the format has, the sign belongs to the hours.
        isWest = skipped > 0 && cursor.position > 0 && bytes[cursor.position - 1] == 0x2D
      }
      try take(\.zoneHours, 2, name, isOpen: isOpen)
    case .zoneMinutes:
      isWest = isWest ?? false
      try take(\.zoneMinutes, 2, name, isOpen: isOpen)
    case .monthName: try set(\.month, try takeWord(TemplateReading.months, name) + 1, name)
    case .monthShort:
      try set(\.month, try takeWord(TemplateReading.shortMonths, name) + 1, name)
    case .roman: try set(\.month, 12 - (try takeWord(TemplateReading.romans, name)), name)
    case .month: try take(\.month, 2, name, isOpen: isOpen)
    case .dayName: try set(\.weekday, try takeWord(TemplateReading.weekdays, name) + 1, name)
    case .dayShort:
      try set(\.weekday, try takeWord(TemplateReading.shortWeekdays, name) + 1, name)
    case .dayOfYear, .isoDayOfYear: try take(\.dayOfYear, 3, name, isOpen: isOpen)
    case .day: try take(\.day, 2, name, isOpen: isOpen)
    case .weekday: try take(\.weekday, 1, name, isOpen: isOpen)
    case .isoWeekday:
      try take(\.weekday, 1, name, isOpen: isOpen)
      fields.weekday = fields.weekday >= 7 ? 1 : fields.weekday + 1
    case .weekOfYear, .isoWeek: try take(\.week, 2, name, isOpen: isOpen)
    case .weekOfMonth: try take(\.weekOfMonth, 1, name, isOpen: isOpen)
    case .quarter: try take(nil, 1, name, isOpen: isOpen)
    case .century: try take(\.century, 2, name, isOpen: isOpen)
    case .julian: try take(\.julian, 1, name, isOpen: isOpen)
    case .yearComma: try takeYearWithComma(name)
    case .year4, .isoYear4:
      try take(\.year, 4, name, isOpen: isOpen)
      fields.yearDigits = 4
    case .year3, .isoYear3: try takeShortYear(3, name, isOpen)
    case .year2, .isoYear2: try takeShortYear(2, name, isOpen)
    case .year1, .isoYear1: try takeShortYear(1, name, isOpen)
    }
  }

  private mutating func takeFraction(_ width: Int, _ name: String, _ isOpen: Bool) throws {
    let count = try take(\.microseconds, width, name, isOpen: isOpen)
    for _ in 0..<max(0, 6 - count) { fields.microseconds *= 10 }
  }

  /// A year of few digits is the one nearest to 2020.
  private mutating func takeShortYear(_ width: Int, _ name: String, _ isOpen: Bool) throws {
    if try take(\.year, width, name, isOpen: isOpen) < 4 {
      switch fields.year {
      case ..<70: fields.year += 2000
      case ..<100: fields.year += 1900
      case ..<520: fields.year += 2000
      case ..<1000: fields.year += 1000
      default: break
      }
    }
    fields.yearDigits = width
  }

  private mutating func takeYearWithComma(_ name: String) throws {
    let error = PulsehouseError(.user, "invalid input string for \"Y,YYY\"", sqlState: "22007")
    guard let thousands = cursor.takeSignedInteger(limit: 1_000_000), cursor.take(0x2C) else { throw error }
    let start = cursor.position
    var rest = 0
    while cursor.position - start < 3, let byte = cursor.peek, TextCursor.isDigit(byte) {
      rest = rest * 10 + Int(byte - 0x30)
      cursor.advance()
    }
    guard cursor.position > start else { throw error }
    try set(\.year, thousands * 1000 + rest, name)
    fields.yearDigits = 4
  }

  // MARK: The moment

  private func outOfRange() -> PulsehouseError { Failure.fieldRange(text) }

  /// The year, counted with a year zero; nil when none is said.
  private func year() -> Int? {
    let century = isBeforeChrist ? -fields.century : fields.century
    if fields.year != 0, fields.century != 0, fields.yearDigits <= 2 {
      let rest = fields.year % 100
      if rest == 0 { return century * 100 + (century >= 0 ? 0 : 1) }
      return century >= 0 ? rest + (century - 1) * 100 : (century + 1) * 100 - rest + 1
    }
    if fields.year != 0 {
      let year = isBeforeChrist ? -fields.year : fields.year
      return year < 0 ? year + 1 : year
    }
    if fields.century != 0 { return century >= 0 ? (century - 1) * 100 + 1 : century * 100 + 1 }
    return nil
  }

  /// The Monday of the week with January 4th.
  private func firstMonday(_ year: Int) -> Int64 {
    let fourth = Calendar.days(year: year, month: 1, day: 4)
    return fourth - Int64((Calendar.weekday(fourth) + 6) % 7)
  }

  private func day() throws -> Int64 {
    let said = year()
    var date = CivilDate(year: said ?? 0, month: 1, day: 1)
    guard date.year.magnitude < 300_000 else { throw outOfRange() }
    func move(to days: Int64) throws {
      guard days.magnitude < 110_000_000 else { throw outOfRange() }
      date = Calendar.date(fromDays: days)
    }
    var isChecked = said != nil
    var dayOfYear = fields.dayOfYear
    var day = fields.day
    if fields.julian != 0 { try move(to: Int64(fields.julian) - 2_440_588) }
    if fields.week != 0 {
      if countsWeeks == true {
        let weekday = fields.weekday == 0 ? 0 : fields.weekday > 1 ? fields.weekday - 2 : 6
        try move(to: firstMonday(date.year) + Int64((fields.week - 1) * 7 + weekday))
      } else {
        dayOfYear = (fields.week - 1) * 7 + 1
      }
    }
    if fields.weekOfMonth != 0 { day = (fields.weekOfMonth - 1) * 7 + 1 }
    if day != 0 { date.day = day }
    if fields.month != 0 { date.month = fields.month }
    if dayOfYear != 0, date.month <= 1 || date.day <= 1 {
      guard date.year != 0 || isBeforeChrist else {
        throw PulsehouseError(.user, "cannot calculate day of year without year information", sqlState: "22007")
      }
      if countsWeeks == true {
        try move(to: firstMonday(date.year) + Int64(dayOfYear - 1))
      } else {
        guard (1...(Calendar.isLeap(date.year) ? 366 : 365)).contains(dayOfYear) else { throw outOfRange() }
        let found = Calendar.date(
          fromDays: Calendar.days(year: date.year, month: 1, day: 1) + Int64(dayOfYear - 1))
        if date.month <= 1 { date.month = found.month }
        if date.day <= 1 { date.day = found.day }
      }
    }
    guard (1...12).contains(date.month), (1...31).contains(date.day) else { throw outOfRange() }
    isChecked = isChecked && (fields.month != 0 && day != 0)
    if isChecked, date.day > Calendar.lastDay(year: date.year, month: date.month) { throw outOfRange() }
    return Calendar.days(year: date.year, month: date.month, day: 1) + Int64(date.day - 1)
  }

  private func result() throws -> (local: Int64, offset: Int?) {
    var (hour, minute, second) = (fields.hour, fields.minute, fields.second)
    if fields.secondsOfDay != 0 {
      hour = fields.secondsOfDay / 3600
      minute = fields.secondsOfDay / 60 % 60
      second = fields.secondsOfDay % 60
    }
    if isTwelveHours {
      guard hour >= 1, hour <= 12 else {
        throw PulsehouseError(
          .user, "hour \"\(hour)\" is invalid for the 12-hour clock", sqlState: "22007",
          hint: "Use the 24-hour clock, or give an hour between 1 and 12.")
      }
      if isAfternoon, hour < 12 { hour += 12 } else if !isAfternoon, hour == 12 { hour = 0 }
    }
    let days = try day()
    let micros = fields.milliseconds * 1000 + fields.microseconds
    guard (0..<24).contains(hour), (0..<60).contains(minute), (0..<60).contains(second),
      (0..<1_000_000).contains(micros)
    else { throw outOfRange() }
    let time = Int64(hour * 3600 + minute * 60 + second) * 1_000_000 + Int64(micros)
    guard let local = Calendar.timestamp(days: days, time: time) else { throw outOfRange() }
    guard let isWest else { return (local, nil) }
    guard (0...15).contains(fields.zoneHours), (0..<60).contains(fields.zoneMinutes) else {
      throw PulsehouseError(.user, "time zone displacement out of range: \"\(text)\"", sqlState: "22009")
    }
    let offset = fields.zoneHours * 3600 + fields.zoneMinutes * 60
    return (local, isWest ? -offset : offset)
  }
}

extension DateTemplate.Pattern {
  /// Whether digits of it may touch digits before it.
  fileprivate var isNumber: Bool {
    switch self {
    case .monthName, .monthShort, .dayName, .dayShort, .meridian, .meridianLate, .meridianDots, .meridianDotsLate, .era,
      .eraLate, .eraDots, .eraDotsLate, .roman, .zoneName, .zoneHours, .zoneOffset:
      false
    default: true
    }
  }

  /// True for weeks of ISO 8601, false for the calendar, nil for what both have.
  fileprivate var countsWeeks: Bool? {
    switch self {
    case .isoYear1, .isoYear2, .isoYear3, .isoYear4, .isoWeek, .isoWeekday, .isoDayOfYear: true
    case .year1, .year2, .year3, .year4, .yearComma, .month, .monthName, .monthShort, .roman, .day, .dayOfYear,
      .weekday,
      .weekOfYear, .weekOfMonth:
      false
    default: nil
    }
  }
}
