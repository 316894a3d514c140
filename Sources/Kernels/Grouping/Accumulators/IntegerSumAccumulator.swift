import Bytes
import Vectors

/// Exact sums and averages of smallint and integer: 64 bits of sum cannot overflow before 2^32 rows.
package final class IntegerSumAccumulator: Accumulator {
  private var sums = Store<Int64>(zeroed: 16)
  private var counts = Store<Int64>(zeroed: 16)
  private var groupCount = 0
  private let physical: PhysicalType
  private let result: SumResult
  private let type: LogicalType

  /// `type` is bigint or numeric for a sum, numeric for an average.
  init(of physical: PhysicalType, _ result: SumResult, type: LogicalType) {
    self.physical = physical
    self.result = result
    self.type = type
  }

  package override var byteCount: Int { sums.byteCount + counts.byteCount }

  package override func resize(to groupCount: Int) {
    guard groupCount > self.groupCount else { return }
    sums.reserve(groupCount, keeping: self.groupCount)
    counts.reserve(groupCount, keeping: self.groupCount)
    (sums.base + self.groupCount).update(repeating: 0, count: groupCount - self.groupCount)
    (counts.base + self.groupCount).update(repeating: 0, count: groupCount - self.groupCount)
    self.groupCount = groupCount
  }

  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) throws {
    if physical == .int16 {
      add(inputs[0], groups, as: Int16.self)
    } else {
      add(inputs[0], groups, as: Int32.self)
    }
  }

  @inline(__always) private func add<T: FixedWidthInteger & BitwiseCopyable>(
    _ vector: Vector, _ groups: UnsafePointer<UInt32>?, as type: T.Type
  ) {
    let sums = self.sums.base
    let counts = self.counts.base
    if groups == nil, vector.form == .flat, vector.validity == nil {
      let input = vector.values(as: T.self)
      let count = vector.count
      var total: Int64 = 0
      var row = 0
      while row < count {
        total &+= Int64(truncatingIfNeeded: input[row])
        row &+= 1
      }
      sums[0] &+= total
      counts[0] &+= Int64(count)
      return
    }
    forEachValid(vector, groups, as: T.self) { group, value in
      sums[group] &+= Int64(truncatingIfNeeded: value)
      counts[group] &+= 1
    }
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) throws {
    let other = unsafeDowncast(other, to: IntegerSumAccumulator.self)
    for index in 0..<count {
      let (from, to) = (Int(source[index]), Int(target[index]))
      let (sum, overflow) = sums.base[to].addingReportingOverflow(other.sums.base[from])
      if overflow { throw PulsehouseError.outOfRange("bigint") }
      sums.base[to] = sum
      counts.base[to] &+= other.counts.base[from]
    }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) throws -> Vector {
    if result == .sum, type.physical == .int64 {
      return resultVector(type, groups, zero: Int64(0)) { counts.base[$0] == 0 ? nil : sums.base[$0] }
    }
    return try resultVector(type, groups, zero: Numeric(mantissa: 0, scale: 0)) { group in
      guard counts.base[group] > 0 else { return nil }
      if result == .sum { return NumericArithmetic.make(sums.base[group]) }
      return try IntegerSumAccumulator.average(sums.base[group], counts.base[group])
    }
  }

  /// Divides as `NumericArithmetic.divide` does, in hardware where the numbers are of the usual size.
  package static func average(_ sum: Int64, _ count: Int64) throws -> Numeric {
    guard count > 0, count < 1_000_000_000_000 else {
      return try NumericArithmetic.divide(NumericArithmetic.make(sum), NumericArithmetic.make(count))
    }
    let magnitude = sum.magnitude
    let divisor = count.magnitude
    if let small = smallAverage(magnitude, divisor) { return signed(small, sum) }
    var (leading, weight): (UInt64, Int32) = (magnitude, 0)
    while leading >= 10000 {
      leading /= 10000
      weight += 1
    }
    var divisorLeading = divisor
    while divisorLeading >= 10000 {
      divisorLeading /= 10000
      weight -= 1
    }
    if leading <= divisorLeading { weight -= 1 }
    // At least 16 significant digits. The dividend stays below 10^(16 + 4 + 4 * 3 + 4), which 128 bits hold.
    let scale = max(16 - weight * 4, 0)
    let dividend = UInt128(magnitude) * PowerOfTen.uint128(scale)
    let upper = UInt64(truncatingIfNeeded: dividend >> 64)
    let (high, rest) = upper.quotientAndRemainder(dividingBy: divisor)
    let (whole, remainder) = divisor.dividingFullWidth((rest, UInt64(truncatingIfNeeded: dividend)))
    var low = whole
    var carry: UInt64 = 0
    if remainder >= divisor - remainder {
      let (rounded, overflow) = low.addingReportingOverflow(1)
      low = rounded
      carry = overflow ? 1 : 0
    }
    let quotient = Int128(UInt128(high + carry) << 64 | UInt128(low))
    return Numeric(mantissa: sum < 0 ? -quotient : quotient, scale: scale)
  }

  /// The common case of few small values: 16 decimals, and all in 64 bits.
  @inline(__always) private static func smallAverage(_ magnitude: UInt64, _ divisor: UInt64) -> UInt64? {
    guard magnitude < 1844, magnitude > divisor else { return nil }
    let dividend = magnitude &* 10_000_000_000_000_000
    if divisor == 1 { return dividend }
    let whole = dividend / divisor
    let rest = dividend &- whole &* divisor
    return rest >= divisor &- rest ? whole &+ 1 : whole
  }

  @inline(__always) private static func signed(_ small: UInt64, _ sum: Int64) -> Numeric {
    Numeric(mantissa: sum < 0 ? -Int128(small) : Int128(small), scale: 16)
  }

  /// Writes the average of each of `count` groups; zero for those without values.
  package static func averages(
    sums: UnsafePointer<Int64>, counts: UnsafePointer<Int64>, count: Int, into output: UnsafeMutablePointer<Numeric>
  ) throws {
    var row = 0
    while row < count {
      let (sum, values) = (sums[row], counts[row])
      if values > 0, let small = smallAverage(sum.magnitude, values.magnitude) {
        output[row] = signed(small, sum)
      } else {
        output[row] = values == 0 ? Numeric(mantissa: 0, scale: 0) : try average(sum, values)
      }
      row &+= 1
    }
  }

  package override func reset() -> Bool {
    groupCount = 0
    return true
  }

  package override var stateTypes: [LogicalType]? { [.bigint, .bigint] }

  package override func state(_ groups: UnsafeBufferPointer<UInt32>) -> [Vector] {
    [
      resultVector(.bigint, groups, zero: Int64(0)) { sums.base[$0] },
      resultVector(.bigint, groups, zero: Int64(0)) { counts.base[$0] },
    ]
  }

  package override func merge(state: [Vector], _ groups: UnsafePointer<UInt32>, count: Int) throws {
    try forEachValid(state[0], groups, as: Int64.self) { group, sum in
      let (total, overflow) = sums.base[group].addingReportingOverflow(sum)
      if overflow { throw PulsehouseError.outOfRange("bigint") }
      sums.base[group] = total
    }
    forEachValid(state[1], groups, as: Int64.self) { counts.base[$0] &+= $1 }
  }
}
