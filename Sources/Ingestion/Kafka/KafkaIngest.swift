import Bytes
import Engine
import Execution
import Kafka
import Segments
import Synchronization

/// Reads what is new in a topic into its bronze table, exactly once: rows and the position of every partition they came
/// from are one commit. `KafkaLeases` shares partitions out; the broker's group only hears of positions, for lag tools.
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
    do {
      return try ingest()
    } catch let error as PulsehouseError where error.kind == .cancelled && options.cancellation.isCancelled {
      // Stopped before anything was in hand.
      return IngestReport(source: source.name)
    }
  }

  private func ingest() throws -> IngestReport {
    let started = MachineClock.seconds
    if options.follows { Heap.keepSmall() }
    let fields = source.columns.map { JSONField($0) }
    let configuration = try Self.configuration(topic, options)
    // Columns and types are judged before anything is asked of the broker.
    let schema = try SourceWriter(
      source, lineage: KafkaCollector.lineage, quarantine: KafkaQuarantine.definition, in: warehouse
    ).bronze
    let segmentOptions = schema.options
    let bronzeSchema = schema.definition.schema
    _ = try KafkaWorker(fields: fields, avro: topic.avro, schema: bronzeSchema, options: segmentOptions)

    let consumer = try KafkaConsumer(configuration, group: topic.group)
    defer { consumer.close() }
    let waiting = KafkaPatience(topic: topic.topic, options.cancellation, options.notice)
    let targets = try targets(consumer, waiting)
    let box = ConsumerBox(consumer, topic.topic)
    let collector = KafkaCollector(source, topic, into: warehouse, options) { moved in box.advise(moved) }
    let stream = try KafkaStream(
      consumer, collector, topic, targets: targets,
      leases: KafkaLeases(warehouse.store, source: source.name, topic: topic.topic),
      witness: options.follows ? KafkaWitness(configuration, topic: topic.topic, group: topic.group) : nil, waiting,
      rowLimit: min(segmentOptions.rowGroupRowCount, options.kafkaCommitRowCount ?? topic.commitRowCount ?? .max),
      options)
    defer { stream.leave() }
    let threads = max(1, options.threadCount)
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
      let report = try collector.finish(seconds: MachineClock.seconds - started)
      box.repeatAdvice()
      return report
    } catch {
      collector.discard()
      throw error
    }
  }

  /// Returns where each partition of the topic ends now.
  private func targets(_ consumer: KafkaConsumer, _ waiting: KafkaPatience) throws -> [Int32: KafkaWatermarks] {
    let count = try waiting.ask { milliseconds throws(PulsehouseError) in
      try consumer.partitionCount(topic.topic, milliseconds: milliseconds)
    }
    guard let count else {
      throw PulsehouseError(
        .user, "there is no topic \"\(topic.topic)\" at \(consumer.brokers)", sqlState: "42P01",
        hint: "Check its name, or make it: pulsehouse produce makes it when it is missing.")
    }
    var targets: [Int32: KafkaWatermarks] = [:]
    for partition in 0..<Int32(clamping: count) {
      targets[partition] = try waiting.ask { milliseconds throws(PulsehouseError) in
        try consumer.watermarks(topic.topic, partition, milliseconds: milliseconds)
      }
    }
    return targets
  }
}

/// The consumer as the collector sees it: where the broker is told how far we are.
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
    try? consumer.commit(positions(moved))
  }

  /// Repeats the last advice, in case the broker was away when it was given.
  func repeatAdvice() {
    let moved = last.withLock { $0.map { (partition: $0.key, offset: $0.value) } }
    try? consumer.commit(positions(moved))
  }

  private func positions(_ moved: [(partition: Int32, offset: Int64)]) -> [KafkaPosition] {
    moved.map { KafkaPosition(topic: topic, partition: $0.partition, offset: $0.offset) }
  }
}
