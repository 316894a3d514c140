import Bytes
import Execution
import Glibc
import Kafka

/// How to write a topic to a lake.
package struct SinkOptions: Sendable {
  package var kafka: KafkaConfiguration
  package var topic: String
  /// The lake's folder.
  package var lake: String
  package var eventTime: EventTime
  /// The schema of messages in Avro, by which their event time is found; they go to the lake as they came.
  package var avro: AvroSchema?
  /// The group under whose name lag tools find the offsets.
  package var group = "pulsehouse-sink"
  /// The partitions to write; nil is all. Several processes may share a topic that way.
  package var partitions: Set<Int32>?
  package var isCompressed = false
  /// Text of a partition after which its files are ended.
  package var rollByteCount = 64 << 20
  /// Seconds after which a message is in the lake at the latest.
  package var rollSeconds = 60.0
  /// Goes on for ever instead of ending where the topic does.
  package var follows = false
  /// Goes on where the topic begins when messages that were not written yet are gone from it.
  package var skipsMissing = false
  package var fileSystem: any FileSystem = LocalFileSystem()
  package var cancellation = Cancellation()
  /// Told now and then.
  package var progress: @Sendable (SinkReport) -> Void = { _ in }

  package init(kafka: KafkaConfiguration, topic: String, lake: String, eventTime: EventTime) {
    self.kafka = kafka
    self.topic = topic
    self.lake = lake
    self.eventTime = eventTime
  }
}

/// What a sink did.
package struct SinkReport: Sendable, Hashable {
  /// Messages that are in the lake.
  package var recordCount: Int64 = 0
  /// Of those received, the ones whose event time cannot be read, and the ones that are no line of their own.
  package var unknownTimeCount: Int64 = 0
  package var escapedCount: Int64 = 0
  package var fileCount = 0
  /// Bytes on disk.
  package var byteCount: Int64 = 0
  package var commitCount = 0
  package var seconds = 0.0
  /// Messages per partition that were gone before they were written, by `skipsMissing`.
  package var missingCounts: [Int32: Int64] = [:]
  /// What keeps the broker from answering, when it does not.
  package var trouble: String?

  package init() {}

  package var recordsPerSecond: Double { seconds > 0 ? Double(recordCount) / seconds : 0 }
}

