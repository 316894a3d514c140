import Bytes
import Planning
import Vectors

/// The parts of `information_schema` and `pg_catalog` that clients ask for relations, columns, types and keys.
///
/// What has numbers of objects is in `SystemTable+PgCatalog.swift`.
extension SystemTable {
  static let catalog: [SystemTable] = [
    SystemTable(
      name: TableName("information_schema", "views"),
      fields: Schema([
        Field("table_catalog", .text), Field("table_schema", .text), Field("table_name", .text),
        Field("view_definition", .text),
      ]),
      rows: { snapshot, _ in
        snapshot.views.map { view in
          [.text("pulsehouse"), .text(view.name.schema), .text(view.name.name), .text(view.definition.sql)]
        }
      }),
    SystemTable(
      name: TableName("information_schema", "table_constraints"),
      fields: Schema([
        Field("constraint_catalog", .text), Field("constraint_schema", .text), Field("constraint_name", .text),
        Field("table_schema", .text), Field("table_name", .text), Field("constraint_type", .text),
      ]),
      rows: { snapshot, _ in
        try snapshot.tables.flatMap { table in
          try table.definition.constraints().compactMap { constraint -> [Scalar]? in
            guard let kind = constraint.kindName else { return nil }
            return [
              .text("pulsehouse"), .text(table.name.schema), .text(constraint.name), .text(table.name.schema),
              .text(table.name.name), .text(kind),
            ]
          }
        }
      }),
    SystemTable(
      name: TableName("information_schema", "key_column_usage"),
      fields: Schema([
        Field("constraint_schema", .text), Field("constraint_name", .text), Field("table_schema", .text),
        Field("table_name", .text), Field("column_name", .text), Field("ordinal_position", .integer),
      ]),
      rows: { snapshot, _ in
        try snapshot.tables.flatMap { table in
          try table.definition.constraints().flatMap { constraint -> [[Scalar]] in
            guard let key = constraint.keyColumns else { return [] }
            return key.names.enumerated().map { index, name in
              [
                .text(table.name.schema), .text(constraint.name), .text(table.name.schema), .text(table.name.name),
                .text(name), .integer(Int64(index + 1)),
              ]
            }
          }
        }
      }),
    SystemTable(
      name: TableName("pg_catalog", "pg_tables"),
      fields: Schema([
        Field("schemaname", .text), Field("tablename", .text), Field("tableowner", .text),
        Field("hasindexes", .boolean),
      ]),
      rows: { snapshot, _ in
        try snapshot.tables.map { table in
          [
            .text(table.name.schema), .text(table.name.name), .text("pulsehouse"),
            .boolean(try table.definition.constraints().contains { !$0.columns.isEmpty }),
          ]
        }
      }),
    SystemTable(
      name: TableName("pg_catalog", "pg_views"),
      fields: Schema([
        Field("schemaname", .text), Field("viewname", .text), Field("viewowner", .text), Field("definition", .text),
      ]),
      rows: { snapshot, _ in
        snapshot.views.map { view in
          [.text(view.name.schema), .text(view.name.name), .text("pulsehouse"), .text(view.definition.sql)]
        }
      }),
    SystemTable(
      name: TableName("pg_catalog", "pg_indexes"),
      fields: Schema([
        Field("schemaname", .text), Field("tablename", .text), Field("indexname", .text), Field("indexdef", .text),
      ]),
      rows: { snapshot, _ in
        try snapshot.tables.flatMap { table in
          try table.definition.constraints().filter(\.isIndex).map { constraint in
            [
              .text(table.name.schema), .text(table.name.name), .text(constraint.name),
              .text(constraint.indexDefinition(of: table.name)),
            ]
          }
        }
      }),
  ]
}

extension TableConstraint {
  /// What `information_schema` calls it; nil for an index.
  fileprivate var kindName: String? {
    switch kind {
    case .primaryKey: "PRIMARY KEY"
    case .unique: "UNIQUE"
    case .check: "CHECK"
    case .foreignKey: "FOREIGN KEY"
    case .index: nil
    }
  }
}
