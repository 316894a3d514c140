import Bytes

extension Translator {
  func createTable(_ message: WireMessage) throws(PulsehouseError) -> CreateTable {
    let relation = try required(message.message(Tag.CreateStmt.relation), "CREATE TABLE")
    let name = qualifiedName(relation)
    if message.message(Tag.CreateStmt.partbound) != nil { throw unsupported("PARTITION OF", name.range) }
    if !message.messages(Tag.CreateStmt.inhRelations).isEmpty { throw unsupported("INHERITS", name.range) }
    if message.message(Tag.CreateStmt.ofTypename) != nil { throw unsupported("CREATE TABLE OF", name.range) }
    try refuseStorage(
      tablespace: message.string(Tag.CreateStmt.tablespacename),
      accessMethod: message.string(Tag.CreateStmt.accessMethod), name.range)

    var columns: [ColumnDefinition] = []
    var constraints: [Constraint] = []
    var likes: [TableLike] = []
    for node in message.messages(Tag.CreateStmt.tableElts) {
      guard let (kind, element) = node.choice else { continue }
      switch kind {
      case Tag.Node.columnDef: columns.append(try columnDefinition(node))
      case Tag.Node.constraint: constraints.append(try constraint(element))
      case Tag.Node.tableLikeClause: likes.append(try like(element, position: columns.count))
      default: throw unsupported("this part of CREATE TABLE", name.range)
      }
    }
    for node in message.messages(Tag.CreateStmt.constraints) {
      if let (kind, element) = node.choice, kind == Tag.Node.constraint { constraints.append(try constraint(element)) }
    }
    return CreateTable(
      name: name, persistence: persistence(relation),
      onCommit: OnCommitCode(rawValue: message.int(Tag.CreateStmt.oncommit))?.meaning,
      ifNotExists: message.bool(Tag.CreateStmt.ifNotExists),
      columns: columns, likes: likes, constraints: constraints,
      partitioning: try partitioning(message.message(Tag.CreateStmt.partspec)),
      options: try each(message.messages(Tag.CreateStmt.options), option))
  }

  private func like(_ message: WireMessage, position: Int) throws(PulsehouseError) -> TableLike {
    let relation = try required(message.message(Tag.TableLikeClause.relation), "LIKE")
    let options = message.int(Tag.TableLikeClause.options)
    return TableLike(
      table: qualifiedName(relation), position: position, includesDefaults: options & 8 != 0,
      includesConstraints: options & 4 != 0, includesIndexes: options & 64 != 0,
      includesIdentity: options & 32 != 0, includesGenerated: options & 16 != 0)
  }

  private func refuseStorage(
    tablespace: String?, accessMethod: String?, _ place: SourceRange
  ) throws(PulsehouseError) {
    if tablespace != nil { throw unsupported("TABLESPACE", place) }
    if let accessMethod { throw unsupported("the access method \"\(accessMethod)\"", place) }
  }

  private func persistence(_ relation: WireMessage) -> Persistence {
    switch relation.string(Tag.RangeVar.relpersistence) {
    case "t": .temporary
    case "u": .unlogged
    default: .permanent
    }
  }

  private func partitioning(_ message: WireMessage?) throws(PulsehouseError) -> Partitioning? {
    guard let message else { return nil }
    var keys: [Expression] = []
    for node in message.messages(Tag.PartitionSpec.partParams) {
      guard let (kind, element) = node.choice, kind == Tag.Node.partitionElem else { continue }
      let place = range(element.int(Tag.PartitionElem.location))
      if !element.messages(Tag.PartitionElem.collation).isEmpty { throw unsupported("COLLATE of a key", place) }
      if !element.messages(Tag.PartitionElem.opclass).isEmpty { throw unsupported("an operator class", place) }
      if let expression = try optionalExpression(element.message(Tag.PartitionElem.expr)) {
        keys.append(expression)
      } else {
        keys.append(Expression(.column([element.string(Tag.PartitionElem.name) ?? ""]), place))
      }
    }
    return Partitioning(
      strategy: (message.string(Tag.PartitionSpec.strategy) ?? "").lowercased(), keys: keys,
      range: range(message.int(Tag.PartitionSpec.location)))
  }

