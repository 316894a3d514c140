import Bytes
import SQLSyntax
import Testing

/// Text that would hurt a careless parser: depth, length, odd bytes, many threads.
@Suite struct RobustnessTests {
  @Test(arguments: [1, 100, 5_000, 100_000])
  func deepParentheses(_ depth: Int) throws {
    let sql = "SELECT " + String(repeating: "(", count: depth) + "1" + String(repeating: ")", count: depth)
    if depth <= 5000 {
      #expect(TreeText.of(try PostgresParser.parseOne(sql).node).contains("(integer 1)"))
    } else {
      #expect(failure(sql)?.sqlState == "54001")
    }
  }

  @Test(arguments: [
    ("SELECT 1", "+1", ""), ("SELECT 1", "||1", ""), ("SELECT 1", " UNION ALL SELECT 1", ""),
    ("SELECT * FROM a", " JOIN a ON f(a, b) AND true", ""), ("SELECT a", " IS NULL", ""), ("SELECT a", "::text", ""),
    ("SELECT a", " COLLATE \"C\"", ""), ("SELECT a", " AT TIME ZONE 'x'", ""), ("SELECT ", "NOT ", "a"),
    ("SELECT ", "- ", "a"), ("SELECT ", "(SELECT ", "1"), ("SELECT ", "f(", "1"),
    ("SELECT ", "CASE WHEN a AND b THEN ", "1"),
    ("SELECT ", "ARRAY[", "1"), ("SELECT * FROM ", "(SELECT * FROM ", "a"), ("", "EXPLAIN ", "SELECT 1"),
    ("SELECT a", " IS TRUE BETWEEN 1 AND 2", ""), ("SELECT a", " NOT IN (1, 2)", ""), ("SELECT (a)", ".b", ""),
    ("SELECT a", "[1].b", ""), ("WITH a AS (", "WITH a AS (", "SELECT 1"), ("SELECT 1 GROUP BY ", "ROLLUP (", "a"),
    ("SELECT a OPERATOR(x.+) b", " OPERATOR(x.+) b", ""), ("SELECT a", " LIKE a ESCAPE 'x' OR b", ""),
    ("SELECT", " /*", ""), ("SELECT", "(", ""), ("SELECT", "[", ""), ("", ";", ""), ("", "$", ""), ("", "@", ""),
    ("", "\\", ""), ("SELECT '", "''", "'"), ("SELECT a", ".a", ""), ("", "'", ""), ("", "\"\"", ""),
  ])
  func longChainsEndInAnAnswerOrAnError(_ start: String, _ link: String, _ end: String) {
    for count in [300, 3_000, 12_000] {
      let sql = start + String(repeating: link, count: count) + end
      do {
        _ = try PostgresParser.parse(sql)
      } catch {
        #expect(error.kind != .internal, "\(sql.prefix(40)): \(error.message)")
      }
    }
  }

  @Test func treesAsDeepAsAllowedParseAndThoseDeeperAreRefused() throws {
    func sum(_ count: Int) -> String { "SELECT 1" + String(repeating: "+1", count: count) }
    #expect(throws: Never.self) { try PostgresParser.parse(sum(PostgresParser.maximumDepth - 6)) }
    #expect(failure(sum(PostgresParser.maximumDepth))?.sqlState == "54001")
    #expect(failure(sum(200_000))?.sqlState == "54001")
  }

