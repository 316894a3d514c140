import Bytes
import Execution
import Planning
import SQLSyntax
import Vectors

/// CREATE, DROP and ALTER of tables, views and schemas.
extension Session {
  func createTable(_ definition: Planning.TableDefinition, _ work: StatementWork) throws {
    let name = try newName(definition.schema, definition.name)
    if try skipsExisting(name, definition.ifNotExists, work, tag: "CREATE TABLE") { return }
    try inTransaction("CREATE TABLE \(name)") { transaction in
      try ensureSchema(name.schema, transaction)
      try transaction.apply(.createTable(name, .random(), try tableDefinition(definition)))
    }
    try work.sink.finish(StatementOutcome("CREATE TABLE"))
  }

  func createTableAs(_ definition: Planning.TableDefinition, _ plan: PhysicalPlan?, _ work: StatementWork) throws {
    let name = try newName(definition.schema, definition.name)
    if try skipsExisting(name, definition.ifNotExists, work, tag: "CREATE TABLE AS") { return }
    let rows = try inTransaction("CREATE TABLE \(name) AS") { transaction in
      try ensureSchema(name.schema, transaction)
      let table = try tableDefinition(definition)
      let identifier = TableIdentifier.random()
      try transaction.apply(.createTable(name, identifier, table))
      guard let plan else { return 0 }
      return try write(plan, to: name, table, transaction, work)
    }
    try work.sink.finish(StatementOutcome("SELECT \(rows)", rowCount: rows))
  }

  func createView(_ definition: Planning.ViewDefinition, _ work: StatementWork) throws {
    let name = try newName(definition.schema, definition.name)
    guard let range = definition.queryRange.bytes else {
      throw PulsehouseError(.internal, "a view without a text")
    }
    let query = String(decoding: Array(work.text.utf8)[range.clamped(to: 0..<work.text.utf8.count)], as: UTF8.self)
    if work.scope.snapshot.view(name) != nil && !definition.orReplace {
      throw PulsehouseError(.user, "relation \"\(name.name)\" already exists", sqlState: "42P07")
    }
    let columns = definition.fields.map { ColumnDefinition(name: $0.name, type: $0.type, isNullable: $0.isNullable) }
    try inTransaction("CREATE VIEW \(name)") { transaction in
      try ensureSchema(name.schema, transaction)
      try transaction.apply(.putView(name, ViewDefinition(sql: query, columns: columns)))
    }
    try work.sink.finish(StatementOutcome("CREATE VIEW"))
  }

  func createSchema(_ name: String, _ ifNotExists: Bool, _ work: StatementWork) throws {
    if Self.reservedSchemas.contains(name) {
      throw PulsehouseError(.user, "schema \"\(name)\" is the warehouse's own", sqlState: "42939")
    }
    if work.scope.snapshot.schemas.contains(name) || name == "public" {
      guard ifNotExists else {
        throw PulsehouseError(.user, "schema \"\(name)\" already exists", sqlState: "42P06")
      }
      try work.sink.finish(
        StatementOutcome("CREATE SCHEMA", notices: ["schema \"\(name)\" already exists, skipping"]))
      return
    }
    try inTransaction("CREATE SCHEMA \(name)") { try $0.apply(.createSchema(name)) }
    try work.sink.finish(StatementOutcome("CREATE SCHEMA"))
  }

  func drop(_ drop: Planning.Drop, _ work: StatementWork) throws {
    let kind =
      switch drop.kind {
      case .table: "TABLE"
      case .view: "VIEW"
      case .schema: "SCHEMA"
      }
    var notices: [String] = []
    try inTransaction("DROP \(kind) \(drop.names.map(\.name).joined(separator: ", "))") { transaction in
      for written in drop.names {
        let snapshot = transaction.snapshot
        switch drop.kind {
        case .schema:
          guard snapshot.schemas.contains(written.name) else {
            try missing("schema", written, drop.ifExists, "3F000", &notices)
            continue
          }
          if drop.isCascade {
            for view in snapshot.views.map(\.name).filter({ $0.schema == written.name }) {
              try transaction.apply(.dropView(view))
            }
            for table in snapshot.tables.map(\.name).filter({ $0.schema == written.name }) {
              try transaction.apply(.dropTable(table))
            }
          }
          try transaction.apply(.dropSchema(written.name))
        case .table, .view:
          let isTable = drop.kind == .table
          guard let name = existingName(written, snapshot) else {
            try missing(isTable ? "table" : "view", written, drop.ifExists, "42P01", &notices)
            continue
          }
          guard isTable == (snapshot.table(name) != nil) else {
            throw PulsehouseError(
              .user, "\"\(written.name)\" is not a \(isTable ? "table" : "view")", sqlState: "42809",
              hint: "Use DROP \(isTable ? "VIEW" : "TABLE") to remove a \(isTable ? "view" : "table").",
              range: written.range.bytes)
          }
          try transaction.apply(isTable ? .dropTable(name) : .dropView(name))
        }
      }
    }
    try work.sink.finish(StatementOutcome("DROP \(kind)", notices: notices))
  }

