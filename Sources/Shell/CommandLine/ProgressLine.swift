import Glibc
import Synchronization

/// One line on the terminal that says how far a long command is; nothing when standard error is no terminal, or
/// before the first second has passed.
package final class ProgressLine: Sendable {
  private let isOn: Bool
  private let start = ContinuousClock.now
  private let lastDraw = Mutex<ContinuousClock.Instant?>(nil)

  package init(isQuiet: Bool) { isOn = !isQuiet && Terminal.errorIsTerminal }

  /// Draws `text` and, with a known total, a bar; at most ten times a second.
  package func show(_ text: @autoclosure () -> String, done: Int = 0, total: Int = 0) {
    guard isOn else { return }
    let now = ContinuousClock.now
    guard now - start > .seconds(1) else { return }
    let isDue = lastDraw.withLock { last in
      if let last, now - last < .milliseconds(100) { return false }
      last = now
      return true
    }
    guard isDue else { return }
    var line = text()
    if total > 0 {
      let cells = 24
      let filled = min(cells, done * cells / total)
      let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: cells - filled)
      line = "\(bar) \(min(100, done * 100 / total)) %  " + line
    }
    write("\r\u{1b}[2K" + line)
  }

  /// Removes the line, so that what is printed next stands alone.
  package func clear() {
    guard isOn, lastDraw.withLock({ $0 != nil }) else { return }
    write("\r\u{1b}[2K")
  }

  private func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
  }
}
