import Bytes
import Engine
import Kafka
import Segments
import Vectors

/// Messages that one worker turns into a row group, and where each partition was before them.
struct KafkaUnit: Sendable {
  /// Units are written in this order.
  var sequence: Int
  /// Which assignment it was read under; what is of an old one is dropped.
  var generation: Int
  var batches: [KafkaBatch]
  /// The offset each partition is read from, by partition; a message before it was read already. `notOurs` for partitions
  /// that are not ours.
  var floors: [Int64]
  /// The offset each partition is to be read from next.
  var next: [Int64]

  static let notOurs = Int64.max
}

/// What a unit became.
struct KafkaResult: Sendable {
  struct PartitionResult: Sendable {
    var partition: Int32
    var next: Int64
    var recordCount: Int64 = 0
    var rowCount: Int64 = 0
    var byteCount: Int64 = 0
    var fingerprint: UInt64?
    var fingerprintOffset: Int64 = -1
    var lastTimestamp: Int64 = -1
  }

  var generation: Int
  var rowGroups: [EncodedRowGroup] = []
  var refusals: [KafkaRefusal] = []
  var partitions: [PartitionResult] = []
}

/// Turns units into encoded row groups: one per thread, with its own builder.
final class KafkaWorker {
  private let builder: JSONBatchBuilder
  private let schema: Schema
  private let options: SegmentOptions

  private let avro: AvroRecords?

  /// `avro` is the schema of messages that are not JSON. `schema` is the bronze table's: the source's columns, then
  /// partition, offset and timestamp.
  init(
    fields: [JSONField], avro: AvroSchema? = nil, schema: Schema, options: SegmentOptions
  ) throws(PulsehouseError) {
    self.schema = schema
    self.options = options
    let builder = try JSONBatchBuilder(fields: fields, capacity: options.rowGroupRowCount)
    self.builder = builder
    self.avro = try avro.map { (schema) throws(PulsehouseError) in try AvroRecords(schema, into: builder) }
  }

  /// Rows come partition by partition, in the order of their offsets: so positions cost next to nothing on disk.
  func read(_ unit: KafkaUnit) throws(PulsehouseError) -> KafkaResult {
    defer { withExtendedLifetime(unit) {} }
    var result = KafkaResult(generation: unit.generation)
    let order = Self.byPartition(unit)
    var times = VectorBuilder(.timestamptz, capacity: order.reduce(0) { $0 + $1.count })
    for (partition, places) in order.enumerated()
    where unit.next[partition] != unit.floors[partition] || !places.isEmpty {
      var taken = KafkaResult.PartitionResult(partition: Int32(partition), next: unit.next[partition])
      for place in places {
        let batch = unit.batches[place.batch]
        let message = batch.messages[place.index]
        taken.recordCount += 1
        taken.byteCount += Int64(message.value?.count ?? 0)
        let milliseconds = message.timestampMilliseconds
        let timestamp = milliseconds.flatMap(Self.microseconds)
        if append(message, of: batch, timestamp, &result) {
          if let timestamp { times.append(timestamp) } else { times.appendNull() }
          taken.rowCount += 1
        }
        if let milliseconds { taken.lastTimestamp = milliseconds }
        if place == places.last {
          taken.fingerprint = Self.fingerprint(message)
          taken.fingerprintOffset = message.offset
        }
      }
      result.partitions.append(taken)
    }
    if builder.rowCount > 0 {
      let rows = builder.finish()
      let columns = rows.fields + [Self.partitions(rows), rows.offset, times.finish()]
      result.rowGroups.append(try SegmentWriter.encodeRowGroup(columns, schema: schema, options: options))
    }
    return result
  }

  private struct Place: Equatable {
    var batch: Int
    var index: Int
  }

  /// Lists where each partition's messages are, in order, those left out that were read before or are not ours.
  private static func byPartition(_ unit: KafkaUnit) -> [[Place]] {
    var order = [[Place]](repeating: [], count: unit.floors.count)
    var floors = unit.floors
    let ours = floors.indices.filter { floors[$0] != KafkaUnit.notOurs }
    let share = unit.batches.reduce(0) { $0 + $1.count } / max(ours.count, 1)
    for partition in ours { order[partition].reserveCapacity(share + share / 4) }
    for (number, batch) in unit.batches.enumerated() {
      for (index, message) in batch.messages.enumerated() {
        let partition = Int(message.partition)
        guard message.offset >= floors[partition] else { continue }
        floors[partition] = message.offset + 1
        order[partition].append(Place(batch: number, index: index))
      }
    }
    return order
  }

  /// Reads a message into the next row; false when it was refused.
  private func append(
    _ message: KafkaMessage, of batch: KafkaBatch, _ timestamp: Int64?, _ result: inout KafkaResult
  ) -> Bool {
    // The line stands for the partition here.
    let line = Int64(message.partition)
    let refused: RejectedRecord
    if let value = message.value, !value.isEmpty {
      let isTaken: Bool
      if let avro {
        isTaken = avro.append(value, offset: message.offset, line: line)
      } else {
        let place = batch.place(of: value)
        isTaken = builder.append(
          record: batch.bytes, from: place.lowerBound, to: place.upperBound, offset: message.offset, line: line)
      }
      guard !isTaken, let rejected = builder.rejected.popLast() else { return true }
      refused = rejected
    } else {
      refused = RejectedRecord(
        offset: message.offset, line: line,
        reason: message.value == nil ? RejectedRecord.noValue : RejectedRecord.emptyValue, raw: [])
    }
    result.refusals.append(
      KafkaRefusal(
        partition: message.partition, offset: message.offset, timestamp: timestamp,
        key: message.key.map { [UInt8]($0) }, reason: refused.reason, raw: message.value == nil ? nil : refused.raw))
    return false
  }

  private static func partitions(_ rows: JSONRows) -> Vector {
    let buffer = AlignedBuffer(byteCount: rows.rowCount * 4)
    let values = buffer.values(as: Int32.self)
    let lines = rows.line.values(as: Int64.self)
    for row in 0..<rows.rowCount { values[row] = Int32(truncatingIfNeeded: lines[row]) }
    return Vector(.integer, count: rows.rowCount, buffer: buffer)
  }

  /// Nil for a time that a timestamp cannot hold.
  static func microseconds(_ milliseconds: Int64) -> Int64? {
    let (product, overflows) = milliseconds.multipliedReportingOverflow(by: 1000)
    // PostgreSQL's last timestamp, in the year 294276.
    return overflows || product > 9_223_371_331_199_999_999 ? nil : product
  }

  /// What a message is known by when its offset is seen again.
  static func fingerprint(_ message: KafkaMessage) -> UInt64 {
    var hash = XXH64()
    if let key = message.key { hash.update(key) }
    if let value = message.value { hash.update(value) }
    withUnsafeBytes(of: message.timestampMilliseconds ?? -1) { hash.update($0) }
    return hash.finish()
  }
}
