import Bytes
import Engine
import Modeling
import TestKit
import Testing
import Vectors

private let day: Int64 = 86_400
/// 2024-01-10 00:00 UTC.
private let start: Int64 = 1_704_844_800

private let moment = "TIMESTAMP '1970-01-01 00:00:00' + e.at * INTERVAL '1 second'"

/// A project with a model of every kind, some of whose SQL comes in two forms.
private let models: [String: [String]] = [
  "silver.events": ["", " AND e.value <> 7"].map { more in
    """
    MODEL (name silver.events, kind INCREMENTAL_BY_TIME_RANGE (time_column event_date, batch_size 3),
      partitioned_by event_date, audits (not_null(columns := (id, event_date)), unique_values(columns := (id))));
    SELECT DISTINCT ON (e.id) e.id, e.who, e.value, CAST(\(moment) AS DATE) AS event_date, \(moment) AS event_ts
    FROM bronze.events AS e WHERE e.at BETWEEN @start_epoch AND @end_epoch\(more)
    ORDER BY e.id, e.at, e.value, e.who
    """
  },
  "silver.hourly": [
    """
    MODEL (name silver.hourly, kind INCREMENTAL_BY_TIME_RANGE (time_column hour_ts), cron '@hourly');
    SELECT date_trunc('hour', \(moment)) AS hour_ts, COUNT(*) AS events, SUM(e.value) AS total
    FROM bronze.events AS e WHERE e.at BETWEEN @start_epoch AND @end_epoch GROUP BY 1
    """
  ],
  "gold.steps": ["", " DESC"].map { order in
    """
    MODEL (name gold.steps, kind INCREMENTAL_BY_TIME_RANGE (time_column event_date), partitioned_by event_date);
    WITH seen AS (
      SELECT s.*, LAG(s.value) OVER (PARTITION BY s.who ORDER BY s.event_ts, s.id\(order)) AS before
      FROM silver.events AS s WHERE s.event_date BETWEEN @start_date - 1 AND @end_date
    )
    SELECT * FROM seen WHERE event_date BETWEEN @start_date AND @end_date
    """
  },
  // The second form fails when it runs.
  "gold.totals": ["1", "(COUNT(*) - COUNT(*))"].map { divisor in
    """
    MODEL (name gold.totals, kind FULL);
    SELECT event_date, COUNT(*) / \(divisor) AS events, SUM(value) AS total FROM silver.events GROUP BY event_date
    """
  },
  "gold.shown": ["", " WHERE total > 3"].map { more in
    "MODEL (name gold.shown, kind VIEW);\nSELECT event_date, total FROM gold.totals\(more)"
  },
  "silver.recent": ["5", "6"].map { value in
    "MODEL (name silver.recent, kind EMBEDDED);\nSELECT id, who, value FROM silver.events WHERE value > \(value)"
  },
  "gold.recent": [
    "MODEL (name gold.recent, kind FULL);\nSELECT who, COUNT(*) AS events FROM silver.recent GROUP BY who"
  ],
  "silver.names": [
    "MODEL (name silver.names, kind SEED (path '../names.csv'), columns (who integer, name text));"
  ],
  "gold.named": [
    """
    MODEL (name gold.named, kind FULL);
    SELECT n.name, COUNT(*) AS events FROM silver.events AS e JOIN silver.names AS n ON n.who = e.who GROUP BY n.name
    """
  ],
  "gold.latest": [
    """
    MODEL (name gold.latest, kind INCREMENTAL_BY_UNIQUE_KEY (unique_key who));
    SELECT who, MAX(value) AS most, COUNT(*) AS events FROM silver.events GROUP BY who
    """
  ],
  "gold.record": [
    """
    MODEL (name gold.record, kind INCREMENTAL_BY_UNIQUE_KEY (unique_key who,
      when_matched (WHEN MATCHED AND source.most > target.most THEN UPDATE SET target.most = source.most)));
    SELECT who, MAX(value) AS most FROM silver.events GROUP BY who
    """
  ],
  "gold.parts": [
    """
    MODEL (name gold.parts, kind INCREMENTAL_BY_PARTITION, partitioned_by event_date);
    SELECT event_date, id, value FROM silver.events WHERE value > 2
    """
  ],
  "silver.people_by_column": [
    """
    MODEL (name silver.people_by_column, kind SCD_TYPE_2_BY_COLUMN (
      unique_key who, columns (value), invalidate_hard_deletes true));
    SELECT DISTINCT ON (e.who) e.who, e.value FROM bronze.events AS e ORDER BY e.who, e.at DESC, e.id DESC, e.value
    """
  ],
  "silver.people_by_time": [
    """
    MODEL (name silver.people_by_time, kind SCD_TYPE_2_BY_TIME (unique_key who, updated_at_name changed));
    SELECT DISTINCT ON (e.who) e.who, e.value, \(moment) AS changed
    FROM bronze.events AS e ORDER BY e.who, e.at DESC, e.id DESC, e.value
    """
  ],
]

