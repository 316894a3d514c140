import Bytes
import SQLSyntax
import Vectors

/// Queries of WITH RECURSIVE.
extension Binder {
  /// Binds a query that may read itself: `base UNION [ALL] step`, where only the step names it.
  func bindRecursive(_ query: Query, _ table: CommonTable, _ scope: Scope) throws -> BoundQuery {
    guard query.tablesRead.contains(where: { $0.schema == nil && $0.name == table.name }) else {
      try refuseMarks(table)
      return try bindQuery(query, parent: scope)
    }
    scope.commonTables[table.name] = .recursive
    guard case .setOperation(let operation) = query.body, operation.kind == .union else {
      throw BinderError.user(
        "42P19",
        "recursive query \"\(table.name)\" does not have the form non-recursive-term UNION [ALL] recursive-term",
        table.range)
    }
    if let item = query.orderBy.first {
      throw BinderError.user("0A000", "ORDER BY in a recursive query is not implemented", item.range)
    }
    if let limit = query.limit ?? query.offset {
      throw BinderError.user("0A000", "LIMIT in a recursive query is not implemented", limit.range)
    }
    let inner = Scope(parent: scope)
    if let with = query.with { try bindCommonTables(with, inner) }
    let base = try bindQuery(operation.left, parent: inner)
    var names = base.names
    for (index, name) in table.columns.enumerated() where index < names.count { names[index] = name }
    // Later turns may bring NULLs.
    let columns = zip(names, base.columns).map { column($0, $1.type) }
    let marks = try RecursionMarks(self, table, operation, names, columns)
    nextRecursion += 1
    let working = WorkingTable(
      id: nextRecursion, columns + marks.columns, names + marks.names, visibleCount: columns.count)
    scope.commonTables[table.name] = .working(working)
    var step = try bindQuery(try marks.step(operation.right, table), parent: inner, keepsUnknown: true)
    guard step.columns.count == working.columns.count else {
      throw BinderError.user("42601", "each UNION query must have the same number of columns", operation.right.range)
    }
    for (index, column) in columns.enumerated() where step.columns[index].type != column.type {
      let own = step.columns[index].type
      if own != .unknown {
        let common = try commonType([(column.type, query.range), (own, operation.right.range)], "UNION")
        guard TypeKind(common) == TypeKind(column.type) else {
          throw BinderError.user(
            "42804",
            "recursive query \"\(table.name)\" column \(index + 1) has type \(TypeKind(column.type).name) in "
              + "non-recursive term but type \(TypeKind(common).name) overall",
            operation.left.range, hint: "Cast the output of the non-recursive term to the correct type.")
        }
      }
      step.plan = try retype(step.plan, index, to: column.type, operation.right.range)
    }
    if !operation.isAll { for column in columns { try requireEquality(column.type, query.range) } }
    // A branch of the step that does not read the turn before would go on for rows around it that are done.
    if !base.plan.freeColumns.isEmpty || !step.plan.freeColumns.isEmpty, step.plan.hasBranch(besides: working.id) {
      throw BinderError.unsupported(
        "a recursive query that reads columns of the query around it, with a set operation in its recursive term",
        table.range)
    }
    guard !subqueriesRead(working.id) else {
      throw BinderError.user(
        "42P19", "recursive reference to query \"\(table.name)\" must not appear within a subquery", table.range)
    }
    let recursion = RecursivePlan(
      id: working.id, base: marks.base(base.plan), step: marks.step(step.plan), isAll: operation.isAll)
    var plan = LogicalPlan.recursion(recursion, working.columns)
    inlineCommonTables(inner, &plan)
    return BoundQuery(plan: plan, names: working.names, shown: marks.shown)
  }

  private func subqueriesRead(_ id: Int) -> Bool {
    subqueries.contains { $0.readsTurn(of: [id]) }
  }
}

extension LogicalPlan {
  /// True where rows of the step come from elsewhere than the turn before of this recursion.
  fileprivate func hasBranch(besides id: Int) -> Bool {
    switch self {
    case .concatenate(let inputs, _): inputs.contains { !$0.readsTurn(of: [id]) || $0.hasBranch(besides: id) }
    case .setOperation(_, _, let left, let right, _):
      ![left, right].allSatisfy { $0.readsTurn(of: [id]) && !$0.hasBranch(besides: id) }
    case .shared(let shared, _): shared.plan.hasBranch(besides: id)
    default: inputs.contains { $0.readsTurn(of: [id]) && $0.hasBranch(besides: id) }
    }
  }
}
