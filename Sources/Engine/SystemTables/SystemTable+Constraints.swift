import Planning
import Vectors

/// What `information_schema` says of keys and conditions; indexes are none of its business.
extension SystemTable {
  static let constraints: [SystemTable] = [
    table(
      "table_constraints",
      [
        ("constraint_catalog", .text), ("constraint_schema", .text), ("constraint_name", .text),
        ("table_catalog", .text), ("table_schema", .text), ("table_name", .text), ("constraint_type", .text),
        ("is_deferrable", .text), ("initially_deferred", .text), ("enforced", .text), ("nulls_distinct", .text),
      ]
    ) { table, constraint, _ in
      guard let kind = constraint.kindName else { return [] }
      let nulls: Scalar
      if case .unique(_, let areDistinct) = constraint.kind { nulls = yesOrNo(areDistinct) } else { nulls = .null }
      return [own(table, constraint) + relation(table.name) + [.text(kind), no, no, yes, nulls]]
    },
    table(
      "key_column_usage",
      [
        ("constraint_catalog", .text), ("constraint_schema", .text), ("constraint_name", .text),
        ("table_catalog", .text), ("table_schema", .text), ("table_name", .text), ("column_name", .text),
        ("ordinal_position", .integer), ("position_in_unique_constraint", .integer),
      ]
    ) { table, constraint, snapshot in
      guard let names = constraint.keyColumns?.names ?? constraint.foreignKey?.columns else { return [] }
      let unique = try constraint.foreignKey.flatMap { try uniqueKey(of: $0, of: table.name, snapshot) }
      return names.enumerated().map { index, name in
        var position = Scalar.null
        if let key = constraint.foreignKey, let place = unique?.columns.firstIndex(of: key.referencedColumns[index]) {
          position = .integer(Int64(place + 1))
        }
        return own(table, constraint) + relation(table.name) + [.text(name), .integer(Int64(index + 1)), position]
      }
    },
    table(
      "constraint_column_usage",
      [
        ("table_catalog", .text), ("table_schema", .text), ("table_name", .text), ("column_name", .text),
        ("constraint_catalog", .text), ("constraint_schema", .text), ("constraint_name", .text),
      ]
    ) { table, constraint, _ in
      if constraint.kindName == nil { return [] }
      let names = constraint.foreignKey?.referencedColumns ?? constraint.catalogColumns
      let owner = constraint.foreignKey?.parent(of: table.name) ?? table.name
      return names.map { relation(owner) + [.text($0)] + own(table, constraint) }
    },
    table(
      "check_constraints",
      [
        ("constraint_catalog", .text), ("constraint_schema", .text), ("constraint_name", .text),
        ("check_clause", .text),
      ]
    ) { table, constraint, _ in
      guard case .check(let condition) = constraint.kind else { return [] }
      return [own(table, constraint) + [.text("((\(condition)))")]]
    },
    table(
      "referential_constraints",
      [
        ("constraint_catalog", .text), ("constraint_schema", .text), ("constraint_name", .text),
        ("unique_constraint_catalog", .text), ("unique_constraint_schema", .text), ("unique_constraint_name", .text),
        ("match_option", .text), ("update_rule", .text), ("delete_rule", .text),
      ]
    ) { table, constraint, snapshot in
      guard let key = constraint.foreignKey else { return [] }
      let unique = try uniqueKey(of: key, of: table.name, snapshot)
      return [
        own(table, constraint)
          + [
            .text("pulsehouse"), .text(key.parent(of: table.name).schema), unique.map { .text($0.name) } ?? .null,
            .text("NONE"), .text(key.onUpdate?.rawValue ?? "NO ACTION"), .text(key.onDelete?.rawValue ?? "NO ACTION"),
          ]
      ]
    },
  ]

  private static let yes = Scalar.text("YES")
  private static let no = Scalar.text("NO")

  private static func yesOrNo(_ truth: Bool) -> Scalar { truth ? yes : no }

  private static func own(_ table: TableState, _ constraint: TableConstraint) -> [Scalar] {
    [.text("pulsehouse"), .text(table.name.schema), .text(constraint.name)]
  }

  private static func relation(_ name: TableName) -> [Scalar] {
    [.text("pulsehouse"), .text(name.schema), .text(name.name)]
  }

  /// The key that a foreign key refers to.
  private static func uniqueKey(
    of key: ForeignKeyRule, of table: TableName, _ snapshot: Snapshot
  ) throws -> (name: String, columns: [String])? {
    guard let parent = snapshot.table(key.parent(of: table)) else { return nil }
    let found = try parent.definition.constraints().first {
      $0.keyColumns.map { Set($0.names) } == Set(key.referencedColumns)
    }
    return found.flatMap { constraint in constraint.keyColumns.map { (constraint.name, $0.names) } }
  }

  /// A view of all constraints of all tables.
  private static func table(
    _ name: String, _ fields: [(String, LogicalType)],
    _ rows: @escaping @Sendable (TableState, TableConstraint, Snapshot) throws -> [[Scalar]]
  ) -> SystemTable {
    SystemTable(
      name: TableName("information_schema", name), fields: Schema(fields.map { Field($0.0, $0.1) }),
      rows: { snapshot, _ in
        try snapshot.tables.flatMap { table in
          try table.definition.constraints().flatMap { try rows(table, $0, snapshot) }
        }
      })
  }
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
