import Bytes
import Vectors

/// Operators with a date, time or interval among their operands.
enum TemporalArithmetic {
  static func binary(
    _ op: ArithmeticOperator, _ left: Vector, _ right: Vector, _ type: LogicalType
  ) throws -> Vector {
    throw Failure.noOperator("\(op)", [left.type, right.type])
  }

  static func negate(_ operand: Vector) throws -> Vector {
    mapUnary(operand, .interval) { (a: Interval) in
      Interval(months: 0 &- a.months, days: 0 &- a.days, microseconds: 0 &- a.microseconds)
    }
  }
}
