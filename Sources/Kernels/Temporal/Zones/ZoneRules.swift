import Bytes
import Synchronization
import Vectors

/// How far a time zone's clocks are from UTC, at any moment: what the machine's tzdata says, or a fixed offset.
///
/// Moments are microseconds since 1970-01-01 UTC; a *local* time is what the zone's clocks show, counted as if it were
/// UTC. Looking up costs a binary search.
package final class ZoneRules: Sendable {
  /// What clocks show during one period.
  struct Period: Sendable {
    /// Seconds east of UTC.
    var offset: Int
    var isDaylightSaving: Bool
    var abbreviation: String

    static let utc = Period(offset: 0, isDaylightSaving: false, abbreviation: "UTC")
  }

  /// The name as the machine's files spell it.
  package let name: String
  /// Moments (seconds) at which another period begins, ascending; `periods[0]` is before the first.
  private let transitions: [Int64]
  private let periods: [Period]
  /// What follows the last transition; nil where its period goes on for ever.
  private let rule: ZoneRule?

  init(name: String, transitions: [Int64], periods: [Period], rule: ZoneRule?) {
    self.name = name
    self.transitions = transitions
    self.periods = periods
    self.rule = rule
  }

  /// A zone whose clocks never change.
  convenience init(name: String, offset: Int, abbreviation: String) {
    let period = Period(offset: offset, isDaylightSaving: false, abbreviation: abbreviation)
    self.init(name: name, transitions: [], periods: [period], rule: nil)
  }

  /// The number of transitions at or before `second`.
  private func transitionCount(before second: Int64) -> Int {
    var (low, high) = (0, transitions.count)
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle] <= second { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The period at `second`, and when the next one begins with what it is.
  private func period(at second: Int64) -> (now: Period, next: (start: Int64, period: Period)?) {
    let count = transitionCount(before: second)
    if count < transitions.count { return (periods[count], (transitions[count], periods[count + 1])) }
    guard let rule else { return (periods[count], nil) }
    return rule.period(at: second)
  }

  func period(atMoment moment: Int64) -> Period {
    period(at: ZoneRules.second(moment)).now
  }

  /// The local time of a moment. Infinities stay.
  func local(_ moment: Int64) -> Int64 {
    if moment == .max || moment == .min { return moment }
    return moment &+ Int64(period(atMoment: moment).offset) &* Calendar.microsecondsPerSecond
  }

  /// The offset by which a local time is meant, in seconds: one that a change to summer time leaves out as before the
  /// change, one that comes twice as the later of the two, as PostgreSQL has it.
  func offset(atLocal local: Int64) -> Int {
    let second = ZoneRules.second(local)
    let (before, next) = period(at: second - 86_400)
    guard let next else { return before.offset }
    let (first, second_) = (second - Int64(before.offset), second - Int64(next.period.offset))
    if first < next.start, second_ < next.start { return before.offset }
    if first > next.start, second_ >= next.start { return next.period.offset }
    return first > second_ ? before.offset : next.period.offset
  }

  /// The moment of a local time; nil out of range. Infinities stay.
  func moment(_ local: Int64) -> Int64? {
    if local == .max || local == .min { return local }
    let (sum, overflow) = local.subtractingReportingOverflow(
      Int64(offset(atLocal: local)) &* Calendar.microsecondsPerSecond)
    return overflow || sum < Calendar.minimumTimestamp || sum == .max || sum == .min ? nil : sum
  }

  /// The offset that an abbreviation has at a moment or, in a zone that has no such one then, the zone's own.
  func offset(of abbreviation: String, atLocal local: Int64) -> Int {
    let second = ZoneRules.second(local)
    let own = offset(atLocal: local)
    // The nearest period before with that abbreviation, else the first after.
    let count = transitionCount(before: second - Int64(own))
    let wanted = abbreviation.uppercased()
    for index in stride(from: min(count, periods.count - 1), through: 0, by: -1)
    where periods[index].abbreviation == wanted { return periods[index].offset }
    for index in min(count + 1, periods.count)..<periods.count where periods[index].abbreviation == wanted {
      return periods[index].offset
    }
    return own
  }

  private static func second(_ moment: Int64) -> Int64 {
    let (quotient, remainder) = moment.quotientAndRemainder(dividingBy: Calendar.microsecondsPerSecond)
    return remainder < 0 ? quotient - 1 : quotient
  }
}

/// Zones by name, each read once for the process.
package enum Zones {
  private static let known = Mutex<[String: ZoneRules]>([:])

  /// Returns the zone of a name in any case: one of tzdata, or a POSIX rule such as `UTC+3` or `EST5EDT`.
  ///
  /// - Throws: 22023 for a name that nobody knows, `.io` where the machine has no tzdata.
  package static func named(_ name: String) throws(PulsehouseError) -> ZoneRules {
    let key = name.lowercased()
    if let zone = known.withLock({ $0[key] }) { return zone }
    let zone = try ZoneFile.read(key) ?? ZoneRule.zone(name)
    guard let zone else {
      throw PulsehouseError(.user, "time zone \"\(name)\" not recognized", sqlState: "22023")
    }
    known.withLock { $0[key] = zone }
    return zone
  }

  /// The zone of a session's setting; nil for UTC, which needs no rules.
  package static func session(_ name: String) throws(PulsehouseError) -> ZoneRules? {
    let isUTC = ["utc", "gmt", "etc/utc", "etc/gmt", "z", "zulu", "uct", "universal"].contains(name.lowercased())
    return isUTC ? nil : try named(name)
  }

  /// The zone so many seconds east of UTC, named as PostgreSQL names it.
  package static func fixed(_ seconds: Int) -> ZoneRules {
    func text(_ seconds: Int) -> String {
      let size = abs(seconds)
      func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
      var result = (seconds < 0 ? "-" : "+") + two(size / 3600)
      if size % 3600 != 0 { result += ":" + two(size / 60 % 60) }
      if size % 60 != 0 { result += ":" + two(size % 60) }
      return result
    }
    return ZoneRules(name: "<\(text(seconds))>\(text(-seconds))", offset: seconds, abbreviation: text(seconds))
  }

  /// The offset that `AT TIME ZONE name` means: first as an abbreviation, then as a zone.
  enum Meaning {
    case offset(Int)
    case abbreviation(String, ZoneRules)
    case rules(ZoneRules)
  }

  static func meaning(_ name: String) throws(PulsehouseError) -> Meaning {
    let lower = name.lowercased()
    switch ZoneAbbreviation.named(lower) {
    case .offset(let seconds): return .offset(seconds)
    case .zone(let zone): return .abbreviation(lower, try named(zone))
    case nil: return .rules(try named(name))
    }
  }
}

extension Zones.Meaning {
  /// Seconds east of UTC at a moment.
  func offset(atMoment moment: Int64) -> Int {
    switch self {
    case .offset(let seconds): return seconds
    case .abbreviation(let name, let rules): return rules.offset(of: name, atLocal: rules.local(moment))
    case .rules(let rules): return rules.period(atMoment: moment).offset
    }
  }

  func offset(atLocal local: Int64) -> Int {
    switch self {
    case .offset(let seconds): return seconds
    case .abbreviation(let name, let rules): return rules.offset(of: name, atLocal: local)
    case .rules(let rules): return rules.offset(atLocal: local)
    }
  }
}
