import Bytes
import Engine
import Modeling
import TestKit
import Testing
import Vectors

/// Tests of models: of a project of one model over one table, in a warehouse made for it.
@Suite struct ModelTestTests {
  private static let model = """
    MODEL (name silver.a, kind FULL);
    WITH big AS (SELECT e.id, e.value FROM bronze.events AS e WHERE e.value > 10)
    SELECT b.id, b.value * 2 AS twice, b.value / 3.0 AS third, CURRENT_DATE AS today FROM big AS b
    """

  private func run(_ yaml: String, model: String = ModelTestTests.model) throws -> [ModelTestReport] {
    let folder = try TemporaryDirectory()
    let files = LocalFileSystem()
    for (name, text) in [("models/a.sql", model), ("tests/test_a.yaml", yaml)] {
      try files.makeDirectory(folder.path + "/" + String(name.prefix { $0 != "/" }))
      let file = try files.createFile(folder.path + "/" + name, .truncating)
      try file.write(Array(text.utf8))
      try file.close()
    }
    let project = try Project.load(folder.path)
    let schema = try ProjectSchema(project) { name in
      name == RelationName("bronze", "events") ? Schema([Field("id", .bigint), Field("value", .integer)]) : nil
    }
    let session = Session(try Warehouse(folder.path + "/tables", mode: .create))
    let runner = ModelTestRun(project, schema, in: session)
    return try ModelTest.load(folder.path).map { try runner.run($0) }
  }

  private func test(_ inputs: String, _ outputs: String, more: String = "") -> String {
    """
    test_a:
      model: silver.a
      inputs:
        bronze.events:
    \(inputs)
      vars: {execution_time: '2024-05-06 07:08:09'}
    \(more)
      outputs:
    \(outputs)
    """
  }

  private let rows = "      - {id: 1, value: 12}\n      - {id: 2, value: 5}"

  @Test func rowsThatAreAsExpectedPass() throws {
    let reports = try run(
      test(
        rows,
        """
            ctes:
              big:
                - {id: 1, value: 12}
            query:
              - {twice: 24, id: 1, third: 4.00001, today: '2024-05-06'}
        """))
    #expect(reports.count == 1)
    #expect(reports[0].error == nil, "\(String(describing: reports[0].error))")
    // 4.0 and 4.00001 are numerics, which are compared exactly.
    #expect(reports[0].differences.map(\.what) == ["query"])
    let partial = try run(
      test(rows, "    partial: true\n    query:\n      - {id: 1, twice: 24, today: '2024-05-06'}"))
    #expect(partial[0].isPassed, "\(partial[0])")
  }

  @Test func differencesArePairedWithTheRowMostLikeThem() throws {
    let reports = try run(
      test(
        "      - {id: 1, value: 12}\n      - {id: 3, value: 30}",
        "    partial: true\n    query:\n      - {id: 3, twice: 61}\n      - {id: 1, twice: 24}\n      - {id: 7, twice: 0}"
      ))
    let pairs = try #require(reports.first?.differences.first?.pairs)
    #expect(pairs.count == 2)
    #expect(pairs[0].expected == ["3", "61"])
    #expect(pairs[0].actual == ["3", "60"])
    #expect(pairs[1].expected == ["7", "0"])
    #expect(pairs[1].actual == nil)
  }

  @Test func inputsComeAsCSVAndAsQueriesToo() throws {
    let csv = "      format: csv\n      rows: |\n        id,value\n        1,12\n        \"2\",5"
    let query = "      query: SELECT 1 AS id, 12 AS value UNION ALL SELECT 2, 5"
    for inputs in [csv, query] {
      let reports = try run(test(inputs, "    partial: true\n    query:\n      - {id: 1, twice: 24}"))
      #expect(reports[0].isPassed, "\(reports[0])")
    }
  }

  @Test(arguments: [
    ("      - {id: 1, valu: 12}", "has no column \"valu\"", 5), ("      - {id: x, value: 12}", "\"x\"", 5),
    ("      query: SELECT nothing", "nothing", 5),
  ])
  func whatIsWrongWithAFixtureHasItsPlace(_ inputs: String, _ words: String, _ line: Int) throws {
    let report = try #require(try run(test(inputs, "    query: []")).first)
    #expect(report.error?.message.contains(words) == true, "\(String(describing: report.error))")
    #expect(report.error?.file?.hasSuffix("tests/test_a.yaml") == true)
    #expect(report.error?.line == line)
  }

  @Test(arguments: [
    "test_a:\n  modell: silver.a\n", "test_a:\n  model: silver.a\n", "test_a: [1]\n",
    "test_a:\n  model: a\n  outputs: {query: []}\n", "test_a:\n  model: silver.a\n  outputs: {query: 5}\n",
    "test_a:\n  model: silver.a\n  vars: {end: never}\n  outputs: {query: []}\n",
    "test_a:\n  model: silver.a\n  outputs:\n    query: [{id: [1]}]\n",
  ])
  func whatIsNoTestHasAFileAndALine(_ yaml: String) throws {
    let error = try #require(throws: PulsehouseError.self) { try run(yaml) }
    #expect(error.file?.hasSuffix("test_a.yaml") == true)
    #expect(error.line != nil)
  }

  @Test func missingModelsInputsAndWITHQueriesAreNamed() throws {
    for (yaml, words) in [
      ("test_a:\n  model: silver.b\n  outputs: {query: []}\n", "no model silver.b"),
      ("test_a:\n  model: silver.a\n  inputs: {}\n  outputs: {query: []}\n", "no rows for bronze.events"),
      (test(rows, "    ctes: {small: []}"), "no WITH query \"small\""),
    ] {
      let report = try #require(try run(yaml).first)
      #expect(report.error?.message.contains(words) == true, "\(String(describing: report.error))")
    }
  }
}
