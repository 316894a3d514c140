import Bytes
import Segments
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

  /// Opens the warehouse in `directory`; see `SnapshotStore.init` for modes and errors. `notice` is told, a line each,
  /// what had to be put right.
  package init(
    _ directory: String, mode: SnapshotStore.Mode, fileSystem: any FileSystem = LocalFileSystem(),
    notice: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(PulsehouseError) {
    store = try SnapshotStore(directory, mode: mode, fileSystem: fileSystem, notice: notice)
  }

  package var fileSystem: any FileSystem { store.fileSystem }

  /// Returns the newest snapshot.
  package func snapshot() throws(PulsehouseError) -> Snapshot { try store.snapshot() }

  /// Begins a transaction on the newest snapshot. Nothing is locked until it commits.
  package func begin() throws(PulsehouseError) -> Transaction { Transaction(try store.snapshot(), in: self) }

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