/// What the kinds that remember should hold: each run's effect on them, done row by row.
private struct Memory {
  struct Version: Hashable {
    var value: Scalar
    var changed: Scalar
    /// Microseconds since 1970.
    var from: Int64
    var until: Int64?
  }

  var latest: [Scalar: [Scalar]] = [:]
  var record: [Scalar: [Scalar]] = [:]
  var parts: [Scalar: [[Scalar]]] = [:]
  var byColumn: [Scalar: [Version]] = [:]
  var byTime: [Scalar: [Version]] = [:]

  /// Does what a run did to `model`; `now` is the run's time.
  mutating func follow(_ model: String, isAnew: Bool, _ rows: [[Scalar]], now: Int64) {
    switch model {
    case "gold.latest":
      if isAnew { latest = [:] }
      for row in rows { latest[row[0]] = row }
    case "gold.record":
      if isAnew { record = [:] }
      for row in rows {
        if let held = record[row[0]], case .integer(let old) = held[1], case .integer(let new) = row[1], new <= old {
          continue
        }
        record[row[0]] = row
      }
    case "gold.parts":
      if isAnew { parts = [:] }
      let grouped = Dictionary(grouping: rows) { $0[0] }
      for (partition, rows) in grouped { parts[partition] = rows }
    case "silver.people_by_column":
      if isAnew { byColumn = [:] }
      for row in rows {
        var versions = byColumn[row[0], default: []]
        let held = versions.lastIndex { $0.until == nil }
        if let held, versions[held].value == row[1] { continue }
        if let held { versions[held].until = now }
        versions.append(Version(value: row[1], changed: .null, from: isAnew ? 0 : now, until: nil))
        byColumn[row[0]] = versions
      }
      let seen = Set(rows.map { $0[0] })
      for (key, versions) in byColumn where !seen.contains(key) {
        byColumn[key] = versions.map { version in
          var version = version
          version.until = version.until ?? now
          return version
        }
      }
    case "silver.people_by_time":
      if isAnew { byTime = [:] }
      for row in rows {
        guard case .integer(let changed) = row[2] else { continue }
        var versions = byTime[row[0], default: []]
        if let held = versions.indices.last {
          guard case .integer(let old) = versions[held].changed, changed > old else { continue }
          versions[held].until = changed
        }
        versions.append(Version(value: row[1], changed: row[2], from: versions.isEmpty ? 0 : changed, until: nil))
        byTime[row[0]] = versions
      }
    default: break
    }
  }

  /// As the tables should be, by key.
  func rows(of model: String) -> Set<[Scalar]> {
    func versions(_ all: [Scalar: [Version]], _ hasChanged: Bool) -> Set<[Scalar]> {
      Set(
        all.flatMap { key, versions in
          versions.map { version in
            [key, version.value] + (hasChanged ? [version.changed] : [])
              + [.integer(version.from), version.until.map { .integer($0) } ?? .null]
          }
        })
    }
    switch model {
    case "gold.latest": return Set(latest.values)
    case "gold.record": return Set(record.values)
    case "gold.parts": return Set(parts.values.joined())
    case "silver.people_by_column": return versions(byColumn, false)
    default: return versions(byTime, true)
    }
  }

  static let models = [
    "gold.latest", "gold.record", "gold.parts", "silver.people_by_column", "silver.people_by_time",
  ]
}

/// Reads lines of a number and a name; real CSV is read by a floor that these tests do without.
private struct NamesReader: CopyReader {
  func read(
    _ path: String?, fields: Schema, dialect: CSVDialect, threads: Int, rows: @escaping (Batch) throws -> Void
  ) throws {
    let text = String(decoding: try LocalFileSystem().readFile(path ?? "", limit: 1 << 20), as: UTF8.self)
    let lines = text.split(separator: "\n").dropFirst().map { $0.split(separator: ",") }
    let columns = [
      Vector.of(.integer, lines.map { .integer(Int64($0[0]) ?? 0) }),
      Vector.of(.text, lines.map { .text(String($0[1])) }),
    ]
    try rows(Batch(columns, rowCount: lines.count))
  }
}

@Suite struct AllKindsTests {
  private static let wholeModels = [
    "silver.events", "silver.hourly", "gold.steps", "gold.totals", "gold.shown", "gold.recent", "silver.names",
    "gold.named",
  ]

