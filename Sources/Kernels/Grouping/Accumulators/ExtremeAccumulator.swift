import Vectors

/// min and max of fixed-width values, and bool_and and bool_or, which are the min and max of booleans.
package final class ExtremeAccumulator<T: BitwiseCopyable>: Accumulator {
  private var values = Store<T>()
  private var seen = Store<UInt8>(zeroed: 16)
  private var groupCount = 0
  private let type: LogicalType
  private let zero: T
  /// True when the first value must replace the second.
  private let isBetter: (T, T) -> Bool

  init(_ type: LogicalType, zero: T, isBetter: @escaping (T, T) -> Bool) {
    self.type = type
    self.zero = zero
    self.isBetter = isBetter
  }

  package override var byteCount: Int { values.byteCount + seen.byteCount }

  package override func resize(to groupCount: Int) {
    guard groupCount > self.groupCount else { return }
    values.reserve(groupCount, keeping: self.groupCount)
    seen.reserve(groupCount, keeping: self.groupCount)
    (values.base + self.groupCount).update(repeating: zero, count: groupCount - self.groupCount)
    (seen.base + self.groupCount).update(repeating: 0, count: groupCount - self.groupCount)
    self.groupCount = groupCount
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) {
    let values = self.values.base
    let seen = self.seen.base
    let isBetter = self.isBetter
    forEachValid(inputs[0], groups, as: T.self) { group, value in
      if seen[group] == 0 || isBetter(value, values[group]) {
        values[group] = value
        seen[group] = 1
      }
    }
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) {
    let other = unsafeDowncast(other, to: ExtremeAccumulator<T>.self)
    for index in 0..<count {
      let (from, to) = (Int(source[index]), Int(target[index]))
      guard other.seen.base[from] != 0 else { continue }
      if seen.base[to] == 0 || isBetter(other.values.base[from], values.base[to]) {
        values.base[to] = other.values.base[from]
        seen.base[to] = 1
      }
    }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) -> Vector {
    resultVector(type, groups, zero: zero) { seen.base[$0] == 0 ? nil : values.base[$0] }
  }
}

/// min and max of integers, without a branch for each row: an empty group holds the worst value there is.
///
/// A class's methods are reached by its table, where the optimizer cannot specialize them unasked.
package final class IntegerExtremeAccumulator<T: FixedWidthInteger & BitwiseCopyable>: Accumulator {
  private var values = Store<T>()
  private var seen = Store<UInt8>(zeroed: 16)
  private var groupCount = 0
  private let type: LogicalType
  private let isMaximum: Bool

  init(_ type: LogicalType, isMaximum: Bool) {
    self.type = type
    self.isMaximum = isMaximum
  }

  package override var byteCount: Int { values.byteCount + seen.byteCount }

  package override func resize(to groupCount: Int) {
    guard groupCount > self.groupCount else { return }
    values.reserve(groupCount, keeping: self.groupCount)
    seen.reserve(groupCount, keeping: self.groupCount)
    (values.base + self.groupCount).update(repeating: isMaximum ? T.min : T.max, count: groupCount - self.groupCount)
    (seen.base + self.groupCount).update(repeating: 0, count: groupCount - self.groupCount)
    self.groupCount = groupCount
  }

  @_specialize(where T == UInt8)
  @_specialize(where T == Int16)
  @_specialize(where T == Int32)
  @_specialize(where T == Int64)
  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) {
    let values = self.values.base
    let seen = self.seen.base
    let vector = inputs[0]
    if groups == nil, vector.form == .flat, vector.validity == nil, count > 0 {
      let input = vector.values(as: T.self)
      var low = input[0]
      var high = input[0]
      var row = 1
      while row < count {
        let value = input[row]
        low = value < low ? value : low
        high = value > high ? value : high
        row &+= 1
      }
      values[0] = isMaximum ? max(values[0], high) : min(values[0], low)
      seen[0] = 1
      return
    }
    if isMaximum {
      forEachValid(vector, groups, as: T.self) { group, value in
        values[group] = max(values[group], value)
        seen[group] = 1
      }
    } else {
      forEachValid(vector, groups, as: T.self) { group, value in
        values[group] = min(values[group], value)
        seen[group] = 1
      }
    }
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) {
    let other = unsafeDowncast(other, to: IntegerExtremeAccumulator<T>.self)
    for index in 0..<count {
      let (from, to) = (Int(source[index]), Int(target[index]))
      let (mine, theirs) = (values.base[to], other.values.base[from])
      values.base[to] = isMaximum ? max(mine, theirs) : min(mine, theirs)
      seen.base[to] |= other.seen.base[from]
    }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) -> Vector {
    resultVector(type, groups, zero: T(0)) { seen.base[$0] == 0 ? nil : values.base[$0] }
  }
}

