import Kernels
import Synchronization
import Vectors

/// Rows that an operator keeps to its end: a batch in memory, or a block on disk.
enum StoredPiece {
  case kept(Batch)
  case written(SpillRun, block: Int)

  var rowCount: Int {
    switch self {
    case .kept(let batch): batch.rowCount
    case .written(let run, let block): run.blocks[block].rowCount
    }
  }

  /// Returns the rows. - Throws: `.corrupt` when the disk does not give back what was written, `.io`.
  func rows() throws -> Batch {
    switch self {
    case .kept(let batch): batch
    case .written(let run, let block): try run.read(block)
    }
  }
}

/// Keeps one worker's batches in their order: in memory until half the budget is taken, then on disk.
final class PieceKeeper {
  /// Tells all workers of an operator that memory is short.
  final class Share: Sendable {
    private let full = Atomic<Bool>(false)

    var isFull: Bool { full.load(ordering: .relaxed) }

    func close() { full.store(true, ordering: .relaxed) }
  }

  private let run: QueryRun
  private let types: [LogicalType]
  private let share: Share
  private var spill: SpillRun?
  private var firstBlock = 0
  private var pieces: [StoredPiece] = []
  private var size = BatchSize()
  let reservation: MemoryReservation

  init(_ run: QueryRun, _ types: [LogicalType], _ share: Share, for purpose: String) {
    self.run = run
    self.types = types
    self.share = share
    reservation = run.reservation(for: purpose)
  }

  func append(_ batch: Batch) throws {
    if !share.isFull {
      let byteCount = size.byteCount(batch)
      let budget = run.context.budget
      if budget.reserved + byteCount <= budget.limit / 2,
        reservation.tryResize(to: reservation.byteCount + byteCount)
      {
        pieces.append(.kept(batch))
        return
      }
      share.close()
    }
    let spill = try self.spill ?? SpillRun(run.spillFile(), types: types)
    self.spill = spill
    try spill.append(batch)
  }

  /// Returns what was appended since the last time.
  func take() throws -> [StoredPiece] {
    if let spill {
      try spill.write()
      for block in firstBlock..<spill.blocks.count { pieces.append(.written(spill, block: block)) }
      firstBlock = spill.blocks.count
    }
    defer { pieces = [] }
    return pieces
  }
}

/// Keeps the rows of a pipeline in their order, in memory or on disk.
final class StoringSink: Sink {
  private let keeper: PieceKeeper
  private var morsels: [(ordinal: Int, pieces: [StoredPiece])] = []

  private init(_ keeper: PieceKeeper) { self.keeper = keeper }

  override func consume(_ batch: Batch) throws { try keeper.append(batch) }

  override func end(ordinal: Int) throws {
    let pieces = try keeper.take()
    if !pieces.isEmpty { morsels.append((ordinal, pieces)) }
  }

  /// Runs `source` and returns all its rows in order, and what they hold of the budget.
  static func collect(_ source: Operator, for purpose: String) throws -> ([StoredPiece], MemoryReservation) {
    let run = source.run
    let types = source.types
    let share = PieceKeeper.Share()
    let sinks = try Pipeline.run(source) { _ in StoringSink(PieceKeeper(run, types, share, for: purpose)) }
    let morsels = sinks.flatMap { $0.morsels }.sorted { $0.ordinal < $1.ordinal }
    let whole = run.reservation(for: purpose)
    let total = sinks.reduce(0) { $0 + $1.keeper.reservation.byteCount }
    for sink in sinks { try sink.keeper.reservation.resize(to: 0) }
    try whole.resize(to: total)
    return (morsels.flatMap { $0.pieces }, whole)
  }
}
