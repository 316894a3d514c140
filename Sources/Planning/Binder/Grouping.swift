import SQLSyntax
import Vectors

/// Puts GROUP BY and aggregates between a query's rows and its select list: above it only keys and aggregates exist.
struct Grouping {
  private let binder: Binder
  private let collector: AggregateCollector
  /// What the grouped rows had.
  private let inputColumns: Set<Column>
  private let keys: [Expression: Column]

  init(binder: Binder, collector: AggregateCollector, inputColumns: Set<Column>) {
    self.binder = binder
    self.collector = collector
    self.inputColumns = inputColumns
    keys = Dictionary(collector.keys.map { ($0.expression, $0.column) }, uniquingKeysWith: { a, _ in a })
      .merging(collector.dependents) { key, _ in key }
  }

  func aggregate(_ plan: LogicalPlan) -> LogicalPlan {
    .aggregate(
      LogicalAggregate(
        keys: collector.keys, aggregates: collector.calls, groupingSets: collector.groupingSets,
        groupingColumn: collector.groupingColumn), plan)
  }

  /// Replaces what GROUP BY names by the key's column.
  ///
  /// - Throws: 42803 for a column that is neither a key nor within an aggregate.
  func resolve(_ expression: Expression, _ stage: Stage) throws -> Expression {
    // A constant within an expression is itself, whatever is grouped by.
    if let key = keys[expression], !expression.isConstant { return .column(key) }
    if case .column(let column) = expression, inputColumns.contains(column) { throw ungrouped(column, stage) }
    return try expression.mapChildren { (child) throws -> Expression in try resolve(child, stage) }
  }

  func resolve(_ windows: WindowCollector, _ stage: Stage) throws {
    for index in windows.calls.indices {
      var call = windows.calls[index]
      call.partition = try call.partition.map { try resolve($0, stage) }
      call.order = try call.order.map { try $0.mapping { try resolve($0, stage) } }
      call.call.arguments = try call.call.arguments.map { try resolve($0, stage) }
      call.call.filter = try call.call.filter.map { try resolve($0, stage) }
      windows.calls[index] = call
    }
  }

  /// Lets the subqueries of `stage` read keys rather than the columns they were grouped from.
  func resolveAttachments(of stage: Stage) throws {
    for index in stage.attachments.indices {
      var attachment = stage.attachments[index]
      let own = Set(attachment.plan.output)
      var map: [Column: Expression] = [:]
      var outside = attachment.plan.freeColumns
      for condition in attachment.conditions { condition.collectColumns(into: &outside) }
      for column in outside.subtracting(own) where inputColumns.contains(column) {
        guard let key = keys[.column(column)] else {
          let found = binder.outerReferences.first { $0.expression == .column(column) } ?? reference(column, stage)
          throw BinderError.user(
            "42803", "subquery uses ungrouped column \"\(found?.name ?? column.name)\" from outer query",
            found?.range ?? .unknown)
        }
        map[column] = .column(key)
      }
      attachment.plan = attachment.plan.substituting(map)
      attachment.guards = try attachment.guards.map { try resolve($0, stage) }
      attachment.conditions = try attachment.conditions.map { condition in
        try resolve(condition, stage)
      }
      stage.attachments[index] = attachment
    }
  }

  private func reference(_ column: Column, _ stage: Stage) -> Stage.Reference? {
    stage.references.first { $0.expression == .column(column) }
      ?? stage.references.first { $0.expression.reads([column]) }
  }

  private func ungrouped(_ column: Column, _ stage: Stage) -> any Error {
    if collector.input.expansions?.calls.contains(where: { $0.columns.contains(column) }) == true {
      return BinderError.unsupported(
        "a set-returning function that is in GROUP BY, and elsewhere otherwise than there", .unknown)
    }
    let found = reference(column, stage)
    return BinderError.user(
      "42803",
      "column \"\(found?.name ?? column.name)\" must appear in the GROUP BY clause or be used in an aggregate function",
      found?.range ?? .unknown)
  }
}
