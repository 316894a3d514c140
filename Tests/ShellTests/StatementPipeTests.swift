import Bytes
import Engine
import Shell
import TestKit
import Testing

@Suite struct StatementPipeTests {
  /// Feeds `lines` to a pipe; before each one `look` is told how many rows the table `seen` has.
  private func feed(_ lines: [String], _ look: ((Int) -> Void)? = nil) throws {
    try withScratchDirectory { directory in
      let session = Session(try Warehouse(directory, mode: .create))
      try session.run("CREATE TABLE seen (n integer)", into: CollectingSink())
      let runner = StatementRunner(session: session, printer: ResultPrinter(mode: .csv), isTimed: false)
      var next = 0
      let pipe = StatementPipe(runner) {
        if let look, let rows = try? session.rows("SELECT * FROM seen") { look(rows.count) }
        next += 1
        return next <= lines.count ? lines[next - 1] + "\n" : nil
      }
      try pipe.run()
    }
  }

  @Test func statementsRunAsTheyCome() throws {
    var seen: [Int] = []
    try feed(
      [
        "INSERT INTO seen VALUES (1);", "-- nothing; to do", "INSERT INTO seen", "VALUES (2), (3)",
        "; INSERT INTO seen VALUES (4); INSERT", "INTO seen VALUES (5)", ";", "INSERT INTO seen VALUES (6)",
      ]
    ) { seen.append($0) }
    // The two statements of a line that goes on are run with what ends it; the last needs no semicolon.
    #expect(seen == [0, 1, 1, 1, 1, 1, 1, 5, 5])
  }

  @Test func semicolonsInQuotesDoNotEndAStatement() throws {
    var seen: [Int] = []
    try feed(["INSERT INTO seen SELECT length('a;", "b;", "') /* ; */", "WHERE true;"]) { seen.append($0) }
    #expect(seen == [0, 0, 0, 0, 1])
  }

  @Test func mistakesAreShownByTheLineOfTheWhole() throws {
    var seen: [Int] = []
    do {
      try feed(
        ["INSERT INTO seen VALUES (1);", "", "SELECT 1,", "  FROM seen", ";", "INSERT INTO seen VALUES (2);"]
      ) { seen.append($0) }
      Issue.record("a statement with a mistake was run")
    } catch let error as ReportedError {
      let text = ErrorReport.text(error.error, sql: error.sql, firstLine: error.firstLine)
      #expect(text.contains("LINE 4:"), "\(text)")
      #expect(error.error.sqlState == "42601")
    }
    #expect(seen == [0, 1, 1, 1, 1])
  }

  /// Statements of many lines with semicolons in their texts are not read through for every line.
  @Test func longStatements() throws {
    let lines = (0..<20_000).map { "  ('\($0);')," }
    let start = ContinuousClock.now
    try feed(["INSERT INTO seen SELECT length(t) FROM (VALUES"] + lines + ["  ('last')) v (t);"])
    #expect(ContinuousClock.now - start < .seconds(60))
  }
}
