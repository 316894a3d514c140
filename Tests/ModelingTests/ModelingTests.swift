import Bytes
import Modeling
import SQLSyntax
import Testing
import Vectors

/// Files that are not there, for projects of a few lines.
private struct Files: FileSystem {
  var texts: [String: String]

  func readFile(_ path: String, limit: Int) throws(PulsehouseError) -> [UInt8] { Array((texts[path] ?? "").utf8) }

  func list(_ path: String) throws(PulsehouseError) -> [String] {
    let prefix = path + "/"
    return Array(
      Set(texts.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count).prefix { $0 != "/" }) }))
  }

  func status(_ path: String) throws(PulsehouseError) -> FileStatus? {
    let isFile = texts[path] != nil
    guard isFile || texts.keys.contains(where: { $0.hasPrefix(path + "/") }) else { return nil }
    return FileStatus(isDirectory: !isFile, byteCount: 0, modifiedNanoseconds: 0, device: 0, inode: 0)
  }

  private var refusal: PulsehouseError { PulsehouseError(.io, "these files are only read") }
  func createFile(_ path: String, _ creation: FileCreation) throws(PulsehouseError) -> any WritableFile {
    throw refusal
  }
  func map(_ path: String) throws(PulsehouseError) -> MappedFile { throw refusal }
  func rename(_ source: String, to destination: String) throws(PulsehouseError) { throw refusal }
  func removeFile(_ path: String) throws(PulsehouseError) { throw refusal }
  func makeDirectory(_ path: String) throws(PulsehouseError) { throw refusal }
  func removeDirectory(_ path: String) throws(PulsehouseError) { throw refusal }
  func syncDirectory(_ path: String) throws(PulsehouseError) { throw refusal }
  func canWrite(_ path: String) -> Bool { false }
  func lock(
    _ path: String, _ sharing: FileLock.Sharing, timeoutMilliseconds: Int
  ) throws(PulsehouseError) -> FileLock? { throw refusal }
}

private func load(_ models: [String: String], audits: [String: String] = [:]) throws -> Project {
  var texts: [String: String] = [:]
  for (name, text) in models { texts["p/models/\(name)"] = text }
  for (name, text) in audits { texts["p/audits/\(name)"] = text }
  return try Project.load("p", files: Files(texts: texts))
}

private func model(_ name: String, _ sql: String, _ properties: String = "") -> String {
  "MODEL (name \(name), kind FULL\(properties.isEmpty ? "" : ", " + properties));\n\(sql)"
}

private func failure(_ models: [String: String], audits: [String: String] = [:]) -> PulsehouseError? {
  do {
    _ = try ModelGraph(try load(models, audits: audits))
    return nil
  } catch {
    return error as? PulsehouseError
  }
}

private let bronze = RelationName("bronze", "events")

