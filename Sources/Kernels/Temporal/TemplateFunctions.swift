import Bytes
import Vectors

/// `to_char`, `to_date` and `to_timestamp` with a format.
package enum TemplateFunctions {
  /// `to_char(value, format)` of a date, time stamp, interval or number; moments by the clocks of `zone` (nil is UTC).
  package static func format(_ value: Vector, _ format: Vector, zone: ZoneRules? = nil) throws -> Vector {
    let formats = format.spread
    if formats.isConstantNull || value.isConstantNull { return .nulls(.text, count: value.count) }
    if value.type.isNumber { return try NumberTemplate.format(value, formats) }
    let values = value.type == .date ? try Cast.vector(value, to: .timestamp).spread : value.spread
    let texts = Operand<StringReference>(formats)
    var compiled: DateTemplate?
    if formats.form == .constant { compiled = try DateTemplate(texts[0]) }
    let operands = [values, formats]
    switch values.type {
    case .timestamp, .timestamptz:
      let input = Operand<Int64>(values)
      let hasZone = values.type == .timestamptz
      return try textRows(operands, count: value.count) { row, out in
        let timestamp = input[row]
        // Infinities have no fields.
        if timestamp == .max || timestamp == .min { return false }
        let template = try compiled ?? DateTemplate(texts[row])
        let period = hasZone ? zone?.period(atMoment: timestamp) ?? .utc : nil
        let local = hasZone ? zone?.local(timestamp) ?? timestamp : timestamp
        try template.format(TemplateValue(timestamp: local, period: period), into: out)
        return true
      }
    case .interval:
      let input = Operand<Interval>(values)
      return try textRows(operands, count: value.count) { row, out in
        let template = try compiled ?? DateTemplate(texts[row])
        try template.format(TemplateValue(input[row]), into: out)
        return true
      }
    default: throw Failure.noOperator("to_char", [value.type, format.type])
    }
  }

  /// `to_date(text, format)` or `to_timestamp(text, format)`, as `type` says; times are those of `zone` (nil is UTC).
  package static func parse(
    _ text: Vector, _ format: Vector, _ type: LogicalType, zone: ZoneRules? = nil
  ) throws -> Vector {
    let (texts, formats) = (text.spread, format.spread)
    if texts.isConstantNull || formats.isConstantNull { return .nulls(type, count: text.count) }
    let formatsAt = Operand<StringReference>(formats)
    var compiled: DateTemplate?
    if formats.form == .constant { compiled = try DateTemplate(formatsAt[0]) }
    func timestamp(_ text: StringReference, _ format: StringReference) throws -> (local: Int64, offset: Int?) {
      let template = try compiled ?? DateTemplate(format)
      return try text.withBytes { try template.parse($0) }
    }
    if type == .date {
      return try mapBinaryThrowing(texts, formats, type) { (text: StringReference, format: StringReference) -> Int32? in
        Int32(truncatingIfNeeded: Calendar.split(try timestamp(text, format).local).days)
      }
    }
    return try mapBinaryThrowing(texts, formats, type) { (text: StringReference, format: StringReference) -> Int64? in
      let (local, offset) = try timestamp(text, format)
      if let offset {
        let moment = local - Int64(offset) * 1_000_000
        guard moment >= Calendar.minimumTimestamp else { throw Failure.timestampRange }
        return moment
      }
      guard let zone else { return local }
      guard let moment = zone.moment(local) else { throw Failure.timestampRange }
      return moment
    }
  }
}

extension DateTemplate {
  private static func isSeparator(_ byte: UInt8) -> Bool {
    byte > 0x20 && byte < 0x7F && !TextCursor.isLetter(byte) && !TextCursor.isDigit(byte)
  }

