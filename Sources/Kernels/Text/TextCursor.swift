/// Reads a text from left to right; never past its end.
struct TextCursor {
  private let bytes: UnsafeRawBufferPointer
  private(set) var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isAtEnd: Bool { position >= bytes.count }

  var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  func peek(_ offset: Int) -> UInt8? {
    position + offset < bytes.count ? bytes[position + offset] : nil
  }

  mutating func advance(_ count: Int = 1) { position += count }

  mutating func move(to position: Int) { self.position = position }

  static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }

  static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A }

  mutating func skipBlanks() {
    while position < bytes.count, TextCursor.isBlank(bytes[position]) { position += 1 }
  }

  mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  /// Takes a run of ASCII letters, in lower case; nil when there is none.
  mutating func takeWord() -> String? {
    let start = position
    while position < bytes.count, TextCursor.isLetter(bytes[position]) { position += 1 }
    guard position > start else { return nil }
    return String(decoding: bytes[start..<position].map { $0 | 0x20 }, as: UTF8.self)
  }

  /// Takes what a time zone's name is made of, as written.
  mutating func takeZoneName() -> String {
    let start = position
    while position < bytes.count, !TextCursor.isBlank(bytes[position]), bytes[position] != 0x2C { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// Takes digits; nil when there is none or the value would pass `limit`.
  mutating func takeInteger(limit: Int = Int.max / 16) -> Int? {
    let start = position
    var value = 0
    while position < bytes.count, TextCursor.isDigit(bytes[position]) {
      value = value * 10 + Int(bytes[position] - 0x30)
      if value > limit { return nil }
      position += 1
    }
    return position > start ? value : nil
  }

  mutating func takeSignedInteger(limit: Int) -> Int? {
    let isNegative = take(0x2D)
    if !isNegative { _ = take(0x2B) }
    guard let value = takeInteger(limit: limit) else { return nil }
    return isNegative ? -value : value
  }

  /// Takes digits of a fraction (after the point) as millionths, rounded half up at the seventh; 0 for none.
  mutating func takeMicroseconds() -> Int {
    var value = 0
    var digits = 0
    var roundsUp = false
    while position < bytes.count, TextCursor.isDigit(bytes[position]) {
      if digits < 6 {
        value = value * 10 + Int(bytes[position] - 0x30)
      } else if digits == 6 {
        roundsUp = bytes[position] >= 0x35
      }
      digits += 1
      position += 1
    }
    while digits < 6 {
      value *= 10
      digits += 1
    }
    return value + (roundsUp ? 1 : 0)
  }
}
