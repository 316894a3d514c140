import Bytes
import Engine
import Execution
import Modeling
import Vectors

/// `pulsehouse run`: what is outdated is built, audited, published in one commit.
package enum RunCommand: Command {
  package static let specification = CommandSpecification(
    "run", "bring the models of the project up to date, audit them, publish all of them in one commit",
    operands: "[MODEL ...]", maximumOperands: 1000,
    options: RunSelection.options + [
      OpenWarehouse.environmentOption,
      OptionSpecification("jobs", value: "N", "models built side by side at most, sharing the memory (default: 2)"),
      OptionSpecification(
        "retries", value: "N", "further tries of what may pass, after 1, 2, 4 ... seconds (default: 3)"),
      OptionSpecification(
        "save-every", value: "S", "seconds of finished work that a kill may cost the next run (default: 10)"),
      OptionSpecification("all-or-nothing", "when any model fails, publish none"),
      OptionSpecification("samples", value: "N", "failing rows shown of each audit (default: 20)"),
      OptionSpecification("kept", value: "N", "failing rows kept of each audit of a failed model (default: 100k)"),
    ] + WatchRun.options,
    discussion: """
      \(RunSelection.discussion)
      Readers see the old tables until everything is built and audited, and then all new ones at once. A model fails by
      an error or a blocking audit: it and all that depends on it keep the tables they had, the other models are
      published, and the exit code is that of the first failure; rows that failed an audit are kept in tables of the
      schema audits. After a remedy the next run builds only what is missing. With --all-or-nothing one failure keeps
      everything as it was. What may pass (a lock, a full disk, too little memory beside another model) is tried again
      first. A run that is stopped or killed publishes nothing, and the next one takes over what it had finished: models,
      and of those with a batch_size the intervals. pulsehouse plan shows what a run would do, pulsehouse
      undo takes it back. With --env the run builds beside production: the environment begins from production's tables
      without copying them, and only models whose SQL or upstream differ are built anew; pulsehouse diff compares,
      pulsehouse promote makes it production.
      \(WatchRun.discussion)
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    let options = try options(arguments)
    let idle = try IdleMark(
      tables: place.tables, project: place.project,
      selection: [arguments.value("env") ?? Environment.production] + options.selection, in: LocalFileSystem())
    let lookedAt = MachineClock.microsecondsSince1970 * 1000
    if !arguments.has("watch"), !arguments.has("json"), !options.isFull, options.restated.isEmpty,
      let snapshot = try? OpenWarehouse.open(place, arguments, forWriting: false).snapshot(),
      let count = idle.modelCount(at: snapshot.id.number)
    {
      var output = StandardOutput()
      try output.write(nothingToDo(count))
      return try output.flush()
    }
    let project = try RunSelection.project(place)
    let warehouse = try OpenWarehouse.open(place, arguments, forWriting: true)
    if arguments.has("watch") { return try WatchRun.run(place, arguments, warehouse, options) }
    let session = try OpenWarehouse.session(warehouse, arguments)
    let canceller = session.canceller
    SignalWatch.onInterrupt { canceller.stop() }
    let line = ProgressLine(isQuiet: arguments.has("quiet"))
    let isJSON = arguments.has("json")
    var output = StandardOutput()
    let report = try ModelRun.run(project, in: SessionModelSession(session), options: options) { event in
      switch event {
      case .began(let name, let number, let total):
        line.show("building \(name)", done: number - 1, total: total)
      case .finished(let model, _, _):
        line.clear()
        // Of a thousand models the ten that were built are news.
        if !isJSON, !model.isDone || model.action != "unchanged" || !model.audits.isEmpty {
          // Whoever no longer reads the lines does not stop the work.
          try? output.write(text(model) + "\n")
          try? output.flush()
        }
      case .retrying(let name, let error, let seconds):
        line.clear()
        let when = seconds > 0 ? "in \(Decimals.format(seconds, places: 0)) s" : "alone"
        Terminal.note("trying \(name?.description ?? "the run") again \(when): \(error.message)")
      case .publishing: line.show("publishing")
      }
    }
    line.clear()
    var unheard: (any Error)?
    do {
      try output.write(isJSON ? json(report) + "\n" : summary(report))
      try output.flush()
    } catch {
      unheard = error
    }
    // What became of the models goes before what became of the words.
    if let error = report.error { throw error }
    idle.remember(report, of: project, now: lookedAt)
    if let unheard { throw unheard }
  }

  private static func nothingToDo(_ count: Int) -> String { "nothing to do: all \(count) models are up to date\n" }

  private static func options(_ arguments: Arguments) throws -> RunOptions {
    var options = try RunSelection.options(arguments)
    options.jobCount = try arguments.count("jobs") ?? 2
    options.retryLimit = try arguments.count("retries", minimum: 0) ?? 3
    if let text = arguments.value("save-every") {
      guard let seconds = Double(text), seconds >= 0 else {
        throw PulsehouseError(.usage, "--save-every wants a number of seconds, not \"\(text)\"")
      }
      options.keptSeconds = seconds
    }
    options.isAllOrNothing = arguments.has("all-or-nothing")
    options.sampleLimit = try arguments.count("samples", minimum: 0) ?? options.sampleLimit
    options.keptLimit = try arguments.count("kept", minimum: 0) ?? options.keptLimit
    return options
  }

  private static func text(_ model: ModelReport) -> String {
    var text = pad(model.name.description, 27) + " "
    if let cause = model.skippedBecause { return text + pad("skipped", 11) + " \(cause) failed" }
    if let failure = model.failure {
      let tries = model.attemptCount > 1 ? " (tried \(model.attemptCount) times)" : ""
      return text + pad("FAILED", 11) + " " + failure.message + tries
    }
    text += pad(model.action, 11) + " "
    text += pad(model.rowCount.map { Decimals.grouped($0) + " rows" } ?? "", 17, toRight: true)
    text += pad(Decimals.format(model.seconds, places: 2) + " s", 10, toRight: true)
    let passed = model.audits.count(where: \.isPassed)
    if !model.audits.isEmpty {
      text += "   \(passed) of \(model.audits.count) audits passed"
      text += ", \(Decimals.format(model.auditSeconds, places: 2)) s"
    }
    if !model.reason.isEmpty { text += "   \(model.reason)" }
    for audit in model.audits where !audit.isPassed {
      text +=
        "\n  \(audit.isBlocking ? "FAILED" : "warning"): \(audit.text): \(Decimals.grouped(audit.failureCount)) rows"
      let table = BoxTable(
        headers: audit.sample.columns.map {
          BoxTable.Header(name: $0.name, type: $0.type.name, isRightAligned: false)
        }, head: audit.sample.rows, omittedRowCount: max(0, audit.failureCount - audit.sample.rows.count))
      if !audit.sample.rows.isEmpty {
        for row in table.lines(width: Terminal.width) { text += "\n  " + row }
      }
      if !audit.isBlocking { text += "\n  see them by: \(audit.query);" }
    }
    return text
  }

  private static func summary(_ report: RunReport) -> String {
    let rows = Decimals.grouped(report.rowCount)
    let rate = report.seconds > 0 ? Int(Double(report.rowCount) / report.seconds) : report.rowCount
    guard let number = report.number else {
      return report.isPublished ? nothingToDo(report.models.count) : ""
    }
    let failed = report.models.count { $0.error != nil }
    let skipped = report.models.count { $0.skippedBecause != nil }
    var losses = failed == 0 ? "" : "\(failed) failed"
    if skipped > 0 { losses += ", \(skipped) not built because of that" }
    if report.outcome == .failed { return "run \(number): nothing published; \(losses)\n" }
    if !losses.isEmpty { losses = " (\(losses))" }
    return """
      run \(number): published \(report.models.count { $0.isDone && $0.isChanged }) of \(report.models.count) models in one commit\(losses): \
      \(rows) rows, \(report.auditCount) audits, \
      \(Decimals.format(report.seconds, places: 2)) s, \(Decimals.grouped(rate)) rows/s

      """
  }

  private static func pad(_ text: String, _ width: Int, toRight: Bool = false) -> String {
    let blanks = String(repeating: " ", count: max(0, width - text.count))
    return toRight ? blanks + text : text + blanks
  }

  private static func json(_ report: RunReport) -> String {
    let models = report.models.map { model in
      let audits = model.audits.map { audit in
        JSONText.object([
          ("audit", .text(audit.text)), ("failures", .number(audit.failureCount)),
          ("blocking", .boolean(audit.isBlocking)), ("query", audit.isPassed ? .null : .text(audit.query)),
          ("kept_in", audit.keptIn.map { .text($0.description) } ?? .null),
        ])
      }
      return JSONText.object([
        ("model", .text(model.name.description)), ("kind", .text(model.kind)),
        ("action", .text(model.action)), ("reason", .text(model.reason)),
        ("changed", .boolean(model.isDone && model.isChanged)),
        ("outcome", .text(model.record.outcome.name)), ("message", model.record.message.map { .text($0) } ?? .null),
        ("attempts", .number(model.attemptCount)),
        ("rows", model.rowCount.map { .number($0) } ?? .null), ("seconds", .decimal(model.seconds)),
        ("audit_seconds", .decimal(model.auditSeconds)), ("audits", .raw(JSONText.array(audits))),
      ])
    }
    return JSONText.object([
      ("run", report.number.map { .number($0) } ?? .null), ("published", .boolean(report.isPublished)),
      ("outcome", .text(report.outcome.name)),
      ("seconds", .decimal(report.seconds)),
      ("models", .raw(JSONText.array(models))),
    ])
  }
}
