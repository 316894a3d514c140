import Vectors

/// How values of each physical type sort: PostgreSQL's btree order, `C` collation for text.
enum ValueOrder {
  @inline(__always) static func compare<T: Comparable>(_ left: T, _ right: T) -> Int {
    Int(truncatingIfNeeded: bit(left > right)) &- Int(truncatingIfNeeded: bit(left < right))
  }

  /// NaN sorts above everything and equals itself; -0.0 equals 0.0.
  @inline(__always) static func compare(_ left: Double, _ right: Double) -> Int {
    if left < right { return -1 }
    if left > right { return 1 }
    if left == right { return 0 }
    return Int(bit(left.isNaN)) &- Int(bit(right.isNaN))
  }

  @inline(__always) static func compare(_ left: StringReference, _ right: StringReference) -> Int {
    StringReference.compare(left, right)
  }

  static func compare(_ left: Numeric, _ right: Numeric) -> Int {
    if left.special | right.special != 0 { return compare(rank(left), rank(right)) }
    if left.scale == right.scale { return compare(left.mantissa, right.mantissa) }
    if left.scale < right.scale {
      let (scaled, overflow) = left.mantissa.multipliedReportingOverflow(
        by: PowerOfTen.int128(right.scale - left.scale))
      if overflow { return left.mantissa < 0 ? -1 : 1 }
      return compare(scaled, right.mantissa)
    }
    let (scaled, overflow) = right.mantissa.multipliedReportingOverflow(by: PowerOfTen.int128(left.scale - right.scale))
    if overflow { return right.mantissa < 0 ? 1 : -1 }
    return compare(left.mantissa, scaled)
  }

  /// -Infinity, numbers, Infinity, NaN. Two numbers rank alike, so call this only when one is special.
  private static func rank(_ value: Numeric) -> Int {
    switch value.special {
    case 1: 3
    case 2: 2
    case 3: 0
    default: 1
    }
  }

  @inline(__always) static func compare(_ left: Interval, _ right: Interval) -> Int { compare(left.span, right.span) }

  @inline(__always) static func compare(_ left: UUIDValue, _ right: UUIDValue) -> Int {
    left.high != right.high ? compare(left.high, right.high) : compare(left.low, right.low)
  }
}

/// Powers of ten without a table in memory that has to be initialised first.
enum PowerOfTen {
  /// 10^exponent for 0...19.
  static func uint64(_ exponent: Int32) -> UInt64 {
    switch exponent {
    case 0: 1
    case 1: 10
    case 2: 100
    case 3: 1000
    case 4: 10000
    case 5: 100_000
    case 6: 1_000_000
    case 7: 10_000_000
    case 8: 100_000_000
    case 9: 1_000_000_000
    case 10: 10_000_000_000
    case 11: 100_000_000_000
    case 12: 1_000_000_000_000
    case 13: 10_000_000_000_000
    case 14: 100_000_000_000_000
    case 15: 1_000_000_000_000_000
    case 16: 10_000_000_000_000_000
    case 17: 100_000_000_000_000_000
    case 18: 1_000_000_000_000_000_000
    default: 10_000_000_000_000_000_000
    }
  }

  /// 10^exponent for 0...38; a larger exponent gives 10^38.
  static func int128(_ exponent: Int32) -> Int128 {
    if exponent <= 19 { return Int128(uint64(exponent)) }
    return Int128(uint64(19)) * Int128(uint64(min(exponent, 38) - 19))
  }

  static func uint128(_ exponent: Int32) -> UInt128 { UInt128(int128(exponent)) }
}