/// The project that comes with the program.
private func warehouse() throws -> Project {
  let repository = String(#filePath.dropLast("/Tests/ModelingTests/ModelingTests.swift".count))
  return try Project.load(repository + "/warehouse")
}

@Suite struct ProjectTests {
  @Test func theWarehouseLoadsInOrder() throws {
    let project = try warehouse()
    let graph = try ModelGraph(project)
    let names = graph.ordered.map(\.name.description)
    #expect(Set(names).count == 10)
    func place(_ name: String) -> Int { names.firstIndex(of: name) ?? -1 }
    #expect(place("gold.fct_heart_rate") == 9)
    #expect(place("silver.dim_users") < place("gold.dim_users"))
    #expect(place("silver.heart_rate") < place("silver.dim_date"))
    #expect(graph.external.map(\.description).sorted() == ["bronze.activities", "bronze.heart_rate", "bronze.users"])
    let fact = try #require(project.models.first { $0.name.name == "fct_heart_rate" })
    #expect(fact.upstream.contains(RelationName("gold", "dim_time")))
    #expect(fact.grain == ["event_ts", "user_key", "activity_key"])
    #expect(fact.audits.count == 11)
  }

  @Test func readsAreFoundAtAnyDepth() throws {
    let sql = """
      WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a, s.t1 WHERE n < 3), b AS (SELECT * FROM a)
      SELECT (SELECT max(x) FROM s.t2), CASE WHEN EXISTS (SELECT 1 FROM s.t3 AS a) THEN 1 END,
        sum(n) FILTER (WHERE n IN (SELECT n FROM s.t4)) OVER (PARTITION BY (SELECT 1 FROM s.t5))
      FROM b JOIN (SELECT * FROM s.t6 UNION SELECT * FROM s.t7) AS d ON d.n = (SELECT 1 FROM s.t8)
      WHERE n BETWEEN 1 AND (SELECT 2 FROM plain) GROUP BY ROLLUP (n, (SELECT 1 FROM s.t9))
      HAVING count(*) > ANY (SELECT 1 FROM s.t10) ORDER BY (SELECT 1 FROM "S".t11) LIMIT (SELECT 1 FROM s.t12)
      """
    let project = try load(["m.sql": model("gold.m", sql)])
    let names = project.models[0].upstream.map(\.description).sorted()
    #expect(names == (["S.t11", "public.plain"] + (1...12).filter { $0 != 11 }.map { "s.t\($0)" }).sorted())
  }

  @Test func aCommonTableHidesOnlyAfterItself() throws {
    let project = try load(["m.sql": model("gold.m", "WITH t AS (SELECT * FROM t) SELECT * FROM t")])
    #expect(project.models[0].upstream == [RelationName("public", "t")])
  }

  @Test func aCircleIsNamed() {
    let error = failure([
      "a.sql": model("s.a", "SELECT * FROM s.b"), "b.sql": model("s.b", "SELECT * FROM s.c"),
      "c.sql": model("s.c", "SELECT * FROM s.a"), "d.sql": model("s.d", "SELECT * FROM s.a"),
    ])
    #expect(error?.message == "models depend on themselves: s.a reads s.b reads s.c reads s.a")
    #expect(error?.file == "p/models/a.sql")
  }

  @Test(arguments: [
    ("MODEL (name s.a, kind FULL);\nSELECT 1; SELECT 2", "a model has one query", 2),
    ("MODEL (name s.a, kind FULL);\nSELECT FROM WHERE", "syntax error", 2),
    ("MODEL (name s.a, kind FULL);\n\nDELETE FROM t", "a model's statement is a SELECT", 3),
    ("MODEL (name s.a, kind FULL);", "the model has no SQL", 1),
    ("MODEL (name s.a,\n kind INCREMENTAL_BY_TIME_RANGE);\nSELECT 1", "needs a time_column", 2),
    (
      "MODEL (name s.a,\n kind INCREMENTAL_BY_TIME_RANGE (time_column (d, '%Y')));\nSELECT 1",
      "the format '%Y' of a time_column", 2
    ),
    ("MODEL (name s.a,\n kind INCREMENTAL_BY_TIME_RANGE (time_column d, pace 3));\nSELECT 1", "\"pace\"", 2),
    ("MODEL (name s.a,\n kind INCREMENTAL_BY_TIME_RANGE (time_column d, batch_size 0));\nSELECT 1", "batch_size is", 2),
    (
      "MODEL (name s.a, kind INCREMENTAL_BY_TIME_RANGE (time_column d),\n start 'soon');\nSELECT 1", "start is a date",
      2
    ),
    ("MODEL (name s.a,\n kind INCREMENTAL_BY_UNIQUE_KEY);\nSELECT 1", "needs unique_key", 2),
    ("MODEL (name s.a,\n kind INCREMENTAL_BY_PARTITION);\nSELECT 1", "needs partitioned_by", 2),
    ("MODEL (name s.a,\n kind SCD_TYPE_2_BY_COLUMN (unique_key a));\nSELECT 1", "needs columns", 2),
    ("MODEL (name s.a,\n kind MANAGED);\nSELECT 1", "kind MANAGED are not supported natively", 2),
    ("MODEL (name s.a, kind EMBEDDED,\n audits (not_null(columns := (x))));\nSELECT 1 AS x", "no rows of its own", 1),
    ("MODEL (name s.a,\n kind FULL, dialect bigquery);\nSELECT 1", "bigquery", 2),
    ("MODEL (name s.a,\n kind FULL,\n colour blue);\nSELECT 1", "no property \"colour\"", 3),
    ("MODEL (name a, kind FULL);\nSELECT 1", "expected schema.table", 1),
    ("MODEL (kind FULL);\nSELECT 1", "the model has no name", 1),
    ("MODEL (name s.a, kind FULL);\nSELECT @start_ds", "\"@start_ds\" is not defined", 2),
    ("MODEL (name s.a, kind FULL, audits (nonsense(x := 1)));\nSELECT 1", "there is no audit \"nonsense\"", 1),
    ("MODEL (name s.a, kind FULL,\n audits (not_null(column := x)));\nSELECT 1", "has no argument \"column\"", 2),
    ("MODEL (name s.a, kind FULL,\n audits (accepted_range(column := x)));\nSELECT 1", "needs min_v or max_v", 2),
    ("MODEL (name s.a, kind FULL,\n audits (chi_square(column_a := x)));\nSELECT 1", "needs column_b", 2),
    ("MODEL (name s.a, kind SEED (path 'x.csv'));", "a seed without columns", 1),
    ("AUDIT (name x); SELECT 1", "expected MODEL", 1),
    ("SELECT 1", "expected MODEL", 1),
  ])
  func mistakesAreAnsweredInWords(text: String, words: String, line: Int) {
    let error = failure(["a.sql": text])
    #expect(error?.message.contains(words) == true, "\(error as Any)")
    #expect(error?.file == "p/models/a.sql")
    #expect(error?.line == line)
  }

  @Test func namesAreUsedOnce() {
    let error = failure(["a.sql": model("s.a", "SELECT 1"), "b/a.sql": model("S.A", "SELECT 2")])
    #expect(error?.message == "there are two models called s.a")
    let audit = "AUDIT (name one); SELECT 1 FROM @this_model"
    #expect(failure([:], audits: ["a.sql": audit, "b.sql": audit])?.message == "there are two audits called one")
  }

  @Test func pythonIsRefused() {
    let error = failure(["a.sql": model("s.a", "SELECT 1"), "b.py": "import pandas"])
    #expect(error?.kind == .unsupported)
    #expect(error?.file == "p/models/b.py")
  }

  @Test func disabledModelsAreLeftOut() throws {
    #expect(try load(["a.sql": model("s.a", "SELECT 1", "enabled false")]).models.isEmpty)
  }

  @Test func selectionsFollowTheGraph() throws {
    let graph = try ModelGraph(
      try load([
        "a.sql": model("s.a", "SELECT 1"), "b.sql": model("s.b", "SELECT * FROM s.a"),
        "c.sql": model("s.c", "SELECT * FROM s.b"), "d.sql": model("s.d", "SELECT * FROM s.a"),
      ]))
    func names(_ selection: String...) throws -> String {
      try graph.selecting(selection).map(\.name.name).joined()
    }
    #expect(try names() == "abdc")
    #expect(try names("s.b") == "b")
    #expect(try names("+s.c") == "abc")
    #expect(try names("s.b+") == "bc")
    #expect(try names("s.d", "+s.b") == "abd")
    #expect(throws: PulsehouseError.self) { try names("s.x") }
  }
}

@Suite struct RunTests {
  private func project(_ audits: String, custom: [String: String] = [:]) throws -> Project {
    try load(
      [
        "a.sql": model(
          "silver.a", "-- all of them\nSELECT user_id,\n  what\nFROM bronze.events;",
          "grain (user_id), audits (\(audits))"),
        "b.sql": "MODEL (name gold.b, kind VIEW);\nSELECT * FROM silver.a",
      ], audits: custom)
  }

  @Test func everythingIsPublishedInOneCommit() throws {
    let session = FakeSession(tables: [bronze, RelationName("silver", "a")])
    session.relations[RelationName("gold", "b")] = .view
    let report = try ModelRun.run(try project("not_null(columns := (user_id))"), in: session)
    #expect(report.isPublished)
    #expect(report.error == nil)
    #expect(session.commits.count == 1)
    #expect(!session.isOpen)
    #expect(report.models.map(\.name.description) == ["silver.a", "gold.b"])
    #expect(report.models.map(\.rowCount) == [7, nil])
    #expect(session.statements[0] == "DROP TABLE \"silver\".\"a\"")
    #expect(session.statements[1].hasPrefix("CREATE TABLE \"silver\".\"a\" AS\n"))
    #expect(session.statements.contains("DROP VIEW \"gold\".\"b\""))
  }

  @Test func auditsShareOneScan() throws {
    let session = FakeSession(tables: [bronze])
    // Zone maps prove nothing here.
    session.failing = [("COUNT(what)", 1), ("MIN(user_id)", 1)]
    let report = try ModelRun.run(
      try project(
        """
        not_null(columns := (user_id, what)), accepted_range(column := user_id, min_v := 1, max_v := 9),
        accepted_values(column := what, is_in := ('x', 'it''s')), unique_values(columns := (user_id)),
        number_of_rows(threshold := 3), forall(criteria := (user_id > 0, what <> '')),
        accepted_range(column := user_id, min_v := 5, condition := what = 'x'),
        unique_combination_of_columns(columns := (user_id, what))
        """), in: session)
    #expect(report.auditCount == 8)
    var asked = session.statements.filter { $0.contains("failures") }
    #expect(asked.removeFirst().contains("COUNT(*) - COUNT(user_id) + COUNT(*) - COUNT(what)"))
    // One scan, one more for the other condition, one for the groups.
    #expect(asked.count == 3)
    #expect(asked[0].contains("COUNT(CASE WHEN user_id IS NULL OR what IS NULL THEN 1 END)"))
    #expect(asked[0].contains("user_id < 1 OR user_id > 9"))
    #expect(asked[0].contains("what NOT IN ('x', 'it''s')"))
    #expect(asked[0].contains("NOT (user_id > 0) OR NOT (what <> '')"))
    #expect(asked[1].contains("(SELECT * FROM \"silver\".\"a\" WHERE what = 'x') AS audited"))
    #expect(asked[2].contains("GROUP BY user_id, what HAVING COUNT(*) > 1"))
  }

  @Test func aBlockingFailureKeepsTheRows() throws {
    let session = FakeSession(tables: [bronze])
    session.failing = [("MAX(user_id) > 9", 1), ("user_id > 9", 12)]
    let report = try ModelRun.run(
      try project("not_null(columns := (what)), accepted_range(column := user_id, min_v := 1, max_v := 9)"), in: session
    )
    #expect(report.outcome == .failed)
    #expect(report.models.map(\.name.name) == ["a", "b"])
    #expect(report.models[1].skippedBecause == RelationName("silver", "a"))
    #expect(session.relations[RelationName("silver", "a")] == nil)
    #expect(session.relations[RelationName("gold", "b")] == nil)
    let audit = try #require(report.failures.first?.audit)
    #expect(report.failures.count == 1)
    #expect(audit.failureCount == 12)
    #expect(audit.sample.rows == [["10007", "it's"], ["1", nil]])
    #expect(audit.query.contains("ORDER BY \"user_id\""))
    let kept = RelationName("audits", "silver_a_2_accepted_range")
    #expect(audit.keptIn == kept)
    #expect(session.relations[kept] == .table)
    #expect(session.statements.last?.contains("AS failing(\"user_id\", \"what\")\nLIMIT 100000") == true)
    #expect(report.error?.kind == .user)
    #expect(report.error?.message.contains("silver.a fails the audit accepted_range") == true)
    // A second failure replaces the rows kept of the first.
    _ = try ModelRun.run(
      try project("not_null(columns := (what)), accepted_range(column := user_id, min_v := 1, max_v := 9)"), in: session
    )
    #expect(session.relations[kept] == .table)
  }

  @Test(arguments: ["not_null_non_blocking(columns := (what))", "not_null(columns := (what), blocking := false)"])
  func aNonBlockingFailureIsReportedAndPublished(audit: String) throws {
    let session = FakeSession(tables: [bronze])
    session.failing = [("COUNT(what)", 3), ("what IS NULL", 3)]
    let report = try ModelRun.run(try project(audit), in: session)
    #expect(report.isPublished)
    #expect(report.failures.map(\.audit.failureCount) == [3])
    #expect(report.failures.first?.audit.keptIn == nil)
  }

  @Test func customAuditsTakeArguments() throws {
    let session = FakeSession(tables: [bronze, RelationName("gold", "parent")])
    session.failing = [("referred", 2)]
    let custom = """
      AUDIT (name found, defaults (column = user_id));
      SELECT child.* FROM @this_model AS child LEFT JOIN @parent AS referred ON referred.@key = child.@column
      WHERE referred.@key IS NULL;
      """
    let project = try project("found(parent := gold.parent, key := id)", custom: ["found.sql": custom])
    #expect(project.models.first { $0.name.name == "a" }?.upstream.contains(RelationName("gold", "parent")) == true)
    let report = try ModelRun.run(project, in: session)
    #expect(report.failures.map(\.audit.failureCount) == [2])
    #expect(
      session.statements.contains {
        $0.contains("FROM \"silver\".\"a\" AS child LEFT JOIN gold.parent AS referred ON referred.id = child.user_id")
      })
  }

  @Test func whatIsMissingIsNamed() throws {
    let session = FakeSession(tables: [])
    let error = try ModelRun.run(try project("forall(criteria := (true))"), in: session).error
    #expect(error?.message == "silver.a reads bronze.events, which does not exist")
    #expect(error?.hint?.hasPrefix("Tables of sources are made by pulsehouse ingest") == true)
    #expect(error?.file == "p/models/a.sql")
    #expect(!session.isOpen && session.statements.isEmpty)
    var options = RunOptions()
    options.selection = ["gold.b"]
    let other = try ModelRun.run(try project("forall(criteria := (true))"), in: session, options: options).error
    #expect(other?.hint == "Select it too: +gold.b.")
  }

  @Test func anErrorPointsIntoTheFile() throws {
    let session = FakeSession(tables: [bronze])
    let prefix = "CREATE TABLE \"silver\".\"a\" AS\n".utf8.count
    // "what" stands 18 bytes into the query, on line 4 of the file.
    session.broken = [
      ("CREATE TABLE", PulsehouseError(.user, "column \"what\" does not exist", range: prefix + 18..<prefix + 22))
    ]
    let project = try project("forall(criteria := (true))")
    let error = try ModelRun.run(project, in: session).error
    let text = try #require(project.models.first { $0.name.name == "a" }?.file.text)
    let range = try #require(error?.range)
    #expect(String(decoding: Array(text.utf8)[range], as: UTF8.self) == "what")
    #expect(error?.line == 4)
    #expect(error?.file == "p/models/a.sql")
    // Only the history tells of it.
    #expect(session.commits == ["run 1: failed"] && !session.isOpen)
    #expect(session.relations[RelationName("silver", "a")] == nil)
  }

  @Test func aWrongAuditIsFoundAmongThoseOfOneScan() throws {
    let session = FakeSession(tables: [bronze])
    // The place lies in the second of three questions.
    session.broken = [("nowhere", PulsehouseError(.user, "column \"nowhere\" does not exist", range: 80..<87))]
    let error = try ModelRun.run(
      try project("not_null(columns := (what)), not_null(columns := (nowhere)), not_null(columns := (user_id))"),
      in: session
    ).error
    #expect(error?.message == "audit not_null(columns := (nowhere)): column \"nowhere\" does not exist")
    #expect(error?.file == "p/models/a.sql")
  }

  @Test func seedsAreCopied() throws {
    let session = FakeSession(tables: [])
    let project = try load([
      "s.sql": "MODEL (name silver.s, kind SEED (path '../seeds/s.csv'), columns (id integer, \"Name\" text));"
    ])
    let report = try ModelRun.run(project, in: session)
    #expect(report.models.map(\.rowCount) == [5])
    #expect(session.statements[0] == "CREATE TABLE \"silver\".\"s\" (\"id\" integer, \"Name\" text)")
    #expect(
      session.statements[1] == "COPY \"silver\".\"s\" FROM 'p/models/../seeds/s.csv' WITH (FORMAT csv, HEADER true)")
  }

  @Test func storageGoesAlong() throws {
    let session = FakeSession(tables: [bronze])
    let project = try load([
      "a.sql": model("s.a", "SELECT 1 AS d, 2 AS u", "partitioned_by d, clustered_by (u, d)")
    ])
    _ = try ModelRun.run(project, in: session)
    #expect(
      session.statements[0].hasPrefix(
        "CREATE TABLE \"s\".\"a\" WITH (partitioned_by = 'd', clustered_by = 'u, d') AS\n"))
  }

  @Test func theWarehouseRuns() throws {
    let session = FakeSession(
      tables: ["heart_rate", "users", "activities"].map { RelationName("bronze", $0) })
    var steps = 0
    let report = try ModelRun.run(try warehouse(), in: session) { _ in steps += 1 }
    #expect(report.isPublished)
    #expect(report.models.count == 10)
    #expect(report.auditCount == 46)
    #expect(steps == 21)
    // Every statement is SQL.
    for statement in session.statements { _ = try PostgresParser.parseOne(statement) }
  }
}
