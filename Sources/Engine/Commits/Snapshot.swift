import Bytes
import Metadata

/// The whole warehouse as it was after one commit, unchanging; or, made by `applying`, as a transaction in progress
/// sees it.
///
/// Whatever it names stays on disk for as long as this object lives, also against garbage collection in another
/// process. Any thread may use it. Tables load their segment lists when first asked.
package final class Snapshot: Sendable {
  package let id: SnapshotID
  /// When it was committed: microseconds since 1970-01-01 UTC.
  package let timestamp: Int64
  /// True when uncommitted changes are applied on top of `id`.
  package let isDraft: Bool
  let state: WarehouseState
  private let index: CatalogIndex
  private let pin: SnapshotPin

  init(
    id: SnapshotID, timestamp: Int64, isDraft: Bool, state: WarehouseState, index: CatalogIndex, pin: SnapshotPin
  ) {
    self.id = id
    self.timestamp = timestamp
    self.isDraft = isDraft
    self.state = state
    self.index = index
    self.pin = pin
  }

  /// Returns the table of this name; nil when there is none.
  package func table(_ name: TableName) -> TableState? { state.tables[name] }

  /// Returns the view of this name; nil when there is none.
  package func view(_ name: TableName) -> ViewState? { state.views[name] }

  /// All tables, by name.
  package var tables: [TableState] { state.tables.values.sorted { $0.name < $1.name } }

  /// All views, by name.
  package var views: [ViewState] { state.views.values.sorted { $0.name < $1.name } }

  /// All schemas' names, in order.
  package var schemas: [String] { state.schemas.keys.sorted() }

  /// All state spaces that were ever written to, in order.
  package var stateSpaces: [StateSpace] { state.spaces.keys.sorted { $0.description < $1.description } }

  /// Returns the commit that last changed a state space; nil when nothing was ever written to it. For a transaction in
  /// progress, whether it changed the space itself does not show.
  package func changedAt(of space: StateSpace) -> SnapshotID? { state.spaces[space]?.changedAt }

  /// Returns every entry of a state space; empty when it was never written to.
  ///
  /// - Throws: `.corrupt` unless the entries are exactly those that were committed.
  package func entries(of space: StateSpace) throws(PulsehouseError) -> [String: [UInt8]] {
    let pending = state.pendingEntries[space]
    var entries: [String: [UInt8]] = [:]
    if let known = state.spaces[space], pending?.isCleared != true, known.summary != .empty {
      let items = try index.reading { catalog throws(PulsehouseError) in
        try catalog.items(of: known.identifier.rawValue, at: id.number, summary: known.summary)
      }
      entries.reserveCapacity(items.count)
      for item in items { entries[item.key] = item.value }
    }
    for (key, value) in pending?.entries ?? [:] { entries[key] = value }
    return entries
  }

  /// Returns one entry of a state space; nil when there is none. Faster than `entries` when there are many.
  package func entry(of space: StateSpace, key: String) throws(PulsehouseError) -> [UInt8]? {
    if let pending = state.pendingEntries[space] {
      if let value = pending.entries[key] { return value }
      if pending.isCleared { return nil }
    }
    guard let known = state.spaces[space] else { return nil }
    return try index.reading { catalog throws(PulsehouseError) in
      try catalog.item(of: known.identifier.rawValue, key: key, at: id.number)
    }
  }

  /// Returns what this snapshot would be after `changes`: what a transaction sees of itself. Nothing is written.
  ///
  /// - Throws: `.user` when a change cannot be: a name is taken, or missing.
  package func applying(_ changes: [Change]) throws(PulsehouseError) -> Snapshot {
    var editor = StateEditor(state, number: SnapshotID(id.number + 1))
    for change in changes { try editor.apply(change) }
    return Snapshot(id: id, timestamp: timestamp, isDraft: true, state: editor.state, index: index, pin: pin)
  }
}

/// Keeps garbage collection from what a snapshot names, until released.
final class SnapshotPin: Sendable {
  private let mark: SessionMark
  private let number: UInt64

  /// Marks `number` as read; whether it is still there is for the caller to check afterwards.
  init(_ mark: SessionMark, _ number: UInt64) throws(PulsehouseError) {
    self.mark = mark
    self.number = number
    try mark.pin(number)
  }

  deinit { mark.unpin(number) }
}
