import Vectors

/// Writes the order in which a subquery's rows are collected into the calls that collect them, so that it stays when the
/// subquery is joined to the rows around it: `ARRAY(SELECT ... ORDER BY ...)`, `string_agg` over rows that are sorted.
struct KeptOrder {
  private let binder: Binder

  init(_ binder: Binder) { self.binder = binder }

  func keep(_ plan: LogicalPlan) -> LogicalPlan {
    let plan = plan.mapInputs(keep)
    guard case .aggregate(var aggregate, let input) = plan,
      aggregate.aggregates.contains(where: \.followsRows), let (below, keys) = order(of: input)
    else { return plan }
    for index in aggregate.aggregates.indices where aggregate.aggregates[index].followsRows {
      aggregate.aggregates[index].order = keys
    }
    return .aggregate(aggregate, below)
  }

  /// What a plan's rows are sorted by, as columns of the plan that is returned with it; nil where they are not sorted.
  private func order(of plan: LogicalPlan) -> (LogicalPlan, [SortKey])? {
    switch plan {
    case .sort(let keys, let input):
      var made: [Projection] = []
      let columns = keys.map { key -> SortKey in
        if case .column = key.expression { return key }
        let own = binder.column("key", for: key.expression)
        made.append(Projection(key.expression, as: own))
        return key.mapping { _ in .column(own) }
      }
      if made.isEmpty { return (input, columns) }
      return (.project(input.output.map { Projection($0) } + made, input), columns)
    case .project(var projections, let input):
      guard let (below, keys) = order(of: input) else { return nil }
      for case .column(let column) in keys.map(\.expression) where !projections.contains(where: { $0.column == column })
      {
        projections.append(Projection(column))
      }
      return (.project(projections, below), keys)
    case .filter(let conjuncts, let input):
      guard let (below, keys) = order(of: input) else { return nil }
      return (.filter(conjuncts, below), keys)
    case .limit(let count, let offset, let withTies, let input):
      guard let (below, keys) = order(of: input) else { return nil }
      return (.limit(count: count, offset: offset, withTies: withTies, .sort(keys, below)), keys)
    default: return nil
    }
  }
}

extension AggregateCall {
  /// True where the result depends on the order of the rows, and no order is written.
  fileprivate var followsRows: Bool {
    guard order.isEmpty, !isDistinct else { return false }
    switch function {
    case .arrayAggregate, .stringAggregate, .jsonAggregate, .jsonObjectAggregate: return true
    default: return false
    }
  }
}
