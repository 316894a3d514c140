import Vectors

/// Drops the columns, aggregates and window calls that nothing reads, and the projections that do nothing.
///
/// Inputs that are read by position (unions, shared plans, the result) keep their order.
struct ColumnPruning {
  private final class State {
    /// Which output positions of a shared plan are read.
    var positions: [Int: Set<Int>] = [:]
    var shared: [Int: SharedPlan] = [:]
    var recursions: [Int: RecursivePlan] = [:]
  }

  private let state = State()

  /// Prunes whole plans that share parts, each to its own output.
  func prune(_ plans: [LogicalPlan]) -> [LogicalPlan] {
    var result = plans.map { exact($0, $0.output) }
    // A shared plan is pruned after all of its readers; those made later may read those made before.
    var done: Set<Int> = []
    while let next = state.shared.values.filter({ !done.contains($0.id) }).max(by: { $0.id < $1.id }) {
      done.insert(next.id)
      let output = next.plan.output
      let kept = output.indices.filter { state.positions[next.id]?.contains($0) ?? false }.map { output[$0] }
      next.plan = exact(next.plan, kept)
    }
    result = result.map(aligned)
    for shared in state.shared.values { shared.plan = aligned(shared.plan) }
    for recursion in state.recursions.values {
      recursion.base = aligned(recursion.base)
      recursion.step = aligned(recursion.step)
    }
    return result
  }

  /// Gives readers of shared plans the columns that are left.
  private func aligned(_ plan: LogicalPlan) -> LogicalPlan {
    guard case .shared(let shared, let columns) = plan else { return plan.mapInputs(aligned) }
    let kept = state.positions[shared.id] ?? []
    return .shared(shared, columns.indices.filter { kept.contains($0) }.map { columns[$0] })
  }

  /// The plan with exactly `columns` as its output, in that order.
  private func exact(_ plan: LogicalPlan, _ columns: [Column]) -> LogicalPlan {
    let pruned = prune(plan, Set(columns))
    if finalOutput(pruned) == columns { return pruned }
    return project(columns.map { Projection($0) }, pruned)
  }

  /// The output as it will be once readers of shared plans are aligned; unknown for those.
  private func finalOutput(_ plan: LogicalPlan) -> [Column]? {
    switch plan {
    case .shared: nil
    case .filter(_, let input), .sort(_, let input), .limit(_, _, _, let input), .distinctOn(_, let input):
      finalOutput(input)
    case .window(_, let input), .expand(_, let input): finalOutput(input) == nil ? nil : plan.output
    case .join(_, let left, let right):
      finalOutput(left) == nil || finalOutput(right) == nil ? nil : plan.output
    default: plan.output
    }
  }

  private func needed(_ columns: Set<Column>, _ plan: LogicalPlan) -> Set<Column> {
    var result = columns
    plan.forEachExpression { $0.collectColumns(into: &result) }
    return result
  }

  /// A projection over a plan, merged with one that is there already.
  private func project(_ projections: [Projection], _ input: LogicalPlan) -> LogicalPlan {
    if let renamed = rename(input, projections) { return renamed }
    guard case .project(let inner, let below) = input else { return .project(projections, input) }
    var map: [Column: Expression] = [:]
    for projection in inner { map[projection.column] = projection.expression }
    // What costs something is not computed twice, and neither is what would differ.
    var uses: [Column: Int] = [:]
    for projection in projections { projection.expression.countColumns(&uses) }
    let isCheap = inner.allSatisfy { projection in
      let expression = projection.expression
      return (uses[projection.column] ?? 0) <= 1 || expression.children.isEmpty && !expression.hasVolatile
    }
    guard isCheap else { return .project(projections, input) }
    return project(
      projections.map { Projection($0.expression.substituting(map), as: $0.column) }, below)
  }

