import Bytes
import Engine
import Segments
import Vectors

/// Parses the messages in a Kafka source's quarantine again, a batch at a time. Rows keep partition, offset and time.
final class KafkaReplay: QuarantineRecords {
  private(set) var examinedCount: Int64 = 0
  private(set) var replayedCount: Int64 = 0
  private(set) var cutCount: Int64 = 0

  private let source: Source
  private let topic: KafkaTopic
  private let writer: SourceWriter
  private let builder: JSONBatchBuilder
  private let avro: AvroRecords?
  private var partition = VectorBuilder(.integer)
  private var timestamp = VectorBuilder(.timestamptz)
  private var replayedByPartition: [Int32: Int64] = [:]

  init(_ source: Source, _ topic: KafkaTopic, _ writer: SourceWriter) throws(PulsehouseError) {
    self.source = source
    self.topic = topic
    self.writer = writer
    let builder = try JSONBatchBuilder(fields: source.columns.map { JSONField($0) })
    self.builder = builder
    avro = try topic.avro.map { (schema) throws(PulsehouseError) in try AvroRecords(schema, into: builder) }
  }

  func take(_ batch: Batch) throws(PulsehouseError) {
    var kept = KafkaQuarantine.definition.columns.map { VectorBuilder($0.type, capacity: 16) }
    var keptCount = 0
    for row in 0..<batch.rowCount {
      examinedCount += 1
      var values = batch.columns.map { $0.scalar(at: row) }
      if case .text(let reason)? = replay(values) {
        values[6] = .text(reason)
      } else {
        if builder.isFull { try flush() }
        continue
      }
      for (index, value) in values.enumerated() { kept[index].append(value) }
      keptCount += 1
    }
    guard keptCount > 0 else { return }
    try writer.refuse(columns: kept.map { $0.finish() })
  }

  /// Makes a message the builder's next row; returns why not.
  private func replay(_ values: [Scalar]) -> Scalar? {
    guard case .integer(let number) = values[2], case .integer(let offset) = values[3],
      case .text(let reason) = values[6],
      case .bytes(let raw) = values[7], !raw.isEmpty, values[1] == .text(topic.topic),
      let partitionNumber = Int32(exactly: number)
    else { return values[6] }
    guard RejectedRecord(offset: offset, line: 0, reason: reason, raw: raw).isWhole else {
      cutCount += 1
      return values[6]
    }
    let isTaken: Bool
    if let avro {
      isTaken = raw.withUnsafeBytes { avro.append($0, offset: offset, line: 0) }
    } else {
      let block = AlignedBuffer(byteCount: raw.count, zeroed: true)
      raw.withUnsafeBytes {
        block.base.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(block.base), byteCount: raw.count)
      }
      isTaken = builder.append(record: block, from: 0, to: raw.count, offset: offset, line: 0)
    }
    guard isTaken else {
      let found = builder.rejected.last?.reason ?? reason
      builder.rejected.removeAll(keepingCapacity: true)
      return .text(found)
    }
    partition.append(partitionNumber)
    timestamp.append(values[4])
    replayedCount += 1
    replayedByPartition[partitionNumber, default: 0] += 1
    return nil
  }

  func finish() throws(PulsehouseError) { try flush() }

  private func flush() throws(PulsehouseError) {
    guard builder.rowCount > 0 else { return }
    let rows = builder.finish()
    let columns = rows.fields + [partition.finish(), rows.offset, timestamp.finish()]
    partition = VectorBuilder(.integer)
    timestamp = VectorBuilder(.timestamptz)
    try writer.bronze.append(
      SegmentWriter.encodeRowGroup(columns, schema: writer.bronze.definition.schema, options: writer.bronze.options))
  }

  /// Moves the messages from one side of their partitions' books to the other.
  func settle() throws(PulsehouseError) {
    for (partition, count) in replayedByPartition {
      let space = KafkaPartitionState.space(source.name, topic.topic, partition)
      guard let entry = try writer.entry(of: space, key: KafkaPartitionState.key) else {
        throw PulsehouseError(.corrupt, "quarantine names \(space.name), of which the source's state knows nothing")
      }
      var state = try KafkaPartitionState(decoding: entry, name: space.name)
      state.rowCount += count
      state.quarantinedCount -= count
      writer.setState(in: space, key: KafkaPartitionState.key, state.encode())
    }
  }
}