  func alterTable(_ change: Planning.AlterTable, _ work: StatementWork) throws {
    guard let table = change.table else {
      throw PulsehouseError(
        .unsupported, "ALTER of a view or schema is not supported", range: change.name.range.bytes)
    }
    try inTransaction("ALTER TABLE \(change.name.name)") { transaction in
      let state = try work.scope.state(of: table.reference)
      var name = state.name
      var definition = state.definition
      for action in change.actions {
        switch action {
        case .rename(let newName):
          let renamed = TableName(name.schema, newName)
          try transaction.apply(.renameTable(name, to: renamed))
          name = renamed
        case .renameColumn(let index, let newName):
          if definition.columns.contains(where: { $0.name == newName }) {
            throw PulsehouseError(
              .user, "column \"\(newName)\" of relation \"\(name.name)\" already exists", sqlState: "42701")
          }
          definition.columns[index].name = newName
          try transaction.apply(.alterTable(name, definition))
        case .setDefault(let index, let value):
          definition.columns[index].defaultText = try value.map {
            try DefaultValue.encode($0, definition.columns[index].type)
          }
          try transaction.apply(.alterTable(name, definition))
        default:
          throw PulsehouseError(
            .unsupported, "this form of ALTER TABLE is not supported",
            hint: "CREATE TABLE new AS SELECT ... makes a table of the new form.", range: change.name.range.bytes)
        }
      }
    }
    try work.sink.finish(StatementOutcome("ALTER TABLE"))
  }

  // MARK: Names and definitions

  static let reservedSchemas: Set<String> = ["sys", "information_schema", "pg_catalog"]

  /// The full name of something to be made.
  func newName(_ schema: String?, _ name: String) throws -> TableName {
    let schema = schema ?? settings.searchPath.first ?? "public"
    if Self.reservedSchemas.contains(schema) {
      throw PulsehouseError(.user, "schema \"\(schema)\" is the warehouse's own", sqlState: "42939")
    }
    return TableName(schema, name)
  }

  /// Makes the schema when it is `public`, which every warehouse has as soon as it is used.
  func ensureSchema(_ schema: String, _ transaction: Transaction) throws {
    if schema == "public", !transaction.snapshot.schemas.contains(schema) {
      try transaction.apply(.createSchema(schema))
    }
  }

  private func existingName(_ name: QualifiedName, _ snapshot: Snapshot) -> TableName? {
    for schema in name.schema.map({ [$0] }) ?? settings.searchPath {
      let full = TableName(schema, name.name)
      if snapshot.table(full) != nil || snapshot.view(full) != nil { return full }
    }
    return nil
  }

  private func missing(
    _ kind: String, _ name: QualifiedName, _ ifExists: Bool, _ state: String, _ notices: inout [String]
  ) throws {
    let message = "\(kind) \"\(name.name)\" does not exist"
    guard ifExists else { throw PulsehouseError(.user, message, sqlState: state, range: name.range.bytes) }
    notices.append(message + ", skipping")
  }

  private func skipsExisting(_ name: TableName, _ ifNotExists: Bool, _ work: StatementWork, tag: String) throws -> Bool
  {
    let snapshot = work.scope.snapshot
    guard snapshot.table(name) != nil || snapshot.view(name) != nil else { return false }
    guard ifNotExists else {
      throw PulsehouseError(.user, "relation \"\(name.name)\" already exists", sqlState: "42P07")
    }
    try work.sink.finish(StatementOutcome(tag, notices: ["relation \"\(name.name)\" already exists, skipping"]))
    return true
  }

  private func tableDefinition(_ planned: Planning.TableDefinition) throws -> TableDefinition {
    var definition = TableDefinition(
      columns: try planned.columns.map { column in
        ColumnDefinition(
          name: column.field.name, type: column.field.type, isNullable: column.field.isNullable,
          defaultText: try column.defaultValue.map { try DefaultValue.encode($0, column.field.type) })
      })
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

extension Substring {
  func trimmingBlanks() -> String {
    var part = self
    while part.first?.isWhitespace == true { part.removeFirst() }
    while part.last?.isWhitespace == true { part.removeLast() }
    return String(part)
  }
}
