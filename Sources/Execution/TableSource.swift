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
  /// Rows of files that others wrote, in this order.
  case chunks([TableChunk])
}

/// Rows of a foreign file that are read together.
package struct TableChunk: Sendable {
  package let rowCount: Int
  /// Reads fields by their positions in the table, each a vector of all rows. Any thread.
  package let read: @Sendable ([Int]) throws -> [Vector]

  package init(rowCount: Int, read: @escaping @Sendable ([Int]) throws -> [Vector]) {
    self.rowCount = rowCount
    self.read = read
  }
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
