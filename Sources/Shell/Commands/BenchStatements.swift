import Bytes
import Engine

/// `pulsehouse bench --statements`: other programs time statements here, one after the other in one process.
///
/// A request is the lines of one statement, ended by an empty line. The answer is one line of JSON: the seconds from SQL
/// text to last row and the number of rows, or the error. Rows are kept, column by column as they come, until the time is
/// taken; to look at them, ask for them by COPY.
enum BenchStatements {
  static func run(_ session: Session) throws {
    var output = StandardOutput()
    while let statement = nextStatement() {
      try output.write(answer(statement, session) + "\n")
      try output.flush()
    }
  }

  /// Returns the lines up to the next empty one, nil at the end of input.
  private static func nextStatement() -> String? {
    var lines: [String] = []
    while let line = readLine() {
      if line.isEmpty { break }
      lines.append(line)
    }
    return lines.isEmpty ? nil : lines.joined(separator: "\n")
  }

  private static func answer(_ statement: String, _ session: Session) throws -> String {
    let sink = CollectingSink()
    let start = MachineClock.seconds
    do {
      try session.run(statement, into: sink)
    } catch let error as PulsehouseError {
      return JSONText.object([("error", .text(error.message))])
    }
    let seconds = MachineClock.seconds - start
    let rows = sink.batches.isEmpty ? sink.outcomes.last?.rowCount ?? 0 : sink.rowCount
    return JSONText.object([("seconds", .decimal(seconds)), ("rows", .number(rows))])
  }
}
