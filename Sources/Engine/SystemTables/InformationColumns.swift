import Kernels
import Planning
import SQLSyntax
import Vectors

/// `information_schema.columns`: what every column of every relation is, in the standard's words.
enum InformationColumns {
  static let table = SystemTable(
    name: TableName("information_schema", "columns"),
    fields: Schema([
      Field("table_catalog", .text), Field("table_schema", .text), Field("table_name", .text),
      Field("column_name", .text), Field("ordinal_position", .integer), Field("column_default", .text),
      Field("is_nullable", .text), Field("data_type", .text), Field("character_maximum_length", .integer),
      Field("numeric_precision", .integer), Field("numeric_scale", .integer),
      Field("datetime_precision", .integer), Field("domain_catalog", .text), Field("domain_schema", .text),
      Field("domain_name", .text), Field("udt_name", .text), Field("is_identity", .text),
      Field("is_generated", .text), Field("is_updatable", .text),
    ]),
    rows: { snapshot, warehouse in
      var relations: [(name: TableName, fields: [Field], defaults: [ColumnDefault?]?)] = try snapshot.tables.map {
        table in
        let defaults = try table.definition.columns.map { column in
          try column.defaultText.map { try DefaultValue.decode($0, column.type) }
        }
        return (table.name, table.definition.schema.fields, defaults)
      }
      relations += snapshot.views.map { view in
        (view.name, view.definition.columns.map { Field($0.name, $0.type, isNullable: $0.isNullable) }, nil)
      }
      relations += warehouse.systemTables.map { ($0.name, $0.fields.fields, nil) }
      relations += SystemView.all.map { ($0.name, $0.fields, nil) }
      let types = try snapshot.userTypes()
      return relations.sorted { $0.name < $1.name }.flatMap { name, fields, defaults in
        fields.enumerated().map { index, field in
          let described = describe(field.type)
          let own = defaults.flatMap { $0[index] }
          let value = own.flatMap { shown($0, field.type) }
          var (isIdentity, isGenerated) = (false, false)
          if case .identity? = own { isIdentity = true }
          if case .generated? = own { isGenerated = true }
          return [
            .text("pulsehouse"), .text(name.schema), .text(name.name), .text(field.name),
            .integer(Int64(index + 1)), value.map { .text($0) } ?? .null, .text(field.isNullable ? "YES" : "NO"),
          ] + described.dropLast() + place(types.first { $0.identifier == field.domain }) + described.suffix(1) + [
            .text(isIdentity ? "YES" : "NO"), .text(isGenerated ? "ALWAYS" : "NEVER"),
            .text(defaults == nil ? "NO" : "YES"),
          ]
        }
      }
    })

  /// Where a column's domain is found; NULLs for a column without one.
  private static func place(_ domain: UserType?) -> [Scalar] {
    guard let domain else { return [.null, .null, .null] }
    return [.text("pulsehouse"), .text(domain.schema), .text(domain.name)]
  }

  /// The type's name in the standard, then its length, precision and scale, digits of seconds, and PostgreSQL's own name for
  /// it.
  static func describe(_ type: LogicalType) -> [Scalar] {
    let secondDigits: Int? =
      switch type {
      case .date: 0
      case .time, .timestamp, .timestamptz, .interval: 6
      default: nil
      }
    func row(_ name: String, length: Int? = nil, precision: Int? = nil, scale: Int? = nil) -> [Scalar] {
      [.text(name)] + [length, precision, scale, secondDigits].map { $0.map { .integer(Int64($0)) } ?? .null }
        + [.text(PostgresType.name(of: type))]
    }
    switch type {
    case .smallint: return row(type.name, precision: 16, scale: 0)
    case .integer: return row(type.name, precision: 32, scale: 0)
    case .bigint: return row(type.name, precision: 64, scale: 0)
    case .real: return row(type.name, precision: 24)
    case .double: return row(type.name, precision: 53)
    case .numeric(let precision, let scale):
      return row("numeric", precision: precision, scale: precision == nil ? nil : scale ?? 0)
    case .varchar(let length): return row("character varying", length: length)
    case .char(let length): return row("character", length: length)
    case .array: return row("ARRAY")
    case .enumeration: return row("USER-DEFINED")
    default: return row(type.name)
    }
  }

  /// A default as SQL; nil for what is no default, but how a column always goes.
  static func shown(_ value: ColumnDefault, _ type: LogicalType) -> String? {
    switch value {
    case .expression(let sql): return sql
    case .identity, .generated: return nil
    case .constant(let scalar):
      let text = TextFormat.string(scalar, type) ?? "NULL"
      if type == .boolean { return text == "t" ? "true" : "false" }
      if type.isNumber { return text }
      return "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'::\(type.name)"
    }
  }
}
