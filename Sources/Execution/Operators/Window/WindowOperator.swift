import Bytes
import Kernels
import Planning
import Synchronization
import Vectors

/// Window functions over one partitioning and order: stores all rows, then sorts and computes runs of whole partitions
/// side by side.
final class WindowOperator: Operator {
  private let input: Operator
  let windowing: Windowing
  /// The input's columns that are stored, in their order there; calls and keys are compiled against them.
  private let stored: StoredColumns
  private let orders: [SortOrder]
  private let partitionKeys: [CompiledExpression]
  let orderKeys: CompiledSortKeys
  let calls: [CompiledWindowCall]
  /// True when a call asks which rows the order does not tell apart.
  let needsPeers: Bool
  private var sorted: SortedRows?
  private var morsels: [Range<Int>] = []

  /// Rows that a morsel has at least, when there are so many; then it ends with the partition.
  private static let morselRows = 16 * Batch.vectorSize

  init(_ node: PhysicalNode, _ run: QueryRun, input: Operator, windowing: Windowing) throws {
    self.input = input
    self.windowing = windowing
    let keys = windowing.partition + windowing.order.map { $0.expression }
    stored = try StoredColumns(wanted: Set(input.columns.indices), keys: keys, input: input.columns)
    let kept = stored.kept.map { input.columns[$0] }
    partitionKeys = try windowing.partition.map { try CompiledExpression($0, input: kept) }
    orderKeys = try CompiledSortKeys(windowing.order, input: kept)
    orders = windowing.partition.map { _ in SortOrder() } + orderKeys.orders
    calls = try windowing.calls.map { try CompiledWindowCall($0, windowing, input: kept, run) }
    needsPeers = calls.contains { call in
      switch call.function {
      case .rowNumber, .ntile, .lag, .lead: false
      case .aggregate: !call.frame.isWholePartition && !windowing.order.isEmpty
      default: true
      }
    }
    super.init(node, run)
  }

  override func prepare() throws {
    let sorted = try SortedRows(
      input, stored, orders: orders, partitionCount: partitionKeys.count, for: "window functions")
    metrics.memoryCounter.store(sorted.reservation.byteCount, ordering: .relaxed)
    morsels = sorted.morsels(of: WindowOperator.morselRows)
    self.sorted = sorted
  }

  override func morselCount(phase: Int) throws -> Int? { phase == 0 ? morsels.count : nil }

  override func makeWorker() throws -> OperatorWorker { Worker(self) }

  override func finish() { sorted = nil }

  private final class Worker: OperatorWorker {
    let operation: WindowOperator
    let sorter = PairSorter()

    init(_ operation: WindowOperator) { self.operation = operation }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      guard let sorted = operation.sorted else { throw PulsehouseError(.internal, "a window that has ended") }
      let buckets = operation.morsels[morsel]
      try sorted.sort(buckets, sorter)
      let range = sorted.rows(of: buckets)
      let store = sorted.store
      // Partitions end with buckets, and a bucket may hold many rows: they are taken in runs of whole partitions.
      let starts = try partitionStarts(sorted, range)
      var start = 0
      while start < range.count {
        var end = min(start + WindowOperator.morselRows, range.count)
        while end < range.count, starts[end] == 0 { end += 1 }
        let rows = store.rows(sorted.sortedNumbers(range) + start, count: end - start)
        let batch = Batch(
          operation.stored.kept.indices.map { store.column($0, of: rows) }, rowCount: end - start)
        try compute(batch, starts: starts[start..<end], emit)
        start = end
      }
    }

    private func partitionStarts(_ sorted: SortedRows, _ range: Range<Int>) throws -> [UInt8] {
      if let known = sorted.partitionStarts(range) { return known }
      let rows = sorted.store.rows(sorted.sortedNumbers(range), count: range.count)
      var starts = [UInt8](repeating: 0, count: range.count)
      starts[0] = 1
      for column in operation.stored.keyColumns.prefix(operation.partitionKeys.count) {
        let vector = sorted.store.column(column, of: rows)
        starts.withUnsafeMutableBufferPointer { flags in
          if let base = flags.baseAddress { RunBoundaries.mark(vector, into: base) }
        }
      }
      return starts
    }

    private func compute(_ batch: Batch, starts: ArraySlice<UInt8>, _ emit: Emit) throws {
      let chunk = try WindowChunk(operation, batch, starts: starts)
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
