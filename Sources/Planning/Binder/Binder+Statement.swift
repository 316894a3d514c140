import Bytes
import SQLSyntax
import Vectors

extension Binder {
  func statement(_ node: StatementNode, _ range: SourceRange) throws -> PlannedStatement {
    switch node {
    case .query(let query):
      let bound = try bindQuery(query, parent: nil)
      return .query(try physical(bound.plan, bound.names))
    case .insert(let insert): return .insert(try self.insert(insert, range))
    case .update(let update): return .update(try self.update(update, range))
    case .delete(let delete): return .delete(try self.delete(delete, range))
    case .merge: throw BinderError.unsupported("MERGE", range)
    case .truncate(let truncate):
      return .truncate(try truncate.tables.map { try table($0, "truncate") })
    case .copy(let copy): return try self.copy(copy, range)
    case .createTable(let create): return .createTable(try createTable(create, range))
    case .createTableAs(let create): return try createTableAs(create, range)
    case .createView(let create): return .createView(try createView(create, range))
    case .createSchema(let create): return .createSchema(name: create.name, ifNotExists: create.ifNotExists)
    case .drop(let drop):
      let kind: Drop.Kind =
        switch drop.kind {
        case .table: .table
        case .view: .view
        case .schema: .schema
        }
      return .drop(
        Drop(kind: kind, names: drop.names, ifExists: drop.ifExists, isCascade: drop.isCascade))
    case .alterTable(let alter): return .alterTable(try self.alter(alter, range))
    case .explain(let explain): return .explain(try self.explain(explain, range))
    case .transaction(let transaction): return .transaction(transaction)
    case .prepare(let prepare): return .prepare(prepare)
    case .execute(let execute):
      return .execute(
        name: execute.name,
        arguments: try execute.arguments.map { syntax in
          let value = try bind(syntax, Stage(Scope(parent: nil), "EXECUTE"))
          return (try constant(value, syntax.range), value.type)
        })
    case .deallocate(let name): return .deallocate(name)
    case .set(let set):
      return .set(name: set.name, values: try set.values?.map { try setting($0) }, isLocal: set.isLocal)
    case .show(let name): return .show(name)
    case .reset(let name): return .reset(name)
    }
  }

  /// Betters a bound plan and turns it, with the subqueries it needs, into operators.
  func physical(_ plan: LogicalPlan, _ names: [String]) throws -> PhysicalPlan {
    try Optimizer(planner).physical(plan, subqueries: subqueries, names: names)
  }

  private func constant(_ expression: Expression, _ range: SourceRange) throws -> Scalar {
    if let value = expression.scalar { return value }
    guard expression.isConstant else {
      throw BinderError.user("42P10", "a constant is needed here", range)
    }
    return try evaluate(expression, range)
  }

  /// A value of SET: a bare word counts as text.
  private func setting(_ syntax: Syntax.Expression) throws -> Scalar {
    if case .column(let path) = syntax.node { return .text(path.joined(separator: ".")) }
    return try constant(try bind(syntax, Stage(Scope(parent: nil), "SET")), syntax.range)
  }

  private func explain(_ explain: Explain, _ range: SourceRange) throws -> Explanation {
    var result = Explanation(
      isAnalyze: false, isVerbose: false, format: .text, statement: try statement(explain.statement, range))
    for option in explain.options {
      switch option.name {
      case "analyze": result.isAnalyze = option.isTrue
      case "verbose": result.isVerbose = option.isTrue
      case "costs", "timing", "summary", "buffers", "settings", "wal": break
      case "format":
        guard case .text(let name)? = option.value else { break }
        switch name.lowercased() {
        case "text": result.format = .text
        case "json": result.format = .json
        default: throw BinderError.unsupported("EXPLAIN (FORMAT \(name))", option.range)
        }
      default:
        throw BinderError.user("42601", "unrecognized EXPLAIN option \"\(option.name)\"", option.range)
      }
    }
    return result
  }

  // MARK: Definitions