  func columnDefinition(_ node: WireMessage) throws(PulsehouseError) -> ColumnDefinition {
    guard let (kind, message) = node.choice, kind == Tag.Node.columnDef else {
      throw unsupported("this form of column")
    }
    let place = range(message.int(Tag.ColumnDef.location))
    if message.string(Tag.ColumnDef.compression) != nil { throw unsupported("COMPRESSION", place) }
    let name = message.string(Tag.ColumnDef.colname) ?? ""
    guard let type = message.message(Tag.ColumnDef.typeName) else {
      throw unsupported("the column \"\(name)\" without a type", place)
    }
    var constraints: [Constraint] = []
    for node in message.messages(Tag.ColumnDef.constraints) {
      if let (kind, element) = node.choice, kind == Tag.Node.constraint { constraints.append(try constraint(element)) }
    }
    return ColumnDefinition(
      name: name, type: try typeName(type),
      collation: names(message.message(Tag.ColumnDef.collClause)?.messages(Tag.CollateClause.collname) ?? []),
      constraints: constraints, range: place)
  }

  func constraint(_ message: WireMessage) throws(PulsehouseError) -> Constraint {
    let place = range(message.int(Tag.Constraint.location))
    if message.bool(Tag.Constraint.deferrable) { throw unsupported("DEFERRABLE", place) }
    if message.bool(Tag.Constraint.skipValidation) { throw unsupported("NOT VALID", place) }
    if !message.messages(Tag.Constraint.including).isEmpty { throw unsupported("INCLUDE", place) }
    if message.string(Tag.Constraint.indexname) != nil { throw unsupported("USING INDEX", place) }
    if message.string(Tag.Constraint.indexspace) != nil { throw unsupported("USING INDEX TABLESPACE", place) }
    let options = message.messages(Tag.Constraint.options)
    let keys = names(message.messages(Tag.Constraint.keys))
    let kind: Constraint.Kind
    let code = ConstraintCode(rawValue: message.int(Tag.Constraint.contype))
    if !options.isEmpty, code != .identity { throw unsupported("options of a constraint", place) }
    switch code {
    case .null: kind = .null
    case .notNull: kind = .notNull
    case .defaultValue: kind = .defaultValue(try constraintExpression(message, "DEFAULT"))
    case .check: kind = .check(try constraintExpression(message, "CHECK"))
    case .generated: kind = .generated(try constraintExpression(message, "GENERATED"))
    case .identity:
      kind = .identity(
        always: message.string(Tag.Constraint.generatedWhen) == "a", options: try each(options, option))
    case .primaryKey: kind = .primaryKey(columns: keys)
    case .unique:
      kind = .unique(columns: keys, nullsAreDistinct: !message.bool(Tag.Constraint.nullsNotDistinct))
    case .foreignKey: kind = .foreignKey(try foreignKey(message, place))
    case .exclusion: throw unsupported("EXCLUDE", place)
    case .notDeferrable, .immediate: throw unsupported("NOT DEFERRABLE", place)
    case .deferrable, .deferred: throw unsupported("DEFERRABLE", place)
    case nil: throw unsupported("this constraint", place)
    }
    return Constraint(name: message.string(Tag.Constraint.conname), kind: kind, range: place)
  }

  private func constraintExpression(_ message: WireMessage, _ form: String) throws(PulsehouseError) -> Expression {
    try required(try optionalExpression(message.message(Tag.Constraint.rawExpr)), form)
  }

  private func foreignKey(_ message: WireMessage, _ place: SourceRange) throws(PulsehouseError) -> ForeignKey {
    let table = try required(message.message(Tag.Constraint.pktable), "REFERENCES")
    if let match = message.string(Tag.Constraint.fkMatchtype), match != "s" { throw unsupported("MATCH FULL", place) }
    if !message.messages(Tag.Constraint.fkDelSetCols).isEmpty { throw unsupported("SET NULL (columns)", place) }
    return ForeignKey(
      columns: names(message.messages(Tag.Constraint.fkAttrs)), table: qualifiedName(table),
      referencedColumns: names(message.messages(Tag.Constraint.pkAttrs)),
      onUpdate: action(message.string(Tag.Constraint.fkUpdAction)),
      onDelete: action(message.string(Tag.Constraint.fkDelAction)))
  }

