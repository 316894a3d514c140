import Bytes
import Engine
import Execution

/// Makes an environment's tables everybody's: names are pointed at other segments, in one commit, and nothing is copied.
package enum EnvironmentPromotion {
  /// What a promotion did to one model of production.
  package enum Action: String, Sendable {
    /// It has the environment's rows now.
    case promoted
    /// The environment has no such model.
    case removed
  }

  package struct Report: Sendable {
    package var environment: Environment
    /// In the order of the project, removed ones last; those that were the same in both are not here.
    package var models: [(name: RelationName, action: Action)] = []
    /// The number of the promotion in the history; nil when there was nothing to do.
    package var number: Int?
    package var seconds = 0.0
  }

  /// Promotes the session's environment.
  ///
  /// The environment must be up to date with the project and with what its models read, so that production gets just
  /// what a run of the same project would have given it. `RunUndo` takes a promotion back.
  ///
  /// - Throws: `.user` 42704 when there is no such environment, 55000 when a run of it would do something; `.conflict`
  ///   when others published the same tables meanwhile.
  package static func promote(_ project: Project, in session: Session) throws -> Report {
    guard let environment = session.settings.environment else {
      throw PulsehouseError(.internal, "a promotion without an environment")
    }
    let start = MachineClock.seconds
    let startedAt = MachineClock.microsecondsSince1970
    var report = Report(environment: environment)
    let graph = try ModelGraph(project)
    try session.begin()
    do {
      let base = try session.currentSnapshot()
      guard try EnvironmentRecord.find(environment, in: base) != nil else {
        throw try EnvironmentRecord.missing(environment, in: base)
      }
      let refreshed = try EnvironmentRefresh(environment, session).run(graph)
      try requireUpToDate(project, environment, session)
      var moved: [RelationName] = []
      for model in graph.ordered where model.kind.makesRelation && !refreshed.shared.contains(model.name) {
        moved.append(model.name)
        _ = try session.point(
          model.name.tableName, at: environment.own(model.name.tableName), readingIn: nil)
        report.models.append((model.name, .promoted))
      }
      let all = Set(graph.ordered.map(\.name))
      for name in moved {
        let space = StateSpace.model(name, in: nil)
        let transfer = StateTransfer(session, from: environment, to: nil, isCurrent: true)
        guard let state = try transfer.state(of: name, alike: all) else {
          throw PulsehouseError(.internal, "nothing is remembered of \(name) in the environment \(environment)")
        }
        try session.putState(space, key: ModelState.key, value: state.encode())
      }
      for name in ModelCatalog.managed(in: try session.currentSnapshot(), environment: nil) where !all.contains(name) {
        try session.remove(name.tableName)
        try session.removeState(.model(name, in: nil), key: ModelState.key)
        report.models.append((name, .removed))
      }
      report.seconds = MachineClock.seconds - start
      if report.models.isEmpty {
        session.rollback()
      } else {
        try record(&report, startedAt, base, session)
      }
    } catch {
      session.rollback()
      throw error
    }
    report.seconds = MachineClock.seconds - start
    return report
  }

  private static func requireUpToDate(_ project: Project, _ environment: Environment, _ session: Session) throws {
    let steps = try ModelRun.steps(project, in: SessionModelSession(session))
    guard let step = steps.first(where: { $0.action != .keep }) else { return }
    throw PulsehouseError(
      .user, "the environment \(environment) is outdated: \(step.model.name) would be \(step.action.text)",
      sqlState: "55000", detail: step.reason, hint: "Bring it up to date: pulsehouse run --env \(environment)")
  }

  private static func record(_ report: inout Report, _ startedAt: Int64, _ base: Snapshot, _ session: Session) throws {
    let number = (try RunRecord.all(in: session.currentSnapshot()).last?.number ?? 0) + 1
    let snapshot = try session.currentSnapshot()
    let record = RunRecord(
      number: number, outcome: .promoted, startedAt: startedAt, seconds: report.seconds, snapshotBefore: base.id,
      models: report.models.map { name, action in
        RunRecord.Model(
          name: name.tableName, kind: snapshot.view(name.tableName) != nil ? "VIEW" : "TABLE", action: action.rawValue,
          reason: action == .promoted ? "as in \(report.environment)" : "not in \(report.environment)", rowCount: nil,
          seconds: 0, auditSeconds: 0, audits: [])
      }, environment: report.environment)
    try session.putRun(record)
    try session.commit(message: "run \(number): \(report.environment) is promoted")
    report.number = number
  }
}