  /// Any sequence of inserts, late rows, changes of SQL, restatements, failures and kills ends in the tables of one full
  /// build, and those that remember hold what each of the runs that were published left in them.
  @Test(arguments: 1...8)
  func anySequenceEndsInTheSameTables(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    let shop = try Workshop()
    shop.session.copyReader = NamesReader()
    // After all events, so that versions that end now end after they began.
    shop.clock = 1_709_251_200_000_000
    for (name, forms) in models { shop.put(name, forms[0]) }
    try Self.writeNames(shop, 0)
    var memory = Memory()
    var runCount = 0
    var next: Int64 = 0
    for step in 0..<14 {
      switch random.next(8) {
      case 0 where next > 0: try shop.run("DELETE FROM bronze.events WHERE id % 11 = \(random.next(11))")
      case 1 where next > 0:
        try shop.run("UPDATE bronze.events SET value = value + 1 WHERE id % 13 = \(random.next(13))")
      case 2, 3:
        let names = models.filter { $0.value.count > 1 }.keys.sorted()
        let name = names[random.next(names.count)]
        if let forms = models[name] { shop.put(name, forms[random.next(forms.count)]) }
      case 4: try Self.writeNames(shop, random.next(3))
      default: try shop.insertEvents(&random, next: &next)
      }
      if random.next(3) == 0 { continue }
      let isKilled = random.next(4) == 0
      let files = FaultyFileSystem(
        [.fail, .stop, .tear, .powerCut, .tornPowerCut][random.next(5)], at: isKilled ? random.next(300) : -1)
      let now = shop.clock
      let left = try UnfinishedModel.all(in: shop.session.warehouse.snapshot(), nil)
      do {
        if isKilled { try shop.reopen(files) }
        try shop.build { options in
          options.jobCount = 1 + random.next(2)
          // Most runs set aside all they have done, for the next one where they are killed.
          options.keptSeconds = random.next(4) == 0 ? 10 : 0
          switch random.next(8) {
          case 0: options.isFull = true
          case 1: options.selection = ["+gold.steps", "gold.latest+"]
          case 2, 3:
            options.restated = [["silver.events+", "silver.hourly", "gold.steps"][random.next(3)]]
            let first = start / day + Int64(random.next(8))
            if random.next(2) == 0 { options.restatedDays = first...(first + Int64(random.next(3))) }
          default: break
          }
        }
      } catch {
        #expect(isKilled, "seed \(seed), step \(step): \(error)")
      }
      if isKilled {
        try files.settle()
        try shop.reopen()
      }
      try Self.follow(&memory, &runCount, shop, left, now: now)
      try Self.compare(memory, shop, "seed \(seed), step \(step)")
    }
    for (name, forms) in models { shop.put(name, forms[0]) }
    let now = shop.clock
    let left = try UnfinishedModel.all(in: shop.session.warehouse.snapshot(), nil)
    let last = try shop.build()
    #expect(last.isPublished, "seed \(seed): \(last.error as Any)")
    try Self.follow(&memory, &runCount, shop, left, now: now)
    try Self.compare(memory, shop, "seed \(seed), at the end")
    #expect(try shop.build().isIdle, "seed \(seed)")

    let grown = try Self.wholeModels.map { try Set(shop.rows("SELECT * FROM \($0)")) }
    for name in Self.wholeModels.reversed() {
      try shop.run("DROP \(name == "gold.shown" ? "VIEW" : "TABLE") \(name)")
    }
    try shop.build()
    for (name, rows) in zip(Self.wholeModels, grown) {
      #expect(try Set(shop.rows("SELECT * FROM \(name)")) == rows, "seed \(seed): \(name)")
    }
  }

  private static func writeNames(_ shop: Workshop, _ form: Int) throws {
    let file = try LocalFileSystem().createFile(shop.folder.path + "/names.csv", .truncating)
    try file.write(Array("who,name\n0,zero\n1,one\(form)\n2,two\n".utf8))
    try file.close()
  }

  /// Does to the memory what the runs did that were published since the last look.
  ///
  /// - Parameter left: what unfinished runs had left before.
  private static func follow(
    _ memory: inout Memory, _ runCount: inout Int, _ shop: Workshop, _ left: [RelationName: UnfinishedModel], now: Int64
  ) throws {
    let records = try RunRecord.all(in: shop.session.warehouse.snapshot())
    for record in records.dropFirst(runCount) where record.hasPublished {
      for model in record.models where model.hasChanged && Memory.models.contains(model.name.description) {
        let name = model.name.description
        guard let text = models[name]?[0], let query = text.split(separator: ");\n", maxSplits: 1).last else {
          continue
        }
        // What was taken over holds what the unfinished run made of it, when that ran.
        let earlier = model.action == "resumed" ? left[RelationName(model.name)]?.record : nil
        memory.follow(
          name, isAnew: (earlier?.models.first ?? model).action == "rebuilt", try shop.rows(String(query)),
          now: earlier?.startedAt ?? now)
      }
    }
    runCount = records.count
  }

  private static func compare(_ memory: Memory, _ shop: Workshop, _ place: String) throws {
    for name in Memory.models {
      let table = TableName(String(name.prefix { $0 != "." }), String(name.drop { $0 != "." }.dropFirst()))
      let rows =
        try shop.session.warehouse.snapshot().table(table) == nil ? [] : Set(shop.rows("SELECT * FROM \(name)"))
      #expect(rows == memory.rows(of: name), "\(place): \(name)")
    }
  }
}