  private func action(_ code: String?) -> ForeignKey.Action {
    switch code {
    case "r": .restrict
    case "c": .cascade
    case "n": .setNull
    case "d": .setDefault
    default: .noAction
    }
  }

  func createTableAs(_ message: WireMessage) throws(PulsehouseError) -> CreateTableAs {
    let into = try required(message.message(Tag.CreateTableAsStmt.into), "CREATE TABLE AS")
    let relation = try required(into.message(Tag.IntoClause.rel), "CREATE TABLE AS")
    let name = qualifiedName(relation)
    let isMaterialized = message.int(Tag.CreateTableAsStmt.objtype) == ObjectCode.materializedView.rawValue
    let withData = !into.bool(Tag.IntoClause.skipData)
    try refuseStorage(
      tablespace: into.string(Tag.IntoClause.tableSpaceName),
      accessMethod: into.string(Tag.IntoClause.accessMethod), name.range)
    return CreateTableAs(
      name: name, persistence: persistence(relation),
      onCommit: OnCommitCode(rawValue: into.int(Tag.IntoClause.onCommit))?.meaning,
      ifNotExists: message.bool(Tag.CreateTableAsStmt.ifNotExists),
      columns: names(into.messages(Tag.IntoClause.colNames)),
      options: try each(into.messages(Tag.IntoClause.options), option),
      source: try statement(try required(message.message(Tag.CreateTableAsStmt.query), "CREATE TABLE AS")),
      withData: withData,
      materializedQuery: isMaterialized
        ? viewQueryRange(relation.int(Tag.RangeVar.location), endsInWith: true) : nil)
  }

  func createSequence(_ message: WireMessage) throws(PulsehouseError) -> CreateSequence {
    let relation = try required(message.message(Tag.CreateSeqStmt.sequence), "CREATE SEQUENCE")
    return CreateSequence(
      name: qualifiedName(relation), persistence: persistence(relation),
      ifNotExists: message.bool(Tag.CreateSeqStmt.ifNotExists),
      options: try each(message.messages(Tag.CreateSeqStmt.options), option))
  }

  func alterSequence(_ message: WireMessage) throws(PulsehouseError) -> AlterSequence {
    let relation = try required(message.message(Tag.AlterSeqStmt.sequence), "ALTER SEQUENCE")
    return AlterSequence(
      name: qualifiedName(relation), ifExists: message.bool(Tag.AlterSeqStmt.missingOk),
      options: try each(message.messages(Tag.AlterSeqStmt.options), option))
  }

  /// `SELECT ... INTO table`: what CREATE TABLE AS does.
  func selectInto(_ message: WireMessage, _ into: WireMessage) throws(PulsehouseError) -> CreateTableAs {
    let relation = try required(into.message(Tag.IntoClause.rel), "SELECT INTO")
    return CreateTableAs(
      name: qualifiedName(relation), persistence: persistence(relation), ifNotExists: false, columns: [], options: [],
      source: .query(try query(message, isInto: true)), withData: true)
  }

  /// ANALYZE or VACUUM: the tables it names, none for all.
  func maintenance(_ message: WireMessage) -> StatementNode {
    var tables: [QualifiedName] = []
    for node in message.messages(Tag.VacuumStmt.rels) {
      guard let (kind, element) = node.choice, kind == Tag.Node.vacuumRelation,
        let relation = element.message(Tag.VacuumRelation.relation)
      else { continue }
      tables.append(qualifiedName(relation))
    }
    return .maintenance(verb: message.bool(Tag.VacuumStmt.isVacuumcmd) ? "VACUUM" : "ANALYZE", tables: tables)
  }

