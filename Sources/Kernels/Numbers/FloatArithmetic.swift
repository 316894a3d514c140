import Bytes
import Glibc
import Vectors

/// Arithmetic of real and double precision with PostgreSQL's checks: a finite operation that gives an infinity is an
/// overflow, a product or quotient that vanishes is an underflow, a zero divisor is an error.
enum FloatArithmetic {
  static func binary(
    _ op: ArithmeticOperator, _ left: Vector, _ right: Vector, _ type: LogicalType
  ) throws -> Vector {
    if type.physical == .float32 { return try typed(op, left, right, type, as: Float.self) }
    return try typed(op, left, right, type, as: Double.self)
  }

  @inline(__always) private static func typed<T: BinaryFloatingPoint & BitwiseCopyable>(
    _ op: ArithmeticOperator, _ left: Vector, _ right: Vector, _ type: LogicalType, as: T.Type
  ) throws -> Vector {
    switch op {
    case .add:
      return try mapBinaryChecked(
        left, right, type,
        { (a: T, b: T) in
          let sum = a + b
          return (sum, isInfinite(sum) && !isInfinite(a) && !isInfinite(b))
        }, { _, _ in Failure.floatOverflow })
    case .subtract:
      return try mapBinaryChecked(
        left, right, type,
        { (a: T, b: T) in
          let difference = a - b
          return (difference, isInfinite(difference) && !isInfinite(a) && !isInfinite(b))
        }, { _, _ in Failure.floatOverflow })
    case .multiply:
      return try mapBinaryChecked(
        left, right, type,
        { (a: T, b: T) in
          let product = a * b
          let overflow = isInfinite(product) && !isInfinite(a) && !isInfinite(b)
          return (product, overflow || (product == 0 && a != 0 && b != 0))
        }, { a, b in isInfinite(a * b) ? Failure.floatOverflow : Failure.floatUnderflow })
    case .divide:
      return try mapBinaryChecked(
        left, right, type,
        { (a: T, b: T) in
          let quotient = a / b
          let zero = b == 0 && a == a
          let overflow = isInfinite(quotient) && !isInfinite(a)
          return (quotient, zero || overflow || (quotient == 0 && a != 0 && !isInfinite(b)))
        },
        { a, b in
          if b == 0 { return Failure.divisionByZero }
          return isInfinite(a / b) ? Failure.floatOverflow : Failure.floatUnderflow
        })
    case .modulo, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
      throw Failure.noOperator("\(op)", [left.type, right.type])
    }
  }

  @inline(__always) private static func isInfinite<T: BinaryFloatingPoint>(_ value: T) -> Bool {
    value == T.infinity || value == -T.infinity
  }

  static func negate(_ operand: Vector, _ type: LogicalType) -> Vector {
    if type.physical == .float32 { return mapUnary(operand, type) { (a: Float) in -a } }
    return mapUnary(operand, type) { (a: Double) in -a }
  }

  static func abs(_ operand: Vector, _ type: LogicalType) -> Vector {
    if type.physical == .float32 { return mapUnary(operand, type) { (a: Float) in a.magnitude } }
    return mapUnary(operand, type) { (a: Double) in a.magnitude }
  }
}