  /// Columns that are set together have what they are set to once each in the tree, and that once each for those around.
  @Test func whatIsSetToManyColumnsIsBounded() throws {
    func together(_ count: Int) -> String {
      let columns = Array(repeating: "a", count: count).joined(separator: ", ")
      return "UPDATE t SET (\(columns)) = (SELECT \(columns))"
    }
    #expect(try PostgresParser.parse(together(500)).count == 1)
    #expect(failure(together(3000))?.sqlState == "54000")
    func nested(_ depth: Int) -> String {
      String(repeating: "WITH x AS (UPDATE t SET (a, b)=(", count: depth) + "SELECT 1"
        + String(repeating: ") RETURNING 1) SELECT 1", count: depth)
    }
    #expect(try PostgresParser.parse(nested(6)).count == 1)
    for depth in [40, 70] { #expect(failure(nested(depth))?.sqlState == "54000") }
    let compared = Array(repeating: "(a, b) = (1, 2)", count: 3000).joined(separator: " AND ")
    #expect(try PostgresParser.parse("UPDATE t SET (a, b, c) = (SELECT 1, 2, 3) WHERE \(compared)").count == 1)
  }

  @Test func longFlatTextsParse() throws {
    // Logical operators are flat in the tree, however many there are.
    let logic = "SELECT " + Array(repeating: "a = 1", count: 20_000).joined(separator: " OR ")
    #expect(try PostgresParser.parse(logic).count == 1)
    let rows = "VALUES " + Array(repeating: "(1, 'a', -2.5)", count: 70_000).joined(separator: ", ")
    #expect(rows.utf8.count > 1_000_000)
    guard case .query(let query) = try PostgresParser.parseOne(rows).node, case .values(let values) = query.body else {
      Issue.record("no values")
      return
    }
    #expect(values.count == 70_000)
    let statements = String(repeating: "SELECT a + 1;\n", count: 20_000)
    #expect(try PostgresParser.parse(statements).count == 20_000)
    let list = "SELECT a IN (" + Array(repeating: "1", count: 100_000).joined(separator: ",") + ")"
    #expect(try PostgresParser.parse(list).count == 1)
    let long = "SELECT '" + String(repeating: "x", count: 1 << 20) + "'"
    #expect(try PostgresParser.parse(long).count == 1)
  }

  @Test func nulIsRefused() {
    #expect(failure("SELECT 'a\0b'")?.range == 9..<10)
    #expect(failure(String(repeating: "-", count: 10_000) + "\0")?.sqlState == "22021")
  }

  @Test func manyThreadsParseAtOnce() async {
    let mistakes = await withTaskGroup(of: Int.self) { group in
      for task in 0..<8 { group.addTask { RobustnessTests.mistakes(of: task) } }
      return await group.reduce(0, +)
    }
    #expect(mistakes == 0)
  }

  /// Parses texts that only this task parses, short and long in turn, and counts what came back wrong.
  private static func mistakes(of task: Int) -> Int {
    var mistakes = 0
    for round in 0..<50 {
      let sql = "SELECT a + \(task * 1000 + round), 'x' FROM t\(task) WHERE b IN (1, 2, 3)"
      let padded = round % 2 == 0 ? sql : sql + String(repeating: " ", count: 9_000)
      let tree = (try? PostgresParser.parseOne(padded)).map { TreeText.of($0) } ?? ""
      if !tree.contains("(integer \(task * 1000 + round))") { mistakes += 1 }
      if failure("SELECT \(round) x y")?.range?.lowerBound != 10 + String(round).utf8.count { mistakes += 1 }
    }
    return mistakes
  }

  @Test func parsingIsQuick() throws {
    let tenTables = """
      WITH f AS (SELECT * FROM a WHERE x BETWEEN 1 AND 2)
      SELECT a.id, b.name, sum(c.v) FILTER (WHERE c.v > 0) AS s, count(DISTINCT d.k), max(e.t::date) OVER (PARTITION BY f.g)
      FROM f JOIN b ON f.id = b.id LEFT JOIN c USING (id) JOIN d ON d.id = c.id AND d.k IN (1, 2, 3) JOIN e ON e.id = d.id
      JOIN g ON g.id = e.id JOIN h ON h.id = g.id JOIN i ON i.id = h.id JOIN j ON j.id = i.id JOIN k ON k.id = j.id
      WHERE a.x > 5 AND b.name LIKE 'a%' OR c.v IS NULL GROUP BY 1, 2 HAVING sum(c.v) > 10 ORDER BY 3 DESC LIMIT 10
      """
    let clock = ContinuousClock()
    func best(_ sql: String) throws -> Duration {
      var best = Duration.seconds(1)
      for _ in 0..<20 { best = min(best, try clock.measure { _ = try PostgresParser.parse(sql) }) }
      return best
    }
    // Generous for a debug build on a busy machine; release takes a tenth of it.
    #expect(try best("SELECT 1") < .milliseconds(1))
    #expect(try best(tenTables) < .milliseconds(20))
  }
}
