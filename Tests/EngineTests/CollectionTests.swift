import Bytes
import Engine
import Glibc
import TestKit
import Testing

@Suite(.serialized) struct CollectionTests {
  private let local = LocalFileSystem()

  /// Replaces all rows of the table by a segment of `rowCount` rows.
  private func rewrite(_ store: SnapshotStore, _ rowCount: Int) throws {
    let base = try store.snapshot()
    let state = try #require(base.table(eventTable))
    let segment = try store.fakeSegment(eventTable, state.identifier, rowCount: rowCount)
    _ = try store.commit(
      [.replaceSegments(eventTable, removing: try state.segments(), adding: [segment], .rows)], basedOn: base,
      message: "rewrite")
  }

  private func segmentCount(_ store: SnapshotStore, _ snapshot: Snapshot) throws -> Int {
    let folder = try #require(try snapshot.table(eventTable)?.segments().first).path
    return try local.list(Path.parent(store.absolutePath(folder))).count
  }

  @Test(arguments: [1, 2, 3, 100]) func theNewestAreKept(_ keeping: Int) throws {
    try withScratchDirectory(inMemory: true) { directory in
      let store = try SnapshotStore.open(directory)
      try store.createTable()
      for rows in 1...5 { try rewrite(store, rows) }
      let report = try store.collect(keeping: keeping)
      let oldest = max(1, 8 - keeping)
      #expect(report.oldestSnapshot == SnapshotID(UInt64(oldest)))
      #expect(report.removedFileCount == max(0, 5 - keeping))
      for number in max(oldest, 3)...7 {
        let snapshot = try store.snapshot(at: SnapshotID(UInt64(number)))
        #expect(try snapshot.checkedRowCount(in: store) == number - 2)
      }
      if oldest > 1 {
        #expect(throws: PulsehouseError.self) { try store.snapshot(at: SnapshotID(UInt64(oldest - 1))) }
      }
      #expect(try store.history().count == 8 - oldest)
      #expect(try store.collect(keeping: keeping).removedFileCount == 0)
    }
  }

  @Test func readersKeepTheirSnapshots() throws {
    try withScratchDirectory(inMemory: true) { directory in
      let store = try SnapshotStore.open(directory)
      let reader = try SnapshotStore.open(directory, .readOnly)
      try store.createTable()
      try rewrite(store, 1)
      // Not loaded yet: the catalog must keep it too.
      var pinned: Snapshot? = try reader.snapshot()
      try rewrite(store, 2)
      try rewrite(store, 3)
      #expect(try store.collect(keeping: 1).removedFileCount == 1 - 1)
      #expect(try pinned?.checkedRowCount(in: reader) == 1)
      // Nobody else may choose it any more.
      #expect(throws: PulsehouseError.self) { try store.snapshot(at: SnapshotID(3)) }
      pinned = nil
      #expect(try store.collect(keeping: 1).removedFileCount == 2)
      #expect(try store.snapshot().checkedRowCount(in: store) == 3)
      #expect(try reader.snapshot().checkedRowCount(in: reader) == 3)
    }
  }

  @Test func liveWritersKeepWhatTheyHaveNotCommitted() throws {
    try withScratchDirectory(inMemory: true) { directory in
      let store = try SnapshotStore.open(directory)
      try store.createTable()
      try store.append(1)
      do {
        let writer = try SnapshotStore.open(directory)
        let base = try writer.snapshot()
        let identifier = try #require(base.table(eventTable)).identifier
        let pending = try writer.fakeSegment(eventTable, identifier, rowCount: 2)
        _ = try writer.fakeSegment(eventTable, identifier, rowCount: 50)
        let report = try store.collect(keeping: 1)
        #expect(report.removedFileCount == 0)
        #expect(report.keptUncommittedCount == 2)
        _ = try writer.commit([.addSegments(eventTable, [pending])], basedOn: base, message: "")
      }
      #expect(try store.collect(keeping: 1).removedFileCount == 1)
      #expect(try store.snapshot().checkedRowCount(in: store) == 3)
      #expect(try segmentCount(store, try store.snapshot()) == 2)
    }
  }

  @Test func discardedSegmentsAreGone() throws {
    try withScratchDirectory(inMemory: true) { directory in
      let store = try SnapshotStore.open(directory)
      try store.createTable()
      let identifier = try #require(try store.snapshot().table(eventTable)).identifier
      let segment = try store.fakeSegment(eventTable, identifier, rowCount: 2)
      store.discardSegments([segment.path, "tables/never/there.seg"])
      #expect(try local.status(store.absolutePath(segment.path)) == nil)
    }
  }

