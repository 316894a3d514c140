import Bytes
import Engine
import Glibc
import TestKit
import Testing

@Suite struct RecoveryTests {
  private let local = LocalFileSystem()

  private func prepare(_ directory: String) throws {
    let store = try SnapshotStore.open(directory)
    try store.createTable()
    try store.append(3)
    try store.append(7)
    _ = try store.commit(
      [.putState(.source("lake"), key: "file", value: [1, 2, 3])], basedOn: try store.snapshot(), message: "state")
  }

  private func check(_ directory: String, _ mode: SnapshotStore.Mode = .readWrite, notices: Notices = Notices()) throws
  {
    let store = try SnapshotStore.open(directory, mode, notices: notices)
    let snapshot = try store.snapshot()
    #expect(snapshot.id == SnapshotID(5))
    #expect(try snapshot.checkedRowCount(in: store) == 10)
    #expect(try snapshot.entries(of: .source("lake")) == ["file": [1, 2, 3]])
    #expect(try store.snapshot(at: SnapshotID(3)).checkedRowCount(in: store) == 3)
  }

  private func record(_ directory: String, _ number: Int) -> String {
    let digits = String(number)
    return Path.join(directory, "commits/\(String(repeating: "0", count: 20 - digits.count))\(digits).commit")
  }

  private func catalogFiles(_ directory: String) throws -> [String] {
    try local.list(directory).filter { $0.hasPrefix("catalog.sqlite") }.map { Path.join(directory, $0) }
  }

  @Test func aMissingCatalogIsRebuilt() throws {
    try withScratchDirectory(inMemory: true) { directory in
      try prepare(directory)
      for file in try catalogFiles(directory) { try local.removeFile(file) }
      let notices = Notices()
      try check(directory, notices: notices)
      #expect(notices.all.count == 1)
      #expect(notices.all.first?.contains("missing") == true)
      let none = Notices()
      try check(directory, notices: none)
      #expect(none.all == [])
    }
  }

  @Test func anEmptyAGarbageAndAForeignCatalogAreRebuilt() throws {
    try withScratchDirectory(inMemory: true) { directory in
      try prepare(directory)
      let path = Path.join(directory, "catalog.sqlite")
      for content in [[], [UInt8](repeating: 0x5A, count: 20_000), Array("SQLite format 3\0".utf8)] {
        try overwriteFile(path, content)
        let notices = Notices()
        try check(directory, notices: notices)
        #expect(notices.all.count == 1)
      }
      try withScratchDirectory(inMemory: true) { other in
        try prepare(other)
        try overwriteFile(path, try local.readFile(Path.join(other, "catalog.sqlite"), limit: 1 << 30))
      }
      let notices = Notices()
      try check(directory, notices: notices)
      #expect(notices.all.count == 1)
      #expect(notices.all.first?.contains("another warehouse") == true)
    }
  }

  @Test func aCatalogBehindItsRecordsIsRolledForward() throws {
    try withScratchDirectory(inMemory: true) { directory in
      let saved = Path.join(directory, "saved")
      do {
        let store = try SnapshotStore.open(directory)
        try store.createTable()
      }
      try copyTree(Path.join(directory, "catalog.sqlite"), to: saved)
      do {
        let store = try SnapshotStore.open(directory)
        try store.append(3)
        try store.append(7)
        _ = try store.commit(
          [.putState(.source("lake"), key: "file", value: [1, 2, 3])], basedOn: try store.snapshot(), message: "")
      }
      for file in try catalogFiles(directory) { try local.removeFile(file) }
      try copyTree(saved, to: Path.join(directory, "catalog.sqlite"))
      let notices = Notices()
      try check(directory, notices: notices)
      #expect(notices.all == ["commits 3 to 5 were missing in the catalog and are back"])
    }
  }

