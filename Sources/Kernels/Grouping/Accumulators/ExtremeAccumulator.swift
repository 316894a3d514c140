import Vectors

/// min and max of fixed-width values, and bool_and and bool_or, which are the min and max of booleans.
///
/// Not a generic class: the methods of one are called unspecialised through its table, fifty times slower.
package final class ExtremeAccumulator: Accumulator {
  private var bytes = Store<UInt8>(zeroed: 64)
  private var seen = Store<UInt8>(zeroed: 16)
  private var groupCount = 0
  private let type: LogicalType
  private let stride: Int
  private let isMaximum: Bool

  init(_ type: LogicalType, isMaximum: Bool) {
    self.type = type
    self.isMaximum = isMaximum
    stride = type.physical.stride
  }

  package override var byteCount: Int { bytes.byteCount + seen.byteCount }

  @inline(__always) private func values<T: BitwiseCopyable>(as type: T.Type) -> UnsafeMutablePointer<T> {
    UnsafeMutableRawPointer(bytes.base).assumingMemoryBound(to: type)
  }

  package override func resize(to groupCount: Int) {
    guard groupCount > self.groupCount else { return }
    bytes.reserve(groupCount * stride, keeping: self.groupCount * stride)
    seen.reserve(groupCount, keeping: self.groupCount)
    (seen.base + self.groupCount).update(repeating: 0, count: groupCount - self.groupCount)
    switch type.physical {
    case .boolean: fillWorst(groupCount, as: UInt8.self)
    case .int16: fillWorst(groupCount, as: Int16.self)
    case .int32: fillWorst(groupCount, as: Int32.self)
    case .int64: fillWorst(groupCount, as: Int64.self)
    case .float32, .float64, .string, .numeric, .interval, .uuid:
      (bytes.base + self.groupCount * stride).update(repeating: 0, count: (groupCount - self.groupCount) * stride)
    }
    self.groupCount = groupCount
  }

  /// An empty group of integers holds the worst value there is, so that no row needs a branch.
  @inline(__always) private func fillWorst<T: FixedWidthInteger & BitwiseCopyable>(_ groupCount: Int, as type: T.Type) {
    let base = values(as: type) + self.groupCount
    base.update(repeating: isMaximum ? T.min : T.max, count: groupCount - self.groupCount)
  }

  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) {
    let vector = inputs[0]
    switch type.physical {
    case .boolean: integers(vector, groups, as: UInt8.self)
    case .int16: integers(vector, groups, as: Int16.self)
    case .int32: integers(vector, groups, as: Int32.self)
    case .int64: integers(vector, groups, as: Int64.self)
    case .float32: others(vector, groups, as: Float.self) { ValueOrder.compare(Double($0), Double($1)) }
    case .float64: others(vector, groups, as: Double.self) { ValueOrder.compare($0, $1) }
    case .numeric: others(vector, groups, as: Numeric.self) { ValueOrder.compare($0, $1) }
    case .interval: others(vector, groups, as: Interval.self) { ValueOrder.compare($0, $1) }
    case .uuid: others(vector, groups, as: UUIDValue.self) { ValueOrder.compare($0, $1) }
    case .string: preconditionFailure("text has an accumulator of its own")
    }
  }

  @inline(__always) private func integers<T: FixedWidthInteger & BitwiseCopyable>(
    _ vector: Vector, _ groups: UnsafePointer<UInt32>?, as type: T.Type
  ) {
    let values = self.values(as: type)
    let seen = self.seen.base
    if groups == nil, vector.form == .flat, vector.validity == nil, vector.count > 0 {
      let bounds = IntegerBounds.of(vector.values(as: type), vector.count)
      let best = isMaximum ? bounds.greatest : bounds.least
      let old = values[0]
      values[0] = isMaximum ? (best > old ? best : old) : (best < old ? best : old)
      seen[0] = 1
      return
    }
    if isMaximum {
      forEachValid(vector, groups, as: type) { group, value in
        let old = values[group]
        values[group] = value > old ? value : old
        seen[group] = 1
      }
    } else {
      forEachValid(vector, groups, as: type) { group, value in
        let old = values[group]
        values[group] = value < old ? value : old
        seen[group] = 1
      }
    }
  }

  @inline(__always) private func others<T: BitwiseCopyable>(
    _ vector: Vector, _ groups: UnsafePointer<UInt32>?, as type: T.Type, _ compare: (T, T) -> Int
  ) {
    let values = self.values(as: type)
    let seen = self.seen.base
    let sign = isMaximum ? 1 : -1
    forEachValid(vector, groups, as: type) { group, value in
      if seen[group] == 0 || compare(value, values[group]) * sign > 0 {
        values[group] = value
        seen[group] = 1
      }
    }
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) {
    let other = unsafeDowncast(other, to: ExtremeAccumulator.self)
    // The other's groups that saw a value are rows of a vector for this one.
    var rows: [UInt32] = []
    var groups: [UInt32] = []
    for index in 0..<count where other.seen.base[Int(source[index])] != 0 {
      rows.append(source[index])
      groups.append(target[index])
    }
    let theirs = rows.withUnsafeBufferPointer { other.result($0) }
    groups.withUnsafeBufferPointer { update([theirs], $0.baseAddress, count: rows.count) }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) -> Vector {
    switch type.physical {
    case .boolean: results(groups, zero: UInt8(0))
    case .int16: results(groups, zero: Int16(0))
    case .int32: results(groups, zero: Int32(0))
    case .int64: results(groups, zero: Int64(0))
    case .float32: results(groups, zero: Float(0))
    case .float64: results(groups, zero: Double(0))
    case .numeric: results(groups, zero: Numeric(mantissa: 0, scale: 0))
    case .interval: results(groups, zero: Interval(months: 0, days: 0, microseconds: 0))
    case .uuid: results(groups, zero: UUIDValue(high: 0, low: 0))
    case .string: preconditionFailure("text has an accumulator of its own")
    }
  }

  @inline(__always) private func results<T: BitwiseCopyable>(
    _ groups: UnsafeBufferPointer<UInt32>, zero: T
  ) -> Vector {
    let values = self.values(as: T.self)
    let seen = self.seen.base
    return resultVector(type, groups, zero: zero) { seen[$0] == 0 ? nil : values[$0] }
  }

  package override func reset() -> Bool {
    groupCount = 0
    return true
  }

  package override var stateTypes: [LogicalType]? { [type] }

  package override func state(_ groups: UnsafeBufferPointer<UInt32>) -> [Vector] { [result(groups)] }

  package override func merge(state: [Vector], _ groups: UnsafePointer<UInt32>, count: Int) {
    update(state, groups, count: count)
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
        type.isPadded ? ValueOrder.compare(value, old, .padded) : StringReference.compare(value, old)
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

  package override func reset() -> Bool {
    groupCount = 0
    heap = StringHeap()
    liveBytes = 0
    return true
  }

  package override var stateTypes: [LogicalType]? { [type] }

  package override func state(_ groups: UnsafeBufferPointer<UInt32>) -> [Vector] { [result(groups)] }

  package override func merge(state: [Vector], _ groups: UnsafePointer<UInt32>, count: Int) {
    update(state, groups, count: count)
  }
}

extension Accumulator {
  /// Makes min or max of a type.
  package static func extreme(_ type: LogicalType, isMaximum: Bool) -> Accumulator {
    type.physical == .string
      ? StringExtremeAccumulator(type, isMaximum: isMaximum) : ExtremeAccumulator(type, isMaximum: isMaximum)
  }
}
