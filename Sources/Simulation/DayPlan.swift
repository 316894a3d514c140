/// How many lines of which sort a recorded day gets; the sums over all days meet the options' shares exactly.
struct DayPlan: Sendable {
  let day: Int
  /// Events delivered once; among them the malformed and the late.
  var firsts: Int
  var duplicates: Int
  var malformed: Int
  var late: Int

  /// Spreads the options' numbers evenly over their recorded days.
  static func all(_ options: SimulationOptions) -> [DayPlan] {
    let days = options.recordedDays
    var given = (lines: 0, duplicates: 0, malformed: 0, late: 0)
    return days.enumerated().map { index, day in
      // In two steps, so that no product overflows.
      let whole = options.eventCount / days.count
      let wantedLines = whole * (index + 1) + options.eventCount % days.count * (index + 1) / days.count
      let lines = wantedLines - given.lines
      given.lines = wantedLines
      func share(_ share: Double, _ already: Int, atMost: Int) -> Int {
        max(0, min(Int((Double(wantedLines) * share).rounded()) - already, atMost))
      }
      let duplicates = share(options.duplicateShare, given.duplicates, atMost: lines / 2)
      given.duplicates += duplicates
      let firsts = lines - duplicates
      let malformed = share(options.malformedShare, given.malformed, atMost: firsts - duplicates)
      given.malformed += malformed
      let late = share(options.lateShare, given.late, atMost: firsts - duplicates - malformed)
      given.late += late
      return DayPlan(day: day, firsts: firsts, duplicates: duplicates, malformed: malformed, late: late)
    }
  }
}
