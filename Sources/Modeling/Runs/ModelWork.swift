import Bytes
import Engine
import SQLSyntax
import Vectors

/// What a run does to one model: decide, build, audit, remember. Any thread may do it, each in a session of its own.
struct ModelWork {
  private let project: Project
  private let restatement: Restatement
  private let options: RunOptions
  private let execution: Int64
  /// Tables and views that the run makes.
  private let made: Set<RelationName>
  /// All models of the project, selected or not.
  private let known: Set<RelationName>

  init(
    _ project: Project, _ models: [Model], _ restatement: Restatement, _ options: RunOptions, execution: Int64
  ) {
    self.project = project
    self.restatement = restatement
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

  /// - Parameter changed: models that this run has changed.
  func bringUpToDate(_ model: Model, in session: any ModelSession, changed: Set<RelationName>) throws -> ModelReport {
    let start = MachineClock.seconds
    try requireTables(model, session)
    let planner = planner(session)
    let step = try planner.step(model)
    let readBefore = session.readRowCount
    let built = try ModelBuilder(model, session, planner, execution: execution).build(step)
    let end = MachineClock.seconds
    let readCount = session.readRowCount - readBefore
    // An audit may also look at tables that the model does not read.
    let isAudited =
      built.isChanged || step.action == .audit || model.kind == .external || !model.upstream.isDisjoint(with: changed)
    var report = ModelReport(model)
    // What is wrong with an audit's own SQL is then said with its place.
    if step.action == .audit { _ = try model.reading(planner.wholeVariables(model), session) }
    if isAudited {
      report.audits = try AuditPlan(model, in: project, rows: built.rows, times: auditTimes(built))
        .run(session, sampleLimit: options.sampleLimit)
    }
    let definition = model.kind.isRemembered ? try model.definition() : nil
    if step.action != .keep || step.state?.definition != definition {
      try remember(model, step, built, planner, session)
    }
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

  private func remember(
    _ model: Model, _ step: ModelStep, _ built: BuiltModel, _ planner: RunPlanner, _ session: any ModelSession
  ) throws {
    if !model.kind.isRemembered { return }
    var intervals = built.intervals
    if case .rebuildIntervals = step.action { intervals += step.state?.intervals ?? [] }
    let state = ModelState(
      definition: try model.definition(), text: model.query?.body.text ?? "", reads: try planner.readMarks(model),
      intervals: IntervalRange.merged(intervals))
    try session.putModelState(model.name, state.encode())
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
