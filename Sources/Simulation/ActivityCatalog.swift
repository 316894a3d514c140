/// One of the 23 activities a watch can report, with what the simulation believes about it.
package struct Activity: Sendable {
  /// When in the day an activity is begun, as 24 weights by local hour.
  enum Rhythm: Int, CaseIterable {
    case night
    case desk
    case upright
    case errands
    case workout
    case evening
    case calm
    case daylight
    case always

    var weights: [Int] {
      switch self {
      case .night: [90, 95, 98, 98, 95, 85, 55, 25, 8, 4, 2, 1, 1, 3, 4, 2, 1, 1, 1, 2, 4, 12, 35, 70]
      case .desk: [4, 2, 1, 1, 1, 2, 6, 15, 35, 45, 48, 45, 38, 42, 46, 45, 42, 38, 35, 38, 42, 40, 25, 12]
      case .upright: [1, 1, 1, 1, 1, 3, 10, 18, 20, 18, 16, 16, 18, 16, 15, 15, 16, 18, 18, 15, 10, 6, 3, 1]
      case .errands: [0, 0, 0, 0, 0, 2, 8, 18, 16, 8, 7, 9, 16, 12, 8, 8, 12, 18, 16, 12, 8, 5, 2, 0]
      case .workout: [0, 0, 0, 0, 0, 3, 9, 10, 6, 4, 4, 3, 5, 3, 3, 4, 8, 13, 14, 10, 5, 2, 0, 0]
      case .evening: [0, 0, 0, 0, 0, 1, 3, 4, 3, 3, 3, 3, 4, 3, 3, 4, 7, 12, 14, 13, 8, 3, 1, 0]
      case .calm: [0, 0, 0, 0, 1, 5, 10, 9, 7, 5, 4, 3, 3, 3, 3, 3, 4, 5, 6, 6, 4, 3, 1, 0]
      case .daylight: [0, 0, 0, 0, 0, 1, 3, 6, 10, 12, 12, 11, 10, 10, 10, 9, 7, 4, 2, 1, 0, 0, 0, 0]
      case .always: [1, 1, 1, 1, 1, 2, 4, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 5, 4, 3, 2, 1]
      }
    }
  }

  /// Where an activity happens, which decides how the year changes its share.
  enum Setting: Int {
    case anywhere
    case indoors
    case outdoors

    /// Per cent of the usual share by season: winter, spring, summer, autumn.
    var seasonPercent: [Int] {
      switch self {
      case .anywhere: [100, 100, 100, 100]
      case .indoors: [135, 100, 70, 105]
      case .outdoors: [45, 110, 165, 90]
      }
    }
  }

  package let id: Int
  package let name: String
  /// Thousandths of the reserve between resting and maximal heart rate that the activity asks for.
  let effort: Int
  /// How common it is, times the rhythm's weight of the hour.
  let weight: Int
  /// Length of a session in minutes.
  let minutes: ClosedRange<Int>
  /// How fast the wearer gets away from where the session began, in millionths of a degree per second.
  let speed: Int
  let rhythm: Rhythm
  let setting: Setting

  /// Rates that the activity never leaves.
  var plausibleRates: ClosedRange<Int> {
    if effort <= 60 { return 40...80 }
    if effort >= 700 { return 130...205 }
    return 50...200
  }
}

/// The activities in a fixed order with ids that never change.
package enum ActivityCatalog {
  package static let all: [Activity] = [
    Activity(
      id: 20_012, name: "Stand", effort: 120, weight: 60, minutes: 5...40, speed: 0, rhythm: .upright,
      setting: .anywhere),
    Activity(
      id: 20_047, name: "Sit", effort: 60, weight: 70, minutes: 20...120, speed: 0, rhythm: .desk, setting: .anywhere),
    Activity(
      id: 20_083, name: "Sleep", effort: -60, weight: 80, minutes: 120...480, speed: 0, rhythm: .night,
      setting: .anywhere),
    Activity(
      id: 20_118, name: "Walk", effort: 310, weight: 80, minutes: 10...60, speed: 12, rhythm: .errands,
      setting: .anywhere),
    Activity(
      id: 20_156, name: "Run", effort: 730, weight: 50, minutes: 20...70, speed: 26, rhythm: .workout,
      setting: .outdoors),
    Activity(
      id: 20_201, name: "Cycling", effort: 640, weight: 36, minutes: 20...120, speed: 50, rhythm: .workout,
      setting: .outdoors),
    Activity(
      id: 20_239, name: "Elliptical", effort: 610, weight: 16, minutes: 15...45, speed: 0, rhythm: .evening,
      setting: .indoors),
    Activity(
      id: 20_274, name: "Rower", effort: 700, weight: 14, minutes: 10...40, speed: 0, rhythm: .evening,
      setting: .indoors),
    Activity(
      id: 20_310, name: "Stair Stepper", effort: 670, weight: 10, minutes: 10...30, speed: 0, rhythm: .evening,
      setting: .indoors),
    Activity(
      id: 20_348, name: "HIIT", effort: 820, weight: 14, minutes: 15...40, speed: 0, rhythm: .workout,
      setting: .indoors),
    Activity(
      id: 20_391, name: "Hiking", effort: 480, weight: 26, minutes: 60...240, speed: 11, rhythm: .daylight,
      setting: .outdoors),
    Activity(
      id: 20_425, name: "Yoga", effort: 200, weight: 26, minutes: 20...75, speed: 0, rhythm: .calm,
      setting: .anywhere),
    Activity(
      id: 20_467, name: "Functional Strength Training", effort: 500, weight: 24, minutes: 30...75, speed: 0,
      rhythm: .evening, setting: .indoors),
    Activity(
      id: 20_503, name: "Dance", effort: 580, weight: 12, minutes: 30...90, speed: 0, rhythm: .evening,
      setting: .indoors),
    Activity(
      id: 20_542, name: "Cooldown", effort: 260, weight: 12, minutes: 5...15, speed: 0, rhythm: .workout,
      setting: .anywhere),
    Activity(
      id: 20_588, name: "Core Training", effort: 420, weight: 14, minutes: 10...40, speed: 0, rhythm: .workout,
      setting: .indoors),
    Activity(
      id: 20_631, name: "Pilates", effort: 280, weight: 12, minutes: 30...60, speed: 0, rhythm: .calm,
      setting: .indoors),
    Activity(
      id: 20_674, name: "Tai Chi", effort: 180, weight: 8, minutes: 20...60, speed: 0, rhythm: .calm,
      setting: .outdoors),
    Activity(
      id: 20_719, name: "Swimming", effort: 650, weight: 20, minutes: 20...75, speed: 2, rhythm: .workout,
      setting: .outdoors),
    Activity(
      id: 20_766, name: "Wheelchair", effort: 380, weight: 8, minutes: 15...90, speed: 8, rhythm: .always,
      setting: .anywhere),
    Activity(
      id: 20_820, name: "Multisport", effort: 740, weight: 10, minutes: 60...180, speed: 30, rhythm: .daylight,
      setting: .outdoors),
    Activity(
      id: 20_890, name: "Kickboxing", effort: 790, weight: 12, minutes: 30...60, speed: 0, rhythm: .evening,
      setting: .indoors),
    Activity(
      id: 20_999, name: "Other", effort: 350, weight: 14, minutes: 10...60, speed: 4, rhythm: .always,
      setting: .anywhere),
  ]
}
