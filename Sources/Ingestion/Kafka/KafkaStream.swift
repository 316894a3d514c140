import Bytes
import Execution
import Glibc
import Kafka
import Synchronization

/// Hands out units of messages to workers, and keeps to this process's share of the partitions.
///
/// Whoever asks for the next unit receives it himself, under the lock, while others turn theirs into rows. Positions are
/// those of the last commit, never the broker's: they are read anew whenever partitions come or go, and after each
/// conflict.
final class KafkaStream: @unchecked Sendable {
  // @unchecked: everything but the constants is touched under `lock` only.

  private let consumer: KafkaConsumer
  private let collector: KafkaCollector
  private let topic: KafkaTopic
  private let leases: KafkaLeases
  /// Looks whether the topic is still the same while it is followed.
  private let witness: KafkaWitness?
  private let waiting: KafkaPatience
  private let options: IngestOptions
  private let onGap: KafkaTopic.GapPolicy
  private let rowLimit: Int
  private let lock = Mutex(())

  private var partitionCount: Int
  private var next: [Int64] = []
  /// Up to where each partition is to be read by whoever has it, when this is not to follow.
  private var targets: [Int32: Int64]
  /// The partitions whose end was seen since they were assigned.
  private var ended: Set<Int32> = []
  /// The message before the first to be read, by partition: it is read once more, to see that it is the same.
  private var witnesses: [Int32: (offset: Int64, fingerprint: UInt64)] = [:]
  private var generation = 0
  private var nextSequence = 0
  private var isOver = false
  private var mustSync = true
  /// The consumer's connections when positions were read: what comes by a newer one may be of another topic.
  private var connectionCount = 0
  /// Syncs since the last message; several in a row find nothing that would explain the broker's refusal.
  private var idleSyncCount = 0
  private var quietSince: Double?
  private var hasNotedTrouble = false
  private var sharedAt = 0.0
  private var countedAt = MachineClock.seconds
  private var trimmedAt = MachineClock.seconds
  private var keptUpAt = MachineClock.seconds
  private var mergedCommitCount = 0
  /// What others have committed of partitions that are not ours, and since when.
  private var others: (positions: [Int32: Int64], lookedAt: Double, since: Double) = ([:], 0, MachineClock.seconds)
  private var hasNotedOthers = false

  private static let unitByteLimit = 32 << 20
  private static let receiveLimit = 10_000
  /// How long one ingest to the end waits for a broker that says nothing.
  private static let patienceSeconds = 30.0
  /// How long it waits for another process that has partitions and commits nothing.
  private static let othersPatienceSeconds = 60.0
  /// How often, in half seconds, an end before our position is asked for again.
  private static let endPatience = 4
  /// Commits after which their segments are merged while a topic is followed, where that is worthwhile.
  private static let commitsToMerge = 16
  /// Seconds between looks at who shares the topic, for partitions that were added, and at the heap.
  private static let shareSeconds = 0.2
  private static let countSeconds = 10.0
  private static let trimSeconds = 10.0

  /// `targets` are the ends of all partitions when the ingest began.
  init(
    _ consumer: KafkaConsumer, _ collector: KafkaCollector, _ topic: KafkaTopic, targets: [Int32: KafkaWatermarks],
    leases: KafkaLeases, witness: KafkaWitness?, _ waiting: KafkaPatience, rowLimit: Int, _ options: IngestOptions
  ) {
    self.consumer = consumer
    self.collector = collector
    self.topic = topic
    // Of a partition that holds nothing there is nothing to be read.
    self.targets = targets.compactMapValues { $0.low < $0.high ? $0.high : nil }
    self.leases = leases
    self.witness = witness
    self.waiting = waiting
    self.rowLimit = rowLimit
    self.options = options
    onGap = options.onGap ?? topic.onGap
    partitionCount = targets.count
    grow(to: Int32(clamping: partitionCount))
  }

  /// Returns the next unit; nil when the work is done or is to stop.
  func nextUnit() throws -> KafkaUnit? {
    try lock.withLock { _ in
      do {
        return try advance()
      } catch let error as PulsehouseError where error.kind == .cancelled && options.cancellation.isCancelled {
        // Whoever waits for the broker has nothing in hand that is not committed.
        isOver = true
        return nil
      }
    }
  }

  /// Lets others have our partitions. Call when everything read of them is committed or dropped.
  func leave() { lock.withLock { _ in leases.leave() } }

