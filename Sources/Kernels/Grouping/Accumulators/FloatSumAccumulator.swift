import Vectors

/// Sums and averages of real and double precision. A sum may be infinite only where a value is.
package final class FloatSumAccumulator: Accumulator {
  private var sums = Store<DoubleDouble>(zeroed: 16)
  private var counts = Store<Int64>(zeroed: 16)
  private var groupCount = 0
  /// The groups that were given an infinity.
  private var infinite: Set<Int> = []
  private let isReal: Bool
  private let result: SumResult
  private let type: LogicalType

  init(ofReal isReal: Bool, _ result: SumResult, type: LogicalType) {
    self.isReal = isReal
    self.result = result
    self.type = type
  }

  package override var byteCount: Int { sums.byteCount + counts.byteCount }

  package override func resize(to groupCount: Int) {
    guard groupCount > self.groupCount else { return }
    sums.reserve(groupCount, keeping: self.groupCount)
    counts.reserve(groupCount, keeping: self.groupCount)
    (sums.base + self.groupCount).update(repeating: DoubleDouble(), count: groupCount - self.groupCount)
    (counts.base + self.groupCount).update(repeating: 0, count: groupCount - self.groupCount)
    self.groupCount = groupCount
  }

  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) throws {
    let sums = self.sums.base
    let counts = self.counts.base
    if isReal {
      forEachValid(inputs[0], groups, as: Float.self) { group, value in
        sums[group].add(Double(value))
        counts[group] &+= 1
      }
      noteInfinities(inputs[0], groups, as: Float.self)
    } else if groups == nil, inputs[0].form == .flat, inputs[0].validity == nil {
      let values = inputs[0].values(as: Double.self)
      let total = FloatSumAccumulator.total(values, count)
      if total.high.isFinite {
        sums[0].add(total)
      } else {
        // A lane may leave the range where the sum of all does not.
        for row in 0..<count { sums[0].add(values[row]) }
        noteInfinities(inputs[0], groups, as: Double.self)
      }
      counts[0] &+= Int64(count)
    } else {
      forEachValid(inputs[0], groups, as: Double.self) { group, value in
        sums[group].add(value)
        counts[group] &+= 1
      }
      noteInfinities(inputs[0], groups, as: Double.self)
    }
  }

  /// Remembers which groups have an infinity among their values; one quick pass where there is none.
  private func noteInfinities<T: BinaryFloatingPoint & BitwiseCopyable>(
    _ vector: Vector, _ groups: UnsafePointer<UInt32>?, as type: T.Type
  ) {
    let source = vector.dictionary ?? vector
    let values = source.values(as: type)
    let count = source.form == .constant ? min(source.count, 1) : source.count
    var found: UInt8 = 0
    var row = 0
    while row < count {
      found |= bit(values[row].magnitude == T.infinity)
      row &+= 1
    }
    withExtendedLifetime(source) {}
    guard found != 0 else { return }
    forEachValid(vector, groups, as: type) { group, value in
      if value.isInfinite { infinite.insert(group) }
    }
  }

  /// - Throws: 22003 for a sum that left the range of its type.
  private func check(_ sum: Double, _ group: Int) throws {
    if sum.isInfinite, !infinite.contains(group) { throw Failure.floatOverflow }
  }

  /// Adds up in eight independent lanes.
  private static func total(_ values: UnsafePointer<Double>, _ count: Int) -> DoubleDouble {
    var high = SIMD8<Double>(repeating: 0)
    var low = SIMD8<Double>(repeating: 0)
    var row = 0
    let raw = UnsafeRawPointer(values)
    while row &+ 8 <= count {
      let value = raw.loadUnaligned(fromByteOffset: row &* 8, as: SIMD8<Double>.self)
      let sum = high + value
      let part = sum - high
      low += (high - (sum - part)) + (value - part)
      high = sum
      row &+= 8
    }
    var result = DoubleDouble()
    for lane in 0..<8 { result.add(DoubleDouble(high: high[lane], low: low[lane])) }
    while row < count {
      result.add(values[row])
      row &+= 1
    }
    return result
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) throws {
    let other = unsafeDowncast(other, to: FloatSumAccumulator.self)
    for index in 0..<count {
      let sum = other.sums.base[Int(source[index])]
      if !sum.high.isFinite {
        try other.check(sum.high, Int(source[index]))
        if other.infinite.contains(Int(source[index])) { infinite.insert(Int(target[index])) }
      }
      sums.base[Int(target[index])].add(sum)
      counts.base[Int(target[index])] &+= other.counts.base[Int(source[index])]
    }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) throws -> Vector {
    if type.physical == .float32 {
      return try resultVector(type, groups, zero: Float(0)) { group in
        guard counts.base[group] > 0 else { return nil }
        let value = Float(try value(group))
        try check(Double(value), group)
        return value
      }
    }
    return try resultVector(type, groups, zero: 0.0) { group in counts.base[group] == 0 ? nil : try value(group) }
  }

  private func value(_ group: Int) throws -> Double {
    let sum = sums.base[group].value
    try check(sum, group)
    return result == .sum ? sum : sum / Double(counts.base[group])
  }

  package override func reset() -> Bool {
    groupCount = 0
    infinite = []
    return true
  }

  package override var stateTypes: [LogicalType]? { [.double, .double, .bigint] }

  package override func state(_ groups: UnsafeBufferPointer<UInt32>) throws -> [Vector] {
    [
      try resultVector(.double, groups, zero: 0.0) { group in
        try check(sums.base[group].high, group)
        return sums.base[group].high
      },
      resultVector(.double, groups, zero: 0.0) { sums.base[$0].low },
      resultVector(.bigint, groups, zero: Int64(0)) { counts.base[$0] },
    ]
  }

  package override func merge(state: [Vector], _ groups: UnsafePointer<UInt32>, count: Int) {
    forEachValid(state[0], groups, as: Double.self) { group, sum in
      sums.base[group].add(sum)
      if sum.isInfinite { infinite.insert(group) }
    }
    forEachValid(state[1], groups, as: Double.self) { sums.base[$0].low += $1 }
    forEachValid(state[2], groups, as: Int64.self) { counts.base[$0] &+= $1 }
  }
}
