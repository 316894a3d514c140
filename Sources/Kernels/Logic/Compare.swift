import Bytes
import Vectors

/// Compares values as PostgreSQL orders them: NaN above every number and equal to itself, text by bytes.
package enum Compare {
  /// Returns a boolean vector: NULL where either side is.
  ///
  /// Shape: equal row counts and physical types. Constant with constant gives a constant.
  package static func vectors(_ op: ComparisonOperator, _ left: Vector, _ right: Vector) -> Vector {
    precondition(left.type.physical == right.type.physical, "compared values have one type")
    switch left.type.physical {
    case .boolean: return ordered(op, left, right, as: UInt8.self)
    case .int16: return ordered(op, left, right, as: Int16.self)
    case .int32: return ordered(op, left, right, as: Int32.self)
    case .int64: return ordered(op, left, right, as: Int64.self)
    case .float32: return floats(op, left, right, as: Float.self)
    case .float64: return floats(op, left, right, as: Double.self)
    case .string:
      let spelling = left.type.spelling
      if spelling != .exact, right.type.spelling == spelling {
        return byOrder(op, left, right) { ValueOrder.compare($0, $1, spelling) }
      }
      switch op {
      case .equal: return mapBinary(left, right, .boolean) { (a: StringReference, b: StringReference) in bit(a == b) }
      case .notEqual:
        return mapBinary(left, right, .boolean) { (a: StringReference, b: StringReference) in bit(a == b) ^ 1 }
      default: return byOrder(op, left, right) { (a: StringReference, b: StringReference) in ValueOrder.compare(a, b) }
      }
    case .numeric: return byOrder(op, left, right) { (a: Numeric, b: Numeric) in ValueOrder.compare(a, b) }
    case .interval: return byOrder(op, left, right) { (a: Interval, b: Interval) in ValueOrder.compare(a, b) }
    case .uuid: return byOrder(op, left, right) { (a: UUIDValue, b: UUIDValue) in ValueOrder.compare(a, b) }
    }
  }

  /// Returns IS DISTINCT FROM: never NULL, two NULLs are not distinct.
  package static func distinct(_ left: Vector, _ right: Vector) -> Vector {
    let different = vectors(.notEqual, left, right)
    guard left.validity != nil || right.validity != nil else { return different }
    let count = left.count
    let buffer = AlignedBuffer(byteCount: count)
    let output = buffer.values(as: UInt8.self)
    let values = different.flattened()
    let input = values.values(as: UInt8.self)
    for row in 0..<count {
      let (a, b) = (left.isValid(row), right.isValid(row))
      output[row] = a && b ? input[row] : bit(a != b)
    }
    return Vector(.boolean, count: count, buffer: buffer)
  }

  /// Keeps the rows where the comparison is true.
  package static func select(_ op: ComparisonOperator, _ left: Vector, _ right: Vector) -> SelectionVector {
    SelectionVector(whereTrue: vectors(op, left, right))
  }

  /// Returns a negative, zero or positive number as the first row of `left` sorts before, with or after that of
  /// `right`; neither is NULL.
  package static func scalars(_ left: Scalar, _ right: Scalar, _ type: LogicalType) -> Int {
    RowComparator(left: [.of(type, [left])], right: [.of(type, [right])], orders: [SortOrder()]).compare(0, 0)
  }

  @inline(__always) private static func ordered<T: BitwiseCopyable & Comparable>(
    _ op: ComparisonOperator, _ left: Vector, _ right: Vector, as type: T.Type
  ) -> Vector {
    switch op {
    case .equal: mapBinary(left, right, .boolean) { (a: T, b: T) in bit(a == b) }
    case .notEqual: mapBinary(left, right, .boolean) { (a: T, b: T) in bit(a != b) }
    case .less: mapBinary(left, right, .boolean) { (a: T, b: T) in bit(a < b) }
    case .lessOrEqual: mapBinary(left, right, .boolean) { (a: T, b: T) in bit(a <= b) }
    case .greater: mapBinary(left, right, .boolean) { (a: T, b: T) in bit(a > b) }
    case .greaterOrEqual: mapBinary(left, right, .boolean) { (a: T, b: T) in bit(a >= b) }
    }
  }

  /// `a > b or (a is NaN and b is not)` and its kin, written without branches.
  @inline(__always) private static func floats<T: BitwiseCopyable & BinaryFloatingPoint>(
    _ op: ComparisonOperator, _ left: Vector, _ right: Vector, as type: T.Type
  ) -> Vector {
    switch op {
    case .equal: mapBinary(left, right, .boolean) { (a: T, b: T) in bit(a == b) | (bit(a != a) & bit(b != b)) }
    case .notEqual:
      mapBinary(left, right, .boolean) { (a: T, b: T) in (bit(a == b) | (bit(a != a) & bit(b != b))) ^ 1 }
    case .less: mapBinary(left, right, .boolean) { (a: T, b: T) in bit(a < b) | (bit(a == a) & bit(b != b)) }
    case .lessOrEqual: mapBinary(left, right, .boolean) { (a: T, b: T) in bit(a <= b) | bit(b != b) }
    case .greater: mapBinary(left, right, .boolean) { (a: T, b: T) in bit(a > b) | (bit(a != a) & bit(b == b)) }
    case .greaterOrEqual: mapBinary(left, right, .boolean) { (a: T, b: T) in bit(a >= b) | bit(a != a) }
    }
  }

  @inline(__always) private static func byOrder<T: BitwiseCopyable>(
    _ op: ComparisonOperator, _ left: Vector, _ right: Vector, _ order: (T, T) -> Int
  ) -> Vector {
    switch op {
    case .equal: mapBinary(left, right, .boolean) { (a: T, b: T) in bit(order(a, b) == 0) }
    case .notEqual: mapBinary(left, right, .boolean) { (a: T, b: T) in bit(order(a, b) != 0) }
    case .less: mapBinary(left, right, .boolean) { (a: T, b: T) in bit(order(a, b) < 0) }
    case .lessOrEqual: mapBinary(left, right, .boolean) { (a: T, b: T) in bit(order(a, b) <= 0) }
    case .greater: mapBinary(left, right, .boolean) { (a: T, b: T) in bit(order(a, b) > 0) }
    case .greaterOrEqual: mapBinary(left, right, .boolean) { (a: T, b: T) in bit(order(a, b) >= 0) }
    }
  }
}
