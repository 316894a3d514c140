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
      Field("audit_seconds", .double),
    ]),
    rows: { snapshot, _ in
      try RunRecord.all(in: snapshot).flatMap { run in
        run.models.map { model in
          [
            .integer(Int64(run.number)), .text(model.name.schema), .text(model.name.name), .text(model.kind),
            .text(model.action), .text(model.reason), model.rowCount.map { .integer(Int64($0)) } ?? .null,
            .double(model.seconds), .double(model.auditSeconds),
          ]
        }
      }
    })

  /// A row for each audit of each run.
  static let audits = SystemTable(
    name: TableName("sys", "audits"),
    fields: Schema([
      Field("run", .bigint), Field("model_schema", .text), Field("model_name", .text), Field("audit", .text),
      Field("is_blocking", .boolean), Field("failure_count", .bigint),
    ]),
    rows: { snapshot, _ in
      try RunRecord.all(in: snapshot).flatMap { run in
        run.models.flatMap { model in
          model.audits.map { audit in
            [
              .integer(Int64(run.number)), .text(model.name.schema), .text(model.name.name), .text(audit.text),
              .boolean(audit.isBlocking), .integer(Int64(audit.failureCount)),
            ]
          }
        }
      }
    })
}