  private func advance() throws -> KafkaUnit? {
    while !isOver, !collector.hasFailed {
      if options.cancellation.isCancelled { break }
      try share()
      if mustSync || collector.isStale { try sync() }
      if isCaughtUp {
        collector.drain(nextSequence)
        try collector.commitNow()
        // A conflict: others had our partition, so there may be more to read.
        if collector.isStale { continue }
        if try othersAreDone() { break }
      }
      if options.follows { try keepUp() }
      if mustSync { continue }
      if let unit = try collect() { return unit }
      try collector.tick()
    }
    isOver = true
    return nil
  }

  // MARK: Sharing

  /// Keeps to our share of the partitions: what is too much is committed and given back, what is free is taken.
  private func share() throws {
    let now = MachineClock.seconds
    guard now - sharedAt >= Self.shareSeconds else { return }
    sharedAt = now
    let quota = try leases.quota(partitionCount)
    let heldCount = leases.held.count
    if heldCount > quota {
      collector.drain(nextSequence)
      try collector.commitNow()
      leases.release(quota: quota)
      mustSync = true
    } else if heldCount < quota, try leases.claim(quota: quota, of: partitionCount) {
      mustSync = true
    }
  }

  /// True when our partitions are read to where they ended when the ingest began.
  private var isCaughtUp: Bool {
    guard !options.follows, !mustSync, !collector.isStale else { return false }
    return leases.held.allSatisfy { ended.contains($0) || next[Int($0)] >= targets[$0] ?? 0 }
  }

  /// True when what others have is read, too: so nothing is left when this ends, whoever was to read it. What somebody
  /// does not read any more comes to us by `share`.
  private func othersAreDone() throws -> Bool {
    let now = MachineClock.seconds
    guard now - others.lookedAt >= Self.shareSeconds else { return false }
    others.lookedAt = now
    let held = Set(leases.held)
    let positions = try collector.committedPositions()
    let open = targets.filter { !held.contains($0.key) && positions[$0.key] ?? 0 < $0.value }
    guard !open.isEmpty else { return true }
    if positions != others.positions {
      others.positions = positions
      others.since = now
    }
    let names = open.keys.sorted().map(String.init).joined(separator: ", ")
    let words = "another process reads partition \(names) of \(topic.topic)"
    if now - others.since > 5, !hasNotedOthers {
      hasNotedOthers = true
      options.notice("\(words); waiting until it has committed what was there when this ingest began")
    }
    guard now - others.since > Self.othersPatienceSeconds else { return false }
    throw PulsehouseError(
      .conflict, "\(words), and has committed nothing for \(Int(Self.othersPatienceSeconds)) seconds",
      detail: "The other partitions are read to where they ended when this ingest began.",
      hint: "When it ends, however that happens, the next ingest takes its partitions.")
  }

  /// What is due now and then while a topic is followed.
  private func keepUp() throws {
    try look()
    let now = MachineClock.seconds
    if now - countedAt >= Self.countSeconds {
      countedAt = now
      try countPartitions()
    }
    if now - trimmedAt >= Self.trimSeconds {
      trimmedAt = now
      // Fetches come in pieces of all sizes, of which the allocator would keep more the longer this goes on.
      Heap.release()
    }
    let commitCount = collector.commitCount
    if commitCount - mergedCommitCount >= Self.commitsToMerge {
      mergedCommitCount = commitCount
      try collector.mergeSegments()
    }
    if let upkeep = options.upkeep, now - keptUpAt >= upkeep.seconds {
      keptUpAt = now
      try upkeep.work()
    }
  }

  private func countPartitions() throws {
    let answer: Int?
    do throws(PulsehouseError) {
      answer = try consumer.partitionCount(topic.topic, milliseconds: 500)
    } catch {
      // A broker that is away is asked again at the next look.
      guard error.kind == .io else { throw error }
      return
    }
    _ = consumer.takeClientError()
    guard let count = answer else { throw Self.isGone(topic.topic) }
    if count > partitionCount {
      options.notice("\(topic.topic) has \(count) partitions now, instead of \(partitionCount)")
      partitionCount = count
      grow(to: Int32(clamping: count))
    } else if count < partitionCount {
      throw PulsehouseError(
        .user, "the topic \(topic.topic) has \(count) partitions instead of \(partitionCount): it was made anew",
        sqlState: KafkaConsumer.outOfRangeState,
        hint: "The next ingest says what of it was never read, and --on-gap chooses what to do.")
    }
  }

