import Vectors

/// As-of joins, spelled as PostgreSQL's grammar lets one: for each outer row the latest (or the next) row of a table.
///
///     FROM o LEFT JOIN LATERAL (
///       SELECT ... FROM t WHERE t.key = o.key AND t.at <= o.at ORDER BY t.at DESC LIMIT 1) AS t ON true
///
/// also as a scalar subquery. `<` and `<=` want the order descending, `>` and `>=` ascending; further sort keys say which
/// of rows at the same time is meant. A bound on the other side, such as `t.at > o.at - interval '1 hour'`, is asked of the
/// row that was found: when the nearest one is too far, all others are. Intervals may stand on either side.
extension Decorrelation {
  /// Returns the join as one that looks the row up by binary search; nil where the subquery has another form.
  func joinNearest(
    _ kind: JoinKind, _ outer: LogicalPlan, _ inner: LogicalPlan, _ conditions: [Expression], _ correlated: Set<Column>
  ) -> LogicalPlan? {
    let isOuter: Bool
    switch kind {
    case .inner: isOuter = false
    case .left where conditions.allSatisfy(\.isTrueConstant), .single where conditions.isEmpty: isOuter = true
    default: return nil
    }
    // What the subquery gives, as expressions over its sorted rows.
    var values = Dictionary(inner.output.map { ($0, Expression.column($0)) }, uniquingKeysWith: { a, _ in a })
    var plan = inner
    while case .project(let projections, let input) = plan {
      let map = Dictionary(projections.map { ($0.column, $0.expression) }, uniquingKeysWith: { a, _ in a })
      values = values.mapValues { $0.substituting(map) }
      plan = input
    }
    guard case .limit(let count?, nil, false, .sort(let keys, let sorted)) = plan, count.scalar == .integer(1),
      let pulled = pullUp(sorted, correlated)
    else { return nil }
    values = values.mapValues { $0.substituting(pulled.deferred) }
    let available = Set(pulled.plan.output)
    guard keys.allSatisfy({ $0.expression.readsOnly(available) }), let first = keys.first,
      Decorrelation.isOrderedByNumbers(first.expression.type)
    else { return nil }

    var join = LogicalJoin(.nearest(isOuter: isOuter))
    var bounds: [Expression] = []
    for condition in pulled.conditions {
      guard case .compare(let op, let left, let right) = condition else { return nil }
      var (own, other, comparison) = left.readsOnly(available) ? (left, right, op) : (right, left, op.flipped)
      guard own.readsOnly(available), !own.columns.isEmpty, other.readsOnly(Set(outer.output)), !other.columns.isEmpty
      else { return nil }
      switch comparison {
      case .equal: join.conditions.append(condition)
      case .less, .lessOrEqual, .greater, .greaterOrEqual:
        let isDescending = comparison == .less || comparison == .lessOrEqual
        (own, other) = Decorrelation.shifted(own, other, to: first.expression)
        guard own == first.expression, other.type == own.type else { return nil }
        if first.isDescending != isDescending {
          bounds.append(.compare(comparison, own, other))
          continue
        }
        guard join.comparison == nil else { return nil }
        join.comparison = .init(left: other, right: own, op: comparison)
      case .notEqual: return nil
      }
    }
    guard join.comparison != nil else { return nil }

    let marker = first.expression
    let right = LogicalPlan.sort(keys, .filter([.not(.isNull(marker))], pulled.plan))
    let joined = LogicalPlan.join(join, outer, right)
    if !isOuter {
      let result = LogicalPlan.project(
        outer.output.map { Projection($0) } + inner.output.map { Projection(values[$0] ?? .column($0), as: $0) },
        joined.filtered(by: bounds))
      return conditions.isEmpty ? result : .filter(conditions, result)
    }
    // Without a match everything is NULL, also what would be computed from the outer row.
    let nullable = Dictionary(
      pulled.plan.output.map { ($0, Expression.column($0.nullable)) }, uniquingKeysWith: { a, _ in a })
    let projections = inner.output.map { column -> Projection in
      let value = (values[column] ?? .column(column)).substituting(nullable)
      if !bounds.isEmpty {
        let isNear = Expression.conjunction(bounds.map { $0.substituting(nullable) })
        return Projection(
          .branch([Branch(when: isNear, then: value)], otherwise: nil, column.type), as: column.nullable)
      }
      if case .column(let source) = value, available.contains(source) { return Projection(value, as: column.nullable) }
      return Projection(
        .branch(
          [Branch(when: .isNull(marker.substituting(nullable)), then: .null(column.type))], otherwise: value,
          column.type), as: column.nullable)
    }
    return .project(outer.output.map { Projection($0) } + projections, joined)
  }

  /// Brings an interval that is added to the row's time to the other side: `key + i < x` is `key < x - i`.
  private static func shifted(
    _ own: Expression, _ other: Expression, to key: Expression
  ) -> (own: Expression, other: Expression) {
    guard case .call(let function, let operands, let type) = own, function == .add || function == .subtract,
      operands.count == 2, operands[0] == key, type == key.type, other.type == type,
      type == .timestamp || type == .timestamptz, case .interval(let interval)? = operands[1].scalar,
      interval.months == 0
    else { return (own, other) }
    return (key, .call(function == .add ? .subtract : .add, [other, operands[1]], type))
  }

  /// True for types whose values are compared as numbers of 64 bits.
  private static func isOrderedByNumbers(_ type: LogicalType) -> Bool {
    switch type {
    case .smallint, .integer, .bigint, .date, .time, .timestamp, .timestamptz, .real, .double: true
    default: false
    }
  }
}
