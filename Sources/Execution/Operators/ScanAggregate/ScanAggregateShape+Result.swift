import Bytes
import Kernels
import Planning
import Vectors

extension ScanAggregateShape.Output {
  /// Returns the aggregate of each slot, as the general accumulators give it.
  func result(_ measure: DenseMeasure, _ slots: UnsafeBufferPointer<UInt32>) throws -> Vector {
    switch function {
    case .rows, .count:
      let buffer = AlignedBuffer(byteCount: slots.count * 8)
      measure.counts(slots, into: buffer.values(as: Int64.self))
      return Vector(type, count: slots.count, buffer: buffer)
    case .distinct: return vector(slots, Int64(0)) { measure.distinctCount($0) }
    case .sum(let asDouble): return try sums(measure, slots, asDouble: asDouble)
    case .average(let asDouble): return try averages(measure, slots, asDouble: asDouble)
    case .extreme(let isMaximum):
      func extreme(_ slot: Int) -> Int64? { isMaximum ? measure.maximum(slot) : measure.minimum(slot) }
      switch type.physical {
      case .boolean: return vector(slots, UInt8(0)) { extreme($0).map { UInt8(truncatingIfNeeded: $0) } }
      case .int16: return vector(slots, Int16(0)) { extreme($0).map { Int16(truncatingIfNeeded: $0) } }
      case .int32: return vector(slots, Int32(0)) { extreme($0).map { Int32(truncatingIfNeeded: $0) } }
      default: return vector(slots, Int64(0)) { extreme($0) }
      }
    case .percentile(let fraction, let isContinuous, let isDescending):
      return try percentile(measure, slots, fraction, isContinuous, isDescending)
    }
  }

  /// Calls `body` with the counts and sums of all slots, where no sum can leave 64 bits; returns nil elsewhere. Makes the
  /// values that `body` wrote a vector, slots without values NULL.
  private func flat<T: BitwiseCopyable>(
    _ measure: DenseMeasure, _ slots: UnsafeBufferPointer<UInt32>, of value: T.Type,
    _ body: (UnsafePointer<Int64>, UnsafePointer<Int64>, UnsafeMutablePointer<T>) throws -> Void
  ) rethrows -> Vector? {
    let count = slots.count
    return try withUnsafeTemporaryAllocation(of: Int64.self, capacity: 2 * count + 1) { scratch -> Vector? in
      guard let counts = scratch.baseAddress else { return nil }
      let sums = counts + count
      measure.counts(slots, into: counts)
      guard measure.sums(slots, counts: counts, into: sums) else { return nil }
      let buffer = AlignedBuffer(byteCount: count * MemoryLayout<T>.stride)
      try body(counts, sums, buffer.values(as: value))
      var fewest = Int64.max
      for row in 0..<count { fewest = min(fewest, counts[row]) }
      var mask: ValidityMask?
      if fewest == 0 {
        let made = ValidityMask(count: count, allValid: true)
        for row in 0..<count where counts[row] == 0 { made.set(row, valid: false) }
        mask = made
      }
      return Vector(type, count: count, buffer: buffer, validity: mask)
    }
  }

  private func sums(_ measure: DenseMeasure, _ slots: UnsafeBufferPointer<UInt32>, asDouble: Bool) throws -> Vector {
    let count = slots.count
    if asDouble {
      let small = flat(measure, slots, of: Double.self) { _, sums, output in
        for row in 0..<count { output[row] = Double(sums[row]) }
      }
      return small ?? vector(slots, 0.0) { measure.count($0) == 0 ? nil : Double(measure.sum($0)) }
    }
    if type.isNumeric {
      let small = flat(measure, slots, of: Numeric.self) { _, sums, output in
        for row in 0..<count { output[row] = Numeric(mantissa: Int128(sums[row]), scale: 0) }
      }
      return small
        ?? vector(slots, Numeric(mantissa: 0, scale: 0)) {
          measure.count($0) == 0 ? nil : Numeric(mantissa: measure.sum($0), scale: 0)
        }
    }
    let small = flat(measure, slots, of: Int64.self) { _, sums, output in output.update(from: sums, count: count) }
    if let small { return small }
    return try vector(slots, Int64(0)) { slot in
      if measure.count(slot) == 0 { return nil }
      guard let sum = Int64(exactly: measure.sum(slot)) else {
        throw PulsehouseError(.user, "\(type.name) out of range", sqlState: "22003")
      }
      return sum
    }
  }

