import Bytes

/// Builds a flat vector row by row or by filling its memory; grows as needed. One thread at a time.
///
/// Hot loops reserve and write through `values(as:)`; `append(_ scalar:)` is for literals, tests and small results.
package struct VectorBuilder {
  package let type: LogicalType
  package private(set) var count = 0
  package private(set) var capacity: Int
  private var buffer: AlignedBuffer
  private var validity: AlignedBuffer?
  private let heap = StringHeap()
  private var owners: [AnyObject] = []

  package init(_ type: LogicalType, capacity: Int = 2048) {
    self.type = type
    self.capacity = max(capacity, 16)
    buffer = AlignedBuffer(byteCount: self.capacity * type.physical.stride)
  }

  /// Makes room for at least `capacity` rows; pointers from `values(as:)` become stale.
  package mutating func reserve(_ capacity: Int) {
    guard capacity > self.capacity else { return }
    let grown = max(capacity, self.capacity * 2)
    let stride = type.physical.stride
    let bigger = AlignedBuffer(byteCount: grown * stride)
    bigger.base.copyMemory(from: buffer.base, byteCount: count * stride)
    buffer = bigger
    if let old = validity {
      let mask = AlignedBuffer(byteCount: ValidityMask.wordCount(grown) * 8, zeroed: true)
      mask.base.copyMemory(from: old.base, byteCount: ValidityMask.wordCount(count) * 8)
      validity = mask
    }
    self.capacity = grown
  }

  /// The memory of the rows, `capacity` of them; the caller fills it and then says so by `advance(by:)`.
  package func values<T: BitwiseCopyable>(as type: T.Type) -> UnsafeMutablePointer<T> {
    assert(MemoryLayout<T>.stride == self.type.physical.stride, "wrong value type")
    return buffer.values(as: type)
  }

  /// Counts `rows` that were written through `values(as:)` as appended and valid.
  package mutating func advance(by rows: Int) {
    precondition(count + rows <= capacity, "more rows than room")
    if validity != nil { for row in count..<(count + rows) { markValid(row) } }
    count += rows
  }

  /// Copies bytes for a long string into this vector's heap.
  package func intern(_ bytes: UnsafeRawBufferPointer) -> StringReference { heap.intern(bytes) }

  /// Keeps `owner` alive as long as the vector, for string references that point into it.
  package mutating func keepAlive(_ owner: AnyObject) { owners.append(owner) }

  private mutating func markValid(_ row: Int) {
    guard let validity else { return }
    validity.values(as: UInt64.self)[row >> 6] |= 1 << UInt64(row & 63)
  }

  package mutating func appendNull() {
    reserve(count + 1)
    if validity == nil {
      let mask = AlignedBuffer(byteCount: ValidityMask.wordCount(capacity) * 8, zeroed: true)
      let words = mask.values(as: UInt64.self)
      for row in 0..<count { words[row >> 6] |= 1 << UInt64(row & 63) }
      validity = mask
    }
    let stride = type.physical.stride
    (buffer.base + count * stride).initializeMemory(as: UInt8.self, repeating: 0, count: stride)
    count += 1
  }

  /// Appends one value of the builder's physical type.
  package mutating func append<T: BitwiseCopyable>(_ value: T) {
    reserve(count + 1)
    values(as: T.self)[count] = value
    markValid(count)
    count += 1
  }

  package mutating func append(text: String) { append(heap.intern(text)) }

  package mutating func append(bytes: UnsafeRawBufferPointer) { append(heap.intern(bytes)) }

  /// Appends a boxed value, which must fit the builder's type exactly.
  package mutating func append(_ scalar: Scalar) {
    switch (scalar, type.physical) {
    case (.null, _): appendNull()
    case (.boolean(let value), .boolean): append(value ? UInt8(1) : 0)
    case (.integer(let value), .int16): append(Int16(truncatingIfNeeded: value))
    case (.integer(let value), .int32): append(Int32(truncatingIfNeeded: value))
    case (.integer(let value), .int64): append(value)
    case (.real(let value), .float32): append(value)
    case (.double(let value), .float64): append(value)
    case (.text(let value), .string): append(text: value)
    case (.bytes(let value), .string): value.withUnsafeBytes { append(bytes: $0) }
    case (.numeric(let value), .numeric): append(value)
    case (.interval(let value), .interval): append(value)
    case (.uuid(let value), .uuid): append(value)
    default: preconditionFailure("a \(scalar) does not fit a vector of \(type)")
    }
  }

  /// Makes the vector; the builder must not be used afterwards.
  package consuming func finish() -> Vector {
    let mask = validity.map { ValidityMask(buffer: $0, count: count) }
    return Vector(type, count: count, buffer: buffer, validity: mask, owners: owners + [heap])
  }
}

extension Vector {
  /// Makes a flat vector of boxed values that fit `type` exactly.
  package static func of(_ type: LogicalType, _ scalars: [Scalar]) -> Vector {
    var builder = VectorBuilder(type, capacity: scalars.count)
    for scalar in scalars { builder.append(scalar) }
    return builder.finish()
  }

  /// Makes a constant vector of `count` rows.
  package static func constant(_ type: LogicalType, _ scalar: Scalar, count: Int) -> Vector {
    Vector(constant: of(type, [scalar]), count: count)
  }
}
