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

/// Computes window functions of the rows that pass by, some whole runs of equal prefix at a time: those of one window, or
/// of several above one another that have the same prefix.
///
/// Where a run may go on in the next morsel, a morsel leaves its first run, the head, to whoever had a row before it,
/// and reads on through the heads of the morsels behind it. So each run is computed once, by the worker that has its
/// first row or the morsel before.
final class StreamedWindowWorker: OperatorWorker {
  /// The lowest window first.
  private let stages: [StreamedWindow]
  private let source: Operator
  private let stream: WindowStream
  private var input: OperatorWorker
  /// Reads the heads of later morsels.
  private var ahead: OperatorWorker?
  /// The morsel that was read last for its head.
  private var aheadMorsel: Int?
  /// Where the input's rows are put that will be computed together, and the results that will be written together; nil
  /// where that are few, which the cache holds twice.
  private let arena: RowArena?
  private let reservation: MemoryReservation
  /// Whole runs of so many rows are computed without waiting for more.
  private let limit: Int
  private var size = BatchSize()
  private var pending: [Batch] = []
  private var pendingRows = 0
  private var pendingBytes = 0
  /// The first of the pending rows that are whole runs.
  private var wholeRows = 0
  /// The prefix of the last row that is pending.
  private var last: [Vector] = []

  /// Thrown by a head's end, out of the morsel that is read for it.
  private struct HeadEnd: Error {}

  /// Rows that are computed together, so that what is made of them stays in the cache.
  private static let chunkRows = 4 * Batch.vectorSize
  /// Most morsels are row groups; those, with what is read on, lie end to end in memory when they are written.
  private static let wholeMorselRows = 80 * Batch.vectorSize

  /// Takes windows above one another, the lowest first, each with a stream of the same prefix.
  init(_ windows: [WindowOperator]) throws {
    stages = try windows.map { try StreamedWindow($0) }
    source = windows[0].input
    stream = stages[0].stream
    input = try source.worker()
    ahead = stream.readsOn ? try source.worker() : nil
    reservation = windows[0].run.reservation(for: "window functions")
    let isWhole = windows.last?.prefersWholeMorsels ?? false
    limit = isWhole ? StreamedWindowWorker.wholeMorselRows : StreamedWindowWorker.chunkRows
    arena = isWhole ? RowArena(rowCapacity: StreamedWindowWorker.wholeMorselRows * 3 / 2) : nil
    if let arena {
      input.place(in: arena)
      ahead?.place(in: arena)
    }
  }

