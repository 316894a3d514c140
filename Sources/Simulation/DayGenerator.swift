import Bytes

/// One simulated measurement.
struct SimulatedRecord {
  /// Second of the UTC day.
  var second: UInt32
  /// Position in the population.
  var user: UInt16
  /// Position in ``ActivityCatalog/all``.
  var activity: UInt8
  var heartRate: UInt8
  /// Millionths of a degree.
  var latitude: Int32
  var longitude: Int32
}

/// What a line of the lake holds: an event of the day, whole or broken.
struct LineEntry {
  /// Second of delivery within the hour (40...51), event number (8...39), 1 + malformed kind or 0 (0...7).
  let bits: UInt64

  @inline(__always)
  init(delivery: Int, event: Int, malformed: Int) {
    bits =
      UInt64(truncatingIfNeeded: delivery) << 40 | UInt64(truncatingIfNeeded: event) << 8
      | UInt64(truncatingIfNeeded: malformed)
  }

  @inline(__always) init(bits: UInt64) { self.bits = bits }
  @inline(__always) var delivery: Int { Int(truncatingIfNeeded: bits >> 40) }
  @inline(__always) var event: Int { Int(truncatingIfNeeded: bits >> 8 & 0xFFFF_FFFF) }
  @inline(__always) var malformed: Int { Int(truncatingIfNeeded: bits & 0xFF) }
}

/// What a day needs of a user, without strings.
private struct Wearer {
  let residence: Int
  let isSouthern: Bool
  let sex: Int
  let hoursFromUTC: Int
  let homeLatitude: Int
  let homeLongitude: Int
  let restingRate: Int
  let maximalRate: Int
}

/// What a session needs of an activity, without strings.
private struct Pace {
  let effort: Int
  let speed: Int
  let plausible: ClosedRange<Int>
  let seconds: ClosedRange<Int>
}

/// Simulates a day at a time: the events, then the lines of each hour, partition and file in order of delivery.
///
/// The only memory that grows is the day's: 24 bytes a line. A day depends on its plan and the seed alone.
final class DayGenerator {
  /// Per hour and partition two buckets: the hour's file, and its file of late lines.
  static let bucketCount = 24 * SimulationOptions.partitionCount * 2

  private let seed: UInt64
  private let wearers: [Wearer]
  private let rhythm: DayRhythm
  private let paces: [Pace]
  private let partitionOfUser: [UInt8]
  private let wearBefore: [Int]

  private(set) var records: [SimulatedRecord] = []
  /// Malformed kind of each record plus 1, or 0; 255 marks one that is delivered twice.
  private var marks: [UInt8] = []
  private var entries: [UInt64] = []
  private var scratch: [UInt64] = []
  private var sessionStarts = [Int](repeating: 0, count: 24)
  private(set) var bucketStart = [Int](repeating: 0, count: DayGenerator.bucketCount + 1)
  private(set) var plan = DayPlan(day: 0, firsts: 0, duplicates: 0, malformed: 0, late: 0)
  private(set) var facts = GenerationFacts()
  private(set) var malformedByKind = [Int](repeating: 0, count: MalformedKind.allCases.count)
  private(set) var lateCount = 0

  init(seed: UInt64, population: Population) {
    self.seed = seed
    wearers = population.users.map { user in
      Wearer(
        residence: user.residence, isSouthern: Country.all[user.residence].isSouthern, sex: user.isMale ? 1 : 0,
        hoursFromUTC: user.hoursFromUTC, homeLatitude: user.homeLatitude, homeLongitude: user.homeLongitude,
        restingRate: user.restingRate, maximalRate: user.maximalRate)
    }
    rhythm = DayRhythm()
    paces = ActivityCatalog.all.map { activity in
      Pace(
        effort: activity.effort, speed: activity.speed, plausible: activity.plausibleRates,
        seconds: activity.minutes.lowerBound * 60...activity.minutes.upperBound * 60)
    }
    partitionOfUser = population.users.map { UInt8(Partitioner.partition(ofUser: $0.id)) }
    var sum = 0
    var before = [0]
    for user in population.users {
      sum += user.wear
      before.append(sum)
    }
    wearBefore = before
  }

  /// The bucket of an hour's file, or of its late file.
  static func bucket(hour: Int, partition: Int, late: Bool) -> Int {
    (hour * 2 + (late ? 1 : 0)) * SimulationOptions.partitionCount + partition
  }

  /// The lines of a bucket, in order of delivery.
  func withEntries<R, E: Error>(
    _ bucket: Int, _ body: (UnsafeBufferPointer<UInt64>) throws(E) -> R
  ) throws(E) -> R {
    try entries.withUnsafeBufferPointer { all throws(E) -> R in
      try body(UnsafeBufferPointer(rebasing: all[bucketStart[bucket]..<bucketStart[bucket + 1]]))
    }
  }

