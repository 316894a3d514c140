import Bytes
import Vectors

/// `encode` and `decode`: bytes as text in hexadecimal, base64 or escaped form.
package enum ByteText {
  private enum Form: String { case hex, base64, escape }

  private static func form(_ name: StringReference) throws -> Form {
    let text = name.string
    guard let form = Form(rawValue: text.lowercased()) else {
      throw Failure.parameter("unrecognized encoding: \"\(text)\"")
    }
    return form
  }

  package static func encode(_ arguments: [Vector], count: Int) throws -> Vector {
    let arguments = arguments.map(\.spread)
    if arguments.contains(where: \.isConstantNull) { return .nulls(.text, count: count) }
    let (values, names) = (Operand<StringReference>(arguments[0]), Operand<StringReference>(arguments[1]))
    return try textRows(arguments, count: count) { row, out in
      let form = try form(names[row])
      values[row].withBytes { bytes in
        switch form {
        case .hex: for byte in bytes { hex(byte, out) }
        case .base64: base64(bytes, out)
        case .escape:
          for byte in bytes {
            if byte == 0 || byte > 127 {
              out.append(0x5C)
              for shift in [6, 3, 0] { out.append(0x30 + byte >> UInt8(shift) & 7) }
            } else {
              if byte == 0x5C { out.append(byte) }
              out.append(byte)
            }
          }
        }
      }
      return true
    }
  }

  private static func hex(_ byte: UInt8, _ out: TextBuffer) {
    for digit in [byte >> 4, byte & 15] { out.append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
  }

  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// With a newline after every 76 characters, as MIME and PostgreSQL have it.
  private static func base64(_ bytes: UnsafeRawBufferPointer, _ out: TextBuffer) {
    var line = 0
    for start in stride(from: 0, to: bytes.count, by: 3) {
      if line == 76 {
        out.append(10)
        line = 0
      }
      let left = min(3, bytes.count - start)
      var word: UInt32 = 0
      for index in 0..<3 { word = word << 8 | (index < left ? UInt32(bytes[start + index]) : 0) }
      for index in 0..<4 {
        out.append(index <= left ? alphabet[Int(word >> UInt32(18 - 6 * index) & 63)] : 0x3D)
      }
      line += 4
    }
  }

  package static func decode(_ arguments: [Vector], count: Int) throws -> Vector {
    let arguments = arguments.map(\.spread)
    if arguments.contains(where: \.isConstantNull) { return .nulls(.bytea, count: count) }
    let (values, names) = (Operand<StringReference>(arguments[0]), Operand<StringReference>(arguments[1]))
    return try textRows(arguments, count: count, .bytea) { row, out in
      let form = try form(names[row])
      try values[row].withBytes { bytes in
        switch form {
        case .hex: try unhex(bytes, out)
        case .base64: try unbase64(bytes, out)
        case .escape: try unescape(bytes, out)
        }
      }
      return true
    }
  }

  private static func unhex(_ bytes: UnsafeRawBufferPointer, _ out: TextBuffer) throws {
    var high: UInt8?
    for byte in bytes where !TextCursor.isBlank(byte) {
      guard let nibble = NumberParse.hexValue(byte) else {
        throw Failure.parameter(
          "invalid hexadecimal digit: \"\(String(decoding: CollectionOfOne(byte), as: UTF8.self))\"")
      }
      if let first = high {
        out.append(first << 4 | nibble)
        high = nil
      } else {
        high = nibble
      }
    }
    if high != nil { throw Failure.parameter("invalid hexadecimal data: odd number of digits") }
  }

  private static func unbase64(_ bytes: UnsafeRawBufferPointer, _ out: TextBuffer) throws {
    var word: UInt32 = 0
    var count = 0
    var padding = 0
    for byte in bytes where !TextCursor.isBlank(byte) {
      if byte == 0x3D {
        padding += 1
        word <<= 6
      } else {
        guard padding == 0, let value = alphabet.firstIndex(of: byte) else {
          throw Failure.parameter(
            "invalid symbol \"\(String(decoding: CollectionOfOne(byte), as: UTF8.self))\" found while decoding base64 sequence"
          )
        }
        word = word << 6 | UInt32(value)
      }
      count += 1
      if count == 4 {
        guard padding <= 2 else { throw Failure.parameter("unexpected \"=\" while decoding base64 sequence") }
        for index in 0..<(3 - padding) { out.append(UInt8(truncatingIfNeeded: word >> UInt32(16 - 8 * index))) }
        (word, count) = (0, 0)
      }
    }
    if count != 0 {
      throw PulsehouseError(
        .user, "invalid base64 end sequence", sqlState: "22023",
        hint: "Input data is missing padding, is truncated, or is otherwise corrupted.")
    }
  }

  private static func unescape(_ bytes: UnsafeRawBufferPointer, _ out: TextBuffer) throws {
    var index = 0
    while index < bytes.count {
      guard bytes[index] == 0x5C else {
        out.append(bytes[index])
        index += 1
        continue
      }
      if index + 1 < bytes.count, bytes[index + 1] == 0x5C {
        out.append(0x5C)
        index += 2
        continue
      }
      let digits = (1...3).map { index + $0 < bytes.count ? Int(bytes[index + $0]) - 0x30 : -1 }
      guard (0...3).contains(digits[0]), (0...7).contains(digits[1]), (0...7).contains(digits[2]) else {
        throw PulsehouseError(.user, "invalid input syntax for type bytea", sqlState: "22P02")
      }
      out.append(UInt8(digits[0] * 64 + digits[1] * 8 + digits[2]))
      index += 4
    }
  }
}
