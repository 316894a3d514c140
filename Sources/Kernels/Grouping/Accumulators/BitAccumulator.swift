import Vectors

/// How the bits of values are put together.
package enum BitOperation: Sendable {
  case and, or, xor

  @inline(__always) func apply(_ left: Int64, _ right: Int64) -> Int64 {
    switch self {
    case .and: left & right
    case .or: left | right
    case .xor: left ^ right
    }
  }
}

/// bit_and, bit_or and bit_xor of integers, kept in 64 bits whatever their width.
package final class BitAccumulator: Accumulator {
  private var values = Store<Int64>()
  private var seen = Store<UInt8>(zeroed: 16)
  private var groupCount = 0
  private let type: LogicalType
  private let operation: BitOperation

  init(_ type: LogicalType, _ operation: BitOperation) {
    self.type = type
    self.operation = operation
  }

  package override var byteCount: Int { values.byteCount + seen.byteCount }

  package override func resize(to groupCount: Int) {
    guard groupCount > self.groupCount else { return }
    values.reserve(groupCount, keeping: self.groupCount)
    seen.reserve(groupCount, keeping: self.groupCount)
    (values.base + self.groupCount).update(repeating: operation == .and ? -1 : 0, count: groupCount - self.groupCount)
    (seen.base + self.groupCount).update(repeating: 0, count: groupCount - self.groupCount)
    self.groupCount = groupCount
  }

  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) {
    switch type.physical {
    case .int16: add(inputs[0], groups, as: Int16.self)
    case .int32: add(inputs[0], groups, as: Int32.self)
    default: add(inputs[0], groups, as: Int64.self)
    }
  }

  @inline(__always) private func add<T: FixedWidthInteger & BitwiseCopyable>(
    _ vector: Vector, _ groups: UnsafePointer<UInt32>?, as type: T.Type
  ) {
    let values = self.values.base
    let seen = self.seen.base
    let operation = self.operation
    forEachValid(vector, groups, as: type) { group, value in
      let wide = Int64(truncatingIfNeeded: value)
      values[group] = operation.apply(values[group], wide)
      seen[group] = 1
    }
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) {
    let other = unsafeDowncast(other, to: BitAccumulator.self)
    for index in 0..<count {
      let (from, to) = (Int(source[index]), Int(target[index]))
      let theirs = other.values.base[from]
      if other.seen.base[from] != 0 { values.base[to] = operation.apply(values.base[to], theirs) }
      seen.base[to] |= other.seen.base[from]
    }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) -> Vector {
    let values = self.values.base
    let seen = self.seen.base
    switch type.physical {
    case .int16:
      return resultVector(type, groups, zero: Int16(0)) { seen[$0] == 0 ? nil : Int16(truncatingIfNeeded: values[$0]) }
    case .int32:
      return resultVector(type, groups, zero: Int32(0)) { seen[$0] == 0 ? nil : Int32(truncatingIfNeeded: values[$0]) }
    default: return resultVector(type, groups, zero: Int64(0)) { seen[$0] == 0 ? nil : values[$0] }
    }
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

extension Accumulator {
  /// Makes bit_and, bit_or or bit_xor of an integer type, nil for others.
  package static func bits(_ type: LogicalType, _ operation: BitOperation) -> Accumulator? {
    type.isInteger ? BitAccumulator(type, operation) : nil
  }
}
