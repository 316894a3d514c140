import Bytes
import Execution
import Planning
import SQLSyntax
import Vectors

/// CREATE and DROP of tables, views and schemas.
extension Session {
  func createTable(_ definition: Planning.TableDefinition, _ work: StatementWork) throws {
    let name = try newName(definition)
    if try skipsExisting(name, definition.ifNotExists, work, tag: "CREATE TABLE") { return }
    try inTransaction("CREATE TABLE \(name)") { transaction in
      try ensureSchema(name.schema, transaction)
      let identifier = TableIdentifier.random()
      var table = try tableDefinition(definition)
      try makeSequences(for: definition.columns, of: name, identifier, &table, transaction)
      try transaction.apply(.createTable(name, identifier, table))
    }
    try work.sink.finish(StatementOutcome("CREATE TABLE"))
  }

  func createTableAs(_ definition: Planning.TableDefinition, _ plan: PhysicalPlan?, _ work: StatementWork) throws {
    let name = try newName(definition)
    let isMaterialized = definition.materializedQuery != nil
    let tag = isMaterialized ? "CREATE MATERIALIZED VIEW" : "CREATE TABLE AS"
    if try skipsExisting(name, definition.ifNotExists, work, tag: tag) { return }
    let rows = try inTransaction("CREATE TABLE \(name) AS") { transaction in
      try ensureSchema(name.schema, transaction)
      var table = try tableDefinition(definition)
      if let range = definition.materializedQuery?.bytes {
        let bytes = Array(work.text.utf8)
        table.materializedQuery = String(decoding: bytes[range.clamped(to: 0..<bytes.count)], as: UTF8.self)
        table.isPopulated = plan != nil
      }
      let identifier = TableIdentifier.random()
      try transaction.apply(.createTable(name, identifier, table))
      guard let plan else { return 0 }
      return try write(plan, to: name, table, transaction, work)
    }
    try work.sink.finish(
      StatementOutcome(isMaterialized && plan == nil ? tag : "SELECT \(rows)", rowCount: rows))
  }

  func createView(_ definition: Planning.ViewDefinition, _ work: StatementWork) throws {
    let name = try newName(definition.schema, definition.name)
    if name.schema == temporarySchema { throw PulsehouseError(.unsupported, "a temporary view is not supported yet") }
    guard let range = definition.queryRange.bytes else {
      throw PulsehouseError(.internal, "a view without a text")
    }
    var query = String(decoding: Array(work.text.utf8)[range.clamped(to: 0..<work.text.utf8.count)], as: UTF8.self)
    if let own = definition.recursiveName.map(SQLPrinter.quoted) {
      let columns = definition.fields.map { SQLPrinter.quoted($0.name) }.joined(separator: ", ")
      query = "WITH RECURSIVE \(own) (\(columns)) AS (\(query)) SELECT \(columns) FROM \(own)"
    }
    let columns = definition.fields.map { ColumnDefinition(name: $0.name, type: $0.type, isNullable: $0.isNullable) }
    if let known = work.scope.snapshot.view(name) {
      guard definition.orReplace else {
        throw PulsehouseError(.user, "relation \"\(name.name)\" already exists", sqlState: "42P07")
      }
      try requireReplaceable(known.definition.columns, by: columns)
    }
    try inTransaction("CREATE VIEW \(name)") { transaction in
      try ensureSchema(name.schema, transaction)
      var view = ViewDefinition(sql: query, columns: columns)
      view.environment = settings.environment
      view.checkOption = definition.checkOption
      try transaction.apply(.putView(name, view))
    }
    try work.sink.finish(StatementOutcome("CREATE VIEW"))
  }

