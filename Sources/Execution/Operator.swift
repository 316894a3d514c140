import Bytes
import Kernels
import Planning
import Synchronization
import Vectors

/// What all operators of one running plan share.
final class QueryRun: @unchecked Sendable {
  // @unchecked: `evaluation` is set between pipelines only, on the thread that runs the query.

  let context: QueryContext
  let metrics: QueryMetrics
  let threadCount: Int
  /// Parameters, clock, and the results of the subqueries that have run.
  var evaluation: EvaluationContext
  private let spill = Mutex<SpillFile?>(nil)
  /// What joins have found out for scans, by number.
  private let runtimeFilters = Mutex<[Int: [ColumnPredicate]]>([:])

  /// With `isSerial` one thread computes the rows one after another.
  init(_ context: QueryContext, metrics: QueryMetrics, isSerial: Bool = false) {
    self.context = context
    threadCount = isSerial ? 1 : context.threadCount
    self.metrics = metrics
    evaluation = EvaluationContext(
      parameters: context.parameters, now: context.now, zone: context.zone,
      sequences: context.sequences)
    evaluation.cancellation = context.cancellation
  }

  /// Called for every morsel and batch. - Throws: `.cancelled`.
  @inline(__always) func checkpoint() throws { try context.cancellation.check() }

  func reservation(for purpose: String) -> MemoryReservation {
    MemoryReservation(context.budget, for: purpose)
  }

  /// Tells scans that ask for runtime filter `number` which values of their column can find a partner.
  func publish(_ predicates: [ColumnPredicate], asFilter number: Int) {
    runtimeFilters.withLock { $0[number] = predicates }
  }

  /// The predicates of a runtime filter; none before it is made.
  func runtimeFilter(_ number: Int) -> [ColumnPredicate] { runtimeFilters.withLock { $0[number] ?? [] } }

  /// The query's file for rows that memory does not hold, made when it is first asked for. - Throws: `.io`.
  func spillFile() throws -> SpillFile {
    try spill.withLock { file in
      if let file { return file }
      let made = try SpillFile(directory: context.temporaryDirectory)
      file = made
      return made
    }
  }
}

/// One operator of a running plan: rows as phases of numbered morsels that any thread may compute.
///
/// The executor first calls `prepareOnce` (a breaker takes all its input there), then, phase by phase, runs every
/// morsel through a worker of its own thread. Rows in order of phase, morsel and emission are the operator's row order,
/// whatever the number of threads. A later phase starts when the one before is done.
class Operator {
  let node: PhysicalNode
  let run: QueryRun
  let metrics: NodeMetrics
  private var isPrepared = false
  private var failure: (any Error)?
  private let making = Mutex(())

  init(_ node: PhysicalNode, _ run: QueryRun) {
    self.node = node
    self.run = run
    metrics = run.metrics[node.id] ?? NodeMetrics()
  }

  var columns: [Column] { node.output }
  var types: [LogicalType] { node.output.map { $0.type } }

  /// Makes the operator ready to give morsels: runs the pipelines it rests on.
  final func prepareOnce() throws {
    // What a subquery could not compute nobody else who shares it can.
    if let failure { throw failure }
    if isPrepared { return }
    isPrepared = true
    do {
      guard run.context.isTimed else { return try prepare() }
      let watch = Stopwatch.ofThread
      let outer = watch.enter(metrics)
      defer { _ = watch.enter(outer) }
      try prepare()
    } catch {
      failure = error
      throw error
    }
  }

  /// Makes the state of one thread, with its rows and time counted. Any thread may ask; one worker is made at a time.
  final func worker() throws -> OperatorWorker {
    let made = try making.withLock { _ in Box(try makeWorker()) }
    return MeteredWorker(made.value, metrics, run.context.isTimed)
  }

  func prepare() throws {}

  /// Returns the number of morsels of a phase; nil when there is no such phase. Phases are asked for in order.
  func morselCount(phase: Int) throws -> Int? { fatalError("each operator has its own") }

  /// Makes the state of one thread. Called for one worker at a time: an operator may note down what it makes.
  func makeWorker() throws -> OperatorWorker { fatalError("each operator has its own") }

  /// Tells whether the rows ascend by `wanted`, NULLs last, in one phase. May read data to find out; asked when prepared.
  func isOrdered(by wanted: [Column]) throws -> Bool { false }

  /// Returns bounds that every valid integer of an output keeps; nil when none are known.
  func bounds(of column: Column) throws -> ClosedRange<Int64>? { nil }

  /// Returns bounds that every value of an output keeps in a morsel of phase 0; nil when none are known, or some may be
  /// NULL. Asked when prepared.
  func bounds(of column: Column, morsel: Int) throws -> ClosedRange<Int64>? { nil }

  /// More rows than these there are not; nil when nobody knows. Asked when prepared.
  var mostRows: Int? { nil }

  /// Tells whether rows of like values of a column lie near each other, so that little is moved to bring them in order.
  func isNearlyOrdered(by column: Column) throws -> Bool { false }

  /// True when a morsel may be run several times, or in part: it computes nothing that is dear or remembered.
  var isReplayable: Bool { false }

  /// Columns by which rows that are equal, and follow one another, are in one morsel.
  var unpartedColumns: [Column] { [] }

  /// True when it can still be run, and gives the same morsels, after `finish`.
  var outlivesRuns: Bool { false }

  /// Says by what the rows would best ascend, before `prepareOnce`. Who has a choice may take it; `isOrdered` tells.
  func prefer(order: [Column]) {}

  /// Says before `prepareOnce` that a morsel's rows are kept until it ends: to hand them on piece by piece saves nothing.
  func preferWholeMorsels() {}

