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
  /// Rows in memory (system tables, tests), each batch of any length.
  case batches([Batch])
  /// Stored rows, in this order.
  case segments([SegmentHandle])
}

/// A stored segment that a scan may prune by its zone maps before it opens the file.
package struct SegmentHandle: Sendable {
  package let rowCount: Int
  /// Encoded bytes of the file.
  package let byteCount: Int
  /// Returns one zone map for each field of the table, without opening the file. Any thread.
  package let zoneMaps: @Sendable () throws -> [ZoneMap]
  /// Opens the file, or returns the reader that is open already. Any thread. - Throws: `.io`, `.corrupt`.
  package let open: @Sendable () throws -> SegmentReader

  package init(
    rowCount: Int, byteCount: Int, zoneMaps: @escaping @Sendable () throws -> [ZoneMap],
    open: @escaping @Sendable () throws -> SegmentReader
  ) {
    self.rowCount = rowCount
    self.byteCount = byteCount
    self.zoneMaps = zoneMaps
    self.open = open
  }
}
