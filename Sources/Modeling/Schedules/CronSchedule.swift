import Bytes
import Kernels

/// When a model is due: one of SQLMesh's names (`@hourly`, `@daily`, ...) or a five-field cron expression, in UTC.
///
/// Fields are minute, hour, day of month, month, day of week (0 and 7 are Sunday), each `*`, a number or name, a range
/// `a-b`, a step `*/n` or `a-b/n`, or a list of these. Where both days are restricted, either is enough, as in cron.
package struct CronSchedule: Hashable, Sendable, CustomStringConvertible {
  /// As written.
  package let text: String
  private let minutes: UInt64
  private let hours: UInt64
  private let days: UInt64
  private let months: UInt64
  private let weekdays: UInt64
  private let hasAnyDay: Bool
  private let hasAnyWeekday: Bool

  /// What a model has that says nothing, as in SQLMesh.
  package static let daily = CronSchedule(known: "@daily", "0 0 * * *")

  private static let names = [
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
  ]
  private static let monthNames = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
  ]
  private static let weekdayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

  private init(known name: String, _ fields: String) {
    guard let schedule = try? CronSchedule(name, fields: fields) else {
      preconditionFailure("a schedule of our own is wrong")
    }
    self = schedule
  }

  /// Reads a schedule. - Throws: `.user` that says which field is wrong, or that there is never such a day.
  package init(_ text: String) throws(PulsehouseError) {
    guard text.hasPrefix("@") else {
      try self.init(text, fields: text)
      return
    }
    guard let fields = Self.names[text.lowercased()] else {
      throw PulsehouseError(
        .user, "there is no schedule \"\(text)\"", sqlState: "22023",
        hint: "There are \(Self.names.keys.sorted().joined(separator: ", ")), and five-field cron expressions.")
    }
    try self.init(text, fields: fields)
  }

  private init(_ text: String, fields written: String) throws(PulsehouseError) {
    let fields = written.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
    guard fields.count == 5 else {
      throw PulsehouseError(
        .user, "a cron expression has five fields, \"\(text)\" has \(fields.count)", sqlState: "22023",
        hint: "They are minute, hour, day of month, month, day of week: '*/15 * * * *'.")
    }
    self.text = text
    minutes = try Self.set(fields[0], 0...59, "minute")
    hours = try Self.set(fields[1], 0...23, "hour")
    days = try Self.set(fields[2], 1...31, "day of month")
    months = try Self.set(fields[3], 1...12, "month", names: Self.monthNames, firstName: 1)
    let named = try Self.set(fields[4], 0...7, "day of week", names: Self.weekdayNames, firstName: 0)
    weekdays = (named | named >> 7) & 0x7F
    hasAnyDay = fields[2].hasPrefix("*")
    hasAnyWeekday = fields[4].hasPrefix("*")
    guard next(after: 0) != nil else {
      throw PulsehouseError(.user, "the cron expression \"\(text)\" names a day that never comes", sqlState: "22023")
    }
  }

  package var description: String { text }

  /// Reads a field as a set of numbers, a bit each.
  private static func set(
    _ field: String, _ range: ClosedRange<Int>, _ what: String, names: [String] = [], firstName: Int = 0
  ) throws(PulsehouseError) -> UInt64 {
    let wrong = PulsehouseError(
      .user, "\"\(field)\" is no \(what) of a cron expression", sqlState: "22023",
      hint: "It is from \(range.lowerBound) to \(range.upperBound): *, 5, 1-5, */15, 10-40/10 or a list of these.")
    func number(_ text: Substring) throws(PulsehouseError) -> Int {
      if let index = names.firstIndex(of: text.lowercased()) { return firstName + index }
      guard text.allSatisfy(\.isASCII), let value = Int(text), range.contains(value) else { throw wrong }
      return value
    }
    var result: UInt64 = 0
    for part in field.split(separator: ",", omittingEmptySubsequences: false) {
      let pieces = part.split(separator: "/", omittingEmptySubsequences: false)
      guard pieces.count <= 2 else { throw wrong }
      var step = 1
      if pieces.count == 2 {
        guard let value = Int(pieces[1]), value >= 1, value <= 60 else { throw wrong }
        step = value
      }
      var first = range.lowerBound
      var last = range.upperBound
      if pieces[0] != "*" {
        let ends = pieces[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count <= 2 else { throw wrong }
        first = try number(ends[0])
        // `5/15` is every fifteen from five on.
        last = ends.count == 2 ? try number(ends[1]) : pieces.count == 2 ? range.upperBound : first
      }
      guard first <= last else { throw wrong }
      for value in stride(from: first, through: last, by: step) { result |= 1 << UInt64(value) }
    }
    return result
  }

  private func has(day: Int64) -> Bool {
    let date = Calendar.date(fromDays: day)
    guard months >> UInt64(date.month) & 1 == 1 else { return false }
    // 1970-01-01 was a Thursday.
    let weekday = ((day + 4) % 7 + 7) % 7
    let isDay = days >> UInt64(date.day) & 1 == 1
    let isWeekday = weekdays >> UInt64(weekday) & 1 == 1
    return hasAnyDay || hasAnyWeekday ? isDay && isWeekday : isDay || isWeekday
  }

  /// The first turn after a time; both in seconds since 1970 UTC. Nil when none comes within thirty years.
  package func next(after seconds: Int64) -> Int64? {
    var minute = Self.floor(seconds, 60) + 1
    var day = Self.floor(minute, 1440)
    let lastDay = day + 11_000
    while day <= lastDay {
      if has(day: day) {
        var ofDay = Int(minute - day * 1440)
        while ofDay < 1440 {
          guard hours >> UInt64(ofDay / 60) & 1 == 1 else {
            ofDay = (ofDay / 60 + 1) * 60
            continue
          }
          if minutes >> UInt64(ofDay % 60) & 1 == 1 { return (day * 1440 + Int64(ofDay)) * 60 }
          ofDay += 1
        }
      }
      day += 1
      minute = day * 1440
    }
    return nil
  }

  private static func floor(_ value: Int64, _ unit: Int64) -> Int64 {
    value >= 0 ? value / unit : -((-value + unit - 1) / unit)
  }
}
