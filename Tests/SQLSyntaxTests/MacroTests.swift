import Bytes
import SQLSyntax
import Testing

private let variables: [String: MacroValue] = [
  "start_ts": .text("2024-01-01 00:00:00"), "n": .number("5"), "flag": .boolean(true), "none": .null,
  "this_model": .sql("silver.heart_rate"), "column": .sql("user_id"), "quote": .text("it's"),
  "list": .list([.number("1"), .text("b")]), "schema": .text("gold"),
]

private func expanded(_ text: String) -> String {
  do throws(PulsehouseError) {
    return try MacroExpander.expand(text, variables: variables, evaluator: evaluate).text
  } catch {
    return "error: \(error.message)"
  }
}

/// Enough of an evaluator for these tests; the real one is two floors up.
private func evaluate(_ sql: String) throws(PulsehouseError) -> MacroValue {
  let known: [String: MacroValue] = [
    "5 > 4": .boolean(true), "1 > 4": .boolean(false), "9 > 4": .boolean(true), "'gold' = 'gold'": .boolean(true),
    "1 + 2 + 3": .number("6"), "0": .number("0"), "'x' || 'y'": .text("xy"),
  ]
  guard let value = known[sql] else { throw PulsehouseError(.user, "column does not exist", sqlState: "42703") }
  return value
}

