/// What is begun when: tables made once, by local hour, country and season.
struct DayRhythm: Sendable {
  /// How much is recorded in each local hour, asleep and awake.
  private static let recording = [
    40, 40, 40, 40, 40, 50, 80, 100, 100, 100, 100, 100, 100, 100, 100, 100, 110, 120, 120, 115, 105, 90, 70, 50,
  ]
  /// Beats per minute that a season adds: winter, spring, summer, autumn.
  static let seasonRate = [3, 1, -2, 0]
  static let totalMass = recording.reduce(0, +) * 3600

  /// By hours from UTC (-12...12) and UTC hour: mass recorded before that hour; 25 entries each.
  private let massBefore: [Int]
  /// By country, season and local hour: running sums of the activities' weights.
  private let activityWeights: [Int]

  init() {
    var mass: [Int] = []
    for offset in -12...12 {
      var sum = 0
      for hour in 0..<24 {
        mass.append(sum)
        sum += Self.recording[(hour + offset + 24) % 24] * 3600
      }
      mass.append(sum)
    }
    massBefore = mass
    var weights: [Int] = []
    for country in Country.all {
      for season in 0..<4 {
        for hour in 0..<24 {
          var sum = 0
          for activity in ActivityCatalog.all {
            // Nights are the same everywhere; days end later in some countries than in others.
            let shift = activity.rhythm == .night || hour < 12 ? 0 : country.hoursLater
            let shapeHour = min(23, max(0, hour - shift))
            let favour = country.favourites[activity.name] ?? 100
            sum +=
              activity.weight * activity.rhythm.weights[shapeHour] * activity.setting.seasonPercent[season] * favour
            weights.append(sum)
          }
        }
      }
    }
    activityWeights = weights
  }

  /// Returns the second of the UTC day at which `mass` (0...``totalMass``) has been recorded.
  @inline(__always)
  func second(atMass mass: Int, hoursFromUTC: Int) -> Int {
    let row = (hoursFromUTC &+ 12) &* 25
    var hour = 0
    while hour < 23 && massBefore[row &+ hour &+ 1] <= mass { hour &+= 1 }
    let before = massBefore[row &+ hour]
    let weight = (massBefore[row &+ hour &+ 1] &- before) / 3600
    return hour &* 3600 &+ min(3600, (mass &- before) / weight)
  }

  /// Draws the position of an activity begun at `localHour`.
  @inline(__always)
  func activity(country: Int, season: Int, localHour: Int, _ random: inout RandomStream) -> Int {
    let count = ActivityCatalog.all.count
    let row = ((country &* 4 &+ season) &* 24 &+ localHour) &* count
    let draw = random.below(activityWeights[row &+ count &- 1])
    var activity = 0
    while activityWeights[row &+ activity] <= draw { activity &+= 1 }
    return activity
  }
}
