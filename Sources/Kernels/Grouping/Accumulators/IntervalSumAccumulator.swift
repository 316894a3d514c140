import Bytes
import Vectors

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
