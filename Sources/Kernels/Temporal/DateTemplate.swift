import Bytes
import Vectors

/// A format of `to_char`, `to_date` and `to_timestamp`, cut into patterns and literal text.
struct DateTemplate {
  enum Pattern: String, CaseIterable {
    // Longer ones first: the first that fits is taken.
    case yearComma = "Y,YYY"
    case isoYear4 = "IYYY"
    case isoYear3 = "IYY"
    case isoDayOfYear = "IDDD"
    case isoYear2 = "IY"
    case isoWeek = "IW"
    case isoWeekday = "ID"
    case isoYear1 = "I"
    case year4 = "YYYY"
    case year3 = "YYY"
    case year2 = "YY"
    case year1 = "Y"
    case monthName = "MONTH"
    case monthShort = "MON"
    case month = "MM"
    case minute = "MI"
    case milliseconds = "MS"
    case dayName = "DAY"
    case dayShort = "DY"
    case dayOfYear = "DDD"
    case day = "DD"
    case weekday = "D"
    case hour24 = "HH24"
    case hour12 = "HH12"
    case hour = "HH"
    case secondsOfDayLong = "SSSSS"
    case secondsOfDay = "SSSS"
    case second = "SS"
    case microseconds = "US"
    case tenths = "FF1"
    case hundredths = "FF2"
    case thousandths = "FF3"
    case fraction4 = "FF4"
    case fraction5 = "FF5"
    case fraction6 = "FF6"
    case weekOfYear = "WW"
    case weekOfMonth = "W"
    case quarter = "Q"
    case century = "CC"
    case julian = "J"
    case meridianDots = "A.M."
    case meridianDotsLate = "P.M."
    case meridian = "AM"
    case meridianLate = "PM"
    case eraDots = "B.C."
    case eraDotsLate = "A.D."
    case era = "BC"
    case eraLate = "AD"
    case roman = "RM"
    case zoneName = "TZ"
    case zoneHours = "TZH"
    case zoneMinutes = "TZM"
    case zoneOffset = "OF"

    /// The name of a month or of a day of the week.
    var isName: Bool { [.monthName, .monthShort, .dayName, .dayShort].contains(self) }
  }

  enum LetterForm { case upper, capital, lower }

  enum Token {
    /// Of quoted text each byte stands for one of what is read, whatever it is.
    case literal([UInt8], isQuoted: Bool)
    /// `FX`: from here on each character of what is read counts.
    case fixed
    /// `fills` is false after FM; `ordinal` is `TH` in the case it was written.
    case pattern(Pattern, LetterForm, fills: Bool, ordinal: LetterForm?)
  }

  let tokens: [Token]

  /// How each pattern is written, in an order in which no longer one is hidden behind its own beginning.
  private static let spellings: [(Pattern, [(text: String, form: LetterForm)])] = Pattern.allCases.enumerated().sorted {
    $0.element.rawValue.utf8.count != $1.element.rawValue.utf8.count
      ? $0.element.rawValue.utf8.count > $1.element.rawValue.utf8.count : $0.offset < $1.offset
  }.map { _, pattern in
    let upper = pattern.rawValue
    var forms: [(text: String, form: LetterForm)] = [(upper, .upper), (upper.lowercased(), .lower)]
    if pattern.isName { forms.append((upper.prefix(1) + upper.dropFirst().lowercased(), .capital)) }
    return (pattern, forms)
  }

