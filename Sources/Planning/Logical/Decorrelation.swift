import Vectors

/// Joins rows with a subquery that reads their columns, so that the subquery no longer does.
///
/// Two ways. Where the subquery reads them only in filters, those conditions move up and become the join's. Otherwise
/// (Neumann and Kemper, "Unnesting Arbitrary Queries", 2015) the distinct values of the columns it reads are joined
/// into the subquery, which then runs for all of them at once, and its result is joined back by them.
struct Decorrelation {
  private let binder: Binder

  init(_ binder: Binder) { self.binder = binder }

  /// Joins `outer` with `inner`. For `.single`, `output` is the inner plan's first column, NULL where it has no row.
  func join(
    _ kind: JoinKind, _ outer: LogicalPlan, _ inner: LogicalPlan, _ conditions: [Expression], output: Column? = nil
  ) -> LogicalPlan {
    let correlated = inner.freeColumns.intersection(outer.output)
    if correlated.isEmpty { return .join(LogicalJoin(kind, on: conditions), outer, inner) }
    let inner = KeptOrder(binder).keep(inner)
    // Functions of the outer row alone are simply called for it.
    if case .expand(var expansion, .values(let rows, let columns)) = inner, rows.count == 1, columns.isEmpty {
      switch kind {
      case .inner:
        let plan = LogicalPlan.expand(expansion, outer)
        return conditions.isEmpty ? plan : .filter(conditions, plan)
      case .left where conditions.allSatisfy(\.isTrueConstant):
        expansion.keepsEmpty = true
        return .expand(expansion, outer)
      default: break
      }
    }
    if kind == .single, let output, inner.output.count == 1,
      let plan = joinScalarAggregate(outer, inner, correlated, output)
    {
      return plan
    }
    if let plan = joinByPullingUp(kind, outer, inner, conditions, correlated) { return plan }
    if let plan = joinNearest(kind, outer, inner, conditions, correlated) { return plan }
    return joinByDomain(kind, outer, inner, conditions, correlated)
  }

  // MARK: Moving conditions up

  struct PulledUp {
    var plan: LogicalPlan
    var conditions: [Expression] = []
    /// Output columns that read columns of the outer query, as expressions to be computed above the join.
    var deferred: [Column: Expression] = [:]
  }

  private func joinByPullingUp(
    _ kind: JoinKind, _ outer: LogicalPlan, _ inner: LogicalPlan, _ conditions: [Expression],
    _ correlated: Set<Column>
  ) -> LogicalPlan? {
    var inner = inner
    switch kind {
    case .semi, .anti, .mark(_, nullAware: false):
      // A limit of at least one row does not change whether there is one.
      if conditions.isEmpty, case .limit(let count, nil, _, let input) = inner {
        if case .constant(.integer(1...), _)? = count { inner = input }
      }
    default: break
    }
    guard let pulled = pullUp(inner, correlated) else { return nil }
    let all = conditions.map { $0.substituting(pulled.deferred) } + pulled.conditions
    switch kind {
    case .semi, .anti, .mark(_, nullAware: false): return .join(LogicalJoin(kind, on: all), outer, pulled.plan)
    case .inner:
      let plan = LogicalPlan.join(LogicalJoin(kind, on: all), outer, pulled.plan)
      if pulled.deferred.isEmpty { return plan }
      return .project(
        (outer.output + inner.output).map { Projection(pulled.deferred[$0] ?? .column($0), as: $0) }, plan)
    case .left, .single:
      if !pulled.deferred.isEmpty { return nil }
      let plan = LogicalPlan.join(LogicalJoin(kind, on: all), outer, pulled.plan)
      return .project((outer.output + inner.output.map(\.nullable)).map { Projection($0) }, plan)
    default: return nil
    }
  }

