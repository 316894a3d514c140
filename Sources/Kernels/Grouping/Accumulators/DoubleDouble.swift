/// A sum of doubles in two parts: what rounding drops from the first is kept in the second.
///
/// About 106 bits are kept, so the result does not depend on the order of the rows, nor on the number of threads, but
/// in the rarest of cases. Source: Knuth, two-sum; Ogita, Rump, Oishi, "Accurate sum and dot product".
struct DoubleDouble: BitwiseCopyable {
  var high: Double = 0
  var low: Double = 0

  @inline(__always) mutating func add(_ value: Double) {
    let sum = high + value
    let part = sum - high
    low += (high - (sum - part)) + (value - part)
    high = sum
  }

  @inline(__always) mutating func add(product left: Double, _ right: Double) {
    let product = left * right
    add(product)
    low += (-product).addingProduct(left, right)
  }

  mutating func add(_ other: DoubleDouble) {
    add(other.high)
    low += other.low
  }

  /// The nearest double. Infinities leave NaN in the second part, which then says nothing.
  var value: Double { high.isFinite && low.isFinite ? high + low : high }

  static func product(_ left: DoubleDouble, _ right: DoubleDouble) -> DoubleDouble {
    let high = left.high * right.high
    let low = (-high).addingProduct(left.high, right.high) + (left.high * right.low + left.low * right.high)
    let sum = high + low
    return DoubleDouble(high: sum, low: low - (sum - high))
  }

  static func - (left: DoubleDouble, right: DoubleDouble) -> DoubleDouble {
    var result = left
    result.add(DoubleDouble(high: -right.high, low: -right.low))
    return result
  }
}
