import Bytes
import Engine
import Modeling
import TestKit
import Testing
import Vectors

private let day: Int64 = 86_400
/// 2024-01-10 00:00 UTC.
private let start: Int64 = 1_704_844_800

private let events = """
  MODEL (name silver.events, kind INCREMENTAL_BY_TIME_RANGE (time_column event_date, batch_size 1), cron '@daily');
  SELECT e.id, 100 / e.value AS share, CAST(TIMESTAMP '1970-01-01 00:00:00' + e.at * INTERVAL '1 second' AS DATE) AS event_date
  FROM bronze.events AS e WHERE e.at BETWEEN @start_epoch AND @end_epoch
  """

private let totals = """
  MODEL (name gold.totals, kind FULL, audits (not_null(columns := (shares))));
  SELECT event_date, COUNT(*) AS events, SUM(share) AS shares FROM silver.events GROUP BY event_date
  """

private let shown = """
  MODEL (name gold.shown, kind VIEW);
  SELECT event_date, events, shares FROM gold.totals
  """

private let top = """
  MODEL (name gold.top, kind FULL);
  SELECT event_date, shares FROM gold.shown ORDER BY shares DESC, event_date LIMIT 3
  """

private struct Killed: Error {}

extension Workshop {
  fileprivate static func house() throws -> Workshop {
    let shop = try Workshop()
    for (name, text) in [("events", events), ("totals", totals), ("shown", shown), ("top", top)] {
      shop.put(name, text)
    }
    try shop.insert((0..<40).map { (Int64($0), start + Int64($0 % 10) * day, 5) })
    return shop
  }

  private func insert(_ events: [(id: Int64, at: Int64, value: Int64)]) throws {
    let values = events.map { "(\($0.id), 1, \($0.at), \($0.value))" }
    try run("INSERT INTO bronze.events VALUES \(values.joined(separator: ", "))")
  }

  /// A run that ends when it comes to a model, and never knew that it would.
  fileprivate func killed(at name: String, _ change: (inout RunOptions) -> Void = { _ in }) throws {
    var options = RunOptions()
    options.executionTime = clock
    options.keptSeconds = 0
    clock += 3_600_000_000
    change(&options)
    #expect(throws: Killed.self) {
      try ModelRun.run(try project(), in: SessionModelSession(session), options: options) { event in
        if case .began(let model, _, _) = event, model.description == name { throw Killed() }
      }
    }
    // As another process.
    try reopen()
  }

  fileprivate func left() throws -> Set<String> {
    Set(try UnfinishedModel.all(in: session.warehouse.snapshot(), session.settings.environment).keys.map(\.description))
  }

  /// What a build of everything gives.
  fileprivate func expected() throws -> [[[Scalar]]] {
    let other = try Workshop()
    for (name, text) in models { other.put(name, text) }
    try other.insert(
      rows("SELECT id, at, value FROM bronze.events").compactMap { row in
        guard case .integer(let id) = row[0], case .integer(let at) = row[1], case .integer(let value) = row[2] else {
          return nil
        }
        return (id, at, value)
      })
    try other.build()
    return try other.contents()
  }

  fileprivate func contents() throws -> [[[Scalar]]] {
    try ["silver.events", "gold.totals", "gold.shown", "gold.top"].map { try rows("SELECT * FROM \($0) ORDER BY 1, 2") }
  }
}

