import SQLSyntax
import Testing

@Suite struct StatementSplitterTests {
  @Test(arguments: [
    ("", []), (" -- x\n ; ;", []), ("SELECT 1", ["SELECT 1"]), ("SELECT 1;", ["SELECT 1"]),
    ("a;b ; c", ["a", "b", "c"]),
    ("SELECT ';', \";\", $$;$$, $a$;$$;$a$; x", ["SELECT ';', \";\", $$;$$, $a$;$$;$a$", "x"]),
    ("SELECT 1 -- ;\n, 2; /* ; /* ; */ ; */ x", ["SELECT 1 -- ;\n, 2", "x"]),
    ("SELECT E'\\';'; x", ["SELECT E'\\';'", "x"]),
    ("SELECT '\\'; x", ["SELECT '\\'", "x"]), ("f(;); x", ["f(;)", "x"]), (");x", [")", "x"]),
    ("SELECT 'a''b;'; x", ["SELECT 'a''b;'", "x"]), ("SELECT $1;x", ["SELECT $1", "x"]),
    ("a$b$;c$b$", ["a$b$", "c$b$"]),
    ("SELECT 'ä';ö", ["SELECT 'ä'", "ö"]), ("SELECT 'x", ["SELECT 'x"]), ("U&'a;'; x", ["U&'a;'", "x"]),
  ])
  func splitting(_ sql: String, _ expected: [String]) {
    let statements = StatementSplitter.split(sql)
    #expect(statements.map(\.text) == expected)
    let bytes = Array(sql.utf8)
    for statement in statements {
      #expect(String(decoding: bytes[statement.range], as: UTF8.self) == statement.text)
    }
  }

  @Test func terminationIsKnown() {
    #expect(StatementSplitter.split("a; b").map(\.isTerminated) == [true, false])
  }

  @Test(arguments: [
    ("", StatementSplitter.Completeness.empty), (" ;; -- x", .empty), ("SELECT 1", .incomplete),
    ("SELECT 1;", .complete),
    ("SELECT 1; -- done", .complete), ("SELECT 1; SELECT", .incomplete), ("SELECT 'a;", .inQuote),
    ("SELECT \"a;", .inQuote),
    ("SELECT $$a;", .inQuote), ("SELECT /* a;", .inComment), ("SELECT 1; /* a", .inComment),
    ("SELECT (1;", .inParentheses),
    ("SELECT (1);", .complete), ("SELECT '(';", .complete),
  ])
  func completeness(_ sql: String, _ expected: StatementSplitter.Completeness) {
    #expect(StatementSplitter.completeness(sql) == expected)
  }
}

@Suite struct CaretTests {
  @Test(arguments: [
    ("SELECT 'äöü' AS x, ünü fro\nm t", "m t", "LINE 2: m t\n        ^"),
    (
      "select aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbb, ccccccccccccccccccc, "
        + "ddddddddddddddd x y z, ccccccccccccccccccc, ddddddddddddddddd", "y z",
      "LINE 1: ...bbbbbbbbb, ccccccccccccccccccc, ddddddddddddddd x y z, ccccc...\n"
        + "                                                             ^"
    ),
    (
      "\nselect x y z, aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbb, ccccccccccccccccccc",
      "z, ", "LINE 2: select x y z, aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\n                   ^"
    ),
    ("select\t'日本語',\tx y z", "z", "LINE 1: select '日本語', x y z\n                             ^"),
    ("SELECT", "SELECT", "LINE 1: SELECT\n        ^"), ("a\r\nb", "b", "LINE 2: b\n        ^"),
  ])
  func caretsStandWherePsqlPutsThem(_ sql: String, _ words: String, _ expected: String) throws {
    let offset = sql.utf8.distance(from: sql.startIndex, to: try #require(sql.firstRange(of: words)).lowerBound)
    #expect(CaretRenderer.render(sql, offset..<(offset + 1)) == expected)
  }

  @Test func placesOutsideTheTextAreItsEnds() {
    #expect(CaretRenderer.render("ab", 2..<2) == "LINE 1: ab\n          ^")
    #expect(CaretRenderer.render("ab", 99..<100) == "LINE 1: ab\n          ^")
    #expect(CaretRenderer.render("ab\n", 3..<3) == "LINE 2: \n        ^")
    #expect(CaretRenderer.render("ab", 0..<1, firstLine: 7) == "LINE 7: ab\n        ^")
    #expect(CaretRenderer.render("", 0..<0) == nil)
  }

  @Test func linesAndColumnsCountFromOne() {
    let text = "ä\nbc\n"
    #expect(TextPosition(ofByte: 0, in: text) == TextPosition(ofByte: -1, in: text))
    #expect(TextPosition(ofByte: 2, in: text).column == 2)
    #expect(TextPosition(ofByte: 4, in: text).line == 2)
    #expect(TextPosition(ofByte: 4, in: text).column == 2)
    #expect(TextPosition(ofByte: 99, in: text).line == 3)
  }
}

@Suite struct ColumnNameTests {
  /// Names that a PostgreSQL 15 server gave.
  @Test(arguments: [
    ("true", "?column?"), ("1::int", "int4"), ("(select 2 as q)", "q"), ("(select count(*))", "count"), ("a.b", "b"),
    ("case when true then 'c' else x end", "x"), ("case when true then 1 end", "case"), ("array[1]", "array"),
    ("row(1,2)", "row"), ("extract(year from now())", "extract"), ("'a' like 'b'", "?column?"), ("f(1)", "f"),
    ("now() at time zone 'UTC'", "timezone"), ("trim('a')", "btrim"), ("coalesce(1,2)", "coalesce"), ("s.f(1)", "f"),
    ("current_date", "current_date"), ("not true", "?column?"), ("(array[1,2])[1]", "array"), ("nullif(1,2)", "nullif"),
    ("x::text", "x"), ("interval '1 day'", "interval"), ("date '2024-01-01'", "date"), ("-1", "?column?"),
    ("exists(select 1)", "exists"), ("localtime", "localtime"), ("current_timestamp(2)", "current_timestamp"),
    ("grouping(x)", "grouping"), ("(x collate \"C\")", "x"), ("(select max(x)::int8 from t)", "max"),
    ("case x when 'a' then 1 else 2::bigint end", "case"), ("(values (1))", "column1"), ("'5'::int::text", "text"),
    ("(select 1 union select 2 limit 1)", "?column?"), ("array(select 1)", "array"), ("greatest(1,2)", "greatest"),
    ("sum(1) over ()", "sum"), ("(case when true then 1 else 2 end)::text", "text"), ("lower(x)::varchar(3)", "lower"),
    ("(select 1)::text", "?column?"), ("(select sum(1))::text", "sum"), ("'{}'::int[]", "int4"), ("(a).b", "b"),
    ("a and b", "?column?"), ("a is null", "?column?"), ("1 + 1", "?column?"), ("least(1)", "least"),
    ("$1", "?column?"),
  ])
  func names(_ sql: String, _ name: String) throws {
    #expect(try PostgresParser.parseExpression(sql).defaultColumnName == name)
  }
}
