import Bytes
import Engine
import Execution

/// The door: brings sources up to date.
package enum Ingest {
  /// Ingests every source of `sources`, or those that `names` gives (`schema.table`, or a table's name alone where that
  /// is enough), one after the other. Returns a report for each, having told `finished` of it.
  ///
  /// What one source committed before an error stays; running again goes on from there.
  /// - Throws: `.user` for an unknown name or a record refused under `on_error FAIL`; `.unsupported`; `.conflict` when
  ///   another process ingests the same source; `.io`; `.cancelled`.
  @discardableResult
  package static func run(
    _ sources: [Source], names: [String] = [], into warehouse: Warehouse, options: IngestOptions = IngestOptions(),
    finished: (IngestReport) throws -> Void = { _ in }
  ) throws -> [IngestReport] {
    var chosen = try Ingest.sources(named: names, among: sources)
    for source in chosen { try check(source) }
    if options.brokers != nil { chosen = chosen.map { $0.withoutLake } }
    let followed = chosen.filter(\.isKafka)
    if options.follows {
      guard followed.count == 1 else {
        throw PulsehouseError(
          .usage,
          followed.isEmpty ? "none of the sources is a Kafka topic to follow" : "a process follows one Kafka source",
          hint: followed.isEmpty ? nil : "Name it: \(followed.map(\.name).joined(separator: " or ")).")
      }
      // What ends comes before what does not.
      chosen = chosen.filter { !$0.isKafka } + followed
    }
    return try chosen.map { source in
      // A stop is no error for a topic: what was in hand is committed.
      if !source.isKafka { try options.cancellation.check() }
      let report: IngestReport
      do {
        report = try ingest(source, into: warehouse, options)
      } catch let error as PulsehouseError {
        if source.isKafka, error.kind != .cancelled { Ingest.remember(error, of: source.name, in: warehouse) }
        guard error.detail == nil else { throw error }
        var named = error
        named.detail = "While ingesting \(source.name)."
        throw named
      }
      // A source that is looked at every few seconds adds a segment each time.
      if report.recordCount > 0 { try mergeSmallSegments(of: source, in: warehouse, options.cancellation) }
      try finished(report)
      return report
    }
  }

  /// Makes few segments of the many small ones that ingesting little at a time leaves, in commits of their own; who is to
  /// stop leaves that to the next.
  static func mergeSmallSegments(of source: Source, in warehouse: Warehouse, _ stop: Cancellation) throws {
    let session = Session(warehouse)
    do {
      for table in [TableName(source.schema, source.table), Quarantine.tableName(of: source)] {
        try stop.check()
        try session.mergeSmallSegments(of: table, stop: stop)
      }
    } catch let error as PulsehouseError where error.kind == .cancelled && stop.isCancelled {}
  }

  private static func ingest(
    _ source: Source, into warehouse: Warehouse, _ options: IngestOptions
  ) throws -> IngestReport {
    switch source.kind {
    case .lake(let folder):
      let path = options.lakePath ?? Path.join(options.dataDirectory, folder.path)
      return try LakeIngest(
        source: source, folder: folder, path: path, warehouse: warehouse, options: options
      ).run()
    case .csv(let files):
      return try CSVIngest(source: source, files: files, warehouse: warehouse, options: options).run()
    case .kafka(let topic):
      return try KafkaIngest(source: source, topic: topic, warehouse: warehouse, options: options).run()
    }
  }

  /// Returns the sources that `names` gives, as `run` takes them; all of them for no names. - Throws: `.user`.
  package static func sources(named names: [String], among sources: [Source]) throws(PulsehouseError) -> [Source] {
    guard !names.isEmpty else { return sources }
    var chosen: [Source] = []
    for name in names { chosen.append(try find(name, in: sources)) }
    return chosen
  }

  private static func find(_ name: String, in sources: [Source]) throws(PulsehouseError) -> Source {
    let found = sources.filter { $0.name == name || $0.table == name }
    guard found.count <= 1 else {
      throw PulsehouseError(
        .user, "several sources are named \"\(name)\"", sqlState: "42P09",
        hint: "Say which: \(found.map(\.name).joined(separator: " or ")).")
    }
    guard let source = found.first else {
      throw PulsehouseError(
        .user, "there is no source \"\(name)\"", sqlState: "42P01",
        hint: "There is \(sources.map(\.name).joined(separator: ", ")).")
    }
    return source
  }

  private static func check(_ source: Source) throws(PulsehouseError) {
    if !source.partitionedBy.isEmpty { throw unsupported(source, "partitioned_by on a source") }
    if !source.clusteredBy.isEmpty { throw unsupported(source, "clustered_by on a source") }
  }

  private static func unsupported(_ source: Source, _ what: String) -> PulsehouseError {
    PulsehouseError(.unsupported, "\(what) is not yet supported: \(source.name)", file: source.file)
  }
}
