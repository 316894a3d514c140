import Kernels
import Planning
import Vectors

/// What one worker has grouped of one grouping set: a table that takes rows, pieces that are full, and what has been
/// written to disk.
///
/// A table becomes a piece when it has many groups and most rows found theirs in it (rows that lie near each other have
/// equal keys: a small table then does as well as a large one), when hardly any row found its group there (a large table
/// would do no better, and each of its rows costs a miss of the cache), and when memory gets short. Pieces are written
/// as rows of groups. Where an aggregate has no such form, rows are written as they come once memory is short.
final class WorkerGrouping {
  let operation: AggregateOperator
  let set: [Int]
  private(set) var state: GroupingState
  private(set) var pieces: [PartitionedGroups] = []
  private let spill: SpillPartitions
  private var pieceBytes = 0
  private var rowCount = 0
  private var nextCheck = AggregateOperator.manyGroups
  /// True when rows go to disk ungrouped from now on.
  private var writesRows = false

  /// A table of more groups than this becomes a piece in any case.
  private static let mostGroups = 1 << 21

  init(_ operation: AggregateOperator, _ set: [Int]) throws {
    self.operation = operation
    self.set = set
    state = try operation.makeState(set)
    spill = SpillPartitions(operation.run, keyCount: set.count, bits: operation.partitionBits)
  }

  /// One for each partition once something is on disk.
  var runs: [SpillRun] { spill.runs }

  /// True when there are groups elsewhere than in `state`.
  var hasPieces: Bool { !pieces.isEmpty || !runs.isEmpty || writesRows }

  var byteCount: Int { state.byteCount + pieceBytes + spill.byteCount }

  /// True when its groups can go to disk; otherwise what is grouped stays in memory.
  var isWritable: Bool { state.writtenTypes != nil }

  /// Takes rows that follow each other from `position` on.
  func update(_ input: GroupingInput, position: UInt64) throws {
    if writesRows { return try spill.append(GroupingRows.batch(input, operation.aggregates, position: position)) }
    try state.update(input, position: position)
    rowCount += input.count
    guard state.groupCount > nextCheck else { return }
    let isSparse = rowCount < 2 * state.groupCount
    if isSparse || rowCount >= 4 * state.groupCount || state.groupCount > WorkerGrouping.mostGroups {
      let count = state.groupCount
      try closePiece(arranging: isSparse)
      state.reserve(count + count / 8)
    } else {
      nextCheck *= 2
    }
  }

  /// Gives memory back: what is grouped goes to disk, or else what is still to come. Returns false when nothing helps.
  func relieve() throws -> Bool {
    if set.isEmpty || writesRows { return false }
    if !isWritable {
      try closePiece()
      writesRows = true
      return true
    }
    if state.groupCount == 0, pieces.isEmpty { return false }
    try closePiece()
    try writePieces()
    return true
  }

  /// Called when the last row has come: all groups are pieces or on disk.
  func finish() throws {
    try closePiece()
    try spill.write()
    for run in runs { try run.seal() }
  }

  /// Makes a piece of the table; `arranging` lays its groups out by partition, while they are in the cache.
  private func closePiece(arranging: Bool = false) throws {
    guard state.groupCount > 0 else { return }
    try state.seal()
    var piece = PartitionedGroups(state, bits: operation.partitionBits)
    if arranging { piece = try piece.arranged(in: operation.makeState(set)) }
    piece.state.table.close()
    pieces.append(piece)
    pieceBytes += piece.byteCount
    state = try operation.makeState(set)
    rowCount = 0
    nextCheck = AggregateOperator.manyGroups
  }

  private func writePieces() throws {
    guard let types = state.writtenTypes, !pieces.isEmpty else { return }
    try spill.open(types)
    for (partition, run) in runs.enumerated() {
      try operation.run.checkpoint()
      for piece in pieces where !piece[partition].isEmpty {
        try piece[partition].withUnsafeBufferPointer { try run.append(try piece.state.written($0)) }
      }
      try run.write()
    }
    pieces.removeAll()
    pieceBytes = 0
  }
}

