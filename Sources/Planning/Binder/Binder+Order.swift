import Bytes
import SQLSyntax
import Vectors

/// What ORDER BY sorts by, and which types have an order.
extension Binder {
  func bindSortItem(_ item: SortItem, _ stage: Stage) throws -> SortKey {
    sortKey(try sortable(try bindTyped(item.value, stage), item), item)
  }

  func sortable(_ expression: Expression, _ item: SortItem) throws -> Expression {
    try requireOrder(expression.type, item.value.range)
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
    if let element = type.element {
      switch element {
      case .numeric, .interval, .uuid, .bytea, .json, .jsonb:
        throw BinderError.unsupported("the order of arrays of \(TypeKind(element).name)", range)
      default: break
      }
    }
  }

  func requireEquality(_ type: LogicalType, _ range: SourceRange) throws {
    if type == .json {
      throw BinderError.user("42883", "could not identify an equality operator for type json", range)
    }
    if type == .record(isComparable: false) {
      throw BinderError.unsupported("the equality of rows that are values, with fields of these types", range)
    }
  }
}

extension Expression {
  /// The value that is sorted by this.
  var unordered: Expression {
    if case .call(.jsonOrder, let operands, _) = self { operands[0] } else { self }
  }

  /// What a value is sorted by: itself, but for arrays and jsonb.
  var ordered: Expression {
    if type == .jsonb { return .call(.jsonOrder, [self], .bytea) }
    return type.element == nil ? self : .call(.arrayOrder, [self], .bytea)
  }
}
