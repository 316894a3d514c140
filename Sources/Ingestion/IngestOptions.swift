import Execution

/// How to ingest.
package struct IngestOptions: Sendable {
  /// Threads that read and encode; of a lake one more commits.
  package var threadCount = WorkerPool.coreCount
  /// Where every lake lies, instead of where its source says.
  package var lakePath: String?
  /// What relative paths of sources start from.
  package var dataDirectory = "."
  /// Rows after which a commit is made: what a kill may cost.
  package var commitRowCount = 16 * 131_072
  /// Bytes of a lake read at a time; nil fits them to row groups. For tests.
  package var unitByteCount: Int?
  /// The longest record of a lake that is read.
  package var recordByteLimit = 64 << 20
  /// Where Kafka is, instead of where a source says; also what a lake's topic is read from, without the lake.
  package var brokers: String?
  /// Where Kafka is for a source that does not say.
  package var defaultBrokers: String?
  /// Properties of librdkafka, `name=value`, besides a source's.
  package var kafkaProperties: [String] = []
  /// Instead of what a Kafka source says; see `KafkaTopic`.
  package var onGap: KafkaTopic.GapPolicy?
  package var kafkaCommitRowCount: Int?
  package var kafkaCommitSeconds: Double?
  /// Goes on for ever with a Kafka source, until cancelled; else it ends where the topic ended when it began.
  package var follows = false
  package var cancellation = Cancellation()
  /// Told now and then, from any thread, one call at a time.
  package var progress: @Sendable (IngestProgress) -> Void = { _ in }

  /// What is to be done every so many seconds while a Kafka source is followed, by whoever reads it.
  package var upkeep: (seconds: Double, work: @Sendable () throws -> Void)?

  /// Told, a line each, what a person may want to know while a long ingest goes on.
  package var notice: @Sendable (String) -> Void = { _ in }

  package init() {}
}

/// How far an ingest is.
package struct IngestProgress: Sendable, Hashable {
  package var source: String
  package var byteCount: Int64
  /// Bytes that were there to be read when the ingest began.
  package var totalByteCount: Int64
  package var rowCount: Int64
  /// Of a Kafka source: messages taken, those that were there when it began, and rows a second of late.
  package var messageCount: Int64?
  package var totalMessageCount: Int64 = 0
  package var rowsPerSecond = 0.0
}
