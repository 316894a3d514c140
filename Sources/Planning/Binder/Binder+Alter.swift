import Bytes
import SQLSyntax
import Vectors

/// ALTER of tables, views and schemas.
extension Binder {
  func alter(_ alter: Syntax.AlterTable, _ range: SourceRange) throws -> AlterTable {
    var result = AlterTable(
      target: alter.target, name: alter.name, ifExists: alter.ifExists, table: nil, reshaping: nil, actions: [])
    var shape: Shape?
    if alter.target == .table {
      let found = try planner.schema.relation(schema: alter.name.schema, name: alter.name.name)
      if found == nil, alter.ifExists { return result }
      if case .view? = found, alter.actions.allSatisfy(\.isForViews) { result.target = .view }
    }
    if result.target == .table {
      let description = try table(alter.name, "alter")
      result.table = description
      shape = Shape(description, scan(description))
    }
    for action in alter.actions {
      switch action {
      case .renameTable(let name): result.actions.append(.rename(to: name))
      case .setSchema(let name): result.actions.append(.setSchema(name))
      case .renameColumn(let name, let new) where result.target == .view:
        result.actions.append(.renameColumn(name, to: new))
      case .setOptions(let options): result.actions.append(.setProperties(options))
      case .resetOptions(let names): result.actions.append(.resetProperties(names))
      default:
        guard var changed = shape else { throw BinderError.unsupported("this form of ALTER", range) }
        try change(&changed, action, alter.name)
        shape = changed
      }
    }
    if let shape, shape.isChanged {
      try requireColumns(shape.columns, alter.name.range)
      result.reshaping = try reshaping(shape, alter.name.name)
    }
    return result
  }

  /// A table on its way to another form: each column with what it is made of.
  private struct Shape {
    let table: TableDescription
    let source: LogicalPlan
    var columns: [TableDefinition.Column]
    var values: [Expression]
    var constraints: [TableConstraint]
    var renamed: [String: String] = [:]
    var dropped: [AlterTable.Reshaping.Dropped] = []
    var retyped: [String] = []
    var identities: [(column: String, options: [StatementOption])] = []
    var sequences: [(column: String, request: SequenceRequest)] = []
    var isChanged = false
    var isRewritten = false
    var isStricter = false

    init(_ table: TableDescription, _ source: LogicalPlan) {
      self.table = table
      self.source = source
      columns = table.fields.fields.enumerated().map { index, field in
        TableDefinition.Column(field: field, defaultValue: table.defaults[index])
      }
      values = source.output.map { .column($0) }
      constraints = table.constraints
    }

    /// The name that a column had before the statement.
    func oldName(_ name: String) -> String { renamed.first { $0.value == name }?.key ?? name }
  }

  private func position(_ name: String, _ shape: Shape, _ table: QualifiedName) throws -> Int {
    if let index = shape.columns.firstIndex(where: { $0.field.name == name }) { return index }
    throw BinderError.user(
      "42703", "column \"\(name)\" of relation \"\(table.name)\" does not exist", table.range,
      hint: Spelling.nearest(to: name, among: shape.columns.map(\.field.name)).map {
        "Perhaps you meant the column \"\($0)\"."
      })
  }

