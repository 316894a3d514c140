import Bytes
import Vectors

/// Where a bronze table comes from, as a file in `sources/` declares it under `SOURCE (...)`.
package struct Source: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    /// A folder of JSONL files, read incrementally.
    case lake(LakeFolder)
    /// CSV files with a header line, loaded anew each time.
    case csv(CSVFiles)
    /// A topic, read on from where the last commit left it.
    case kafka(KafkaTopic)
  }

  /// What to do with a record that does not fit.
  package enum ErrorPolicy: Sendable, Hashable {
    /// Keep its bytes, place and reason in the quarantine table, and go on.
    case quarantine
    /// Stop with an error that names the place; nothing of this call is kept since the last commit.
    case fail
  }

  package var schema: String
  package var table: String
  package var kind: Kind
  package var columns: [SourceColumn]
  package var partitionedBy: [String]
  package var clusteredBy: [String]
  package var onError: ErrorPolicy
  /// Where its records say when their event was; nil when nothing says so.
  package var eventTime: EventTime?
  /// The declaring file, for errors.
  package var file: String?

  package init(
    schema: String, table: String, kind: Kind, columns: [SourceColumn], partitionedBy: [String] = [],
    clusteredBy: [String] = [], onError: ErrorPolicy = .quarantine, file: String? = nil
  ) {
    self.schema = schema
    self.table = table
    self.kind = kind
    self.columns = columns
    self.partitionedBy = partitionedBy
    self.clusteredBy = clusteredBy
    self.onError = onError
    self.file = file
  }

  /// `schema.table`, as people write it.
  package var name: String { "\(schema).\(table)" }

  package var isKafka: Bool { if case .kafka = kind { true } else { false } }

  /// The source that reads a lake's topic instead of the lake; itself where there is none.
  package var withoutLake: Source {
    guard case .lake(let folder) = kind, let topic = folder.topic else { return self }
    var direct = self
    var messages = KafkaTopic(topic: topic)
    messages.avro = folder.avro
    direct.kind = .kafka(messages)
    return direct
  }

  /// The topic it reads, or that a sink writes to its lake.
  package var topic: String? {
    switch kind {
    case .lake(let folder): folder.topic
    case .kafka(let topic): topic.topic
    case .csv: nil
    }
  }

  /// The schema of its messages in Avro; nil for others.
  package var avro: AvroSchema? {
    switch kind {
    case .lake(let folder): folder.avro
    case .kafka(let topic): topic.avro
    case .csv: nil
    }
  }
}

/// A declared column of a source.
package struct SourceColumn: Sendable, Hashable {
  package var name: String
  package var type: LogicalType
  /// Where a JSON record holds it, outermost key first; a CSV header's name for CSV.
  package var path: [String]

  /// Takes the path, or the name for one.
  package init(_ name: String, _ type: LogicalType, path: [String]? = nil) {
    self.name = name
    self.type = type
    self.path = path ?? [name]
  }
}

/// The files of a `LAKE` source.
package struct LakeFolder: Sendable, Hashable {
  /// The folder, relative to the data directory unless absolute.
  package var path: String
  /// Which files below it count, by path from the folder: `*` stands for anything but `/`, `**` for anything.
  package var pattern: String
  /// True when files get their name only once they are whole, so that a last line without its newline is final too.
  package var isComplete: Bool
  /// The topic whose messages a sink writes here, where there is one: it can be read without the lake between.
  package var topic: String?
  /// The schema of messages in Avro, which a sink writes as they came; nil for JSON.
  package var avro: AvroSchema?

  package init(path: String, pattern: String = "**.jsonl", isComplete: Bool = false, topic: String? = nil) {
    self.topic = topic
    self.path = path
    self.pattern = pattern
    self.isComplete = isComplete
  }
}

/// The files of a `CSV` source.
package struct CSVFiles: Sendable, Hashable {
  /// A file, relative to the data directory unless absolute.
  package var path: String
  package var delimiter: UInt8

  package init(path: String, delimiter: UInt8 = UInt8(ascii: ",")) {
    self.path = path
    self.delimiter = delimiter
  }
}

/// The topic of a `KAFKA` source.
package struct KafkaTopic: Sendable, Hashable {
  /// What to do when a partition no longer has the position to go on from.
  package enum GapPolicy: String, Sendable, Hashable, CaseIterable {
    /// Stop with an error that says what is missing.
    case fail
    /// Go on with the first message after the gap; the report says what was passed over.
    case skip
    /// Read the partition anew from its beginning.
    case restart
  }

  package var topic: String
  /// `host:port,...`; nil where the command line or the environment must say.
  package var brokers: String?
  /// The group that shares the partitions among processes; its offsets at the broker are for lag tools only.
  package var group: String
  /// Properties of librdkafka, `name=value`; secrets by place.
  package var properties: [String]
  package var onGap = GapPolicy.fail
  /// The schema of messages in Avro; nil for JSON.
  package var avro: AvroSchema?
  /// A commit is made after this many messages or seconds, whichever comes first.
  package var commitRowCount: Int?
  package var commitSeconds: Double?

  package init(topic: String, brokers: String? = nil, group: String = "pulsehouse", properties: [String] = []) {
    self.topic = topic
    self.brokers = brokers
    self.group = group
    self.properties = properties
  }
}
