import Bytes
import Engine
import SQLSyntax
import Vectors

/// What a run does to one model: decide, build, audit, remember. Any thread may do it, each in a session of its own.
struct ModelWork {
  private let project: Project
  let restatement: Restatement
  private let resumption: Resumption
  private let options: RunOptions
  let execution: Int64
  /// Tables and views that the run makes.
  private let made: Set<RelationName>
  /// All models of the project, selected or not.
  private let known: Set<RelationName>

  init(
    _ project: Project, _ models: [Model], _ restatement: Restatement, _ resumption: Resumption,
    _ options: RunOptions, execution: Int64
  ) {
    self.project = project
    self.restatement = restatement
    self.resumption = resumption
    self.options = options
    self.execution = execution
    made = Set(models.filter(\.kind.makesRelation).map(\.name))
    known = Set(project.models.map(\.name))
  }

  func planner(_ session: any ModelSession) -> RunPlanner {
    RunPlanner(session, restatement: restatement, execution: execution)
  }

  /// Throws unless every table that the model reads is there, or is made by this run.
  func requireTables(_ model: Model, _ session: any ModelSession) throws {
    if model.kind == .external, try session.relationKind(model.name) == nil {
      throw model.error(
        .user, "the external table \(model.name) does not exist", sqlState: "42P01", hint: Self.ingestHint)
    }
    for name in model.upstream.sorted() where !made.contains(name) {
      guard try session.relationKind(name) == nil else { continue }
      throw model.missing(
        name, hint: known.contains(name) ? "Select it too: +\(model.name)." : Self.ingestHint)
    }
  }

  private static let ingestHint =
    "Tables of sources are made by pulsehouse ingest; those of models by a file below models/."

  static func makeSchema(_ name: String, _ session: any ModelSession) throws {
    _ = try session.execute("CREATE SCHEMA IF NOT EXISTS \(RelationName.quoted(name))")
  }

  /// Decides what is to be done to a model, after taking over what an unfinished run made of it, which is returned too.
  func step(_ model: Model, _ planner: inout RunPlanner, _ session: any ModelSession) throws -> (
    step: ModelStep, resumed: UnfinishedModel?
  ) {
    guard let resumed = try resumption.takeOver(model, in: session) else { return (try planner.step(model), nil) }
    let asked = planner.restatement
    planner.restatement = asked.without(model.name)
    defer { planner.restatement = asked }
    var step = try planner.step(model)
    let began = "a run of \(CalendarText.timestamp(seconds: resumed.record.startedAt / 1_000_000)), which did not end"
    if step.action == .keep {
      step.action = .resume
      step.reasons = ["built by \(began)"]
    } else {
      step.reasons.append("on top of what was built by \(began)")
    }
    return (step, resumed)
  }

  /// - Parameter changed: models that this run has changed.
  /// - Parameter keep: told, after some intervals of several, in which table they lie and what would be remembered of
  ///   them.
  func bringUpToDate(
    _ model: Model, in session: any ModelSession, changed: Set<RelationName>,
    keep: @escaping (RelationName, () throws -> ModelState) throws -> Void
  ) throws -> ModelReport {
    let start = MachineClock.seconds
    try requireTables(model, session)
    var planner = planner(session)
    let (step, resumed) = try step(model, &planner, session)
    let readBefore = session.readRowCount
    let builder = ModelBuilder(model, session, planner, execution: execution) { [planner] table, intervals, pending in
      try keep(table) {
        var state = try self.state(of: model, step, intervals, planner, session)
        state.pending = pending
        return state
      }
    }
    var built = try builder.build(step)
    if resumed != nil {
      built.isChanged = true
      // What was taken over has not been audited.
      if step.action != .resume { built.rows = nil }
    }
    let end = MachineClock.seconds
    let readCount = session.readRowCount - readBefore
    // An audit may also look at tables that the model does not read.
    let isAudited =
      step.action == .resume
      ? try planner.isOutdated(model)
      : built.isChanged || step.action == .audit || model.kind == .external
        || !model.upstream.isDisjoint(with: changed)
    var report = ModelReport(model)
    // What is wrong with an audit's own SQL is then said with its place.
    if step.action == .audit { _ = try model.reading(planner.wholeVariables(model), session) }
    if isAudited {
      report.audits = try AuditPlan(model, in: project, rows: built.rows, times: auditTimes(built))
        .run(session, sampleLimit: options.sampleLimit)
    }
    let definition = model.kind.isRemembered ? try model.definition() : nil
    if step.action != .resume, step.action != .keep || step.state?.definition != definition, model.kind.isRemembered {
      try session.putModelState(model.name, state(of: model, step, built.intervals, planner, session).encode())
    }
    report.resumed = step.action == .resume ? resumed?.record.models.first : nil
    report.action = step.action.text
    report.reason = step.reason
    report.isChanged = built.isChanged
    report.rowCount = built.rowCount
    report.readCount = built.rowCount == nil ? nil : readCount
    report.intervals = built.batches
    report.seconds = end - start
    report.auditSeconds = MachineClock.seconds - end
    return report
  }

  /// The intervals that were built are what an audit looks at; without intervals, all time up to now.
  private func auditTimes(_ built: BuiltModel) -> [String: MacroValue] {
    var range = IntervalRange(0, max(0, execution / 86_400_000_000), .day)
    if let first = built.intervals.first, let last = built.intervals.last {
      range = IntervalRange(first.first, max(first.last, last.last), first.unit)
    }
    return TimeVariables.values(range, execution: execution)
  }

  /// What is to be remembered of a model with these intervals built.
  private func state(
    of model: Model, _ step: ModelStep, _ built: [IntervalRange], _ planner: RunPlanner, _ session: any ModelSession
  ) throws -> ModelState {
    var intervals = built
    if case .rebuildIntervals = step.action { intervals += step.state?.intervals ?? [] }
    return ModelState(
      definition: try model.definition(), text: model.query?.body.text ?? "", reads: try planner.readMarks(model),
      intervals: IntervalRange.merged(intervals))
  }

  /// Writes the rows that failed a model's audits to tables of their own and returns these tables.
  func keepFailures(of report: inout ModelReport, in session: any ModelSession) throws -> [RelationName] {
    guard options.keptLimit > 0, report.audits.contains(where: { !$0.isPassed }) else { return [] }
    if try !session.schemaExists(ModelRun.failureSchema) { try Self.makeSchema(ModelRun.failureSchema, session) }
    var names: [RelationName] = []
    for (index, audit) in report.audits.enumerated() where !audit.isPassed {
      let name = RelationName(
        ModelRun.failureSchema, "\(report.name.schema)_\(report.name.name)_\(index + 1)_\(audit.name)")
      if try session.relationKind(name) != nil { _ = try session.execute("DROP TABLE \(name.sql)") }
      _ = try session.execute(audit.statement(keepingIn: name, limit: options.keptLimit))
      names.append(name)
      report.audits[index].keptIn = session.environment.map { RelationName($0.own(name.tableName)) } ?? name
    }
    return names
  }
}
