import Bytes
import Vectors

/// Reads dates, times and timestamps in the forms PostgreSQL takes (ISO, MDY order), zones as offsets or by name.
struct DateTimeParser {
  enum Failure: Error {
    case syntax
    case range
    /// An offset of more than about 15 hours.
    case displacement
    case zone(String)
    /// The machine's zones cannot be read.
    case zoneData(PulsehouseError)
  }

  /// What a text said; a part it did not say is nil.
  struct Fields {
    enum Special { case epoch, infinity, negativeInfinity }
    var special: Special?
    var day: Int64?
    /// Microseconds since midnight; 24:00 is allowed.
    var time: Int64?
    /// Seconds east of UTC.
    var zone: Int?
    /// A zone by name, whose offset depends on the time.
    var zoneMeaning: Zones.Meaning?
  }

  private var cursor: TextCursor
  private let now: Int64
  /// The session's zone; nil is UTC.
  private let zone: ZoneRules?
  /// Bare digits are a time: the text is of type `time`.
  private let isTimeOnly: Bool
  private var fields = Fields()
  private var isBeforeChrist = false
  private var year: Int?
  private var month: Int?
  private var dayOfMonth: Int?
  private var dayOfYear: Int?
  private var hasMonthName = false
  /// Digits the year was written with, for two-digit years.
  private var yearDigits = 4

  private init(_ bytes: UnsafeRawBufferPointer, now: Int64, zone: ZoneRules?, isTimeOnly: Bool) {
    cursor = TextCursor(bytes)
    self.now = now
    self.zone = zone
    self.isTimeOnly = isTimeOnly
  }

  static func parse(
    _ bytes: UnsafeRawBufferPointer, now: Int64, zone: ZoneRules? = nil, isTimeOnly: Bool = false
  ) throws(Failure) -> Fields {
    if let fast = plain(bytes), !isTimeOnly { return fast }
    var parser = DateTimeParser(bytes, now: now, zone: zone, isTimeOnly: isTimeOnly)
    return try parser.run()
  }

  /// The common forms `YYYY-MM-DD` and `YYYY-MM-DD HH:MM:SS` without any checks that could say why not.
  private static func plain(_ bytes: UnsafeRawBufferPointer) -> Fields? {
    guard bytes.count == 10 || bytes.count == 19, bytes[4] == 0x2D, bytes[7] == 0x2D else { return nil }
    func two(_ at: Int) -> Int? {
      let (a, b) = (bytes[at] &- 0x30, bytes[at + 1] &- 0x30)
      return a < 10 && b < 10 ? Int(a) * 10 + Int(b) : nil
    }
    guard let century = two(0), let rest = two(2), let month = two(5), let day = two(8) else { return nil }
    let year = century * 100 + rest
    guard year > 0, month >= 1, month <= 12, day >= 1, day <= Calendar.lastDay(year: year, month: month) else {
      return nil
    }
    var fields = Fields()
    fields.day = Calendar.days(year: year, month: month, day: day)
    if bytes.count == 10 { return fields }
    guard bytes[10] == 0x20 || bytes[10] == 0x54, bytes[13] == 0x3A, bytes[16] == 0x3A, let hour = two(11),
      let minute = two(14), let second = two(17), hour < 24, minute < 60, second < 60
    else { return nil }
    fields.time = Int64(hour * 3600 + minute * 60 + second) * 1_000_000
    return fields
  }

  private mutating func run() throws(Failure) -> Fields {
    cursor.skipBlanks()
    if cursor.isAtEnd { throw .syntax }
    while let byte = cursor.peek {
      if TextCursor.isBlank(byte) || byte == 0x2C {
        cursor.advance()
      } else if TextCursor.isDigit(byte) {
        try number()
      } else if byte == 0x2B || byte == 0x2D {
        try signed()
      } else if TextCursor.isLetter(byte) {
        try word()
      } else if byte > 0x20, byte < 0x7F, byte != 0x2E, byte != 0x2F, byte != 0x3A {
        // Other punctuation only parts.
        cursor.advance()
      } else {
        throw .syntax
      }
    }
    try assembleDate()
    return fields
  }

