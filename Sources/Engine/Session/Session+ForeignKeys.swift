import Bytes
import Kernels
import Planning
import SQLSyntax
import Segments
import Vectors

/// Foreign keys: every row's key is found among the rows of the table it refers to, whenever a statement has ended.
///
/// Both tables are then as the transaction saw them until it commits: who changes one of them meanwhile is in conflict.
extension Session {
  /// Looks for a row, among those of `segments` (nil: all), whose foreign keys refer to nothing.
  ///
  /// - Throws: 23503.
  func requireReferences(
    of name: TableName, _ definition: TableDefinition, among segments: [SegmentDescriptor]?, _ transaction: Transaction,
    _ work: StatementWork
  ) throws {
    for constraint in try definition.constraints() {
      guard case .foreignKey(let key) = constraint.kind else { continue }
      let parent = key.parent(of: name)
      if parent != name { try transaction.apply(.requireUnchanged(parent)) }
      guard let values = try orphan(of: name, definition, key, among: segments, transaction, work) else { continue }
      throw PulsehouseError(
        .user, "insert or update on table \"\(name.name)\" violates foreign key constraint \"\(constraint.name)\"",
        sqlState: "23503", detail: "Key \(values) is not present in table \"\(parent.name)\".")
    }
  }

  /// Looks for rows of other tables that refer to rows which `name` has no more; while rows follow their keys, later.
  ///
  /// - Throws: 23503; `.unsupported` where rows would have to follow keys that MERGE or ON CONFLICT changed.
  func requireReferenced(
    _ name: TableName, _ transaction: Transaction, _ work: StatementWork, haveFollowed: Bool = false
  ) throws {
    if let references = work.references {
      references.removed.insert(name)
      return
    }
    for (child, constraint, key) in try transaction.snapshot.foreignKeys(to: name) {
      guard let state = transaction.snapshot.table(child) else { continue }
      if child != name { try transaction.apply(.requireUnchanged(child)) }
      let isFollowed = key.onDelete != nil && key.onUpdate != nil
      if haveFollowed, isFollowed { continue }
      guard let values = try orphan(of: child, state.definition, key, among: nil, transaction, work) else { continue }
      if !haveFollowed, key.onDelete != nil || key.onUpdate != nil {
        throw PulsehouseError(
          .unsupported,
          "MERGE or ON CONFLICT that changes keys of \"\(name.name)\" which rows of \"\(child.name)\" follow",
          sqlState: "0A000")
      }
      throw PulsehouseError(
        .user,
        "update or delete on table \"\(name.name)\" violates foreign key constraint \"\(constraint)\" on table "
          + "\"\(child.name)\"",
        sqlState: "23503", detail: "Key \(values) is still referenced from table \"\(child.name)\".")
    }
  }

  /// The key of a row that refers to nothing, as a message shows it; nil when there is none.
  private func orphan(
    of name: TableName, _ definition: TableDefinition, _ key: ForeignKeyRule, among segments: [SegmentDescriptor]?,
    _ transaction: Transaction, _ work: StatementWork
  ) throws -> String? {
    let own = key.columns.map { "child.\(SQLPrinter.quoted($0))" }
    let pairs = zip(own, key.referencedColumns).map { "parent.\(SQLPrinter.quoted($1)) = \($0)" }
    var conditions = own.map { "\($0) IS NOT NULL" }
    // Only rows within the new keys' bounds are new.
    let bounds = try KeyBounds(of: key.columns, definition, among: segments)
    conditions += bounds.conditions { "child.\(SQLPrinter.quoted($0))" }
    let sql =
      "SELECT \(own.joined(separator: ", ")) FROM \(name.sql) AS child WHERE \(conditions.joined(separator: " AND ")) "
      + "AND NOT EXISTS (SELECT 1 FROM \(key.parent(of: name).sql) AS parent WHERE \(pairs.joined(separator: " AND "))) "
      + "LIMIT 1"
    guard let row = try rows(sql, in: transaction, work, bounds.parameters, bounds.types).first else { return nil }
    let values = zip(row, key.columns).map { scalar, column in
      TextFormat.string(scalar, definition.columns.first { $0.name == column }?.type ?? .text) ?? "null"
    }
    return "(\(key.columns.joined(separator: ", ")))=(\(values.joined(separator: ", ")))"
  }

