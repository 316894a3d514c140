import Bytes
import Execution
import Planning
import Synchronization
import Vectors

/// The statements that this process has run, the newest thousand: `sys.queries`.
final class QueryLog: Sendable {
  struct Entry: Sendable {
    var number: Int64
    var text: String
    /// Microseconds since 1970-01-01 UTC.
    var startedAt: Int64
    var seconds: Double?
    var rowCount: Int?
    /// SQLSTATE and words of the error it ended with.
    var sqlState: String?
    var message: String?
  }

  private struct State {
    var entries: [Entry] = []
    var next: Int64 = 1
  }

  private let state = Mutex(State())

  static let limit = 1000
  /// Longer texts are cut.
  static let textLimit = 4096

  /// Notes that a statement begins; returns its number.
  func begin(_ text: String) -> Int64 {
    state.withLock { state in
      let number = state.next
      state.next += 1
      // Dropped by the half, so that a statement does not move a thousand entries.
      if state.entries.count >= 2 * QueryLog.limit { state.entries.removeFirst(QueryLog.limit) }
      state.entries.append(Entry(number: number, text: text, startedAt: MachineClock.microsecondsSince1970))
      return number
    }
  }

  /// Notes how it ended.
  func end(_ number: Int64, after duration: Duration, rows: Int?, sqlState: String? = nil, message: String? = nil) {
    let (seconds, attoseconds) = duration.components
    state.withLock { state in
      guard let first = state.entries.first?.number else { return }
      let index = Int(number - first)
      guard state.entries.indices.contains(index) else { return }
      state.entries[index].seconds = Double(seconds) + Double(attoseconds) / 1e18
      state.entries[index].rowCount = rows
      state.entries[index].sqlState = sqlState
      state.entries[index].message = message
    }
  }

  /// Newest first.
  var entries: [Entry] { state.withLock { $0.entries.suffix(QueryLog.limit).reversed() } }

  /// A row for each statement; one that still runs has no seconds.
  static let table = SystemTable(
    name: TableName("sys", "queries"),
    fields: Schema([
      Field("query", .bigint), Field("statement", .text), Field("started_at", .timestamptz), Field("state", .text),
      Field("seconds", .double), Field("row_count", .bigint), Field("sqlstate", .text), Field("message", .text),
    ]),
    rows: { _, warehouse in
      warehouse.queryLog.entries.map { entry in
        let state = entry.seconds == nil ? "running" : entry.sqlState == nil ? "done" : "failed"
        return [
          .integer(entry.number), .text(entry.text), .integer(entry.startedAt), .text(state),
          entry.seconds.map { .double($0) } ?? .null, entry.rowCount.map { .integer(Int64($0)) } ?? .null,
          entry.sqlState.map { .text($0) } ?? .null, entry.message.map { .text($0) } ?? .null,
        ]
      }
    })
}

/// Passes a statement's results on and remembers how many rows it gave or changed.
final class LoggedSink: ResultSink {
  private let sink: any ResultSink
  private(set) var rowCount: Int?

  init(_ sink: any ResultSink) { self.sink = sink }

  func begin(_ columns: [Field]) throws { try sink.begin(columns) }

  func append(_ batch: Batch) throws { try sink.append(batch) }

  func finish(_ outcome: StatementOutcome) throws {
    rowCount = outcome.rowCount
    try sink.finish(outcome)
  }
}