@Suite struct ResumptionTests {
  @Test func whatAKilledRunFinishedIsTakenOver() throws {
    let shop = try Workshop.house()
    try shop.killed(at: "gold.top")
    // Nothing is published, and what was done is there.
    #expect(try shop.session.warehouse.snapshot().table(TableName("gold", "totals")) == nil)
    #expect(try shop.left() == ["silver.events", "gold.totals"])
    #expect(try shop.rows("SELECT count(*) FROM unfinished.\"silver.events\"") == [[.integer(40)]])
    let plan = try shop.plan()
    #expect(plan["silver.events"] == "resumed" && plan["gold.totals"] == "resumed" && plan["gold.top"] == "rebuilt")
    // Looking at a plan takes nothing.
    #expect(try shop.left().count == 2)

    let report = try shop.build()
    #expect(report.isPublished)
    let actions = shop.actions(report)
    #expect(actions["silver.events"] == "resumed" && actions["gold.totals"] == "resumed", "\(actions)")
    #expect(actions["gold.shown"] == "rebuilt" && actions["gold.top"] == "rebuilt", "\(actions)")
    #expect(report.models[0].reason.contains("which did not end"))
    #expect(try shop.contents() == shop.expected())
    // The history has what the killed run did, with its audits, and nothing is left.
    let record = try #require(try RunRecord.all(in: shop.session.warehouse.snapshot()).last)
    let totals = try #require(record.models.first { $0.name.name == "totals" })
    #expect(totals.action == "resumed" && totals.audits.count == 1 && totals.rowCount == 10)
    #expect(try shop.left().isEmpty)
    #expect(try !shop.session.warehouse.snapshot().schemas.contains("unfinished"))
    #expect(try shop.build().isIdle)
    // It can be undone and done like any other.
    _ = try RunUndo.undo(nil, in: shop.session)
    #expect(try shop.session.warehouse.snapshot().table(TableName("gold", "totals")) == nil)
    try shop.build()
    #expect(try shop.contents() == shop.expected())
  }

  @Test func whatCameMeanwhileIsBuiltOnTop() throws {
    let shop = try Workshop.house()
    try shop.killed(at: "gold.top")
    try shop.run("INSERT INTO bronze.events VALUES (99, 1, \(start + 3 * day), 2)")
    let report = try shop.build()
    let actions = shop.actions(report)
    #expect(actions["silver.events"] == "2024-01-13", "\(actions)")
    #expect(actions["gold.totals"] == "rebuilt", "\(actions)")
    #expect(try shop.contents() == shop.expected())
    #expect(try shop.left().isEmpty)
    #expect(try shop.build().isIdle)
  }

  @Test func whatIsNoLongerAskedForIsNotTaken() throws {
    let shop = try Workshop.house()
    try shop.killed(at: "gold.top")
    // Other SQL.
    shop.put("totals", totals.replacing("SUM(share)", with: "SUM(share) + 1"))
    #expect(try shop.plan()["gold.totals"] == "rebuilt")
    #expect(try shop.plan()["silver.events"] == "resumed")
    // A run of something else in between does not touch what is left.
    shop.put("totals", totals)
    shop.put("aside", "MODEL (name gold.aside, kind FULL);\nSELECT count(*) AS n FROM bronze.events")
    try shop.build { $0.selection = ["gold.aside"] }
    #expect(try shop.left().count == 2)
    // One that publishes the model does.
    try shop.build { $0.selection = ["silver.events"] }
    #expect(try shop.left() == ["gold.totals"])
    let report = try shop.build()
    #expect(shop.actions(report)["gold.totals"] == "rebuilt" || shop.actions(report)["gold.totals"] == "resumed")
    #expect(try shop.contents() == shop.expected())
    #expect(try shop.left().isEmpty)
  }

  @Test func theIntervalsThatAreDoneAreTakenOver() throws {
    let shop = try Workshop.house()
    // The sixth day cannot be built; what fails leaves the days before it.
    try shop.run("UPDATE bronze.events SET value = 0 WHERE id = 5")
    let failed = try shop.build { $0.keptSeconds = 0 }
    #expect(failed.outcome == .failed)
    #expect(try shop.left() == ["silver.events"])
    #expect(
      try shop.rows("SELECT count(DISTINCT event_date) FROM unfinished.\"silver.events\"") == [[.integer(5)]])
    try shop.run("UPDATE bronze.events SET value = 5 WHERE id = 5")
    let report = try shop.build()
    #expect(report.isPublished)
    let model = try #require(report.models.first { $0.name.name == "events" })
    #expect(model.intervals.map(\.range.text) == (15...19).map { "2024-01-\($0)" })
    #expect(model.reason.contains("not built before the run ended"))
    #expect(try shop.contents() == shop.expected())
    #expect(try shop.build().isIdle)

