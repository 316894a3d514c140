import Bytes
import Execution
import Glibc
import Kafka
import Synchronization

/// Hands out units of messages to workers, and answers the group when it moves partitions.
///
/// Whoever asks for the next unit receives it himself, under the lock, while others turn theirs into rows. Positions are
/// those of the last commit, never the broker's: they are read anew at each assignment and after each conflict.
final class KafkaStream: @unchecked Sendable {
  // @unchecked: everything but the constants is touched under `lock` only.

  private let consumer: KafkaConsumer
  private let collector: KafkaCollector
  private let topic: KafkaTopic
  private let options: IngestOptions
  private let onGap: KafkaTopic.GapPolicy
  private let rowLimit: Int
  private let lock = Mutex(())

  private var owned: [Int32]?
  private var pending: [KafkaConsumer.Rebalance] = []
  private var next: [Int64] = []
  /// Where each partition ended when the ingest began; a partition that is new has none.
  private var targets: [Int32: Int64]
  private var ended: Set<Int32> = []
  /// The message before the first to be read, by partition: it is read once more, to see that it is the same.
  private var witnesses: [Int32: (offset: Int64, fingerprint: UInt64)] = [:]
  private var generation = 0
  private var nextSequence = 0
  private var isOver = false
  private var mustSync = false
  /// Syncs since the last message; several in a row find nothing that would explain the broker's refusal.
  private var idleSyncCount = 0
  private var quietSince: Double?
  private var hasNotedTrouble = false
  private var lonelySince: Double?
  private var hasNotedGroup = false

  private static let unitByteLimit = 32 << 20
  private static let receiveLimit = 10_000
  /// How long one ingest to the end waits for a broker that says nothing.
  private static let patienceSeconds = 30.0
  /// Longer than brokers let members that died keep the others waiting.
  private static let groupPatienceSeconds = 60.0
  /// How often, in half seconds, an end before our position is asked for again.
  private static let endPatience = 4

  init(
    _ consumer: KafkaConsumer, _ collector: KafkaCollector, _ topic: KafkaTopic, targets: [Int32: Int64],
    rowLimit: Int, _ options: IngestOptions
  ) {
    self.consumer = consumer
    self.collector = collector
    self.topic = topic
    self.targets = targets
    self.rowLimit = rowLimit
    self.options = options
    onGap = options.onGap ?? topic.onGap
    grow(to: Int32(clamping: targets.count))
  }

  /// Returns the next unit; nil when the work is done or is to stop.
  func nextUnit() throws -> KafkaUnit? { try lock.withLock { _ in try advance() } }

  private func advance() throws -> KafkaUnit? {
    while !isOver, !collector.hasFailed {
      if options.cancellation.isCancelled { break }
      if !pending.isEmpty { try answer(pending.removeFirst()) }
      if owned != nil, mustSync || collector.isStale { try sync() }
      if isCaughtUp {
        collector.drain(nextSequence)
        try collector.commitNow()
        // A conflict: others had our partition, so there may be more to read.
        if collector.isStale { continue }
        break
      }
      if let unit = try collect() { return unit }
      try collector.tick()
    }
    isOver = true
    return nil
  }

  private var isCaughtUp: Bool {
    guard !options.follows, let owned, pending.isEmpty, !mustSync, !collector.isStale else { return false }
    return owned.allSatisfy { ended.contains($0) || next[Int($0)] >= targets[$0] ?? 0 }
  }

  // MARK: Messages

