import Bytes
import Synchronization

// Metadata: the SQLite catalog, an index over the chain of commit records. It knows objects (tables, views, sources),
// the items they own (segments, state entries) and between which commits each can be seen; what their values mean is
// for Engine to say. It is not the truth: whatever it holds is checked against hashes that the records carry, and it
// can be thrown away and rebuilt from them. Read next: Catalog+Write.swift, then Engine's Commit.swift.

/// The index of one warehouse. Any thread may use it; reads and writes go by two connections, so a read does not wait
/// for a commit in progress.
package final class Catalog: Sendable {
  package let path: String
  package let isReadOnly: Bool
  let isDurable: Bool
  /// The database file as it was when opened; nil in memory. Another file under the same path is another catalog.
  private let identity: FileStatus?
  private let reader: LockedConnection
  private let writer: LockedConnection?

  /// The version of the tables below; a catalog of another version is rebuilt from the commit records.
  static let schemaVersion: Int64 = 1
  /// "PHCT": tells our files from other SQLite databases.
  static let applicationID: Int64 = 0x5048_4354

  /// Opens the catalog at `path`; with `isReadOnly` false it is made when missing.
  ///
  /// With `isDurable` false it is never synced, not even when asked.
  /// - Throws: `.corrupt` when the file is damaged or is not a catalog of ours; `.io`, `.conflict`.
  package init(_ path: String, isReadOnly: Bool, isDurable: Bool = true) throws(PulsehouseError) {
    self.path = path
    self.isReadOnly = isReadOnly
    self.isDurable = isDurable
    if isReadOnly {
      let connection = try Connection(path, .readOnly)
      try Self.checkVersion(connection)
      reader = LockedConnection(connection)
      writer = nil
    } else {
      let writing = try Connection(path, .readWrite)
      try Self.prepare(writing)
      if !isDurable { try writing.execute("PRAGMA synchronous = OFF;") }
      let reading = try Connection(path, .readWrite)
      try Self.checkVersion(reading)
      reader = LockedConnection(reading)
      writer = LockedConnection(writing)
    }
    identity = try LocalFileSystem().status(path)
  }

  /// Empties the catalog at `path`, however damaged, so that it can be opened and filled again. Done in place, because
  /// other processes may have it open. Call only while holding the warehouse's write lock.
  package static func reset(_ path: String) throws(PulsehouseError) {
    do throws(PulsehouseError) {
      try Connection(path, .readWrite).reset()
      try prepare(Connection(path, .readWrite))
    } catch {
      guard error.kind == .corrupt || error.kind == .internal else { throw error }
      // Not even SQLite takes it for a database. Its companions go first, lest they be applied to the next one.
      let local = LocalFileSystem()
      for suffix in ["-wal", "-shm", ""] where try local.status(path + suffix) != nil {
        try local.removeFile(path + suffix)
      }
    }
  }

  /// Makes an empty catalog in memory, for warehouses that cannot be written; `path` is for messages.
  package init(inMemoryFor path: String) throws(PulsehouseError) {
    self.path = path
    isReadOnly = false
    isDurable = false
    identity = nil
    let connection = try Connection(path, .memory)
    try Self.prepare(connection)
    reader = LockedConnection(connection)
    writer = nil
  }

  /// Returns whether `path` still names the file that was opened, and not one that replaced it.
  package var isCurrent: Bool {
    guard let identity else { return true }
    guard let now = try? LocalFileSystem().status(path) else { return false }
    return now.inode == identity.inode && now.device == identity.device
  }

  /// Runs `body` on the reading connection.
  func reading<Result>(_ body: (Connection) throws(PulsehouseError) -> Result) throws(PulsehouseError) -> Result {
    try reader.withLock(body)
  }

  /// Runs `body` on the writing connection, which in memory is the reading one.
  func writing<Result>(_ body: (Connection) throws(PulsehouseError) -> Result) throws(PulsehouseError) -> Result {
    guard !isReadOnly else { throw PulsehouseError(.internal, "the catalog is open for reading only", file: path) }
    if let writer { return try writer.withLock(body) }
    return try reader.withLock(body)
  }

  private static func prepare(_ connection: Connection) throws(PulsehouseError) {
    // The catalog is made from the records whenever it is missing or damaged, and rolled forward where it is behind: to
    // make it waits for no disk, and of its commits only those that say so. SQLite still syncs where a power cut could
    // else leave it damaged. The wal-mode pragma reads the file's first page, so damage there shows here.
    try connection.execute("PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL;")
    defer { try? connection.execute("PRAGMA synchronous = NORMAL;") }
    let application = try pragma(connection, "PRAGMA application_id")
    let version = try pragma(connection, "PRAGMA user_version")
    if application == 0 && version == 0 {
      try connection.execute(
        """
        BEGIN IMMEDIATE;
        CREATE TABLE IF NOT EXISTS head (
          only INTEGER PRIMARY KEY CHECK (only = 1), warehouse BLOB NOT NULL, number INTEGER NOT NULL,
          floor INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS commits (
          number INTEGER PRIMARY KEY, record_hash BLOB NOT NULL, root BLOB NOT NULL, timestamp INTEGER NOT NULL,
          message TEXT NOT NULL, hash BLOB NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS objects (
          removed INTEGER NOT NULL, kind INTEGER NOT NULL, name TEXT NOT NULL, added INTEGER NOT NULL,
          id INTEGER NOT NULL, value BLOB NOT NULL, hash BLOB NOT NULL,
          PRIMARY KEY (removed, kind, name, added)) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS items (
          owner INTEGER NOT NULL, removed INTEGER NOT NULL, key TEXT NOT NULL, added INTEGER NOT NULL,
          value BLOB NOT NULL, hash BLOB NOT NULL,
          PRIMARY KEY (owner, removed, key, added)) STRICT, WITHOUT ROWID;
        PRAGMA application_id = \(applicationID);
        PRAGMA user_version = \(schemaVersion);
        COMMIT;
        """)
    }
    try checkVersion(connection)
  }

  private static func checkVersion(_ connection: Connection) throws(PulsehouseError) {
    guard try pragma(connection, "PRAGMA application_id") == applicationID,
      try pragma(connection, "PRAGMA user_version") == schemaVersion
    else { throw PulsehouseError(.corrupt, "not a catalog of this version of pulsehouse", file: connection.path) }
  }

  private static func pragma(_ connection: Connection, _ name: StaticString) throws(PulsehouseError) -> Int64 {
    let statement = try connection.prepare(name)
    defer { statement.reset() }
    return try statement.step() ? statement.integer(0) : 0
  }
}

/// A connection that one thread at a time uses.
private final class LockedConnection: @unchecked Sendable {
  // Unchecked because the connection is only ever touched inside the lock.
  private let lock = Mutex(())
  private let connection: Connection

  init(_ connection: sending Connection) { self.connection = connection }

  func withLock<Value>(_ body: (Connection) throws(PulsehouseError) -> Value) throws(PulsehouseError) -> Value {
    try lock.withLock { _ throws(PulsehouseError) in try body(connection) }
  }
}
