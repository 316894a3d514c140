/// Reads what `ByteWriter` writes, from bytes that may be damaged: every step is checked, nothing traps.
///
/// Does not own the bytes; whoever made it keeps them alive for as long as the reader and the slices it returns.
///
/// - Throws: `.corrupt`, naming `source` and the offset, when the bytes end early or make no sense.
package struct ByteReader {
  private let bytes: UnsafeRawBufferPointer
  /// What the bytes are, for errors: a file's path, or a few words.
  package let source: String
  /// Where the first byte lies in `source`, added to the offsets that errors name.
  package let baseOffset: Int
  /// The next byte to be read, from 0.
  package private(set) var offset = 0

  package init(_ bytes: UnsafeRawBufferPointer, source: String, baseOffset: Int = 0) {
    self.bytes = bytes
    self.source = source
    self.baseOffset = baseOffset
  }

  /// Runs `body` with a reader over `array`.
  package static func reading<Result>(
    _ array: [UInt8], source: String, _ body: (inout ByteReader) throws(PulsehouseError) -> Result
  ) throws(PulsehouseError) -> Result {
    try array.withRawBytes { (raw) throws(PulsehouseError) -> Result in
      var reader = ByteReader(raw, source: source)
      return try body(&reader)
    }
  }

  package var remaining: Int { bytes.count - offset }
  package var isAtEnd: Bool { offset == bytes.count }

  /// Returns an error of kind `.corrupt` that names this place.
  package func corrupt(_ message: String) -> PulsehouseError {
    PulsehouseError(.corrupt, "\(message) at offset \(baseOffset + offset)", file: source)
  }

  package mutating func readUInt8() throws(PulsehouseError) -> UInt8 { try readInteger() }
  package mutating func readUInt16() throws(PulsehouseError) -> UInt16 { try readInteger() }
  package mutating func readUInt32() throws(PulsehouseError) -> UInt32 { try readInteger() }
  package mutating func readUInt64() throws(PulsehouseError) -> UInt64 { try readInteger() }
  package mutating func readInt32() throws(PulsehouseError) -> Int32 { try readInteger() }
  package mutating func readInt64() throws(PulsehouseError) -> Int64 { try readInteger() }
  package mutating func readDouble() throws(PulsehouseError) -> Double { Double(bitPattern: try readInteger()) }

  package mutating func readHash() throws(PulsehouseError) -> ContentHash {
    let low = try readUInt64()
    return ContentHash(low: low, high: try readUInt64())
  }

  package mutating func readBool() throws(PulsehouseError) -> Bool {
    switch try readUInt8() {
    case 0: return false
    case 1: return true
    default: throw corrupt("a truth value that is neither 0 nor 1")
    }
  }

  /// Reads an unsigned LEB128 number of at most 64 bits.
  package mutating func readVarint() throws(PulsehouseError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try readUInt8()
      if shift == 63 && byte > 1 { throw corrupt("a number longer than 64 bits") }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
  }

  /// Reads a count of things of which each takes at least `minimumByteCount` of the bytes that remain, so that a damaged
  /// count cannot ask for more memory than the bytes could fill.
  package mutating func readCount(minimumByteCount: Int = 1) throws(PulsehouseError) -> Int {
    let value = try readVarint()
    guard let count = Int(exactly: value), count <= remaining / Swift.max(minimumByteCount, 1) else {
      throw corrupt("a count of \(value) where \(remaining) bytes remain")
    }
    return count
  }

  /// Returns the next `count` bytes in place.
  package mutating func readRaw(_ count: Int) throws(PulsehouseError) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= remaining else {
      throw corrupt("\(count) bytes wanted where \(remaining) remain")
    }
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }

  /// Reads a LEB128 length and that many bytes, in place.
  package mutating func readSlice() throws(PulsehouseError) -> UnsafeRawBufferPointer {
    try readRaw(readCount())
  }

  /// Reads a LEB128 length and that many bytes, as a copy.
  package mutating func readBytes() throws(PulsehouseError) -> [UInt8] {
    [UInt8](try readSlice())
  }

  /// Reads a LEB128 length and that many bytes of UTF-8.
  package mutating func readString() throws(PulsehouseError) -> String {
    let slice = try readSlice()
    guard let text = String(validating: slice, as: UTF8.self) else { throw corrupt("text that is not UTF-8") }
    return text
  }

  /// Steps over the zero bytes that `ByteWriter.pad(to:)` wrote.
  package mutating func skipPadding(to alignment: Int) throws(PulsehouseError) {
    while offset % alignment != 0 {
      guard try readUInt8() == 0 else { throw corrupt("padding that is not zero") }
    }
  }

  /// Moves to `newOffset`, which may be the end.
  package mutating func seek(to newOffset: Int) throws(PulsehouseError) {
    guard newOffset >= 0, newOffset <= bytes.count else { throw corrupt("a jump to offset \(newOffset)") }
    offset = newOffset
  }

  /// Throws unless every byte has been read.
  package func expectEnd() throws(PulsehouseError) {
    guard isAtEnd else { throw corrupt("\(remaining) bytes more than expected") }
  }

  private mutating func readInteger<Value: FixedWidthInteger & BitwiseCopyable>() throws(PulsehouseError) -> Value {
    let width = MemoryLayout<Value>.size
    guard width <= remaining else { throw corrupt("the bytes end early") }
    defer { offset += width }
    return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
  }
}

extension [UInt8] {
  /// Runs `body` on the array's memory, as `withUnsafeBytes` does, with our error type.
  package func withRawBytes<Result>(_ body: (UnsafeRawBufferPointer) throws(PulsehouseError) -> Result)
    throws(PulsehouseError) -> Result
  {
    try withUnsafeBufferPointer { (buffer) throws(PulsehouseError) -> Result in
      try body(UnsafeRawBufferPointer(buffer))
    }
  }
}