  private static func isGone(_ topic: String) -> PulsehouseError {
    PulsehouseError(
      .user, "the topic \(topic) is gone from the broker while it was read", sqlState: "42P01",
      detail: "It was deleted, or is being made anew. What was received of it is committed or can be read no more.",
      hint: "Once it is there again, ingest says what of it was never read, and --on-gap chooses what to do.")
  }

  /// Holds the topic against what was read of it before.
  private func look() throws {
    guard let witness, !leases.held.isEmpty else { return }
    switch try witness.look(now: MachineClock.seconds, latest: { collector.marks }) {
    case nil: break
    case .outOfRange: mustSync = true
    case .replaced(let partition, let offset): try replaced(partition, offset)
    }
  }

  // MARK: Messages

  private func collect() throws -> KafkaUnit? {
    let floors = next
    var batches: [KafkaBatch] = []
    var count = 0
    var byteCount = 0
    let started = MachineClock.seconds
    while count < rowLimit && byteCount < Self.unitByteLimit {
      guard let batch = try receive(limit: min(Self.receiveLimit, rowLimit - count), isFirst: count == 0) else { break }
      if try note(batch) {
        batches.append(batch)
        count += batch.count
        byteCount += batch.byteCount
      }
      if mustSync || collector.isStale || options.cancellation.isCancelled { break }
      if isCaughtUp || MachineClock.seconds - started >= collector.unitSeconds { break }
      if batch.count == 0 && count == 0 { break }
    }
    // Positions are about to be read anew: what was received since is received again.
    if mustSync { return nil }
    guard next != floors else {
      try judgeSilence()
      return nil
    }
    quietSince = nil
    idleSyncCount = 0
    if hasNotedTrouble {
      hasNotedTrouble = false
      options.notice("\(topic.topic): the broker answers again")
    }
    defer { nextSequence += 1 }
    return KafkaUnit(
      sequence: nextSequence, generation: generation, batches: batches, floors: floors, next: next)
  }

  /// Receives; nil when a position turned out not to be there, or when messages came by a new connection: `sync` will
  /// judge that, and hold the topic against the message that was read last.
  private func receive(limit: Int, isFirst: Bool) throws -> KafkaBatch? {
    do {
      // The client waits for as long as it has fewer than `limit`, which would be long at the topic's end.
      let milliseconds = options.follows ? 100 : 10
      let batch = try consumer.receive(limit: limit, milliseconds: isFirst ? milliseconds : milliseconds / 5)
      guard batch.count == 0 || consumer.connectionCount == connectionCount else {
        mustSync = true
        return nil
      }
      return batch
    } catch {
      if error.sqlState == "42P01" { throw Self.isGone(topic.topic) }
      guard error.sqlState == KafkaConsumer.outOfRangeState, idleSyncCount < 3 else { throw error }
      idleSyncCount += 1
      mustSync = true
      return nil
    }
  }

  /// Moves positions past a batch's messages; false when there is none to be taken.
  private func note(_ batch: KafkaBatch) throws -> Bool {
    var isTaken = false
    // The broker answers, so whatever the client complained of is over.
    if batch.count > 0 || !batch.ends.isEmpty { _ = consumer.takeClientError() }
    for message in batch.messages {
      let partition = Int(message.partition)
      if partition >= next.count { grow(to: message.partition + 1) }
      if message.offset >= next[partition] {
        next[partition] = message.offset + 1
        isTaken = true
        if !witnesses.isEmpty { witnesses[message.partition] = nil }
      } else if let witness = witnesses[message.partition], witness.offset == message.offset {
        witnesses[message.partition] = nil
        if KafkaWorker.fingerprint(message) != witness.fingerprint { try replaced(message.partition, witness.offset) }
      }
    }
    for end in batch.ends where end.partition >= 0 && Int(end.partition) < next.count {
      // What lies between the last message and the end are marks of transactions.
      let known = next[Int(end.partition)]
      if known != KafkaUnit.notOurs { next[Int(end.partition)] = max(known, end.offset) }
      ended.insert(end.partition)
    }
    return isTaken
  }

  private func grow(to count: Int32) {
    while next.count < Int(count) { next.append(KafkaUnit.notOurs) }
  }

  /// Nothing came: says so now and then, and gives up when asked only to catch up.
  private func judgeSilence() throws {
    guard !isCaughtUp, let trouble = consumer.lastClientError else { return }
    let now = MachineClock.seconds
    let since = quietSince ?? now
    quietSince = since
    if now - since > 3, !hasNotedTrouble {
      hasNotedTrouble = true
      options.notice("\(topic.topic): waiting for the broker: \(trouble.message)")
    }
    if now - since > Self.patienceSeconds, !options.follows { throw trouble }
  }