  /// Throws 42P16 unless new columns of a view are those it has, or these and more.
  private func requireReplaceable(_ old: [ColumnDefinition], by new: [ColumnDefinition]) throws(PulsehouseError) {
    guard new.count >= old.count else {
      throw PulsehouseError(.user, "cannot drop columns from view", sqlState: "42P16")
    }
    for (old, new) in zip(old, new) {
      if old.name != new.name {
        throw PulsehouseError(
          .user, "cannot change name of view column \"\(old.name)\" to \"\(new.name)\"", sqlState: "42P16",
          hint: "Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.")
      }
      if old.type != new.type {
        throw PulsehouseError(
          .user,
          "cannot change data type of view column \"\(old.name)\" from \(old.type.name) to \(new.type.name)",
          sqlState: "42P16")
      }
    }
  }

  func createSchema(
    _ written: String, _ ifNotExists: Bool, _ elements: [StatementNode], _ work: StatementWork
  ) throws {
    let name = ownSchema(written)
    if Self.reservedSchemas.contains(written) {
      throw PulsehouseError(.user, "schema \"\(written)\" is the warehouse's own", sqlState: "42939")
    }
    if work.scope.snapshot.schemas.contains(name) || name == "public" {
      guard ifNotExists else {
        throw PulsehouseError(.user, "schema \"\(name)\" already exists", sqlState: "42P06")
      }
      try work.sink.finish(
        StatementOutcome("CREATE SCHEMA", notices: ["schema \"\(name)\" already exists, skipping"]))
      return
    }
    try together("CREATE SCHEMA \(name)") {
      try inTransaction("CREATE SCHEMA \(name)") { try $0.apply(.createSchema(name)) }
      // What is named there is looked for among what is made there first.
      let searchPath = settings.searchPath
      settings.searchPath.insert(name, at: 0)
      defer { settings.searchPath = searchPath }
      for element in elements {
        var inner = work
        inner.sink = DiscardingSink()
        inner.scope = try planningScope()
        try perform(try planner(inner.scope).plan(Statement(node: element, range: .unknown)), inner)
      }
    }
    try work.sink.finish(StatementOutcome("CREATE SCHEMA"))
  }

  func drop(_ drop: Planning.Drop, _ work: StatementWork) throws {
    let kind =
      switch drop.kind {
      case .table: "TABLE"
      case .view: "VIEW"
      case .materializedView: "MATERIALIZED VIEW"
      case .sequence: "SEQUENCE"
      case .schema: "SCHEMA"
      case .index: "INDEX"
      case .type: "TYPE"
      case .domain: "DOMAIN"
      }
    var notices: [String] = []
    var targets: [TableName] = []
    try inTransaction("DROP \(kind) \(drop.names.map(\.name).joined(separator: ", "))") { transaction in
      for written in drop.names {
        let snapshot = transaction.snapshot
        switch drop.kind {
        case .schema:
          let schema = ownSchema(written.name)
          guard snapshot.schemas.contains(schema) else {
            try missing("schema", written, drop.ifExists, "3F000", &notices)
            continue
          }
          notices += try empty(schema: schema, isCascade: drop.isCascade, transaction, work)
          try transaction.apply(.dropSchema(schema))
          try transaction.setComment(CommentTarget(.schema, TableName(schema, "")), nil)
        case .type, .domain: try dropType(written, drop, transaction, work, &notices)
        case .index: try dropIndex(written, drop.ifExists, transaction, &notices)
        case .sequence:
          try dropSequence(written, drop.ifExists, isCascade: drop.isCascade, transaction, &notices)
        case .table, .view, .materializedView:
          let isTable = drop.kind != .view
          guard let name = existingName(written, snapshot) else {
            try missing(kind.lowercased(), written, drop.ifExists, "42P01", &notices)
            continue
          }
          let isMaterialized = snapshot.table(name)?.definition.materializedQuery != nil
          if snapshot.table(name) != nil, isMaterialized != (drop.kind == .materializedView) {
            throw PulsehouseError(
              .user, "\"\(written.name)\" is not a \(kind.lowercased())", sqlState: "42809",
              hint:
                "Use DROP \(isMaterialized ? "MATERIALIZED VIEW to remove a materialized view" : "TABLE to remove a table").",
              range: written.range.bytes)
          }
          guard isTable == (snapshot.table(name) != nil) else {
            throw PulsehouseError(
              .user, "\"\(written.name)\" is not a \(isTable ? "table" : "view")", sqlState: "42809",
              hint: "Use DROP \(isTable ? "VIEW" : "TABLE") to remove a \(isTable ? "view" : "table").",
              range: written.range.bytes)
          }
          try work.scope.requireOwn(name)
          if !targets.contains(name) { targets.append(name) }
        }
      }
      if targets.isEmpty { return }
      let what = targets.count == 1 ? words(targets[0], transaction.snapshot) : "desired object(s)"
      if !replacesBelowViews {
        notices += try release(
          try dependents(of: targets, transaction.snapshot), what, isCascade: drop.isCascade, transaction, work)
      }
      for name in targets { try remove(name, isCascade: drop.isCascade, keeping: Set(targets), transaction) }
    }
    try work.sink.finish(StatementOutcome("DROP \(kind)", notices: notices))
  }

