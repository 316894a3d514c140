import Vectors

/// Moves conditions as close to the tables as they can go, and makes an outer join an inner one where a condition above
/// it drops the rows it would have added.
struct FilterPushdown {
  func push(_ plan: LogicalPlan) -> LogicalPlan { push(plan, []) }

  /// Returns `plan` filtered by `conditions`.
  private func push(_ plan: LogicalPlan, _ conditions: [Expression]) -> LogicalPlan {
    if conditions.contains(where: \.isFalseOrNullConstant) { return .values([], plan.output) }
    switch plan {
    case .filter(let conjuncts, let input):
      var all = conjuncts
      for condition in conditions where !all.contains(condition) { all.append(condition) }
      return push(input, all)
    case .scan(var scan):
      for condition in conditions where !scan.filter.contains(condition) { scan.filter.append(condition) }
      return .scan(scan)
    case .project(let projections, let input):
      var map: [Column: Expression] = [:]
      for projection in projections { map[projection.column] = projection.expression }
      // A condition on what differs each time it is computed sees the value that is passed on.
      let volatile = Set(projections.filter { $0.expression.hasVolatile }.map(\.column))
      let (above, below) = split(conditions) { $0.reads(volatile) }
      return filtered(
        .project(projections, push(input, below.flatMap { $0.substituting(map).conjuncts })), above)
    case .aggregate(let aggregate, let input):
      let movable = movableKeys(aggregate)
      let (below, above) = split(conditions) {
        !movable.isEmpty && $0.readsOnly(Set(movable.keys)) && !$0.isFixed && !$0.hasVolatile
      }
      let pushed = push(input, below.map { $0.substituting(movable) })
      return filtered(.aggregate(aggregate, pushed), above)
    case .join(let join, let left, let right): return pushJoin(join, left, right, conditions)
    case .sort(let keys, let input): return .sort(keys, push(input, conditions))
    case .limit(let count, let offset, let withTies, let input):
      return filtered(.limit(count: count, offset: offset, withTies: withTies, push(input, [])), conditions)
    case .window(let window, let input):
      let partition = Set(
        window.partition.compactMap { expression -> Column? in
          if case .column(let column) = expression { return column }
          return nil
        })
      let (below, above) = split(conditions) { $0.readsOnly(partition) && !$0.isFixed && !$0.hasVolatile }
      return filtered(.window(window, push(input, below)), above)
    case .expand(let expansion, let input):
      let (below, above) = split(conditions) { $0.readsOnly(Set(input.output)) && !$0.isFixed && !$0.hasVolatile }
      return filtered(.expand(expansion, push(input, below)), above)
    case .distinctOn(let keys, let input):
      let columns = Set(
        keys.compactMap { expression -> Column? in
          if case .column(let column) = expression { return column }
          return nil
        })
      let (below, above) = split(conditions) { $0.readsOnly(columns) && !$0.isFixed && !$0.hasVolatile }
      return filtered(.distinctOn(keys, push(input, below)), above)
    case .concatenate(let inputs, let columns):
      let pushed = inputs.map { input in push(input, renamed(conditions, columns, input)) }
      return .concatenate(pushed, columns)
    case .setOperation(let kind, let all, let left, let right, let columns):
      // What differs each time it is computed is computed for the rows that come out.
      let (above, below) = split(conditions, \.hasVolatile)
      return filtered(
        .setOperation(
          kind, all: all, push(left, renamed(below, columns, left)), push(right, renamed(below, columns, right)),
          columns),
        above)
    case .values(let rows, _) where rows.isEmpty: return plan
    case .values, .series, .shared, .recursion, .working: return filtered(plan, conditions)
    }
  }

  private func filtered(_ plan: LogicalPlan, _ conditions: [Expression]) -> LogicalPlan {
    conditions.isEmpty ? plan : .filter(conditions, plan)
  }

