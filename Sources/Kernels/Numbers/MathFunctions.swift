import Bytes
import Glibc
import Vectors

/// Mathematical functions over whole vectors; the operand type chooses among double precision and numeric.
package enum MathFunctions {
  package enum Rounding: Sendable { case round, truncate, floor, ceil }

  /// `round`, `trunc`, `floor`, `ceil` without digits: double rounds half to even, numeric half away from zero.
  package static func rounded(_ operand: Vector, _ rounding: Rounding) throws -> Vector {
    if operand.type.isNumeric {
      return try mapUnaryThrowing(operand, NumericVectors.type) { (a: Numeric) -> Numeric? in
        switch rounding {
        case .round: try NumericArithmetic.round(a, 0)
        case .truncate: try NumericArithmetic.truncate(a, 0)
        case .floor: try NumericArithmetic.floor(a)
        case .ceil: try NumericArithmetic.ceil(a)
        }
      }
    }
    let doubles = try Cast.vector(operand, to: .double)
    switch rounding {
    case .round: return mapUnary(doubles, .double) { (a: Double) in a.rounded(.toNearestOrEven) }
    case .truncate: return mapUnary(doubles, .double) { (a: Double) in a.rounded(.towardZero) }
    case .floor: return mapUnary(doubles, .double) { (a: Double) in a.rounded(.down) }
    case .ceil: return mapUnary(doubles, .double) { (a: Double) in a.rounded(.up) }
    }
  }

  /// `round(numeric, digits)` and `trunc(numeric, digits)`.
  package static func rounded(_ operand: Vector, digits: Vector, _ rounding: Rounding) throws -> Vector {
    let values = try Cast.vector(operand, to: NumericVectors.type)
    let digits = try Cast.vector(digits, to: .integer)
    return try mapBinaryThrowing(values, digits, NumericVectors.type) { (a: Numeric, n: Int32) -> Numeric? in
      let clamped = min(max(n, -2000), 2000)
      return rounding == .round ? try NumericArithmetic.round(a, clamped) : try NumericArithmetic.truncate(a, clamped)
    }
  }

  /// -1, 0 or 1 of the operand's type; NaN gives 0 as double precision, NaN as numeric.
  package static func sign(_ operand: Vector) throws -> Vector {
    if operand.type.isNumeric {
      return mapUnary(operand, NumericVectors.type) { (a: Numeric) -> Numeric in
        a.special == 1 ? a : Numeric(mantissa: Int128(NumericArithmetic.signum(a)), scale: 0)
      }
    }
    return mapUnary(try Cast.vector(operand, to: .double), .double) { (a: Double) -> Double in
      a > 0 ? 1 : a < 0 ? -1 : 0
    }
  }

  package enum Function: Sendable, CaseIterable {
    case sqrt, cbrt, exp, ln, log10, degrees, radians
    case sin, cos, tan, cot, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh
  }

  /// A function of one number. `sqrt`, `exp`, `ln` and `log10` of numeric give numeric.
  package static func unary(_ function: Function, _ operand: Vector) throws -> Vector {
    if operand.type.isNumeric {
      switch function {
      case .sqrt:
        return try mapUnaryThrowing(operand, NumericVectors.type) { (a: Numeric) -> Numeric? in
          try NumericArithmetic.squareRoot(a)
        }
      case .exp: return try numeric(operand) { try NumericPower.exp($0) }
      case .ln: return try numeric(operand) { try NumericPower.ln($0) }
      case .log10: return try numeric(operand) { try NumericPower.log10($0) }
      default: break
      }
    }
    let doubles = try Cast.vector(operand, to: .double)
    switch function {
    case .sqrt:
      return try checked(doubles, { $0.squareRoot() }, domain: { $0 >= 0 || $0.isNaN }, negativeRoot)
    case .cbrt: return mapUnary(doubles, .double) { (a: Double) in Glibc.cbrt(a) }
    case .exp:
      return try mapUnaryThrowing(doubles, .double) { (a: Double) -> Double? in
        let result = Glibc.exp(a)
        if result.isInfinite && !a.isInfinite { throw Failure.floatOverflow }
        if result == 0 && !a.isInfinite { throw Failure.floatUnderflow }
        return result
      }
    case .ln: return try logarithm(doubles) { Glibc.log($0) }
    case .log10: return try logarithm(doubles) { Glibc.log10($0) }
    case .degrees:
      return try mapUnaryThrowing(doubles, .double) { (a: Double) -> Double? in
        let result = a / 0.0174532925199432957692
        if result.isInfinite && !a.isInfinite { throw Failure.floatOverflow }
        return result
      }
    case .radians: return mapUnary(doubles, .double) { (a: Double) in a * 0.0174532925199432957692 }
    case .sin: return try checked(doubles, { Glibc.sin($0) }, domain: { !$0.isInfinite }, outOfRange)
    case .cos: return try checked(doubles, { Glibc.cos($0) }, domain: { !$0.isInfinite }, outOfRange)
    case .tan: return try checked(doubles, { Glibc.tan($0) }, domain: { !$0.isInfinite }, outOfRange)
    case .cot: return try checked(doubles, { 1 / Glibc.tan($0) }, domain: { !$0.isInfinite }, outOfRange)
    case .asin: return try checked(doubles, { Glibc.asin($0) }, domain: { $0.isNaN || $0.magnitude <= 1 }, outOfRange)
    case .acos: return try checked(doubles, { Glibc.acos($0) }, domain: { $0.isNaN || $0.magnitude <= 1 }, outOfRange)
    case .atan: return mapUnary(doubles, .double) { (a: Double) in Glibc.atan(a) }
    case .sinh: return mapUnary(doubles, .double) { (a: Double) in Glibc.sinh(a) }
    case .cosh: return mapUnary(doubles, .double) { (a: Double) in Glibc.cosh(a) }
    case .tanh: return mapUnary(doubles, .double) { (a: Double) in Glibc.tanh(a) }
    case .asinh: return mapUnary(doubles, .double) { (a: Double) in Glibc.asinh(a) }
    case .acosh: return try checked(doubles, { Glibc.acosh($0) }, domain: { !($0 < 1) }, outOfRange)
    case .atanh: return try checked(doubles, { Glibc.atanh($0) }, domain: { !($0.magnitude > 1) }, outOfRange)
    }
  }

  static let outOfRange = PulsehouseError(.user, "input is out of range", sqlState: "22003")
  static let negativeRoot = PulsehouseError(.user, "cannot take square root of a negative number", sqlState: "2201F")
  static let zeroLogarithm = PulsehouseError(.user, "cannot take logarithm of zero", sqlState: "2201E")
  static let negativeLogarithm = PulsehouseError(
    .user, "cannot take logarithm of a negative number", sqlState: "2201E")

  private static func numeric(_ operand: Vector, _ body: (Numeric) throws -> Numeric) throws -> Vector {
    try mapUnaryThrowing(operand, NumericVectors.type) { (a: Numeric) -> Numeric? in try body(a) }
  }

  @inline(__always) private static func checked(
    _ doubles: Vector, _ body: (Double) -> Double, domain: (Double) -> Bool, _ error: PulsehouseError
  ) throws -> Vector {
    try mapUnaryChecked(doubles, .double, { (a: Double) in (body(a), !domain(a)) }, { _ in error })
  }

  @inline(__always) private static func logarithm(_ doubles: Vector, _ body: (Double) -> Double) throws -> Vector {
    try mapUnaryChecked(
      doubles, .double, { (a: Double) in (body(a), a <= 0) }, { a in a == 0 ? zeroLogarithm : negativeLogarithm })
  }

  /// `power(a, b)` of double precision or numeric.
  package static func power(_ left: Vector, _ right: Vector, _ type: LogicalType) throws -> Vector {
    if type.isNumeric {
      let (a, b) = (try Cast.vector(left, to: NumericVectors.type), try Cast.vector(right, to: NumericVectors.type))
      return try mapBinaryThrowing(a, b, NumericVectors.type) { (a: Numeric, b: Numeric) -> Numeric? in
        try NumericPower.power(a, b)
      }
    }
    let (a, b) = (try Cast.vector(left, to: .double), try Cast.vector(right, to: .double))
    return try mapBinaryThrowing(a, b, .double) { (a: Double, b: Double) -> Double? in
      if a == 0 && b < 0 { throw NumericPower.zeroToNegative }
      if a < 0, !b.isNaN, b != b.rounded(.towardZero) { throw NumericPower.complexResult }
      let result = Glibc.pow(a, b)
      if result.isInfinite && !a.isInfinite && !b.isInfinite { throw Failure.floatOverflow }
      if result == 0 && a != 0 && !a.isInfinite && !b.isInfinite { throw Failure.floatUnderflow }
      return result
    }
  }

  package static func atan2(_ left: Vector, _ right: Vector) throws -> Vector {
    mapBinary(try Cast.vector(left, to: .double), try Cast.vector(right, to: .double), .double) {
      (a: Double, b: Double) in Glibc.atan2(a, b)
    }
  }

  /// `log(base, value)` of numeric.
  package static func log(base: Vector, _ operand: Vector) throws -> Vector {
    let (a, b) = (try Cast.vector(base, to: NumericVectors.type), try Cast.vector(operand, to: NumericVectors.type))
    return try mapBinaryThrowing(a, b, NumericVectors.type) { (base: Numeric, value: Numeric) -> Numeric? in
      try NumericPower.log(base: base, value)
    }
  }

  /// The integer quotient of numerics, cut off.
  package static func div(_ left: Vector, _ right: Vector) throws -> Vector {
    let (a, b) = (try Cast.vector(left, to: NumericVectors.type), try Cast.vector(right, to: NumericVectors.type))
    return try mapBinaryThrowing(a, b, NumericVectors.type) { (a: Numeric, b: Numeric) -> Numeric? in
      let rest = try NumericArithmetic.modulo(a, b)
      if a.special | b.special != 0 { return try NumericArithmetic.divide(a, b) }
      let exact = try NumericArithmetic.subtract(a, rest)
      return try NumericArithmetic.truncate(try NumericArithmetic.divide(exact, b, scale: 0), 0)
    }
  }

  package static func gcd(_ left: Vector, _ right: Vector, _ type: LogicalType, isMultiple: Bool) throws -> Vector {
    guard type.isInteger else {
      let (a, b) = (try Cast.vector(left, to: NumericVectors.type), try Cast.vector(right, to: NumericVectors.type))
      return try mapBinaryThrowing(a, b, NumericVectors.type) { (a: Numeric, b: Numeric) -> Numeric? in
        try NumericPower.gcd(a, b, isMultiple: isMultiple)
      }
    }
    let (a, b) = (try Cast.vector(left, to: .bigint), try Cast.vector(right, to: .bigint))
    let wide = try mapBinaryThrowing(a, b, .bigint) { (a: Int64, b: Int64) -> Int64? in
      var (x, y) = (a.magnitude, b.magnitude)
      while y != 0 { (x, y) = (y, x % y) }
      var result = x
      if isMultiple {
        if a == 0 || b == 0 { return 0 }
        let (product, overflow) = (a.magnitude / x).multipliedReportingOverflow(by: b.magnitude)
        guard !overflow else { throw Failure.outOfRange(type) }
        result = product
      }
      guard let value = Int64(exactly: result) else { throw Failure.outOfRange(type) }
      return value
    }
    return try Cast.vector(wide, to: type)
  }

  package static func factorial(_ operand: Vector) throws -> Vector {
    try mapUnaryThrowing(try Cast.vector(operand, to: .bigint), NumericVectors.type) { (n: Int64) -> Numeric? in
      guard n >= 0 else {
        throw PulsehouseError(.user, "factorial of a negative number is undefined", sqlState: "22003")
      }
      guard n <= 33 else { throw Failure.numericOverflow }
      var result: UInt128 = 1
      for factor in 1..<UInt128(max(n, 1) + 1) { result *= factor }
      return try NumericArithmetic.make(result, isNegative: false, scale: 0)
    }
  }

  /// `width_bucket(value, low, high, buckets)`: 0 below, `buckets` + 1 above.
  package static func widthBucket(_ arguments: [Vector], count: Int) throws -> Vector {
    let isNumeric = arguments[0].type.isNumeric
    let type: LogicalType = isNumeric ? NumericVectors.type : .double
    let operands =
      try arguments.prefix(3).map { try Cast.vector($0, to: type).spread }
      + [Cast.vector(arguments[3], to: .integer).spread]
    let buckets = Operand<Int32>(operands[3])
    func failure(_ message: String) -> PulsehouseError { PulsehouseError(.user, message, sqlState: "2201G") }
    if isNumeric {
      let fields = operands.prefix(3).map { Operand<Numeric>($0) }
      return try mapRows(.integer, count: count, operands) { row -> Int32 in
        let (value, low, high, number) = (fields[0][row], fields[1][row], fields[2][row], buckets[row])
        guard number > 0 else { throw failure("count must be greater than zero") }
        guard value.special != 1, low.special != 1, high.special != 1 else {
          throw failure("operand, lower bound, and upper bound cannot be NaN")
        }
        guard low.special == 0, high.special == 0 else { throw failure("lower and upper bounds must be finite") }
        let order = ValueOrder.compare(low, high)
        guard order != 0 else { throw failure("lower bound cannot equal upper bound") }
        if ValueOrder.compare(value, low) * -order < 0 { return 0 }
        if ValueOrder.compare(value, high) * -order >= 0 { return try above(number) }
        let scaled = try NumericArithmetic.multiply(
          try NumericArithmetic.subtract(value, low), NumericArithmetic.make(Int64(number)))
        let width = try NumericArithmetic.subtract(high, low)
        let rest = try NumericArithmetic.modulo(scaled, width)
        let bucket = try NumericArithmetic.divide(try NumericArithmetic.subtract(scaled, rest), width, scale: 0)
        return Int32(truncatingIfNeeded: bucket.mantissa) + 1
      }
    }
    let fields = operands.prefix(3).map { Operand<Double>($0) }
    return try mapRows(.integer, count: count, operands) { row -> Int32 in
      let (value, low, high, number) = (fields[0][row], fields[1][row], fields[2][row], buckets[row])
      guard number > 0 else { throw failure("count must be greater than zero") }
      guard !value.isNaN, !low.isNaN, !high.isNaN else {
        throw failure("operand, lower bound, and upper bound cannot be NaN")
      }
      guard low.isFinite, high.isFinite else { throw failure("lower and upper bounds must be finite") }
      guard low != high else { throw failure("lower bound cannot equal upper bound") }
      let isBelow = low < high ? value < low : value > low
      if isBelow { return 0 }
      let isAbove = low < high ? value >= high : value <= high
      if isAbove { return try above(number) }
      // Halves keep the width finite.
      let share = (value / 2 - low / 2) / (high / 2 - low / 2)
      return min(Int32(share * Double(number)), number - 1) + 1
    }
  }

  private static func above(_ number: Int32) throws -> Int32 {
    guard number < Int32.max else { throw Failure.outOfRange(.integer) }
    return number + 1
  }

  /// `greatest` and `least`: NULLs are skipped.
  package static func extreme(_ arguments: [Vector], isGreatest: Bool, _ type: LogicalType) throws -> Vector {
    var result = try Cast.vector(arguments[0], to: type)
    for argument in arguments.dropFirst() {
      let next = try Cast.vector(argument, to: type)
      let better = Compare.vectors(isGreatest ? .greater : .less, next, result)
      var take = SelectionVector(whereTrue: better)
      if result.validity != nil {
        let missing = Boolean.and(Boolean.isNull(result), Boolean.isNull(next, negated: true))
        take = SelectionVector(
          whereTrue: Boolean.or(Boolean.and(better, Boolean.isNull(better, negated: true)), missing))
      }
      if take.count == 0 { continue }
      if take.count == result.count {
        result = next
        continue
      }
      var isTaken = [Bool](repeating: false, count: result.count)
      for row in take.indices { isTaken[Int(row)] = true }
      let kept = SelectionVector((0..<UInt32(result.count)).filter { !isTaken[Int($0)] })
      result = Choice.assemble(
        [(take, Gather.rows(next, take)), (kept, Gather.rows(result, kept))], type: type, count: result.count)
    }
    return result
  }
}
