import Bytes
import Vectors

/// Operators on numbers, dates and times: the operand types choose the kernel.
package enum Arithmetic {
  /// Returns `left op right` for every row.
  ///
  /// Numbers of different types are first brought to the larger one, as PostgreSQL does: smallint, integer, bigint,
  /// numeric, real, double. - Throws: 22003 for a result out of range, 22012 for a zero divisor, 42883 for operand
  /// types without such an operator.
  package static func binary(
    _ op: ArithmeticOperator, _ left: Vector, _ right: Vector, _ type: LogicalType, zone: ZoneRules? = nil
  ) throws -> Vector {
    guard left.type.isNumber && right.type.isNumber else {
      return try TemporalArithmetic.binary(op, left, right, type, zone: zone)
    }
    let common = widest(left.type, right.type)
    let isShift = op == .shiftLeft || op == .shiftRight
    let first = try Cast.vector(left, to: isShift ? left.type : common)
    let second = isShift ? right : try Cast.vector(right, to: common)
    switch isShift ? left.type : common {
    case .smallint, .integer, .bigint:
      return try IntegerArithmetic.binary(op, first, second, isShift ? left.type : common)
    case .real, .double: return try FloatArithmetic.binary(op, first, second, common)
    default: return try NumericVectors.binary(op, first, second)
    }
  }

  package static func negate(_ operand: Vector) throws -> Vector {
    switch operand.type {
    case .smallint, .integer, .bigint: return try IntegerArithmetic.negate(operand, operand.type)
    case .real, .double: return FloatArithmetic.negate(operand, operand.type)
    case .numeric: return NumericVectors.negate(operand)
    case .interval: return try TemporalArithmetic.negate(operand)
    default: throw Failure.noOperator("-", [operand.type])
    }
  }

  package static func abs(_ operand: Vector) throws -> Vector {
    switch operand.type {
    case .smallint, .integer, .bigint: return try IntegerArithmetic.abs(operand, operand.type)
    case .real, .double: return FloatArithmetic.abs(operand, operand.type)
    case .numeric: return NumericVectors.abs(operand)
    default: throw Failure.noOperator("abs", [operand.type])
    }
  }

  package static func bitNot(_ operand: Vector) throws -> Vector {
    guard operand.type.isInteger else { throw Failure.noOperator("~", [operand.type]) }
    return IntegerArithmetic.bitNot(operand, operand.type)
  }

  /// The type both operands of a numeric operator are brought to.
  static func widest(_ left: LogicalType, _ right: LogicalType) -> LogicalType {
    if left == right { return left }
    // Only real with real stays real: PostgreSQL prefers double precision for every mixture.
    if left.isFloat || right.isFloat { return .double }
    if left.isNumeric || right.isNumeric { return .numeric(precision: nil, scale: nil) }
    return rank(left) >= rank(right) ? left : right
  }

  private static func rank(_ type: LogicalType) -> Int {
    switch type {
    case .smallint: 0
    case .integer: 1
    default: 2
    }
  }
}
