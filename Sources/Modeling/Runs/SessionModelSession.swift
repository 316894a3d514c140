import Bytes
import Engine
import Vectors

/// A warehouse's session as a run sees it.
package final class SessionModelSession: ModelSession {
  private let session: Session

  /// More changed intervals than this are as good as all of them.
  private static let bucketLimit = 20_000

  package init(_ session: Session) { self.session = session }

  package var readRowCount: Int { session.readRowCount }

  package var environment: Environment? { session.settings.environment }

  package func refreshEnvironment(_ graph: ModelGraph) throws -> Bool {
    guard let environment else { return false }
    return try EnvironmentRefresh(environment, session).run(graph).isChanged
  }

  /// The name under which a table that a model calls `name` lies.
  private func resolved(_ name: RelationName) throws -> TableName {
    try session.currentSnapshot().resolve(name.tableName, in: environment)
  }

  /// What a model calls a table.
  private func plain(_ name: TableName) -> RelationName { RelationName(environment?.plain(name) ?? name) }

  private func space(_ model: RelationName) -> StateSpace { .model(model, in: environment) }

  package func begin() throws { try session.begin() }
  package func commit(message: String) throws { try session.commit(message: message) }
  package func rollback() { session.rollback() }

  package func restart(keeping names: [RelationName]) throws {
    try session.restart(keeping: try names.map { try resolved($0) })
  }

  package func branch(memoryShare: Int) throws -> any ModelSession {
    let branch = try session.branch()
    branch.settings.memoryLimit /= max(1, memoryShare)
    return SessionModelSession(branch)
  }

  package func adopt(_ branch: any ModelSession) throws { try session.adopt(try Self.session(branch)) }

  package func discard(_ branch: any ModelSession, keeping names: [RelationName]) throws {
    let branch = try Self.session(branch)
    try session.discard(
      branch, keeping: try names.map { try branch.currentSnapshot().resolve($0.tableName, in: environment) })
  }

  private static func session(_ branch: any ModelSession) throws -> Session {
    guard let branch = branch as? SessionModelSession else {
      throw PulsehouseError(.internal, "a branch of another kind of session")
    }
    return branch.session
  }

  package func mergeSmallSegments(of name: RelationName) throws {
    try session.mergeSmallSegments(of: try resolved(name))
  }

  package var isStopped: Bool { session.canceller.isStopped }

  package func execute(_ sql: String) throws -> Int? {
    let sink = DiscardingSink()
    session.replacesBelowViews = true
    defer { session.replacesBelowViews = false }
    try session.run(sql, into: sink)
    return sink.outcome?.rowCount
  }

  package func query(_ sql: String) throws -> QueryAnswer {
    let sink = CollectingSink()
    // In a branch, so that a question that cannot be asked does not end the transaction.
    let asked = session.isInTransaction ? try session.branch() : session
    try asked.run(sql, into: sink)
    return QueryAnswer(columns: sink.columns, rows: sink.rows)
  }

  package func relationKind(_ name: RelationName) throws -> RelationKind? {
    let snapshot = try session.currentSnapshot()
    let name = try resolved(name)
    if snapshot.table(name) != nil { return .table }
    return snapshot.view(name) != nil ? .view : nil
  }

  package func baseSnapshot() throws -> UInt64 { try session.currentSnapshot().id.number }

  package func relationVersion(_ name: RelationName) throws -> RelationVersion? {
    try session.currentSnapshot().version(of: resolved(name))
  }

  package func reads(of sql: String) throws -> ModelReads {
    let reads = try session.reads(of: sql)
    return ModelReads(
      scans: reads.tables.map { read in
        ModelReads.Scan(
          table: plain(read.table),
          conditions: read.conditions.map {
            ModelReads.Condition(
              column: $0.column, name: $0.field.name, type: $0.field.type, predicate: $0.predicate)
          })
      }, views: Set(reads.views.map { plain($0) }))
  }

  package func estimate(_ reads: ModelReads) throws -> ReadEstimate {
    var sum = ReadEstimate()
    for scan in reads.scans {
      let bounds = Dictionary(grouping: scan.conditions, by: \.column).mapValues { conditions in
        let bounds = PredicateBounds(conditions.map(\.predicate))
        return (bounds.lower, bounds.upper)
      }
      let part = try session.estimate(of: resolved(scan.table), within: bounds)
      sum.rowCount += part.rowCount
      sum.byteCount += part.byteCount
    }
    return sum
  }

  package func changes(
    of name: RelationName, since version: RelationVersion, column: Int, origin: Int64, width: Int64
  ) throws -> ChangedBuckets {
    guard
      let changes = try session.changes(
        of: resolved(name), identifier: TableIdentifier(rawValue: version.identifier),
        since: SnapshotID(version.changedAt)),
      let buckets = try session.buckets(
        of: changes, column: column, origin: origin, width: width, limit: Self.bucketLimit)
    else { return .any }
    return .some(buckets)
  }

  package func hasChanged(_ name: RelationName, since version: RelationVersion) throws -> Bool {
    let snapshot = try session.currentSnapshot()
    if let view = snapshot.view(try resolved(name)) {
      return view.contentIdentifier != version.identifier
    }
    let changes = try session.changes(
      of: resolved(name), identifier: TableIdentifier(rawValue: version.identifier),
      since: SnapshotID(version.changedAt))
    return try changes.map { try !session.cancelOut($0) } ?? true
  }

  package func bounds(of name: RelationName, column: Int) throws -> ClosedRange<Int64>? {
    try session.bounds(of: resolved(name), column: column)
  }

  package func haveEqualRows(_ first: RelationName, _ second: RelationName) throws -> Bool {
    try session.haveEqualRows(resolved(first), resolved(second))
  }

  package func modelState(_ name: RelationName) throws -> (bytes: [UInt8], writtenAt: UInt64)? {
    guard let state = try session.state(of: space(name)), let bytes = state.entries[ModelState.key] else {
      return nil
    }
    return (bytes, state.changedAt.number)
  }

  package func putModelState(_ name: RelationName, _ bytes: [UInt8]) throws {
    try session.putState(space(name), key: ModelState.key, value: bytes)
  }

  // MARK: Unfinished runs

  package func committedVersion(_ name: RelationName) throws -> RelationVersion? {
    let base = try session.transaction?.base ?? session.currentSnapshot()
    return base.version(of: base.resolve(name.tableName, in: environment))
  }

  package func unfinished() throws -> [RelationName: UnfinishedModel] {
    try UnfinishedModel.all(in: session.currentSnapshot(), environment)
  }

  package func setAside(_ models: [(table: RelationName, model: UnfinishedModel)]) throws {
    try session.setAside(
      models.map { (try resolved($0.table), UnfinishedModel.aside($0.model.name, in: environment)) },
      entries: models.map { ($0.model.name.description, $0.model.encode()) }, in: .unfinished(environment),
      message: "unfinished: \(models.map(\.model.name.description).joined(separator: ", "))")
  }

  package func takeBack(_ model: UnfinishedModel) throws {
    let own = environment?.own(model.name.tableName) ?? model.name.tableName
    try session.takeBack(
      UnfinishedModel.aside(model.name, in: environment), as: own, TableIdentifier(rawValue: model.identifier))
  }

  package func isAsSetAside(_ name: RelationName) throws -> Bool {
    let snapshot = try session.currentSnapshot()
    guard let table = snapshot.table(try resolved(name)) else { return true }
    guard let aside = snapshot.table(UnfinishedModel.aside(name, in: environment)) else { return false }
    return try table.isSame(as: aside)
  }

  package func forgetUnfinished(_ done: Set<RelationName>) throws {
    try UnfinishedModel.forget(
      done, in: session.warehouse, environment, now: MachineClock.microsecondsSince1970)
  }

  package func schemaExists(_ name: String) throws -> Bool {
    try session.currentSnapshot().schemas.contains(environment?.schema(name) ?? name)
  }

  package func nextRunNumber() throws -> Int {
    (try RunRecord.all(in: session.currentSnapshot()).last?.number ?? 0) + 1
  }

  package func putRun(_ record: RunRecord) throws {
    try session.putRun(record)
  }
}

extension Snapshot {
  /// Which table or view a name stands for, and when it last changed; nil for nothing.
  func version(of name: TableName) -> RelationVersion? {
    if let table = table(name) {
      return RelationVersion(identifier: table.identifier.rawValue, changedAt: table.changedAt.number)
    }
    return view(name).map { RelationVersion(identifier: $0.contentIdentifier, changedAt: $0.changedAt.number) }
  }
}

extension ViewState {
  /// A view is what it says: one made anew with the same words and columns is the same.
  fileprivate var contentIdentifier: UInt64 {
    let columns = definition.columns.map { "\($0.name) \($0.type.name)" }.joined(separator: ", ")
    return ContentHash(of: Array((definition.sql + "\0" + columns).utf8)).low
  }
}

extension StateSpace {
  /// What is known of a model, in production or in an environment.
  package static func model(_ name: RelationName, in environment: Environment?) -> StateSpace {
    .model(RelationName(environment?.own(name.tableName) ?? name.tableName).description)
  }
}

extension RelationName {
  package init(_ name: TableName) { self.init(name.schema, name.name) }

  package var tableName: TableName { TableName(schema, name) }
}