  private func split(
    _ conditions: [Expression], _ belongs: (Expression) -> Bool
  ) -> (yes: [Expression], no: [Expression]) {
    var result: (yes: [Expression], no: [Expression]) = ([], [])
    for condition in conditions {
      if belongs(condition) { result.yes.append(condition) } else { result.no.append(condition) }
    }
    return result
  }

  private func renamed(_ conditions: [Expression], _ columns: [Column], _ input: LogicalPlan) -> [Expression] {
    if conditions.isEmpty { return [] }
    let map = Dictionary(
      zip(columns, input.output.map { Expression.column($0) }), uniquingKeysWith: { a, _ in a })
    return conditions.map { $0.substituting(map) }
  }

  /// Keys on which a condition may be tested before grouping: with grouping sets, those in every set.
  private func movableKeys(_ aggregate: LogicalAggregate) -> [Column: Expression] {
    var result: [Column: Expression] = [:]
    for (index, key) in aggregate.keys.enumerated() {
      if let sets = aggregate.groupingSets, !sets.allSatisfy({ $0.contains(index) }) { continue }
      result[key.column] = key.expression
    }
    return result
  }

  // MARK: Joins

  private func pushJoin(
    _ join: LogicalJoin, _ left: LogicalPlan, _ right: LogicalPlan, _ conditions: [Expression]
  ) -> LogicalPlan {
    let (a, b) = (Set(left.output), Set(right.output))
    let kind = narrowed(join.kind, conditions, a, b)
    switch kind {
    case .inner:
      let pool = inferred(conditions + join.conditions.filter { !conditions.contains($0) })
      let (toLeft, rest) = split(pool) { $0.readsOnly(a) }
      let (toRight, both) = split(rest) { $0.readsOnly(b) }
      let (l, r) = (push(left, toLeft), push(right, toRight))
      if l.isEmpty || r.isEmpty { return .values([], left.output + right.output) }
      return .join(LogicalJoin(.inner, on: both), l, r)
    case .left, .single:
      let (toLeft, above) = split(conditions) { $0.readsOnly(a) }
      // What is known of a left key holds for the right one that has to match it.
      let (onRight, on) = split(join.conditions) { $0.readsOnly(b) && !$0.isFixed }
      let known = inferred(toLeft + join.conditions).filter { $0.readsOnly(b) && !onRight.contains($0) && !$0.isFixed }
      return filtered(
        .join(LogicalJoin(kind, on: on), push(left, toLeft), push(right, onRight + known)), above)
    case .right:
      let (toRight, above) = split(conditions) { $0.readsOnly(b) }
      let (onLeft, on) = split(join.conditions) { $0.readsOnly(a) && !$0.isFixed }
      let known = inferred(toRight + join.conditions).filter { $0.readsOnly(a) && !onLeft.contains($0) && !$0.isFixed }
      return filtered(
        .join(LogicalJoin(.right, on: on), push(left, onLeft + known), push(right, toRight)), above)
    case .full:
      return filtered(.join(LogicalJoin(.full, on: join.conditions), push(left, []), push(right, [])), conditions)
    case .semi:
      let pool = inferred(conditions + join.conditions)
      let (toLeft, rest) = split(pool) { $0.readsOnly(a) && !$0.isFixed || conditions.contains($0) }
      let (toRight, on) = split(rest) { $0.readsOnly(b) && !$0.isFixed }
      return .join(LogicalJoin(.semi, on: on), push(left, toLeft), push(right, toRight))
    case .anti:
      let (toRight, on) = split(join.conditions) { $0.readsOnly(b) && !$0.isFixed }
      return .join(LogicalJoin(.anti, on: on), push(left, conditions), push(right, toRight))
    case .nearest:
      // The right side stays whole: which of its rows is nearest depends on all of them.
      let (toLeft, above) = split(conditions) { $0.readsOnly(a) }
      return filtered(.join(join, push(left, toLeft), push(right, [])), above)
    case .antiNullAware:
      return .join(join, push(left, conditions), push(right, []))
    case .mark(_, nullAware: true):
      let (toLeft, above) = split(conditions) { $0.readsOnly(a) }
      return filtered(.join(join, push(left, toLeft), push(right, [])), above)
    case .mark:
      let (toLeft, above) = split(conditions) { $0.readsOnly(a) }
      let (toRight, on) = split(join.conditions) { $0.readsOnly(b) && !$0.isFixed }
      return filtered(.join(LogicalJoin(kind, on: on), push(left, toLeft), push(right, toRight)), above)
    }
  }

