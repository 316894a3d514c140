import Bytes
import Execution
import Parquet
import Vectors

/// Parquet files read as one table: a file, those a pattern finds, or all below a folder.
///
/// Folders called `name=value`, as Hive partitions are, give a text column `name` each, unless the files have it.
struct ParquetFiles: Sendable {
  let schema: Schema
  let chunks: [TableChunk]

  /// - Throws: `.user` 58P01 when nothing is found; for files whose columns differ, naming both; as `ParquetReader`.
  init(_ path: String) throws {
    let isFolder = try LocalFileSystem().status(path)?.isDirectory == true
    let paths = try FilePaths.find(path, suffixes: [".parquet"], kind: "Parquet")
    let first = paths[0]
    let firstReader = try ParquetReader(first)
    let own = firstReader.schema
    let partitions = Self.partitions(first, below: isFolder ? path : "").map(\.name).filter { own.index(of: $0) == nil }
    schema = Schema(own.fields + partitions.map { Field($0, .text) })
    var chunks: [TableChunk] = []
    for path in paths {
      let reader = path == first ? firstReader : try ParquetReader(path)
      guard reader.schema == own else {
        throw PulsehouseError(
          .user, "the columns of \(path) are not those of \(first)", sqlState: "42804",
          detail: "There are \(Self.text(reader.schema)); the first file has \(Self.text(own)).")
      }
      let values = Self.partitions(path, below: "").reduce(into: [String: String]()) { $0[$1.name] = $1.value }
      for group in 0..<reader.rowGroupCount {
        let rowCount = reader.rowCount(rowGroup: group)
        chunks.append(
          TableChunk(rowCount: rowCount) { fields in
            let stored = try reader.read(rowGroup: group, columns: fields.filter { $0 < own.count })
            var next = 0
            return fields.map { field in
              if field < own.count {
                next += 1
                return stored[next - 1]
              }
              let value = values[partitions[field - own.count]]
              return .constant(.text, value.map { .text($0) } ?? .null, count: rowCount)
            }
          })
      }
    }
    self.chunks = chunks
  }

  private static func text(_ schema: Schema) -> String {
    schema.fields.map { "\($0.name) \($0.type.name)" }.joined(separator: ", ")
  }

  private static func partitions(_ path: String, below folder: String) -> [(name: String, value: String?)] {
    path.dropFirst(folder.utf8.count).split(separator: "/").dropLast().compactMap { component in
      let parts = component.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else { return nil }
      let value = String(parts[1])
      return (String(parts[0]), value == "__HIVE_DEFAULT_PARTITION__" ? nil : value)
    }
  }
}
