import Planning
import Testing
import Vectors

/// Plans as EXPLAIN prints them, one rule or form each.
struct PlanTests {
  private func check(_ sql: String, _ expected: String, _ location: SourceLocation = #_sourceLocation) throws {
    #expect(try explain(sql) == expected, sourceLocation: location)
  }

  // MARK: Scans

  @Test func conditionsBecomePredicatesAndColumnsArePruned() throws {
    try check(
      "SELECT a FROM t WHERE c = 'x' AND a > 5 AND b IS NOT NULL AND c LIKE 'x%'",
      """
      Project: a
        -> Scan public.t
             columns: a, c
             pruned by: c = 'x' AND a > 5 AND b IS NOT NULL
             filter: c ~~ 'x%'
      """)
  }

  @Test func castsMoveToTheConstant() throws {
    try check(
      "SELECT count(*) FROM silver.events WHERE event_ts::date = '2024-03-01' AND heart_rate > 100.5",
      """
      Aggregate
        computes: count(*)
        -> Scan silver.events
             columns: none
             pruned by: event_ts BETWEEN '2024-03-01 00:00:00' AND '2024-03-01 23:59:59.999999' AND heart_rate > 100
      """)
    try check(
      "SELECT count(*) FROM silver.events WHERE date_trunc('month', event_ts) = '2024-03-01'",
      """
      Aggregate
        computes: count(*)
        -> Scan silver.events
             columns: none
             pruned by: event_ts BETWEEN '2024-03-01 00:00:00' AND '2024-03-31 23:59:59.999999'
      """)
    try check(
      "SELECT count(*) FROM silver.events WHERE extract(year FROM event_date) < 2024",
      """
      Aggregate
        computes: count(*)
        -> Scan silver.events
             columns: none
             pruned by: event_date < '2024-01-01'
      """)
  }

  @Test func orBecomesInAndSharedConditionsComeOut() throws {
    try check(
      "SELECT a FROM t WHERE a = 1 OR a = 2 OR a = 5",
      """
      Scan public.t
        columns: a
        pruned by: a IN (1, 2, 5)
      """)
    try check(
      "SELECT a FROM t WHERE (a = 1 AND b = 2) OR (a = 1 AND b = 3)",
      """
      Scan public.t
        columns: a
        pruned by: a = 1 AND b IN (2, 3)
      """)
  }

  @Test func whatCannotBeTrueGivesNoRows() throws {
    try check("SELECT a FROM t WHERE 1 = 0", "Values: 0 rows")
    try check("SELECT t.a FROM t JOIN u ON t.a = u.a WHERE NULL", "Values: 0 rows")
  }

  @Test func errorsInConstantsWaitForARow() throws {
    #expect(failure("SELECT 1 / 0") == nil)
    try check("SELECT CASE WHEN false THEN 1 / 0 ELSE 2 END", "Values: 1 row")
  }

  // MARK: Joins

  @Test func theSmallerSideIsBuilt() throws {
    try check(
      "SELECT u.country, count(*) FROM silver.users u JOIN silver.events e ON e.user_id = u.user_id GROUP BY u.country",
      """
      Group
        keys: country
        computes: count(*)
        -> Join: events.user_id = users.user_id
          -> Scan silver.events
               columns: user_id
          -> Scan silver.users
               columns: user_id, country
      """)
  }

  @Test func conditionsFollowEqualColumns() throws {
    try check(
      "SELECT t.b FROM t JOIN u ON t.a = u.a WHERE t.a = 3",
      """
      Project: b
        -> Join: t.a = u.a
             makes runtime filter #1: u.a
          -> Scan public.t
               columns: a, b
               pruned by: a = 3
               runtime filter #1: a
          -> Scan public.u
               columns: a
               pruned by: a = 3
      """)
  }

  @Test func anOuterJoinNarrows() throws {
    let inner = try explain("SELECT t.a FROM t LEFT JOIN u ON t.a = u.a WHERE u.x > 3")
    #expect(inner.contains("-> Join: t.a = u.a"))
    let left = try explain("SELECT t.a FROM t LEFT JOIN u ON t.a = u.a WHERE u.x IS NULL")
    #expect(left.contains("Left join: t.a = u.a"))
    let full = try explain("SELECT t.a FROM t FULL JOIN u ON t.a = u.a WHERE t.a = 3")
    #expect(full.contains("Left join: t.a = u.a"))
  }

  @Test func tenTablesAreJoinedByTheirKeys() throws {
    let text = try explain(
      """
      SELECT count(*) FROM t t1 JOIN t t2 ON t1.a = t2.a JOIN t t3 ON t2.b = t3.b JOIN u u1 ON u1.a = t3.a
      JOIN u u2 ON u2.x = u1.x JOIN v v1 ON v1.a = u2.a JOIN v v2 ON v2.a = v1.z JOIN silver.users s ON s.user_id = v2.a
      JOIN silver.activities ac ON ac.activity_id = v2.z JOIN silver.events e ON e.user_id = s.user_id
      """)
    #expect(!text.contains("Cross join"))
    #expect(text.split(separator: "\n").count { $0.contains("Join:") } == 9)
  }

