import CEdit
import Glibc

/// Reads lines at a terminal by libedit, with history; from a pipe without prompts.
package final class LineEditor {
  private let historyPath: String?
  private let isInteractive: Bool

  /// Loads the history when a terminal is attached. `historyPath` nil keeps none.
  package init(historyPath: String?) {
    isInteractive = Terminal.inputIsTerminal && Terminal.outputIsTerminal
    self.historyPath = isInteractive ? historyPath : nil
    guard isInteractive else { return }
    using_history()
    stifle_history(2000)
    if let historyPath = self.historyPath { read_history(historyPath) }
  }

  /// Returns the next line without its line break, or nil at the end of the input.
  package func readLine(prompt: String) -> String? {
    guard isInteractive else { return Swift.readLine(strippingNewline: true) }
    guard let line = readline(prompt) else { return nil }
    defer { free(line) }
    return String(cString: line)
  }

  /// Remembers a whole statement, on one line.
  package func remember(_ statement: String) {
    guard isInteractive else { return }
    let line = statement.split(whereSeparator: \.isNewline).joined(separator: " ")
    guard !line.isEmpty else { return }
    add_history(line)
    if let historyPath { write_history(historyPath) }
  }
}
