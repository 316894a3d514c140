import Bytes
import Kernels
import Modeling
import Vectors

/// A watch's lines on standard output: a time and what happened, or a JSON object each.
struct WatchPrinter {
  let isJSON: Bool
  let isQuiet: Bool

  func note(_ text: String) {
    if !isQuiet { Terminal.note(text) }
  }

  func tell(_ event: WatchEvent, at now: Int64) {
    let time = Self.time(now)
    let line = isJSON ? json(event, time) : "\(time)  \(text(event))"
    var output = StandardOutput()
    // Whoever no longer reads the lines does not stop the work.
    try? output.write(line + "\n")
    try? output.flush()
  }

  /// To the second. - Parameter time: microseconds since 1970 UTC.
  private static func time(_ time: Int64) -> String {
    TextFormat.string(.integer(time / 1_000_000 * 1_000_000), .timestamp) ?? ""
  }

  private func text(_ event: WatchEvent) -> String {
    switch event {
    case .began(let models, let sources):
      return "watching \(models) models and \(sources) sources; Ctrl-C ends it"
    case .ingested(let source, let words): return "ingested \(source): \(words)"
    case .built(let words), .collected(let words): return words
    case .changed(let name, let builtAt): return "\(name) changed; it is built by its new SQL at \(Self.time(builtAt))"
    case .removed(let name): return "\(name) is no longer in the project; its table stays"
    case .failed(let what, let error, let retryAt):
      let next = retryAt.map { "; next try at \(Self.time($0))" }
      return "FAILED \(what)\(next ?? ""): \(ErrorReport.text(error))"
    case .recovered(let what): return "well again: \(what)"
    case .stale(let name, let seconds, let limit):
      return
        "WARNING \(name) is stale: its rows last changed \(DurationText.format(seconds: seconds)) ago, its limit is "
        + DurationText.format(seconds: limit)
    case .freshAgain(let name): return "\(name) is fresh again"
    case .ended: return "ended"
    }
  }

  private func json(_ event: WatchEvent, _ time: String) -> String {
    var members: [(String, JSONText.Value)] = [("time", .text(time))]
    switch event {
    case .began(let models, let sources):
      members += [("event", .text("began")), ("models", .number(models)), ("sources", .number(sources))]
    case .ingested(let source, let words):
      members += [("event", .text("ingested")), ("source", .text(source)), ("message", .text(words))]
    case .built(let words): members += [("event", .text("built")), ("message", .text(words))]
    case .changed(let name, let builtAt):
      members += [
        ("event", .text("changed")), ("model", .text(name.description)), ("built_at", .text(Self.time(builtAt))),
      ]
    case .removed(let name): members += [("event", .text("removed")), ("model", .text(name.description))]
    case .collected(let words): members += [("event", .text("collected")), ("message", .text(words))]
    case .failed(let what, let error, let retryAt):
      members += [
        ("event", .text("failed")), ("what", .text(what)), ("kind", .text(error.kind.rawValue)),
        ("message", .text(error.message)), ("file", error.file.map { .text($0) } ?? .null),
        ("line", error.line.map { .number($0) } ?? .null),
        ("retry_at", retryAt.map { .text(TextFormat.string(.integer($0), .timestamp) ?? "") } ?? .null),
      ]
    case .recovered(let what): members += [("event", .text("recovered")), ("what", .text(what))]
    case .stale(let name, let seconds, let limit):
      members += [
        ("event", .text("stale")), ("model", .text(name.description)), ("age_seconds", .number(Int(seconds))),
        ("limit_seconds", .number(Int(limit))),
      ]
    case .freshAgain(let name): members += [("event", .text("fresh")), ("model", .text(name.description))]
    case .ended: members += [("event", .text("ended"))]
    }
    return JSONText.object(members)
  }
}
