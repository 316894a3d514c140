import Bytes
import Glibc
import Simulation
import Testing

/// A folder under the system's temporary one, removed with its content when let go.
private final class Scratch {
  let path: String

  init() throws {
    var template = Array("/tmp/simulation-XXXXXX".utf8CString)
    path = try template.withUnsafeMutableBufferPointer { buffer in
      String(cString: try #require(buffer.baseAddress.flatMap { mkdtemp($0) }))
    }
  }

  deinit { remove(path) }

  private func remove(_ path: String) {
    if let handle = opendir(path) {
      while let entry = readdir(handle) {
        let name = name(of: entry)
        if name != "." && name != ".." { remove(path + "/" + name) }
      }
      closedir(handle)
    }
    Glibc.remove(path)
  }

  private func name(of entry: UnsafeMutablePointer<dirent>) -> String {
    withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  /// Every file below `folder` by its path within it, in order.
  func files(_ folder: String = "lake") throws -> [(name: String, bytes: [UInt8])] {
    var found: [(String, [UInt8])] = []
    func walk(_ relative: String) throws {
      let full = path + "/" + folder + relative
      guard let handle = opendir(full) else { return }
      defer { closedir(handle) }
      var names: [String] = []
      while let entry = readdir(handle) {
        names.append(name(of: entry))
      }
      for name in names.sorted() where name != "." && name != ".." {
        if name.contains(".") {
          found.append((relative + "/" + name, try read(folder + relative + "/" + name)))
        } else {
          try walk(relative + "/" + name)
        }
      }
    }
    try walk("")
    return found
  }

  func read(_ relative: String) throws -> [UInt8] {
    let file = open(path + "/" + relative, O_RDONLY)
    try #require(file >= 0)
    defer { close(file) }
    var status = stat()
    fstat(file, &status)
    let size = Int(status.st_size)
    return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      if size > 0 { try #require(Glibc.read(file, buffer.baseAddress, size) == size) }
      count = size
    }
  }
}

private func small(_ change: (inout SimulationOptions) -> Void = { _ in }) -> SimulationOptions {
  var options = SimulationOptions()
  options.eventCount = 12_000
  options.spanDays = 3
  options.recording = .continuous
  change(&options)
  return options
}

private func generate(_ options: SimulationOptions) throws -> (Scratch, GenerationReport) {
  let scratch = try Scratch()
  let report = try Simulation.generate(
    options, to: GenerationTarget(seeds: scratch.path + "/seeds", lake: scratch.path + "/lake"))
  return (scratch, report)
}

private func digest(_ files: [(name: String, bytes: [UInt8])]) -> UInt64 {
  var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  for file in files {
    for bytes in [Array(file.name.utf8), file.bytes] {
      bytes.withUnsafeBufferPointer { buffer in
        var index = 0
        while index < buffer.count {
          hash = (hash ^ UInt64(buffer[index])) &* 0x100_0000_01B3
          index += 1
        }
      }
    }
  }
  return hash
}

private func lines(_ bytes: [UInt8]) -> [[UInt8]] { bytes.split(separator: 0x0A).map(Array.init) }

/// The numbers of a well-formed line, in its order: user, rate, time, activity.
private func integers(_ line: [UInt8]) -> [Int] {
  let text = String(decoding: line, as: UTF8.self)
  return ["user_id", "heart_rate", "timestamp", "activity_id"].map { key in
    guard let range = text.range(ofKey: key) else { return -1 }
    return Int(text[range].prefix { $0.isNumber || $0 == "-" }) ?? -1
  }
}

extension String {
  fileprivate func range(ofKey key: String) -> Range<String.Index>? {
    let wanted = "\"\(key)\":"
    var index = startIndex
    while index < endIndex {
      if self[index...].hasPrefix(wanted) { return self.index(index, offsetBy: wanted.count)..<endIndex }
      index = self.index(after: index)
    }
    return nil
  }
}

@Suite struct GenerationTests {
  @Test func equalOptionsGiveEqualBytesForAnyNumberOfThreads() throws {
    let (first, report) = try generate(small())
    let (second, other) = try generate(small { $0.threads = 3 })
    #expect(digest(try first.files()) == digest(try second.files()))
    #expect(digest(try first.files("seeds")) == digest(try second.files("seeds")))
    #expect(report.facts == other.facts)
    // The bytes are a promise across machines and releases: a changed number here is a changed data set.
    #expect(digest(try first.files()) == 449_585_908_603_662_726)
    #expect(digest(try first.files("seeds")) == 766_062_775_732_084_068)
  }

  @Test func anotherSeedGivesOtherBytes() throws {
    let (first, _) = try generate(small())
    let (second, _) = try generate(small { $0.seed = 43 })
    #expect(digest(try first.files()) != digest(try second.files()))
    #expect(digest(try first.files("seeds")) != digest(try second.files("seeds")))
  }

  @Test(arguments: [0, 1, 2, 5, 63, 1000, 20_001])
  func everyLineIsAccountedFor(count: Int) throws {
    let (scratch, report) = try generate(
      small {
        $0.eventCount = count
        $0.duplicateShare = 0.1
        $0.lateShare = 0.05
        $0.malformedShare = 0.06
      })
    let files = try scratch.files()
    let all = files.flatMap { lines($0.bytes) }
    #expect(all.count == count)
    #expect(report.events == count)
    #expect(files.count == report.lakeFiles)
    #expect(files.reduce(0) { $0 + $1.bytes.count } == report.lakeBytes)
    #expect(files.filter { $0.name.hasSuffix(".late.jsonl") }.flatMap { lines($0.bytes) }.count == report.late)
    #expect(report.facts.byActivity.reduce(0) { $0 + $1.count } == report.distinctEvents)
    if count >= 1000 {
      #expect(report.duplicates == Int((Double(count) * 0.1).rounded()))
      #expect(report.late == Int((Double(count) * 0.05).rounded()))
      #expect(report.malformed == Int((Double(count) * 0.06).rounded()))
      #expect(report.malformedByKind.allSatisfy { $0 > 0 })
    }
    // Whole lines are the distinct events and their duplicates; keys of distinct events never meet.
    let whole = all.filter { line in
      line.first == 0x7B && line.suffix(3).elementsEqual([0x7D, 0x7D, 0x7D])
        && !integers(line).contains(-1) && integers(line)[1] <= 255
    }
    #expect(whole.count == report.distinctEvents + report.duplicates)
    let keys = Set(whole.map { line in integers(line).enumerated().filter { $0.offset != 1 }.map(\.element) })
    #expect(keys.count == report.distinctEvents)
  }

  @Test func linesStandInTheirHoursAndPartitionsInOrderOfDelivery() throws {
    let (scratch, _) = try generate(
      small {
        $0.malformedShare = 0
        $0.duplicateShare = 0
      })
    let files = try scratch.files()
    #expect(files.count > 3 * 24 * 6)
    for file in files {
      let parts = file.name.split(separator: "/")
      try #require(parts.count == 5)
      let partition = Int(parts[4].split(separator: ".")[0].dropFirst(5))
      var last = 0
      for line in lines(file.bytes) {
        let numbers = integers(line)
        let day = CivilDate(daysSinceEpoch: numbers[2] / 86_400)
        #expect([day.year, day.month, day.day, numbers[2] / 3600 % 24] == parts[..<4].map { Int($0) })
        #expect(Partitioner.partition(ofUser: numbers[0]) == partition)
        #expect(numbers[2] >= last)
        last = numbers[2]
      }
    }
  }

  @Test func duplicatesRepeatAnEarlierLineOfTheirFile() throws {
    let (scratch, report) = try generate(
      small {
        $0.malformedShare = 0
        $0.duplicateShare = 0.2
      })
    var repeats = 0
    for file in try scratch.files() {
      var seen: Set<[UInt8]> = []
      for line in lines(file.bytes) where !seen.insert(line).inserted { repeats += 1 }
    }
    #expect(repeats == report.duplicates)
    #expect(report.duplicates == 2400)
  }

  @Test func theStreamTellsTheLinesOfTheLake() throws {
    let options = small { $0.lateShare = 0.02 }
    let (scratch, report) = try generate(options)
    let stream = try EventStream(options)
    var messages: [[UInt8]] = []
    var backwards = 0
    var latest = 0
    while true {
      let timestamp = stream.next { message in
        #expect(Partitioner.partition(of: Array(message.key), count: 6) == message.partition)
        messages.append(Array(message.value))
        return message.timestampMilliseconds
      }
      guard let timestamp else { break }
      if timestamp < latest - 300_000 { backwards += 1 }
      latest = max(latest, timestamp)
    }
    let written = try scratch.files().flatMap { lines($0.bytes) }
    #expect(messages.count == report.events)
    #expect(messages.sorted { $0.lexicographicallyPrecedes($1) } == written.sorted { $0.lexicographicallyPrecedes($1) })
    // The late ones come after later messages, and only they.
    #expect(backwards > report.late / 2 && backwards <= report.late)
  }

  @Test func studyWeeksSeeEverySeason() throws {
    var options = SimulationOptions()
    options.eventCount = 4000
    let (scratch, _) = try generate(options)
    let days = Set(try scratch.files().map { $0.name.split(separator: "/").prefix(3).joined() })
    #expect(days.count == 28)
    #expect(Set(days.map { String($0.prefix(6)) }) == ["202402", "202405", "202408", "202411"])
  }

  @Test func aLakeInUseIsRefusedOrReplaced() throws {
    let (scratch, _) = try generate(small { $0.eventCount = 500 })
    var target = GenerationTarget(seeds: scratch.path + "/seeds", lake: scratch.path + "/lake")
    let options = small {
      $0.eventCount = 300
      $0.seed = 9
    }
    let error = #expect(throws: PulsehouseError.self) { try Simulation.generate(options, to: target) }
    #expect(error?.kind == .usage)
    target.replacesLake = true
    try Simulation.generate(options, to: target)
    #expect(try scratch.files().flatMap { lines($0.bytes) }.count == 300)
  }

  @Test func badOptionsAreRefusedInWords() {
    let changes: [(inout SimulationOptions) -> Void] = [
      { $0.eventCount = -1 }, { $0.eventCount = .max }, { $0.spanDays = 0 }, { $0.duplicateShare = 0.5 },
      { $0.lateShare = -0.1 }, { $0.malformedShare = .nan }, { $0.threads = 0 }, { $0.startDay = .max },
      { $0.recording = .studyWeeks }, { $0.eventCount = 200_000_000 },
    ]
    for change in changes {
      let error = #expect(throws: PulsehouseError.self) { try small(change).validate() }
      #expect(error?.kind == .usage)
    }
  }

  @Test func anUnwritableTargetIsNamed() throws {
    let scratch = try Scratch()
    let file = open(scratch.path + "/file", O_CREAT | O_WRONLY, 0o644)
    close(file)
    let error = #expect(throws: PulsehouseError.self) {
      try Simulation.generate(
        small(), to: GenerationTarget(seeds: scratch.path + "/seeds", lake: scratch.path + "/file/lake"))
    }
    #expect(error?.kind == .io)
    #expect(error?.file?.hasPrefix(scratch.path + "/file") == true)
  }

  @Test func whatProgressThrowsEndsIt() throws {
    let scratch = try Scratch()
    let error = #expect(throws: PulsehouseError.self) {
      try Simulation.generate(
        small(), to: GenerationTarget(seeds: scratch.path + "/seeds", lake: scratch.path + "/lake")
      ) { _ throws(PulsehouseError) in throw PulsehouseError(.cancelled, "stop") }
    }
    #expect(error?.kind == .cancelled)
  }
}

