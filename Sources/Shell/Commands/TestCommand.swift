import Bytes
import Engine
import Glibc
import Modeling
import Vectors

/// `pulsehouse test`: the unit tests of a project's models.
package enum TestCommand: Command {
  package static let specification = CommandSpecification(
    "test", "run the unit tests of models, in tests/*.yaml in SQLMesh's format",
    operands: "[TEST ...]", maximumOperands: 1000,
    discussion: """
      A test gives rows for the tables a model reads and says which rows its query, or a WITH query in it, must give.
      Without operands all of tests/test*.yaml is run; an operand is a test's name, a part of it, a file, or FILE::NAME.
      Tests touch no warehouse. Rows that differ are shown, what was expected above what came, and · where both agree.
      The same files run by SQLMesh: sqlmesh test.
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    let tables = try ProjectTables(place, arguments)
    let all = try ModelTest.load(place.project)
    guard !all.isEmpty else {
      throw PulsehouseError(
        .usage, "there are no tests in \(place.project)/tests",
        hint: "A test is an entry of a file test_*.yaml there, in SQLMesh's format.")
    }
    let chosen = try select(arguments.operands, of: all)
    let folder = "/tmp/pulsehouse-test-\(getpid())"
    defer { FolderRemoval.remove(folder) }
    let session = try OpenWarehouse.session(Warehouse(folder, mode: .create), arguments)
    SignalWatch.onInterrupt { [canceller = session.canceller] in canceller.cancel() }
    let runner = ModelTestRun(tables.project, tables.schema, in: session)
    var output = StandardOutput()
    var reports: [ModelTestReport] = []
    for test in chosen {
      let report = try runner.run(test)
      reports.append(report)
      if !arguments.has("json") {
        try output.write(text(report))
        try output.flush()
      }
    }
    let failed = reports.count { !$0.isPassed }
    try output.write(
      arguments.has("json")
        ? json(reports) + "\n" : "\(reports.count) tests, \(failed == 0 ? "all passed" : "\(failed) failed")\n")
    try output.flush()
    if failed > 0 { throw PulsehouseError(.user, "\(failed) of \(reports.count) tests failed") }
  }

  private static func select(_ operands: [String], of tests: [ModelTest]) throws -> [ModelTest] {
    if operands.isEmpty { return tests }
    var chosen: Set<Int> = []
    for operand in operands {
      let found = tests.indices.filter { index in
        let test = tests[index]
        if let range = operand.firstRange(of: "::") {
          return test.file.hasSuffix(operand[..<range.lowerBound]) && test.name == operand[range.upperBound...]
        }
        return test.name.contains(operand) || test.file == operand || test.file.hasSuffix("/" + operand)
      }
      guard !found.isEmpty else {
        throw PulsehouseError(
          .usage, "there is no test \"\(operand)\"", hint: "There are \(tests.map(\.name).joined(separator: ", ")).")
      }
      chosen.formUnion(found)
    }
    return chosen.sorted().map { tests[$0] }
  }

  private static func text(_ report: ModelTestReport) -> String {
    let test = report.test
    if report.isPassed {
      return "ok      \(test.name)  \(Decimals.format(report.seconds * 1000, places: 0)) ms\n"
    }
    var text = "FAILED  \(test.name)  (\(test.file):\(test.line))\n"
    if let error = report.error { return text + indented(ErrorReport.text(error)) }
    for difference in report.differences {
      let rows = difference.pairs.flatMap { lines(of: $0, width: difference.columns.count) }
      text +=
        "  \(difference.what): \(difference.pairs.count == 1 ? "1 row differs" : "\(difference.pairs.count) rows differ")\n"
      let headers =
        [BoxTable.Header(name: "", type: "", isRightAligned: false)]
        + difference.columns.map { BoxTable.Header(name: $0.name, type: $0.type.name, isRightAligned: false) }
      for line in BoxTable(headers: headers, head: Array(rows.prefix(80)), omittedRowCount: max(0, rows.count - 80))
        .lines(width: Terminal.width)
      { text += "  \(line)\n" }
    }
    return text
  }

  private static func lines(of pair: RowDifference.Pair, width: Int) -> [[String?]] {
    guard let expected = pair.expected else { return [["unexpected"] + (pair.actual ?? [])] }
    let top: [String?] = ["expected"] + expected
    guard let actual = pair.actual else {
      let none: [String?] = ["missing"] + [String?](repeating: "·", count: width)
      return [top, none]
    }
    var bottom: [String?] = ["actual"]
    for (value, wanted) in zip(actual, expected) { bottom.append(value == wanted ? "·" : value) }
    return [top, bottom]
  }

  private static func indented(_ text: String) -> String {
    text.split(separator: "\n").map { "  \($0)\n" }.joined()
  }

  private static func json(_ reports: [ModelTestReport]) -> String {
    func row(_ values: [String?]?, _ columns: [Field]) -> JSONText.Value {
      guard let values else { return .null }
      return .raw(JSONText.object(zip(columns, values).map { ($0.name, $1.map { .text($0) } ?? .null) }))
    }
    return JSONText.array(
      reports.map { report in
        let differences = report.differences.map { difference in
          JSONText.object([
            ("of", .text(difference.what)),
            (
              "rows",
              .raw(
                JSONText.array(
                  difference.pairs.map { pair in
                    JSONText.object([
                      ("expected", row(pair.expected, difference.columns)),
                      ("actual", row(pair.actual, difference.columns)),
                    ])
                  }))
            ),
          ])
        }
        return JSONText.object([
          ("test", .text(report.test.name)), ("file", .text(report.test.file)), ("line", .number(report.test.line)),
          ("passed", .boolean(report.isPassed)), ("seconds", .decimal(report.seconds)),
          ("error", report.error.map { .text($0.description) } ?? .null),
          ("differences", .raw(JSONText.array(differences))),
        ])
      })
  }
}
