import Kernels
import Planning
import Vectors

/// One worker's groups of one grouping set: which there are, where each first appeared, and their accumulators.
final class GroupingState {
  let table: GroupTable
  /// Where each group's first row was: morsel << 32 | row. Groups come out in this order.
  private(set) var firsts: [UInt64] = []
  let accumulators: [Accumulator]
  private let aggregates: [CompiledAggregate]
  private var groups = [UInt32](repeating: 0, count: Batch.vectorSize)

  init(_ types: [LogicalType], hints: [ClosedRange<Int64>?], _ aggregates: [CompiledAggregate]) throws {
    table = GroupTable(types, hints: hints)
    self.aggregates = aggregates
    accumulators = try aggregates.map { try $0.makeAccumulator() }
  }

  var groupCount: Int { firsts.count }

  var byteCount: Int {
    accumulators.reduce(table.byteCount + firsts.capacity * 8) { $0 + $1.byteCount }
  }

  /// Makes the one group of an aggregation without keys, for an input without rows.
  func openSingleGroup() {
    guard table.types.isEmpty, groupCount == 0 else { return }
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 1) { buffer in
      if let base = buffer.baseAddress { table.intern([], count: 1, into: base) }
    }
    firsts.append(0)
    for accumulator in accumulators { accumulator.resize(to: 1) }
  }

  /// Takes a batch: its keys, and for each aggregate its inputs and the rows its filter keeps (nil for all).
  func update(
    keys: [Vector], inputs: [[Vector]], filters: [SelectionVector?], count: Int, position: UInt64
  ) throws {
    if groups.count < count { groups = [UInt32](repeating: 0, count: count) }
    try groups.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let fresh = table.intern(keys, count: count, into: base)
      if fresh > 0 {
        for row in table.newRows { firsts.append(position &+ UInt64(row)) }
        for accumulator in accumulators { accumulator.resize(to: groupCount) }
      }
      let groups = table.types.isEmpty ? nil : UnsafePointer(base)
      for (index, accumulator) in accumulators.enumerated() {
        guard let selection = filters[index] else {
          try accumulator.update(inputs[index], groups, count: count)
          continue
        }
        if selection.count == 0 { continue }
        let kept = inputs[index].map { Gather.rows($0, selection) }
        if let groups {
          let chosen = selection.indices.map { groups[Int($0)] }
          try chosen.withUnsafeBufferPointer {
            try accumulator.update(kept, $0.baseAddress, count: chosen.count)
          }
        } else {
          try accumulator.update(kept, nil, count: selection.count)
        }
      }
    }
  }

  func seal() throws { for accumulator in accumulators { try accumulator.seal() } }

  /// Adds some groups of a sealed state of the same kind.
  func merge(_ other: GroupingState, _ members: [UInt32]) throws {
    var start = 0
    while start < members.count {
      let end = min(start + Batch.vectorSize, members.count)
      try members[start..<end].withUnsafeBufferPointer { source in
        try merge(other, source)
      }
      start = end
    }
  }

  private func merge(_ other: GroupingState, _ source: UnsafeBufferPointer<UInt32>) throws {
    let count = source.count
    let keys = other.table.keyVectors(source)
    let before = groupCount
    try groups.withUnsafeMutableBufferPointer { target in
      guard let target = target.baseAddress, let from = source.baseAddress else { return }
      table.intern(keys, count: count, into: target)
      for row in table.newRows { firsts.append(other.firsts[Int(source[Int(row)])]) }
      if groupCount > before { for accumulator in accumulators { accumulator.resize(to: groupCount) } }
      for index in 0..<count where other.firsts[Int(source[index])] < firsts[Int(target[index])] {
        firsts[Int(target[index])] = other.firsts[Int(source[index])]
      }
      for (mine, theirs) in zip(accumulators, other.accumulators) {
        try mine.merge(theirs, from: from, into: target, count: count)
      }
    }
  }

  /// Returns the groups in order of first appearance.
  func order() -> [UInt32] {
    // One worker meets its groups in this order already.
    var isSorted = true
    for group in firsts.indices.dropFirst() where firsts[group] < firsts[group - 1] {
      isSorted = false
      break
    }
    if isSorted { return Array(UInt32(0)..<UInt32(truncatingIfNeeded: groupCount)) }
    var keys = firsts
    var rows = Array(UInt32(0)..<UInt32(truncatingIfNeeded: groupCount))
    keys.withUnsafeMutableBufferPointer { keys in
      rows.withUnsafeMutableBufferPointer { rows in
        guard let keyBase = keys.baseAddress, let rowBase = rows.baseAddress else { return }
        Sort.radix(keyBase, rowBase, count: keys.count, bits: 64)
      }
    }
    return rows
  }
}
