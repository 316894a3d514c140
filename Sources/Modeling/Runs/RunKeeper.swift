import Bytes
import Engine

/// Sets aside what a run has finished, now and then, so that a run that is killed leaves it to the next.
///
/// One thread at a time: whoever uses it holds the crew's lock.
struct RunKeeper {
  private let seconds: Double
  private let restatement: Restatement
  private let execution: Int64
  private var savedAt = MachineClock.seconds
  private var finished: [ModelReport] = []

  /// - Parameter seconds: of work that may be lost.
  init(every seconds: Double, _ restatement: Restatement, execution: Int64) {
    self.seconds = seconds
    self.restatement = restatement
    self.execution = execution
  }

  var isDue: Bool { MachineClock.seconds - savedAt >= seconds }

  /// Takes down a model that is done; its rows are in the session's open transaction.
  mutating func finish(_ report: ModelReport, in session: any ModelSession) {
    if report.isChanged { finished.append(report) }
    if isDue { save(in: session) }
  }

  /// Sets aside what is finished. What cannot be is built once more after a kill, no worse than if it had not been tried.
  mutating func save(in session: any ModelSession) {
    savedAt = MachineClock.seconds
    let models = finished.compactMap { report in
      (try? model(report, session)).map { (table: report.name, model: $0) }
    }
    guard !models.isEmpty, (try? session.setAside(models)) != nil else { return }
    finished = []
  }

  /// Sets aside the intervals of a model that are done, which lie in `table`.
  mutating func save(
    _ name: RelationName, in table: RelationName, _ state: ModelState, of branch: any ModelSession
  ) {
    savedAt = MachineClock.seconds
    guard let model = try? model(name, madeAs: table, state, [], branch) else { return }
    try? branch.setAside([(table, model)])
  }

  private func model(_ report: ModelReport, _ session: any ModelSession) throws -> UnfinishedModel? {
    guard let bytes = try session.modelState(report.name)?.bytes else { return nil }
    let state = try ModelState.decode(bytes, of: report.name)
    return try model(report.name, madeAs: report.name, state, [report.record], session)
  }

  private func model(
    _ name: RelationName, madeAs table: RelationName, _ state: ModelState, _ records: [RunRecord.Model],
    _ session: any ModelSession
  ) throws -> UnfinishedModel? {
    // A view is made in no time.
    guard try session.relationKind(table) == .table, let made = try session.relationVersion(table) else { return nil }
    return UnfinishedModel(
      name: name, identifier: made.identifier, before: try session.committedVersion(name),
      request: restatement.request(for: name), savedAt: MachineClock.microsecondsSince1970, state: state,
      record: RunRecord(
        number: 0, outcome: .failed, startedAt: execution, seconds: 0, snapshotBefore: SnapshotID(0), models: records))
  }
}
