import Vectors

/// Orders boxed values of one type as PostgreSQL does: NaN above every number, -0 equal to 0, text by bytes.
package enum ScalarOrder {
  /// Returns a negative, zero or positive number as `left` sorts before, with or after `right`; nil when either is NULL
  /// or they are of different kinds.
  package static func compare(_ left: Scalar, _ right: Scalar) -> Int? {
    switch (left, right) {
    case (.boolean(let a), .boolean(let b)): a == b ? 0 : (b ? -1 : 1)
    case (.integer(let a), .integer(let b)): order(a, b)
    case (.real(let a), .real(let b)): floats(Double(a), Double(b))
    case (.double(let a), .double(let b)): floats(a, b)
    case (.numeric(let a), .numeric(let b)): numerics(a, b)
    case (.text(let a), .text(let b)): texts(a, b)
    case (.bytes(let a), .bytes(let b)): lexicographic(a, b)
    case (.interval(let a), .interval(let b)): order(span(a), span(b))
    case (.uuid(let a), .uuid(let b)): a.high == b.high ? order(a.low, b.low) : order(a.high, b.high)
    default: nil
    }
  }

  @inline(__always) static func order<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : (a == b ? 0 : 1) }

  @inline(__always) static func floats(_ a: Double, _ b: Double) -> Int {
    if a.isNaN { return b.isNaN ? 0 : 1 }
    if b.isNaN { return -1 }
    return order(a, b)
  }

  private static func texts(_ a: String, _ b: String) -> Int {
    var left = a.utf8.makeIterator()
    var right = b.utf8.makeIterator()
    while true {
      switch (left.next(), right.next()) {
      case (nil, nil): return 0
      case (nil, _): return -1
      case (_, nil): return 1
      case (let x?, let y?): if x != y { return x < y ? -1 : 1 }
      }
    }
  }

  private static func lexicographic(_ a: [UInt8], _ b: [UInt8]) -> Int {
    let shared = min(a.count, b.count)
    for index in 0..<shared where a[index] != b[index] { return a[index] < b[index] ? -1 : 1 }
    return order(a.count, b.count)
  }

  /// An interval as PostgreSQL compares it: 30-day months, 24-hour days.
  static func span(_ value: Interval) -> Int128 {
    (Int128(value.months) * 30 + Int128(value.days)) * 86_400_000_000 + Int128(value.microseconds)
  }

  static func numerics(_ a: Numeric, _ b: Numeric) -> Int {
    func rank(_ value: Numeric) -> Int {
      switch value.special {
      case 0: 1
      case 1: 3
      case 2: 2
      default: 0
      }
    }
    if a.special != 0 || b.special != 0 { return order(rank(a), rank(b)) }
    if a.scale == b.scale { return order(a.mantissa, b.mantissa) }
    if (a.mantissa < 0) != (b.mantissa < 0) { return a.mantissa < 0 ? -1 : 1 }
    // Scaling the one with fewer decimals up may leave 128 bits; then it is the larger in magnitude.
    let aIsCoarse = a.scale < b.scale
    let coarse = aIsCoarse ? a : b
    let fine = aIsCoarse ? b : a
    var scaled = coarse.mantissa
    var steps = Int(fine.scale) - Int(coarse.scale)
    while steps > 0 && scaled != 0 {
      let (product, overflow) = scaled.multipliedReportingOverflow(by: 10)
      if overflow {
        let coarseOrder = scaled < 0 ? -1 : 1
        return aIsCoarse ? coarseOrder : -coarseOrder
      }
      scaled = product
      steps -= 1
    }
    return aIsCoarse ? order(scaled, fine.mantissa) : order(fine.mantissa, scaled)
  }
}
