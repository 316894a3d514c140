import Bytes
import Metadata
import Synchronization

/// A table's segments in a snapshot, loaded from the catalog when first asked for and kept.
final class Manifest: Sendable {
  private enum Source: Sendable {
    /// In the catalog, as of a commit, and checked against the sum that the commit carries.
    case stored(CatalogIndex, owner: TableIdentifier, at: SnapshotID, ItemSummary)
    /// As a transaction in progress sees it: `base` without `removed` and with `added`. `base` is never itself edited.
    case edited(base: Manifest?, removed: Set<String>, added: [SegmentDescriptor])
  }

  private let source: Source
  private let loaded = Mutex<[SegmentDescriptor]?>(nil)

  private init(_ source: Source) { self.source = source }

  convenience init(_ index: CatalogIndex, owner: TableIdentifier, at snapshot: SnapshotID, _ summary: ItemSummary) {
    self.init(.stored(index, owner: owner, at: snapshot, summary))
  }

  /// No segments at all.
  static var empty: Manifest { Manifest(.edited(base: nil, removed: [], added: [])) }

  /// Returns the segments in order of their paths, those of a transaction in progress last.
  func segments() throws(PulsehouseError) -> [SegmentDescriptor] {
    if let known = loaded.withLock({ $0 }) { return known }
    let segments = try load()
    loaded.withLock { $0 = segments }
    return segments
  }

  /// Returns what the segments are after some went and others came.
  func editing(removing: [SegmentDescriptor], adding: [SegmentDescriptor]) -> Manifest {
    switch source {
    case .stored:
      return Manifest(.edited(base: self, removed: Set(removing.map(\.path)), added: adding))
    case .edited(let base, var removed, var added):
      if !removing.isEmpty {
        let gone = Set(removing.map(\.path))
        removed.formUnion(gone)
        added.removeAll { gone.contains($0.path) }
      }
      added.append(contentsOf: adding)
      return Manifest(.edited(base: base, removed: removed, added: added))
    }
  }

  private func load() throws(PulsehouseError) -> [SegmentDescriptor] {
    switch source {
    case .stored(let index, let owner, let snapshot, let summary):
      if summary.count == 0 && summary.hash == .zero { return [] }
      let items = try index.reading { catalog throws(PulsehouseError) in
        try catalog.items(of: owner.rawValue, at: snapshot.number, summary: summary)
      }
      var segments: [SegmentDescriptor] = []
      segments.reserveCapacity(items.count)
      for item in items { segments.append(try SegmentDescriptor(path: item.key, decoding: item.value)) }
      return segments
    case .edited(let base, let removed, let added):
      guard let base else { return added }
      return try base.segments().filter { !removed.contains($0.path) } + added
    }
  }
}
