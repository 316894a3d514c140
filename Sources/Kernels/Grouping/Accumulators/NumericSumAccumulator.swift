import Vectors

/// Sums and averages of numeric, exact at the largest scale seen.
package final class NumericSumAccumulator: Accumulator {
  private var sums = Store<Numeric>()
  private var counts = Store<Int64>(zeroed: 16)
  private var groupCount = 0
  private let result: SumResult
  private let type: LogicalType

  init(_ result: SumResult, type: LogicalType) {
    self.result = result
    self.type = type
  }

  package override var byteCount: Int { sums.byteCount + counts.byteCount }

  package override func resize(to groupCount: Int) {
    guard groupCount > self.groupCount else { return }
    sums.reserve(groupCount, keeping: self.groupCount)
    counts.reserve(groupCount, keeping: self.groupCount)
    let zero = Numeric(mantissa: 0, scale: 0)
    (sums.base + self.groupCount).update(repeating: zero, count: groupCount - self.groupCount)
    (counts.base + self.groupCount).update(repeating: 0, count: groupCount - self.groupCount)
    self.groupCount = groupCount
  }

  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) throws {
    let sums = self.sums.base
    let counts = self.counts.base
    try forEachValid(inputs[0], groups, as: Numeric.self) { group, value in
      sums[group] = counts[group] == 0 ? value : try NumericArithmetic.add(sums[group], value)
      counts[group] &+= 1
    }
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) throws {
    let other = unsafeDowncast(other, to: NumericSumAccumulator.self)
    for index in 0..<count {
      let (from, to) = (Int(source[index]), Int(target[index]))
      guard other.counts.base[from] > 0 else { continue }
      sums.base[to] =
        counts.base[to] == 0
        ? other.sums.base[from] : try NumericArithmetic.add(sums.base[to], other.sums.base[from])
      counts.base[to] &+= other.counts.base[from]
    }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) throws -> Vector {
    try resultVector(type, groups, zero: Numeric(mantissa: 0, scale: 0)) { group in
      guard counts.base[group] > 0 else { return nil }
      return result == .sum
        ? sums.base[group]
        : try NumericArithmetic.divide(sums.base[group], NumericArithmetic.make(counts.base[group]))
    }
  }

  package override func reset() -> Bool {
    groupCount = 0
    return true
  }

  package override var stateTypes: [LogicalType]? { [.numeric(precision: nil, scale: nil), .bigint] }

  package override func state(_ groups: UnsafeBufferPointer<UInt32>) -> [Vector] {
    [
      resultVector(.numeric(precision: nil, scale: nil), groups, zero: Numeric(mantissa: 0, scale: 0)) {
        counts.base[$0] == 0 ? nil : sums.base[$0]
      },
      resultVector(.bigint, groups, zero: Int64(0)) { counts.base[$0] },
    ]
  }

  package override func merge(state: [Vector], _ groups: UnsafePointer<UInt32>, count: Int) throws {
    try forEachValid(state[0], groups, as: Numeric.self) { group, sum in
      sums.base[group] = counts.base[group] == 0 ? sum : try NumericArithmetic.add(sums.base[group], sum)
    }
    forEachValid(state[1], groups, as: Int64.self) { counts.base[$0] &+= $1 }
  }
}
