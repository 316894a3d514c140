import Bytes
import Engine
import Modeling
import Simulation
import TestKit
import Testing
import Vectors

/// The project that comes with the program, in whose bronze a test puts what it likes.
private final class Bronze {
  private static let folder =
    String(#filePath.dropLast("/Tests/PipelineTests/LateDataTests.swift".count)) + "/warehouse"
  private let path: String
  private let project: Project
  private(set) var session: Session

  init(_ path: String) throws {
    self.path = path
    project = try Project.load(Self.folder)
    session = Session(try Warehouse(path, mode: .create))
    try run(
      """
      CREATE SCHEMA bronze;
      CREATE TABLE bronze.heart_rate (user_id bigint, heart_rate integer, timestamp bigint, activity_id bigint,
        latitude double precision, longitude double precision, _file text, _line bigint, _offset bigint);
      CREATE TABLE bronze.users AS SELECT CAST(10000 + g AS bigint) AS userid, 'A' AS fname, 'B' AS lname,
        CAST(19800101 + g AS integer) AS dob, 'F' AS sex, CAST(170 AS double precision) AS height,
        CAST(70 AS double precision) AS weight, 'O+' AS blood_type, 'x' AS race, 'DE' AS origin_country_code,
        'Germany' AS origin_country_name, 'a street' AS address, 'DE' AS address_country_code,
        'Germany' AS address_country_name, '2023-01-01T00:00:00Z' AS last_update, 'f' AS _file, CAST(g AS bigint) AS _line
        FROM generate_series(1, 6) AS g;
      CREATE TABLE bronze.activities AS SELECT CAST(20000 + g AS bigint) AS activity_id, 'Walk' || g AS activity_name,
        '2023-01-01T00:00:00Z' AS last_update, 'f' AS _file, CAST(g AS bigint) AS _line FROM generate_series(1, 3) AS g
      """)
  }

  func run(_ sql: String) throws { try session.run(sql, into: DiscardingSink()) }

  func rows(_ sql: String) throws -> [[Scalar]] { try session.rows(sql) }

  @discardableResult
  func build(_ options: RunOptions = RunOptions()) throws -> RunReport {
    let report = try ModelRun.run(project, in: SessionModelSession(session), options: options)
    if !report.isPublished { throw report.error ?? PulsehouseError(.internal, "not published") }
    return report
  }

  /// Runs until a random operation on files, at which the process ends; another one opens the warehouse then.
  func buildKilled(_ fault: FaultyFileSystem.Fault, at operation: Int) throws {
    let files = FaultyFileSystem(fault, at: operation)
    do {
      let warehouse = try Warehouse(path, mode: .readWrite, fileSystem: files)
      _ = try ModelRun.run(project, in: SessionModelSession(Session(warehouse)))
    } catch {
      // Whatever it says: nobody is there to read it.
    }
    try files.settle()
    session = Session(try Warehouse(path, mode: .readWrite))
  }
}

/// 2024-01-10 00:00 UTC.
private let start = 1_704_844_800

@Suite struct LateDataTests {
  private static let tables = [
    "SELECT * FROM silver.heart_rate ORDER BY event_ts, user_id, activity_id",
    "SELECT * FROM gold.fct_heart_rate ORDER BY event_ts, user_key, activity_key",
    "SELECT * FROM gold.dim_date ORDER BY date_key",
  ]

