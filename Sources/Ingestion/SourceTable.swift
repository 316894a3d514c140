import Engine
import Vectors

/// `sys.sources`: the books of every source that was ever ingested.
package enum SourceTable {
  /// Makes the table known to the sessions of a warehouse.
  package static func add(to warehouse: Warehouse) { warehouse.add(table) }

  private static let table = SystemTable(
    name: TableName("sys", "sources"),
    fields: Schema([
      Field("source", .text), Field("record_count", .bigint), Field("row_count", .bigint),
      Field("quarantined_count", .bigint), Field("file_count", .bigint), Field("partition_count", .bigint),
      Field("byte_count", .bigint), Field("incomplete_file_count", .bigint),
    ]),
    rows: { snapshot, _ in
      try Ingest.books(snapshot).map { books in
        [
          .text(books.name), .integer(books.recordCount), .integer(books.rowCount),
          .integer(books.quarantinedCount), .integer(Int64(books.fileCount)), .integer(Int64(books.partitionCount)),
          .integer(books.byteCount), .integer(Int64(books.incompleteFileCount)),
        ]
      }
    })
}
