import Kernels
import Vectors

/// How long an interval of an incremental model is.
package enum IntervalUnit: String, Sendable, Hashable, CaseIterable {
  case hour, day

  /// Seconds in one interval.
  package var seconds: Int64 { self == .hour ? 3600 : 86_400 }

  /// SQLMesh's units; what is finer than an hour is built by hours, what is longer than a day by days: the same rows.
  init?(named: String) {
    switch named {
    case "year", "month", "day": self = .day
    case "hour", "half_hour", "quarter_hour", "five_minute": self = .hour
    default: return nil
    }
  }

  /// The longest unit of which every turn of `cron` begins a new one, as SQLMesh finds it; nil for what is finer than an
  /// hour, or longer than a day: those are rebuilt by days, which are the same rows.
  init?(cron: String) {
    switch cron.lowercased() {
    case "@hourly": self = .hour
    case "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually": self = .day
    default:
      let fields = cron.split(separator: " ")
      guard fields.count == 5 else { return nil }
      self = fields[1].contains("*") || fields[1].contains(",") || fields[1].contains("/") ? .hour : .day
    }
  }
}

/// A stretch of whole intervals of event time, by their numbers since 1970-01-01 00:00 UTC, both ends included.
package struct IntervalRange: Sendable, Hashable, Comparable {
  package var first: Int64
  package var last: Int64
  package var unit: IntervalUnit

  package init(_ first: Int64, _ last: Int64, _ unit: IntervalUnit) {
    precondition(first <= last, "a range of intervals has at least one")
    self.first = first
    self.last = last
    self.unit = unit
  }

  package var count: Int { Int(last - first) + 1 }

  package static func < (left: IntervalRange, right: IntervalRange) -> Bool {
    (left.first, left.last) < (right.first, right.last)
  }

  /// Seconds since 1970 of the first instant.
  package var startSeconds: Int64 { first * unit.seconds }
  /// Seconds since 1970 of the first instant after it.
  package var endSeconds: Int64 { (last + 1) * unit.seconds }

  /// `2024-01-03`, `2024-01-03 to 2024-01-09`, with hours where intervals are hours.
  package var text: String {
    func name(_ number: Int64) -> String {
      let text = CalendarText.timestamp(seconds: number * unit.seconds)
      return String(unit == .day ? text.prefix { $0 != " " } : text.dropLast(3))
    }
    return first == last ? name(first) : "\(name(first)) to \(name(last))"
  }

  /// The years 1 to 9999, beyond which a date has no place in the text of a model.
  static func all(_ unit: IntervalUnit) -> IntervalRange {
    IntervalRange(
      -719_162 * (86_400 / unit.seconds), 2_932_897 * (86_400 / unit.seconds) - 1, unit)
  }

  /// Returns the part of it that lies in `other`; nil for none.
  func intersection(_ other: IntervalRange) -> IntervalRange? {
    let first = max(first, other.first)
    let last = min(last, other.last)
    return first <= last ? IntervalRange(first, last, unit) : nil
  }

  /// Joins intervals that touch or overlap.
  static func merged(_ ranges: [IntervalRange]) -> [IntervalRange] {
    var result: [IntervalRange] = []
    for range in ranges.sorted() {
      if let previous = result.last, range.first <= previous.last + 1 {
        result[result.count - 1].last = max(previous.last, range.last)
      } else {
        result.append(range)
      }
    }
    return result
  }

  /// Cuts ranges so that none is longer than `count` intervals.
  static func batches(_ ranges: [IntervalRange], of count: Int?) -> [IntervalRange] {
    guard let count else { return ranges }
    return ranges.flatMap { range in
      stride(from: range.first, through: range.last, by: count).map { start in
        IntervalRange(start, min(start + Int64(count) - 1, range.last), range.unit)
      }
    }
  }
}

/// Dates and times as SQL writes them, in UTC.
package enum CalendarText {
  /// `2024-01-03 04:05:06` of seconds since 1970.
  static func timestamp(seconds: Int64) -> String { timestamp(microseconds: seconds * 1_000_000) }

  /// `2024-01-03 04:05:06.789` of microseconds since 1970.
  static func timestamp(microseconds: Int64) -> String {
    TextFormat.string(.integer(microseconds), .timestamp) ?? ""
  }

  /// `2024-01-03` of days since 1970.
  static func date(day: Int64) -> String { TextFormat.string(.integer(day), .date) ?? "" }

  /// Microseconds since 1970 of `2024-01-03 04:05:06.789`, with `T` or a blank, perhaps with `Z` or `+00:00`; nil for
  /// anything else, another zone too.
  package static func time(_ text: String) -> Int64? {
    guard let day = day(text), text.count > 11 else { return nil }
    var clock = text.dropFirst(11)
    for suffix in ["Z", "+00:00", "+00", " UTC"] where clock.hasSuffix(suffix) { clock = clock.dropLast(suffix.count) }
    let parts = clock.split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), let hour = Int64(parts[0]), (0...23).contains(hour),
      let minute = Int64(parts[1]), (0...59).contains(minute)
    else { return nil }
    var microseconds: Int64 = 0
    if parts.count == 3 {
      let pieces = parts[2].split(separator: ".", omittingEmptySubsequences: false)
      guard pieces.count <= 2, let second = Int64(pieces[0]), (0...59).contains(second) else { return nil }
      microseconds = second * 1_000_000
      if pieces.count == 2 {
        guard (1...6).contains(pieces[1].count), pieces[1].allSatisfy(\.isASCII), let fraction = Int64(pieces[1]),
          fraction >= 0
        else { return nil }
        microseconds += (0..<(6 - pieces[1].count)).reduce(fraction) { value, _ in value * 10 }
      }
    }
    return day * 86_400_000_000 + (hour * 60 + minute) * 60_000_000 + microseconds
  }

  /// Days since 1970 of `2024-01-03`, also with a time behind it; nil for anything else.
  package static func day(_ text: String) -> Int64? {
    let parts = text.prefix { $0 != " " && $0 != "T" }.split(separator: "-")
    guard parts.count == 3, let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
      (1...9999).contains(year), (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    let result = Calendar.days(year: year, month: month, day: day)
    // Neither the 31st of June nor a date in other digits.
    return date(day: result) == String(text.prefix(10)) ? result : nil
  }
}
