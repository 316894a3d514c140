import Bytes
import Modeling
import TestKit
import Testing

@Suite struct CronTests {
  /// Seconds since 1970 of a time in UTC, by a way of its own: days counted one by one.
  private func seconds(_ text: String) -> Int64 {
    let day = CalendarText.day(text)!
    let clock = text.split(separator: " ")[1].split(separator: ":").map { Int64($0)! }
    return day * 86_400 + clock[0] * 3600 + clock[1] * 60
  }

  @Test(arguments: [
    ("@hourly", "2024-02-28 23:15", "2024-02-29 00:00"), ("@daily", "2024-02-28 00:00", "2024-02-29 00:00"),
    ("@midnight", "2024-12-31 10:00", "2025-01-01 00:00"), ("@weekly", "2024-01-03 00:00", "2024-01-07 00:00"),
    ("@monthly", "2024-01-31 12:00", "2024-02-01 00:00"), ("@yearly", "2024-01-01 00:00", "2025-01-01 00:00"),
    ("*/15 * * * *", "2024-01-01 10:14", "2024-01-01 10:15"), ("*/15 * * * *", "2024-01-01 10:45", "2024-01-01 11:00"),
    ("5/20 * * * *", "2024-01-01 10:05", "2024-01-01 10:25"),
    ("0 9-17/4 * * *", "2024-01-01 10:00", "2024-01-01 13:00"),
    ("30 2 29 2 *", "2024-03-01 00:00", "2028-02-29 02:30"), ("0 0 13 * 5", "2024-09-07 00:00", "2024-09-13 00:00"),
    // Both days restricted: either will do.
    ("0 0 1 * mon", "2024-01-01 00:00", "2024-01-08 00:00"), ("0 0 * * 7", "2024-01-01 00:00", "2024-01-07 00:00"),
    ("0 12 * jan,jul sat", "2024-01-31 00:00", "2024-07-06 12:00"),
    ("0,30 8 * * 1-5", "2024-01-05 08:30", "2024-01-08 08:00"),
  ])
  func findsTheNextTurn(_ cron: String, _ from: String, _ to: String) throws {
    #expect(try CronSchedule(cron).next(after: seconds(from)) == seconds(to))
  }

  @Test func everyTurnFollowsTheOneBefore() throws {
    // Held against a look at every minute of some weeks.
    let schedule = try CronSchedule("7,37 */5 1-20 * 2")
    let start = seconds("2024-02-25 00:00")
    var turns: [Int64] = []
    var time = start
    while let next = schedule.next(after: time), next < start + 20 * 86_400 {
      turns.append(next)
      time = next
    }
    var expected: [Int64] = []
    for minute in (start / 60 + 1)..<(start / 60 + 20 * 1440) {
      let ofDay = minute % 1440
      let day = minute / 1440
      let isTuesday = (day + 4) % 7 == 2
      let dayOfMonth = day - CalendarText.day("2024-02-01")! + 1
      let inMonth = dayOfMonth > 29 ? dayOfMonth - 29 : dayOfMonth
      if (1...20).contains(inMonth) || isTuesday, ofDay / 60 % 5 == 0, [7, 37].contains(ofDay % 60) {
        expected.append(minute * 60)
      }
    }
    #expect(turns == expected)
    #expect(!turns.isEmpty)
  }

  @Test(arguments: [
    "@often", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "5-1 * * * *",
    "*/0 * * * *",
    "a * * * *", "1,,2 * * * *", "0 0 31 2 *", "1/2/3 * * * *", "", "-1 * * * *", "99999999999999999999 * * * *",
  ])
  func refusesWhatIsNone(_ cron: String) {
    #expect(throws: PulsehouseError.self) { try CronSchedule(cron) }
  }

  @Test func freshnessIsALengthOfTime() {
    #expect(Freshness.read("90s")?.seconds == 90)
    #expect(Freshness.read("2h")?.seconds == 7200)
    #expect(Freshness.read("1w")?.seconds == 604_800)
    for wrong in ["", "h", "0h", "-1h", "1.5h", "2 h", "3y", "99999999999999999999d"] {
      #expect(Freshness.read(wrong) == nil)
    }
  }
}

