import Bytes

/// Walks the bytes of a block in place, every step checked: forged counts throw, nothing traps or reads outside.
///
/// The block must start at an address that is a multiple of 16; arrays are aligned relative to its start.
struct BlockCursor {
  let base: UnsafeRawPointer
  let byteCount: Int
  private(set) var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) throws(PulsehouseError) {
    guard let base = bytes.baseAddress else { throw BlockCursor.damaged("an empty block") }
    guard UInt(bitPattern: base) & 15 == 0 else { throw PulsehouseError(.internal, "a block that is not aligned") }
    self.base = base
    byteCount = bytes.count
  }

  static func damaged(_ message: String) -> PulsehouseError { PulsehouseError(.corrupt, message) }

  mutating func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(PulsehouseError) -> T {
    guard byteCount - offset >= MemoryLayout<T>.size else { throw BlockCursor.damaged("a block that ends early") }
    defer { offset += MemoryLayout<T>.size }
    return T(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  /// Moves on to a multiple of `alignment`, a power of two.
  mutating func align(to alignment: Int) throws(PulsehouseError) {
    let aligned = (offset + alignment - 1) & ~(alignment - 1)
    guard aligned <= byteCount else { throw BlockCursor.damaged("a block that ends early") }
    offset = aligned
  }

  /// Returns `count` bytes in place.
  mutating func bytes(_ count: Int) throws(PulsehouseError) -> UnsafeRawPointer {
    guard count >= 0, count <= byteCount - offset else { throw BlockCursor.damaged("a block that ends early") }
    defer { offset += count }
    return base + offset
  }

  /// Returns `count` values in place, after moving on to their alignment.
  mutating func array<T: BitwiseCopyable>(_ type: T.Type, count: Int) throws(PulsehouseError) -> UnsafePointer<T> {
    try align(to: MemoryLayout<T>.alignment)
    let stride = MemoryLayout<T>.stride
    guard count >= 0, count <= (byteCount - offset) / stride else {
      throw BlockCursor.damaged("a block that ends early")
    }
    return try bytes(count * stride).assumingMemoryBound(to: type)
  }

  /// Reads a count that fits the block's `limit`.
  mutating func count(atMost limit: Int) throws(PulsehouseError) -> Int {
    let value = try load(UInt32.self)
    guard Int(value) <= limit else { throw BlockCursor.damaged("a count of \(value) where at most \(limit) fit") }
    return Int(value)
  }
}

extension ByteWriter {
  /// Appends `count` values as they lie in memory (all our machines are little-endian), aligned to their alignment.
  mutating func appendArray<T: BitwiseCopyable>(_ values: UnsafePointer<T>, count: Int) {
    pad(to: MemoryLayout<T>.alignment)
    appendRaw(UnsafeRawBufferPointer(start: values, count: count * MemoryLayout<T>.stride))
  }

  mutating func appendArray<T: BitwiseCopyable>(_ values: [T]) {
    values.withUnsafeBufferPointer {
      if let base = $0.baseAddress { appendArray(base, count: $0.count) } else { pad(to: MemoryLayout<T>.alignment) }
    }
  }
}
