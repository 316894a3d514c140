import Bytes
import Execution
import Segments
import Vectors

/// Keeps tables that grow by single rows readable: sixteen small segments of a size become one.
extension Session {
  private static let segmentsToMerge = 16
  /// Segments with more rows than this are left alone.
  private static let largestToMerge = 65_536

  /// Merges small segments of a table that rows were just added to. Done after the commit, as a commit of its own that
  /// changes no rows; when another writer is in the way it is left for next time. In an open transaction nothing is done.
  func mergeSmallSegments(of name: TableName, _ work: StatementWork) throws {
    if isInTransaction { return }
    do {
      while try mergeOneLevel(of: name, work) {}
    } catch let error as PulsehouseError where error.kind == .conflict {
      // Somebody else changed the table; the next INSERT tries again.
    }
  }

  private func mergeOneLevel(of name: TableName, _ work: StatementWork) throws -> Bool {
    let transaction = try warehouse.begin()
    guard let state = transaction.snapshot.table(name), state.segmentCount >= Self.segmentsToMerge,
      state.definition.partitionedBy.isEmpty, state.definition.clusteredBy.isEmpty
    else { return false }
    // The newest segments that are of one size, so that rows stay in the order they came.
    let segments = try state.segments()
    let run = segments.suffix(Self.segmentsToMerge)
    let level = run.map { Self.level($0.rowCount) }
    guard let largest = run.map(\.rowCount).max(), largest <= Self.largestToMerge, Set(level).count == 1 else {
      return false
    }
    do {
      let writer = try tableWriter(name, state.definition, transaction)
      for descriptor in run {
        try work.cancellation.check()
        let segment = try warehouse.segmentCache.reader(
          warehouse.absolutePath(descriptor.path), checksum: descriptor.checksum)
        for rowGroup in 0..<segment.rowGroupCount {
          let reader = RowGroupReader(segment, rowGroup: rowGroup)
          let all = SelectionVector((0..<reader.rowCount).map { UInt32($0) })
          let columns = try state.definition.columns.indices.map { try reader.read(column: $0, selection: all) }
          try writer.append(Batch(columns, rowCount: reader.rowCount))
        }
      }
      try transaction.apply(.replaceSegments(name, removing: Array(run), adding: try finish(writer), .layout))
      try transaction.commit(message: "compact \(name)")
    } catch {
      transaction.rollback()
      throw error
    }
    return true
  }

  /// 0 for 1 to 15 rows, 1 up to 255, and so on.
  private static func level(_ rowCount: Int) -> Int {
    var level = 0
    var rows = rowCount
    while rows >= segmentsToMerge {
      rows /= segmentsToMerge
      level += 1
    }
    return level
  }
}
