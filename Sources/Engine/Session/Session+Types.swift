import Bytes
import Planning
import SQLSyntax
import Vectors

/// CREATE, ALTER and DROP of types.
extension Session {
  func change(_ change: TypeChange, _ work: StatementWork) throws {
    switch change {
    case .create(let written, let kind): try createType(written, kind, work)
    case .alter(let alteration): try alterType(alteration, work)
    }
  }

  private func createType(_ written: QualifiedName, _ kind: UserType.Kind, _ work: StatementWork) throws {
    let name = try newName(written.schema, written.name)
    let tag: String
    switch kind {
    case .domain: tag = "CREATE DOMAIN"
    case .enumeration: tag = "CREATE TYPE"
    }
    try inTransaction("\(tag) \(name)") { transaction in
      try ensureSchema(name.schema, transaction)
      try requireFreeType(name, transaction.snapshot)
      let type = UserType(
        identifier: TableIdentifier.random().rawValue, schema: name.schema, name: name.name, kind: kind)
      try transaction.apply(.put(type))
    }
    try work.sink.finish(StatementOutcome(tag))
  }

  /// - Throws: 3F000 for a schema that is not there, 42710 for a name that is taken, by a table too.
  private func requireFreeType(_ name: TableName, _ snapshot: Snapshot) throws {
    guard snapshot.schemas.contains(name.schema) else {
      throw PulsehouseError(.user, "schema \"\(name.schema)\" does not exist", sqlState: "3F000")
    }
    let isTaken = try snapshot.userTypes().contains { $0.schema == name.schema && $0.name == name.name }
    guard !isTaken, snapshot.table(name) == nil, snapshot.view(name) == nil else {
      throw PulsehouseError(.user, "type \"\(name.name)\" already exists", sqlState: "42710")
    }
  }

  private func alterType(_ alteration: TypeAlteration, _ work: StatementWork) throws {
    var type = alteration.type
    try inTransaction("\(alteration.tag) \(type.name)") { transaction in
      if let schema = alteration.schema { type.schema = try newName(schema, type.name).schema }
      let old = try transaction.snapshot.userTypes().first { $0.identifier == type.identifier }
      if old?.name != type.name || old?.schema != type.schema {
        try requireFreeType(TableName(type.schema, type.name), transaction.snapshot)
      }
      if let test = alteration.test { try require(test, of: type, transaction, work) }
      if let label = alteration.renamedLabel { try requireUnnamed(label, of: type, transaction, work) }
      try put(type, insteadOf: old, transaction)
    }
    try work.sink.finish(StatementOutcome(alteration.tag, notices: alteration.notices))
  }

  /// Refuses another name for a label that stands somewhere as a word: in arrays, which are stored as their text, and in
  /// conditions, defaults and generated columns, which are SQL.
  ///
  /// - Throws: `.unsupported`.
  private func requireUnnamed(
    _ label: String, of type: UserType, _ transaction: Transaction, _ work: StatementWork
  ) throws {
    let snapshot = transaction.snapshot
    func refuse(_ place: String) -> PulsehouseError {
      PulsehouseError(
        .unsupported, "another name for a label that \(place) has as a word is not supported yet", sqlState: "0A000")
    }
    let word = "'\(label.replacing("'", with: "''"))'"
    for table in snapshot.tables {
      let own = table.definition.columns.filter { $0.type.enumerationIdentifier == type.identifier }
      if own.isEmpty { continue }
      for column in own {
        guard case .array = column.type else { continue }
        try transaction.apply(.requireUnchanged(table.name))
        let sql =
          "SELECT 1 FROM \(table.name.sql) WHERE array_position(\(SQLPrinter.quoted(column.name))::text[], \(word)) > 0 "
          + "LIMIT 1"
        let isStored = try !rows(sql, in: transaction, work).isEmpty
        if isStored || column.defaultText != nil {
          throw refuse("the column \"\(column.name)\" of table \"\(table.name.name)\"")
        }
      }
      let texts = table.definition.columns.compactMap(\.defaultText) + table.definition.properties.values
      if texts.contains(where: { $0.contains(word) }) { throw refuse("the table \"\(table.name.name)\"") }
    }
    for other in try snapshot.userTypes() where other.domain?.type.enumerationIdentifier == type.identifier {
      guard let rule = other.domain else { continue }
      var isNamed = rule.checks.contains { $0.condition.contains(word) }
      if case .array = rule.type, rule.defaultValue != nil { isNamed = true }
      if case .expression(let sql)? = rule.defaultValue, sql.contains(word) { isNamed = true }
      if isNamed { throw refuse("the domain \"\(other.name)\"") }
    }
  }

