import Bytes
import Engine
import Vectors

/// Reads CSV for COPY FROM: every record must fit, fields are taken in order, a header is only stepped over.
package struct CSVCopyReader: CopyReader {
  package init() {}

  package func read(
    _ path: String?, fields: Schema, dialect: CSVDialect, threads: Int, rows: @escaping (Batch) throws -> Void
  ) throws {
    let reader = try CSVReader(
      try CSVInput(path), dialect: dialect,
      targets: fields.fields.map { CSVReader.Target(name: $0.name, type: $0.type) }, byName: false, mode: .strict)
    try CSVWorkers.read(reader, threads: threads) { try rows(Batch($0.columns, rowCount: $0.rowCount)) }
  }
}
