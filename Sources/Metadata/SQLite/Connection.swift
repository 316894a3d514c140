import Bytes
import CSQLite

/// One SQLite database connection, for one thread at a time.
final class Connection {
  enum Mode {
    case readWrite
    case readOnly
    /// A private database that lives as long as the connection.
    case memory
  }

  let path: String
  private let handle: OpaquePointer
  /// By where their texts lie in the program.
  private var statements: [UnsafePointer<UInt8>: Statement] = [:]

  /// Opens the database, creating it in mode `.readWrite` when it is missing. Waits for locks up to
  /// `busyMilliseconds`.
  init(_ path: String, _ mode: Mode, busyMilliseconds: Int32 = 30_000) throws(PulsehouseError) {
    let flags =
      switch mode {
      case .readWrite: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
      case .readOnly: SQLITE_OPEN_READONLY
      case .memory: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY
      }
    self.path = path
    var opened: OpaquePointer?
    let code = sqlite3_open_v2(
      mode == .memory ? ":memory:" : path, &opened, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
    guard let opened else { throw .sqlite(code, "out of memory", action: "open", path: path) }
    handle = opened
    guard code == SQLITE_OK else { throw failure(code, "open") }
    sqlite3_busy_timeout(handle, busyMilliseconds)
    try execute("PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;")
  }

  deinit {
    // Statements hold the handle too; close_v2 waits for the last of them.
    sqlite3_close_v2(handle)
  }

  /// Runs one or more statements that return nothing of interest.
  func execute(_ sql: String) throws(PulsehouseError) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else {
      // As in `prepare`; inside a transaction it would be a mistake of ours.
      let isOurs = code != SQLITE_ERROR || sqlite3_get_autocommit(handle) == 0
      throw failure(isOurs ? code : SQLITE_CORRUPT, "write")
    }
  }

  /// Returns the compiled form of `sql`, reset and ready to bind; compiled once per connection.
  func prepare(_ sql: StaticString) throws(PulsehouseError) -> Statement {
    if let known = statements[sql.utf8Start] {
      known.reset()
      return known
    }
    var compiled: OpaquePointer?
    let code = sqlite3_prepare_v3(handle, sql.description, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &compiled, nil)
    guard code == SQLITE_OK, let compiled else {
      // Every statement is a constant that fits our tables: what cannot be compiled does not find them.
      throw failure(code == SQLITE_ERROR ? SQLITE_CORRUPT : code, "read")
    }
    let statement = Statement(compiled, connection: self)
    statements[sql.utf8Start] = statement
    return statement
  }

  /// Returns the number of rows the last statement inserted, updated or deleted.
  var changedRowCount: Int { Int(sqlite3_changes64(handle)) }

  /// Empties the database in place, whatever its pages hold. Other connections see an empty database afterwards.
  func reset() throws(PulsehouseError) {
    statements.removeAll()
    // Reading the schema first, whether or not that succeeds, keeps the database in WAL mode.
    sqlite3_table_column_metadata(handle, nil, "head", nil, nil, nil, nil, nil, nil)
    ph_sqlite_set_reset(handle, 1)
    defer { ph_sqlite_set_reset(handle, 0) }
    try execute("VACUUM")
  }

  func failure(_ code: Int32, _ action: String) -> PulsehouseError {
    let words = sqlite3_errmsg(handle).map { String(cString: $0) } ?? "error \(code)"
    return .sqlite(code, words, action: action, path: path, systemCode: sqlite3_system_errno(handle))
  }
}

/// A compiled SQL statement. Parameters count from 1, columns from 0, as SQLite counts them.
final class Statement {
  private let handle: OpaquePointer
  private unowned let connection: Connection
  private var bindingFailure: Int32 = SQLITE_OK

  fileprivate init(_ handle: OpaquePointer, connection: Connection) {
    self.handle = handle
    self.connection = connection
  }

  deinit { sqlite3_finalize(handle) }

  func reset() {
    sqlite3_reset(handle)
    sqlite3_clear_bindings(handle)
    bindingFailure = SQLITE_OK
  }

  @discardableResult func bind(_ index: Int32, _ value: Int64) -> Statement {
    note(sqlite3_bind_int64(handle, index, value))
  }

  @discardableResult func bind(_ index: Int32, _ value: String) -> Statement {
    var value = value
    return value.withUTF8 { utf8 in
      utf8.withMemoryRebound(to: CChar.self) { text in
        // A null pointer would bind NULL.
        note(
          sqlite3_bind_text64(
            handle, index, text.baseAddress ?? Self.nothing, UInt64(text.count), Self.transient, UInt8(SQLITE_UTF8)))
      }
    }
  }

  @discardableResult func bind(_ index: Int32, _ value: [UInt8]) -> Statement {
    value.withUnsafeBytes { raw in
      guard let base = raw.baseAddress, raw.count > 0 else { return note(sqlite3_bind_zeroblob(handle, index, 0)) }
      return note(sqlite3_bind_blob64(handle, index, base, UInt64(raw.count), Self.transient))
    }
  }

  @discardableResult func bind(_ index: Int32, _ value: ContentHash) -> Statement {
    var writer = ByteWriter(reserving: 16)
    writer.append(value)
    return bind(index, writer.bytes)
  }

  /// Steps to the next row; false when there is none.
  func step() throws(PulsehouseError) -> Bool {
    if bindingFailure != SQLITE_OK { throw connection.failure(bindingFailure, "write") }
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code: throw connection.failure(code, "read or write")
    }
  }

  /// Runs the statement to its end and resets it.
  func run() throws(PulsehouseError) {
    defer { reset() }
    while try step() {}
  }

  func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

  /// Returns a number that is never negative; a negative one is damage.
  func unsigned(_ column: Int32) throws(PulsehouseError) -> UInt64 {
    guard sqlite3_column_type(handle, column) == SQLITE_INTEGER, let value = UInt64(exactly: integer(column)) else {
      throw damage()
    }
    return value
  }

  func text(_ column: Int32) throws(PulsehouseError) -> String {
    guard sqlite3_column_type(handle, column) == SQLITE_TEXT, let base = sqlite3_column_text(handle, column) else {
      throw damage()
    }
    let bytes = UnsafeBufferPointer(start: base, count: Int(sqlite3_column_bytes(handle, column)))
    guard let text = String(validating: bytes, as: UTF8.self) else { throw damage() }
    return text
  }

  func blob(_ column: Int32) throws(PulsehouseError) -> [UInt8] {
    guard sqlite3_column_type(handle, column) == SQLITE_BLOB else { throw damage() }
    guard let base = sqlite3_column_blob(handle, column) else { return [] }
    return [UInt8](UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(handle, column))))
  }

  func hash(_ column: Int32) throws(PulsehouseError) -> ContentHash {
    try ByteReader.reading(try blob(column), source: connection.path) { reader throws(PulsehouseError) in
      let hash = try reader.readHash()
      try reader.expectEnd()
      return hash
    }
  }

  func damage() -> PulsehouseError {
    PulsehouseError(.corrupt, "a row of the catalog holds a value that nobody wrote", file: connection.path)
  }

  private func note(_ code: Int32) -> Statement {
    if code != SQLITE_OK { bindingFailure = code }
    return self
  }

  /// Tells SQLite to copy what is bound.
  private static var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

  /// One byte that is never read, for texts of no length.
  nonisolated(unsafe) private static let nothing: UnsafePointer<CChar> = {
    // Never changed after this, so sharing it is safe.
    let byte = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
    byte.initialize(to: 0)
    return UnsafePointer(byte)
  }()
}
