import Bytes
import Engine
import Execution
import Glibc
import TestKit
import Testing
import Vectors

@testable import Ingestion

/// A lake, seeds and a warehouse in a folder of their own.
final class House {
  let scratch = Scratch()
  let warehouse: Warehouse
  var source = Source(
    schema: "bronze", table: "events", kind: .lake(LakeFolder(path: "lake")),
    columns: [
      SourceColumn("user_id", .bigint), SourceColumn("rate", .integer),
      SourceColumn("note", .text, path: ["meta", "note"]),
    ])
  var options = IngestOptions()

  init(warehouse: Warehouse? = nil) throws {
    self.warehouse = try warehouse ?? Warehouse(Path.join(scratch.path, "tables"), mode: .create)
    options.dataDirectory = scratch.path
    options.threadCount = 2
    try LocalFileSystem().makeDirectory(Path.join(scratch.path, "lake"))
  }

  static func line(_ number: Int) -> String {
    "{\"user_id\":\(number),\"rate\":\(number % 200),\"meta\":{\"note\":\"note \(number) of the watch\"}}\n"
  }

  func ingest() throws -> IngestReport { try Ingest.run([source], into: warehouse, options: options)[0] }

  func rows(_ sql: String) throws -> [[Scalar]] { try Session(warehouse).rows(sql) }

  func count(_ sql: String) throws -> Int64 {
    guard case .integer(let number)? = try rows(sql).first?.first else { return -1 }
    return number
  }

  /// Writes below the lake's folder; times differ by at least a nanosecond from one call to the next.
  func write(_ name: String, _ text: String, appending: Bool = false) {
    scratch.write("lake/" + name, text, appending: appending)
  }

  /// Holds the books against the tables: whatever was read is in bronze or in quarantine, no place twice.
  func checkBooks(_ comment: Comment? = nil) throws {
    let books = try Ingest.books(warehouse.snapshot())
    let mine = try #require(books.first { $0.name == source.name })
    #expect(mine.recordCount == mine.rowCount + mine.quarantinedCount, comment)
    #expect(try count("SELECT count(*) FROM bronze.events") == mine.rowCount, comment)
    #expect(try count("SELECT count(*) FROM quarantine.bronze_events") == mine.quarantinedCount, comment)
    #expect(
      try count("SELECT count(*) FROM (SELECT DISTINCT _file, _offset FROM bronze.events) AS places") == mine.rowCount,
      comment)
  }
}

