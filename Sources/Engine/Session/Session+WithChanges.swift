import Bytes
import Execution
import Planning
import Synchronization
import Vectors

/// Statements of WITH that change rows: they run first, in turn and in one transaction, then the one around them.
extension Session {
  func withChanges(
    _ changes: [(statement: PlannedStatement, rows: TableDescription)], then last: PlannedStatement,
    _ work: StatementWork
  ) throws {
    // Nothing of it is seen by others before all of it is done.
    let isOwn = !isInTransaction
    if isOwn { try begin() }
    do {
      for change in changes {
        let returned = CollectingSink()
        var inner = work
        inner.sink = returned
        try perform(change.statement, inner)
        try work.scope.provide(returned.batches, for: change.rows.reference)
      }
      try perform(last, work)
      if isOwn { try commit(message: "WITH") }
    } catch {
      if isOwn { rollback() }
      throw error
    }
  }
}