  private func averages(
    _ measure: DenseMeasure, _ slots: UnsafeBufferPointer<UInt32>, asDouble: Bool
  ) throws -> Vector {
    if asDouble {
      let small = flat(measure, slots, of: Double.self) { counts, sums, output in
        for row in 0..<slots.count { output[row] = Double(sums[row]) / Double(max(1, counts[row])) }
      }
      if let small { return small }
      return vector(slots, 0.0) { slot in
        let count = measure.count(slot)
        return count == 0 ? nil : Double(measure.sum(slot)) / Double(count)
      }
    }
    let small = try flat(measure, slots, of: Numeric.self) { counts, sums, output in
      try IntegerSumAccumulator.averages(sums: sums, counts: counts, count: slots.count, into: output)
    }
    if let small { return small }
    return try vector(slots, Numeric(mantissa: 0, scale: 0)) { slot in
      let count = measure.count(slot)
      if count == 0 { return nil }
      let sum = measure.sum(slot)
      if let small = Int64(exactly: sum) { return try IntegerSumAccumulator.average(small, count) }
      return try NumericArithmetic.divide(Numeric(mantissa: sum, scale: 0), NumericArithmetic.make(count))
    }
  }

  private func percentile(
    _ measure: DenseMeasure, _ slots: UnsafeBufferPointer<UInt32>, _ fraction: Double?, _ isContinuous: Bool,
    _ isDescending: Bool
  ) throws -> Vector {
    guard let fraction else { return .nulls(type, count: slots.count) }
    guard fraction >= 0, fraction <= 1 else {
      throw PulsehouseError.percentileOutOfRange(fraction)
    }
    func value(_ place: Int64, _ count: Int64, _ slot: Int) -> Int64 {
      let place = min(max(place, 0), count - 1)
      return measure.value(at: isDescending ? count - 1 - place : place, of: slot)
    }
    if isContinuous {
      return vector(slots, 0.0) { slot in
        let count = measure.count(slot)
        if count == 0 { return nil }
        let place = fraction * Double(count - 1)
        let low = place.rounded(.down)
        let first = Double(value(Int64(low), count, slot))
        let part = place - low
        return part == 0 ? first : first + part * (Double(value(Int64(low) + 1, count, slot)) - first)
      }
    }
    func discrete(_ slot: Int) -> Int64? {
      let count = measure.count(slot)
      if count == 0 { return nil }
      return value(Int64((fraction * Double(count)).rounded(.up)) - 1, count, slot)
    }
    switch type.physical {
    case .int16: return vector(slots, Int16(0)) { discrete($0).map { Int16(truncatingIfNeeded: $0) } }
    case .int32: return vector(slots, Int32(0)) { discrete($0).map { Int32(truncatingIfNeeded: $0) } }
    default: return vector(slots, Int64(0)) { discrete($0) }
    }
  }

  /// Builds a flat vector; `make` gives a slot's value, nil for NULL.
  private func vector<T: BitwiseCopyable>(
    _ slots: UnsafeBufferPointer<UInt32>, _ zero: T, _ make: (Int) throws -> T?
  ) rethrows -> Vector {
    let buffer = AlignedBuffer(byteCount: slots.count * MemoryLayout<T>.stride)
    let output = buffer.values(as: T.self)
    var mask: ValidityMask?
    for (row, slot) in slots.enumerated() {
      if let value = try make(Int(slot)) {
        output[row] = value
      } else {
        output[row] = zero
        if mask == nil { mask = ValidityMask(count: slots.count, allValid: true) }
        mask?.set(row, valid: false)
      }
    }
    return Vector(type, count: slots.count, buffer: buffer, validity: mask)
  }
}
