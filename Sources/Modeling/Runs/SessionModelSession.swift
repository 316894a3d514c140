import Engine

/// A warehouse's session as a run sees it.
package final class SessionModelSession: ModelSession {
  private let session: Session

  package init(_ session: Session) { self.session = session }

  package func begin() throws { try session.begin() }
  package func commit(message: String) throws { try session.commit(message: message) }
  package func rollback() { session.rollback() }

  package func execute(_ sql: String) throws -> Int? {
    let sink = DiscardingSink()
    try session.run(sql, into: sink)
    return sink.outcome?.rowCount
  }

  package func query(_ sql: String) throws -> QueryAnswer {
    let sink = CollectingSink()
    try session.run(sql, into: sink)
    return QueryAnswer(columns: sink.columns, rows: sink.rows)
  }

  package func relationKind(_ name: RelationName) throws -> RelationKind? {
    let snapshot = try session.transaction?.snapshot ?? session.warehouse.snapshot()
    let full = TableName(name.schema, name.name)
    if snapshot.table(full) != nil { return .table }
    return snapshot.view(full) != nil ? .view : nil
  }
}
