import Bytes
import SQLSyntax
import Testing

/// Prints a tree and parses it again: the same tree must come back, places apart.
enum RoundTrip {
  /// Returns what is wrong, nil if nothing is or the statement's kind is not printed.
  static func complaint(_ statement: Statement) -> String? {
    guard let sql = statement.node.sql else { return nil }
    do throws(PulsehouseError) {
      let again = try PostgresParser.parseOne(sql)
      let (before, after) = (TreeText.of(statement.node), TreeText.of(again.node))
      return before == after ? nil : "printed as \(sql)\n\(before)\n\(after)"
    } catch {
      // What is printed nests deeper in parentheses than what was written.
      return error.sqlState == "54001" ? nil : "printed as \(sql)\n\(error)"
    }
  }
}

@Suite struct PrinterTests {
  @Test func whatIsPrintedReadsAsTheSameTree() throws {
    var printed = 0
    let texts =
      Goldens.pairs(Goldens.expressions).map { "SELECT " + $0.sql } + Goldens.pairs(Goldens.statements).map(\.sql)
    for text in texts {
      guard let statements = try? PostgresParser.parse(text) else { continue }
      for statement in statements {
        if statement.node.sql != nil { printed += 1 }
        let complaint = RoundTrip.complaint(statement)
        #expect(complaint == nil, "\(text)")
      }
    }
    #expect(printed > 220)
  }

  @Test(arguments: [
    ("a+b*-c", "a + (b * (- c))"), ("a = 1 and b or not c", "((a = 1) AND b) OR (NOT c)"), ("-1", "-1"),
    ("a - -1", "a - (-1)"),
    ("'it''s'", "'it''s'"), ("\"A b\".\"select\"", "\"A b\".\"select\""), ("A.b", "a.b"),
    ("x::int", "CAST(x AS integer)"),
    ("x::numeric(5,1)[]", "CAST(x AS numeric(5, 1)[])"), ("date '2024-01-01'", "CAST('2024-01-01' AS date)"),
    ("extract(year from x)", "EXTRACT('year' FROM x)"), ("x at time zone 'UTC'", "x AT TIME ZONE 'UTC'"),
    ("sum(x) over (partition by y order by z desc)", "sum(x) OVER ( PARTITION BY y ORDER BY z DESC)"),
    ("count(*) filter (where a)", "count(*) FILTER (WHERE a)"),
    ("case a when 1 then 2 else 3 end", "CASE a WHEN 1 THEN 2 ELSE 3 END"),
    ("a in (select 1)", "a IN (SELECT 1)"), ("a between 1 and 2", "a BETWEEN 1 AND 2"),
    ("a is not null", "a IS NOT NULL"),
    ("x::timestamptz", "CAST(x AS timestamptz)"),
    ("x::timestamp with time zone", "CAST(x AS timestamp with time zone)"),
  ])
  func expressionsReadWell(_ sql: String, _ expected: String) throws {
    #expect(try PostgresParser.parseExpression(sql).sql == expected)
  }

  @Test func namesAreQuotedWhereTheyMustBe() {
    #expect(SQLPrinter.quoted("abc_1") == "abc_1")
    #expect(SQLPrinter.quoted("Abc") == "\"Abc\"")
    #expect(SQLPrinter.quoted("1a") == "\"1a\"")
    #expect(SQLPrinter.quoted("a\"b") == "\"a\"\"b\"")
    #expect(SQLPrinter.quoted("ä") == "\"ä\"")
    #expect(SQLPrinter.quoted("user") == "\"user\"")
    #expect(QualifiedName(schema: "S", name: "t").sql == "\"S\".t")
  }
}
