import Bytes
import Synchronization
import Vectors

/// Takes the batches of a pipeline, one instance for each worker.
class Sink {
  /// A morsel starts; `ordinal` counts morsels over all phases.
  func begin(ordinal: Int) throws {}
  func consume(_ batch: Batch) throws { fatalError("each sink has its own") }
  func end(ordinal: Int) throws {}
  /// The sink's morsel failed: whoever waits for it must stop waiting.
  func abort() {}
}

/// Runs every morsel of an operator on all threads of the query.
enum Pipeline {
  /// Runs `source` to its end into sinks that `makeSink` gives for each worker that takes part, and returns those.
  ///
  /// A sink may throw `EarlyStop` to end the pipeline without an error.
  @discardableResult
  static func run<S: Sink>(_ source: Operator, _ makeSink: @escaping (_ worker: Int) throws -> S) throws -> [S] {
    let run = source.run
    try source.prepareOnce()
    let workers = Slots<OperatorWorker>(count: run.threadCount)
    let sinks = Slots<Sink>(count: run.threadCount)
    let makingSink = Mutex(())
    // What the sinks do is the work of whoever runs the pipeline.
    let owner = run.context.isTimed ? Stopwatch.ofThread.current : nil
    let hasEnough = Atomic(false)
    var phase = 0
    var base = 0
    do {
      while let count = try source.morselCount(phase: phase) {
        let thisPhase = phase
        let thisBase = base
        try forEach(count: count, threads: run.threadCount) { morsel, slot in
          let outer = owner.map { Stopwatch.ofThread.enter($0) }
          defer { if owner != nil { _ = Stopwatch.ofThread.enter(outer ?? nil) } }
          // One sink is made at a time: who makes them may note them down.
          // The sink comes first: whatever fails from here on must reach those who wait for this morsel.
          let sink = try sinks[slot] ?? makingSink.withLock { _ in try makeSink(slot) }
          sinks[slot] = sink
          do {
            try sink.begin(ordinal: thisBase + morsel)
            try run.checkpoint()
            let worker = try workers[slot] ?? source.worker()
            workers[slot] = worker
            try worker.run(phase: thisPhase, morsel: morsel) { batch in
              try run.checkpoint()
              try sink.consume(batch)
            }
            try sink.end(ordinal: thisBase + morsel)
          } catch is Aborted {
            // The failure that caused this is on its way.
            return
          } catch {
            if error is EarlyStop { hasEnough.store(true, ordering: .relaxed) }
            sink.abort()
            throw error
          }
        }
        base += count
        phase += 1
      }
    } catch {
      // Who has enough has it from morsels before any that failed, so a failure beyond them does not count.
      guard hasEnough.load(ordering: .relaxed) else { throw error }
    }
    source.finish()
    return sinks.values.compactMap { $0 as? S }
  }

  /// As `WorkerPool.forEach`, for closures that share state by slot.
  private static func forEach(
    count: Int, threads: Int, _ body: @escaping (_ index: Int, _ worker: Int) throws -> Void
  ) throws {
    let box = Box(body)
    try WorkerPool.shared.forEach(count: count, threads: threads) { try box.value($0, $1) }
  }
}

/// Batches of one operator kept in memory, in row order.
struct KeptRows {
  var batches: [Batch]
  var rowCount: Int
  /// What they hold of the budget.
  var reservation: MemoryReservation?
}

/// Collects batches by morsel, to be put in order at the end.
final class CollectSink: Sink {
  private(set) var morsels: [(ordinal: Int, batches: [Batch])] = []
  private let reservation: MemoryReservation
  private var pending = 0
  private var size = BatchSize()

  init(_ reservation: MemoryReservation) { self.reservation = reservation }

  override func begin(ordinal: Int) { morsels.append((ordinal, [])) }

  override func consume(_ batch: Batch) throws {
    pending += size.byteCount(batch)
    if pending > 1 << 18 {
      try reservation.add(pending)
      pending = 0
    }
    morsels[morsels.count - 1].batches.append(batch)
  }

  /// Runs `source` and returns all its rows in order.
  static func collect(_ source: Operator, for purpose: String) throws -> KeptRows {
    let run = source.run
    let reservations = Box<[MemoryReservation]>([])
    let sinks = try Pipeline.run(source) { _ -> CollectSink in
      let reservation = run.reservation(for: purpose)
      reservations.value.append(reservation)
      return CollectSink(reservation)
    }
    let morsels = sinks.flatMap { $0.morsels }.sorted { $0.ordinal < $1.ordinal }
    let batches = morsels.flatMap { $0.batches }
    let whole = run.reservation(for: purpose)
    var total = 0
    for reservation in reservations.value { total += reservation.byteCount }
    for sink in sinks { total += sink.pending }
    for reservation in reservations.value { try reservation.resize(to: 0) }
    try whole.resize(to: total)
    return KeptRows(batches: batches, rowCount: batches.reduce(0) { $0 + $1.rowCount }, reservation: whole)
  }
}

/// Estimates the memory of batches: a dictionary that follows itself is counted once.
struct BatchSize {
  private var dictionaries: [ObjectIdentifier?] = []

  mutating func byteCount(_ batch: Batch) -> Int {
    if dictionaries.count < batch.columns.count {
      dictionaries = Array(repeating: nil, count: batch.columns.count)
    }
    var total = 64
    for (index, column) in batch.columns.enumerated() {
      total += column.buffer.byteCount + (column.validity?.buffer.byteCount ?? 0) + 160
      if let dictionary = column.dictionary {
        let identifier = ObjectIdentifier(dictionary)
        if dictionaries[index] != identifier {
          dictionaries[index] = identifier
          total += dictionary.byteCount
        }
      }
    }
    return total
  }
}
