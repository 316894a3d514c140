import Planning
import SQLSyntax
import Vectors

/// What the tables of `pg_catalog` are about, in one order for all of them.
///
/// Numbers of objects are made up: positions in the sorted lists of one snapshot, so they hold within a statement only.
struct CatalogObjects {
  struct Relation {
    var name: TableName
    /// As `pg_class.relkind` has it: `r` a table, `v` a view, `m` a materialized view, `i` an index, `S` a sequence.
    var kind: String
    var fields: [Field] = []
    var defaults: [Int: ColumnDefault] = [:]
    var constraints: [TableConstraint] = []
    var definition: String?
    var rowCount = 0
    /// Of an index: its table and what it is.
    var index: (table: TableName, constraint: TableConstraint)?
  }

  static let schemaBase: Int64 = 2200
  static let relationBase: Int64 = 16_384
  static let constraintBase: Int64 = 1 << 24
  static let typeBase: Int64 = 1 << 27
  static let labelBase: Int64 = 1 << 29

  let schemas: [String]
  let relations: [Relation]
  /// Those that users made, by schema and name.
  let types: [UserType]
  private let numbers: [TableName: Int64]

  init(_ snapshot: Snapshot, _ warehouse: Warehouse) {
    var all: [Relation] = []
    for table in snapshot.tables {
      let definition = table.definition
      var defaults: [Int: ColumnDefault] = [:]
      for (index, column) in definition.columns.enumerated() {
        if let text = column.defaultText { defaults[index] = try? DefaultValue.decode(text, column.type) }
      }
      let constraints = (try? definition.constraints()) ?? []
      let query = definition.materializedQuery
      all.append(
        Relation(
          name: table.name, kind: query == nil ? "r" : "m", fields: definition.schema.fields, defaults: defaults,
          constraints: constraints, definition: query, rowCount: table.rowCount))
      for constraint in constraints where !constraint.columns.isEmpty {
        let fields = constraint.columns.compactMap { name in definition.schema.fields.first { $0.name == name } }
        all.append(
          Relation(
            name: TableName(table.name.schema, constraint.name), kind: "i", fields: fields,
            index: (table.name, constraint)))
      }
    }
    all += snapshot.views.map { view in
      Relation(
        name: view.name, kind: "v",
        fields: view.definition.columns.map { Field($0.name, $0.type, isNullable: $0.isNullable) },
        definition: view.definition.sql)
    }
    all += ((try? snapshot.sequences()) ?? []).map { sequence in
      Relation(
        name: sequence.name, kind: "S",
        fields: [
          Field("last_value", .bigint, isNullable: false), Field("log_cnt", .bigint, isNullable: false),
          Field("is_called", .boolean, isNullable: false),
        ])
    }
    all += warehouse.systemTables.map { Relation(name: $0.name, kind: "v", fields: $0.fields.fields) }
    all += SystemView.all.map { Relation(name: $0.name, kind: "v", fields: $0.fields) }
    relations = all.sorted { $0.name < $1.name }
    types = (try? snapshot.userTypes()) ?? []
    schemas = Set(snapshot.schemas).union(SystemTable.all.map(\.name.schema)).union(["public"]).sorted()
    numbers = Dictionary(
      relations.enumerated().map { ($1.name, CatalogObjects.relationBase + Int64($0)) },
      uniquingKeysWith: { first, _ in first })
  }

  func identifier(ofSchema name: String) -> Scalar {
    schemas.firstIndex(of: name).map { .integer(CatalogObjects.schemaBase + Int64($0)) } ?? .null
  }

  func identifier(of relation: TableName) -> Scalar { numbers[relation].map { .integer($0) } ?? .integer(0) }

  func identifier(of type: UserType) -> Int64 {
    CatalogObjects.typeBase + Int64(types.firstIndex { $0.identifier == type.identifier } ?? -1)
  }

  /// The number of the type of arrays of an enumerated type.
  func arrayIdentifier(of type: UserType) -> Int64 { identifier(of: type) + 1 << 20 }

