import Kernels
import Planning
import Vectors

/// Window functions computed beside an input that can be read twice, and that keeps its order.
///
/// The first reading stores what the calls and the keys need and no more, sorted as for any window; the results go to
/// columns in the order of the input's rows. The second hands the rows on with their results. So what lies above finds
/// the order in which the table is stored, and the wide rows are never moved.
final class WindowInPlace {
  private let results: [ScatteredColumn]
  private let firstRows: [Int: Int]
  private let reservation: MemoryReservation

  /// Nil when the calls' results cannot be scattered.
  static func isPossible(_ windowing: Windowing) -> Bool {
    windowing.rowLimit == nil && windowing.calls.allSatisfy { $0.output.type.physical != .string }
  }

  /// Reads the input of `operation` to its end; nil when memory does not hold what the calls need of it.
  init?(_ operation: WindowOperator) throws {
    let run = operation.run
    // The same window, of which nothing but the calls is wanted.
    let calls = operation.windowing.calls.map(\.output)
    let node = PhysicalNode(
      id: operation.node.id, operation.node.operation, inputs: operation.node.inputs, output: calls,
      estimatedRowCount: operation.node.estimatedRowCount)
    let narrow = try WindowOperator(node, run, input: operation.input, windowing: operation.windowing)
    try narrow.sortRows()
    defer { narrow.finish() }
    guard let sorted = narrow.sorted else { return nil }
    firstRows = sorted.firstRows
    reservation = run.reservation(for: "window functions")
    try reservation.resize(
      to: calls.reduce(0) { $0 + ScatteredColumn.byteCount($1.type, rows: sorted.rowCount) })
    let results = calls.map { ScatteredColumn($0.type, count: sorted.rowCount) }
    self.results = results
    let morsels = narrow.sortedMorsels
    let box = Box(narrow)
    try WorkerPool.shared.forEach(count: morsels.count, threads: run.threadCount) { morsel, _ in
      try run.checkpoint()
      try box.value.compute(morsels[morsel], PairSorter()) { vectors, rows in
        for (result, vector) in zip(results, vectors) { result.put(vector, at: rows) }
      }
    }
  }

  func release() { try? reservation.resize(to: 0) }

  /// Hands on the rows of the input's morsels, with their results behind them.
  final class Worker: OperatorWorker {
    private let operation: WindowOperator
    private let window: WindowInPlace
    private let input: OperatorWorker

    init(_ operation: WindowOperator, _ window: WindowInPlace) throws {
      self.operation = operation
      self.window = window
      input = try operation.input.worker()
    }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      var row = window.firstRows[morsel] ?? 0
      try input.run(phase: phase, morsel: morsel) { batch in
        let rows = row..<row + batch.rowCount
        row = rows.upperBound
        let columns = operation.wanted.map { batch.columns[$0] }
        try operation.emit(columns + window.results.map { $0.slice(rows) }, rowCount: batch.rowCount, emit)
      }
    }
  }
}
