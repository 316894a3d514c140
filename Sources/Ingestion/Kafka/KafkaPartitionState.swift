import Bytes
import Engine

/// How far a partition of a topic has been read: part of the commit that holds the rows read from it.
///
/// Each partition has a state space of its own, so that processes that share a topic conflict only where they both read
/// the same partition: then one commit stands, and the other process reads on from there.
package struct KafkaPartitionState: Hashable, Sendable {
  /// `schema.table`.
  package var source: String
  package var topic: String
  package var partition: Int32
  /// The bronze table it speaks of; of another table of that name it says nothing.
  var table: String
  /// The offset to be read next.
  package var next: Int64 = 0
  /// The books of this partition.
  package var recordCount: Int64 = 0
  package var rowCount: Int64 = 0
  package var quarantinedCount: Int64 = 0
  /// Messages passed over because the topic no longer had them.
  package var missingCount: Int64 = 0
  /// Bytes of values.
  package var byteCount: Int64 = 0
  /// XXH64 of the message last read, and its offset; -1 for none. A topic made anew shows by it, though it has
  /// enough messages to have the position.
  var fingerprint: UInt64 = 0
  var fingerprintOffset: Int64 = -1
  /// When the message last read was made, in milliseconds since 1970 UTC; -1 when it did not say.
  package var lastTimestamp: Int64 = -1
  /// Microseconds since 1970 UTC.
  package var committedAt: Int64 = 0
  /// What the last commit took from this partition, and in how many microseconds.
  package var lastCommitRowCount: Int64 = 0
  package var lastCommitMicroseconds: Int64 = 0

  private static let version: UInt8 = 1
  static let key = "position"

  init(source: String, topic: String, partition: Int32, table: String) {
    self.source = source
    self.topic = topic
    self.partition = partition
    self.table = table
  }

  static func space(_ source: String, _ topic: String, _ partition: Int32) -> StateSpace {
    .partition(of: source, topic: topic, partition)
  }

  /// Rows a second of the last commit.
  package var rowsPerSecond: Double {
    lastCommitMicroseconds > 0 ? Double(lastCommitRowCount) / Double(lastCommitMicroseconds) * 1e6 : 0
  }

  func encode() -> [UInt8] {
    var writer = ByteWriter(reserving: 128)
    writer.append(Self.version)
    for text in [source, topic, table] { writer.append(text) }
    writer.append(fingerprint)
    for number in [
      Int64(partition), next, recordCount, rowCount, quarantinedCount, missingCount, byteCount, fingerprintOffset,
      lastTimestamp, committedAt, lastCommitRowCount, lastCommitMicroseconds,
    ] { writer.append(number) }
    return writer.bytes
  }

  /// Reads what `encode` wrote. - Throws: `.corrupt`; `.unsupported` for a newer version's.
  init(decoding bytes: [UInt8], name: String) throws(PulsehouseError) {
    self = try ByteReader.reading(bytes, source: "state of \(name)") { reader throws(PulsehouseError) in
      let version = try reader.readUInt8()
      guard version == Self.version else {
        throw PulsehouseError(.unsupported, "the state of \(name) was written by a newer version")
      }
      let source = try reader.readString()
      let topic = try reader.readString()
      let table = try reader.readString()
      let fingerprint = try reader.readUInt64()
      let number = try reader.readInt64()
      guard let partition = Int32(exactly: number) else { throw reader.corrupt("a partition \(number)") }
      var state = KafkaPartitionState(source: source, topic: topic, partition: partition, table: table)
      state.fingerprint = fingerprint
      state.next = try reader.readInt64()
      state.recordCount = try reader.readInt64()
      state.rowCount = try reader.readInt64()
      state.quarantinedCount = try reader.readInt64()
      state.missingCount = try reader.readInt64()
      state.byteCount = try reader.readInt64()
      state.fingerprintOffset = try reader.readInt64()
      state.lastTimestamp = try reader.readInt64()
      state.committedAt = try reader.readInt64()
      state.lastCommitRowCount = try reader.readInt64()
      state.lastCommitMicroseconds = try reader.readInt64()
      guard state.next >= 0 else { throw reader.corrupt("an offset \(state.next)") }
      try reader.expectEnd()
      return state
    }
  }
}
