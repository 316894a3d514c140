import Bytes
import Metadata

// How a catalog gets to know its records: opened and compared, rolled forward when it is behind, made anew when it is
// missing, damaged or not of this warehouse. The records are the truth; what they say is never changed here.

extension CatalogIndex {
  /// Opens the catalog, or compares the one that is open, and brings it abreast of the records.
  ///
  /// - Throws: `.corrupt`, naming the file, when a record is damaged or missing.
  func recover() throws(PulsehouseError) -> Catalog {
    if isReadOnly { return try recoverForReading() }
    switch try compare() {
    case .abreast(let catalog): return catalog
    case .behind(let catalog, _):
      // A record ahead of the catalog is a live writer's, half way through its commit, or a dead one's. Only in the
      // second case is the lock free; in the first, the commit is not acknowledged yet and need not be seen.
      guard let lock = try lock(timeoutMilliseconds: 0) else { return catalog }
      defer { withExtendedLifetime(lock) {} }
      return try lockedCatalog()
    case .unusable:
      guard let lock = try lock(timeoutMilliseconds: lockTimeoutMilliseconds) else {
        throw PulsehouseError(.conflict, "another process is writing and does not finish", file: directory)
      }
      defer { withExtendedLifetime(lock) {} }
      return try lockedCatalog()
    }
  }

  /// Returns the catalog abreast of the records. The caller holds the write lock.
  func lockedCatalog() throws(PulsehouseError) -> Catalog {
    switch try compare() {
    case .abreast(let catalog): return catalog
    case .behind(let catalog, let head):
      do throws(PulsehouseError) {
        let listing = try records.list()
        let last = try catalog.write { transaction throws(PulsehouseError) in
          try rollForward(transaction, from: head, listing: listing)
        }
        if last.commit.number > head.commit.number {
          notice("commits \(head.commit.number + 1) to \(last.commit.number) were missing in the catalog and are back")
        }
        return catalog
      } catch {
        guard isDamage(error) else { throw error }
        notice("the catalog is damaged and is rebuilt from the commit records (\(error.message))")
        return try rebuildLocked()
      }
    case .unusable(let reason):
      if let reason { notice("the catalog \(reason) and is rebuilt from the commit records") }
      return try rebuildLocked()
    }
  }

  /// Makes the catalog anew.
  func rebuild() throws(PulsehouseError) -> Catalog {
    if isReadOnly { return try rebuildInMemory() }
    guard let lock = try lock(timeoutMilliseconds: lockTimeoutMilliseconds) else {
      throw PulsehouseError(.conflict, "another process is writing and does not finish", file: directory)
    }
    defer { withExtendedLifetime(lock) {} }
    return try rebuildLocked()
  }

  /// Makes the catalog anew. The caller holds the write lock.
  func rebuildLocked() throws(PulsehouseError) -> Catalog {
    setCurrent(nil)
    try Catalog.reset(catalogPath)
    let catalog = try Catalog(catalogPath, isReadOnly: false, isDurable: fileSystem.isDurable)
    try fill(catalog)
    setCurrent(catalog)
    return catalog
  }

  // MARK: Reading only

  /// A warehouse that cannot be written: its catalog is used where it is good, else one is made in memory.
  private func recoverForReading() throws(PulsehouseError) -> Catalog {
    if fileSystem.canWrite(directory) {
      // SQLite needs to write beside the file even to read it, so this works in a directory that can be written.
      let comparison = try compare()
      if case .abreast(let catalog) = comparison { return catalog }
      if case .behind(let catalog, let head) = comparison, try isBeingWritten(after: head) { return catalog }
    }
    return try rebuildInMemory()
  }

  /// Returns whether the record after `head` is a live writer's.
  private func isBeingWritten(after head: CatalogHead) throws(PulsehouseError) -> Bool {
    guard try fileSystem.status(Path.join(directory, "write.lock")) != nil else { return false }
    guard try lock(timeoutMilliseconds: 0) != nil else { return true }
    return false
  }

