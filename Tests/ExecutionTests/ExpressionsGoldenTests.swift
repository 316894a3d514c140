import Testing

@Suite struct ExpressionsGoldenTests {
  @Test(arguments: [false, true]) func answersArePostgreSQLs(asColumns: Bool) throws {
    let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    let table = try GoldenTable(path: folder + "/Golden/expressions.txt")
    #expect(table.rows.count > 5000)
    for row in table.rows {
      let answer = try GoldenTable.evaluate(row, asColumns: asColumns)
      if answer == row.answer || GoldenTable.allowance(row, answer) != nil { continue }
      let arguments = row.arguments.map { "\($0.type) '\($0.text)'" }.joined(separator: ", ")
      Issue.record("line \(row.line): \(row.function)(\(arguments)) gives \(answer), not \(row.answer)")
    }
  }
}
