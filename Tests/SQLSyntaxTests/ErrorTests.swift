import Bytes
import SQLSyntax
import Testing

/// Parses what must fail and returns the error.
func failure(_ sql: String, at offset: Int = 0) -> PulsehouseError? {
  do throws(PulsehouseError) {
    _ = try PostgresParser.parse(sql, at: offset)
    return nil
  } catch {
    return error
  }
}

/// Returns the words of `sql` that an error points at.
private func place(_ error: PulsehouseError?, in sql: String) -> String? {
  guard let range = error?.range, range.upperBound <= sql.utf8.count else { return nil }
  return String(decoding: Array(sql.utf8)[range], as: UTF8.self)
}

@Suite struct ErrorTests {
  @Test(arguments: [
    ("SELEC 1", "syntax error at or near \"SELEC\"", "SELEC"),
    ("SELECT * FROM t WHER a", "syntax error at or near \"a\"", "a"),
    ("SELECT 'ä€𝄞', x y z", "syntax error at or near \"z\"", "z"),
    ("SELECT a FROM", "syntax error at end of input", ""),
    ("SELECT 'abc", "unterminated quoted string at or near \"'abc\"", "'abc"),
    ("SELECT \"abc", "unterminated quoted identifier at or near \"\"abc\"", "\"abc"),
    ("SELECT /* abc", "unterminated /* comment at or near \"/* abc\"", ""),
    ("SELECT $$abc", "unterminated dollar-quoted string at or near \"$$abc\"", "$$abc"),
    ("SELECT \"\"", "zero-length delimited identifier at or near \"\"\"\"", "\"\""),
    ("SELECT 12LLIF(a)", "trailing junk after numeric literal at or near \"12LLIF\"", "12LLIF"),
    ("SELECT 1é2 x", "trailing junk after numeric literal at or near \"1é2\"", "1é2"),
    ("SELECT $1ECT a", "trailing junk after parameter at or near \"$1ECT\"", "$1ECT"),
    ("SELECT 1; SELECT FROM WHERE", "syntax error at or near \"WHERE\"", "WHERE"),
    ("SELECT * FROM (SELECT 1)", "subquery in FROM must have an alias", "("),
    ("SELECT a.b.c.d.e FROM a.b.c.d", "improper qualified name (too many dotted names): a.b.c.d", "a"),
  ])
  func syntaxErrorsAreThoseOfPostgreSQL(_ sql: String, _ message: String, _ words: String) {
    let error = failure(sql)
    #expect(error?.kind == .user)
    #expect(error?.message == message)
    #expect(error?.sqlState == "42601")
    #expect(place(error, in: sql) == words)
  }

  @Test(arguments: ["$0", "$65536", "$2147483648", "$42147483647", "$99999999999999999999"])
  func parametersOutOfRangeAreRefused(_ words: String) {
    let sql = "SELECT a + " + words
    #expect(failure(sql)?.sqlState == "42P02")
    #expect(place(failure(sql), in: sql) == words)
    #expect(throws: Never.self) { try PostgresParser.parse("SELECT $1, $65535") }
  }

  @Test func unsupportedFormsAreNamedWithTheirPlace() {
    let sql = "SELECT 1; LISTEN x; SELECT 2"
    let error = failure(sql)
    #expect(error?.kind == .unsupported)
    #expect(error?.sqlState == "0A000")
    #expect(error?.message == "LISTEN is not supported")
    #expect(place(error, in: sql) == "LISTEN x")
  }

  @Test func anOffsetMovesEveryRange() throws {
    #expect(failure("SELECT 1 x y", at: 100)?.range == 111..<112)
    #expect(failure("LISTEN x", at: 100)?.range == 100..<108)
    #expect(failure("SELECT \0", at: 100)?.range == 107..<108)
    let statement = try PostgresParser.parseOne("SELECT a", at: 100)
    #expect(statement.range.bytes == 100..<108)
    guard case .query(let query) = statement.node else { return }
    #expect(query.range.bytes == 107..<108)
  }

  @Test func expressionErrorsPointIntoTheExpression() throws {
    let expression = try PostgresParser.parseExpression("a + b")
    #expect(expression.range.bytes == 2..<3)
    for sql in ["a +", "a, b", "a b", "a FROM t", "", "1; SELECT 2"] {
      #expect(throws: PulsehouseError.self) { try PostgresParser.parseExpression(sql) }
    }
    do {
      _ = try PostgresParser.parseExpression("a b c")
      Issue.record("it parsed")
    } catch {
      #expect(error.range == 4..<5)
    }
  }