  /// The join kind that suffices when only rows that pass `conditions` count.
  private func narrowed(
    _ kind: JoinKind, _ conditions: [Expression], _ left: Set<Column>, _ right: Set<Column>
  ) -> JoinKind {
    func rejects(_ side: Set<Column>) -> Bool { conditions.contains { $0.rejectsNull(side) } }
    switch kind {
    case .left: return rejects(right) ? .inner : .left
    case .right: return rejects(left) ? .inner : .right
    case .full:
      switch (rejects(left), rejects(right)) {
      case (true, true): return .inner
      case (true, false): return .left
      case (false, true): return .right
      case (false, false): return .full
      }
    default: return kind
    }
  }

  /// Adds what follows from equal columns: with `a = b` and `a > 5` also `b > 5`.
  private func inferred(_ conditions: [Expression]) -> [Expression] {
    var equal: [(Column, Column)] = []
    for case .compare(.equal, .column(let x), .column(let y)) in conditions where x.type == y.type {
      equal.append((x, y))
    }
    if equal.isEmpty { return conditions }
    var result = conditions
    var known = Set(conditions)
    for (x, y) in equal {
      for condition in conditions where condition.isTestOfOneColumn {
        for (from, to) in [(x, y), (y, x)] where condition.reads([from]) {
          let copy = condition.substituting([from: .column(to)])
          if known.insert(copy).inserted { result.append(copy) }
        }
      }
    }
    return result
  }
}

extension LogicalPlan {
  /// True for a plan that is known to give no row.
  var isEmpty: Bool {
    if case .values(let rows, _) = self { return rows.isEmpty }
    return false
  }
}

extension Expression {
  /// A comparison of one column with constants, which is cheap to test twice.
  fileprivate var isTestOfOneColumn: Bool {
    switch self {
    case .compare(_, .column, let value): value.scalar != nil
    case .isIn(.column, let list): list.allSatisfy { $0.scalar != nil }
    default: false
    }
  }

  /// True when the condition cannot be true for a row in which every column of `side` is NULL.
  func rejectsNull(_ side: Set<Column>) -> Bool {
    switch self {
    case .compare(_, let left, let right): left.isNull(with: side) || right.isNull(with: side)
    case .isIn(let value, _): value.isNull(with: side)
    case .and(let operands): operands.contains { $0.rejectsNull(side) }
    case .or(let operands): operands.allSatisfy { $0.rejectsNull(side) }
    case .not(.isNull(let operand)): operand.isNull(with: side)
    case .not(let operand): operand.isNull(with: side)
    case .call(let function, _, .boolean):
      switch function {
      case .like, .ilike, .regexMatch, .regexMatchInsensitive, .startsWith: isNull(with: side)
      default: false
      }
    case .column(let column): side.contains(column)
    default: false
    }
  }

  /// True when the value is surely NULL once every column of `side` is.
  private func isNull(with side: Set<Column>) -> Bool {
    switch self {
    case .column(let column): side.contains(column)
    case .constant(let value, _): value.isNull
    case .compare(_, let left, let right): left.isNull(with: side) || right.isNull(with: side)
    case .cast(let operand, _), .not(let operand): operand.isNull(with: side)
    case .isIn(let value, _): value.isNull(with: side)
    case .call(let function, let operands, _):
      !function.seesNulls && operands.contains { $0.isNull(with: side) }
    default: false
    }
  }
}
