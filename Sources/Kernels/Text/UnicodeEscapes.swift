import Bytes
import Vectors

/// `unistr(text)`: `\0061`, `\+000061`, `\u0061` and `\U00000061` are characters, `\\` is a backslash.
package enum UnicodeEscapes {
  package static func resolve(_ text: Vector) throws -> Vector {
    try mapText(text) { text, out in
      try text.withBytes { try resolve($0, out) }
      return true
    }
  }

  private static var invalidPair: PulsehouseError {
    PulsehouseError(.user, "invalid Unicode surrogate pair", sqlState: "42601")
  }

  private static func resolve(_ bytes: UnsafeRawBufferPointer, _ out: TextBuffer) throws {
    var index = 0
    var high: UInt32?
    while index < bytes.count {
      let byte = bytes[index]
      guard byte == 0x5C else {
        if high != nil { throw invalidPair }
        out.append(byte)
        index += 1
        continue
      }
      if index + 1 < bytes.count, bytes[index + 1] == 0x5C {
        if high != nil { throw invalidPair }
        out.append(0x5C)
        index += 2
        continue
      }
      guard let (code, length) = escape(bytes, index) else {
        throw PulsehouseError(
          .user, "invalid Unicode escape", sqlState: "42601",
          hint: "Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.")
      }
      index += length
      guard code > 0, code <= 0x10FFFF else {
        let digits = String(code, radix: 16, uppercase: true)
        let padded = String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
        throw PulsehouseError(.user, "invalid Unicode code point: \(padded)", sqlState: "22023")
      }
      var whole = code
      if let first = high {
        guard (0xDC00...0xDFFF).contains(code) else { throw invalidPair }
        whole = 0x10000 + (first - 0xD800) << 10 + (code - 0xDC00)
        high = nil
      } else if (0xD800...0xDBFF).contains(code) {
        high = code
        continue
      }
      guard let scalar = Unicode.Scalar(whole) else { throw invalidPair }
      out.append(string: String(Character(scalar)))
    }
    if high != nil { throw invalidPair }
  }

  /// The number of an escape that begins at `start`, and how many bytes it has.
  private static func escape(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> (UInt32, Int)? {
    guard start + 1 < bytes.count else { return nil }
    let (prefix, digits): (Int, Int)
    switch bytes[start + 1] {
    case 0x2B: (prefix, digits) = (2, 6)
    case 0x75: (prefix, digits) = (2, 4)
    case 0x55: (prefix, digits) = (2, 8)
    default: (prefix, digits) = (1, 4)
    }
    guard start + prefix + digits <= bytes.count else { return nil }
    var code: UInt32 = 0
    for place in (start + prefix)..<(start + prefix + digits) {
      guard let digit = NumberParse.hexValue(bytes[place]) else { return nil }
      code = code << 4 | UInt32(digit)
    }
    return (code, prefix + digits)
  }
}
