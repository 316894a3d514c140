import Bytes
import Metadata
import Synchronization

// The one file that owns the order of a commit:
//
//  1. The segments are on disk (their writer synced each before it got its name), and the directories that name them
//     are synced here, up to the warehouse's own.
//  2. The write lock is taken, so that processes write in turn. The catalog is rolled forward if it is behind.
//  3. SQLite's write transaction begins. Conflicts are looked for; the changes are applied to the catalog.
//  4. The commit record is written to a temporary name, synced, renamed, its directory synced. From here on the commit
//     stands, whatever happens.
//  5. SQLite's transaction is committed. When that fails, the next who looks rolls the catalog forward.

extension SnapshotStore {
  /// A checkpoint is written whenever this many commits have been made.
  static let checkpointInterval: UInt64 = 128

  /// Commits `changes`, made by a transaction that read `snapshot`, and returns the snapshot they lead to. All of them
  /// happen, or none; a commit without changes is the newest snapshot.
  ///
  /// - Throws: `.conflict` when somebody else changed the same things since `snapshot`; `.user` when a change cannot
  ///   be; `.io`. After any error nothing has changed.
  package func commit(_ changes: [Change], basedOn snapshot: Snapshot, message: String) throws(PulsehouseError)
    -> Snapshot
  {
    if changes.isEmpty { return try self.snapshot() }
    guard !snapshot.isDraft else {
      throw PulsehouseError(.internal, "a commit must be based on what was committed, not on a draft")
    }
    try makeSegmentsDurable(changes)
    return try index.writing { catalog throws(PulsehouseError) in
      var outcome: Outcome?
      do throws(PulsehouseError) {
        try catalog.write { transaction throws(PulsehouseError) in
          outcome = try commit(changes, basedOn: snapshot, message, catalog, transaction)
        }
      } catch {
        guard outcome != nil else { throw error }
        // The record is written, so the commit stands; the catalog learns of it from the record.
        index.notice("the catalog could not be brought up to date and will be: \(error.message)")
      }
      guard let outcome else { throw PulsehouseError(.internal, "a commit without an outcome") }
      remember(outcome.head.commit, outcome.state)
      let committed = Snapshot(
        id: SnapshotID(outcome.head.commit.number), timestamp: outcome.head.commit.timestamp, isDraft: false,
        state: outcome.state, index: index, pin: try SnapshotPin(mark, outcome.head.commit.number))
      if outcome.head.commit.number % Self.checkpointInterval == 0 {
        do throws(PulsehouseError) {
          try writeCheckpoint(catalog)
        } catch {
          // The chain is merely longer than it need be.
          index.notice("no checkpoint could be written: \(error)")
        }
      }
      return committed
    }
  }

  private struct Outcome {
    var head: CatalogHead
    var state: WarehouseState
  }

  /// Steps 3 and 4, inside the catalog's transaction.
  private func commit(
    _ changes: [Change], basedOn snapshot: Snapshot, _ message: String, _ catalog: Catalog,
    _ transaction: CatalogTransaction
  ) throws(PulsehouseError) -> Outcome {
    guard let head = try transaction.head() else {
      throw PulsehouseError(.corrupt, "the catalog is empty", file: catalog.path)
    }
    var current = knownState(of: head.commit)
    if current == nil { current = try checkedState(head, catalog, transaction) }
    guard let current else { throw PulsehouseError(.internal, "no state to commit to") }
    let number = head.commit.number + 1
    var editor = StateEditor(current, number: SnapshotID(number), seen: (snapshot.state, snapshot.id))
    for change in changes { try editor.apply(change) }

    var applied: [CatalogChange] = []
    var effects: [UInt64: CatalogTransaction.Effect] = [:]
    let spaces = Set(editor.state.spaces.values.map(\.identifier.rawValue))
    for change in editor.itemChanges {
      let owner: UInt64
      switch change {
      case .removeItem(let space, let key):
        // Removing a state entry that is not there is fine; a segment that is not there is not.
        if spaces.contains(space), try transaction.item(of: space, key: key) == nil { continue }
        owner = space
      case .putItem(let some, _), .removeAllItems(let some): owner = some
      case .putObject, .removeObject: continue
      }
      let effect = try transaction.apply(change, at: number)
      effects[owner, default: .init()].itemCount += effect.itemCount
      effects[owner, default: .init()].items = effects[owner, default: .init()].items + effect.items
      applied.append(change)
    }
    let (objectChanges, state) = try editor.finish(effects)
    var root = head.commit.root
    for change in objectChanges { root = root + (try transaction.apply(change, at: number).root) }
    applied.append(contentsOf: objectChanges)

    let record = CommitRecord(
      kind: .commit, warehouse: head.warehouse, number: number, previous: head.commit.recordHash, root: root,
      timestamp: max(MachineClock.microsecondsSince1970, head.commit.timestamp), floor: head.floor,
      payload: CommitRecord.payload(message, applied))
    let (bytes, hash) = try record.encode()
    let commit = CatalogCommit(
      number: number, recordHash: hash, root: root, timestamp: record.timestamp, message: message)
    let next = CatalogHead(warehouse: head.warehouse, commit: commit, floor: head.floor)
    try transaction.setHead(next)
    // Last, for nothing that can fail may follow but the catalog's own COMMIT.
    try index.records.write(bytes, number, .commit)
    return Outcome(head: next, state: state)
  }

