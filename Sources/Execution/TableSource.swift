import Planning
import Segments
import Vectors

/// Where scans find the data of a table. Engine implements it over one snapshot; tests over batches.
package protocol TableSource: Sendable {
  /// Returns the data of `table` as the snapshot has it. Called once for each scan, on the thread that runs the query.
  func data(for table: TableReference) throws -> TableData
}

/// A table's rows, in the table's field order.
package enum TableData: Sendable {
  /// Stored segments in scan order; positions in this list are what `TableScan.Source.rowIdentifier` speaks of.
  case segments([SegmentHandle])
  /// Rows in memory (system tables, tests), each batch of any length.
  case batches([Batch])
}

/// A segment that a scan may read: what the manifest knows of it, and how to open it when that is not enough.
package struct SegmentHandle: Sendable {
  package let rowCount: Int
  /// Zone maps of the whole segment, one for each field of the table; empty when the manifest has none.
  package let zoneMaps: [ZoneMap]
  /// Bytes of the file.
  package let byteCount: Int
  /// Opens the segment, or returns it when it is open already; called from any thread, perhaps more than once.
  package let open: @Sendable () throws -> SegmentReader

  package init(
    rowCount: Int, zoneMaps: [ZoneMap], byteCount: Int = 0, open: @escaping @Sendable () throws -> SegmentReader
  ) {
    self.rowCount = rowCount
    self.zoneMaps = zoneMaps
    self.byteCount = byteCount
    self.open = open
  }
}
