import Bytes
import Engine

/// Which snapshots stay readable; what only older ones name is removed from the disk.
///
/// Kept are those younger than `seconds`, the newest `count`, the one that the last published run can be undone to, and
/// those up to which models, and what an unfinished run left, have read their tables: without these a model's next build
/// could not see what changed, and would have to build everything. The last two count for 35 days, so that what nobody runs
/// any more keeps no garbage. What live readers read is kept by the engine besides.
package struct Retention: Hashable, Sendable {
  package var seconds: Int64 = 86_400
  package var count = 100

  /// Seconds between collections, for who stays: garbage is at most a tenth older than it has to be.
  package var collectionSeconds: Double { min(600, max(1, Double(seconds) / 10)) }

  private static let mostSeconds: Int64 = 35 * 86_400

  package init() {}

  /// Reads `90s`, `15m`, `2h`, `1d`, `2w`, or SQLMesh's `in 1 week`, `30 days`.
  ///
  /// - Throws: `.user` for anything else.
  package static func seconds(_ text: String) throws(PulsehouseError) -> Int64 {
    if let known = Freshness.read(text) { return known.seconds }
    var words = text.lowercased().split(separator: " ").map(String.init)
    if words.first == "in" { words.removeFirst() }
    let units = ["second": "s", "minute": "m", "hour": "h", "day": "d", "week": "w"]
    if words.count == 2 {
      let unit = words[1].hasSuffix("s") ? String(words[1].dropLast()) : words[1]
      if let letter = units[unit], let known = Freshness.read(words[0] + letter) { return known.seconds }
    }
    throw PulsehouseError(
      .user, "\"\(text)\" does not say how long snapshots are kept", sqlState: "22023",
      hint: "Write '90s', '15m', '2h', '1d', '2w' or 'in 1 week'.")
  }

  /// Removes what the rule keeps no longer.
  ///
  /// - Parameter now: microseconds since 1970 UTC.
  package func collect(_ warehouse: Warehouse, _ project: Project, now: Int64) throws -> CollectionReport {
    for environment in try EnvironmentRecord.all(in: warehouse.snapshot()).map(\.environment) as [Environment?] + [nil]
    {
      try UnfinishedModel.forget([], in: warehouse, environment, now: now)
    }
    let models = (project.models + project.standaloneAudits).map(\.name)
    return try warehouse.store.collect(
      before: oldest(in: try warehouse.snapshot(), try warehouse.store.history(), models, now))
  }

  /// - Parameter history: newest first.
  func oldest(in snapshot: Snapshot, _ history: [CommitSummary], _ models: [RelationName], _ now: Int64) throws
    -> SnapshotID
  {
    func stood(_ seconds: Int64) -> SnapshotID? {
      history.first { $0.timestamp <= now - seconds * 1_000_000 }?.id ?? history.last?.id
    }
    guard var oldest = stood(seconds), let limit = stood(Self.mostSeconds) else { return snapshot.id }
    oldest = min(oldest, history[min(count, history.count) - 1].id)
    var wanted: [SnapshotID] = []
    if let run = try RunRecord.all(in: snapshot).last(where: \.hasPublished) { wanted.append(run.snapshotBefore) }
    let environments = try EnvironmentRecord.all(in: snapshot).map(\.environment) as [Environment?] + [nil]
    for environment in environments {
      for model in try UnfinishedModel.all(in: snapshot, environment).values {
        wanted += model.state.reads.values.compactMap { $0.snapshot.map(SnapshotID.init) }
      }
      for model in models {
        let space = StateSpace.model(model, in: environment)
        guard let bytes = try snapshot.entry(of: space, key: ModelState.key),
          let writtenAt = snapshot.changedAt(of: space)
        else { continue }
        wanted += try ModelState.decode(bytes, of: model).reads.values.map {
          $0.snapshot.map(SnapshotID.init) ?? writtenAt
        }
      }
    }
    for snapshot in wanted { oldest = min(oldest, max(snapshot, limit)) }
    return oldest
  }
}