  /// Simulates the day of `plan`, replacing what was simulated before.
  func generate(_ plan: DayPlan) {
    self.plan = plan
    records.removeAll(keepingCapacity: true)
    records.reserveCapacity(plan.firsts)
    measure()
    mark()
    distribute()
  }

  // MARK: Measurements

  private func measure() {
    let date = CivilDate(daysSinceEpoch: plan.day)
    var dayRandom = RandomStream(seed: seed, purpose: 2, plan.day)
    let first = dayRandom.below(wearers.count)
    let total = wearBefore[wearers.count]
    // Users in turn from a random one, each with a share of the day's events in proportion to wear.
    var target = 0
    for turn in 0..<wearers.count {
      let index = (first + turn) % wearers.count
      let wearUpToHere =
        index >= first
        ? wearBefore[index + 1] - wearBefore[first] : total - wearBefore[first] + wearBefore[index + 1]
      let next = plan.firsts * wearUpToHere / total
      if next > target { measure(userAt: index, count: next - target, date: date) }
      target = next
    }
  }

  private func measure(userAt index: Int, count: Int, date: CivilDate) {
    let user = wearers[index]
    var random = RandomStream(seed: seed, purpose: 3, index, plan.day)
    let season = user.isSouthern ? (date.northernSeason + 2) % 4 : date.northernSeason
    let sessions = min(24, max(1, count / 6))
    let mass = DayRhythm.totalMass
    let hours = user.hoursFromUTC
    // A session begins anywhere in its share of the day and ends before the next one begins.
    for session in 0..<sessions {
      sessionStarts[session] = rhythm.second(
        atMass: mass * session / sessions + random.below(mass / sessions), hoursFromUTC: hours)
    }
    var limit = 86_400
    var session = sessions
    while session > 0 {
      session -= 1
      let sessionCount = count * (session + 1) / sessions - count * session / sessions
      let start = max(0, min(sessionStarts[session], limit - sessionCount * 2))
      let activity = rhythm.activity(
        country: user.residence, season: season, localHour: (start / 3600 + hours + 24) % 24, &random)
      record(
        user: user, at: index, activity: activity, season: season, start: start, limit: limit - start,
        count: sessionCount, &random)
      limit = start
    }
  }

  private func record(
    user: Wearer, at index: Int, activity position: Int, season: Int, start: Int, limit: Int, count: Int,
    _ random: inout RandomStream
  ) {
    let activity = paces[position]
    let length = min(limit, max(random.within(activity.seconds), count * 2))
    let step = max(1, length / count)
    let reserve = user.maximalRate - user.restingRate
    let base =
      user.restingRate + activity.effort * reserve / 1000 + DayRhythm.seasonRate[season] + random.bell() * 5 / 1024
    // The heart works harder the longer an effort lasts.
    let drift = max(0, activity.effort) * reserve * 5 / 100_000
    let range = activity.plausible
    let originLatitude = user.homeLatitude + random.bell() * 4
    let originLongitude = user.homeLongitude + random.bell() * 4
    let headingNorth = random.below(2049) - 1024
    let headingEast = random.below(2049) - 1024
    let turningPoint = 60_000
    for number in 0..<count {
      let elapsed = number * length / count + random.below(step)
      let bits = random.next()
      let noise =
        (Int(bits & 0xFFFF) + Int(bits >> 16 & 0xFFFF) - 65_535) * 6 / 65_536
      let rate = base + drift * number / count + noise
      // Out along the heading and back again.
      let way = elapsed * activity.speed % (2 * turningPoint)
      let distance = way <= turningPoint ? way : 2 * turningPoint - way
      records.append(
        SimulatedRecord(
          second: UInt32(truncatingIfNeeded: start + elapsed), user: UInt16(truncatingIfNeeded: index),
          activity: UInt8(truncatingIfNeeded: position),
          heartRate: UInt8(truncatingIfNeeded: min(range.upperBound, max(range.lowerBound, rate))),
          latitude: Int32(
            truncatingIfNeeded: originLatitude + distance * headingNorth / 1024 + Int(bits >> 32 & 31) - 15),
          longitude: Int32(
            truncatingIfNeeded: originLongitude + distance * headingEast / 1024 + Int(bits >> 40 & 31) - 15)))
    }
  }

  // MARK: Imperfections

  /// Picks the duplicated and the malformed by a stride through the day that meets every record once.
  private func mark() {
    let count = records.count
    marks.removeAll(keepingCapacity: true)
    marks.append(contentsOf: repeatElement(0, count: count))
    guard count > 0 else { return }
    var random = RandomStream(seed: seed, purpose: 4, plan.day)
    var stride = max(1, count * 618 / 1000)
    while Self.greatestCommonDivisor(stride, count) != 1 { stride += 1 }
    var position = random.below(count)
    let firstKind = random.below(MalformedKind.allCases.count)
    for number in 0..<plan.duplicates + plan.malformed {
      if number < plan.duplicates {
        marks[position] = 255
      } else {
        let kind = (firstKind + number) % MalformedKind.allCases.count
        marks[position] = UInt8(kind + 1)
        malformedByKind[kind] += 1
      }
      position = (position + stride) % count
    }
  }