  /// The number of a field's type: that of its domain where it has one.
  func typeIdentifier(of field: Field) -> Int64 {
    let own = field.domain ?? field.type.enumerationIdentifier
    guard let type = types.first(where: { $0.identifier == own }) else { return field.type.postgresIdentifier }
    let isArray = if case .array = field.type { field.domain == nil } else { false }
    return isArray ? arrayIdentifier(of: type) : identifier(of: type)
  }

  /// Every condition of every domain, numbered after the constraints of tables.
  var domainChecks: [(domain: UserType, check: DomainRule.Check)] {
    types.flatMap { type in (type.domain?.checks ?? []).map { (type, $0) } }
  }

  /// Where a comment belongs: the number of the thing, of the table of `pg_catalog` that has it, and of the column; nil for
  /// a thing that is gone.
  func place(of target: CommentTarget) -> (object: Int64, catalog: Int64, part: Int64)? {
    switch target.kind {
    case .relation: return numbers[target.owner].map { ($0, 1259, 0) }
    case .column:
      guard let number = numbers[target.owner],
        let index = relations.first(where: { $0.name == target.owner })?.fields.firstIndex(where: {
          $0.name == target.part
        })
      else { return nil }
      return (number, 1259, Int64(index + 1))
    case .constraint:
      return constraints.firstIndex { $0.table.name == target.owner && $0.constraint.name == target.part }.map {
        (CatalogObjects.constraintBase + Int64($0), 2606, 0)
      }
    case .schema:
      return schemas.firstIndex(of: target.owner.schema).map { (CatalogObjects.schemaBase + Int64($0), 2615, 0) }
    case .type:
      return types.first { $0.schema == target.owner.schema && $0.name == target.owner.name }.map {
        (identifier(of: $0), 1247, 0)
      }
    }
  }

  /// Every constraint that is no mere index, numbered in order.
  var constraints: [(table: Relation, constraint: TableConstraint)] {
    relations.flatMap { relation in
      relation.constraints.compactMap { constraint in
        if case .index = constraint.kind { nil } else { (relation, constraint) }
      }
    }
  }
}

extension TableConstraint {
  /// The CREATE INDEX that would make it.
  func indexDefinition(of table: TableName) -> String {
    let unique = keyColumns == nil ? "" : "UNIQUE "
    let columns = columns.map { SQLPrinter.quoted($0) }.joined(separator: ", ")
    let nulls = keyColumns?.nullsAreDistinct == false ? " NULLS NOT DISTINCT" : ""
    return "CREATE \(unique)INDEX \(SQLPrinter.quoted(name)) ON \(table) USING btree (\(columns))\(nulls)"
  }

  /// The columns it speaks of, those of a condition in the order in which it names them.
  var catalogColumns: [String] {
    guard case .check(let condition) = kind, let syntax = try? PostgresParser.parseExpression(condition) else {
      return columns
    }
    var found: [String] = []
    func visit(_ expression: SQLSyntax.Expression) {
      if case .column(let path) = expression.node, let name = path.last, !found.contains(name) { found.append(name) }
      expression.children.forEach(visit)
    }
    visit(syntax)
    return found
  }

  /// As `pg_get_constraintdef` shows it.
  func constraintDefinition(of table: TableName?) -> String {
    let list = columns.map { SQLPrinter.quoted($0) }.joined(separator: ", ")
    switch kind {
    case .primaryKey: return "PRIMARY KEY (\(list))"
    case .unique(_, let nullsAreDistinct): return "UNIQUE \(nullsAreDistinct ? "" : "NULLS NOT DISTINCT ")(\(list))"
    case .check(let condition): return "CHECK ((\(condition)))"
    case .foreignKey(let key):
      let referenced = key.referencedColumns.map { SQLPrinter.quoted($0) }.joined(separator: ", ")
      let parent = key.referenced.map { SQLPrinter.quoted($0.name) } ?? table.map { SQLPrinter.quoted($0.name) } ?? ""
      let onUpdate = key.onUpdate.map { " ON UPDATE \($0.rawValue)" } ?? ""
      let actions = onUpdate + (key.onDelete.map { " ON DELETE \($0.rawValue)" } ?? "")
      return "FOREIGN KEY (\(list)) REFERENCES \(parent)(\(referenced))\(actions)"
    case .index: return ""
    }
  }
}
