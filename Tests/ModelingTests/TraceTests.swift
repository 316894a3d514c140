import Bytes
import Engine
import Modeling
import TestKit
import Testing
import Vectors

@Suite struct TraceTests {
  private let folder: TemporaryDirectory
  private let session: Session

  init() throws {
    folder = try TemporaryDirectory()
    session = Session(try Warehouse(folder.path + "/tables", mode: .create))
    try session.run(
      """
      CREATE SCHEMA bronze; CREATE SCHEMA silver; CREATE SCHEMA gold;
      CREATE TABLE bronze.events (id integer, who integer, value integer, _offset bigint);
      INSERT INTO bronze.events VALUES (1, 10, 5, 0), (1, 10, 5, 90), (2, 10, 7, 180), (3, 11, 9, 270);
      CREATE TABLE bronze.people (who integer, name text);
      INSERT INTO bronze.people VALUES (10, 'Ada'), (11, 'Bo'), (12, 'Cy')
      """, into: DiscardingSink())
  }

  private func project(_ models: [String: String]) throws -> Project {
    let files = LocalFileSystem()
    try files.makeDirectory(folder.path + "/models")
    for (name, text) in models {
      let file = try files.createFile(folder.path + "/models/\(name).sql", .truncating)
      try file.write(Array(text.utf8))
      try file.close()
    }
    let project = try Project.load(folder.path)
    _ = try ModelRun.run(project, in: SessionModelSession(session))
    return project
  }

  /// `table(values)` of a row and of what it was made from, sorted.
  private func text(_ row: TracedModelRow) -> String {
    let values = row.values.map { value -> String in
      switch value {
      case .integer(let number): "\(number)"
      case .text(let text): text
      default: "-"
      }
    }
    let sources = row.sources.map(text).sorted().joined(separator: " ")
    return "\(row.table.name)(\(values.joined(separator: ",")))" + (sources.isEmpty ? "" : "[\(sources)]")
  }

  private func trace(
    _ models: [String: String], _ table: String, _ condition: String, limit: Int = 20
  ) throws -> [TracedModelRow] {
    var trace = ModelTrace(try project(models), in: session, limit: limit)
    return try trace.trace(RelationName("gold", table), where: condition).rows
  }

  private static let silver = """
    MODEL (name silver.events, kind FULL, grain (id));
    WITH ranked AS (
      SELECT e.*, ROW_NUMBER() OVER (PARTITION BY e.id ORDER BY e._offset) AS delivery FROM bronze.events AS e
    )
    SELECT r.id, r.who, r.value * 2 AS twice FROM ranked AS r WHERE r.delivery = 1
    """

  @Test func joinsAreFollowedThroughModelsToBronze() throws {
    let rows = try trace(
      [
        "silver": Self.silver,
        "gold": """
        MODEL (name gold.fact, kind FULL, grain (id));
        SELECT s.id, p.name, s.twice, LAG(s.twice) OVER (PARTITION BY s.who ORDER BY s.id) AS before
        FROM silver.events AS s LEFT JOIN bronze.people AS p ON p.who = s.who
        """,
      ], "fact", "id = 2")
    #expect(
      rows.map(text) == ["fact(2,Ada,14,10)[events(2,10,14)[events(2,10,7,180)] people(10,Ada)]"])
  }

  @Test func aGroupComesFromAllItsRowsUpToALimit() throws {
    let models = [
      "silver": Self.silver,
      "gold": """
      MODEL (name gold.totals, kind FULL, grain (who));
      SELECT s.who, COUNT(*) AS n, SUM(s.twice) AS total FROM silver.events AS s GROUP BY s.who
      """,
    ]
    let rows = try trace(models, "totals", "who = 10")
    #expect(
      rows.map(text) == ["totals(10,2,24)[events(1,10,10)[events(1,10,5,0)] events(2,10,14)[events(2,10,7,180)]]"])
    let few = try trace(models, "totals", "who = 10", limit: 1)
    #expect(few[0].sources.count == 1)
    #expect(few[0].omittedCount == 1)
  }

  @Test(arguments: [
    ("SELECT id AS k FROM bronze.events UNION SELECT who FROM bronze.people", "k = 10", "x(10)[people(10,Ada)]"),
    (
      "SELECT id AS k FROM bronze.events UNION ALL SELECT who FROM bronze.people", "k = 3", "x(3)[events(3,11,9,270)]"
    ),
    ("SELECT who AS k FROM bronze.people EXCEPT SELECT who FROM bronze.events", "k = 12", "x(12)[people(12,Cy)]"),
    (
      "SELECT who AS k FROM bronze.people WHERE who IN (SELECT who FROM bronze.events)", "k = 11",
      "x(11)[people(11,Bo)]"
    ),
    (
      "WITH w AS (SELECT who, MAX(value) AS m FROM bronze.events GROUP BY who) "
        + "SELECT a.m AS k, b.m AS l FROM w AS a JOIN w AS b ON a.who = b.who", "k = 9", "x(9,9)[events(3,11,9,270)]"
    ),
    ("SELECT DISTINCT id AS k FROM bronze.events", "k = 1", "x(1)[events(1,10,5,0) events(1,10,5,90)]"),
    ("SELECT MAX(value) AS k FROM bronze.events WHERE id > 2", "k = 9", "x(9)[events(3,11,9,270)]"),
    ("SELECT 5 AS k", "k = 5", "x(5)"),
  ])
  func everyOperatorKeepsItsRows(_ sql: String, _ condition: String, _ expected: String) throws {
    let rows = try trace(["x": "MODEL (name gold.x, kind FULL);\n\(sql)"], "x", condition)
    #expect(rows.map(text) == [expected])
  }

  @Test func whatCannotBeFollowedIsSaid() throws {
    let recursive =
      "WITH RECURSIVE r AS (SELECT id AS k FROM bronze.events UNION ALL SELECT r.k + 10 FROM r WHERE r.k < 10) "
      + "SELECT k FROM r"
    let ranked = "SELECT who AS k, RANK() OVER (ORDER BY SUM(value)) AS place FROM bronze.events GROUP BY who"
    for sql in [recursive, ranked] {
      let rows = try trace(["x": "MODEL (name gold.x, kind FULL);\n\(sql)"], "x", "k > 10")
      #expect(rows.allSatisfy { $0.note?.contains("cannot be followed") == true })
      #expect(!rows.isEmpty)
    }
    // A row that its query gives no more.
    _ = try trace(["x": "MODEL (name gold.x, kind FULL);\nSELECT id AS k FROM bronze.events"], "x", "k = 2")
    try session.run("DELETE FROM bronze.events WHERE id = 2", into: DiscardingSink())
    var stale = ModelTrace(try Project.load(folder.path), in: session, limit: 5)
    let rows = try stale.trace(RelationName("gold", "x"), where: "k = 2").rows
    #expect(rows[0].note?.contains("does not give this row now") == true)
    #expect(throws: PulsehouseError.self) { try stale.trace(RelationName("gold", "x"), where: "k = 99") }
    #expect(throws: PulsehouseError.self) { try stale.trace(RelationName("gold", "x"), where: "nonsense") }
  }
}
