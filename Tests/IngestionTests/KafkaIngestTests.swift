import Bytes
import Engine
import Execution
import Glibc
import Kafka
import Synchronization
import TestKit
import Testing
import Vectors

@testable import Ingestion

/// Topics of brokers simulated in this process, which can be told to fail; `Tests/Kafka` has a broker of its own, and
/// kills.
@Suite(.serialized) struct KafkaIngestTests {
  /// A warehouse whose source is a topic of a simulated cluster.
  struct TopicHouse {
    let house: House
    let cluster: KafkaSimulatedCluster
    var topic: KafkaTopic

    init(partitions: Int = 3) throws {
      house = try House()
      cluster = try KafkaSimulatedCluster()
      cluster.createTopic("events", partitionCount: partitions)
      topic = KafkaTopic(topic: "events", brokers: cluster.brokers, group: "readers")
      house.source.kind = .kafka(topic)
    }

    func ingest() throws -> IngestReport {
      house.source.kind = .kafka(topic)
      return try house.ingest()
    }

    /// Ingests in two warehouses at a time.
    func ingestTwice(_ one: Warehouse, _ two: Warehouse) throws -> (IngestReport, IngestReport) {
      let source = house.source
      let options = house.options
      return try runBoth(
        { try Ingest.run([source], into: one, options: options)[0] },
        { try Ingest.run([source], into: two, options: options)[0] })
    }

    func produce(_ values: [String?], key: String = "k") throws {
      let producer = try KafkaProducer(topic: "events", KafkaConfiguration(brokers: cluster.brokers))
      var bytes: [UInt8] = []
      var slices: [KafkaProducer.Slice] = []
      for (number, value) in values.enumerated() {
        let start = bytes.count
        bytes += Array("\(key)\(number % 50)".utf8)
        let middle = bytes.count
        bytes += Array((value ?? "").utf8)
        slices.append(KafkaProducer.Slice(key: start..<middle, value: middle..<bytes.count))
      }
      var rest = slices[...]
      while !rest.isEmpty { rest = rest.dropFirst(try bytes.withUnsafeBytes { try producer.send($0, rest) }) }
      #expect(producer.flush(milliseconds: 20_000))
      #expect(producer.counts.delivered == Int64(values.count))
    }

