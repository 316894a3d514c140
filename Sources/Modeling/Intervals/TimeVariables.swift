import SQLSyntax

/// The variables of time that SQLMesh gives a model: `@start_date`, `@end_ts`, `@execution_epoch` and their kin.
///
/// `start` is the first instant of the intervals built, `end` the last one that still belongs to them (a microsecond
/// before the next begins), `execution` when the run began. Each comes as `_date` (a date), `_ds` (text, 2024-01-03),
/// `_dt` (a timestamp), `_dtntz` (the same), `_ts` (text with the time), `_tstz`, `_epoch` (seconds), `_millis`, `_hour`.
/// Source: SQLMesh's documentation, "Macro variables".
enum TimeVariables {
  static let executionPrefix = "execution_"

  /// - Parameter execution: microseconds since 1970 UTC.
  static func values(_ range: IntervalRange, execution: Int64) -> [String: MacroValue] {
    var values = executionValues(execution)
    add("start", range.startSeconds * 1_000_000, &values)
    add("end", range.endSeconds * 1_000_000 - 1, &values)
    return values
  }

  /// The same for any two instants. - Parameters: microseconds since 1970 UTC.
  static func values(start: Int64, end: Int64, execution: Int64) -> [String: MacroValue] {
    var values = executionValues(execution)
    add("start", start, &values)
    add("end", end, &values)
    return values
  }

  static func executionValues(_ microseconds: Int64) -> [String: MacroValue] {
    var values: [String: MacroValue] = [:]
    add("execution", microseconds, &values)
    return values
  }

  private static func add(_ prefix: String, _ microseconds: Int64, _ values: inout [String: MacroValue]) {
    let seconds = microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000
    let fraction = microseconds - seconds * 1_000_000
    let digits = String(1_000_000 + fraction).dropFirst()
    let timestamp = CalendarText.timestamp(microseconds: microseconds)
    let date = String(timestamp.prefix { $0 != " " })
    values["\(prefix)_date"] = .sql("CAST('\(date)' AS DATE)")
    values["\(prefix)_ds"] = .text(date)
    values["\(prefix)_dt"] = .sql("CAST('\(timestamp)' AS TIMESTAMP)")
    values["\(prefix)_dtntz"] = .sql("CAST('\(timestamp)' AS TIMESTAMP)")
    values["\(prefix)_ts"] = .text(timestamp)
    values["\(prefix)_tstz"] = .text("\(timestamp)+00:00")
    values["\(prefix)_epoch"] = .number(fraction == 0 ? "\(seconds)" : "\(seconds).\(digits)")
    values["\(prefix)_millis"] = .number("\(seconds * 1000 + fraction / 1000)")
    values["\(prefix)_hour"] = .number("\((seconds % 86_400 + 86_400) % 86_400 / 3600)")
  }
}