  /// Takes a table or view away, with the sequences that belong to it. - Throws: 2BP01 for foreign keys of others.
  private func remove(
    _ name: TableName, isCascade: Bool, keeping others: Set<TableName>, _ transaction: Transaction
  ) throws {
    try transaction.dropComments(of: name)
    guard let table = transaction.snapshot.table(name) else { return try transaction.apply(.dropView(name)) }
    for constraint in try table.definition.constraints() where constraint.isIndex {
      try transaction.dropComments(of: TableName(name.schema, constraint.name))
    }
    try releaseReferences(to: name, isCascade: isCascade, "table \(name.name)", transaction, keeping: others)
    try transaction.apply(.dropTable(name))
    try dropOwnedSequences(of: table.identifier, transaction)
  }

  /// Drops what is in a schema, and what reads it, where CASCADE allows it; returns what to tell of it.
  ///
  /// - Throws: 2BP01.
  private func empty(
    schema: String, isCascade: Bool, _ transaction: Transaction, _ work: StatementWork
  ) throws -> [String] {
    let snapshot = transaction.snapshot
    let inside =
      snapshot.tables.map(\.name).filter { $0.schema == schema }
      + snapshot.views.map(\.name).filter { $0.schema == schema }
    let sequences = try snapshot.sequences().filter { $0.name.schema == schema }
    var all = inside.map { name in
      Dependent(kind: .table, name: name, words: words(name, snapshot), needed: "schema \(schema)")
    }
    for sequence in sequences where sequence.owner == nil {
      all.append(
        Dependent(
          kind: .sequence, name: sequence.name, words: "sequence \(sequence.name)", needed: "schema \(schema)"))
    }
    let types = try snapshot.userTypes().filter { $0.schema == schema }
    all += types.map { type in
      Dependent(
        kind: .type, name: TableName(schema, type.name), words: "type \(TableName(schema, type.name))",
        needed: "schema \(schema)")
    }
    all += try dependents(of: inside, snapshot)
    let notices = try release(all, "schema \(schema)", isCascade: isCascade, transaction, work)
    for name in inside { try remove(name, isCascade: true, keeping: Set(inside), transaction) }
    for sequence in try transaction.snapshot.sequences() where sequence.name.schema == schema {
      try drop(sequence, isCascade: true, transaction)
    }
    for type in types {
      _ = try release(type, isCascade: true, transaction, work)
      try drop(type, transaction)
    }
    return notices
  }

