import Bytes
import Engine
import Modeling
import Testing
import Vectors

@Suite struct EmbeddedTests {
  private let start: Int64 = 1_704_844_800

  private func shop() throws -> Workshop {
    let shop = try Workshop()
    for number: Int64 in 0..<12 {
      try shop.run("INSERT INTO bronze.events VALUES (\(number), \(number % 3), \(start + number * 43_200), \(number))")
    }
    shop.put(
      "timed",
      """
      MODEL (name silver.timed, kind EMBEDDED);
      SELECT e.*, CAST(TIMESTAMP '1970-01-01 00:00:00' + e.at * INTERVAL '1 second' AS DATE) AS event_date
      FROM bronze.events AS e WHERE e.at BETWEEN @start_epoch AND @end_epoch
      """)
    shop.put("big", "MODEL (name silver.big, kind EMBEDDED);\nSELECT id, value FROM bronze.events WHERE value > 4")
    shop.put(
      "days",
      """
      MODEL (name gold.days, kind INCREMENTAL_BY_TIME_RANGE (time_column event_date));
      SELECT timed.event_date, COUNT(*) AS events FROM silver.timed GROUP BY timed.event_date
      """)
    shop.put(
      "shown",
      "MODEL (name gold.shown, kind VIEW);\nSELECT b.value, big.id FROM silver.big AS b JOIN silver.big ON big.id = b.id"
    )
    return shop
  }

  @Test func itsQueryStandsInItsReaders() throws {
    let shop = try shop()
    var report = try shop.build()
    #expect(report.models.map(\.name.description).sorted() == ["gold.days", "gold.shown"])
    #expect(
      try shop.rows("SELECT count(*), CAST(sum(events) AS bigint) FROM gold.days") == [[.integer(6), .integer(12)]])
    #expect(try shop.rows("SELECT count(*) FROM gold.shown") == [[.integer(7)]])
    #expect(try shop.session.warehouse.snapshot().schemas.contains("silver"))
    #expect(try shop.session.warehouse.snapshot().table(TableName("silver", "timed")) == nil)
    // A late event rebuilds its interval through it, and a change of its SQL is one of its readers'.
    try shop.run("INSERT INTO bronze.events VALUES (100, 1, \(start + 5), 9)")
    report = try shop.build()
    #expect(shop.actions(report) == ["gold.days": "2024-01-10", "gold.shown": "unchanged"])
    shop.put("big", "MODEL (name silver.big, kind EMBEDDED);\nSELECT id, value FROM bronze.events WHERE value > 8")
    #expect(shop.actions(try shop.build()) == ["gold.days": "unchanged", "gold.shown": "rebuilt"])
    #expect(try shop.rows("SELECT count(*) FROM gold.shown") == [[.integer(4)]])
  }

  @Test func mistakesAreFoundWhereTheyStand() throws {
    let shop = try shop()
    shop.put("shown", "MODEL (name gold.shown, kind VIEW);\nSELECT b.value\nFROM silver.big AS b\nWHERE b.nothing = 1")
    let error = try shop.build().error
    #expect(error?.line == 4)
    #expect(error?.file?.hasSuffix("shown.sql") == true)
    shop.put("shown", "MODEL (name gold.shown, kind FULL);\nSELECT * FROM silver.timed")
    let undefined = #expect(throws: PulsehouseError.self) { try shop.build() }
    #expect(undefined?.file?.hasSuffix("timed.sql") == true)
    shop.remove("shown")
    shop.put("big", "MODEL (name silver.big, kind EMBEDDED);\nSELECT * FROM silver.other")
    shop.put("other", "MODEL (name silver.other, kind EMBEDDED);\nSELECT * FROM silver.big")
    let circle = #expect(throws: PulsehouseError.self) { try shop.build() }
    #expect(circle?.message == "embedded models stand in each other: silver.big, silver.other")
  }
}
