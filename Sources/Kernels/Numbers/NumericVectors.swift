import Bytes
import Vectors

/// Numeric arithmetic over whole vectors.
enum NumericVectors {
  static let type = LogicalType.numeric(precision: nil, scale: nil)

  static func binary(_ op: ArithmeticOperator, _ left: Vector, _ right: Vector) throws -> Vector {
    switch op {
    case .add: return try map(left, right) { try NumericArithmetic.add($0, $1) }
    case .subtract: return try map(left, right) { try NumericArithmetic.subtract($0, $1) }
    case .multiply: return try map(left, right) { try NumericArithmetic.multiply($0, $1) }
    case .divide: return try map(left, right) { try NumericArithmetic.divide($0, $1) }
    case .modulo: return try map(left, right) { try NumericArithmetic.modulo($0, $1) }
    case .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
      throw Failure.noOperator("\(op)", [left.type, right.type])
    }
  }

  static func negate(_ operand: Vector) -> Vector {
    mapUnary(operand, type) { (a: Numeric) in NumericArithmetic.negate(a) }
  }

  static func abs(_ operand: Vector) -> Vector {
    mapUnary(operand, type) { (a: Numeric) in NumericArithmetic.abs(a) }
  }

  @inline(__always) private static func map(
    _ left: Vector, _ right: Vector, _ body: (Numeric, Numeric) throws -> Numeric
  ) throws -> Vector {
    try mapBinaryThrowing(left, right, type) { (a: Numeric, b: Numeric) -> Numeric? in try body(a, b) }
  }
}
