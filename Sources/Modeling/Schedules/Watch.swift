import Bytes

/// What a watch does to the world; the floor above provides it, and tests a world of their own.
package protocol WatchWork: AnyObject {
  /// Something that differs whenever a file of the project does.
  func projectMark() throws -> UInt64
  /// Reads the project's models.
  func models() throws -> [WatchedModel]
  /// Looks at every source and returns those that have something new, with those that could not be looked at.
  func look() -> [SourceSight]
  /// Brings one source's news into bronze. Returns in words what came, nil for nothing.
  func ingest(_ source: String) throws -> String?
  /// Builds what is outdated of these models.
  func build(_ models: [RelationName]) throws -> WatchBuild
  /// When the rows of these tables last changed, microseconds since 1970 UTC; those that are not there are left out.
  func changeTimes(_ models: [RelationName]) throws -> [RelationName: Int64]
  /// Binds the project's models to what they read, as far as that can be done without building anything.
  func check() throws
  /// Removes what nobody can look back to any more. Returns in words what went, nil for nothing.
  func collect() throws -> String?
  func tell(_ event: WatchEvent)
}

package struct WatchedModel: Hashable, Sendable {
  package var name: RelationName
  package var cron: CronSchedule
  package var freshness: Freshness?
  /// Differs when what would be built does.
  package var definition: String

  package init(name: RelationName, cron: CronSchedule, freshness: Freshness?, definition: String = "") {
    self.name = name
    self.cron = cron
    self.freshness = freshness
    self.definition = definition
  }
}

package struct SourceSight: Sendable {
  package var source: String
  package var hasNews: Bool
  /// Why it could not be looked at.
  package var error: PulsehouseError?

  package init(source: String, hasNews: Bool, error: PulsehouseError? = nil) {
    self.source = source
    self.hasNews = hasNews
    self.error = error
  }
}

package struct WatchBuild: Sendable {
  /// What was done, in words; nil when all was up to date.
  package var summary: String?
  /// What kept it from being published.
  package var error: PulsehouseError?

  package init(summary: String?, error: PulsehouseError? = nil) {
    self.summary = summary
    self.error = error
  }
}

/// What a watch has to say.
package enum WatchEvent: Sendable {
  case began(models: Int, sources: Int)
  case ingested(source: String, String)
  case built(String)
  /// A file of the project is another, and what it says will be built at this time, microseconds since 1970 UTC.
  case changed(RelationName, builtAt: Int64)
  /// The project has no such model any more; its table stays.
  case removed(RelationName)
  case collected(String)
  /// `retryAt` is microseconds since 1970 UTC; nil where nothing changes before the next turn of a schedule or a file.
  case failed(what: String, PulsehouseError, retryAt: Int64?)
  case recovered(what: String)
  case stale(RelationName, seconds: Int64, limit: Int64)
  case freshAgain(RelationName)
  case ended
}