  private static func greatestCommonDivisor(_ first: Int, _ second: Int) -> Int {
    var (larger, smaller) = (first, second)
    while smaller != 0 { (larger, smaller) = (smaller, larger % smaller) }
    return larger
  }

  // MARK: Lines

  /// Puts every line into its hour's and partition's bucket, in order of delivery.
  private func distribute() {
    let lateMarks = chooseLate()
    var counts = [Int](repeating: 0, count: Self.bucketCount)
    let partitions = SimulationOptions.partitionCount
    func bucket(_ index: Int, _ record: SimulatedRecord) -> Int {
      Int(record.second / 3600) &* 2 &* partitions &+ (lateMarks.isEmpty || !lateMarks[index] ? 0 : partitions)
        &+ Int(partitionOfUser[Int(record.user)])
    }
    for (index, record) in records.enumerated() {
      counts[bucket(index, record)] += marks[index] == 255 ? 2 : 1
    }
    var sum = 0
    for index in 0..<Self.bucketCount {
      bucketStart[index] = sum
      sum += counts[index]
      counts[index] = bucketStart[index]
    }
    bucketStart[Self.bucketCount] = sum
    entries.removeAll(keepingCapacity: true)
    entries.append(contentsOf: repeatElement(0, count: sum))
    let quarter = CivilDate(daysSinceEpoch: plan.day).quarter
    var random = RandomStream(seed: seed, purpose: 5, plan.day)
    for (index, record) in records.enumerated() {
      let target = bucket(index, record)
      let delivery = Int(record.second % 3600)
      let mark = marks[index]
      entries[counts[target]] =
        LineEntry(delivery: delivery, event: index, malformed: mark == 255 ? 0 : Int(mark)).bits
      counts[target] += 1
      if mark == 255 {
        entries[counts[target]] =
          LineEntry(delivery: delivery + 1 + random.below(240), event: index, malformed: 0).bits
        counts[target] += 1
      }
      if mark == 0 || mark == 255 { note(record, quarter: quarter) }
    }
    sortBuckets()
  }

  /// Marks the late: a network outage takes up to half of an hour's lines, hour after hour until the number is met.
  private func chooseLate() -> [Bool] {
    guard plan.late > 0 else { return [] }
    var late = [Bool](repeating: false, count: records.count)
    var random = RandomStream(seed: seed, purpose: 6, plan.day)
    var outageRank = [Int](repeating: 0, count: 24)
    var hours = Array(0..<24)
    for rank in 0..<24 {
      outageRank[hours.remove(at: random.below(hours.count))] = rank
    }
    var eligible = [Int](repeating: 0, count: 24)
    for (index, record) in records.enumerated() where marks[index] == 0 {
      eligible[outageRank[Int(record.second / 3600)]] += 1
    }
    var wanted = [Int](repeating: 0, count: 24)
    var missing = plan.late
    // First at most half of each hour, then, for large shares, what is left.
    for divisor in [2, 1] {
      for rank in 0..<24 {
        let take = min(missing, eligible[rank] / divisor - wanted[rank])
        if take > 0 {
          wanted[rank] += take
          missing -= take
        }
      }
    }
    for (index, record) in records.enumerated() where marks[index] == 0 {
      let rank = outageRank[Int(record.second / 3600)]
      if wanted[rank] > 0 {
        wanted[rank] -= 1
        late[index] = true
        lateCount += 1
      }
    }
    return late
  }

  private func note(_ record: SimulatedRecord, quarter: Int) {
    let user = wearers[Int(record.user)]
    facts.add(
      Int(record.heartRate), activity: Int(record.activity), activityCount: paces.count, quarter: quarter,
      country: user.residence, hour: Int(record.second / 3600), sex: user.sex)
  }

  /// Sorts each bucket by delivery; equal deliveries keep the order of the events.
  private func sortBuckets() {
    if scratch.count < entries.count {
      scratch = [UInt64](repeating: 0, count: entries.count)
    }
    var positions = [Int](repeating: 0, count: 4097)
    for bucket in 0..<Self.bucketCount {
      let range = bucketStart[bucket]..<bucketStart[bucket + 1]
      if range.count < 2 { continue }
      if range.count < 48 {
        entries[range].sort()
        continue
      }
      for digit in positions.indices { positions[digit] = 0 }
      for index in range { positions[Int(entries[index] >> 40) + 1] += 1 }
      for digit in 1..<4097 { positions[digit] += positions[digit - 1] }
      for index in range {
        let digit = Int(entries[index] >> 40)
        scratch[range.lowerBound + positions[digit]] = entries[index]
        positions[digit] += 1
      }
      for index in range { entries[index] = scratch[index] }
    }
  }
}
