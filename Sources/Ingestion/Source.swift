import Bytes
import Vectors

/// Where a bronze table comes from, as a file in `sources/` declares it under `SOURCE (...)`.
package struct Source: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    /// A folder of JSONL files, read incrementally.
    case lake(LakeFolder)
    /// CSV files with a header line, loaded anew each time.
    case csv(CSVFiles)
    /// A topic; read by no code here yet, so ingesting it throws `.unsupported`.
    case kafka(topic: String)
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

  package init(path: String, pattern: String = "**.jsonl", isComplete: Bool = false) {
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
