import Bytes
import Engine
import Kafka

/// What is known of a source's topics: for `status`.
extension Ingest {
  /// An error that ended an ingest of a Kafka source.
  package struct LastError: Sendable, Hashable {
    /// Microseconds since 1970 UTC.
    package var time: Int64
    package var message: String
  }

  /// Returns how far every partition was read that ever was, by source, topic and partition. Those of a table that was
  /// dropped are left out. - Throws: `.corrupt`.
  package static func partitions(_ snapshot: Snapshot) throws(PulsehouseError) -> [KafkaPartitionState] {
    var all: [KafkaPartitionState] = []
    for space in snapshot.stateSpaces where space.kind == StateSpace.partitionKind {
      guard let entry = try snapshot.entry(of: space, key: KafkaPartitionState.key) else { continue }
      let state = try KafkaPartitionState(decoding: entry, name: space.name)
      let owner = try snapshot.entry(of: .source(state.source), key: SourceWriter.tableKey)
      if owner == Array(state.table.utf8) { all.append(state) }
    }
    return all.sorted { ($0.source, $0.topic, $0.partition) < ($1.source, $1.topic, $1.partition) }
  }

  /// Asks the brokers where the topics of `sources` end, by topic and partition; what no broker tells within
  /// `milliseconds` is left out.
  package static func ends(
    _ partitions: [KafkaPartitionState], sources: [Source], options: IngestOptions, milliseconds: Int = 2000
  ) -> [String: [Int32: Int64]] {
    var ends: [String: [Int32: Int64]] = [:]
    for topic in Set(partitions.map(\.topic)).sorted() {
      let declared = sources.compactMap { source -> KafkaTopic? in
        if case .kafka(let declared) = source.kind, declared.topic == topic { declared } else { nil }
      }.first
      guard
        let configuration = try? KafkaIngest.configuration(declared ?? KafkaTopic(topic: topic), options),
        let admin = try? KafkaAdmin(configuration, milliseconds: milliseconds),
        let count = try? admin.partitionCount(topic),
        let consumer = try? KafkaConsumer(configuration, group: declared?.group ?? "pulsehouse")
      else { continue }
      for partition in 0..<Int32(clamping: count) {
        guard let found = try? consumer.watermarks(topic, partition, milliseconds: milliseconds) else { break }
        ends[topic, default: [:]][partition] = found.high
      }
    }
    return ends
  }

  /// Shared, so that it conflicts with nothing.
  private static func errorSpace(_ source: String) -> StateSpace {
    StateSpace(kind: "error", name: source, isShared: true)
  }

  /// Returns the last error that ended an ingest of `source`; nil when there was none since it last committed.
  package static func lastError(
    of source: String, _ snapshot: Snapshot, since: Int64
  ) throws(PulsehouseError) -> LastError? {
    guard let entry = try snapshot.entry(of: errorSpace(source), key: "last") else { return nil }
    let error = try ByteReader.reading(entry, source: "last error of \(source)") { reader throws(PulsehouseError) in
      LastError(time: try reader.readInt64(), message: try reader.readString())
    }
    return error.time > since ? error : nil
  }

  /// Keeps an error for `status`. That this itself fails changes nothing: the error is on its way to the user anyway.
  static func remember(_ error: PulsehouseError, of source: String, in warehouse: Warehouse) {
    var writer = ByteWriter(reserving: 64)
    writer.append(MachineClock.microsecondsSince1970)
    writer.append(error.message)
    guard let base = try? warehouse.snapshot() else { return }
    _ = try? warehouse.store.commit(
      [.putState(errorSpace(source), key: "last", value: writer.bytes)], basedOn: base,
      message: "ingest \(source): an error")
  }
}