/// A world that a watch works on, whose clock goes only when it waits.
private final class FakeWorld: WatchWork, WatchClock {
  var now: Int64 = 1_704_067_200_000_000
  /// Done when the clock reaches their times, in order.
  var script: [(at: Int64, action: (FakeWorld) -> Void)] = []
  var end: Int64
  var mark: UInt64 = 1
  var list: [WatchedModel] = []
  var news: Set<String> = []
  var sights: [String] = ["lake"]
  var ingestErrors: [PulsehouseError] = []
  var buildErrors: [PulsehouseError] = []
  var changedAt: [RelationName: Int64] = [:]
  var checkError: PulsehouseError?
  var readError: PulsehouseError?
  private(set) var log: [String] = []
  private let start: Int64

  init(minutes: Int64) {
    start = now
    end = now + minutes * 60_000_000
  }

  func at(_ seconds: Int64, _ action: @escaping (FakeWorld) -> Void) {
    script.append((start + seconds * 1_000_000, action))
  }

  private func note(_ words: String) { log.append("\((now - start) / 1_000_000) \(words)") }

  func wait(until time: Int64) -> Bool {
    precondition(time > now, "a watch that does not wait spins")
    now = time
    while let next = script.first, next.at <= now {
      script.removeFirst()
      next.action(self)
    }
    return now < end
  }

  func projectMark() -> UInt64 { mark }
  func models() throws -> [WatchedModel] {
    if let readError { throw readError }
    return list
  }
  func look() -> [SourceSight] { sights.map { SourceSight(source: $0, hasNews: news.contains($0)) } }

  func ingest(_ source: String) throws -> String? {
    note("ingest \(source)")
    if !ingestErrors.isEmpty { throw ingestErrors.removeFirst() }
    news.remove(source)
    return "1 rows"
  }

  func build(_ models: [RelationName]) throws -> WatchBuild {
    note("build \(models.map(\.name).joined(separator: " "))")
    if !buildErrors.isEmpty { throw buildErrors.removeFirst() }
    return WatchBuild(summary: nil)
  }

  func changeTimes(_ models: [RelationName]) -> [RelationName: Int64] { changedAt }

  func check() throws { if let checkError { throw checkError } }

  func collect() throws -> String? {
    note("collect")
    return nil
  }

  func tell(_ event: WatchEvent) {
    switch event {
    case .failed(let what, let error, let retryAt):
      note("failed \(what) \(error.kind.rawValue) \(retryAt.map { "\(($0 - now) / 1_000_000)" } ?? "-")")
    case .recovered(let what): note("recovered \(what)")
    case .stale(let name, _, _): note("stale \(name.name)")
    case .freshAgain(let name): note("fresh \(name.name)")
    case .changed(let name, let builtAt): note("changed \(name.name) \((builtAt - start) / 1_000_000)")
    case .removed(let name): note("removed \(name.name)")
    case .began, .ingested, .built, .collected, .ended: break
    }
  }
}

@Suite struct WatchTests {
  private func model(_ name: String, _ cron: String, freshness: Int64? = nil) throws -> WatchedModel {
    WatchedModel(
      name: RelationName("gold", name), cron: try CronSchedule(cron),
      freshness: freshness.map { Freshness(seconds: $0) })
  }

  private func run(_ world: FakeWorld, poll: Double = 10, collection: Double = 100_000) -> [String] {
    let watch = Watch(world, clock: world, pollSeconds: poll, collectionSeconds: collection)
    watch.run()
    return world.log
  }

