import Bytes
import Engine
import Modeling
import Testing
import Vectors

private let day: Int64 = 86_400
/// 2024-01-10 00:00 UTC.
private let start: Int64 = 1_704_844_800

private let silver = """
  MODEL (
    name silver.events, kind INCREMENTAL_BY_TIME_RANGE (time_column event_date), partitioned_by event_date, grain id
  );
  SELECT e.id, e.who, e.value,
    CAST(TIMESTAMP '1970-01-01 00:00:00' + e.at * INTERVAL '1 second' AS DATE) AS event_date
  FROM bronze.events AS e WHERE e.at BETWEEN @start_epoch AND @end_epoch
  """

private let totals = """
  MODEL (name gold.totals, kind FULL, grain event_date);
  SELECT event_date, COUNT(*) AS events, SUM(value) AS total FROM silver.events GROUP BY event_date
  """

private let people = """
  MODEL (name gold.people, kind FULL);
  SELECT DISTINCT who FROM silver.events
  """

private let shown = """
  MODEL (name gold.shown, kind VIEW);
  SELECT event_date, total FROM gold.totals
  """

private let dev = try! Environment("dev")

extension Workshop {
  @discardableResult
  fileprivate func inDev<Result>(_ body: () throws -> Result) rethrows -> Result {
    session.settings.environment = dev
    defer { session.settings.environment = nil }
    return try body()
  }

  fileprivate static func built() throws -> Workshop {
    let shop = try Workshop()
    for (name, text) in [("silver", silver), ("totals", totals), ("people", people), ("shown", shown)] {
      shop.put(name, text)
    }
    for number in 0..<40 {
      try shop.run("INSERT INTO bronze.events VALUES (\(number), \(number % 3), \(start + Int64(number) * day / 4), 7)")
    }
    try shop.build()
    return shop
  }

  fileprivate func paths(_ schema: String, _ table: String) throws -> Set<String> {
    Set(try session.warehouse.snapshot().table(TableName(schema, table))?.segments().map(\.path) ?? [])
  }

  fileprivate func failure(_ body: () throws -> Void) -> PulsehouseError? {
    do {
      try body()
      return nil
    } catch {
      return error as? PulsehouseError
    }
  }
}

