import Bytes
import Kernels
import Planning
import Synchronization
import Vectors

/// ORDER BY: stores all rows, sorts bucket by bucket; where memory is short, part by part from disk. Equal rows keep the
/// input's order.
final class SortOperator: Operator {
  private let input: Operator
  private let orders: [SortOrder]
  private let stored: StoredColumns
  private var sorted: SortedRows?
  private var morsels: [Range<Int>] = []
  private var spilled: SpilledRows?

  /// Rows that a morsel has at least, when there are so many.
  private var morselRows = 16 * Batch.vectorSize
  /// So long that morsels, which end with buckets, are cut evenly into row groups by whoever writes them.
  private static let wholeMorselRows = 128 * Batch.vectorSize

  init(_ node: PhysicalNode, _ run: QueryRun, input: Operator, keys: [SortKey]) throws {
    self.input = input
    orders = keys.map { SortOrder(isDescending: $0.isDescending, nullsFirst: $0.nullsFirst) }
    stored = try StoredColumns(
      wanted: Set(input.columns.indices), keys: keys.map { $0.expression }, input: input.columns)
    super.init(node, run)
  }

  override func prepare() throws {
    switch try SortedRows.collect(input, stored, orders: orders, partitionCount: nil, for: "ORDER BY") {
    case .kept(let sorted):
      metrics.memoryCounter.store(sorted.reservation.byteCount, ordering: .relaxed)
      morsels = sorted.morsels(of: morselRows)
      self.sorted = sorted
    case .spilled(let rows): spilled = rows
    }
  }

  override func preferWholeMorsels() { morselRows = SortOperator.wholeMorselRows }

  override func morselCount(phase: Int) throws -> Int? { phase == 0 ? spilled?.partCount ?? morsels.count : nil }

  override func makeWorker() throws -> OperatorWorker { Worker(self) }

  override func finish() {
    sorted = nil
    spilled = nil
  }

  private final class Worker: OperatorWorker {
    let operation: SortOperator
    let sorter = PairSorter()

    init(_ operation: SortOperator) { self.operation = operation }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      if let spilled = operation.spilled {
        let (rows, reservation) = try spilled.rows(ofPart: morsel)
        defer { withExtendedLifetime(reservation) {} }
        // The input's columns come first of all that is stored, each in its place.
        let output = Batch(Array(rows.columns.prefix(operation.columns.count)), rowCount: rows.rowCount)
        var start = 0
        while start < output.rowCount {
          let end = min(start + Batch.vectorSize, output.rowCount)
          try emit(output.slice(start..<end))
          start = end
        }
        return
      }
      guard let sorted = operation.sorted else { throw PulsehouseError(.internal, "a sort that has ended") }
      let buckets = operation.morsels[morsel]
      try sorted.sort(buckets, sorter)
      let range = sorted.rows(of: buckets)
      let numbers = sorted.sortedNumbers(range)
      var start = 0
      while start < range.count {
        let end = min(start + Batch.vectorSize, range.count)
        let columns = sorted.store.columns(
          Array(operation.columns.indices), numbers + start, count: end - start)
        try emit(Batch(columns, rowCount: end - start))
        start = end
      }
    }
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
