import Kernels
import Planning
import Vectors

/// Keeps the rows for which a condition is true.
final class FilterOperator: StreamOperator {
  private let predicate: CompiledPredicate

  init(_ node: PhysicalNode, _ run: QueryRun, input: Operator, condition: Expression) throws {
    predicate = try CompiledPredicate(condition, input: input.columns)
    super.init(node, run, input: input)
  }

  override var outlivesRuns: Bool { input.outlivesRuns }

  override func makeWorker() throws -> OperatorWorker { Worker(self, try input.worker()) }

  private final class Worker: OperatorWorker {
    let filter: FilterOperator
    let input: OperatorWorker

    init(_ filter: FilterOperator, _ input: OperatorWorker) {
      self.filter = filter
      self.input = input
    }

    override func restrict(_ column: Column, to range: ClosedRange<Int64>) -> Bool { input.restrict(column, to: range) }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      let predicate = filter.predicate
      let context = filter.run.evaluation
      try input.run(phase: phase, morsel: morsel) { batch in
        guard let selection = try predicate.select(batch, context) else { return try emit(batch) }
        if selection.count > 0 { try emit(Gather.rows(batch, selection)) }
      }
    }
  }
}

/// Computes new columns from the old.
final class ProjectOperator: StreamOperator {
  private let expressions: [CompiledExpression]
  /// The input's column that an output passes on.
  fileprivate let passed: [Column: Column]

  init(_ node: PhysicalNode, _ run: QueryRun, input: Operator, expressions: [Expression]) throws {
    self.expressions = try expressions.map { try CompiledExpression($0, input: input.columns) }
    var passed: [Column: Column] = [:]
    for (output, expression) in zip(node.output, expressions) {
      if case .column(let column) = expression { passed[output] = column }
    }
    self.passed = passed
    super.init(node, run, input: input)
  }

  override func isOrdered(by wanted: [Column]) throws -> Bool {
    let below = wanted.compactMap { passed[$0] }
    return below.count == wanted.count ? try input.isOrdered(by: below) : false
  }

  override func isNearlyOrdered(by column: Column) throws -> Bool {
    try passed[column].map { try input.isNearlyOrdered(by: $0) } ?? false
  }

  override func bounds(of column: Column) throws -> ClosedRange<Int64>? {
    try passed[column].flatMap { try input.bounds(of: $0) }
  }

  override func bounds(of column: Column, morsel: Int) throws -> ClosedRange<Int64>? {
    try passed[column].flatMap { try input.bounds(of: $0, morsel: morsel) }
  }

  override var outlivesRuns: Bool { input.outlivesRuns }

  override func prefer(order: [Column]) {
    let below = order.compactMap { passed[$0] }
    if below.count == order.count { input.prefer(order: below) }
  }

  override func preferWholeMorsels() { input.preferWholeMorsels() }

  override var unpartedColumns: [Column] {
    let below = input.unpartedColumns
    let own = below.compactMap { column in passed.first { $0.value == column }?.key }
    return own.count == below.count ? own : []
  }

  override func makeWorker() throws -> OperatorWorker { Worker(self, try input.worker()) }

  private final class Worker: OperatorWorker {
    let project: ProjectOperator
    let input: OperatorWorker

    init(_ project: ProjectOperator, _ input: OperatorWorker) {
      self.project = project
      self.input = input
    }

    override func restrict(_ column: Column, to range: ClosedRange<Int64>) -> Bool {
      project.passed[column].map { input.restrict($0, to: range) } ?? false
    }

    override func place(in arena: RowArena) { input.place(in: arena) }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      let expressions = project.expressions
      let context = project.run.evaluation
      try input.run(phase: phase, morsel: morsel) { batch in
        try emit(Batch(try expressions.map { try $0.evaluate(batch, context) }, rowCount: batch.rowCount))
      }
    }
  }
}
