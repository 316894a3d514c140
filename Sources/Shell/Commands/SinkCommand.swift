import Bytes
import Execution
import Ingestion
import Kafka

/// `pulsehouse sink`: a topic of Kafka to the lake.
package enum SinkCommand: Command {
  package static let specification = CommandSpecification(
    "sink", "write a topic of Kafka to the lake, by the hour of the event, each message exactly once",
    options: KafkaArguments.options + [
      OptionSpecification("topic", value: "NAME", "the topic (default: heartrate)"),
      OptionSpecification("lake", value: "DIR", "where the lake goes (default: <data>/lake)"),
      OptionSpecification("follow", "go on for ever; otherwise end where the topic does"),
      OptionSpecification("zstd", "compress the files: .jsonl.zst"),
      OptionSpecification("roll-size", value: "SIZE", "text of a partition after which its files end (default: 64MB)"),
      OptionSpecification("roll-seconds", value: "N", "a message is in the lake after that time (default: 60)"),
      OptionSpecification("source", value: "NAME", "the source whose event_time tells the hour"),
      OptionSpecification("event-time", value: "PATH", "where a message holds its time, such as meta.time"),
      OptionSpecification(
        "event-time-unit", value: "UNIT", "what a number there counts: seconds, milliseconds, microseconds, nanoseconds"
      ),
      OptionSpecification(
        "partitions", value: "LIST",
        "write these, such as 0,1,2, and leave the others to other processes (default: all)"),
      OptionSpecification(
        "group", value: "NAME", "the name lag tools find the offsets under (default: pulsehouse-sink)"),
      OptionSpecification(
        "skip-missing", "go on where the topic begins when messages are gone before they were written"),
    ],
    discussion: """
      A file is YYYY/MM/DD/HH/<topic>+<partition>+<first offset>.jsonl, by the hour of the event in UTC, late ones too;
      what tells no time goes to unknown/. A message is a line as it came; one that is no line (empty, of several lines, no
      value) is written so that reading the lake gives it back. How far each partition is stands in the lake, in .sink/,
      and a kill at any instant neither loses nor repeats a message.
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    let topic = arguments.value("topic") ?? "heartrate"
    let sources = try sources(arguments, place, topic: topic)
    var options = SinkOptions(
      kafka: try KafkaArguments.configuration(arguments), topic: topic, lake: arguments.value("lake") ?? place.lake,
      eventTime: try eventTime(arguments, sources))
    options.avro = try avro(sources, topic: topic, isNamed: !arguments.all("source").isEmpty)
    if let group = arguments.value("group") { options.group = group }
    if let list = arguments.value("partitions") {
      let numbers = list.split(separator: ",", omittingEmptySubsequences: false).map { Int32($0) }
      guard numbers.allSatisfy({ $0.map { $0 >= 0 } ?? false }) else {
        throw PulsehouseError(.usage, "--partitions wants numbers such as 0,1,2, not \"\(list)\"")
      }
      options.partitions = Set(numbers.compactMap { $0 })
    }
    options.follows = arguments.has("follow")
    options.isCompressed = arguments.has("zstd")
    options.skipsMissing = arguments.has("skip-missing")
    if let size = try arguments.byteCount("roll-size") { options.rollByteCount = size }
    if let seconds = try arguments.count("roll-seconds") { options.rollSeconds = Double(seconds) }
    let cancellation = options.cancellation
    SignalWatch.onInterrupt { cancellation.cancel() }
    let line = ProgressLine(isQuiet: arguments.has("quiet"))
    options.progress = { report in
      line.show(
        "\(Decimals.grouped(Int(report.recordCount))) messages, \(Decimals.grouped(report.fileCount)) files"
          + (report.trouble.map { "  (\($0))" } ?? ""))
    }
    let report = try KafkaSink.run(options)
    line.clear()
    for (partition, count) in report.missingCounts.sorted(by: { $0.key < $1.key }) {
      Terminal.note("warning: \(Decimals.grouped(Int(count))) messages of partition \(partition) were gone already")
    }
    var output = StandardOutput()
    try output.write(arguments.has("json") ? json(report) : text(report, options))
    try output.flush()
  }

  /// The sources that speak of the topic: those named, else those that read it, else all.
  private static func sources(
    _ arguments: Arguments, _ place: Workplace, topic: String
  ) throws(PulsehouseError) -> [Source] {
    let directory = Path.join(place.project, "sources")
    let names = arguments.all("source")
    // An event time by option needs no project.
    if names.isEmpty, arguments.has("event-time"), try LocalFileSystem().status(directory) == nil { return [] }
    let sources = try Ingest.sources(named: names, among: try Source.load(directory: directory))
    let readers = sources.filter { $0.topic == topic }
    return names.isEmpty && !readers.isEmpty ? readers : sources
  }

  /// The schema that the sources of the topic agree on; a topic of which none speaks is JSON.
  private static func avro(
    _ sources: [Source], topic: String, isNamed: Bool
  ) throws(PulsehouseError) -> AvroSchema? {
    let schemas = Set(sources.filter { isNamed || $0.topic == topic }.map(\.avro))
    guard schemas.count <= 1 else {
      throw PulsehouseError(
        .usage, "the sources do not agree whether the topic is JSON or Avro", hint: "Say --source NAME.")
    }
    return schemas.first ?? nil
  }

  /// By option, else as a source says.
  private static func eventTime(
    _ arguments: Arguments, _ sources: [Source]
  ) throws(PulsehouseError) -> EventTime {
    var unit: EventTime.Unit?
    if let text = arguments.value("event-time-unit") {
      unit = EventTime.Unit(rawValue: text)
      guard unit != nil else { throw PulsehouseError(.usage, "--event-time-unit does not know \"\(text)\"") }
    }
    var time: EventTime
    if let path = arguments.value("event-time") {
      time = EventTime(path: path.split(separator: ".").map(String.init))
      guard !time.path.isEmpty else { throw PulsehouseError(.usage, "--event-time wants a path such as meta.time") }
    } else {
      let times = Set(sources.compactMap(\.eventTime))
      guard let first = times.first, times.count == 1 else {
        throw PulsehouseError(
          .usage, "which field of a message is the event's time?",
          hint: "Say --event-time PATH, or --source NAME of a source with event_time.")
      }
      time = first
    }
    if let unit { time.unit = unit }
    return time
  }

  private static func text(_ report: SinkReport, _ options: SinkOptions) -> String {
    func grouped(_ number: Int64) -> String { Decimals.grouped(Int(number)) }
    var text =
      "\(options.topic): \(grouped(report.recordCount)) messages to \(Decimals.grouped(report.fileCount)) files in "
      + "\(options.lake), \(ByteSize.format(Int(report.byteCount)))\n"
    if report.unknownTimeCount > 0 {
      text += "  \(grouped(report.unknownTimeCount)) of them without a time that can be read, in unknown/\n"
    }
    return text
      + "  \(Decimals.format(report.seconds, places: 2)) s, \(Decimals.grouped(Int(report.recordsPerSecond))) messages/s\n"
  }

  private static func json(_ report: SinkReport) -> String {
    JSONText.object([
      ("messages", .number(Int(report.recordCount))), ("unknown_time", .number(Int(report.unknownTimeCount))),
      ("escaped", .number(Int(report.escapedCount))), ("files", .number(report.fileCount)),
      ("bytes", .number(Int(report.byteCount))), ("commits", .number(report.commitCount)),
      ("missing", .number(Int(report.missingCounts.values.reduce(0, +)))), ("seconds", .decimal(report.seconds)),
    ]) + "\n"
  }
}
