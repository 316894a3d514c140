import Vectors

/// Folds what has constant rows: `SELECT 1 UNION ALL SELECT 2` becomes VALUES, and a shared VALUES is read in place.
struct ConstantRows {
  func fold(_ plan: LogicalPlan) -> LogicalPlan {
    let plan = plan.mapInputs(fold)
    switch plan {
    case .shared(let shared, let columns):
      if case .values(let rows, _) = shared.plan, !hasVolatile(rows) { return .values(rows, columns) }
      return plan
    case .project(let projections, .values(let rows, let columns))
    where !hasVolatile(rows) && (rows.count == 1 || projections.allSatisfy { $0.expression.children.isEmpty }):
      // A row's expressions replace its columns.
      let computed = rows.map { row in
        let map = Dictionary(zip(columns, row), uniquingKeysWith: { first, _ in first })
        return projections.map { $0.expression.substituting(map) }
      }
      return .values(computed, projections.map(\.column))
    case .concatenate(let inputs, let columns):
      var rows: [[Expression]] = []
      var rest: [LogicalPlan] = []
      for input in inputs {
        if case .values(let own, _) = input { rows += own } else { rest.append(input) }
      }
      if rest.count == inputs.count { return plan }
      if rest.isEmpty { return .values(rows, columns) }
      // Nothing promises an order among the parts, but one constant part stays where it stood.
      guard rows.isEmpty else { return plan }
      return .concatenate(rest, columns)
    case .filter(_, .values(let rows, let columns)) where rows.isEmpty: return .values([], columns)
    default: return plan
    }
  }

  /// True for rows that may not be computed twice: RETURNING shows the number that was stored.
  private func hasVolatile(_ rows: [[Expression]]) -> Bool {
    rows.contains { $0.contains(where: \.hasVolatile) }
  }
}
