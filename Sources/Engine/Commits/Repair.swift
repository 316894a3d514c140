import Bytes
import Metadata

/// What a repair did.
package struct RepairReport: Sendable, Hashable {
  /// The commit the warehouse stands at now.
  package var newest: SnapshotID
  /// The commit whose record could not be read and that was given up with all after it; nil when nothing was lost.
  package var discardedFrom: SnapshotID?
  /// Damaged files that were put aside.
  package var putAside: [String]
}

extension SnapshotStore {
  /// Puts a warehouse right whose commit records are damaged, so that it opens again.
  ///
  /// The catalog is made anew from the records. Where a record is damaged but a catalog is there that knows that commit
  /// or a later one, and every sum in it is right, a checkpoint is written from it, and nothing is lost. Otherwise, and
  /// only with `discardingDamaged`, the warehouse goes back to the last commit before the damage. Damaged files are
  /// renamed, never removed.
  ///
  /// - Throws: `.corrupt` when something would be lost and `discardingDamaged` is false; `.conflict` while others
  ///   write.
  package static func repair(
    _ directory: String, discardingDamaged: Bool, fileSystem: any FileSystem = LocalFileSystem(),
    notice: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(PulsehouseError) -> RepairReport {
    guard try fileSystem.status(Path.join(directory, "commits")) != nil else {
      throw PulsehouseError(.io, "there is no warehouse here", sqlState: "58P01", file: directory)
    }
    let index = CatalogIndex(
      directory: directory, fileSystem: fileSystem, suffix: "repair", readOnlyReason: nil,
      lockTimeoutMilliseconds: 10_000, notice: notice)
    guard let lock = try index.lock(timeoutMilliseconds: 10_000) else {
      throw PulsehouseError(.conflict, "another process is writing", sqlState: "55P03", file: directory)
    }
    defer { withExtendedLifetime(lock) {} }

    let damaged = try index.damagedRecords()
    var report = RepairReport(newest: SnapshotID(0), discardedFrom: nil, putAside: [])
    if let first = damaged.first {
      if let catalog = try index.soundCatalog(atLeast: damaged.last?.number ?? first.number) {
        // The checkpoint stands for every record up to it, the damaged ones included.
        try writeCheckpoint(of: catalog, in: index)
        try index.putAside(damaged.map { index.records.path($0.number, $0.kind) }, &report)
      } else if try index.canDoWithout(damaged) {
        try index.putAside(damaged.map { index.records.path($0.number, $0.kind) }, &report)
      } else {
        guard discardingDamaged else {
          throw PulsehouseError(
            .corrupt, "commit \(first.number) cannot be read, and no sound catalog knows it",
            hint: "Restore the file from a backup, or repair with --discard to go back to commit \(first.number - 1).",
            file: index.records.path(first.number, first.kind))
        }
        let listing = try index.records.list()
        report.discardedFrom = SnapshotID(first.number)
        try index.putAside(
          listing.commits.filter { $0 >= first.number }.map { index.records.path($0, .commit) }
            + listing.checkpoints.filter { $0 >= first.number }.map { index.records.path($0, .checkpoint) }, &report)
      }
    }
    let catalog = try index.rebuildLocked()
    report.newest = SnapshotID(try catalog.knownHead().commit.number)
    return report
  }
}

extension CatalogIndex {
  struct DamagedRecord {
    var number: UInt64
    var kind: CommitRecord.Kind
  }

  /// Returns every record and checkpoint that cannot be read or, being absent, leaves a gap; in order.
  fileprivate func damagedRecords() throws(PulsehouseError) -> [DamagedRecord] {
    let listing = try records.list()
    var damaged: [DamagedRecord] = []
    // A checkpoint stands for the records up to its number, so that none of those need be there.
    var covered: UInt64 = 0
    for number in listing.checkpoints {
      do throws(PulsehouseError) {
        _ = try records.read(number, .checkpoint)
        covered = number
      } catch {
        guard error.kind == .corrupt else { throw error }
        damaged.append(DamagedRecord(number: number, kind: .checkpoint))
      }
    }
    var previous: (number: UInt64, hash: ContentHash)?
    for number in listing.commits {
      if let known = previous, known.number + 1 < number, covered < number - 1 {
        damaged.append(DamagedRecord(number: known.number + 1, kind: .commit))
        previous = nil
      }
      do throws(PulsehouseError) {
        let (record, hash) = try records.read(number, .commit)
        if let previous, previous.number + 1 == number, previous.hash != record.previous {
          damaged.append(DamagedRecord(number: number, kind: .commit))
        }
        previous = (number, hash)
      } catch {
        guard error.kind == .corrupt else { throw error }
        damaged.append(DamagedRecord(number: number, kind: .commit))
        previous = nil
      }
    }
    return damaged.sorted { $0.number < $1.number }
  }

  /// Returns the catalog when it is of this warehouse, stands at `number` or later, no record is newer than it, and
  /// everything in it agrees with its sums; else nil.
  fileprivate func soundCatalog(atLeast number: UInt64) throws(PulsehouseError) -> Catalog? {
    guard try fileSystem.status(catalogPath) != nil else { return nil }
    do throws(PulsehouseError) {
      let catalog = try Catalog(catalogPath, isReadOnly: false)
      guard let contents = try catalog.contents(), contents.head.commit.number >= number else { return nil }
      let listing = try records.list()
      guard contents.head.commit.number >= listing.newest ?? 0 else { return nil }
      // Some record that can be read must be of the same warehouse.
      var isOurs = false
      for number in listing.commits {
        guard let read = try? records.read(number, .commit) else { continue }
        guard read.record.warehouse == contents.head.warehouse else { return nil }
        isOurs = true
      }
      guard isOurs else { return nil }
      let state = try WarehouseState(contents.objects, at: contents.head.commit.number, index: self)
      for table in state.tables.values {
        _ = try catalog.items(
          of: table.identifier.rawValue, at: contents.head.commit.number, summary: table.summary)
      }
      for space in state.spaces.values {
        _ = try catalog.items(
          of: space.identifier.rawValue, at: contents.head.commit.number, summary: space.summary)
      }
      return catalog
    } catch {
      guard error.kind == .corrupt else { throw error }
      return nil
    }
  }

  /// Returns whether the newest state can be had without the damaged files: a good checkpoint stands after them.
  fileprivate func canDoWithout(_ damaged: [DamagedRecord]) throws(PulsehouseError) -> Bool {
    do throws(PulsehouseError) {
      try fill(try Catalog(inMemoryFor: catalogPath))
      return true
    } catch {
      guard error.kind == .corrupt else { throw error }
      return false
    }
  }

  /// Renames files so that nobody takes them for records any more.
  fileprivate func putAside(_ paths: [String], _ report: inout RepairReport) throws(PulsehouseError) {
    for path in paths where try fileSystem.status(path) != nil {
      try fileSystem.rename(path, to: path + ".damaged")
      report.putAside.append(path + ".damaged")
    }
    try fileSystem.syncDirectory(records.directory)
  }
}