  /// Remembers an index; a unique one is a constraint from now on.
  func createIndex(_ index: IndexDefinition, _ work: StatementWork) throws {
    let state = try work.scope.state(of: index.table.reference)
    if let taken = try indexOwner(index.constraint.name, schema: state.name.schema, work.scope.snapshot) {
      guard index.ifNotExists else {
        throw PulsehouseError(
          .user, "relation \"\(index.constraint.name)\" already exists", sqlState: "42P07",
          detail: "It is an index or key of \(taken.name).")
      }
      let words = "relation \"\(index.constraint.name)\" already exists, skipping"
      return try work.sink.finish(StatementOutcome("CREATE INDEX", notices: [words]))
    }
    try inTransaction("CREATE INDEX \(index.constraint.name)") { transaction in
      var definition = state.definition
      definition.setConstraints(try definition.constraints() + [index.constraint])
      try transaction.apply(.alterTable(state.name, definition))
      try requireUnique(index.constraint, state.name, definition, among: nil, transaction, work)
    }
    var notices: [String] = []
    if case .index = index.constraint.kind {
      notices = ["the index is remembered and not built: zone maps and the stored order take its place"]
    }
    try work.sink.finish(StatementOutcome("CREATE INDEX", notices: notices))
  }

  /// The table that has an index or key of this name.
  func indexOwner(_ name: String, schema: String, _ snapshot: Snapshot) throws -> TableState? {
    try snapshot.tables.first { table in
      guard table.name.schema == schema else { return false }
      return try table.definition.constraints().contains { constraint in
        switch constraint.kind {
        case .check, .foreignKey: return false
        case .primaryKey, .unique, .index: return constraint.name == name
        }
      }
    }
  }

  /// Drops an index. - Throws: 2BP01 for the index of a constraint.
  private func dropIndex(
    _ written: QualifiedName, _ ifExists: Bool, _ transaction: Transaction, _ notices: inout [String]
  ) throws {
    for schema in written.schema.map({ [$0] }) ?? searchPath {
      guard let table = try indexOwner(written.name, schema: schema, transaction.snapshot) else { continue }
      var definition = table.definition
      var constraints = try definition.constraints()
      if case .primaryKey? = constraints.first(where: { $0.name == written.name })?.kind {
        throw PulsehouseError(
          .user,
          "cannot drop index \(written.name) because constraint \(written.name) on table \(table.name.name) requires it",
          sqlState: "2BP01",
          hint: "You can drop constraint \(written.name) on table \(table.name.name) instead.",
          range: written.range.bytes)
      }
      constraints.removeAll { $0.name == written.name }
      definition.setConstraints(constraints)
      try transaction.dropComments(of: TableName(schema, written.name))
      return try transaction.apply(.alterTable(table.name, definition))
    }
    try missing("index", written, ifExists, "42704", &notices)
  }

  // MARK: Names and definitions

  static let reservedSchemas: Set<String> = ["sys", "information_schema", "pg_catalog"]

  /// The full name of something to be made.
  func newName(_ schema: String?, _ name: String) throws -> TableName {
    let schema = schema ?? settings.searchPath.first ?? "public"
    if schema == "pg_temp" { return try newTemporaryName(schema, name) }
    if Self.reservedSchemas.contains(schema) {
      throw PulsehouseError(.user, "schema \"\(schema)\" is the warehouse's own", sqlState: "42939")
    }
    return TableName(ownSchema(schema), name)
  }

  func newName(_ definition: Planning.TableDefinition) throws -> TableName {
    definition.isTemporary
      ? try newTemporaryName(definition.schema, definition.name) : try newName(definition.schema, definition.name)
  }

  /// The schema that things to be made in `schema` go to: the environment's own one.
  func ownSchema(_ schema: String) -> String {
    guard let environment = settings.environment, !environment.owns(schema: schema) else { return schema }
    return environment.schema(schema)
  }

  /// Makes the schema when it is `public`, which every warehouse has as soon as it is used, or an environment's.
  func ensureSchema(_ schema: String, _ transaction: Transaction) throws {
    if schema == temporarySchema { return try ensureTemporarySchema(schema, transaction) }
    let isOwn = settings.environment?.owns(schema: schema) == true
    if schema == "public" || isOwn, !transaction.snapshot.schemas.contains(schema) {
      try transaction.apply(.createSchema(schema))
    }
  }

  func existingName(_ name: QualifiedName, _ snapshot: Snapshot) -> TableName? {
    storedName(name, snapshot, settings.environment)
  }

