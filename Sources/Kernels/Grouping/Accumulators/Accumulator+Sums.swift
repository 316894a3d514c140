import Bytes
import Vectors

/// What a sum becomes in the end.
package enum SumResult: Sendable { case sum, average }

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

/// Sums and averages of intervals, part by part; the average hands fractions of months and days down as PostgreSQL
/// does.
package final class IntervalSumAccumulator: Accumulator {
  private struct Parts: BitwiseCopyable {
    var months: Int64 = 0
    var days: Int64 = 0
    var microseconds: Int64 = 0
    var count: Int64 = 0
  }

  private var sums = Store<Parts>(zeroed: 16)
  private var groupCount = 0
  private let result: SumResult

  init(_ result: SumResult) { self.result = result }

  package override var byteCount: Int { sums.byteCount }

  package override func resize(to groupCount: Int) {
    guard groupCount > self.groupCount else { return }
    sums.reserve(groupCount, keeping: self.groupCount)
    (sums.base + self.groupCount).update(repeating: Parts(), count: groupCount - self.groupCount)
    self.groupCount = groupCount
  }

  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) throws {
    try forEachValid(inputs[0], groups, as: Interval.self) { group, value in
      try add(
        Parts(
          months: Int64(value.months), days: Int64(value.days), microseconds: value.microseconds, count: 1),
        group)
    }
  }

  private func add(_ parts: Parts, _ group: Int) throws {
    let (microseconds, overflow) = sums.base[group].microseconds.addingReportingOverflow(parts.microseconds)
    if overflow { throw PulsehouseError(.user, "interval out of range", sqlState: "22008") }
    sums.base[group].microseconds = microseconds
    sums.base[group].months &+= parts.months
    sums.base[group].days &+= parts.days
    sums.base[group].count &+= parts.count
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) throws {
    let other = unsafeDowncast(other, to: IntervalSumAccumulator.self)
    for index in 0..<count { try add(other.sums.base[Int(source[index])], Int(target[index])) }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) throws -> Vector {
    try resultVector(.interval, groups, zero: Interval(months: 0, days: 0, microseconds: 0)) { group in
      let parts = sums.base[group]
      guard parts.count > 0 else { return nil }
      if result == .sum {
        guard let months = Int32(exactly: parts.months), let days = Int32(exactly: parts.days) else {
          throw PulsehouseError(.user, "interval out of range", sqlState: "22008")
        }
        return Interval(months: months, days: days, microseconds: parts.microseconds)
      }
      let (months, monthRest) = parts.months.quotientAndRemainder(dividingBy: parts.count)
      let dayUnits = Int128(parts.days) + Int128(monthRest) * 30
      let (days, dayRest) = dayUnits.quotientAndRemainder(dividingBy: Int128(parts.count))
      let time = Int128(parts.microseconds) + dayRest * 86_400_000_000
      let divisor = Int128(parts.count)
      let rounded = (time >= 0 ? time + divisor / 2 : time - divisor / 2) / divisor
      guard let wholeMonths = Int32(exactly: months), let wholeDays = Int32(exactly: days),
        let microseconds = Int64(exactly: rounded)
      else { throw PulsehouseError(.user, "interval out of range", sqlState: "22008") }
      return Interval(months: wholeMonths, days: wholeDays, microseconds: microseconds)
    }
  }
}

extension Accumulator {
  /// Makes sum or avg of a type, nil when there is none; `result` is the type the binder chose.
  package static func total(of type: LogicalType, _ kind: SumResult, result: LogicalType) -> Accumulator? {
    switch type.physical {
    case .int16, .int32: type.isInteger ? IntegerSumAccumulator(of: type.physical, kind, type: result) : nil
    case .int64: type == .bigint ? BigintSumAccumulator(kind, type: result) : nil
    case .float32: FloatSumAccumulator(ofReal: true, kind, type: result)
    case .float64: FloatSumAccumulator(ofReal: false, kind, type: result)
    case .numeric: NumericSumAccumulator(kind, type: result)
    case .interval: IntervalSumAccumulator(kind)
    case .boolean, .string, .uuid: nil
    }
  }
}
