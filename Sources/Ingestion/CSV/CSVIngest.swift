import Bytes
import Engine
import Execution
import Segments
import Vectors

/// Loads a CSV file into its bronze table anew: the rows of before and those of now change places in one commit. A file
/// whose size and time are those of the last load is left alone.
struct CSVIngest {
  let source: Source
  let files: CSVFiles
  let warehouse: Warehouse
  let options: IngestOptions

  static let lineage = [
    ColumnDefinition(name: "_file", type: .text, isNullable: false),
    ColumnDefinition(name: "_line", type: .bigint, isNullable: false),
  ]

  func run() throws -> IngestReport {
    let started = MachineClock.seconds
    let path = Path.join(options.dataDirectory, files.path)
    var report = IngestReport(source: source.name)
    guard let status = try warehouse.fileSystem.status(path) else {
      throw PulsehouseError(
        .user, "the source's file does not exist", sqlState: "58P01",
        hint: "`pulsehouse generate` makes the seeds of the heart-rate project.", file: path)
    }
    let writer = try SourceWriter(source, lineage: Self.lineage, in: warehouse)
    if let known = try writer.entries[files.path].map({ try LakeFileState(decoding: $0, file: files.path) }),
      known.byteCount == status.byteCount, known.modifiedNanoseconds == status.modifiedNanoseconds
    {
      report.unchangedFileCount = 1
      return report
    }
    do {
      try load(path, status, writer, &report)
    } catch {
      writer.discard()
      throw error
    }
    report.seconds = MachineClock.seconds - started
    return report
  }

  /// Loads the file once more, whatever its size and time, as the source declares it now: for a file that is loaded
  /// whole, that is what replaying its refused records comes to.
  func replay() throws -> ReplayReport {
    var report = ReplayReport(source: source.name)
    let path = Path.join(options.dataDirectory, files.path)
    guard let status = try warehouse.fileSystem.status(path) else {
      throw PulsehouseError(.user, "the source's file does not exist", sqlState: "58P01", file: path)
    }
    let writer = try SourceWriter(source, lineage: Self.lineage, adoptsTypes: true, in: warehouse)
    guard let entry = writer.entries[files.path] else { return report }
    let before = try LakeFileState(decoding: entry, file: files.path)
    if let known = writer.bronze.adoptedFrom {
      report.adoptedColumns = zip(known.columns, source.columns).filter { $0.type != $1.type }.map {
        "\($1.name) \($1.type.name)"
      }
    }
    var loaded = IngestReport(source: source.name)
    do {
      try load(path, status, writer, &loaded)
    } catch {
      writer.discard()
      throw error
    }
    report.examinedCount = before.quarantinedCount
    report.remainingCount = min(loaded.quarantinedCount, before.quarantinedCount)
    report.replayedCount = report.examinedCount - report.remainingCount
    return report
  }

  private func load(
    _ path: String, _ status: FileStatus, _ writer: SourceWriter, _ report: inout IngestReport
  ) throws {
    var dialect = CSVDialect(hasHeader: true)
    dialect.delimiter = files.delimiter
    let reader = try CSVReader(
      try CSVInput(path), dialect: dialect,
      targets: source.columns.map { CSVReader.Target(name: $0.path.last ?? $0.name, type: $0.type) }, byName: true,
      mode: source.onError == .fail ? .strict : .quarantine)
    let loader = Loader(self, writer, totalByteCount: status.byteCount, report)
    try CSVWorkers.read(reader, threads: options.threadCount) { try loader.take($0) }
    try loader.finish()
    report = loader.report
    var state = LakeFileState()
    state.byteCount = status.byteCount
    state.modifiedNanoseconds = status.modifiedNanoseconds
    state.position = reader.byteCount
    state.hash = reader.hash.finish()
    state.recordCount = report.recordCount
    state.rowCount = report.rowCount
    state.quarantinedCount = report.quarantinedCount
    for (file, _) in writer.entries where file != files.path { writer.removeState(file) }
    writer.setState(files.path, state.encode())
    report.fileCount = 1
    report.byteCount = reader.byteCount
    let message = "ingest \(source.name): \(report.rowCount) rows, \(report.quarantinedCount) quarantined"
    if try writer.commit(message, replacing: true) { report.commitCount = 1 }
  }

  /// Takes rows in the file's order; one thread at a time.
  private final class Loader {
    private let ingest: CSVIngest
    private let writer: SourceWriter
    private let totalByteCount: Int64
    private let schema: Schema
    private var builder: RowGroupBuilder
    private(set) var report: IngestReport

    init(_ ingest: CSVIngest, _ writer: SourceWriter, totalByteCount: Int64, _ report: IngestReport) {
      self.ingest = ingest
      self.writer = writer
      self.totalByteCount = totalByteCount
      self.report = report
      schema = writer.bronze.definition.schema
      builder = RowGroupBuilder(schema: schema)
    }

    func take(_ rows: CSVRows) throws {
      let (options, path) = (ingest.options, ingest.files.path)
      try options.cancellation.check()
      for record in rows.rejected { try writer.refuse(path, record) }
      report.recordCount += rows.recordCount
      report.rowCount += Int64(rows.rowCount)
      report.quarantinedCount += Int64(rows.rejected.count)
      if rows.rowCount > 0 {
        let line = AlignedBuffer(byteCount: rows.rowCount * 8)
        line.values(as: Int64.self).update(from: rows.lines, count: rows.rowCount)
        let columns =
          rows.columns + [
            .constant(.text, .text(path), count: rows.rowCount),
            Vector(.bigint, count: rows.rowCount, buffer: line),
          ]
        builder.append(Batch(columns, rowCount: rows.rowCount))
        while let full = builder.next() { try write(full) }
      }
      options.progress(
        IngestProgress(
          source: ingest.source.name, byteCount: rows.byteCount, totalByteCount: totalByteCount,
          rowCount: report.rowCount))
    }

    func finish() throws { if let rest = builder.finish() { try write(rest) } }

    private func write(_ columns: [Vector]) throws(PulsehouseError) {
      try writer.bronze.append(
        SegmentWriter.encodeRowGroup(columns, schema: schema, options: writer.bronze.options))
      if writer.bronze.pendingRowCount >= ingest.options.commitRowCount { try writer.bronze.finishSegment() }
    }
  }
}
