import Bytes
import Kernels
import Planning
import Synchronization
import Vectors

/// Window functions over one partitioning and order. Where the input comes in an order that fits, its rows stream by
/// (`WindowStream`); else all are stored, and runs of whole partitions sorted and computed side by side.
final class WindowOperator: Operator {
  let input: Operator
  let windowing: Windowing
  /// Positions of the input's columns that calls and outputs read: what a chunk's batch has.
  let wanted: [Int]
  /// Where each output is: among the wanted columns and, behind them, the calls' results.
  let outputs: [Int]
  let orders: [SortOrder]
  let orderKeys: CompiledSortKeys
  let calls: [CompiledWindowCall]
  /// True when a call asks which rows the order does not tell apart.
  let needsPeers: Bool
  /// True when a call asks where each row's partition begins and ends.
  let needsBounds: Bool
  /// True when a row's partition is all that the calls ask about it, not even its place there.
  let isOverPartitions: Bool
  private let stored: StoredColumns
  /// The store's columns that are wanted.
  private let gathered: [Int]
  /// The input's rows by buckets, once `sortRows` has kept them in memory.
  private(set) var sorted: SortedRows?
  private var morsels: [Range<Int>] = []
  private var spilled: SpilledRows?
  /// How the rows pass by, where the input's order makes sorting them all unnecessary.
  private(set) var stream: WindowStream?
  /// True when the rows above are collected morsel by morsel, so that whole morsels may as well be.
  private(set) var prefersWholeMorsels = false
  /// What the rows above would like to be ordered by.
  private var preferred: [Column] = []
  /// The results, where the rows come in the input's order and not in the one they were sorted by.
  private var inPlace: WindowInPlace?
  /// The first row of each partition, where they are found without sorting.
  private var firstRows: (any FirstRowSource)?
  private let narrow: FirstRows.Narrow

  /// Rows that a morsel has at least, when there are so many; then it ends with the partition.
  private static let morselRows = 16 * Batch.vectorSize

  init(
    _ node: PhysicalNode, _ run: QueryRun, input: Operator, windowing: Windowing,
    narrow: @escaping FirstRows.Narrow = { _, _ in nil }
  ) throws {
    self.input = input
    self.narrow = narrow
    self.windowing = windowing
    needsPeers = windowing.calls.contains { call in
      switch call.function {
      case .rowNumber, .ntile, .lag, .lead: false
      case .aggregate: !call.frame.isUnbounded && !windowing.order.isEmpty
      default: true
      }
    }
    var read = Set(node.output)
    for call in windowing.calls {
      for argument in call.arguments { read.formUnion(argument.columns) }
      if let filter = call.filter { read.formUnion(filter.columns) }
    }
    if needsPeers { for key in windowing.order { read.formUnion(key.expression.columns) } }
    let wanted = input.columns.indices.filter { read.contains(input.columns[$0]) }
    self.wanted = wanted
    let keys = windowing.partition + windowing.order.map { $0.expression }
    let stored = try StoredColumns(wanted: Set(wanted), keys: keys, input: input.columns)
    self.stored = stored
    gathered = wanted.compactMap { stored.kept.firstIndex(of: $0) }
    let columns = wanted.map { input.columns[$0] }
    orderKeys = try CompiledSortKeys(needsPeers ? windowing.order : [], input: columns)
    orders =
      windowing.partition.map { _ in SortOrder() }
      + windowing.order.map { SortOrder(isDescending: $0.isDescending, nullsFirst: $0.nullsFirst) }
    calls = try windowing.calls.map { try CompiledWindowCall($0, windowing, input: columns, run) }
    needsBounds = !calls.allSatisfy { $0.isOverPartition || $0.isOfNeighbour }
    isOverPartitions = windowing.order.isEmpty && calls.allSatisfy { $0.isOverPartition }
    let all = columns + windowing.calls.map { $0.output }
    outputs = node.output.compactMap { all.firstIndex(of: $0) }
    super.init(node, run)
    guard outputs.count == node.output.count else {
      throw PulsehouseError(.internal, "a window's output is neither its input's nor a call's")
    }
  }

