/// An exact decimal: `mantissa / 10^scale`, up to 38 digits, or NaN.
///
/// `scale` is PostgreSQL's display scale: 1.50 keeps its zero. Two values of different scale can be equal; compare by
/// value, not by bits. 32 bytes in a vector.
@frozen package struct Numeric: Sendable, BitwiseCopyable {
  package var mantissa: Int128
  package var scale: Int32
  /// 0 for a number; 1 for NaN, which sorts above every number and equals itself; 2 and 3 for ±infinity.
  package var special: Int32

  /// The most decimal digits a mantissa may have.
  package static let maximumDigits = 38

  @inlinable package init(mantissa: Int128, scale: Int32, special: Int32 = 0) {
    self.mantissa = mantissa
    self.scale = scale
    self.special = special
  }

  package static let nan = Numeric(mantissa: 0, scale: 0, special: 1)
  package static let infinity = Numeric(mantissa: 0, scale: 0, special: 2)
  package static let negativeInfinity = Numeric(mantissa: 0, scale: 0, special: 3)
}

extension Numeric: CustomStringConvertible {
  package var description: String {
    switch special {
    case 1: return "NaN"
    case 2: return "Infinity"
    case 3: return "-Infinity"
    default: break
    }
    var digits = String(mantissa.magnitude)
    if scale > 0 {
      let width = Int(scale) + 1
      if digits.utf8.count < width { digits = String(repeating: "0", count: width - digits.utf8.count) + digits }
      digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -Int(scale)))
    }
    return mantissa < 0 ? "-" + digits : digits
  }
}

/// PostgreSQL's interval: months, days and microseconds are kept apart. 16 bytes in a vector.
@frozen package struct Interval: Sendable, BitwiseCopyable, Hashable {
  package var months: Int32
  package var days: Int32
  package var microseconds: Int64

  @inlinable package init(months: Int32, days: Int32, microseconds: Int64) {
    self.months = months
    self.days = days
    self.microseconds = microseconds
  }
}

/// A UUID as two big-endian halves, so that unsigned comparison of the halves orders as the text does.
@frozen package struct UUIDValue: Sendable, BitwiseCopyable, Hashable {
  package var high: UInt64
  package var low: UInt64

  @inlinable package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}
