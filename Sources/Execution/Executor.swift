import Bytes
import Kernels
import Planning
import Vectors

/// Runs physical plans.
package enum Executor {
  /// Runs `plan` and hands its rows to `sink`, batch by batch, each of 1 to `Batch.vectorSize` rows.
  ///
  /// Batches come in the plan's row order, which does not depend on the number of threads. Calls of `sink` never
  /// overlap, but may come from different threads; while `sink` works or waits, at most a bounded number of batches
  /// is kept ready (backpressure). An error thrown by `sink` stops the query and is thrown on.
  ///
  /// - Throws: `.user` for what the data or the SQL did wrong, `.cancelled`, 53200 when the memory budget is too small,
  ///   and what the table source throws.
  @discardableResult
  package static func run(
    _ plan: PhysicalPlan, in context: QueryContext, sink: @escaping (Batch) throws -> Void
  ) throws -> QueryMetrics {
    let (builder, run) = try started(plan, context)
    let metrics = run.metrics
    var root = plan.root
    var window: RowWindow?
    if case .limit(let count, let offset) = root.operation, let input = root.inputs.first {
      window = try LimitOperator.window(run, count: count, offset: offset)
      if window == nil { return metrics }
      root = input
    }
    let limit = window
    let limitMetrics = window == nil ? nil : metrics[plan.root.id]
    let output = OrderedOutput { batch in
      guard let limit else { return try sink(batch) }
      try limit.pass(batch) {
        limitMetrics?.countRows($0.rowCount)
        try sink($0)
      }
    }
    try Pipeline.run(try builder.build(root)) { _ in OrderedSink(output) }
    return metrics
  }

  /// Runs `plan` and hands to `sink` what stages make of its rows: each thread has its own, from `makeStage`, so that its
  /// work need not wait for its turn.
  ///
  /// Items come in the order of the rows they are made of. All else is as without stages.
  @discardableResult
  package static func run<Stage: RowStage>(
    _ plan: PhysicalPlan, in context: QueryContext, stage makeStage: @escaping () throws -> Stage,
    sink: @escaping (Stage.Item) throws -> Void
  ) throws -> QueryMetrics {
    if case .limit = plan.root.operation {
      // Which rows there are is known in order only.
      let stage = try makeStage()
      let metrics = try run(plan, in: context) { batch in
        for item in try stage.take(batch) { try sink(item) }
      }
      for item in try stage.endMorsel() { try sink(item) }
      return metrics
    }
    let (builder, run) = try started(plan, context)
    let output = OrderedItems(sink)
    let root = try builder.build(plan.root)
    root.preferWholeMorsels()
    try Pipeline.run(root) { _ in StagedSink(try makeStage(), output) }
    return run.metrics
  }

  /// Begins to run a plan: its subqueries' values are known.
  private static func started(
    _ plan: PhysicalPlan, _ context: QueryContext
  ) throws -> (builder: OperatorBuilder, run: QueryRun) {
    let run = QueryRun(
      context, metrics: QueryMetrics(nodeIDs: PlanNodes.ids(of: plan)), isSerial: plan.isSerial)
    let builder = OperatorBuilder(run)
    for subquery in plan.subqueries {
      run.evaluation.subqueries.append(try result(of: subquery, builder))
    }
    return (builder, run)
  }

  /// Runs `plan`, which is no limit, into sinks that `makeSink` gives for each worker that takes part.
  static func run<S: Sink>(_ plan: PhysicalPlan, in context: QueryContext, _ makeSink: @escaping () throws -> S) throws
  {
    let (builder, _) = try started(plan, context)
    try Pipeline.run(try builder.build(plan.root)) { _ in try makeSink() }
  }

  /// Runs `plan` and returns all its rows: for tests and small results.
  package static func collect(_ plan: PhysicalPlan, in context: QueryContext) throws -> [Batch] {
    let box = Box<[Batch]>([])
    try run(plan, in: context) { box.value.append($0) }
    return box.value
  }

  /// The aggregations of a plan that may run on the codes of stored columns, by the ids of their nodes. Nothing runs.
  package static func groupingsOfCodes(_ plan: PhysicalPlan, in context: QueryContext) throws -> Set<Int> {
    let run = QueryRun(context, metrics: QueryMetrics(nodeIDs: []))
    // Subqueries do not run, and NULL becomes no predicate.
    run.evaluation.subqueries = plan.subqueries.map { _ in .success(.null) }
    let builder = OperatorBuilder(run)
    for node in plan.subqueries + [plan.root] { _ = try builder.build(node) }
    return builder.groupingsOfCodes
  }

  /// Runs an uncorrelated scalar subquery. That its data are wrong matters to those who ask for its value: a branch of
  /// CASE that is not taken does not.
  private static func result(
    of subquery: PhysicalNode, _ builder: OperatorBuilder
  ) throws -> Result<Scalar, PulsehouseError> {
    do {
      return .success(try scalar(of: try builder.build(subquery)))
    } catch let error as PulsehouseError where error.kind == .user {
      return .failure(error)
    }
  }

  /// Runs an uncorrelated scalar subquery.
  private static func scalar(of source: Operator) throws -> Scalar {
    let result = Box<[Scalar]>([])
    let output = OrderedOutput { batch in
      if result.value.count + batch.rowCount > 1 {
        throw PulsehouseError(
          .user, "more than one row returned by a subquery used as an expression", sqlState: "21000")
      }
      if batch.rowCount == 1 { result.value.append(batch.columns.first?.scalar(at: 0) ?? .null) }
    }
    try Pipeline.run(source) { _ in OrderedSink(output) }
    return result.value.first ?? .null
  }
}

/// The nodes of a plan, shared ones once.
enum PlanNodes {
  static func ids(of plan: PhysicalPlan) -> Set<Int> {
    var seen: Set<Int> = []
    var open = [plan.root] + plan.subqueries
    while let node = open.popLast() {
      if seen.insert(node.id).inserted { open += node.inputs }
    }
    return seen
  }
}

/// A value that closures share.
final class Box<Value>: @unchecked Sendable {
  // @unchecked: each use is serialised by whoever shares it.
  var value: Value

  init(_ value: Value) { self.value = value }
}
