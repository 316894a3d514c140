import Bytes
import Engine
import TestKit
import Testing

@Suite struct RepairTests {
  private let local = LocalFileSystem()

  private func prepare(_ directory: String) throws {
    let store = try SnapshotStore.open(directory)
    try store.createTable()
    for rows in 1...4 { try store.append(rows) }
  }

  private func record(_ directory: String, _ number: Int) -> String {
    Path.join(directory, "commits/0000000000000000000\(number).commit")
  }

  private func damage(_ path: String) throws {
    var bytes = try local.readFile(path, limit: 1 << 20)
    bytes[bytes.count / 2] ^= 1
    try overwriteFile(path, bytes)
  }

  private func removeCatalog(_ directory: String) throws {
    for name in try local.list(directory) where name.hasPrefix("catalog.sqlite") {
      try local.removeFile(Path.join(directory, name))
    }
  }

  @Test func aSoundWarehouseStaysAsItIs() throws {
    try withScratchDirectory(inMemory: true) { directory in
      try prepare(directory)
      let report = try SnapshotStore.repair(directory, discardingDamaged: true)
      #expect(report.newest == SnapshotID(6))
      #expect(report.discardedFrom == nil)
      #expect(report.putAside == [])
      let store = try SnapshotStore.open(directory, .readWrite)
      #expect(try store.snapshot().checkedRowCount(in: store) == 10)
    }
  }

  @Test(arguments: [[6], [3], [2, 3, 4, 5, 6], [2, 6]] as [[Int]])
  func aSoundCatalogStandsInForDamagedRecords(_ numbers: [Int]) throws {
    try withScratchDirectory(inMemory: true) { directory in
      try prepare(directory)
      for number in numbers { try damage(record(directory, number)) }
      let report = try SnapshotStore.repair(directory, discardingDamaged: false)
      #expect(report.newest == SnapshotID(6))
      #expect(report.discardedFrom == nil)
      #expect(report.putAside.count == numbers.count)
      try removeCatalog(directory)
      let store = try SnapshotStore.open(directory, .readWrite)
      #expect(try store.snapshot().checkedRowCount(in: store) == 10)
      #expect(try store.snapshot(at: SnapshotID(4)).checkedRowCount(in: store) == 3)
      try store.append(5)
      try removeCatalog(directory)
      let again = try SnapshotStore.open(directory, .readWrite)
      #expect(try again.snapshot().checkedRowCount(in: again) == 15)
      #expect(try again.verify().problems.allSatisfy { $0.file?.hasSuffix(".seg") == true })
    }
  }

  @Test func aMissingRecordIsRepairedFromTheCatalog() throws {
    try withScratchDirectory(inMemory: true) { directory in
      try prepare(directory)
      try local.removeFile(record(directory, 4))
      #expect(try SnapshotStore.repair(directory, discardingDamaged: false).newest == SnapshotID(6))
      try removeCatalog(directory)
      let store = try SnapshotStore.open(directory, .readWrite)
      #expect(try store.snapshot().checkedRowCount(in: store) == 10)
    }
  }

  @Test func withoutACatalogDamageCostsCommitsAndIsAsked() throws {
    try withScratchDirectory(inMemory: true) { directory in
      try prepare(directory)
      try damage(record(directory, 5))
      try removeCatalog(directory)
      let refused = #expect(throws: PulsehouseError.self) {
        try SnapshotStore.repair(directory, discardingDamaged: false)
      }
      #expect(refused?.kind == .corrupt)
      #expect(refused?.hint?.contains("commit 4") == true)
      #expect(refused?.file == record(directory, 5))
      let report = try SnapshotStore.repair(directory, discardingDamaged: true)
      #expect(report.newest == SnapshotID(4))
      #expect(report.discardedFrom == SnapshotID(5))
      #expect(report.putAside.count == 2)
      let store = try SnapshotStore.open(directory, .readWrite)
      #expect(try store.snapshot().checkedRowCount(in: store) == 3)
      try store.append(1)
      #expect(try store.snapshot().id == SnapshotID(5))
    }
  }

  @Test func verificationNamesWhatIsDamaged() throws {
    try withScratchDirectory(inMemory: true) { directory in
      try prepare(directory)
      let store = try SnapshotStore.open(directory, .readWrite)
      // The fixture's segments are no segments, which verification must find, each by name.
      let report = try store.verify()
      #expect(report.recordCount == 6)
      #expect(report.tableCount == 1)
      #expect(report.segmentCount == 4)
      #expect(Set(report.problems.compactMap(\.file)).count == 4)
      #expect(report.problems.allSatisfy { $0.kind == .corrupt && $0.file?.hasSuffix(".seg") == true })
      try damage(record(directory, 3))
      let damaged = try store.verify()
      #expect(damaged.problems.count == 5)
      #expect(damaged.problems.first?.file == record(directory, 3))
    }
  }
}
