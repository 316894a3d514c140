import Bytes
import Engine
import Execution
import SQLSyntax
import Segments
import Vectors

/// What a replay of one source's quarantine did: `examinedCount == replayedCount + remainingCount`.
package struct ReplayReport: Sendable, Hashable {
  package var source: String
  package var examinedCount: Int64 = 0
  /// Records that are rows of bronze now.
  package var replayedCount: Int64 = 0
  package var remainingCount: Int64 = 0
  /// Of those that remain, the ones that cannot be replayed because only their start was kept.
  package var cutCount: Int64 = 0
  /// Columns whose type the table took over from the source, as `name type`.
  package var adoptedColumns: [String] = []

  package init(source: String) { self.source = source }
}

/// Tries the records of a source's quarantine again, after the source or the types of its columns were mended: what
/// fits now becomes rows of bronze, with the places they came from, and leaves quarantine in the same commit.
///
/// A record is in one of the two at any time: rows, quarantine, books and types change together, and the commit
/// conflicts with whatever else changed them meanwhile.
struct QuarantineReplay {
  let source: Source
  let warehouse: Warehouse
  let options: IngestOptions

  /// - Throws: `.user` when nothing was ever ingested, or when values of bronze do not fit a column's new type;
  ///   `.conflict`; `.io`.
  func run() throws -> ReplayReport {
    if case .csv(let files) = source.kind {
      return try CSVIngest(source: source, files: files, warehouse: warehouse, options: options).replay()
    }
    let writer: SourceWriter
    let records: any QuarantineRecords
    if case .kafka(let topic) = source.kind {
      writer = try SourceWriter(
        source, lineage: KafkaCollector.lineage, quarantine: KafkaQuarantine.definition, adoptsTypes: true,
        in: warehouse)
      records = try KafkaReplay(source, topic, writer)
    } else {
      writer = try SourceWriter(source, lineage: LakeIngest.lineage, adoptsTypes: true, in: warehouse)
      records = try RecordReplay(source, writer)
    }
    guard writer.bronze.existed && !writer.mustClearState else {
      throw PulsehouseError(
        .user, "nothing was ever ingested from \(source.name), or its table was made anew", sqlState: "42P01",
        hint: "`pulsehouse ingest` reads it.")
    }
    do {
      return try replay(records, writer)
    } catch {
      writer.discard()
      throw error
    }
  }

  private func replay(_ records: any QuarantineRecords, _ writer: SourceWriter) throws -> ReplayReport {
    var report = ReplayReport(source: source.name)
    let session = Session(warehouse)
    session.settings.threadCount = options.threadCount
    if let known = writer.bronze.adoptedFrom {
      report.adoptedColumns = try TypeAdoption(
        table: writer.bronze, known: known, session: session, cancellation: options.cancellation
      ).run()
    }
    let names = writer.quarantine.definition.columns.map { SQLPrinter.quoted($0.name) }.joined(separator: ", ")
    let cancellation = options.cancellation
    try session.run(
      "SELECT \(names) FROM \(Quarantine.tableName(of: source))",
      into: BatchSink { batch in
        try cancellation.check()
        try records.take(batch)
      })
    try records.finish()
    report.examinedCount = records.examinedCount
    report.replayedCount = records.replayedCount
    report.remainingCount = records.examinedCount - records.replayedCount
    report.cutCount = records.cutCount
    guard report.replayedCount > 0 || writer.bronze.adoptedFrom != nil else {
      writer.discard()
      return report
    }
    try records.settle()
    let message = "replay quarantine of \(source.name): \(report.replayedCount) rows"
    _ = try writer.commit(
      message, replacing: writer.bronze.adoptedFrom != nil, replacingQuarantine: true)
    return report
  }
}

/// The records of one source's quarantine on their second try.
protocol QuarantineRecords: AnyObject {
  var examinedCount: Int64 { get }
  var replayedCount: Int64 { get }
  var cutCount: Int64 { get }
  /// Takes rows of the quarantine table: each goes to bronze or back to quarantine.
  func take(_ batch: Batch) throws(PulsehouseError)
  func finish() throws(PulsehouseError)
  /// Brings the source's books up to date.
  func settle() throws(PulsehouseError)
}

extension Source {
  /// The source as its quarantine was filled: a lake's topic may have been read without the lake.
  func asQuarantined(in snapshot: Snapshot) -> Source {
    let table = snapshot.table(Quarantine.tableName(of: self))
    let isOfTopic = table?.definition.columns.contains { $0.name == "_topic" } ?? false
    return isOfTopic ? withoutLake : self
  }
}

extension Ingest {
  /// Replays the quarantine of every source of `sources`, or of those that `names` gives; a commit for each.
  ///
  /// - Throws: as `run`.
  package static func replay(
    _ sources: [Source], names: [String] = [], into warehouse: Warehouse, options: IngestOptions = IngestOptions()
  ) throws -> [ReplayReport] {
    let snapshot = try warehouse.snapshot()
    return try Ingest.sources(named: names, among: sources).compactMap { source in
      // Without names, sources that nothing was ever read from are none of today's business.
      if names.isEmpty && snapshot.table(TableName(source.schema, source.table)) == nil { return nil }
      return try QuarantineReplay(source: source.asQuarantined(in: snapshot), warehouse: warehouse, options: options)
        .run()
    }
  }
}

/// Hands batches to a closure.
private final class BatchSink: ResultSink {
  private let body: (Batch) throws -> Void

  init(_ body: @escaping (Batch) throws -> Void) { self.body = body }
  func begin(_ columns: [Field]) {}
  func append(_ batch: Batch) throws { try body(batch) }
  func finish(_ outcome: StatementOutcome) {}
}

