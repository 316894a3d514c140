import Vectors

/// Reads dates, times and UUIDs as ISO 8601 and RFC 4122 spell them, and PostgreSQL's infinities.
///
/// Years are 0001 to 9999. A blank may stand for the `T`; fractions of a second beyond microseconds are rounded.
enum ISOText {
  /// Days since 1970-01-01.
  static func date(_ text: UnsafeRawBufferPointer) -> Int32? {
    if let sign = infinity(text) { return sign > 0 ? Int32.max : Int32.min }
    var cursor = Cursor(text)
    guard let days = cursor.date(), cursor.isAtEnd else { return nil }
    return Int32(truncatingIfNeeded: days)
  }

  /// Microseconds since midnight.
  static func time(_ text: UnsafeRawBufferPointer) -> Int64? {
    var cursor = Cursor(text)
    guard let time = cursor.time(), cursor.isAtEnd else { return nil }
    return time
  }

  /// Microseconds since 1970-01-01 00:00. A zone is subtracted when `appliesZone`, so that the answer is UTC, and else
  /// ignored, as PostgreSQL does for a timestamp without zone. Without a zone the text is taken as UTC.
  static func timestamp(_ text: UnsafeRawBufferPointer, appliesZone: Bool) -> Int64? {
    if let sign = infinity(text) { return sign > 0 ? Int64.max : Int64.min }
    var cursor = Cursor(text)
    guard let days = cursor.date() else { return nil }
    var microseconds = Int64(days) * 86_400_000_000
    if cursor.isAtEnd { return microseconds }
    guard cursor.take(UInt8(ascii: "T")) || cursor.take(UInt8(ascii: " ")) || cursor.take(UInt8(ascii: "t")),
      let time = cursor.time()
    else { return nil }
    microseconds += time
    if cursor.isAtEnd { return microseconds }
    guard let zone = cursor.zone(), cursor.isAtEnd else { return nil }
    return appliesZone ? microseconds - zone : microseconds
  }

  static func uuid(_ text: UnsafeRawBufferPointer) -> UUIDValue? {
    guard text.count == 36 else { return nil }
    var halves: (high: UInt64, low: UInt64) = (0, 0)
    var digits = 0
    for (index, byte) in text.enumerated() {
      if index == 8 || index == 13 || index == 18 || index == 23 {
        guard byte == UInt8(ascii: "-") else { return nil }
        continue
      }
      let digit: UInt64
      switch byte {
      case 0x30...0x39: digit = UInt64(byte - 0x30)
      case 0x41...0x46: digit = UInt64(byte - 0x41 + 10)
      case 0x61...0x66: digit = UInt64(byte - 0x61 + 10)
      default: return nil
      }
      if digits < 16 { halves.high = halves.high << 4 | digit } else { halves.low = halves.low << 4 | digit }
      digits += 1
    }
    return UUIDValue(high: halves.high, low: halves.low)
  }

  private static func infinity(_ text: UnsafeRawBufferPointer) -> Int? {
    if text.elementsEqual("infinity".utf8) { return 1 }
    return text.elementsEqual("-infinity".utf8) ? -1 : nil
  }

  /// Days from 1970-01-01 to a date of the Gregorian calendar; nil when there is none.
  static func days(year: Int, month: Int, day: Int) -> Int? {
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard year >= 1, year <= 9999, month >= 1, month <= 12, day >= 1 else { return nil }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    guard day <= lengths[month - 1] + (isLeap && month == 2 ? 1 : 0) else { return nil }
    // Years start in March, so that the leap day comes last.
    let shifted = month > 2 ? year : year - 1
    let monthFromMarch = (month + 9) % 12
    let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
    return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
  }

  private struct Cursor {
    let text: UnsafeRawBufferPointer
    var index = 0

    init(_ text: UnsafeRawBufferPointer) { self.text = text }

    var isAtEnd: Bool { index == text.count }

    mutating func take(_ byte: UInt8) -> Bool {
      guard index < text.count, text[index] == byte else { return false }
      index += 1
      return true
    }

    mutating func digits(_ count: Int) -> Int? {
      guard text.count - index >= count else { return nil }
      var value = 0
      for _ in 0..<count {
        let digit = text[index] &- UInt8(ascii: "0")
        guard digit < 10 else { return nil }
        value = value * 10 + Int(digit)
        index += 1
      }
      return value
    }

    mutating func date() -> Int? {
      guard let year = digits(4), take(UInt8(ascii: "-")), let month = digits(2), take(UInt8(ascii: "-")),
        let day = digits(2)
      else { return nil }
      return ISOText.days(year: year, month: month, day: day)
    }

    mutating func time() -> Int64? {
      guard let hour = digits(2), take(UInt8(ascii: ":")), let minute = digits(2), hour <= 24, minute < 60 else {
        return nil
      }
      var second = 0
      var fraction: Int64 = 0
      if take(UInt8(ascii: ":")) {
        guard let whole = digits(2), whole <= 60 else { return nil }
        second = whole
        if take(UInt8(ascii: ".")) {
          var scale: Int64 = 100_000
          var count = 0
          while index < text.count, text[index] &- UInt8(ascii: "0") < 10 {
            let digit = Int64(text[index] - UInt8(ascii: "0"))
            if count < 6 { fraction += digit * scale } else if count == 6 && digit >= 5 { fraction += 1 }
            scale /= 10
            count += 1
            index += 1
          }
          guard count > 0 else { return nil }
        }
      }
      let total = Int64(hour * 3600 + minute * 60 + second) * 1_000_000 + fraction
      return total <= 86_400_000_000 ? total : nil
    }

    /// Microseconds east of UTC.
    mutating func zone() -> Int64? {
      if take(UInt8(ascii: "Z")) || take(UInt8(ascii: "z")) { return 0 }
      let isWest: Bool
      if take(UInt8(ascii: "+")) {
        isWest = false
      } else if take(UInt8(ascii: "-")) {
        isWest = true
      } else {
        return nil
      }
      guard let hours = digits(2), hours <= 15 else { return nil }
      var minutes = 0
      if take(UInt8(ascii: ":")) || !isAtEnd {
        guard let rest = digits(2), rest < 60 else { return nil }
        minutes = rest
      }
      let offset = Int64(hours * 60 + minutes) * 60_000_000
      return isWest ? -offset : offset
    }
  }
}
