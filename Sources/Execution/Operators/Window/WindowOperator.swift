import Kernels
import Planning
import Synchronization
import Vectors

/// Window functions over one partitioning and order: keeps and sorts all rows, then computes runs of whole partitions
/// side by side.
final class WindowOperator: Operator {
  private let input: Operator
  let windowing: Windowing
  private let partitionKeys: [CompiledExpression]
  let orderKeys: CompiledSortKeys
  let calls: [CompiledWindowCall]
  private var rows = Batch([], rowCount: 0)
  private var order: [UInt32] = []
  private var reservation: MemoryReservation?
  /// 1 where a partition begins, by sorted row.
  private var starts: [UInt8] = []
  private var chunks: [Range<Int>] = []

  /// Rows that a morsel has at least, when there are so many; then it ends with the partition.
  private static let chunkRows = 16 * Batch.vectorSize

  init(_ node: PhysicalNode, _ run: QueryRun, input: Operator, windowing: Windowing) throws {
    self.input = input
    self.windowing = windowing
    partitionKeys = try windowing.partition.map { try CompiledExpression($0, input: input.columns) }
    orderKeys = try CompiledSortKeys(windowing.order, input: input.columns)
    calls = try windowing.calls.map { try CompiledWindowCall($0, windowing, input: input.columns, run) }
    super.init(node, run)
  }

  override func prepare() throws {
    let kept = try CollectSink.collect(input, for: "window functions")
    let reservation = kept.reservation ?? run.reservation(for: "window functions")
    self.reservation = reservation
    try reservation.resize(to: reservation.byteCount * 2 + kept.rowCount * 24)
    rows = Concat.batches(kept.batches, types: input.types)
    let count = rows.rowCount
    let partitions = try partitionKeys.map { try $0.evaluate(rows, run.evaluation) }
    let ordering = try orderKeys.evaluate(rows, run)
    order = Sort.permutation(
      partitions + ordering, orders: partitions.map { _ in SortOrder() } + orderKeys.orders, rowCount: count)
    starts = [UInt8](repeating: 0, count: count)
    if count > 0 { starts[0] = 1 }
    order.withUnsafeBufferPointer { order in
      starts.withUnsafeMutableBufferPointer { starts in
        guard let base = starts.baseAddress else { return }
        for column in partitions { RunBoundaries.mark(Gather.rows(column, at: order), into: base) }
      }
    }
    var start = 0
    while start < count {
      var end = min(start + WindowOperator.chunkRows, count)
      while end < count, starts[end] == 0 { end += 1 }
      chunks.append(start..<end)
      start = end
    }
    metrics.memoryCounter.store(reservation.byteCount, ordering: .relaxed)
    try reservation.resize(to: (reservation.byteCount - count * 24) / 2 + count * 5)
  }

  override func morselCount(phase: Int) throws -> Int? { phase == 0 ? chunks.count : nil }

  override func makeWorker() throws -> OperatorWorker { Worker(self) }

  override func finish() {
    rows = Batch([], rowCount: 0)
    order = []
    starts = []
    reservation = nil
  }

  private final class Worker: OperatorWorker {
    let operation: WindowOperator

    init(_ operation: WindowOperator) { self.operation = operation }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      let range = operation.chunks[morsel]
      let batch = operation.order[range].withUnsafeBufferPointer { Gather.rows(operation.rows, at: $0) }
      let chunk = try WindowChunk(operation, batch, starts: operation.starts[range])
      var results: [Vector] = []
      for call in operation.calls {
        try operation.run.checkpoint()
        results.append(try chunk.compute(call).retyped(as: call.type))
      }
      let whole = Batch(batch.columns + results, rowCount: batch.rowCount)
      var start = 0
      while start < whole.rowCount {
        let end = min(start + Batch.vectorSize, whole.rowCount)
        try emit(whole.slice(start..<end))
        start = end
      }
    }
  }
}

/// A window function made runnable.
struct CompiledWindowCall {
  let function: WindowFunction
  let type: LogicalType
  let arguments: [CompiledExpression]
  /// The order column again, then `bound` for each end of a RANGE frame with a distance.
  let frame: CompiledFrame
  let filter: CompiledPredicate?
  let aggregate: CompiledAggregate?

  init(_ call: WindowCall, _ windowing: Windowing, input: [Column], _ run: QueryRun) throws {
    function = call.function
    type = call.output.type
    frame = try CompiledFrame(call.frame, windowing, input: input, run)
    filter = try call.filter.map { try CompiledPredicate($0, input: input) }
    if case .aggregate(let function) = call.function {
      let inner = AggregateCall(function, call.arguments, output: call.output)
      aggregate = try CompiledAggregate(inner, input: input, run)
      arguments = []
    } else {
      aggregate = nil
      arguments = try call.arguments.map { try CompiledExpression($0, input: input) }
    }
  }
}
