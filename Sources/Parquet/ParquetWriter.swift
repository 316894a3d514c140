import Bytes
import Vectors

/// What a Parquet file is written with.
package struct ParquetOptions: Sendable, Hashable {
  package var isCompressed = true
  /// Rows of a row group: what a reader takes at once.
  package var rowGroupSize = 131_072
  package init() {}
}

/// Writes rows as a Parquet file, which takes its name only when it is whole. One thread at a time.
///
/// Layout: `PAR1`; for each row group and column a dictionary page, if there is one, and data pages; the footer; its
/// length in four bytes; `PAR1`. All columns are optional; NULLs are told by definition levels.
package final class ParquetWriter {
  private let file: DurableFile
  private let options: ParquetOptions
  private var columns: [ParquetColumn]
  private var metadata = FileMetadata()
  private var pending: [Batch] = []
  private var pendingRows = 0
  /// Scales of numerics without one, fixed by the first row group.
  private var scales: [Int?]

  package private(set) var rowCount = 0
  package var byteCount: Int { Int(file.byteCount) }

  /// - Throws: `.unsupported` for a column Parquet has no type for; `.io`.
  package init(
    _ path: String, fields: [Field], options: ParquetOptions = ParquetOptions(),
    in fileSystem: any FileSystem = LocalFileSystem()
  ) throws(PulsehouseError) {
    var columns: [ParquetColumn] = []
    for field in fields { columns.append(try ParquetColumn(writing: field)) }
    self.columns = columns
    self.options = options
    scales = columns.map { column in
      if case .numeric(nil, _) = column.field.type { return nil }
      return 0
    }
    file = try DurableFile(path, in: fileSystem)
    try file.write(Array("PAR1".utf8))
  }

  /// Adds rows, one column for each field. - Throws: `.user` for a value Parquet cannot hold; `.io`.
  package func append(_ batch: Batch) throws(PulsehouseError) {
    guard batch.columns.count == columns.count else {
      throw PulsehouseError(.internal, "\(batch.columns.count) columns for \(columns.count) fields of a Parquet file")
    }
    var rest = batch
    while rest.rowCount > 0 {
      let taken = min(rest.rowCount, options.rowGroupSize - pendingRows)
      pending.append(taken == rest.rowCount ? rest : rest.slice(0..<taken))
      pendingRows += taken
      rest = rest.slice(taken..<rest.rowCount)
      if pendingRows == options.rowGroupSize { try writeRowGroup() }
    }
  }

  /// Ends the file and gives it its name. Call once, last.
  package func finish() throws(PulsehouseError) {
    if pendingRows > 0 { try writeRowGroup() }
    for (index, scale) in scales.enumerated() where columns[index].field.type == .numeric(precision: nil, scale: nil) {
      columns[index].annotation = .decimal(precision: Numeric.maximumDigits, scale: scale ?? 0)
    }
    metadata.schema =
      [SchemaElement(name: "schema", type: nil, childCount: columns.count)] + columns.map(\.element)
    metadata.rowCount = rowCount
    metadata.createdBy = "pulsehouse"
    let footer = metadata.encode()
    try file.write(footer)
    let length = UInt32(footer.count)
    try file.write((0..<4).map { UInt8(truncatingIfNeeded: length >> UInt32(8 * $0)) } + Array("PAR1".utf8))
    try file.publish()
  }

  private func writeRowGroup() throws(PulsehouseError) {
    var group = RowGroupMetadata()
    group.rowCount = pendingRows
    for index in columns.indices {
      let vectors = pending.map { $0.columns[index] }
      let encoder = try ColumnEncoder(columns[index], vectors, scale: scales[index], options)
      scales[index] = encoder.scale
      var chunk = encoder.chunk
      // Offsets were counted from the chunk's start.
      chunk.dataPageOffset += byteCount
      chunk.dictionaryPageOffset = chunk.dictionaryPageOffset.map { $0 + byteCount }
      try file.write(encoder.bytes)
      group.columns.append(chunk)
    }
    metadata.rowGroups.append(group)
    rowCount += pendingRows
    pending = []
    pendingRows = 0
  }
}
