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
  fileprivate let raw: UnsafeMutablePointer<rd_kafka_message_t>
  fileprivate let library: KafkaBatchLibrary

  package var partition: Int32 { raw.pointee.partition }
  package var offset: Int64 { raw.pointee.offset }

  /// The value; nil for a null value (a tombstone).
  package var value: UnsafeRawBufferPointer? {
    raw.pointee.payload.map { UnsafeRawBufferPointer(start: $0, count: raw.pointee.len) }
  }

  package var key: UnsafeRawBufferPointer? {
    raw.pointee.key.map { UnsafeRawBufferPointer(start: $0, count: raw.pointee.key_len) }
  }

  /// Milliseconds since 1970 UTC: when the producer made it, or the broker got it, as the topic is set up. Nil when it
  /// has none.
  package var timestampMilliseconds: Int64? {
    var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
    let time = library.timestamp(raw, &type)
    return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || time < 0 ? nil : time
  }

  /// The headers in order; a name may occur several times, a value may be null.
  package var headers: [(name: String, value: [UInt8]?)] { library.headers(raw) }
}

/// The few functions that messages need, apart from the whole table.
struct KafkaBatchLibrary {
  private let messageTimestamp:
    @convention(c) (UnsafePointer<rd_kafka_message_t>?, UnsafeMutablePointer<rd_kafka_timestamp_type_t>?) -> Int64
  fileprivate let destroy: @convention(c) (UnsafeMutablePointer<rd_kafka_message_t>?) -> Void
  private let messageHeaders:
    @convention(c) (UnsafePointer<rd_kafka_message_t>?, UnsafeMutablePointer<OpaquePointer?>?) -> rd_kafka_resp_err_t
  private let headerAt:
    @convention(c) (
      OpaquePointer?, Int, UnsafeMutablePointer<UnsafePointer<CChar>?>?, UnsafeMutablePointer<UnsafeRawPointer?>?,
      UnsafeMutablePointer<Int>?
    ) -> rd_kafka_resp_err_t

  init(_ library: ph_rdkafka) {
    messageTimestamp = library.rd_kafka_message_timestamp
    destroy = library.rd_kafka_message_destroy
    messageHeaders = library.rd_kafka_message_headers
    headerAt = library.rd_kafka_header_get_all
  }

  fileprivate func timestamp(
    _ raw: UnsafeMutablePointer<rd_kafka_message_t>, _ type: inout rd_kafka_timestamp_type_t
  ) -> Int64 { messageTimestamp(raw, &type) }

  fileprivate func headers(_ raw: UnsafeMutablePointer<rd_kafka_message_t>) -> [(name: String, value: [UInt8]?)] {
    var list: OpaquePointer?
    guard messageHeaders(raw, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return [] }
    var headers: [(name: String, value: [UInt8]?)] = []
    var name: UnsafePointer<CChar>?
    var value: UnsafeRawPointer?
    var count = 0
    while headerAt(list, headers.count, &name, &value, &count) == RD_KAFKA_RESP_ERR_NO_ERROR, let name {
      headers.append((String(cString: name), value.map { [UInt8](UnsafeRawBufferPointer(start: $0, count: count)) }))
    }
    return headers
  }
}

/// Messages received together, and the ends of partitions seen on the way. Their bytes are the client's own, not
/// copied, and freed with the batch.
///
/// Shape: messages of one partition are in the order of their offsets, which may have holes (compaction, transactions).
/// @unchecked: immutable, and the library frees messages from any thread.
package final class KafkaBatch: @unchecked Sendable {
  private let messages: [UnsafeMutablePointer<rd_kafka_message_t>]
  private let library: KafkaBatchLibrary
  /// Partitions whose end was reached: the offset their next message will get.
  package let ends: [KafkaPosition]
  /// The bytes of all values.
  package let byteCount: Int

  init(
    _ messages: [UnsafeMutablePointer<rd_kafka_message_t>], ends: [KafkaPosition], byteCount: Int,
    _ library: KafkaBatchLibrary
  ) {
    self.messages = messages
    self.ends = ends
    self.byteCount = byteCount
    self.library = library
  }

  deinit { for message in messages { library.destroy(message) } }

  package var count: Int { messages.count }

  /// The message at `index`, of no meaning once the batch is gone.
  package subscript(index: Int) -> KafkaMessage { KafkaMessage(raw: messages[index], library: library) }
}
