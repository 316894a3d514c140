import Bytes
import Kernels
import Planning
import Synchronization
import Vectors

/// Whether some right row of a join has a NULL among its keys.
private final class NullKeys: Sendable {
  private let flag = Atomic<Bool>(false)

  var isNoted: Bool { flag.load(ordering: .relaxed) }

  func note() { flag.store(true, ordering: .relaxed) }
}

/// Joins: the right input is kept and indexed by key (or not at all, without keys), the left one streams past it.
///
/// Rows come in the left input's order; the unmatched rows of the right side come last. A right input that memory does
/// not hold goes to disk, and the left one with it (`SpilledJoin`); rows then come in any order.
final class JoinOperator: Operator {
  let left: Operator
  let right: Operator
  let join: Join
  let leftKeys: [CompiledExpression]
  private let rightKeys: [CompiledExpression]
  let condition: CompiledPredicate?
  /// Of an as-of join: what the left rows look for, and the right rows' values, by which each key's rows are in order.
  let nearestValue: CompiledExpression?
  private let nearestOrder: CompiledExpression?
  private var nearest: NearestRows?
  /// The right input's rows, all in one batch.
  private(set) var build = Batch([], rowCount: 0)
  private(set) var table: JoinTable?
  private var reservation: MemoryReservation?
  private var leftPhases: Int?
  /// One byte for each right row and worker: did it find a match?
  private var matchFlags: [AlignedBuffer] = []
  private var unmatched: [UInt32] = []
  private var spilled: SpilledJoin?

  private static let unmatchedMorsel = 32 * Batch.vectorSize

  init(_ node: PhysicalNode, _ run: QueryRun, left: Operator, right: Operator, join: Join) throws {
    self.left = left
    self.right = right
    self.join = join
    leftKeys = try join.leftKeys.map { try CompiledExpression($0, input: left.columns) }
    rightKeys = try join.rightKeys.map { try CompiledExpression($0, input: right.columns) }
    condition = try join.condition.map { try CompiledPredicate($0, input: left.columns + right.columns) }
    nearestValue = try join.nearest.map { try CompiledExpression($0.left, input: left.columns) }
    nearestOrder = try join.nearest.map { try CompiledExpression($0.right, input: right.columns) }
    super.init(node, run)
  }

  var rightTypes: [LogicalType] { right.types }

  var isNearest: Bool { join.nearest != nil }

  /// True when right rows without a match are output too.
  var keepsRight: Bool { join.kind == .right || join.kind == .full }

  override func prepare() throws {
    let kept: KeptRows
    if canSpill {
      let run = self.run
      let (leftKeys, rightKeys) = (self.leftKeys, self.rightKeys)
      let nullKeys = NullKeys()
      let rightPlan = SpillingSink.Plan(
        for: "join", keyCount: rightKeys.count, isNumbered: isNearest, bits: SpilledJoin.bits
      ) { batch in
        let keys = try rightKeys.map { try $0.evaluate(batch, run.evaluation) }
        if keys.contains(where: { $0.nullCount > 0 }) { nullKeys.note() }
        return keys
      }
      switch try SpillingSink.collect(right, rightPlan) {
      case .kept(let rows): kept = rows
      case .spilled(let rightRows):
        let leftPlan = SpillingSink.Plan(
          for: "join", keyCount: leftKeys.count, bits: SpilledJoin.bits, onDisk: true
        ) { batch in try leftKeys.map { try $0.evaluate(batch, run.evaluation) } }
        guard case .spilled(let leftRows) = try SpillingSink.collect(left, leftPlan) else {
          throw PulsehouseError(.internal, "a side of a spilled join that was kept")
        }
        spilled = SpilledJoin(self, left: leftRows, right: rightRows, hasNullKeys: nullKeys.isNoted)
        return
      }
    } else {
      kept = try CollectSink.collect(right, for: "join")
    }
    let reservation = kept.reservation ?? run.reservation(for: "join")
    self.reservation = reservation
    let inputBytes = reservation.byteCount
    let whole = Concat.batches(kept.batches, types: right.types)
    build = Batch(whole.columns.map { JoinOperator.coded($0) }, rowCount: whole.rowCount)
    if !rightKeys.isEmpty {
      let keys = try rightKeys.map { try $0.evaluate(build, run.evaluation) }
      let table = try JoinTable(keys: keys, rowCount: build.rowCount, nullsMatch: join.nullsMatch) { bytes in
        try run.checkpoint()
        try reservation.resize(to: inputBytes + bytes)
      }
      try reservation.resize(to: inputBytes + table.byteCount)
      self.table = table
      for filter in join.runtimeFilters {
        run.publish(RuntimeFilter.predicates(ofKeys: keys[filter.key]), asFilter: filter.number)
      }
      if isNearest { try reservation.resize(to: inputBytes + table.byteCount + build.rowCount * 8) }
      nearest = try nearestRows(table, build)
    }
    metrics.memoryCounter.store(reservation.byteCount, ordering: .relaxed)
    try left.prepareOnce()
  }

  /// Puts the right rows of each key in the order of an as-of join; nil for other joins.
  func nearestRows(_ table: JoinTable, _ build: Batch) throws -> NearestRows? {
    guard let order = nearestOrder, let comparison = join.nearest?.comparison else { return nil }
    return NearestRows(table, by: try order.evaluate(build, run.evaluation), comparison)
  }

