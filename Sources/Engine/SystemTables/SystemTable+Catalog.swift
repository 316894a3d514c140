import Bytes
import Planning
import Vectors

/// The parts of `information_schema` and `pg_catalog` that clients ask for relations, columns, types and keys.
///
/// Object identifiers are made up: positions in the sorted lists of one snapshot, so they hold within a statement only.
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
      name: TableName("pg_catalog", "pg_namespace"),
      fields: Schema([Field("oid", .bigint), Field("nspname", .text), Field("nspowner", .bigint)]),
      rows: { snapshot, warehouse in
        CatalogObjects(snapshot, warehouse).schemas.enumerated().map { index, name in
          [.integer(CatalogObjects.schemaBase + Int64(index)), .text(name), .integer(10)]
        }
      }),
    SystemTable(
      name: TableName("pg_catalog", "pg_class"),
      fields: Schema([
        Field("oid", .bigint), Field("relname", .text), Field("relnamespace", .bigint), Field("relkind", .text),
        Field("relnatts", .smallint), Field("reltuples", .real), Field("relowner", .bigint),
      ]),
      rows: { snapshot, warehouse in
        let objects = CatalogObjects(snapshot, warehouse)
        return objects.relations.enumerated().map { index, relation in
          [
            .integer(CatalogObjects.relationBase + Int64(index)), .text(relation.name.name),
            objects.identifier(ofSchema: relation.name.schema), .text(relation.kind),
            .integer(Int64(relation.fields.count)), .real(Float(relation.rowCount)), .integer(10),
          ]
        }
      }),
    SystemTable(
      name: TableName("pg_catalog", "pg_attribute"),
      fields: Schema([
        Field("attrelid", .bigint), Field("attname", .text), Field("atttypid", .bigint), Field("attnum", .smallint),
        Field("attnotnull", .boolean), Field("atthasdef", .boolean), Field("attisdropped", .boolean),
        Field("atttypmod", .integer),
      ]),
      rows: { snapshot, warehouse in
        CatalogObjects(snapshot, warehouse).relations.enumerated().flatMap { index, relation in
          relation.fields.enumerated().map { number, field in
            [
              .integer(CatalogObjects.relationBase + Int64(index)), .text(field.name),
              .integer(field.type.postgresIdentifier), .integer(Int64(number + 1)), .boolean(!field.isNullable),
              .boolean(relation.defaults.contains(number)), .boolean(false), .integer(-1),
            ]
          }
        }
      }),
    SystemTable(
      name: TableName("pg_catalog", "pg_type"),
      fields: Schema([
        Field("oid", .bigint), Field("typname", .text), Field("typnamespace", .bigint), Field("typlen", .smallint),
        Field("typtype", .text), Field("typcategory", .text),
      ]),
      rows: { snapshot, warehouse in
        let schema = CatalogObjects(snapshot, warehouse).identifier(ofSchema: "pg_catalog")
        return PostgresType.all.map { type in
          [
            .integer(type.identifier), .text(type.name), schema, .integer(Int64(type.length)), .text("b"),
            .text(type.category),
          ]
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
          try table.definition.constraints().filter { !$0.columns.isEmpty }.map { constraint in
            let unique = constraint.keyColumns == nil ? "" : "UNIQUE "
            return [
              .text(table.name.schema), .text(table.name.name), .text(constraint.name),
              .text(
                "CREATE \(unique)INDEX \(constraint.name) ON \(table.name) (\(constraint.columns.joined(separator: ", ")))"
              ),
            ]
          }
        }
      }),
    SystemTable(
      name: TableName("pg_catalog", "pg_database"),
      fields: Schema([Field("oid", .bigint), Field("datname", .text), Field("encoding", .integer)]),
      rows: { _, _ in [[.integer(1), .text("pulsehouse"), .integer(6)]] }),
  ]
}