@Suite struct MacroTests {
  @Test(arguments: [
    ("", ""), ("SELECT 1", "SELECT 1"), ("@n", "5"), ("@N+@n", "5+5"), ("a>=@n", "a>=5"), ("a=-@n", "a=-5"),
    ("ts >= @start_ts", "ts >= '2024-01-01 00:00:00'"), ("@flag, @none", "true, NULL"), ("@quote", "'it''s'"),
    ("x IN @list", "x IN (1, 'b')"), ("FROM @this_model AS t", "FROM silver.heart_rate AS t"),
    ("t.@column = 1", "t.user_id = 1"), ("FROM @{schema}.t", "FROM gold.t"), ("FROM @{schema}_@{n}", "FROM gold_5"),
    ("'@n @{n}'", "'@n 5'"), ("'@{quote}'", "'it''s'"), ("\"@{schema}x\"", "\"goldx\""), ("$$@{n}@n$$", "$$@{n}@n$$"),
    ("-- @n @{n} @nothing\n@n", "-- @n @{n} @nothing\n5"), ("/* @n {{ */ @n", "/* @n {{ */ 5"),
    ("a @> b, a <@ b, @ -5, a @@ b", "a @> b, a <@ b, @ -5, a @@ b"), ("'{{ x }}'", "'{{ x }}'"),
    ("@DEF(x, 1 + 2); SELECT @x", " SELECT 1 + 2"), ("@def(x, @n); @DEF(y, @x + 1); SELECT @y", "  SELECT 5 + 1"),
    ("@DEF(n, 7); @n", " 7"), ("@DEF(x, (1, 2)) @x", " (1, 2)"), ("@VAR('n')", "5"), ("@VAR('q', 1 + @n)", "1 + 5"),
    ("@VAR(@n)", "5"), ("ä@n", "ä5"), ("'ä' || @quote || 'ö'", "'ä' || 'it''s' || 'ö'"),
    ("@nothing", "error: macro variable \"@nothing\" is not defined"),
    ("'@{nothing}'", "error: macro variable \"@nothing\" is not defined"),
    ("@{n", "error: expected a name and \"}\" after \"@{\""), ("@{}", "error: expected a name and \"}\" after \"@{\""),
    ("@IF(a, b, c)", "error: cannot compute a for a macro: column does not exist"),
    ("@IF(@n > 4, b, c)", "b"), ("@IF(1 > 4, b, c)", "c"), ("@IF(0, b, c)", "c"),
    ("@IF(NULL, b, @nothing || c)", "error: macro variable \"@nothing\" is not defined"),
    ("@IF(TRUE, b, @nothing)", "b"), ("SELECT a, @IF(FALSE, b), c", "SELECT a,  c"),
    ("SELECT @IF(FALSE, b), c", "SELECT  c"),
    ("SELECT a, @IF(FALSE, b) FROM t", "SELECT a   FROM t"), ("@IF('@{schema}' = 'gold', 1, 2)", "1"),
    ("@IF(a)", "error: expected @IF(condition, then [, else])"),
    ("@EVAL(1 + 2 + 3)", "6"), ("@EVAL('x' || 'y')", "'xy'"),
    ("@EVAL(a)", "error: cannot compute a for a macro: column does not exist"),
    ("SELECT @EACH([a, b], x -> sum(x) AS sum_@x)", "SELECT sum(a) AS sum_a, sum(b) AS sum_b"),
    ("SELECT @EACH(['a', 'b'], x -> x AS \"@{x}\")", "SELECT 'a' AS \"a\", 'b' AS \"b\""),
    ("@EACH(@list, x -> x IS NULL)", "1 IS NULL, 'b' IS NULL"), ("@EACH((a, f(b, c)), t -> t.x)", "a.x, f(b, c).x"),
    ("@EACH(a, b, X -> x + @n)", "a + 5, b + 5"), ("SELECT @EACH([], x -> x), 1", "SELECT  1"),
    ("@EACH([(a, 1), (b, 2)], (x, y) -> x * y)", "a * 1, b * 2"),
    ("@EACH([1, 2], x -> @EACH([a, b], y -> y + x))", "a + 1, b + 1, a + 2, b + 2"),
    ("@EACH([a])", "error: expected @EACH([item, ...], x -> ...)"),
    ("@EACH([a], (x, y) -> x)", "error: a macro function of 2 parameters is given 1"),
    ("@FILTER([1, @n, 9], x -> x > 4)", "5, 9"), ("@REDUCE(@FILTER([1, 5, 9], x -> x > 4), (x, y) -> x + y)", "5 + 9"),
    ("@REDUCE([a, b, c], (x, y) -> f(x, y))", "f(f(a, b), c)"), ("@EVAL(@REDUCE([1, 2, 3], (x, y) -> x + y))", "6"),
    ("@REDUCE([], (x, y) -> x)", "error: @REDUCE of no items"),
    ("@AND(a > 1, NULL, b OR c)", "((a > 1) AND (b OR c))"), ("@OR(a, b)", "((a) OR (b))"), ("@AND(NULL)", "TRUE"),
    ("@OR(@EACH([a, b], x -> x IS NULL))", "((a IS NULL) OR (b IS NULL))"), ("@AND(a)", "(a)"),
    ("@SQL('a + @n')", "a + 5"), ("@SAFE_DIV(a, b + 1)", "CAST(a AS DOUBLE PRECISION) / NULLIF(b + 1, 0)"),
    ("@SAFE_ADD(a, b)", "CASE WHEN (a) IS NULL AND (b) IS NULL THEN NULL ELSE COALESCE(a, 0) + COALESCE(b, 0) END"),
    ("@GENERATE_SURROGATE_KEY(a)", "MD5(CONCAT(COALESCE(CAST(a AS TEXT), '_sqlmesh_surrogate_key_null_')))"),
    (
      "@GENERATE_SURROGATE_KEY(a, hash_function := 'CRC')",
      "error: the hash function CRC of @GENERATE_SURROGATE_KEY is not supported natively"
    ),
    ("@DEF(f, x -> x + 1); SELECT @f(3)", " SELECT 3 + 1"),
    ("@DEF(f, (x, y) -> x || @{schema}.y); @f(1, a)", " 1 || gold.a"),
    ("@DEF(f, x -> x + 1); @EACH([1, 2], f)", " 1 + 1, 2 + 1"),
    ("@DEF(f, x -> @f(x)); @f(1)", "error: macros nest too deep"),
    ("@STAR(t)", "error: the macro @STAR is not supported natively"),
    ("@DEF(x)", "error: expected @DEF(name, value)"), ("@DEF(1, 2)", "error: expected @DEF(name, value)"),
    ("@VAR()", "error: expected @VAR('name') or @VAR('name', default)"),
    ("@VAR('q')", "error: macro variable \"@q\" is not defined"),
    ("@DEF(x, (1", "error: the parenthesis after @DEF is never closed"),
    ("{{ x }}", "error: Jinja ({{) is not supported natively"),
    ("{% if x %}", "error: Jinja ({%) is not supported natively"),
    ("JINJA_QUERY_BEGIN; SELECT 1", "error: Jinja (JINJA_QUERY_BEGIN) is not supported natively"),
  ])
  func expansion(_ text: String, _ expected: String) {
    #expect(expanded(text) == expected)
  }

  @Test func placesLeadBackToTheFile() throws {
    let file = try ModelFile.parse(
      "MODEL (name m);\nSELECT @n, 'x' AS ö FROM @this_model WHERE @n FRO y", path: "m.sql")
    let body = try #require(file.blocks.first).body
    let expanded = try MacroExpander.expand(body, variables: variables)
    #expect(expanded.text == "\nSELECT 5, 'x' AS ö FROM silver.heart_rate WHERE 5 FRO y")
    let bytes = Array(file.text.utf8)
    func original(_ words: String) throws -> String {
      let start = try #require(expanded.text.firstRange(of: words)).lowerBound
      let offset = expanded.text.utf8.distance(from: expanded.text.startIndex, to: start)
      return String(decoding: bytes[expanded.original(offset..<(offset + words.utf8.count))], as: UTF8.self)
    }
    #expect(try original("SELECT") == "SELECT")
    #expect(try original("5") == "@n")
    #expect(try original("ö FROM") == "ö FROM")
    #expect(try original("heart_rate") == "@this_model")
    #expect(try original("silver.heart_rate WHERE") == "@this_model WHERE")
    #expect(try original("WHERE 5 FRO") == "WHERE @n FRO")
    #expect(try original("y") == "y")
    do {
      _ = try PostgresParser.parse(expanded.text)
      Issue.record("it parsed")
    } catch {
      let located = expanded.located(error, in: file.text, path: file.path)
      #expect(located.line == 2)
      #expect(located.file == "m.sql")
      #expect(String(decoding: bytes[located.range ?? 0..<0], as: UTF8.self) == "FRO")
    }
  }

