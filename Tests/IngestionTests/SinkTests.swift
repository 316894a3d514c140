import Bytes
import Engine
import TestKit
import Testing
import Vectors

@testable import Ingestion

@Suite struct SinkTests {
  private static let poison: [[UInt8]?] = [
    nil, [], Array("  \t".utf8), Array("!null".utf8), Array("!base64 AAAA".utf8), Array("{\n}".utf8), Array("x\n".utf8),
    [0xEF, 0xBB, 0xBF, 0x7B, 0x7D], [0, 1, 2, 255], [255], Array("bad".utf8), Array("{\"a\":1}\r".utf8),
  ]

  @Test func everyMessageIsALineAndComesBack() throws {
    for message in Self.poison + (0..<100).map({ length in (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) } }) {
      var line: [UInt8] = []
      let isPlain = message.map { $0.withUnsafeBytes { !EscapedRecord.isNeeded($0) } } ?? false
      if isPlain {
        line = message ?? []
        #expect(line.withUnsafeBytes { EscapedRecord($0) } == nil)
        continue
      }
      if let message {
        message.withUnsafeBytes { EscapedRecord.append($0, to: &line) }
      } else {
        EscapedRecord.append(nil, to: &line)
      }
      #expect(!line.contains(0x0A) && !line.isEmpty)
      #expect(line.withUnsafeBytes { EscapedRecord($0) } == (message.map { .bytes($0) } ?? .null))
    }
    for text in [
      "!", "!nul", "!base64", "!base64 A", "!base64 AB=A", "!base64 AA=A", "!base64 AB==", "!base64 a\u{7F}==",
    ] {
      #expect(Array(text.utf8).withUnsafeBytes { EscapedRecord($0) } == nil, "\(text)")
    }
  }

  /// A lake's escaped lines are the messages they spell: rows where those fit, else refused with their own bytes.
  @Test func escapedLinesAreReadBack() throws {
    let house = try House()
    var text: [UInt8] = Array(House.line(1).utf8)
    for message in [
      Array("{\"user_id\":2,\n\"rate\":70,\"meta\":{\"note\":\"a note of some length\"}}".utf8), [0, 10], [],
    ] {
      message.withUnsafeBytes { EscapedRecord.append($0, to: &text) }
      text.append(0x0A)
    }
    EscapedRecord.append(nil, to: &text)
    house.scratch.write("lake/a.jsonl", text + [0x0A] + Array(House.line(3).utf8))
    let report = try house.ingest()
    #expect(report.recordCount == 6)
    #expect(
      try house.rows("SELECT user_id, _line, note FROM bronze.events") == [
        [.integer(1), .integer(1), .text("note 1 of the watch")],
        [.integer(2), .integer(2), .text("a note of some length")],
        [.integer(3), .integer(6), .text("note 3 of the watch")],
      ])
    #expect(
      try house.rows("SELECT _line, raw FROM quarantine.bronze_events ORDER BY _line") == [
        [.integer(3), .bytes([0, 10])], [.integer(4), .bytes([])], [.integer(5), .bytes([])],
      ])
    try house.checkBooks()
  }

  private struct Message {
    var hour: Int64?
    var value: [UInt8]?
  }

  /// Sixty messages of four hours and of none, out of order.
  private static let messages = (0..<60).map { number -> Message in
    if number % 13 == 5 { return Message(hour: nil, value: poison[number % poison.count]) }
    return Message(hour: [474_600, 474_601, 474_600, 480_000][number % 4], value: Array("{\"n\":\(number)}".utf8))
  }

  /// How a sink goes about it.
  struct Manner: Sendable, CustomTestStringConvertible {
    var isCompressed = false
    /// Two partitions commit at a time, and all files are made safe together.
    var isTogether = false

    var partitions: [Int32] { isTogether ? [3, 4] : [3] }
    var testDescription: String {
      "\(isCompressed ? "compressed" : "plain"), \(isTogether ? "together" : "one by one")"
    }
  }

  /// Adds to each partition the messages that are not in the lake yet, with a commit after every 17.
  private func sink(_ folder: SinkFolder, _ manner: Manner = Manner(), in fileSystem: any FileSystem) throws {
    let sync = try SinkSync(folder, togetherCount: manner.isTogether ? 1 : 64, in: fileSystem)
    let partitions = try manner.partitions.map { try SinkPartition(folder, partition: $0, sync: sync, in: fileSystem) }
    for (offset, message) in Self.messages.enumerated() {
      for partition in partitions where offset >= partition.position {
        if let value = message.value {
          _ = try value.withUnsafeBytes { try partition.append($0, offset: Int64(offset), hour: message.hour) }
        } else {
          try partition.append(nil, offset: Int64(offset), hour: message.hour)
        }
      }
      if offset % 17 == 16 { try SinkPartition.commit(partitions, sync) }
    }
    try SinkPartition.commit(partitions, sync)
    try sync.synchronize()
  }

  /// The lines of the lake's files by folder and partition, in the order of their files.
  private func lines(_ folder: SinkFolder) throws -> [String: [[UInt8]]] {
    var found: [String: [[UInt8]]] = [:]
    for file in try LakeListing.files(folder.lake, pattern: "**.jsonl", in: LocalFileSystem()) {
      var text = try LocalFileSystem().readFile(Path.join(folder.lake, file.path), limit: 1 << 20)
      if file.isCompressed {
        let input = try #require(try CompressedInput(Path.join(folder.lake, file.path), byteCount: file.byteCount))
        let block = AlignedBuffer(byteCount: 1 << 16)
        let (count, stop) = try input.read(to: block.base, capacity: block.byteCount)
        #expect(stop == .frameEnd)
        text = Array(block.bytes.prefix(count))
      }
      #expect(text.last == 0x0A)
      let partition = Path.name(file.name).split(separator: "+")[1]
      found["\(Path.parent(file.name)) \(partition)", default: []] += text.dropLast().split(
        separator: 0x0A, omittingEmptySubsequences: false
      )
      .map { Array($0) }
    }
    return found
  }

  private static func expectedLines(_ manner: Manner) -> [String: [[UInt8]]] {
    var expected: [String: [[UInt8]]] = [:]
    for message in messages {
      var line = message.value ?? []
      if message.value?.withUnsafeBytes({ EscapedRecord.isNeeded($0) }) ?? true {
        line = []
        if let value = message.value {
          value.withUnsafeBytes { EscapedRecord.append($0, to: &line) }
        } else {
          EscapedRecord.append(nil, to: &line)
        }
      }
      for partition in manner.partitions {
        expected["\(SinkFolder.folder(hour: message.hour)) \(partition)", default: []].append(line)
      }
    }
    return expected
  }

  /// Stops, tears and cuts the power at every operation: what is then in the lake is a prefix of the messages, and the next
  /// sink completes it, each message once.
  @Test(
    arguments: FaultyFileSystem.Fault.allCases, [Manner(), Manner(isCompressed: true), Manner(isTogether: true)])
  func aSinkMayEndAnywhere(fault: FaultyFileSystem.Fault, manner: Manner) throws {
    var step = 0
    while true {
      let directory = try TemporaryDirectory()
      let folder = SinkFolder(lake: directory.path + "/lake", topic: "t", isCompressed: manner.isCompressed)
      let fileSystem = FaultyFileSystem(fault, at: step)
      do {
        try sink(folder, manner, in: fileSystem)
        #expect(!fileSystem.hasStruck || fault == .fail || fault == .tear)
      } catch {
        #expect(error is PulsehouseError)
      }
      try fileSystem.settle()
      if try LocalFileSystem().status(folder.lake) != nil {
        for (hour, found) in try lines(folder) {
          #expect(Self.expectedLines(manner)[hour]?.starts(with: found) == true, "step \(step): \(hour)")
        }
      }
      try sink(folder, manner, in: LocalFileSystem())
      #expect(try lines(folder) == Self.expectedLines(manner), "step \(step)")
      for partition in manner.partitions {
        #expect(try LocalFileSystem().list(folder.absolute(folder.openFolder(partition))).isEmpty)
      }
      guard fileSystem.hasStruck else { break }
      step += 1
    }
    #expect(step > 50)
  }

  /// Made safe together, files are synced by no call of their own.
  @Test func manyFilesAreMadeSafeByOneCall() throws {
    let directory = try TemporaryDirectory()
    let folder = SinkFolder(lake: directory.path + "/lake", topic: "t", isCompressed: false)
    let fileSystem = FaultyFileSystem()
    let sync = try SinkSync(folder, in: fileSystem)
    let partition = try SinkPartition(folder, partition: 0, sync: sync, in: fileSystem)
    let before = fileSystem.operationCount
    for hour in 0..<200 {
      try "x".utf8.withContiguousStorageIfAvailable {
        _ = try partition.append(UnsafeRawBufferPointer($0), offset: Int64(hour), hour: Int64(hour))
      }
    }
    try partition.commit()
    try sync.synchronize()
    let operations = fileSystem.operations.dropFirst(before)
    // Their bytes by the first, the names in the folders of their hours by the second; by itself only the journal.
    #expect(operations.count { $0.hasPrefix("sync all ") } == 2)
    #expect(operations.count { $0.hasPrefix("sync ") } == 4)
    #expect(try LakeListing.files(folder.lake, pattern: "**", in: LocalFileSystem()).count == 200)
  }

  @Test func namesSayWhereMessagesCameFrom() throws {
    let directory = try TemporaryDirectory()
    let folder = SinkFolder(lake: directory.path, topic: "t", isCompressed: false)
    try sink(folder, in: LocalFileSystem())
    let names = try LakeListing.files(directory.path, pattern: "**", in: LocalFileSystem()).map(\.name)
    #expect(names.prefix(2) == ["2024/02/22/00/t+3+000000000000.jsonl", "2024/02/22/00/t+3+000000000020.jsonl"])
    #expect(names.last == "unknown/t+3+000000000057.jsonl")
    #expect(SinkFolder.folder(hour: 0) == "1970/01/01/00")
    #expect(SinkFolder.folder(hour: 70_389_527) == "9999/12/31/23")
  }

  @Test func aSecondWriterIsRefused() throws {
    let directory = try TemporaryDirectory()
    let folder = SinkFolder(lake: directory.path, topic: "t", isCompressed: false)
    let first = try SinkPartition(folder, partition: 0, in: LocalFileSystem())
    let error = #expect(throws: PulsehouseError.self) {
      _ = try SinkPartition(folder, partition: 0, lockMilliseconds: 20, in: LocalFileSystem())
    }
    #expect(error?.kind == .conflict)
    _ = first.position
  }

  @Test func aLakeThatLostItsJournalIsNotFilledTwice() throws {
    let directory = try TemporaryDirectory()
    let folder = SinkFolder(lake: directory.path, topic: "t", isCompressed: false)
    try sink(folder, in: LocalFileSystem())
    try LocalFileSystem().removeFile(folder.absolute(folder.journal(3)))
    #expect(#expect(throws: PulsehouseError.self) { try sink(folder, in: LocalFileSystem()) }?.kind == .user)
  }

  /// Flips every byte of a journal: each is found.
  @Test func aDamagedJournalIsFound() throws {
    var journal = SinkJournal(topic: "t", partition: 2, nextOffset: 17)
    journal.recordCount = 12
    journal.mark = KafkaWitness.Mark(offset: 16, fingerprint: 0xFEDC_BA98_7654_3210)
    journal.files = [
      SinkJournal.File(workName: "4.part", path: "unknown/x", firstOffset: 4, lastOffset: 16, recordCount: 12)
    ]
    let bytes = journal.encode()
    #expect(try SinkJournal(decoding: bytes, path: "x") == journal)
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] ^= 0x11
      #expect(throws: PulsehouseError.self, "byte \(index)") { try SinkJournal(decoding: damaged, path: "x") }
      #expect(throws: PulsehouseError.self) { try SinkJournal(decoding: Array(bytes.prefix(index)), path: "x") }
    }
  }
}
