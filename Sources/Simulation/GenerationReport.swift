/// What a generation wrote: the lake's books, and the facts that the answers of later queries are checked against.
package struct GenerationReport: Sendable {
  package var users = 0
  package var activities = 0
  /// Lines in the lake; equals the option.
  package var events = 0
  /// Lines that repeat an earlier line.
  package var duplicates = 0
  /// Lines in `*.late.jsonl` files.
  package var late = 0
  /// Broken lines by ``MalformedKind``'s raw value.
  package var malformedByKind = [Int](repeating: 0, count: MalformedKind.allCases.count)
  /// Bytes of the lake.
  package var lakeBytes = 0
  /// Files of the lake.
  package var lakeFiles = 0
  package var seconds = 0.0
  package var facts = GenerationFacts()

  package var malformed: Int { malformedByKind.reduce(0, +) }
  /// Lines that are no valid JSON of the declared types and belong in quarantine.
  package var quarantined: Int { malformed - malformedByKind[MalformedKind.missingKey.rawValue] }
  /// Events that silver keeps: every one once, and only those with a key.
  package var distinctEvents: Int { events - duplicates - malformed }
}

/// Sums over the distinct, well-formed events: what was put in.
package struct GenerationFacts: Sendable, Equatable {
  /// Number, sum, minimum and maximum of heart rates.
  package struct Measure: Sendable, Equatable {
    package var count = 0
    package var sum = 0
    package var minimum = Int.max
    package var maximum = Int.min

    package var mean: Double { count == 0 ? .nan : Double(sum) / Double(count) }

    @inline(__always)
    mutating func add(_ heartRate: Int) {
      count &+= 1
      sum &+= heartRate
      minimum = min(minimum, heartRate)
      maximum = max(maximum, heartRate)
    }

    mutating func merge(_ other: Measure) {
      count += other.count
      sum += other.sum
      minimum = min(minimum, other.minimum)
      maximum = max(maximum, other.maximum)
    }
  }

  /// By ``ActivityCatalog`` position.
  package var byActivity = [Measure](repeating: Measure(), count: ActivityCatalog.all.count)
  /// By calendar quarter (0...3) times activity count, plus activity position.
  package var byQuarterAndActivity = [Measure](repeating: Measure(), count: 4 * ActivityCatalog.all.count)
  /// By country of residence (position in ``Country.all``) times activity count, plus activity position.
  package var byCountryAndActivity = [Measure](
    repeating: Measure(), count: Country.all.count * ActivityCatalog.all.count)
  /// By hour of day in UTC times activity count, plus activity position.
  package var byHourAndActivity = [Measure](repeating: Measure(), count: 24 * ActivityCatalog.all.count)
  /// By sex (0 women, 1 men) times activity count, plus activity position.
  package var bySexAndActivity = [Measure](repeating: Measure(), count: 2 * ActivityCatalog.all.count)

  package init() {}

  @inline(__always)
  mutating func add(
    _ heartRate: Int, activity: Int, activityCount: Int, quarter: Int, country: Int, hour: Int, sex: Int
  ) {
    byActivity[activity].add(heartRate)
    byQuarterAndActivity[quarter &* activityCount &+ activity].add(heartRate)
    byCountryAndActivity[country &* activityCount &+ activity].add(heartRate)
    byHourAndActivity[hour &* activityCount &+ activity].add(heartRate)
    bySexAndActivity[sex &* activityCount &+ activity].add(heartRate)
  }

  mutating func merge(_ other: GenerationFacts) {
    Self.merge(&byActivity, other.byActivity)
    Self.merge(&byQuarterAndActivity, other.byQuarterAndActivity)
    Self.merge(&byCountryAndActivity, other.byCountryAndActivity)
    Self.merge(&byHourAndActivity, other.byHourAndActivity)
    Self.merge(&bySexAndActivity, other.bySexAndActivity)
  }

  private static func merge(_ into: inout [Measure], _ from: [Measure]) {
    for index in into.indices { into[index].merge(from[index]) }
  }
}
