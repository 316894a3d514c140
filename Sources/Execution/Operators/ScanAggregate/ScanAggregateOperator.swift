import Bytes
import Kernels
import Planning
import Segments
import Synchronization
import Vectors

/// GROUP BY over a stored table, perhaps joined to small dimensions, on the codes that its columns are stored as.
///
/// No row is decoded and none hashed: each key's code becomes a small number (through a table where the key is text, a
/// function of a column, or a dimension's attribute), the numbers make a slot of dense tables, and runs of equal keys
/// are taken as a whole. Slots too many for one table are taken in partitions: rows are laid out by partition first, then
/// each partition is aggregated in a small table, by any thread, while its groups are read. Where ranges are too wide, or
/// blocks lie in no such form, the general operator does the work.
/// Groups come out in the order of their first rows, or (of partitions, and where that is asked for) of their slots,
/// whatever the number of threads.
final class ScanAggregateOperator: RowsOperator {
  private let aggregation: Aggregation
  private var shape: ScanAggregateShape
  private let makeGeneral: () throws -> AggregateOperator
  /// Set when the general operator does the work.
  private var general: AggregateOperator?
  /// Set when groups come by partitions.
  private var partitions: CodePartitions?
  /// Set when groups come in the order of their slots: the keys' places, the one they ascend by first.
  private var slotOrder: [Int] = []

  private static let batchRows = 1 << 16

  init(
    _ node: PhysicalNode, _ run: QueryRun, _ aggregation: Aggregation, _ shape: ScanAggregateShape,
    general: @escaping () throws -> AggregateOperator
  ) {
    self.aggregation = aggregation
    self.shape = shape
    makeGeneral = general
    super.init(node, run)
  }

  override func prepare() throws {
    if shape.dimensions.isEmpty, let row = try ZoneMapAnswer.row(aggregation, shape.scan, types) {
      rows = [row]
      return
    }
    do {
      if try aggregate() { return }
    } catch is UnsuitedBlock {
      rows = []
    }
    reservation = nil
    let general = try makeGeneral()
    try general.prepareOnce()
    self.general = general
  }

  override func morselCount(phase: Int) throws -> Int? {
    if let general { return try general.morselCount(phase: phase) }
    if let partitions { return phase == 0 ? partitions.morsels.count : nil }
    return try super.morselCount(phase: phase)
  }

  override func makeWorker() throws -> OperatorWorker {
    if let general { return try general.makeWorker() }
    if let partitions { return CodePartitions.Worker(partitions) }
    return try super.makeWorker()
  }

  /// Groups by partitions can be computed again, a part of them too.
  override var isReplayable: Bool { general == nil }

  override func prefer(order: [Column]) {
    shape.preferredOrder = order.compactMap { column in
      columns.firstIndex(of: column).flatMap { $0 < aggregation.keys.count ? $0 : nil }
    }
  }

  override func isOrdered(by wanted: [Column]) throws -> Bool {
    let places = wanted.map { columns.firstIndex(of: $0) ?? -1 }
    return general == nil && !slotOrder.isEmpty && slotOrder.starts(with: places)
  }

  override func finish() {
    general?.finish()
    partitions = nil
    super.finish()
  }

  private func aggregate() throws -> Bool {
    let scan = shape.scan
    guard let plan = try ScanAggregatePlan(shape, run, rowCount: scan.rowCount) else { return false }
    try scan.prepareOnce()
    let morsels = scan.morsels
    let workerCount = max(1, min(run.threadCount, morsels.count))
    let reservation = run.reservation(for: "GROUP BY")
    guard reservation.tryResize(to: plan.byteCount * workerCount) else { return false }
    let workers = Slots<ScanAggregateWorker>(count: workerCount)
    let this = Box((plan, scan, run))
    try WorkerPool.shared.forEach(count: morsels.count, threads: workerCount) { index, slot in
      let (plan, scan, run) = this.value
      let worker = workers[slot] ?? ScanAggregateWorker(scan, plan, run)
      workers[slot] = worker
      try run.checkpoint()
      try ScanAggregateOperator.take(scan.morsels[index], index, scan, worker)
    }
    var states = workers.values
    if states.isEmpty { states = [ScanAggregateWorker(scan, plan, run)] }
    metrics.codeGroupingFlag.store(true, ordering: .relaxed)
    scan.metrics.countRows(states.reduce(0) { $0 + $1.keptRows })
    let keys = plan.parts.map { PartKeys($0, run.evaluation) }
    if plan.partitionShift != nil || !shape.preferredOrder.isEmpty { slotOrder = Self.order(keys) }
    if let shift = plan.partitionShift {
      let rows = states.compactMap { $0.partitioned }
      for row in rows { try row.finishPiece() }
      let partitions = CodePartitions(
        plan, shift: shift, rows, keys, outputs: shape.outputs, types: types, run, reservation)
      metrics.memoryCounter.store(partitions.byteCount, ordering: .relaxed)
      self.partitions = partitions
      return true
    }
    for state in states { state.seal() }
    for state in states.dropFirst() { states[0].merge(state) }
    metrics.memoryCounter.store(reservation.byteCount, ordering: .relaxed)
    rows = try output(states[0], plan, keys)
    var size = BatchSize()
    try reservation.resize(to: rows.reduce(0) { $0 + size.byteCount($1) })
    self.reservation = reservation
    return true
  }

