import Bytes
import Glibc
import Vectors

/// Powers, exponentials and logarithms of numeric.
///
/// Whole powers are exact; the others are computed in extended precision (64 bits of mantissa on x86) and given the
/// scale PostgreSQL gives, at least 16 significant digits.
enum NumericPower {
  #if arch(x86_64)
    private typealias Extended = Float80
  #else
    private typealias Extended = Double
  #endif

  static let zeroToNegative = PulsehouseError(
    .user, "zero raised to a negative power is undefined", sqlState: "2201F")
  static let complexResult = PulsehouseError(
    .user, "a negative number raised to a non-integer power yields a complex result", sqlState: "2201F")

  private static func extended(_ value: Numeric) -> Extended {
    Extended(value.mantissa) / Extended(PowerOfTen.int128(value.scale))
  }

  /// Rounds to `scale` digits after the point.
  private static func numeric(_ value: Extended, scale: Int32) throws -> Numeric {
    let scale = max(0, min(scale, 38))
    guard value.isFinite else { throw Failure.numericOverflow }
    var whole = value.rounded(.towardZero)
    let isNegative = value < 0
    whole = whole.magnitude
    guard whole < 1e38 else { throw Failure.numericOverflow }
    let fraction = (value.magnitude - whole) * Extended(PowerOfTen.int128(scale))
    guard let integer = UInt128(exactly: whole),
      let digits = UInt128(exactly: fraction.rounded(.toNearestOrAwayFromZero)),
      let scaled = Wide.scaled(integer, byPowerOfTen: scale), scaled.high == 0
    else { throw Failure.numericOverflow }
    return try NumericArithmetic.make(scaled.low + digits, isNegative: isNegative, scale: scale)
  }

  static func exp(_ value: Numeric) throws -> Numeric {
    switch value.special {
    case 1, 2: return value
    case 3: return Numeric(mantissa: 0, scale: 0)
    default: break
    }
    let input = extended(value)
    // 16 significant digits: the power of ten of the result is about input * log10(e).
    let power = Int32(Double(input * 0.434294481903252).rounded(.towardZero).clamped(to: -100...100))
    return try numeric(Glibc.exp(input), scale: max(16 - power, value.scale, 0))
  }

  private static func checkLogarithm(_ value: Numeric) throws {
    let sign = NumericArithmetic.signum(value)
    if value.special == 1 { return }
    if sign == 0 { throw MathFunctions.zeroLogarithm }
    if sign < 0 { throw MathFunctions.negativeLogarithm }
  }

  /// The power of ten of a natural logarithm, cut off towards zero (down for arguments near one, as PostgreSQL does).
  private static func magnitude(ofLogarithm value: Numeric) -> Int32 {
    let input = Double(extended(value))
    if input >= 0.9 && input <= 1.1 {
      let distance = (input - 1).magnitude
      return distance == 0 ? 0 : Int32(Glibc.log10(distance).rounded(.down).clamped(to: -100...100))
    }
    return Int32(Glibc.log10(Glibc.log(input).magnitude).rounded(.towardZero).clamped(to: -100...100))
  }

  static func ln(_ value: Numeric) throws -> Numeric {
    try checkLogarithm(value)
    if value.special != 0 { return value }
    let result = Glibc.log(extended(value))
    return try numeric(result, scale: max(16 - magnitude(ofLogarithm: value), value.scale, 0))
  }

  static func log10(_ value: Numeric) throws -> Numeric {
    try log(base: Numeric(mantissa: 10, scale: 0), value)
  }

  static func log(base: Numeric, _ value: Numeric) throws -> Numeric {
    try checkLogarithm(base)
    try checkLogarithm(value)
    if base.special == 1 || value.special == 1 { return .nan }
    if base.special != 0 { return value.special != 0 ? .nan : Numeric(mantissa: 0, scale: 0) }
    if value.special != 0 { return value }
    let denominator = Glibc.log(extended(base))
    guard denominator != 0 else { throw Failure.divisionByZero }
    let weight = magnitude(ofLogarithm: value) - magnitude(ofLogarithm: base)
    let scale = max(16 - weight, value.scale, base.scale, 0)
    let isTen = base.mantissa == 10 && base.scale == 0
    let result = isTen ? Glibc.log10(extended(value)) : Glibc.log(extended(value)) / denominator
    return try numeric(result, scale: scale)
  }

