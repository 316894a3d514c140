import Bytes
import Glibc
import Vectors

/// Trigonometry in degrees, exact where PostgreSQL's is: at multiples of 30 and 45 degrees.
package enum DegreeFunctions {
  private static let perDegree = 0.0174532925199432957692

  package static func sine(_ operand: Vector) throws -> Vector { try map(operand) { sine($0) } }
  package static func cosine(_ operand: Vector) throws -> Vector { try map(operand) { cosine($0) } }

  package static func tangent(_ operand: Vector) throws -> Vector {
    try map(operand) { angle in
      let (folded, sign) = foldTangent(angle)
      let result = sign * ((sineQuadrant(folded) / cosineQuadrant(folded)) / (sineQuadrant(45) / cosineQuadrant(45)))
      return result == 0 ? 0 : result
    }
  }

  package static func cotangent(_ operand: Vector) throws -> Vector {
    try map(operand) { angle in
      let (folded, sign) = foldTangent(angle)
      let result = sign * ((cosineQuadrant(folded) / sineQuadrant(folded)) / (cosineQuadrant(45) / sineQuadrant(45)))
      return result == 0 ? 0 : result
    }
  }

  package static func arcsine(_ operand: Vector) throws -> Vector {
    try checked(operand) { value in
      value >= 0 ? arcsineQuadrant(value) : -arcsineQuadrant(-value)
    }
  }

  package static func arccosine(_ operand: Vector) throws -> Vector {
    try checked(operand) { value in
      value >= 0 ? arccosineQuadrant(value) : 90 + arcsineQuadrant(-value)
    }
  }

  package static func arctangent(_ operand: Vector) -> Vector {
    mapUnary(operand, .double) { (value: Double) in Glibc.atan(value) / Glibc.atan(1.0) * 45 }
  }

  package static func arctangent(_ left: Vector, _ right: Vector) -> Vector {
    mapBinary(left, right, .double) { (y: Double, x: Double) in Glibc.atan2(y, x) / Glibc.atan(1.0) * 45 }
  }

  private static func map(_ operand: Vector, _ body: (Double) -> Double) throws -> Vector {
    try mapUnaryChecked(
      operand, .double,
      { (angle: Double) in angle.isInfinite ? (0, true) : (angle.isNaN ? angle : body(angle), false) },
      { _ in MathFunctions.outOfRange })
  }

  private static func checked(_ operand: Vector, _ body: (Double) -> Double) throws -> Vector {
    try mapUnaryChecked(
      operand, .double,
      { (value: Double) in value.magnitude > 1 ? (0, true) : (value.isNaN ? value : body(value), false) },
      { _ in MathFunctions.outOfRange })
  }

  // Within 0 to 30 degrees by the sine of 30 being a half, beyond by the cosine of 60 being one.

  private static func sineTo30(_ angle: Double) -> Double {
    Glibc.sin(angle * perDegree) / Glibc.sin(30 * perDegree) / 2
  }

  private static func cosineTo60(_ angle: Double) -> Double {
    1 - ((1 - Glibc.cos(angle * perDegree)) / (1 - Glibc.cos(60 * perDegree))) / 2
  }

  private static func sineQuadrant(_ angle: Double) -> Double { angle <= 30 ? sineTo30(angle) : cosineTo60(90 - angle) }
  private static func cosineQuadrant(_ angle: Double) -> Double {
    angle <= 60 ? cosineTo60(angle) : sineTo30(90 - angle)
  }

  private static func sine(_ angle: Double) -> Double {
    var folded = fmod(angle, 360)
    var sign = 1.0
    if folded < 0 { (folded, sign) = (-folded, -sign) }
    if folded > 180 { (folded, sign) = (360 - folded, -sign) }
    if folded > 90 { folded = 180 - folded }
    return sign * sineQuadrant(folded)
  }

  private static func cosine(_ angle: Double) -> Double {
    var folded = fmod(angle, 360).magnitude
    var sign = 1.0
    if folded > 180 { folded = 360 - folded }
    if folded > 90 { (folded, sign) = (180 - folded, -sign) }
    return sign * cosineQuadrant(folded)
  }

  private static func foldTangent(_ angle: Double) -> (Double, sign: Double) {
    var folded = fmod(angle, 360)
    var sign = 1.0
    if folded < 0 { (folded, sign) = (-folded, -sign) }
    if folded > 180 { (folded, sign) = (360 - folded, -sign) }
    if folded > 90 { (folded, sign) = (180 - folded, -sign) }
    return (folded, sign)
  }

  private static func arcsineQuadrant(_ value: Double) -> Double {
    value <= 0.5
      ? Glibc.asin(value) / Glibc.asin(0.5) * 30 : 90 - Glibc.acos(value) / Glibc.acos(0.5) * 60
  }

  private static func arccosineQuadrant(_ value: Double) -> Double {
    value <= 0.5
      ? 90 - Glibc.asin(value) / Glibc.asin(0.5) * 30 : Glibc.acos(value) / Glibc.acos(0.5) * 60
  }
}