    /// Holds tables and books against what the topic holds from `low` on: each offset once.
    func check(_ count: Int64) throws {
      let books = try #require(try Ingest.books(house.warehouse.snapshot()).first)
      #expect(books.recordCount == count)
      #expect(books.recordCount == books.rowCount + books.quarantinedCount)
      #expect(try house.count("SELECT count(*) FROM bronze.events") == books.rowCount)
      #expect(
        try house.count("SELECT count(*) FROM (SELECT DISTINCT _partition, _offset FROM bronze.events) AS places")
          == books.rowCount)
    }
  }

  static func line(_ number: Int) -> String { String(House.line(number).dropLast()) }

  @Test func messagesBecomeRowsOnce() throws {
    let house = try TopicHouse()
    try house.produce((0..<2000).map(Self.line) + ["garbage", nil, "{\"user_id\": \"x\"}"])
    let report = try house.ingest()
    #expect(report.recordCount == 2003)
    #expect(report.rowCount == 2000)
    #expect(report.partitionCount == 3)
    try house.check(2003)
    #expect(
      try house.house.count(
        "SELECT count(*) FROM quarantine.bronze_events WHERE _topic = 'events' AND _key IS NOT NULL") == 3)
    #expect(try house.house.count("SELECT count(*) FROM bronze.events WHERE _timestamp IS NULL") == 0)
    #expect(try house.ingest().recordCount == 0)
    try house.produce((2000..<2100).map(Self.line))
    #expect(try house.ingest().rowCount == 100)
    try house.check(2103)
    let states = try Ingest.partitions(house.house.warehouse.snapshot())
    #expect(states.map(\.next).reduce(0, +) == 2103)
    let ends = Ingest.ends(states, sources: [house.house.source], options: house.house.options)
    #expect(ends["events"]?.values.reduce(0, +) == 2103)
  }

  @Test func aBrokersErrorsAreOutlived() throws {
    let house = try TopicHouse()
    try house.produce((0..<3000).map(Self.line))
    house.cluster.push(.fetch, [.notLeader, .requestTimedOut, .notLeader])
    house.cluster.push(.findCoordinator, [.coordinatorLoading])
    #expect(try house.ingest().rowCount == 3000)
    try house.check(3000)
  }

  @Test func whatRetentionTookIsToldNotPassedOver() throws {
    var house = try TopicHouse(partitions: 1)
    try house.produce((0..<100).map(Self.line))
    #expect(try house.ingest().rowCount == 100)
    // The simulated broker keeps 5 MiB of a partition.
    let padding = String(repeating: "x", count: 2000)
    try house.produce((100..<6100).map { "{\"user_id\": \($0), \"pad\": \"\(padding)\"}" })
    let error = #expect(throws: PulsehouseError.self) { try house.ingest() }
    #expect(error?.sqlState == KafkaConsumer.outOfRangeState)
    #expect(error?.message.contains("no longer has the messages 100 to") == true)
    #expect(error?.hint?.contains("--on-gap") == true)
    try house.check(100)
    let told = try Ingest.lastError(of: "bronze.events", house.house.warehouse.snapshot(), since: 0)
    #expect(told?.message == error?.message)

    house.topic.onGap = .skip
    let report = try house.ingest()
    #expect(report.missingCount > 0)
    #expect(report.missingCount + report.recordCount == 6000)
    #expect(report.warnings.map(\.kind) == [.gap])
    let state = try #require(try Ingest.partitions(house.house.warehouse.snapshot()).first)
    #expect(state.next == 6100)
    #expect(state.missingCount == report.missingCount)
  }

  @Test func twoShareATopicAndNeitherEndsBeforeAllIsRead() throws {
    let house = try TopicHouse(partitions: 5)
    // The first commit makes the table, which of two only one could do.
    try house.produce((0..<100).map(Self.line))
    #expect(try house.ingest().rowCount == 100)
    try house.produce((100..<1100).map(Self.line))
    let reports = try house.ingestTwice(house.house.warehouse, house.house.warehouse)
    #expect(reports.0.rowCount + reports.1.rowCount == 1000)
    #expect(reports.0.conflictCount + reports.1.conflictCount == 0)
    try house.check(1100)
  }

  @Test func twoThatReadTheSamePartitionDoNotBothWin() throws {
    let house = try TopicHouse(partitions: 2)
    try house.produce((0..<1000).map(Self.line))
    // Each has locks of its own, as on two machines that share a disk and no locks: both read everything, and commits
    // decide.
    let directory = house.house.warehouse.store.directory
    let one = try Warehouse(directory, mode: .readWrite, fileSystem: BlindReaders(name: "one"))
    let two = try Warehouse(directory, mode: .readWrite, fileSystem: BlindReaders(name: "two"))
    let reports = try house.ingestTwice(one, two)
    #expect(reports.0.rowCount + reports.1.rowCount == 1000)
    try house.check(1000)
  }

  @Test func whoFollowsTakesWhatAnotherLeaves() throws {
    let house = try TopicHouse(partitions: 4)
    try house.produce((0..<400).map(Self.line))
    var options = house.house.options
    options.follows = true
    options.kafkaCommitSeconds = 0.05
    let source = house.house.source
    let warehouse = house.house.warehouse
    // Used by one thread at a time.
    nonisolated(unsafe) let leases = try KafkaLeases(warehouse.store, source: source.name, topic: "events")
    #expect(try leases.claim(quota: 2, of: 4))
    let reports = try runBoth(
      { [options] in try Ingest.run([source], into: warehouse, options: options)[0].rowCount },
      { [options] in
        defer { options.cancellation.cancel() }
        let half = try Self.waitForRows(warehouse, stable: true)
        leases.leave()
        _ = try Self.waitForRows(warehouse, count: 400)
        return half
      })
    let (all, half) = (max(reports.0, reports.1), min(reports.0, reports.1))
    #expect(all == 400)
    #expect(half > 0 && half < 400)
    try house.check(400)
  }

  /// One that follows for ever leaves few segments, not one for each commit, and with its upkeep few files.
  @Test func whoFollowsMergesSmallSegmentsAndKeepsUp() throws {
    let house = try TopicHouse(partitions: 2)
    var options = house.house.options
    let store = house.house.warehouse.store
    options.upkeep = (0.1, { _ = try store.collect(keeping: 3) })
    options.follows = true
    options.kafkaCommitSeconds = 0.01
    let source = house.house.source
    let warehouse = house.house.warehouse
    let commits = Mutex(0)
    // Used by one thread at a time.
    nonisolated(unsafe) let feeding = house
    _ = try runBoth(
      { [options] in
        let report = try Ingest.run([source], into: warehouse, options: options)[0]
        commits.withLock { $0 = report.commitCount }
        return report.rowCount
      },
      { [options] in
        defer { options.cancellation.cancel() }
        for round in 0..<40 {
          try feeding.produce((round * 5..<round * 5 + 5).map(Self.line))
          _ = try Self.waitForRows(warehouse, count: Int64(round * 5 + 5))
        }
        return 0
      })
    #expect(commits.withLock { $0 } >= 40)
    let table = try #require(try warehouse.snapshot().table(TableName("bronze", "events")))
    #expect(table.segmentCount < 24)
    let files = LocalFileSystem()
    let schema = Path.join(store.directory, "tables/bronze")
    let segments = try files.list(schema).flatMap { try files.list(Path.join(schema, $0)) }
    // What the last snapshots name, and what came since.
    #expect(!segments.isEmpty && segments.count < 40)
    try house.check(200)
  }

  /// Waits until bronze has `count` rows, or with `stable` some and then no more for half a second.
  private static func waitForRows(_ warehouse: Warehouse, count: Int64 = .max, stable: Bool = false) throws -> Int64 {
    var last: Int64 = 0
    var since = 0
    for _ in 0..<600 {
      usleep(50_000)
      let now = try Ingest.books(warehouse.snapshot()).first?.rowCount ?? 0
      since = now == last ? since + 1 : 0
      last = now
      if now >= count || stable && now > 0 && since >= 10 { break }
    }
    return last
  }

  @Test func aDroppedTableIsReadAnew() throws {
    let house = try TopicHouse()
    try house.produce((0..<500).map(Self.line) + ["garbage"])
    _ = try house.ingest()
    _ = try house.house.rows("DROP TABLE bronze.events")
    #expect(try house.ingest().rowCount == 500)
    try house.check(501)
    #expect(try house.house.count("SELECT count(*) FROM quarantine.bronze_events") == 1)
  }

  @Test func aTopicThatIsNotThereIsSaid() throws {
    var house = try TopicHouse()
    house.topic.topic = "no-such"
    let error = #expect(throws: PulsehouseError.self) { try house.ingest() }
    #expect(error?.sqlState == "42P01")
  }

  @Test func theStateOfAPartitionIsReadBack() throws {
    var state = KafkaPartitionState(source: "a.b", topic: "t", partition: 7, table: "id")
    state.next = 1 << 40
    state.recordCount = 9
    state.fingerprint = .max
    state.fingerprintOffset = 8
    state.lastCommitMicroseconds = 3
    let bytes = state.encode()
    #expect(try KafkaPartitionState(decoding: bytes, name: "n") == state)
    for length in 0..<bytes.count {
      #expect(throws: PulsehouseError.self) { try KafkaPartitionState(decoding: Array(bytes[..<length]), name: "n") }
    }
  }
}

