import Bytes
import Planning
import Segments
import Synchronization
import Vectors

// Engine: one warehouse. `Warehouse` opens a directory, `Session` runs SQL on it, `Transaction` gathers changes,
// `Commits/` makes them durable in one step and finds the way back after a crash. It knows storage and plans; where
// rows come from (files, Kafka) and what runs when (models) is the floor above's affair.

/// An open warehouse directory: snapshots to read, transactions to write, and what its sessions share.
package final class Warehouse: Sendable {
  package let store: SnapshotStore
  /// Open segment files, shared by all sessions.
  package let segmentCache = SegmentCache()
  let statistics = TableStatistics()
  /// What sessions have run.
  let queryLog = QueryLog()
  /// System tables of the floors above.
  private let addedTables = Mutex<[SystemTable]>([])

  /// Opens the warehouse in `directory`; see `SnapshotStore.init` for modes and errors. `notice` is told, a line each,
  /// what had to be put right.
  package init(
    _ directory: String, mode: SnapshotStore.Mode, fileSystem: any FileSystem = LocalFileSystem(),
    notice: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(PulsehouseError) {
    store = try SnapshotStore(directory, mode: mode, fileSystem: fileSystem, notice: notice)
  }

  /// Adds a system table; one of the same name is replaced.
  package func add(_ table: SystemTable) {
    addedTables.withLock { tables in tables = tables.filter { $0.name != table.name } + [table] }
  }

  /// Every system table, our own and those that were added.
  var systemTables: [SystemTable] { SystemTable.all + addedTables.withLock { $0 } }

  func systemTable(_ name: TableName) -> SystemTable? {
    SystemTable.named(name) ?? addedTables.withLock { $0.first { $0.name == name } }
  }

  package var fileSystem: any FileSystem { store.fileSystem }

  /// Returns the newest snapshot.
  package func snapshot() throws(PulsehouseError) -> Snapshot { try store.snapshot() }

  /// Returns the state at an earlier moment. - Throws: 22023 when there is none as old, or it was collected.
  package func snapshot(at moment: Moment) throws -> Snapshot {
    switch moment {
    case .commit(let number): return try store.snapshot(at: SnapshotID(number))
    case .time(let time):
      guard let commit = try store.history().first(where: { $0.timestamp <= time }) else {
        throw PulsehouseError(.user, "there is no snapshot as old as this", sqlState: "22023")
      }
      return try store.snapshot(at: commit.id)
    }
  }

  /// Begins a transaction on the newest snapshot. Nothing is locked until it commits.
  package func begin() throws(PulsehouseError) -> Transaction { Transaction(try store.snapshot(), in: self) }

  /// Lets go of the open files, and of what is known, of tables and segments that the newest snapshot has no more: for
  /// a process that stays. Statements that still read them are not disturbed.
  package func forgetUnused() throws {
    let tables = try snapshot().tables
    var paths: Set<String> = []
    for table in tables { for segment in try table.segments() { paths.insert(absolutePath(segment.path)) } }
    segmentCache.keep(paths)
    statistics.keep(Set(tables.map(\.identifier)))
  }

  package func absolutePath(_ path: String) -> String { store.absolutePath(path) }

  /// Returns the name under which the catalog files what lies at `path` inside the warehouse directory.
  func relativePath(_ path: String) -> String {
    let prefix = store.absolutePath("")
    return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)).trimmingSlash() : path
  }
}

extension String {
  fileprivate func trimmingSlash() -> String { hasPrefix("/") ? String(dropFirst()) : self }
}