  /// Decodes the state as it stands, and checks that it is what the head's record led to.
  private func checkedState(_ head: CatalogHead, _ catalog: Catalog, _ transaction: CatalogTransaction)
    throws(PulsehouseError) -> WarehouseState
  {
    let objects = try transaction.objects()
    guard objects.reduce(ContentHash.zero, { $0 + $1.hash }) == head.commit.root else {
      throw PulsehouseError(
        .corrupt, "the catalog's tables are not those of commit \(head.commit.number)", file: catalog.path)
    }
    return try WarehouseState(objects, at: head.commit.number, index: index)
  }

  /// Makes commit 1, which holds the schema `public`, unless there are records already.
  func createFirstCommit() throws(PulsehouseError) {
    guard let lock = try index.lock(timeoutMilliseconds: index.lockTimeoutMilliseconds) else {
      throw PulsehouseError(.conflict, "another process is writing and does not finish", file: directory)
    }
    defer { withExtendedLifetime(lock) {} }
    guard try index.records.list().newest == nil else { return }
    if try fileSystem.status(index.catalogPath) != nil,
      let head = try? Catalog(index.catalogPath, isReadOnly: false).head()
    {
      throw PulsehouseError(
        .corrupt, "the commit records are gone, of which the catalog knows \(head.commit.number)",
        hint: "Restore the directory from a backup, or remove the catalog to start with an empty warehouse.",
        file: index.records.directory)
    }
    let schema = CatalogObject(
      id: TableIdentifier.random().rawValue, kind: ObjectKind.schema.rawValue, name: "public", value: [])
    let warehouse = ContentHash(low: .random(in: 1 ... .max), high: .random(in: 1 ... .max))
    let record = CommitRecord(
      kind: .commit, warehouse: warehouse, number: 1, previous: .zero, root: schema.hash,
      timestamp: MachineClock.microsecondsSince1970,
      floor: 1, payload: CommitRecord.payload("warehouse created", [.putObject(schema)]))
    try fileSystem.syncDirectory(directory)
    try fileSystem.syncDirectory(Path.parent(directory))
    try index.records.write(try record.encode().bytes, 1, .commit)
    _ = try index.rebuildLocked()
  }

  // MARK: Segments

  /// Checks that the segments that changes add are there, and makes their names durable.
  private func makeSegmentsDurable(_ changes: [Change]) throws(PulsehouseError) {
    var folders: Set<String> = []
    for change in changes {
      let segments: [SegmentDescriptor]
      switch change {
      case .addSegments(_, let added): segments = added
      case .replaceSegments(_, _, let added, _): segments = added
      default: continue
      }
      for segment in segments {
        let path = absolutePath(segment.path)
        guard let status = try fileSystem.status(path), !status.isDirectory,
          status.byteCount == Int64(segment.byteCount)
        else {
          throw PulsehouseError(.internal, "a segment to be committed is missing or of another size", file: path)
        }
        folders.insert(Path.parent(segment.path))
      }
    }
    for folder in folders.sorted() {
      try fileSystem.syncDirectory(absolutePath(folder))
      // The directories above change only when one is made, and are synced once.
      var child = folder
      while child != "." {
        let isSynced = syncedDirectories.withLock { $0.contains(child) }
        if isSynced { break }
        let parent = Path.parent(child)
        try fileSystem.syncDirectory(parent == "." ? directory : absolutePath(parent))
        syncedDirectories.withLock { _ = $0.insert(child) }
        child = parent
      }
    }
  }

  // MARK: Checkpoints

  /// Writes a checkpoint that stands for all records so far, and removes the records and checkpoints that are no longer
  /// needed: those before the checkpoint before. The caller holds the write lock.
  func writeCheckpoint(_ catalog: Catalog) throws(PulsehouseError) {
    try Self.writeCheckpoint(of: catalog, in: index)
  }

  static func writeCheckpoint(of catalog: Catalog, in index: CatalogIndex) throws(PulsehouseError) {
    var writer = ByteWriter()
    let head = try catalog.write { transaction throws(PulsehouseError) in
      try transaction.forEachRow { row throws(PulsehouseError) in CommitRecord.append(row, to: &writer) }
      return try transaction.head()
    }
    guard let head else { throw PulsehouseError(.corrupt, "the catalog is empty", file: catalog.path) }
    let checkpoint = CommitRecord(
      kind: .checkpoint, warehouse: head.warehouse, number: head.commit.number, previous: head.commit.recordHash,
      root: head.commit.root, timestamp: MachineClock.microsecondsSince1970, floor: head.floor, payload: writer.bytes)
    let records = index.records
    try records.write(try checkpoint.encode().bytes, head.commit.number, .checkpoint)
    let listing = try records.list()
    guard let previous = listing.checkpoints.last(where: { $0 < head.commit.number }) else { return }
    for number in listing.checkpoints where number < previous {
      try index.fileSystem.removeFile(records.path(number, .checkpoint))
    }
    for number in listing.commits where number <= previous {
      try index.fileSystem.removeFile(records.path(number, .commit))
    }
  }
}
