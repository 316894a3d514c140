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
/// are taken as a whole. Where ranges are too wide, or blocks lie in no such form, the general operator does the work.
/// Groups come out in the order of their first rows, whatever the number of threads.
final class ScanAggregateOperator: RowsOperator {
  private let aggregation: Aggregation
  private let shape: ScanAggregateShape
  private let makeGeneral: () throws -> AggregateOperator
  /// Set when the general operator does the work.
  private var general: AggregateOperator?

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
    return try super.morselCount(phase: phase)
  }

  override func makeWorker() throws -> OperatorWorker {
    if let general { return try general.makeWorker() }
    return try super.makeWorker()
  }

  override func finish() {
    general?.finish()
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
    let workers = Box([ScanAggregateWorker?](repeating: nil, count: workerCount))
    let this = Box((plan, scan, run))
    try WorkerPool.shared.forEach(count: morsels.count, threads: workerCount) { index, slot in
      let (plan, scan, run) = this.value
      let worker = workers.value[slot] ?? ScanAggregateWorker(scan, plan, run)
      workers.value[slot] = worker
      try run.checkpoint()
      try ScanAggregateOperator.take(scan.morsels[index], index, scan, worker)
    }
    var states = workers.value.compactMap { $0 }
    if states.isEmpty { states = [ScanAggregateWorker(scan, plan, run)] }
    for state in states { state.seal() }
    for state in states.dropFirst() { states[0].merge(state) }
    scan.metrics.countRows(states.reduce(0) { $0 + $1.keptRows })
    metrics.memoryCounter.store(reservation.byteCount, ordering: .relaxed)
    metrics.codeGroupingFlag.store(true, ordering: .relaxed)
    rows = try output(states[0], plan)
    var size = BatchSize()
    try reservation.resize(to: rows.reduce(0) { $0 + size.byteCount($1) })
    self.reservation = reservation
    return true
  }

  private static func take(
    _ morsel: SegmentScanOperator.Morsel, _ ordinal: Int, _ scan: SegmentScanOperator, _ worker: ScanAggregateWorker
  ) throws {
    let segment = try scan.handles[morsel.segment].open()
    scan.metrics.segmentCounter.add(
      morsel.rows.lowerBound == 0 && (morsel.rowGroup ?? 0) == 0 ? 1 : 0, ordering: .relaxed)
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

  private func output(_ state: ScanAggregateWorker, _ plan: ScanAggregatePlan) throws -> [Batch] {
    let groups = state.slotsInOrder(isWhole: aggregation.keys.isEmpty)
    return try batches(groups, state, plan)
  }

  private func batches(_ groups: [Int], _ state: ScanAggregateWorker, _ plan: ScanAggregatePlan) throws -> [Batch] {
    try stride(from: 0, to: groups.count, by: ScanAggregateOperator.batchRows).map { start in
      let part = Array(groups[start..<min(start + ScanAggregateOperator.batchRows, groups.count)])
      var columns = try keyVectors(part, plan)
      for (index, output) in shape.outputs.enumerated() {
        let measure = plan.outputMeasures[index].map { state.measures[$0] }
        let counter = measure ?? plan.rowMeasure.map { state.measures[$0] } ?? state.rows
        guard let counter else { throw PulsehouseError(.internal, "an aggregate that nobody counted") }
        columns.append(try output.result(counter, part).retyped(as: types[columns.count]))
      }
      return Batch(columns, rowCount: part.count)
    }
  }

  private func keyVectors(_ groups: [Int], _ plan: ScanAggregatePlan) throws -> [Vector] {
    var columns = [Vector?](repeating: nil, count: aggregation.keys.count)
    for part in plan.parts where !part.positions.isEmpty {
      let (stride, count) = (Int(part.stride), part.numberCount)
      let numbers = groups.map { UInt32(truncatingIfNeeded: $0 / stride % count) }
      for (position, vector) in zip(part.positions, try part.keyVectors(numbers, run.evaluation)) {
        columns[position] = vector.retyped(as: types[position])
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

  /// Returns the slots that are groups, in the order of their first rows. `isWhole`: there is one group, rows or not.
  func slotsInOrder(isWhole: Bool) -> [Int] {
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
    return slots.map { Int($0) }
  }
}
