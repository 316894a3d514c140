import SQLSyntax

/// The names PostgreSQL gives to columns of a query that have none.
enum ColumnName {
  static func of(_ expression: Syntax.Expression) -> String { name(expression) ?? "?column?" }

  private static func name(_ expression: Syntax.Expression) -> String? {
    var expression = expression
    // The name of a cast is its operand's, else its type's; casts may be many.
    var type: String?
    while true {
      switch expression.node {
      case .cast(let operand, let name):
        type = type ?? name.baseName
        expression = operand
      case .collate(let operand, _): expression = operand
      case .subscripted(let operand, _): expression = operand
      default: return own(expression) ?? type
      }
    }
  }

  private static func own(_ expression: Syntax.Expression) -> String? {
    switch expression.node {
    case .column(let path), .star(let path): return path.last
    case .field(_, let name): return name
    case .call(let call): return call.baseName
    case .currentValue(let value): return value.kind.rawValue
    case .coalesce: return "coalesce"
    case .greatest: return "greatest"
    case .least: return "least"
    case .nullIf: return "nullif"
    case .grouping: return "grouping"
    case .exists: return "exists"
    case .array, .arraySubquery: return "array"
    case .row: return "row"
    case .conditional(let conditional):
      if let otherwise = conditional.otherwise, let name = simple(otherwise) { return name }
      return "case"
    case .scalarSubquery(let query):
      if case .select(let select) = query.body, let item = select.items.first {
        return item.alias ?? simple(item.value)
      }
      return nil
    default: return nil
    }
  }

  /// The name of an expression that is not nested further: names go through a few levels at most.
  private static func simple(_ expression: Syntax.Expression) -> String? {
    switch expression.node {
    case .conditional, .scalarSubquery: nil
    default: name(expression)
    }
  }
}
