/// The shortest decimal that reads back as a given double, for doubles of everyday size: Ulf Adams' Ryu with exact
/// 128-bit products in the place of its tables. As in PostgreSQL, a decimal halfway to a neighbour is not taken.
struct ShortestDecimal {
  /// The digits as a number without trailing zeros, at most 17 of them.
  private(set) var digits: UInt64
  /// `value = digits / 10^decimals`; negative for whole numbers that end in zeros.
  private(set) var decimals: Int

  /// Nil for a magnitude outside of `2^-6 ..< 2^49`: there all products fit, and the plain layout is PostgreSQL's.
  init?(_ magnitude: Double) {
    guard magnitude >= 0x1p-6, magnitude < 0x1p49 else { return nil }
    let significand = magnitude.significandBitPattern | 1 << 52
    // magnitude = significand * 2^-shift
    let shift = 52 - Int(magnitude.exponent)
    // Seventeen digits always suffice, and one more says how to round the last.
    var decimals = 19
    var bound = 0.1
    while magnitude >= bound {
      decimals &-= 1
      bound *= 10
    }
    // Four times the value, and the middles between it and its neighbours.
    let four = significand << 2
    let isPowerOfTwo = magnitude.significandBitPattern == 0
    let factor = UInt128(PowerOfTen.uint64(Int32(decimals)))
    let scaled = UInt128(four) * factor
    let upperScaled = UInt128(four + 2) * factor
    let lowerScaled = UInt128(four - (isPowerOfTwo ? 1 : 2)) * factor
    let bits = UInt128(shift + 2)
    let mask = (UInt128(1) << bits) - 1
    var value = UInt64(truncatingIfNeeded: scaled >> bits)
    var upper = UInt64(truncatingIfNeeded: upperScaled >> bits)
    var lower = UInt64(truncatingIfNeeded: lowerScaled >> bits)
    var isExact = scaled & mask == 0
    if upperScaled & mask == 0 { upper &-= 1 }
    var lastRemoved: UInt64 = 0
    while upper / 10 > lower / 10 {
      isExact = isExact && lastRemoved == 0
      lastRemoved = value % 10
      value /= 10
      upper /= 10
      lower /= 10
      decimals &-= 1
    }
    if isExact, lastRemoved == 5, value & 1 == 0 { lastRemoved = 4 }
    if value == lower || lastRemoved >= 5 { value += 1 }
    while value % 10 == 0, value != 0 {
      value /= 10
      decimals &-= 1
    }
    digits = value
    self.decimals = decimals
  }
}
