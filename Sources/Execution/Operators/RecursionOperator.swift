import Bytes
import Kernels
import Planning
import Vectors

/// WITH RECURSIVE: a phase for the rows to begin with, and one for each turn, made when the one before is done; so a
/// limit above it ends a recursion that would not end by itself.
final class RecursionOperator: Operator {
  private let base: Operator
  private let step: PhysicalNode
  private let id: Int
  private let all: Bool
  private let builder: OperatorBuilder
  /// The rows of the phase that was last asked for.
  private var current: [Batch] = []
  private var phase = -1
  private var reservation: MemoryReservation?
  /// The rows given so far, to leave out repeats.
  private var table: GroupTable?
  private var tableReservation: MemoryReservation?

  init(
    _ node: PhysicalNode, _ run: QueryRun, base: Operator, step: PhysicalNode, id: Int, all: Bool,
    builder: OperatorBuilder
  ) {
    self.base = base
    self.step = step
    self.id = id
    self.all = all
    self.builder = builder
    super.init(node, run)
  }

  override func prepare() throws {
    if !all {
      table = GroupTable(types)
      tableReservation = run.reservation(for: "WITH RECURSIVE")
    }
  }

  override func morselCount(phase: Int) throws -> Int? {
    while self.phase < phase {
      try run.checkpoint()
      let source =
        self.phase < 0 ? base : try OperatorBuilder(run, turn: id, rows: current, outer: builder).build(step)
      let collected = try CollectSink.collect(source, for: "WITH RECURSIVE")
      current = try distinct(collected.batches)
      reservation = collected.reservation
      self.phase += 1
      if current.isEmpty { return nil }
    }
    return current.isEmpty ? nil : current.count
  }

  /// The rows as this operator's columns, without those that were given before.
  private func distinct(_ batches: [Batch]) throws -> [Batch] {
    let types = self.types
    var result: [Batch] = []
    for batch in batches where batch.rowCount > 0 {
      let columns = zip(batch.columns, types).map { $0.retyped(as: $1) }
      guard let table else {
        result.append(Batch(columns, rowCount: batch.rowCount))
        continue
      }
      var groups = [UInt32](repeating: 0, count: batch.rowCount)
      let before = table.groupCount
      groups.withUnsafeMutableBufferPointer { buffer in
        if let base = buffer.baseAddress { table.intern(columns, count: batch.rowCount, into: base) }
      }
      var known = before
      var fresh: [UInt32] = []
      for row in 0..<batch.rowCount where Int(groups[row]) >= known {
        // Groups are numbered in the order of their first rows.
        known = Int(groups[row]) + 1
        fresh.append(UInt32(row))
      }
      if fresh.isEmpty { continue }
      let selection = SelectionVector(fresh)
      result.append(Batch(columns.map { Gather.rows($0, selection) }, rowCount: fresh.count))
    }
    if let table { try tableReservation?.resize(to: table.byteCount) }
    return result
  }

  override func makeWorker() throws -> OperatorWorker { Worker(self) }

  override func finish() {
    current = []
    reservation = nil
    table = nil
    tableReservation = nil
  }

  private final class Worker: OperatorWorker {
    let source: RecursionOperator

    init(_ source: RecursionOperator) { self.source = source }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      let batch = source.current[morsel]
      var start = 0
      while start < batch.rowCount {
        let end = min(start + Batch.vectorSize, batch.rowCount)
        try emit(batch.slice(start..<end))
        start = end
      }
    }
  }
}

/// The rows of a recursion's last turn.
final class WorkingRowsOperator: RowsOperator {
  init(_ node: PhysicalNode, _ run: QueryRun, rows: [Batch]) {
    super.init(node, run)
    self.rows = rows
  }

  override func finish() {}
}