  init(_ format: StringReference) throws {
    let bytes = format.withBytes { Array($0) }
    var tokens: [Token] = []
    var literal: [UInt8] = []
    var index = 0
    func flush(isQuoted: Bool = false) {
      if !literal.isEmpty { tokens.append(.literal(literal, isQuoted: isQuoted)) }
      literal = []
    }
    func has(_ text: String.UTF8View) -> Bool { bytes[index...].starts(with: text) }
    func keyword() -> (Pattern, LetterForm)? {
      for (pattern, forms) in DateTemplate.spellings {
        if let spelling = forms.first(where: { has($0.text.utf8) }) { return (pattern, spelling.form) }
      }
      return nil
    }
    while index < bytes.count {
      if bytes[index] == 0x22 {
        flush()
        index += 1
        while index < bytes.count, bytes[index] != 0x22 {
          if bytes[index] == 0x5C, index + 1 < bytes.count { index += 1 }
          literal.append(bytes[index])
          index += 1
        }
        index += 1
        flush(isQuoted: true)
        continue
      }
      if bytes[index] == 0x5C, index + 1 < bytes.count, bytes[index + 1] == 0x22 {
        literal.append(0x22)
        index += 2
        continue
      }
      let isFitted = has("FM".utf8) || has("fm".utf8)
      let isTranslated = has("TM".utf8) || has("tm".utf8)
      if isFitted || isTranslated { index += 2 }
      if has("FX".utf8) || has("fx".utf8) {
        flush()
        tokens.append(.fixed)
        index += 2
        continue
      }
      guard let (pattern, form) = keyword() else {
        if index < bytes.count, bytes[index] != 0x22, bytes[index] != 0x5C || !(isFitted || isTranslated) {
          literal.append(bytes[index])
          index += 1
        }
        continue
      }
      flush()
      index += pattern.rawValue.utf8.count
      var ordinal: LetterForm?
      if has("TH".utf8) || has("th".utf8) { ordinal = has("TH".utf8) ? .upper : .lower }
      if ordinal != nil || has("SP".utf8) { index += 2 }
      // A name in a language is as wide as it is.
      let fills = !isFitted && !(isTranslated && pattern.isName)
      tokens.append(.pattern(pattern, form, fills: fills, ordinal: ordinal))
    }
    flush()
    self.tokens = tokens
  }
}

/// What `to_char` prints: a date and time, or an interval's parts.
struct TemplateValue {
  var year = 0
  var month = 0
  var day = 0
  var hour = 0
  var minute = 0
  var second = 0
  var microsecond = 0
  /// The day number; nil for an interval, which has no weekdays.
  var days: Int64?
  /// What clocks show then, for moments.
  var period: ZoneRules.Period?

  /// - Parameter timestamp: a local time.
  init(timestamp: Int64, period: ZoneRules.Period?) {
    let (days, time) = Calendar.split(timestamp)
    let date = Calendar.date(fromDays: days)
    (year, month, day) = (date.year, date.month, date.day)
    self.days = days
    self.period = period
    set(time)
  }

  init(_ interval: Interval) {
    year = Int(interval.months / 12)
    month = Int(interval.months % 12)
    day = Int(interval.days)
    set(interval.microseconds)
  }

  /// For an interval about the days of its whole length.
  var dayOfYear: Int {
    days.map { Calendar.dayOfYear(Calendar.date(fromDays: $0)) } ?? (year * 12 + month) * 30 + day
  }

  /// The Julian day that an interval's parts would be if they were a date.
  var approximateJulian: Int { TemplateValue.julian(year, month, day) }

  /// PostgreSQL's formula, which takes any numbers.
  private static func julian(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let (years, months) = month > 2 ? (year + 4800, month + 1) : (year + 4799, month + 13)
    return years * 365 - 32167 + years / 4 - years / 100 + years / 100 / 4 + 7834 * months / 256 + day
  }

  /// The ISO week that an interval's parts would be in if they were a date.
  var approximateISOWeek: (year: Int, week: Int, dayOfYear: Int) {
    func start(_ year: Int) -> Int {
      let fourth = TemplateValue.julian(year, 1, 4)
      let weekday = fourth % 7
      return fourth - (weekday < 0 ? weekday + 7 : weekday)
    }
    let day = approximateJulian
    var own = year
    if day < start(own) { own -= 1 }
    var week = (day - start(own)) / 7 + 1
    if week >= 52, day >= start(own + 1) {
      own += 1
      week = (day - start(own)) / 7 + 1
    }
    return (own, week, day - start(own) + 1)
  }

  private mutating func set(_ time: Int64) {
    hour = Int(time / Calendar.microsecondsPerHour)
    minute = Int(time / Calendar.microsecondsPerMinute % 60)
    second = Int(time / Calendar.microsecondsPerSecond % 60)
    microsecond = Int(time % Calendar.microsecondsPerSecond)
  }
}