  /// Whatever byte of the catalog is damaged, every answer is right; most of the damage goes unnoticed, being in free
  /// space, and the rest is repaired.
  @Test func aDamagedCatalogNeverLies() throws {
    try withScratchDirectory(inMemory: true) { scratch in
      let template = Path.join(scratch, "template")
      try prepare(template)
      let content = try local.readFile(Path.join(template, "catalog.sqlite"), limit: 1 << 30)
      var random = SystemRandomNumberGenerator()
      var repaired = 0
      for round in 0..<60 {
        let directory = Path.join(scratch, "round")
        try copyTree(template, to: directory)
        for file in try catalogFiles(directory) { try local.removeFile(file) }
        var damaged = content
        // Some rounds in the header, some anywhere there is something.
        let position =
          round < 20
          ? Int.random(in: 0..<100, using: &random)
          : (0..<10_000).lazy.map { _ in Int.random(in: 0..<content.count, using: &random) }
            .first { content[$0] != 0 } ?? 0
        damaged[position] ^= UInt8(1 << Int.random(in: 0..<8, using: &random))
        try overwriteFile(Path.join(directory, "catalog.sqlite"), damaged)
        let notices = Notices()
        do {
          try check(directory, notices: notices)
        } catch {
          Issue.record("byte \(position): \(error)")
        }
        if !notices.all.isEmpty { repaired += 1 }
        removeTree(directory)
      }
      #expect(repaired > 0)
    }
  }

  /// A flipped bit in SQLite's log makes SQLite drop commits without a word; the records bring them back.
  @Test func aDamagedLogLosesNothing() throws {
    try withScratchDirectory(inMemory: true) { scratch in
      let template = Path.join(scratch, "template")
      let store = try SnapshotStore.open(template)
      try store.createTable()
      try store.append(3)
      try store.append(7)
      _ = try store.commit(
        [.putState(.source("lake"), key: "file", value: [1, 2, 3])], basedOn: try store.snapshot(), message: "")
      // Copied while open, so that the log is still there.
      let log = try local.readFile(Path.join(template, "catalog.sqlite-wal"), limit: 1 << 30)
      #expect(log.count > 4096)
      var rolledForward = 0
      for part in 1..<10 {
        let directory = Path.join(scratch, "part-\(part)")
        try copyTree(template, to: directory)
        try local.removeFile(Path.join(directory, "catalog.sqlite-shm"))
        var damaged = log
        damaged[log.count * part / 10] ^= 4
        try overwriteFile(Path.join(directory, "catalog.sqlite-wal"), damaged)
        let notices = Notices()
        try check(directory, notices: notices)
        if !notices.all.isEmpty { rolledForward += 1 }
      }
      #expect(rolledForward == 9)
    }
  }

  @Test func aDamagedRecordIsNamed() throws {
    try withScratchDirectory(inMemory: true) { scratch in
      let template = Path.join(scratch, "template")
      try prepare(template)
      for number in 1...5 {
        let bytes = try local.readFile(record(template, number), limit: 1 << 20)
        for position in stride(from: 0, to: bytes.count, by: number == 5 ? 3 : 61) {
          let directory = Path.join(scratch, "case")
          try copyTree(template, to: directory)
          for file in try catalogFiles(directory) { try local.removeFile(file) }
          var damaged = bytes
          damaged[position] ^= 16
          try overwriteFile(record(directory, number), damaged)
          let error = #expect(throws: PulsehouseError.self) { try SnapshotStore.open(directory, .readWrite) }
          // A damaged version number may pass for a newer one.
          #expect(error?.kind == .corrupt || ((8..<12).contains(position) && error?.kind == .unsupported))
          #expect(error?.file == record(directory, number))
          removeTree(directory)
        }
      }
    }
  }

  @Test func aMissingRecordIsNamed() throws {
    try withScratchDirectory(inMemory: true) { directory in
      try prepare(directory)
      let bytes = try local.readFile(record(directory, 5), limit: 1 << 20)
      try local.removeFile(record(directory, 5))
      let last = #expect(throws: PulsehouseError.self) { try SnapshotStore.open(directory, .readWrite) }
      #expect(last?.kind == .corrupt)
      #expect(last?.file == record(directory, 5))
      try overwriteFile(record(directory, 5), bytes)
      try check(directory)
      try local.removeFile(record(directory, 3))
      for file in try catalogFiles(directory) { try local.removeFile(file) }
      let middle = #expect(throws: PulsehouseError.self) { try SnapshotStore.open(directory, .readWrite) }
      #expect(middle?.kind == .corrupt)
      #expect(middle?.file == record(directory, 3))
    }
  }

