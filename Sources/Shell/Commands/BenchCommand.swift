import Bytes
import Engine
import Glibc
import Ingestion
import Modeling
import Simulation

/// `pulsehouse bench`: how fast this machine answers, on the user's own tables or on a pipeline made for it.
package enum BenchCommand: Command {
  package static let specification = CommandSpecification(
    "bench", "time scans over the warehouse, or with --events the whole pipeline on simulated data",
    options: [
      OptionSpecification("events", value: "N", "simulate N events in a folder of their own and time every step"),
      OptionSpecification("repeats", value: "N", "times each query is run after a first one (default: 5)"),
      OptionSpecification("statements", "time the statements of standard input, each ended by an empty line"),
    ],
    discussion: """
      The queries run over the events as they arrived (bronze) and by user and time (silver), with one thread and with all,
      or as many as --threads says. A query's time is from SQL text to last row, inside the process, the first run not counted. Figures of one machine
      at one time can be compared with each other; of different machines or times only their ratios.

      --statements is for programs: each statement is answered by a line of JSON with its seconds and rows.
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    let repeats = try arguments.count("repeats") ?? 5
    if arguments.has("statements") {
      let warehouse = try OpenWarehouse.open(place, arguments, forWriting: true)
      return try BenchStatements.run(try OpenWarehouse.session(warehouse, arguments))
    }
    var results = BenchResults()
    if let events = try arguments.count("events") {
      let directory = "\(place.data)/bench-\(getpid())"
      defer { FolderRemoval.remove(directory) }
      let words = ["bench", "--project", place.project, "--data", directory]
      let inner = try Workplace(try Arguments(words, commands: [specification]))
      try pipeline(inner, events, arguments, &results)
      try queries(inner, repeats, arguments, &results)
    } else {
      try queries(place, repeats, arguments, &results)
    }
    results.peakBytes = peakMemory()
    var output = StandardOutput()
    try output.write(arguments.has("json") ? results.json + "\n" : results.text)
    try output.flush()
  }

  private static func pipeline(
    _ place: Workplace, _ events: Int, _ arguments: Arguments, _ results: inout BenchResults
  ) throws {
    let line = ProgressLine(isQuiet: arguments.has("quiet"))
    var simulation = SimulationOptions()
    simulation.eventCount = events
    simulation.threads = try arguments.count("threads") ?? simulation.threads
    line.show("generating")
    let generated = try Simulation.generate(
      simulation, to: GenerationTarget(seeds: place.seeds, lake: place.lake, replacesLake: true))
    results.add("generate", seconds: generated.seconds, rows: generated.events, bytes: generated.lakeBytes)

    let warehouse = try OpenWarehouse.open(place, arguments, forWriting: true)
    var options = IngestOptions()
    options.dataDirectory = place.data
    options.threadCount = try arguments.count("threads") ?? options.threadCount
    line.show("ingesting")
    for report in try Ingest.run(
      Source.load(directory: Path.join(place.project, "sources")), into: warehouse, options: options)
    {
      results.add(
        "ingest \(report.source)", seconds: report.seconds, rows: Int(report.rowCount), bytes: Int(report.byteCount))
    }

    let project = try Project.load(place.project)
    let session = try OpenWarehouse.session(warehouse, arguments)
    line.show("running models")
    let run = try ModelRun.run(project, in: SessionModelSession(session)) { _ in }
    if let error = run.error { throw error }
    for model in run.models {
      results.add("build \(model.name)", seconds: model.seconds, rows: model.rowCount)
      if !model.audits.isEmpty { results.add("audit \(model.name)", seconds: model.auditSeconds, rows: model.rowCount) }
    }

    line.show("exporting")
    let start = MachineClock.seconds
    let file = place.data + "/fct_heart_rate.csv"
    let rows = try session.exportCSV("SELECT * FROM gold.fct_heart_rate", to: file)
    let bytes = Int(try LocalFileSystem().status(file)?.byteCount ?? 0)
    results.add("export gold.fct_heart_rate", seconds: MachineClock.seconds - start, rows: rows, bytes: bytes)
    for table in try warehouse.snapshot().tables where table.rowCount > 0 { results.addStorage(table) }
    line.clear()
  }

  private static func queries(
    _ place: Workplace, _ repeats: Int, _ arguments: Arguments, _ results: inout BenchResults
  ) throws {
    let warehouse = try OpenWarehouse.open(place, arguments, forWriting: false)
    let session = try OpenWarehouse.session(warehouse, arguments)
    let canceller = session.canceller
    SignalWatch.onInterrupt { canceller.cancel() }
    let line = ProgressLine(isQuiet: arguments.has("quiet"))
    let all = try BenchQueries(session).all
    let most = session.settings.threadCount
    let counts = arguments.has("threads") || most == 1 ? [most] : [1, most]
    for (index, query) in all.enumerated() {
      line.show("\(query.name), \(query.order)", done: index, total: all.count)
      for threads in counts {
        session.settings.threadCount = threads
        var times: [Double] = []
        do {
          for _ in 0...repeats {
            let sink = CollectingSink()
            let start = MachineClock.seconds
            try session.run(query.sql, into: sink)
            times.append(MachineClock.seconds - start)
          }
        } catch let error as PulsehouseError {
          throw ReportedError(error: error, sql: query.sql)
        }
        times.removeFirst()
        results.addQuery(query.name, query.order, threads, times)
      }
    }
    line.clear()
  }

  /// The most memory the process ever held, in bytes.
  private static func peakMemory() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  }
}

/// What a bench measured, and how it is shown.
struct BenchResults {
  private struct Step {
    var name: String
    var seconds: Double
    var rows: Int?
    var bytes: Int?
  }

  private struct Query {
    var name: String
    var order: BenchQueries.Order
    var threads: Int
    var minimum: Double
    var median: Double
  }

  private var steps: [Step] = []
  private var queries: [Query] = []
  private var tables: [(name: String, rows: Int, bytes: Int)] = []
  var peakBytes = 0

  mutating func add(_ name: String, seconds: Double, rows: Int? = nil, bytes: Int? = nil) {
    steps.append(Step(name: name, seconds: seconds, rows: rows, bytes: bytes))
  }

  mutating func addQuery(_ name: String, _ order: BenchQueries.Order, _ threads: Int, _ times: [Double]) {
    let sorted = times.sorted()
    queries.append(
      Query(name: name, order: order, threads: threads, minimum: sorted[0], median: sorted[sorted.count / 2]))
  }

  mutating func addStorage(_ table: TableState) { tables.append(("\(table.name)", table.rowCount, table.byteCount)) }

  var text: String {
    var text = ""
    func box(_ names: [String], _ rows: [[String?]]) {
      let headers = names.enumerated().map { BoxTable.Header(name: $1, type: "", isRightAligned: $0 > 0) }
      text += BoxTable(headers: headers, head: rows).lines(width: Terminal.width).joined(separator: "\n") + "\n"
    }
    if !steps.isEmpty {
      box(
        ["step", "seconds", "rows/s", "bytes/s"],
        steps.map { step in
          [
            step.name, Decimals.format(step.seconds, places: 3),
            step.rows.map { step.seconds > 0 ? Decimals.grouped(Int(Double($0) / step.seconds)) : "" } ?? "",
            step.bytes.map { step.seconds > 0 ? ByteSize.format(Int(Double($0) / step.seconds)) : "" } ?? "",
          ]
        })
    }
    if !tables.isEmpty {
      box(
        ["table", "rows", "bytes", "bytes/row"],
        tables.map {
          [
            $0.name, Decimals.grouped($0.rows), ByteSize.format($0.bytes),
            Decimals.format(Double($0.bytes) / Double($0.rows), places: 2),
          ]
        })
    }
    box(
      ["query", "events in order of", "threads", "minimum ms", "median ms"],
      queries.map {
        [
          $0.name, $0.order.rawValue, "\($0.threads)", Decimals.format($0.minimum * 1000, places: 3),
          Decimals.format($0.median * 1000, places: 3),
        ]
      })
    return text + "peak memory \(ByteSize.format(peakBytes))\n"
  }

  var json: String {
    JSONText.object([
      (
        "steps",
        .raw(
          JSONText.array(
            steps.map { step in
              JSONText.object([
                ("name", .text(step.name)), ("seconds", .decimal(step.seconds)),
                ("rows", step.rows.map { .number($0) } ?? .null), ("bytes", step.bytes.map { .number($0) } ?? .null),
              ])
            }))
      ),
      (
        "tables",
        .raw(
          JSONText.array(
            tables.map {
              JSONText.object([("name", .text($0.name)), ("rows", .number($0.rows)), ("bytes", .number($0.bytes))])
            }))
      ),
      (
        "queries",
        .raw(
          JSONText.array(
            queries.map {
              JSONText.object([
                ("name", .text($0.name)), ("order", .text($0.order.rawValue)), ("threads", .number($0.threads)),
                ("minimum_seconds", .decimal($0.minimum)),
                ("median_seconds", .decimal($0.median)),
              ])
            }))
      ), ("peak_memory_bytes", .number(peakBytes)),
    ])
  }
}