  /// A join by keys may be done part by part, unless the right rows with a NULL key, all of them, have to be tested for
  /// every left row. Of NOT IN without a further condition it is enough to know whether there are any. An as-of join
  /// without keys has no parts.
  private var canSpill: Bool {
    if rightKeys.isEmpty { return false }
    switch join.kind {
    case .nearest: return !join.rightKeys.allSatisfy { $0.columns.isEmpty }
    case .antiNullAware, .mark(_, nullAware: true): return condition == nil
    case .inner, .left, .right, .full, .semi, .anti, .single, .mark: return true
    }
  }

  /// Returns a text column as codes of itself: a match then copies four bytes instead of sixteen, and grouping by the
  /// column looks each of its strings up once.
  private static func coded(_ column: Vector) -> Vector {
    guard column.form == .flat, column.type.physical == .string, column.count > 0, column.count <= 1 << 20 else {
      return column
    }
    let codes = AlignedBuffer(byteCount: column.count * 4)
    for row in 0..<column.count { codes.values(as: UInt32.self)[row] = UInt32(truncatingIfNeeded: row) }
    let values = Vector(column.type, count: column.count, buffer: column.buffer, owners: column.owners)
    return Vector(codes: codes, count: column.count, dictionary: values, validity: column.rowValidity)
  }

  override func morselCount(phase: Int) throws -> Int? {
    if let spilled { return phase == 0 ? spilled.partitionCount : nil }
    if leftPhases == nil {
      if let count = try left.morselCount(phase: phase) { return count }
      leftPhases = phase
    }
    guard let leftPhases else { return nil }
    if phase < leftPhases { return try left.morselCount(phase: phase) }
    guard keepsRight, phase == leftPhases else { return nil }
    findUnmatched()
    return (unmatched.count + JoinOperator.unmatchedMorsel - 1) / JoinOperator.unmatchedMorsel
  }

  private func findUnmatched() {
    unmatched = []
    for row in 0..<build.rowCount
    where !matchFlags.contains(where: { $0.values(as: UInt8.self)[row] != 0 }) {
      unmatched.append(UInt32(truncatingIfNeeded: row))
    }
  }

  /// Gives a worker its flags for the right rows; called for one worker at a time.
  private func makeMatchFlags() -> AlignedBuffer {
    let flags = AlignedBuffer(byteCount: build.rowCount, zeroed: true)
    matchFlags.append(flags)
    return flags
  }

  /// The left side's order, where a left row's output does not wait for the batch to end.
  override func isOrdered(by wanted: [Column]) throws -> Bool {
    guard keepsLeftOrder, wanted.allSatisfy({ left.columns.contains($0) }) else { return false }
    return try left.isOrdered(by: wanted)
  }

  override func bounds(of column: Column) throws -> ClosedRange<Int64>? {
    if left.columns.contains(column) { return try left.bounds(of: column) }
    return right.columns.contains(column) ? try right.bounds(of: column) : nil
  }

  override func prefer(order: [Column]) {
    if order.allSatisfy(left.columns.contains) { left.prefer(order: order) }
  }

  override var isReplayable: Bool { keepsLeftOrder && left.isReplayable }

  override var unpartedColumns: [Column] { keepsLeftOrder ? left.unpartedColumns : [] }

  private var keepsLeftOrder: Bool {
    if spilled != nil { return false }
    return switch join.kind {
    case .inner, .semi, .anti, .antiNullAware, .mark, .nearest: true
    case .left, .single: condition == nil && (table?.isUnique ?? false)
    case .right, .full: false
    }
  }

  override func makeWorker() throws -> OperatorWorker {
    if let spilled { return SpilledWorker(spilled) }
    let side = JoinSide(build: build, table: table, nearest: nearest, flags: keepsRight ? makeMatchFlags() : nil)
    return Worker(self, JoinWorker(self, side), try left.worker())
  }

  override func finish() {
    left.finish()
    build = Batch([], rowCount: 0)
    table = nil
    nearest = nil
    spilled = nil
    reservation = nil
  }

  /// Hands right rows on that found no match.
  func emitUnmatched(_ build: Batch, _ rows: ArraySlice<UInt32>, _ emit: Emit) throws {
    var start = rows.startIndex
    while start < rows.endIndex {
      let next = min(start + Batch.vectorSize, rows.endIndex)
      let found = rows[start..<next].withUnsafeBufferPointer { Gather.rows(build, at: $0) }
      let nulls = left.types.map { Vector.nulls($0, count: next - start) }
      try emit(Batch(nulls + found.columns, rowCount: next - start))
      start = next
    }
  }

  private final class SpilledWorker: OperatorWorker {
    let join: SpilledJoin

    init(_ join: SpilledJoin) { self.join = join }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws { try join.run(partition: morsel, emit) }
  }

  private final class Worker: OperatorWorker {
    let operation: JoinOperator
    let join: JoinWorker
    let left: OperatorWorker

    init(_ operation: JoinOperator, _ join: JoinWorker, _ left: OperatorWorker) {
      self.operation = operation
      self.join = join
      self.left = left
    }

    override func place(in arena: RowArena) {
      left.place(in: arena)
      join.place(in: arena)
    }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      guard phase == operation.leftPhases else {
        return try left.run(phase: phase, morsel: morsel) { try join.probe($0, emit) }
      }
      let start = morsel * JoinOperator.unmatchedMorsel
      let end = min(start + JoinOperator.unmatchedMorsel, operation.unmatched.count)
      try operation.emitUnmatched(operation.build, operation.unmatched[start..<end], emit)
    }
  }
}
