import Bytes
import Engine
import TestKit
import Testing
import Vectors

@testable import Ingestion

@Suite struct QuarantineTests {
  private func replay(_ house: House) throws -> ReplayReport {
    try Ingest.replay([house.source], names: ["events"], into: house.warehouse, options: house.options)[0]
  }

  /// Every place, and whether it is in bronze or in quarantine.
  private func places(_ house: House) throws -> [[Scalar]] {
    try house.rows(
      """
      SELECT _file, _line, _offset, 'bronze' FROM bronze.events
      UNION ALL SELECT _file, _line, _offset, 'quarantine' FROM quarantine.bronze_events ORDER BY 1, 2
      """)
  }

  @Test func whatFitsAfterAFixGoesToBronzeOnce() throws {
    let house = try House()
    house.write("a.jsonl", House.line(1) + "{\"user_id\":2,\"rate\":71.5}\n" + "bad\n" + House.line(4))
    house.write("b.jsonl", "{\"user_id\":5,\"rate\":\"x\"}\n{\"user_id\":6,\"rate\":0.5}\n")
    #expect(try house.ingest().quarantinedCount == 4)
    // Nothing was mended, so nothing changes, not even a commit.
    let commit = try house.warehouse.snapshot().id
    #expect(try replay(house).replayedCount == 0)
    #expect(try house.warehouse.snapshot().id == commit)
    let before = try places(house)
    house.source.columns[1].type = .double
    let report = try replay(house)
    #expect(report.examinedCount == 4)
    #expect(report.replayedCount == 2)
    #expect(report.remainingCount == 2)
    #expect(report.adoptedColumns == ["rate double precision"])
    #expect(try house.warehouse.snapshot().id.number == commit.number + 1)
    try house.checkBooks()
    let after = try places(house)
    #expect(after.map { Array($0.prefix(3)) } == before.map { Array($0.prefix(3)) })
    #expect(
      after.map { $0[3] } == ["bronze", "bronze", "quarantine", "bronze", "quarantine", "bronze"].map { .text($0) })
    #expect(
      try house.rows("SELECT user_id, rate FROM bronze.events ORDER BY 1") == [
        [.integer(1), .double(1)], [.integer(2), .double(71.5)], [.integer(4), .double(4)],
        [.integer(6), .double(0.5)],
      ])
    #expect(try replay(house).replayedCount == 0)
    // The mended source goes on from where it was.
    #expect(try house.ingest().recordCount == 0)
    house.write("a.jsonl", "{\"user_id\":7,\"rate\":1.25}\n", appending: true)
    #expect(try house.ingest().rowCount == 1)
    try house.checkBooks()
  }

  @Test func whatRemainsKeepsItsTimeAndTellsTheNewReason() throws {
    let house = try House()
    house.write("a.jsonl", "{\"user_id\":1.5,\"rate\":0.5}\n{\"user_id\":2,\"rate\":0.5}\n")
    _ = try house.ingest()
    let refusedAt = try house.rows("SELECT ingested_at FROM quarantine.bronze_events LIMIT 1")
    house.source.columns[1].type = .numeric(precision: nil, scale: nil)
    #expect(try replay(house).replayedCount == 1)
    #expect(
      try house.rows("SELECT reason, _line FROM quarantine.bronze_events") == [
        [.text("user_id: expected bigint, found a number with a fraction at byte 12"), .integer(1)]
      ])
    #expect(try house.rows("SELECT ingested_at FROM quarantine.bronze_events") == refusedAt)
    try house.checkBooks()
  }

  @Test func aTypeThatWouldChangeValuesIsRefused() throws {
    let house = try House()
    house.source.columns[1].type = .double
    house.write("a.jsonl", "{\"user_id\":1,\"rate\":70.5}\nbad\n")
    _ = try house.ingest()
    house.source.columns[1].type = .integer
    let error = #expect(throws: PulsehouseError.self) { try replay(house) }
    #expect(error?.message == "1 values of bronze.events.rate are not the same as integer")
    house.source.columns.append(SourceColumn("extra", .text))
    #expect(#expect(throws: PulsehouseError.self) { try replay(house) }?.detail?.contains("extra text") == true)
    house.source.columns.removeLast()
    house.source.columns[1].type = .double
    try house.checkBooks()
  }

  @Test func aRecordThatWasCutStays() throws {
    let house = try House()
    house.options.unitByteCount = 4096
    house.options.recordByteLimit = 8192
    let long = "{\"user_id\":1," + String(repeating: " ", count: 9000) + "\"rate\":1.5}\n"
    let large = "{\"user_id\":2,\"rate\":1.5,\"x\":\"" + String(repeating: "x", count: 3000) + "\"}\n"
    house.write("a.jsonl", long + large)
    #expect(try house.ingest().quarantinedCount == 2)
    house.source.columns[1].type = .double
    let report = try replay(house)
    #expect(report.replayedCount == 1)
    #expect(report.cutCount == 1)
    try house.checkBooks()
  }

  /// A replay and an ingest at the same time: one of them is refused, and no record is in both places.
  @Test func aReplayBesideAnIngestConflicts() throws {
    let house = try House()
    house.write("a.jsonl", House.line(1) + "{\"user_id\":2,\"rate\":71.5}\n")
    _ = try house.ingest()
    house.source.columns[1].type = .double
    let writer = try SourceWriter(house.source, lineage: LakeIngest.lineage, adoptsTypes: true, in: house.warehouse)
    #expect(writer.bronze.adoptedFrom != nil)
    #expect(try replay(house).replayedCount == 1)
    let error = #expect(throws: PulsehouseError.self) {
      _ = try writer.commit("late", replacing: true, replacingQuarantine: true)
    }
    #expect(error?.kind == .conflict)
    try house.checkBooks()
  }

  @Test func aCSVSourceIsLoadedAnew() throws {
    let house = try House()
    house.source = Source(
      schema: "bronze", table: "events", kind: .csv(CSVFiles(path: "events.csv")),
      columns: [SourceColumn("user_id", .bigint), SourceColumn("rate", .integer)])
    house.scratch.write("events.csv", "user_id,rate\n1,70\n2,70.5\n3,x\n")
    #expect(try house.ingest().quarantinedCount == 2)
    house.source.columns[1].type = .double
    let report = try replay(house)
    #expect(report.examinedCount == 2)
    #expect(report.replayedCount == 1)
    #expect(
      try house.rows("SELECT user_id, rate, _line FROM bronze.events ORDER BY 1") == [
        [.integer(1), .double(70), .integer(2)], [.integer(2), .double(70.5), .integer(3)],
      ])
    #expect(try house.count("SELECT count(*) FROM quarantine.bronze_events") == 1)
    #expect(try house.ingest().recordCount == 0)
  }

  @Test func theSummaryGroupsReasons() throws {
    let house = try House()
    #expect(try QuarantineSummary.make(house.source, in: house.warehouse) == nil)
    house.write(
      "a.jsonl", "bad\n{\"user_id\":1.5}\n{\"user_id\":  2.5}\n" + House.line(1) + "{\"rate\":99999999999}\n")
    _ = try house.ingest()
    let summary = try #require(try QuarantineSummary.make(house.source, in: house.warehouse))
    #expect(summary.count == 4)
    #expect(summary.reasons.map(\.count) == [2, 1, 1])
    #expect(summary.reasons[0].words == "user_id: expected bigint, found a number with a fraction")
    #expect(summary.reasons.map(\.sample.file) == ["a.jsonl", "a.jsonl", "a.jsonl"])
  }
}
