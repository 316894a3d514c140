import Bytes
import Vectors

/// Changes on their way into one commit, on top of one snapshot. One thread at a time.
///
/// What was changed is seen by `snapshot` at once, and by others when `commit` returns; conflicts with what others
/// committed meanwhile are found then.
package final class Transaction {
  /// The snapshot with this transaction's own changes applied.
  package private(set) var snapshot: Snapshot
  /// The snapshot this transaction began on.
  package let base: Snapshot
  private let warehouse: Warehouse
  private var changes: [Change] = []
  private var segmentPaths: [String] = []
  /// The changes that were there when this became a branch of another transaction.
  private let inheritedCount: Int

  init(_ snapshot: Snapshot, in warehouse: Warehouse) {
    self.snapshot = snapshot
    base = snapshot
    self.warehouse = warehouse
    inheritedCount = 0
  }

  private init(branchOf other: Transaction) {
    snapshot = other.snapshot
    base = other.base
    warehouse = other.warehouse
    changes = other.changes
    inheritedCount = changes.count
  }

  package var isEmpty: Bool { changes.isEmpty }

  /// Adds a change. - Throws: `.user` when it cannot be: a name is taken, or missing. The transaction stays as it was.
  package func apply(_ change: Change) throws(PulsehouseError) { try apply([change]) }

  /// Adds several changes, all or none.
  package func apply(_ more: [Change]) throws(PulsehouseError) {
    snapshot = try snapshot.applying(more)
    changes += more
  }

  /// Returns a transaction that begins with what this one did so far and goes its own way, to be adopted or rolled back.
  func branch() -> Transaction { Transaction(branchOf: self) }

  /// Does what a branch of this transaction did since it was made, and owns its files from then on.
  func adopt(_ branch: Transaction) throws(PulsehouseError) {
    try apply(Array(branch.changes[branch.inheritedCount...]))
    segmentPaths += branch.segmentPaths
  }

  /// Takes over files that another transaction wrote.
  func own(_ paths: Set<String>) { segmentPaths += paths }

  /// Leaves files to others who have committed them meanwhile: they stay when this transaction is rolled back.
  func release(_ paths: Set<String>) { segmentPaths.removeAll { paths.contains($0) } }

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
    // What was only read must not hold anybody up.
    let isIdle = changes.allSatisfy { if case .requireUnchanged = $0 { true } else { false } }
    return try warehouse.store.commit(isIdle ? [] : changes, basedOn: base, message: message)
  }

  /// Forgets the changes and removes the files written for them, but for those that `kept` names.
  package func rollback(keeping kept: Set<String> = []) {
    warehouse.store.discardSegments(segmentPaths.filter { !kept.contains($0) })
    changes = []
    segmentPaths = []
    snapshot = base
  }
}