/// Gives the rows of a bronze table the types its source declares now.
private struct TypeAdoption {
  let table: BronzeTable
  let known: TableDefinition
  let session: Session
  let cancellation: Cancellation

  /// Rewrites the rows and returns the columns that changed. - Throws: `.user` when a value would not be the same.
  func run() throws -> [String] {
    let changed = zip(known.columns, table.definition.columns).filter { $0.type != $1.type }
    for (old, new) in changed {
      let name = SQLPrinter.quoted(new.name)
      let back = "CAST(CAST(\(name) AS \(new.type.name)) AS \(old.type.name))"
      let rows = try session.rows("SELECT count(*) FROM \(table.name) WHERE \(back) IS DISTINCT FROM \(name)")
      if case .integer(let count)? = rows.first?.first, count > 0 {
        throw PulsehouseError(
          .user, "\(count) values of \(table.name).\(new.name) are not the same as \(new.type.name)", sqlState: "22000",
          hint: "The table has the column as \(old.type.name); declare a type that holds all of them.")
      }
    }
    var builder = RowGroupBuilder(schema: table.definition.schema)
    func write(_ columns: [Vector]) throws(PulsehouseError) {
      try table.append(SegmentWriter.encodeRowGroup(columns, schema: table.definition.schema, options: table.options))
      if table.pendingRowCount >= IngestOptions().commitRowCount { try table.finishSegment() }
    }
    let columns = table.definition.columns.map { "CAST(\(SQLPrinter.quoted($0.name)) AS \($0.type.name))" }
    try session.run(
      "SELECT \(columns.joined(separator: ", ")) FROM \(table.name)",
      into: BatchSink { batch in
        try cancellation.check()
        builder.append(batch)
        while let full = builder.next() { try write(full) }
      })
    if let rest = builder.finish() { try write(rest) }
    return changed.map { "\($1.name) \($1.type.name)" }
  }
}

/// Parses records of quarantine again, a batch at a time.
private final class RecordReplay: QuarantineRecords {
  private(set) var examinedCount: Int64 = 0
  private(set) var replayedCount: Int64 = 0
  private(set) var cutCount: Int64 = 0
  /// By key of the source's state.
  private var replayedByKey: [String: Int64] = [:]

  private let writer: SourceWriter
  private let builder: JSONBatchBuilder
  private let avro: AvroRecords?
  /// The files of the rows in the builder.
  private var files = VectorBuilder(.text)

  init(_ source: Source, _ writer: SourceWriter) throws(PulsehouseError) {
    self.writer = writer
    let builder = try JSONBatchBuilder(fields: source.columns.map { JSONField($0) })
    self.builder = builder
    avro = try source.avro.map { (schema) throws(PulsehouseError) in try AvroRecords(schema, into: builder) }
  }

  /// Takes rows of the quarantine table.
  func take(_ batch: Batch) throws(PulsehouseError) {
    let columns = batch.columns.map { $0.flattened() }
    let raws = columns[5].values(as: StringReference.self)
    var total = 0
    for row in 0..<batch.rowCount { total += raws[row].count + 1 }
    let block = AlignedBuffer(byteCount: total, zeroed: true)
    var start = 0
    for row in 0..<batch.rowCount {
      func text(_ column: Int) -> String { columns[column].values(as: StringReference.self)[row].string }
      func number(_ column: Int) -> Int64 { columns[column].values(as: Int64.self)[row] }
      let length = raws[row].count
      raws[row].withBytes { bytes in
        if let base = bytes.baseAddress { (block.base + start).copyMemory(from: base, byteCount: length) }
      }
      defer { start += length + 1 }
      examinedCount += 1
      var entry = Quarantine.Entry(
        file: text(1),
        record: RejectedRecord(
          offset: number(3), line: number(2), reason: text(4),
          raw: [UInt8](UnsafeRawBufferPointer(start: block.base + start, count: length))),
        time: number(6))
      guard entry.record.isWhole else {
        cutCount += 1
        try writer.keepRefused(entry)
        continue
      }
      // What has no bytes will never be a record.
      guard length > 0 else {
        try writer.keepRefused(entry)
        continue
      }
      let isTaken =
        if let avro {
          raws[row].withBytes { avro.append($0, offset: entry.record.offset, line: entry.record.line) }
        } else {
          builder.append(
            record: block, from: start, to: start + length, offset: entry.record.offset, line: entry.record.line)
        }
      if isTaken {
        replayedCount += 1
        replayedByKey[entry.file, default: 0] += 1
        files.append(text: entry.file)
        if builder.isFull { try flush() }
      } else {
        if let reason = builder.rejected.last?.reason { entry.record.reason = reason }
        builder.rejected.removeAll(keepingCapacity: true)
        try writer.keepRefused(entry)
      }
    }
  }

  func finish() throws(PulsehouseError) { try flush() }

  private func flush() throws(PulsehouseError) {
    guard builder.rowCount > 0 else { return }
    let rows = builder.finish()
    let columns = rows.fields + [files.finish(), rows.line, rows.offset]
    files = VectorBuilder(.text)
    try writer.bronze.append(
      SegmentWriter.encodeRowGroup(columns, schema: writer.bronze.definition.schema, options: writer.bronze.options))
  }

  func settle() throws(PulsehouseError) {
    for (file, count) in replayedByKey {
      guard let entry = writer.entries[file] else {
        throw PulsehouseError(.corrupt, "quarantine names \(file), of which the source's state knows nothing")
      }
      var state = try LakeFileState(decoding: entry, file: file)
      state.rowCount += count
      state.quarantinedCount -= count
      writer.setState(file, state.encode())
    }
  }
}