  // MARK: Positions

  private func forget() {
    generation += 1
    ended = []
    witnesses = [:]
    for partition in next.indices { next[partition] = KafkaUnit.notOurs }
  }

  /// Reads the positions of our partitions from what is committed, and goes on there.
  private func sync() throws {
    collector.drain(nextSequence)
    try collector.commitNow()
    forget()
    mustSync = false
    let states = try collector.reopen(leases.held, generation: generation)
    var positions: [KafkaPosition] = []
    for state in states {
      let position = try start(state)
      grow(to: state.partition + 1)
      next[Int(state.partition)] = position.next
      positions.append(KafkaPosition(topic: topic.topic, partition: state.partition, offset: position.from))
    }
    connectionCount = consumer.connectionCount
    try consumer.assign(positions)
    try witness?.begin(collector.marks, now: MachineClock.seconds)
  }

  /// Returns where to start reading a partition, and the first message that is new.
  private func start(_ state: KafkaPartitionState) throws -> (from: Int64, next: Int64) {
    var ends = try watermarks(state.partition)
    // A partition that has just changed its leader may tell an end it is about to leave behind.
    for _ in 0..<Self.endPatience where state.next > ends.high && !options.cancellation.isCancelled {
      usleep(500_000)
      ends = try watermarks(state.partition)
    }
    if state.recordCount == 0 && state.next == 0 {
      // It is said where reading begins, so that from then on nothing can go missing unnoticed.
      if ends.low > 0 { collector.begin(state.partition, at: ends.low) }
      return (ends.low, ends.low)
    }
    if state.next < ends.low {
      return try gap(
        state, ends, missing: ends.low - state.next, skipTo: ends.low,
        "partition \(state.partition) of \(topic.topic) no longer has the messages \(state.next) to \(ends.low - 1), "
          + "which were to be read next",
        "They are past the topic's retention, or the topic was made anew.")
    }
    if state.next > ends.high {
      return try gap(
        state, ends, missing: 0, skipTo: ends.high,
        "partition \(state.partition) of \(topic.topic) ends at offset \(ends.high), but it was read up to \(state.next)",
        "The topic was made anew, or its broker lost messages.")
    }
    let witness = state.next - 1
    if state.fingerprintOffset == witness, witness >= ends.low {
      witnesses[state.partition] = (witness, state.fingerprint)
      return (witness, state.next)
    }
    return (state.next, state.next)
  }

  private func watermarks(_ partition: Int32) throws -> KafkaWatermarks {
    try waiting.ask(forever: options.follows) { milliseconds throws(PulsehouseError) in
      try consumer.watermarks(topic.topic, partition, milliseconds: milliseconds)
    }
  }

  /// The message before our position is another than the one that was read: this is not the same topic.
  private func replaced(_ partition: Int32, _ offset: Int64) throws {
    let ends = try watermarks(partition)
    let words =
      "message \(offset) of partition \(partition) of \(topic.topic) is not the one that was read: "
      + "the topic was made anew, and what it has before offset \(next[Int(partition)]) was never read"
    guard onGap != .fail else { throw gapError(words, "It has offsets \(ends.low) to \(ends.high).", offset + 1) }
    let target = onGap == .skip ? next[Int(partition)] : ends.low
    collector.drain(nextSequence)
    collector.skip(partition, to: target, missing: 0, words)
    try collector.commitNow()
    mustSync = true
  }

  private func gap(
    _ state: KafkaPartitionState, _ ends: KafkaWatermarks, missing: Int64, skipTo: Int64, _ words: String,
    _ why: String
  ) throws -> (from: Int64, next: Int64) {
    guard onGap != .fail else { throw gapError(words, why, skipTo) }
    let target = onGap == .skip ? skipTo : ends.low
    collector.skip(state.partition, to: target, missing: missing, words)
    options.notice("\(words); going on at \(target)")
    return (target, target)
  }

  private func gapError(_ words: String, _ why: String, _ skipTo: Int64) -> PulsehouseError {
    PulsehouseError(
      .user, words, sqlState: KafkaConsumer.outOfRangeState, detail: why,
      hint: "--on-gap skip goes on at offset \(skipTo) and records the gap; --on-gap restart reads the partition again "
        + "from its beginning. Nothing was skipped.")
  }
}