  /// A date, a time, or one number of a date with a month's name.
  private mutating func number() throws(Failure) {
    let start = cursor.position
    guard let first = cursor.takeInteger(limit: 100_000_000_000_000_000) else { throw .syntax }
    let digits = cursor.position - start
    guard let next = cursor.peek else { return try lone(first, digits) }
    switch next {
    case 0x3A: try time(hour: first)
    case 0x2E where digits > 2 && fields.time == nil && (hasDate || isTimeOnly):
      // 040506.789 after a date.
      try lone(first, digits)
    case 0x2D, 0x2F, 0x2E:
      if next == 0x2D, let letter = cursor.peek(1), TextCursor.isLetter(letter) {
        // 8-Jan-1999 and 1999-Jan-08.
        cursor.advance()
        try named(first, digits)
        return
      }
      if month != nil {
        // 08 of Jan-08-1999.
        cursor.advance()
        return try lone(first, digits)
      }
      guard year == nil, month == nil, dayOfMonth == nil else { throw .syntax }
      cursor.advance()
      let start = cursor.position
      guard let second = cursor.takeInteger(limit: 1_000_000) else { throw .syntax }
      if digits > 2, cursor.position - start == 3, cursor.peek != next, (1...366).contains(second) {
        (year, dayOfYear) = (first, second)
        yearDigits = digits
        return
      }
      guard cursor.take(next) else { throw .syntax }
      let third = cursor.position
      guard let last = cursor.takeInteger(limit: 100_000_000) else { throw .syntax }
      if digits > 2 {
        (year, month, dayOfMonth) = (first, second, last)
        yearDigits = digits
      } else {
        (month, dayOfMonth, year) = (first, second, last)
        yearDigits = cursor.position - third
      }
      if !isTimeOnly, let separator = cursor.peek, separator | 0x20 == 0x74, let digit = cursor.peek(1),
        TextCursor.isDigit(digit)
      {
        cursor.advance()
      }
    default: try lone(first, digits)
    }
  }

  /// A month's name between hyphens, day or year (by its digits) first.
  private mutating func named(_ first: Int, _ digits: Int) throws(Failure) {
    guard let name = cursor.takeWord(), let number = DateNames.month(name), cursor.take(0x2D) else { throw .syntax }
    let start = cursor.position
    guard let value = cursor.takeInteger(limit: 10_000_000), month == nil, dayOfMonth == nil, year == nil else {
      throw .syntax
    }
    month = number
    hasMonthName = true
    (dayOfMonth, year) = digits > 2 ? (value, first) : (first, value)
    yearDigits = digits > 2 ? digits : cursor.position - start
  }

  private var hasDate: Bool { fields.day != nil || (year != nil && (dayOfMonth ?? dayOfYear) != nil) }

  /// `19990108`, `040506` after a date, or a day or year beside a month's name.
  private mutating func lone(_ value: Int, _ digits: Int) throws(Failure) {
    if !hasDate, !isTimeOnly, month == nil, digits >= 6 {
      // Month and day have two digits each, the year has the rest.
      (year, month, dayOfMonth) = (value / 10000, value / 100 % 100, value % 100)
      yearDigits = digits - 4
      return
    }
    if fields.time == nil, hasDate || isTimeOnly, digits == 6 || digits == 4 {
      let full = digits == 6 ? value : value * 100
      var micros = 0
      if cursor.take(0x2E) { micros = cursor.takeMicroseconds() }
      return try setTime(full / 10000, full / 100 % 100, full % 100, micros)
    }
    switch (year != nil, month != nil, dayOfMonth != nil) {
    case (false, false, false):
      if digits > 2 { setYear(value, digits) } else { month = value }
    case (true, false, false), (false, false, true): month = value
    case (false, true, false):
      if hasMonthName, digits > 2 { setYear(value, digits) } else { dayOfMonth = value }
    case (true, true, false): dayOfMonth = value
    case (false, true, true): setYear(value, digits)
    default: throw .syntax
    }
  }

  private mutating func setYear(_ value: Int, _ digits: Int) {
    year = value
    yearDigits = digits
  }

  private mutating func time(hour: Int) throws(Failure) {
    guard fields.time == nil, cursor.take(0x3A), let minute = cursor.takeInteger(limit: 1000) else { throw .syntax }
    var second = 0
    var micros = 0
    if cursor.take(0x3A) {
      guard let value = cursor.takeInteger(limit: 1000) else { throw .syntax }
      second = value
      if cursor.take(0x2E) { micros = cursor.takeMicroseconds() }
    } else if cursor.take(0x2E) {
      // With a fraction two numbers are minutes and seconds.
      return try setTime(0, hour, minute, cursor.takeMicroseconds())
    }
    try setTime(hour, minute, second, micros)
  }