@Suite struct EnvironmentTests {
  @Test func itBeginsFromProductionAndBuildsWhatDiffers() throws {
    let shop = try Workshop.built()
    shop.put("totals", totals.replacing("SUM(value)", with: "SUM(value) * 2"))
    let report = try shop.inDev { try shop.build() }
    #expect(
      shop.actions(report)
        == [
          "silver.events": "unchanged", "gold.totals": "rebuilt", "gold.people": "unchanged",
          "gold.shown": "rebuilt",
        ])
    // What does not differ is the same segments, and nothing was copied.
    #expect(try shop.paths("silver__dev", "events") == shop.paths("silver", "events"))
    #expect(try shop.paths("gold__dev", "people") == shop.paths("gold", "people"))
    #expect(try shop.paths("gold__dev", "totals").isDisjoint(with: shop.paths("gold", "totals")))
    // Names stand for the environment's tables within it, and for production's without.
    let first = "SELECT total FROM gold.totals WHERE event_date = DATE '2024-01-10'"
    #expect(try shop.rows(first) == [[.integer(28)]])
    #expect(try shop.inDev { try shop.rows(first) } == [[.integer(56)]])
    // Its view reads its own tables, whoever asks.
    let through = "SELECT DISTINCT total FROM"
    #expect(try shop.rows("\(through) gold__dev.shown") == [[.integer(56)]])
    #expect(try shop.rows("\(through) gold.shown") == [[.integer(28)]])
    #expect(try shop.inDev { try shop.rows("\(through) gold.shown") } == [[.integer(56)]])
    // Nothing more is to be done, and production is not touched by any of it.
    #expect(try shop.inDev { try shop.build() }.isIdle)
    #expect(RunRecordReading.environments(shop) == [nil, "dev"])
  }

  @Test func itFollowsProductionWhereTheyDoNotDiffer() throws {
    let shop = try Workshop.built()
    let changed = totals.replacing("SUM(value)", with: "SUM(value) * 2")
    shop.put("totals", changed)
    try shop.inDev { try shop.build() }
    try shop.run("INSERT INTO bronze.events VALUES (100, 9, \(start + 5), 7)")
    shop.put("totals", totals)
    try shop.build()
    shop.put("totals", changed)
    let report = try shop.inDev { try shop.build() }
    // Silver comes from production's run; what reads it is built.
    #expect(
      shop.actions(report)
        == [
          "silver.events": "unchanged", "gold.totals": "rebuilt", "gold.people": "unchanged", "gold.shown": "rebuilt",
        ])
    #expect(try shop.paths("silver__dev", "events") == shop.paths("silver", "events"))
    #expect(try shop.rows("SELECT count(*) FROM gold__dev.people") == [[.integer(4)]])
    #expect(
      try shop.rows("SELECT total FROM gold__dev.totals WHERE event_date = DATE '2024-01-10'") == [[.integer(70)]])
  }

  @Test func itRunsByItselfWhenProductionIsBehind() throws {
    let shop = try Workshop.built()
    try shop.inDev { try shop.build() }
    try shop.run("INSERT INTO bronze.events VALUES (100, 9, \(start + 5), 7)")
    #expect(try shop.inDev { try shop.plan() }["silver.events"] == "2024-01-10")
    let report = try shop.inDev { try shop.build() }
    #expect(shop.actions(report)["silver.events"] == "2024-01-10")
    #expect(shop.actions(report)["gold.totals"] == "rebuilt")
    #expect(try shop.rows("SELECT count(*) FROM silver.events") == [[.integer(40)]])
    #expect(try shop.rows("SELECT count(*) FROM silver__dev.events") == [[.integer(41)]])
  }

  @Test func promotionIsWhatARunWouldHaveBeen() throws {
    let shop = try Workshop.built()
    shop.put("totals", totals.replacing("SUM(value)", with: "SUM(value) * 2"))
    shop.put("new", "MODEL (name gold.new, kind FULL);\nSELECT who, COUNT(*) AS events FROM silver.events GROUP BY who")
    try shop.inDev { try shop.build() }
    let segments = try shop.paths("gold__dev", "totals")
    let report = try shop.inDev { try EnvironmentPromotion.promote(try shop.project(), in: shop.session) }
    #expect(Set(report.models.map(\.name.description)) == ["gold.totals", "gold.shown", "gold.new"])
    #expect(try shop.paths("gold", "totals") == segments)
    #expect(try shop.rows("SELECT DISTINCT total FROM gold.shown") == [[.integer(56)]])
    // Production is as if it had been run: nothing is to be done, and the next late event does what it always did.
    #expect(try shop.build().isIdle)
    try shop.run("INSERT INTO bronze.events VALUES (100, 1, \(start + 5), 7)")
    #expect(shop.actions(try shop.build())["silver.events"] == "2024-01-10")
    // The environment goes on by itself.
    #expect(try shop.rows("SELECT count(*) FROM silver__dev.events") == [[.integer(40)]])
    #expect(try shop.inDev { try EnvironmentPromotion.promote(try shop.project(), in: shop.session) }.number == nil)
  }

  @Test func promotionIsTakenBackAndRemovesWhatIsGone() throws {
    let shop = try Workshop.built()
    shop.put("totals", totals.replacing("SUM(value)", with: "SUM(value) * 2"))
    shop.remove("people")
    try shop.inDev { try shop.build() }
    let before = try shop.rows("SELECT * FROM gold.totals ORDER BY event_date")
    let report = try shop.inDev { try EnvironmentPromotion.promote(try shop.project(), in: shop.session) }
    #expect(report.models.contains { $0.name.description == "gold.people" && $0.action == .removed })
    #expect(try shop.session.warehouse.snapshot().table(TableName("gold", "people")) == nil)
    let undone = try RunUndo.undo(nil, in: shop.session)
    #expect(undone.number == report.number)
    #expect(try shop.rows("SELECT * FROM gold.totals ORDER BY event_date") == before)
    #expect(try shop.rows("SELECT count(*) FROM gold.people") == [[.integer(3)]])
    // The project of before finds all as it left it.
    shop.put("totals", totals)
    shop.put("people", people)
    #expect(try shop.build().isIdle)
  }

  @Test func anOutdatedEnvironmentIsNotPromoted() throws {
    let shop = try Workshop.built()
    try shop.inDev { try shop.build() }
    shop.put("totals", totals.replacing("SUM(value)", with: "MAX(value)"))
    let error = shop.failure {
      _ = try shop.inDev { try EnvironmentPromotion.promote(try shop.project(), in: shop.session) }
    }
    #expect(error?.message == "the environment dev is outdated: gold.totals would be rebuilt")
    let missing = shop.failure {
      shop.session.settings.environment = try Environment("other")
      defer { shop.session.settings.environment = nil }
      _ = try EnvironmentPromotion.promote(try shop.project(), in: shop.session)
    }
    #expect(missing?.sqlState == "42704")
  }

  @Test func differencesAreCountedByGrain() throws {
    let shop = try Workshop.built()
    shop.put(
      "totals",
      totals.replacing("GROUP BY event_date", with: "WHERE event_date > DATE '2024-01-10' GROUP BY event_date")
        .replacing("SUM(value)", with: "SUM(CASE WHEN id = 4 THEN 100 ELSE value END)"))
    shop.remove("shown")
    shop.put("new", "MODEL (name gold.new, kind FULL);\nSELECT COUNT(*) AS events FROM silver.events")
    try shop.inDev { try shop.build() }
    let found = try EnvironmentDifference.find(dev, nil, try shop.project(), in: shop.session, sampleLimit: 10)
    let byName = Dictionary(uniqueKeysWithValues: found.models.map { ($0.name.description, $0) })
    #expect(byName["silver.events"]?.status == .same)
    #expect(byName["gold.new"]?.status == .added)
    #expect(byName["gold.shown"]?.status == .removed)
    let changed = try #require(byName["gold.totals"])
    #expect(changed.status == .changed)
    #expect(changed.rowCounts.first == 9 && changed.rowCounts.second == 10)
    let rows = try #require(changed.rows)
    #expect((rows.onlyFirst, rows.onlySecond, rows.changed) == (0, 1, 1))
    #expect(
      rows.sample.rows.map { $0.map { $0 ?? "" } } == [
        ["-", "2024-01-10", "4", "28"], ["+", "2024-01-11", "4", "121"], ["-", "2024-01-11", "4", "28"],
      ])
    // Nothing of the comparison is left behind.
    #expect(try !shop.session.warehouse.snapshot().schemas.contains { $0.contains("compared") })
  }

  @Test func productionIsOnlyReadFromWithin() throws {
    let shop = try Workshop.built()
    try shop.inDev { try shop.build() }
    for sql in [
      "DELETE FROM bronze.events", "DROP TABLE bronze.events", "INSERT INTO bronze.events VALUES (1, 1, 1, 1)",
      "UPDATE bronze.events SET value = 1", "TRUNCATE bronze.events",
    ] {
      let error = shop.failure { try shop.inDev { try shop.run(sql) } }
      #expect(error?.sqlState == "25006", "\(sql)")
    }
    try shop.inDev {
      try shop.run("DELETE FROM silver.events WHERE silver.events.id < 10; CREATE TABLE gold.own (a integer)")
    }
    #expect(try shop.rows("SELECT count(*) FROM silver.events") == [[.integer(40)]])
    #expect(try shop.rows("SELECT count(*) FROM silver__dev.events") == [[.integer(30)]])
    #expect(try shop.rows("SELECT count(*) FROM gold__dev.own") == [[.integer(0)]])
    #expect(shop.failure { try shop.run("SET environment = 'nowhere'; SELECT 1") }?.sqlState == "42704")
    try shop.run("RESET environment; SELECT 1")
  }

  @Test func droppingLetsGoAndCollectionKeepsTheRest() throws {
    let shop = try Workshop.built()
    shop.put("totals", totals.replacing("SUM(value)", with: "SUM(value) * 2"))
    try shop.inDev { try shop.build() }
    let own = try shop.paths("gold__dev", "totals")
    // Production goes away; what the environment names stays readable.
    try shop.run("DROP VIEW gold.shown; DROP TABLE silver.events")
    _ = try shop.session.warehouse.store.collect(keeping: 1)
    #expect(try shop.rows("SELECT sum(value) FROM silver__dev.events") == [[.integer(280)]])
    #expect(try ModelCatalog.drop(dev, in: shop.session) == 4)
    let snapshot = try shop.session.warehouse.snapshot()
    #expect(!snapshot.schemas.contains { $0.hasSuffix("__dev") })
    #expect(try EnvironmentRecord.all(in: snapshot).isEmpty)
    _ = try shop.session.warehouse.store.collect(keeping: 1)
    let files = LocalFileSystem()
    for path in own { #expect(try files.status(shop.session.warehouse.absolutePath(path)) == nil) }
    #expect(shop.failure { _ = try ModelCatalog.drop(dev, in: shop.session) }?.sqlState == "42704")
  }

  @Test func namesThatAreNone() {
    for name in ["", "prod", "Dev", "a__b", "9a", "a-b", "a_", String(repeating: "a", count: 41)] {
      #expect(throws: PulsehouseError.self) { try Environment(name) }
    }
  }

  /// Whatever is changed, ingested and run in whichever order: an environment has just the rows that a project of its
  /// SQL alone would have, and so has production after a promotion.
  @Test(arguments: [1, 2, 3, 4, 5, 6]) func anySequenceEndsAsARebuildWould(_ seed: UInt64) throws {
    var state = seed &* 0x9E37_79B9_7F4A_7C15
    func next(_ limit: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % limit
    }
    let shop = try Workshop.built()
    var texts = [totals, silver, people]
    var number: UInt64 = 1000
    for _ in 0..<14 {
      switch next(6) {
      case 0:
        number += 1
        try shop.run(
          "INSERT INTO bronze.events VALUES (\(number), \(next(5)), \(start + Int64(next(12)) * day), \(next(9)))")
      case 1: try shop.build()
      case 2: try shop.inDev { try shop.build() }
      case 3: texts[0] = totals.replacing("SUM(value)", with: "SUM(value) + \(next(3))")
      case 4: texts[1] = silver.replacing("e.value,", with: "e.value + \(next(2)) AS value,")
      default:
        try shop.inDev {
          try shop.build()
          _ = try EnvironmentPromotion.promote(try shop.project(), in: shop.session)
        }
      }
      shop.put("totals", texts[0])
      shop.put("silver", texts[1])
    }
    try shop.inDev { try shop.build() }
    let queries = ["silver.events", "gold.totals", "gold.people", "gold.shown"].map {
      "SELECT * FROM \($0) ORDER BY \($0 == "silver.events" ? "id" : "1")"
    }
    let tried = try shop.inDev { try queries.map { try shop.rows($0) } }
    try shop.inDev { _ = try EnvironmentPromotion.promote(try shop.project(), in: shop.session) }
    #expect(try queries.map { try shop.rows($0) } == tried, "seed \(seed)")
    #expect(try shop.build().isIdle, "seed \(seed)")
    try shop.build { $0.isFull = true }
    #expect(try queries.map { try shop.rows($0) } == tried, "seed \(seed)")
  }
}

private enum RunRecordReading {
  static func environments(_ shop: Workshop) -> [String?] {
    let records = (try? RunRecord.all(in: shop.session.warehouse.snapshot())) ?? []
    return records.map { $0.environment?.name }
  }
}
