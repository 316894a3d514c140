import Bytes
import Glibc
import SQLSyntax

/// Temporary tables: tables like others, in a schema of the session's own that goes when the session ends.
///
/// The schema is named by its process, so that a session that died leaves nothing that the next one does not clear away.
extension Session {
  static let temporaryPrefix = "pg_temp_"

  /// Schemas an unqualified name is looked up in, the session's own first.
  var searchPath: [String] { (temporarySchema.map { [$0] } ?? []) + settings.searchPath }

  /// Schemas that a name is looked up in.
  func schemas(of name: QualifiedName) -> [String] {
    name.schema.map(searchPath.schemas(named:)) ?? searchPath
  }

  /// The full name of a temporary table to be made.
  ///
  /// - Throws: 42P16 when another schema was written.
  func newTemporaryName(_ schema: String?, _ name: String) throws -> TableName {
    guard schema == nil || schema == "pg_temp" else {
      throw PulsehouseError(.user, "cannot create temporary relation in non-temporary schema", sqlState: "42P16")
    }
    let own = temporarySchema ?? "\(Session.temporaryPrefix)\(getpid())_\(UInt32.random(in: 0...UInt32.max))"
    temporarySchema = own
    return TableName(own, name)
  }

  /// Makes the session's own schema where it is not there, and clears away those of processes that are gone.
  func ensureTemporarySchema(_ schema: String, _ transaction: Transaction) throws {
    guard !transaction.snapshot.schemas.contains(schema) else { return }
    for other in transaction.snapshot.schemas where other.hasPrefix(Session.temporaryPrefix) {
      let process = other.dropFirst(Session.temporaryPrefix.count).prefix { $0 != "_" }
      if let number = pid_t(process), kill(number, 0) != 0, errno == ESRCH { try drop(schema: other, transaction) }
    }
    try transaction.apply(.createSchema(schema))
  }

  /// Drops what the session made for itself. What cannot be dropped now is cleared away by a later session.
  func dropTemporaryTables() {
    guard let schema = temporarySchema else { return }
    temporarySchema = nil
    settings.snapshot = nil
    _ = try? inTransaction("end of a session") { transaction in
      if transaction.snapshot.schemas.contains(schema) { try drop(schema: schema, transaction) }
    }
  }

  /// Drops what the session made for itself, in the open transaction where there is one.
  func discardTemporaryTables() throws {
    guard let schema = temporarySchema else { return }
    try inTransaction("DISCARD TEMP") { transaction in
      if transaction.snapshot.schemas.contains(schema) { try clear(schema: schema, transaction) }
    }
  }

  /// Does what ON COMMIT asks for the session's temporary tables, at the end of a transaction.
  func endTemporaryTables(_ transaction: Transaction) throws {
    guard let schema = temporarySchema else { return }
    for table in transaction.snapshot.tables where table.name.schema == schema {
      switch table.definition.onCommit {
      case .drop?:
        try transaction.apply(.dropTable(table.name))
        try dropOwnedSequences(of: table.identifier, transaction)
      case .deleteRows?: if table.rowCount > 0 { try transaction.apply(.truncateTable(table.name)) }
      case .preserveRows?, nil: break
      }
    }
  }

  private func drop(schema: String, _ transaction: Transaction) throws {
    try clear(schema: schema, transaction)
    try transaction.apply(.dropSchema(schema))
  }

  private func clear(schema: String, _ transaction: Transaction) throws {
    for table in transaction.snapshot.tables.map(\.name) where table.schema == schema {
      try transaction.apply(.dropTable(table))
    }
    for sequence in try transaction.snapshot.sequences() where sequence.name.schema == schema {
      try transaction.apply(.drop(sequence))
    }
  }
}

extension [String] {
  /// The schema of this name; for `pg_temp` the session's own one, which stands in the search path, if there is one.
  func schemas(named schema: String) -> [String] {
    schema == "pg_temp" ? filter { $0.hasPrefix(Session.temporaryPrefix) } : [schema]
  }
}

extension TableDefinition {
  private static let onCommitKey = "on commit"

  /// What becomes of a temporary table at the end of a transaction; nil: nothing.
  var onCommit: OnCommit? {
    get { properties[Self.onCommitKey].flatMap(OnCommit.init(rawValue:)) }
    set { properties[Self.onCommitKey] = newValue == .preserveRows ? nil : newValue?.rawValue }
  }
}