  func missing(
    _ kind: String, _ name: QualifiedName, _ ifExists: Bool, _ state: String, _ notices: inout [String]
  ) throws {
    let message = "\(kind) \"\(name.name)\" does not exist"
    guard ifExists else { throw PulsehouseError(.user, message, sqlState: state, range: name.range.bytes) }
    notices.append(message + ", skipping")
  }

  func skipsExisting(_ name: TableName, _ ifNotExists: Bool, _ work: StatementWork, tag: String) throws -> Bool {
    let snapshot = work.scope.snapshot
    guard snapshot.table(name) != nil || snapshot.view(name) != nil else {
      guard try snapshot.userTypes().contains(where: { $0.schema == name.schema && $0.name == name.name }) else {
        return false
      }
      throw PulsehouseError(
        .user, "type \"\(name.name)\" already exists", sqlState: "42710",
        hint:
          "A relation has an associated type of the same name, so you must use a name that doesn't conflict with any "
          + "existing type.")
    }
    guard ifNotExists else {
      throw PulsehouseError(.user, "relation \"\(name.name)\" already exists", sqlState: "42P07")
    }
    try work.sink.finish(StatementOutcome(tag, notices: ["relation \"\(name.name)\" already exists, skipping"]))
    return true
  }

  private func tableDefinition(_ planned: Planning.TableDefinition) throws -> TableDefinition {
    var definition = TableDefinition(columns: planned.columns.map(columnDefinition))
    definition.onCommit = planned.onCommit
    definition.setConstraints(planned.constraints)
    for option in planned.properties {
      switch (option.name, option.value) {
      case ("partitioned_by", .text(let text)?): definition.partitionedBy = try columnList(text, definition, option)
      case ("clustered_by", .text(let text)?): definition.clusteredBy = try columnList(text, definition, option)
      default:
        throw PulsehouseError(
          .user, "unrecognized parameter \"\(option.name)\"", sqlState: "22023",
          hint: "Tables take partitioned_by = 'column, ...' and clustered_by = 'column, ...'.",
          range: option.range.bytes)
      }
    }
    return definition
  }

  func columnDefinition(_ column: Planning.TableDefinition.Column) -> ColumnDefinition {
    var definition = ColumnDefinition(
      name: column.field.name, type: column.field.type, isNullable: column.field.isNullable,
      defaultText: column.defaultValue.map(DefaultValue.encode))
    definition.secondDigits = column.field.secondDigits
    definition.domain = column.field.domain
    return definition
  }

  private func columnList(_ text: String, _ definition: TableDefinition, _ option: StatementOption) throws -> [String] {
    try text.split(separator: ",").map { part in
      let name = part.trimmingBlanks()
      guard definition.columns.contains(where: { $0.name == name }) else {
        throw PulsehouseError(
          .user, "column \"\(name)\" named in \(option.name) does not exist", sqlState: "42703",
          range: option.range.bytes)
      }
      return name
    }
  }
}

extension TableName {
  /// The name as SQL.
  var sql: String { "\(SQLPrinter.quoted(schema)).\(SQLPrinter.quoted(name))" }
}

extension Substring {
  func trimmingBlanks() -> String {
    var part = self
    while part.first?.isWhitespace == true { part.removeFirst() }
    while part.last?.isWhitespace == true { part.removeLast() }
    return String(part)
  }
}

extension ViewDefinition {
  private static let checkOptionKey = "check option"

  /// False where no row can be changed through the view, whatever it reads.
  var mayBeChanged: Bool {
    guard case .query(let query)? = try? PostgresParser.parseOne(sql).node, case .table = query.changeableShape else {
      return false
    }
    return true
  }

  /// Whether rows that are written through the view must be among its own.
  var checkOption: CreateView.CheckOption {
    get { properties[Self.checkOptionKey].flatMap(CreateView.CheckOption.init(rawValue:)) ?? .none }
    set { properties[Self.checkOptionKey] = newValue == .none ? nil : newValue.rawValue }
  }
}
