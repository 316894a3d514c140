import Bytes
import Engine
import Vectors

/// Where replayed rows came from, as the columns of their bronze table say it: what a kind of source adds to its rows,
/// made of what its quarantine remembers.
struct RecordLineage {
  private var file = VectorBuilder(.text)

  init(_ source: Source) {}

  /// The columns that a source of this kind adds.
  static func columns(of source: Source) throws(PulsehouseError) -> [ColumnDefinition] {
    switch source.kind {
    case .lake: return LakeIngest.lineage
    case .csv: return CSVIngest.lineage
    case .kafka:
      throw PulsehouseError(.unsupported, "the quarantine of a Kafka source cannot be replayed: \(source.name)")
    }
  }

  mutating func append(_ entry: Quarantine.Entry) { file.append(text: entry.file) }

  /// Returns the columns for the rows that were appended.
  consuming func finish(_ rows: JSONRows) -> [Vector] { [file.finish(), rows.line, rows.offset] }

  /// Returns the source's state of a file after `count` of its records left quarantine for bronze.
  static func entry(
    _ entry: [UInt8], key: String, of source: Source, replaying count: Int64
  ) throws(PulsehouseError) -> [UInt8] {
    var state = try LakeFileState(decoding: entry, file: key)
    state.rowCount += count
    state.quarantinedCount -= count
    return state.encode()
  }
}