  /// Returns the plan without conditions on correlated columns, and those; nil where that changes its meaning.
  func pullUp(_ plan: LogicalPlan, _ correlated: Set<Column>) -> PulledUp? {
    if plan.freeColumns.isDisjoint(with: correlated) { return PulledUp(plan: plan) }
    switch plan {
    case .filter(let conjuncts, let input):
      guard var result = pullUp(input, correlated) else { return nil }
      var own: [Expression] = []
      for conjunct in conjuncts {
        let conjunct = conjunct.substituting(result.deferred)
        if conjunct.reads(correlated) { result.conditions.append(conjunct) } else { own.append(conjunct) }
      }
      if !own.isEmpty { result.plan = .filter(own, result.plan) }
      return result
    case .project(let projections, let input):
      guard var result = pullUp(input, correlated) else { return nil }
      var kept: [Projection] = []
      var deferred: [Column: Expression] = [:]
      for projection in projections {
        let expression = projection.expression.substituting(result.deferred)
        if expression.reads(correlated) {
          deferred[projection.column] = expression
        } else {
          kept.append(Projection(expression, as: projection.column))
        }
      }
      // What the moved expressions read has to come along.
      let available = Set(result.plan.output)
      var needed: Set<Column> = []
      for expression in result.conditions + deferred.values { expression.collectColumns(into: &needed) }
      let present = Set(kept.map(\.column))
      for column in result.plan.output where needed.contains(column) && available.contains(column) {
        if present.contains(column) {
          guard kept.contains(where: { $0.column == column && $0.expression == .column(column) }) else { return nil }
        } else {
          kept.append(Projection(column))
        }
      }
      result.plan = .project(kept, result.plan)
      result.deferred = deferred
      return result
    case .join(let join, let left, let right):
      return pullUp(join, left, right, correlated)
    case .aggregate(var aggregate, let input):
      guard !aggregate.keys.isEmpty, aggregate.groupingSets == nil, let result = pullUp(input, correlated),
        result.deferred.isEmpty
      else { return nil }
      let isOwnCorrelated = LogicalPlan.aggregate(aggregate, .values([], input.output)).freeColumns
      guard isOwnCorrelated.isDisjoint(with: correlated),
        let conditions = groupByConditions(result.conditions, &aggregate, correlated, Set(result.plan.output))
      else { return nil }
      return PulledUp(plan: .aggregate(aggregate, result.plan), conditions: conditions)
    case .sort(_, let input): return pullUp(input, correlated)
    default: return nil
    }
  }

  private func pullUp(
    _ join: LogicalJoin, _ left: LogicalPlan, _ right: LogicalPlan, _ correlated: Set<Column>
  ) -> PulledUp? {
    switch join.kind {
    case .inner:
      guard let a = pullUp(left, correlated), let b = pullUp(right, correlated) else { return nil }
      let deferred = a.deferred.merging(b.deferred) { first, _ in first }
      var own: [Expression] = []
      var moved = a.conditions + b.conditions
      for condition in join.conditions {
        let condition = condition.substituting(deferred)
        if condition.reads(correlated) { moved.append(condition) } else { own.append(condition) }
      }
      return PulledUp(
        plan: .join(LogicalJoin(.inner, on: own), a.plan, b.plan), conditions: moved, deferred: deferred)
    case .left, .semi, .anti, .antiNullAware, .mark, .single, .nearest:
      var own: Set<Column> = []
      LogicalPlan.join(join, left, right).forEachExpression { $0.collectColumns(into: &own) }
      guard right.freeColumns.isDisjoint(with: correlated), own.isDisjoint(with: correlated),
        let a = pullUp(left, correlated),
        a.deferred.isEmpty
      else { return nil }
      return PulledUp(plan: .join(join, a.plan, right), conditions: a.conditions)
    case .right, .full: return nil
    }
  }

  /// Turns conditions `outer = inner` into keys of the aggregate, which are compared above it. Nil if one is no such
  /// equality.
  private func groupByConditions(
    _ conditions: [Expression], _ aggregate: inout LogicalAggregate, _ correlated: Set<Column>,
    _ available: Set<Column>
  ) -> [Expression]? {
    var moved: [Expression] = []
    for condition in conditions {
      guard case .compare(.equal, let left, let right) = condition else { return nil }
      let (outer, inner) = left.reads(correlated) ? (left, right) : (right, left)
      // The inner side must be what is grouped: not a column of a query further out.
      guard inner.readsOnly(available), outer.readsOnly(correlated) else { return nil }
      if let known = aggregate.keys.first(where: { $0.expression == inner }) {
        moved.append(.compare(.equal, outer, .column(known.column)))
        continue
      }
      let key: Column
      if case .column(let column) = inner { key = column } else { key = binder.column("key", for: inner) }
      aggregate.keys.append(Projection(inner, as: key))
      moved.append(.compare(.equal, outer, .column(key)))
    }
    return moved
  }