  func createView(_ message: WireMessage) throws(PulsehouseError) -> CreateView {
    let relation = try required(message.message(Tag.ViewStmt.view), "CREATE VIEW")
    let checks: [Int: CreateView.CheckOption] = [2: .local, 3: .cascaded]
    let check = checks[message.int(Tag.ViewStmt.withCheckOption)] ?? .none
    let name = qualifiedName(relation)
    let query = try subquery(message.message(Tag.ViewStmt.query), name.range)
    return CreateView(
      name: name, persistence: persistence(relation), orReplace: message.bool(Tag.ViewStmt.replace),
      columns: names(message.messages(Tag.ViewStmt.aliases)),
      options: try each(message.messages(Tag.ViewStmt.options), option), query: query, checkOption: check,
      isRecursive: isRecursiveView,
      queryRange: viewQueryRange(relation.int(Tag.RangeVar.location), endsInWith: check != .none))
  }

  /// Whether RECURSIVE stands before VIEW; the tree has such a view rewritten.
  private var isRecursiveView: Bool {
    var lexer = SQLLexer(text, at: statementStart)
    while true {
      let token = lexer.next()
      if token.kind == .end || lexer.isWord(token, "view") { return false }
      if lexer.isWord(token, "recursive") { return true }
    }
  }

  /// Finds the query of a view by its words: what follows the first `AS` outside parentheses, up to the statement's
  /// end or, with `endsInWith`, the `WITH` of `WITH CHECK OPTION` or `WITH [NO] DATA` that may stand there.
  private func viewQueryRange(_ start: Int, endsInWith: Bool) -> SourceRange {
    guard start >= 0 else { return .unknown }
    var lexer = SQLLexer(text, at: start)
    var depth = 0
    var queryStart: Int?
    var end = start
    var lastWith: Int?
    while true {
      let token = lexer.next()
      if token.kind == .end { break }
      if lexer.isSymbol(token, "(") || lexer.isSymbol(token, "[") { depth += 1 }
      if lexer.isSymbol(token, ")") || lexer.isSymbol(token, "]") { depth -= 1 }
      if depth == 0, lexer.isSymbol(token, ";") { break }
      if queryStart == nil {
        if depth == 0, lexer.isWord(token, "as") {
          var ahead = lexer
          queryStart = ahead.next().start
        }
      } else if depth == 0, lexer.isWord(token, "with"), endsInWith, token.start != queryStart {
        var ahead = lexer
        var next = ahead.next()
        for word: StaticString in ["no", "local", "cascaded"] where ahead.isWord(next, word) { next = ahead.next() }
        if ahead.isWord(next, "data") || ahead.isWord(next, "check") { lastWith = end }
      }
      end = token.end
    }
    guard let queryStart else { return .unknown }
    return place(queryStart, lastWith ?? end)
  }

  func createSchema(_ message: WireMessage) throws(PulsehouseError) -> CreateSchema {
    if message.message(Tag.CreateSchemaStmt.authrole) != nil { throw unsupported("AUTHORIZATION") }
    let name = message.string(Tag.CreateSchemaStmt.schemaname) ?? ""
    let elements = try each(message.messages(Tag.CreateSchemaStmt.schemaElts)) {
      (node: WireMessage) throws(PulsehouseError) in
      try schemaElement(node, name)
    }
    return CreateSchema(
      name: name, ifNotExists: message.bool(Tag.CreateSchemaStmt.ifNotExists),
      elements: (0...2).flatMap { rank in elements.filter { $0.rank == rank }.map(\.node) })
  }

  /// Something made within CREATE SCHEMA: sequences come first, then tables, then indexes.
  private func schemaElement(
    _ node: WireMessage, _ schema: String
  ) throws(PulsehouseError) -> (rank: Int, node: StatementNode) {
    func placed(_ written: QualifiedName) throws(PulsehouseError) -> QualifiedName {
      if let other = written.schema, other != schema {
        throw PulsehouseError(
          .user, "CREATE specifies a schema (\(other)) different from the one being created (\(schema))",
          sqlState: "42P15", range: written.range.bytes)
      }
      var name = written
      name.schema = schema
      return name
    }
    switch try statement(node) {
    case .createSequence(var create):
      create.name = try placed(create.name)
      return (0, .createSequence(create))
    case .createTable(var create):
      create.name = try placed(create.name)
      return (1, .createTable(create))
    case .createIndex(var create):
      create.table = try placed(create.table)
      return (2, .createIndex(create))
    case .createView(let create):
      // Its names would mean other tables to whoever reads it.
      throw unsupported("a view within CREATE SCHEMA", create.name.range)
    default: throw unsupported("this part of CREATE SCHEMA")
    }
  }

