import Bytes
import Engine

/// `pulsehouse export`: tables as CSV or Parquet files.
package enum ExportCommand: Command {
  package static let specification = CommandSpecification(
    "export", "write tables as CSV files for BI tools, or as Parquet", operands: "[SCHEMA | SCHEMA.TABLE ...]",
    maximumOperands: 1000,
    options: [
      OptionSpecification("to", value: "DIR", "where the files go (default: <data>/export)"),
      OptionSpecification("format", value: "FORMAT", "csv or parquet (default: csv)"),
      OptionSpecification("query", value: "SQL", "export the rows of a query instead, to --file"),
      OptionSpecification("file", value: "FILE", "the file for --query"),
    ],
    discussion: """
      Without operands all tables of schema gold are exported, each to <schema>.<table>.csv: UTF-8, a header, RFC 4180
      quoting, NULL as an empty field; or to <schema>.<table>.parquet, compressed by zstd. A file takes its name only
      when it is whole.
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    let warehouse = try OpenWarehouse.open(place, arguments, forWriting: false)
    let session = try OpenWarehouse.session(warehouse, arguments)
    let canceller = session.canceller
    SignalWatch.onInterrupt { canceller.cancel() }
    let format = try Format(arguments)
    func export(_ query: String, to file: String) throws -> Int {
      switch format {
      case .csv: try session.exportCSV(query, to: file)
      case .parquet: try session.exportParquet(query, to: file)
      }
    }
    var output = StandardOutput()
    if let query = arguments.value("query") {
      guard let file = arguments.value("file") else {
        throw PulsehouseError(.usage, "--query needs --file, the file to write")
      }
      do {
        let (rows, line) = try measured(file) { try export(query, to: file) }
        try output.write(arguments.has("json") ? json(file, rows, file) + "\n" : line + "\n")
      } catch let error as PulsehouseError {
        throw ReportedError(error: error, sql: query)
      }
      return try output.flush()
    }
    let directory = arguments.value("to") ?? place.data + "/export"
    try warehouse.fileSystem.makeDirectory(directory)
    let names = try chosen(arguments.operands, warehouse.snapshot())
    // One transaction, so that all files show the same snapshot.
    try session.begin()
    defer { session.rollback() }
    var objects: [String] = []
    for name in names {
      let file = "\(directory)/\(name.schema).\(name.name).\(format.rawValue)"
      let (rows, line) = try measured(file) { try export("SELECT * FROM \(name)", to: file) }
      objects.append(json("\(name)", rows, file))
      if !arguments.has("json") { try output.write(line + "\n") }
      try output.flush()
    }
    if arguments.has("json") { try output.write(JSONText.array(objects) + "\n") }
    try output.flush()
  }

  private enum Format: String {
    case csv, parquet

    init(_ arguments: Arguments) throws {
      guard let name = arguments.value("format") else {
        self = .csv
        return
      }
      guard let format = Format(rawValue: name.lowercased()) else {
        throw PulsehouseError(.usage, "there is no format \"\(name)\" to export", hint: "There are csv and parquet.")
      }
      self = format
    }
  }

  private static func chosen(_ operands: [String], _ snapshot: Snapshot) throws -> [TableName] {
    let all = (snapshot.tables.map(\.name) + snapshot.views.map(\.name)).sorted()
    let wanted = operands.isEmpty ? ["gold"] : operands
    var names: [TableName] = []
    for word in wanted {
      let found = all.filter { $0.schema == word || "\($0.schema).\($0.name)" == word || $0.name == word }
      guard !found.isEmpty else {
        throw PulsehouseError(
          .user, "there is no schema or table \"\(word)\" to export", sqlState: "42P01",
          hint: Suggestion.hint(for: word, among: all.map { "\($0.schema).\($0.name)" } + all.map(\.schema))
            ?? "pulsehouse status lists the tables; pulsehouse run makes gold.")
      }
      names += found.filter { !names.contains($0) }
    }
    return names
  }

  private static func measured(_ file: String, _ work: () throws -> Int) throws -> (Int, String) {
    let start = MachineClock.seconds
    let rows = try work()
    let seconds = MachineClock.seconds - start
    let bytes = Int(try LocalFileSystem().status(file)?.byteCount ?? 0)
    let rate = seconds > 0 ? Int(Double(bytes) / seconds) : bytes
    return (
      rows,
      "\(file): \(Decimals.grouped(rows)) rows, \(ByteSize.format(bytes)), \(Decimals.format(seconds, places: 2)) s, "
        + "\(ByteSize.format(rate))/s"
    )
  }

  private static func json(_ name: String, _ rows: Int, _ file: String) -> String {
    JSONText.object([("name", .text(name)), ("rows", .number(rows)), ("file", .text(file))])
  }
}
