import Bytes
import Engine
import Modeling
import Testing
import Vectors

private let day: Int64 = 86_400
/// 2024-01-10 00:00 UTC.
private let start: Int64 = 1_704_844_800

@Suite struct RetentionTests {
  @Test(
    arguments: [
      ("90s", 90), ("12h", 43_200), ("in 1 week", 604_800), ("1 week", 604_800), ("in 30 days", 2_592_000),
      ("36 hours", 129_600), ("1 minute", 60),
    ] as [(String, Int64)])
  func readsALengthOfTime(_ text: String, _ seconds: Int64) throws {
    #expect(try Retention.seconds(text) == seconds)
  }

  @Test(arguments: ["", "soon", "in", "1", "in 1", "week", "-1 days", "in 1 fortnight", "0 days"])
  func refusesWhatIsNone(_ text: String) {
    #expect(throws: PulsehouseError.self) { try Retention.seconds(text) }
  }

  private func shop() throws -> Workshop {
    let shop = try Workshop()
    shop.put(
      "silver",
      """
      MODEL (name silver.events, kind INCREMENTAL_BY_TIME_RANGE (time_column event_date), cron '@daily');
      SELECT e.id, e.value, CAST(TIMESTAMP '1970-01-01 00:00:00' + e.at * INTERVAL '1 second' AS DATE) AS event_date
      FROM bronze.events AS e WHERE e.at BETWEEN @start_epoch AND @end_epoch
      """)
    shop.put(
      "totals",
      "MODEL (name gold.totals, kind FULL);\nSELECT event_date, SUM(value) AS total FROM silver.events GROUP BY 1")
    for number in 0..<20 { try insert(number, shop) }
    try shop.build()
    return shop
  }

  private func insert(_ number: Int, _ shop: Workshop) throws {
    try shop.run("INSERT INTO bronze.events VALUES (\(number), 1, \(start + Int64(number % 10) * day), 7)")
  }

  private func fileCount(_ shop: Workshop) throws -> Int {
    var count = 0
    func look(_ folder: String) throws {
      let files = LocalFileSystem()
      for name in try files.list(folder) {
        let path = Path.join(folder, name)
        if try files.status(path)?.isDirectory == true { try look(path) } else if name.hasSuffix(".seg") { count += 1 }
      }
    }
    try look(shop.session.warehouse.absolutePath("tables"))
    return count
  }

  @Test func whatModelsHaveReadAndTheLastRunStayAndTheRestGoes() throws {
    let shop = try shop()
    let warehouse = shop.session.warehouse
    var retention = Retention()
    retention.count = 3
    retention.seconds = 3600
    let now = MachineClock.microsecondsSince1970
    // Everything is young yet.
    #expect(try retention.collect(warehouse, shop.project(), now: now).oldestSnapshot == SnapshotID(1))
    for number in 20..<30 { try insert(number, shop) }
    let later = now + 7_200_000_000
    let run = try #require(try RunRecord.all(in: warehouse.snapshot()).last)
    let report = try retention.collect(warehouse, shop.project(), now: later)
    #expect(report.oldestSnapshot == run.snapshotBefore)
    // Rows that came are still told from those that were there: no day is built for nothing.
    try insert(3, shop)
    #expect(try shop.plan()["silver.events"] != "rebuilt")
    try shop.build()
    // The run can be undone after a collection, and done again.
    _ = try retention.collect(warehouse, shop.project(), now: later)
    _ = try RunUndo.undo(nil, in: shop.session)
    try shop.build()
    #expect(try shop.rows("SELECT CAST(sum(total) AS bigint) FROM gold.totals") == [[.integer(217)]])

    // What nobody has run for 35 days is not waited for: the next build is whole, and right.
    try insert(31, shop)
    for number in 32..<40 { try insert(number, shop) }
    let month = now + 36 * 86_400_000_000
    let newest = try warehouse.snapshot().id.number
    #expect(try retention.collect(warehouse, shop.project(), now: month).oldestSnapshot == SnapshotID(newest - 2))
    try shop.build()
    #expect(try shop.rows("SELECT CAST(sum(total) AS bigint) FROM gold.totals") == [[.integer(280)]])
  }

  /// The disk of a watch: however many turns, what is there is what a few of them need.
  @Test func aHundredTurnsNeedNoMoreFilesThanTen() throws {
    let shop = try shop()
    var retention = Retention()
    retention.count = 3
    retention.seconds = 1
    var counts: [Int] = []
    for turn in 0..<60 {
      try insert(100 + turn, shop)
      try shop.build()
      _ = try retention.collect(
        shop.session.warehouse, shop.project(), now: MachineClock.microsecondsSince1970 + 10_000_000)
      counts.append(try fileCount(shop))
    }
    let early = try #require(counts[5..<20].max())
    let late = try #require(counts[45...].max())
    #expect(late <= early * 2, "\(counts)")
    #expect(try shop.rows("SELECT CAST(sum(total) AS bigint) FROM gold.totals") == [[.integer(560)]])
  }
}