/// Rows that wait ungrouped: keys, position, and for each aggregate whether its filter keeps the row (when it has one)
/// and its inputs.
enum GroupingRows {
  static func batch(_ input: GroupingInput, _ aggregates: [CompiledAggregate], position: UInt64) -> Batch {
    var columns = input.keys
    columns.append(GroupingInput.positions(from: position, count: input.count))
    for (index, aggregate) in aggregates.enumerated() {
      // Also where a filter keeps all rows of this batch: all batches have the same columns.
      if aggregate.filter != nil { columns.append(flags(input.filters[index], count: input.count)) }
      columns += input.inputs[index]
    }
    return Batch(columns, rowCount: input.count)
  }

  /// Takes a batch apart again.
  static func input(
    _ batch: Batch, keyCount: Int, _ aggregates: [CompiledAggregate]
  ) -> (input: GroupingInput, positions: Vector) {
    var column = keyCount + 1
    var inputs: [[Vector]] = []
    var filters: [SelectionVector?] = []
    for aggregate in aggregates {
      if aggregate.filter != nil {
        let flags = batch.columns[column].flattened()
        let values = flags.values(as: UInt8.self)
        filters.append(SelectionVector(mask: values, count: batch.rowCount))
        column += 1
      } else {
        filters.append(nil)
      }
      let width = aggregate.inputs.count + (aggregate.takesPosition ? 1 : 0)
      inputs.append(Array(batch.columns[column..<(column + width)]))
      column += width
    }
    let input = GroupingInput(
      keys: Array(batch.columns[..<keyCount]), inputs: inputs, filters: filters, count: batch.rowCount)
    return (input, batch.columns[keyCount])
  }

  private static func flags(_ filter: SelectionVector?, count: Int) -> Vector {
    guard let filter else { return .constant(.boolean, .boolean(true), count: count) }
    var builder = VectorBuilder(.boolean, capacity: count)
    let values = builder.values(as: UInt8.self)
    for row in 0..<count { values[row] = 0 }
    for row in filter.indices { values[Int(row)] = 1 }
    builder.advance(by: count)
    return builder.finish()
  }
}

/// One worker's end of a grouping: evaluates a batch once for all grouping sets.
final class GroupingSink: Sink {
  private let operation: AggregateOperator
  let groupings: [WorkerGrouping]
  let reservation: MemoryReservation
  private var position: UInt64 = 0
  /// Beyond this many bytes groups go to disk: the other half is for merging them.
  private let share: Int

  init(_ operation: AggregateOperator) throws {
    self.operation = operation
    groupings = try operation.sets.map { try WorkerGrouping(operation, $0) }
    reservation = operation.run.reservation(for: "GROUP BY")
    let half = operation.run.context.budget.limit / 2 / operation.run.threadCount
    // What stays in memory must still be within the half when the last batch has doubled a table.
    share = groupings.allSatisfy { $0.isWritable } ? half : half / 2
  }

  override func begin(ordinal: Int) { position = UInt64(ordinal) << 32 }

  override func consume(_ batch: Batch) throws {
    let input = try GroupingInput(
      batch, keys: operation.keys, operation.aggregates, position: position, operation.run.evaluation)
    for grouping in groupings {
      guard operation.sets.count > 1 || grouping.set.count != input.keys.count else {
        try grouping.update(input, position: position)
        continue
      }
      try grouping.update(
        GroupingInput(
          keys: grouping.set.map { input.keys[$0] }, inputs: input.inputs, filters: input.filters, count: input.count),
        position: position)
    }
    position &+= UInt64(batch.rowCount)
    let total = byteCount
    if total <= share, reservation.tryResize(to: total) { return }
    var helped = false
    for grouping in groupings { helped = try grouping.relieve() || helped }
    try reservation.resize(to: byteCount)
  }

  private var byteCount: Int { groupings.reduce(0) { $0 + $1.byteCount } }
}
