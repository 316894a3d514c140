/// One thing a transaction does. A commit takes a list of them, in order, and does all or nothing.
package enum Change: Sendable, Hashable {
  case createSchema(String)
  /// The schema must be empty.
  case dropSchema(String)

  case createTable(TableName, TableIdentifier, TableDefinition)
  case alterTable(TableName, TableDefinition)
  /// Keeps the table's identity and files.
  case renameTable(TableName, to: TableName)
  case dropTable(TableName)
  /// Changes nothing, but tolerates no change of the table by others since the snapshot.
  case requireUnchanged(TableName)

  /// Creates the view, or replaces it.
  case putView(TableName, ViewDefinition)
  case dropView(TableName)

  /// Adds rows. Never conflicts with other additions.
  case addSegments(TableName, [SegmentDescriptor])
  /// Takes segments away and puts others in their place.
  case replaceSegments(TableName, removing: [SegmentDescriptor], adding: [SegmentDescriptor], Rewrite)
  /// Takes all segments away: those the transaction saw.
  case truncateTable(TableName)

  case putState(StateSpace, key: String, value: [UInt8])
  case removeState(StateSpace, key: String)
  case clearState(StateSpace)

  /// Why segments are replaced, which decides what it conflicts with.
  package enum Rewrite: Sendable, Hashable {
    /// Rows changed (DELETE, UPDATE): conflicts with any other change of the table.
    case rows
    /// The same rows in another arrangement (compaction): conflicts with other rewrites, not with additions.
    case layout
  }
}
