import Bytes
import Glibc
import Vectors

/// Numbers and booleans from text, as PostgreSQL's input functions take them; nil where the syntax is wrong.
enum NumberParse {
  /// Parses `[blanks][sign]digits[blanks]`. A value past `Int64` comes back saturated with `overflow` set.
  static func integer(_ bytes: UnsafeRawBufferPointer) -> (value: Int64, overflow: Bool)? {
    var cursor = TextCursor(bytes)
    cursor.skipBlanks()
    let isNegative = cursor.take(0x2D)
    if !isNegative { _ = cursor.take(0x2B) }
    var value: Int64 = 0
    var digits = 0
    var overflow = false
    while let byte = cursor.peek, TextCursor.isDigit(byte) {
      let digit = Int64(byte - 0x30)
      let (product, first) = value.multipliedReportingOverflow(by: 10)
      let (sum, second) = product.addingReportingOverflow(isNegative ? -digit : digit)
      overflow = overflow || first || second
      value = sum
      digits += 1
      cursor.advance()
    }
    guard digits > 0 else { return nil }
    cursor.skipBlanks()
    return cursor.isAtEnd ? (value, overflow) : nil
  }

  enum FloatResult {
    case value(Double)
    case outOfRange
    case invalid
  }

  static func double(_ bytes: UnsafeRawBufferPointer) -> FloatResult { float(bytes, isReal: false) }

  static func real(_ bytes: UnsafeRawBufferPointer) -> FloatResult { float(bytes, isReal: true) }

  private static func float(_ bytes: UnsafeRawBufferPointer, isReal: Bool) -> FloatResult {
    var cursor = TextCursor(bytes)
    cursor.skipBlanks()
    let start = cursor.position
    let isNegative = cursor.take(0x2D)
    if !isNegative { _ = cursor.take(0x2B) }
    if let byte = cursor.peek, TextCursor.isLetter(byte) {
      guard let word = cursor.takeWord() else { return .invalid }
      if word == "nan", cursor.take(0x28) {
        // What C puts in parentheses says which NaN it is; here there is one.
        while let byte = cursor.peek, TextCursor.isLetter(byte) || TextCursor.isDigit(byte) || byte == 0x5F {
          cursor.advance()
        }
        guard cursor.take(0x29) else { return .invalid }
      }
      cursor.skipBlanks()
      guard cursor.isAtEnd else { return .invalid }
      switch word {
      case "nan": return .value(.nan)
      case "inf", "infinity": return .value(isNegative ? -.infinity : .infinity)
      default: return .invalid
      }
    }
    if cursor.peek == 0x30, let letter = cursor.peek(1), letter | 0x20 == 0x78 {
      return hexadecimal(UnsafeRawBufferPointer(rebasing: bytes[start...]), isReal: isReal)
    }
    var mantissa: UInt64 = 0
    var digits = 0
    var significant = 0
    var scale = 0
    var seenPoint = false
    var isZero = true
    while let byte = cursor.peek {
      if byte == 0x2E, !seenPoint {
        seenPoint = true
      } else if TextCursor.isDigit(byte) {
        digits += 1
        if byte != 0x30 { isZero = false }
        if significant > 0 || byte != 0x30 { significant += 1 }
        if significant <= 18 { mantissa = mantissa &* 10 &+ UInt64(byte - 0x30) }
        if seenPoint { scale += 1 }
      } else {
        break
      }
      cursor.advance()
    }
    guard digits > 0 else { return .invalid }
    var exponent = 0
    if let byte = cursor.peek, byte | 0x20 == 0x65 {
      cursor.advance()
      guard let read = cursor.takeSignedInteger(limit: 1_000_000) else { return .invalid }
      exponent = read
    }
    let end = cursor.position
    cursor.skipBlanks()
    guard cursor.isAtEnd else { return .invalid }
    let power = exponent - scale
    if !isReal, significant <= 18, mantissa <= 1 << 53, power >= -22, power <= 22 {
      let ten =
        power.magnitude <= 19
        ? Double(PowerOfTen.uint64(Int32(power.magnitude)))
        : 1e19 * Double(PowerOfTen.uint64(Int32(power.magnitude) - 19))
      let value = power < 0 ? Double(mantissa) / ten : Double(mantissa) * ten
      return .value(isNegative ? -value : value)
    }
    let text = String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self)
    let value = isReal ? Double(strtof(text, nil)) : strtod(text, nil)
    if value.isInfinite || (value == 0 && !isZero) { return .outOfRange }
    return .value(value)
  }

  /// A number in C's hexadecimal form, such as `0x1.8p3`.
  private static func hexadecimal(_ bytes: UnsafeRawBufferPointer, isReal: Bool) -> FloatResult {
    guard !bytes.contains(0) else { return .invalid }
    let text = bytes.map { CChar(bitPattern: $0) } + [0]
    return text.withUnsafeBufferPointer { text in
      guard let start = text.baseAddress else { return .invalid }
      var end: UnsafeMutablePointer<CChar>?
      let value = isReal ? Double(strtof(start, &end)) : strtod(start, &end)
      guard let end else { return .invalid }
      let read = UnsafePointer(end) - start
      guard text[read..<(text.count - 1)].allSatisfy({ TextCursor.isBlank(UInt8(bitPattern: $0)) }) else {
        return .invalid
      }
      let isZero = !text[..<read].prefix { $0 | 0x20 != 0x70 }.contains { $0 != 0x30 && isHexadecimal($0) }
      return value.isInfinite || value == 0 && !isZero ? .outOfRange : .value(value)
    }
  }

  private static func isHexadecimal(_ byte: CChar) -> Bool {
    let byte = UInt8(bitPattern: byte)
    return TextCursor.isDigit(byte) || (0x61...0x66).contains(byte | 0x20)
  }

  /// Parses any unambiguous beginning of true, false, yes, no, on, off, or 1 and 0.
  static func boolean(_ bytes: UnsafeRawBufferPointer) -> Bool? {
    var cursor = TextCursor(bytes)
    cursor.skipBlanks()
    var result: Bool?
    if cursor.take(0x31) {
      result = true
    } else if cursor.take(0x30) {
      result = false
    } else if let word = cursor.takeWord() {
      if "true".hasPrefix(word) || "yes".hasPrefix(word) || word == "on" {
        result = true
      } else if "false".hasPrefix(word) || "no".hasPrefix(word) || word == "of" || word == "off" {
        result = false
      }
    }
    cursor.skipBlanks()
    return cursor.isAtEnd ? result : nil
  }

  /// Parses 32 hexadecimal digits with hyphens after any group of four, braces around it allowed.
  static func uuid(_ bytes: UnsafeRawBufferPointer) -> UUIDValue? {
    var cursor = TextCursor(bytes)
    let braces = cursor.take(0x7B)
    var high: UInt64 = 0
    var low: UInt64 = 0
    for index in 0..<32 {
      if index > 0, index % 4 == 0 { _ = cursor.take(0x2D) }
      guard let byte = cursor.peek, let nibble = hexValue(byte) else { return nil }
      cursor.advance()
      if index < 16 { high = high << 4 | UInt64(nibble) } else { low = low << 4 | UInt64(nibble) }
    }
    if braces, !cursor.take(0x7D) { return nil }
    return cursor.isAtEnd ? UUIDValue(high: high, low: low) : nil
  }

  static func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }
}