  @Test func recordsOfAnotherWarehouseAreRefused() throws {
    try withScratchDirectory(inMemory: true) { scratch in
      let directory = Path.join(scratch, "one")
      let other = Path.join(scratch, "other")
      try prepare(directory)
      try prepare(other)
      try overwriteFile(record(directory, 4), try local.readFile(record(other, 4), limit: 1 << 20))
      for file in try catalogFiles(directory) { try local.removeFile(file) }
      let error = #expect(throws: PulsehouseError.self) { try SnapshotStore.open(directory, .readWrite) }
      #expect(error?.kind == .corrupt)
      #expect(error?.file == record(directory, 4))
    }
  }

  @Test func anUnfinishedLastRecordIsIgnored() throws {
    try withScratchDirectory(inMemory: true) { scratch in
      let template = Path.join(scratch, "template")
      try prepare(template)
      let bytes = try local.readFile(record(template, 5), limit: 1 << 20)
      for length in [0, 1, 50, 103, 104, 127, 128, bytes.count - 9, bytes.count - 1] {
        for zeros in [false, true] {
          let directory = Path.join(scratch, "case")
          try copyTree(template, to: directory)
          let torn = Array(bytes.prefix(length)) + [UInt8](repeating: 0, count: zeros ? bytes.count - length : 0)
          try overwriteFile(record(directory, 6), torn)
          let notices = Notices()
          try check(directory, notices: notices)
          #expect(notices.all.count == 1, "\(length) \(zeros)")
          let store = try SnapshotStore.open(directory, .readWrite)
          try store.append(1)
          #expect(try store.snapshot().id == SnapshotID(6))
          removeTree(directory)
        }
      }
    }
  }

  @Test func aNewerFormatIsRefusedInWords() throws {
    try withScratchDirectory(inMemory: true) { directory in
      try prepare(directory)
      var bytes = try local.readFile(record(directory, 5), limit: 1 << 20)
      bytes[8] = 2
      try overwriteFile(record(directory, 5), bytes)
      for mode in [SnapshotStore.Mode.create, .readWrite, .readOnly] {
        let error = #expect(throws: PulsehouseError.self) { try SnapshotStore.open(directory, mode) }
        #expect(error?.kind == .unsupported)
        #expect(error?.message.contains("format 2") == true)
        #expect(error?.hint != nil)
      }
    }
  }

  @Test func readingOnlyChangesNothing() throws {
    try withScratchDirectory(inMemory: true) { directory in
      try prepare(directory)
      let before = try local.list(Path.join(directory, "commits"))
      try check(directory, .readOnly)
      let store = try SnapshotStore.open(directory, .readOnly)
      #expect(store.isReadOnly)
      let error = #expect(throws: PulsehouseError.self) { try store.append(1) }
      #expect(error?.kind == .io)
      #expect(try local.list(Path.join(directory, "commits")) == before)
      // What others commit is seen.
      try SnapshotStore.open(directory, .readWrite).append(5)
      #expect(try store.snapshot().checkedRowCount(in: store) == 15)
      // Without a usable catalog too, which is then not touched.
      for file in try catalogFiles(directory) { try local.removeFile(file) }
      let another = try SnapshotStore.open(directory, .readOnly)
      #expect(try another.snapshot().checkedRowCount(in: another) == 15)
      #expect(try catalogFiles(directory).isEmpty)
      try SnapshotStore.open(directory, .readWrite).append(5)
      #expect(try another.snapshot().checkedRowCount(in: another) == 20)
    }
  }

