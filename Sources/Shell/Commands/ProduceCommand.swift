import Bytes
import Execution
import Ingestion
import Kafka

/// `pulsehouse produce`: what the watches send, to a Kafka topic.
package enum ProduceCommand: Command {
  package static let specification = CommandSpecification(
    "produce", "send the simulated stream of heart-rate events to a Kafka topic",
    options: KafkaArguments.options + [
      OptionSpecification("topic", value: "NAME", "the topic (default: heartrate); made when it is missing"),
      OptionSpecification("partitions", value: "N", "partitions of a topic that is made (default: 6)"),
      OptionSpecification("count", value: "N", "messages to send (default: 1m, or no limit with --duration)"),
      OptionSpecification("duration", value: "SECONDS", "stop after this time"),
      OptionSpecification(
        "rate", value: "N", "messages a second, such as 0.5 or 20k (default: max, as fast as it goes)"),
      OptionSpecification("format", value: "NAME", "json or avro: single objects of the schema (default: json)"),
      OptionSpecification(
        "schema", value: "FILE", "the Avro schema (default: <project>/sources/heart_rate.avsc)"),
    ] + SimulationArguments.options,
    discussion: """
      A message's key is the user id, its value one JSON object. The producer is idempotent and waits for all replicas,
      so nothing is lost or sent twice by a broker that fails. A topic that is missing is made with one week's
      retention. The same options and seed send the same messages that `generate` writes as lines. Ctrl-C stops, waits
      for what is on its way, and reports.
      """)

  private static let weekMilliseconds: Int64 = 7 * 86_400_000

  package static func run(_ arguments: Arguments) throws {
    let configuration = try KafkaArguments.configuration(arguments)
    let topic = arguments.value("topic") ?? "heartrate"
    let partitions = try arguments.count("partitions") ?? 6
    let duration = try KafkaArguments.positive("duration", arguments)
    let cancellation = Cancellation()
    let count = try arguments.count("count", minimum: 0) ?? (duration == nil ? 1_000_000 : nil)
    var production = EventProduction(
      simulation: try SimulationArguments.read(arguments), count: count, duration: duration,
      rate: arguments.value("rate") == "max" ? nil : try KafkaArguments.positive("rate", arguments),
      cancellation: cancellation)
    let format = arguments.value("format") ?? "json"
    guard format == "json" || format == "avro" else {
      throw PulsehouseError(.usage, "--format is json or avro, not \"\(format)\"")
    }
    if format == "avro" {
      let path = try arguments.value("schema") ?? Path.join(Workplace(arguments).project, "sources/heart_rate.avsc")
      let json = try LocalFileSystem().readFile(path, limit: 1 << 24)
      production.avro = try AvroMessageEncoder(AvroSchema(json, file: path))
    }
    SignalWatch.onInterrupt { cancellation.cancel() }

    let admin = try KafkaAdmin(configuration)
    let isQuiet = arguments.has("quiet")
    var known = try admin.partitionCount(topic)
    let isMade = known == nil
    if isMade {
      _ = try admin.createTopic(topic, partitionCount: partitions, retentionMilliseconds: weekMilliseconds)
      known = partitions
      if !isQuiet { Terminal.note("made the topic \(topic): \(partitions) partitions, retention one week") }
    }
    let producer = try KafkaProducer(topic: topic, configuration)
    let line = ProgressLine(isQuiet: isQuiet)
    let result = try production.run(producer) { progress in
      line.show(text(progress, topic), done: Int(progress.counts.delivered), total: count ?? 0)
    }
    line.clear()
    var output = StandardOutput()
    let rate = result.seconds > 0 ? Double(result.counts.delivered) / result.seconds : 0
    let byteRate = result.seconds > 0 ? Double(result.counts.deliveredByteCount) / result.seconds : 0
    if arguments.has("json") {
      try output.write(
        JSONText.object([
          ("topic", .text(topic)), ("partitions", .number(known ?? 0)), ("created", .boolean(isMade)),
          ("delivered", .number(Int(result.counts.delivered))), ("failed", .number(Int(result.counts.failed))),
          ("bytes", .number(Int(result.counts.deliveredByteCount))), ("seconds", .decimal(result.seconds)),
          ("messages_per_second", .decimal(rate)), ("stopped", .boolean(cancellation.isCancelled)),
        ]) + "\n")
    } else {
      try output.write(
        """
        \(Decimals.grouped(Int(result.counts.delivered))) messages in \(topic)\
        \(cancellation.isCancelled ? " (stopped)" : ""), \(Decimals.grouped(Int(result.counts.failed))) failed, \
        \(ByteSize.format(Int(result.counts.deliveredByteCount)))
        \(Decimals.format(result.seconds, places: 2)) s, \(Decimals.grouped(Int(rate))) messages/s, \
        \(ByteSize.format(Int(byteRate)))/s

        """)
    }
    try output.flush()
    guard result.counts.failed == 0 else {
      let reason = result.counts.lastError ?? result.trouble
      throw PulsehouseError(
        reason?.kind ?? .io, "\(result.counts.failed) messages were not acknowledged",
        detail: reason.map { $0.message }, hint: reason?.hint)
    }
  }

  private static func text(_ progress: EventProduction.Progress, _ topic: String) -> String {
    var text =
      "\(topic): \(Decimals.grouped(Int(progress.counts.delivered))) sent, "
      + "\(Decimals.grouped(Int(progress.messagesPerSecond))) messages/s, "
      + "\(ByteSize.format(Int(progress.bytesPerSecond)))/s, \(Decimals.grouped(Int(progress.counts.failed))) failed"
    if let trouble = progress.trouble { text += "; waiting: \(trouble.message)" }
    return text
  }
}