  private func field(_ definition: ColumnDefinition) throws -> TableDefinition.Column {
    let type = try type(definition.type)
    var result = TableDefinition.Column(field: Field(definition.name, type), defaultValue: nil)
    for constraint in definition.constraints {
      switch constraint.kind {
      case .null: break
      case .notNull: result.field.isNullable = false
      case .defaultValue(let syntax): result.defaultValue = try defaultValue(syntax, result.field)
      default: throw unsupported(constraint)
      }
    }
    return result
  }

  private func unsupported(_ constraint: Constraint) -> PulsehouseError {
    let name =
      switch constraint.kind {
      case .null, .notNull, .defaultValue: "this constraint"
      case .check: "CHECK"
      case .primaryKey: "PRIMARY KEY"
      case .unique: "UNIQUE"
      case .foreignKey: "a foreign key"
      case .generated: "a generated column"
      case .identity: "an identity column"
      }
    return BinderError.unsupported(name, constraint.range, hint: "Audits of a model check such rules.")
  }

  /// A default is a constant here: it is computed once, when it is declared.
  private func defaultValue(_ syntax: Syntax.Expression, _ field: Field) throws -> Scalar? {
    let value = try assign(try bind(syntax, Stage(Scope(parent: nil), "DEFAULT")), to: field, syntax.range)
    guard value.isConstant else { throw BinderError.unsupported("a DEFAULT that is not a constant", syntax.range) }
    let scalar = try constant(value, syntax.range)
    return scalar.isNull ? nil : scalar
  }

  private func refuse(_ persistence: Persistence, _ range: SourceRange) throws {
    switch persistence {
    case .permanent: break
    case .temporary: throw BinderError.unsupported("TEMPORARY", range)
    case .unlogged: throw BinderError.unsupported("UNLOGGED", range)
    }
  }

  private func refuseDuplicates(_ names: [String], _ range: SourceRange) throws {
    var seen: Set<String> = []
    for name in names where !seen.insert(name).inserted {
      throw BinderError.user("42701", "column \"\(name)\" specified more than once", range)
    }
  }

  private func createTable(_ create: CreateTable, _ range: SourceRange) throws -> TableDefinition {
    try refuse(create.persistence, range)
    if let partitioning = create.partitioning {
      throw BinderError.unsupported(
        "PARTITION BY", partitioning.range, hint: "Write WITH (partitioned_by = '...') instead.")
    }
    if let constraint = create.constraints.first { throw unsupported(constraint) }
    let columns = try create.columns.map(field)
    try refuseDuplicates(columns.map(\.field.name), create.name.range)
    return TableDefinition(
      schema: create.name.schema, name: create.name.name, ifNotExists: create.ifNotExists, columns: columns,
      properties: create.options)
  }

