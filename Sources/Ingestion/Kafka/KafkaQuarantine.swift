import Engine
import Vectors

/// A message that did not fit, with what is needed to explain, find and replay it.
struct KafkaRefusal: Sendable {
  var partition: Int32
  var offset: Int64
  /// Microseconds since 1970 UTC.
  var timestamp: Int64?
  var key: [UInt8]?
  var reason: String
  /// The value; nil for a null value.
  var raw: [UInt8]?
}

/// The quarantine table of a Kafka source: as `Quarantine`'s, but for where a record stands.
///
/// | column | what |
/// |--------|------|
/// | `_source` | the source's name |
/// | `_topic`, `_partition`, `_offset` | where the message stands |
/// | `_timestamp` | when it was made; NULL when it does not say |
/// | `_key` | its key; NULL for none |
/// | `reason` | what is wrong, in words |
/// | `raw` | its value; NULL for a null value (a tombstone) |
/// | `ingested_at` | when it was refused |
enum KafkaQuarantine {
  static let definition = TableDefinition(
    columns: [
      ColumnDefinition(name: "_source", type: .text, isNullable: false),
      ColumnDefinition(name: "_topic", type: .text, isNullable: false),
      ColumnDefinition(name: "_partition", type: .integer, isNullable: false),
      ColumnDefinition(name: "_offset", type: .bigint, isNullable: false),
      ColumnDefinition(name: "_timestamp", type: .timestamptz),
      ColumnDefinition(name: "_key", type: .bytea),
      ColumnDefinition(name: "reason", type: .text, isNullable: false),
      ColumnDefinition(name: "raw", type: .bytea),
      ColumnDefinition(name: "ingested_at", type: .timestamptz, isNullable: false),
    ])

  /// Returns the rows of the table for `refusals`, at least one. `time` is in microseconds since 1970 UTC.
  static func columns(_ refusals: [KafkaRefusal], source: String, topic: String, time: Int64) -> [Vector] {
    let count = refusals.count
    var partition = VectorBuilder(.integer, capacity: count)
    var offset = VectorBuilder(.bigint, capacity: count)
    var timestamp = VectorBuilder(.timestamptz, capacity: count)
    var key = VectorBuilder(.bytea, capacity: count)
    var reason = VectorBuilder(.text, capacity: count)
    var raw = VectorBuilder(.bytea, capacity: count)
    func append(_ bytes: [UInt8]?, to builder: inout VectorBuilder) {
      if let bytes { bytes.withUnsafeBytes { builder.append(bytes: $0) } } else { builder.appendNull() }
    }
    for refusal in refusals {
      partition.append(refusal.partition)
      offset.append(refusal.offset)
      if let time = refusal.timestamp { timestamp.append(time) } else { timestamp.appendNull() }
      append(refusal.key, to: &key)
      reason.append(text: refusal.reason)
      append(refusal.raw, to: &raw)
    }
    return [
      .constant(.text, .text(source), count: count), .constant(.text, .text(topic), count: count), partition.finish(),
      offset.finish(), timestamp.finish(), key.finish(), reason.finish(), raw.finish(),
      .constant(.timestamptz, .integer(time), count: count),
    ]
  }
}
