import Bytes
import CRdKafka
import Synchronization

/// Sends messages to one topic: idempotent, acknowledged by all replicas, in batches.
///
/// A message is partitioned by its key as Java's clients do it (murmur2), so that every client finds a key in the same
/// partition. One thread at a time; `counts` from any.
package final class KafkaProducer {
  /// What became of the messages handed over.
  package struct Counts: Sendable {
    /// Acknowledged by the broker, and the bytes of their values.
    package var delivered: Int64 = 0
    package var deliveredByteCount: Int64 = 0
    /// Given up: too old, too large, refused. `lastError` says why.
    package var failed: Int64 = 0
    package var lastError: PulsehouseError?

    package init() {}
  }

  /// Written by delivery reports, which run inside `poll` and `flush`.
  private final class Books: Sendable {
    let counts = Mutex(Counts())
  }

  /// A message of a batch to be sent: where its key and value lie in the batch's bytes.
  package struct Slice: Sendable {
    package var key: Range<Int>
    package var value: Range<Int>

    package init(key: Range<Int>, value: Range<Int>) {
      self.key = key
      self.value = value
    }
  }

  package let topic: String
  private let client: KafkaClient
  private let topicHandle: OpaquePointer
  private let books: Books
  private var messages: [rd_kafka_message_t] = []
  /// More than this many messages on their way, and `send` waits for acknowledgements.
  private let inFlightLimit: Int
  /// The client's own limit; what it holds back for retries is within it.
  private static let queueLimit = 200_000

  package init(
    topic: String, _ configuration: KafkaConfiguration, inFlightLimit: Int = 100_000
  ) throws(PulsehouseError) {
    self.topic = topic
    self.inFlightLimit = min(inFlightLimit, Self.queueLimit)
    let books = Books()
    let brokers = configuration.brokers
    client = try KafkaClient(
      RD_KAFKA_PRODUCER, configuration,
      defaults: [
        ("linger.ms", "20"), ("batch.num.messages", "10000"), ("batch.size", "1000000"),
        ("partitioner", "murmur2_random"), ("queue.buffering.max.messages", "\(Self.queueLimit)"),
      ],
      fixed: [("enable.idempotence", "true"), ("acks", "all")],
      delivered: { message in
        let code = message.pointee.err
        let byteCount = message.pointee.len
        books.counts.withLock { counts in
          if code == RD_KAFKA_RESP_ERR_NO_ERROR {
            counts.delivered += 1
            counts.deliveredByteCount += Int64(byteCount)
          } else {
            counts.failed += 1
            counts.lastError = KafkaError.error(code, "deliver a message to \(topic)", brokers: brokers)
          }
        }
      })
    self.books = books
    guard let handle = client.library.rd_kafka_topic_new(client.handle, topic, nil) else {
      let error = client.error(client.library.rd_kafka_last_error(), "use the topic \"\(topic)\"")
      client.destroy()
      throw error
    }
    topicHandle = handle
  }

  /// Messages that were not flushed are lost.
  deinit {
    _ = client.library.rd_kafka_purge(
      client.handle, Int32(RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT))
    client.library.rd_kafka_topic_destroy(topicHandle)
    client.destroy()
  }

  package var counts: Counts { books.counts.withLock { $0 } }

  /// What the client itself last complained of, such as a broker that does not answer; it goes on trying.
  package var lastClientError: PulsehouseError? { client.journal.lastError }

  /// Messages handed over and not yet acknowledged or given up.
  package var inFlightCount: Int { Int(client.library.rd_kafka_outq_len(client.handle)) }

  /// Lets acknowledgements be counted, waiting at most `milliseconds` for one.
  package func poll(milliseconds: Int = 0) { _ = client.library.rd_kafka_poll(client.handle, Int32(milliseconds)) }

  /// Hands over `slices` of `bytes`, in order; an empty key range is no key. The bytes are copied.
  ///
  /// Returns how many were taken: fewer than all when the broker does not keep up for `milliseconds`; call again with
  /// the rest. - Throws: `.user` for a message that can never be sent, such as one too large; `.io`; `.conflict` when
  /// the producer was fenced.
  package func send(
    _ bytes: UnsafeRawBufferPointer, _ slices: ArraySlice<Slice>, milliseconds: Int = 500
  ) throws(PulsehouseError) -> Int {
    if let error = client.journal.fatalError { throw error }
    poll()
    var room = inFlightLimit - inFlightCount
    var waited = 0
    while room <= 0 {
      guard waited < milliseconds else { return 0 }
      poll(milliseconds: 10)
      waited += 10
      room = inFlightLimit - inFlightCount
    }
    let taken = slices.prefix(room)
    guard let base = bytes.baseAddress, !taken.isEmpty else { return 0 }
    messages.removeAll(keepingCapacity: true)
    for slice in taken {
      precondition(slice.key.upperBound <= bytes.count && slice.value.upperBound <= bytes.count, "outside the bytes")
      var message = rd_kafka_message_t()
      // Only read: the library copies (MSG_F_COPY).
      message.payload = UnsafeMutableRawPointer(mutating: base + slice.value.lowerBound)
      message.len = slice.value.count
      if !slice.key.isEmpty {
        message.key = UnsafeMutableRawPointer(mutating: base + slice.key.lowerBound)
        message.key_len = slice.key.count
      }
      messages.append(message)
    }
    let library = client.library
    let count = messages.withUnsafeMutableBufferPointer { buffer in
      library.rd_kafka_produce_batch(
        topicHandle, RD_KAFKA_PARTITION_UA, Int32(RD_KAFKA_MSG_F_COPY), buffer.baseAddress, Int32(buffer.count))
    }
    guard Int(count) < messages.count else { return messages.count }
    // The client's memory limit, smaller than our count of messages: what was refused is tried again, in order.
    for index in messages.indices where messages[index].err != RD_KAFKA_RESP_ERR_NO_ERROR {
      let message = messages[index]
      try sendAgain(message)
    }
    return messages.count
  }

  private func sendAgain(_ refused: rd_kafka_message_t) throws(PulsehouseError) {
    var message = refused
    while message.err != RD_KAFKA_RESP_ERR_NO_ERROR {
      guard message.err == RD_KAFKA_RESP_ERR__QUEUE_FULL else {
        throw client.error(message.err, "send to \(topic)")
      }
      if let error = client.journal.fatalError { throw error }
      poll(milliseconds: 20)
      _ = client.library.rd_kafka_produce_batch(
        topicHandle, RD_KAFKA_PARTITION_UA, Int32(RD_KAFKA_MSG_F_COPY), &message, 1)
    }
  }

  /// Waits until everything handed over is acknowledged or given up. False when `milliseconds` did not suffice.
  package func flush(milliseconds: Int) -> Bool {
    client.library.rd_kafka_flush(client.handle, Int32(milliseconds)) == RD_KAFKA_RESP_ERR_NO_ERROR
  }
}