  private func createTableAs(_ create: CreateTableAs, _ range: SourceRange) throws -> PlannedStatement {
    try refuse(create.persistence, range)
    guard case .query(let query) = create.source else {
      throw BinderError.unsupported("CREATE TABLE AS EXECUTE", range)
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
    let definition = TableDefinition(
      schema: create.name.schema, name: create.name.name, ifNotExists: create.ifNotExists, columns: fields,
      properties: create.options)
    return .createTableAs(definition, create.withData ? try physical(bound.plan, names) : nil)
  }

  private func createView(_ create: CreateView, _ range: SourceRange) throws -> ViewDefinition {
    try refuse(create.persistence, range)
    if create.checkOption != .none { throw BinderError.unsupported("WITH CHECK OPTION", range) }
    if let option = create.options.first { throw BinderError.unsupported("a view's \(option.name)", option.range) }
    let bound = try bindQuery(create.query, parent: nil)
    if create.columns.count > bound.names.count {
      throw BinderError.user(
        "42601", "CREATE VIEW specifies more column names than columns", create.name.range)
    }
    var names = bound.names
    for (index, name) in create.columns.enumerated() { names[index] = name }
    try refuseDuplicates(names, create.name.range)
    return ViewDefinition(
      schema: create.name.schema, name: create.name.name, orReplace: create.orReplace,
      columnNames: create.columns.isEmpty ? nil : names, queryRange: create.queryRange,
      fields: zip(names, bound.columns).map { Field($0, $1.type) })
  }

  private func alter(_ alter: Syntax.AlterTable, _ range: SourceRange) throws -> AlterTable {
    var result = AlterTable(target: alter.target, name: alter.name, table: nil, actions: [])
    var description: TableDescription?
    if alter.target == .table {
      let found = try planner.schema.relation(schema: alter.name.schema, name: alter.name.name)
      if found != nil || !alter.ifExists { description = try table(alter.name, "alter") }
    }
    result.table = description
    if alter.target == .table, description == nil { return result }

    func position(_ name: String) throws -> Int {
      if let index = description?.fields.index(of: name) { return index }
      throw BinderError.user(
        "42703", "column \"\(name)\" of relation \"\(alter.name.name)\" does not exist", alter.name.range,
        hint: Spelling.nearest(to: name, among: description?.fields.fields.map(\.name) ?? []).map {
          "Perhaps you meant the column \"\($0)\"."
        })
    }
    for action in alter.actions {
      switch action {
      case .addColumn(let definition, let ifNotExists):
        if description?.fields.index(of: definition.name) != nil {
          if ifNotExists { continue }
          throw BinderError.user(
            "42701", "column \"\(definition.name)\" of relation \"\(alter.name.name)\" already exists",
            definition.range)
        }
        result.actions.append(.addColumn(try field(definition), ifNotExists: ifNotExists))
      case .dropColumn(let name, let ifExists, _):
        if ifExists, description?.fields.index(of: name) == nil { continue }
        result.actions.append(.dropColumn(try position(name)))
      case .renameColumn(let name, let new):
        let index = try position(name)
        if description?.fields.index(of: new) != nil {
          throw BinderError.user(
            "42701", "column \"\(new)\" of relation \"\(alter.name.name)\" already exists", alter.name.range)
        }
        result.actions.append(.renameColumn(index, to: new))
      case .renameTable(let name): result.actions.append(.rename(to: name))
      case .setSchema(let name): result.actions.append(.setSchema(name))
      case .setDefault(let name, let syntax):
        let index = try position(name)
        guard let description else { continue }
        result.actions.append(.setDefault(index, try defaultValue(syntax, description.fields[index])))
      case .dropDefault(let name): result.actions.append(.setDefault(try position(name), nil))
      case .setNotNull(let name): result.actions.append(.setNullable(try position(name), false))
      case .dropNotNull(let name): result.actions.append(.setNullable(try position(name), true))
      case .setType(let name, let typeName, let using):
        let index = try position(name)
        guard let description else { continue }
        result.actions.append(
          try retypeColumn(description, index, try type(typeName), using, typeName.range))
      case .addConstraint(let constraint): throw unsupported(constraint)
      case .dropConstraint: throw BinderError.unsupported("DROP CONSTRAINT", range)
      case .setOptions(let options): result.actions.append(.setProperties(options))
      case .resetOptions(let names): result.actions.append(.resetProperties(names))
      }
    }
    return result
  }

  private func retypeColumn(
    _ table: TableDescription, _ index: Int, _ type: LogicalType, _ using: Syntax.Expression?, _ range: SourceRange
  ) throws -> AlterTable.Action {
    let source = scan(table)
    let scope = Scope(parent: nil)
    scope.visible = zip(table.fields.fields, source.output).map {
      VisibleColumn(name: $0.name, relation: table.reference.name, expression: .column($1))
    }
    scope.relations = [
      ScopeRelation(schema: table.reference.schema, name: table.reference.name, columns: scope.visible)
    ]
    var projections = source.output.map { Projection($0) }
    let field = Field(table.fields[index].name, type)
    let value: Expression
    if let using {
      value = try assign(try bind(using, Stage(scope, "USING")), to: field, using.range)
    } else {
      value = try assign(.column(source.output[index]), to: field, range)
    }
    projections[index] = Projection(value, as: column(field.name, for: value))
    return .setType(index, type, try physical(.project(projections, source), table.fields.fields.map(\.name)))
  }
}

extension StatementOption {
  /// An option that is switched on: without a value, or by one that says so.
  var isTrue: Bool {
    switch value {
    case nil: true
    case .boolean(let value)?: value
    case .integer(let value)?: value != 0
    case .text(let text)?: ["true", "on", "yes", "1"].contains(text.lowercased())
    default: false
    }
  }
}
