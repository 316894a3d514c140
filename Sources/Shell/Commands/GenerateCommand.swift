import Bytes
import Execution
import Simulation

/// `pulsehouse generate`: simulated users, activities and heart rates, as CSV seeds and a JSONL lake.
package enum GenerateCommand: Command {
  package static let specification = CommandSpecification(
    "generate", "simulate users, activities and heart-rate events: CSV seeds and a JSONL lake",
    options: [
      OptionSpecification("events", value: "N", "lines in the lake, such as 100k or 10m (default: 1m)"),
      OptionSpecification(
        "seed", value: "S", "the only source of chance: the same seed gives the same bytes (default: 42)"),
      OptionSpecification("start", value: "DATE", "first day of the span (default: 2024-01-01)"),
      OptionSpecification("days", value: "N", "length of the span in days (default: 366)"),
      OptionSpecification(
        "continuous", "record every day of the span; otherwise four study weeks, one in each quarter"),
      OptionSpecification("duplicates", value: "SHARE", "share of repeated lines (default: 1%)"),
      OptionSpecification("late", value: "SHARE", "share of lines that arrive after their hour's file (default: 0.2%)"),
      OptionSpecification("malformed", value: "SHARE", "share of broken lines (default: 0.1%)"),
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
    var options = SimulationOptions()
    options.eventCount = try arguments.count("events", minimum: 0) ?? options.eventCount
    if let seed = arguments.value("seed") {
      guard let number = UInt64(seed) else {
        throw PulsehouseError(.usage, "--seed wants a whole number, not \"\(seed)\"")
      }
      options.seed = number
    }
    if let start = arguments.value("start") { options.startDay = try day(start) }
    options.spanDays = try arguments.count("days") ?? options.spanDays
    options.recording = arguments.has("continuous") ? .continuous : options.recording
    options.duplicateShare = try arguments.share("duplicates") ?? options.duplicateShare
    options.lateShare = try arguments.share("late") ?? options.lateShare
    options.malformedShare = try arguments.share("malformed") ?? options.malformedShare
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

  /// Parses `YYYY-MM-DD` to days since 1970-01-01.
  private static func day(_ text: String) throws(PulsehouseError) -> Int {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 3, let year = parts[0], let month = parts[1], let day = parts[2],
      (971...7445).contains(year), (1...12).contains(month), day >= 1,
      day
        <= [
          31, year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
        ][
          month - 1]
    else { throw PulsehouseError(.usage, "--start wants a date such as 2024-01-01, not \"\(text)\"") }
    // Days from civil date, after Howard Hinnant's "chrono-compatible low-level date algorithms".
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}
