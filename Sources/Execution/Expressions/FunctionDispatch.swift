import Bytes
import Kernels
import Planning
import Vectors

extension ScalarFunction {
  /// Applies the function's kernel to `arguments`, each of `count` rows.
  ///
  /// - Throws: `.user` for values the function refuses, `.unsupported` for what it cannot do, by name.
  func apply(
    _ arguments: [Vector], type: LogicalType, count: Int, _ context: EvaluationContext
  ) throws -> Vector {
    switch self {
    case .add: return try Arithmetic.binary(.add, arguments[0], arguments[1], type)
    case .subtract: return try Arithmetic.binary(.subtract, arguments[0], arguments[1], type)
    case .multiply: return try Arithmetic.binary(.multiply, arguments[0], arguments[1], type)
    case .divide: return try Arithmetic.binary(.divide, arguments[0], arguments[1], type)
    case .modulo: return try Arithmetic.binary(.modulo, arguments[0], arguments[1], type)
    case .bitAnd: return try Arithmetic.binary(.bitAnd, arguments[0], arguments[1], type)
    case .bitOr: return try Arithmetic.binary(.bitOr, arguments[0], arguments[1], type)
    case .bitXor: return try Arithmetic.binary(.bitXor, arguments[0], arguments[1], type)
    case .shiftLeft: return try Arithmetic.binary(.shiftLeft, arguments[0], arguments[1], type)
    case .shiftRight: return try Arithmetic.binary(.shiftRight, arguments[0], arguments[1], type)
    case .negate: return try Arithmetic.negate(arguments[0])
    case .abs: return try Arithmetic.abs(arguments[0])
    case .bitNot: return try Arithmetic.bitNot(arguments[0])
    default: throw PulsehouseError(.unsupported, "function \(rawValue) is not supported yet")
    }
  }
}
