import SQLSyntax

/// The names PostgreSQL gives to columns of a query that have none.
enum ColumnName {
  static func of(_ expression: Syntax.Expression) -> String { name(expression)?.text ?? "?column?" }

  /// A name, weak where it is only that of a type or of CASE, which gives way to any other.
  private struct Name {
    let text: String
    var isWeak = false
  }

  private static func name(_ expression: Syntax.Expression) -> Name? {
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
      default:
        let found = own(expression)
        if let type, found?.isWeak ?? true { return Name(text: type, isWeak: true) }
        return found
      }
    }
  }

  private static func own(_ expression: Syntax.Expression) -> Name? {
    let text: String? =
      switch expression.node {
      case .column(let path), .star(let path): path.last
      case .field(_, let name): name
      case .call(let call): call.baseName
      case .currentValue(let value): value.kind.rawValue
      case .coalesce: "coalesce"
      case .greatest: "greatest"
      case .least: "least"
      case .nullIf: "nullif"
      case .grouping: "grouping"
      case .exists: "exists"
      case .array, .arraySubquery: "array"
      case .row: "row"
      case .scalarSubquery(let query): firstName(query.body)
      default: nil
      }
    if case .conditional(let conditional) = expression.node {
      if let name = conditional.otherwise.flatMap(name), !name.isWeak { return name }
      return Name(text: "case", isWeak: true)
    }
    return text.map { Name(text: $0) }
  }

  /// The name of a query's first column, as far as it is written there.
  private static func firstName(_ body: QueryBody) -> String? {
    switch body {
    case .select(let select): select.items.first.map { $0.alias ?? of($0.value) }
    case .values: "column1"
    case .setOperation(let operation): firstName(operation.left.body)
    }
  }
}