  func createIndex(_ message: WireMessage) throws(PulsehouseError) -> CreateIndex {
    let relation = try required(message.message(Tag.IndexStmt.relation), "CREATE INDEX")
    if !message.messages(Tag.IndexStmt.options).isEmpty { throw unsupported("WITH in CREATE INDEX") }
    return CreateIndex(
      name: message.string(Tag.IndexStmt.idxname), table: qualifiedName(relation),
      keys: try each(message.messages(Tag.IndexStmt.indexParams), indexElement),
      isUnique: message.bool(Tag.IndexStmt.unique), nullsAreDistinct: !message.bool(Tag.IndexStmt.nullsNotDistinct),
      ifNotExists: message.bool(Tag.IndexStmt.ifNotExists),
      predicate: try optionalExpression(message.message(Tag.IndexStmt.whereClause)))
  }

  func drop(_ message: WireMessage) throws(PulsehouseError) -> Drop {
    let kind: Drop.Kind
    switch ObjectCode(rawValue: message.int(Tag.DropStmt.removeType)) {
    case .table: kind = .table
    case .view: kind = .view
    case .materializedView: kind = .materializedView
    case .sequence: kind = .sequence
    case .schema: kind = .schema
    case .index: kind = .index
    case .type: kind = .type
    case .domain: kind = .domain
    default: throw unsupported(statementWords())
    }
    var drop = Drop(
      kind: kind, names: [], ifExists: message.bool(Tag.DropStmt.missingOk),
      isCascade: message.int(Tag.DropStmt.behavior) == 2)
    for node in message.messages(Tag.DropStmt.objects) {
      drop.names.append(try objectName(node))
    }
    return drop
  }

  /// Reads a name that the tree holds as a string or a list of strings; its place is found again in the text.
  func objectName(_ node: WireMessage) throws(PulsehouseError) -> QualifiedName {
    if let (kind, message) = node.choice, kind == Tag.Node.typeName {
      return try objectName(parts: names(message.messages(Tag.TypeName.names)))
    }
    return try objectName(parts: string(node).map { [$0] } ?? names(items(node)))
  }

  func objectName(parts: [String]) throws(PulsehouseError) -> QualifiedName {
    guard let name = parts.last, parts.count <= 3 else {
      throw SyntaxFailure.user(
        "improper qualified name (too many dotted names): \(parts.joined(separator: "."))", statementRange)
    }
    return QualifiedName(
      catalog: parts.count == 3 ? parts[0] : nil, schema: parts.count >= 2 ? parts[parts.count - 2] : nil, name: name,
      range: statementRange)
  }

  func alterTable(_ message: WireMessage) throws(PulsehouseError) -> AlterTable {
    let target: AlterTable.Target
    switch ObjectCode(rawValue: message.int(Tag.AlterTableStmt.objtype)) {
    case .table: target = .table
    case .view: target = .view
    default: throw unsupported(statementWords())
    }
    let relation = try required(message.message(Tag.AlterTableStmt.relation), "ALTER TABLE")
    return AlterTable(
      target: target, name: qualifiedName(relation), ifExists: message.bool(Tag.AlterTableStmt.missingOk),
      actions: try each(message.messages(Tag.AlterTableStmt.cmds), alterAction))
  }

