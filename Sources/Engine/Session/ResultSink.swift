import Execution
import Planning
import Vectors

/// Where the results of statements go: a table on the terminal, a CSV file, a test's array.
///
/// For each statement: `begin` (only when it gives rows), `append` for each batch in row order, `finish`. Calls never
/// overlap but may come from different threads. What any of them throws stops the statement.
package protocol ResultSink: AnyObject {
  func begin(_ columns: [Field]) throws
  func append(_ batch: Batch) throws
  func finish(_ outcome: StatementOutcome) throws
}

/// What a statement did, once it is done.
package struct StatementOutcome: Sendable {
  /// PostgreSQL's command tag: `SELECT 3`, `INSERT 0 5`, `CREATE TABLE`.
  package var tag: String
  /// Rows given or changed; nil when the statement has no such number.
  package var rowCount: Int?
  /// Words for people beside the tag; usually none.
  package var notices: [String]

  package init(_ tag: String, rowCount: Int? = nil, notices: [String] = []) {
    self.tag = tag
    self.rowCount = rowCount
    self.notices = notices
  }
}

/// Keeps the rows of the last statement that gave some: for tests, models and small answers.
package final class CollectingSink: ResultSink {
  package private(set) var columns: [Field] = []
  package private(set) var batches: [Batch] = []
  package private(set) var outcomes: [StatementOutcome] = []

  package init() {}

  package func begin(_ columns: [Field]) {
    self.columns = columns
    batches = []
  }

  package func append(_ batch: Batch) { batches.append(batch) }

  package func finish(_ outcome: StatementOutcome) { outcomes.append(outcome) }

  package var rowCount: Int { batches.reduce(0) { $0 + $1.rowCount } }

  /// All rows, boxed.
  package var rows: [[Scalar]] {
    batches.flatMap { batch in
      (0..<batch.rowCount).map { row in batch.columns.map { $0.scalar(at: row) } }
    }
  }
}

/// Forgets rows; for statements run for their effect.
package final class DiscardingSink: ResultSink {
  package private(set) var outcome: StatementOutcome?

  package init() {}
  package func begin(_ columns: [Field]) {}
  package func append(_ batch: Batch) {}
  package func finish(_ outcome: StatementOutcome) { self.outcome = outcome }
}
