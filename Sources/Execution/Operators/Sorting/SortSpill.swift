import Bytes
import Kernels
import Synchronization
import Vectors

/// What the workers that store the rows of one sort agree on, and how its rows look on disk: the stored columns, and
/// behind them where in the input a row came, so that rows of equal keys keep their order.
final class SortSpill: @unchecked Sendable {
  // @unchecked: immutable but for an atomic; compiled expressions are not changed by evaluation.

  let run: QueryRun
  let columns: StoredColumns
  let purpose: String
  /// Orders of the sort keys and of the place.
  let orders: [SortOrder]
  /// Rows that differ in none of the first so many keys stay together.
  let unpartedKeys: Int
  let types: [LogicalType]
  /// How rows lie that are stored.
  let layout: RowLayout
  private let full = Atomic<Bool>(false)

  /// Bytes that sorting takes for each stored row: its key and number, by row and by bucket.
  static let pairBytes = 24

  init(
    _ input: Operator, _ columns: StoredColumns, orders: [SortOrder], partitionCount: Int?, for purpose: String
  ) throws {
    run = input.run
    self.columns = columns
    self.purpose = purpose
    self.orders = orders + [SortOrder()]
    unpartedKeys = partitionCount ?? orders.count + 1
    types = columns.types + [.bigint]
    let ranges = try columns.kept.map { try input.bounds(of: input.columns[$0]) }
    layout = RowLayout(columns.types, ranges: ranges + columns.computed.map { _ in nil })
  }

  var isOnDisk: Bool { full.load(ordering: .relaxed) }

  func close() { full.store(true, ordering: .relaxed) }

  /// Reserves what a worker has stored; where that is more than memory holds beside what writing takes, the rows to
  /// come go to disk.
  func take(_ byteCount: Int, _ reservation: MemoryReservation) {
    let budget = run.context.budget
    let fits = reservation.tryResize(to: reservation.byteCount + byteCount)
    let perWorker = 3 * runBytes + RowStore.chunkRows * (layout.stride + SortSpill.pairBytes)
    if !fits || budget.reserved > budget.limit / 8 * 7 - perWorker * run.threadCount { close() }
  }

  /// Bytes of rows that a worker sorts and writes at once; they are in memory three times then.
  var runBytes: Int { min(64 << 20, run.context.budget.limit / (10 * run.threadCount)) }

  /// The sort keys among columns that are stored, then the place.
  func keys(_ rows: Batch) -> [Vector] {
    columns.keyColumns.map { rows.columns[$0] } + [rows.columns[rows.columns.count - 1]]
  }

  var keyTypes: [LogicalType] { columns.keyColumns.map { columns.types[$0] } + [.bigint] }

  /// Returns the rows in sorted order.
  func sorted(_ rows: Batch) -> Batch {
    let order = Sort.permutation(keys(rows), orders: orders, rowCount: rows.rowCount)
    return order.withUnsafeBufferPointer { Gather.rows(rows, at: $0) }
  }
}

/// Sorted rows on disk, and the keys of the first row of each block and of the last row of all.
struct SortedRun {
  let rows: SpillRun
  let bounds: Batch
}

/// Sorts one worker's rows and writes them, as many at a time as memory holds.
final class SortRunWriter {
  private let spill: SortSpill
  private var pending: [Batch] = []
  private var size = BatchSize()
  private var byteCount = 0
  private let reservation: MemoryReservation
  private(set) var runs: [SortedRun] = []

  init(_ spill: SortSpill) {
    self.spill = spill
    reservation = spill.run.reservation(for: spill.purpose)
  }

  /// Adds rows of stored columns: those from `row` on of a morsel.
  func append(_ columns: [Vector], rowCount: Int, _ ordinal: Int, _ row: Int) throws {
    let places = AlignedBuffer(byteCount: rowCount * 8)
    let first = Int64(truncatingIfNeeded: ordinal) << 32 | Int64(truncatingIfNeeded: row)
    for row in 0..<rowCount { places.values(as: Int64.self)[row] = first &+ Int64(row) }
    let batch = Batch(columns + [Vector(.bigint, count: rowCount, buffer: places)], rowCount: rowCount)
    let bytes = size.byteCount(batch)
    if !pending.isEmpty, byteCount + bytes > spill.runBytes || !reservation.tryResize(to: 3 * (byteCount + bytes)) {
      try write()
    }
    try reservation.resize(to: 3 * (byteCount + bytes))
    byteCount += bytes
    pending.append(batch)
  }

  /// Writes what waits as a run.
  func write() throws {
    guard !pending.isEmpty else { return }
    try spill.run.checkpoint()
    let all = Concat.batches(pending, types: spill.types)
    pending = []
    let sorted = spill.sorted(all)
    let run = SpillRun(try spill.run.spillFile(), types: spill.types)
    // The more blocks, the better their bounds tell how the rows lie.
    let blockRows = max(64, min(Batch.vectorSize, sorted.rowCount / 8))
    var bounds: [UInt32] = []
    var start = 0
    while start < sorted.rowCount {
      let end = min(start + blockRows, sorted.rowCount)
      bounds.append(UInt32(truncatingIfNeeded: start))
      try run.append(sorted.slice(start..<end))
      try run.write()
      start = end
    }
    bounds.append(UInt32(truncatingIfNeeded: sorted.rowCount - 1))
    // Coded once, so that they do not keep the strings of all rows.
    let keys = bounds.withUnsafeBufferPointer { bounds in
      Gather.rows(Batch(spill.keys(sorted), rowCount: sorted.rowCount), at: bounds)
    }
    let own = try BatchCoding.decode(BatchCoding.encode(keys), spill.keyTypes, rowCount: bounds.count)
    runs.append(SortedRun(rows: run, bounds: own))
    byteCount = 0
    size = BatchSize()
    try reservation.resize(to: 0)
  }
}
