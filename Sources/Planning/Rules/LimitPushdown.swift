import Vectors

/// Moves a limit below what does not change the number of rows, so that it meets its sort or cuts each part of a union.
struct LimitPushdown {
  func push(_ plan: LogicalPlan) -> LogicalPlan {
    guard case .limit(let count, let offset, let withTies, let input) = plan else { return plan.mapInputs(push) }
    switch input {
    case .project(let projections, let below) where !withTies || projections.allSatisfy(\.isColumn):
      // Errors of the projection then come only from rows that are asked for.
      return .project(
        projections, push(.limit(count: count, offset: offset, withTies: withTies, below)))
    case .sort(let keys, .project(let projections, let below)):
      // Sort first, compute for the rows that are left.
      let sources = Dictionary(
        projections.map { ($0.column, $0.expression) }, uniquingKeysWith: { first, _ in first })
      let moved = keys.map { $0.mapping { $0.substituting(sources) } }
      guard moved.allSatisfy({ $0.expression.children.isEmpty }), !projections.allSatisfy(\.isColumn), count != nil
      else { break }
      return .project(
        projections, push(.limit(count: count, offset: offset, withTies: withTies, .sort(moved, below))))
    case .concatenate(let inputs, let columns):
      guard let total = total(count, offset), inputs.count <= 64 else { break }
      let cut = inputs.map { input in
        if case .limit(let own?, nil, false, _) = input, case .integer(let rows)? = own.scalar, rows <= total {
          return push(input)
        }
        return push(.limit(count: .bigint(total), offset: nil, withTies: false, input))
      }
      return .limit(count: count, offset: offset, withTies: false, .concatenate(cut, columns))
    default: break
    }
    return .limit(count: count, offset: offset, withTies: withTies, push(input))
  }

  private func total(_ count: Expression?, _ offset: Expression?) -> Int64? {
    guard case .integer(let rows)? = count?.scalar else { return nil }
    guard let offset else { return rows }
    guard case .integer(let skipped)? = offset.scalar else { return nil }
    let (sum, overflow) = rows.addingReportingOverflow(skipped)
    return overflow ? nil : sum
  }
}

extension Projection {
  fileprivate var isColumn: Bool {
    if case .column = expression { return true }
    return false
  }
}