  private func change(_ shape: inout Shape, _ action: Syntax.AlterTable.Action, _ table: QualifiedName) throws {
    shape.isChanged = true
    switch action {
    case .addColumn(let definition, let ifNotExists):
      if shape.columns.contains(where: { $0.field.name == definition.name }) {
        if ifNotExists { return }
        throw BinderError.user(
          "42701", "column \"\(definition.name)\" of relation \"\(table.name)\" already exists", definition.range)
      }
      var constraints: [Constraint] = []
      var column = try field(definition, of: table.name, &constraints)
      if let request = column.sequence {
        column.defaultValue = sequenceDefault(request, definition.name, shape.table.reference)
        shape.sequences.append((definition.name, request))
      }
      shape.columns.append(column)
      if case .generated(let sql)? = column.defaultValue {
        shape.values.append(try generatedValue(sql, column.field, shape, table.range))
      } else {
        shape.values.append(try expression(of: column.defaultValue, column.field))
      }
      shape.isRewritten = true
      try add(constraints, to: &shape, table.name)
    case .dropColumn(let name, let ifExists, let isCascade):
      if ifExists, !shape.columns.contains(where: { $0.field.name == name }) { return }
      let index = try position(name, shape, table)
      // What speaks of the column goes with it.
      let checked = try checks(shape.constraints, shape.columns.map(\.field), of: table.name)
      let broken = Set(
        checked.conditions.filter { $0.condition.columns.contains { $0.name == name } }.map(\.name))
      shape.constraints.removeAll { $0.columns.contains(name) || broken.contains($0.name) }
      try refuseGenerated(from: name, shape, table, "drop")
      shape.dropped.append(.init(name: shape.oldName(name), isColumn: true, isCascade: isCascade))
      shape.columns.remove(at: index)
      shape.values.remove(at: index)
      shape.isRewritten = true
    case .renameColumn(let name, let new):
      let index = try position(name, shape, table)
      if shape.columns.contains(where: { $0.field.name == new }) {
        throw BinderError.user(
          "42701", "column \"\(new)\" of relation \"\(table.name)\" already exists", table.range)
      }
      try refuseGenerated(from: name, shape, table, "rename")
      shape.columns[index].field.name = new
      shape.renamed[name] = new
      shape.constraints = try shape.constraints.map { try rename($0, name, to: new, shape, table) }
    case .setDefault(let name, let syntax):
      let index = try position(name, shape, table)
      try requirePlainDefault(shape.columns[index], table)
      shape.columns[index].defaultValue = try defaultValue(syntax, shape.columns[index].field)
    case .dropDefault(let name):
      let index = try position(name, shape, table)
      try requirePlainDefault(shape.columns[index], table)
      shape.columns[index].defaultValue = nil
    case .addIdentity(let name, let always, let options):
      let index = try position(name, shape, table)
      let field = shape.columns[index].field
      guard field.type.isInteger else {
        throw BinderError.user("22023", "identity column type must be smallint, integer, or bigint", table.range)
      }
      guard !field.isNullable else {
        throw BinderError.user(
          "55000",
          "column \"\(name)\" of relation \"\(table.name)\" must be declared NOT NULL before identity can be added",
          table.range)
      }
      guard shape.columns[index].defaultValue == nil else {
        throw BinderError.user(
          "55000", "column \"\(name)\" of relation \"\(table.name)\" already has a default value", table.range)
      }
      let request = SequenceRequest(use: .identity(always: always), type: field.type, options: options)
      shape.columns[index].defaultValue = sequenceDefault(request, name, shape.table.reference)
      shape.sequences.append((name, request))
    case .setIdentity(let name, let options):
      let index = try position(name, shape, table)
      guard case .identity(let sql, _)? = shape.columns[index].defaultValue else {
        throw BinderError.user(
          "55000", "column \"\(name)\" of relation \"\(table.name)\" is not an identity column", table.range)
      }
      if let generated = options.first(where: { $0.name == "generated" }) {
        let isAlways = generated.value == .text("a") || generated.value == .integer(Int64(UInt8(ascii: "a")))
        shape.columns[index].defaultValue = .identity(sql, always: isAlways)
      }
      let rest = options.filter { $0.name != "generated" }
      if !rest.isEmpty { shape.identities.append((name, rest)) }
    case .dropIdentity(let name, let ifExists):
      let index = try position(name, shape, table)
      guard case .identity? = shape.columns[index].defaultValue else {
        if ifExists { return }
        throw BinderError.user(
          "55000", "column \"\(name)\" of relation \"\(table.name)\" is not an identity column", table.range)
      }
      shape.columns[index].defaultValue = nil
    case .dropExpression(let name, let ifExists):
      let index = try position(name, shape, table)
      guard case .generated? = shape.columns[index].defaultValue else {
        if ifExists { return }
        throw BinderError.user(
          "55000", "column \"\(name)\" of relation \"\(table.name)\" is not a stored generated column", table.range)
      }
      shape.columns[index].defaultValue = nil
    case .setNotNull(let name):
      shape.columns[try position(name, shape, table)].field.isNullable = false
      shape.isStricter = true
    case .dropNotNull(let name):
      let index = try position(name, shape, table)
      for constraint in shape.constraints {
        if case .primaryKey(let names) = constraint.kind, names.contains(name) {
          throw BinderError.user("42P16", "column \"\(name)\" is in a primary key", table.range)
        }
      }
      shape.columns[index].field.isNullable = true
    case .setType(let name, let typeName, let using):
      try retype(&shape, try position(name, shape, table), typeName, using)
      shape.retyped.append(shape.oldName(name))
    case .addConstraint(let constraint): try add([constraint], to: &shape, table.name)
    case .dropConstraint(let name, let ifExists, let isCascade):
      guard let index = shape.constraints.firstIndex(where: { $0.name == name }) else {
        if ifExists { return }
        throw BinderError.user(
          "42704", "constraint \"\(name)\" of relation \"\(table.name)\" does not exist", table.range)
      }
      shape.constraints.remove(at: index)
      shape.dropped.append(.init(name: name, isColumn: false, isCascade: isCascade))
    case .renameConstraint(let name, let new):
      guard let index = shape.constraints.firstIndex(where: { $0.name == name }) else {
        throw BinderError.user(
          "42704", "constraint \"\(name)\" for table \"\(table.name)\" does not exist", table.range)
      }
      if shape.constraints.contains(where: { $0.name == new }) {
        throw BinderError.user(
          "42710", "constraint \"\(new)\" for relation \"\(table.name)\" already exists", table.range)
      }
      shape.constraints[index].name = new
    case .renameTable, .setSchema, .setOptions, .resetOptions: break
    }
  }

