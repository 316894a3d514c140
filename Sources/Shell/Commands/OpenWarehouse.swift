import Bytes
import Engine
import Ingestion

/// Opens the warehouse of a workplace as the options say; every command that needs tables goes through here.
enum OpenWarehouse {
  /// For commands that may work on an environment.
  static let environmentOption = OptionSpecification(
    "env", value: "NAME", "work on this environment: models' names stand for its own tables")

  /// - Throws: `.usage` when there is none and the command only reads.
  static func open(_ place: Workplace, _ arguments: Arguments, forWriting: Bool) throws -> Warehouse {
    let isQuiet = arguments.has("quiet")
    let warehouse = try Warehouse(
      place.tables, mode: forWriting ? .create : .readOnly,
      notice: { if !isQuiet { Terminal.note("notice: \($0)") } })
    SourceTable.add(to: warehouse)
    return warehouse
  }

  static func session(_ warehouse: Warehouse, _ arguments: Arguments) throws -> Session {
    let session = Session(warehouse)
    session.copyReader = CSVCopyReader()
    session.fileReader = TextFileReader()
    if let name = arguments.value("env"), name != Environment.production {
      session.settings.environment = try Environment(name)
    }
    if let threads = try arguments.count("threads") { session.settings.threadCount = threads }
    if let memory = try arguments.byteCount("memory") { session.settings.memoryLimit = memory }
    session.standardOutput = { bytes in
      var output = StandardOutput()
      try output.write(Array(bytes))
      try output.flush()
    }
    return session
  }
}
