import Bytes
import Engine
import Ingestion
import Modeling
import Simulation
import TestKit
import Testing
import Vectors

/// A simulated lake taken to gold by the project that comes with the program.
private final class House {
  let data: String
  let session: Session
  let generated: GenerationReport
  private let sources: [Source]
  private let project: Project

  static let folder = String(#filePath.dropLast("/Tests/PipelineTests/PipelineTests.swift".count)) + "/warehouse"

  init(_ data: String, _ options: SimulationOptions) throws {
    self.data = data
    generated = try Simulation.generate(
      options, to: GenerationTarget(seeds: data + "/seeds", lake: data + "/lake"))
    session = Session(try Warehouse(data + "/tables", mode: .create))
    sources = try Source.load(directory: House.folder + "/sources")
    project = try Project.load(House.folder)
  }

  @discardableResult
  func ingest() throws -> [String: IngestReport] {
    var options = IngestOptions()
    options.dataDirectory = data
    var reports: [String: IngestReport] = [:]
    try Ingest.run(sources, names: [], into: session.warehouse, options: options) { reports[$0.source] = $0 }
    return reports
  }

  @discardableResult
  func run() throws -> RunReport { try ModelRun.run(project, in: SessionModelSession(session)) }

  func integers(_ sql: String) throws -> [[Int?]] {
    try session.rows(sql).map { row in
      row.map { value in
        if case .integer(let number) = value { return Int(number) }
        return nil
      }
    }
  }
}

private func small() -> SimulationOptions {
  var options = SimulationOptions()
  options.eventCount = 6000
  options.spanDays = 2
  options.recording = .continuous
  options.duplicateShare = 0.05
  options.lateShare = 0.02
  options.malformedShare = 0.02
  return options
}

@Suite struct PipelineTests {
  @Test func goldHoldsWhatWasPutIn() throws {
    try withScratchDirectory(inMemory: true) { data in
      var options = small()
      // All four quarters.
      options.eventCount = 8000
      options.spanDays = 28
      options.startDay = 19_768
      options.recording = .studyWeeks
      let house = try House(data, options)
      let generated = house.generated
      let reports = try house.ingest()
      let lake = try #require(reports["bronze.heart_rate"])
      #expect(lake.recordCount == Int64(generated.events))
      #expect(lake.quarantinedCount == Int64(generated.quarantined))
      #expect(lake.rowCount == lake.recordCount - lake.quarantinedCount)
      let report = try house.run()
      #expect(report.isPublished)
      #expect(report.failures.isEmpty)

      #expect(try house.integers("SELECT COUNT(*) FROM gold.fct_heart_rate") == [[generated.distinctEvents]])
      #expect(try house.integers("SELECT COUNT(*) FROM gold.dim_users") == [[9999]])
      let measures = "COUNT(*), SUM(f.heart_rate), MIN(f.heart_rate), MAX(f.heart_rate)"
      func check(_ key: String, _ expected: [GenerationFacts.Measure], keys: [String]) throws {
        let rows = try house.session.rows(
          """
          SELECT CAST(\(key) AS TEXT), a.activity_id, \(measures)
          FROM gold.fct_heart_rate AS f
          JOIN gold.dim_activities AS a ON a.activity_key = f.activity_key
          JOIN gold.dim_users AS u ON u.user_key = f.user_key
          JOIN gold.dim_date AS d ON d.date_key = f.date_key
          JOIN gold.dim_time AS t ON t.time_key = f.time_key
          GROUP BY 1, 2
          """)
        var found: [String: [Int]] = [:]
        for row in rows {
          guard case .text(let name) = row[0] else { continue }
          found[name + "/\(Self.number(row[1]))"] = row[2...].map(Self.number)
        }
        for (index, measure) in expected.enumerated() {
          let activity = ActivityCatalog.all[index % ActivityCatalog.all.count]
          let name = keys[index / ActivityCatalog.all.count] + "/\(activity.id)"
          let wanted = measure.count == 0 ? nil : [measure.count, measure.sum, measure.minimum, measure.maximum]
          #expect(found.removeValue(forKey: name) == wanted, "\(name)")
        }
        #expect(found.isEmpty)
      }
      let facts = generated.facts
      try check("'all'", facts.byActivity, keys: ["all"])
      try check("u.country_code", facts.byCountryAndActivity, keys: Country.all.map(\.code))
      try check("t.hour_of_day", facts.byHourAndActivity, keys: (0..<24).map(String.init))
      try check("u.sex", facts.bySexAndActivity, keys: ["Female", "Male"])
      try check("d.quarter_of_year", facts.byQuarterAndActivity, keys: ["1", "2", "3", "4"])
    }
  }

