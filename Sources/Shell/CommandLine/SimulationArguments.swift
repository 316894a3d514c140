import Bytes
import Simulation

/// The options that say what to simulate, shared by `generate` and `produce`.
package enum SimulationArguments {
  package static let options = [
    OptionSpecification(
      "seed", value: "S", "the only source of chance: the same seed gives the same bytes (default: 42)"),
    OptionSpecification("start", value: "DATE", "first day of the span (default: 2024-01-01)"),
    OptionSpecification("days", value: "N", "length of the span in days (default: 366)"),
    OptionSpecification(
      "continuous", "record every day of the span; otherwise four study weeks, one in each quarter"),
    OptionSpecification("duplicates", value: "SHARE", "share of repeated lines (default: 1%)"),
    OptionSpecification("late", value: "SHARE", "share of lines that arrive after their hour (default: 0.2%)"),
    OptionSpecification("malformed", value: "SHARE", "share of broken lines (default: 0.1%)"),
  ]

  /// Reads the options above. - Throws: `.usage`.
  package static func read(_ arguments: Arguments) throws(PulsehouseError) -> SimulationOptions {
    var options = SimulationOptions()
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
    return options
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