  override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
    setPending([])
    arena?.reset()
    if let ahead, aheadMorsel == morsel {
      // It has the morsel's columns open.
      (input, self.ahead) = (ahead, input)
      aheadMorsel = nil
    }
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
    let rest = pending
    setPending([])
    try compute(rest, emit)
    try reservation.resize(to: 0)
  }

  private func setPending(_ batches: [Batch]) {
    pending = batches
    pendingRows = batches.reduce(0) { $0 + $1.rowCount }
    pendingBytes = batches.reduce(0) { $0 + size.byteCount($1) }
    wholeRows = 0
  }

  private func readOn(_ ahead: OperatorWorker, after morsel: Int, _ emit: Emit) throws {
    let count = try source.morselCount(phase: 0) ?? 0
    var next = morsel + 1
    while next < count {
      var head: [Vector]?
      aheadMorsel = next
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
    let keys = stream.positions.map { batch.columns[$0] }
    let end = batch.rowCount - 1
    let start = lastRun(keys, rowCount: batch.rowCount)
    if start > 0 || (pendingRows > 0 && isAnother(keys)) { wholeRows = pendingRows + start }
    last = keys.map { $0.slice(end..<end + 1) }
    pending.append(batch)
    pendingRows += batch.rowCount
    pendingBytes += size.byteCount(batch)
    if wholeRows >= limit {
      // The last run begins in this batch.
      let whole = pending.dropLast() + (start > 0 ? [batch.slice(0..<start)] : [])
      setPending([batch.slice(start..<batch.rowCount)])
      try compute(Array(whole), emit)
    }
    try reservation.resize(to: pendingRows > limit ? 2 * pendingBytes : 0)
  }

  /// Returns where the run begins that a batch ends with.
  private func lastRun(_ keys: [Vector], rowCount: Int) -> Int {
    let comparator = RowComparator(keys, orders: keys.map { _ in SortOrder() })
    let end = rowCount - 1
    if comparator.compare(0, end) == 0 { return 0 }
    // The rows ascend, so the equal ones are the last.
    var (low, high) = (0, end)
    while low < high {
      let middle = (low + high) / 2
      if comparator.compare(middle, end) == 0 { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// True when a batch's first row has another prefix than the last row that is pending.
  private func isAnother(_ keys: [Vector]) -> Bool {
    RowComparator(left: last, right: keys, orders: keys.map { _ in SortOrder() }).compare(0, 0) != 0
  }

  /// Computes whole runs, some at a time, and hands them on.
  private func compute(_ batches: [Batch], _ emit: Emit) throws {
    if batches.isEmpty { return }
    let whole = batches.count == 1 ? batches[0] : Concat.batches(batches, types: source.types)
    let starts = [UInt8](unsafeUninitializedCapacity: whole.rowCount) { flags, used in
      used = whole.rowCount
      guard let base = flags.baseAddress else { return }
      base.update(repeating: 0, count: used)
      base[0] = 1
      for position in stream.positions { RunBoundaries.mark(whole.columns[position], into: base) }
    }
    var start = 0
    while start < whole.rowCount {
      var end = min(start + StreamedWindowWorker.chunkRows, whole.rowCount)
      while end < whole.rowCount, starts[end] == 0 { end += 1 }
      var chunk = whole.slice(start..<end)
      for (index, stage) in stages.enumerated() {
        if index == stages.count - 1 {
          chunk = try stage.compute(chunk, starts[start..<end], arena)
        } else {
          chunk = try stage.metered(chunk.rowCount) { try stage.compute(chunk, starts[start..<end], arena) }
        }
      }
      try WindowOperator.emit(chunk, emit)
      start = end
    }
  }
}

/// One window of those that rows pass by.
private struct StreamedWindow {
  let operation: WindowOperator
  let stream: WindowStream
  private let partitionKeys: [CompiledExpression]
  private let sortKeys: CompiledSortKeys

  init(_ operation: WindowOperator) throws {
    guard let stream = operation.stream else { throw PulsehouseError(.internal, "a window whose rows do not pass by") }
    self.operation = operation
    self.stream = stream
    let columns = operation.input.columns
    partitionKeys = try operation.windowing.partition.map { try CompiledExpression($0, input: columns) }
    sortKeys = try CompiledSortKeys(operation.windowing.order, input: columns)
  }

  /// Counts the rows and the time of a window whose worker is that of a window above.
  func metered<T>(_ rowCount: Int, _ body: () throws -> T) rethrows -> T {
    operation.metrics.countRows(rowCount)
    guard operation.run.context.isTimed else { return try body() }
    let watch = Stopwatch.ofThread
    let outer = watch.enter(operation.metrics)
    defer { _ = watch.enter(outer) }
    return try body()
  }

  /// Returns the outputs of whole runs, which begin where `starts` is 1.
  func compute(_ batch: Batch, _ starts: ArraySlice<UInt8>, _ arena: RowArena?) throws -> Batch {
    let count = batch.rowCount
    let columns = operation.wanted.map { batch.columns[$0] }
    if stream.isSorted {
      return operation.output(
        columns + (try operation.results(Batch(columns, rowCount: count), starts: starts, into: arena)),
        rowCount: count)
    }
    let partition = try partitionKeys.map { try $0.evaluate(batch, operation.run.evaluation) }
    if operation.isOverPartitions {
      let results = try operation.results(
        Batch(columns, rowCount: count), partitions: RunGroups(partition, rowCount: count), into: arena)
      return operation.output(columns + results, rowCount: count)
    }
    // Sorted for the calls alone: rows go on in the order they came.
    let keys = partition + (try sortKeys.evaluate(batch, operation.run))
    let order = Sort.permutation(keys, orders: operation.orders, rowCount: count)
    var places = [UInt32](repeating: 0, count: count)
    for (place, row) in order.enumerated() { places[Int(row)] = UInt32(truncatingIfNeeded: place) }
    let results = try order.withUnsafeBufferPointer { order in
      let sorted = Batch(columns.map { Gather.rows($0, at: order) }, rowCount: count)
      var starts = [UInt8](repeating: 0, count: count)
      starts.withUnsafeMutableBufferPointer { flags in
        guard let base = flags.baseAddress else { return }
        base[0] = 1
        for key in partition { RunBoundaries.mark(Gather.rows(key, at: order), into: base) }
      }
      return try operation.results(sorted, starts: starts[...])
    }
    let back = places.withUnsafeBufferPointer { places in results.map { Gather.rows($0, at: places) } }
    return operation.output(columns + back, rowCount: count)
  }
}
