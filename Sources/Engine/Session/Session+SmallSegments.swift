import Bytes
import Execution
import Segments
import Vectors

/// Keeps tables readable that grow by few rows at a time: when many small segments have come, they become one.
///
/// The newest small segments are merged as soon as there are sixteen and the largest has no more rows than the others
/// together. So a row is written again as often as its segment doubles, and there are some thirty small segments at most.
/// Rows that only come stay in the order they came.
extension Session {
  private static let segmentsToMerge = 16
  /// Segments with more rows than this are left alone.
  private static let largestToMerge = 65_536

  /// Merges small segments of a table that rows were just added to, as a commit of its own that changes no rows; when
  /// another writer is in the way it is left for next time. In an open transaction nothing is done.
  func mergeSmallSegments(of name: TableName, _ work: StatementWork) throws {
    if isInTransaction { return }
    try mergeSmallSegments(of: name)
  }

  /// Merges small segments of a table, in the open transaction or as a commit of its own. `stop` ends that too.
  package func mergeSmallSegments(of name: TableName, stop: Cancellation = Cancellation()) throws {
    let cancellation = canceller.start()
    defer { canceller.end(cancellation) }
    do {
      try inTransaction("compact \(name)") { try mergeSmallSegments(of: name, $0, [cancellation, stop]) }
    } catch let error as PulsehouseError where error.kind == .conflict && !isInTransaction {
      // Somebody else changed the table; whoever adds rows next tries again.
    }
  }

  private func mergeSmallSegments(of name: TableName, _ transaction: Transaction, _ stops: [Cancellation]) throws {
    guard let state = transaction.snapshot.table(name), state.segmentCount >= Self.segmentsToMerge,
      state.definition.partitionedBy.isEmpty, state.definition.clusteredBy.isEmpty
    else { return }
    let run = Self.mergeable(try state.segments())
    if run.isEmpty { return }
    let writer = try tableWriter(name, state.definition, transaction)
    for descriptor in run {
      for stop in stops { try stop.check() }
      let segment = try warehouse.segmentCache.reader(
        warehouse.absolutePath(descriptor.path), checksum: descriptor.checksum)
      for rowGroup in 0..<segment.rowGroupCount {
        let reader = RowGroupReader(segment, rowGroup: rowGroup)
        let all = SelectionVector((0..<reader.rowCount).map { UInt32($0) })
        let columns = try state.definition.columns.indices.map { try reader.read(column: $0, selection: all) }
        try writer.append(Batch(columns, rowCount: reader.rowCount))
      }
    }
    try transaction.apply(.replaceSegments(name, removing: run, adding: try finish(writer), .layout))
  }

  /// The segments that become one, in their order; empty when there are too few.
  private static func mergeable(_ segments: [SegmentDescriptor]) -> [SegmentDescriptor] {
    let newest = worthwhile(segments.reversed().prefix { $0.rowCount <= largestToMerge })
    if newest > 0 { return Array(segments.suffix(newest)) }
    // What lost rows was written again and is the newest now, however large: then the smallest ones are taken.
    let small = segments.filter { $0.rowCount <= largestToMerge }
    guard small.count >= 2 * segmentsToMerge else { return [] }
    let bySize = small.sorted { $0.rowCount < $1.rowCount }
    let chosen = Set(bySize.prefix(worthwhile(bySize)).map(\.path))
    return small.filter { chosen.contains($0.path) }
  }

  /// How many of the first of `segments` may become one at most: enough of them, and none larger than all the others.
  private static func worthwhile(_ segments: some Sequence<SegmentDescriptor>) -> Int {
    var (best, count, sum, largest) = (0, 0, 0, 0)
    for segment in segments {
      count += 1
      sum += segment.rowCount
      largest = max(largest, segment.rowCount)
      if count >= segmentsToMerge, largest <= sum - largest { best = count }
    }
    return best
  }
}
