import Bytes
import SQLSyntax
import Vectors

/// CREATE of tables, views and indexes.
extension Binder {
  /// Binds a column and what constraints stand beside it; those that are about rows go to `constraints`.
  func field(
    _ definition: ColumnDefinition, of table: String, _ constraints: inout [Constraint]
  ) throws -> TableDefinition.Column {
    let serial = Binder.serialType(definition.type)
    let type = try serial ?? type(definition.type)
    var result = TableDefinition.Column(field: Field(definition.name, type), defaultValue: nil)
    result.field.secondDigits = try secondDigits(definition.type)
    result.field.domain = try domain(definition.type)?.identifier
    if serial != nil {
      result.field.isNullable = false
      result.sequence = SequenceRequest(use: .serial, type: type, options: [])
    }
    for constraint in definition.constraints {
      switch constraint.kind {
      case .null: break
      case .notNull: result.field.isNullable = false
      case .defaultValue(let syntax):
        if result.sequence != nil || result.defaultValue != nil {
          throw BinderError.user(
            "42601", "multiple default values specified for column \"\(definition.name)\" of table \"\(table)\"",
            constraint.range)
        }
        result.defaultValue = try defaultValue(syntax, result.field)
      case .identity(let always, let options):
        if result.field.domain != nil {
          throw BinderError.user(
            "22023", "identity column type must be smallint, integer, or bigint", constraint.range)
        }
        try requireSequenceType(type, definition.name, result, table, constraint.range)
        result.field.isNullable = false
        result.sequence = SequenceRequest(use: .identity(always: always), type: type, options: options)
      case .generated(let syntax):
        if result.sequence != nil || result.defaultValue != nil {
          throw BinderError.user(
            "42601",
            "both default and generation expression specified for column \"\(definition.name)\" of table \"\(table)\"",
            constraint.range)
        }
        result.defaultValue = .generated(syntax.sql)
      case .primaryKey:
        constraints.append(
          Constraint(name: constraint.name, kind: .primaryKey(columns: [definition.name]), range: constraint.range))
      case .unique(_, let nullsAreDistinct):
        constraints.append(
          Constraint(
            name: constraint.name,
            kind: .unique(columns: [definition.name], nullsAreDistinct: nullsAreDistinct), range: constraint.range))
      case .check: constraints.append(constraint)
      case .foreignKey(var key):
        key.columns = [definition.name]
        constraints.append(Constraint(name: constraint.name, kind: .foreignKey(key), range: constraint.range))
      }
    }
    return result
  }

  private func requireSequenceType(
    _ type: LogicalType, _ name: String, _ column: TableDefinition.Column, _ table: String, _ range: SourceRange
  ) throws {
    guard type.isInteger else {
      throw BinderError.user("22023", "identity column type must be smallint, integer, or bigint", range)
    }
    if column.sequence != nil || column.defaultValue != nil {
      throw BinderError.user(
        "42601", "both default and identity specified for column \"\(name)\" of table \"\(table)\"", range)
    }
  }

  func unsupported(_ constraint: Constraint) -> PulsehouseError {
    let name =
      switch constraint.kind {
      case .null, .notNull, .defaultValue, .check, .primaryKey, .unique: "this constraint"
      case .foreignKey: "a foreign key here"
      case .generated: "a generated column here"
      case .identity: "an identity column here"
      }
    return BinderError.unsupported(name, constraint.range, hint: "Audits of a model check such rules.")
  }

  /// A default that is constant is computed when it is declared; any other is kept as SQL.
  func defaultValue(_ syntax: Syntax.Expression, _ field: Field) throws -> ColumnDefault? {
    let value = try boundDefault(syntax, field)
    try requireSequences(syntax)
    guard value.isConstant, field.domain == nil else { return .expression(syntax.sql) }
    let scalar = try constant(value, syntax.range)
    return scalar.isNull ? nil : .constant(scalar)
  }