  /// Whatever arrives in whatever order, and whenever a run dies: silver and gold are those of one build of everything.
  @Test(arguments: 1...5)
  func anyOrderOfEventsEndsTheSame(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    try withScratchDirectory(inMemory: true) { path in
      let house = try Bronze(path)
      var offset = 0
      for _ in 0..<8 {
        var values: [String] = []
        for _ in 0...random.next(40) {
          // Thirty days, some of them without an event of a user; times and users meet again and again.
          let second = start + random.next(30) * 86_400 + random.next(6) * 14_400 - random.next(2)
          let (user, activity) = (10_001 + random.next(6), 20_001 + random.next(3))
          values.append("(\(user), \(60 + random.next(90)), \(second), \(activity), 1.5, 2.5, 'f', 1, \(offset))")
          offset += 1
        }
        try house.run("INSERT INTO bronze.heart_rate VALUES \(values.joined(separator: ", "))")
        if random.next(4) == 0 {
          try house.run("DELETE FROM bronze.heart_rate WHERE _offset % 17 = \(random.next(17))")
        }
        switch random.next(3) {
        case 0:
          let faults: [FaultyFileSystem.Fault] = [.fail, .stop, .tear, .powerCut, .tornPowerCut]
          let before = try? Self.tables.map(house.rows)
          try house.buildKilled(faults[random.next(faults.count)], at: random.next(90))
          // All of the new or all of the old.
          let after = try? Self.tables.map(house.rows)
          if after != before { try Self.expectWhole(house, seed) }
        case 1: try house.build()
        default: break
        }
      }
      try house.build()
      #expect(try house.build().isIdle, "seed \(seed)")
      let grown = try Self.tables.map(house.rows)
      var options = RunOptions()
      options.isFull = true
      options.selection = ["silver.heart_rate+"]
      try house.build(options)
      for (query, (left, right)) in zip(Self.tables, zip(grown, try Self.tables.map(house.rows))) {
        #expect(left == right, "seed \(seed): \(query)")
      }
      try Self.expectWhole(house, seed)
    }
  }

  /// The fact agrees with silver, its event before with a plain search for it.
  private static func expectWhole(_ house: Bronze, _ seed: UInt64) throws {
    let wrong = try house.rows(
      """
      SELECT f.user_key, f.event_ts, f.previous_heart_rate
      FROM (SELECT f.*, u.user_id, a.activity_id FROM gold.fct_heart_rate AS f
        JOIN gold.dim_users AS u ON u.user_key = f.user_key
        JOIN gold.dim_activities AS a ON a.activity_key = f.activity_key) AS f
      LEFT JOIN LATERAL (
        SELECT h.heart_rate FROM silver.heart_rate AS h
        WHERE h.user_id = f.user_id AND h.event_date >= f.event_date - 2
          AND (h.event_ts < f.event_ts OR h.event_ts = f.event_ts AND h.activity_id < f.activity_id)
        ORDER BY h.event_ts DESC, h.activity_id DESC LIMIT 1
      ) AS before ON TRUE
      WHERE before.heart_rate IS DISTINCT FROM f.previous_heart_rate
      """)
    #expect(wrong == [], "seed \(seed)")
    #expect(
      try house.rows("SELECT count(*) FROM gold.fct_heart_rate")
        == house.rows("SELECT count(*) FROM silver.heart_rate"),
      "seed \(seed)")
  }

  @Test func eventsMeetTheVersionOfTheirTime() throws {
    try withScratchDirectory(inMemory: true) { path in
      let house = try Bronze(path)
      func event(_ second: Int, _ offset: Int) throws {
        try house.run(
          "INSERT INTO bronze.heart_rate VALUES (10001, 70, \(start + second), 20001, 1, 1, 'f', 1, \(offset))")
      }
      try event(0, 1)
      try event(20 * 86_400, 2)
      try house.build()
      // She moves on the tenth day; what was measured before stays with the old address.
      try house.run(
        "UPDATE bronze.users SET address = 'elsewhere', last_update = '2024-01-20T00:00:00Z' WHERE userid = 10001")
      try house.build()
      try event(5 * 86_400, 3)
      try event(11 * 86_400, 4)
      try house.build()
      let rows = try house.rows(
        """
        SELECT f.user_key, u.address FROM gold.fct_heart_rate AS f JOIN gold.dim_users AS u ON u.user_key = f.user_key
        ORDER BY f.event_ts
        """)
      #expect(
        rows == [
          [.integer(10_001), .text("a street")], [.integer(10_001), .text("a street")],
          [.integer(1_010_001), .text("elsewhere")], [.integer(1_010_001), .text("elsewhere")],
        ])
      #expect(
        try house.rows("SELECT count(*) FROM silver.dim_users WHERE user_id = 10001 AND valid_to IS NULL")
          == [[.integer(1)]])
    }
  }
}
