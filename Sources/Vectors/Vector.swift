import Bytes

/// Decoded values of one column, immutable once made.
///
/// Three forms, all of `count` rows:
/// - `flat`: `buffer` holds `count` values of the physical type;
/// - `constant`: `buffer` holds one value, which every row has (or `validity` marks its one row null);
/// - `dictionary`: `buffer` holds `count` codes (`UInt32`), each an index into `dictionary`, a flat vector without nulls.
///
/// Values under a null row are unspecified but readable (for strings: a valid reference, for codes: a valid code).
/// `owners` keeps alive what string references point at. An operator that does not know a form calls `flattened()`.
package final class Vector: @unchecked Sendable {
  // @unchecked: immutable after init; the memory it points at is read-only from then on.

  package enum Form: Sendable { case flat, constant, dictionary }

  package let type: LogicalType
  package let count: Int
  package let form: Form
  package let buffer: AlignedBuffer
  /// Nil when no row is null. One bit per row; for `constant` one bit in all.
  package let validity: ValidityMask?
  package let dictionary: Vector?
  package let owners: [AnyObject]

  /// Takes `count` values of `type`'s physical type.
  package init(
    _ type: LogicalType, count: Int, buffer: AlignedBuffer, validity: ValidityMask? = nil, owners: [AnyObject] = []
  ) {
    precondition(buffer.byteCount >= count * type.physical.stride, "a flat vector needs a value for every row")
    precondition(validity == nil || validity!.count >= count, "a validity mask needs a bit for every row")
    self.type = type
    self.count = count
    form = .flat
    self.buffer = buffer
    self.validity = validity
    dictionary = nil
    self.owners = owners
  }

  /// Takes `codes`, `count` of `UInt32`, each below `dictionary.count`; the type is the dictionary's.
  package init(codes: AlignedBuffer, count: Int, dictionary: Vector, validity: ValidityMask? = nil) {
    precondition(codes.byteCount >= count * 4, "a dictionary vector needs a code for every row")
    precondition(dictionary.form == .flat && dictionary.validity == nil, "a dictionary is flat and has no nulls")
    type = dictionary.type
    self.count = count
    form = .dictionary
    buffer = codes
    self.validity = validity
    self.dictionary = dictionary
    owners = dictionary.owners
  }

  /// Makes a vector of `count` rows that all have the value in row 0 of `value`, a flat vector of one row.
  package init(constant value: Vector, count: Int) {
    precondition(value.form == .flat && value.count == 1, "a constant comes from one flat row")
    type = value.type
    self.count = count
    form = .constant
    buffer = value.buffer
    validity = value.validity.map { $0.isValid(0) ? nil : $0 } ?? nil
    dictionary = nil
    owners = value.owners
  }

  private init(retyped vector: Vector, as type: LogicalType) {
    self.type = type
    count = vector.count
    form = vector.form
    buffer = vector.buffer
    validity = vector.validity
    dictionary = vector.dictionary.map { Vector(retyped: $0, as: type) }
    owners = vector.owners
  }

  /// Returns the same memory under another logical type of the same physical type.
  package func retyped(as type: LogicalType) -> Vector {
    precondition(type.physical == self.type.physical, "retyping keeps the physical type")
    return type == self.type ? self : Vector(retyped: self, as: type)
  }

  /// Returns the values of a flat vector (all rows), a constant one (one value), or the codes of a dictionary one.
  ///
  /// The vector must be kept alive while they are used.
  @inlinable package func values<T: BitwiseCopyable>(as type: T.Type) -> UnsafePointer<T> {
    assert(MemoryLayout<T>.stride == (form == .dictionary ? 4 : self.type.physical.stride), "wrong value type")
    return UnsafePointer(buffer.values(as: type))
  }

  /// The codes of a dictionary vector.
  @inlinable package var codes: UnsafePointer<UInt32> {
    assert(form == .dictionary)
    return UnsafePointer(buffer.values(as: UInt32.self))
  }

  @inlinable package func isValid(_ row: Int) -> Bool {
    guard let validity else { return true }
    return validity.isValid(form == .constant ? 0 : row)
  }

  package var nullCount: Int {
    guard let validity else { return 0 }
    if form == .constant { return validity.isValid(0) ? 0 : count }
    return validity.count == count ? validity.nullCount : validity.slice(0..<count).nullCount
  }

  /// Bytes of memory this vector alone keeps, for budgets; shared owners are not counted.
  package var byteCount: Int {
    buffer.byteCount + (validity?.buffer.byteCount ?? 0) + (dictionary?.byteCount ?? 0)
  }
}

