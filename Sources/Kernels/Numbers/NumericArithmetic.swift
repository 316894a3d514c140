import Bytes
import Glibc
import Vectors

/// Exact decimal arithmetic on single values with PostgreSQL's display scales.
///
/// A result of more than 38 digits is an error (22003), never a rounded answer.
package enum NumericArithmetic {
  /// 10^38, the first magnitude that has too many digits.
  private static var limit: UInt128 { PowerOfTen.uint128(38) }

  /// - Throws: 22003 for more than 38 digits, also after the point.
  package static func make(_ magnitude: UInt128, isNegative: Bool, scale: Int32) throws -> Numeric {
    guard magnitude < limit, scale <= 38 else { throw Failure.numericOverflow }
    let value = Int128(magnitude)
    return Numeric(mantissa: isNegative ? -value : value, scale: scale)
  }

  package static func add(_ left: Numeric, _ right: Numeric) throws -> Numeric {
    if left.special | right.special != 0 { return specialSum(left, right) }
    if left.scale == right.scale, let a = Int64(exactly: left.mantissa), let b = Int64(exactly: right.mantissa) {
      return Numeric(mantissa: Int128(a) + Int128(b), scale: left.scale)
    }
    let (a, b, scale) = try aligned(left, right)
    let (sum, overflow) = a.addingReportingOverflow(b)
    guard !overflow, sum.magnitude < limit else { throw Failure.numericOverflow }
    return Numeric(mantissa: sum, scale: scale)
  }

  package static func subtract(_ left: Numeric, _ right: Numeric) throws -> Numeric {
    try add(left, negate(right))
  }

  package static func negate(_ value: Numeric) -> Numeric {
    switch value.special {
    case 0: Numeric(mantissa: -value.mantissa, scale: value.scale)
    case 2: .negativeInfinity
    case 3: .infinity
    default: value
    }
  }

  package static func abs(_ value: Numeric) -> Numeric {
    value.special == 3 || (value.special == 0 && value.mantissa < 0) ? negate(value) : value
  }

  package static func multiply(_ left: Numeric, _ right: Numeric) throws -> Numeric {
    if left.special | right.special != 0 {
      if left.special == 1 || right.special == 1 { return .nan }
      let sign = signum(left) * signum(right)
      return sign == 0 ? .nan : sign > 0 ? .infinity : .negativeInfinity
    }
    let scale = left.scale + right.scale
    if scale <= 38, let a = Int64(exactly: left.mantissa), let b = Int64(exactly: right.mantissa) {
      let product = a.multipliedFullWidth(by: b)
      return try make(
        (Int128(product.high) << 64 | Int128(product.low)).magnitude, isNegative: (a < 0) != (b < 0), scale: scale)
    }
    let isNegative = (left.mantissa < 0) != (right.mantissa < 0)
    let product = Wide.product(left.mantissa.magnitude, right.mantissa.magnitude)
    if product.high == 0, product.low < limit, scale <= 38 {
      return try make(product.low, isNegative: isNegative, scale: scale)
    }
    // Without trailing zeros it may fit: the value is the same, only zeros are not shown.
    let (a, b) = (left.reduced, right.reduced)
    let reduced = Wide.product(a.mantissa.magnitude, b.mantissa.magnitude)
    guard reduced.high == 0 else { throw Failure.numericOverflow }
    return try make(reduced.low, isNegative: isNegative, scale: a.scale + b.scale)
  }

  /// Divides with as many digits as PostgreSQL chooses: at least 16 significant ones, rounded half away from zero.
  package static func divide(_ left: Numeric, _ right: Numeric) throws -> Numeric {
    if left.special == 1 || right.special == 1 { return .nan }
    if right.special != 0 {
      return left.special != 0 ? .nan : Numeric(mantissa: 0, scale: 0)
    }
    guard right.mantissa != 0 else { throw Failure.divisionByZero }
    if left.special != 0 { return signum(left) * signum(right) > 0 ? .infinity : .negativeInfinity }
    return try divide(left, right, scale: divisionScale(left, right))
  }

  /// Divides finite numbers (the divisor not zero) to `scale` digits after the point.
  static func divide(_ left: Numeric, _ right: Numeric, scale: Int32) throws -> Numeric {
    let isNegative = (left.mantissa < 0) != (right.mantissa < 0)
    let shift = scale + right.scale - left.scale
    let divisor = right.mantissa.magnitude
    if shift >= 0 {
      guard let numerator = Wide.scaled(left.mantissa.magnitude, byPowerOfTen: shift),
        let quotient = numerator.divided(roundingBy: divisor)
      else { throw Failure.numericOverflow }
      return try make(quotient, isNegative: isNegative, scale: scale)
    }
    guard let scaled = Wide.scaled(divisor, byPowerOfTen: -shift), scaled.high == 0 else {
      return Numeric(mantissa: 0, scale: scale)
    }
    let quotient = Wide(low: left.mantissa.magnitude).divided(roundingBy: scaled.low) ?? 0
    return try make(quotient, isNegative: isNegative, scale: scale)
  }

  /// PostgreSQL's choice, in its terms of digits to the base 10,000.
  static func divisionScale(_ left: Numeric, _ right: Numeric) -> Int32 {
    let (leftWeight, leftDigit) = leadingGroup(left)
    let (rightWeight, rightDigit) = leadingGroup(right)
    var weight = leftWeight - rightWeight
    if leftDigit <= rightDigit { weight -= 1 }
    return max(16 - weight * 4, left.scale, right.scale, 0)
  }

  /// The power of 10,000 and the value of the first base-10,000 digit; (0, 0) for zero.
  static func leadingGroup(_ value: Numeric) -> (weight: Int32, digit: Int32) {
    guard value.mantissa != 0 else { return (0, 0) }
    let magnitude = value.mantissa.magnitude
    let exponent = digitCount(magnitude) - 1 - value.scale
    let weight = exponent >= 0 ? exponent / 4 : (exponent - 3) / 4
    let shift = value.scale + weight * 4
    let digit = shift >= 0 ? magnitude / PowerOfTen.uint128(shift) : magnitude * PowerOfTen.uint128(-shift)
    return (weight, Int32(truncatingIfNeeded: digit))
  }

  package static func modulo(_ left: Numeric, _ right: Numeric) throws -> Numeric {
    if left.special == 1 || right.special == 1 { return .nan }
    if left.special != 0 {
      if right.special == 0, right.mantissa == 0 { throw Failure.divisionByZero }
      return .nan
    }
    if right.special != 0 { return left }
    guard right.mantissa != 0 else { throw Failure.divisionByZero }
    let (a, b, scale) = try aligned(left, right)
    return Numeric(mantissa: a % b, scale: scale)
  }

  /// Rounds half away from zero to `digits` after the point (before it when negative), which becomes the scale.
  package static func round(_ value: Numeric, _ digits: Int32) throws -> Numeric {
    try rescale(value, digits) { remainder, divisor in remainder >= divisor - remainder }
  }

  /// Cuts off after `digits` digits.
  package static func truncate(_ value: Numeric, _ digits: Int32) throws -> Numeric {
    try rescale(value, digits) { _, _ in false }
  }

  package static func floor(_ value: Numeric) throws -> Numeric {
    try rescale(value, 0) { remainder, _ in value.mantissa < 0 && remainder != 0 }
  }

  package static func ceil(_ value: Numeric) throws -> Numeric {
    try rescale(value, 0) { remainder, _ in value.mantissa > 0 && remainder != 0 }
  }

  private static func rescale(
    _ value: Numeric, _ digits: Int32, roundsUp: (_ remainder: UInt128, _ divisor: UInt128) -> Bool
  ) throws -> Numeric {
    guard value.special == 0 else { return value }
    let scale = max(digits, 0)
    if digits >= value.scale {
      guard let grown = Wide.scaled(value.mantissa.magnitude, byPowerOfTen: digits - value.scale), grown.high == 0
      else { throw Failure.numericOverflow }
      return try make(grown.low, isNegative: value.mantissa < 0, scale: scale)
    }
    let drop = value.scale - digits
    if drop > 38 { return Numeric(mantissa: 0, scale: scale) }
    let divisor = PowerOfTen.uint128(drop)
    var (quotient, remainder) = value.mantissa.magnitude.quotientAndRemainder(dividingBy: divisor)
    if roundsUp(remainder, divisor) { quotient += 1 }
    if digits < 0 {
      guard let grown = Wide.scaled(quotient, byPowerOfTen: -digits), grown.high == 0 else {
        throw Failure.numericOverflow
      }
      quotient = grown.low
    }
    return try make(quotient, isNegative: value.mantissa < 0, scale: scale)
  }

  package static func squareRoot(_ value: Numeric) throws -> Numeric {
    if value.special == 1 || value.special == 2 { return value }
    guard signum(value) >= 0 else {
      throw PulsehouseError(.user, "cannot take square root of a negative number", sqlState: "2201F")
    }
    let (weight, _) = leadingGroup(value)
    let resultWeight = weight >= 0 ? weight * 4 / 2 + 1 : 1 - (1 - weight * 4) / 2
    let scale = max(16 - resultWeight, value.scale, 0)
    guard let scaled = Wide.scaled(value.mantissa.magnitude, byPowerOfTen: 2 * scale - value.scale) else {
      throw Failure.numericOverflow
    }
    let root = scaled.squareRoot
    // Rounds up when the value is above (root + 1/2)^2 = root^2 + root + 1/4.
    let square = Wide.product(root, root)
    let (low, borrow) = scaled.low.subtractingReportingOverflow(square.low)
    let high = scaled.high &- square.high &- (borrow ? 1 : 0)
    let roundsUp = high > 0 || low > root
    return try make(roundsUp ? root + 1 : root, isNegative: false, scale: scale)
  }

  package static func compare(_ left: Numeric, _ right: Numeric) -> Int { ValueOrder.compare(left, right) }

  /// -1, 0 or 1; NaN gives 0.
  static func signum(_ value: Numeric) -> Int {
    switch value.special {
    case 0: Int(value.mantissa.signum())
    case 1: 0
    case 2: 1
    default: -1
    }
  }

  /// Decimal digits of a magnitude, 1 for zero.
  static func digitCount(_ magnitude: UInt128) -> Int32 {
    if magnitude < 10_000_000_000_000_000_000 {
      let small = UInt64(truncatingIfNeeded: magnitude)
      var count: Int32 = 1
      while count < 19, small >= PowerOfTen.uint64(count) { count += 1 }
      return count
    }
    var count: Int32 = 20
    while count < 38, magnitude >= PowerOfTen.uint128(count) { count += 1 }
    return magnitude >= PowerOfTen.uint128(38) ? 39 : count
  }

  private static func aligned(_ left: Numeric, _ right: Numeric) throws -> (Int128, Int128, Int32) {
    if left.scale == right.scale { return (left.mantissa, right.mantissa, left.scale) }
    let scale = max(left.scale, right.scale)
    return (try raised(left, to: scale), try raised(right, to: scale), scale)
  }

  private static func raised(_ value: Numeric, to scale: Int32) throws -> Int128 {
    let shift = scale - value.scale
    if shift == 0 || value.mantissa == 0 { return value.mantissa }
    let (result, overflow) = value.mantissa.multipliedReportingOverflow(by: PowerOfTen.int128(shift))
    guard !overflow, shift <= 38 else { throw Failure.numericOverflow }
    return result
  }

  private static func specialSum(_ left: Numeric, _ right: Numeric) -> Numeric {
    if left.special == 1 || right.special == 1 { return .nan }
    if left.special == 0 { return right }
    if right.special == 0 || left.special == right.special { return left }
    return .nan
  }

  // MARK: Conversions

  package static func make(_ value: Int64) -> Numeric { Numeric(mantissa: Int128(value), scale: 0) }

  /// Takes the digits PostgreSQL takes: 15 significant ones of a double.
  package static func make(_ value: Double) throws -> Numeric { try make(value, significantDigits: 15) }

  /// Takes 6 significant digits, as PostgreSQL does for real.
  package static func make(_ value: Float) throws -> Numeric { try make(Double(value), significantDigits: 6) }

  private static func make(_ value: Double, significantDigits: Int32) throws -> Numeric {
    if value.isNaN { return .nan }
    if value.isInfinite { return value > 0 ? .infinity : .negativeInfinity }
    if value.magnitude < 1e15, value == value.rounded(.towardZero), significantDigits >= 15 {
      return make(Int64(value))
    }
    return try withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
      guard let base = buffer.baseAddress else { throw Failure.numericOverflow }
      let length = withVaList([significantDigits, value]) { vsnprintf(base, 64, "%.*g", $0) }
      let bytes = UnsafeRawBufferPointer(start: base, count: Int(length))
      guard let number = try parse(bytes) else { throw Failure.numericOverflow }
      return number
    }
  }

  /// Returns the nearest double.
  package static func double(_ value: Numeric) -> Double {
    switch value.special {
    case 1: return .nan
    case 2: return .infinity
    case 3: return -.infinity
    default: break
    }
    // Both exact, so one correctly rounded division is the nearest double.
    if value.mantissa.magnitude <= 1 << 53, value.scale <= 22 {
      return Double(Int64(truncatingIfNeeded: value.mantissa)) / powerOfTen(value.scale)
    }
    return strtod(value.description, nil)
  }

  /// Exact for 0...22.
  private static func powerOfTen(_ exponent: Int32) -> Double {
    if exponent <= 19 { return Double(PowerOfTen.uint64(exponent)) }
    return 1e19 * Double(PowerOfTen.uint64(exponent - 19))
  }

  /// Rounds half away from zero; nil outside `Int64` or not a number.
  package static func integer(_ value: Numeric) -> Int64? {
    guard value.special == 0, let whole = try? round(value, 0) else { return nil }
    return Int64(exactly: whole.mantissa)
  }

  /// Applies `numeric(precision, scale)`: rounds to the scale, then checks the digits.
  package static func constrain(_ value: Numeric, precision: Int?, scale: Int?) throws -> Numeric {
    guard let precision else { return value }
    let scale = scale ?? 0
    if value.special == 1 { return value }
    let failure = PulsehouseError(
      .user, "numeric field overflow", sqlState: "22003",
      detail: value.special == 0
        ? "A field with precision \(precision), scale \(scale) must round to an absolute value less than "
          + (precision == scale ? "1." : "10^\(precision - scale).")
        : "A field with precision \(precision), scale \(scale) cannot hold an infinite value.")
    if value.special != 0 { throw failure }
    guard let rounded = try? round(value, Int32(clamping: scale)) else { throw failure }
    let digits = Int32(clamping: precision) + (scale < 0 ? Int32(clamping: -scale) : 0)
    guard digits > 38 || rounded.mantissa.magnitude < PowerOfTen.uint128(digits) else { throw failure }
    return rounded
  }

  /// Parses `[sign]digits[.digits][e[sign]digits]`, `NaN`, `[sign]inf[inity]`, blanks around it; nil when it is none.
  ///
  /// - Throws: 22003 when it has more than 38 digits.
  package static func parse(_ bytes: UnsafeRawBufferPointer) throws -> Numeric? {
    var cursor = TextCursor(bytes)
    cursor.skipBlanks()
    var isNegative = false
    var hasSign = false
    if cursor.take(0x2D) {
      isNegative = true
      hasSign = true
    } else if cursor.take(0x2B) {
      hasSign = true
    }
    if let word = cursor.takeWord() {
      cursor.skipBlanks()
      guard cursor.isAtEnd else { return nil }
      switch word {
      case "nan": return hasSign ? nil : .nan
      case "inf", "infinity": return isNegative ? .negativeInfinity : .infinity
      default: return nil
      }
    }
    var mantissa: UInt128 = 0
    var scale: Int32 = 0
    var digits = 0
    var seenPoint = false
    var tooLong = false
    while let byte = cursor.peek {
      if byte == 0x2E, !seenPoint {
        seenPoint = true
      } else if byte >= 0x30, byte <= 0x39 {
        // One digit more than 10^37 has room for.
        if mantissa >= PowerOfTen.uint128(37) { tooLong = true }
        if !tooLong { mantissa = mantissa * 10 + UInt128(byte - 0x30) }
        digits += 1
        if seenPoint, scale < 100_000 { scale += 1 }
      } else {
        break
      }
      cursor.advance()
    }
    guard digits > 0 else { return nil }
    if let byte = cursor.peek, byte == 0x65 || byte == 0x45 {
      cursor.advance()
      guard let exponent = cursor.takeSignedInteger(limit: 100_000) else { return nil }
      scale -= Int32(exponent)
    }
    cursor.skipBlanks()
    guard cursor.isAtEnd else { return nil }
    if tooLong { throw Failure.numericOverflow }
    if scale < 0 {
      if mantissa != 0 {
        guard let grown = Wide.scaled(mantissa, byPowerOfTen: -scale), grown.high == 0 else {
          throw Failure.numericOverflow
        }
        mantissa = grown.low
      }
      scale = 0
    }
    guard scale <= 38 || mantissa == 0 else { throw Failure.numericOverflow }
    return try make(mantissa, isNegative: isNegative, scale: min(scale, 38))
  }
}
