import Bytes
import Kernels
import Planning
import Vectors

/// How window functions are computed on rows as they pass: the input ascends by columns that partition it, so whole
/// partitions lie together. Rows keep the input's order.
struct WindowStream {
  /// Columns that the input ascends by, each a partition key: rows that differ in them share no partition.
  let prefix: [Column]
  /// Their positions among the input's columns.
  let positions: [Int]
  /// True when the input ascends by partition and order whole, so that nothing is left to sort.
  let isSorted: Bool
  /// True when rows of equal prefix may lie in several morsels: whoever has the first of them reads on.
  let readsOn: Bool

  /// Nil when the input's order does not do. May read the input's key columns.
  init?(_ windowing: Windowing, over input: Operator) throws {
    let keys = windowing.partition.map { SortKey($0) } + windowing.order
    let columns = keys.map { $0.ascendingColumn }
    guard let first = columns.first, let first, !windowing.partition.isEmpty else { return nil }
    let unparted = Set(input.unpartedColumns)
    let all = columns.compactMap { $0 }
    if all.count == columns.count, try input.isOrdered(by: all) {
      prefix = Array(all.prefix(windowing.partition.count))
      isSorted = true
    } else if try input.isOrdered(by: [first]) {
      prefix = [first]
      isSorted = false
    } else {
      return nil
    }
    positions = prefix.compactMap { input.columns.firstIndex(of: $0) }
    readsOn = unparted.isEmpty || !unparted.isSubset(of: prefix)
    if positions.count != prefix.count || (readsOn && !input.isReplayable) { return nil }
  }
}

extension SortKey {
  /// The column that rows ascend by, NULLs last; nil for any other key.
  var ascendingColumn: Column? {
    guard !isDescending, !nullsFirst, case .column(let column) = expression else { return nil }
    return column
  }
}

/// Computes window functions of the rows that pass by, some whole runs of equal prefix at a time.
///
/// Where a run may go on in the next morsel, a morsel leaves its first run, the head, to whoever had a row before it,
/// and reads on through the heads of the morsels behind it. So each run is computed once, by the worker that has its
/// first row or the morsel before.
final class StreamedWindowWorker: OperatorWorker {
  private let operation: WindowOperator
  private let stream: WindowStream
  private let input: OperatorWorker
  /// Reads the heads of later morsels.
  private let ahead: OperatorWorker?
  private let partitionKeys: [CompiledExpression]
  private let sortKeys: CompiledSortKeys
  private let reservation: MemoryReservation
  private var size = BatchSize()
  private var pending: [Batch] = []
  private var pendingRows = 0
  private var nextAttempt = 0

  /// Thrown by a head's end, out of the morsel that is read for it.
  private struct HeadEnd: Error {}

  private static let chunkRows = 4 * Batch.vectorSize

  init(_ operation: WindowOperator, _ stream: WindowStream) throws {
    self.operation = operation
    self.stream = stream
    let columns = operation.input.columns
    input = try operation.input.worker()
    ahead = stream.readsOn ? try operation.input.worker() : nil
    partitionKeys = try operation.windowing.partition.map { try CompiledExpression($0, input: columns) }
    sortKeys = try CompiledSortKeys(operation.windowing.order, input: columns)
    reservation = operation.run.reservation(for: "window functions")
  }