/// Keeps a warehouse up to date for as long as the clock goes on: takes in what is new in the sources, and at each turn
/// of a model's schedule builds what is outdated of it.
///
/// At its start every model is due, so a turn that nobody watched is made up for. What may pass (another process wrote
/// first, a broker or disk does not answer) is tried again later and later; what will not (SQL that is wrong, an audit
/// that fails) waits for the next turn, or for a file of the project to change. What a changed file says is told at once
/// and built at its model's next turn, as everything of that model is; new models, and mended ones, are due at once.
package final class Watch {
  private let work: any WatchWork
  private let clock: any WatchClock
  private let pollMicroseconds: Int64
  private let collectionMicroseconds: Int64

  private var nextCollection: Int64
  private var mark: UInt64?
  private var models: [WatchedModel] = []
  /// Seconds since 1970 UTC of each model's next turn.
  private var due: [RelationName: Int64] = [:]
  /// Models whose last build failed, for good as far as it is known.
  private var broken: Set<RelationName> = []
  private var buildBackOff = BackOff()
  private var sourceBackOff: [String: BackOff] = [:]
  private var stale: Set<RelationName> = []
  /// What was told of and has not recovered, with the words told.
  private var troubles: [String: String] = [:]

  /// - Parameter collectionSeconds: how long at least from one collection of garbage to the next.
  package init(_ work: any WatchWork, clock: any WatchClock, pollSeconds: Double, collectionSeconds: Double = 600) {
    self.work = work
    self.clock = clock
    pollMicroseconds = max(50_000, Int64(pollSeconds * 1e6))
    collectionMicroseconds = Int64(collectionSeconds * 1e6)
    nextCollection = clock.now + collectionMicroseconds
  }

  /// Goes on until the clock stops, or a call of the work ends with `.cancelled`.
  package func run() {
    repeat {
      do {
        try turn()
      } catch {
        break
      }
    } while clock.wait(until: nextLook())
    work.tell(.ended)
  }

  /// The end of the watch from within a turn.
  private struct Stopped: Error {}

  private func turn() throws(Stopped) {
    try readProject()
    try takeNews()
    try buildDue()
    try lookAtAges()
    try collect()
  }

  /// When there may be something to do: at the next poll, or at a model's turn before it.
  private func nextLook() -> Int64 {
    let now = clock.now
    let turns = due.values.map { $0 * 1_000_000 }.filter { $0 > now }
    return min(now + pollMicroseconds, turns.min() ?? .max)
  }

  // MARK: The project

  private func readProject() throws(Stopped) {
    guard let mark = try attempt("the project", { try work.projectMark() }) else { return }
    // What did not parse may have gone again.
    guard mark != self.mark else { return recover("the project") }
    guard let read = try attempt("the project", { try work.models() }) else { return }
    let isFirst = self.mark == nil
    self.mark = mark
    let known = models
    models = read
    recover("the project")
    let now = clock.now / 1_000_000
    var next: [RelationName: Int64] = [:]
    for model in models {
      // New ones are due at once, and those whose SQL may have been mended.
      let turn = broken.contains(model.name) ? nil : due[model.name]
      next[model.name] = turn.map { min($0, model.cron.next(after: now) ?? $0) } ?? now
    }
    due = next
    broken = []
    if isFirst {
      work.tell(.began(models: models.count, sources: work.look().count))
    } else {
      tellOfChanges(since: known)
    }
    if try attempt("the models' SQL", { try work.check() }) != nil { recover("the models' SQL") }
  }

  private func tellOfChanges(since known: [WatchedModel]) {
    let before = Dictionary(known.map { ($0.name, $0.definition) }, uniquingKeysWith: { first, _ in first })
    for model in models {
      guard let definition = before[model.name], definition != model.definition, let turn = due[model.name] else {
        continue
      }
      work.tell(.changed(model.name, builtAt: turn * 1_000_000))
    }
    let now = Set(models.map(\.name))
    for model in known where !now.contains(model.name) { work.tell(.removed(model.name)) }
  }

  // MARK: Sources

  private func takeNews() throws(Stopped) {
    for sight in work.look() {
      let what = "source \(sight.source)"
      if let backOff = sourceBackOff[sight.source], clock.now < backOff.notBefore { continue }
      if let error = sight.error {
        try fail(what, error, source: sight.source)
        continue
      }
      if !sight.hasNews {
        if sourceBackOff.removeValue(forKey: sight.source) != nil { recover(what) }
        continue
      }
      do {
        if let words = try work.ingest(sight.source) { work.tell(.ingested(source: sight.source, words)) }
        sourceBackOff[sight.source] = nil
        recover(what)
      } catch {
        try fail(what, Self.error(error), source: sight.source)
      }
    }
  }

  private func fail(_ what: String, _ error: PulsehouseError, source: String) throws(Stopped) {
    if error.kind == .cancelled { throw Stopped() }
    var backOff = sourceBackOff[source] ?? BackOff()
    backOff.fail(at: clock.now)
    sourceBackOff[source] = backOff
    tell(what, error, retryAt: backOff.notBefore)
  }

  // MARK: Models

  private func buildDue() throws(Stopped) {
    let now = clock.now
    guard now >= buildBackOff.notBefore else { return }
    let names = models.map(\.name).filter { (due[$0] ?? .max) <= now / 1_000_000 }
    guard !names.isEmpty else { return }
    var failure: PulsehouseError?
    do {
      let built = try work.build(names)
      if let summary = built.summary { work.tell(.built(summary)) }
      failure = built.error
    } catch {
      failure = Self.error(error)
    }
    if let failure {
      if failure.kind == .cancelled { throw Stopped() }
      if Self.mayPass(failure) {
        buildBackOff.fail(at: clock.now)
        tell("models", failure, retryAt: buildBackOff.notBefore)
        return
      }
      broken.formUnion(names)
      tell("models", failure, retryAt: nil)
    } else {
      broken.subtract(names)
      recover("models")
    }
    buildBackOff.succeed()
    let later = clock.now / 1_000_000
    for model in models where names.contains(model.name) { due[model.name] = model.cron.next(after: later) }
  }

  // MARK: Ages

  private func lookAtAges() throws(Stopped) {
    let limited = models.filter { $0.freshness != nil }
    guard !limited.isEmpty else { return }
    guard let times = try attempt("the ages of tables", { try work.changeTimes(limited.map(\.name)) }) else { return }
    recover("the ages of tables")
    for model in limited {
      guard let limit = model.freshness?.seconds, let time = times[model.name] else { continue }
      let age = (clock.now - time) / 1_000_000
      if age > limit {
        if stale.insert(model.name).inserted { work.tell(.stale(model.name, seconds: age, limit: limit)) }
      } else if stale.remove(model.name) != nil {
        work.tell(.freshAgain(model.name))
      }
    }
  }

  // MARK: Garbage

  private func collect() throws(Stopped) {
    guard clock.now >= nextCollection else { return }
    if let words = try attempt("garbage collection", { try work.collect() }) {
      recover("garbage collection")
      if let words { work.tell(.collected(words)) }
    }
    nextCollection = clock.now + collectionMicroseconds
  }

  // MARK: Errors

  /// What goes away by itself.
  static func mayPass(_ error: PulsehouseError) -> Bool { error.kind == .conflict || error.kind == .io }

  private func attempt<R>(_ what: String, _ body: () throws -> R) throws(Stopped) -> R? {
    do {
      return try body()
    } catch {
      let error = Self.error(error)
      if error.kind == .cancelled { throw Stopped() }
      tell(what, error, retryAt: nil)
      return nil
    }
  }

  /// Tells of a trouble once, and again when it becomes another one or is tried again after a while.
  private func tell(_ what: String, _ error: PulsehouseError, retryAt: Int64?) {
    let isKnown = troubles.updateValue(error.description, forKey: what) == error.description
    if !isKnown { work.tell(.failed(what: what, error, retryAt: retryAt)) }
  }

  private func recover(_ what: String) {
    if troubles.removeValue(forKey: what) != nil { work.tell(.recovered(what: what)) }
  }

  private static func error(_ error: any Error) -> PulsehouseError {
    error as? PulsehouseError ?? PulsehouseError(.internal, "\(error)")
  }
}