  static func power(_ base: Numeric, _ exponent: Numeric) throws -> Numeric {
    let one = Numeric(mantissa: 1, scale: 0)
    if exponent.special == 0, exponent.mantissa == 0 { return Numeric(mantissa: PowerOfTen.int128(16), scale: 16) }
    if base.special == 1 || exponent.special == 1 {
      return ValueOrder.compare(base, one) == 0 ? one : .nan
    }
    if base.special != 0 || exponent.special != 0 {
      let result = Glibc.pow(NumericArithmetic.double(base), NumericArithmetic.double(exponent))
      return try NumericArithmetic.make(result)
    }
    let whole = exponent.reduced
    if base.mantissa == 0 {
      if exponent.mantissa < 0 { throw zeroToNegative }
      return Numeric(mantissa: 0, scale: max(16, base.scale))
    }
    if base.mantissa < 0, whole.scale != 0 { throw complexResult }
    // The scale gives 16 significant digits of the result.
    let logarithm = Glibc.log10(extended(NumericArithmetic.abs(base))) * extended(exponent)
    guard logarithm < 38 else { throw Failure.numericOverflow }
    let power = Int32(Double(logarithm).rounded(.towardZero).clamped(to: -100...100))
    let scale = max(16 - power, base.scale, exponent.scale, 0)
    if whole.scale == 0 {
      // Whole powers always show 16 digits, fewer only where the 38 digits do not suffice for zeros.
      let scale = max(16, base.scale)
      if whole.mantissa > 0, let exact = exactPower(base, whole.mantissa) {
        let room = 38 - NumericArithmetic.digitCount(exact.mantissa.magnitude) + exact.scale
        return try NumericArithmetic.round(exact, min(scale, max(room, exact.scale)))
      }
      let result = try numeric(
        Glibc.pow(extended(NumericArithmetic.abs(base)), extended(exponent)), scale: scale)
      return base.mantissa < 0 && whole.mantissa & 1 == 1 ? NumericArithmetic.negate(result) : result
    }
    return try numeric(Glibc.pow(extended(base), extended(exponent)), scale: scale)
  }

  /// Returns the exact power, or nil past 38 digits.
  private static func exactPower(_ base: Numeric, _ exponent: Int128) -> Numeric? {
    guard exponent <= 256 else { return nil }
    var result = Numeric(mantissa: 1, scale: 0)
    let factor = base.reduced
    for _ in 0..<Int(exponent) {
      guard let next = try? NumericArithmetic.multiply(result, factor), next.scale <= 38 else { return nil }
      result = next
    }
    return result
  }

  static func gcd(_ left: Numeric, _ right: Numeric, isMultiple: Bool) throws -> Numeric {
    if left.special | right.special != 0 { return .nan }
    let scale = max(left.scale, right.scale)
    let a = try NumericArithmetic.round(left, scale)
    let b = try NumericArithmetic.round(right, scale)
    var (x, y) = (a.mantissa.magnitude, b.mantissa.magnitude)
    while y != 0 { (x, y) = (y, x % y) }
    if isMultiple {
      if a.mantissa == 0 || b.mantissa == 0 { return Numeric(mantissa: 0, scale: scale) }
      let (product, overflow) = (a.mantissa.magnitude / x).multipliedReportingOverflow(by: b.mantissa.magnitude)
      guard !overflow else { throw Failure.numericOverflow }
      x = product
    }
    return try NumericArithmetic.make(x, isNegative: false, scale: scale)
  }
}

extension Double {
  /// The nearest value of `range`; its lower bound for NaN.
  func clamped(to range: ClosedRange<Double>) -> Double {
    self > range.lowerBound ? Swift.min(self, range.upperBound) : range.lowerBound
  }
}
