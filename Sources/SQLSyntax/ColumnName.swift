extension Expression {
  /// The name PostgreSQL gives to a select list's column that has none written, `?column?` if it has nothing better.
  ///
  /// A scalar subquery is named after its first column, as far as syntax tells: a `*` in there needs the binder.
  package var defaultColumnName: String { figuredName?.name ?? "?column?" }

  /// The name, and whether a cast or a CASE around the expression may still replace it.
  fileprivate var figuredName: (name: String, isWeak: Bool)? {
    switch node {
    case .column(let path), .star(let path): return path.last.map { ($0, false) }
    case .field(_, let name): return (name, false)
    case .subscripted(let base, _), .allFields(let base), .collate(let base, _): return base.figuredName
    case .call(let call): return (call.baseName, false)
    case .nullIf: return ("nullif", false)
    case .cast(let value, let type):
      let inner = value.figuredName
      if let inner, !inner.isWeak { return inner }
      return type.names.last.map { ($0, true) } ?? inner
    case .grouping: return ("grouping", false)
    case .exists: return ("exists", false)
    case .array, .arraySubquery: return ("array", false)
    case .scalarSubquery(let query): return query.firstColumnName.map { ($0, false) }
    case .conditional(let conditional):
      if let inner = conditional.otherwise?.figuredName, !inner.isWeak { return inner }
      return ("case", true)
    case .row: return ("row", false)
    case .coalesce: return ("coalesce", false)
    case .greatest: return ("greatest", false)
    case .least: return ("least", false)
    case .currentValue(let value): return (value.kind.rawValue, false)
    default: return nil
    }
  }
}

extension SelectItem {
  /// The column's name: its alias, or the one PostgreSQL gives it.
  package var columnName: String { alias ?? value.defaultColumnName }
}

extension Query {
  fileprivate var firstColumnName: String? {
    switch body {
    case .select(let select): return select.items.first?.columnName
    case .values: return "column1"
    case .setOperation(let operation): return operation.left.firstColumnName
    }
  }
}
