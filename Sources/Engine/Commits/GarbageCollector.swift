import Bytes
import Metadata

/// What a collection did.
package struct CollectionReport: Hashable, Sendable {
  /// The oldest snapshot that can still be read.
  package var oldestSnapshot: SnapshotID
  package var removedFileCount = 0
  package var removedByteCount: Int64 = 0
  /// Files left alone because a live process may still commit them.
  package var keptUncommittedCount = 0
}

extension SnapshotStore {
  /// Removes what neither the newest `keeping` snapshots nor any live reader names.
  package func collect(keeping: Int) throws(PulsehouseError) -> CollectionReport {
    precondition(keeping >= 1, "the newest snapshot is always kept")
    let newest = try index.head().commit.number
    return try collect(before: SnapshotID(newest - min(newest - 1, UInt64(keeping) - 1)))
  }

  /// Removes what neither the snapshots from `oldest` on nor any live reader in any process names: segments of older
  /// snapshots, and what writers left that died before they committed.
  ///
  /// Order: the new limit is published first, then the readers' marks are looked at, so that a reader either shows its
  /// mark in time or finds its snapshot gone. Then the catalog forgets, a checkpoint makes that durable, and only then
  /// files go. A crash in between leaves files that the next collection removes.
  package func collect(before oldest: SnapshotID) throws(PulsehouseError) -> CollectionReport {
    try index.writing { catalog throws(PulsehouseError) in
      let sessions = Path.join(directory, "sessions")
      let head = try catalog.knownHead()
      let limit = max(head.floor, min(oldest.number, head.commit.number))
      try catalog.write { transaction throws(PulsehouseError) in try transaction.setFloor(limit) }
      let survey = try SessionMark.survey(sessions, fileSystem: fileSystem)
      let floor = min(limit, survey.oldestPin)
      let before = try catalog.itemKeys(startingWith: "tables/")
      try catalog.write(isSynced: true) { transaction throws(PulsehouseError) in try transaction.forget(before: floor) }
      try writeCheckpoint(catalog)

      var report = CollectionReport(oldestSnapshot: SnapshotID(limit))
      // First the files, then who is alive, then what is committed: a file that appears in the first and whose writer
      // is gone by the second was committed, if ever, before the third.
      var files: [String] = []
      try findFiles("tables", into: &files, depth: 0)
      let alive = try SessionMark.survey(sessions, fileSystem: fileSystem).live
      let committed = try catalog.itemKeys(startingWith: "tables/")
      for path in files where !committed.contains(path) {
        // What was committed once is nobody's work in progress, though its writer may still live.
        if !before.contains(path), let writer = Self.writer(of: path), alive.contains(writer) {
          report.keptUncommittedCount += 1
          continue
        }
        let byteCount = try fileSystem.status(absolutePath(path))?.byteCount ?? 0
        try fileSystem.removeFile(absolutePath(path))
        report.removedFileCount += 1
        report.removedByteCount += byteCount
      }
      for name in try index.records.list().others where name.hasSuffix(".tmp") {
        try fileSystem.removeFile(Path.join(index.records.directory, name))
      }
      return report
    }
  }

  /// Removes segments that were written for a transaction that came to nothing. Those that are gone already are fine.
  package func discardSegments(_ paths: [String]) {
    // What cannot be removed now is garbage collection's, once this process has ended.
    for path in paths { try? fileSystem.removeFile(absolutePath(path)) }
  }

  /// Lists the segments, whole or begun, below a directory, relative to the warehouse.
  private func findFiles(_ folder: String, into files: inout [String], depth: Int) throws(PulsehouseError) {
    // tables, schema, table, partition; whatever lies deeper is not ours.
    guard depth <= 4, try fileSystem.status(absolutePath(folder))?.isDirectory == true else { return }
    for name in try fileSystem.list(absolutePath(folder)) {
      let path = folder + "/" + name
      guard let status = try fileSystem.status(absolutePath(path)) else { continue }
      if status.isDirectory {
        try findFiles(path, into: &files, depth: depth + 1)
      } else if name.hasSuffix(".seg") || name.hasSuffix(".tmp") {
        files.append(path)
      }
    }
  }

  /// Returns the session that wrote a segment, or began to: the digits before `.seg`.
  private static func writer(of path: String) -> String? {
    let stem = Path.name(path).prefix { $0 != "." }
    return stem.utf8.count >= 12 ? String(stem.suffix(12)) : nil
  }
}
