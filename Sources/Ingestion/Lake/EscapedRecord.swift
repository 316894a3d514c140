import Bytes

/// A message that cannot stand in a lake as a line of its own, spelled as one so that nothing of it is lost:
///
/// | line | message |
/// |------|---------|
/// | `!base64 <its bytes>` | empty or blank, of several lines, starting with `!` or a byte order mark |
/// | `!null` | without a value (a tombstone) |
///
/// Every other message is a line as it came. No JSON starts with `!`, so the two are never confused. Reading a lake turns
/// such a line back into the message: an object of several lines becomes its row, everything else is refused with its
/// own bytes.
package enum EscapedRecord: Hashable, Sendable {
  case null
  case bytes([UInt8])

  static let mark = UInt8(ascii: "!")
  private static let bytesMark = Array("!base64 ".utf8)
  private static let nullLine = Array("!null".utf8)

  /// Returns whether the message can be a line as it is.
  package static func isNeeded(_ value: UnsafeRawBufferPointer) -> Bool {
    var isBlank = true
    for byte in value {
      if byte == 0x0A { return true }
      if isBlank && byte != 0x20 && byte != 0x09 && byte != 0x0D { isBlank = false }
    }
    if isBlank || value[0] == mark { return true }
    return value.count >= 3 && value[0] == 0xEF && value[1] == 0xBB && value[2] == 0xBF
  }

  /// Appends the line that spells the message, without its newline.
  package static func append(_ value: UnsafeRawBufferPointer?, to line: inout [UInt8]) {
    guard let value else {
      line += nullLine
      return
    }
    line += bytesMark
    var index = 0
    while index < value.count {
      let rest = value.count - index
      let group =
        UInt32(value[index]) << 16 | (rest > 1 ? UInt32(value[index + 1]) << 8 : 0)
        | (rest > 2 ? UInt32(value[index + 2]) : 0)
      line.append(digits[Int(group >> 18)])
      line.append(digits[Int(group >> 12 & 63)])
      line.append(rest > 1 ? digits[Int(group >> 6 & 63)] : UInt8(ascii: "="))
      line.append(rest > 2 ? digits[Int(group & 63)] : UInt8(ascii: "="))
      index += 3
    }
  }

  /// Reads a line; nil for one that spells no message this way. A carriage return at its end is not part of it.
  init?(_ line: UnsafeRawBufferPointer) {
    var line = line
    if line.last == 0x0D { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
    if line.elementsEqual(Self.nullLine) {
      self = .null
      return
    }
    guard line.starts(with: Self.bytesMark) else { return nil }
    let text = line.dropFirst(Self.bytesMark.count)
    guard text.count % 4 == 0 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    var index = text.startIndex
    while index < text.endIndex {
      let padding =
        index + 4 < text.endIndex ? 0 : text[(index + 2)..<(index + 4)].reversed().prefix { $0 == 0x3D }.count
      var group: UInt32 = 0
      for place in 0..<4 {
        let value = place < 4 - padding ? Self.values[Int(text[index + place])] : 0
        guard value < 64 else { return nil }
        group = group << 6 | UInt32(value)
      }
      let unused: UInt32 = padding == 0 ? 0 : padding == 1 ? 0xFF : 0xFFFF
      guard group & unused == 0 else { return nil }
      for place in 0..<(3 - padding) { bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * place))) }
      index += 4
    }
    self = .bytes(bytes)
  }

  /// RFC 4648.
  private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 0xFF, count: 256)
    for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
    return values
  }()
}
