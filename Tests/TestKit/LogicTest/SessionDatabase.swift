import Engine
import Kernels
import Vectors

/// A session as a logic test sees it: one statement in, text out.
package struct SessionDatabase: LogicTestDatabase {
  private let session: Session

  package init(_ session: Session) { self.session = session }

  package mutating func run(_ sql: String) throws -> LogicTestAnswer {
    let sink = CollectingSink()
    try session.run(sql, into: sink)
    let rows = sink.batches.flatMap { batch in
      (0..<batch.rowCount).map { row in
        batch.columns.map { column -> String? in
          guard column.isValid(row) else { return nil }
          var bytes: [UInt8] = []
          TextFormat.append(column, row: row, into: &bytes)
          return String(decoding: bytes, as: UTF8.self)
        }
      }
    }
    return LogicTestAnswer(rows: rows, rowsAffected: sink.outcomes.last?.rowCount)
  }
}