  /// The default that counts on with the sequence made for a column.
  private func sequenceDefault(
    _ request: SequenceRequest, _ name: String, _ table: TableReference
  ) -> ColumnDefault {
    let sql = SequenceName.call(schema: table.schema, name: "\(table.name)_\(name)_seq")
    if case .identity(let always) = request.use { return .identity(sql, always: always) }
    return .expression(sql)
  }

  private func requirePlainDefault(_ column: TableDefinition.Column, _ table: QualifiedName) throws {
    let kind: String
    switch column.defaultValue {
    case .identity?: kind = "an identity column"
    case .generated?: kind = "a generated column"
    default: return
    }
    throw BinderError.user(
      "42601", "column \"\(column.field.name)\" of relation \"\(table.name)\" is \(kind)", table.range)
  }

  private func generatedValue(
    _ sql: String, _ field: Field, _ shape: Shape, _ range: SourceRange
  ) throws -> Expression {
    let fields = shape.columns.map(\.field)
    let own = fields.map { column($0.name, $0.type) }
    var defaults: [Int: ColumnDefault] = [:]
    for (index, column) in shape.columns.enumerated() { defaults[index] = column.defaultValue }
    let value = try generationExpression(
      sql, of: field, fields, own, defaults, shape.table.reference.name, range)
    var map: [Column: Expression] = [:]
    for (column, old) in zip(own, shape.values) { map[column] = old }
    return value.substituting(map)
  }

  /// Refuses to change a column that generated columns are made of.
  private func refuseGenerated(from name: String, _ shape: Shape, _ table: QualifiedName, _ verb: String) throws {
    for column in shape.columns where column.field.name != name {
      guard case .generated(let sql)? = column.defaultValue else { continue }
      let fields = shape.columns.map(\.field)
      let own = fields.map { self.column($0.name, $0.type) }
      let value = try generationExpression(sql, of: column.field, fields, own, [:], shape.table.reference.name)
      guard value.columns.contains(where: { $0.name == name }) else { continue }
      throw BinderError.user(
        verb == "drop" ? "2BP01" : "0A000",
        "cannot \(verb) column \"\(name)\" because the generated column \"\(column.field.name)\" depends on it",
        table.range,
        hint: "ALTER TABLE ... ALTER COLUMN \(column.field.name) DROP EXPRESSION makes it a plain column.")
    }
  }

  private func add(_ constraints: [Constraint], to shape: inout Shape, _ table: String) throws {
    if constraints.isEmpty { return }
    shape.constraints = try tableConstraints(constraints, of: table, &shape.columns, shape.constraints)
    shape.isStricter = true
  }

  private func rename(
    _ constraint: TableConstraint, _ name: String, to new: String, _ shape: Shape, _ table: QualifiedName
  ) throws -> TableConstraint {
    func renamed(_ names: [String]) -> [String] { names.map { $0 == name ? new : $0 } }
    var result = constraint
    switch constraint.kind {
    case .primaryKey(let names): result.kind = .primaryKey(renamed(names))
    case .unique(let names, let nullsAreDistinct):
      result.kind = .unique(renamed(names), nullsAreDistinct: nullsAreDistinct)
    case .index(let names): result.kind = .index(renamed(names))
    case .foreignKey(var key):
      key.columns = renamed(key.columns)
      if key.referenced == nil { key.referencedColumns = renamed(key.referencedColumns) }
      result.kind = .foreignKey(key)
    case .check(let text):
      var old = shape.columns.map(\.field)
      for index in old.indices where old[index].name == new { old[index].name = name }
      let bound = try checks([constraint], old, of: table.name)
      if bound.conditions.contains(where: { $0.condition.columns.contains { $0.name == name } }) {
        result.kind = .check(try conditionText(text, renaming: name, to: new, constraint.name, table))
      }
    }
    return result
  }