  override func prefer(order: [Column]) {
    preferred = order
    if order.allSatisfy(input.columns.contains) { input.prefer(order: order) }
  }

  override func prepare() throws {
    if let column = windowing.partition.first.flatMap({ SortKey($0).ascendingColumn }) {
      input.prefer(order: [column])
    }
    try input.prepareOnce()
    stream = try WindowStream(windowing, over: input)
    if stream != nil { return }
    if try wantsInPlace(), let made = try WindowInPlace(self) {
      inPlace = made
      return
    }
    firstRows = try findFirstRows()
    if firstRows == nil { try sortRows() }
  }

  private func findFirstRows() throws -> (any FirstRowSource)? {
    switch windowing.firstRows {
    case nil: return nil
    case .repeats:
      if try liesNearlyInOrder() { return nil }
      return try MorselRepeats(self, narrow) ?? FirstRows(self, narrow)
    case .groups: return try FirstRows(self, narrow)
    }
  }

  /// Whether to sort the rows moves few of them far: then their order is worth having.
  private func liesNearlyInOrder() throws -> Bool {
    guard let column = windowing.partition.first.flatMap({ SortKey($0).ascendingColumn }) else { return false }
    return try input.isNearlyOrdered(by: column)
  }

  /// Whether the input's order is better than the one the rows are sorted by, and can be had.
  private func wantsInPlace() throws -> Bool {
    guard !preferred.isEmpty, !isSorted(by: preferred), WindowInPlace.isPossible(windowing), input.outlivesRuns else {
      return false
    }
    return try preferred.allSatisfy(input.columns.contains) && input.isOrdered(by: preferred)
  }

  /// Whether the rows, once sorted, ascend by `wanted`.
  private func isSorted(by wanted: [Column]) -> Bool {
    let plain = windowing.partition.map { SortKey($0) } + windowing.order
    return plain.map { $0.ascendingColumn }.starts(with: wanted.map { $0 as Column? })
  }

  /// Stores the input's rows by buckets, whose runs are `sortedMorsels`, or on disk.
  func sortRows() throws {
    let purpose = "window functions"
    switch try SortedRows.collect(
      input, stored, orders: orders, partitionCount: windowing.partition.count, for: purpose)
    {
    case .kept(let sorted):
      metrics.memoryCounter.store(sorted.reservation.byteCount, ordering: .relaxed)
      morsels = sorted.morsels(of: WindowOperator.morselRows)
      self.sorted = sorted
    case .spilled(let rows): spilled = rows
    }
  }

  var sortedMorsels: [Range<Int>] { morsels }

  override func morselCount(phase: Int) throws -> Int? {
    guard phase == 0 else { return nil }
    if let firstRows { return try firstRows.morselCount() }
    if let spilled { return spilled.partCount }
    return stream == nil && inPlace == nil ? morsels.count : try input.morselCount(phase: 0)
  }

  override func makeWorker() throws -> OperatorWorker {
    if let firstRows { return try firstRows.makeWorker() }
    if let inPlace { return try WindowInPlace.Worker(self, inPlace) }
    return stream == nil ? Worker(self) : try StreamedWindowWorker(streamedTogether)
  }

  /// This window and those right below it that the same runs of rows pass by, the lowest first.
  private var streamedTogether: [WindowOperator] {
    guard let stream, let below = input as? WindowOperator, below.stream?.prefix == stream.prefix else { return [self] }
    return below.streamedTogether + [self]
  }

  override func preferWholeMorsels() {
    prefersWholeMorsels = true
    input.preferWholeMorsels()
  }

  override func isOrdered(by wanted: [Column]) throws -> Bool {
    if stream != nil || inPlace != nil {
      return try wanted.allSatisfy(input.columns.contains) && input.isOrdered(by: wanted)
    }
    if let firstRows { return try firstRows.isOrdered(by: wanted) }
    return isSorted(by: wanted)
  }

  override var isReplayable: Bool { inPlace != nil && input.isReplayable }