  /// Puts a type in the place of what it was: another definition, or another name.
  func put(_ type: UserType, insteadOf old: UserType?, _ transaction: Transaction) throws {
    if let old, old.schema != type.schema || old.name != type.name {
      try transaction.moveComments { target in
        guard target.kind == .type, target.owner == TableName(old.schema, old.name) else { return target }
        return CommentTarget(.type, TableName(type.schema, type.name))
      }
    }
    if let enumeration = type.enumeration { try spread(enumeration, transaction) }
    try transaction.apply(.put(type))
  }

  /// Gives every column, view and domain of an enumerated type the type as it is now.
  private func spread(_ type: EnumerationType, _ transaction: Transaction) throws {
    let snapshot = transaction.snapshot
    for table in snapshot.tables {
      var definition = table.definition
      for index in definition.columns.indices {
        definition.columns[index].type = definition.columns[index].type.replacing(type)
      }
      if definition != table.definition { try transaction.apply(.alterTable(table.name, definition)) }
    }
    for view in snapshot.views {
      var definition = view.definition
      for index in definition.columns.indices {
        definition.columns[index].type = definition.columns[index].type.replacing(type)
      }
      if definition != view.definition { try transaction.apply(.putView(view.name, definition)) }
    }
    for other in try snapshot.userTypes() {
      guard var rule = other.domain else { continue }
      rule.type = rule.type.replacing(type)
      var changed = other
      changed.kind = .domain(rule)
      if changed != other { try transaction.apply(.put(changed)) }
    }
  }

  /// Holds what is stored in columns of a domain, or of one above it, against a new condition. Tables that have such
  /// columns must not change until the transaction ends.
  ///
  /// - Throws: 23514, 23502.
  private func require(
    _ test: TypeAlteration.Test, of type: UserType, _ transaction: Transaction, _ work: StatementWork
  ) throws {
    for (table, column) in try columns(of: type, transaction.snapshot) {
      try transaction.apply(.requireUnchanged(table.name))
      let condition: String
      let refusal: PulsehouseError
      switch test {
      case .isNotNull:
        condition = "value IS NULL"
        refusal = PulsehouseError(
          .user, "column \"\(column)\" of table \"\(table.name.name)\" contains null values", sqlState: "23502")
      case .check(let sql):
        condition = "NOT (\(sql))"
        refusal = PulsehouseError(
          .user, "column \"\(column)\" of table \"\(table.name.name)\" contains values that violate the new constraint",
          sqlState: "23514")
      }
      let sql =
        "SELECT 1 FROM (SELECT \(SQLPrinter.quoted(column)) AS value FROM \(table.name.sql)) AS stored "
        + "WHERE \(condition) LIMIT 1"
      guard try rows(sql, in: transaction, work).isEmpty else { throw refusal }
    }
  }

  /// A domain, and the domains that are made of it.
  private func family(of type: UserType, _ snapshot: Snapshot) throws -> Set<UInt64> {
    let all = try snapshot.userTypes()
    var family: Set = [type.identifier]
    var count = 0
    while count != family.count {
      count = family.count
      for other in all where other.domain?.parent.map(family.contains) == true { family.insert(other.identifier) }
    }
    return family
  }

  /// The columns whose values are of a type, or of a domain above it, in order of the tables' names.
  private func columns(of type: UserType, _ snapshot: Snapshot) throws -> [(table: TableState, column: String)] {
    let family = try family(of: type, snapshot)
    return snapshot.tables.flatMap { table in
      table.definition.columns.compactMap { column in
        column.domain.map(family.contains) == true ? (table, column.name) : nil
      }
    }
  }

  // MARK: DROP

  /// The type that a name stands for.
  func existingType(_ name: QualifiedName, _ snapshot: Snapshot) throws -> UserType? {
    try snapshot.userType(schemas(of: name), name.name, in: settings.environment)
  }

  /// Drops a type; with `isCascade` the columns and domains that are of it too. Returns what to tell of it.
  ///
  /// - Throws: 42704, 42809, 2BP01.
  func dropType(
    _ written: QualifiedName, _ drop: Planning.Drop, _ transaction: Transaction, _ work: StatementWork,
    _ notices: inout [String]
  ) throws {
    guard let type = try existingType(written, transaction.snapshot) else {
      if written.schema == "pg_catalog" {
        throw PulsehouseError(
          .user, "cannot drop type \(written.name) because it is required by the database system", sqlState: "2BP01",
          range: written.range.bytes)
      }
      return try missing("type", written, drop.ifExists, "42704", &notices)
    }
    if drop.kind == .domain, type.domain == nil {
      throw PulsehouseError(
        .user, "\"\(written.name)\" is not a domain", sqlState: "42809", range: written.range.bytes)
    }
    notices += try release(type, isCascade: drop.isCascade, transaction, work)
    try self.drop(type, transaction)
  }

