import Bytes
import SQLSyntax
import Vectors

/// Columns whose values are not given: serial, identity and generated ones.
extension Binder {
  /// The types `serial`, `bigserial` and `smallserial`, which declare a column with a sequence of its own.
  static func serialType(_ name: TypeName) -> LogicalType? {
    guard name.names.count == 1, name.arrayBounds.isEmpty, name.modifiers.isEmpty else { return nil }
    switch name.baseName {
    case "serial", "serial4": return .integer
    case "bigserial", "serial8": return .bigint
    case "smallserial", "serial2": return .smallint
    default: return nil
    }
  }

  /// Binds what a generated column of the table is made of, over `columns` that stand for its fields.
  ///
  /// - Throws: 42P17 for what could change by itself, or asks another generated column.
  func generationExpression(
    _ sql: String, of field: Field, _ fields: [Field], _ columns: [Column], _ defaults: [Int: ColumnDefault],
    _ table: String, _ range: SourceRange = .unknown
  ) throws -> Expression {
    let scope = Scope(parent: nil)
    scope.visible = zip(fields, columns).map {
      VisibleColumn(name: $0.name, relation: table, expression: .column($1))
    }
    scope.relations = [ScopeRelation(schema: nil, name: table, columns: scope.visible)]
    let stage = Stage(scope, "column generation expressions")
    let known = subqueries.count
    let value = try assign(try bind(try PostgresParser.parseExpression(sql), stage), to: field, range)
    guard stage.attachments.isEmpty, subqueries.count == known else {
      throw BinderError.user("0A000", "cannot use subquery in column generation expression", range)
    }
    for (index, column) in columns.enumerated() where value.columns.contains(column) {
      guard case .generated? = defaults[index] else { continue }
      throw BinderError.user(
        "42P17", "cannot use generated column \"\(fields[index].name)\" in column generation expression", range,
        detail: "A generated column cannot reference another generated column.")
    }
    guard value.isImmutable else {
      throw BinderError.user("42P17", "generation expression is not immutable", range)
    }
    return value
  }

  /// Computes the generated columns of rows whose fields stand in `plan`'s output from `offset` on.
  func withGenerated(_ plan: LogicalPlan, _ table: TableDescription, from offset: Int) throws -> LogicalPlan {
    let fields = table.fields.fields
    let isAsked = table.defaults.values.contains { if case .generated = $0 { true } else { false } }
    guard isAsked else { return plan }
    let columns = Array(plan.output[offset..<(offset + fields.count)])
    var projections = plan.output.map { Projection($0) }
    for (index, field) in fields.enumerated() {
      guard case .generated(let sql)? = table.defaults[index] else { continue }
      let value = try generationExpression(sql, of: field, fields, columns, table.defaults, table.reference.name)
      projections[offset + index] = Projection(value, as: column(field.name, for: value))
    }
    return .project(projections, plan)
  }

  /// Refuses a value for a column that takes none. `isInsert`: else it is an UPDATE.
  func requireWritable(
    _ index: Int, _ table: TableDescription, isInsert: Bool, overridesSystem: Bool = false, _ range: SourceRange
  ) throws {
    let name = table.fields[index].name
    let detail: String
    switch table.defaults[index] {
    case .generated?: detail = "Column \"\(name)\" is a generated column."
    case .identity(_, always: true)? where !overridesSystem:
      detail = "Column \"\(name)\" is an identity column defined as GENERATED ALWAYS."
    default: return
    }
    var isIdentity = false
    if case .identity? = table.defaults[index] { isIdentity = true }
    throw BinderError.user(
      "428C9",
      isInsert
        ? "cannot insert a non-DEFAULT value into column \"\(name)\""
        : "column \"\(name)\" can only be updated to DEFAULT", range, detail: detail,
      hint: isInsert && isIdentity ? "Use OVERRIDING SYSTEM VALUE to override." : nil)
  }

  /// Refuses to change the rows of a materialized view.
  @discardableResult
  func refuseMaterialized(_ table: TableDescription, _ range: SourceRange) throws -> TableDescription {
    guard table.materializedQuery != nil else { return table }
    throw BinderError.user(
      "42809", "cannot change materialized view \"\(table.reference.name)\"", range,
      hint: "REFRESH MATERIALIZED VIEW makes its rows anew.")
  }
}

extension Expression {
  /// True when the same columns always give the same value, whatever the session and the time.
  var isImmutable: Bool {
    switch self {
    case .subquery, .parameter: return false
    case .call(let function, let operands, _):
      if function.isVolatile && function != .raise || function == .now { return false }
      // What a moment shows depends on the session's zone.
      switch function {
      case .add, .subtract, .extract, .datePart, .toChar, .toTimestamp, .age, .makeRow, .toJSON, .jsonBuildArray,
        .jsonBuildObject, .jsonRow:
        if operands.contains(where: { $0.type == .timestamptz }) { return false }
      case .dateTrunc where operands.count == 2 && operands[1].type == .timestamptz: return false
      default: break
      }
    case .cast(let operand, let type):
      if (operand.type == .timestamptz) != (type == .timestamptz) { return false }
    default: break
    }
    return children.allSatisfy(\.isImmutable)
  }
}