  override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
    pending = []
    pendingRows = 0
    nextAttempt = StreamedWindowWorker.chunkRows
    var isHead = stream.readsOn && morsel > 0
    var head: [Vector]?
    try input.run(phase: 0, morsel: morsel) { batch in
      guard isHead else { return try add(batch, emit) }
      let length = headLength(batch, &head)
      if length == batch.rowCount { return }
      isHead = false
      try add(batch.slice(length..<batch.rowCount), emit)
    }
    if let ahead, !isHead { try readOn(ahead, after: morsel, emit) }
    try process(pendingBatch(), emit)
    pending = []
    try reservation.resize(to: 0)
  }

  private func readOn(_ ahead: OperatorWorker, after morsel: Int, _ emit: Emit) throws {
    let count = try operation.input.morselCount(phase: 0) ?? 0
    var next = morsel + 1
    while next < count {
      var head: [Vector]?
      do {
        try ahead.run(phase: 0, morsel: next) { batch in
          let length = headLength(batch, &head)
          if length > 0 { try add(batch.slice(0..<length), emit) }
          if length < batch.rowCount { throw HeadEnd() }
        }
      } catch is HeadEnd {
        return
      }
      next += 1
    }
  }

  /// Returns how many leading rows of `batch` have the prefix of a morsel's first row, which `head` keeps.
  private func headLength(_ batch: Batch, _ head: inout [Vector]?) -> Int {
    let keys = stream.positions.map { batch.columns[$0] }
    let first = head ?? keys.map { $0.slice(0..<1) }
    head = first
    let comparator = RowComparator(left: first, right: keys, orders: keys.map { _ in SortOrder() })
    // The rows ascend, so the equal ones are the first.
    var (low, high) = (0, batch.rowCount)
    while low < high {
      let middle = (low + high) / 2
      if comparator.compare(0, middle) == 0 { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func add(_ batch: Batch, _ emit: Emit) throws {
    pending.append(batch)
    pendingRows += batch.rowCount
    guard pendingRows >= nextAttempt else { return }
    let whole = pendingBatch()
    let starts = self.starts(stream.positions.map { whole.columns[$0] }, count: whole.rowCount)
    let last = starts.lastIndex(of: 1) ?? 0
    if last > 0 { try process(whole.slice(0..<last), starts: starts[0..<last], emit) }
    let rest = whole.slice(last..<whole.rowCount)
    pending = [rest]
    pendingRows = rest.rowCount
    // A long run is looked at again when it has doubled.
    nextAttempt = max(StreamedWindowWorker.chunkRows, pendingRows * 2)
    try reservation.resize(to: pendingRows > StreamedWindowWorker.chunkRows ? 2 * size.byteCount(rest) : 0)
  }

  private func pendingBatch() -> Batch {
    pending.count == 1 ? pending[0] : Concat.batches(pending, types: operation.input.types)
  }

  /// Marks by 1 the rows that differ from the row before, and the first.
  private func starts(_ columns: [Vector], count: Int) -> [UInt8] {
    var starts = [UInt8](repeating: 0, count: count)
    starts.withUnsafeMutableBufferPointer { flags in
      guard let base = flags.baseAddress else { return }
      base[0] = 1
      for column in columns { RunBoundaries.mark(column, into: base) }
    }
    return starts
  }

  private func process(_ batch: Batch, starts: ArraySlice<UInt8>? = nil, _ emit: Emit) throws {
    if batch.rowCount == 0 { return }
    let columns = operation.wanted.map { batch.columns[$0] }
    if stream.isSorted {
      let prefix = stream.positions.map { batch.columns[$0] }
      let all = starts ?? ArraySlice(self.starts(prefix, count: batch.rowCount))
      let results = try operation.results(Batch(columns, rowCount: batch.rowCount), starts: all)
      return try operation.emit(columns + results, rowCount: batch.rowCount, emit)
    }
    // Sorted for the calls alone: rows go on in the order they came.
    let partition = try partitionKeys.map { try $0.evaluate(batch, operation.run.evaluation) }
    let keys = partition + (try sortKeys.evaluate(batch, operation.run))
    let order = Sort.permutation(keys, orders: operation.orders, rowCount: batch.rowCount)
    var places = [UInt32](repeating: 0, count: batch.rowCount)
    for (place, row) in order.enumerated() { places[Int(row)] = UInt32(truncatingIfNeeded: place) }
    let results = try order.withUnsafeBufferPointer { order in
      let sorted = Batch(columns.map { Gather.rows($0, at: order) }, rowCount: batch.rowCount)
      let starts = self.starts(partition.map { Gather.rows($0, at: order) }, count: batch.rowCount)
      return try operation.results(sorted, starts: starts[...])
    }
    let back = places.withUnsafeBufferPointer { places in results.map { Gather.rows($0, at: places) } }
    try operation.emit(columns + back, rowCount: batch.rowCount, emit)
  }
}