@Suite struct ModelTests {
  @Test func ratesAreThoseOfTheActivity() throws {
    let (_, report) = try generate(
      small {
        $0.eventCount = 200_000
        $0.spanDays = 366
        $0.recording = .studyWeeks
      })
    func measure(_ name: String) throws -> GenerationFacts.Measure {
      let position = try #require(ActivityCatalog.all.firstIndex { $0.name == name })
      return report.facts.byActivity[position]
    }
    for activity in ActivityCatalog.all { #expect(try measure(activity.name).count > 200) }
    for name in ["Sleep", "Sit"] {
      let rest = try measure(name)
      #expect(rest.minimum >= 40 && rest.maximum <= 80)
    }
    for name in ["Run", "HIIT", "Kickboxing", "Multisport", "Rower"] {
      let hard = try measure(name)
      #expect(hard.minimum >= 130 && hard.maximum <= 205)
    }
    #expect(try (50..<58).contains(measure("Sleep").mean))
    #expect(try (90..<102).contains(measure("Walk").mean))
    #expect(try (150..<165).contains(measure("HIIT").mean))
    // Women's hearts beat faster at rest, winters add to it, people sleep at night where they live.
    let count = ActivityCatalog.all.count
    let sleep = try #require(ActivityCatalog.all.firstIndex { $0.name == "Sleep" })
    #expect(report.facts.bySexAndActivity[sleep].mean > report.facts.bySexAndActivity[count + sleep].mean + 1)
    let quarters = (0..<4).map { report.facts.byQuarterAndActivity[$0 * count + sleep].mean }
    #expect(quarters[0] > quarters[2] + 2)
    let hiking = try #require(ActivityCatalog.all.firstIndex { $0.name == "Hiking" })
    #expect(
      report.facts.byQuarterAndActivity[2 * count + hiking].count
        * 2 > 3 * report.facts.byQuarterAndActivity[hiking].count)
    let dutch = try #require(Country.all.firstIndex { $0.code == "NL" })
    let cycling = try #require(ActivityCatalog.all.firstIndex { $0.name == "Cycling" })
    func share(_ country: Int) -> Double {
      let all = (0..<count).reduce(0) { $0 + report.facts.byCountryAndActivity[country * count + $1].count }
      return Double(report.facts.byCountryAndActivity[country * count + cycling].count) / Double(all)
    }
    #expect(share(dutch) > 1.6 * share(0))
  }

