import Vectors

/// The history of runs as tables.
enum RunTables {
  /// A row for each run.
  static let runs = SystemTable(
    name: TableName("sys", "runs"),
    fields: Schema([
      Field("run", .bigint), Field("outcome", .text), Field("started_at", .timestamptz), Field("seconds", .double),
      Field("snapshot_before", .bigint), Field("undone_run", .bigint), Field("message", .text),
      Field("environment", .text),
    ]),
    rows: { snapshot, _ in
      try RunRecord.all(in: snapshot).map { run in
        [
          .integer(Int64(run.number)), .text(run.outcome.name), .integer(run.startedAt), .double(run.seconds),
          .integer(Int64(run.snapshotBefore.number)), run.undoneRun.map { .integer(Int64($0)) } ?? .null,
          run.message.map { .text($0) } ?? .null, run.environment.map { .text($0.name) } ?? .null,
        ]
      }
    })

  /// A row for each model of each run.
  static let modelRuns = SystemTable(
    name: TableName("sys", "model_runs"),
    fields: Schema([
      Field("run", .bigint), Field("model_schema", .text), Field("model_name", .text), Field("kind", .text),
      Field("action", .text), Field("reason", .text), Field("row_count", .bigint), Field("seconds", .double),
      Field("audit_seconds", .double), Field("read_count", .bigint), Field("outcome", .text), Field("message", .text),
      Field("attempts", .bigint),
    ]),
    rows: { snapshot, _ in
      try RunRecord.all(in: snapshot).flatMap { run in
        run.models.map { model in
          [
            .integer(Int64(run.number)), .text(model.name.schema), .text(model.name.name), .text(model.kind),
            .text(model.action), .text(model.reason), model.rowCount.map { .integer(Int64($0)) } ?? .null,
            .double(model.seconds), .double(model.auditSeconds), model.readCount.map { .integer(Int64($0)) } ?? .null,
            .text(model.outcome.name), model.message.map { .text($0) } ?? .null, .integer(Int64(model.attemptCount)),
          ]
        }
      }
    })

  /// A row for each audit of each run.
  static let audits = SystemTable(
    name: TableName("sys", "audits"),
    fields: Schema([
      Field("run", .bigint), Field("model_schema", .text), Field("model_name", .text), Field("audit", .text),
      Field("is_blocking", .boolean), Field("failure_count", .bigint), Field("kept_in", .text), Field("query", .text),
    ]),
    rows: { snapshot, _ in
      try RunRecord.all(in: snapshot).flatMap { run in
        run.models.flatMap { model in
          model.audits.map { audit in
            [
              .integer(Int64(run.number)), .text(model.name.schema), .text(model.name.name), .text(audit.text),
              .boolean(audit.isBlocking), .integer(Int64(audit.failureCount)),
              audit.keptIn.map { .text($0.description) } ?? .null, audit.query.isEmpty ? .null : .text(audit.query),
            ]
          }
        }
      }
    })

  /// A row for each stretch of event time that a run built of an incremental model, the newest run's last.
  static let intervals = SystemTable(
    name: TableName("sys", "intervals"),
    fields: Schema([
      Field("model_schema", .text), Field("model_name", .text), Field("interval_start", .timestamp),
      Field("interval_end", .timestamp), Field("state", .text), Field("row_count", .bigint), Field("run", .bigint),
      Field("snapshot", .bigint), Field("environment", .text),
    ]),
    rows: { snapshot, warehouse in
      let runs = try RunRecord.all(in: snapshot)
      let undone = Set(runs.compactMap(\.undoneRun))
      var commits: [String: SnapshotID] = [:]
      for commit in try warehouse.store.history(limit: 100_000) where commit.message.hasPrefix("run ") {
        commits[String(commit.message.prefix { $0 != ":" })] = commit.id
      }
      var rows: [[Scalar]] = []
      // What a later run built takes the place of what an earlier one did.
      var covered: [TableName: [Range<Int64>]] = [:]
      for run in runs.reversed() {
        for model in run.models {
          let name = run.environment?.own(model.name) ?? model.name
          for interval in model.intervals.reversed() where interval.start < interval.end {
            let range = interval.start..<interval.end
            let state =
              switch run.outcome {
              case .failed: "failed"
              case _ where model.outcome == .failed: "failed"
              case _ where undone.contains(run.number): "undone"
              default:
                covered[name, default: []].contains {
                  $0.lowerBound <= range.lowerBound && $0.upperBound >= range.upperBound
                }
                  ? "replaced" : "built"
              }
            if state == "built" { covered[name, default: []].append(range) }
            rows.append([
              .text(model.name.schema), .text(model.name.name), .integer(interval.start * 1_000_000),
              .integer(interval.end * 1_000_000), .text(state), .integer(Int64(interval.rowCount)),
              .integer(Int64(run.number)),
              commits["run \(run.number)"].map { .integer(Int64($0.number)) } ?? .null,
              run.environment.map { .text($0.name) } ?? .null,
            ])
          }
        }
      }
      return rows.reversed()
    })
}
