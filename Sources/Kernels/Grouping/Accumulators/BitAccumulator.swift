import Vectors

/// bit_and and bit_or of integers.
package final class BitAccumulator<T: FixedWidthInteger & BitwiseCopyable>: Accumulator {
  private var values = Store<T>()
  private var seen = Store<UInt8>(zeroed: 16)
  private var groupCount = 0
  private let type: LogicalType
  private let isAnd: Bool

  init(_ type: LogicalType, isAnd: Bool) {
    self.type = type
    self.isAnd = isAnd
  }

  package override var byteCount: Int { values.byteCount + seen.byteCount }

  package override func resize(to groupCount: Int) {
    guard groupCount > self.groupCount else { return }
    values.reserve(groupCount, keeping: self.groupCount)
    seen.reserve(groupCount, keeping: self.groupCount)
    (values.base + self.groupCount).update(repeating: isAnd ? ~T(0) : 0, count: groupCount - self.groupCount)
    (seen.base + self.groupCount).update(repeating: 0, count: groupCount - self.groupCount)
    self.groupCount = groupCount
  }

  @_specialize(where T == Int16)
  @_specialize(where T == Int32)
  @_specialize(where T == Int64)
  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) {
    let values = self.values.base
    let seen = self.seen.base
    let isAnd = self.isAnd
    forEachValid(inputs[0], groups, as: T.self) { group, value in
      values[group] = isAnd ? values[group] & value : values[group] | value
      seen[group] = 1
    }
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) {
    let other = unsafeDowncast(other, to: BitAccumulator<T>.self)
    for index in 0..<count {
      let (from, to) = (Int(source[index]), Int(target[index]))
      let theirs = other.values.base[from]
      values.base[to] = isAnd ? values.base[to] & theirs : values.base[to] | theirs
      seen.base[to] |= other.seen.base[from]
    }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) -> Vector {
    resultVector(type, groups, zero: T(0)) { seen.base[$0] == 0 ? nil : values.base[$0] }
  }
}

extension Accumulator {
  /// Makes bit_and or bit_or of an integer type, nil for others.
  package static func bits(_ type: LogicalType, isAnd: Bool) -> Accumulator? {
    switch type {
    case .smallint: BitAccumulator<Int16>(type, isAnd: isAnd)
    case .integer: BitAccumulator<Int32>(type, isAnd: isAnd)
    case .bigint: BitAccumulator<Int64>(type, isAnd: isAnd)
    default: nil
    }
  }
}