  /// Refuses the names of sequences that are not there.
  private func requireSequences(_ syntax: Syntax.Expression) throws {
    var open = [syntax]
    while let next = open.popLast() {
      open += next.children
      guard case .call(let call) = next.node, let name = call.name.last, let argument = call.arguments.first?.value,
        ["nextval", "currval", "setval"].contains(name), case .literal(.string(let text)) = argument.node
      else { continue }
      guard let parts = SequenceName.parts(text), let relation = parts.last else {
        throw BinderError.user("42602", "invalid name syntax", argument.range)
      }
      let schema = parts.count > 1 ? parts[parts.count - 2] : nil
      guard names.schema(ofRelation: relation, in: schema) == nil else { continue }
      throw BinderError.user("42P01", "relation \"\(text)\" does not exist", argument.range)
    }
  }

  private func boundDefault(_ syntax: Syntax.Expression, _ field: Field) throws -> Expression {
    let stage = Stage(Scope(parent: nil), "DEFAULT expressions")
    let known = subqueries.count
    let value = try assign(try bind(syntax, stage), to: field, syntax.range)
    guard stage.attachments.isEmpty, subqueries.count == known else {
      throw BinderError.user("0A000", "cannot use subquery in DEFAULT expression", syntax.range)
    }
    return value
  }

  /// What a field gets where no value is given.
  func expression(of value: ColumnDefault?, _ field: Field) throws -> Expression {
    switch value {
    case nil: try domainDefault(field)
    case .constant(let scalar): .constant(scalar, field.type)
    case .expression(let sql), .identity(let sql, _): try boundDefault(try PostgresParser.parseExpression(sql), field)
    // Computed once the others are there.
    case .generated: .null(field.type)
    }
  }

  /// Refuses a table of no columns, whose rows could not be stored.
  func requireColumns(_ columns: [TableDefinition.Column], _ range: SourceRange) throws {
    if columns.isEmpty { throw BinderError.unsupported("a table without columns", range) }
  }

  private func refuseDuplicates(_ names: [String], _ range: SourceRange) throws {
    var seen: Set<String> = []
    for name in names where !seen.insert(name).inserted {
      throw BinderError.user("42701", "column \"\(name)\" specified more than once", range)
    }
  }

  func createTable(_ create: CreateTable, _ range: SourceRange) throws -> TableDefinition {
    // Nothing here is slower for being safe, so an unlogged table is safe too.
    if let partitioning = create.partitioning {
      throw BinderError.unsupported(
        "PARTITION BY", partitioning.range, hint: "Write WITH (partitioned_by = '...') instead.")
    }
    var constraints: [Constraint] = []
    var columns = try create.columns.map { try field($0, of: create.name.name, &constraints) }
    for like in create.likes.reversed() { try insert(like, into: &columns, &constraints) }
    constraints += create.constraints
    try requireColumns(columns, create.name.range)
    try refuseDuplicates(columns.map(\.field.name), create.name.range)
    let rules = try tableConstraints(constraints, of: create.name.name, &columns, [])
    try checkGenerated(columns, of: create.name.name, create.name.range)
    return TableDefinition(
      schema: create.name.schema, name: create.name.name, ifNotExists: create.ifNotExists,
      isTemporary: create.isTemporary, onCommit: try create.onCommit.map { try temporary($0, create.isTemporary) },
      columns: columns, constraints: rules, properties: create.options)
  }

  private func temporary(_ onCommit: OnCommit, _ isTemporary: Bool) throws -> OnCommit {
    if isTemporary { return onCommit }
    throw BinderError.user("42P16", "ON COMMIT can only be used on temporary tables", .unknown)
  }

  /// Binds every generated column once, to find what is wrong with it.
  func checkGenerated(_ columns: [TableDefinition.Column], of table: String, _ range: SourceRange) throws {
    let fields = columns.map(\.field)
    var defaults: [Int: ColumnDefault] = [:]
    for (index, column) in columns.enumerated() { defaults[index] = column.defaultValue }
    let own = fields.map { column($0.name, $0.type) }
    for (index, field) in fields.enumerated() {
      guard case .generated(let sql)? = defaults[index] else { continue }
      _ = try generationExpression(sql, of: field, fields, own, defaults, table, range)
    }
  }