    // The same when some days of a table that is there are built anew.
    try shop.run("UPDATE bronze.events SET value = 4 WHERE at >= \(start + 2 * day)")
    try shop.run("UPDATE bronze.events SET value = 0 WHERE id = 6")
    let before = try shop.contents()
    #expect(try shop.build { $0.keptSeconds = 0 }.outcome == .failed)
    #expect(try shop.contents() == before)
    try shop.run("UPDATE bronze.events SET value = 4 WHERE id = 6")
    let second = try shop.build()
    let days = try #require(second.models.first { $0.name.name == "events" }).intervals.map(\.range.text)
    #expect(days == (16...19).map { "2024-01-\($0)" })
    #expect(try shop.contents() == shop.expected())
    #expect(try shop.build().isIdle)
  }

  @Test func aWholeBuildThatWasAskedForGoesOnWhenItIsAskedForAgain() throws {
    let shop = try Workshop.house()
    try shop.build()
    try shop.killed(at: "gold.top") { $0.isFull = true }
    // Asked for by nobody, its rows are no others; asked for again it goes on.
    let report = try shop.build {
      $0.isFull = true
      $0.keptSeconds = 0
    }
    #expect(shop.actions(report)["gold.top"] == "rebuilt")
    #expect(try shop.contents() == shop.expected())
    #expect(try shop.left().isEmpty)
    try shop.run("INSERT INTO bronze.events VALUES (99, 1, \(start + 3 * day), 2)")
    try shop.killed(at: "gold.top")
    #expect(try shop.left() == ["silver.events", "gold.totals"])
    // A run that is to build everything takes nothing over that was not built for that.
    let full = try shop.build { $0.isFull = true }
    #expect(!full.models.contains { $0.action == "resumed" })
    #expect(try shop.contents() == shop.expected())
  }

  @Test func collectionKeepsItForAWeek() throws {
    let shop = try Workshop.house()
    try shop.killed(at: "gold.top")
    var retention = Retention()
    retention.count = 1
    retention.seconds = 1
    let warehouse = shop.session.warehouse
    let now = MachineClock.microsecondsSince1970
    _ = try retention.collect(warehouse, shop.project(), now: now + 6 * 86_400_000_000)
    #expect(try shop.left().count == 2)
    #expect(try shop.plan()["gold.totals"] == "resumed")
    _ = try retention.collect(warehouse, shop.project(), now: now + 8 * 86_400_000_000)
    #expect(try shop.left().isEmpty)
    let report = try retention.collect(warehouse, shop.project(), now: now + 8 * 86_400_000_000 + 1)
    #expect(report.removedFileCount > 0 || report.keptUncommittedCount == 0)
    try shop.build()
    #expect(try shop.contents() == shop.expected())
  }

  @Test func anEnvironmentHasItsOwn() throws {
    let shop = try Workshop.house()
    try shop.build()
    let before = try shop.contents()
    shop.put("totals", totals.replacing("SUM(share)", with: "SUM(share) * 2"))
    shop.session.settings.environment = try Environment("dev")
    try shop.killed(at: "gold.top")
    shop.session.settings.environment = try Environment("dev")
    #expect(try shop.left() == ["gold.totals"])
    let report = try shop.build()
    #expect(shop.actions(report)["gold.totals"] == "resumed")
    #expect(try shop.contents() == shop.expected())
    #expect(try shop.left().isEmpty)
    shop.session.settings.environment = nil
    #expect(try shop.contents() == before)
  }

  /// The process dies at any file operation of a run that sets aside all it does: the next run ends in the same tables,
  /// and what it reads of the one before is whole.
  @Test(arguments: [FaultyFileSystem.Fault.stop, .powerCut])
  func aKillAtAnyInstant(fault: FaultyFileSystem.Fault) throws {
    try withScratchDirectory(inMemory: true) { _ in
      let shop = try Workshop.house()
      try shop.build()
      var position = 0
      var resumed = 0
      while true {
        try shop.run("UPDATE bronze.events SET value = \(1 + position % 7) WHERE at >= \(start + 7 * day)")
        let files = FaultyFileSystem(fault, at: position)
        do {
          try shop.reopen(files)
          _ = try shop.build { $0.keptSeconds = 0 }
        } catch {
          // Nobody is there to read it.
        }
        guard files.hasStruck else { break }
        try files.settle()
        try shop.reopen()
        let report = try shop.build()
        #expect(report.isPublished, "operation \(position)")
        resumed += report.models.count { $0.action == "resumed" || $0.reason.contains("which did not end") }
        #expect(try shop.contents() == shop.expected(), "operation \(position)")
        #expect(try shop.left().isEmpty, "operation \(position)")
        position += 11
      }
      #expect(position > 50 && resumed > 3, "\(position) operations, \(resumed) taken over")
    }
  }
}