  /// Reads a timestamp by this format; what it does not say is the start of year 1 BC, as in PostgreSQL.
  /// - Returns: what the clock shows, and the seconds east of UTC if the text says them.
  func parse(_ bytes: UnsafeRawBufferPointer) throws -> (local: Int64, offset: Int?) {
    var cursor = TextCursor(bytes)
    var year: Int?
    var (month, day, hour, minute, second, micros) = (1, 1, 0, 0, 0, 0)
    var (dayOfYear, julian, isAfternoon, secondsOfDay): (Int?, Int?, Bool?, Int?)
    var isBeforeChrist = false
    var isoWeek: Int?
    var isoWeekday: Int?
    var isoYear: Int?
    var zone: (isWest: Bool, hours: Int, minutes: Int)?
    func text() -> String { String(decoding: bytes, as: UTF8.self) }
    func invalid(_ pattern: Pattern, _ detail: String) -> PulsehouseError {
      PulsehouseError(
        .user, "invalid value \"\(text())\" for \"\(pattern.rawValue)\"", sqlState: "22007", detail: detail)
    }
    func take(_ pattern: Pattern, _ width: Int, isFixed: Bool) throws -> Int {
      cursor.skipBlanks()
      let isNegative = pattern == .year4 && cursor.take(0x2D)
      var value = 0
      var digits = 0
      while digits < (isFixed ? width : 9), let byte = cursor.peek, TextCursor.isDigit(byte) {
        value = value * 10 + Int(byte - 0x30)
        digits += 1
        cursor.advance()
      }
      guard digits > 0 else { throw invalid(pattern, "Value must be an integer.") }
      return isNegative ? -value : value
    }
    /// How many more blanks and marks of the text were passed over than the format has.
    var skipped = 0
    func skipBlanks() {
      let start = cursor.position
      cursor.skipBlanks()
      skipped += cursor.position - start
    }
    reading: for (position, token) in tokens.enumerated() {
      switch token {
      case .literal(let literal, let isQuoted):
        for (offset, byte) in literal.enumerated() {
          if cursor.isAtEnd { break reading }
          if position == 0, offset == 0 { skipBlanks() }
          let isMark = DateTemplate.isSeparator(byte) || TextCursor.isBlank(byte)
          if !isQuoted, isMark {
            // It stands for one blank or mark, or for nothing.
            skipped -= 1
            guard let next = cursor.peek, TextCursor.isBlank(next) || DateTemplate.isSeparator(next) else { continue }
            cursor.advance()
            skipped += 1
          } else if skipped > 0 {
            // A blank that was passed over counts for the letter.
            skipped -= 1
          } else if byte & 0xC0 != 0x80 {
            cursor.advance()
            while let next = cursor.peek, next & 0xC0 == 0x80 { cursor.advance() }
          }
        }
      case .pattern(let pattern, _, _, let ordinal):
        if cursor.isAtEnd { break reading }
        skipBlanks()
        // Digits run together only when the next pattern is a number too.
        var isFixed = false
        if position + 1 < tokens.count, case .pattern(let next, _, _, _) = tokens[position + 1] {
          isFixed = ![.monthName, .monthShort, .dayName, .dayShort, .meridian, .meridianLate].contains(next)
        }
        switch pattern {
        case .year4: year = try take(pattern, 4, isFixed: isFixed)
        case .year3, .year2, .year1:
          let width = pattern == .year3 ? 3 : pattern == .year2 ? 2 : 1
          let start = cursor.position
          let value = try take(pattern, width, isFixed: isFixed)
          let digits = cursor.position - start
          year =
            digits > 3
            ? value : value < 70 ? value + 2000 : value < 100 ? value + 1900 : value < 520 ? value + 2000 : value + 1000
        case .yearComma:
          let thousands = try take(pattern, 9, isFixed: false)
          _ = cursor.take(0x2C)
          year = thousands * 1000 + (try take(pattern, 3, isFixed: true))
        case .month: month = try take(pattern, 2, isFixed: true)
        case .monthName, .monthShort:
          cursor.skipBlanks()
          guard let name = cursor.takeWord(), let number = DateNames.month(name) else {
            throw invalid(pattern, "The given value did not match any of the allowed values for this field.")
          }
          month = number
        case .dayName, .dayShort:
          cursor.skipBlanks()
          guard let name = cursor.takeWord(), DateNames.weekday(name) != nil else {
            throw invalid(pattern, "The given value did not match any of the allowed values for this field.")
          }
        case .day: day = try take(pattern, 2, isFixed: true)
        case .dayOfYear: dayOfYear = try take(pattern, 3, isFixed: true)
        case .weekday: _ = try take(pattern, 1, isFixed: true)
        case .isoWeekday: isoWeekday = try take(pattern, 1, isFixed: true)
        case .isoWeek: isoWeek = try take(pattern, 2, isFixed: true)
        case .isoYear4: isoYear = try take(pattern, 4, isFixed: isFixed)
        case .hour24: hour = try take(pattern, 2, isFixed: true)
        case .hour12, .hour:
          hour = try take(pattern, 2, isFixed: true)
          guard hour >= 1, hour <= 12 else {
            throw PulsehouseError(
              .user, "hour \"\(hour)\" is invalid for the 12-hour clock", sqlState: "22007",
              hint: "Use the 24-hour clock, or give an hour between 1 and 12.")
          }
          if isAfternoon == nil { isAfternoon = false }
        case .minute: minute = try take(pattern, 2, isFixed: true)
        case .second: second = try take(pattern, 2, isFixed: true)
        case .milliseconds, .microseconds, .tenths, .hundredths, .thousandths, .fraction4, .fraction5, .fraction6:
          cursor.skipBlanks()
          micros = cursor.takeMicroseconds()
        case .secondsOfDay, .secondsOfDayLong: secondsOfDay = try take(pattern, 5, isFixed: true)
        case .julian: julian = try take(pattern, 9, isFixed: false)
        case .meridian, .meridianLate, .meridianDots, .meridianDotsLate:
          cursor.skipBlanks()
          guard let letter = cursor.peek, letter | 0x20 == 0x61 || letter | 0x20 == 0x70 else {
            throw invalid(pattern, "The given value did not match any of the allowed values for this field.")
          }
          isAfternoon = letter | 0x20 == 0x70
          cursor.advance()
          while let next = cursor.peek, next == 0x2E || next | 0x20 == 0x6D { cursor.advance() }
        case .era, .eraLate, .eraDots, .eraDotsLate:
          cursor.skipBlanks()
          isBeforeChrist = (cursor.peek.map { $0 | 0x20 } ?? 0) == 0x62
          while let next = cursor.peek, next == 0x2E || TextCursor.isLetter(next) { cursor.advance() }
        case .zoneHours:
          var isWest = false
          if let sign = cursor.peek, [0x2B, 0x2D, 0x20].contains(sign) {
            isWest = sign == 0x2D
            cursor.advance()
          } else if skipped > 0, cursor.position > 0, bytes[cursor.position - 1] == 0x2D {
            // More was passed over than the format has: the sign belongs to the hours.
            isWest = true
          }
          zone = (isWest, try take(pattern, 2, isFixed: true), zone?.minutes ?? 0)
        case .zoneMinutes: zone = (zone?.isWest ?? false, zone?.hours ?? 0, try take(pattern, 2, isFixed: true))
        case .zoneName, .zoneOffset:
          throw PulsehouseError(
            .unsupported, "formatting field \"\(pattern.rawValue)\" is only supported in to_char", sqlState: "0A000")
        default:
          throw PulsehouseError(.unsupported, "format pattern \(pattern.rawValue) is not supported in reading")
        }
        if ordinal != nil { cursor.advance(min(2, bytes.count - cursor.position)) }
        skipped = 0
        skipBlanks()
      }
    }
    if let isAfternoon {
      if isAfternoon, hour < 12 { hour += 12 } else if !isAfternoon, hour == 12 { hour = 0 }
    }
    if let secondsOfDay {
      (hour, minute, second) = (secondsOfDay / 3600, secondsOfDay / 60 % 60, secondsOfDay % 60)
    }
    func outOfRange() -> PulsehouseError { Failure.fieldRange(text()) }
    var astronomical = year ?? 0
    if isBeforeChrist { astronomical = 1 - astronomical } else if astronomical < 0 { astronomical += 1 }
    guard hour <= 24, minute < 60, second < 60, astronomical.magnitude < 300_000 else { throw outOfRange() }
    let days: Int64
    if let julian {
      days = Int64(julian) - 2_440_588
    } else if let isoYear, isoYear.magnitude < 300_000 {
      let fourth = Calendar.days(year: isoYear, month: 1, day: 4)
      let monday = fourth - Int64((Calendar.weekday(fourth) + 6) % 7)
      days = monday + Int64(((isoWeek ?? 1) - 1) * 7 + (isoWeekday ?? 1) - 1)
    } else if let dayOfYear {
      guard dayOfYear >= 1, dayOfYear <= (Calendar.isLeap(astronomical) ? 366 : 365) else { throw outOfRange() }
      days = Calendar.days(year: astronomical, month: 1, day: 1) + Int64(dayOfYear - 1)
    } else {
      guard month >= 1, month <= 12, day >= 1, day <= Calendar.lastDay(year: astronomical, month: month) else {
        throw outOfRange()
      }
      days = Calendar.days(year: astronomical, month: month, day: day)
    }
    let time = Int64(hour * 3600 + minute * 60 + second) * 1_000_000 + Int64(micros)
    guard let result = Calendar.timestamp(days: days, time: time) else { throw outOfRange() }
    guard let zone else { return (result, nil) }
    guard zone.hours <= 15, zone.minutes < 60 else {
      throw PulsehouseError(.user, "time zone displacement out of range: \"\(text())\"", sqlState: "22009")
    }
    let offset = zone.hours * 3600 + zone.minutes * 60
    return (result, zone.isWest ? -offset : offset)
  }
}
