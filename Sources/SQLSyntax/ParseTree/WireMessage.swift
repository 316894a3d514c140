/// One message of the parser's protocol buffer, read in place.
///
/// The C library has its tree as JSON too, in a quarter of the time, but Debian's version leaves out negative integers there.
///
/// A view: it is valid only while the buffer that the C library returned lives, so it never leaves the parse call. The
/// bytes are the library's own, yet every length is checked; what does not fit reads as absent.
struct WireMessage {
  private let base: UnsafePointer<UInt8>?
  private let count: Int

  init(_ base: UnsafePointer<UInt8>?, count: Int) {
    self.base = base
    self.count = base == nil ? 0 : max(0, count)
  }

  static var empty: WireMessage { WireMessage(nil, count: 0) }

  private enum Value {
    case number(UInt64)
    case bytes(WireMessage)
    case skipped
  }

  private func varint(_ position: inout Int) -> UInt64? {
    guard let base else { return nil }
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while position < count, shift < 64 {
      let byte = base[position]
      position += 1
      result |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return result }
      shift += 7
    }
    return nil
  }

  /// Reads the field at `position`; nil at the end.
  private func field(_ position: inout Int) -> (tag: UInt32, value: Value)? {
    guard let base, position < count, let key = varint(&position) else { return nil }
    let tag = UInt32(truncatingIfNeeded: key >> 3)
    switch key & 7 {
    case 0:
      guard let number = varint(&position) else { return nil }
      return (tag, .number(number))
    case 2:
      guard let length = varint(&position), length <= UInt64(count - position) else { return nil }
      let message = WireMessage(base + position, count: Int(length))
      position += Int(length)
      return (tag, .bytes(message))
    case 1:
      position += 8
      return (tag, .skipped)
    case 5:
      position += 4
      return (tag, .skipped)
    default:
      return nil
    }
  }

  /// Returns a number field, 0 if absent.
  func int(_ tag: UInt32) -> Int {
    var position = 0
    while let field = field(&position) {
      if field.tag == tag, case .number(let number) = field.value { return Int(Int64(bitPattern: number)) }
    }
    return 0
  }

  func bool(_ tag: UInt32) -> Bool { int(tag) != 0 }

  /// Returns a message field, nil if absent.
  func message(_ tag: UInt32) -> WireMessage? {
    var position = 0
    while let field = field(&position) {
      if field.tag == tag, case .bytes(let message) = field.value { return message }
    }
    return nil
  }

  /// Returns every message of a repeated field, in order.
  func messages(_ tag: UInt32) -> [WireMessage] {
    var result: [WireMessage] = []
    var position = 0
    while let field = field(&position) {
      if field.tag == tag, case .bytes(let message) = field.value { result.append(message) }
    }
    return result
  }

  /// Returns a string field, nil if absent or empty (the wire format does not tell them apart).
  func string(_ tag: UInt32) -> String? {
    guard let message = message(tag), message.count > 0 else { return nil }
    return message.text
  }

  /// Returns the bytes of this message as text.
  var text: String { String(decoding: UnsafeBufferPointer(start: base, count: count), as: UTF8.self) }

  /// Returns the only field of a node that may be one of many kinds: which, and its message.
  var choice: (kind: UInt32, message: WireMessage)? {
    var position = 0
    while let field = field(&position) {
      if case .bytes(let message) = field.value { return (field.tag, message) }
    }
    return nil
  }
}
