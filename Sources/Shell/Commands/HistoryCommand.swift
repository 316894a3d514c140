import Bytes
import Engine
import Kernels
import Vectors

/// `pulsehouse history`: the runs so far, or all about one.
package enum HistoryCommand: Command {
  package static let specification = CommandSpecification(
    "history", "the runs so far: what each did, why, and how its audits ended", operands: "[RUN]", maximumOperands: 1,
    options: [OptionSpecification("limit", value: "N", "runs shown, the newest first (default: 20)")],
    discussion:
      "The same in SQL: sys.runs, sys.model_runs, sys.audits and sys.intervals. Runs that found nothing to do are not kept."
  )

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    let warehouse = try OpenWarehouse.open(place, arguments, forWriting: false)
    let records = try RunRecord.all(in: try warehouse.snapshot())
    let snapshots = try Self.snapshots(warehouse)
    var output = StandardOutput()
    if let operand = arguments.operands.first {
      guard let number = Int(operand), let record = records.first(where: { $0.number == number }) else {
        throw PulsehouseError(
          .usage, "there is no run \"\(operand)\"",
          hint: records.isEmpty ? "Nothing was run yet." : "There are runs 1 to \(records.count).")
      }
      try output.write(arguments.has("json") ? json(record, snapshots) + "\n" : text(record, snapshots))
    } else {
      let shown = Array(records.reversed().prefix(try arguments.count("limit") ?? 20))
      try output.write(
        arguments.has("json")
          ? JSONText.array(shown.map { json($0, snapshots) }) + "\n" : shown.isEmpty ? "no runs yet\n" : table(shown))
    }
    try output.flush()
  }

  /// The snapshots that runs made, as far back as they can be read.
  private static func snapshots(_ warehouse: Warehouse) throws -> [Int: SnapshotID] {
    var snapshots: [Int: SnapshotID] = [:]
    for commit in try warehouse.store.history() where commit.message.hasPrefix("run ") {
      if let number = Int(commit.message.dropFirst(4).prefix { $0 != ":" }) { snapshots[number] = commit.id }
    }
    return snapshots
  }

  private static func header(_ name: String, right: Bool = false) -> BoxTable.Header {
    BoxTable.Header(name: name, type: "", isRightAligned: right)
  }

  private static func table(_ records: [RunRecord]) -> String {
    let rows = records.map { record -> [String?] in
      let changed = record.models.filter(\.hasChanged)
      let failures = record.models.flatMap(\.audits).count { $0.failureCount > 0 }
      return [
        String(record.number), record.outcome.name, record.environment?.name ?? "", time(record.startedAt),
        Decimals.format(record.seconds, places: 2),
        String(changed.count), Decimals.grouped(changed.reduce(0) { $0 + ($1.rowCount ?? 0) }),
        failures == 0 ? "" : String(failures),
        record.undoneRun.map { "of run \($0)" } ?? record.message
          ?? changed.prefix(3).map(\.name.description).joined(separator: ", ") + (changed.count > 3 ? ", ..." : ""),
      ]
    }
    let headers = [
      header("run", right: true), header("outcome"), header("env"), header("started (UTC)"),
      header("seconds", right: true),
      header("models", right: true), header("rows", right: true), header("failing audits", right: true), header("what"),
    ]
    return BoxTable(headers: headers, head: rows).lines(width: Terminal.width).joined(separator: "\n") + "\n"
  }

  private static func text(_ record: RunRecord, _ snapshots: [Int: SnapshotID]) -> String {
    let environment = record.environment.map { " environment \($0)," } ?? ""
    var text = "run \(record.number), \(record.outcome.name),\(environment) \(time(record.startedAt)) UTC, "
    text += "\(Decimals.format(record.seconds, places: 2)) s, on snapshot \(record.snapshotBefore)"
    text += (snapshots[record.number].map { ", made snapshot \($0)" } ?? "") + "\n"
    if let undone = record.undoneRun { text += "took back run \(undone)\n" }
    if let message = record.message { text += message + "\n" }
    if !record.models.isEmpty {
      let headers = [
        header("model"), header("kind"), header("action"), header("rows in", right: true),
        header("rows out", right: true), header("seconds", right: true), header("audits", right: true), header("why"),
      ]
      let rows = record.models.map { model -> [String?] in
        [
          model.name.description, model.kind, model.outcome == .done ? model.action : model.outcome.name,
          model.readCount.map { Decimals.grouped($0) } ?? "",
          model.rowCount.map { Decimals.grouped($0) } ?? "",
          Decimals.format(model.seconds + model.auditSeconds, places: 2),
          model.audits.isEmpty ? "" : "\(model.audits.count { $0.failureCount == 0 }) of \(model.audits.count)",
          model.message ?? model.reason,
        ]
      }
      text += BoxTable(headers: headers, head: rows).lines(width: Terminal.width).joined(separator: "\n") + "\n"
    }
    let audits = record.models.flatMap { model in model.audits.map { (model.name, $0) } }
    let failing = audits.filter { $0.1.failureCount > 0 }
    if !audits.isEmpty { text += "\(audits.count - failing.count) of \(audits.count) audits passed\n" }
    for (name, audit) in failing {
      text += "  \(audit.isBlocking ? "FAILED" : "warning"): \(name): \(audit.text): "
      text += "\(Decimals.grouped(audit.failureCount)) rows\n"
      if let table = audit.keptIn {
        text += "    see them by: SELECT * FROM \(table);\n"
      } else if !audit.query.isEmpty {
        text += "    see them by: \(audit.query);\n"
      }
    }
    return text
  }

  /// Cut to seconds: nobody reads more of them.
  private static func time(_ microseconds: Int64) -> String {
    String((TextFormat.string(.integer(microseconds), .timestamp) ?? "").prefix(19))
  }

  private static func json(_ record: RunRecord, _ snapshots: [Int: SnapshotID]) -> String {
    let models = record.models.map { model in
      JSONText.object([
        ("model", .text(model.name.description)), ("kind", .text(model.kind)), ("action", .text(model.action)),
        ("outcome", .text(model.outcome.name)), ("message", model.message.map { .text($0) } ?? .null),
        ("attempts", .number(model.attemptCount)),
        ("reason", .text(model.reason)), ("rows", model.rowCount.map { .number($0) } ?? .null),
        ("rows_read", model.readCount.map { .number($0) } ?? .null),
        ("seconds", .decimal(model.seconds)), ("audit_seconds", .decimal(model.auditSeconds)),
        (
          "audits",
          .raw(
            JSONText.array(
              model.audits.map {
                JSONText.object([
                  ("audit", .text($0.text)), ("blocking", .boolean($0.isBlocking)),
                  ("failures", .number($0.failureCount)),
                  ("kept_in", $0.keptIn.map { .text($0.description) } ?? .null),
                  ("query", $0.query.isEmpty ? .null : .text($0.query)),
                ])
              }))
        ),
      ])
    }
    return JSONText.object([
      ("run", .number(record.number)), ("outcome", .text(record.outcome.name)),
      ("started_at", .text(time(record.startedAt) + "Z")), ("seconds", .decimal(record.seconds)),
      ("snapshot_before", .number(Int(record.snapshotBefore.number))),
      ("snapshot", snapshots[record.number].map { .number(Int($0.number)) } ?? .null),
      ("environment", record.environment.map { .text($0.name) } ?? .null),
      ("undone_run", record.undoneRun.map { .number($0) } ?? .null),
      ("message", record.message.map { .text($0) } ?? .null), ("models", .raw(JSONText.array(models))),
    ])
  }
}