  @Test func oneStatementIsWanted() {
    #expect(throws: PulsehouseError.self) { try PostgresParser.parseOne("") }
    #expect(throws: PulsehouseError.self) { try PostgresParser.parseOne("-- nothing") }
    #expect(throws: PulsehouseError.self) { try PostgresParser.parseOne("SELECT 1; SELECT 2") }
    #expect(throws: Never.self) { try PostgresParser.parseOne(" ; SELECT 1 ; ") }
  }

  @Test func bytesThatAreNoTextAreRefusedWithTheirPlace() throws {
    #expect(try PostgresParser.text(ofUTF8: Array("SELECT 'ä'".utf8)) == "SELECT 'ä'")
    #expect(try PostgresParser.text(ofUTF8: []) == "")
    let damaged: [(bytes: [UInt8], position: Int)] = [
      ([0xFF], 0), ([0x61, 0x80], 1), ([0x61, 0xC3], 1), ([0x61, 0xC3, 0x28], 1), ([0xC3, 0xA4, 0xFF, 0x61], 2),
      ([0x61, 0x00, 0x62], 1), ([0xF0, 0x9F, 0x98], 0), ([0x61, 0xED, 0xA0, 0x80, 0x62], 1),
    ]
    for (bytes, position) in damaged {
      do {
        _ = try PostgresParser.text(ofUTF8: bytes)
        Issue.record("\(bytes) passed")
      } catch {
        #expect(error.sqlState == "22021")
        #expect(error.range?.lowerBound == position, "\(bytes)")
      }
    }
  }
}

@Suite struct RangeTests {
  private func ranges(_ sql: String) throws -> [String] {
    let statement = try PostgresParser.parseOne(sql)
    guard case .query(let query) = statement.node, case .select(let select) = query.body else { return [] }
    return select.items.map { item in
      guard let range = item.value.range.bytes else { return "?" }
      return String(decoding: Array(sql.utf8)[range], as: UTF8.self)
    }
  }

  @Test func expressionsStandWherePostgreSQLPoints() throws {
    let sql = """
      SELECT 'ä', t . "ö".c, a + b, f ( 1 ), s.f(1), 12.5, x::int, CAST(y AS text), date '2024-01-01', a AND b, $1,
        CASE WHEN a THEN b END, EXISTS (SELECT 1), a IN (1), a BETWEEN 1 AND 2, t.*, NOT a, -a, a IS NULL
      """
    #expect(
      try ranges(sql) == [
        "'ä'", "t . \"ö\".c", "+", "f", "s.f", "12.5", "::", "CAST", "date", "AND", "$1", "CASE", "EXISTS", "IN",
        "BETWEEN", "t.*", "NOT", "-", "IS",
      ])
  }

  @Test func statementsRunFromTheirFirstTokenToTheirLast() throws {
    let sql = " -- one\n SELECT 1 /* x */ ; ;\n\nSELECT ';' -- two\n"
    let statements = try PostgresParser.parse(sql)
    let words = statements.map { String(decoding: Array(sql.utf8)[$0.range.bytes ?? 0..<0], as: UTF8.self) }
    #expect(words == ["SELECT 1", "SELECT ';'"])
  }

  @Test func aViewKnowsTheWordsOfItsQuery() throws {
    for (sql, words) in [
      ("CREATE VIEW v AS SELECT 1 -- x", "SELECT 1"),
      ("CREATE VIEW \"as\" (\"as\", b) WITH (security_barrier) AS (SELECT 1 AS a, 2) ; SELECT 2", "(SELECT 1 AS a, 2)"),
      (
        "CREATE VIEW v AS WITH x AS (SELECT 1) SELECT 1 FROM x WITH CHECK OPTION",
        "WITH x AS (SELECT 1) SELECT 1 FROM x"
      ),
    ] {
      let statement = try #require(try PostgresParser.parse(sql).first)
      guard case .createView(let view) = statement.node, let range = view.queryRange.bytes else {
        Issue.record("no view: \(sql)")
        continue
      }
      #expect(String(decoding: Array(sql.utf8)[range], as: UTF8.self) == words)
    }
  }

  @Test func rangesUniteAndShift() {
    #expect(SourceRange(3, 5).union(SourceRange(7, 9)).bytes == 3..<9)
    #expect(SourceRange.unknown.union(SourceRange(7, 9)).bytes == 7..<9)
    #expect(SourceRange(7, 9).union(.unknown).bytes == 7..<9)
    #expect(SourceRange.unknown.bytes == nil)
    #expect(SourceRange(3, 5).shifted(by: 10).bytes == 13..<15)
    #expect(SourceRange.unknown.shifted(by: 10).bytes == nil)
    #expect(SourceRange(.max, .max).isKnown)
  }
}
