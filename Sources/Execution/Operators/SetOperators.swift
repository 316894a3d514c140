import Bytes
import Kernels
import Planning
import Vectors

/// INTERSECT and EXCEPT: numbers the distinct rows of both inputs and counts them.
final class SetOperationOperator: RowsOperator {
  private let left: Operator
  private let right: Operator
  private let operation: SetOperation
  private let all: Bool

  init(_ node: PhysicalNode, _ run: QueryRun, left: Operator, right: Operator, _ operation: SetOperation, all: Bool) {
    self.left = left
    self.right = right
    self.operation = operation
    self.all = all
    super.init(node, run)
  }

  private var spilled: (first: [SpillPartitions], second: [SpillPartitions])?

  private static let bits = 6

  override func prepare() throws {
    let plan = SpillingSink.Plan(
      for: "set operation", keyCount: types.count, hasColumns: false, bits: SetOperationOperator.bits
    ) { $0.columns }
    let second = try SpillingSink.collect(right, plan)
    let first = try SpillingSink.collect(left, plan)
    func onDisk(_ rows: CollectedRows) throws -> [SpillPartitions] {
      switch rows {
      case .kept(let kept): try SpillingSink.spill(kept, plan, run)
      case .spilled(let spilled): spilled
      }
    }
    guard case .kept(let secondRows) = second, case .kept(let firstRows) = first else {
      spilled = (try onDisk(first), try onDisk(second))
      return
    }
    reservation = firstRows.reservation
    let counting = Counting(self)
    for batch in secondRows.batches { try counting.count(batch) }
    for batch in firstRows.batches {
      if let kept = try counting.keep(batch) { rows.append(kept) }
    }
  }

  override func morselCount(phase: Int) throws -> Int? {
    guard spilled != nil else { return try super.morselCount(phase: phase) }
    return phase == 0 ? 1 << SetOperationOperator.bits : nil
  }

  override func makeWorker() throws -> OperatorWorker {
    spilled == nil ? try super.makeWorker() : SpilledWorker(self)
  }

  override func finish() {
    spilled = nil
    super.finish()
  }

  /// Does the operation partition by partition of the rows' hash.
  private final class SpilledWorker: OperatorWorker {
    let operation: SetOperationOperator

    init(_ operation: SetOperationOperator) { self.operation = operation }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      guard let (first, second) = operation.spilled else { return }
      try run(HashPart(partition: morsel, bits: SetOperationOperator.bits), first, second, emit)
      first.discard(partition: morsel)
      second.discard(partition: morsel)
    }

    private func run(
      _ part: HashPart, _ first: [SpillPartitions], _ second: [SpillPartitions], _ emit: Emit
    ) throws {
      let keyCount = operation.types.count
      let counting = Counting(operation)
      // Only rows that have been counted and told apart before the first is handed on can be done again in parts.
      var kept: [Batch] = []
      do {
        try second.forEach(part, keyCount: keyCount) { try counting.count($0) }
        try first.forEach(part, keyCount: keyCount) { batch in
          if let rows = try counting.keep(batch) { kept.append(rows) }
        }
      } catch let error as PulsehouseError where error.sqlState == "53200" && part.bits < HashPart.finestBits {
        counting.forget()
        for smaller in part.parts { try run(smaller, first, second, emit) }
        return
      }
      counting.forget()
      for batch in kept { try emit(batch) }
    }
  }

  /// Counts the right side's rows and tells which of the left side's they let through.
  private final class Counting {
    let operation: SetOperationOperator
    private var table: GroupTable
    private let reservation: MemoryReservation
    /// How many more left rows of a group the right side answers for.
    private var counts: [Int] = []
    private var given: [Bool] = []
    private var groups = [UInt32](repeating: 0, count: Batch.vectorSize)

    init(_ operation: SetOperationOperator) {
      self.operation = operation
      table = GroupTable(operation.types)
      reservation = operation.run.reservation(for: "set operation")
    }

    func count(_ batch: Batch) throws {
      try intern(batch)
      for row in 0..<batch.rowCount { counts[Int(groups[row])] += 1 }
    }

    /// Returns the rows of `batch` that are part of the result; nil for none.
    func keep(_ batch: Batch) throws -> Batch? {
      try intern(batch)
      let isIntersection = operation.operation == .intersect
      var kept: [UInt32] = []
      for row in 0..<batch.rowCount {
        let group = Int(groups[row])
        let isAnswered = counts[group] > 0
        let keeps: Bool
        if operation.all {
          if isAnswered { counts[group] -= 1 }
          keeps = isAnswered == isIntersection
        } else {
          keeps = isAnswered == isIntersection && !given[group]
          if keeps { given[group] = true }
        }
        if keeps { kept.append(UInt32(truncatingIfNeeded: row)) }
      }
      if kept.isEmpty { return nil }
      let part = Gather.rows(batch, SelectionVector(kept))
      return Batch(zip(part.columns, operation.types).map { $0.retyped(as: $1) }, rowCount: part.rowCount)
    }

    /// Gives all memory back.
    func forget() {
      table = GroupTable(operation.types)
      (counts, given) = ([], [])
      _ = reservation.tryResize(to: 0)
    }

    private func intern(_ batch: Batch) throws {
      try operation.run.checkpoint()
      groups.withUnsafeMutableBufferPointer { buffer in
        if let base = buffer.baseAddress { table.intern(batch.columns, count: batch.rowCount, into: base) }
      }
      while counts.count < table.groupCount {
        counts.append(0)
        given.append(false)
      }
      try reservation.resize(to: table.byteCount + counts.count * 9)
    }
  }
}

/// DISTINCT ON: the first row of each run of equal keys.
final class DistinctOnOperator: RowsOperator {
  private let input: Operator
  private let keys: [CompiledExpression]

  init(_ node: PhysicalNode, _ run: QueryRun, input: Operator, keys: [Expression]) throws {
    self.input = input
    self.keys = try keys.map { try CompiledExpression($0, input: input.columns) }
    super.init(node, run)
  }

  override func prepare() throws {
    let run = self.run
    let keeper = PieceKeeper(run, input.types, PieceKeeper.Share(), for: "DISTINCT ON")
    let last = Box<[Vector]>([])
    let isDone = Box(false)
    let keys = self.keys
    let output = OrderedOutput { batch in
      if isDone.value { return }
      let vectors = try keys.map { try $0.evaluate(batch, run.evaluation) }
      var selection: [UInt32] = []
      let orders = vectors.map { _ in SortOrder() }
      let comparator = RowComparator(vectors, orders: orders)
      let before = last.value.isEmpty ? nil : RowComparator(left: last.value, right: vectors, orders: orders)
      for row in 0..<batch.rowCount {
        let opens = row == 0 ? before.map { $0.compare(0, 0) != 0 } ?? true : comparator.compare(row - 1, row) != 0
        if opens { selection.append(UInt32(truncatingIfNeeded: row)) }
      }
      last.value = vectors.map { $0.slice((batch.rowCount - 1)..<batch.rowCount) }
      // Without keys the first row is all there is.
      isDone.value = keys.isEmpty
      if selection.isEmpty { return }
      try keeper.append(Gather.rows(batch, SelectionVector(selection)))
    }
    try Pipeline.run(input) { _ in OrderedSink(output) }
    pieces = try keeper.take()
    reservation = keeper.reservation
  }
}
