import Bytes
import Execution
import Simulation

/// `pulsehouse generate`: simulated users, activities and heart rates, as CSV seeds and a JSONL lake.
package enum GenerateCommand: Command {
  package static let specification = CommandSpecification(
    "generate", "simulate users, activities and heart-rate events: CSV seeds and a JSONL lake",
    options: [
      OptionSpecification("events", value: "N", "lines in the lake, such as 100k or 10m (default: 1m)")
    ] + SimulationArguments.options + [
      OptionSpecification("lake", value: "DIR", "where the lake goes (default: <data>/lake)"),
      OptionSpecification("seeds", value: "DIR", "where users.csv and activities.csv go (default: <data>/seeds)"),
      OptionSpecification("replace", "remove the lines of an earlier generation first"),
    ],
    discussion: """
      The lake is foldered by event time: YYYY/MM/DD/HH/part-<partition>.jsonl, six partitions by user id, with lines
      that came late in part-<partition>.late.jsonl. The same options and seed give the same bytes on every machine.
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    var options = try SimulationArguments.read(arguments)
    options.eventCount = try arguments.count("events", minimum: 0) ?? options.eventCount
    options.threads = try arguments.count("threads") ?? WorkerPool.coreCount
    let target = GenerationTarget(
      seeds: arguments.value("seeds") ?? place.seeds, lake: arguments.value("lake") ?? place.lake,
      replacesLake: arguments.has("replace"))
    let line = ProgressLine(isQuiet: arguments.has("quiet"))
    let report = try Simulation.generate(options, to: target) { progress in
      line.show(
        "\(Decimals.grouped(progress.events)) events", done: progress.events, total: progress.totalEvents)
    }
    line.clear()
    var output = StandardOutput()
    if arguments.has("json") {
      try output.write(
        JSONText.object([
          ("users", .number(report.users)), ("activities", .number(report.activities)),
          ("events", .number(report.events)), ("duplicates", .number(report.duplicates)),
          ("late", .number(report.late)), ("malformed", .number(report.malformed)),
          ("quarantined", .number(report.quarantined)), ("files", .number(report.lakeFiles)),
          ("bytes", .number(report.lakeBytes)), ("seconds", .decimal(report.seconds)),
        ]) + "\n")
    } else {
      let rate = report.seconds > 0 ? Int(Double(report.events) / report.seconds) : report.events
      try output.write(
        """
        \(Decimals.grouped(report.users)) users and \(report.activities) activities in \(target.seeds)
        \(Decimals.grouped(report.events)) events in \(target.lake): \(Decimals.grouped(report.lakeFiles)) files, \
        \(ByteSize.format(report.lakeBytes))
          of them \(Decimals.grouped(report.duplicates)) duplicates, \(Decimals.grouped(report.late)) late, \
        \(Decimals.grouped(report.malformed)) malformed
        \(Decimals.format(report.seconds, places: 2)) s, \(Decimals.grouped(rate)) events/s

        """)
    }
    try output.flush()
  }
}
