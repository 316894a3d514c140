import Bytes
import Metadata
import Synchronization

/// The durable core of a warehouse directory: snapshots out, commits in. SQL is the floor above's affair.
///
/// | path                                              | what                                                    |
/// |---------------------------------------------------|---------------------------------------------------------|
/// | `commits/<n>.commit`, `commits/<n>.checkpoint`    | the chain of commit records: the truth                  |
/// | `catalog.sqlite`                                  | its index; made anew from the records whenever need be  |
/// | `tables/<schema>/<table>-<id>/[<partition>/]*.seg` | segments                                               |
/// | `sessions/<id>`                                   | a locked file for each process that has it open         |
/// | `readers/<source>/<topic>/*`                      | locked by those who ingest a topic (`KafkaLeases`)      |
/// | `write.lock`                                      | locked by whoever commits                               |
///
/// Any number of threads and processes may use one directory. Readers wait for nobody. Commit.swift owns the order of
/// a commit, Recovery.swift what happens on open, GarbageCollector.swift what may be removed.
package final class SnapshotStore: Sendable {
  package enum Mode: Sendable {
    /// Makes the warehouse when there is none.
    case create
    /// Reads and writes an existing warehouse; only reads it when its directory cannot be written.
    case readWrite
    /// Reads an existing warehouse and changes nothing in it, apart from SQLite's companion files.
    case readOnly
  }

  /// The warehouse directory, as it was given.
  package let directory: String
  package let fileSystem: any FileSystem
  let index: CatalogIndex
  let mark: SessionMark
  let syncedDirectories = Mutex<Set<String>>([])
  private let newestState = Mutex<(head: CatalogCommit, state: WarehouseState)?>(nil)
  private let segmentCounter = Atomic<UInt64>(0)

  /// True when commits are refused, because of the mode or because the directory cannot be written.
  package var isReadOnly: Bool { index.isReadOnly }

  /// Opens the warehouse in `directory`, and puts right what a crash may have left. `notice` is told, a line each, of
  /// what had to be done.
  ///
  /// - Throws: `.io` when there is none or it cannot be read; `.corrupt`, naming the file, when commit records are
  ///   damaged or missing; `.unsupported` when a newer version wrote it.
  package init(
    _ directory: String, mode: Mode, fileSystem: any FileSystem = LocalFileSystem(),
    lockTimeoutMilliseconds: Int = 60_000, notice: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(PulsehouseError) {
    self.directory = directory
    self.fileSystem = fileSystem
    let commits = Path.join(directory, "commits")
    let sessions = Path.join(directory, "sessions")
    if mode == .create {
      try fileSystem.makeDirectory(commits)
      try fileSystem.makeDirectory(sessions)
      try fileSystem.makeDirectory(Path.join(directory, "tables"))
    } else if try fileSystem.status(commits) == nil {
      throw PulsehouseError(
        .io, "there is no warehouse here", sqlState: "58P01",
        hint: "Data arrives by `pulsehouse ingest`, or try `pulsehouse demo`.", file: directory)
    }
    var reason: PulsehouseError?
    if mode == .readOnly {
      reason = PulsehouseError(.io, "the warehouse is open for reading only", sqlState: "25006", file: directory)
    } else if !fileSystem.canWrite(directory) {
      reason = PulsehouseError(
        .io, "the warehouse is open for reading only, because its directory cannot be written", sqlState: "25006",
        hint: "Check the permissions of the directory, or whether its file system is mounted read-only.",
        file: directory)
    }
    do throws(PulsehouseError) {
      mark = try SessionMark(directory: fileSystem.canWrite(sessions) ? sessions : nil, fileSystem: fileSystem)
    } catch {
      // A full disk, say: what is there can be read all the same, though nobody else will know of it.
      mark = try SessionMark(directory: nil, fileSystem: fileSystem)
      if reason == nil { reason = error }
      notice("the warehouse is open for reading only: \(error)")
    }
    index = CatalogIndex(
      directory: directory, fileSystem: fileSystem, suffix: mark.identifier, readOnlyReason: reason,
      lockTimeoutMilliseconds: lockTimeoutMilliseconds, notice: notice)
    if mode == .create, reason == nil { try createFirstCommit() }
    _ = try index.recover()
  }

  // MARK: Snapshots

  /// Returns the newest snapshot, which stays readable for as long as it is kept.
  package func snapshot() throws(PulsehouseError) -> Snapshot {
    // Most often the newest state that is decoded still is the newest. Marked before the one look that says so, it
    // needs no second look to tell whether it was collected in between: the newest never is.
    if let known = newestState.withLock({ $0 }) {
      let pin = try SnapshotPin(mark, known.head.number)
      if try index.head().commit == known.head { return snapshot(known, pin) }
    }
    // A snapshot may be collected between being found and being marked; the next one is newer.
    for _ in 0..<100 {
      let number = try index.head().commit.number
      let pin = try SnapshotPin(mark, number)
      if let snapshot = try load(number, pin) { return snapshot }
    }
    throw PulsehouseError(.conflict, "snapshots are collected faster than they can be read", file: directory)
  }

  /// Returns the snapshot of an earlier commit.
  ///
  /// - Throws: `.user` when there was no such commit, or garbage collection has taken it.
  package func snapshot(at id: SnapshotID) throws(PulsehouseError) -> Snapshot {
    let pin = try SnapshotPin(mark, id.number)
    if let snapshot = try load(id.number, pin) { return snapshot }
    let head = try index.head()
    throw PulsehouseError(
      .user, "there is no snapshot \(id)", sqlState: "22023",
      detail: "Snapshots \(head.floor) to \(head.commit.number) can be read.")
  }

  /// Returns the commits that can still be read, newest first.
  package func history(limit: Int = .max) throws(PulsehouseError) -> [CommitSummary] {
    try index.reading { catalog throws(PulsehouseError) in
      let floor = try catalog.knownHead().floor
      return try catalog.commits(limit: limit).filter { $0.number >= floor }
        .map { CommitSummary(id: SnapshotID($0.number), timestamp: $0.timestamp, message: $0.message) }
    }
  }

  /// Loads snapshot `number`, which the caller has pinned; nil when it is not there any more.
  private func load(_ number: UInt64, _ pin: SnapshotPin) throws(PulsehouseError) -> Snapshot? {
    let known = newestState.withLock { $0 }
    if let known, known.head.number == number {
      guard number >= (try index.head().floor) else { return nil }
      return snapshot(known, pin)
    }
    guard let contents = try index.reading({ catalog throws(PulsehouseError) in try catalog.contents(at: number) })
    else { return nil }
    guard number >= contents.head.floor else { return nil }
    let state = try WarehouseState(contents.objects, at: number, index: index, previous: known?.state)
    remember(contents.head.commit, state)
    return snapshot((contents.head.commit, state), pin)
  }

  private func snapshot(_ known: (head: CatalogCommit, state: WarehouseState), _ pin: SnapshotPin) -> Snapshot {
    Snapshot(
      id: SnapshotID(known.head.number), timestamp: known.head.timestamp, isDraft: false, state: known.state,
      index: index, pin: pin)
  }

  /// Keeps the newest state decoded, for the next snapshot.
  func remember(_ commit: CatalogCommit, _ state: WarehouseState) {
    newestState.withLock { known in
      if let known, known.head.number >= commit.number { return }
      known = (commit, state)
    }
  }

  /// Returns the decoded state of `commit` when it is the newest known.
  func knownState(of commit: CatalogCommit) -> WarehouseState? {
    newestState.withLock { $0.flatMap { $0.head == commit ? $0.state : nil } }
  }

  // MARK: Segment files

  /// Returns where a path of a `SegmentDescriptor` lies.
  package func absolutePath(_ path: String) -> String { Path.join(directory, path) }

  /// Returns a path, relative to the warehouse directory, for a new segment of the table, and makes its directory.
  ///
  /// Write the file there (its directory need not be synced; the commit does that) and name it in a change. Not
  /// committed, it is removed by garbage collection once this process has ended. Paths of one process sort by time.
  package func newSegmentPath(_ table: TableName, _ identifier: TableIdentifier, partition: String? = nil)
    throws(PulsehouseError) -> String
  {
    var folder = "tables/\(Self.pathComponent(table.schema))/\(Self.pathComponent(table.name))-\(identifier)"
    if let partition { folder += "/" + Self.pathComponent(partition) }
    let counter = segmentCounter.add(1, ordering: .relaxed).newValue
    let time = hexadecimal(UInt64(bitPattern: MachineClock.microsecondsSince1970)).suffix(13)
    let order = hexadecimal(counter).suffix(6)
    try fileSystem.makeDirectory(absolutePath(folder))
    return "\(folder)/\(time)-\(order)-\(mark.identifier).seg"
  }

  /// Spells `text` so that it can be a file's name: everything but letters, digits, `_`, `=`, `-` and inner dots as
  /// `%` and two hexadecimal digits; what is too long for a name is cut and ends in its hash.
  package static func pathComponent(_ text: String) -> String {
    var component = ""
    for (index, byte) in text.utf8.enumerated() {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "="), UInt8(ascii: "-"):
        component.unicodeScalars.append(Unicode.Scalar(byte))
      case UInt8(ascii: ".") where index > 0: component.append(".")
      default: component += "%" + hexadecimal(UInt64(byte)).suffix(2)
      }
    }
    if component.utf8.count <= 120 { return component.isEmpty ? "%" : component }
    return component.prefix(100) + "~" + hexadecimal(XXH64.hash(Array(text.utf8)))
  }
}

/// A commit as history lists it.
package struct CommitSummary: Hashable, Sendable {
  package var id: SnapshotID
  /// Microseconds since 1970-01-01 UTC.
  package var timestamp: Int64
  package var message: String
}
