import Kernels
import Planning
import Vectors

/// One worker's groups of one grouping set: which there are, where each first appeared, and their accumulators.
final class GroupingState {
  let table: GroupTable
  /// Where each group's first row was: morsel << 32 | row. Groups come out in this order.
  private(set) var firsts: [UInt64] = []
  private(set) var accumulators: [Accumulator]
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

  /// Makes room for `count` groups at once.
  func reserve(_ count: Int) {
    table.reserve(count)
    firsts.reserveCapacity(count)
  }

  /// Forgets all groups and keeps the memory for others.
  func reset() throws {
    table.reset()
    firsts.removeAll(keepingCapacity: true)
    for (index, accumulator) in accumulators.enumerated() where !accumulator.reset() {
      accumulators[index] = try aggregates[index].makeAccumulator()
    }
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

  /// Takes rows that follow each other from `position` on.
  func update(_ input: GroupingInput, position: UInt64) throws {
    try update(input) { position &+ UInt64($0) }
  }

  /// Takes rows whose positions are a bigint vector.
  func update(_ input: GroupingInput, positions: Vector) throws {
    let flat = positions.flattened()
    try withExtendedLifetime(flat) {
      let values = flat.values(as: Int64.self)
      try update(input) { UInt64(bitPattern: values[$0]) }
      // Rows of several workers come in any order.
      for row in 0..<input.count {
        let position = UInt64(bitPattern: values[row])
        if position < firsts[Int(groups[row])] { firsts[Int(groups[row])] = position }
      }
    }
  }

  private func update(_ input: GroupingInput, _ position: (Int) -> UInt64) throws {
    let count = input.count
    if groups.count < count { groups = [UInt32](repeating: 0, count: count) }
    try groups.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let fresh = table.intern(input.keys, count: count, into: base)
      if fresh > 0 {
        for row in table.newRows { firsts.append(position(Int(row))) }
        for accumulator in accumulators { accumulator.resize(to: groupCount) }
      }
      let groups = table.types.isEmpty ? nil : UnsafePointer(base)
      for (index, accumulator) in accumulators.enumerated() {
        guard let selection = input.filters[index] else {
          try accumulator.update(input.inputs[index], groups, count: count)
          continue
        }
        if selection.count == 0 { continue }
        let kept = input.inputs[index].map { Gather.rows($0, selection) }
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

  /// Called when the last row has come; groups may then be read by any number of threads.
  func seal() throws {
    table.seal()
    for accumulator in accumulators { try accumulator.seal() }
  }

  // MARK: Merging

  /// Adds some groups of a sealed state of the same kind.
  func merge(_ other: GroupingState, _ members: ArraySlice<UInt32>) throws {
    var start = members.startIndex
    while start < members.endIndex {
      let end = min(start + Batch.vectorSize, members.endIndex)
      try members[start..<end].withUnsafeBufferPointer { source in
        try merge(other, source)
      }
      start = end
    }
  }

  /// Adds all groups of a sealed state of the same kind.
  func merge(_ other: GroupingState) throws {
    try merge(other, Array(0..<UInt32(truncatingIfNeeded: other.groupCount))[...])
  }

  private func merge(_ other: GroupingState, _ source: UnsafeBufferPointer<UInt32>) throws {
    let count = source.count
    let before = groupCount
    try groups.withUnsafeMutableBufferPointer { target in
      guard let target = target.baseAddress, let from = source.baseAddress else { return }
      table.intern(groups: source, of: other.table, into: target)
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

  // MARK: Written groups

  /// The types of `written`'s columns; nil when an accumulator has no such form.
  var writtenTypes: [LogicalType]? {
    var types = table.types + [.bigint]
    for accumulator in accumulators {
      guard let more = accumulator.stateTypes else { return nil }
      types += more
    }
    return types
  }

  /// Returns groups as rows: keys, first position, and the accumulators' states. The state is sealed.
  func written(_ members: UnsafeBufferPointer<UInt32>) throws -> Batch {
    var columns = table.keyVectors(members)
    var builder = VectorBuilder(.bigint, capacity: members.count)
    let positions = builder.values(as: Int64.self)
    for (row, group) in members.enumerated() { positions[row] = Int64(bitPattern: firsts[Int(group)]) }
    builder.advance(by: members.count)
    columns.append(builder.finish())
    for accumulator in accumulators { columns += try accumulator.state(members) }
    return Batch(columns, rowCount: members.count)
  }

  /// Adds groups that `written` gave.
  func merge(written batch: Batch) throws {
    let keyCount = table.types.count
    let count = batch.rowCount
    if groups.count < count { groups = [UInt32](repeating: 0, count: count) }
    let flat = batch.columns[keyCount].flattened()
    try withExtendedLifetime(flat) {
      let positions = flat.values(as: Int64.self)
      try groups.withUnsafeMutableBufferPointer { target in
        guard let target = target.baseAddress else { return }
        if table.intern(Array(batch.columns[..<keyCount]), count: count, into: target) > 0 {
          for row in table.newRows { firsts.append(UInt64(bitPattern: positions[Int(row)])) }
          for accumulator in accumulators { accumulator.resize(to: groupCount) }
        }
        for row in 0..<count where UInt64(bitPattern: positions[row]) < firsts[Int(target[row])] {
          firsts[Int(target[row])] = UInt64(bitPattern: positions[row])
        }
        var column = keyCount + 1
        for accumulator in accumulators {
          let width = accumulator.stateTypes?.count ?? 0
          try accumulator.merge(state: Array(batch.columns[column..<(column + width)]), target, count: count)
          column += width
        }
      }
    }
  }

  // MARK: Order

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