  override var unpartedColumns: [Column] {
    if let stream { return stream.prefix }
    if inPlace != nil { return input.unpartedColumns }
    if firstRows != nil { return [] }
    let columns = windowing.partition.compactMap { SortKey($0).ascendingColumn }
    return columns.count == windowing.partition.count ? columns : []
  }

  override func finish() {
    if stream != nil || inPlace != nil { input.finish() }
    inPlace?.release()
    inPlace = nil
    firstRows?.finish()
    firstRows = nil
    sorted = nil
    spilled = nil
  }

  /// Computes the calls over whole partitions in order, each of which begins where `starts` is 1. Results may lie in
  /// `arena`, if there is one.
  func results(_ batch: Batch, starts: ArraySlice<UInt8>, into arena: RowArena? = nil) throws -> [Vector] {
    try results(of: WindowChunk(self, batch, starts: starts), arena)
  }

  /// Computes the calls of rows whose partitions may lie apart, in their order.
  func results(_ batch: Batch, partitions: RunGroups, into arena: RowArena? = nil) throws -> [Vector] {
    try results(of: WindowChunk(self, batch, partitions: partitions), arena)
  }

  private func results(of chunk: WindowChunk, _ arena: RowArena?) throws -> [Vector] {
    try zip(calls, windowing.calls).map { call, planned in
      try run.checkpoint()
      return try chunk.compute(call, into: arena?.column(planned.output.id)).retyped(as: call.type)
    }
  }

  /// Puts a chunk's wanted columns and results together as outputs.
  func output(_ columns: [Vector], rowCount: Int) -> Batch {
    Batch(outputs.map { columns[$0] }, rowCount: rowCount)
  }

  /// Hands on a chunk's wanted columns and results as outputs.
  func emit(_ columns: [Vector], rowCount: Int, _ emit: Emit) throws {
    try WindowOperator.emit(output(columns, rowCount: rowCount), emit)
  }

  /// Hands a chunk's rows on in batches.
  static func emit(_ chunk: Batch, _ emit: Emit) throws {
    var start = 0
    while start < chunk.rowCount {
      let end = min(start + Batch.vectorSize, chunk.rowCount)
      try emit(chunk.slice(start..<end))
      start = end
    }
  }

  /// Sorts some buckets and computes the calls of their rows: hands on the results, and the places in the input's order
  /// of the rows they belong to.
  func compute(_ buckets: Range<Int>, _ sorter: PairSorter, _ put: ([Vector], [UInt32]) -> Void) throws {
    guard let sorted else { throw PulsehouseError(.internal, "a window that has ended") }
    try sorted.sort(buckets, sorter)
    let range = sorted.rows(of: buckets)
    let starts = try partitionStarts(sorted, range)
    let numbers = sorted.sortedNumbers(range)
    var start = 0
    while start < range.count {
      var end = min(start + WindowOperator.morselRows, range.count)
      while end < range.count, starts[end] == 0 { end += 1 }
      let columns = sorted.store.columns(gathered, numbers + start, count: end - start)
      let results = try results(Batch(columns, rowCount: end - start), starts: starts[start..<end])
      put(results, sorted.places(numbers + start, count: end - start))
      start = end
    }
  }

  fileprivate func partitionStarts(_ sorted: SortedRows, _ range: Range<Int>) throws -> [UInt8] {
    if let known = sorted.partitionStarts(range) { return known }
    let rows = sorted.store.rows(sorted.sortedNumbers(range), count: range.count)
    var starts = [UInt8](repeating: 0, count: range.count)
    starts[0] = 1
    for column in stored.keyColumns.prefix(windowing.partition.count) {
      let vector = sorted.store.column(column, of: rows)
      starts.withUnsafeMutableBufferPointer { flags in
        if let base = flags.baseAddress { RunBoundaries.mark(vector, into: base) }
      }
    }
    return starts
  }

  private final class Worker: OperatorWorker {
    let operation: WindowOperator
    let sorter = PairSorter()

