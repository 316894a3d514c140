import Bytes
import Kernels
import Synchronization
import Vectors

/// The rows of an input: kept in memory in their order, or on disk by the hash of their keys, in any order.
enum CollectedRows {
  case kept(KeptRows)
  /// One for each worker. Rows are keys, then the row's columns, then its number where `Plan.isNumbered`.
  case spilled([SpillPartitions])
}

/// Collects an input in memory as `CollectSink` does, and by the hash of its keys on disk once memory is short.
final class SpillingSink: Sink {
  private let plan: Plan
  private var morsels: [(ordinal: Int, batches: [Batch])] = []
  private let reservation: MemoryReservation
  private let spill: SpillPartitions
  private var size = BatchSize()
  private var byteCount = 0
  /// The number of the next row that goes to disk: its morsel's place, then its own in the morsel.
  private var number: Int64 = 0

  /// What the workers of an input agree on.
  final class Plan: Sendable {
    let purpose: String
    let keyCount: Int
    let keys: @Sendable (Batch) throws -> [Vector]
    /// False when the keys are all there is to a row.
    let hasColumns: Bool
    /// True when rows on disk have a last column by which their order in the input can be had again.
    let isNumbered: Bool
    let bits: Int
    fileprivate let isOnDisk: Atomic<Bool>

    init(
      for purpose: String, keyCount: Int, hasColumns: Bool = true, isNumbered: Bool = false, bits: Int = 6,
      onDisk: Bool = false,
      _ keys: @escaping @Sendable (Batch) throws -> [Vector]
    ) {
      self.purpose = purpose
      self.keyCount = keyCount
      self.hasColumns = hasColumns
      self.isNumbered = isNumbered
      self.bits = bits
      self.keys = keys
      isOnDisk = Atomic(onDisk)
    }

    func row(_ batch: Batch, number: inout Int64) throws -> Batch {
      let columns = try keys(batch) + (hasColumns ? batch.columns : [])
      guard isNumbered else { return Batch(columns, rowCount: batch.rowCount) }
      let numbers = AlignedBuffer(byteCount: batch.rowCount * 8)
      for row in 0..<batch.rowCount { numbers.values(as: Int64.self)[row] = number + Int64(row) }
      number += Int64(batch.rowCount)
      return Batch(columns + [Vector(.bigint, count: batch.rowCount, buffer: numbers)], rowCount: batch.rowCount)
    }
  }

  private let share: Int
  private let run: QueryRun

  private init(_ plan: Plan, _ run: QueryRun) {
    self.plan = plan
    self.run = run
    reservation = run.reservation(for: plan.purpose)
    spill = SpillPartitions(run, keyCount: plan.keyCount, bits: plan.bits)
    // Rows are copied once more when they are put together and indexed.
    share = run.context.budget.limit / 4 / run.threadCount
  }

  override func begin(ordinal: Int) {
    morsels.append((ordinal, []))
    number = SpillingSink.number(ofMorsel: ordinal)
  }

  private static func number(ofMorsel ordinal: Int) -> Int64 { Int64(ordinal) << 32 }

  override func consume(_ batch: Batch) throws {
    if !plan.isOnDisk.load(ordering: .relaxed) {
      byteCount += size.byteCount(batch)
      if byteCount <= share, reservation.tryResize(to: byteCount) {
        morsels[morsels.count - 1].batches.append(batch)
        return
      }
      plan.isOnDisk.store(true, ordering: .relaxed)
    }
    try moveToDisk()
    try spill.append(try plan.row(batch, number: &number))
    try reservation.resize(to: spill.byteCount)
  }

  private func moveToDisk() throws {
    if morsels.isEmpty { return }
    for morsel in morsels {
      // The last one is not at its end: its next rows go on with the number.
      number = SpillingSink.number(ofMorsel: morsel.ordinal)
      for batch in morsel.batches { try spill.append(try plan.row(batch, number: &number)) }
    }
    morsels = []
    byteCount = 0
  }

  /// Runs `source` and returns its rows.
  static func collect(_ source: Operator, _ plan: Plan) throws -> CollectedRows {
    let run = source.run
    let sinks = try Pipeline.run(source) { _ in SpillingSink(plan, run) }
    if plan.isOnDisk.load(ordering: .relaxed) {
      for sink in sinks {
        try sink.moveToDisk()
        try sink.spill.write()
        try sink.reservation.resize(to: 0)
      }
      return .spilled(sinks.map { $0.spill })
    }
    let batches = sinks.flatMap { $0.morsels }.sorted { $0.ordinal < $1.ordinal }.flatMap { $0.batches }
    let whole = run.reservation(for: plan.purpose)
    let total = sinks.reduce(0) { $0 + $1.byteCount }
    for sink in sinks { try sink.reservation.resize(to: 0) }
    try whole.resize(to: total)
    return .kept(
      KeptRows(batches: batches, rowCount: batches.reduce(0) { $0 + $1.rowCount }, reservation: whole))
  }

  /// Sends rows that were kept to disk after all.
  static func spill(_ kept: KeptRows, _ plan: Plan, _ run: QueryRun) throws -> [SpillPartitions] {
    let spill = SpillPartitions(run, keyCount: plan.keyCount, bits: plan.bits)
    var number: Int64 = 0
    for batch in kept.batches { try spill.append(try plan.row(batch, number: &number)) }
    try spill.write()
    return [spill]
  }
}

extension [SpillPartitions] {
  /// Calls `body` with the rows of a part that the workers have written, in batches of a vector's size.
  func forEach(_ part: HashPart, keyCount: Int, _ body: (Batch) throws -> Void) throws {
    for spill in self where !spill.runs.isEmpty {
      let isWhole = part.bits == spill.bits
      let reader = spill.runs[part.partition].reader()
      while let block = try reader.next() {
        let rows = isWhole ? block : part.rows(of: block, keyCount: keyCount)
        var start = 0
        while start < rows.rowCount {
          let end = Swift.min(start + Batch.vectorSize, rows.rowCount)
          try body(rows.slice(start..<end))
          start = end
        }
      }
    }
  }

  /// Gives the disk space of a partition back.
  func discard(partition: Int) {
    for spill in self where !spill.runs.isEmpty { spill.runs[partition].discard() }
  }
}
