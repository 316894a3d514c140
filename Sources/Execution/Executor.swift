import Bytes
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
    throw PulsehouseError(.unsupported, "running plans")
  }

  /// Runs `plan` and returns all its rows in one batch: for tests and small results.
  package static func collect(_ plan: PhysicalPlan, in context: QueryContext) throws -> [Batch] {
    let box = Box<[Batch]>([])
    try run(plan, in: context) { box.value.append($0) }
    return box.value
  }
}

/// A value that closures share.
final class Box<Value>: @unchecked Sendable {
  // @unchecked: each use is serialised by whoever shares it.
  var value: Value

  init(_ value: Value) { self.value = value }
}
