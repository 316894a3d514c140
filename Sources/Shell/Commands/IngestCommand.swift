import Bytes
import Engine
import Execution
import Ingestion
import Modeling

/// `pulsehouse ingest`: every source of the project into bronze.
package enum IngestCommand: Command {
  package static let specification = CommandSpecification(
    "ingest", "bring what is new in the sources into bronze; what does not fit goes to quarantine",
    operands: "[SOURCE ...]", maximumOperands: 1000,
    options: [
      OptionSpecification("lake", value: "DIR", "where the lake lies, instead of where its source says"),
      OptionSpecification("follow", "go on with a Kafka source for ever; Ctrl-C commits what is in hand and ends"),
      OptionSpecification(
        "on-gap", value: "CHOICE",
        "when a partition no longer has the next message: fail (default), skip the gap, or restart the partition"),
      OptionSpecification("commit-rows", value: "N", "of a Kafka source: commit after this many rows"),
      OptionSpecification("commit-seconds", value: "S", "of a Kafka source: commit after this time (default: 5)"),
      CollectCommand.retain,
    ] + KafkaArguments.options,
    discussion: """
      Sources are the files below sources/; without operands all of them are ingested. A lake is read from where it was
      left: new files, and what files have grown by; a CSV file replaces its table; a Kafka topic is read from the last
      commit's offsets to where it ended at the start, or with --follow for ever. Rows and the position of every file or
      partition are one commit, so after a kill the next ingest goes on without a gap and without a double. A file that
      is not what it was is reported and left alone. Of a lake, as many threads as --threads says read and encode, and one
      more commits, which mostly waits for the disk. Several processes may ingest one topic: they share its partitions.
      Who follows merges the small segments of its commits, and every ten minutes (for --retain below 100 minutes, a tenth
      of it) removes what nobody can look back to any more, as `pulsehouse gc` does.
      With --brokers a lake whose source names its topic is read from that topic, without the lake between.
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    let sources = try Source.load(directory: Path.join(place.project, "sources"))
    guard !sources.isEmpty else {
      throw PulsehouseError(
        .usage, "there are no sources in \(place.project)/sources",
        hint: "A project has models/ and sources/; --project names its folder.")
    }
    var options = IngestOptions()
    options.dataDirectory = place.data
    options.lakePath = arguments.value("lake")
    if let threads = try arguments.count("threads") { options.threadCount = threads }
    options.brokers = arguments.value("brokers")
    options.defaultBrokers = KafkaArguments.brokers(arguments)
    options.kafkaProperties = arguments.all("property")
    options.follows = arguments.has("follow")
    options.kafkaCommitRowCount = try arguments.count("commit-rows")
    options.kafkaCommitSeconds = try KafkaArguments.positive("commit-seconds", arguments)
    if let choice = arguments.value("on-gap") {
      guard let policy = KafkaTopic.GapPolicy(rawValue: choice) else {
        throw PulsehouseError(.usage, "--on-gap is fail, skip or restart, not \"\(choice)\"")
      }
      options.onGap = policy
    }
    let cancellation = options.cancellation
    SignalWatch.onInterrupt { cancellation.cancel() }
    let line = ProgressLine(isQuiet: arguments.has("quiet"))
    let isQuiet = arguments.has("quiet")
    options.notice = { text in
      guard !isQuiet else { return }
      line.clear()
      Terminal.note(text)
    }
    options.progress = { progress in
      if let messages = progress.messageCount {
        line.show(
          "\(progress.source): \(Decimals.grouped(Int(progress.rowCount))) rows, "
            + "\(Decimals.grouped(Int(progress.rowsPerSecond))) rows/s",
          done: Int(messages), total: Int(progress.totalMessageCount))
        return
      }
      line.show(
        "\(progress.source): \(Decimals.grouped(Int(progress.rowCount))) rows, "
          + ByteSize.format(Int(progress.byteCount)),
        done: Int(progress.byteCount), total: Int(progress.totalByteCount))
    }
    let isJSON = arguments.has("json")
    var output = StandardOutput()
    var written: [String] = []
    let warehouse = try OpenWarehouse.open(place, arguments, forWriting: true)
    if options.follows { options.upkeep = try collection(place, arguments, warehouse, options.notice) }
    try Ingest.run(sources, names: arguments.operands, into: warehouse, options: options) { report in
      line.clear()
      for warning in report.warnings.prefix(20) { Terminal.note("warning: \(warning.file): \(warning.message)") }
      if report.warnings.count > 20 { Terminal.note("warning: and \(report.warnings.count - 20) more files") }
      if isJSON {
        written.append(json(report))
      } else {
        try output.write(text(report))
        try output.flush()
      }
    }
    if isJSON { try output.write(JSONText.array(written) + "\n") }
    try output.flush()
    // To follow ends in no other way.
    if !options.follows { try options.cancellation.check() }
  }

  /// Collects garbage by the rule of the project, as it is then. A project with a mistake keeps its garbage, not its
  /// messages: they go on.
  private static func collection(
    _ place: Workplace, _ arguments: Arguments, _ warehouse: Warehouse, _ notice: @escaping @Sendable (String) -> Void
  ) throws -> (seconds: Double, work: @Sendable () throws -> Void) {
    let retainedSeconds = try arguments.value("retain").map { try Retention.seconds($0) }
    var standard = Retention()
    if let retainedSeconds { standard.seconds = retainedSeconds }
    let folder = place.project
    return (
      standard.collectionSeconds,
      {
        do {
          let project = try Project.load(folder)
          var retention = project.retention
          if let retainedSeconds { retention.seconds = retainedSeconds }
          let report = try retention.collect(warehouse, project, now: MachineClock.microsecondsSince1970)
          if report.removedFileCount > 0 { notice(CollectCommand.text(report)) }
        } catch let error as PulsehouseError where error.kind != .corrupt {
          notice("no garbage is collected: \(error.message)")
        }
      }
    )
  }

  private static func text(_ report: IngestReport) -> String {
    func grouped(_ number: Int64) -> String { Decimals.grouped(Int(number)) }
    if report.recordCount == 0 && report.byteCount == 0 {
      if report.partitionCount != nil { return "\(report.source): nothing new in the topic\n" }
      return "\(report.source): nothing new in \(Decimals.grouped(report.unchangedFileCount)) files\n"
    }
    let partitions = report.partitionCount.map { $0 == 1 ? "1 partition" : "\($0) partitions" }
    let files = partitions ?? (report.fileCount == 1 ? "1 file" : "\(Decimals.grouped(report.fileCount)) files")
    return """
      \(report.source): \(grouped(report.rowCount)) rows from \(files), \(ByteSize.format(Int(report.byteCount)))
        read \(grouped(report.recordCount)) = bronze \(grouped(report.rowCount)) + quarantine \
      \(grouped(report.quarantinedCount))
        \(Decimals.format(report.seconds, places: 2)) s, \(Decimals.grouped(Int(report.rowsPerSecond))) rows/s

      """
  }

  private static func json(_ report: IngestReport) -> String {
    let warnings = report.warnings.map { warning in
      JSONText.object([
        ("kind", .text(warning.kind.rawValue)), ("file", .text(warning.file)), ("message", .text(warning.message)),
      ])
    }
    return JSONText.object([
      ("source", .text(report.source)), ("partitions", report.partitionCount.map { .number($0) } ?? .null),
      ("missing", .number(Int(report.missingCount))), ("conflicts", .number(report.conflictCount)),
      ("files", .number(report.fileCount)),
      ("unchanged_files", .number(report.unchangedFileCount)), ("bytes", .number(Int(report.byteCount))),
      ("records", .number(Int(report.recordCount))), ("rows", .number(Int(report.rowCount))),
      ("quarantined", .number(Int(report.quarantinedCount))), ("commits", .number(report.commitCount)),
      ("seconds", .decimal(report.seconds)), ("warnings", .raw(JSONText.array(warnings))),
    ])
  }
}