  /// Refuses to let go a type that others need, or drops these; returns what to tell of it.
  func release(
    _ type: UserType, isCascade: Bool, _ transaction: Transaction, _ work: StatementWork
  ) throws -> [String] {
    let snapshot = transaction.snapshot
    let what = "type \(TableName.quotedIfNeeded(type.name))"
    var words: [String] = []
    var columns: [(table: TableState, column: String)] = []
    for table in snapshot.tables {
      for column in table.definition.columns where column.isOf(type) {
        columns.append((table, column.name))
        words.append("column \(TableName.quotedIfNeeded(column.name)) of \(self.words(table.name, snapshot))")
      }
    }
    let domains = try snapshot.userTypes().filter { other in
      other.domain.map { $0.parent == type.identifier || $0.type.enumerationIdentifier == type.identifier } ?? false
    }
    words += domains.map { "type \(TableName.quotedIfNeeded($0.name))" }
    guard let first = words.first else { return [] }
    guard isCascade else {
      throw PulsehouseError(
        .user, "cannot drop \(what) because other objects depend on it", sqlState: "2BP01",
        detail: words.map { "\($0) depends on \(what)" }.joined(separator: "\n"),
        hint: "Use DROP ... CASCADE to drop the dependent objects too.")
    }
    var notices =
      words.count == 1
      ? ["drop cascades to \(first)"]
      : [
        "drop cascades to \(words.count) other objects\ndetail: "
          + words.map { "drop cascades to \($0)" }.joined(separator: "\n")
      ]
    for (table, column) in columns { try dropColumn(column, of: table.name, transaction, work) }
    for domain in domains {
      notices += try release(domain, isCascade: true, transaction, work)
      try self.drop(domain, transaction)
    }
    return notices
  }

  func drop(_ type: UserType, _ transaction: Transaction) throws {
    try transaction.setComment(CommentTarget(.type, TableName(type.schema, type.name)), nil)
    try transaction.apply(.drop(type))
  }

  private func dropColumn(
    _ column: String, of table: TableName, _ transaction: Transaction, _ work: StatementWork
  ) throws {
    let sql = "ALTER TABLE \(table.sql) DROP COLUMN \(SQLPrinter.quoted(column)) CASCADE"
    let scope = PlanningScope(
      transaction.snapshot, in: warehouse, searchPath: searchPath, environment: settings.environment,
      fileReader: fileReader, settings: settings)
    guard case .alterTable(let change) = try planner(scope).plan(try PostgresParser.parseOne(sql)),
      let planned = change.table, let reshaping = change.reshaping
    else { return }
    var inner = work
    inner.scope = scope
    let state = try scope.state(of: planned.reference)
    _ = try releaseParts(of: state.name, reshaping, transaction, inner)
    try reshape(state, reshaping, transaction, inner)
  }
}

extension ColumnDefinition {
  /// Whether its values are of a type, itself and not by a domain above it.
  func isOf(_ type: UserType) -> Bool {
    domain == type.identifier || (domain == nil && self.type.enumerationIdentifier == type.identifier)
  }
}

extension LogicalType {
  /// The enumerated type that this is, or an array of; nil for others.
  var enumerationIdentifier: UInt64? {
    switch self {
    case .enumeration(let type): type.identifier
    case .array(let element): element.enumerationIdentifier
    default: nil
    }
  }

  /// The same type, with another state of an enumerated type in it.
  fileprivate func replacing(_ type: EnumerationType) -> LogicalType {
    guard enumerationIdentifier == type.identifier else { return self }
    if case .array(let element) = self { return .array(element.replacing(type)) }
    return .enumeration(type)
  }
}

extension Snapshot {
  /// The type of a name, in the first of these schemas that has one; an environment's own schemas come first.
  func userType(_ schemas: [String], _ name: String, in environment: Environment?) throws -> UserType? {
    let types = try userTypes().filter { $0.name == name }
    if types.isEmpty { return nil }
    for schema in schemas {
      let candidates = (environment.map { [$0.schema(schema)] } ?? []) + [schema]
      for candidate in candidates {
        if let found = types.first(where: { $0.schema == candidate }) { return found }
      }
    }
    return nil
  }
}
