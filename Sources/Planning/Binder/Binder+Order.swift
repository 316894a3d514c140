import Bytes
import SQLSyntax
import Vectors

/// What ORDER BY sorts by, and which types have an order.
extension Binder {
  func bindSortItem(_ item: SortItem, _ stage: Stage) throws -> SortKey {
    sortKey(try sortable(try bindTyped(item.value, stage), item), item)
  }

  func sortable(_ expression: Expression, _ item: SortItem) throws -> Expression {
    if expression.heldOrder == nil { try requireOrder(expression.type, item.value.range) }
    return expression
  }

  func sortKey(_ expression: Expression, _ item: SortItem) -> SortKey {
    var isDescending = item.direction == .descending
    if let symbol = item.usingOperator?.symbol { isDescending = symbol == ">" }
    return SortKey(expression.ordered, isDescending: isDescending, nullsFirst: item.nulls.map { $0 == .first })
  }

  func requireOrder(_ type: LogicalType, _ range: SourceRange) throws {
    if type == .json {
      throw BinderError.user("42883", "could not identify an ordering operator for type json", range)
    }
    if type.isRecord { throw BinderError.unsupported("the order of rows that are values", range) }
    if type.element?.isRecord == true { throw BinderError.unsupported("the order of arrays of rows", range) }
    if type.element == .json {
      throw BinderError.user("42883", "could not identify an ordering operator for type \(type.name)", range)
    }
  }

  /// GREATEST and LEAST.
  func makeExtreme(
    _ function: ScalarFunction, _ values: [Expression], _ type: LogicalType, _ range: SourceRange
  ) throws -> Expression {
    if type == .json || type.element == .json {
      throw BinderError.user("42883", "could not identify a comparison function for type \(type.name)", range)
    }
    guard type == .jsonb || type.element != nil else { return .call(function, values, type) }
    return Expression.call(function, values.map(\.withOrder), .bytea).withoutOrder(type)
  }

  func requireEquality(_ type: LogicalType, _ range: SourceRange) throws {
    if type == .json {
      throw BinderError.user("42883", "could not identify an equality operator for type json", range)
    }
    if type.element?.isRecord == true { throw BinderError.unsupported("the equality of arrays of rows", range) }
    if type == .record(isComparable: false) {
      throw BinderError.unsupported("the equality of rows that are values, with fields of these types", range)
    }
  }
}

extension Expression {
  /// The value that is sorted by this.
  var unordered: Expression {
    switch self {
    case .call(.jsonOrder, let operands, _), .call(.arrayOrder, let operands, _): operands[0]
    default: self
    }
  }

  /// A value of arrays or jsonb with what it is sorted by in one, and the value of one.
  var withOrder: Expression { .call(.withOrder, [self], .bytea) }
  func withoutOrder(_ type: LogicalType) -> Expression { .call(.withoutOrder, [self], type) }

  /// What a value is sorted by, where that is held beside it.
  var heldOrder: Expression? {
    if case .call(.withoutOrder, let operands, _) = self { operands[0] } else { nil }
  }

  /// What a value is sorted by: itself, but for arrays and jsonb.
  var ordered: Expression {
    if let order = heldOrder { return order }
    if type == .jsonb { return .call(.jsonOrder, [self], .bytea) }
    return type.element == nil ? self : .call(.arrayOrder, [self], .bytea)
  }
}

extension LogicalType {
  /// True when values of different texts may be equal.
  var hasSpellings: Bool {
    switch self {
    case .real, .double, .numeric, .interval, .char, .jsonb: true
    default: false
    }
  }
}