  /// Puts the columns of another table at their place, with as much of what belongs to them as is asked for.
  private func insert(
    _ like: TableLike, into columns: inout [TableDefinition.Column], _ constraints: inout [Constraint]
  ) throws {
    let fields: [Field]
    var defaults: [Int: ColumnDefault] = [:]
    var rules: [TableConstraint] = []
    switch try relation(like.table) {
    case .table(let table):
      (fields, defaults, rules) = (table.fields.fields, table.defaults, table.constraints)
    case .view(let view):
      let bound = try bindView(view, like.table.range)
      fields = zip(bound.names, bound.columns).map { Field($0, $1.type) }
    }
    columns.insert(
      contentsOf: fields.enumerated().map { index, field in
        var column = TableDefinition.Column(field: field, defaultValue: nil)
        switch defaults[index] {
        case .constant?, .expression?: column.defaultValue = like.includesDefaults ? defaults[index] : nil
        case .generated?: column.defaultValue = like.includesGenerated ? defaults[index] : nil
        case .identity(let sql, let always)? where like.includesIdentity:
          column.sequence = SequenceRequest(use: .identity(always: always), model: sql, type: field.type, options: [])
        case .identity?, nil: break
        }
        return column
      }, at: like.position)
    for rule in rules {
      let kind: Constraint.Kind
      var name: String?
      switch rule.kind {
      case .check(let text) where like.includesConstraints:
        kind = .check(try PostgresParser.parseExpression(text))
        name = rule.name
      case .primaryKey(let names) where like.includesIndexes: kind = .primaryKey(columns: names)
      case .unique(let names, let nullsAreDistinct) where like.includesIndexes:
        kind = .unique(columns: names, nullsAreDistinct: nullsAreDistinct)
      default: continue
      }
      constraints.append(Constraint(name: name, kind: kind, range: like.table.range))
    }
  }

  /// Names new constraints beside `existing` ones and checks them. Columns of a primary key become NOT NULL.
  func tableConstraints(
    _ syntax: [Constraint], of table: String, _ columns: inout [TableDefinition.Column],
    _ existing: [TableConstraint]
  ) throws -> [TableConstraint] {
    var result = existing
    func position(_ name: String, _ range: SourceRange) throws -> Int {
      if let index = columns.firstIndex(where: { $0.field.name == name }) { return index }
      throw BinderError.user("42703", "column \"\(name)\" named in key does not exist", range)
    }
    func named(_ written: String?, _ parts: [String], _ range: SourceRange) throws -> String {
      if let written {
        if result.contains(where: { $0.name == written }) {
          throw BinderError.user(
            "42710", "constraint \"\(written)\" for relation \"\(table)\" already exists", range)
        }
        return written
      }
      let plain = parts.joined(separator: "_")
      var name = plain
      var number = 0
      while result.contains(where: { $0.name == name }) {
        number += 1
        name = plain + String(number)
      }
      return name
    }
    for constraint in syntax {
      let range = constraint.range
      switch constraint.kind {
      case .primaryKey(let names):
        if result.contains(where: { if case .primaryKey = $0.kind { true } else { false } }) {
          throw BinderError.user("42P16", "multiple primary keys for table \"\(table)\" are not allowed", range)
        }
        try refuseKeyDuplicates(names, "primary key", range)
        for name in names { columns[try position(name, range)].field.isNullable = false }
        result.append(
          TableConstraint(name: try named(constraint.name, [table, "pkey"], range), kind: .primaryKey(names)))
      case .unique(let names, let nullsAreDistinct):
        try refuseKeyDuplicates(names, "unique", range)
        for name in names { _ = try position(name, range) }
        result.append(
          TableConstraint(
            name: try named(constraint.name, [table] + names + ["key"], range),
            kind: .unique(names, nullsAreDistinct: nullsAreDistinct)))
      case .check(let condition):
        let rule = TableConstraint(name: "", kind: .check(condition.sql))
        var fields: [Field] = []
        for column in columns { fields.append(column.field) }
        let bound = try checks([rule], fields, of: table)
        let used = Set(bound.conditions.flatMap { $0.condition.columns.map(\.name) })
        let middle = used.count == 1 ? [used.first ?? ""] : []
        result.append(
          TableConstraint(name: try named(constraint.name, [table] + middle + ["check"], range), kind: rule.kind))
      case .foreignKey: continue
      default: throw unsupported(constraint)
      }
    }
    // They may refer to keys of the table itself.
    for constraint in syntax {
      guard case .foreignKey(let key) = constraint.kind else { continue }
      let rule = try foreignKey(key, of: table, columns.map(\.field), result, constraint.range)
      result.append(
        TableConstraint(
          name: try named(constraint.name, [table] + key.columns + ["fkey"], constraint.range), kind: .foreignKey(rule))
      )
    }
    for rule in result {
      for name in rule.columns {
        let index = try position(name, .unknown)
        if rule.keyColumns != nil { try requireEquality(columns[index].field.type, .unknown) }
      }
    }
    return result
  }

