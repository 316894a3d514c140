import Bytes
import Kafka

/// Sees whether a topic still is the one that was read, by reading once more a message of each partition that was read
/// before: where it is another one now, the topic was made anew, though it may already be longer than our position.
///
/// A look is made now and then, beside the reading, and waits for nothing. The messages it asks for are those that were
/// the last ones read at the look before: so what came between the two is held against the past, and a topic that was
/// made anew and filled beyond our position in the meantime is found at the next look. That is for brokers that stay
/// connected: behind a new connection whoever reads the topic goes back to the message it knows. One thread at a time.
final class KafkaWitness {
  /// A message by what it is known by.
  struct Mark: Hashable, Sendable {
    var offset: Int64
    /// `KafkaWorker.fingerprint`.
    var fingerprint: UInt64
  }

  enum Finding: Hashable, Sendable {
    /// Another message stands at the offset.
    case replaced(partition: Int32, offset: Int64)
    /// A partition has no such offset any more: its ends say why.
    case outOfRange
  }

  private let configuration: KafkaConfiguration
  private let group: String
  private let topic: String
  private let seconds: Double
  private var consumer: KafkaConsumer?
  /// What the next look asks for.
  private var marks: [Int32: Mark] = [:]
  /// What this look still waits for, and what the one after it asks for; no look is under way without either.
  private var awaited: [Int32: Mark] = [:]
  private var following: [Int32: Mark] = [:]
  private var lastLook = 0.0

  /// A broker that does not answer for so long is asked again later.
  private static let patienceSeconds = 10.0
  /// The most that one call takes of the time of whoever reads the topic.
  private static let lookSeconds = 0.1

  /// `group` only gives a name: nothing is joined, and nothing told to it.
  init(_ configuration: KafkaConfiguration, topic: String, group: String, seconds: Double = 15) throws(PulsehouseError)
  {
    var small = configuration
    // A message a partition is all that is wanted.
    try small.set("fetch.message.max.bytes", "65536")
    try small.set("queued.min.messages", "1")
    self.configuration = small
    self.topic = topic
    self.group = group
    self.seconds = seconds
  }

  /// Nothing of it is on its way that would be worth waiting for.
  deinit { consumer?.close(milliseconds: 100) }

  /// Begins anew with these messages, of the partitions that are ours now. Where an older one of a partition is known it
  /// stays the one that is asked for: what was read since may be of another topic already.
  func begin(_ marks: [Int32: Mark], now: Double) throws(PulsehouseError) {
    awaited = [:]
    consumer?.close(milliseconds: 100)
    consumer = nil
    self.marks = marks.merging(self.marks.filter { marks[$0.key] != nil }) { _, older in older }
    lastLook = now
  }

  /// Starts a look where one is due, and takes what came of one that was started. `latest` are the messages read last.
  func look(now: Double, latest: () -> [Int32: Mark]) throws(PulsehouseError) -> Finding? {
    if awaited.isEmpty {
      guard now - lastLook >= seconds else { return nil }
      lastLook = now
      following = latest()
      guard !marks.isEmpty else {
        marks = following
        return nil
      }
      awaited = marks
      let consumer = try KafkaConsumer(configuration, group: group)
      self.consumer = consumer
      try consumer.assign(
        marks.sorted { $0.key < $1.key }.map {
          KafkaPosition(topic: topic, partition: $0.key, offset: $0.value.offset)
        })
    }
    guard let consumer else { return nil }
    let finding = try receive(consumer)
    if finding != nil || awaited.isEmpty || now - lastLook > Self.patienceSeconds {
      // What was not answered is asked for again: only what was held against the past is past.
      marks = finding == .outOfRange ? [:] : following.merging(awaited) { _, unanswered in unanswered }
      awaited = [:]
      // It goes with all that the broker sent beyond what was asked for, instead of keeping that until the next look.
      consumer.close(milliseconds: 100)
      self.consumer = nil
    }
    return finding
  }

  /// True while a look waits for its messages.
  var isLooking: Bool { !awaited.isEmpty }

  /// Takes what has arrived. After the message that was asked for comes all that was written since, as much of it as the
  /// broker likes to send: a partition that answered is read no further, and what came of it is passed over here, so that
  /// it neither fills memory nor keeps the answers of others waiting.
  private func receive(_ consumer: KafkaConsumer) throws(PulsehouseError) -> Finding? {
    let started = MachineClock.seconds
    repeat {
      let batch: KafkaBatch
      do throws(PulsehouseError) {
        batch = try consumer.receive(limit: 1000, milliseconds: 0)
      } catch {
        if error.sqlState == KafkaConsumer.outOfRangeState { return .outOfRange }
        throw error
      }
      if batch.count == 0 && batch.ends.isEmpty { return nil }
      var answered: Set<Int32> = []
      for message in batch.messages {
        guard let mark = awaited.removeValue(forKey: message.partition) else { continue }
        answered.insert(message.partition)
        // A message that was compacted away tells nothing.
        guard message.offset == mark.offset else { continue }
        if KafkaWorker.fingerprint(message) != mark.fingerprint {
          return .replaced(partition: message.partition, offset: message.offset)
        }
      }
      for end in batch.ends where awaited.removeValue(forKey: end.partition) != nil { answered.insert(end.partition) }
      if !answered.isEmpty && !awaited.isEmpty {
        try consumer.pause(answered.sorted().map { KafkaPosition(topic: topic, partition: $0, offset: 0) })
      }
    } while !awaited.isEmpty && MachineClock.seconds - started < Self.lookSeconds
    return nil
  }
}