  private func collect() throws -> KafkaUnit? {
    let floors = next
    var batches: [KafkaBatch] = []
    var count = 0
    var byteCount = 0
    let started = IngestClock.seconds()
    while count < rowLimit && byteCount < Self.unitByteLimit {
      guard let batch = try receive(limit: min(Self.receiveLimit, rowLimit - count), isFirst: count == 0) else { break }
      if try note(batch) {
        batches.append(batch)
        count += batch.count
        byteCount += batch.byteCount
      }
      pending += consumer.takeRebalances()
      if !pending.isEmpty || collector.isStale || options.cancellation.isCancelled { break }
      if isCaughtUp || IngestClock.seconds() - started >= collector.unitSeconds { break }
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

  /// Receives; nil when a position turned out not to be there, which `sync` will judge.
  private func receive(limit: Int, isFirst: Bool) throws -> KafkaBatch? {
    do {
      return try consumer.receive(limit: limit, milliseconds: isFirst ? 100 : 20)
    } catch {
      guard error.sqlState == KafkaConsumer.outOfRangeState, idleSyncCount < 3 else { throw error }
      idleSyncCount += 1
      mustSync = true
      return nil
    }
  }

  /// Moves positions past a batch's messages; false when there is none to be taken.
  private func note(_ batch: KafkaBatch) throws -> Bool {
    var isTaken = false
    for index in 0..<batch.count {
      let message = batch[index]
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
    if owned == nil { try judgeGroup() }
    guard let trouble = consumer.lastClientError else { return }
    let now = IngestClock.seconds()
    let since = quietSince ?? now
    quietSince = since
    if now - since > 3, !hasNotedTrouble {
      hasNotedTrouble = true
      options.notice("\(topic.topic): waiting for the broker: \(trouble.message)")
    }
    if now - since > Self.patienceSeconds, !options.follows { throw trouble }
  }

  /// The group hands out no partitions: it waits for members that died, or its coordinator is away.
  private func judgeGroup() throws {
    let now = IngestClock.seconds()
    let since = lonelySince ?? now
    lonelySince = since
    if now - since > 5, !hasNotedGroup {
      hasNotedGroup = true
      options.notice("\(topic.topic): waiting for the group \(topic.group) to hand out partitions")
    }
    guard now - since > Self.groupPatienceSeconds, !options.follows else { return }
    throw PulsehouseError(
      .io, "the group \(topic.group) hands out no partitions of \(topic.topic)",
      detail: consumer.lastClientError?.message,
      hint:
        "It may wait for members that died; another group name starts afresh, with nothing lost: positions are ours.")
  }

  // MARK: Partitions

  private func answer(_ rebalance: KafkaConsumer.Rebalance) throws {
    if case .assigned(let partitions) = rebalance {
      lonelySince = nil
      owned = partitions.map(\.partition).sorted()
      try sync()
      return
    }
    collector.drain(nextSequence)
    // Partitions that were lost may be others' already; then this commit conflicts, and nothing of it stands.
    try collector.commitNow()
    owned = nil
    forget()
    try consumer.unassign()
  }

  private func forget() {
    generation += 1
    ended = []
    witnesses = [:]
    for partition in next.indices { next[partition] = KafkaUnit.notOurs }
  }

  /// Reads the positions of our partitions from what is committed, and goes on there.
  private func sync() throws {
    guard let owned else { return }
    collector.drain(nextSequence)
    try collector.commitNow()
    forget()
    mustSync = false
    let states = try collector.reopen(owned, generation: generation)
    var positions: [KafkaPosition] = []
    for state in states {
      let position = try start(state)
      grow(to: state.partition + 1)
      next[Int(state.partition)] = position.next
      positions.append(KafkaPosition(topic: topic.topic, partition: state.partition, offset: position.from))
    }
    try consumer.assign(positions)
  }

  /// Returns where to start reading a partition, and the first message that is new.
  private func start(_ state: KafkaPartitionState) throws -> (from: Int64, next: Int64) {
    var ends = try watermarks(state.partition)
    // A partition that has just changed its leader may tell an end it is about to leave behind.
    for _ in 0..<Self.endPatience where state.next > ends.high && !options.cancellation.isCancelled {
      usleep(500_000)
      ends = try watermarks(state.partition)
    }
    if targets[state.partition] == nil { targets[state.partition] = ends.high }
    if state.recordCount == 0 && state.next == 0 { return (ends.low, ends.low) }
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

  /// Asks for a partition's ends; a follower waits for a broker that is away.
  private func watermarks(_ partition: Int32) throws -> KafkaWatermarks {
    var failure: PulsehouseError
    repeat {
      do {
        return try consumer.watermarks(topic.topic, partition)
      } catch {
        failure = error
      }
      guard failure.kind == .io, options.follows else { break }
      if !hasNotedTrouble { options.notice("\(topic.topic): waiting for the broker: \(failure.message)") }
      hasNotedTrouble = true
    } while !options.cancellation.isCancelled
    throw failure
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
