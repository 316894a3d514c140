import Bytes
import Engine
import Glibc
import Segments
import Synchronization
import Vectors

/// Puts the units' results in order, writes them, and commits by count and time: rows, refused messages and the new
/// position of every partition in one step.
///
/// When a commit conflicts (another process had a partition of ours), what is not committed is dropped and the
/// collector is stale: it drops whatever comes until `reopen`, which tells the committed positions.
final class KafkaCollector: @unchecked Sendable {
  // @unchecked: everything but the constants is touched under `lock` only.

  private let source: Source
  private let topic: KafkaTopic
  private let warehouse: Warehouse
  private let options: IngestOptions
  private let commitRowCount: Int
  private let commitSeconds: Double
  private let lock = Mutex(())
  private let failed = Atomic<Bool>(false)
  private let stale = Atomic<Bool>(true)
  /// Units written or dropped so far.
  private let written = Atomic<Int>(0)
  private var writer: SourceWriter?
  private var generation = 0
  private var waiting: [Int: KafkaResult] = [:]
  private var states: [Int32: KafkaPartitionState] = [:]
  /// What the last commit had of each.
  private var committed: [Int32: KafkaPartitionState] = [:]
  private var refusals: [KafkaRefusal] = []
  private var refusalByteCount = 0
  private var lastCommit = MachineClock.seconds
  private var report: IngestReport
  private var touched: Set<Int32> = []
  private var totalMessageCount: Int64 = 0
  /// Tells the broker's group how far we are, after each commit, for lag tools.
  private let advise: @Sendable ([(partition: Int32, offset: Int64)]) -> Void

  static let lineage = [
    ColumnDefinition(name: "_partition", type: .integer, isNullable: false),
    ColumnDefinition(name: "_offset", type: .bigint, isNullable: false),
    ColumnDefinition(name: "_timestamp", type: .timestamptz),
  ]

  private static let refusalByteLimit = 32 << 20

  init(
    _ source: Source, _ topic: KafkaTopic, into warehouse: Warehouse, _ options: IngestOptions,
    advise: @escaping @Sendable ([(partition: Int32, offset: Int64)]) -> Void
  ) {
    self.source = source
    self.topic = topic
    self.warehouse = warehouse
    self.options = options
    self.advise = advise
    // A following process shows what arrived within seconds; one that catches up makes large segments.
    commitRowCount =
      options.kafkaCommitRowCount ?? topic.commitRowCount ?? (options.follows ? 500_000 : options.commitRowCount)
    commitSeconds = options.kafkaCommitSeconds ?? topic.commitSeconds ?? 5
    report = IngestReport(source: source.name)
    report.partitionCount = 0
  }

  var hasFailed: Bool { failed.load(ordering: .relaxed) }

  func fail() { failed.store(true, ordering: .relaxed) }

  /// True when positions must be read again before anything else is taken.
  var isStale: Bool { stale.load(ordering: .acquiring) }

  /// Seconds after which a unit is handed over, however small.
  var unitSeconds: Double { min(max(commitSeconds / 2, 0.05), 1) }

  func expect(_ messageCount: Int64) { lock.withLock { _ in totalMessageCount = messageCount } }

  /// Waits until all units before number `sequence` are written or dropped.
  func drain(_ sequence: Int) {
    while written.load(ordering: .acquiring) < sequence, !hasFailed { usleep(200) }
  }

  /// Starts anew from what is committed: drops what is not, and returns the states of `partitions`, empty ones for those
  /// that were never read. Units of generations before `generation` are dropped from now on.
  func reopen(_ partitions: [Int32], generation: Int) throws -> [KafkaPartitionState] {
    try lock.withLock { _ in
      writer?.discard()
      refusals = []
      refusalByteCount = 0
      self.generation = generation
      let fresh = try SourceWriter(
        source, lineage: Self.lineage, quarantine: KafkaQuarantine.definition, in: warehouse)
      let table = fresh.bronze.identifier.description
      states = [:]
      for partition in partitions {
        var state = KafkaPartitionState(
          source: source.name, topic: topic.topic, partition: partition, table: table)
        let space = KafkaPartitionState.space(source.name, topic.topic, partition)
        if let entry = try fresh.entry(of: space, key: KafkaPartitionState.key) {
          let known = try KafkaPartitionState(decoding: entry, name: space.name)
          // Rows of a table that was dropped are gone, so they have to be read again.
          if known.table == table { state = known }
        }
        states[partition] = state
      }
      committed = states
      writer = fresh
      lastCommit = MachineClock.seconds
      stale.store(false, ordering: .releasing)
      return partitions.compactMap { states[$0] }
    }
  }