  private static func number(_ value: Scalar) -> Int {
    if case .integer(let number) = value { return Int(number) }
    return .min
  }

  @Test func nothingNewChangesNothing() throws {
    try withScratchDirectory(inMemory: true) { data in
      let house = try House(data, small())
      try house.ingest()
      try house.run()
      let all = "SELECT * FROM gold.fct_heart_rate ORDER BY user_key, event_ts, activity_key"
      let before = try house.session.rows(all)
      let again = try house.ingest()
      #expect(again["bronze.heart_rate"]?.recordCount == 0)
      try house.run()
      #expect(try house.session.rows(all) == before)
      #expect(before.count == house.generated.distinctEvents)
    }
  }

  @Test func lateEventsFindTheirPlace() throws {
    try withScratchDirectory(inMemory: true) { data in
      let house = try House(data, small())
      // The files of late lines arrive only after the first run.
      let files = LocalFileSystem()
      func lateFiles(_ folder: String) throws -> [String] {
        try files.list(folder).flatMap { name in
          let path = Path.join(folder, name)
          if name.hasSuffix(".late.jsonl") { return [path] }
          return name.hasSuffix(".jsonl") ? [] : try lateFiles(path)
        }
      }
      let late = try lateFiles(data + "/lake")
      #expect(!late.isEmpty)
      try files.makeDirectory(data + "/waiting")
      for (index, path) in late.enumerated() { try files.rename(path, to: data + "/waiting/\(index)") }
      try house.ingest()
      try house.run()
      let count = "SELECT COUNT(*) FROM gold.fct_heart_rate"
      #expect(try house.integers(count) == [[house.generated.distinctEvents - house.generated.late]])
      for (index, path) in late.enumerated() { try files.rename(data + "/waiting/\(index)", to: path) }
      try house.ingest()
      try house.run()
      #expect(try house.integers(count) == [[house.generated.distinctEvents]])
      // The event before, by a query of its own, for every event.
      let wrong = try house.integers(
        """
        SELECT COUNT(*) FROM gold.fct_heart_rate AS f
        WHERE f.previous_heart_rate IS DISTINCT FROM (
          SELECT MAX(p.heart_rate) FROM gold.fct_heart_rate AS p
          WHERE p.user_key = f.user_key AND p.event_ts = (
            SELECT MAX(q.event_ts) FROM gold.fct_heart_rate AS q
            WHERE q.user_key = f.user_key AND q.event_ts < f.event_ts))
        """)
      #expect(wrong == [[0]])
    }
  }

  @Test func aBrokenPromisePublishesNothing() throws {
    try withScratchDirectory(inMemory: true) { data in
      let house = try House(data, small())
      try house.ingest()
      try house.run()
      let before = try house.integers("SELECT COUNT(*), SUM(heart_rate) FROM gold.fct_heart_rate")
      try house.session.run(
        "INSERT INTO bronze.heart_rate (user_id, heart_rate, timestamp, activity_id, latitude, longitude, _file, _line, _offset) "
          + "VALUES (10001, 999, 1700000000, 20012, 91, 0, 'by hand', 1, 0), (77, 60, 1700000000, 20012, 1, 1, 'by hand', 2, 9)",
        into: DiscardingSink())
      let report = try house.run()
      #expect(!report.isPublished)
      #expect(report.models.first { $0.error != nil }?.name.description == "silver.heart_rate")
      #expect(report.failures.map(\.audit.name) == ["accepted_range", "accepted_range"])
      #expect(report.failures.map(\.audit.failureCount) == [1, 1])
      #expect(report.error?.kind == .user)
      #expect(try house.integers("SELECT COUNT(*), SUM(heart_rate) FROM gold.fct_heart_rate") == before)
      let kept = try #require(report.failures.first?.audit.keptIn)
      #expect(try house.integers("SELECT user_id, heart_rate FROM \(kept)") == [[10_001, 999]])
      // Without those rows, the unknown user is left: found by the audits of the fact, which keeps its row.
      try house.session.run("DELETE FROM bronze.heart_rate WHERE heart_rate = 999", into: DiscardingSink())
      let second = try house.run()
      #expect(!second.isPublished)
      #expect(second.failures.map(\.audit.name) == ["not_null"])
      #expect(try house.integers("SELECT COUNT(*), SUM(heart_rate) FROM gold.fct_heart_rate") == before)
    }
  }
}
