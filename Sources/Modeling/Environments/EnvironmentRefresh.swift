import Bytes
import Engine
import Execution

/// Lets an environment begin from production: for every model of the project that says the same in both, and reads the
/// same, the environment's table becomes production's by naming its segments again. Other models are left to be built,
/// and so are those that the environment has built from newer rows than production.
///
/// A model that the environment does not have yet comes from production in any case, so that only what its SQL or its
/// upstream changed has to be built anew. All in the session's open transaction.
struct EnvironmentRefresh {
  struct Outcome {
    var isChanged = false
    /// Models whose tables are production's.
    var shared: Set<RelationName> = []
    /// Models whose tables were pointed at other rows.
    fileprivate var moved: Set<RelationName> = []
  }

  private let environment: Environment
  private let session: Session

  init(_ environment: Environment, _ session: Session) {
    self.environment = environment
    self.session = session
  }

  /// - Throws: `.user` 42P06 when schemas that would be the environment's are somebody's already.
  func run(_ graph: ModelGraph) throws -> Outcome {
    var outcome = Outcome()
    let models = graph.ordered.filter(\.kind.makesRelation)
    let record = try putRecord(Set(models.map(\.name.tableName)), &outcome)
    let known = Set(models.map(\.name))
    for model in models {
      let reads = model.upstream.intersection(known)
      if reads.isSubset(of: outcome.shared), try isSameInProduction(model), try !isAhead(model) {
        outcome.shared.insert(model.name)
      } else if try hasOwn(model.name) {
        continue
      }
      try take(model, outcome.shared, &outcome)
    }
    for name in record.models.map({ RelationName($0) }).sorted() where !known.contains(name) {
      try remove(name)
      outcome.isChanged = true
    }
    return outcome
  }

  /// Notes which models the environment has; returns what was noted before.
  private func putRecord(_ models: Set<TableName>, _ outcome: inout Outcome) throws -> EnvironmentRecord {
    let snapshot = try session.currentSnapshot()
    let known = try EnvironmentRecord.find(environment, in: snapshot)
    if known == nil, let taken = snapshot.schemas.first(where: { environment.owns(schema: $0) }) {
      throw PulsehouseError(
        .user, "the schema \(taken) is there already, and would be one of the environment \(environment)",
        sqlState: "42P06", hint: "Take another name for the environment.")
    }
    let before =
      known
      ?? EnvironmentRecord(environment: environment, createdAt: MachineClock.microsecondsSince1970, models: models)
    if known == nil || before.models != models {
      var record = before
      record.models = models
      try session.putState(.environments, key: environment.name, value: record.encode())
      outcome.isChanged = true
    }
    return before
  }

  private func hasOwn(_ name: RelationName) throws -> Bool {
    let snapshot = try session.currentSnapshot()
    let own = environment.own(name.tableName)
    return snapshot.table(own) != nil || snapshot.view(own) != nil
  }

  /// Production was last built from what the model says now.
  private func isSameInProduction(_ model: Model) throws -> Bool {
    let snapshot = try session.currentSnapshot()
    guard snapshot.table(model.name.tableName) != nil || snapshot.view(model.name.tableName) != nil,
      let bytes = try snapshot.entry(of: .model(model.name, in: nil), key: ModelState.key)
    else { return false }
    return try ModelState.decode(bytes, of: model.name).definition == model.definition()
  }

  /// The environment built the model as it is now after production did, and came to other rows.
  private func isAhead(_ model: Model) throws -> Bool {
    let snapshot = try session.currentSnapshot()
    guard let table = snapshot.table(model.name.tableName),
      let own = snapshot.table(environment.own(model.name.tableName)),
      let state = try ModelCatalog.state(of: model.name, in: environment, snapshot),
      try state.definition == model.definition(),
      let builtAt = snapshot.changedAt(of: .model(model.name, in: environment)),
      let productionAt = snapshot.changedAt(of: .model(model.name, in: nil)), builtAt > productionAt
    else { return false }
    return try !own.isSame(as: table)
  }

  /// Makes the environment's table production's, and what is remembered of it with it.
  private func take(_ model: Model, _ shared: Set<RelationName>, _ outcome: inout Outcome) throws {
    if try session.point(
      environment.own(model.name.tableName), at: model.name.tableName, readingIn: environment)
    {
      outcome.isChanged = true
      outcome.moved.insert(model.name)
    }
    let state = try StateTransfer(session, from: nil, to: environment).state(of: model.name, alike: shared)
    let space = StateSpace.model(model.name, in: environment)
    let old = try session.currentSnapshot().entry(of: space, key: ModelState.key)
    let new = state?.encode()
    // The same words speak of the commit they are written in, so they are written again when what was read moved.
    if old == new, model.upstream.isDisjoint(with: outcome.moved) { return }
    outcome.isChanged = true
    if let new {
      try session.putState(space, key: ModelState.key, value: new)
    } else {
      try session.removeState(space, key: ModelState.key)
    }
  }

  private func remove(_ name: RelationName) throws {
    try session.remove(environment.own(name.tableName))
    try session.removeState(.model(name, in: environment), key: ModelState.key)
  }
}

/// Translates what is remembered of a model from one environment's tables to another's of the same rows.
struct StateTransfer {
  private let session: Session
  private let source: Environment?
  private let destination: Environment?
  /// Whether the source is known to have read all there is.
  private let isCurrent: Bool

  init(_ session: Session, from source: Environment?, to destination: Environment?, isCurrent: Bool = false) {
    self.isCurrent = isCurrent
    self.session = session
    self.source = source
    self.destination = destination
  }

  /// Returns the state of a model in the source as one of the destination; nil when the source remembers nothing.
  ///
  /// - Parameter alike: models whose rows are the same in both when the open transaction commits. A mark on any other
  ///   model's table fits none of the destination's, so that whatever was read of it counts as new.
  func state(of name: RelationName, alike: Set<RelationName>) throws -> ModelState? {
    let snapshot = try session.currentSnapshot()
    let space = StateSpace.model(name, in: source)
    guard let bytes = try snapshot.entry(of: space, key: ModelState.key), let writtenAt = snapshot.changedAt(of: space)
    else { return nil }
    var state = try ModelState.decode(bytes, of: name)
    for (read, mark) in state.reads {
      var translated = mark
      // "The commit this was written in" must go on meaning that one.
      translated.snapshot = mark.snapshot ?? writtenAt.number
      let from = snapshot.table(source?.own(read.tableName) ?? read.tableName)
      if alike.contains(read), let from, from.identifier.rawValue == mark.identifier,
        isCurrent || from.changedAt.number <= (mark.snapshot ?? writtenAt.number),
        let to = snapshot.table(destination?.own(read.tableName) ?? read.tableName)
      {
        // All that is there when the commit is made has been read.
        translated = ModelState.ReadMark(identifier: to.identifier.rawValue, snapshot: nil)
      }
      state.reads[read] = translated
    }
    return state
  }
}
