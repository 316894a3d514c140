import Vectors

/// Dates, times and intervals as PostgreSQL prints them (ISO style).
enum TemporalText {
  /// The most bytes any of these writes.
  static let maximumLength = 96

  static func write(date days: Int32, to output: UnsafeMutablePointer<UInt8>) -> Int {
    if days == .max { return copy("infinity", to: output) }
    if days == .min { return copy("-infinity", to: output) }
    let date = Calendar.date(fromDays: Int64(days))
    var length = write(date, to: output)
    if date.year <= 0 { length += copy(" BC", to: output + length) }
    return length
  }

  /// Writes a local time, and after it the clocks' offset from UTC (in seconds) where there is one: `+02`, or `+05:30`;
  /// `hasMinutes` writes `+02:00`.
  static func write(
    timestamp: Int64, offset: Int?, hasMinutes: Bool = false, to output: UnsafeMutablePointer<UInt8>
  ) -> Int {
    if timestamp == .max { return copy("infinity", to: output) }
    if timestamp == .min { return copy("-infinity", to: output) }
    let (days, time) = Calendar.split(timestamp)
    let date = Calendar.date(fromDays: days)
    var length = write(date, to: output)
    output[length] = 0x20
    length += 1
    length += write(time: time, to: output + length)
    if let offset { length += write(offset: offset, hasMinutes, to: output + length) }
    if date.year <= 0 { length += copy(" BC", to: output + length) }
    return length
  }

  private static func write(offset: Int, _ hasMinutes: Bool, to output: UnsafeMutablePointer<UInt8>) -> Int {
    if offset == 0, !hasMinutes { return copy("+00", to: output) }
    let size = UInt64(offset.magnitude)
    output[0] = offset < 0 ? 0x2D : 0x2B
    DecimalText.writeDigits(size / 3600, 2, output + 1)
    var length = 3
    func part(_ value: UInt64) {
      output[length] = 0x3A
      DecimalText.writeDigits(value, 2, output + length + 1)
      length += 3
    }
    if hasMinutes || size % 3600 != 0 { part(size / 60 % 60) }
    if size % 60 != 0 { part(size % 60) }
    return length
  }

  /// Writes `HH:MM:SS` and the fraction without trailing zeros.
  static func write(time: Int64, to output: UnsafeMutablePointer<UInt8>) -> Int {
    let value = UInt64(bitPattern: time)
    let (seconds, fraction) = value.quotientAndRemainder(dividingBy: 1_000_000)
    let (minutes, second) = seconds.quotientAndRemainder(dividingBy: 60)
    let (hour, minute) = minutes.quotientAndRemainder(dividingBy: 60)
    var length = 0
    let width = max(2, DecimalText.digitCount(hour))
    DecimalText.writeDigits(hour, width, output)
    length = width
    output[length] = 0x3A
    DecimalText.writeDigits(minute, 2, output + length + 1)
    output[length + 3] = 0x3A
    DecimalText.writeDigits(second, 2, output + length + 4)
    length += 6
    if fraction != 0 {
      output[length] = 0x2E
      DecimalText.writeDigits(fraction, 6, output + length + 1)
      length += 7
      while output[length - 1] == 0x30 { length -= 1 }
    }
    return length
  }

  static func write(_ interval: Interval, to output: UnsafeMutablePointer<UInt8>) -> Int {
    var length = 0
    var isEmpty = true
    var isBefore = false
    func part(_ value: Int64, _ unit: StaticString) {
      guard value != 0 else { return }
      if !isEmpty {
        output[length] = 0x20
        length += 1
      }
      if isBefore && value > 0 {
        output[length] = 0x2B
        length += 1
      }
      length += DecimalText.write(value, to: output + length)
      length += copy(unit, to: output + length)
      if value != 1 {
        output[length] = 0x73
        length += 1
      }
      isBefore = value < 0
      isEmpty = false
    }
    part(Int64(interval.months / 12), " year")
    part(Int64(interval.months % 12), " mon")
    part(Int64(interval.days), " day")
    if isEmpty || interval.microseconds != 0 {
      if !isEmpty {
        output[length] = 0x20
        length += 1
      }
      if interval.microseconds < 0 {
        output[length] = 0x2D
        length += 1
      } else if isBefore {
        output[length] = 0x2B
        length += 1
      }
      length += write(time: Int64(bitPattern: interval.microseconds.magnitude), to: output + length)
    }
    return length
  }

  /// Writes year, month and day, the year of at least four digits and without its era.
  private static func write(_ date: CivilDate, to output: UnsafeMutablePointer<UInt8>) -> Int {
    let year = UInt64(date.year > 0 ? date.year : 1 - date.year)
    let width = max(4, DecimalText.digitCount(year))
    DecimalText.writeDigits(year, width, output)
    output[width] = 0x2D
    DecimalText.writeDigits(UInt64(date.month), 2, output + width + 1)
    output[width + 3] = 0x2D
    DecimalText.writeDigits(UInt64(date.day), 2, output + width + 4)
    return width + 6
  }

  static func copy(_ text: StaticString, to output: UnsafeMutablePointer<UInt8>) -> Int {
    output.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
    return text.utf8CodeUnitCount
  }
}
