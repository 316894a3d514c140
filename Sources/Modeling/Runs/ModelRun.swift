import Bytes
import Engine
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
  /// Models built side by side at most.
  package var jobCount = 1
  /// Further tries of what may pass, and seconds before the first of them; each later one waits twice as long.
  package var retryLimit = 0
  package var retryDelay = 1.0
  /// Seconds of work that a killed run may lose: what it has finished is set aside for the next one this often.
  package var keptSeconds = 10.0
  /// Whether a model that fails keeps all others from being published too.
  package var isAllOrNothing = false
  /// The time of the run, microseconds since 1970 UTC; nil for now.
  package var executionTime: Int64?
  package init() {}
}

/// Brings the tables of a project's models up to date, audits them, and publishes them in one commit.
///
/// Of each model no more is built than `RunPlanner` finds outdated. A model that fails, and what depends on it, keep
/// their former tables.
package struct ModelRun {
  /// The schema in which failing rows of unpublished models are kept.
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
    execution = options.executionTime ?? MachineClock.microsecondsSince1970
  }

  /// Says what `run` would do, in its order. Nothing is written.
  ///
  /// A step that depends on rows an earlier one would write is foreseen from that one's intervals; the run itself may
  /// find that less has to be done.
  /// - Throws: what would make a model fail before anything is built of it.
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
    let work = try work(models, graph)
    var planner = work.planner(session)
    var steps: [ModelStep] = []
    for model in models {
      try work.requireTables(model, session)
      var step = try work.step(model, &planner, session).step
      step.estimate = planner.estimate(step)
      planner.foresee(step)
      steps.append(step)
    }
    return steps
  }

  /// Runs the project's models.
  ///
  /// Everything happens in one transaction of `session`, so readers see the old tables until the commit and all new ones
  /// after it. A model fails by an error or by a blocking audit; it and what depends on it are left out of the commit,
  /// its failing rows are kept in tables of the schema `audits`, and the report and the history say so. What may pass
  /// (`Retry`) is tried again first. A run that finds nothing to do commits nothing.
  ///
  /// - Throws: `.user` for models that depend on each other, `.usage` for a selection of what is not there;
  ///   `.conflict` when another process published the same tables meanwhile; `.cancelled`; what
  ///   `progress` throws. After any error nothing has changed but the history.
  package static func run(
    _ project: Project, in session: any ModelSession, options: RunOptions = RunOptions(),
    progress: @escaping (RunEvent) throws -> Void = { _ in }
  ) throws -> RunReport {
    let run = ModelRun(project, session, options, progress)
    var attempt = 1
    while true {
      do {
        return try run.run(isLast: attempt > options.retryLimit)
      } catch let error as PulsehouseError
        where attempt <= options.retryLimit && Retry(error) == .later && !session.isStopped
      {
        // Not a model but the whole: another process published first, or the commit itself could not be written.
        let seconds = options.retryDelay * Double(1 << min(attempt - 1, 9))
        try progress(.retrying(nil, error, afterSeconds: seconds))
        MachineClock.sleep(seconds: seconds) { session.isStopped }
        attempt += 1
      }
    }
  }

  private func run(isLast: Bool) throws -> RunReport {
    let start = MachineClock.seconds
    let graph = try ModelGraph(project)
    let models = try selected(graph)
    var report = RunReport()
    try beginFromProduction(graph)
    try session.begin()
    let base = try session.baseSnapshot()
    report.snapshotBefore = base
    do {
      for schema in Set(models.filter(\.kind.makesRelation).map(\.name.schema)).sorted()
      where try !session.schemaExists(schema) {
        try ModelWork.makeSchema(schema, session)
      }
      let work = try work(models, graph)
      report.models = try ModelCrew(models, work, session, options, progress).run()
      report.seconds = MachineClock.seconds - start
      let hasWork = report.models.contains { $0.isDone && $0.action != ModelStep.Action.keep.text }
      if report.isWhole && !hasWork {
        session.rollback()
        report.outcome = .published
        // Of a run that was killed when it had published.
        try? session.forgetUnfinished([])
      } else if report.isWhole || hasWork && !options.isAllOrNothing {
        try progress(.publishing)
        report.outcome = report.isWhole ? .published : .partial
        let number = try session.nextRunNumber()
        try session.putRun(record(report, number, base))
        try session.commit(message: "run \(number): \(report.models.count(where: \.isChanged)) models")
        report.number = number
        // The run stands, whatever becomes of this; what is left is found outdated by the next one.
        try? session.forgetUnfinished(Set(report.models.filter(\.isDone).map(\.name)))
      } else {
        try keepFailures(&report, work, base)
      }
    } catch {
      session.rollback()
      if let error = error as? PulsehouseError, isLast || Retry(error) != .later {
        keep(error, of: report, base, MachineClock.seconds - start)
      }
      throw error
    }
    report.seconds = MachineClock.seconds - start
    return report
  }

  /// The models to look at, embedded ones being parts of others; then the standalone audits of what is looked at, and
  /// those that read no model.
  private func selected(_ graph: ModelGraph) throws -> [Model] {
    let models = try graph.selecting(options.selection).filter { $0.kind != .embedded }
    let chosen = Set(models.map(\.name))
    let known = Set(graph.ordered.map(\.name))
    let audits = project.standaloneAudits.filter { audit in
      options.selection.isEmpty || !audit.upstream.isDisjoint(with: chosen) || audit.upstream.isDisjoint(with: known)
    }
    return models + audits
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

  private func work(_ models: [Model], _ graph: ModelGraph) throws -> ModelWork {
    let restatement = try restatement(graph)
    let resumption = Resumption(unfinished: try session.unfinished(), restatement: restatement)
    return ModelWork(project, models, restatement, resumption, options, execution: execution)
  }

  private func restatement(_ graph: ModelGraph) throws -> Restatement {
    if options.isFull { return Restatement(models: Set(try graph.selecting(options.selection).map(\.name))) }
    var restatement = Restatement(days: options.restatedDays)
    if !options.restated.isEmpty { restatement.models = Set(try graph.selecting(options.restated).map(\.name)) }
    return restatement
  }

  // MARK: History

  private func record(_ report: RunReport, _ number: Int, _ base: UInt64) -> RunRecord {
    RunRecord(
      number: number, outcome: report.outcome.recorded, startedAt: execution, seconds: report.seconds,
      snapshotBefore: SnapshotID(base), models: report.models.map(\.record), environment: session.environment,
      message: report.error.map { $0.message })
  }

  /// Publishes nothing but the failing rows, each table of them replaced by the next failure of its audit, and the run
  /// in the history; all else the open transaction did is forgotten.
  private func keepFailures(_ report: inout RunReport, _ work: ModelWork, _ base: UInt64) throws {
    for index in report.models.indices where report.models[index].isDone {
      _ = try work.keepFailures(of: &report.models[index], in: session)
    }
    let names = report.models.flatMap { $0.audits.compactMap(\.keptIn) }
    try session.restart(keeping: names)
    report.outcome = .failed
    let number = try session.nextRunNumber()
    try session.putRun(record(report, number, base))
    try session.commit(message: names.isEmpty ? "run \(number): failed" : "run \(number): failing rows")
    report.number = number
  }

  /// Notes in the history that a run ended with an error. What keeps the note from being written must not hide the
  /// error, which is about to be thrown.
  private func keep(_ error: PulsehouseError, of report: RunReport, _ base: UInt64, _ seconds: Double) {
    if error.kind == .usage { return }
    do {
      try session.begin()
      let number = try session.nextRunNumber()
      var report = report
      report.outcome = .failed
      var record = record(report, number, base)
      record.seconds = seconds
      record.message = error.file.map { "\(error.message) (\($0))" } ?? error.message
      try session.putRun(record)
      try session.commit(message: "run \(number): failed")
    } catch {
      session.rollback()
    }
  }
}
