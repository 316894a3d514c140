import Bytes
import Vectors

/// `pg_size_bytes(text)`: a number of bytes, kB, MB, GB, TB or PB.
package enum SizeReading {
  package static func read(_ text: Vector) throws -> Vector {
    try mapUnaryThrowing(text, .bigint) { (text: StringReference) -> Int64? in
      try text.withBytes { try read($0) }
    }
  }

  private static func read(_ bytes: UnsafeRawBufferPointer) throws -> Int64 {
    func invalid(unit: String? = nil) -> PulsehouseError {
      PulsehouseError(
        .user, "invalid size: \"\(String(decoding: bytes, as: UTF8.self))\"", sqlState: "22023",
        detail: unit.map { "Invalid size unit: \"\($0)\"." },
        hint: unit == nil ? nil : "Valid units are \"bytes\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".")
    }
    var cursor = TextCursor(bytes)
    func skipDigits() -> Bool {
      let start = cursor.position
      while let byte = cursor.peek, TextCursor.isDigit(byte) { cursor.advance() }
      return cursor.position > start
    }
    cursor.skipBlanks()
    let start = cursor.position
    if cursor.peek == 0x2D || cursor.peek == 0x2B { cursor.advance() }
    var hasDigits = skipDigits()
    if cursor.peek == 0x2E {
      cursor.advance()
      if skipDigits() { hasDigits = true }
    }
    guard hasDigits else { throw invalid() }
    if let letter = cursor.peek, letter | 0x20 == 0x65 {
      // An exponent only with digits; else it may be a unit.
      let mark = cursor.position
      cursor.advance()
      if cursor.peek == 0x2D || cursor.peek == 0x2B { cursor.advance() }
      if !skipDigits() { cursor.move(to: mark) }
    }
    let digits = UnsafeRawBufferPointer(rebasing: bytes[start..<cursor.position])
    guard let number = try NumericArithmetic.parse(digits) else { throw invalid() }
    cursor.skipBlanks()
    var end = bytes.count
    while end > cursor.position, TextCursor.isBlank(bytes[end - 1]) { end -= 1 }
    let unit = String(decoding: bytes[cursor.position..<end], as: UTF8.self)
    let shift: Int
    switch unit.lowercased() {
    case "", "bytes": shift = 0
    case "kb": shift = 10
    case "mb": shift = 20
    case "gb": shift = 30
    case "tb": shift = 40
    case "pb": shift = 50
    default: throw invalid(unit: unit)
    }
    let size = try NumericArithmetic.round(
      try NumericArithmetic.multiply(number, Numeric(mantissa: Int128(1) << shift, scale: 0)), 0)
    guard let whole = Int64(exactly: size.mantissa) else {
      throw PulsehouseError(.user, "bigint out of range", sqlState: "22003")
    }
    return whole
  }
}
