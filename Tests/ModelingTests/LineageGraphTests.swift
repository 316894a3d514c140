import Bytes
import Modeling
import Planning
import TestKit
import Testing
import Vectors

@Suite struct LineageGraphTests {
  private func project(_ models: [String: String]) throws -> Project {
    let folder = try TemporaryDirectory()
    let files = LocalFileSystem()
    try files.makeDirectory(folder.path + "/models")
    for (name, text) in models {
      let file = try files.createFile(folder.path + "/models/\(name).sql", .truncating)
      try file.write(Array(text.utf8))
      try file.close()
    }
    return try Project.load(folder.path)
  }

  private func schema(_ models: [String: String]) throws -> ProjectSchema {
    try ProjectSchema(try project(models)) { name in
      name == RelationName("bronze", "events")
        ? Schema([Field("id", .bigint), Field("at", .bigint), Field("value", .integer)]) : nil
    }
  }

  private static let models = [
    "a": "MODEL (name silver.a, kind FULL);\nSELECT id, value * 2 AS twice FROM bronze.events",
    "b": "MODEL (name silver.b, kind VIEW);\nSELECT id, twice FROM silver.a WHERE twice > 3",
    "c": """
    MODEL (name gold.c, kind SCD_TYPE_2_BY_TIME (unique_key id, updated_at_name seen));
    SELECT id, twice, CAST('2024-01-01' AS TIMESTAMP) AS seen FROM silver.b
    """,
  ]

  @Test func columnsAreFollowedThroughModels() throws {
    let graph = LineageGraph(try schema(Self.models), sources: [RelationName("bronze", "events"): "a lake"])
    #expect(graph.tables.map(\.name.description) == ["bronze.events", "silver.a", "silver.b", "gold.c"])
    #expect(graph.tables[0].kind == "source")
    guard case .column(let column) = try graph.subject("gold.c.twice") else {
      Issue.record("no column")
      return
    }
    #expect(
      graph.reach(column, .upstream).map(\.description).sorted()
        == ["bronze.events.value", "gold.c.twice", "silver.a.twice", "silver.b.twice"])
    let value = LineageGraph.ColumnName(RelationName("bronze", "events"), "value")
    #expect(graph.uses[value]?.values.map(\.rawValue) == ["computed"])
    #expect(graph[RelationName("silver", "b")]?.deciding.map(\.description) == ["silver.a.twice"])
    #expect(graph[RelationName("gold", "c")]?.fields.map(\.name) == ["id", "twice", "seen", "valid_from", "valid_to"])
    #expect(graph.reach(RelationName("silver", "a"), .downstream).count == 3)
  }

  @Test func subjectsAreFoundByShortNames() throws {
    let graph = LineageGraph(try schema(Self.models))
    #expect(try graph.subject(nil) == .all)
    #expect(try graph.subject("c") == .table(RelationName("gold", "c")))
    #expect(try graph.subject("C.twice") == .column(.init(RelationName("gold", "c"), "twice")))
    for wrong in ["nothing", "gold.c.nothing", "a.b.c.d", "gold.nothing"] {
      #expect(throws: PulsehouseError.self) { try graph.subject(wrong) }
    }
  }

  @Test func aColumnThatIsNotThereHasAPlace() throws {
    var models = Self.models
    models["b"] = "MODEL (name silver.b, kind VIEW);\nSELECT id,\n  twyce\nFROM silver.a"
    let error = try #require(throws: PulsehouseError.self) { try schema(models) }
    #expect(error.file?.hasSuffix("models/b.sql") == true)
    #expect(error.line == 3)
    #expect(error.message.contains("twyce"))
  }

  @Test func boxesOfALayoutDoNotOverlap() {
    // A made-up graph of 40 boxes, by a linear congruence.
    var state: UInt64 = 7
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let sizes = (0..<40).map { _ in (width: Double(60 + random(80)), height: Double(30 + random(90))) }
    let lines = (1..<40).flatMap { to in (0..<(1 + random(3))).map { _ in (from: random(to), to: to) } }
    let layout = LineageLayout(sizes: sizes, lines: lines)
    for (first, box) in layout.boxes.enumerated() {
      #expect(box.x >= 0 && box.y >= 0 && box.x + box.width <= layout.width && box.y + box.height <= layout.height)
      for other in layout.boxes.dropFirst(first + 1) {
        let isApart =
          box.x + box.width <= other.x || other.x + other.width <= box.x || box.y + box.height <= other.y
          || other.y + other.height <= box.y
        #expect(isApart)
      }
    }
    for line in lines {
      #expect(layout.boxes[line.from].x + layout.boxes[line.from].width < layout.boxes[line.to].x)
    }
  }
}