  @Test func peopleAreDistributedAsTold() {
    let users = Population(seed: 42, startDay: 19_723).users
    #expect(users.count == 9999)
    #expect(users.map(\.id) == Array(10_001...19_999))
    let abroad = users.count { $0.origin != $0.residence }
    #expect((900...1100).contains(abroad))
    for isMale in [true, false] {
      let group = users.filter { $0.isMale == isMale }
      #expect((4800...5200).contains(group.count))
      func check(_ values: [Int], mean: Double, deviation: Double) {
        let numbers = values.map { Double($0) / 10 }
        let average = numbers.reduce(0, +) / Double(numbers.count)
        let variance = numbers.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(numbers.count)
        #expect(abs(average - mean) < 0.5)
        #expect(abs(variance.squareRoot() - deviation) < 0.4)
      }
      check(group.map(\.height), mean: isMale ? 175 : 162, deviation: isMale ? 8 : 7)
      check(group.map(\.weight), mean: isMale ? 80 : 65, deviation: isMale ? 10 : 8)
    }
    for country in Country.all.indices { #expect(users.count { $0.origin == country } > 130) }
    #expect((3500...4100).contains(users.count { $0.bloodType == "O+" }))
    #expect(users.allSatisfy { $0.address.contains(",") && $0.restingRate >= 44 && $0.restingRate <= 76 })
    #expect(
      users.filter { Country.all[$0.origin].code == "PL" && !$0.isMale }.allSatisfy { !$0.lastName.hasSuffix("ski") })
  }

