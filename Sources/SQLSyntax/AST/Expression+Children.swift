extension Expression {
  /// The expressions directly within this one, in the order written; those within its subqueries are not among them.
  package var children: [Expression] {
    switch node {
    case .column, .star, .parameter, .literal, .currentValue, .defaultValue, .scalarSubquery, .exists, .arraySubquery:
      []
    case .cast(let value, let type): [value] + type.modifiers
    case .collate(let value, _), .field(let value, _), .allFields(let value), .not(let value), .unary(_, let value),
      .isNull(let value, _), .isTruth(let value, _, _), .inSubquery(let value, _),
      .quantifiedSubquery(let value, _, _, _):
      [value]
    case .row(let values, _), .array(let values), .and(let values), .or(let values), .coalesce(let values),
      .greatest(let values), .least(let values), .grouping(let values):
      values
    case .binary(_, let left, let right), .isDistinct(let left, let right, _), .nullIf(let left, let right),
      .quantifiedArray(let left, _, _, let right):
      [left, right]
    case .between(let between): [between.value, between.low, between.high]
    case .pattern(let match): [match.value, match.pattern] + (match.escape.map { [$0] } ?? [])
    case .inList(let value, let list, _): [value] + list
    case .subscripted(let base, let subscripts): [base] + subscripts.flatMap(\.children)
    case .conditional(let conditional): conditional.children
    case .call(let call): call.children
    }
  }

  /// True for a subquery, and for what one stands in.
  package var holdsSubquery: Bool { subquery != nil || children.contains(where: \.holdsSubquery) }

  /// The query directly within this expression, nil if it is no subquery.
  package var subquery: Query? {
    switch node {
    case .scalarSubquery(let query), .exists(let query), .arraySubquery(let query), .inSubquery(_, let query),
      .quantifiedSubquery(_, _, _, let query):
      query
    default: nil
    }
  }
}

extension ArraySubscript {
  var children: [Expression] {
    switch self {
    case .index(let index): [index]
    case .slice(let lower, let upper): [lower, upper].compactMap(\.self)
    }
  }
}

extension CaseExpression {
  fileprivate var children: [Expression] {
    var result = operand.map { [$0] } ?? []
    for branch in branches { result += [branch.condition, branch.result] }
    if let otherwise { result.append(otherwise) }
    return result
  }
}

extension FunctionCall {
  fileprivate var children: [Expression] {
    var result = arguments.map(\.value) + orderBy.map(\.value)
    if let filter { result.append(filter) }
    if case .inline(let window) = over { result += window.children }
    return result
  }
}

extension WindowSpecification {
  /// The expressions of the window: partition, order, frame offsets.
  package var children: [Expression] {
    partitionBy + orderBy.map(\.value) + [frame?.start, frame?.end].compactMap { $0?.offset }
  }
}

extension WindowFrame.Bound {
  /// The expression of `n PRECEDING` and `n FOLLOWING`, nil of the other bounds.
  package var offset: Expression? {
    switch self {
    case .preceding(let offset), .following(let offset): offset
    case .unboundedPreceding, .currentRow, .unboundedFollowing: nil
    }
  }
}
