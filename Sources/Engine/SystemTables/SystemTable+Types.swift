import Bytes
import Planning
import Vectors

/// The tables of `pg_catalog` and `information_schema` that are about types.
extension SystemTable {
  static let types: [SystemTable] = [
    SystemTable(
      name: TableName("pg_catalog", "pg_type"),
      fields: Schema([
        Field("oid", .bigint), Field("typname", .text), Field("typnamespace", .bigint), Field("typowner", .bigint),
        Field("typlen", .smallint), Field("typbyval", .boolean), Field("typtype", .text), Field("typcategory", .text),
        Field("typispreferred", .boolean), Field("typisdefined", .boolean), Field("typdelim", .text),
        Field("typrelid", .bigint), Field("typelem", .bigint), Field("typarray", .bigint),
        Field("typbasetype", .bigint), Field("typtypmod", .integer), Field("typndims", .integer),
        Field("typnotnull", .boolean), Field("typcollation", .bigint), Field("typdefault", .text),
        Field("typinput", .text), Field("typoutput", .text), Field("typreceive", .text),
      ])
    ) { snapshot, warehouse in
      let objects = CatalogObjects(snapshot, warehouse)
      let schema = objects.identifier(ofSchema: "pg_catalog")
      return PostgresType.all.map { row($0, in: schema) } + objects.types.flatMap { rows(of: $0, objects) }
    },
    SystemTable(
      name: TableName("information_schema", "domains"),
      fields: Schema([
        Field("domain_catalog", .text), Field("domain_schema", .text), Field("domain_name", .text),
        Field("data_type", .text), Field("character_maximum_length", .integer), Field("numeric_precision", .integer),
        Field("numeric_scale", .integer), Field("datetime_precision", .integer), Field("domain_default", .text),
        Field("udt_name", .text),
      ])
    ) { snapshot, _ in
      try snapshot.userTypes().compactMap { type in
        guard let rule = type.domain else { return nil }
        var described = InformationColumns.describe(rule.type)
        if case .array = rule.type { described[0] = .text(rule.type.name) }
        return [.text("pulsehouse"), .text(type.schema), .text(type.name)] + described.dropLast()
          + [shownDefault(rule)] + described.suffix(1)
      }
    },
    SystemTable(
      name: TableName("information_schema", "domain_constraints"),
      fields: Schema([
        Field("constraint_catalog", .text), Field("constraint_schema", .text), Field("constraint_name", .text),
        Field("domain_catalog", .text), Field("domain_schema", .text), Field("domain_name", .text),
        Field("is_deferrable", .text), Field("initially_deferred", .text),
      ])
    ) { snapshot, _ in
      try snapshot.userTypes().flatMap { type in
        (type.domain?.checks ?? []).map { check in
          [
            .text("pulsehouse"), .text(type.schema), .text(check.name), .text("pulsehouse"), .text(type.schema),
            .text(type.name), .text("NO"), .text("NO"),
          ]
        }
      }
    },
    SystemTable(
      name: TableName("pg_catalog", "pg_enum"),
      fields: Schema([
        Field("oid", .bigint), Field("enumtypid", .bigint), Field("enumsortorder", .real), Field("enumlabel", .text),
      ])
    ) { snapshot, warehouse in
      let objects = CatalogObjects(snapshot, warehouse)
      var rows: [[Scalar]] = []
      for type in objects.types {
        guard case .enumeration(let labels) = type.kind else { continue }
        for (index, label) in labels.enumerated() {
          rows.append([
            .integer(CatalogObjects.labelBase + Int64(rows.count)), .integer(objects.identifier(of: type)),
            .real(Float(index + 1)), .text(label.text),
          ])
        }
      }
      return rows
    },
  ]

  private static func row(_ type: PostgresType, in schema: Scalar) -> [Scalar] {
    let function = type.element == 0 ? type.name : "array_"
    return [
      .integer(type.identifier), .text(type.name), schema, .integer(10), .integer(Int64(type.length)),
      .boolean((1...8).contains(type.length)), .text(type.category == "P" ? "p" : "b"), .text(type.category),
      .boolean(["bool", "float8", "text", "timestamptz", "interval", "oid"].contains(type.name)), .boolean(true),
      .text(","), .integer(0), .integer(type.element), .integer(type.array), .integer(0), .integer(-1), .integer(0),
      .boolean(false), .integer(type.category == "S" ? 100 : 0), .null, .text(function + "in"),
      .text(function + "out"), .text(function + "recv"),
    ]
  }

  private static func rows(of type: UserType, _ objects: CatalogObjects) -> [[Scalar]] {
    let schema = objects.identifier(ofSchema: type.schema)
    switch type.kind {
    case .domain(let rule):
      var field = Field(type.name, rule.type)
      field.secondDigits = rule.secondDigits
      let below = objects.types.first { $0.identifier == rule.parent }.map(objects.identifier(of:))
      let base = PostgresType.all.first { $0.identifier == rule.type.postgresIdentifier }
      let length = base?.length ?? -1
      return [
        [
          .integer(objects.identifier(of: type)), .text(type.name), schema, .integer(10), .integer(Int64(length)),
          .boolean((1...8).contains(length)), .text("d"), .text(base?.category ?? "U"), .boolean(false),
          .boolean(true), .text(","), .integer(0), .integer(0), .integer(0),
          .integer(below ?? rule.type.postgresIdentifier), .integer(below == nil ? field.postgresModifier : -1),
          .integer(0), .boolean(!rule.isNullable), .integer(base?.category == "S" ? 100 : 0), shownDefault(rule),
          .text("domain_in"), .text((base?.name ?? "") + "out"), .text("domain_recv"),
        ]
      ]
    case .enumeration:
      func row(_ identifier: Int64, _ name: String, _ length: Int64, _ kind: (String, String), _ array: (Int64, Int64))
        -> [Scalar]
      {
        let function = kind.0 == "e" ? "enum_" : "array_"
        return [
          .integer(identifier), .text(name), schema, .integer(10), .integer(length), .boolean(length > 0),
          .text(kind.0), .text(kind.1), .boolean(false), .boolean(true), .text(","), .integer(0), .integer(array.0),
          .integer(array.1), .integer(0), .integer(-1), .integer(0), .boolean(false), .integer(0), .null,
          .text(function + "in"), .text(function + "out"), .text(function + "recv"),
        ]
      }
      let (own, array) = (objects.identifier(of: type), objects.arrayIdentifier(of: type))
      return [
        row(own, type.name, 4, ("e", "E"), (0, array)), row(array, "_" + type.name, -1, ("b", "A"), (own, 0)),
      ]
    }
  }

  private static func shownDefault(_ rule: DomainRule) -> Scalar {
    rule.defaultValue.flatMap { InformationColumns.shown($0, rule.type) }.map { .text($0) } ?? .null
  }
}