/// Runs two closures on threads of their own and returns what they returned.
private func runBoth<R: Sendable>(
  _ first: @escaping @Sendable () throws -> R, _ second: @escaping @Sendable () throws -> R
) throws -> (R, R) {
  let results = Mutex<[Int: Result<R, any Error>]>([:])
  try WorkerPool.shared.run(threads: 2) { _ in
    let mine = results.withLock { results in
      let number = results.count
      results[number] = .failure(CancellationError())
      return number
    }
    let result = Result { try mine == 0 ? first() : second() }
    results.withLock { $0[mine] = result }
  }
  return try results.withLock { results in
    guard let one = results[0], let two = results[1] else { throw CancellationError() }
    return (try one.get(), try two.get())
  }
}

/// This machine's file system, on which who reads a topic is seen by none but those of the same name.
private struct BlindReaders: FileSystem {
  let name: String
  private let local = LocalFileSystem()

  init(name: String) { self.name = name }

  private func own(_ path: String) -> String {
    path.split(separator: "/", omittingEmptySubsequences: false).map { $0 == "readers" ? "readers-\(name)" : $0 }
      .joined(separator: "/")
  }

  func status(_ path: String) throws(PulsehouseError) -> FileStatus? { try local.status(own(path)) }
  func makeDirectory(_ path: String) throws(PulsehouseError) { try local.makeDirectory(own(path)) }
  func lock(_ path: String, _ sharing: FileLock.Sharing, timeoutMilliseconds: Int) throws(PulsehouseError)
    -> FileLock?
  { try local.lock(own(path), sharing, timeoutMilliseconds: timeoutMilliseconds) }
  func syncDirectory(_ path: String) throws(PulsehouseError) { try local.syncDirectory(path) }
  func createFile(_ path: String, _ creation: FileCreation) throws(PulsehouseError) -> any WritableFile {
    try local.createFile(path, creation)
  }
  func rename(_ source: String, to destination: String) throws(PulsehouseError) {
    try local.rename(source, to: destination)
  }
  func removeFile(_ path: String) throws(PulsehouseError) { try local.removeFile(path) }
  func removeDirectory(_ path: String) throws(PulsehouseError) { try local.removeDirectory(path) }
  func canWrite(_ path: String) -> Bool { local.canWrite(path) }
  func readFile(_ path: String, limit: Int) throws(PulsehouseError) -> [UInt8] {
    try local.readFile(path, limit: limit)
  }
  func map(_ path: String) throws(PulsehouseError) -> MappedFile { try local.map(path) }
  func list(_ path: String) throws(PulsehouseError) -> [String] { try local.list(path) }
}
