import Bytes
import Vectors

/// Casts among smallint, integer, bigint, real, double precision and boolean.
enum NumberCast {
  static func vector(_ vector: Vector, to type: LogicalType) throws -> Vector {
    switch vector.type.physical {
    case .int16: return try integers(vector, to: type, as: Int16.self)
    case .int32: return try integers(vector, to: type, as: Int32.self)
    case .int64: return try integers(vector, to: type, as: Int64.self)
    case .float32: return try floats(vector, to: type, as: Float.self)
    default: return try floats(vector, to: type, as: Double.self)
    }
  }

  @inline(__always) private static func integers<A: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
    _ vector: Vector, to type: LogicalType, as: A.Type
  ) throws -> Vector {
    switch type {
    case .smallint: return try narrow(vector, type, A.self, Int16.self)
    case .integer: return try narrow(vector, type, A.self, Int32.self)
    case .bigint: return mapUnary(vector, type) { (a: A) in Int64(truncatingIfNeeded: a) }
    case .real: return mapUnary(vector, type) { (a: A) in Float(Int64(truncatingIfNeeded: a)) }
    case .double: return mapUnary(vector, type) { (a: A) in Double(Int64(truncatingIfNeeded: a)) }
    case .boolean:
      guard A.self == Int32.self else { throw Cast.noCast(vector.type, type) }
      return mapUnary(vector, type) { (a: A) in bit(a != 0) }
    default: throw Cast.noCast(vector.type, type)
    }
  }

  @inline(__always)
  private static func narrow<
    A: FixedWidthInteger & SignedInteger & BitwiseCopyable, R: FixedWidthInteger & BitwiseCopyable
  >(_ vector: Vector, _ type: LogicalType, _: A.Type, _: R.Type) throws -> Vector {
    try mapUnaryChecked(
      vector, type,
      { (a: A) in
        let value = R(truncatingIfNeeded: a)
        return (value, Int64(truncatingIfNeeded: value) != Int64(truncatingIfNeeded: a))
      }, { _ in Failure.outOfRange(type) })
  }

  @inline(__always) private static func floats<A: BinaryFloatingPoint & BitwiseCopyable>(
    _ vector: Vector, to type: LogicalType, as: A.Type
  ) throws -> Vector {
    switch type {
    case .smallint: return try whole(vector, type, A.self, Int16.self)
    case .integer: return try whole(vector, type, A.self, Int32.self)
    case .bigint: return try whole(vector, type, A.self, Int64.self)
    case .double: return mapUnary(vector, type) { (a: A) in Double(a) }
    case .real:
      return try mapUnaryChecked(
        vector, type,
        { (a: A) in
          let value = Float(a)
          return (value, (value.isInfinite && !a.isInfinite) || (value == 0 && a != 0))
        }, { a in Float(a).isInfinite ? Failure.floatOverflow : Failure.floatUnderflow })
    default: throw Cast.noCast(vector.type, type)
    }
  }

  /// Rounds half to even, then checks the range: from the type's minimum up to, not including, its maximum plus one.
  @inline(__always)
  private static func whole<
    A: BinaryFloatingPoint & BitwiseCopyable, R: FixedWidthInteger & BitwiseCopyable
  >(_ vector: Vector, _ type: LogicalType, _: A.Type, _: R.Type) throws -> Vector {
    let low = Double(R.min)
    return try mapUnaryChecked(
      vector, type,
      { (a: A) in
        let value = Double(a).rounded(.toNearestOrEven)
        let fits = value >= low && value < -low
        return (fits ? R(truncatingIfNeeded: Int64(fits ? value : 0)) : 0, !fits)
      }, { _ in Failure.outOfRange(type) })
  }
}