  /// A projection that only gives a scan's or a group's columns other names gives them to the operator itself.
  private func rename(_ plan: LogicalPlan, _ projections: [Projection]) -> LogicalPlan? {
    var sources: [Column] = []
    for projection in projections {
      guard case .column(let source) = projection.expression else { return nil }
      sources.append(source)
    }
    let output = plan.output
    guard sources.count == output.count, Set(sources).count == sources.count else { return nil }
    let names = Dictionary(zip(sources, projections.map(\.column)), uniquingKeysWith: { first, _ in first })
    switch plan {
    case .scan(var scan):
      // In the order asked for, whatever the order of the table.
      let places = sources.compactMap { scan.columns.firstIndex(of: $0) }
      guard places.count == sources.count else { return nil }
      scan.filter = scan.filter.map { $0.substituting(names.mapValues { .column($0) }) }
      scan.sources = places.map { scan.sources[$0] }
      scan.columns = projections.map(\.column)
      return .scan(scan)
    case .aggregate(var aggregate, let input) where sources == output && aggregate.groupingColumn == nil:
      aggregate.keys = aggregate.keys.map { Projection($0.expression, as: names[$0.column] ?? $0.column) }
      aggregate.aggregates = aggregate.aggregates.map { call in
        var call = call
        call.output = names[call.output] ?? call.output
        return call
      }
      return .aggregate(aggregate, input)
    default: return nil
    }
  }

  private func prune(_ plan: LogicalPlan, _ columns: Set<Column>) -> LogicalPlan {
    switch plan {
    case .scan(var scan):
      let wanted = needed(columns, plan)
      let kept = scan.columns.indices.filter { wanted.contains(scan.columns[$0]) }
      scan.sources = kept.map { scan.sources[$0] }
      scan.columns = kept.map { scan.columns[$0] }
      return .scan(scan)
    case .values(let rows, let all):
      let kept = all.indices.filter { columns.contains(all[$0]) }
      if kept.count == all.count { return plan }
      return .values(rows.map { row in kept.map { row[$0] } }, kept.map { all[$0] })
    case .series, .working: return plan
    case .recursion(let recursion, _):
      // Its rows are read by position, turn after turn.
      if state.recursions.updateValue(recursion, forKey: recursion.id) == nil {
        recursion.base = exact(recursion.base, recursion.base.output)
        recursion.step = exact(recursion.step, recursion.step.output)
      }
      return plan
    case .filter(let conjuncts, let input):
      return .filter(conjuncts, prune(input, needed(columns, plan)))
    case .project(let projections, let input):
      let kept = projections.filter { columns.contains($0.column) }
      var used: Set<Column> = []
      for projection in kept { projection.expression.collectColumns(into: &used) }
      let below = prune(input, used)
      // One that only narrows is not needed: whoever minds the order projects again.
      if kept.allSatisfy({ $0.expression == .column($0.column) }) { return below }
      return project(kept, below)
    case .aggregate(var aggregate, let input):
      aggregate.aggregates = aggregate.aggregates.filter { columns.contains($0.output) }
      let kept = LogicalPlan.aggregate(aggregate, input)
      return .aggregate(aggregate, prune(input, needed([], kept)))
    case .join(let join, let left, let right):
      if case .mark(let mark, _) = join.kind, !columns.contains(mark) { return prune(left, columns) }
      // Nobody asks for the subquery's value, so nobody asks whether there is but one either.
      if join.kind == .single, columns.isDisjoint(with: right.output), !right.hasVolatile {
        return prune(left, columns)
      }
      let wanted = needed(columns, plan)
      return .join(join, prune(left, wanted), prune(right, wanted))
    case .sort(let keys, let input): return .sort(keys, prune(input, needed(columns, plan)))
    case .limit(let count, let offset, let withTies, let input):
      return .limit(count: count, offset: offset, withTies: withTies, prune(input, columns))
    case .window(var window, let input):
      window.calls = window.calls.filter { columns.contains($0.output) }
      if window.calls.isEmpty { return prune(input, columns) }
      return .window(window, prune(input, needed(columns, .window(window, input))))
    case .concatenate(let inputs, let all):
      let kept = all.indices.filter { columns.contains(all[$0]) }
      return .concatenate(
        inputs.map { input in
          let output = input.output
          return exact(input, kept.map { output[$0] })
        }, kept.map { all[$0] })
    case .setOperation(let kind, let isAll, let left, let right, let all):
      return .setOperation(kind, all: isAll, exact(left, left.output), exact(right, right.output), all)
    case .distinctOn(let keys, let input): return .distinctOn(keys, prune(input, needed(columns, plan)))
    case .expand(let expansion, let input): return .expand(expansion, prune(input, needed(columns, plan)))
    case .shared(let shared, let all):
      state.shared[shared.id] = shared
      let kept = all.indices.filter { columns.contains(all[$0]) }
      state.positions[shared.id, default: []].formUnion(kept)
      return plan
    }
  }
}

extension Expression {
  fileprivate func countColumns(_ uses: inout [Column: Int]) {
    if case .column(let column) = self { uses[column, default: 0] += 1 }
    for child in children { child.countColumns(&uses) }
  }
}
