import Bytes
import Synchronization

/// What a client said about itself: its last log lines and errors, kept off the terminal, secrets left out.
///
/// Written by the client's own threads.
final class KafkaJournal: Sendable {
  private struct State {
    var lines: [String] = []
    var lastError: PulsehouseError?
    var isFatal = false
  }

  private static let lineLimit = 20
  private let state = Mutex(State())
  /// Values that are blotted out of whatever is kept.
  private let hidden: [String]
  let brokers: String

  init(brokers: String, hidden: [String]) {
    self.brokers = brokers
    // Blotting out a very short value would blot out half of every text.
    self.hidden = hidden.filter { $0.utf8.count >= 3 }
  }

  func redact(_ text: String) -> String {
    var text = text
    for value in hidden where text.contains(value) {
      text = text.split(separator: value, omittingEmptySubsequences: false).joined(separator: "(hidden)")
    }
    return text
  }

  func log(_ line: String) {
    let line = redact(line)
    state.withLock { state in
      if state.lines.count == Self.lineLimit { state.lines.removeFirst() }
      state.lines.append(line)
    }
  }

  func note(_ error: PulsehouseError, isFatal: Bool = false) {
    state.withLock { state in
      state.lastError = error
      state.isFatal = state.isFatal || isFatal
    }
  }

  /// The last error the client reported on its own account (it goes on trying by itself), and forgets it.
  func takeError() -> PulsehouseError? {
    state.withLock { state in
      defer { if !state.isFatal { state.lastError = nil } }
      return state.lastError
    }
  }

  var lastError: PulsehouseError? { state.withLock { $0.lastError } }

  /// An error after which the client cannot go on.
  var fatalError: PulsehouseError? { state.withLock { $0.isFatal ? $0.lastError : nil } }

  /// The client's newest log line, for an error's detail.
  var lastLine: String? { state.withLock { $0.lines.last } }
}
