import Bytes
import Vectors

/// The running state of one aggregate for all groups of a table: columns in, one value for each group out.
///
/// Inputs have no FILTER or DISTINCT left: the caller drops such rows first. `groups` names each row's group; nil means
/// that all rows belong to group 0. NULL inputs are skipped by the accumulator itself.
package class Accumulator {
  /// Makes room for `groupCount` groups; new ones are empty.
  package func resize(to groupCount: Int) { fatalError("each accumulator has its own") }

  /// Takes `count` rows of `inputs`.
  package func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) throws {
    fatalError("each accumulator has its own")
  }

  /// Adds group `source[i]` of `other`, an accumulator of the same kind, to group `target[i]`, for `count` groups.
  package func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) throws {
    fatalError("each accumulator has its own")
  }

  /// Called once, when the last row has come, before `merge` reads it or `result` is asked for.
  package func seal() throws {}

  /// Returns the results of `groups`, in that order, as a vector of the accumulator's result type.
  package func result(_ groups: UnsafeBufferPointer<UInt32>) throws -> Vector {
    fatalError("each accumulator has its own")
  }

  package var byteCount: Int { 0 }

  /// Forgets all groups and keeps the memory, or returns false when a new accumulator is as good.
  package func reset() -> Bool { false }

  /// The columns of `state`; nil when states cannot be written as rows.
  package var stateTypes: [LogicalType]? { nil }

  /// Returns the states of `groups` of a sealed accumulator, in that order: all that `merge(state:)` needs of them.
  package func state(_ groups: UnsafeBufferPointer<UInt32>) throws -> [Vector] {
    fatalError("each accumulator with state types has its own")
  }

  /// Adds written state `i` to group `groups[i]`, for `count` groups.
  package func merge(state: [Vector], _ groups: UnsafePointer<UInt32>, count: Int) throws {
    fatalError("each accumulator with state types has its own")
  }

  package init() {}
}

/// Calls `body` with the group and value of every valid row: one tight loop for each shape of input.
@inline(__always) func forEachValid<T: BitwiseCopyable>(
  _ vector: Vector, _ groups: UnsafePointer<UInt32>?, as type: T.Type, _ body: (Int, T) throws -> Void
) rethrows {
  let count = vector.count
  if vector.isConstantNull || count == 0 { return }
  let flat = vector.form == .dictionary ? vector.flattened() : vector
  let values = flat.values(as: type)
  var row = 0
  if flat.form == .constant {
    let value = values[0]
    while row < count {
      try body(groups.map { Int($0[row]) } ?? 0, value)
      row &+= 1
    }
    return
  }
  if let mask = flat.validity {
    let words = mask.words
    while row < count {
      if (words[row >> 6] >> UInt64(row & 63)) & 1 == 1 {
        try body(groups.map { Int($0[row]) } ?? 0, values[row])
      }
      row &+= 1
    }
    return
  }
  if let groups {
    while row < count {
      try body(Int(groups[row]), values[row])
      row &+= 1
    }
  } else {
    while row < count {
      try body(0, values[row])
      row &+= 1
    }
  }
}

/// Builds a flat result vector: `make` gives the value of a group, nil for NULL.
@inline(__always) func resultVector<T: BitwiseCopyable>(
  _ type: LogicalType, _ groups: UnsafeBufferPointer<UInt32>, zero: T, owners: [AnyObject] = [],
  _ make: (Int) throws -> T?
) rethrows -> Vector {
  let count = groups.count
  let buffer = AlignedBuffer(byteCount: count * MemoryLayout<T>.stride)
  let output = buffer.values(as: T.self)
  var mask: ValidityMask?
  for row in 0..<count {
    if let value = try make(Int(groups[row])) {
      output[row] = value
    } else {
      output[row] = zero
      if mask == nil { mask = ValidityMask(count: count, allValid: true) }
      mask?.set(row, valid: false)
    }
  }
  return Vector(type, count: count, buffer: buffer, validity: mask, owners: owners)
}

extension PulsehouseError {
  static func outOfRange(_ type: String) -> PulsehouseError {
    PulsehouseError(.user, "\(type) out of range", sqlState: "22003")
  }
}