    init(_ operation: WindowOperator) { self.operation = operation }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      if let spilled = operation.spilled { return try run(spilled, part: morsel, emit) }
      guard let sorted = operation.sorted else { throw PulsehouseError(.internal, "a window that has ended") }
      let buckets = operation.morsels[morsel]
      try sorted.sort(buckets, sorter)
      let range = sorted.rows(of: buckets)
      var starts = try operation.partitionStarts(sorted, range)
      var numbers = sorted.sortedNumbers(range)
      var count = range.count
      var kept: [UInt32] = []
      if let limit = operation.windowing.rowLimit {
        kept = firstRows(limit, numbers, &starts)
        count = kept.count
      }
      // Partitions end with buckets, and a bucket may hold many rows: they are taken in runs of whole partitions.
      try kept.withUnsafeBufferPointer { kept in
        if operation.windowing.rowLimit != nil, let base = kept.baseAddress { numbers = base }
        var start = 0
        while start < count {
          var end = min(start + WindowOperator.morselRows, count)
          while end < count, starts[end] == 0 { end += 1 }
          let columns = sorted.store.columns(operation.gathered, numbers + start, count: end - start)
          let results = try operation.results(Batch(columns, rowCount: end - start), starts: starts[start..<end])
          try operation.emit(columns + results, rowCount: end - start, emit)
          start = end
        }
      }
    }

    /// Computes a part that was on disk: whole partitions, in order.
    private func run(_ spilled: SpilledRows, part: Int, _ emit: Emit) throws {
      let (stored, reservation) = try spilled.rows(ofPart: part)
      defer { withExtendedLifetime(reservation) {} }
      guard stored.rowCount > 0 else { return }
      var rows = Batch(operation.gathered.map { stored.columns[$0] }, rowCount: stored.rowCount)
      var starts = [UInt8](repeating: 0, count: stored.rowCount)
      starts[0] = 1
      for column in operation.stored.keyColumns.prefix(operation.windowing.partition.count) {
        starts.withUnsafeMutableBufferPointer { flags in
          if let base = flags.baseAddress { RunBoundaries.mark(stored.columns[column], into: base) }
        }
      }
      if let limit = operation.windowing.rowLimit {
        let places = (0..<UInt32(truncatingIfNeeded: stored.rowCount)).map { $0 }
        let kept = places.withUnsafeBufferPointer { places in
          places.baseAddress.map { firstRows(limit, $0, &starts) } ?? []
        }
        rows = kept.withUnsafeBufferPointer { Gather.rows(rows, at: $0) }
      }
      var start = 0
      while start < rows.rowCount {
        var end = min(start + WindowOperator.morselRows, rows.rowCount)
        while end < rows.rowCount, starts[end] == 0 { end += 1 }
        let chunk = rows.slice(start..<end)
        let results = try operation.results(chunk, starts: starts[start..<end])
        try operation.emit(chunk.columns + results, rowCount: end - start, emit)
        start = end
      }
    }

    /// Returns the numbers of the first `limit` rows of each partition, and leaves `starts` speaking of these.
    private func firstRows(_ limit: Int, _ numbers: UnsafePointer<UInt32>, _ starts: inout [UInt8]) -> [UInt32] {
      let count = starts.count
      guard limit > 0 else { return [] }
      return starts.withUnsafeMutableBufferPointer { starts in
        [UInt32](unsafeUninitializedCapacity: count) { output, used in
          var place = 0
          var kept = 0
          var row = 0
          while row < count {
            place = starts[row] != 0 ? 1 : place &+ 1
            output[kept] = numbers[row]
            starts[kept] = starts[row]
            kept &+= place <= limit ? 1 : 0
            row &+= 1
          }
          used = kept
        }
      }
    }
  }
}

extension WindowFrame {
  /// True when every row's frame is its whole partition, whatever the order.
  var isUnbounded: Bool { exclusion == .none && start == .unboundedPreceding && end == .unboundedFollowing }
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
  /// An aggregate over each row's whole partition.
  let isOverPartition: Bool
  /// lag or lead by one row, without a default.
  let isOfNeighbour: Bool

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
    isOverPartition =
      aggregate != nil && (frame.isWholePartition || (windowing.order.isEmpty && frame.isWholeWithoutOrder))
    isOfNeighbour = (call.function == .lag || call.function == .lead) && arguments.count == 1
  }
}