extension DateTemplate {
  /// Appends the value in this format.
  func format(_ value: TemplateValue, into out: TextBuffer) throws {
    for token in tokens {
      switch token {
      case .fixed: break
      case .literal(let text, _): text.withUnsafeBytes { out.append($0) }
      case .pattern(let pattern, let form, let fills, let ordinal):
        if let (number, width) = try number(pattern, value) {
          DateTemplate.append(number, width: fills ? width : 0, out)
          if let ordinal { DateTemplate.appendOrdinal(number, ordinal, out) }
        } else {
          try appendName(pattern, form, fills, value, out)
        }
      }
    }
  }

  private static var noInterval: PulsehouseError {
    PulsehouseError(
      .user, "invalid format specification for an interval value", sqlState: "22007",
      hint: "Intervals are not tied to specific calendar dates.")
  }

  /// A sign counts for the width.
  private static func append(_ number: Int, width: Int, _ out: TextBuffer) {
    if number < 0 { out.append(0x2D) }
    out.append(UInt64(number.magnitude), width: number < 0 ? width - 1 : width)
  }

  private static func appendOrdinal(_ number: Int, _ form: LetterForm, _ out: TextBuffer) {
    let suffix = OrdinalText.suffix(UInt64(number.magnitude % 100))
    out.append(string: form == .upper ? suffix.uppercased() : suffix)
  }

  /// Returns a numeric pattern's value and width, nil for names.
  private func number(_ pattern: Pattern, _ value: TemplateValue) throws -> (Int, Int)? {
    func needDay() throws -> Int64 {
      guard let days = value.days else { throw DateTemplate.noInterval }
      return days
    }
    let year = value.days != nil && value.year <= 0 ? 1 - value.year : value.year
    func two(_ number: Int) -> (Int, Int) { (number, number < 0 ? 3 : 2) }
    func signed(_ number: Int, _ width: Int) -> (Int, Int) { (number, number < 0 ? width + 1 : width) }
    func isoYear() -> Int {
      guard let days = value.days else { return value.approximateISOWeek.year }
      let year = Calendar.isoWeek(days).year
      return year <= 0 ? 1 - year : year
    }
    let twelve = value.hour % 12 == 0 ? 12 : value.hour % 12
    switch pattern {
    case .year4: return signed(year, 4)
    case .year3: return (year % 1000, year < 0 ? 4 : 3)
    case .year2: return (year % 100, year < 0 ? 3 : 2)
    case .year1: return (year % 10, 1)
    case .month: return two(value.month)
    case .day: return (value.day, 2)
    case .hour24: return two(value.hour)
    case .hour12, .hour: return (twelve, value.hour < 0 ? 3 : 2)
    case .minute: return two(value.minute)
    case .second: return two(value.second)
    case .milliseconds, .thousandths: return (value.microsecond / 1000, 3)
    case .microseconds, .fraction6: return (value.microsecond, 6)
    case .tenths: return (value.microsecond / 100_000, 1)
    case .hundredths: return (value.microsecond / 10_000, 2)
    case .fraction4: return (value.microsecond / 100, 4)
    case .fraction5: return (value.microsecond / 10, 5)
    case .secondsOfDay, .secondsOfDayLong: return (value.hour * 3600 + value.minute * 60 + value.second, 0)
    case .quarter: return value.month == 0 ? nil : ((value.month - 1) / 3 + 1, 1)
    case .century:
      if value.days == nil { return two(value.year / 100) }
      return two(value.year > 0 ? (value.year + 99) / 100 : -((99 - (value.year - 1)) / 100))
    case .dayOfYear: return (value.dayOfYear, 3)
    case .weekday: return (Calendar.weekday(try needDay()) + 1, 1)
    case .isoWeekday: return ((Calendar.weekday(try needDay()) + 6) % 7 + 1, 1)
    case .isoWeek: return (value.days.map { Calendar.isoWeek($0).week } ?? value.approximateISOWeek.week, 2)
    case .isoYear4: return (isoYear(), year < 0 ? 5 : 4)
    case .isoYear3: return (isoYear() % 1000, year < 0 ? 4 : 3)
    case .isoYear2: return (isoYear() % 100, year < 0 ? 3 : 2)
    case .isoYear1: return (isoYear() % 10, 1)
    case .isoDayOfYear:
      guard let days = value.days else { return (value.approximateISOWeek.dayOfYear, 3) }
      let iso = Calendar.isoWeek(days)
      return ((iso.week - 1) * 7 + (Calendar.weekday(days) + 6) % 7 + 1, 3)
    case .weekOfYear: return ((value.dayOfYear - 1) / 7 + 1, 2)
    case .weekOfMonth: return ((value.day - 1) / 7 + 1, 1)
    case .julian: return (value.days.map { Int($0) + 2_440_588 } ?? value.approximateJulian, 0)
    default: return nil
    }
  }