/// min and max of text and bytes; the best string of each group is kept in memory of its own.
package final class StringExtremeAccumulator: Accumulator {
  private var values = Store<StringReference>()
  private var seen = Store<UInt8>(zeroed: 16)
  private var groupCount = 0
  private var heap = StringHeap()
  private var liveBytes = 0
  private let type: LogicalType
  private let isMaximum: Bool

  init(_ type: LogicalType, isMaximum: Bool) {
    self.type = type
    self.isMaximum = isMaximum
  }

  package override var byteCount: Int { values.byteCount + seen.byteCount + heap.byteCount }

  package override func resize(to groupCount: Int) {
    guard groupCount > self.groupCount else { return }
    values.reserve(groupCount, keeping: self.groupCount)
    seen.reserve(groupCount, keeping: self.groupCount)
    (values.base + self.groupCount).update(repeating: StringReference(), count: groupCount - self.groupCount)
    (seen.base + self.groupCount).update(repeating: 0, count: groupCount - self.groupCount)
    self.groupCount = groupCount
  }

  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) {
    forEachValid(inputs[0], groups, as: StringReference.self) { group, value in take(value, group) }
    if heap.byteCount > 1 << 20 && heap.byteCount > 3 * liveBytes { compact() }
  }

  @inline(__always) private func take(_ value: StringReference, _ group: Int) {
    if seen.base[group] != 0 {
      let old = values.base[group]
      let order =
        type.isPadded ? ValueOrder.comparePadded(value, old) : StringReference.compare(value, old)
      guard isMaximum ? order > 0 : order < 0 else { return }
      if !old.isInline { liveBytes -= old.count }
    }
    seen.base[group] = 1
    values.base[group] = value.isInline ? value : value.withBytes { heap.intern($0) }
    if !value.isInline { liveBytes += value.count }
  }

  /// Copies the strings still needed to a new heap.
  private func compact() {
    let fresh = StringHeap()
    for group in 0..<groupCount where !values.base[group].isInline {
      values.base[group] = values.base[group].withBytes { fresh.intern($0) }
    }
    heap = fresh
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) {
    let other = unsafeDowncast(other, to: StringExtremeAccumulator.self)
    for index in 0..<count where other.seen.base[Int(source[index])] != 0 {
      take(other.values.base[Int(source[index])], Int(target[index]))
    }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) -> Vector {
    resultVector(type, groups, zero: StringReference(), owners: [heap]) {
      seen.base[$0] == 0 ? nil : values.base[$0]
    }
  }
}

extension Accumulator {
  /// Makes min or max of a type.
  package static func extreme(_ type: LogicalType, isMaximum: Bool) -> Accumulator {
    switch type.physical {
    case .boolean: return IntegerExtremeAccumulator<UInt8>(type, isMaximum: isMaximum)
    case .int16: return IntegerExtremeAccumulator<Int16>(type, isMaximum: isMaximum)
    case .int32: return IntegerExtremeAccumulator<Int32>(type, isMaximum: isMaximum)
    case .int64: return IntegerExtremeAccumulator<Int64>(type, isMaximum: isMaximum)
    case .float32:
      return ExtremeAccumulator<Float>(type, zero: 0) {
        let order = ValueOrder.compare(Double($0), Double($1))
        return isMaximum ? order > 0 : order < 0
      }
    case .float64:
      return ExtremeAccumulator<Double>(type, zero: 0) {
        let order = ValueOrder.compare($0, $1)
        return isMaximum ? order > 0 : order < 0
      }
    case .string: return StringExtremeAccumulator(type, isMaximum: isMaximum)
    case .numeric:
      return ExtremeAccumulator<Numeric>(type, zero: Numeric(mantissa: 0, scale: 0)) {
        let order = ValueOrder.compare($0, $1)
        return isMaximum ? order > 0 : order < 0
      }
    case .interval:
      return ExtremeAccumulator<Interval>(type, zero: Interval(months: 0, days: 0, microseconds: 0)) {
        let order = ValueOrder.compare($0, $1)
        return isMaximum ? order > 0 : order < 0
      }
    case .uuid:
      return ExtremeAccumulator<UUIDValue>(type, zero: UUIDValue(high: 0, low: 0)) {
        let order = ValueOrder.compare($0, $1)
        return isMaximum ? order > 0 : order < 0
      }
    }
  }
}
