import Bytes
import SQLSyntax

/// Statements from a pipe or a file on standard input, each run as soon as it has come: whoever writes them may wait for
/// an answer before going on, and a mistake further down keeps none before it from running.
package struct StatementPipe {
  private let runner: StatementRunner
  private let nextLine: () -> String?

  /// `nextLine` returns a line with its end, nil after the last.
  package init(_ runner: StatementRunner, nextLine: @escaping () -> String? = { readLine(strippingNewline: false) }) {
    self.runner = runner
    self.nextLine = nextLine
  }

  /// Runs until the input ends. - Throws: the first error; what stands behind it is not run.
  package func run() throws {
    let isTimed = runner.isTimed
    runner.isTimed = false
    defer { runner.isTimed = isTimed }
    var seconds = 0.0
    var pending = ""
    var firstLine = 1
    var line = 0
    // A text that was not complete is not looked at again before it has grown by a part: else a statement of many lines
    // would be read through once for each.
    var nextLength = 0
    func runPending() throws {
      let start = MachineClock.seconds
      try runner.run(pending, firstLine: firstLine)
      seconds += MachineClock.seconds - start
      pending = ""
      nextLength = 0
    }
    while let text = nextLine() {
      line += 1
      if pending.isEmpty { firstLine = line }
      pending += text
      guard pending.utf8.count >= nextLength, text.utf8.contains(UInt8(ascii: ";")) else { continue }
      if StatementSplitter.completeness(pending) == .complete {
        try runPending()
      } else if pending.utf8.count > StatementPipe.shortLength {
        nextLength = pending.utf8.count / 4 * 5
      }
    }
    if !pending.allSatisfy(\.isWhitespace) { try runPending() }
    if isTimed { StatementRunner.note(seconds: seconds) }
  }

  /// Bytes that may be read through for every line.
  private static let shortLength = 1 << 12
}