@Suite struct LakeIngestTests {
  @Test func filesBecomeRowsOnce() throws {
    let house = try House()
    house.write("2024/01/01/00/part-0.jsonl", (0..<5).map(House.line).joined())
    house.write("2024/01/01/00/part-1.jsonl", "")
    house.write("2024/01/01/01/part-0.jsonl", House.line(5) + "garbage\n" + House.line(6))
    house.write("2024/01/01/01/.hidden.jsonl", House.line(99))
    house.write("2024/01/01/01/notes.txt", "not ours")
    let report = try house.ingest()
    #expect(report.rowCount == 7)
    #expect(report.recordCount == 8)
    #expect(report.quarantinedCount == 1)
    #expect(report.fileCount == 2)
    let rows = try house.rows("SELECT user_id, note, _file, _line, _offset FROM bronze.events ORDER BY user_id")
    #expect(rows.count == 7)
    #expect(
      rows[6] == [
        .integer(6), .text("note 6 of the watch"), .text("2024/01/01/01/part-0.jsonl"), .integer(3),
        .integer(Int64(House.line(5).utf8.count + 8)),
      ])
    let refused = try house.rows("SELECT _source, _file, _line, _offset, raw FROM quarantine.bronze_events")
    #expect(
      refused == [
        [
          .text("bronze.events"), .text("2024/01/01/01/part-0.jsonl"), .integer(2),
          .integer(Int64(House.line(5).utf8.count)), .bytes(Array("garbage".utf8)),
        ]
      ])
    let commit = try house.warehouse.snapshot().id
    let again = try house.ingest()
    #expect(again.recordCount == 0)
    #expect(again.unchangedFileCount == 3)
    #expect(try house.warehouse.snapshot().id == commit)
    try house.checkBooks()
  }

  /// Grows a file byte by byte with an ingest at every length: each record arrives once, with the right place.
  @Test func aFileMayGrowByAnyNumberOfBytes() throws {
    let house = try House()
    let text = Array((House.line(1) + "bad\n\n" + House.line(2) + House.line(3)).utf8)
    for count in 0..<text.count {
      house.scratch.write("lake/a.jsonl", [text[count]], appending: true)
      if count % 3 == 0 || count > text.count - 3 { _ = try house.ingest() }
    }
    #expect(
      try house.rows("SELECT user_id, _line FROM bronze.events ORDER BY user_id") == [
        [.integer(1), .integer(1)], [.integer(2), .integer(4)], [.integer(3), .integer(5)],
      ])
    #expect(try house.rows("SELECT _line FROM quarantine.bronze_events") == [[.integer(2)]])
    try house.checkBooks()
  }

  @Test func aChangedFileIsReportedAndLeftAlone() throws {
    let house = try House()
    house.write("a.jsonl", House.line(1) + House.line(2))
    house.write("b.jsonl", House.line(3))
    house.write("c.jsonl", House.line(4))
    _ = try house.ingest()
    house.write("a.jsonl", House.line(1))
    house.write("b.jsonl", House.line(7) + House.line(8))
    house.write("c.jsonl", House.line(5), appending: true)
    house.write("d.jsonl", House.line(6))
    let report = try house.ingest()
    #expect(report.warnings.map(\.file) == ["a.jsonl", "b.jsonl"])
    #expect(report.warnings.allSatisfy { $0.kind == .changed })
    #expect(report.rowCount == 2)
    #expect(
      try house.rows("SELECT user_id FROM bronze.events ORDER BY user_id") == (1...6).map { [.integer($0)] })
    // Reported again, and still not read.
    #expect(try house.ingest().warnings.count == 2)
    try house.checkBooks()
  }

  @Test func aTouchedFileIsNotReadAgain() throws {
    let house = try House()
    house.write("a.jsonl", House.line(1))
    _ = try house.ingest()
    house.write("a.jsonl", House.line(1))
    let report = try house.ingest()
    #expect(report.recordCount == 0)
    #expect(report.warnings.isEmpty)
    #expect(try house.ingest().unchangedFileCount == 1)
    try house.checkBooks()
  }

  @Test func anUnfinishedLastLineWaits() throws {
    let house = try House()
    house.write("a.jsonl", House.line(1) + "{\"user_id\":2")
    let first = try house.ingest()
    #expect(first.warnings.map(\.kind) == [.incomplete])
    #expect(first.recordCount == 1)
    #expect(try house.ingest().warnings.map(\.kind) == [.incomplete])
    house.write("a.jsonl", "}", appending: true)
    #expect(try house.ingest().rowCount == 1)
    house.write("a.jsonl", "\n" + House.line(3), appending: true)
    #expect(try house.ingest().rowCount == 1)
    #expect(
      try house.rows("SELECT user_id, _line FROM bronze.events ORDER BY user_id")
        == (1...3).map {
          [.integer($0), .integer($0)]
        })
    try house.checkBooks()
  }

  @Test func completeFilesAreReadToTheirEnd() throws {
    let house = try House()
    house.source.kind = .lake(LakeFolder(path: "lake", isComplete: true))
    house.write("a.jsonl", House.line(1) + "{\"user_id\":2")
    let report = try house.ingest()
    #expect(report.rowCount == 1)
    #expect(report.quarantinedCount == 1)
    #expect(report.warnings.isEmpty)
    try house.checkBooks()
  }

  /// The same rows in the same order, however the bytes are cut into units, files and threads.
  @Test(arguments: [4096, 5000, 70_000, 1 << 20], [1, 2, 3]) func unitsDoNotShow(unit: Int, threads: Int) throws {
    let house = try House()
    house.options.unitByteCount = unit
    house.options.threadCount = threads
    house.options.commitRowCount = 700
    var expected: [[Scalar]] = []
    for file in 0..<6 {
      let count = [0, 3, 1000, 40, 2500, 1][file]
      var text = ""
      for number in 0..<count {
        let value = file * 10_000 + number
        if number % 97 == 13 { text += "broken \(value)\n" }
        text += House.line(value)
        expected.append([.integer(Int64(value)), .text("f\(file).jsonl")])
      }
      house.write("f\(file).jsonl", text)
    }
    let report = try house.ingest()
    #expect(report.rowCount == Int64(expected.count))
    #expect(try house.rows("SELECT user_id, _file FROM bronze.events") == expected)
    try house.checkBooks()
    // Every file has grown; the old part is read for its hash alone.
    for file in 0..<6 {
      house.write("f\(file).jsonl", House.line(90_000 + file), appending: true)
    }
    #expect(try house.ingest().rowCount == 6)
    try house.checkBooks()
  }

  @Test func aLineLongerThanAUnitIsRead() throws {
    let house = try House()
    house.options.unitByteCount = 4096
    let long = String(repeating: "x", count: 100_000)
    house.write("a.jsonl", House.line(1) + "{\"user_id\":2,\"meta\":{\"note\":\"\(long)\"}}\n" + House.line(3))
    #expect(try house.ingest().rowCount == 3)
    #expect(try house.rows("SELECT note FROM bronze.events WHERE user_id = 2") == [[.text(long)]])
    try house.checkBooks()
  }

  @Test(arguments: [20_000, 8193, 8192, 8191, 100_000]) func aRecordTooLongIsQuarantined(length: Int) throws {
    let house = try House()
    house.options.unitByteCount = 4096
    house.options.recordByteLimit = 8192
    let long = String(repeating: "y", count: length)
    house.write("a.jsonl", House.line(1) + long + "\n" + House.line(2) + "bad\n" + House.line(3))
    house.write("b.jsonl", House.line(4) + House.line(5) + long)
    let report = try house.ingest()
    #expect(report.rowCount == 5)
    try house.checkBooks()
    #expect(
      try house.rows("SELECT user_id, _line FROM bronze.events ORDER BY user_id") == [
        [.integer(1), .integer(1)], [.integer(2), .integer(3)], [.integer(3), .integer(5)], [.integer(4), .integer(1)],
        [.integer(5), .integer(2)],
      ])
    let refused = try house.rows(
      "SELECT _line, _offset FROM quarantine.bronze_events WHERE _file = 'a.jsonl' ORDER BY _line")
    let start = Int64(House.line(1).utf8.count)
    #expect(
      refused == [
        [.integer(2), .integer(start)],
        [.integer(4), .integer(start + Int64(length) + 1 + Int64(House.line(2).utf8.count))],
      ])
    #expect(try house.ingest().recordCount == 0)
  }

  @Test func aRewrittenLargeFileIsReported() throws {
    let house = try House()
    house.options.unitByteCount = 4096
    let text = (0..<500).map(House.line).joined()
    house.write("a.jsonl", text)
    house.write("b.jsonl", text)
    #expect(try house.ingest().rowCount == 1000)
    house.write("a.jsonl", text.replacing("note 250 ", with: "NOTE 250 ") + House.line(500))
    house.write("b.jsonl", text + House.line(501))
    let report = try house.ingest()
    #expect(report.warnings.map(\.file) == ["a.jsonl"])
    #expect(report.rowCount == 1)
    try house.checkBooks()
  }

  @Test func aByteOrderMarkIsSteppedOver() throws {
    let house = try House()
    house.write("a.jsonl", "\u{FEFF}" + House.line(1))
    house.write("b.jsonl", "\u{FEFF}" + House.line(2) + House.line(3))
    #expect(try house.ingest().rowCount == 3)
    #expect(try house.rows("SELECT _offset FROM bronze.events WHERE user_id = 2") == [[.integer(3)]])
    try house.checkBooks()
  }

  /// Two ingests of one source at a time: the one that commits later is refused, and no row comes twice.
  @Test func aSecondIngestOfTheSameSourceConflicts() throws {
    let house = try House()
    house.write("a.jsonl", House.line(1))
    _ = try house.ingest()
    house.write("a.jsonl", House.line(2), appending: true)
    house.write("b.jsonl", House.line(3))
    let other = house.options
    let source = house.source
    let warehouse = house.warehouse
    let counter = LakeIngestTests.Counter()
    house.options.threadCount = 1
    house.options.progress = { _ in
      guard counter.increment() == 1 else { return }
      #expect(throws: Never.self) { try Ingest.run([source], into: warehouse, options: other) }
    }
    let error = #expect(throws: PulsehouseError.self) { try house.ingest() }
    #expect(error?.kind == .conflict)
    #expect(try house.ingest().recordCount == 0)
    #expect(try house.count("SELECT count(*) FROM bronze.events") == 3)
    try house.checkBooks()
  }

  @Test func failingStopsAtTheFirstBadRecord() throws {
    let house = try House()
    house.source.onError = .fail
    house.write("a.jsonl", House.line(1) + "bad\n")
    let error = #expect(throws: PulsehouseError.self) { try house.ingest() }
    #expect(error?.file == "a.jsonl")
    #expect(error?.line == 2)
    #expect(try house.warehouse.snapshot().table(TableName("bronze", "events")) == nil)
    house.source.onError = .quarantine
    #expect(try house.ingest().rowCount == 1)
    try house.checkBooks()
  }

  @Test func aDroppedTableIsReadAnew() throws {
    let house = try House()
    house.write("a.jsonl", House.line(1) + "bad\n")
    _ = try house.ingest()
    _ = try house.rows("DROP TABLE bronze.events")
    #expect(try house.ingest().rowCount == 1)
    try house.checkBooks()
  }

  @Test func otherColumnsThanTheTablesAreNamed() throws {
    let house = try House()
    house.write("a.jsonl", House.line(1))
    _ = try house.ingest()
    house.source.columns.append(SourceColumn("extra", .text))
    let error = #expect(throws: PulsehouseError.self) { try house.ingest() }
    #expect(error?.detail?.contains("extra text") == true)
  }

  @Test func whatCannotBeDoneIsNamed() throws {
    let house = try House()
    house.source.kind = .kafka(KafkaTopic(topic: "heartrate"))
    #expect(#expect(throws: PulsehouseError.self) { try house.ingest() }?.hint?.contains("--brokers") == true)
    house.source.kind = .lake(LakeFolder(path: "nowhere"))
    #expect(#expect(throws: PulsehouseError.self) { try house.ingest() }?.file?.hasSuffix("nowhere") == true)
    house.source.kind = .lake(LakeFolder(path: "lake"))
    house.source.clusteredBy = ["user_id"]
    #expect(#expect(throws: PulsehouseError.self) { try house.ingest() }?.kind == .unsupported)
    #expect(throws: PulsehouseError.self) {
      try Ingest.run([house.source], names: ["nobody"], into: house.warehouse, options: house.options)
    }
  }

  /// Every file operation of an ingest fails once; afterwards the warehouse opens and nothing is lost or doubled.
  @Test func anIngestThatFailsAnywhereCanBeRepeated() throws {
    let scratch = Scratch()
    for file in 0..<4 { scratch.write("lake/f\(file).jsonl", (0..<300).map { House.line(file * 1000 + $0) }.joined()) }
    let house = try House()
    var options = IngestOptions()
    options.dataDirectory = scratch.path
    options.unitByteCount = 4096
    options.commitRowCount = 200
    // Cancelled after each possible number of progress reports.
    for stop in 0..<40 {
      let counter = Counter()
      let cancellation = options.cancellation
      options.progress = { _ in if counter.increment() > stop { cancellation.cancel() } }
      _ = try? Ingest.run([house.source], into: house.warehouse, options: options)
      options.cancellation = .init()
      if (try? house.warehouse.snapshot().table(TableName("bronze", "events"))) != nil { try house.checkBooks() }
    }
    options.progress = { _ in }
    _ = try Ingest.run([house.source], into: house.warehouse, options: options)
    #expect(try house.count("SELECT count(*) FROM bronze.events") == 1200)
    try house.checkBooks()
  }

  /// The disk fails, or the power goes, at every operation that changes something: afterwards the warehouse opens, the
  /// books balance, and the next ingest brings every row once.
  @Test(arguments: [FaultyFileSystem.Fault.fail, .tear, .powerCut, .tornPowerCut])
  func aFaultAtAnyOperationLosesAndDoublesNothing(fault: FaultyFileSystem.Fault) throws {
    let scratch = Scratch()
    for file in 0..<3 {
      scratch.write("lake/f\(file).jsonl", (0..<40).map { House.line(file * 100 + $0) }.joined() + "bad\n")
    }
    var options = IngestOptions()
    options.dataDirectory = scratch.path
    options.unitByteCount = 4096
    options.commitRowCount = 30
    options.threadCount = 1
    let source = try House().source
    var step = 0
    var hasStruck = true
    while hasStruck {
      try withScratchDirectory(inMemory: true) { directory in
        let files = FaultyFileSystem(fault, at: step)
        do {
          let warehouse = try Warehouse(directory, mode: .create, fileSystem: files)
          _ = try Ingest.run([source], into: warehouse, options: options)
        } catch {
          #expect(files.hasStruck, "\(error)")
        }
        hasStruck = files.hasStruck
        try files.settle()
        let house = try House(warehouse: Warehouse(directory, mode: .create))
        if try house.warehouse.snapshot().table(TableName("bronze", "events")) != nil {
          try house.checkBooks("\(fault) at operation \(step)")
        }
        _ = try Ingest.run([source], into: house.warehouse, options: options)
        #expect(try house.count("SELECT count(*) FROM bronze.events") == 120)
        #expect(try house.count("SELECT count(*) FROM quarantine.bronze_events") == 3)
        try house.checkBooks("\(fault) at operation \(step), repaired")
      }
      step += fault == .fail ? 1 : 3
    }
    #expect(step > 20)
  }

  final class Counter: @unchecked Sendable {
    // @unchecked: progress is reported one call at a time.
    private var value = 0
    func increment() -> Int {
      value += 1
      return value
    }
  }
}