  /// The last message of each partition that is committed.
  var marks: [Int32: KafkaWitness.Mark] {
    lock.withLock { _ in
      committed.compactMapValues { state in
        state.fingerprintOffset < 0
          ? nil : KafkaWitness.Mark(offset: state.fingerprintOffset, fingerprint: state.fingerprint)
      }
    }
  }

  /// How far each partition is by the newest commit, whoever made it.
  func committedPositions() throws -> [Int32: Int64] {
    var positions: [Int32: Int64] = [:]
    for state in try Ingest.partitions(warehouse.snapshot())
    where state.source == source.name && state.topic == topic.topic {
      positions[state.partition] = state.next
    }
    return positions
  }

  /// Sets where the reading of a partition begins that was never read.
  func begin(_ partition: Int32, at offset: Int64) { lock.withLock { _ in states[partition]?.next = offset } }

  /// Moves a partition's position without rows, as `on_gap` says.
  func skip(_ partition: Int32, to offset: Int64, missing: Int64, _ warning: String) {
    lock.withLock { _ in
      states[partition]?.next = offset
      states[partition]?.missingCount += missing
      states[partition]?.fingerprintOffset = -1
      report.missingCount += missing
      report.warnings.append(
        IngestWarning(.gap, file: "\(topic.topic)/\(partition)", message: warning))
    }
  }

  private func set(_ state: KafkaPartitionState) {
    writer?.setState(
      in: KafkaPartitionState.space(source.name, topic.topic, state.partition), key: KafkaPartitionState.key,
      state.encode())
  }

  /// Takes a unit's result. Waits while too many results wait for an earlier unit, so that memory stays bounded.
  func deposit(_ sequence: Int, _ result: KafkaResult, threads: Int) throws {
    try lock.withLock { _ in
      waiting[sequence] = result
      var next = written.load(ordering: .relaxed)
      while let ready = waiting.removeValue(forKey: next) {
        if ready.generation == generation && !isStale { try write(ready) }
        next += 1
        written.store(next, ordering: .releasing)
      }
    }
    while sequence - written.load(ordering: .relaxed) > 4 * threads, !hasFailed { usleep(500) }
  }

  private func write(_ result: KafkaResult) throws {
    guard let writer else { throw PulsehouseError(.internal, "a unit before any assignment") }
    if let refusal = result.refusals.first, source.onError == .fail {
      throw PulsehouseError(
        .user, refusal.reason, sqlState: "22P04",
        detail: "Message \(refusal.offset) of partition \(refusal.partition) of \(topic.topic).")
    }
    for rowGroup in result.rowGroups { try writer.bronze.append(rowGroup) }
    for taken in result.partitions {
      guard var state = states[taken.partition] else { continue }
      state.next = max(state.next, taken.next)
      state.recordCount += taken.recordCount
      state.rowCount += taken.rowCount
      state.quarantinedCount += taken.recordCount - taken.rowCount
      state.byteCount += taken.byteCount
      if let fingerprint = taken.fingerprint {
        state.fingerprint = fingerprint
        state.fingerprintOffset = taken.fingerprintOffset
      }
      if taken.lastTimestamp >= 0 { state.lastTimestamp = taken.lastTimestamp }
      states[taken.partition] = state
    }
    refusals += result.refusals
    for refusal in result.refusals { refusalByteCount += (refusal.raw?.count ?? 0) + 64 }
    if refusalByteCount > Self.refusalByteLimit { try flushRefusals() }
    try commitIfDue()
    tellProgress()
  }

  private func flushRefusals() throws {
    guard !refusals.isEmpty, let writer else { return }
    try writer.refuse(
      columns: KafkaQuarantine.columns(
        refusals, source: source.name, topic: topic.topic, time: MachineClock.microsecondsSince1970))
    refusals = []
    refusalByteCount = 0
  }

