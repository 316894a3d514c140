import Bytes
import Execution
import Glibc
import Planning
import Vectors

/// Reads text files as tables; the floor above knows their formats.
package protocol FileReader: Sendable {
  /// Finds the files of a request and what their columns are. - Throws: `.user` with the file, and its line where one is
  /// to blame; `.io`.
  func table(_ request: FileRequest) throws -> FileTable
}

/// Files as a table: columns, and rows in chunks.
package struct FileTable: Sendable {
  package var schema: Schema
  package var chunks: [TableChunk]

  package init(schema: Schema, chunks: [TableChunk]) {
    self.schema = schema
    self.chunks = chunks
  }
}

/// Finds files by a path that may hold * and ?, or name a folder.
package enum FilePaths {
  /// Returns the files, a folder's by name and those of its folders with them; names that begin with a point or an
  /// underscore are left out.
  ///
  /// - Throws: `.user` 58P01 when there is none.
  package static func find(_ path: String, suffixes: [String], kind: String) throws -> [String] {
    let files = LocalFileSystem()
    let status = try files.status(path)
    let paths =
      status?.isDirectory == true ? try below(path, suffixes, files) : status != nil ? [path] : matching(path)
    guard !paths.isEmpty else {
      throw PulsehouseError(
        .user, "there is no \(kind) file \"\(path)\"", sqlState: "58P01",
        hint: "A path may hold * and ?, or name a folder of \(suffixes[0]) files.")
    }
    return paths
  }

  private static func below(_ folder: String, _ suffixes: [String], _ files: LocalFileSystem, depth: Int = 0) throws
    -> [String]
  {
    guard depth < 32 else { throw PulsehouseError(.user, "folders nest too deep", file: folder) }
    var found: [String] = []
    for name in try files.list(folder).sorted() where !name.hasPrefix(".") && !name.hasPrefix("_") {
      let path = Path.join(folder, name)
      if try files.status(path)?.isDirectory == true {
        found += try below(path, suffixes, files, depth: depth + 1)
      } else if suffixes.contains(where: { name.hasSuffix($0) }) {
        found.append(path)
      }
    }
    return found
  }

  private static func matching(_ pattern: String) -> [String] {
    var result = glob_t()
    defer { globfree(&result) }
    guard glob(pattern, 0, nil, &result) == 0, let paths = result.gl_pathv else { return [] }
    return (0..<Int(result.gl_pathc)).compactMap { index in paths[index].map { String(cString: $0) } }
  }
}
