import Bytes
import Vectors

/// Changes on their way into one commit, on top of one snapshot. One thread at a time.
///
/// What was changed is seen by `snapshot` at once, and by others when `commit` returns; conflicts with what others
/// committed meanwhile are found then.
package final class Transaction {
  /// The snapshot with this transaction's own changes applied.
  package private(set) var snapshot: Snapshot
  private let base: Snapshot
  private let warehouse: Warehouse
  private var changes: [Change] = []
  private var segmentPaths: [String] = []

  init(_ snapshot: Snapshot, in warehouse: Warehouse) {
    self.snapshot = snapshot
    base = snapshot
    self.warehouse = warehouse
  }

  package var isEmpty: Bool { changes.isEmpty }

  /// Adds a change. - Throws: `.user` when it cannot be: a name is taken, or missing. The transaction stays as it was.
  package func apply(_ change: Change) throws(PulsehouseError) { try apply([change]) }

  /// Adds several changes, all or none.
  package func apply(_ more: [Change]) throws(PulsehouseError) {
    snapshot = try base.applying(changes + more)
    changes += more
  }

  /// How far the transaction has come, to go back to.
  package struct Mark: Sendable {
    fileprivate var changeCount: Int
    fileprivate var pathCount: Int
  }

  package var mark: Mark { Mark(changeCount: changes.count, pathCount: segmentPaths.count) }

  /// Forgets what was done since `mark`, and removes the files written for it.
  package func rollback(to mark: Mark) throws(PulsehouseError) {
    let kept = Array(changes.prefix(mark.changeCount))
    snapshot = kept.isEmpty ? base : try base.applying(kept)
    changes = kept
    warehouse.store.discardSegments(Array(segmentPaths.dropFirst(mark.pathCount)))
    segmentPaths.removeSubrange(mark.pathCount...)
  }

  /// Returns a path, relative to the warehouse directory, for a new segment of `table`.
  package func newSegmentPath(_ table: TableState, partition: String?) throws(PulsehouseError) -> String {
    let path = try warehouse.store.newSegmentPath(table.name, table.identifier, partition: partition)
    segmentPaths.append(path)
    return path
  }

  /// Makes every change visible in one step. Use the transaction no more afterwards.
  ///
  /// - Throws: `.conflict` 40001 when others changed the same things; `.io`. Nothing has changed then.
  @discardableResult
  package func commit(message: String) throws(PulsehouseError) -> Snapshot {
    try warehouse.store.commit(changes, basedOn: base, message: message)
  }

  /// Forgets the changes and removes the files written for them, but for those that `kept` names.
  package func rollback(keeping kept: Set<String> = []) {
    warehouse.store.discardSegments(segmentPaths.filter { !kept.contains($0) })
    changes = []
    segmentPaths = []
    snapshot = base
  }
}
