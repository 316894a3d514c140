import Bytes
import Glibc
import Synchronization

/// The file system of this machine, with a fault at a chosen operation.
///
/// Counts what changes something: creating, writing, syncing, renaming, removing, making and syncing directories. After
/// a fault that ends the process (all but `.fail`), every later operation fails too, as if nobody were there to do it;
/// `powerCut` then undoes what was never synced, newest first, as a machine without power may have lost it.
package final class FaultyFileSystem: FileSystem {
  package enum Fault: Sendable, Hashable, CaseIterable {
    /// The operation fails with ENOSPC and does nothing; the next ones work.
    case fail
    /// The process ends just before the operation.
    case stop
    /// A write reaches the disk by half, then the process ends; other operations are done, then it ends.
    case tear
    /// As `.stop`, and then the machine loses power: what was not synced is gone.
    case powerCut
    /// The same, but of a file not synced only the second half is gone.
    case tornPowerCut
  }

  private let local = LocalFileSystem()
  private let fault: Fault
  private let target: Int
  private let state: Mutex<State>

  private struct State {
    var count = 0
    var isDead = false
    var names: [String] = []
    var journal: [Undo] = []
    /// Whether a sync of everything was cut in the middle.
    var wasTorn = false
  }

  /// How to undo an operation that was not synced yet.
  private enum Undo {
    case created(String)
    case wrote(path: String, byteCount: Int)
    case renamed(from: String, to: String, replaced: [UInt8]?)
    case removed(path: String, content: [UInt8])
    case madeDirectory(String)

    /// The directory whose sync makes it durable; nil for a file's content.
    var directory: String? {
      switch self {
      case .created(let path), .madeDirectory(let path), .removed(let path, _): Path.parent(path)
      case .renamed(_, let to, _): Path.parent(to)
      case .wrote: nil
      }
    }
  }

  /// Makes the `target`-th operation (from 0) go wrong; a negative one never.
  package init(_ fault: Fault = .fail, at target: Int = -1) {
    self.fault = fault
    self.target = target
    state = Mutex(State())
  }

  /// Operations so far.
  package var operationCount: Int { state.withLock { $0.count } }

  /// What they were, in order.
  package var operations: [String] { state.withLock { $0.names } }

  /// Whether the fault has happened.
  package var hasStruck: Bool { state.withLock { target >= 0 && $0.count > target } }

  /// Undoes what was not synced, when the fault is a power cut. Call when everything that used this is gone.
  package func settle() throws {
    guard hasStruck, fault == .powerCut || fault == .tornPowerCut else { return }
    let journal = state.withLock { $0.journal }
    for undo in journal.reversed() {
      switch undo {
      case .created(let path): removeTree(path)
      case .madeDirectory(let path): removeTree(path)
      case .wrote(let path, let byteCount):
        guard let bytes = try? local.readFile(path, limit: 1 << 30), bytes.count >= byteCount else { continue }
        let lost = fault == .tornPowerCut ? (byteCount + 1) / 2 : byteCount
        try overwriteFile(path, Array(bytes.dropLast(lost)))
      case .renamed(let from, let to, let replaced):
        guard try local.status(to) != nil else { continue }
        try local.rename(to, to: from)
        if let replaced { try overwriteFile(to, replaced) }
      case .removed(let path, let content):
        try overwriteFile(path, content)
      }
    }
  }

  private enum Verdict {
    case go
    case half
  }

  /// Counts an operation and decides what becomes of it.
  private func begin(_ name: String, _ path: String) throws(PulsehouseError) -> Verdict {
    let outcome: (Verdict, Int32) = state.withLock { state in
      if state.isDead { return (.go, EIO) }
      let number = state.count
      state.count += 1
      state.names.append("\(name) \(path)")
      guard number == target else { return (.go, 0) }
      switch fault {
      case .fail: return (.go, ENOSPC)
      case .stop, .powerCut, .tornPowerCut:
        state.isDead = true
        return (.go, EIO)
      case .tear:
        state.isDead = true
        return (.half, 0)
      }
    }
    if outcome.1 != 0 { throw .system(name, path, code: outcome.1) }
    return outcome.0
  }

  private func note(_ undo: Undo) { state.withLock { $0.journal.append(undo) } }

  // MARK: Operations

  package func createFile(_ path: String, _ creation: FileCreation) throws(PulsehouseError) -> any WritableFile {
    _ = try begin("create", path)
    let file = try local.createFile(path, creation)
    note(.created(path))
    return File(file, self)
  }

  package func rename(_ source: String, to destination: String) throws(PulsehouseError) {
    _ = try begin("rename", destination)
    let replaced = try? local.readFile(destination, limit: 1 << 30)
    try local.rename(source, to: destination)
    state.withLock { state in
      // The file's own content is known by its new name from here on.
      state.journal = state.journal.map { undo in
        if case .wrote(source, let byteCount) = undo { return .wrote(path: destination, byteCount: byteCount) }
        return undo
      }
      state.journal.append(.renamed(from: source, to: destination, replaced: replaced))
    }
  }

  package func removeFile(_ path: String) throws(PulsehouseError) {
    _ = try begin("remove", path)
    let content = (try? local.readFile(path, limit: 1 << 30)) ?? []
    try local.removeFile(path)
    note(.removed(path: path, content: content))
  }

  package func makeDirectory(_ path: String) throws(PulsehouseError) {
    if try local.status(path)?.isDirectory == true { return }
    let parent = Path.parent(path)
    if parent != ".", parent != path { try makeDirectory(parent) }
    _ = try begin("make directory", path)
    try local.makeDirectory(path)
    note(.madeDirectory(path))
  }

  package func removeDirectory(_ path: String) throws(PulsehouseError) {
    _ = try begin("remove directory", path)
    try local.removeDirectory(path)
  }

  package func syncDirectory(_ path: String) throws(PulsehouseError) {
    _ = try begin("sync directory", path)
    try local.syncDirectory(path)
    state.withLock { $0.journal.removeAll { $0.directory == path } }
  }

  package func writingSpan(_ directory: String) throws(PulsehouseError) -> (any WritingSpan)? {
    try local.writingSpan(directory).map { Span($0, directory, self) }
  }

  /// Makes all safe that was done so far. When the power goes meanwhile, what was done first may be safe already.
  fileprivate func synchronize(_ span: any WritingSpan, _ directory: String) throws(PulsehouseError) {
    do throws(PulsehouseError) {
      _ = try begin("sync all", directory)
    } catch {
      if fault == .tornPowerCut, hasStruck {
        state.withLock { state in
          guard state.count == target + 1, !state.wasTorn else { return }
          state.wasTorn = true
          state.journal.removeFirst(state.journal.count / 2)
        }
      }
      throw error
    }
    try span.synchronize()
    state.withLock { $0.journal = [] }
  }

  fileprivate func write(_ file: any WritableFile, _ bytes: UnsafeRawBufferPointer) throws(PulsehouseError) {
    switch try begin("write", file.path) {
    case .go:
      try file.write(bytes)
      note(.wrote(path: file.path, byteCount: bytes.count))
    case .half:
      try file.write(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)]))
      throw .system("write", file.path, code: EIO)
    }
  }

  fileprivate func synchronize(_ file: any WritableFile) throws(PulsehouseError) {
    _ = try begin("sync", file.path)
    try file.synchronize()
    state.withLock { state in
      state.journal.removeAll { undo in
        if case .wrote(file.path, _) = undo { return true }
        return false
      }
    }
  }

  package func readFile(_ path: String, limit: Int) throws(PulsehouseError) -> [UInt8] {
    try requireLife("read", path)
    return try local.readFile(path, limit: limit)
  }

  /// A process that ended reads nothing either, nor writes a catalog by what it read.
  private func requireLife(_ action: String, _ path: String) throws(PulsehouseError) {
    if state.withLock({ $0.isDead }) { throw .system(action, path, code: EIO) }
  }

  package func map(_ path: String) throws(PulsehouseError) -> MappedFile { try local.map(path) }

  package func list(_ path: String) throws(PulsehouseError) -> [String] {
    try requireLife("list", path)
    return try local.list(path)
  }

  package func status(_ path: String) throws(PulsehouseError) -> FileStatus? { try local.status(path) }

  package func canWrite(_ path: String) -> Bool { local.canWrite(path) }

  package func lock(_ path: String, _ sharing: FileLock.Sharing, timeoutMilliseconds: Int) throws(PulsehouseError)
    -> FileLock?
  {
    try local.lock(path, sharing, timeoutMilliseconds: timeoutMilliseconds)
  }

  private final class File: WritableFile {
    let base: any WritableFile
    let owner: FaultyFileSystem
    var path: String { base.path }

    init(_ base: any WritableFile, _ owner: FaultyFileSystem) {
      self.base = base
      self.owner = owner
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(PulsehouseError) { try owner.write(base, bytes) }
    func synchronize() throws(PulsehouseError) { try owner.synchronize(base) }
    func close() throws(PulsehouseError) { try base.close() }
  }

  private final class Span: WritingSpan {
    let base: any WritingSpan
    let directory: String
    let owner: FaultyFileSystem

    init(_ base: any WritingSpan, _ directory: String, _ owner: FaultyFileSystem) {
      self.base = base
      self.directory = directory
      self.owner = owner
    }

    func synchronize() throws(PulsehouseError) { try owner.synchronize(base, directory) }
  }
}
