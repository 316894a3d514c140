import Bytes
import Glibc

/// Where a command works: the project folder and the data folder, found from options, environment and defaults.
package struct Workplace: Sendable {
  /// The folder with `models/`, `sources/` and `queries/`.
  package let project: String
  /// The folder with the tables, the default lake and the generated seeds.
  package let data: String

  /// The tables' folder.
  package var tables: String { data + "/tables" }
  package var lake: String { data + "/lake" }
  package var seeds: String { data + "/seeds" }

  /// Finds the folders. `--project`, else `./warehouse` when it is there, else the current folder; `--data`, else
  /// `PULSEHOUSE_DATA`, else `data` inside the project.
  ///
  /// - Throws: `.usage` when a named project folder is not there.
  package init(_ arguments: Arguments, environment: [String: String] = Workplace.environment) throws(PulsehouseError) {
    let files = LocalFileSystem()
    if let named = arguments.value("project") {
      guard try files.status(named)?.isDirectory == true else {
        throw PulsehouseError(
          .usage, "there is no project folder \"\(named)\"",
          hint: "A project has models/ and sources/; --project names its folder.")
      }
      project = named
    } else {
      project = (try? files.status("warehouse"))?.isDirectory == true ? "warehouse" : "."
    }
    if let named = arguments.value("data") ?? environment["PULSEHOUSE_DATA"], !named.isEmpty {
      data = named.count > 1 && named.hasSuffix("/") ? String(named.dropLast()) : named
    } else {
      data = project == "." ? "data" : project + "/data"
    }
  }

  package static var environment: [String: String] {
    var result: [String: String] = [:]
    for name in ["PULSEHOUSE_DATA", "HOME", "NO_COLOR", "PULSEHOUSE_HISTORY"] {
      if let value = getenv(name) { result[name] = String(cString: value) }
    }
    return result
  }
}
