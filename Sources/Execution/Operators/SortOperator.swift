import Kernels
import Planning
import Synchronization
import Vectors

/// Rows in memory that are given in another order: a permutation of one large batch.
class PermutedOperator: Operator {
  var rows = Batch([], rowCount: 0)
  var order: [UInt32] = []
  var reservation: MemoryReservation?

  private static let morselRows = 16 * Batch.vectorSize

  override func morselCount(phase: Int) throws -> Int? {
    phase == 0 ? (order.count + PermutedOperator.morselRows - 1) / PermutedOperator.morselRows : nil
  }

  override func makeWorker() throws -> OperatorWorker { Worker(self) }

  override func finish() {
    rows = Batch([], rowCount: 0)
    order = []
    reservation = nil
  }

  private final class Worker: OperatorWorker {
    let source: PermutedOperator

    init(_ source: PermutedOperator) { self.source = source }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      var start = morsel * PermutedOperator.morselRows
      let end = min(start + PermutedOperator.morselRows, source.order.count)
      while start < end {
        let next = min(start + Batch.vectorSize, end)
        try emit(source.order[start..<next].withUnsafeBufferPointer { Gather.rows(source.rows, at: $0) })
        start = next
      }
    }
  }
}

/// ORDER BY: keeps all rows, sorts their numbers. Equal rows keep the input's order.
final class SortOperator: PermutedOperator {
  private let input: Operator
  private let keys: CompiledSortKeys

  init(_ node: PhysicalNode, _ run: QueryRun, input: Operator, keys: [SortKey]) throws {
    self.input = input
    self.keys = try CompiledSortKeys(keys, input: input.columns)
    super.init(node, run)
  }

  override func prepare() throws {
    let kept = try CollectSink.collect(input, for: "ORDER BY")
    let reservation = kept.reservation ?? run.reservation(for: "ORDER BY")
    self.reservation = reservation
    // The copy in one piece, a key word and a row number for each row.
    try reservation.resize(to: reservation.byteCount * 2 + kept.rowCount * 24)
    rows = Concat.batches(kept.batches, types: types)
    let vectors = try keys.evaluate(rows, run)
    order = Sort.permutation(vectors, orders: keys.orders, rowCount: rows.rowCount)
    metrics.memoryCounter.store(reservation.byteCount, ordering: .relaxed)
    try reservation.resize(to: (reservation.byteCount - kept.rowCount * 24) / 2 + kept.rowCount * 4)
  }
}

/// Sort keys made runnable.
struct CompiledSortKeys {
  let expressions: [CompiledExpression]
  let orders: [SortOrder]

  init(_ keys: [SortKey], input: [Column]) throws {
    expressions = try keys.map { try CompiledExpression($0.expression, input: input) }
    orders = keys.map { SortOrder(isDescending: $0.isDescending, nullsFirst: $0.nullsFirst) }
  }

  func evaluate(_ batch: Batch, _ run: QueryRun) throws -> [Vector] {
    try expressions.map { try $0.evaluate(batch, run.evaluation) }
  }
}
