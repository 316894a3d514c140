import Bytes
import Planning
import SQLSyntax
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
        Field("view_definition", .text), Field("check_option", .text), Field("is_updatable", .text),
        Field("is_insertable_into", .text),
      ]),
      rows: { snapshot, _ in
        snapshot.views.map { view in
          // Whether a view that may be changed can be is known to the binder alone.
          let isChangeable: Scalar = view.definition.mayBeChanged ? .null : .text("NO")
          return [
            .text("pulsehouse"), .text(view.name.schema), .text(view.name.name), .text(view.definition.sql),
            .text(view.definition.checkOption.rawValue.uppercased()), isChangeable, isChangeable,
          ]
        }
      }),
    SystemTable(
      name: TableName("pg_catalog", "pg_tables"),
      fields: Schema([
        Field("schemaname", .text), Field("tablename", .text), Field("tableowner", .text),
        Field("tablespace", .text), Field("hasindexes", .boolean), Field("hasrules", .boolean),
        Field("hastriggers", .boolean), Field("rowsecurity", .boolean),
      ]),
      rows: { snapshot, _ in
        try snapshot.tables.map { table in
          [
            .text(table.name.schema), .text(table.name.name), .text("pulsehouse"), .null,
            .boolean(try table.definition.constraints().contains(where: \.isIndex)), .boolean(false),
            .boolean(table.definition.hasForeignKeys), .boolean(false),
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