@Suite struct CSVIngestTests {
  func house(_ text: String) throws -> House {
    let house = try House()
    house.source = Source(
      schema: "bronze", table: "events", kind: .csv(CSVFiles(path: "seeds/events.csv")),
      columns: [SourceColumn("id", .bigint), SourceColumn("name", .text), SourceColumn("born", .date)])
    house.scratch.write("seeds/events.csv", text)
    return house
  }

  @Test func aFileReplacesItsTable() throws {
    let house = try house("id,name,born\n1,\"a, b\",2000-01-01\n2,,\nx,y,z\n")
    let report = try house.ingest()
    #expect(report.rowCount == 2)
    #expect(report.quarantinedCount == 1)
    #expect(report.recordCount == 3)
    #expect(
      try house.rows("SELECT id, name, born, _file, _line FROM bronze.events ORDER BY id") == [
        [.integer(1), .text("a, b"), .integer(10957), .text("seeds/events.csv"), .integer(2)],
        [.integer(2), .null, .null, .text("seeds/events.csv"), .integer(3)],
      ])
    SourceTable.add(to: house.warehouse)
    #expect(
      try house.rows("SELECT source, record_count, row_count, quarantined_count FROM sys.sources") == [
        [.text("bronze.events"), .integer(3), .integer(2), .integer(1)]
      ])
    #expect(
      try house.rows("SELECT source, line, topic, raw FROM sys.quarantine WHERE reason <> ''") == [
        [.text("bronze.events"), .integer(4), .null, .bytes(Array("x,y,z".utf8))]
      ])
    #expect(try house.ingest().unchangedFileCount == 1)
    house.scratch.write("seeds/events.csv", "born,id,name\n1999-12-31,7,new\n")
    #expect(try house.ingest().rowCount == 1)
    #expect(try house.rows("SELECT id FROM bronze.events") == [[.integer(7)]])
    #expect(try house.count("SELECT count(*) FROM quarantine.bronze_events") == 0)
    // A file that cannot be read leaves the table as it was.
    house.scratch.write("seeds/events.csv", "id,born\n1,2\n")
    let error = #expect(throws: PulsehouseError.self) { try house.ingest() }
    #expect(error?.message.contains("\"name\"") == true)
    #expect(try house.rows("SELECT id FROM bronze.events") == [[.integer(7)]])
  }

  @Test func manyRowsFillManyBatches() throws {
    let lines = (0..<200_000).map { "\($0),name \($0) with some length,2020-02-0\($0 % 9 + 1)" }
    let house = try house("id,name,born\n" + lines.joined(separator: "\n"))
    #expect(try house.ingest().rowCount == 200_000)
    #expect(
      try house.rows("SELECT count(*), sum(id), min(_line), max(_line), count(DISTINCT name) FROM bronze.events") == [
        [
          .integer(200_000), .numeric(Numeric(mantissa: 19_999_900_000, scale: 0)), .integer(2), .integer(200_001),
          .integer(200_000),
        ]
      ])
  }

  @Test func copyReadsTheSameWay() throws {
    let house = try house("id,name,born\n1,x,2000-01-01\n")
    let session = Session(house.warehouse)
    session.copyReader = CSVCopyReader()
    let path = Path.join(house.scratch.path, "seeds/events.csv")
    _ = try session.rows("CREATE TABLE t (id bigint, name text, born date)")
    _ = try session.rows("COPY t FROM '\(path)' WITH (FORMAT csv, HEADER)")
    #expect(try session.rows("SELECT id, name FROM t") == [[.integer(1), .text("x")]])
    house.scratch.write("seeds/events.csv", "2,y,2000-01-01\nz,y,2000-01-01\n")
    let error = #expect(throws: PulsehouseError.self) { try session.rows("COPY t FROM '\(path)' WITH (FORMAT csv)") }
    #expect(error?.line == 2)
    #expect(try session.rows("SELECT id FROM t") == [[.integer(1)]])
  }
}
