import Kernels
import Vectors

/// Brings together what the workers have of each partition of the keys' hash, in memory and on disk.
///
/// Any number of threads may each merge a partition of their own.
final class GroupMerge: @unchecked Sendable {
  // @unchecked: the workers' groupings are finished; each partition's runs are touched by one thread.
  private let operation: AggregateOperator
  private let groupings: [WorkerGrouping]
  private let set: [Int]

  init(_ operation: AggregateOperator, _ groupings: [WorkerGrouping], _ set: [Int]) {
    self.operation = operation
    self.groupings = groupings
    self.set = set
  }

  /// Calls `body` with the sealed groups of a partition: once, or for part after part when they do not fit memory.
  ///
  /// - Throws: 53200 when not even a small part fits.
  func run(partition: Int, _ body: (GroupingState) throws -> Void) throws {
    try run(HashPart(partition: partition, bits: operation.partitionBits), body)
    for grouping in groupings where !grouping.runs.isEmpty { grouping.runs[partition].discard() }
  }

  private func run(_ part: HashPart, _ body: (GroupingState) throws -> Void) throws {
    let reservation = operation.run.reservation(for: "GROUP BY")
    if let state = try merged(part, reservation) {
      try state.seal()
      if state.groupCount > 0 { try body(state) }
      return
    }
    for smaller in part.parts { try run(smaller, body) }
  }

  /// Returns the groups of `part`; nil when they do not fit memory and a smaller part may.
  private func merged(_ part: HashPart, _ reservation: MemoryReservation) throws -> GroupingState? {
    let target = try operation.makeState(set)
    let isWhole = part.bits == operation.partitionBits
    func fits() throws -> Bool {
      try operation.run.checkpoint()
      if reservation.tryResize(to: target.byteCount) { return true }
      if part.bits < HashPart.finestBits, target.groupCount > 1 {
        try reservation.resize(to: 0)
        return false
      }
      try reservation.resize(to: target.byteCount)
      return true
    }
    for grouping in groupings {
      for piece in grouping.pieces {
        let members = piece[part.partition]
        if members.isEmpty { continue }
        try target.merge(piece.state, isWhole ? members : chosen(members, of: piece.state, part))
        guard try fits() else { return nil }
      }
    }
    let writesGroups = target.writtenTypes != nil
    for grouping in groupings where !grouping.runs.isEmpty {
      let reader = grouping.runs[part.partition].reader()
      while let block = try reader.next() {
        let batch = isWhole ? block : part.rows(of: block, keyCount: set.count)
        if batch.rowCount == 0 { continue }
        if writesGroups {
          try target.merge(written: batch)
        } else {
          let (input, positions) = GroupingRows.input(batch, keyCount: set.count, operation.aggregates)
          try target.update(input, positions: positions)
        }
        guard try fits() else { return nil }
      }
    }
    return target
  }

  private func chosen(_ members: ArraySlice<UInt32>, of state: GroupingState, _ part: HashPart) -> ArraySlice<UInt32> {
    let keys = members.withUnsafeBufferPointer { state.table.keyVectors($0) }
    let hashes = Hash.rows(keys, count: members.count)
    return zip(members, hashes).filter { part.holds($0.1) }.map { $0.0 }[...]
  }
}
