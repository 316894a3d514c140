/// What one ingest of one source did. The books: `recordCount == rowCount + quarantinedCount`.
package struct IngestReport: Sendable, Hashable {
  package var source: String
  /// Files that gave at least one byte.
  package var fileCount = 0
  /// Files left alone because nothing in them is new.
  package var unchangedFileCount = 0
  /// Partitions of a Kafka topic that gave at least one message; nil for other sources.
  package var partitionCount: Int?
  /// Messages passed over because the topic no longer has them (`on_gap SKIP`).
  package var missingCount: Int64 = 0
  /// Times that the work since the last commit was given up, because another process had the partition.
  package var conflictCount = 0
  /// Bytes read, old bytes checked again not counted.
  package var byteCount: Int64 = 0
  package var recordCount: Int64 = 0
  package var rowCount: Int64 = 0
  package var quarantinedCount: Int64 = 0
  package var commitCount = 0
  package var seconds = 0.0
  /// What a person should look at: files that changed or end within a record.
  package var warnings: [IngestWarning] = []

  package init(source: String) { self.source = source }

  package var rowsPerSecond: Double { seconds > 0 ? Double(rowCount) / seconds : 0 }
}

/// A file that was left, or left in part, and why.
package struct IngestWarning: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable {
    /// The part already read is not what it was: rewritten or shorter. Not read again.
    case changed
    /// It ends within a record, which is left for next time.
    case incomplete
    /// Its compressed bytes are damaged. What was whole before them is taken.
    case damaged
    /// It is the compressed form of a file that is there too, which is read instead.
    case twin
    /// A partition of a topic no longer had the position to go on from.
    case gap
  }

  package var kind: Kind
  package var file: String
  package var message: String

  package init(_ kind: Kind, file: String, message: String) {
    self.kind = kind
    self.file = file
    self.message = message
  }
}
