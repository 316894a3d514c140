import Vectors

/// Reads single rows of a vector of any form; for tie-breaks and sparse access, not for full scans.
struct RowReader<T: BitwiseCopyable> {
  let base: UnsafePointer<T>
  let codes: UnsafePointer<UInt32>?
  let step: Int

  /// The vector must be kept alive while rows are read.
  @inline(__always) init(_ vector: Vector) {
    switch vector.form {
    case .flat: (base, codes, step) = (vector.values(as: T.self), nil, 1)
    case .constant: (base, codes, step) = (vector.values(as: T.self), nil, 0)
    case .dictionary:
      guard let dictionary = vector.dictionary else { preconditionFailure("a dictionary vector has a dictionary") }
      (base, codes, step) = (dictionary.values(as: T.self), vector.codes, 0)
    }
  }

  @inline(__always) subscript(row: Int) -> T {
    if let codes { return base[Int(codes[row])] }
    return base[row &* step]
  }
}

/// A vector's rows as a run of values, or one value for every row.
struct BareOperand<T: BitwiseCopyable> {
  let base: UnsafePointer<T>
  let isConstant: Bool

  /// `vector` is flat or constant (see `Vector.spread`) and must be kept alive.
  @inline(__always) init(_ vector: Vector) {
    assert(vector.form != .dictionary)
    base = vector.values(as: T.self)
    isConstant = vector.form == .constant
  }

  @inline(__always) subscript(row: Int) -> T { base[isConstant ? 0 : row] }
}

/// The rows of a vector of any form, which lives as long as this.
struct Operand<T: BitwiseCopyable> {
  private let vector: Vector
  private let rows: BareOperand<T>

  init(_ vector: Vector) {
    self.vector = vector.spread
    rows = BareOperand(self.vector)
  }

  @inline(__always) subscript(row: Int) -> T {
    defer { withExtendedLifetime(vector) {} }
    return rows[row]
  }
}

extension Vector {
  /// The same rows without codes: flat or constant.
  var spread: Vector { form == .dictionary ? flattened() : self }

  /// True for a constant NULL.
  package var isConstantNull: Bool { form == .constant && validity != nil }

  /// Returns the mask of rows that are not NULL, one bit per row whatever the form; nil when none is NULL.
  package var rowValidity: ValidityMask? {
    guard let validity else { return nil }
    if form == .constant { return validity.isValid(0) ? nil : ValidityMask(count: count, allValid: false) }
    return validity.count == count ? validity : validity.slice(0..<count)
  }

  /// Makes `count` NULLs.
  package static func nulls(_ type: LogicalType, count: Int) -> Vector { .constant(type, .null, count: count) }
}

@inline(__always) func bit(_ condition: Bool) -> UInt8 { unsafeBitCast(condition, to: UInt8.self) }
