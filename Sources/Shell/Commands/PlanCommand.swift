import Bytes
import Engine
import Modeling
import SQLSyntax

/// `pulsehouse plan`: what a run would do, and why. Nothing is written.
package enum PlanCommand: Command {
  package static let specification = CommandSpecification(
    "plan", "show what a run would do to which models, and why; nothing is written",
    operands: "[MODEL ...]", maximumOperands: 1000,
    options: RunSelection.options + [OpenWarehouse.environmentOption],
    discussion: """
      \(RunSelection.discussion) Where a step depends on rows that an earlier one would write, the plan says what may
      have to be done; the run may find that less has to. A changed model's SQL is shown line by line.
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    let project = try RunSelection.project(place)
    let warehouse = try OpenWarehouse.open(place, arguments, forWriting: false)
    let session = try OpenWarehouse.session(warehouse, arguments)
    let steps = try ModelRun.plan(
      project, in: SessionModelSession(session), options: try RunSelection.options(arguments))
    var output = StandardOutput()
    try output.write(arguments.has("json") ? json(steps) + "\n" : text(steps))
    try output.flush()
  }

  private static func text(_ steps: [ModelStep]) -> String {
    let headers = ["model", "kind", "action", "reads about", "why"].map {
      BoxTable.Header(name: $0, type: "", isRightAligned: $0 == "reads about")
    }
    let busy = steps.filter { $0.action != .keep }
    if busy.isEmpty { return "nothing to do: all \(steps.count) models are up to date\n" }
    let rows = busy.map { step in
      let reads = step.estimate.map { "\(Decimals.grouped($0.rowCount)) rows, \(ByteSize.format($0.byteCount))" }
      return [step.model.name.description, step.model.kind.name, step.action.text, reads ?? "", step.reason]
        as [String?]
    }
    var text = BoxTable(headers: headers, head: rows).lines(width: Terminal.width).joined(separator: "\n") + "\n"
    for step in busy {
      guard let old = step.previousText, let new = step.model.query?.body.text, old != new else { continue }
      text += "\nSQL of \(step.model.name):\n"
      for line in LineDifference.lines(from: old, to: new) { text += line + "\n" }
    }
    let kept = steps.count - busy.count
    return text + "\(busy.count) model\(busy.count == 1 ? "" : "s") to build, \(kept) up to date\n"
  }

  private static func json(_ steps: [ModelStep]) -> String {
    JSONText.object([
      (
        "models",
        .raw(
          JSONText.array(
            steps.map { step in
              var intervals: [String] = []
              if case .rebuildIntervals(let ranges) = step.action { intervals = ranges.map(\.text) }
              return JSONText.object([
                ("model", .text(step.model.name.description)), ("kind", .text(step.model.kind.name)),
                ("action", .text(step.action.text)),
                ("reads_rows", step.estimate.map { .number($0.rowCount) } ?? .null),
                ("reads_bytes", step.estimate.map { .number($0.byteCount) } ?? .null),
                ("reasons", .raw(JSONText.array(step.reasons.map(JSONText.quote)))),
                ("intervals", .raw(JSONText.array(intervals.map(JSONText.quote)))),
              ])
            }))
      )
    ])
  }
}

/// Two texts line by line, as `diff` shows them: `-` what went, `+` what came, and a blank what stayed, of which three
/// lines around each change are shown.
enum LineDifference {
  private static let context = 3

  static func lines(from old: String, to new: String) -> [String] {
    let lines = all(from: old, to: new)
    let changes = lines.indices.filter { !lines[$0].hasPrefix(" ") }
    var shown: [String] = []
    var last = -1
    for (index, line) in lines.enumerated()
    where changes.contains(where: { abs($0 - index) <= context }) {
      // A gap of one line is told by the line itself.
      if index == last + 2, last >= 0 { shown.append(lines[index - 1]) }
      if index > last + 2, last >= 0 || index > 1 { shown.append("  ...") }
      shown.append(line)
      last = index
    }
    if last < lines.count - 2 { shown.append("  ...") }
    return shown.filter { !$0.allSatisfy(\.isWhitespace) }
  }

  private static func all(from old: String, to new: String) -> [String] {
    let before = old.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let after = new.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let difference = after.difference(from: before)
    var removed: Set<Int> = []
    var inserted: Set<Int> = []
    for change in difference {
      switch change {
      case .remove(let offset, _, _): removed.insert(offset)
      case .insert(let offset, _, _): inserted.insert(offset)
      }
    }
    var lines: [String] = []
    var position = 0
    for (index, line) in after.enumerated() {
      while position < before.count, removed.contains(position) {
        lines.append("- " + before[position])
        position += 1
      }
      if inserted.contains(index) {
        lines.append("+ " + line)
      } else {
        lines.append("  " + line)
        position += 1
      }
    }
    while position < before.count {
      if removed.contains(position) { lines.append("- " + before[position]) }
      position += 1
    }
    return lines
  }
}