  /// Called when all phases have run, or will never run: gives memory back.
  func finish() {}
}

/// Receives the batches of a morsel; throwing stops the query.
typealias Emit = (Batch) throws -> Void

/// The rows of a morsel by columns: who needs some of them to tell which rows are wanted takes the others of those alone.
///
/// One thread, until its worker computes another morsel. Rows are counted from the morsel's first; lists of them ascend,
/// no row twice.
protocol MorselColumns {
  var rowCount: Int { get }

  /// Returns an output's values of the rows at `rows`.
  func column(_ output: Int, at rows: [UInt32]) throws -> Vector

  /// Returns an output's values of all rows but those at `removed`.
  func column(_ output: Int, without removed: [UInt32]) throws -> Vector
}

/// One thread's state of an operator.
class OperatorWorker {
  /// Computes a morsel and hands its rows on in order, batch by batch, none empty, each of at most
  /// `Batch.vectorSize` rows.
  func run(phase: Int, morsel: Int, _ emit: Emit) throws { fatalError("each operator has its own") }

  /// Computes a morsel as columns; nil where its rows are only had as batches.
  func columns(phase: Int, morsel: Int) throws -> (any MorselColumns)? { nil }

  /// From now on keeps back the rows whose integer `column` is NULL or lies outside of `range`. Returns false, and keeps
  /// none back, when that is not cheaper here than where they go.
  func restrict(_ column: Column, to range: ClosedRange<Int64>) -> Bool { false }

  /// From now on may put rows into `arena`, for who joins them: those that pass by whole lie end to end then.
  func place(in arena: RowArena) {}
}

/// Counts what passes through an operator's worker.
private final class MeteredWorker: OperatorWorker {
  private let inner: OperatorWorker
  private let metrics: NodeMetrics
  private let isTimed: Bool

  init(_ inner: OperatorWorker, _ metrics: NodeMetrics, _ isTimed: Bool) {
    self.inner = inner
    self.metrics = metrics
    self.isTimed = isTimed
  }

  override func restrict(_ column: Column, to range: ClosedRange<Int64>) -> Bool { inner.restrict(column, to: range) }

  override func place(in arena: RowArena) { inner.place(in: arena) }

  override func columns(phase: Int, morsel: Int) throws -> (any MorselColumns)? {
    guard isTimed else {
      let columns = try inner.columns(phase: phase, morsel: morsel)
      if let columns { metrics.countRows(of: columns) }
      return columns
    }
    let watch = Stopwatch.ofThread
    let outer = watch.enter(metrics)
    defer { _ = watch.enter(outer) }
    guard let columns = try inner.columns(phase: phase, morsel: morsel) else { return nil }
    metrics.countRows(of: columns)
    return TimedColumns(columns, metrics)
  }

  override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
    guard isTimed else {
      return try inner.run(phase: phase, morsel: morsel) { batch in
        metrics.countRows(batch.rowCount)
        try emit(batch)
      }
    }
    let watch = Stopwatch.ofThread
    let outer = watch.enter(metrics)
    defer { _ = watch.enter(outer) }
    try inner.run(phase: phase, morsel: morsel) { batch in
      metrics.countRows(batch.rowCount)
      let mine = watch.enter(outer)
      defer { _ = watch.enter(mine) }
      try emit(batch)
    }
  }
}

/// Columns whose reading is charged to the operator that gives them.
private struct TimedColumns: MorselColumns {
  private let inner: any MorselColumns
  private let metrics: NodeMetrics

  init(_ inner: any MorselColumns, _ metrics: NodeMetrics) {
    self.inner = inner
    self.metrics = metrics
  }

  var rowCount: Int { inner.rowCount }

  func column(_ output: Int, at rows: [UInt32]) throws -> Vector {
    let watch = Stopwatch.ofThread
    let outer = watch.enter(metrics)
    defer { _ = watch.enter(outer) }
    return try inner.column(output, at: rows)
  }

  func column(_ output: Int, without removed: [UInt32]) throws -> Vector {
    let watch = Stopwatch.ofThread
    let outer = watch.enter(metrics)
    defer { _ = watch.enter(outer) }
    return try inner.column(output, without: removed)
  }
}

/// An operator that changes the batches of its one input as they pass.
class StreamOperator: Operator {
  let input: Operator

  init(_ node: PhysicalNode, _ run: QueryRun, input: Operator) {
    self.input = input
    super.init(node, run)
  }

  override func prepare() throws { try input.prepareOnce() }

  override func morselCount(phase: Int) throws -> Int? { try input.morselCount(phase: phase) }

  override func isOrdered(by wanted: [Column]) throws -> Bool { try input.isOrdered(by: wanted) }

  override func bounds(of column: Column) throws -> ClosedRange<Int64>? { try input.bounds(of: column) }

  override func bounds(of column: Column, morsel: Int) throws -> ClosedRange<Int64>? {
    try input.bounds(of: column, morsel: morsel)
  }

  override var mostRows: Int? { input.mostRows }

  override func isNearlyOrdered(by column: Column) throws -> Bool { try input.isNearlyOrdered(by: column) }

  override var isReplayable: Bool { input.isReplayable }

  override var unpartedColumns: [Column] { input.unpartedColumns }

  override func prefer(order: [Column]) {
    if order.allSatisfy(input.columns.contains) { input.prefer(order: order) }
  }

  override func finish() { input.finish() }
}

/// Thrown through a pipeline when its consumer has seen enough; never leaves the executor.
struct EarlyStop: Error {}

/// Thrown in a worker whose morsel has lost its turn because an earlier one failed; never the reason of anything.
package struct Aborted: Error {}