  @Test func hoursFollowTheLongitude() {
    #expect(Population.hours(atLongitude: 0) == 0)
    #expect(Population.hours(atLongitude: 7_499_999) == 0)
    #expect(Population.hours(atLongitude: 7_500_000) == 1)
    #expect(Population.hours(atLongitude: -7_500_001) == -1)
    #expect(Population.hours(atLongitude: -121_890_000) == -8)
    #expect(Population.hours(atLongitude: 151_210_000) == 10)
  }

  @Test func activitiesHaveTheirIds() {
    #expect(ActivityCatalog.all.count == 23)
    #expect(Set(ActivityCatalog.all.map(\.id)).count == 23)
    #expect(ActivityCatalog.all.allSatisfy { $0.id > 20_000 && $0.id < 21_000 })
  }
}

@Suite struct FormatTests {
  /// Known answers of Kafka's own hash.
  @Test(arguments: [
    ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
    ("a-little-bit-longer-string", -1_486_304_829), ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
    ("abc", 479_470_107),
  ])
  func hashIsKafkas(text: String, expected: Int) {
    #expect(Int32(bitPattern: Partitioner.hash(Array(text.utf8))) == Int32(expected))
  }

  @Test func csvReadsBack() throws {
    let (scratch, report) = try generate(small { $0.eventCount = 10 })
    let rows = try parse(scratch.read("seeds/users.csv"))
    #expect(rows.count == report.users + 1)
    #expect(rows[0].count == 15)
    #expect(rows.allSatisfy { $0.count == 15 })
    #expect(rows[0].first == "userid")
    let users = Population(seed: 42, startDay: 19_723).users
    for (row, user) in zip(rows.dropFirst(), users) {
      #expect(row[0] == String(user.id))
      #expect(row[2] == user.lastName)
      #expect(row[11] == user.address)
      #expect(row[3].utf8.count == 8)
    }
    let activities = try parse(scratch.read("seeds/activities.csv"))
    #expect(activities.count == 24)
    #expect(activities[1] == ["20012", "Stand", "2023-11-01T00:00:00Z"])
  }