  private static func take(
    _ morsel: SegmentScanOperator.Morsel, _ ordinal: Int, _ scan: SegmentScanOperator, _ worker: ScanAggregateWorker
  ) throws {
    let segment = try scan.handles[morsel.segment].open()
    scan.metrics.segmentCounter.add(morsel.opensSegment ? 1 : 0, ordering: .relaxed)
    if let rowGroup = morsel.rowGroup {
      try worker.take(segment, rowGroup: rowGroup, rows: morsel.rows, ordinal: ordinal, firstRow: 0)
      return
    }
    var firstRow = 0
    for rowGroup in 0..<segment.rowGroupCount {
      let count = segment.rowCount(rowGroup: rowGroup)
      try worker.take(segment, rowGroup: rowGroup, rows: 0..<count, ordinal: ordinal, firstRow: firstRow)
      firstRow += count
    }
  }

  // MARK: Output

  /// Returns the keys that groups ascend by when they come in the order of their slots.
  private static func order(_ keys: [PartKeys]) -> [Int] {
    var order: [Int] = []
    for key in keys.reversed() where !key.positions.isEmpty {
      guard key.positions.count == 1, key.ascends else { break }
      order.append(key.positions[0])
    }
    return order
  }

  private func output(_ state: ScanAggregateWorker, _ plan: ScanAggregatePlan, _ keys: [PartKeys]) throws -> [Batch] {
    let isWhole = aggregation.keys.isEmpty
    let groups = slotOrder.isEmpty ? state.slotsInOrder(isWhole: isWhole) : state.slotsAscending()
    let columns = GroupColumns(plan, keys, shape.outputs, types)
    return try groups.withUnsafeBufferPointer { groups in
      try stride(from: 0, to: groups.count, by: ScanAggregateOperator.batchRows).map { start in
        let end = min(start + ScanAggregateOperator.batchRows, groups.count)
        return try columns.batch(
          UnsafeBufferPointer(rebasing: groups[start..<end]), state.measures, state.rows, firstSlot: 0)
      }
    }
  }
}

/// Makes rows of groups, given their slots in a measure's tables.
struct GroupColumns {
  private let plan: ScanAggregatePlan
  private let keys: [PartKeys]
  private let outputs: [ScanAggregateShape.Output]
  private let types: [LogicalType]
  private let keyCount: Int

  init(_ plan: ScanAggregatePlan, _ keys: [PartKeys], _ outputs: [ScanAggregateShape.Output], _ types: [LogicalType]) {
    self.plan = plan
    self.keys = keys
    self.outputs = outputs
    self.types = types
    keyCount = types.count - outputs.count
  }

  /// `firstSlot` is what the tables' first slot stands for among all slots.
  func batch(
    _ slots: UnsafeBufferPointer<UInt32>, _ measures: [DenseMeasure], _ rows: DenseMeasure?, firstSlot: UInt32
  ) throws -> Batch {
    var columns = try keyVectors(slots, firstSlot)
    for (index, output) in outputs.enumerated() {
      let measure = plan.outputMeasures[index].map { measures[$0] }
      let counter = measure ?? plan.rowMeasure.map { measures[$0] } ?? rows
      guard let counter else { throw PulsehouseError(.internal, "an aggregate that nobody counted") }
      columns.append(try output.result(counter, slots).retyped(as: types[columns.count]))
    }
    return Batch(columns, rowCount: slots.count)
  }

  private func keyVectors(_ slots: UnsafeBufferPointer<UInt32>, _ firstSlot: UInt32) throws -> [Vector] {
    guard keyCount > 0, let slot = slots.baseAddress else { return [] }
    let count = slots.count
    var columns = [Vector?](repeating: nil, count: keyCount)
    try withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 2 * count) { scratch in
      guard let rest = scratch.baseAddress else { return }
      let numbers = rest + count
      var row = 0
      while row < count {
        rest[row] = slot[row] &+ firstSlot
        row &+= 1
      }
      // The parts' strides ascend, each the one before times its numbers.
      for key in keys {
        key.divisor.divide(rest, count: count, remainders: numbers)
        if key.positions.isEmpty { continue }
        for (position, vector) in zip(key.positions, try key.vectors(UnsafeBufferPointer(start: numbers, count: count)))
        {
          columns[position] = vector.retyped(as: types[position])
        }
      }
    }
    return columns.compactMap { $0 }
  }
}

extension ScanAggregateWorker {
  func seal() { for measure in measures { measure.seal() } }

  /// Adds another worker's groups.
  func merge(_ other: ScanAggregateWorker) {
    for (mine, theirs) in zip(measures, other.measures) { mine.merge(theirs) }
    if let rows, let theirs = other.rows { rows.merge(theirs) }
    mergeFirsts(other)
  }

  /// Returns the slots that are groups, ascending.
  func slotsAscending() -> [UInt32] {
    let seen = self.seen.values(as: UInt8.self)
    return (0..<(self.seen.byteCount - 1)).compactMap { seen[$0] == 1 ? UInt32(truncatingIfNeeded: $0) : nil }
  }

  /// Returns the slots that are groups, in the order of their first rows. `isWhole`: there is one group, rows or not.
  func slotsInOrder(isWhole: Bool) -> [UInt32] {
    if isWhole { return [0] }
    let seen = self.seen.values(as: UInt8.self)
    let firsts = self.firsts.values(as: UInt64.self)
    var keys: [UInt64] = []
    var slots: [UInt32] = []
    for slot in 0..<(self.seen.byteCount - 1) where seen[slot] == 1 {
      keys.append(firsts[slot])
      slots.append(UInt32(truncatingIfNeeded: slot))
    }
    keys.withUnsafeMutableBufferPointer { keys in
      slots.withUnsafeMutableBufferPointer { slots in
        guard let keyBase = keys.baseAddress, let slotBase = slots.baseAddress else { return }
        Sort.radix(keyBase, slotBase, count: keys.count, bits: 64)
      }
    }
    return slots
  }
}
