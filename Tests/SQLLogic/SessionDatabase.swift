import Bytes
import Engine
import Kernels
import Vectors

/// A warehouse as a script sees it: a session for each connection, SQL in, text out.
package struct SessionDatabase: LogicDatabase {
  private let warehouse: Warehouse
  private let prepare: (Session) -> Void
  private var sessions: [String: Session] = [:]

  /// `prepare` makes the settings of each new session.
  package init(_ warehouse: Warehouse, prepare: @escaping (Session) -> Void = { _ in }) {
    self.warehouse = warehouse
    self.prepare = prepare
  }

  package mutating func run(_ sql: String, connection: String?) throws -> LogicAnswer {
    let session = session(connection ?? "")
    let sink = CollectingSink()
    do {
      try session.run(sql, into: sink)
    } catch let error as PulsehouseError {
      throw LogicError(sqlState: error.sqlState, error.message)
    }
    let rows = sink.batches.flatMap { batch in
      (0..<batch.rowCount).map { row in batch.columns.map { SessionDatabase.text($0, row) } }
    }
    return LogicAnswer(
      columnNames: sink.columns.map(\.name), isBoolean: sink.columns.map { $0.type == .boolean },
      isFloat: sink.columns.map { $0.type == .double || $0.type == .real },
      isNumeric: sink.columns.map(\.type.isNumeric),
      rows: rows,
      rowsAffected: sink.outcomes.last?.rowCount)
  }

  private mutating func session(_ name: String) -> Session {
    if let known = sessions[name] { return known }
    let session = Session(warehouse)
    prepare(session)
    sessions[name] = session
    return session
  }

  private static func text(_ column: Vector, _ row: Int) -> String? {
    guard column.isValid(row) else { return nil }
    var bytes: [UInt8] = []
    TextFormat.append(column, row: row, into: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
