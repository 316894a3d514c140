import Bytes
import Metadata
import Synchronization

/// The catalog of one warehouse together with the records it indexes: keeps it abreast of them, and makes it anew from
/// them when it is missing, damaged or another warehouse's. Recovery.swift has the how.
final class CatalogIndex: Sendable {
  /// The warehouse directory.
  let directory: String
  let fileSystem: any FileSystem
  let records: RecordFiles
  /// Why nothing can or shall be written; nil when it can. Then the catalog may live in memory.
  let readOnlyReason: PulsehouseError?
  var isReadOnly: Bool { readOnlyReason != nil }
  /// Told, in a line, of everything that was put right.
  let notice: @Sendable (String) -> Void

  private let current = Mutex<Catalog?>(nil)
  /// How long a writer waits for its turn.
  let lockTimeoutMilliseconds: Int

  init(
    directory: String, fileSystem: any FileSystem, suffix: String, readOnlyReason: PulsehouseError?,
    lockTimeoutMilliseconds: Int,
    notice: @escaping @Sendable (String) -> Void
  ) {
    self.directory = directory
    self.fileSystem = fileSystem
    self.readOnlyReason = readOnlyReason
    self.lockTimeoutMilliseconds = lockTimeoutMilliseconds
    self.notice = notice
    records = RecordFiles(directory: Path.join(directory, "commits"), fileSystem: fileSystem, suffix: suffix)
  }

  var catalogPath: String { Path.join(directory, "catalog.sqlite") }
  private var lockPath: String { Path.join(directory, "write.lock") }

  /// Runs `body` on the catalog. When that finds the catalog damaged, makes it anew and runs `body` once more.
  func reading<Result>(_ body: (Catalog) throws(PulsehouseError) -> Result) throws(PulsehouseError) -> Result {
    let catalog = try catalog()
    do throws(PulsehouseError) {
      return try body(catalog)
    } catch {
      guard isDamage(error) else { throw error }
      try replace(catalog, because: error)
      return try body(try self.catalog())
    }
  }

  /// Runs `body` while no other process or thread writes, on a catalog that is abreast of its records.
  ///
  /// - Throws: `.conflict` when the others do not finish in time.
  func writing<Result>(_ body: (Catalog) throws(PulsehouseError) -> Result) throws(PulsehouseError) -> Result {
    if let readOnlyReason { throw readOnlyReason }
    guard let lock = try lock(timeoutMilliseconds: lockTimeoutMilliseconds) else {
      throw PulsehouseError(
        .conflict, "another process has been writing for \(lockTimeoutMilliseconds / 1000) seconds",
        sqlState: "55P03", hint: "Try again when it is done.", file: directory)
    }
    defer { withExtendedLifetime(lock) {} }
    let catalog = try lockedCatalog()
    do throws(PulsehouseError) {
      return try body(catalog)
    } catch {
      guard isDamage(error) else { throw error }
      notice("the catalog is damaged and is rebuilt from the commit records (\(error.message))")
      return try body(try rebuildLocked())
    }
  }

  /// Returns a catalog that knows every commit acknowledged before the call.
  func catalog() throws(PulsehouseError) -> Catalog { try position().catalog }

  /// Returns where the catalog stands; it knows every commit acknowledged before the call.
  func head() throws(PulsehouseError) -> CatalogHead {
    if let head = try position().head { return head }
    return try reading { catalog throws(PulsehouseError) in try catalog.knownHead() }
  }

  /// Returns a catalog that knows every commit acknowledged before the call, and where it was seen to stand; nil when
  /// it had to be put right first.
  private func position() throws(PulsehouseError) -> (catalog: Catalog, head: CatalogHead?) {
    if let known = current.withLock({ $0 }), known.isCurrent {
      do throws(PulsehouseError) {
        if let head = try known.head(), !(try records.exists(head.commit.number + 1, .commit)) { return (known, head) }
      } catch {
        guard isDamage(error) else { throw error }
        notice("the catalog is damaged and is rebuilt from the commit records (\(error.message))")
        return (try rebuild(), nil)
      }
    }
    return (try recover(), nil)
  }

  func setCurrent(_ catalog: Catalog?) { current.withLock { $0 = catalog } }
  var currentCatalog: Catalog? { current.withLock { $0 } }

  /// Takes the write lock; nil when others keep it for longer than the time.
  func lock(timeoutMilliseconds: Int) throws(PulsehouseError) -> FileLock? {
    try fileSystem.lock(lockPath, .exclusive, timeoutMilliseconds: timeoutMilliseconds)
  }

  /// Returns whether the error speaks of the catalog file's content, so that making it anew may help.
  func isDamage(_ error: PulsehouseError) -> Bool { error.kind == .corrupt && error.file == catalogPath }

  private func replace(_ damaged: Catalog, because error: PulsehouseError) throws(PulsehouseError) {
    // Another thread may have made it anew already.
    if let current = currentCatalog, current !== damaged { return }
    notice("the catalog is damaged and is rebuilt from the commit records (\(error.message))")
    _ = try rebuild()
  }
}

extension Catalog {
  /// Where a catalog stands that is known to have been filled.
  func knownHead() throws(PulsehouseError) -> CatalogHead {
    guard let head = try head() else { throw PulsehouseError(.corrupt, "the catalog is empty", file: path) }
    return head
  }
}
