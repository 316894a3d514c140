import Bytes
import Planning
import SQLSyntax
import Vectors

/// The tables of `pg_catalog` that psql and BI tools read. What there is nothing of here is there and empty.
extension SystemTable {
  private typealias Rows = @Sendable (Snapshot, Warehouse) throws -> [[Scalar]]

  private static func table(_ name: String, _ fields: [(String, LogicalType)], _ rows: @escaping Rows) -> SystemTable {
    SystemTable(
      name: TableName("pg_catalog", name), fields: Schema(fields.map { Field($0.0, $0.1) }), rows: rows)
  }

  private static func empty(_ name: String, _ fields: [(String, LogicalType)]) -> SystemTable {
    table(name, fields) { _, _ in [] }
  }

  private static func flag(_ value: Bool) -> Scalar { .boolean(value) }

  private static func sql(_ value: ColumnDefault, _ field: Field) -> String {
    switch value {
    case .expression(let sql), .identity(let sql, _), .generated(let sql): sql
    case .constant: InformationColumns.shown(value, field.type) ?? ""
    }
  }

  static let postgresCatalog: [SystemTable] = [
    table("pg_namespace", [("oid", .bigint), ("nspname", .text), ("nspowner", .bigint), ("nspacl", .array(.text))]) {
      snapshot, warehouse in
      CatalogObjects(snapshot, warehouse).schemas.enumerated().map { index, name in
        [.integer(CatalogObjects.schemaBase + Int64(index)), .text(name), .integer(10), .null]
      }
    },
    table(
      "pg_class",
      [
        ("oid", .bigint), ("relname", .text), ("relnamespace", .bigint), ("reltype", .bigint), ("reloftype", .bigint),
        ("relowner", .bigint), ("relam", .bigint), ("relfilenode", .bigint), ("reltablespace", .bigint),
        ("relpages", .integer), ("reltuples", .real), ("reltoastrelid", .bigint), ("relhasindex", .boolean),
        ("relisshared", .boolean), ("relpersistence", .text), ("relkind", .text), ("relnatts", .smallint),
        ("relchecks", .smallint), ("relhasrules", .boolean), ("relhastriggers", .boolean), ("relhassubclass", .boolean),
        ("relrowsecurity", .boolean), ("relforcerowsecurity", .boolean), ("relispopulated", .boolean),
        ("relreplident", .text), ("relispartition", .boolean), ("relacl", .array(.text)), ("reloptions", .array(.text)),
      ]
    ) { snapshot, warehouse in
      let objects = CatalogObjects(snapshot, warehouse)
      return objects.relations.map { relation in
        let checks = relation.constraints.count { if case .check = $0.kind { true } else { false } }
        let hasIndex = relation.constraints.contains { !$0.columns.isEmpty }
        let isTemporary = relation.name.schema.hasPrefix(Session.temporaryPrefix)
        let access: Int64 = relation.kind == "i" ? 403 : relation.kind == "r" || relation.kind == "m" ? 2 : 0
        return [
          objects.identifier(of: relation.name), .text(relation.name.name),
          objects.identifier(ofSchema: relation.name.schema), .integer(0), .integer(0), .integer(10), .integer(access),
          objects.identifier(of: relation.name), .integer(0), .integer(0), .real(Float(relation.rowCount)), .integer(0),
          flag(hasIndex), flag(false), .text(isTemporary ? "t" : "p"), .text(relation.kind),
          .integer(Int64(relation.fields.count)), .integer(Int64(checks)), flag(false), flag(false), flag(false),
          flag(false), flag(false), flag(true), .text("d"), flag(false), .null, .null,
        ]
      }
    },
    table(
      "pg_attribute",
      [
        ("attrelid", .bigint), ("attname", .text), ("atttypid", .bigint), ("attlen", .smallint), ("attnum", .smallint),
        ("attndims", .integer), ("atttypmod", .integer), ("attnotnull", .boolean), ("atthasdef", .boolean),
        ("attidentity", .text), ("attgenerated", .text), ("attisdropped", .boolean), ("attislocal", .boolean),
        ("attinhcount", .integer), ("attcollation", .bigint), ("attstorage", .text), ("attstattarget", .integer),
        ("attacl", .array(.text)), ("attoptions", .array(.text)), ("attfdwoptions", .array(.text)),
        ("attcompression", .text), ("atthasmissing", .boolean),
      ]
    ) { snapshot, warehouse in
      let objects = CatalogObjects(snapshot, warehouse)
      return objects.relations.flatMap { relation in
        relation.fields.enumerated().map { number, field -> [Scalar] in
          var (identity, generated, hasDefault) = ("", "", relation.defaults[number] != nil)
          switch relation.defaults[number] {
          case .identity(_, let always)?: (identity, hasDefault) = (always ? "a" : "d", false)
          case .generated?: generated = "s"
          default: break
          }
          let type = objects.typeIdentifier(of: field)
          let length = PostgresType.all.first { $0.identifier == type }?.length ?? -1
          return [
            objects.identifier(of: relation.name), .text(field.name), .integer(type), .integer(Int64(length)),
            .integer(Int64(number + 1)), .integer(field.type.isArray ? 1 : 0), .integer(field.postgresModifier),
            flag(!field.isNullable), flag(hasDefault), .text(identity), .text(generated), flag(false), flag(true),
            .integer(0), .integer(0), .text(length < 0 ? "x" : "p"), .integer(-1), .null, .null, .null, .text(""),
            flag(false),
          ]
        }
      }
    },
    table("pg_attrdef", [("oid", .bigint), ("adrelid", .bigint), ("adnum", .smallint), ("adbin", .text)]) {
      snapshot, warehouse in
      let objects = CatalogObjects(snapshot, warehouse)
      var rows: [[Scalar]] = []
      for relation in objects.relations {
        for (number, value) in relation.defaults.sorted(by: { $0.key < $1.key }) {
          if case .identity = value { continue }
          rows.append([
            .integer(Int64(1 << 25 + rows.count)), objects.identifier(of: relation.name), .integer(Int64(number + 1)),
            .text(sql(value, relation.fields[number])),
          ])
        }
      }
      return rows
    },
    table(
      "pg_index",
      [
        ("indexrelid", .bigint), ("indrelid", .bigint), ("indnatts", .smallint), ("indnkeyatts", .smallint),
        ("indisunique", .boolean), ("indnullsnotdistinct", .boolean), ("indisprimary", .boolean),
        ("indisexclusion", .boolean), ("indimmediate", .boolean), ("indisclustered", .boolean),
        ("indisvalid", .boolean), ("indisready", .boolean), ("indislive", .boolean), ("indisreplident", .boolean),
        ("indkey", .array(.smallint)), ("indoption", .array(.smallint)), ("indexprs", .text), ("indpred", .text),
        ("indexdef", .text),
      ]
    ) { snapshot, warehouse in
      let objects = CatalogObjects(snapshot, warehouse)
      return objects.relations.compactMap { relation -> [Scalar]? in
        guard let (name, constraint) = relation.index,
          let table = objects.relations.first(where: { $0.name == name && $0.kind != "i" })
        else { return nil }
        let numbers = constraint.columns.compactMap { column in table.fields.firstIndex { $0.name == column } }
        var isPrimary = false
        if case .primaryKey = constraint.kind { isPrimary = true }
        let count = Scalar.integer(Int64(numbers.count))
        return [
          objects.identifier(of: relation.name), objects.identifier(of: name), count, count,
          flag(constraint.keyColumns != nil), flag(constraint.keyColumns?.nullsAreDistinct == false), flag(isPrimary),
          flag(false), flag(true), flag(false), flag(true), flag(true), flag(true), flag(false),
          .text("{" + numbers.map { String($0 + 1) }.joined(separator: ",") + "}"),
          .text("{" + numbers.map { _ in "0" }.joined(separator: ",") + "}"), .null, .null,
          .text(constraint.indexDefinition(of: name)),
        ]
      }
    },
    table(
      "pg_constraint",
      [
        ("oid", .bigint), ("conname", .text), ("connamespace", .bigint), ("contype", .text),
        ("condeferrable", .boolean),
        ("condeferred", .boolean), ("convalidated", .boolean), ("conrelid", .bigint), ("contypid", .bigint),
        ("conindid", .bigint), ("conparentid", .bigint), ("confrelid", .bigint), ("confupdtype", .text),
        ("confdeltype", .text), ("confmatchtype", .text), ("conislocal", .boolean), ("coninhcount", .integer),
        ("connoinherit", .boolean), ("conkey", .array(.smallint)), ("confkey", .array(.smallint)), ("conbin", .text),
        ("condef", .text),
      ]
    ) { snapshot, warehouse in
      let objects = CatalogObjects(snapshot, warehouse)
      let tables = objects.constraints.enumerated().map { number, pair -> [Scalar] in
        let (table, constraint) = pair
        let columns = constraint.catalogColumns.compactMap { column in table.fields.firstIndex { $0.name == column } }
        let kind: String
        var condition = Scalar.null
        switch constraint.kind {
        case .primaryKey: kind = "p"
        case .foreignKey: kind = "f"
        case .unique, .index: kind = "u"
        case .check(let sql):
          kind = "c"
          condition = .text(sql)
        }
        let index = TableName(table.name.schema, constraint.name)
        let referenced = constraint.foreignKey?.parent(of: table.name)
        let parent = objects.relations.first { $0.name == referenced }
        let parentColumns = constraint.foreignKey?.referencedColumns.compactMap { column in
          parent?.fields.firstIndex { $0.name == column }
        }
        func list(_ columns: [Int]) -> Scalar {
          .text("{" + columns.map { String($0 + 1) }.joined(separator: ",") + "}")
        }
        func code(_ action: ForeignKeyRule.Action?) -> Scalar {
          if referenced == nil { return .text(" ") }
          switch action {
          case .cascade: return .text("c")
          case .setNull: return .text("n")
          case .setDefault: return .text("d")
          case nil: return .text("a")
          }
        }
        return [
          .integer(CatalogObjects.constraintBase + Int64(number)), .text(constraint.name),
          objects.identifier(ofSchema: table.name.schema), .text(kind), flag(false), flag(false), flag(true),
          objects.identifier(of: table.name), .integer(0),
          kind == "c" || kind == "f" ? .integer(0) : objects.identifier(of: index),
          .integer(0), referenced.map(objects.identifier(of:)) ?? .integer(0),
          code(constraint.foreignKey?.onUpdate), code(constraint.foreignKey?.onDelete),
          .text(referenced == nil ? " " : "s"), flag(true), .integer(0), flag(kind != "c"), list(columns),
          parentColumns.map(list) ?? .null, condition,
          .text(constraint.constraintDefinition(of: table.name)),
        ]
      }
      let domains = objects.domainChecks.enumerated().map { number, pair -> [Scalar] in
        [
          .integer(CatalogObjects.constraintBase + Int64(tables.count + number)), .text(pair.check.name),
          objects.identifier(ofSchema: pair.domain.schema), .text("c"), flag(false), flag(false), flag(true),
          .integer(0), .integer(objects.identifier(of: pair.domain)), .integer(0), .integer(0), .integer(0),
          .text(" "), .text(" "), .text(" "), flag(true), .integer(0), flag(false), .null, .null,
          .text(pair.check.condition), .text("CHECK ((\(pair.check.condition)))"),
        ]
      }
      return tables + domains
    },
    table("pg_rewrite", [("oid", .bigint), ("rulename", .text), ("ev_class", .bigint), ("definition", .text)]) {
      snapshot, warehouse in
      let objects = CatalogObjects(snapshot, warehouse)
      return objects.relations.enumerated().compactMap { number, relation in
        guard let definition = relation.definition else { return nil }
        return [
          .integer(Int64(1 << 26 + number)), .text("_RETURN"), objects.identifier(of: relation.name), .text(definition),
        ]
      }
    },
    table(
      "pg_matviews",
      [
        ("schemaname", .text), ("matviewname", .text), ("matviewowner", .text), ("hasindexes", .boolean),
        ("ispopulated", .boolean), ("definition", .text),
      ]
    ) { snapshot, _ in
      snapshot.tables.compactMap { table in
        guard let query = table.definition.materializedQuery else { return nil }
        return [
          .text(table.name.schema), .text(table.name.name), .text("pulsehouse"), flag(false),
          flag(table.definition.isPopulated), .text(query),
        ]
      }
    },
    table(
      "pg_sequences",
      [
        ("schemaname", .text), ("sequencename", .text), ("sequenceowner", .text), ("data_type", .text),
        ("start_value", .bigint), ("min_value", .bigint), ("max_value", .bigint), ("increment_by", .bigint),
        ("cycle", .boolean), ("cache_size", .bigint), ("last_value", .bigint),
      ]
    ) { snapshot, warehouse in
      try snapshot.sequences().map { sequence in
        let position = try SequenceFile(store: warehouse.store).position(of: sequence)
        return [
          .text(sequence.name.schema), .text(sequence.name.name), .text("pulsehouse"), .text(sequence.type.name),
          .integer(sequence.start), .integer(sequence.minimum), .integer(sequence.maximum),
          .integer(sequence.increment), flag(sequence.cycles), .integer(sequence.cache),
          position.isCalled ? .integer(position.value) : .null,
        ]
      }
    },
    table(
      "pg_sequence",
      [
        ("seqrelid", .bigint), ("seqtypid", .bigint), ("seqstart", .bigint), ("seqincrement", .bigint),
        ("seqmax", .bigint), ("seqmin", .bigint), ("seqcache", .bigint), ("seqcycle", .boolean),
      ]
    ) { snapshot, warehouse in
      let objects = CatalogObjects(snapshot, warehouse)
      return try snapshot.sequences().map { sequence in
        [
          objects.identifier(of: sequence.name), .integer(sequence.type.postgresIdentifier), .integer(sequence.start),
          .integer(sequence.increment), .integer(sequence.maximum), .integer(sequence.minimum),
          .integer(sequence.cache), flag(sequence.cycles),
        ]
      }
    },
    SystemTable(
      name: TableName("sys", "sequences"),
      fields: Schema([
        Field("sequence_schema", .text), Field("sequence_name", .text), Field("owner_schema", .text),
        Field("owner_table", .text), Field("owner_column", .text),
      ])
    ) { snapshot, _ in
      try snapshot.sequences().map { sequence in
        let owner = sequence.owner.flatMap { owner in snapshot.tables.first { $0.identifier == owner.table } }
        return [
          .text(sequence.name.schema), .text(sequence.name.name), owner.map { .text($0.name.schema) } ?? .null,
          owner.map { .text($0.name.name) } ?? .null,
          owner == nil ? .null : sequence.owner.map { .text($0.column) } ?? .null,
        ]
      }
    },
    SystemTable(
      name: TableName("information_schema", "sequences"),
      fields: Schema([
        Field("sequence_catalog", .text), Field("sequence_schema", .text), Field("sequence_name", .text),
        Field("data_type", .text), Field("start_value", .text), Field("minimum_value", .text),
        Field("maximum_value", .text), Field("increment", .text), Field("cycle_option", .text),
      ])
    ) { snapshot, _ in
      try snapshot.sequences().map { sequence in
        [
          .text("pulsehouse"), .text(sequence.name.schema), .text(sequence.name.name), .text(sequence.type.name),
          .text("\(sequence.start)"), .text("\(sequence.minimum)"), .text("\(sequence.maximum)"),
          .text("\(sequence.increment)"), .text(sequence.cycles ? "YES" : "NO"),
        ]
      }
    },
    table(
      "pg_database",
      [
        ("oid", .bigint), ("datname", .text), ("datdba", .bigint), ("encoding", .integer), ("datistemplate", .boolean),
        ("datallowconn", .boolean), ("datcollate", .text), ("datctype", .text), ("datacl", .array(.text)),
      ]
    ) { _, _ in
      [
        [
          .integer(1), .text("pulsehouse"), .integer(10), .integer(6), flag(false), flag(true), .text("C"), .text("C"),
          .null,
        ]
      ]
    },
    table("pg_am", [("oid", .bigint), ("amname", .text), ("amhandler", .text), ("amtype", .text)]) { _, _ in
      [
        [.integer(2), .text("heap"), .text("heap_tableam_handler"), .text("t")],
        [.integer(403), .text("btree"), .text("bthandler"), .text("i")],
      ]
    },
    table(
      "pg_roles",
      [
        ("oid", .bigint), ("rolname", .text), ("rolsuper", .boolean), ("rolinherit", .boolean),
        ("rolcreaterole", .boolean), ("rolcreatedb", .boolean), ("rolcanlogin", .boolean),
      ]
    ) { _, _ in [[.integer(10), .text("pulsehouse"), flag(true), flag(true), flag(true), flag(true), flag(true)]] },
    table("pg_user", [("usename", .text), ("usesysid", .bigint), ("usesuper", .boolean)]) { _, _ in
      [[.text("pulsehouse"), .integer(10), flag(true)]]
    },
    table("pg_settings", [("name", .text), ("setting", .text), ("short_desc", .text)]) { _, _ in
      try SessionSettings.names.map {
        [.text($0.name), .text(try SessionSettings().value(of: $0.name)), .text($0.help)]
      }
    },
    table("pg_tablespace", [("oid", .bigint), ("spcname", .text), ("spcowner", .bigint)]) { _, _ in
      [[.integer(1663), .text("pg_default"), .integer(10)]]
    },
    table("pg_collation", [("oid", .bigint), ("collname", .text), ("collnamespace", .bigint), ("collprovider", .text)])
    {
      _, _ in
      [[.integer(950), .text("C"), .null, .text("c")], [.integer(100), .text("default"), .null, .text("d")]]
    },
    table(
      "pg_description", [("objoid", .bigint), ("classoid", .bigint), ("objsubid", .integer), ("description", .text)]
    ) { snapshot, warehouse in
      let objects = CatalogObjects(snapshot, warehouse)
      return try snapshot.comments().sorted { $0.key.key < $1.key.key }.compactMap { target, text in
        objects.place(of: target).map { place in
          [.integer(place.object), .integer(place.catalog), .integer(place.part), .text(text)]
        }
      }
    },
    empty("pg_shdescription", [("objoid", .bigint), ("classoid", .bigint), ("description", .text)]),
    empty(
      "pg_depend",
      [
        ("classid", .bigint), ("objid", .bigint), ("objsubid", .integer), ("refclassid", .bigint),
        ("refobjid", .bigint),
        ("refobjsubid", .integer), ("deptype", .text),
      ]),
    empty("pg_inherits", [("inhrelid", .bigint), ("inhparent", .bigint), ("inhseqno", .integer)]),
    empty(
      "pg_trigger",
      [("oid", .bigint), ("tgrelid", .bigint), ("tgname", .text), ("tgisinternal", .boolean), ("tgenabled", .text)]),
    empty("pg_policy", [("oid", .bigint), ("polname", .text), ("polrelid", .bigint)]),
    empty("pg_range", [("rngtypid", .bigint), ("rngsubtype", .bigint)]),
    empty("pg_extension", [("oid", .bigint), ("extname", .text), ("extversion", .text), ("extnamespace", .bigint)]),
    empty("pg_foreign_table", [("ftrelid", .bigint), ("ftserver", .bigint)]),
    empty("pg_partitioned_table", [("partrelid", .bigint), ("partstrat", .text)]),
    empty(
      "pg_proc",
      [
        ("oid", .bigint), ("proname", .text), ("pronamespace", .bigint), ("prokind", .text), ("prorettype", .bigint),
        ("pronargs", .smallint),
      ]),
    empty("pg_publication", [("oid", .bigint), ("pubname", .text)]),
    empty("pg_statistic_ext", [("oid", .bigint), ("stxrelid", .bigint), ("stxname", .text)]),
  ]
}

extension LogicalType {
  fileprivate var isArray: Bool {
    if case .array = self { return true }
    return false
  }
}