  /// A reader in another process that is killed lets go of its snapshot.
  @Test func aKilledReaderLetsGo() async throws {
    let directory = try makeScratchDirectory(inMemory: true)
    defer { removeTree(directory) }
    let store = try SnapshotStore.open(directory)
    try store.createTable()
    try rewrite(store, 1)
    async let child: ExitTest.Result? = #expect(processExitsWith: .signal(SIGKILL)) {
      [directory = directory as String] in
      let store = try SnapshotStore.open(directory, .readWrite)
      let snapshot = try store.snapshot()
      try overwriteFile(Path.join(directory, "ready"), [1])
      while try LocalFileSystem().status(Path.join(directory, "go")) == nil { usleep(1000) }
      // Its files are still there, though everybody else has moved on.
      guard try snapshot.checkedRowCount(in: store) == 1 else { exit(1) }
      kill(getpid(), SIGKILL)
    }
    while try local.status(Path.join(directory, "ready")) == nil { usleep(1000) }
    try rewrite(store, 2)
    #expect(try store.collect(keeping: 1).removedFileCount == 0)
    try overwriteFile(Path.join(directory, "go"), [1])
    _ = await child
    #expect(try store.collect(keeping: 1).removedFileCount == 1)
  }

  /// A table of 20,000 segments: opening does not load its list, and loading it checks every entry.
  @Test func manySegmentsOpenFast() throws {
    try withScratchDirectory(inMemory: true) { directory in
      let imaginary = ImaginarySegments()
      let count = 20_000
      do {
        let store = try SnapshotStore.open(directory, fileSystem: imaginary)
        let base = try store.createTable()
        let identifier = try #require(base.table(eventTable)).identifier
        let template = try store.fakeSegment(eventTable, identifier, rowCount: 9)
        let segments = (0..<count).map { number in
          var segment = template
          segment.path = "tables/public/many/\(number)-000000000000.seg"
          return segment
        }
        _ = try store.commit([.addSegments(eventTable, segments)], basedOn: base, message: "many")
      }
      let clock = ContinuousClock()
      var snapshot: Snapshot?
      let opening = try clock.measure {
        snapshot = try SnapshotStore.open(directory, .readWrite, fileSystem: imaginary).snapshot()
      }
      var loaded = 0
      let loading = try clock.measure { loaded = try snapshot?.table(eventTable)?.segments().count ?? 0 }
      #expect(loaded == count)
      print("20,000 segments: opened in \(opening), listed in \(loading)")
      // Far more than it takes, also in a debug build on a busy machine.
      #expect(opening < .seconds(3))
      #expect(loading < .seconds(10))
    }
  }
}

/// This machine's file system, on which every segment is there with nine bytes, and directories need no sync.
private struct ImaginarySegments: FileSystem {
  private let local = LocalFileSystem()

  func status(_ path: String) throws(PulsehouseError) -> FileStatus? {
    guard path.hasSuffix(".seg") else { return try local.status(path) }
    return FileStatus(isDirectory: false, byteCount: 9, modifiedNanoseconds: 0, device: 0, inode: 0)
  }
  func syncDirectory(_ path: String) throws(PulsehouseError) {}
  func createFile(_ path: String, _ creation: FileCreation) throws(PulsehouseError) -> any WritableFile {
    try local.createFile(path, creation)
  }
  func rename(_ source: String, to destination: String) throws(PulsehouseError) {
    try local.rename(source, to: destination)
  }
  func removeFile(_ path: String) throws(PulsehouseError) { try local.removeFile(path) }
  func makeDirectory(_ path: String) throws(PulsehouseError) { try local.makeDirectory(path) }
  func removeDirectory(_ path: String) throws(PulsehouseError) { try local.removeDirectory(path) }
  func lock(_ path: String, _ sharing: FileLock.Sharing, timeoutMilliseconds: Int) throws(PulsehouseError)
    -> FileLock?
  { try local.lock(path, sharing, timeoutMilliseconds: timeoutMilliseconds) }
  func canWrite(_ path: String) -> Bool { local.canWrite(path) }
  func readFile(_ path: String, limit: Int) throws(PulsehouseError) -> [UInt8] {
    try local.readFile(path, limit: limit)
  }
  func map(_ path: String) throws(PulsehouseError) -> MappedFile { try local.map(path) }
  func list(_ path: String) throws(PulsehouseError) -> [String] { try local.list(path) }
}
