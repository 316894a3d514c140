import Bytes

/// Writes structures in Thrift's compact protocol.
struct ThriftWriter {
  enum Kind: UInt8 {
    case yes = 1
    case no = 2
    case int8 = 3
    case int16 = 4
    case int32 = 5
    case int64 = 6
    case binary = 8
    case list = 9
    case structure = 12
  }

  private(set) var bytes: [UInt8] = []
  private var lastField: [Int16] = [0]

  mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func zigzag(_ value: Int64) {
    varint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }

  private mutating func header(_ field: Int16, _ kind: Kind) {
    let last = lastField[lastField.count - 1]
    let step = field - last
    if step > 0 && step <= 15 {
      bytes.append(UInt8(step) << 4 | kind.rawValue)
    } else {
      bytes.append(kind.rawValue)
      zigzag(Int64(field))
    }
    lastField[lastField.count - 1] = field
  }

  mutating func field(_ field: Int16, _ value: Bool) { header(field, value ? .yes : .no) }

  mutating func field(_ field: Int16, int8 value: Int8) {
    header(field, .int8)
    bytes.append(UInt8(bitPattern: value))
  }

  mutating func field(_ field: Int16, int16 value: Int16) {
    header(field, .int16)
    zigzag(Int64(value))
  }

  mutating func field(_ field: Int16, int32 value: Int) {
    header(field, .int32)
    zigzag(Int64(Int32(truncatingIfNeeded: value)))
  }

  mutating func field(_ field: Int16, int64 value: Int) {
    header(field, .int64)
    zigzag(Int64(value))
  }

  mutating func field(_ field: Int16, binary value: [UInt8]) {
    header(field, .binary)
    varint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  mutating func field(_ field: Int16, text value: String) { self.field(field, binary: Array(value.utf8)) }

  /// Writes a field that is a structure, whose fields `body` writes.
  mutating func field(_ field: Int16, _ body: (inout ThriftWriter) -> Void) {
    header(field, .structure)
    structure(body)
  }

  /// Writes a structure that is no field: the outermost, or an element of a list.
  mutating func structure(_ body: (inout ThriftWriter) -> Void) {
    lastField.append(0)
    body(&self)
    lastField.removeLast()
    bytes.append(0)
  }

  mutating func field<Element>(
    _ field: Int16, list elements: [Element], of kind: Kind, _ body: (inout ThriftWriter, Element) -> Void
  ) {
    header(field, .list)
    if elements.count < 15 {
      bytes.append(UInt8(elements.count) << 4 | kind.rawValue)
    } else {
      bytes.append(0xF0 | kind.rawValue)
      varint(UInt64(elements.count))
    }
    for element in elements { body(&self, element) }
  }

  /// Writes an element of a list of numbers.
  mutating func element(int32 value: Int) { zigzag(Int64(value)) }

  mutating func element(text value: String) {
    varint(UInt64(value.utf8.count))
    bytes.append(contentsOf: value.utf8)
  }
}
