import Bytes
import Vectors

/// Exact sums and averages of bigint, in 128 bits.
package final class BigintSumAccumulator: Accumulator {
  private var sums = Store<Int128>(zeroed: 16)
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
    (sums.base + self.groupCount).update(repeating: 0, count: groupCount - self.groupCount)
    (counts.base + self.groupCount).update(repeating: 0, count: groupCount - self.groupCount)
    self.groupCount = groupCount
  }

  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) throws {
    let sums = self.sums.base
    let counts = self.counts.base
    forEachValid(inputs[0], groups, as: Int64.self) { group, value in
      sums[group] &+= Int128(value)
      counts[group] &+= 1
    }
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) throws {
    let other = unsafeDowncast(other, to: BigintSumAccumulator.self)
    for index in 0..<count {
      sums.base[Int(target[index])] &+= other.sums.base[Int(source[index])]
      counts.base[Int(target[index])] &+= other.counts.base[Int(source[index])]
    }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) throws -> Vector {
    if type.physical == .int64 {
      return try resultVector(type, groups, zero: Int64(0)) { group in
        guard counts.base[group] > 0 else { return nil }
        guard let sum = Int64(exactly: sums.base[group]) else { throw PulsehouseError.outOfRange("bigint") }
        return sum
      }
    }
    return try resultVector(type, groups, zero: Numeric(mantissa: 0, scale: 0)) { group in
      guard counts.base[group] > 0 else { return nil }
      let sum = Numeric(mantissa: sums.base[group], scale: 0)
      return result == .sum ? sum : try NumericArithmetic.divide(sum, NumericArithmetic.make(counts.base[group]))
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
        Numeric(mantissa: sums.base[$0], scale: 0)
      },
      resultVector(.bigint, groups, zero: Int64(0)) { counts.base[$0] },
    ]
  }

  package override func merge(state: [Vector], _ groups: UnsafePointer<UInt32>, count: Int) {
    forEachValid(state[0], groups, as: Numeric.self) { sums.base[$0] &+= $1.mantissa }
    forEachValid(state[1], groups, as: Int64.self) { counts.base[$0] &+= $1 }
  }
}
