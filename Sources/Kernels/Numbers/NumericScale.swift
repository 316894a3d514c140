import Vectors

/// Digits behind the point of a numeric. NaN and infinities have none.
package enum NumericScale {
  package static func scale(_ operand: Vector) -> Vector {
    mapNumber(operand, .integer) { $0.scale }
  }

  package static func minimum(_ operand: Vector) -> Vector {
    mapNumber(operand, .integer) { trim($0).scale }
  }

  package static func trimmed(_ operand: Vector) -> Vector {
    mapUnary(operand, NumericVectors.type) { (value: Numeric) in value.special == 0 ? trim(value) : value }
  }

  private static func mapNumber(_ operand: Vector, _ type: LogicalType, _ body: (Numeric) -> Int32) -> Vector {
    // Cannot throw: the body does not.
    (try? mapUnaryThrowing(operand, type) { (value: Numeric) -> Int32? in value.special == 0 ? body(value) : nil })
      ?? .nulls(type, count: operand.count)
  }

  private static func trim(_ value: Numeric) -> Numeric {
    var result = value
    while result.scale > 0, result.mantissa % 10 == 0 {
      result.mantissa /= 10
      result.scale -= 1
    }
    return result
  }
}
