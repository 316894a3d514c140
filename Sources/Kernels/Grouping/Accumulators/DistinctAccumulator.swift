import Bytes
import Vectors

/// An aggregate over distinct arguments: keeps each (group, arguments) once and feeds the aggregate at the end.
package final class DistinctAccumulator: Accumulator {
  private let pairs: GroupTable
  private let inner: Accumulator
  private let types: [LogicalType]
  private var groupCount = 0
  private var scratch = Store<UInt32>()
  private var lists: RowLists?

  package init(_ types: [LogicalType], _ inner: Accumulator) {
    self.types = types
    self.inner = inner
    pairs = GroupTable([.integer] + types)
  }

  package override var byteCount: Int { pairs.byteCount + inner.byteCount }

  package override func resize(to groupCount: Int) { self.groupCount = max(self.groupCount, groupCount) }

  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) throws {
    let first: Vector
    if let groups {
      let buffer = AlignedBuffer(byteCount: count * 4)
      buffer.values(as: UInt32.self).update(from: groups, count: count)
      first = Vector(.integer, count: count, buffer: buffer)
    } else {
      first = .constant(.integer, .integer(0), count: count)
    }
    scratch.reserve(count, keeping: 0)
    pairs.intern([first] + inputs, count: count, into: scratch.base)
  }

  /// Every pair's group, in the order of the pairs.
  private func groupsOfPairs() -> Vector {
    let all = Array(UInt32(0)..<UInt32(truncatingIfNeeded: pairs.groupCount))
    return all.withUnsafeBufferPointer { pairs.keyVector(0, $0) }
  }

  package override func seal() throws {
    let groups = groupsOfPairs()
    groups.values(as: UInt32.self).withMemoryRebound(to: UInt32.self, capacity: groups.count) {
      lists = RowLists($0, rowCount: groups.count, groupCount: groupCount)
    }
    inner.resize(to: groupCount)
    let chunk = 4096
    var start = 0
    while start < pairs.groupCount {
      let end = min(start + chunk, pairs.groupCount)
      let rows = Array(UInt32(truncatingIfNeeded: start)..<UInt32(truncatingIfNeeded: end))
      let vectors = rows.withUnsafeBufferPointer { pairs.keyVectors($0) }
      // An array may be let go after its last use, and with it the memory of its vectors.
      try withExtendedLifetime(vectors) {
        try inner.update(Array(vectors.dropFirst()), vectors[0].values(as: UInt32.self), count: end - start)
      }
      start = end
    }
    try inner.seal()
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) throws {
    let other = unsafeDowncast(other, to: DistinctAccumulator.self)
    var rows: [UInt32] = []
    var groups: [UInt32] = []
    for index in 0..<count {
      guard let members = other.members(of: Int(source[index])) else { continue }
      rows.append(contentsOf: members)
      groups.append(contentsOf: repeatElement(target[index], count: members.count))
      if rows.count >= 4096 || index == count - 1 {
        try take(other, rows, groups)
        rows.removeAll(keepingCapacity: true)
        groups.removeAll(keepingCapacity: true)
      }
    }
    if !rows.isEmpty { try take(other, rows, groups) }
  }

  private func members(of group: Int) -> UnsafeBufferPointer<UInt32>? {
    switch lists {
    case .some(let lists): lists.rows(of: group)
    case .none: nil
    }
  }

  private func take(_ other: DistinctAccumulator, _ rows: [UInt32], _ groups: [UInt32]) throws {
    let vectors = rows.withUnsafeBufferPointer { other.pairs.keyVectors($0) }
    try groups.withUnsafeBufferPointer { groups in
      try update(Array(vectors.dropFirst()), groups.baseAddress, count: groups.count)
    }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) throws -> Vector { try inner.result(groups) }
}