/// What the catalog's tables are about, in one order for all of them.
private struct CatalogObjects {
  struct Relation {
    var name: TableName
    /// `r` for a table, `v` for a view.
    var kind: String
    var fields: [Field]
    var defaults: Set<Int> = []
    var rowCount = 0
  }

  static let schemaBase: Int64 = 2200
  static let relationBase: Int64 = 16_384

  let schemas: [String]
  let relations: [Relation]

  init(_ snapshot: Snapshot, _ warehouse: Warehouse) {
    let tables = snapshot.tables.map { table in
      Relation(
        name: table.name, kind: "r", fields: table.definition.schema.fields,
        defaults: Set(table.definition.columns.indices.filter { table.definition.columns[$0].defaultText != nil }),
        rowCount: table.rowCount)
    }
    let views = snapshot.views.map { view in
      Relation(
        name: view.name, kind: "v",
        fields: view.definition.columns.map { Field($0.name, $0.type, isNullable: $0.isNullable) })
    }
    let system =
      warehouse.systemTables.map { Relation(name: $0.name, kind: "v", fields: $0.fields.fields) }
      + SystemView.all.map { Relation(name: $0.name, kind: "v", fields: $0.fields) }
    relations = (tables + views + system).sorted { $0.name < $1.name }
    schemas = Set(snapshot.schemas).union(SystemTable.all.map(\.name.schema)).sorted()
  }

  func identifier(ofSchema name: String) -> Scalar {
    schemas.firstIndex(of: name).map { .integer(CatalogObjects.schemaBase + Int64($0)) } ?? .null
  }
}

/// A type by PostgreSQL's number.
struct PostgresType {
  var identifier: Int64
  var name: String
  /// Bytes; -1 for any number of them.
  var length: Int
  var category: String

  static let all: [PostgresType] = [
    (16, "bool", 1, "B"), (17, "bytea", -1, "U"), (20, "int8", 8, "N"), (21, "int2", 2, "N"), (23, "int4", 4, "N"),
    (25, "text", -1, "S"), (114, "json", -1, "U"), (700, "float4", 4, "N"), (701, "float8", 8, "N"),
    (705, "unknown", -2, "X"), (1042, "bpchar", -1, "S"), (1043, "varchar", -1, "S"), (1082, "date", 4, "D"),
    (1083, "time", 8, "D"), (1114, "timestamp", 8, "D"), (1184, "timestamptz", 8, "D"), (1186, "interval", 16, "T"),
    (1700, "numeric", -1, "N"), (2950, "uuid", 16, "U"), (3802, "jsonb", -1, "U"),
  ].map { PostgresType(identifier: $0.0, name: $0.1, length: $0.2, category: $0.3) }
}

extension PostgresType {
  /// PostgreSQL's own name of a type: `int4`, `_int4` for an array of it.
  static func name(of type: LogicalType) -> String {
    if case .array(let element) = type { return "_" + name(of: element) }
    return all.first { $0.identifier == type.postgresIdentifier }?.name ?? type.name
  }
}

extension LogicalType {
  /// PostgreSQL's number of the type; of an array that of `text[]`.
  fileprivate var postgresIdentifier: Int64 {
    switch self {
    case .boolean: 16
    case .bytea: 17
    case .bigint: 20
    case .smallint: 21
    case .integer: 23
    case .text: 25
    case .json: 114
    case .real: 700
    case .double: 701
    case .unknown: 705
    case .array: 1009
    case .record: 2249
    case .char: 1042
    case .varchar: 1043
    case .date: 1082
    case .time: 1083
    case .timestamp: 1114
    case .timestamptz: 1184
    case .interval: 1186
    case .numeric: 1700
    case .uuid: 2950
    case .jsonb: 3802
    }
  }
}

extension TableConstraint {
  /// What `information_schema` calls it; nil for an index.
  fileprivate var kindName: String? {
    switch kind {
    case .primaryKey: "PRIMARY KEY"
    case .unique: "UNIQUE"
    case .check: "CHECK"
    case .index: nil
    }
  }
}
