import Execution
import Planning
import SQLSyntax
import Testing
import Vectors

@Suite struct LineageTests {
  /// `column <- origins`, sorted, with changes other than copies in parentheses; then what decides, after `|`.
  private func lineage(_ sql: String) throws -> String {
    let planner = Planner(schema: FixtureSchema.shared) { try ConstantEvaluator.value(of: $0) }
    let found = try planner.lineage(of: try PostgresParser.parseOne(sql))
    func name(_ origin: QueryLineage.Origin) -> String { "\(origin.table).\(origin.column)" }
    let outputs = found.outputs.map { output in
      let origins = output.origins.map { origin, change in
        name(origin) + (change == .copied ? "" : "(\(change.rawValue))")
      }
      return "\(output.field.name)<-\(origins.sorted().joined(separator: "+"))"
    }
    let deciding = found.deciding.map(name).sorted()
    return outputs.joined(separator: " ") + (deciding.isEmpty ? "" : " | " + deciding.joined(separator: " "))
  }

  @Test(arguments: [
    ("SELECT a, b + 1 AS c, 5 AS d FROM t", "a<-t.a c<-t.b(computed) d<-"),
    ("SELECT * FROM u", "a<-u.a x<-u.x y<-u.y"),
    ("SELECT t.*, u.x FROM t JOIN u USING (a)", "a<-t.a b<-t.b c<-t.c j<-t.j x<-u.x | t.a u.a"),
    (
      "WITH w AS (SELECT a AS k, b FROM t WHERE c = 'x') SELECT k, b * 2 AS b2 FROM w", "k<-t.a b2<-t.b(computed) | t.c"
    ),
    ("WITH w AS (SELECT a FROM t) SELECT x.a, y.a AS b FROM w x, w y", "a<-t.a b<-t.a"),
    ("SELECT max(b) AS m, count(*) AS n, a FROM t GROUP BY a", "m<-t.b(aggregated) n<- a<-t.a | t.a"),
    ("SELECT sum(b) FILTER (WHERE c = 'x') AS s FROM t", "s<-t.b(aggregated)+t.c(aggregated)"),
    (
      "SELECT lag(b) OVER (PARTITION BY a ORDER BY c) AS l, a FROM t",
      "l<-t.a(windowed)+t.b(windowed)+t.c(windowed) a<-t.a"
    ),
    ("SELECT a FROM t UNION ALL SELECT x FROM u", "a<-t.a+u.x"),
    ("SELECT a FROM t UNION SELECT x + 1 FROM u", "a<-t.a+u.x(computed) | t.a u.x"),
    ("SELECT (SELECT max(x) FROM u) AS m FROM t", "m<-u.x(aggregated)"),
    ("SELECT (SELECT u.x FROM u WHERE u.a = t.a) AS m FROM t", "m<-u.x | t.a u.a"),
    ("SELECT a FROM t WHERE b IN (SELECT x FROM u)", "a<-t.a | t.b u.x"),
    ("SELECT CASE WHEN b > 0 THEN c ELSE 'n' END AS r FROM t", "r<-t.b(computed)+t.c(computed)"),
    ("SELECT b1 FROM big_t", "b1<-t.b(computed) | t.c"),
    ("SELECT s.m FROM (SELECT max(b + 1) AS m FROM t) AS s", "m<-t.b(aggregated)"),
    (
      "WITH RECURSIVE r AS (SELECT a FROM t UNION ALL SELECT r.a + u.x FROM r JOIN u ON u.a = r.a) SELECT a FROM r",
      "a<-t.a(computed)+u.x(computed) | t.a u.a u.x"
    ),
    ("SELECT DISTINCT ON (a) a, b FROM t ORDER BY a, c", "a<-t.a b<-t.b | t.a"),
    ("SELECT a FROM t EXCEPT SELECT a FROM u", "a<-t.a | u.a"),
  ])
  func columnsAreFollowedToTheirTables(_ sql: String, _ expected: String) throws {
    #expect(try lineage(sql) == expected, "\(sql)")
  }

  @Test func tablesAreKnownThatNoColumnComesFrom() throws {
    let planner = Planner(schema: FixtureSchema.shared) { try ConstantEvaluator.value(of: $0) }
    let found = try planner.lineage(of: try PostgresParser.parseOne("SELECT count(*) FROM t CROSS JOIN u"))
    #expect(found.tables == ["public.t", "public.u"])
  }
}