  private func alterAction(_ node: WireMessage) throws(PulsehouseError) -> AlterTable.Action {
    guard let (kind, message) = node.choice, kind == Tag.Node.alterTableCmd else {
      throw unsupported("this form of ALTER TABLE")
    }
    let name = message.string(Tag.AlterTableCmd.name) ?? ""
    let definition = message.message(Tag.AlterTableCmd.def)
    let missingOk = message.bool(Tag.AlterTableCmd.missingOk)
    let isCascade = message.int(Tag.AlterTableCmd.behavior) == 2
    switch AlterTableCode(rawValue: message.int(Tag.AlterTableCmd.subtype)) {
    case .addColumn:
      return .addColumn(try columnDefinition(try required(definition, "ADD COLUMN")), ifNotExists: missingOk)
    case .dropColumn: return .dropColumn(name, ifExists: missingOk, isCascade: isCascade)
    case .columnDefault:
      guard let value = try optionalExpression(definition) else { return .dropDefault(column: name) }
      return .setDefault(column: name, value)
    case .setNotNull: return .setNotNull(column: name)
    case .dropNotNull: return .dropNotNull(column: name)
    case .alterColumnType:
      guard let (kind, column) = definition?.choice, kind == Tag.Node.columnDef else {
        throw unsupported("this form of ALTER COLUMN")
      }
      let type = try typeName(try required(column.message(Tag.ColumnDef.typeName), "ALTER COLUMN"))
      if column.message(Tag.ColumnDef.collClause) != nil { throw unsupported("COLLATE in ALTER COLUMN", type.range) }
      let using = try optionalExpression(column.message(Tag.ColumnDef.rawDefault))
      return .setType(column: name, type, using: using)
    case .addConstraint:
      guard let (kind, element) = definition?.choice, kind == Tag.Node.constraint else {
        throw unsupported("this form of ADD CONSTRAINT")
      }
      return .addConstraint(try constraint(element))
    case .dropConstraint: return .dropConstraint(name, ifExists: missingOk, isCascade: isCascade)
    case .addIdentity:
      guard let (kind, element) = definition?.choice, kind == Tag.Node.constraint,
        case .identity(let always, let options) = try constraint(element).kind
      else { throw unsupported("this form of ADD GENERATED") }
      return .addIdentity(column: name, always: always, options)
    case .setIdentity: return .setIdentity(column: name, try each(definition.map(items) ?? [], option))
    case .dropIdentity: return .dropIdentity(column: name, ifExists: missingOk)
    case .dropExpression: return .dropExpression(column: name, ifExists: missingOk)
    case .setOptions: return .setOptions(try each(definition.map(items) ?? [], option))
    case .resetOptions: return .resetOptions(try each(definition.map(items) ?? [], option).map(\.name))
    case nil: throw unsupported("this form of ALTER TABLE")
    }
  }

  func rename(_ message: WireMessage) throws(PulsehouseError) -> AlterTable {
    let oldName = message.string(Tag.RenameStmt.subname) ?? ""
    let newName = message.string(Tag.RenameStmt.newname) ?? ""
    let kind = ObjectCode(rawValue: message.int(Tag.RenameStmt.renameType))
    if kind == .schema {
      return AlterTable(
        target: .schema, name: QualifiedName(name: oldName, range: statementRange), ifExists: false,
        actions: [.renameTable(to: newName)])
    }
    guard let relation = message.message(Tag.RenameStmt.relation) else { throw unsupported(statementWords()) }
    let target: AlterTable.Target
    let action: AlterTable.Action
    switch kind {
    case .table: (target, action) = (.table, .renameTable(to: newName))
    case .view: (target, action) = (.view, .renameTable(to: newName))
    case .tableConstraint: (target, action) = (.table, .renameConstraint(oldName, to: newName))
    case .column:
      switch ObjectCode(rawValue: message.int(Tag.RenameStmt.relationType)) {
      case .table: target = .table
      case .view: target = .view
      default: throw unsupported(statementWords())
      }
      action = .renameColumn(oldName, to: newName)
    default: throw unsupported(statementWords())
    }
    return AlterTable(
      target: target, name: qualifiedName(relation), ifExists: message.bool(Tag.RenameStmt.missingOk),
      actions: [action])
  }

  func setSchema(_ message: WireMessage) throws(PulsehouseError) -> AlterTable {
    let target: AlterTable.Target
    switch ObjectCode(rawValue: message.int(Tag.AlterObjectSchemaStmt.objectType)) {
    case .table: target = .table
    case .view: target = .view
    default: throw unsupported(statementWords())
    }
    let relation = try required(message.message(Tag.AlterObjectSchemaStmt.relation), "SET SCHEMA")
    return AlterTable(
      target: target, name: qualifiedName(relation), ifExists: message.bool(Tag.AlterObjectSchemaStmt.missingOk),
      actions: [.setSchema(message.string(Tag.AlterObjectSchemaStmt.newschema) ?? "")])
  }
}