  private func rebuildInMemory() throws(PulsehouseError) -> Catalog {
    let catalog = try Catalog(inMemoryFor: catalogPath)
    try fill(catalog)
    setCurrent(catalog)
    return catalog
  }

  // MARK: Comparing

  private enum Comparison {
    case abreast(Catalog)
    /// Good as far as it goes.
    case behind(Catalog, CatalogHead)
    /// To be made anew; `nil` when there was none at all.
    case unusable(String?)
  }

  /// Holds the catalog against the newest records.
  private func compare() throws(PulsehouseError) -> Comparison {
    var catalog = currentCatalog
    if catalog?.isCurrent != true { catalog = nil }
    let head: CatalogHead
    do throws(PulsehouseError) {
      if catalog == nil {
        if try fileSystem.status(catalogPath) == nil { return .unusable("is missing") }
        catalog = try Catalog(catalogPath, isReadOnly: isReadOnly, isDurable: fileSystem.isDurable)
      }
      guard let catalog, let found = try catalog.head() else { return .unusable("is empty") }
      head = found
    } catch {
      // When reading only, a catalog that cannot be opened is as good as none.
      guard isDamage(error) || isReadOnly else { throw error }
      return .unusable("is damaged")
    }
    guard let catalog else { return .unusable("is missing") }
    let number = head.commit.number
    // Listed after the head was read: others may commit in between, and every commit's record comes first.
    let listing = try records.list()
    guard let newest = listing.newest else {
      throw PulsehouseError(.corrupt, "the warehouse has no commit records", file: records.directory)
    }
    if number > newest {
      // Unless the catalog is another warehouse's, records that were acknowledged are gone.
      guard
        try records.read(newest, listing.commits.last == newest ? .commit : .checkpoint).record.warehouse
          == head.warehouse
      else { return .unusable("belongs to another warehouse") }
      throw PulsehouseError(
        .corrupt, "the commit record is missing, and the catalog knows it", file: records.path(newest + 1, .commit))
    }
    guard let witness = try witness(number, listing) else { return .unusable("is too old") }
    guard witness.warehouse == head.warehouse else { return .unusable("belongs to another warehouse") }
    guard witness.hash == head.commit.recordHash, witness.root == head.commit.root else {
      return .unusable("does not fit the commit records")
    }
    setCurrent(catalog)
    return number == newest ? .abreast(catalog) : .behind(catalog, head)
  }

  /// What the files of commit `number` say of it: its record, or a checkpoint that stands for it.
  private func witness(_ number: UInt64, _ listing: RecordFiles.Listing) throws(PulsehouseError)
    -> (warehouse: ContentHash, hash: ContentHash, root: ContentHash)?
  {
    let hasCheckpoint = listing.checkpoints.contains(number)
    if listing.commits.contains(number) {
      do throws(PulsehouseError) {
        let (record, hash) = try records.read(number, .commit)
        return (record.warehouse, hash, record.root)
      } catch {
        guard error.kind == .corrupt, hasCheckpoint else { throw error }
      }
    }
    guard hasCheckpoint else { return nil }
    let checkpoint = try records.read(number, .checkpoint).record
    return (checkpoint.warehouse, checkpoint.previous, checkpoint.root)
  }

  // MARK: Replaying

  /// Fills a catalog from the newest good checkpoint and the records after it.
  func fill(_ catalog: Catalog) throws(PulsehouseError) {
    let listing = try records.list()
    for checkpoint in listing.checkpoints.reversed() {
      let decoded: CommitRecord
      do throws(PulsehouseError) {
        decoded = try records.read(checkpoint, .checkpoint).record
      } catch {
        // An older checkpoint, or the first record, with all records after it, does as well.
        guard error.kind == .corrupt else { throw error }
        notice("\(error)")
        continue
      }
      try catalog.write { transaction throws(PulsehouseError) in
        try transaction.forgetEverything()
        let head = try restore(decoded, transaction)
        _ = try rollForward(transaction, from: head, listing: listing)
      }
      return
    }
    try catalog.write { transaction throws(PulsehouseError) in
      try transaction.forgetEverything()
      _ = try rollForward(transaction, from: nil, listing: listing)
    }
  }

