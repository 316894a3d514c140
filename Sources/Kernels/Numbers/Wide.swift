/// 256-bit unsigned intermediate results of decimal arithmetic.
struct Wide {
  var high: UInt128
  var low: UInt128

  init(high: UInt128 = 0, low: UInt128) {
    self.high = high
    self.low = low
  }

  static func product(_ left: UInt128, _ right: UInt128) -> Wide {
    let result = left.multipliedFullWidth(by: right)
    return Wide(high: result.high, low: result.low)
  }

  /// Returns `value * 10^exponent`, or nil past 256 bits.
  static func scaled(_ value: UInt128, byPowerOfTen exponent: Int32) -> Wide? {
    var result = Wide(low: value)
    var left = exponent
    while left > 0 {
      let step = min(left, 38)
      guard let next = result.multiplied(by: PowerOfTen.uint128(step)) else { return nil }
      result = next
      left -= step
    }
    return result
  }

  func multiplied(by factor: UInt128) -> Wide? {
    let lowPart = low.multipliedFullWidth(by: factor)
    let (highPart, overflow) = high.multipliedReportingOverflow(by: factor)
    if overflow { return nil }
    let (sum, carry) = highPart.addingReportingOverflow(lowPart.high)
    return carry ? nil : Wide(high: sum, low: lowPart.low)
  }

  /// Returns the quotient and remainder, or nil when the quotient needs more than 128 bits.
  func dividedOnce(by divisor: UInt128) -> (quotient: UInt128, remainder: UInt128)? {
    if high == 0 {
      let (quotient, remainder) = low.quotientAndRemainder(dividingBy: divisor)
      return (quotient, remainder)
    }
    guard high < divisor else { return nil }
    let (quotient, remainder) = divisor.dividingFullWidth((high, low))
    return (quotient, remainder)
  }

  /// Returns the quotient rounded half away from zero, or nil when it needs more than 128 bits.
  func divided(roundingBy divisor: UInt128) -> UInt128? {
    guard let (quotient, remainder) = dividedOnce(by: divisor) else { return nil }
    return remainder >= divisor - remainder ? quotient &+ 1 : quotient
  }

  static func < (left: Wide, right: Wide) -> Bool {
    left.high != right.high ? left.high < right.high : left.low < right.low
  }

  /// Returns the square root, rounded down.
  var squareRoot: UInt128 {
    if high == 0 && low == 0 { return 0 }
    var low: UInt128 = 0
    var high: UInt128 = .max
    while low < high {
      let middle = low + (high - low) / 2 + (high - low) % 2
      if self < Wide.product(middle, middle) { high = middle - 1 } else { low = middle }
    }
    return low
  }
}