  private mutating func setTime(_ hour: Int, _ minute: Int, _ second: Int, _ micros: Int) throws(Failure) {
    guard fields.time == nil else { throw .syntax }
    guard hour <= 24, minute < 60, second <= 60, second < 60 || micros == 0,
      hour < 24 || (minute == 0 && second == 0 && micros == 0)
    else { throw .range }
    fields.time = Int64(hour * 3600 + minute * 60 + second) * 1_000_000 + Int64(micros)
  }

  /// A zone such as `+02`, `-0330`, `+05:30:00`, or `-infinity`.
  private mutating func signed() throws(Failure) {
    let isNegative = cursor.peek == 0x2D
    cursor.advance()
    if isNegative, let byte = cursor.peek, TextCursor.isLetter(byte) {
      guard let name = cursor.takeWord(), name == "infinity", fields.special == nil else {
        throw .syntax
      }
      fields.special = .negativeInfinity
      return
    }
    guard fields.time != nil || year != nil, fields.zone == nil else { throw .syntax }
    let offset = try offset()
    fields.zone = isNegative ? -offset : offset
  }

  /// Hours, and minutes and seconds with or without colons, as seconds.
  private mutating func offset() throws(Failure) -> Int {
    let start = cursor.position
    guard let value = cursor.takeInteger(limit: 1_000_000) else { throw .syntax }
    var (hour, minute, second) = (value, 0, 0)
    let digits = cursor.position - start
    if digits > 2 { (hour, minute) = (value / 100, value % 100) }
    if digits > 4 { (hour, minute, second) = (value / 10000, value / 100 % 100, value % 100) }
    if cursor.take(0x3A) {
      guard let value = cursor.takeInteger(limit: 59) else { throw .syntax }
      minute = value
      if cursor.take(0x3A) {
        guard let value = cursor.takeInteger(limit: 59) else { throw .syntax }
        second = value
      }
    }
    guard hour <= 15, minute < 60, second < 60 else { throw .displacement }
    return hour * 3600 + minute * 60 + second
  }

  /// `GMT+8` and the like, in POSIX's way: hours west of Greenwich.
  private mutating func shiftedZone() throws(Failure) -> Bool {
    guard let sign = cursor.peek, sign == 0x2B || sign == 0x2D, let digit = cursor.peek(1), TextCursor.isDigit(digit)
    else { return false }
    guard fields.zone == nil, fields.zoneMeaning == nil else { throw .syntax }
    cursor.advance()
    let offset = try offset()
    fields.zone = sign == 0x2B ? -offset : offset
    return true
  }

  private mutating func word() throws(Failure) {
    let start = cursor.position
    guard let name = cursor.takeWord() else { throw .syntax }
    if cursor.peek == 0x2F {
      // A zone stands behind a date, or behind a time alone.
      guard year != nil || fields.day != nil || isTimeOnly && fields.time != nil else { throw .syntax }
      return try namedZone(from: start)
    }
    switch name {
    // Behind a date it would begin a time stamp, which is no time.
    case "t" where isTimeOnly && year != nil: throw .syntax
    case "epoch": fields.special = .epoch
    case "infinity": fields.special = .infinity
    case "now":
      // As the session's clock shows it, whatever type asks.
      (fields.day, fields.time) = Calendar.split(zone?.local(now) ?? now)
      fields.zone = zone?.period(atMoment: now).offset ?? 0
    case "today", "tomorrow", "yesterday":
      fields.day = Calendar.split(zone?.local(now) ?? now).days + (name == "today" ? 0 : name == "tomorrow" ? 1 : -1)
    case "allballs":
      guard fields.time == nil, fields.zone == nil, fields.zoneMeaning == nil else { throw .syntax }
      (fields.time, fields.zone) = (0, 0)
    case "j", "jd", "julian": try julian()
    case "bc": isBeforeChrist = true
    case "ad": break
    case "t" where fields.time == nil: break
    case "am", "pm":
      guard let time = fields.time else { throw .syntax }
      let hour = time / Calendar.microsecondsPerHour
      guard hour >= 1, hour <= 12 else { throw .range }
      let base = time - hour * Calendar.microsecondsPerHour
      fields.time = base + Int64(Int(hour) % 12 + (name == "pm" ? 12 : 0)) * Calendar.microsecondsPerHour
    case "z", "utc", "gmt", "ut", "zulu":
      guard fields.zone == nil, fields.zoneMeaning == nil else { throw .syntax }
      if name.utf8.count > 2, try shiftedZone() { return }
      fields.zone = 0
    default:
      if let number = DateNames.month(name) {
        if isTimeOnly { throw .syntax }
        if let day = month, !hasMonthName, dayOfMonth == nil, (1...31).contains(day) {
          // The number before it was the day.
          dayOfMonth = day
        } else if month != nil {
          throw .syntax
        }
        month = number
        hasMonthName = true
        // 1999-Jan-08 and Jan-08-1999 have hyphens that are no signs.
        if cursor.peek == 0x2D { cursor.advance() }
      } else if DateNames.weekday(name) != nil {
        if isTimeOnly { throw .syntax }
      } else {
        guard fields.time != nil || year != nil || fields.day != nil else { throw .syntax }
        if name.utf8.count > 2, try shiftedZone() { return }
        try namedZone(from: start)
      }
    }
  }