  /// `(SELECT f(agg(...)) FROM ... WHERE outer = inner)`: one row always, so a left join with the groups, where no group
  /// means the aggregate of nothing.
  private func joinScalarAggregate(
    _ outer: LogicalPlan, _ inner: LogicalPlan, _ correlated: Set<Column>, _ output: Column
  ) -> LogicalPlan? {
    var value = Expression.column(output)
    var plan = inner
    while true {
      if case .sort(_, let input) = plan {
        plan = input
      } else if case .project(let projections, let input) = plan {
        var map: [Column: Expression] = [:]
        for projection in projections { map[projection.column] = projection.expression }
        value = value.substituting(map)
        plan = input
      } else {
        break
      }
    }
    guard case .aggregate(var aggregate, let input) = plan, aggregate.keys.isEmpty, aggregate.groupingSets == nil,
      let pulled = pullUp(input, correlated), pulled.deferred.isEmpty, !pulled.conditions.isEmpty,
      LogicalPlan.aggregate(aggregate, .values([], input.output)).freeColumns.isDisjoint(with: correlated),
      let conditions = groupByConditions(
        pulled.conditions, &aggregate, correlated, Set(pulled.plan.output)),
      let marker = aggregate.keys.first
    else { return nil }
    var empty: [Column: Expression] = [:]
    for call in aggregate.aggregates { empty[call.output] = call.emptyResult }
    let otherwise = value.substituting(empty)
    let grouped = LogicalPlan.aggregate(aggregate, pulled.plan)
    let joined = LogicalPlan.join(LogicalJoin(.left, on: conditions), outer, grouped)
    let nullable = value.substituting(
      Dictionary(
        aggregate.aggregates.map { ($0.output, Expression.column($0.output.nullable)) }, uniquingKeysWith: { a, _ in a }
      ))
    let result: Expression
    if case .column = value, otherwise.isNullConstant {
      result = nullable
    } else {
      result = .branch(
        [Branch(when: .isNull(.column(marker.column.nullable)), then: otherwise)], otherwise: nullable, output.type)
    }
    return .project(outer.output.map { Projection($0) } + [Projection(result, as: output)], joined)
  }

  // MARK: By the domain of values

  private func joinByDomain(
    _ kind: JoinKind, _ outer: LogicalPlan, _ inner: LogicalPlan, _ conditions: [Expression],
    _ correlated: Set<Column>
  ) -> LogicalPlan {
    let free = outer.output.filter { correlated.contains($0) }
    let source = binder.shared(outer)
    let left = LogicalPlan.shared(source, outer.output)
    let copy = binder.read(source)
    let renamed = Dictionary(zip(outer.output, copy.output), uniquingKeysWith: { a, _ in a })
    let keys = free.map { column in
      let from = renamed[column] ?? column
      return Projection(.column(from), as: from)
    }
    let domain = binder.shared(.aggregate(LogicalAggregate(keys: keys, aggregates: []), copy))
    let (right, map) = Unnesting(binder, free, domain).unnest(inner)
    var all = conditions
    for column in free {
      if let match = map[column] { all.append(.not(.isDistinct(.column(column), .column(match)))) }
    }
    let joined = LogicalPlan.join(LogicalJoin(kind, on: all), left, right)
    switch kind {
    case .inner, .left, .single:
      let nullable = kind == .inner ? inner.output : inner.output.map(\.nullable)
      return .project((outer.output + nullable).map { Projection($0) }, joined)
    default: return joined
    }
  }
}

extension AggregateCall {
  /// The result for no row at all.
  var emptyResult: Expression {
    switch function {
    case .count, .countStar, .approximateCountDistinct: .constant(.integer(0), output.type)
    default: .null(output.type)
    }
  }
}