  private func appendName(
    _ pattern: Pattern, _ form: LetterForm, _ fills: Bool, _ value: TemplateValue, _ out: TextBuffer
  ) throws {
    func cased(_ text: String) -> String {
      switch form {
      case .upper: text.uppercased()
      case .lower: text.lowercased()
      case .capital: text
      }
    }
    func padded(_ text: String, _ width: Int) {
      out.append(string: cased(text))
      if fills { out.append(repeating: 0x20, count: width - text.utf8.count) }
    }
    switch pattern {
    case .zoneName, .zoneHours, .zoneMinutes, .zoneOffset, .era, .eraLate, .eraDots, .eraDotsLate, .monthName,
      .monthShort:
      if value.days == nil { throw DateTemplate.noInterval }
    default: break
    }
    switch pattern {
    case .quarter: break
    case .yearComma:
      let year = value.days != nil && value.year <= 0 ? 1 - value.year : value.year
      DateTemplate.append(year / 1000, width: 0, out)
      out.append(0x2C)
      DateTemplate.append(year % 1000, width: 3, out)
    case .monthName, .monthShort:
      guard value.month >= 1, value.month <= 12 else { return }
      let name = DateNames.months[value.month - 1]
      pattern == .monthName ? padded(name, 9) : out.append(string: cased(String(name.prefix(3))))
    case .dayName, .dayShort:
      guard let days = value.days else { throw DateTemplate.noInterval }
      let name = DateNames.weekdays[Calendar.weekday(days)]
      pattern == .dayName ? padded(name, 9) : out.append(string: cased(String(name.prefix(3))))
    case .meridian, .meridianLate:
      let text = value.hour % 24 >= 12 ? "PM" : "AM"
      out.append(string: form == .lower ? text.lowercased() : text)
    case .meridianDots, .meridianDotsLate:
      let text = value.hour % 24 >= 12 ? "P.M." : "A.M."
      out.append(string: form == .lower ? text.lowercased() : text)
    case .era, .eraLate:
      out.append(string: form == .lower ? (value.year <= 0 ? "bc" : "ad") : value.year <= 0 ? "BC" : "AD")
    case .eraDots, .eraDotsLate:
      let text = value.year <= 0 ? "B.C." : "A.D."
      out.append(string: form == .lower ? text.lowercased() : text)
    case .roman:
      // An interval of whole years has the last month, or before zero the first.
      if value.month == 0, value.year == 0 { return }
      let numerals = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"]
      let month = value.month == 0 ? (value.year >= 0 ? 12 : 1) : value.month < 0 ? 13 + value.month : value.month
      let text = numerals[min(max(month, 1), 12) - 1]
      out.append(string: form == .lower ? text.lowercased() : text)
      if fills { out.append(repeating: 0x20, count: 4 - text.utf8.count) }
    case .zoneName:
      if let name = value.period?.abbreviation { out.append(string: form == .lower ? name.lowercased() : name) }
    case .zoneHours, .zoneOffset:
      let offset = value.period?.offset ?? 0
      out.append(offset < 0 ? 0x2D : 0x2B)
      out.append(UInt64(offset.magnitude / 3600), width: 2)
      if pattern == .zoneOffset, offset % 3600 != 0 {
        out.append(0x3A)
        out.append(UInt64(offset.magnitude / 60 % 60), width: 2)
      }
    case .zoneMinutes: out.append(UInt64((value.period?.offset ?? 0).magnitude / 60 % 60), width: 2)
    default: throw PulsehouseError(.unsupported, "format pattern \(pattern.rawValue) is not supported by to_char")
    }
  }
}

/// The ending of an English ordinal number.
enum OrdinalText {
  static func suffix(_ number: UInt64) -> String {
    let last = number % 100
    return switch last % 10 {
    case 1 where last != 11: "st"
    case 2 where last != 12: "nd"
    case 3 where last != 13: "rd"
    default: "th"
    }
  }
}