/// Writes a topic of Kafka to a lake, by the hour of the event, each message exactly once: `SinkPartition` keeps the
/// promise, this reads the topic. What the broker is told of the group's offsets is for lag tools alone.
package final class KafkaSink {
  private let options: SinkOptions
  private let folder: SinkFolder
  private let sync: SinkSync
  private let clock: EventClock
  private let consumer: KafkaConsumer
  private let witness: KafkaWitness
  private let waiting: KafkaPatience
  private var partitions: [Int32: SinkPartition] = [:]
  /// Partitions whose end was seen.
  private var ended: Set<Int32> = []
  private var report = SinkReport()
  /// The first offset of each partition, as it was when its position was last held against it.
  private var lows: [Int32: Int64] = [:]
  /// The messages with which partitions were taken up, until they came once more.
  private var expected: [Int32: KafkaWitness.Mark] = [:]
  /// The consumer's connections when the partitions were taken up: what comes by a newer one may be of another topic.
  private var connectionCount = 0
  /// How often in a row positions were judged that the broker refused.
  private var judgedCount = 0
  /// When the number of the topic's partitions was asked for last.
  private var countedAt = 0.0
  private var releasedAt = MachineClock.seconds

  /// More files than this are not kept open: a topic of old events, spread over many hours. As many can be made safe
  /// within the two seconds that a stop may take.
  private static let openFileLimit = 4000

  /// Seconds between looks for partitions that were added.
  private static let countSeconds = 10.0
  /// Seconds after which free memory is given back.
  private static let releaseSeconds = 10.0

  private init(_ options: SinkOptions) throws(PulsehouseError) {
    self.options = options
    folder = SinkFolder(
      lake: options.lake, topic: options.topic, isCompressed: options.isCompressed, isBinary: options.avro != nil)
    sync = try SinkSync(folder, in: options.fileSystem)
    clock = try EventClock(options.eventTime, avro: options.avro)
    consumer = try KafkaConsumer(options.kafka, group: options.group)
    waiting = KafkaPatience(topic: options.topic, options.cancellation)
    witness = try KafkaWitness(options.kafka, topic: options.topic, group: options.group)
  }

  /// Writes until the topic's end as it was met, or with `follows` until it is cancelled. What is in hand then is
  /// committed.
  ///
  /// Partitions are not shared out by the group, since a member that was killed would keep its own until the brokers
  /// give it up; the locks of the lake say who writes what, and go with their process.
  ///
  /// - Throws: `.user` for a topic that is not there, or that no longer has the messages to be written next; `.conflict`
  ///   when another process writes the same partitions; `.io`.
  package static func run(_ options: SinkOptions) throws -> SinkReport {
    if options.follows { Heap.keepSmall() }
    let sink = try KafkaSink(options)
    defer { sink.consumer.close() }
    do {
      return try sink.run()
    } catch let error as PulsehouseError where error.kind == .cancelled && options.cancellation.isCancelled {
      // Whoever waits for the broker has nothing in hand that is not committed.
      return sink.current
    }
  }

  private func run() throws -> SinkReport {
    let started = MachineClock.seconds
    let count = try waiting.ask { milliseconds throws(PulsehouseError) in
      try consumer.partitionCount(options.topic, milliseconds: milliseconds)
    }
    guard let count else {
      throw PulsehouseError(.user, "there is no topic \"\(options.topic)\"", sqlState: "42P01")
    }
    try take(partitionCount: count)
    while !options.cancellation.isCancelled {
      guard let batch = try receive() else { continue }
      try take(batch)
      for end in batch.ends {
        partitions[end.partition]?.advance(to: end.offset)
        ended.insert(end.partition)
      }
      let openFileCount = partitions.values.reduce(0) { $0 + $1.openFileCount }
      try commit { openFileCount >= Self.openFileLimit || isDue($0) }
      report.seconds = MachineClock.seconds - started
      report.trouble = batch.count == 0 ? consumer.lastClientError?.message : nil
      options.progress(current)
      if !options.follows && ended.count == partitions.count { break }
      if options.follows {
        try look()
        let now = MachineClock.seconds
        if now - countedAt > Self.countSeconds { try takeNewPartitions() }
        if now - releasedAt > Self.releaseSeconds {
          releasedAt = now
          Heap.release()
        }
      }
    }
    try commit { _ in true }
    report.seconds = MachineClock.seconds - started
    return current
  }

  /// Receives; nil when a position turned out not to be there and was judged, or when what came is to come once more.
  private func receive() throws -> KafkaBatch? {
    let batch: KafkaBatch
    do {
      // The client waits for as long as it has fewer than the limit, which would be long at the topic's end.
      batch = try consumer.receive(limit: EventClock.batchLimit, milliseconds: options.follows ? 100 : 10)
    } catch {
      if error.sqlState == "42P01" { throw isGone }
      // Several in a row find nothing that would explain the broker's refusal.
      guard error.sqlState == KafkaConsumer.outOfRangeState, judgedCount < 3 else { throw error }
      try judge()
      return nil
    }
    guard batch.count > 0 else { return batch }
    guard consumer.connectionCount == connectionCount else {
      try settle()
      return nil
    }
    judgedCount = 0
    return batch
  }

  private var isGone: PulsehouseError {
    PulsehouseError(
      .user, "the topic \(options.topic) is gone from the broker while it was read", sqlState: "42P01",
      detail: "It was deleted, or is being made anew. What was received of it is in the lake.",
      hint: "Write a topic that was made anew to another lake: its offsets begin again.")
  }

  /// Commits what is in hand, and holds all positions against what the topic has.
  private func judge() throws {
    judgedCount += 1
    try commit { _ in true }
    try settle()
  }

  /// Holds all positions against what the topic has now, and goes on there.
  private func settle() throws {
    for partition in partitions.values { try begin(partition) }
    try assign()
  }

  // MARK: Is it the same topic?

  private func look() throws {
    switch try witness.look(now: MachineClock.seconds, latest: { partitions.compactMapValues(\.committedMark) }) {
    case nil: break
    case .outOfRange: try judge()
    case .replaced(let partition, let offset): throw isReplaced(partition, offset)
    }
  }

  private func isReplaced(_ partition: Int32, _ offset: Int64) -> PulsehouseError {
    let position = partitions[partition]?.position ?? offset + 1
    return PulsehouseError(
      .user,
      "message \(offset) of partition \(partition) of \(options.topic) is not the one that was written: the topic was "
        + "made anew, and what it has before offset \(position) was never written",
      sqlState: KafkaConsumer.outOfRangeState,
      hint: "Write a topic that was made anew to another lake: its offsets begin again.")
  }

  private func takeNewPartitions() throws {
    countedAt = MachineClock.seconds
    let answer: Int?
    do throws(PulsehouseError) {
      answer = try consumer.partitionCount(options.topic, milliseconds: 500)
    } catch {
      // A broker that is away for a while is no reason to stop; the next look is soon enough.
      guard error.kind == .io else { throw error }
      return
    }
    guard let count = answer else { throw isGone }
    try take(partitionCount: count)
  }

  /// Takes the partitions that are not ours yet, and reads all of ours.
  private func take(partitionCount count: Int) throws {
    countedAt = MachineClock.seconds
    let all = Set((0..<count).map { Int32($0) })
    if let strange = options.partitions?.subtracting(all).min() {
      throw PulsehouseError(.user, "\(options.topic) has no partition \(strange)", sqlState: "42P01")
    }
    let new = (options.partitions ?? all).subtracting(partitions.keys)
    guard !new.isEmpty else { return }
    for number in new.sorted() {
      let partition = try SinkPartition(folder, partition: number, sync: sync, in: options.fileSystem)
      try begin(partition)
      partitions[number] = partition
    }
    try assign()
  }

  /// Reads all partitions from the last message of each on that we have: it tells whether the topic still is the same.
  private func assign() throws(PulsehouseError) {
    connectionCount = consumer.connectionCount
    expected = partitions.compactMapValues(\.mark).filter { $0.value.offset >= lows[$0.key] ?? 0 }
    try consumer.assign(
      partitions.sorted { $0.key < $1.key }.map {
        KafkaPosition(topic: options.topic, partition: $0.key, offset: expected[$0.key]?.offset ?? $0.value.position)
      })
    try witness.begin(partitions.compactMapValues(\.committedMark), now: MachineClock.seconds)
  }

  /// Holds a message against the one that we have of its partition.
  private func compare(_ message: KafkaMessage) throws(PulsehouseError) {
    // One that was compacted away tells nothing.
    guard let mark = expected.removeValue(forKey: message.partition), message.offset == mark.offset else { return }
    guard KafkaWorker.fingerprint(message) != mark.fingerprint else { return }
    // What is in hand came before, from the topic as it was.
    try commit { _ in true }
    throw isReplaced(message.partition, mark.offset)
  }

  private func take(_ batch: KafkaBatch) throws(PulsehouseError) {
    guard batch.count > 0 else { return }
    let hours = clock.hours(batch)
    let messages = batch.messages
    if !expected.isEmpty { for message in messages { try compare(message) } }
    var index = 0
    // Messages of one partition come in runs.
    while index < batch.count {
      let number = messages[index].partition
      let partition = partitions[number]
      var last: Int?
      while index < batch.count {
        let message = messages[index]
        guard message.partition == number else { break }
        defer { index += 1 }
        guard let partition, message.offset >= partition.position else { continue }
        if hours[index] == nil { report.unknownTimeCount += 1 }
        if try partition.append(message.value, offset: message.offset, hour: hours[index]) { report.escapedCount += 1 }
        last = index
      }
      guard let partition, let last else { continue }
      let message = messages[last]
      partition.remember(KafkaWitness.Mark(offset: message.offset, fingerprint: KafkaWorker.fingerprint(message)))
    }
  }

  private func isDue(_ partition: SinkPartition) -> Bool {
    guard let startedAt = partition.startedAt else { return false }
    return partition.pendingByteCount >= options.rollByteCount
      || MachineClock.seconds - startedAt >= options.rollSeconds
  }

  private func commit(where isDue: (SinkPartition) -> Bool) throws(PulsehouseError) {
    let due = partitions.filter { $0.value.hasNews && isDue($0.value) }.sorted { $0.key < $1.key }
    let counts = due.map(\.value.pendingRecordCount)
    try SinkPartition.commit(due.map(\.value), sync)
    try sync.synchronize()
    report.recordCount += counts.reduce(0, +)
    report.commitCount += due.count
    let positions = due.map { KafkaPosition(topic: options.topic, partition: $0.key, offset: $0.value.position) }
    // Only advice for lag tools: the journal decides, so a broker that does not take it is no failure.
    if !positions.isEmpty { try? consumer.commit(positions) }
  }

  /// Holds the position against what the topic still has.
  private func begin(_ partition: SinkPartition) throws {
    let name = "partition \(partition.partition) of \(options.topic)"
    let marks = try waiting.ask(forever: options.follows) { milliseconds throws(PulsehouseError) in
      try consumer.watermarks(options.topic, partition.partition, milliseconds: milliseconds)
    }
    lows[partition.partition] = marks.low
    guard partition.position <= marks.high else {
      throw PulsehouseError(
        .user, "\(name) ends at offset \(marks.high), before offset \(partition.position), which is written next",
        sqlState: KafkaConsumer.outOfRangeState,
        detail: "The topic was made anew, or its broker lost messages.",
        hint: "Write a topic that was made anew to another lake: its offsets begin again.")
    }
    guard partition.position < marks.low else { return }
    if partition.hasJournal {
      let missing = marks.low - partition.position
      guard options.skipsMissing else {
        throw PulsehouseError(
          .user,
          "\(missing) messages of \(name) are gone before they were written: offsets \(partition.position) to "
            + "\(marks.low - 1)", sqlState: KafkaConsumer.outOfRangeState,
          detail: "The topic keeps them no longer; its first offset is \(marks.low).",
          hint: "--skip-missing goes on from there.")
      }
      report.missingCounts[partition.partition] = missing
    }
    partition.start(at: marks.low)
  }

  /// The report with what the open partitions have done.
  private var current: SinkReport {
    var report = report
    for partition in partitions.values {
      report.fileCount += partition.fileCount
      report.byteCount += partition.byteCount
    }
    return report
  }
}