  /// The text of a condition with another name for a column, letter by letter the same but for that.
  private func conditionText(
    _ text: String, renaming name: String, to new: String, _ constraint: String, _ table: QualifiedName
  ) throws -> String {
    var places: [Range<Int>] = []
    var open = [try PostgresParser.parseExpression(text)]
    while let next = open.popLast() {
      if case .column(let path) = next.node, path.last == name {
        guard path.count == 1, let range = next.range.bytes else {
          throw BinderError.unsupported(
            "renaming a column that the constraint \"\(constraint)\" names with its table", table.range,
            hint: "Drop the constraint, rename the column, and add the constraint again.")
        }
        places.append(range)
      }
      open += next.children
    }
    var bytes = Array(text.utf8)
    for place in places.sorted(by: { $0.lowerBound > $1.lowerBound }) {
      bytes.replaceSubrange(place, with: SQLPrinter.quoted(new).utf8)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func retype(
    _ shape: inout Shape, _ index: Int, _ typeName: TypeName, _ using: Syntax.Expression?
  ) throws {
    var field = Field(
      shape.columns[index].field.name, try type(typeName), isNullable: shape.columns[index].field.isNullable)
    field.secondDigits = try secondDigits(typeName)
    field.domain = try domain(typeName)?.identifier
    let scope = Scope(parent: nil)
    scope.visible = zip(shape.columns, shape.values).map {
      VisibleColumn(name: $0.field.name, relation: shape.table.reference.name, expression: $1)
    }
    scope.relations = [
      ScopeRelation(schema: shape.table.reference.schema, name: shape.table.reference.name, columns: scope.visible)
    ]
    if let using {
      shape.values[index] = try assign(try bind(using, Stage(scope, "USING")), to: field, using.range)
    } else {
      let from = shape.values[index].type
      guard TypeKind(from).casts(to: TypeKind(field.type), .assignment) else {
        throw BinderError.user(
          "42804",
          "column \"\(field.name)\" cannot be cast automatically to type \(field.type.messageName)",
          typeName.range, hint: "You might need to specify \"USING \(field.name)::\(field.type.name)\".")
      }
      shape.values[index] = try assign(shape.values[index], to: field, typeName.range)
    }
    switch shape.columns[index].defaultValue {
    case nil: break
    case .constant(let value):
      let old = Expression.constant(value, shape.columns[index].field.type)
      let new = try assign(old, to: field, typeName.range)
      shape.columns[index].defaultValue = .constant(try new.scalar ?? evaluate(new, typeName.range))
    case .expression(let sql): _ = try expression(of: .expression(sql), field)
    case .identity:
      guard field.type.isInteger else {
        throw BinderError.user("22023", "identity column type must be smallint, integer, or bigint", typeName.range)
      }
    case .generated: throw BinderError.unsupported("another type of a generated column", typeName.range)
    }
    shape.columns[index].field = field
    shape.isRewritten = true
    shape.isStricter = true
  }

  private func reshaping(_ shape: Shape, _ table: String) throws -> AlterTable.Reshaping {
    let fields = shape.columns.map(\.field)
    var plan: PhysicalPlan?
    if shape.isRewritten {
      let projections = zip(shape.values, fields).map { Projection($0, as: column($1.name, for: $0)) }
      plan = try physical(.project(projections, shape.source), fields.map(\.name))
    }
    return AlterTable.Reshaping(
      columns: shape.columns, constraints: shape.constraints, plan: plan,
      checks: try checks(shape.constraints, fields, of: table), isStricter: shape.isStricter,
      sequences: shape.sequences, renamed: shape.renamed, dropped: shape.dropped, retyped: shape.retyped,
      identities: shape.identities)
  }
}

extension Syntax.AlterTable.Action {
  /// Whether ALTER TABLE may say it of a view.
  fileprivate var isForViews: Bool {
    switch self {
    case .renameTable, .renameColumn, .setSchema: true
    default: false
    }
  }
}