extension Vector {
  /// Returns the same rows in flat form (self when it already is).
  package func flattened() -> Vector {
    switch form {
    case .flat: return self
    case .constant:
      let stride = type.physical.stride
      let output = AlignedBuffer(byteCount: count * stride)
      switch stride {
      case 1: fill(output, as: UInt8.self)
      case 2: fill(output, as: UInt16.self)
      case 4: fill(output, as: UInt32.self)
      case 8: fill(output, as: UInt64.self)
      case 16: fill(output, as: StringReference.self)
      default: fill(output, as: Numeric.self)
      }
      let mask = validity == nil ? nil : ValidityMask(count: count, allValid: false)
      return Vector(type, count: count, buffer: output, validity: mask, owners: owners)
    case .dictionary:
      guard let dictionary else { preconditionFailure("a dictionary vector has a dictionary") }
      let stride = type.physical.stride
      let output = AlignedBuffer(byteCount: count * stride)
      switch stride {
      case 1: gather(dictionary, into: output, as: UInt8.self)
      case 2: gather(dictionary, into: output, as: UInt16.self)
      case 4: gather(dictionary, into: output, as: UInt32.self)
      case 8: gather(dictionary, into: output, as: UInt64.self)
      case 16: gather(dictionary, into: output, as: StringReference.self)
      default: gather(dictionary, into: output, as: Numeric.self)
      }
      return Vector(type, count: count, buffer: output, validity: validity, owners: owners)
    }
  }

  private func fill<T: BitwiseCopyable>(_ output: AlignedBuffer, as type: T.Type) {
    let value = buffer.values(as: type)[0]
    output.values(as: type).update(repeating: value, count: count)
  }

  private func gather<T: BitwiseCopyable>(_ dictionary: Vector, into output: AlignedBuffer, as type: T.Type) {
    let source = dictionary.buffer.values(as: type)
    let target = output.values(as: type)
    let codes = self.codes
    if dictionary.count == 0 {
      memsetZero(output)
      return
    }
    var row = 0
    while row < count {
      target[row] = source[Int(codes[row])]
      row &+= 1
    }
  }

  private func memsetZero(_ output: AlignedBuffer) {
    output.base.initializeMemory(as: UInt8.self, repeating: 0, count: output.byteCount)
  }

  /// Returns rows `range` without copying values; the parent's memory stays alive as long as the slice.
  package func slice(_ range: Range<Int>) -> Vector {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "slice outside the vector")
    if range.lowerBound == 0 && range.upperBound == count { return self }
    let mask = form == .constant ? validity : validity?.slice(range)
    switch form {
    case .constant:
      let one = Vector(type, count: 1, buffer: buffer, validity: validity, owners: owners)
      return Vector(constant: one, count: range.count)
    case .flat:
      let stride = type.physical.stride
      let window = AlignedBuffer(
        window: buffer.base + range.lowerBound * stride, byteCount: range.count * stride, owner: buffer.owner ?? buffer)
      return Vector(type, count: range.count, buffer: window, validity: mask, owners: owners)
    case .dictionary:
      guard let dictionary else { preconditionFailure("a dictionary vector has a dictionary") }
      let window = AlignedBuffer(
        window: buffer.base + range.lowerBound * 4, byteCount: range.count * 4, owner: buffer.owner ?? buffer)
      return Vector(codes: window, count: range.count, dictionary: dictionary, validity: mask)
    }
  }

  /// Returns the value of one row, boxed.
  package func scalar(at row: Int) -> Scalar {
    precondition(row >= 0 && row < count, "row outside the vector")
    guard isValid(row) else { return .null }
    let source: Vector
    let index: Int
    switch form {
    case .flat: (source, index) = (self, row)
    case .constant: (source, index) = (self, 0)
    case .dictionary: (source, index) = (dictionary ?? self, Int(codes[row]))
    }
    let buffer = source.buffer
    switch type.physical {
    case .boolean: return .boolean(buffer.values(as: UInt8.self)[index] != 0)
    case .int16: return .integer(Int64(buffer.values(as: Int16.self)[index]))
    case .int32: return .integer(Int64(buffer.values(as: Int32.self)[index]))
    case .int64: return .integer(buffer.values(as: Int64.self)[index])
    case .float32: return .real(buffer.values(as: Float.self)[index])
    case .float64: return .double(buffer.values(as: Double.self)[index])
    case .string:
      let reference = buffer.values(as: StringReference.self)[index]
      return type == .bytea ? .bytes(reference.withBytes { Array($0) }) : .text(reference.string)
    case .numeric: return .numeric(buffer.values(as: Numeric.self)[index])
    case .interval: return .interval(buffer.values(as: Interval.self)[index])
    case .uuid: return .uuid(buffer.values(as: UUIDValue.self)[index])
    }
  }
}
