import Bytes
import YAML

/// A unit test of a model, as a file in `tests/` describes it in SQLMesh's format.
package struct ModelTest: Sendable {
  /// Rows given for a table or expected of a query.
  struct Rows: Sendable {
    enum Source: Sendable {
      case values([Row])
      case query(String)
    }

    struct Row: Sendable {
      var cells: [Cell]
      var line: Int
    }

    struct Cell: Sendable {
      var column: String
      /// Nil is NULL.
      var text: String?
      /// The type that its writing suggests, for a column nothing else is known of.
      var guess: String
    }

    var source: Source
    /// Types by column that go before what is known.
    var columns: [(name: String, type: String)]
    var line: Int
  }

  package var name: String
  package var description: String?
  package var file: String
  package var line: Int
  var model: RelationName
  var inputs: [(name: RelationName, rows: Rows)]
  var hasInputs: Bool
  var query: Rows?
  var commonTables: [(name: String, rows: Rows)]
  var isPartial: Bool
  /// Microseconds since 1970 UTC.
  var start: Int64?
  var end: Int64?
  var execution: Int64?

  /// Reads every `test*.yaml` below `tests/` of a project, in the order of their names.
  ///
  /// - Throws: `.user` with file and line for what is not in the format; `.unsupported` for what only SQLMesh can do.
  package static func load(
    _ folder: String, files: any FileSystem = LocalFileSystem()
  ) throws(PulsehouseError) -> [ModelTest] {
    var tests: [ModelTest] = []
    for path in try paths(below: Path.join(folder, "tests"), files, depth: 0) {
      let root = try YAMLParser.parse(try files.readFile(path, limit: 16 << 20), path: path)
      let reader = ModelTestReader(path: path, folder: Path.parent(path), files: files)
      if root.isNull { continue }
      for entry in try reader.entries(root, "tests by name") where entry.key != "gateway" {
        tests.append(try reader.test(entry))
      }
    }
    return tests
  }

  private static func paths(
    below folder: String, _ files: any FileSystem, depth: Int
  ) throws(PulsehouseError) -> [String] {
    guard depth < 32, let status = try files.status(folder), status.isDirectory else { return [] }
    var found: [String] = []
    for name in try files.list(folder).sorted() where !name.hasPrefix(".") {
      let path = Path.join(folder, name)
      guard let status = try files.status(path) else { continue }
      if status.isDirectory {
        found += try paths(below: path, files, depth: depth + 1)
      } else if name.hasPrefix("test"), name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
        found.append(path)
      }
    }
    return found
  }
}