  /// Takes a table's leave of those that refer to it: with `isCascade` their foreign keys go.
  ///
  /// - Throws: 2BP01.
  func releaseReferences(
    to name: TableName, isCascade: Bool, _ kind: String, _ transaction: Transaction, keeping: Set<TableName> = []
  ) throws {
    for (child, constraint, _) in try transaction.snapshot.foreignKeys(to: name) where child != name {
      if keeping.contains(child) { continue }
      guard isCascade, let state = transaction.snapshot.table(child) else {
        throw PulsehouseError(
          .user, "cannot drop \(kind) because other objects depend on it", sqlState: "2BP01",
          detail: "constraint \(constraint) on table \(child.name) depends on it.",
          hint: "Use DROP ... CASCADE to drop the dependent objects too.")
      }
      var definition = state.definition
      definition.setConstraints(try definition.constraints().filter { $0.name != constraint })
      try transaction.apply(.alterTable(child, definition))
    }
  }

  /// Lets the foreign keys that refer to a table follow its new name, or the new names of its columns.
  func followReferences(
    to name: TableName, renamedTo new: TableName, columns renamed: [String: String], _ transaction: Transaction
  ) throws {
    for (child, _, _) in try transaction.snapshot.foreignKeys(to: name) where child != name {
      guard let state = transaction.snapshot.table(child) else { continue }
      var definition = state.definition
      definition.setConstraints(
        try definition.constraints().map { constraint in
          guard case .foreignKey(var key) = constraint.kind, key.parent(of: child) == name else { return constraint }
          key.referenced = .init(schema: new.schema, name: new.name)
          key.referencedColumns = key.referencedColumns.map { renamed[$0] ?? $0 }
          return TableConstraint(name: constraint.name, kind: .foreignKey(key))
        })
      try transaction.apply(.alterTable(child, definition))
    }
  }

  /// Holds a table's new form against the foreign keys that refer to it.
  ///
  /// - Throws: 2BP01 for a key or a column that they need.
  func requireReferencedKeys(of name: TableName, _ definition: TableDefinition, _ transaction: Transaction) throws {
    let keys = try definition.constraints().compactMap { $0.keyColumns.map { Set($0.names) } }
    for (child, constraint, key) in try transaction.snapshot.foreignKeys(to: name) {
      if keys.contains(Set(key.referencedColumns)) { continue }
      throw PulsehouseError(
        .user, "cannot drop a key of table \"\(name.name)\" because other objects depend on it", sqlState: "2BP01",
        detail: "constraint \(constraint) on table \(child.name) depends on it.",
        hint: "Drop that constraint first.")
    }
  }
}

extension Snapshot {
  /// The foreign keys that refer to a table, its own among them.
  func foreignKeys(to name: TableName) throws(PulsehouseError) -> [(
    child: TableName, constraint: String, key: ForeignKeyRule
  )] {
    var found: [(child: TableName, constraint: String, key: ForeignKeyRule)] = []
    for table in tables where table.definition.hasForeignKeys {
      for constraint in try table.definition.constraints() {
        guard case .foreignKey(let key) = constraint.kind, key.parent(of: table.name) == name else { continue }
        found.append((table.name, constraint.name, key))
      }
    }
    return found
  }
}

extension ForeignKeyRule {
  /// The table that a foreign key of `table` refers to.
  func parent(of table: TableName) -> TableName {
    referenced.map { TableName($0.schema, $0.name) } ?? table
  }
}