  private func foreignKey(
    _ key: ForeignKey, of table: String, _ own: [Field], _ ownConstraints: [TableConstraint], _ range: SourceRange
  ) throws -> ForeignKeyRule {
    try refuseKeyDuplicates(key.columns, "foreign key", range)
    let found = try planner.schema.relation(schema: key.table.schema, name: key.table.name)
    let isOwn = found == nil && key.table.name == table
    let parent = isOwn ? nil : try self.table(key.table, "reference")
    let constraints = parent?.constraints ?? ownConstraints
    let fields = parent?.fields.fields ?? own
    var names = key.referencedColumns
    if names.isEmpty {
      for constraint in constraints { if case .primaryKey(let columns) = constraint.kind { names = columns } }
      if names.isEmpty {
        throw BinderError.user("42704", "there is no primary key for referenced table \"\(key.table.name)\"", range)
      }
    }
    guard names.count == key.columns.count else {
      throw BinderError.user(
        "42830", "number of referencing and referenced columns for foreign key disagree", range)
    }
    for (name, referenced) in zip(key.columns, names) {
      guard let field = own.first(where: { $0.name == name }) else {
        throw BinderError.user("42703", "column \"\(name)\" referenced in foreign key constraint does not exist", range)
      }
      guard let other = fields.first(where: { $0.name == referenced }) else {
        throw BinderError.user(
          "42703", "column \"\(referenced)\" referenced in foreign key constraint does not exist", range)
      }
      let sides = [field, other].map { Expression.column(column($0.name, $0.type)) }
      do {
        _ = try makeBinary(OperatorName("="), sides[0], sides[1], range, leftRange: range, rightRange: range)
      } catch let error as PulsehouseError where error.kind == .user {
        throw BinderError.user(
          "42804",
          "foreign key constraint \"\(([table] + key.columns + ["fkey"]).joined(separator: "_"))\" cannot be "
            + "implemented", range,
          detail: "Key columns \"\(name)\" and \"\(referenced)\" are of incompatible types: "
            + "\(TypeKind(field.type).name) and \(TypeKind(other.type).name).")
      }
    }
    guard constraints.contains(where: { $0.keyColumns.map { Set($0.names) } == Set(names) }) else {
      throw BinderError.user(
        "42830", "there is no unique constraint matching given keys for referenced table \"\(key.table.name)\"", range)
    }
    let referenced = parent.map { ForeignKeyRule.Referenced(schema: $0.reference.schema, name: $0.reference.name) }
    return ForeignKeyRule(
      columns: key.columns, referenced: referenced, referencedColumns: names, onDelete: action(key.onDelete),
      onUpdate: action(key.onUpdate))
  }

  private func action(_ action: ForeignKey.Action) -> ForeignKeyRule.Action? {
    switch action {
    case .noAction, .restrict: nil
    case .cascade: .cascade
    case .setNull: .setNull
    case .setDefault: .setDefault
    }
  }

  private func refuseKeyDuplicates(_ names: [String], _ kind: String, _ range: SourceRange) throws {
    var seen: Set<String> = []
    for name in names where !seen.insert(name).inserted {
      throw BinderError.user("42701", "column \"\(name)\" appears twice in \(kind) constraint", range)
    }
  }

