import Glibc

/// A string value in a vector, 16 bytes: the length, then either up to 12 bytes in place or 4 bytes of prefix and a
/// pointer to all of them.
///
/// | offset | bytes | content |
/// |-------:|------:|---------|
/// | 0 | 4 | byte count |
/// | 4 | 4 | first four bytes, zero padded |
/// | 8 | 8 | bytes 4...11, zero padded, when the count is at most 12; else the address of the bytes |
///
/// The pointed-at bytes belong to a `StringHeap`, a mapped file, or another owner that the vector keeps alive. UTF-8
/// without a NUL byte in `text`; any bytes in `bytea`.
@frozen package struct StringReference: Sendable, BitwiseCopyable {
  package var head: UInt64
  package var tail: UInt64

  @inlinable package init(head: UInt64, tail: UInt64) {
    self.head = head
    self.tail = tail
  }

  /// The empty string.
  @inlinable package init() {
    head = 0
    tail = 0
  }

  /// Refers to `count` bytes at `bytes`, copying them in place when they are at most 12. Longer ones must outlive it.
  @inlinable package init(_ bytes: UnsafeRawPointer, count: Int) {
    precondition(count >= 0 && count <= Int(UInt32.max), "a string has at most 4 GiB")
    var head = UInt64(UInt32(truncatingIfNeeded: count))
    if count <= StringReference.inlineCapacity {
      var tail: UInt64 = 0
      var prefix: UInt32 = 0
      let first = count < 4 ? count : 4
      memcpy(&prefix, bytes, first)
      if count > 4 { memcpy(&tail, bytes + 4, count - 4) }
      head |= UInt64(prefix) << 32
      self.init(head: head, tail: tail)
    } else {
      head |= UInt64(bytes.loadUnaligned(as: UInt32.self)) << 32
      self.init(head: head, tail: UInt64(UInt(bitPattern: bytes)))
    }
  }

  /// The most bytes that are kept in place.
  @inlinable package static var inlineCapacity: Int { 12 }

  @inlinable package var count: Int { Int(UInt32(truncatingIfNeeded: head)) }

  @inlinable package var isInline: Bool { count <= StringReference.inlineCapacity }

  /// Calls `body` with the bytes; they are valid only inside it.
  @inlinable package func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    let count = self.count
    if count <= StringReference.inlineCapacity {
      return try withUnsafeBytes(of: self) { try body(UnsafeRawBufferPointer(rebasing: $0[4..<(4 + count)])) }
    }
    return try body(UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: UInt(tail)), count: count))
  }

  /// Returns true when both have the same bytes.
  @inlinable package static func == (left: StringReference, right: StringReference) -> Bool {
    if left.head != right.head { return false }
    if left.tail == right.tail { return true }
    let count = left.count
    if count <= inlineCapacity { return false }
    guard let leftBytes = UnsafeRawPointer(bitPattern: UInt(left.tail)),
      let rightBytes = UnsafeRawPointer(bitPattern: UInt(right.tail))
    else { return false }
    return memcmp(leftBytes, rightBytes, count) == 0
  }

  /// Orders by bytes, which for UTF-8 is the order of code points (PostgreSQL's `C` collation).
  @inlinable package static func < (left: StringReference, right: StringReference) -> Bool {
    compare(left, right) < 0
  }

  /// Returns a negative, zero or positive number as `left` sorts before, with or after `right` by bytes.
  @inlinable package static func compare(_ left: StringReference, _ right: StringReference) -> Int {
    let leftPrefix = UInt32(truncatingIfNeeded: left.head >> 32).byteSwapped
    let rightPrefix = UInt32(truncatingIfNeeded: right.head >> 32).byteSwapped
    if leftPrefix != rightPrefix { return leftPrefix < rightPrefix ? -1 : 1 }
    return left.withBytes { leftBytes in
      right.withBytes { rightBytes in
        let shared = min(leftBytes.count, rightBytes.count)
        if shared > 0, let leftBase = leftBytes.baseAddress, let rightBase = rightBytes.baseAddress {
          let order = memcmp(leftBase, rightBase, shared)
          if order != 0 { return Int(order) }
        }
        return leftBytes.count - rightBytes.count
      }
    }
  }

  /// Decodes the bytes as UTF-8, repairing what is not.
  package var string: String { withBytes { String(decoding: $0, as: UTF8.self) } }
}

/// A bump allocator for the bytes of long strings; they live as long as it does.
///
/// Filled by one thread before its vector is handed on.
package final class StringHeap: @unchecked Sendable {
  // @unchecked: one writer until the vector that owns it is made; read-only afterwards.
  private var blocks: [UnsafeMutableRawPointer] = []
  private var position = 0
  private var capacity = 0
  /// Bytes allocated so far, for memory accounting.
  package private(set) var byteCount = 0

  package init() {}

  deinit { for block in blocks { block.deallocate() } }

  /// Returns room for `count` bytes, to be filled by the caller at once.
  package func allocate(_ count: Int) -> UnsafeMutableRawPointer {
    if position + count > capacity || blocks.isEmpty {
      capacity = max(count, min(1 << 20, max(4096, capacity * 2)))
      blocks.append(UnsafeMutableRawPointer.allocate(byteCount: capacity + 16, alignment: 16))
      position = 0
      byteCount += capacity
    }
    let place = blocks[blocks.count - 1] + position
    position += count
    return place
  }

  /// Copies `bytes` and returns a reference to the copy.
  package func intern(_ bytes: UnsafeRawBufferPointer) -> StringReference {
    guard let base = bytes.baseAddress, bytes.count > 0 else { return StringReference() }
    if bytes.count <= StringReference.inlineCapacity { return StringReference(base, count: bytes.count) }
    let place = allocate(bytes.count)
    memcpy(place, base, bytes.count)
    return StringReference(place, count: bytes.count)
  }

  /// Copies the UTF-8 of `text` and returns a reference to the copy.
  package func intern(_ text: String) -> StringReference {
    var text = text
    return text.withUTF8 { intern(UnsafeRawBufferPointer($0)) }
  }
}
