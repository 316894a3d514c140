import Bytes
import Engine
import Vectors

/// Where records go that did not fit: one table per source, `quarantine.<schema>_<table>`.
///
/// | column | what |
/// |--------|------|
/// | `_source` | the source's name |
/// | `_file`, `_line`, `_offset` | where the record starts: file, line from 1, byte from 0 |
/// | `reason` | what is wrong, in words |
/// | `raw` | its bytes, the line end left out |
/// | `ingested_at` | when it was refused |
package enum Quarantine {
  package static let schemaName = "quarantine"

  package static func tableName(of source: Source) -> TableName {
    TableName(schemaName, "\(source.schema)_\(source.table)")
  }

  static let definition = TableDefinition(
    columns: [
      ColumnDefinition(name: "_source", type: .text, isNullable: false),
      ColumnDefinition(name: "_file", type: .text, isNullable: false),
      ColumnDefinition(name: "_line", type: .bigint, isNullable: false),
      ColumnDefinition(name: "_offset", type: .bigint, isNullable: false),
      ColumnDefinition(name: "reason", type: .text, isNullable: false),
      ColumnDefinition(name: "raw", type: .bytea, isNullable: false),
      ColumnDefinition(name: "ingested_at", type: .timestamptz, isNullable: false),
    ])

  /// A refused record, the file it stands in and when it was refused, in microseconds since 1970 UTC.
  struct Entry: Sendable {
    var file: String
    var record: RejectedRecord
    var time: Int64
  }

  /// Returns the rows of the table for `entries`, at least one.
  static func columns(_ entries: [Entry], source: String) -> [Vector] {
    var file = VectorBuilder(.text, capacity: entries.count)
    var line = VectorBuilder(.bigint, capacity: entries.count)
    var offset = VectorBuilder(.bigint, capacity: entries.count)
    var reason = VectorBuilder(.text, capacity: entries.count)
    var raw = VectorBuilder(.bytea, capacity: entries.count)
    var time = VectorBuilder(.timestamptz, capacity: entries.count)
    for entry in entries {
      file.append(text: entry.file)
      line.append(entry.record.line)
      offset.append(entry.record.offset)
      reason.append(text: entry.record.reason)
      entry.record.raw.withUnsafeBytes { raw.append(bytes: $0) }
      time.append(entry.time)
    }
    return [
      .constant(.text, .text(source), count: entries.count), file.finish(), line.finish(), offset.finish(),
      reason.finish(), raw.finish(), time.finish(),
    ]
  }
}