  private func restore(_ checkpoint: CommitRecord, _ transaction: CatalogTransaction) throws(PulsehouseError)
    -> CatalogHead
  {
    let path = records.path(checkpoint.number, .checkpoint)
    var root = ContentHash.zero
    var commit: CatalogCommit?
    try checkpoint.forEachRow(path: path) { row throws(PulsehouseError) in
      try transaction.restore(row)
      switch row.content {
      case .object(let object) where row.removed == CatalogRow.never: root = root + object.hash
      case .commit(let found) where found.number == checkpoint.number: commit = found
      default: break
      }
    }
    guard let commit, commit.recordHash == checkpoint.previous, commit.root == checkpoint.root, root == commit.root
    else { throw PulsehouseError(.corrupt, "the checkpoint contradicts itself", file: path) }
    let head = CatalogHead(warehouse: checkpoint.warehouse, commit: commit, floor: checkpoint.floor)
    try transaction.setHead(head)
    return head
  }

  /// Applies all records after `head` (nil: from the first) and returns where that leads.
  private func rollForward(
    _ transaction: CatalogTransaction, from start: CatalogHead?, listing: RecordFiles.Listing
  ) throws(PulsehouseError) -> CatalogHead {
    var head = start
    var next = (start?.commit.number ?? 0) + 1
    let newest = listing.newest ?? 0
    while next <= newest {
      let path = records.path(next, .commit)
      guard listing.commits.contains(next) else {
        throw PulsehouseError(.corrupt, "the commit record is missing, though there are later ones", file: path)
      }
      let bytes = try records.bytes(next, .commit)
      let record: CommitRecord
      let hash: ContentHash
      do throws(PulsehouseError) {
        (record, hash) = try CommitRecord.decode(bytes, .commit, path: path)
      } catch {
        // The write that never finished cannot have been acknowledged. The next commit takes its number.
        guard error.kind == .corrupt, next == newest, head != nil, CommitRecord.isTorn(bytes) else { throw error }
        notice("\(path): the unfinished record of a commit that never was is removed")
        if !isReadOnly { try fileSystem.removeFile(path) }
        break
      }
      head = try apply(record, hash: hash, after: head, transaction, path: path)
      next += 1
    }
    guard let head else {
      throw PulsehouseError(.corrupt, "the warehouse has no commit records", file: records.directory)
    }
    return head
  }

  private func apply(
    _ record: CommitRecord, hash: ContentHash, after head: CatalogHead?, _ transaction: CatalogTransaction,
    path: String
  ) throws(PulsehouseError) -> CatalogHead {
    guard record.previous == (head?.commit.recordHash ?? .zero), record.number == (head?.commit.number ?? 0) + 1,
      head == nil || head?.warehouse == record.warehouse
    else {
      throw PulsehouseError(.corrupt, "the commit record does not follow the one before it", file: path)
    }
    let (message, changes) = try record.changes(path: path)
    var root = head?.commit.root ?? .zero
    for change in changes { root = root + (try transaction.apply(change, at: record.number).root) }
    guard root == record.root else {
      throw PulsehouseError(.corrupt, "the commit record leads to another state than it says", file: path)
    }
    let commit = CatalogCommit(
      number: record.number, recordHash: hash, root: root, timestamp: record.timestamp, message: message)
    let next = CatalogHead(
      warehouse: record.warehouse, commit: commit, floor: max(record.floor, head?.floor ?? 1))
    try transaction.setHead(next)
    return next
  }
}
