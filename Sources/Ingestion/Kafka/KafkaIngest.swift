import Bytes
import Engine
import Execution
import Kafka
import Segments
import Synchronization

/// Reads what is new in a topic into its bronze table, exactly once: rows and the position of every partition they came
/// from are one commit. The broker's group only shares out the partitions; what it knows of positions is advice for lag
/// tools.
struct KafkaIngest {
  let source: Source
  let topic: KafkaTopic
  let warehouse: Warehouse
  let options: IngestOptions

  /// The configuration that source and options make together.
  static func configuration(_ topic: KafkaTopic, _ options: IngestOptions) throws(PulsehouseError) -> KafkaConfiguration
  {
    guard let brokers = options.brokers ?? topic.brokers ?? options.defaultBrokers else {
      throw PulsehouseError(
        .usage, "no Kafka broker is named for the topic \(topic.topic)",
        hint: "Say --brokers host:port, set PULSEHOUSE_BROKERS, or write brokers 'host:port' in the source.")
    }
    var configuration = KafkaConfiguration(brokers: brokers)
    for assignment in topic.properties + options.kafkaProperties { try configuration.set(assignment: assignment) }
    return configuration
  }

  func run() throws -> IngestReport {
    let started = IngestClock.seconds()
    let fields = source.columns.map { JSONField($0) }
    let configuration = try Self.configuration(topic, options)
    let partitionCount = try KafkaAdmin(configuration).partitionCount(topic.topic)
    guard let partitionCount else {
      throw PulsehouseError(
        .user, "there is no topic \"\(topic.topic)\" at \(configuration.brokers)", sqlState: "42P01",
        hint: "Check its name, or make it: pulsehouse produce makes it when it is missing.")
    }
    // Columns and types are judged before anything is asked of the group.
    let schema = try SourceWriter(
      source, lineage: KafkaCollector.lineage, quarantine: KafkaQuarantine.definition, in: warehouse
    ).bronze
    _ = try KafkaWorker(fields: fields, avro: topic.avro, schema: schema.definition.schema, options: schema.options)

    let consumer = try KafkaConsumer(configuration, group: topic.group)
    let box = ConsumerBox(consumer, topic.topic)
    let collector = KafkaCollector(source, topic, into: warehouse, options) { moved in box.advise(moved) }
    var targets: [Int32: Int64] = [:]
    for partition in 0..<Int32(clamping: partitionCount) {
      targets[partition] = try consumer.watermarks(topic.topic, partition).high
    }
    let segmentOptions = schema.options
    let bronzeSchema = schema.definition.schema
    let stream = KafkaStream(
      consumer, collector, topic, targets: targets,
      rowLimit: min(segmentOptions.rowGroupRowCount, options.kafkaCommitRowCount ?? topic.commitRowCount ?? .max),
      options)
    try consumer.subscribe([topic.topic])
    let threads = max(1, options.threadCount)
    defer { consumer.close() }
    do {
      try WorkerPool.shared.run(threads: threads) { _ in
        do {
          let worker = try KafkaWorker(fields: fields, avro: topic.avro, schema: bronzeSchema, options: segmentOptions)
          while !collector.hasFailed, let unit = try stream.nextUnit() {
            try collector.deposit(unit.sequence, try worker.read(unit), threads: threads)
          }
        } catch {
          collector.fail()
          throw error
        }
      }
      let report = try collector.finish(seconds: IngestClock.seconds() - started)
      box.settle()
      return report
    } catch {
      collector.discard()
      throw error
    }
  }
}

/// The consumer as the collector sees it: where the group is told how far we are.
///
/// @unchecked: the client's own calls may be made from any thread.
private final class ConsumerBox: @unchecked Sendable {
  private let consumer: KafkaConsumer
  private let topic: String
  private let last = Mutex<[Int32: Int64]>([:])

  init(_ consumer: KafkaConsumer, _ topic: String) {
    self.consumer = consumer
    self.topic = topic
  }

  /// Advice only: what fails here is told again with the next commit.
  func advise(_ moved: [(partition: Int32, offset: Int64)]) {
    last.withLock { last in for entry in moved { last[entry.partition] = entry.offset } }
    try? consumer.commit(positions(moved), waits: false)
  }

  /// Repeats the last advice and waits for it, so that it is not lost with the consumer.
  func settle() {
    let moved = last.withLock { $0.map { (partition: $0.key, offset: $0.value) } }
    if consumer.lastClientError == nil { try? consumer.commit(positions(moved), waits: true) }
  }

  private func positions(_ moved: [(partition: Int32, offset: Int64)]) -> [KafkaPosition] {
    moved.map { KafkaPosition(topic: topic, partition: $0.partition, offset: $0.offset) }
  }
}