  @Test func aDirectoryThatCannotBeWrittenIsRead() throws {
    try withScratchDirectory(inMemory: true) { directory in
      try prepare(directory)
      let store = try SnapshotStore(directory, mode: .readWrite, fileSystem: UnwritableFileSystem())
      #expect(store.isReadOnly)
      #expect(try store.snapshot().checkedRowCount(in: store) == 10)
      let error = #expect(throws: PulsehouseError.self) {
        try store.commit([.createSchema("x")], basedOn: try store.snapshot(), message: "")
      }
      #expect(error?.hint != nil)
      try SnapshotStore.open(directory, .readWrite).append(5)
      #expect(try store.snapshot().checkedRowCount(in: store) == 15)
    }
  }

  @Test func aCatalogRemovedWhileOpenIsMadeAnew() throws {
    try withScratchDirectory(inMemory: true) { directory in
      try prepare(directory)
      let store = try SnapshotStore.open(directory, .readWrite)
      let early = try store.snapshot()
      for file in try catalogFiles(directory) { try local.removeFile(file) }
      try store.append(5)
      #expect(try early.checkedRowCount(in: store) == 10)
      #expect(try SnapshotStore.open(directory).snapshot().id == SnapshotID(6))
      #expect(try store.snapshot().checkedRowCount(in: store) == 15)
    }
  }

  @Test func checkpointsKeepTheChainShort() throws {
    try withScratchDirectory(inMemory: true) { directory in
      do {
        let store = try SnapshotStore.open(directory)
        try store.createTable()
        for _ in 0..<298 { try store.append(1) }
      }
      let names = try local.list(Path.join(directory, "commits"))
      #expect(names.filter { $0.hasSuffix(".checkpoint") }.count == 2)
      #expect(names.filter { $0.hasSuffix(".commit") }.count == 300 - 128)
      // From the newest checkpoint, and, when that is damaged, from the one before; old snapshots included.
      let checkpoint = Path.join(directory, "commits/00000000000000000256.checkpoint")
      let bytes = try local.readFile(checkpoint, limit: 1 << 30)
      for damage in [false, true] {
        for file in try catalogFiles(directory) { try local.removeFile(file) }
        if damage {
          var damaged = bytes
          damaged[bytes.count / 2] ^= 1
          try overwriteFile(checkpoint, damaged)
        }
        let notices = Notices()
        let store = try SnapshotStore.open(directory, .readWrite, notices: notices)
        #expect(notices.all.count == (damage ? 2 : 1))
        #expect(try store.snapshot().checkedRowCount(in: store) == 298)
        #expect(try store.snapshot(at: SnapshotID(100)).checkedRowCount(in: store) == 98)
        #expect(try store.history().count == 300)
      }
    }
  }
}

/// This machine's file system, as it looks to somebody without the right to write.
private struct UnwritableFileSystem: FileSystem {
  private let local = LocalFileSystem()

  func createFile(_ path: String, _ creation: FileCreation) throws(PulsehouseError) -> any WritableFile {
    throw .system("create file", path, code: EACCES)
  }
  func rename(_ source: String, to destination: String) throws(PulsehouseError) {
    throw .system("rename", source, code: EACCES)
  }
  func removeFile(_ path: String) throws(PulsehouseError) { throw .system("remove", path, code: EACCES) }
  func makeDirectory(_ path: String) throws(PulsehouseError) { throw .system("make", path, code: EACCES) }
  func removeDirectory(_ path: String) throws(PulsehouseError) { throw .system("remove", path, code: EACCES) }
  func syncDirectory(_ path: String) throws(PulsehouseError) { throw .system("sync", path, code: EACCES) }
  func lock(_ path: String, _ sharing: FileLock.Sharing, timeoutMilliseconds: Int) throws(PulsehouseError)
    -> FileLock?
  { throw .system("lock", path, code: EACCES) }
  func canWrite(_ path: String) -> Bool { false }
  func readFile(_ path: String, limit: Int) throws(PulsehouseError) -> [UInt8] {
    try local.readFile(path, limit: limit)
  }
  func map(_ path: String) throws(PulsehouseError) -> MappedFile { try local.map(path) }
  func list(_ path: String) throws(PulsehouseError) -> [String] { try local.list(path) }
  func status(_ path: String) throws(PulsehouseError) -> FileStatus? { try local.status(path) }
}
