import Bytes
import CRdKafka

/// Receives messages of partitions that `assign` names, from positions that the caller keeps.
///
/// No group is joined: who reads what is for the caller to say. The group's name only files the offsets that `commit`
/// tells the brokers, for lag tools. Only messages of committed transactions come. One thread at a time.
package final class KafkaConsumer {
  private let client: KafkaClient
  private let queue: OpaquePointer
  private let batchLibrary: KafkaBatchLibrary
  private var pointers: [UnsafeMutablePointer<rd_kafka_message_t>?] = []
  private var isClosed = false
  package let group: String

  /// Ordinary lag tools show what `commit` tells under the name of `group`.
  package init(_ configuration: KafkaConfiguration, group: String) throws(PulsehouseError) {
    let library = try KafkaLibrary.open()
    let client = try KafkaClient(
      RD_KAFKA_CONSUMER, configuration,
      defaults: [
        // Large fetches, and enough of them in hand that parsing never waits; still a bound on memory.
        ("fetch.wait.max.ms", "100"), ("queued.max.messages.kbytes", "65536"), ("queued.min.messages", "200000"),
        ("fetch.message.max.bytes", "4194304"), ("fetch.error.backoff.ms", "100"),
      ],
      fixed: [
        ("group.id", group), ("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"),
        // A position out of range is for the caller to judge, never to be mended in silence.
        ("auto.offset.reset", "error"), ("enable.partition.eof", "true"), ("isolation.level", "read_committed"),
      ])
    _ = library.rd_kafka_poll_set_consumer(client.handle)
    guard let queue = library.rd_kafka_queue_get_consumer(client.handle) else {
      client.destroy()
      throw PulsehouseError(.internal, "the Kafka consumer has no queue")
    }
    self.client = client
    self.queue = queue
    self.group = group
    batchLibrary = KafkaBatchLibrary(library)
  }

  deinit { close() }

  /// Ends the client. What was told by `commit` and is on its way to the broker is waited for no longer than
  /// `milliseconds`, and not at all when no broker answers.
  package func close(milliseconds: Int = 1000) {
    guard !isClosed else { return }
    isClosed = true
    let library = client.library
    _ = library.rd_kafka_assign(client.handle, nil)
    var isDone = false
    if let error = library.rd_kafka_consumer_close_queue(client.handle, queue) {
      library.rd_kafka_error_destroy(error)
    } else {
      let deadline = ContinuousClock.now + .milliseconds(lastClientError == nil ? milliseconds : 0)
      var message: UnsafeMutablePointer<rd_kafka_message_t>?
      repeat {
        if library.rd_kafka_consume_batch_queue(queue, 20, &message, 1) > 0 {
          library.rd_kafka_message_destroy(message)
        }
        isDone = library.rd_kafka_consumer_closed(client.handle) != 0
      } while !isDone && ContinuousClock.now < deadline
    }
    library.rd_kafka_queue_destroy(queue)
    client.destroy(flags: KafkaClient.destroyWithoutClosing, milliseconds: isDone ? milliseconds : 0)
  }

  /// Reads these partitions from these offsets on, and no others.
  package func assign(_ positions: [KafkaPosition]) throws(PulsehouseError) {
    try check("read \(Self.words(positions))", positions) { client.library.rd_kafka_assign(client.handle, $0) }
  }

  /// Reads nothing.
  package func unassign() throws(PulsehouseError) {
    let code = client.library.rd_kafka_assign(client.handle, nil)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw client.error(code, "give back partitions") }
  }

  /// Goes on at other offsets of partitions that are assigned; what was fetched of them before is dropped.
  package func seek(_ positions: [KafkaPosition], milliseconds: Int = 10_000) throws(PulsehouseError) {
    let library = client.library
    try check("go to \(Self.words(positions))", positions) { list in
      if let error = library.rd_kafka_seek_partitions(client.handle, list, Int32(milliseconds)) {
        defer { library.rd_kafka_error_destroy(error) }
        return library.rd_kafka_error_code(error)
      }
      return Self.firstError(list)
    }
  }

  /// Stops and starts the fetching of partitions that stay assigned.
  package func pause(_ positions: [KafkaPosition]) throws(PulsehouseError) {
    try check("pause \(Self.words(positions))", positions) {
      client.library.rd_kafka_pause_partitions(client.handle, $0)
    }
  }

  package func resume(_ positions: [KafkaPosition]) throws(PulsehouseError) {
    try check("resume \(Self.words(positions))", positions) {
      client.library.rd_kafka_resume_partitions(client.handle, $0)
    }
  }

  /// Grows with each connection to a broker that is begun, before anything comes by it. A message that was received while
  /// it stayed the same is of the same brokers as those before; after that, who knows what answers under the address.
  package var connectionCount: Int { client.connectionCount }

  /// What the client itself last complained of, such as a broker that does not answer; it goes on trying.
  package var lastClientError: PulsehouseError? { client.journal.lastError }

  package func takeClientError() -> PulsehouseError? { client.journal.takeError() }

  /// Receives up to `limit` messages, waiting up to `milliseconds` for them. May be empty.
  ///
  /// - Throws: `.user` 42P01 for a topic that is gone, or for a position that a partition does not have (SQLSTATE
  ///   `outOfRangeState`); `.io` when the client cannot go on. A broker that is down is not an error here: it is in
  ///   `lastClientError`, and the client tries again.
  package func receive(limit: Int, milliseconds: Int) throws(PulsehouseError) -> KafkaBatch {
    if pointers.count < limit { pointers = [UnsafeMutablePointer<rd_kafka_message_t>?](repeating: nil, count: limit) }
    let library = client.library
    let received = pointers.withUnsafeMutableBufferPointer { buffer in
      library.rd_kafka_consume_batch_queue(queue, Int32(milliseconds), buffer.baseAddress, limit)
    }
    guard received >= 0 else { throw client.error(library.rd_kafka_last_error(), "receive") }
    var messages: [UnsafeMutablePointer<rd_kafka_message_t>] = []
    messages.reserveCapacity(received)
    var ends: [KafkaPosition] = []
    var failure: PulsehouseError?
    for index in 0..<received {
      guard let message = pointers[index] else { continue }
      if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
        messages.append(message)
        continue
      }
      if message.pointee.err == RD_KAFKA_RESP_ERR__PARTITION_EOF {
        ends.append(position(of: message))
      } else if let error = self.failure(of: message) {
        failure = failure ?? error
      }
      library.rd_kafka_message_destroy(message)
    }
    let batch = KafkaBatch(messages, ends: ends, batchLibrary)
    if let failure { throw failure }
    if let fatal = client.journal.fatalError { throw fatal }
    return batch
  }

  /// The SQLSTATE of a position that the partition does not have.
  package static let outOfRangeState = "22003"

  private func position(of message: UnsafeMutablePointer<rd_kafka_message_t>) -> KafkaPosition {
    let topic = message.pointee.rkt.map { KafkaLibrary.text(client.library.rd_kafka_topic_name($0)) } ?? ""
    return KafkaPosition(topic: topic, partition: message.pointee.partition, offset: message.pointee.offset)
  }

  /// An error among the messages: nil for what passes by itself.
  private func failure(of message: UnsafeMutablePointer<rd_kafka_message_t>) -> PulsehouseError? {
    let place = position(of: message)
    let code = message.pointee.err
    let words = message.pointee.payload.map {
      client.journal.redact(
        String(decoding: UnsafeRawBufferPointer(start: $0, count: message.pointee.len), as: UTF8.self))
    }
    switch code {
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      return PulsehouseError(
        .user, "partition \(place.partition) of \(place.topic) does not have the position to be read from",
        sqlState: Self.outOfRangeState, detail: words)
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
      RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL, RD_KAFKA_RESP_ERR__FATAL,
      RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
      let what = place.topic.isEmpty ? "read as group \(group)" : "read \(place.topic)"
      return KafkaError.error(code, what, brokers: client.journal.brokers, detail: words)
    default:
      // The client fetches again by itself.
      var error = KafkaError.error(code, "read \(place.topic)", brokers: client.journal.brokers, detail: words)
      error.message = KafkaError.describe(code)
      client.journal.note(error)
      return nil
    }
  }

  /// The addresses that the client began with.
  package var brokers: String { client.journal.brokers }

  /// Returns the number of partitions of `topic`, nil when there is no such topic. - Throws: `.io`.
  package func partitionCount(_ topic: String, milliseconds: Int) throws(PulsehouseError) -> Int? {
    try client.topics(milliseconds: milliseconds)[topic]
  }

  /// Asks the broker for what a partition has. - Throws: `.io` when none answers in time, `.user` for an unknown topic.
  package func watermarks(
    _ topic: String, _ partition: Int32, milliseconds: Int = 10_000
  ) throws(PulsehouseError) -> KafkaWatermarks {
    var low: Int64 = 0
    var high: Int64 = 0
    let code = client.library.rd_kafka_query_watermark_offsets(
      client.handle, topic, partition, &low, &high, Int32(milliseconds))
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw client.error(code, "ask for the ends of \(topic)/\(partition)")
    }
    return KafkaWatermarks(low: low, high: high)
  }

  /// Tells the group's coordinator how far we are, without waiting for its answer.
  package func commit(_ positions: [KafkaPosition]) throws(PulsehouseError) {
    guard !positions.isEmpty else { return }
    try check("commit offsets of group \(group)", positions) { client.library.rd_kafka_commit(client.handle, $0, 1) }
  }

  /// What the group's coordinator was told of these partitions; -1001 where nothing was.
  package func committed(
    _ topic: String, partitionCount: Int, milliseconds: Int = 10_000
  ) throws(PulsehouseError) -> [KafkaPosition] {
    var found: [KafkaPosition] = []
    let wanted = (0..<Int32(clamping: partitionCount)).map { KafkaPosition(topic: topic, partition: $0, offset: -1001) }
    try check("ask for the offsets of group \(group)", wanted) { list in
      let code = client.library.rd_kafka_committed(client.handle, list, Int32(milliseconds))
      found = Self.positions(list)
      return code
    }
    return found
  }

  // MARK: Lists of the library

  private func check(
    _ action: String, _ positions: [KafkaPosition] = [],
    _ body: (UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) -> rd_kafka_resp_err_t
  ) throws(PulsehouseError) {
    let library = client.library
    guard let list = library.rd_kafka_topic_partition_list_new(Int32(positions.count)) else {
      throw PulsehouseError(.io, "no memory", sqlState: "53200")
    }
    defer { library.rd_kafka_topic_partition_list_destroy(list) }
    for position in positions {
      let entry = library.rd_kafka_topic_partition_list_add(list, position.topic, position.partition)
      entry?.pointee.offset = position.offset
    }
    let code = body(list)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw client.error(code, action) }
  }

  private static func firstError(_ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) -> rd_kafka_resp_err_t {
    for index in 0..<Int(list.pointee.cnt) where list.pointee.elems[index].err != RD_KAFKA_RESP_ERR_NO_ERROR {
      return list.pointee.elems[index].err
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR
  }

  private static func positions(_ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) -> [KafkaPosition] {
    guard let list else { return [] }
    return (0..<Int(list.pointee.cnt)).map { index in
      let entry = list.pointee.elems[index]
      return KafkaPosition(topic: String(cString: entry.topic), partition: entry.partition, offset: entry.offset)
    }
  }

  private static func words(_ positions: [KafkaPosition]) -> String {
    let shown = positions.prefix(3).map { "\($0.topic)/\($0.partition) from \($0.offset)" }.joined(separator: ", ")
    return positions.count > 3 ? shown + " and \(positions.count - 3) more" : shown
  }
}