  /// The number of a day as astronomers count, behind `J`; a fraction is the time since its midnight.
  private mutating func julian() throws(Failure) {
    cursor.skipBlanks()
    guard !isTimeOnly, fields.day == nil, year == nil, month == nil, dayOfMonth == nil, let byte = cursor.peek,
      TextCursor.isDigit(byte), let number = cursor.takeInteger(limit: 100_000_000_000_000_000)
    else { throw .syntax }
    // The day after 5874897-12-31.
    guard number < 2_147_483_494 else { throw .range }
    fields.day = Int64(number) - 2_440_588
    guard cursor.take(0x2E) else { return }
    guard fields.time == nil else { throw .syntax }
    var (part, unit) = (0.0, 1.0)
    while let digit = cursor.peek, TextCursor.isDigit(digit) {
      unit /= 10
      part += Double(digit - 0x30) * unit
      cursor.advance()
    }
    fields.time = Int64(part * Double(Calendar.microsecondsPerDay))
  }

  /// A zone by name, such as `Europe/Berlin`, `CEST`, `EST5EDT` or `Etc/GMT+3`.
  private mutating func namedZone(from start: Int) throws(Failure) {
    cursor.move(to: start)
    let name = cursor.takeZoneName()
    guard fields.zone == nil, fields.zoneMeaning == nil else { throw .syntax }
    do {
      fields.zoneMeaning = try Zones.meaning(name)
    } catch {
      guard error.sqlState == "22023" else { throw .zoneData(error) }
      // Only what could be nothing else is called a zone.
      let isZone = name.utf8.contains { TextCursor.isDigit($0) || [0x2B, 0x2D, 0x2E, 0x2F].contains($0) }
      throw isZone ? .zone(name.lowercased()) : .syntax
    }
  }

  private mutating func assembleDate() throws(Failure) {
    if fields.special != nil || fields.day != nil {
      guard year == nil, month == nil, dayOfMonth == nil else { throw .syntax }
      return
    }
    if year == nil && month == nil && dayOfMonth == nil { return }
    if let month, !(1...12).contains(month) { throw .range }
    if let dayOfMonth, !(1...31).contains(dayOfMonth) { throw .range }
    guard var year else { throw .syntax }
    if let dayOfYear {
      guard month == nil, dayOfMonth == nil, year > 0, year <= 5_874_897 else { throw .syntax }
      if isBeforeChrist { year = 1 - year }
      guard year >= -4713 else { throw .range }
      fields.day = Calendar.days(year: year, month: 1, day: 1) + Int64(dayOfYear - 1)
      return
    }
    guard let month, let day = dayOfMonth else { throw .syntax }
    if yearDigits <= 2, !isBeforeChrist { year += year < 70 ? 2000 : 1900 }
    guard year > 0, month >= 1, month <= 12, day >= 1, day <= 31 else { throw .range }
    if isBeforeChrist { year = 1 - year }
    guard year <= 5_874_897, year >= -4713, day <= Calendar.lastDay(year: year, month: month) else { throw .range }
    fields.day = Calendar.days(year: year, month: month, day: day)
  }
}

/// English names of months and weekdays.
enum DateNames {
  static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
  ]
  static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

  /// 1...12 for a name in lower case or its first three letters.
  static func month(_ name: String) -> Int? {
    if name == "sept" { return 9 }
    for (index, month) in months.enumerated() where matches(name, month) { return index + 1 }
    return nil
  }

  /// 0...6 from Sunday.
  static func weekday(_ name: String) -> Int? {
    switch name {
    case "tues": return 2
    case "weds": return 3
    case "thur", "thurs": return 4
    default: break
    }
    for (index, day) in weekdays.enumerated() where matches(name, day) { return index }
    return nil
  }

  private static func matches(_ name: String, _ full: String) -> Bool {
    let lower = full.lowercased()
    return name == lower || name == lower.prefix(3)
  }
}