  // MARK: Subqueries

  @Test func existsAndInBecomeJoins() throws {
    try check(
      "SELECT * FROM u WHERE EXISTS (SELECT 1 FROM t WHERE t.a = u.a AND t.b > u.x)",
      """
      Semi join: u.a = t.a AND b > x
        -> Scan public.u
             columns: a, x, y
        -> Scan public.t
             columns: a, b
      """)
    #expect(
      try explain("SELECT * FROM u WHERE NOT EXISTS (SELECT 1 FROM t WHERE t.a = u.a)").hasPrefix(
        "Anti join: u.a = t.a"))
    #expect(try explain("SELECT * FROM u WHERE x NOT IN (SELECT b FROM t)").hasPrefix("Anti join (NOT IN): x = b"))
    #expect(
      try explain("SELECT * FROM u WHERE x NOT IN (SELECT b FROM t WHERE t.a = u.a)").hasPrefix(
        "Anti join: u.a = t.a AND coalesce(x = b, true)"))
    #expect(try explain("SELECT x IN (SELECT b FROM t) FROM u").contains("Mark join (IN): x = b"))
  }

  @Test func scalarSubqueriesRunOnceOrJoin() throws {
    try check(
      "SELECT a FROM t WHERE b > (SELECT avg(x) FROM u)",
      """
      Project: a
        -> Scan public.t
             columns: a, b
             filter: b::numeric > (subquery #0)
      Subquery #0
        -> Aggregate
             computes: avg(x)
          -> Scan public.u
               columns: x
      """)
    try check(
      "SELECT x, (SELECT count(*) FROM t WHERE t.a = u.a) FROM u",
      """
      Project: x, CASE WHEN t.a IS NULL THEN 0 ELSE count END AS count
        -> Left join: u.a = t.a
          -> Scan public.u
               columns: a, x
          -> Group
               keys: t.a
               computes: count(*)
               bounds: t.a in 0...100
            -> Scan public.t
                 columns: a
      """)
  }

  @Test func generalCorrelationRunsOverTheDistinctValues() throws {
    try check(
      "SELECT a, (SELECT b FROM t WHERE t.a = u.a ORDER BY b LIMIT 1) FROM u",
      """
      Project: u.a, b
        -> Single join: u.a IS NOT DISTINCT FROM a
          -> Shared #1
            -> Scan public.u
                 columns: a
          -> Project: b, a
            -> Filter: row_number <= 1
              -> Window: partition by a order by b
                   computes: row_number()
                -> Join: t.a = a
                  -> Scan public.t
                       columns: a, b
                  -> Distinct
                       keys: a
                       bounds: a in 0...100
                    -> Project: u.a
                      -> Shared #1 (see above)
      """)
    for sql in [
      "SELECT * FROM u, LATERAL (SELECT b FROM t WHERE t.a = u.a ORDER BY b DESC LIMIT 2) l",
      "SELECT * FROM u LEFT JOIN LATERAL (SELECT sum(b) AS s FROM t WHERE t.b < u.x) l ON true",
      "SELECT (SELECT count(*) FROM t WHERE t.b = u.x AND t.a IN (SELECT a FROM v WHERE v.z = u.a)) FROM u",
      "SELECT x IN (SELECT b FROM t WHERE t.a = u.a) FROM u",
      "SELECT (SELECT max(q.a) FROM (SELECT t.a FROM t WHERE t.b = u.x UNION ALL SELECT v.a FROM v) q) FROM u",
      "SELECT (SELECT sum(b) OVER (ORDER BY b) FROM t WHERE t.a = u.a LIMIT 1) FROM u",
    ] {
      #expect(failure(sql) == nil, "\(sql)")
    }
  }

  // MARK: WITH and views

  @Test func aQueryReadOnceIsInlinedAndReadTwiceShared() throws {
    try check(
      "WITH w AS (SELECT a, row_number() OVER (PARTITION BY a ORDER BY b) AS n FROM t) SELECT a FROM w WHERE n = 1",
      """
      Project: a
        -> Filter: row_number = 1
          -> Window: partition by a order by b
               computes: row_number()
            -> Scan public.t
                 columns: a, b
      """)
    let twice = try explain("WITH w AS (SELECT a, b, c FROM t) SELECT x.a FROM w x JOIN w y ON x.a = y.b")
    #expect(twice.contains("Shared #1\n"))
    #expect(twice.contains("Shared #1 (see above)"))
    #expect(twice.contains("columns: a, b\n"), "what no reader needs is not scanned")
    #expect(try explain("WITH w AS MATERIALIZED (SELECT a FROM t) SELECT a FROM w").contains("Shared"))
  }

  @Test func viewsAreReadThrough() throws {
    try check(
      "SELECT b1 FROM big_t WHERE a = 3",
      """
      Project: b + 1 AS b1
        -> Scan public.t
             columns: b
             pruned by: c = 'x' AND a = 3
      """)
  }

  // MARK: Grouping, windows, order

  @Test func conditionsOnKeysPassGroupsAndWindows() throws {
    try check(
      "SELECT * FROM (SELECT a, count(*) AS n FROM t GROUP BY a) g WHERE a = 3 AND n > 1",
      """
      Filter: count > 1
        -> Group
             keys: a
             computes: count(*)
             bounds: a in 0...100
          -> Scan public.t
               columns: a
               pruned by: a = 3
      """)
    let window = try explain(
      "SELECT * FROM (SELECT a, rank() OVER (PARTITION BY a ORDER BY b) r FROM t) w WHERE a = 3 AND r = 1")
    #expect(window.contains("Filter: rank = 1"))
    #expect(window.contains("pruned by: a = 3"))
  }

  @Test func boundsOfKeysComeFromStatistics() throws {
    let text = try explain(
      "SELECT event_ts::date, extract(hour FROM event_ts)::int, count(*) FROM silver.events GROUP BY 1, 2")
    #expect(text.contains("bounds: event_ts::date in 19723...20089, extract('hour', event_ts)::integer in 0...23"))
  }

  @Test func groupingSets() throws {
    let text = try explain("SELECT a, b, grouping(a, b), count(*) FROM t GROUP BY CUBE (a, b)")
    #expect(text.contains("grouping sets: (a, b), (a), (b), ()"))
  }

  @Test func limitMeetsItsSort() throws {
    try check(
      "SELECT a + 1, b FROM t ORDER BY b DESC LIMIT 10",
      """
      Project: a + 1 AS ?column?, b
        -> Top: 10 by b DESC
          -> Scan public.t
               columns: a, b
      """)
    try check(
      "SELECT * FROM (SELECT a FROM t UNION ALL SELECT x FROM u) q LIMIT 5",
      """
      Limit: 5
        -> Union all
          -> Limit: 5
            -> Scan public.t
                 columns: a
          -> Limit: 5
            -> Scan public.u
                 columns: x
      """)
  }

  @Test func windowsOfOneOrderShareAnOperator() throws {
    try check(
      "SELECT rank() OVER w, sum(b) OVER w, max(b) OVER (PARTITION BY a) FROM t WINDOW w AS (PARTITION BY a ORDER BY b)",
      """
      Project: rank, sum, max
        -> Window: partition by a order by b
             computes: rank(), sum(b), max(b) ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          -> Scan public.t
               columns: a, b
      """)
  }

  // MARK: Changes

  @Test func insertMatchesTheTable() throws {
    let plan = try physicalPlan("INSERT INTO t (c, a) SELECT 'x', x FROM u")
    #expect(plan.root.output.map(\.type) == [.integer, .integer, .text, .json])
    #expect(plan.columnNames == ["a", "b", "c", "j"])
    guard case .project(let expressions) = plan.root.operation else {
      Issue.record("an insert projects")
      return
    }
    #expect(expressions[1] == .constant(.integer(7), .integer), "the default of a column that is not named")
  }

  @Test func deleteAndUpdateNameRows() throws {
    try check(
      "DELETE FROM t WHERE a = 3",
      """
      Scan public.t
        columns: row_identifier
        pruned by: a = 3
      """)
    let update = try physicalPlan("UPDATE t SET b = b + 1 WHERE a = 3")
    #expect(update.columnNames == ["row_identifier", "a", "b", "c", "j"])
    #expect(update.root.output.count == 5)
  }

  @Test func explainAnalyzeShowsWhatHappened() throws {
    let plan = try physicalPlan("SELECT a FROM t")
    let lines = PlanPrinter.lines(
      plan,
      metrics: [
        plan.root.id: NodeMetrics(rowCount: 12, nanoseconds: 1_234_567, bytesRead: 99, blocksRead: 2, blocksSkipped: 3)
      ])
    #expect(lines[0] == "Scan public.t  (rows=1000, actual=12, time=1.234 ms, read=99 B in 2 blocks, skipped=3)")
  }

  @Test func explainAsJSON() throws {
    let text = PlanPrinter.json(try physicalPlan("SELECT a FROM t WHERE c = 'say \"x\"'"))
    #expect(text.hasPrefix("[{\"Plan\": {\n  \"Node\": \"Scan public.t\",\n"))
    #expect(text.contains("pruned by: c = 'say \\\"x\\\"'"))
    #expect(text.hasSuffix("}}]"))
  }
}