  /// A plain reader of RFC 4180.
  private func parse(_ bytes: [UInt8]) throws -> [[String]] {
    var rows: [[String]] = [[]]
    var field: [UInt8] = []
    var quoted = false
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if quoted {
        if byte == 0x22, index + 1 < bytes.count, bytes[index + 1] == 0x22 {
          field.append(byte)
          index += 1
        } else if byte == 0x22 {
          quoted = false
        } else {
          field.append(byte)
        }
      } else if byte == 0x22 {
        quoted = true
      } else if byte == 0x2C || byte == 0x0A {
        rows[rows.count - 1].append(String(decoding: field, as: UTF8.self))
        field = []
        if byte == 0x0A { rows.append([]) }
      } else {
        field.append(byte)
      }
      index += 1
    }
    #expect(rows.last == [])
    return rows.dropLast()
  }

  @Test(arguments: [-719_468, -1, 0, 59, 60, 11_016, 19_723, 19_782, 20_088, 2_000_000])
  func datesConvertBothWays(day: Int) {
    let date = CivilDate(daysSinceEpoch: day)
    #expect(date.daysSinceEpoch == day)
  }

  @Test func knownDates() {
    #expect(CivilDate(daysSinceEpoch: 19_723) == CivilDate(year: 2024, month: 1, day: 1))
    #expect(CivilDate(daysSinceEpoch: 19_782) == CivilDate(year: 2024, month: 2, day: 29))
    #expect(CivilDate(daysSinceEpoch: -1) == CivilDate(year: 1969, month: 12, day: 31))
  }
}