  @Test func modelsAreBuiltWhenTheirCronSaysAndAtTheStart() throws {
    let world = FakeWorld(minutes: 61)
    world.list = [try model("quarterly", "*/15 * * * *"), try model("hourly", "@hourly")]
    #expect(
      run(world) == [
        "0 build quarterly hourly", "900 build quarterly", "1800 build quarterly", "2700 build quarterly",
        "3600 build quarterly hourly",
      ])
  }

  @Test func newsIsTakenInAtThePollAndBuiltWhenDue() throws {
    let world = FakeWorld(minutes: 3)
    world.list = [try model("a", "* * * * *")]
    world.at(65) { $0.news = ["lake"] }
    #expect(run(world) == ["0 build a", "60 build a", "70 ingest lake", "120 build a"])
  }

  @Test func whatMayPassIsTriedLaterAndLater() throws {
    let world = FakeWorld(minutes: 2)
    world.list = [try model("a", "@daily")]
    world.news = ["lake"]
    world.ingestErrors = Array(repeating: PulsehouseError(.io, "no broker"), count: 3)
    world.buildErrors = [PulsehouseError(.conflict, "another wrote")]
    #expect(
      run(world, poll: 1) == [
        "0 ingest lake", "0 failed source lake io 1", "0 build a", "0 failed models conflict 1", "1 ingest lake",
        "1 build a", "1 recovered models", "3 ingest lake", "7 ingest lake", "7 recovered source lake",
      ])
  }

  @Test func whatWillNotPassWaitsForItsTurnOrForAFile() throws {
    let world = FakeWorld(minutes: 4)
    world.list = [try model("a", "@hourly")]
    world.buildErrors = [PulsehouseError(.user, "no such column"), PulsehouseError(.user, "no such column")]
    world.at(60) { $0.mark = 2 }
    world.at(120) { $0.mark = 3 }
    // The second failure is the same one, and told no more.
    #expect(
      run(world) == ["0 build a", "0 failed models user -", "60 build a", "120 build a", "120 recovered models"])
  }

  @Test func changedFilesAreToldOfAtOnceAndBuiltAtTheirTurn() throws {
    let world = FakeWorld(minutes: 61)
    world.list = [try model("a", "@hourly"), try model("b", "@hourly"), try model("c", "@hourly")]
    world.at(60) { world in
      world.mark = 2
      world.list[0].definition = "SELECT 2"
      world.list.remove(at: 2)
    }
    world.at(120) { world in
      world.mark = 3
      world.checkError = PulsehouseError(.user, "no such column")
    }
    world.at(180) { world in
      world.mark = 4
      world.checkError = nil
    }
    #expect(
      run(world) == [
        "0 build a b c", "60 changed a 3600", "60 removed c", "120 failed the models' SQL user -",
        "180 recovered the models' SQL", "3600 build a b",
      ])
  }

  @Test func aFileThatDoesNotParseIsToldOfUntilItIsGone() throws {
    let world = FakeWorld(minutes: 3)
    world.list = [try model("a", "@daily")]
    world.at(60) { world in
      world.mark = 2
      world.readError = PulsehouseError(.user, "no model")
    }
    // As it was, to the last file.
    world.at(120) { world in
      world.mark = 1
      world.readError = nil
    }
    #expect(run(world) == ["0 build a", "60 failed the project user -", "120 recovered the project"])
  }

  @Test func garbageIsCollectedNowAndThen() throws {
    let world = FakeWorld(minutes: 5)
    world.list = [try model("a", "@daily")]
    #expect(run(world, collection: 120) == ["0 build a", "120 collect", "240 collect"])
  }

  @Test func rowsThatGrowOldAreReportedOnce() throws {
    let world = FakeWorld(minutes: 5)
    let start = world.now
    world.list = [try model("a", "@daily", freshness: 60)]
    world.changedAt = [RelationName("gold", "a"): start]
    world.at(150) { $0.changedAt = [RelationName("gold", "a"): start + 150_000_000] }
    #expect(run(world) == ["0 build a", "70 stale a", "150 fresh a", "220 stale a"])
  }

  @Test func aModelThatIsAddedIsDueAtOnce() throws {
    let world = FakeWorld(minutes: 2)
    world.list = [try model("a", "@daily")]
    let added = try model("b", "@daily")
    world.at(30) {
      $0.list.append(added)
      $0.mark = 2
    }
    #expect(run(world) == ["0 build a", "30 build b"])
  }

  @Test func aSignalEndsIt() throws {
    let world = FakeWorld(minutes: 60)
    world.list = [try model("a", "* * * * *")]
    world.buildErrors = [PulsehouseError(.cancelled, "stopped")]
    #expect(run(world) == ["0 build a"])
  }

  @Test func oneWatchHoldsAWarehouse() throws {
    let folder = try TemporaryDirectory()
    let files = LocalFileSystem()
    var first = try WatchLock.acquire(folder.path, in: files, now: 1_704_067_200_000_000)
    #expect(first != nil)
    let error = try #require(throws: PulsehouseError.self) {
      try WatchLock.acquire(folder.path, in: files, now: 0)
    }
    #expect(error.kind == .conflict)
    #expect(error.message.contains("process ") && error.message.contains("since 2024-01-01 00:00:00 UTC"))
    first = nil
    // What a process left that is gone is no obstacle.
    #expect(try WatchLock.acquire(folder.path, in: files, now: 0) != nil)
  }
}
