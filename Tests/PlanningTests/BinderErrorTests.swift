import Bytes
import Testing

/// Errors in PostgreSQL's words, with its SQLSTATE and the place it points at.
struct BinderErrorTests {
  @Test(arguments: [
    ("SELECT aa FROM t", "42703", "column \"aa\" does not exist", "aa"),
    ("SELECT t.aa FROM t", "42703", "column t.aa does not exist", "t.aa"),
    ("SELECT a FROM t, u", "42702", "column reference \"a\" is ambiguous", "a"),
    ("SELECT a FROM tt", "42P01", "relation \"tt\" does not exist", "tt"),
    ("SELECT x.a FROM t", "42P01", "missing FROM-clause entry for table \"x\"", "x.a"),
    ("SELECT x.* FROM t", "42P01", "missing FROM-clause entry for table \"x\"", "x"),
    ("SELECT 1 FROM t, t", "42712", "table name \"t\" specified more than once", nil),
    ("SELECT a + c FROM t", "42883", "operator does not exist: integer + text", "+"),
    ("SELECT a = c FROM t", "42883", "operator does not exist: integer = text", "="),
    ("SELECT a LIKE 'x' FROM t", "42883", "operator does not exist: integer ~~ unknown", "LIKE"),
    ("SELECT '1' + '1'", "42725", "operator is not unique: unknown + unknown", "+"),
    ("SELECT foo(a, 'x') FROM t", "42883", "function foo(integer, unknown) does not exist", "foo"),
    ("SELECT a FROM t WHERE a", "42804", "argument of WHERE must be type boolean, not type integer", "a"),
    ("SELECT NOT a FROM t", "42804", "argument of NOT must be type boolean, not type integer", "a"),
    ("SELECT 'abc'::integer", "22P02", "invalid input syntax for type integer: \"abc\"", "'abc'"),
    ("SELECT a = 'abc' FROM t", "22P02", "invalid input syntax for type integer: \"abc\"", "'abc'"),
    ("SELECT a::date FROM t", "42846", "cannot cast type integer to date", nil),
    ("SELECT a::nosuch FROM t", "42704", "type \"nosuch\" does not exist", "nosuch"),
    (
      "SELECT c FROM t GROUP BY a", "42803",
      "column \"t.c\" must appear in the GROUP BY clause or be used in an aggregate function", "c"
    ),
    (
      "SELECT a, count(*) FROM t", "42803",
      "column \"t.a\" must appear in the GROUP BY clause or be used in an aggregate function", "a"
    ),
    (
      "SELECT a FROM t GROUP BY a ORDER BY b", "42803",
      "column \"t.b\" must appear in the GROUP BY clause or be used in an aggregate function", "b"
    ),
    (
      "SELECT a, (SELECT max(x) FROM u WHERE u.a = t.b) FROM t GROUP BY a", "42803",
      "subquery uses ungrouped column \"t.b\" from outer query", nil
    ),
    ("SELECT a FROM t WHERE sum(a) > 1", "42803", "aggregate functions are not allowed in WHERE", "sum"),
    ("SELECT sum(sum(a)) FROM t", "42803", "aggregate function calls cannot be nested", "sum"),
    (
      "SELECT a FROM t WHERE rank() OVER () = 1", "42P20", "window functions are not allowed in WHERE", "rank"
    ),
    ("SELECT rank() FROM t", "42809", "window function rank requires an OVER clause", "rank"),
    ("SELECT rank() OVER w FROM t", "42704", "window \"w\" does not exist", nil),
    ("SELECT a FROM t ORDER BY 2", "42P10", "ORDER BY position 2 is not in select list", "2"),
    ("SELECT a FROM t GROUP BY 0", "42P10", "GROUP BY position 0 is not in select list", "0"),
    (
      "SELECT DISTINCT a FROM t ORDER BY b", "42P10",
      "for SELECT DISTINCT, ORDER BY expressions must appear in select list", "b"
    ),
    (
      "SELECT DISTINCT ON (a) a, b FROM t ORDER BY b", "42P10",
      "SELECT DISTINCT ON expressions must match initial ORDER BY expressions", "b"
    ),
    ("SELECT a FROM t UNION SELECT a, b FROM t", "42601", "each UNION query must have the same number of columns", nil),
    ("SELECT a FROM t UNION SELECT c FROM t", "42804", "UNION types integer and text cannot be matched", nil),
    ("SELECT CASE WHEN true THEN 1 ELSE c END FROM t", "42804", "CASE types text and integer cannot be matched", "1"),
    ("SELECT (SELECT a, b FROM t)", "42601", "subquery must return only one column", nil),
    ("SELECT a IN (SELECT a, b FROM t) FROM t", "42601", "subquery has too many columns", nil),
    ("VALUES (1), (2, 3)", "42601", "VALUES lists must all be the same length", nil),
    (
      "SELECT * FROM t JOIN u USING (b)", "42703",
      "column \"b\" specified in USING clause does not exist in right table", nil
    ),
    ("SELECT 1 LIMIT -1", "2201W", "LIMIT must not be negative", nil),
    ("SELECT DISTINCT j FROM t", "42883", "could not identify an equality operator for type json", nil),
    ("SELECT j FROM t ORDER BY j", "42883", "could not identify an ordering operator for type json", "j"),
    ("SELECT * FROM self", "42P17", "infinite recursion detected in view \"self\"", "self"),
    ("SELECT * FROM ping", "42P17", "infinite recursion detected in view \"ping\"", "ping"),
    ("SELECT * FROM broken", "42703", "column \"nosuch\" does not exist", "broken"),
    ("INSERT INTO t (a, a) VALUES (1, 2)", "42701", "column \"a\" specified more than once", "a"),
    ("INSERT INTO t (nosuch) VALUES (1)", "42703", "column \"nosuch\" of relation \"t\" does not exist", "nosuch"),
    ("INSERT INTO t (a) VALUES (1, 2)", "42601", "INSERT has more expressions than target columns", nil),
    ("INSERT INTO t (a, b) VALUES (1)", "42601", "INSERT has more target columns than expressions", nil),
    (
      "INSERT INTO t (a) VALUES (true)", "42804", "column \"a\" is of type integer but expression is of type boolean",
      "true"
    ),
    ("UPDATE t SET a = 1, a = 2", "42601", "multiple assignments to same column \"a\"", "a"),
    ("COPY big_t FROM STDIN", "42809", "cannot copy to view \"big_t\"", "big_t"),
    ("CREATE TABLE z (a int, a text)", "42701", "column \"a\" specified more than once", nil),
    ("CREATE TABLE z AS SELECT 1 AS a, 2 AS a", "42701", "column \"a\" specified more than once", nil),
    ("WITH w AS (SELECT 1), w AS (SELECT 2) SELECT 1", "42712", "WITH query name \"w\" specified more than once", nil),
  ])
  func saysWhatAndWhere(_ sql: String, _ state: String, _ message: String, _ at: String?) throws {
    let found = try #require(failure(sql), "\(sql)")
    #expect(found.error.sqlState == state, "\(sql): \(found.error)")
    #expect(found.error.message == message)
    if let at { #expect(found.at == at) }
  }

  @Test(arguments: [
    ("SELECT heart_rat FROM silver.events", "Perhaps you meant to reference the column \"events.heart_rate\"."),
    ("SELECT e.usr_id FROM silver.events e", "Perhaps you meant to reference the column \"e.user_id\"."),
    ("SELECT * FROM silver.event", "Perhaps you meant \"silver.events\"."),
    ("SELECT * FROM eventts", "Perhaps you meant \"events\"."),
    ("SELECT uper(c) FROM t", "Perhaps you meant the function \"upper\"."),
    ("SELECT a::integr FROM t", "Perhaps you meant the type \"integer\"."),
    ("SELECT tt.a FROM t", "Perhaps you meant the table \"t\"."),
  ])
  func hintsAtWhatWasMeant(_ sql: String, _ hint: String) throws {
    #expect(try #require(failure(sql)).error.hint == hint)
  }

  @Test(arguments: [
    ("SELECT row_number() OVER (ORDER BY generate_series(1, a)) FROM t", "a set-returning function in a window"),
    ("SELECT a FROM t ORDER BY (SELECT row(a, b))", "the order of rows"),
    ("CREATE TEMP VIEW z AS SELECT 1 AS a", "a temporary view"),
    ("WITH w AS (INSERT INTO t VALUES (1) RETURNING a) SELECT * FROM w", "data-modifying"),
  ])
  func namesWhatIsNotBuilt(_ sql: String, _ name: String) throws {
    let error = try #require(failure(sql)).error
    #expect(error.kind == .unsupported)
    #expect(error.sqlState == "0A000")
    #expect(error.message.contains(name), "\(error.message)")
  }

  @Test func deepNestingIsAnError() throws {
    // As deep as the parser allows, the planner either plans or says that it will not.
    let depth = 200
    let parentheses =
      "SELECT " + String(repeating: "(a + ", count: depth) + "1" + String(repeating: ")", count: depth) + " FROM t"
    _ = try plan(parentheses)
    let unions = "SELECT a FROM t" + String(repeating: " UNION ALL SELECT a FROM t", count: 100)
    _ = try plan(unions)
    var query = "SELECT a FROM t"
    for index in 0..<50 { query = "SELECT a FROM (\(query)) AS q\(index)" }
    _ = try plan(query)
  }
}