  @Test func errorsOfExpansionPointIntoTheFile() throws {
    let text = "MODEL (name m);\nSELECT 1 +\n  @nothing"
    let file = try ModelFile.parse(text, path: "m.sql")
    let body = try #require(file.blocks.first).body
    do {
      _ = try MacroExpander.expand(body, variables: [:])
      Issue.record("it expanded")
    } catch {
      #expect(String(decoding: Array(text.utf8)[error.range ?? 0..<0], as: UTF8.self) == "@nothing")
      #expect(error.located(in: text, path: "m.sql").line == 3)
    }
    do {
      _ = try MacroExpander.expand("@DEF(x, @VAR('a', @nothing)); @x", variables: [:])
      Issue.record("it expanded")
    } catch {
      #expect(error.range == 18..<26)
    }
  }

  @Test func nestedMacrosEnd() {
    let deep = String(repeating: "@VAR('q', ", count: 50_000) + "1" + String(repeating: ")", count: 50_000)
    #expect(expanded(deep).hasPrefix("error: macros nest too deep"))
  }

  @Test func usedVariablesAreListed() throws {
    #expect(
      try MacroExpander.variables(of: "@DEF(x, @A); SELECT @x, @b, '@{c} @d', @a, @VAR('e', @f) -- @g")
        == ["a", "b", "c", "f"])
    #expect(
      try MacroExpander.variables(of: "@IF(@a, @b, @c), @EACH(@FILTER(@d, x -> x > @e), y -> y + @f), @EVAL(@g)")
        == ["a", "b", "c", "d", "e", "f", "g"])
  }
}

@Suite struct ReferencedTableTests {
  @Test(arguments: [
    ("SELECT 1", ""), ("SELECT * FROM a, s.b x JOIN a y ON true", "a s.b"),
    ("WITH a AS (SELECT * FROM b), c AS (SELECT * FROM a) SELECT * FROM c, s.a", "b s.a"),
    ("WITH a AS (SELECT * FROM a) SELECT * FROM a", "a"), ("WITH RECURSIVE a AS (SELECT * FROM a) SELECT * FROM a", ""),
    ("SELECT (WITH x AS (SELECT 1) SELECT * FROM x) FROM x", "x"), ("SELECT * FROM f(1, (SELECT a FROM b)) q", "b"),
    ("SELECT a FROM t WHERE a IN (SELECT b FROM u) ORDER BY (SELECT c FROM v) LIMIT (SELECT d FROM w)", "t u v w"),
    (
      "SELECT sum((SELECT 1 FROM a)) FILTER (WHERE EXISTS (SELECT FROM b)) OVER (ORDER BY (SELECT 1 FROM c)) FROM d",
      "d a b c"
    ),
    ("SELECT 1 FROM a UNION SELECT 2 FROM b", "a b"), ("SELECT CASE WHEN (SELECT 1 FROM a) = 1 THEN 2 END", "a"),
    ("INSERT INTO a SELECT * FROM b", "b"), ("UPDATE a SET x = (SELECT 1 FROM b) FROM c", "a c b"),
    ("DELETE FROM a USING b", "a b"),
    ("MERGE INTO a USING b ON true WHEN MATCHED THEN UPDATE SET x = (SELECT 1 FROM c)", "a b c"),
    ("CREATE TABLE a AS SELECT * FROM b", "b"), ("CREATE VIEW a AS SELECT * FROM b", "b"),
    ("EXPLAIN SELECT * FROM b", "b"),
    ("COPY a TO STDOUT", "a"), ("COPY a FROM STDIN", ""), ("COPY (SELECT * FROM b) TO STDOUT", "b"),
    ("DROP TABLE a", ""),
    ("SELECT 1 FROM t GROUP BY ROLLUP ((SELECT 1 FROM a))", "t a"), ("SELECT x[(SELECT 1 FROM a)]", "a"),
    ("SELECT * FROM a LEFT JOIN LATERAL (SELECT * FROM b) c ON (SELECT true FROM d)", "a b d"),
  ])
  func tables(_ sql: String, _ expected: String) throws {
    let names = try PostgresParser.parseOne(sql).tablesRead
    #expect(names.map { ($0.schema.map { $0 + "." } ?? "") + $0.name }.joined(separator: " ") == expected)
  }
}
