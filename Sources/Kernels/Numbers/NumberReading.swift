import Bytes
import Vectors

/// `to_number(text, format)`: reads what `to_char` of the same format writes.
package enum NumberReading {
  package static func read(_ text: Vector, _ format: Vector) throws -> Vector {
    let (texts, formats) = (text.spread, format.spread)
    if texts.isConstantNull || formats.isConstantNull { return .nulls(NumericVectors.type, count: text.count) }
    return try mapBinaryThrowing(texts, formats, NumericVectors.type) {
      (text: StringReference, format: StringReference) -> Numeric? in
      try read(text.withBytes { Array($0) }, format.withBytes { Array($0) })
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  /// Walks text and format side by side: a digit of the format takes a digit or a sign, anything else passes over a
  /// character that it would have written.
  private static func read(_ text: [UInt8], _ format: [UInt8]) throws -> Numeric? {
    var digits: [UInt8] = []
    var isNegative = false
    var hasPoint = false
    var place = 0
    var index = 0
    var formatHasPoint = false
    func peek() -> UInt8? { place < text.count ? text[place] : nil }
    func skipBlanks() { while let byte = peek(), TextCursor.isBlank(byte) { place += 1 } }
    func takeSign() {
      skipBlanks()
      guard let byte = peek(), byte == 0x2D || byte == 0x2B || byte == 0x3C else { return }
      if byte != 0x2B { isNegative = true }
      place += 1
    }
    func takeDigit() {
      if digits.isEmpty || digits == [0x2E] { takeSign() }
      guard let byte = peek() else { return }
      if isDigit(byte) {
        digits.append(byte)
        place += 1
      } else if byte == 0x2E, !hasPoint, formatHasPoint || format[index...].contains(where: { $0 == 0x2E }) {
        // The number has fewer digits than the format: its point comes early.
        return
      } else if byte == 0x2C || TextCursor.isBlank(byte) {
        return
      }
    }
    while index < format.count {
      let byte = format[index]
      let upper = byte >= 0x61 && byte <= 0x7A ? byte - 32 : byte
      let next = index + 1 < format.count ? format[index + 1] & 0xDF : 0
      switch (upper, next) {
      case (0x22, _):
        index += 1
        while index < format.count, format[index] != 0x22 {
          place += 1
          index += 1
        }
      case (0x42, _): break
      case (0x46, 0x4D): index += 1
      case (0x4D, 0x49), (0x50, 0x4C), (0x53, 0x47):
        takeSign()
        index += 1
      case (0x50, 0x52):
        if peek() == 0x3E { place += 1 }
        index += 1
      case (0x52, 0x4E):
        throw PulsehouseError(.unsupported, "\"RN\" not supported for input")
      case (0x45, 0x45) where format[index...].prefix(4).allSatisfy({ $0 & 0xDF == 0x45 }) && index + 4 <= format.count:
        throw PulsehouseError(.unsupported, "\"EEEE\" not supported for input")
      case (0x54, 0x48):
        for _ in 0..<2 {
          if let byte = peek(), !isDigit(byte), ![0x2B, 0x2C, 0x2D, 0x2E].contains(byte) { place += 1 }
        }
        index += 1
      case (0x56, _):
        throw PulsehouseError(
          .unsupported,
          "format pattern \(String(decoding: [upper, next], as: UTF8.self)) is not supported by to_number")
      case (0x39, _), (0x30, _): takeDigit()
      case (0x2E, _), (0x44, _):
        formatHasPoint = true
        // Digits beyond the format's are not read.
        if peek() == 0x2E {
          hasPoint = true
          digits.append(0x2E)
          place += 1
        }
      case (0x2C, _), (0x47, _): if peek() == 0x2C { place += 1 }
      case (0x53, _):
        let before = isNegative
        takeSign()
        if before { isNegative = true }
      case (0x4C, _), (0x24, _): if let byte = peek(), !isDigit(byte), byte != 0x2D, byte != 0x2E { place += 1 }
      default: if let byte = peek(), !isDigit(byte) || byte == format[index] { place += 1 }
      }
      index += 1
    }
    guard digits.contains(where: isDigit) else {
      throw PulsehouseError(
        .user, "invalid input syntax for type numeric: \"\(String(decoding: text, as: UTF8.self))\"", sqlState: "22P02")
    }
    // The answer has the decimal places that were read, not those of the format.
    if digits.last == 0x2E { digits.removeLast() }
    let all = (isNegative ? [0x2D] : []) + digits
    return try all.withUnsafeBytes { try NumericArithmetic.parse($0) }
  }
}
