import Kernels
import Vectors

/// GROUP BY of a clustered key: a row group's complete groups are handed on as soon as it has been read, from a table
/// that fits the cache; those that may go on in another row group are kept to the end.
///
/// Groups come out by row group and in order of their first rows; those kept come last, in order of their first rows.
final class ClusteredGrouping {
  let operation: AggregateOperator
  let key: ClusteredKey
  /// The open groups of every worker.
  private var kept: [GroupingState] = []
  private var rest: GroupingState?
  private var restOrder: [UInt32] = []
  private var inputPhases: Int?

  init(_ operation: AggregateOperator, _ key: ClusteredKey) {
    self.operation = operation
    self.key = key
  }

  private static let restMorsel = 16 * Batch.vectorSize

  func morselCount(phase: Int) throws -> Int? {
    if inputPhases == nil {
      if let count = try operation.input.morselCount(phase: phase) { return count }
      inputPhases = phase
    }
    guard let inputPhases, phase <= inputPhases else { return nil }
    guard phase == inputPhases else { return try operation.input.morselCount(phase: phase) }
    if rest == nil {
      for state in kept { try state.seal() }
      let all = try operation.makeState(operation.sets[0])
      for state in kept { try all.merge(state) }
      try all.seal()
      kept = []
      restOrder = all.order()
      rest = all
    }
    return (restOrder.count + ClusteredGrouping.restMorsel - 1) / ClusteredGrouping.restMorsel
  }

  /// Makes the state of one thread; called for one at a time.
  func makeWorker() throws -> OperatorWorker {
    let worker = Worker(
      self, try operation.input.worker(), try operation.makeState(operation.sets[0]),
      try operation.makeState(operation.sets[0]))
    kept.append(worker.open)
    return worker
  }

  private final class Worker: OperatorWorker {
    let grouping: ClusteredGrouping
    let input: OperatorWorker
    let state: GroupingState
    let open: GroupingState
    let reservation: MemoryReservation

    init(_ grouping: ClusteredGrouping, _ input: OperatorWorker, _ state: GroupingState, _ open: GroupingState) {
      self.grouping = grouping
      self.input = input
      self.state = state
      self.open = open
      reservation = grouping.operation.run.reservation(for: "GROUP BY")
    }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      let operation = grouping.operation
      if phase == grouping.inputPhases {
        guard let rest = grouping.rest else { return }
        let start = morsel * ClusteredGrouping.restMorsel
        let end = min(start + ClusteredGrouping.restMorsel, grouping.restOrder.count)
        return try operation.emit(rest, grouping.restOrder[start..<end], operation.sets[0], emit)
      }
      try state.reset()
      var position = UInt64(morsel) << 32
      try input.run(phase: phase, morsel: morsel) { batch in
        let input = try GroupingInput(
          batch, keys: operation.keys, operation.aggregates, position: position, operation.run.evaluation)
        try state.update(input, position: position)
        position &+= UInt64(batch.rowCount)
        try reservation.resize(to: state.byteCount + open.byteCount)
      }
      if state.groupCount == 0 { return }
      try state.seal()
      let range = grouping.key.closedRange(grouping.key.scan.rowGroup(ofMorsel: morsel))
      let (complete, others) = split(range)
      try operation.emit(state, complete[...], operation.sets[0], emit)
      try open.merge(state, others[...])
    }

    /// Splits the groups, in order of first rows, into those whose key is within `range` and the others.
    private func split(_ range: ClosedRange<Int64>?) -> (complete: [UInt32], others: [UInt32]) {
      let groups = Array(UInt32(0)..<UInt32(truncatingIfNeeded: state.groupCount))
      guard let range else { return ([], groups) }
      var complete: [UInt32] = []
      var others: [UInt32] = []
      complete.reserveCapacity(groups.count)
      var start = 0
      while start < groups.count {
        let part = groups[start..<min(start + Batch.vectorSize, groups.count)]
        let values = part.withUnsafeBufferPointer { state.table.integerKeys(grouping.key.key, $0) }
        for (group, value) in zip(part, values) {
          if let value, range.contains(value) { complete.append(group) } else { others.append(group) }
        }
        start += part.count
      }
      return (complete, others)
    }
  }
}