  /// Commits when the time has come, though nothing arrives.
  func tick() throws {
    try lock.withLock { _ in
      guard !isStale else { return }
      try commitIfDue()
      // An old base would keep garbage from being collected, and conflict with what it did not see.
      if MachineClock.seconds - lastCommit > 30, states == committed, let writer, try writer.isBehind() {
        stale.store(true, ordering: .releasing)
      }
      tellProgress()
    }
  }

  private func commitIfDue() throws {
    guard let writer, states != committed else { return }
    if writer.bronze.pendingRowCount >= commitRowCount || MachineClock.seconds - lastCommit >= commitSeconds {
      try commit()
    }
  }

  /// Commits what is in hand.
  func commitNow() throws { try lock.withLock { _ in try commit() } }

  private func commit() throws {
    guard let writer, !isStale, states != committed else { return }
    let now = MachineClock.seconds
    let time = MachineClock.microsecondsSince1970
    var rowCount: Int64 = 0
    var quarantinedCount: Int64 = 0
    for (partition, state) in states {
      guard let before = committed[partition], before != state else { continue }
      var state = state
      state.committedAt = time
      state.lastCommitRowCount = state.rowCount - before.rowCount
      state.lastCommitMicroseconds = max(1, Int64((now - lastCommit) * 1e6))
      states[partition] = state
      set(state)
      rowCount += state.rowCount - before.rowCount
      quarantinedCount += state.quarantinedCount - before.quarantinedCount
    }
    try flushRefusals()
    let message = "ingest \(source.name): \(rowCount) rows, \(quarantinedCount) quarantined"
    guard try Self.commit(writer, message) else {
      giveUp(writer)
      return
    }
    var moved: [(partition: Int32, offset: Int64)] = []
    for (partition, state) in states {
      guard let before = committed[partition], before != state else { continue }
      moved.append((partition, state.next))
      report.recordCount += state.recordCount - before.recordCount
      report.byteCount += state.byteCount - before.byteCount
      if state.recordCount > before.recordCount { touched.insert(partition) }
    }
    report.rowCount += rowCount
    report.quarantinedCount += quarantinedCount
    report.commitCount += 1
    committed = states
    lastCommit = now
    advise(moved)
  }

  /// Commits; false for a conflict.
  private static func commit(_ writer: SourceWriter, _ message: String) throws(PulsehouseError) -> Bool {
    do throws(PulsehouseError) {
      _ = try writer.commit(message)
      return true
    } catch {
      guard error.kind == .conflict else { throw error }
      return false
    }
  }

  /// Drops what is not committed; `reopen` goes on from what is.
  private func giveUp(_ writer: SourceWriter) {
    writer.discard()
    self.writer = nil
    states = committed
    refusals = []
    refusalByteCount = 0
    report.conflictCount += 1
    stale.store(true, ordering: .releasing)
  }

  private func tellProgress() {
    var rows = report.rowCount
    var records = report.recordCount
    var bytes = report.byteCount
    var rate = 0.0
    for (partition, state) in states {
      guard let before = committed[partition] else { continue }
      rows += state.rowCount - before.rowCount
      records += state.recordCount - before.recordCount
      bytes += state.byteCount - before.byteCount
      rate += before.rowsPerSecond
    }
    var progress = IngestProgress(source: report.source, byteCount: bytes, totalByteCount: 0, rowCount: rows)
    progress.messageCount = records
    progress.totalMessageCount = totalMessageCount
    progress.rowsPerSecond = rate
    options.progress(progress)
  }

  /// Commits made so far.
  var commitCount: Int { lock.withLock { _ in report.commitCount } }

  /// Makes few segments of the many small ones that the commits left, and lets go of those. Positions and rows stay as
  /// they are, so commits may be made beside it.
  func mergeSegments() throws {
    try Ingest.mergeSmallSegments(of: source, in: warehouse, options.cancellation)
    try warehouse.forgetUnused()
  }

  /// Commits the rest and returns the books.
  func finish(seconds: Double) throws -> IngestReport {
    try lock.withLock { _ in
      try commit()
      report.partitionCount = touched.count
      report.seconds = seconds
      return report
    }
  }

  func discard() { lock.withLock { _ in writer?.discard() } }
}
