import Bytes
import CRdKafka

/// A place in a partition: what a reader reads next.
package struct KafkaPosition: Sendable, Hashable {
  package var topic: String
  package var partition: Int32
  package var offset: Int64

  package init(topic: String, partition: Int32, offset: Int64) {
    self.topic = topic
    self.partition = partition
    self.offset = offset
  }
}

/// The first offset that a partition still has, and the one its next message will get.
package struct KafkaWatermarks: Sendable, Hashable {
  package var low: Int64
  package var high: Int64

  package init(low: Int64, high: Int64) {
    self.low = low
    self.high = high
  }
}

/// One message of a `KafkaBatch`. Its bytes are valid as long as the batch lives.
package struct KafkaMessage {
  package let partition: Int32
  package let offset: Int64
  /// Milliseconds since 1970 UTC: when the producer made it, or the broker got it, as the topic is set up. Nil when it
  /// has none.
  package let timestampMilliseconds: Int64?
  /// The value, with a zero byte after it; nil for a null value (a tombstone).
  package let value: UnsafeRawBufferPointer?
  package let key: UnsafeRawBufferPointer?
}

/// The few functions that messages need, apart from the whole table.
struct KafkaBatchLibrary {
  private let messageTimestamp:
    @convention(c) (UnsafePointer<rd_kafka_message_t>?, UnsafeMutablePointer<rd_kafka_timestamp_type_t>?) -> Int64
  fileprivate let destroy: @convention(c) (UnsafeMutablePointer<rd_kafka_message_t>?) -> Void

  init(_ library: ph_rdkafka) {
    messageTimestamp = library.rd_kafka_message_timestamp
    destroy = library.rd_kafka_message_destroy
  }

  fileprivate func timestamp(_ raw: UnsafeMutablePointer<rd_kafka_message_t>) -> Int64? {
    var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
    let time = messageTimestamp(raw, &type)
    return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || time < 0 ? nil : time
  }
}

/// Messages received together, and the ends of partitions seen on the way.
///
/// Their bytes are copied out of the client, whose own go at once: it spends some hundred bytes more on each message and
/// keeps a whole answer of the broker as long as one message of it lives, memory that it now uses again for the next.
///
/// Shape: messages of one partition are in the order of their offsets, which may have holes (compaction, transactions).
/// @unchecked: immutable.
package final class KafkaBatch: @unchecked Sendable {
  /// Of no meaning once the batch is gone.
  package let messages: [KafkaMessage]
  /// What the messages' values and keys point into.
  package let bytes: AlignedBuffer
  /// Partitions whose end was reached: the offset their next message will get.
  package let ends: [KafkaPosition]
  /// The bytes of all values.
  package let byteCount: Int

  /// Takes the messages, which are the client's no longer.
  init(
    _ raw: [UnsafeMutablePointer<rd_kafka_message_t>], ends: [KafkaPosition], _ library: KafkaBatchLibrary
  ) {
    var (valueByteCount, keyByteCount) = (0, 0)
    for message in raw {
      valueByteCount += message.pointee.len
      keyByteCount += message.pointee.key_len
    }
    let bytes = AlignedBuffer(byteCount: valueByteCount + keyByteCount + raw.count)
    var target = bytes.base
    func copy(_ source: UnsafeMutableRawPointer?, _ count: Int) -> UnsafeRawBufferPointer? {
      guard let source else { return nil }
      target.copyMemory(from: source, byteCount: count)
      defer { target += count }
      return UnsafeRawBufferPointer(start: target, count: count)
    }
    var messages: [KafkaMessage] = []
    messages.reserveCapacity(raw.count)
    for message in raw {
      let value = copy(message.pointee.payload, message.pointee.len)
      target.storeBytes(of: 0, as: UInt8.self)
      target += 1
      messages.append(
        KafkaMessage(
          partition: message.pointee.partition, offset: message.pointee.offset,
          timestampMilliseconds: library.timestamp(message), value: value,
          key: copy(message.pointee.key, message.pointee.key_len)))
      library.destroy(message)
    }
    self.messages = messages
    self.bytes = bytes
    self.ends = ends
    byteCount = valueByteCount
  }

  package var count: Int { messages.count }

  /// Where in `bytes` the value of one of its messages lies.
  package func place(of value: UnsafeRawBufferPointer) -> Range<Int> {
    guard let base = value.baseAddress else { return 0..<0 }
    let start = base - UnsafeRawPointer(bytes.base)
    precondition(start >= 0 && start + value.count < bytes.byteCount, "a value of another batch")
    return start..<start + value.count
  }
}
