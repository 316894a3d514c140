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

/// Rows of a foreign file that one thread reads.
package struct TableChunk: Sendable {
  /// Rows, or as many as are likely.
  package let rowCount: Int
  /// Reads fields by their positions in the table, and hands them over in batches of any length, in order. Any thread.
  package let read: @Sendable ([Int], (Batch) throws -> Void) throws -> Void

  /// A chunk whose fields are read as whole vectors of `rowCount` rows.
  package init(rowCount: Int, read: @escaping @Sendable ([Int]) throws -> [Vector]) {
    self.init(likelyRowCount: rowCount) { fields, take in try take(Batch(try read(fields), rowCount: rowCount)) }
  }

  package init(
    likelyRowCount: Int, read: @escaping @Sendable ([Int], (Batch) throws -> Void) throws -> Void
  ) {
    rowCount = likelyRowCount
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
