import Bytes
import Vectors

package enum ArithmeticOperator: Sendable, Hashable {
  case add, subtract, multiply, divide, modulo
  case bitAnd, bitOr, bitXor, shiftLeft, shiftRight
}

/// Arithmetic of smallint, integer and bigint: an overflow is an error, division truncates.
enum IntegerArithmetic {
  static func binary(
    _ op: ArithmeticOperator, _ left: Vector, _ right: Vector, _ type: LogicalType
  ) throws -> Vector {
    switch type.physical {
    case .int16: return try typed(op, left, right, type, as: Int16.self)
    case .int32: return try typed(op, left, right, type, as: Int32.self)
    default: return try typed(op, left, right, type, as: Int64.self)
    }
  }

  static func negate(_ operand: Vector, _ type: LogicalType) throws -> Vector {
    switch type.physical {
    case .int16: return try negated(operand, type, as: Int16.self)
    case .int32: return try negated(operand, type, as: Int32.self)
    default: return try negated(operand, type, as: Int64.self)
    }
  }

  static func abs(_ operand: Vector, _ type: LogicalType) throws -> Vector {
    switch type.physical {
    case .int16: return try absolute(operand, type, as: Int16.self)
    case .int32: return try absolute(operand, type, as: Int32.self)
    default: return try absolute(operand, type, as: Int64.self)
    }
  }

  static func bitNot(_ operand: Vector, _ type: LogicalType) -> Vector {
    switch type.physical {
    case .int16: return mapUnary(operand, type) { (a: Int16) in ~a }
    case .int32: return mapUnary(operand, type) { (a: Int32) in ~a }
    default: return mapUnary(operand, type) { (a: Int64) in ~a }
    }
  }

  @inline(__always) private static func negated<T: FixedWidthInteger & BitwiseCopyable>(
    _ operand: Vector, _ type: LogicalType, as: T.Type
  ) throws -> Vector {
    try mapUnaryChecked(operand, type, { (a: T) in (0 &- a, a == T.min) }, { _ in Failure.outOfRange(type) })
  }

  @inline(__always) private static func absolute<T: FixedWidthInteger & BitwiseCopyable>(
    _ operand: Vector, _ type: LogicalType, as: T.Type
  ) throws -> Vector {
    try mapUnaryChecked(
      operand, type,
      { (a: T) in
        let sign = a &>> T(T.bitWidth - 1)
        return ((a ^ sign) &- sign, a == T.min)
      }, { _ in Failure.outOfRange(type) })
  }

  @inline(__always) private static func typed<T: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
    _ op: ArithmeticOperator, _ left: Vector, _ right: Vector, _ type: LogicalType, as: T.Type
  ) throws -> Vector {
    let range = { (_: T, _: T) in Failure.outOfRange(type) }
    let division = { (_: T, b: T) in b == 0 ? Failure.divisionByZero : Failure.outOfRange(type) }
    switch op {
    // Overflow by signs: the sum's sign differs from both operands'; this form vectorises.
    case .add:
      return try mapBinaryChecked(
        left, right, type,
        { (a: T, b: T) in
          let sum = a &+ b
          return (sum, (sum ^ a) & (sum ^ b) < 0)
        }, range)
    case .subtract:
      return try mapBinaryChecked(
        left, right, type,
        { (a: T, b: T) in
          let difference = a &- b
          return (difference, (a ^ b) & (a ^ difference) < 0)
        }, range)
    case .multiply:
      if let products = products(left, right, type) { return products }
      return try mapBinaryChecked(
        left, right, type,
        { (a: T, b: T) in
          let (product, overflow) = a.multipliedReportingOverflow(by: b)
          return (product, overflow)
        }, range)
    case .divide:
      return try mapBinaryChecked(
        left, right, type,
        { (a: T, b: T) in
          let (quotient, overflow) = a.dividedReportingOverflow(by: b)
          return (quotient, overflow)
        }, division)
    case .modulo:
      return try mapBinaryChecked(
        left, right, type,
        { (a: T, b: T) -> (T, Bool) in
          if b == -1 { return (0, false) }
          let (remainder, overflow) = a.remainderReportingOverflow(dividingBy: b)
          return (remainder, overflow)
        }, division)
    case .bitAnd: return mapBinary(left, right, type) { (a: T, b: T) in a & b }
    case .bitOr: return mapBinary(left, right, type) { (a: T, b: T) in a | b }
    case .bitXor: return mapBinary(left, right, type) { (a: T, b: T) in a ^ b }
    case .shiftLeft: return shift(left, right, type) { (a: T, by: Int64) in T(truncatingIfNeeded: Int64(a) &<< by) }
    case .shiftRight: return shift(left, right, type) { (a: T, by: Int64) in T(truncatingIfNeeded: Int64(a) &>> by) }
    }
  }

  /// Multiplies a column of integers by a constant, whole products first and then what is left of them: that vectorises.
  /// Nil for other operands, and where a product does not fit, also under NULL.
  private static func products(_ left: Vector, _ right: Vector, _ type: LogicalType) -> Vector? {
    if left.form == .constant, right.form == .flat { return products(right, left, type) }
    guard type.physical == .int32, left.type.physical == .int32, right.type.physical == .int32, left.form == .flat,
      right.form == .constant, right.validity == nil
    else { return nil }
    let count = left.count
    let input = left.values(as: Int32.self)
    let factor = Int64(right.values(as: Int32.self)[0])
    let buffer = AlignedBuffer(byteCount: count * 4)
    let output = buffer.values(as: Int32.self)
    var lost: Int64 = 0
    var row = 0
    while row < count {
      let whole = Int64(input[row]) &* factor
      let product = Int32(truncatingIfNeeded: whole)
      output[row] = product
      lost |= whole ^ Int64(product)
      row &+= 1
    }
    return lost == 0 ? Vector(type, count: count, buffer: buffer, validity: left.validity) : nil
  }

  /// The count is an integer whatever the shifted type; it wraps at the width of the machine's shift.
  @inline(__always) private static func shift<T: FixedWidthInteger & BitwiseCopyable>(
    _ left: Vector, _ right: Vector, _ type: LogicalType, _ body: (T, Int64) -> T
  ) -> Vector {
    let limit: Int64 = T.bitWidth == 64 ? 63 : 31
    switch right.type.physical {
    case .int16: return mapBinary(left, right, type) { (a: T, b: Int16) in body(a, Int64(b) & limit) }
    case .int64: return mapBinary(left, right, type) { (a: T, b: Int64) in body(a, b & limit) }
    default: return mapBinary(left, right, type) { (a: T, b: Int32) in body(a, Int64(b) & limit) }
    }
  }
}
