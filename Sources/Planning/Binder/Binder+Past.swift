import Bytes
import SQLSyntax
import Vectors

/// Tables as they were: `as_of('silver.heart_rate', 12)`, `as_of('t', now() - interval '1 hour')`.
extension Binder {
  /// Binds `as_of(name, moment)`: a table or view at a snapshot by its number, at a time, or an interval ago.
  func bindPast(_ call: FunctionCall, _ function: TableFunction, _ range: SourceRange) throws -> FromItem {
    guard call.arguments.count == 2, case .literal(.string(let text)) = call.arguments[0].value.node else {
      throw BinderError.user(
        "42883", "as_of takes the name of a table, as a constant, and a moment", range,
        hint: "as_of('silver.heart_rate', 12), as_of('t', timestamp '2024-05-01 12:00'), as_of('t', interval '1 hour')."
      )
    }
    let name = try pastName(text, call.arguments[0].value.range)
    let outer = names
    names = try outer.names(at: try bindMoment(call.arguments[1].value))
    defer { names = outer }
    switch try relation(name) {
    case .table(let table):
      return try item(
        scan(table), table.fields.fields.map(\.name), schema: nil, name: name.name, function.alias, function.range)
    case .view(let view):
      let bound = try bindView(view, name.range)
      return try item(bound.plan, bound.names, schema: nil, name: name.name, function.alias, function.range)
    }
  }

  /// Reads `schema.table` as SQL would: parts in double quotes keep their case.
  private func pastName(_ text: String, _ range: SourceRange) throws -> QualifiedName {
    guard case .query(let query) = try? PostgresParser.parseOne("SELECT FROM \(text)").node,
      case .select(let select) = query.body, select.from.count == 1, case .table(let named) = select.from[0],
      named.alias == nil, named.sample == nil, select.predicate == nil
    else { throw BinderError.user("42602", "invalid name syntax", range) }
    var name = named.name
    name.range = range
    return name
  }

  private func bindMoment(_ syntax: Syntax.Expression) throws -> Moment {
    let stage = Stage(Scope(parent: nil), "as_of")
    var value = try bind(syntax, stage)
    guard stage.attachments.isEmpty, subqueries.isEmpty || value.isFixed else {
      throw BinderError.unsupported("a moment by a subquery", syntax.range)
    }
    if value.type == .interval {
      value = .call(.subtract, [.call(.now, [], .timestamptz), value], .timestamptz)
    } else if value.type.isInteger {
      guard case .integer(let number) = try evaluate(value, syntax.range), number >= 0 else {
        throw BinderError.user("22023", "a snapshot has a number from 0", syntax.range)
      }
      return .commit(UInt64(number))
    }
    guard case .integer(let time) = try evaluate(try explicitCast(value, to: .timestamptz, syntax.range), syntax.range)
    else {
      throw BinderError.user("22004", "the moment of as_of is NULL", syntax.range)
    }
    return .time(time)
  }
}