  func createIndex(_ create: CreateIndex, _ range: SourceRange) throws -> IndexDefinition {
    let table = try table(create.table, "create index on")
    if let predicate = create.predicate, create.isUnique {
      throw BinderError.unsupported("a unique index with WHERE", predicate.range)
    }
    var names: [String] = []
    for key in create.keys {
      guard case .column(let path) = key.node, path.count == 1 else {
        if create.isUnique { throw BinderError.unsupported("a unique index of an expression", key.range) }
        let scope = Scope(parent: nil)
        let columns = table.fields.fields.map { column($0.name, $0.type) }
        scope.visible = columns.map { VisibleColumn(name: $0.name, relation: nil, expression: .column($0)) }
        _ = try bindTyped(key, Stage(scope, "index expressions"))
        continue
      }
      names.append(table.fields[try target(path[0], key.range, table)].name)
    }
    let parts = [table.reference.name] + (names.isEmpty ? ["expr"] : names) + ["idx"]
    var name = create.name ?? parts.joined(separator: "_")
    var number = 0
    while create.name == nil, table.constraints.contains(where: { $0.name == name }) {
      number += 1
      name = parts.joined(separator: "_") + String(number)
    }
    let kind: TableConstraint.Kind =
      create.isUnique ? .unique(names, nullsAreDistinct: create.nullsAreDistinct) : .index(names)
    return IndexDefinition(
      table: table, constraint: TableConstraint(name: name, kind: kind), ifNotExists: create.ifNotExists)
  }

  func createTableAs(_ create: CreateTableAs, _ range: SourceRange) throws -> PlannedStatement {
    if case .execute(let execute) = create.source {
      return .createTableAsExecute(create, name: execute.name, arguments: try arguments(of: execute))
    }
    guard case .query(let query) = create.source else {
      throw BinderError.unsupported("CREATE TABLE AS of this statement", range)
    }
    let bound = try bindQuery(query, parent: nil)
    var names = bound.names
    if create.columns.count > names.count {
      throw BinderError.user("42601", "too many column names were specified", create.name.range)
    }
    for (index, name) in create.columns.enumerated() { names[index] = name }
    try refuseDuplicates(names, create.name.range)
    let fields = zip(names, bound.columns).map {
      TableDefinition.Column(field: Field($0, $1.type), defaultValue: nil)
    }
    try requireColumns(fields, create.name.range)
    let definition = TableDefinition(
      schema: create.name.schema, name: create.name.name, ifNotExists: create.ifNotExists,
      isTemporary: create.isTemporary, onCommit: try create.onCommit.map { try temporary($0, create.isTemporary) },
      columns: fields, properties: create.options,
      materializedQuery: create.materializedQuery)
    return .createTableAs(definition, create.withData ? try physical(bound.plan, names) : nil)
  }

  func createView(_ create: CreateView, _ range: SourceRange) throws -> ViewDefinition {
    if create.persistence == .temporary { throw BinderError.unsupported("a temporary view", range) }
    if let option = create.options.first { throw BinderError.unsupported("a view's \(option.name)", option.range) }
    takesParameters = false
    let bound = try bindQuery(create.query, parent: nil)
    if !changes.isEmpty {
      throw BinderError.user("0A000", "views must not contain data-modifying statements in WITH", range)
    }
    if create.columns.count > bound.names.count {
      throw BinderError.user(
        "42601", "CREATE VIEW specifies more column names than columns", create.name.range)
    }
    var names = bound.names
    for (index, name) in create.columns.enumerated() { names[index] = name }
    try refuseDuplicates(names, create.name.range)
    if create.checkOption != .none { try requireChangeable(create) }
    return ViewDefinition(
      schema: create.name.schema, name: create.name.name, orReplace: create.orReplace,
      columnNames: create.columns.isEmpty ? nil : names, checkOption: create.checkOption,
      queryRange: create.queryRange, recursiveName: create.isRecursive ? create.name.name : nil,
      fields: zip(names, bound.columns).map { Field($0, $1.type) })
  }
}

extension CreateTable {
  /// Also without TEMPORARY where the schema says it.
  fileprivate var isTemporary: Bool { persistence == .temporary || name.schema == "pg_temp" }
}

extension CreateTableAs {
  fileprivate var isTemporary: Bool { persistence == .temporary || name.schema == "pg_temp" }
}
