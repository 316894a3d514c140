import Kernels
import Planning
import Vectors

/// ORDER BY with LIMIT: every worker keeps its best rows only, and drops at once what cannot be among them.
final class TopNOperator: RowsOperator {
  private let input: Operator
  private let keys: [SortKey]
  private let compiled: CompiledSortKeys
  private let count: Expression
  private let offset: Expression?
  private let withTies: Bool

  init(
    _ node: PhysicalNode, _ run: QueryRun, input: Operator, keys: [SortKey], count: Expression, offset: Expression?,
    withTies: Bool
  ) throws {
    self.input = input
    self.keys = keys
    compiled = try CompiledSortKeys(keys, input: input.columns)
    self.count = count
    self.offset = offset
    self.withTies = withTies
    super.init(node, run)
  }

  override func prepare() throws {
    let limit = try Constants.rowCount(count, run, "LIMIT", sqlState: "2201W")
    let offset = try Constants.rowCount(offset, run, "OFFSET", sqlState: "2201X") ?? 0
    if limit == 0 { return }
    let needed = limit.map { $0.addingReportingOverflow(offset) }.map { $0.overflow ? Int.max : $0.partialValue }
    let reservations = Box<[MemoryReservation]>([])
    let sinks = try Pipeline.run(input) { _ -> TopNSink in
      let reservation = self.run.reservation(for: "ORDER BY")
      reservations.value.append(reservation)
      return TopNSink(self, needed ?? Int.max, reservation)
    }
    let candidates = sinks.flatMap { $0.batches }
    let best = try select(candidates, needed ?? Int.max)
    let cut = best.slice(min(offset, best.rowCount)..<best.rowCount)
    rows = cut.rowCount == 0 ? [] : [Batch(Array(cut.columns.dropLast()), rowCount: cut.rowCount)]
  }

  /// Returns the first `needed` rows, sorted, with those that tie with the last where asked. The last column of every
  /// batch is the row's position in the whole input, which decides between equals.
  fileprivate func select(_ batches: [Batch], _ needed: Int) throws -> Batch {
    let all = Concat.batches(batches, types: types + [.bigint])
    let vectors = try compiled.evaluate(Batch(Array(all.columns.dropLast()), rowCount: all.rowCount), run)
    var order = Sort.permutation(
      vectors + [all.columns[all.columns.count - 1]], orders: compiled.orders + [SortOrder()], rowCount: all.rowCount)
    if order.count > needed {
      var end = needed
      if withTies, needed > 0 {
        let comparator = RowComparator(vectors, orders: compiled.orders)
        while end < order.count, comparator.compare(Int(order[needed - 1]), Int(order[end])) == 0 { end += 1 }
      }
      order.removeLast(order.count - end)
    }
    return order.withUnsafeBufferPointer { Gather.rows(all, at: $0) }
  }

  /// Returns a test that drops rows whose first key lies beyond that of the worst row kept.
  fileprivate func threshold(_ worst: Scalar) throws -> CompiledPredicate? {
    guard let key = keys.first else { return nil }
    let type = key.expression.type
    if worst.isNull {
      // Among the first only where NULLs come first; then every value is worse.
      return key.nullsFirst ? try CompiledPredicate(.isNull(key.expression), input: input.columns) : nil
    }
    let bound = Expression.compare(
      key.isDescending ? .greaterOrEqual : .lessOrEqual, key.expression, .constant(worst, type))
    return try CompiledPredicate(
      key.nullsFirst ? .or([.isNull(key.expression), bound]) : bound, input: input.columns)
  }

  private final class TopNSink: Sink {
    let operation: TopNOperator
    let needed: Int
    let reservation: MemoryReservation
    var batches: [Batch] = []
    private var rowCount = 0
    private var position: Int64 = 0
    private var test: CompiledPredicate?
    private var size = BatchSize()
    private var kept = 0

    init(_ operation: TopNOperator, _ needed: Int, _ reservation: MemoryReservation) {
      self.operation = operation
      self.needed = needed
      self.reservation = reservation
    }

    override func begin(ordinal: Int) { position = Int64(ordinal) << 32 }

    override func consume(_ batch: Batch) throws {
      let start = position
      position += Int64(batch.rowCount)
      var rows = batch
      var positions: [Int64]
      if let test, let selection = try test.select(batch, operation.run.evaluation) {
        if selection.count == 0 { return }
        rows = Gather.rows(batch, selection)
        positions = selection.indices.map { start + Int64($0) }
      } else {
        positions = (0..<batch.rowCount).map { start + Int64($0) }
      }
      var builder = VectorBuilder(.bigint, capacity: rows.rowCount)
      builder.values(as: Int64.self).update(from: &positions, count: rows.rowCount)
      builder.advance(by: rows.rowCount)
      let numbered = Batch(rows.columns + [builder.finish()], rowCount: rows.rowCount)
      batches.append(numbered)
      rowCount += rows.rowCount
      try reservation.add(size.byteCount(numbered))
      let (double, overflow) = needed.multipliedReportingOverflow(by: 2)
      if !overflow, rowCount >= max(double, 4 * Batch.vectorSize), rowCount >= 2 * kept { try shrink() }
    }

    private func shrink() throws {
      let best = try operation.select(batches, needed)
      batches = [best]
      rowCount = best.rowCount
      kept = rowCount
      size = BatchSize()
      try reservation.resize(to: size.byteCount(best))
      if best.rowCount >= needed {
        let last = best.slice((best.rowCount - 1)..<best.rowCount)
        let keys = try operation.compiled.evaluate(
          Batch(Array(last.columns.dropLast()), rowCount: 1), operation.run)
        test = try keys.first.flatMap { try operation.threshold($0.scalar(at: 0)) }
      }
    }
  }
}
