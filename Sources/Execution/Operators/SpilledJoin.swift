import Bytes
import Kernels
import Planning
import Vectors

/// A join of which both sides are on disk by the hash of their keys: a partition is joined as a whole join is in
/// memory. Rows come in any order.
final class SpilledJoin: @unchecked Sendable {
  // @unchecked: the sides are written before a partition is joined; each partition is one thread's.
  private let operation: JoinOperator
  private let left: [SpillPartitions]
  private let right: [SpillPartitions]
  /// Whether any right row has a NULL key, in whatever partition.
  private let hasNullKeys: Bool

  static let bits = 6
  var partitionCount: Int { 1 << SpilledJoin.bits }

  init(_ operation: JoinOperator, left: [SpillPartitions], right: [SpillPartitions], hasNullKeys: Bool) {
    self.operation = operation
    self.left = left
    self.right = right
    self.hasNullKeys = hasNullKeys
  }

  private var keyCount: Int { operation.join.leftKeys.count }

  func run(partition: Int, _ emit: Emit) throws {
    try run(HashPart(partition: partition, bits: SpilledJoin.bits), emit)
    left.discard(partition: partition)
    right.discard(partition: partition)
  }

  private func run(_ part: HashPart, _ emit: Emit) throws {
    let reservation = operation.run.reservation(for: "join")
    guard let side = try side(part, reservation) else {
      for smaller in part.parts { try run(smaller, emit) }
      return
    }
    let worker = JoinWorker(operation, side)
    try left.forEach(part, keyCount: keyCount) { batch in
      try operation.run.checkpoint()
      try worker.probe(Batch(Array(batch.columns[keyCount...]), rowCount: batch.rowCount), emit)
    }
    guard let flags = side.flags else { return }
    let matched = flags.values(as: UInt8.self)
    let unmatched = (0..<side.build.rowCount).filter { matched[$0] == 0 }.map { UInt32(truncatingIfNeeded: $0) }
    try operation.emitUnmatched(side.build, unmatched[...], emit)
  }

  /// Indexes the right rows of a part; nil when they do not fit memory and a smaller part may.
  private func side(_ part: HashPart, _ reservation: MemoryReservation) throws -> JoinSide? {
    var batches: [Batch] = []
    var size = BatchSize()
    var byteCount = 0
    var isTooLarge = false
    // They are put together to be indexed, and of an as-of join in order once more.
    let copies = operation.isNearest ? 3 : 2
    func fits(_ total: Int) throws -> Bool {
      if reservation.tryResize(to: total) { return true }
      if part.bits < HashPart.finestBits, batches.count > 1 { return false }
      try reservation.resize(to: total)
      return true
    }
    try right.forEach(part, keyCount: keyCount) { batch in
      if isTooLarge { return }
      try operation.run.checkpoint()
      byteCount += size.byteCount(batch)
      batches.append(batch)
      isTooLarge = try !fits(byteCount * copies)
    }
    if isTooLarge {
      try reservation.resize(to: 0)
      return nil
    }
    let types = operation.join.rightKeys.map { $0.type } + operation.rightTypes
    var all = Concat.batches(batches, types: types + (operation.isNearest ? [.bigint] : []))
    batches.removeAll()
    if operation.isNearest { all = SpilledJoin.inOrder(all) }
    let build = Batch(Array(all.columns[keyCount...]), rowCount: all.rowCount)
    let table = try JoinTable(
      keys: Array(all.columns[..<keyCount]), rowCount: all.rowCount, nullsMatch: operation.join.nullsMatch
    ) { bytes in
      try operation.run.checkpoint()
      try reservation.resize(to: byteCount * copies + bytes)
    }
    return JoinSide(
      build: build, table: table, nearest: try operation.nearestRows(table, build),
      flags: operation.keepsRight ? AlignedBuffer(byteCount: max(1, build.rowCount), zeroed: true) : nil,
      whole: (isEmpty: false, hasNullKeys: hasNullKeys))
  }
}

extension SpilledJoin {
  /// Returns rows in the order of the numbers in their last column, without these.
  fileprivate static func inOrder(_ all: Batch) -> Batch {
    let count = all.rowCount
    guard let numbers = all.columns.last?.flattened() else { return all }
    let keys = AlignedBuffer(byteCount: max(8, count * 8))
    let rows = AlignedBuffer(byteCount: max(4, count * 4))
    for row in 0..<count {
      keys.values(as: UInt64.self)[row] = numbers.values(as: UInt64.self)[row]
      rows.values(as: UInt32.self)[row] = UInt32(truncatingIfNeeded: row)
    }
    PairSorter().sort(keys.values(as: UInt64.self), rows.values(as: UInt32.self), count: count, bits: 63)
    let order = UnsafeBufferPointer(start: UnsafePointer(rows.values(as: UInt32.self)), count: count)
    return withExtendedLifetime(rows) {
      Gather.rows(Batch(Array(all.columns.dropLast()), rowCount: count), at: order)
    }
  }
}

/// The kept right side of a join, or of a part of it.
struct JoinSide {
  let build: Batch
  /// Nil without keys.
  let table: JoinTable?
  /// Of an as-of join: the rows of each key in order.
  let nearest: NearestRows?
  /// A byte for each right row: did it find a match? Nil when nobody asks.
  let flags: AlignedBuffer?
  /// Of a part: what is true of the whole right side.
  var whole: (isEmpty: Bool, hasNullKeys: Bool)?
}
