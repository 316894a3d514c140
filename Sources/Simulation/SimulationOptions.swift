import Bytes

/// What to simulate: how many lines, from which seed, over which days, and how imperfect.
package struct SimulationOptions: Sendable, Hashable {
  /// Which days of the span are recorded.
  package enum Recording: String, Sendable, Hashable, CaseIterable {
    /// Four weeks, one in the middle of each quarter of the span: a study that sees every season in few files.
    case studyWeeks
    /// Every day of the span.
    case continuous
  }

  /// Lines written to the lake: first deliveries, duplicates and malformed lines together.
  package var eventCount = 1_000_000
  /// The only source of chance: equal options give equal bytes on every machine.
  package var seed: UInt64 = 42
  /// First day of the span, in days since 1970-01-01 (UTC). The default is 2024-01-01.
  package var startDay = 19_723
  /// Length of the span in days.
  package var spanDays = 366
  package var recording = Recording.studyWeeks
  /// Share of lines that repeat an earlier line of the same file, byte for byte.
  package var duplicateShare = 0.01
  /// Share of lines that arrive after their hour's file was closed, in `part-<partition>.late.jsonl`.
  package var lateShare = 0.002
  /// Share of lines that cannot be read as an event: see ``MalformedKind``.
  package var malformedShare = 0.001
  /// Worker threads; the bytes do not depend on it.
  package var threads = 1

  package init() {}

  /// The number of Kafka partitions an event's user id is spread over.
  package static let partitionCount = 6

  /// Checks every option against its bounds.
  ///
  /// - Throws: `.usage`, naming the option and its bounds.
  package func validate() throws(PulsehouseError) {
    func check(_ holds: Bool, _ message: String) throws(PulsehouseError) {
      if !holds { throw PulsehouseError(.usage, message) }
    }
    try check((0...20_000_000_000).contains(eventCount), "events must be between 0 and 20000000000")
    try check((-365_000...2_000_000).contains(startDay), "the start must be between the years 971 and 7445")
    try check((1...36_600).contains(spanDays), "the span must be between 1 and 36600 days")
    try check(
      recording == .continuous || spanDays >= 28,
      "four study weeks need a span of 28 days or more; record continuously for less")
    for (name, share) in [("duplicates", duplicateShare), ("late", lateShare), ("malformed", malformedShare)] {
      try check(share >= 0 && share <= 0.3, "the share of \(name) lines must be between 0 and 0.3")
    }
    try check((1...256).contains(threads), "threads must be between 1 and 256")
    let perDay = eventCount / recordedDays.count
    try check(
      perDay <= 50_000_000,
      "\(eventCount) events over \(recordedDays.count) days are more than 50000000 a day; lengthen the span")
  }

  /// Lists the recorded days in order, as days since 1970-01-01.
  package var recordedDays: [Int] {
    switch recording {
    case .continuous:
      return Array(startDay..<startDay + spanDays)
    case .studyWeeks:
      return (0..<4).flatMap { quarter in
        let first = startDay + spanDays * quarter / 4
        let length = startDay + spanDays * (quarter + 1) / 4 - first
        let week = first + (length - 7) / 2
        return week..<week + 7
      }
    }
  }
}

/// The ways in which a line can be broken, in the order in which they take turns.
package enum MalformedKind: Int, Sendable, CaseIterable {
  /// The line stops in the middle.
  case truncated
  /// `"heart_rate"` holds a word.
  case wrongType
  /// Not JSON at all.
  case garbage
  /// Bytes that no UTF-8 text holds.
  case invalidUTF8
  /// No `"user_id"`: readable JSON, bronze takes it with a null, silver refuses it.
  case missingKey
  /// `"heart_rate"` beyond 64 bits.
  case hugeNumber
}
