import Planning
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
}
