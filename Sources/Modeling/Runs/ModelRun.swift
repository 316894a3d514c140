import Bytes
import Engine
import Glibc
import SQLSyntax
import Vectors

/// What a run is asked for.
package struct RunOptions: Sendable {
  /// `model`, `+model`, `model+`; empty for all.
  package var selection: [String] = []
  /// Models to build anew though nothing changed, in the same words; empty for none.
  package var restated: [String] = []
  /// Days since 1970, both included, that `restated` is limited to.
  package var restatedDays: ClosedRange<Int64>?
  /// Whether everything selected is built anew.
  package var isFull = false
  /// Failing rows shown for each audit.
  package var sampleLimit = 20
  /// Failing rows kept of each audit of a run that was not published.
  package var keptLimit = 100_000
  /// The time of the run, microseconds since 1970 UTC; nil for now.
  package var executionTime: Int64?
  package init() {}
}

/// Brings the tables of a project's models up to date, audits them, and publishes them in one commit, or none.
///
/// Of each model no more is built than `RunPlanner` finds outdated.
package struct ModelRun {
  /// The schema in which failing rows of unpublished runs are kept.
  package static let failureSchema = "audits"

  private let project: Project
  private let session: any ModelSession
  private let options: RunOptions
  private let progress: (RunEvent) throws -> Void
  private let execution: Int64

  private init(
    _ project: Project, _ session: any ModelSession, _ options: RunOptions,
    _ progress: @escaping (RunEvent) throws -> Void
  ) {
    self.project = project
    self.session = session
    self.options = options
    self.progress = progress
    execution = options.executionTime ?? Self.clock(CLOCK_REALTIME) / 1000
  }

  /// Says what `run` would do, in its order. Nothing is written.
  ///
  /// A step that depends on rows an earlier one would write is foreseen from that one's intervals; the run itself may
  /// find that less has to be done.
  /// - Throws: as `run`.
  package static func plan(_ project: Project, in session: any ModelSession, options: RunOptions = RunOptions())
    throws -> [ModelStep]
  {
    let run = ModelRun(project, session, options) { _ in }
    try session.begin()
    defer { session.rollback() }
    let graph = try ModelGraph(project)
    _ = try session.refreshEnvironment(graph)
    return try run.steps(graph)
  }

  /// What a run would do to the state that the open transaction sees.
  static func steps(_ project: Project, in session: any ModelSession) throws -> [ModelStep] {
    try ModelRun(project, session, RunOptions()) { _ in }.steps(ModelGraph(project))
  }

  private func steps(_ graph: ModelGraph) throws -> [ModelStep] {
    let models = try selected(graph)
    try requireTables(models)
    var planner = try planner()
    var steps: [ModelStep] = []
    for model in models {
      let step = try planner.step(model)
      planner.foresee(step)
      steps.append(step)
    }
    return steps
  }

  /// Runs the project's models.
  ///
  /// Everything happens in one transaction of `session`, so readers see the old tables until the commit and all new ones
  /// after it. A blocking audit that fails ends the run: the report says so and nothing has changed but
  /// the tables of failing rows in the schema `audits` and the history of runs. A run that finds nothing to do
  /// commits nothing.
  ///
  /// - Throws: `.user` with file, line and range for a model whose SQL does not work, a table that is missing, models that
  ///   depend on each other; `.conflict` when another process published the same tables meanwhile; what
  ///   `progress` throws. After any error nothing has changed but the history.
  package static func run(
    _ project: Project, in session: any ModelSession, options: RunOptions = RunOptions(),
    progress: @escaping (RunEvent) throws -> Void = { _ in }
  ) throws -> RunReport {
    try ModelRun(project, session, options, progress).run()
  }

  private func run() throws -> RunReport {
    let start = Self.now()
    let graph = try ModelGraph(project)
    let models = try selected(graph)
    var report = RunReport()
    try beginFromProduction(graph)
    try session.begin()
    let base = try session.baseSnapshot()
    do {
      try requireTables(models)
      for schema in Set(models.filter(\.kind.makesRelation).map(\.name.schema)).sorted()
      where try !session.schemaExists(schema) {
        try makeSchema(schema)
      }
      let planner = try planner()
      for (index, model) in models.enumerated() {
        try progress(.began(model.name, number: index + 1, of: models.count))
        let finished = try bringUpToDate(model, planner, changed: Set(report.models.filter(\.isChanged).map(\.name)))
        report.models.append(finished)
        try progress(.finished(finished, number: index + 1, of: models.count))
        if finished.audits.contains(where: { !$0.isPassed && $0.isBlocking }) { break }
      }
      report.seconds = Self.now() - start
      if report.failures.contains(where: { $0.audit.isBlocking }) {
        try keepFailures(&report, base)
      } else if report.models.allSatisfy({ $0.action == ModelStep.Action.keep.text }) {
        session.rollback()
        report.isPublished = true
      } else {
        try progress(.publishing)
        let number = try session.nextRunNumber()
        try session.putRun(record(report, number, .published, base))
        try session.commit(message: "run \(number): \(report.models.count(where: \.isChanged)) models")
        report.number = number
        report.isPublished = true
      }
    } catch {
      session.rollback()
      if let error = error as? PulsehouseError { keep(error, of: report, base, Self.now() - start) }
      throw error
    }
    report.seconds = Self.now() - start
    return report
  }

  /// The models to look at; embedded ones are parts of others.
  private func selected(_ graph: ModelGraph) throws -> [Model] {
    try graph.selecting(options.selection).filter { $0.kind != .embedded }
  }

  /// An environment is brought up to production in a commit of its own, so that what this run changes on top shows.
  private func beginFromProduction(_ graph: ModelGraph) throws {
    guard let environment = session.environment else { return }
    try session.begin()
    do {
      if try session.refreshEnvironment(graph) {
        try session.commit(message: "environment \(environment)")
      } else {
        session.rollback()
      }
    } catch {
      session.rollback()
      throw error
    }
  }

  private func planner() throws -> RunPlanner {
    let graph = try ModelGraph(project)
    var restatement = Restatement(days: options.restatedDays)
    if options.isFull {
      restatement = Restatement(models: Set(try graph.selecting(options.selection).map(\.name)))
    } else if !options.restated.isEmpty {
      restatement.models = Set(try graph.selecting(options.restated).map(\.name))
    }
    return RunPlanner(session, restatement: restatement, execution: execution)
  }

  /// Every table read is there, or is made by this run before it is read.
  private func requireTables(_ models: [Model]) throws {
    let made = Set(models.filter(\.kind.makesRelation).map(\.name))
    let known = Set(project.models.map(\.name))
    for model in models {
      if model.kind == .external, try session.relationKind(model.name) == nil {
        throw model.error(
          .user, "the external table \(model.name) does not exist", sqlState: "42P01", hint: Self.ingestHint)
      }
      for name in model.upstream.sorted() where !made.contains(name) {
        guard try session.relationKind(name) == nil else { continue }
        throw model.error(
          .user, "\(model.name) reads \(name), which does not exist", sqlState: "42P01",
          hint: known.contains(name) ? "Select it too: +\(model.name)." : Self.ingestHint)
      }
    }
  }

  private static let ingestHint = "Tables of sources are made by pulsehouse ingest."

  private func makeSchema(_ name: String) throws {
    _ = try session.execute("CREATE SCHEMA IF NOT EXISTS \(RelationName.quoted(name))")
  }

  // MARK: One model

  private func bringUpToDate(_ model: Model, _ planner: RunPlanner, changed: Set<RelationName>) throws -> ModelReport {
    let start = Self.now()
    let step = try planner.step(model)
    let readBefore = session.readRowCount
    let built = try ModelBuilder(model, session, planner, execution: execution).build(step)
    let end = Self.now()
    let readCount = session.readRowCount - readBefore
    // An audit may also look at tables that the model does not read.
    let isAudited = built.isChanged || model.kind == .external || !model.upstream.isDisjoint(with: changed)
    let audits =
      isAudited
      ? try AuditPlan(model, in: project, rows: built.rows, times: auditTimes(built))
        .run(session, sampleLimit: options.sampleLimit) : []
    let definition = model.kind.makesRelation ? try model.definition() : nil
    if step.action != .keep || step.state?.definition != definition {
      try remember(model, step, built, planner)
    }
    return ModelReport(
      name: model.name, kind: model.kind.name, file: model.file.path, action: step.action.text, reason: step.reason,
      isChanged: built.isChanged, rowCount: built.rowCount,
      readCount: built.rowCount == nil ? nil : readCount, intervals: built.batches, seconds: end - start,
      auditSeconds: Self.now() - end,
      audits: audits)
  }

  /// The intervals that were built are what an audit looks at; without intervals, all time up to now.
  private func auditTimes(_ built: BuiltModel) -> [String: MacroValue] {
    var range = IntervalRange(0, max(0, execution / 86_400_000_000), .day)
    if let first = built.intervals.first, let last = built.intervals.last {
      range = IntervalRange(first.first, max(first.last, last.last), first.unit)
    }
    return TimeVariables.values(range, execution: execution)
  }

  private func remember(_ model: Model, _ step: ModelStep, _ built: BuiltModel, _ planner: RunPlanner) throws {
    if !model.kind.makesRelation { return }
    var intervals = built.intervals
    if case .rebuildIntervals = step.action { intervals += step.state?.intervals ?? [] }
    let state = ModelState(
      definition: try model.definition(), text: model.query?.body.text ?? "", reads: try planner.readMarks(model),
      intervals: IntervalRange.merged(intervals))
    try session.putModelState(model.name, state.encode())
  }

  // MARK: History

  private func record(_ report: RunReport, _ number: Int, _ outcome: RunRecord.Outcome, _ base: UInt64) -> RunRecord {
    RunRecord(
      number: number, outcome: outcome, startedAt: execution, seconds: report.seconds,
      snapshotBefore: SnapshotID(base),
      models: report.models.map { model in
        RunRecord.Model(
          name: model.name.tableName, kind: model.kind, action: model.action, reason: model.reason,
          rowCount: model.rowCount, readCount: model.readCount, seconds: model.seconds,
          auditSeconds: model.auditSeconds,
          audits: model.audits.map {
            RunRecord.Audit(
              text: $0.text, isBlocking: $0.isBlocking, failureCount: $0.failureCount, keptIn: $0.keptIn?.tableName,
              query: $0.query)
          },
          intervals: model.intervals.map {
            RunRecord.Interval(start: $0.range.startSeconds, end: $0.range.endSeconds, rowCount: $0.rowCount)
          })
      }, environment: session.environment, message: outcome == .failed ? report.error?.message : nil)
  }

  /// Keeps the rows that failed the audits of an unpublished run in tables of their own, each replaced by the next
  /// failure of its audit, and the run in the history; all else the open transaction did is forgotten.
  private func keepFailures(_ report: inout RunReport, _ base: UInt64) throws {
    if try !session.schemaExists(Self.failureSchema) { try makeSchema(Self.failureSchema) }
    var names: [RelationName] = []
    for (modelIndex, model) in report.models.enumerated() {
      for (auditIndex, audit) in model.audits.enumerated() where !audit.isPassed && options.keptLimit > 0 {
        let name = RelationName(
          Self.failureSchema, "\(model.name.schema)_\(model.name.name)_\(auditIndex + 1)_\(audit.name)")
        if try session.relationKind(name) != nil { _ = try session.execute("DROP TABLE \(name.sql)") }
        _ = try session.execute(audit.statement(keepingIn: name, limit: options.keptLimit))
        names.append(name)
        report.models[modelIndex].audits[auditIndex].keptIn =
          session.environment.map { RelationName($0.own(name.tableName)) } ?? name
      }
    }
    try session.restart(keeping: names)
    let number = try session.nextRunNumber()
    try session.putRun(record(report, number, .failed, base))
    try session.commit(message: "run \(number): failing rows")
    report.number = number
  }

  /// Notes in the history that a run ended with an error. What keeps the note from being written must not hide the
  /// error, which is about to be thrown.
  private func keep(_ error: PulsehouseError, of report: RunReport, _ base: UInt64, _ seconds: Double) {
    if error.kind == .usage { return }
    do {
      try session.begin()
      let number = try session.nextRunNumber()
      var record = record(report, number, .failed, base)
      record.seconds = seconds
      record.message = error.file.map { "\(error.message) (\($0))" } ?? error.message
      try session.putRun(record)
      try session.commit(message: "run \(number): failed")
    } catch {
      session.rollback()
    }
  }

  private static func now() -> Double { Double(clock(CLOCK_MONOTONIC)) / 1e9 }

  private static func clock(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
