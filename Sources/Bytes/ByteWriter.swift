/// Collects bytes in a growing array: little-endian integers, LEB128 lengths, UTF-8 text.
package struct ByteWriter: Sendable {
  package private(set) var bytes: [UInt8]

  package init(reserving capacity: Int = 0) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  package var count: Int { bytes.count }

  package mutating func append(_ value: UInt8) { bytes.append(value) }
  package mutating func append(_ value: UInt16) { appendInteger(value) }
  package mutating func append(_ value: UInt32) { appendInteger(value) }
  package mutating func append(_ value: UInt64) { appendInteger(value) }
  package mutating func append(_ value: Int32) { appendInteger(value) }
  package mutating func append(_ value: Int64) { appendInteger(value) }
  package mutating func append(_ value: Bool) { bytes.append(value ? 1 : 0) }

  /// Appends the IEEE 754 bit pattern; NaN payloads and the sign of zero survive.
  package mutating func append(_ value: Double) { appendInteger(value.bitPattern) }

  /// Appends both halves, low first: 16 bytes.
  package mutating func append(_ value: ContentHash) {
    appendInteger(value.low)
    appendInteger(value.high)
  }

  /// Appends an unsigned LEB128 number, 1 to 10 bytes.
  package mutating func appendVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// Appends a count, which must not be negative, as a LEB128 number.
  package mutating func appendCount(_ value: Int) { appendVarint(UInt64(value)) }

  /// Appends the bytes alone, without their length.
  package mutating func appendRaw(_ raw: UnsafeRawBufferPointer) { bytes.append(contentsOf: raw) }

  /// Appends the bytes alone, without their length.
  package mutating func appendRaw(_ raw: [UInt8]) { bytes.append(contentsOf: raw) }

  /// Appends a LEB128 length, then the bytes.
  package mutating func append(_ blob: [UInt8]) {
    appendCount(blob.count)
    bytes.append(contentsOf: blob)
  }

  /// Appends a LEB128 length in bytes, then the UTF-8 text.
  package mutating func append(_ text: String) {
    appendCount(text.utf8.count)
    bytes.append(contentsOf: text.utf8)
  }

  /// Appends zero bytes until `count` is a multiple of `alignment`.
  package mutating func pad(to alignment: Int) {
    while bytes.count % alignment != 0 { bytes.append(0) }
  }

  /// Overwrites four bytes written earlier, such as a length known only now. `offset + 4 <= count`.
  package mutating func overwrite(_ value: UInt32, at offset: Int) {
    precondition(offset >= 0 && offset <= bytes.count - 4)
    bytes.withUnsafeMutableBytes { $0.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self) }
  }

  /// Overwrites eight bytes written earlier. `offset + 8 <= count`.
  package mutating func overwrite(_ value: UInt64, at offset: Int) {
    precondition(offset >= 0 && offset <= bytes.count - 8)
    bytes.withUnsafeMutableBytes { $0.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self) }
  }

  private mutating func appendInteger<Value: FixedWidthInteger>(_ value: Value) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }
}
