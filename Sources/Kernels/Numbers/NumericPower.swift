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
    if base.special == 1 || value.special == 1 { return .nan }
    try checkLogarithm(base)
    try checkLogarithm(value)
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
    if base.special != 0 || exponent.special != 0 {
      if exponent.special == 0, exponent.mantissa == 0 { return one }
      if base.special == 1 || exponent.special == 1 {
        return ValueOrder.compare(base, one) == 0 ? one : .nan
      }
      // Infinities count as whole numbers.
      if base.special == 0, base.mantissa == 0, NumericArithmetic.signum(exponent) < 0 { throw zeroToNegative }
      if NumericArithmetic.signum(base) < 0, exponent.special == 0, exponent.reduced.scale != 0 { throw complexResult }
      let result = Glibc.pow(NumericArithmetic.double(base), NumericArithmetic.double(exponent))
      return try NumericArithmetic.make(result)
    }
    if exponent.mantissa == 0 { return Numeric(mantissa: PowerOfTen.int128(16), scale: 16) }
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
      let magnitude = NumericArithmetic.abs(base).reduced
      let result =
        try Int32(exactly: whole.mantissa).map { try DecimalPower(magnitude).raised(to: $0, scale: scale) }
        ?? numeric(Glibc.pow(extended(magnitude), extended(exponent)), scale: scale)
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

/// A positive number of at most 38 digits times a power of ten of any size; products are rounded.
private struct DecimalPower {
  private var digits: UInt128
  /// The number is `digits` / 10^`scale`.
  private var scale: Int

  init(_ value: Numeric) {
    digits = value.mantissa.magnitude
    scale = Int(value.scale)
  }

  private init(digits: UInt128, scale: Int) {
    self.digits = digits
    self.scale = scale
  }

  private static func power(_ exponent: Int) -> UInt128 { UInt128(PowerOfTen.int128(Int32(exponent))) }

  private static func product(_ a: DecimalPower, _ b: DecimalPower) throws -> DecimalPower {
    let wide = Wide.product(a.digits, b.digits)
    var result = DecimalPower(digits: wide.low, scale: a.scale + b.scale)
    if wide.high > 0 {
      // Both have at most 38 digits, so the upper half of the product has fewer.
      guard let cut = (1...38).first(where: { power($0) > wide.high }),
        let digits = wide.divided(roundingBy: power(cut))
      else { throw Failure.numericOverflow }
      result = DecimalPower(digits: digits, scale: result.scale - cut)
    }
    if result.digits >= power(38) {
      result.digits = result.digits / 10 + (result.digits % 10 >= 5 ? 1 : 0)
      result.scale -= 1
    }
    return result
  }

  /// The power, rounded to `places` digits after the point, or fewer where 38 digits do not suffice for them.
  func raised(to exponent: Int32, scale places: Int32) throws -> Numeric {
    var result = DecimalPower(digits: 1, scale: 0)
    var square = self
    var rest = exponent.magnitude
    while true {
      if rest & 1 == 1 { result = try DecimalPower.product(result, square) }
      rest >>= 1
      if rest == 0 { break }
      square = try DecimalPower.product(square, square)
    }
    return exponent < 0 ? try result.inverse(Int(places)) : try result.rounded(Int(places))
  }

  /// At most 38.
  private var digitCount: Int { (1...38).first { DecimalPower.power($0) > digits } ?? 38 }

  private func rounded(_ places: Int) throws -> Numeric {
    let places = min(places, 38 - max(0, digitCount - scale))
    guard places >= 0 else { throw Failure.numericOverflow }
    if scale > places {
      let cut = scale - places
      let value = cut > 38 ? 0 : Wide(low: digits).divided(roundingBy: DecimalPower.power(cut))
      guard let value else { throw Failure.numericOverflow }
      return try NumericArithmetic.make(value, isNegative: false, scale: Int32(places))
    }
    guard places - scale <= 38 else { throw Failure.numericOverflow }
    let (value, overflow) = digits.multipliedReportingOverflow(by: DecimalPower.power(places - scale))
    if overflow { throw Failure.numericOverflow }
    return try NumericArithmetic.make(value, isNegative: false, scale: Int32(places))
  }

  /// One divided by the number.
  private func inverse(_ places: Int) throws -> Numeric {
    let isPowerOfTen = digits == DecimalPower.power(digitCount - 1)
    let places = min(places, 38 - max(0, scale - digitCount + (isPowerOfTen ? 2 : 1)))
    let exponent = scale + places
    guard places >= 0, exponent <= 76 else { throw Failure.numericOverflow }
    if exponent < 0 { return Numeric(mantissa: 0, scale: Int32(places)) }
    let one = Wide.product(DecimalPower.power(min(exponent, 38)), DecimalPower.power(max(exponent - 38, 0)))
    guard let value = one.divided(roundingBy: digits) else { throw Failure.numericOverflow }
    return try NumericArithmetic.make(value, isNegative: false, scale: Int32(places))
  }
}

extension Double {
  /// The nearest value of `range`; its lower bound for NaN.
  func clamped(to range: ClosedRange<Double>) -> Double {
    self > range.lowerBound ? Swift.min(self, range.upperBound) : range.lowerBound
  }
}
