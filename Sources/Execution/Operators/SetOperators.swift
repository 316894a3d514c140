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

  override func prepare() throws {
    let second = try CollectSink.collect(right, for: "set operation")
    let first = try CollectSink.collect(left, for: "set operation")
    reservation = first.reservation
    let table = GroupTable(types)
    let tableReservation = run.reservation(for: "set operation")
    var counts: [Int] = []
    var groups = [UInt32](repeating: 0, count: Batch.vectorSize)
    for batch in second.batches {
      try run.checkpoint()
      groups.withUnsafeMutableBufferPointer { buffer in
        if let base = buffer.baseAddress { table.intern(batch.columns, count: batch.rowCount, into: base) }
      }
      while counts.count < table.groupCount { counts.append(0) }
      for row in 0..<batch.rowCount { counts[Int(groups[row])] += 1 }
      try tableReservation.resize(to: table.byteCount + counts.count * 8)
    }
    // `counts` says how many more left rows of a group the right side answers for.
    let rightGroups = table.groupCount
    var given: [Bool] = Array(repeating: false, count: rightGroups)
    for batch in first.batches {
      try run.checkpoint()
      groups.withUnsafeMutableBufferPointer { buffer in
        if let base = buffer.baseAddress { table.intern(batch.columns, count: batch.rowCount, into: base) }
      }
      while counts.count < table.groupCount {
        counts.append(0)
        given.append(false)
      }
      var kept: [UInt32] = []
      for row in 0..<batch.rowCount {
        let group = Int(groups[row])
        let isAnswered = counts[group] > 0
        let keeps: Bool
        if all {
          if isAnswered { counts[group] -= 1 }
          keeps = isAnswered == (operation == .intersect)
        } else {
          keeps = isAnswered == (operation == .intersect) && !given[group]
          if keeps { given[group] = true }
        }
        if keeps { kept.append(UInt32(truncatingIfNeeded: row)) }
      }
      try tableReservation.resize(to: table.byteCount + counts.count * 9)
      if kept.isEmpty { continue }
      let part = Gather.rows(batch, SelectionVector(kept))
      rows.append(Batch(zip(part.columns, types).map { $0.retyped(as: $1) }, rowCount: part.rowCount))
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
    let kept = Box<[Batch]>([])
    let reservation = run.reservation(for: "DISTINCT ON")
    self.reservation = reservation
    let size = Box(BatchSize())
    let last = Box<[Vector]>([])
    let keys = self.keys
    let run = self.run
    let output = OrderedOutput { batch in
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
      if keys.isEmpty, !kept.value.isEmpty { return }
      if selection.isEmpty { return }
      let rows = Gather.rows(batch, SelectionVector(selection))
      try reservation.add(size.value.byteCount(rows))
      kept.value.append(rows)
    }
    try Pipeline.run(input) { _ in OrderedSink(output) }
    rows = kept.value
  }
}
