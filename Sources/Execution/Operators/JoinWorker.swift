import Bytes
import Kernels
import Planning
import Vectors

/// One thread's matching of left batches against the kept right side.
final class JoinWorker {
  private let operation: JoinOperator
  private let build: Batch
  private let table: JoinTable?
  private let probe: JoinProbe?
  private let nearestRows: NearestRows?
  private let flags: AlignedBuffer?
  /// Whether the right side has no row at all, and whether some row has a NULL key.
  private let isEmpty: Bool
  private let hasNullKeys: Bool
  private let capacity = Batch.vectorSize
  private let probeRows = AlignedBuffer(byteCount: Batch.vectorSize * 4)
  private let buildRows = AlignedBuffer(byteCount: Batch.vectorSize * 4)
  private var matched: [UInt8] = []
  /// Where a nested loop stands.
  private var loopRow = 0
  private var loopBuildRow = 0
  private var loopCount = 0
  /// Where columns of the right side are put that are gathered for whole left batches; none where they are not.
  private var arenas: [ColumnArena] = []

  init(_ operation: JoinOperator, _ side: JoinSide) {
    self.operation = operation
    build = side.build
    table = side.table
    probe = side.table.map { JoinProbe($0) }
    nearestRows = side.nearest
    flags = side.flags
    isEmpty = side.whole?.isEmpty ?? (side.build.rowCount == 0)
    hasNullKeys = side.whole?.hasNullKeys ?? !(side.table?.nullKeyRows.isEmpty ?? true)
  }

  func place(in arena: RowArena) {
    arenas = operation.right.columns.map { arena.column($0.id) }
  }

  private var left: UnsafeMutablePointer<UInt32> { probeRows.values(as: UInt32.self) }
  private var right: UnsafeMutablePointer<UInt32> { buildRows.values(as: UInt32.self) }

  func probe(_ batch: Batch, _ emit: Emit) throws {
    let count = batch.rowCount
    let keys = try operation.leftKeys.map { try $0.evaluate(batch, operation.run.evaluation) }
    probe?.start(keys, count: count)
    (loopRow, loopBuildRow, loopCount) = (0, 0, count)
    switch operation.join.kind {
    case .inner, .right: try pairs(batch, tracking: false, emit)
    case .left, .full, .single:
      if let probe, probe.table.isUnique, operation.condition == nil, flags == nil {
        try leftUnique(batch, emit)
        return
      }
      try pairs(batch, tracking: true, emit)
      try emitUnmatched(batch, emit)
    case .nearest(let isOuter): try nearest(batch, isOuter: isOuter, emit)
    case .semi:
      try findMatches(batch)
      try emitRows(batch, where: 1, emit)
    case .anti:
      try findMatches(batch)
      try emitRows(batch, where: 0, emit)
    case .antiNullAware:
      let marks = try mark(batch, keys, nullAware: true)
      matched = marks.map { $0 == 0 ? 1 : 0 }
      try emitRows(batch, where: 1, emit)
    case .mark(let column, let nullAware):
      let marks = try mark(batch, keys, nullAware: nullAware)
      let buffer = AlignedBuffer(byteCount: count)
      var mask: ValidityMask?
      for row in 0..<count {
        buffer.values(as: UInt8.self)[row] = marks[row] == 1 ? 1 : 0
        if marks[row] == 2 {
          if mask == nil { mask = ValidityMask(count: count, allValid: true) }
          mask?.set(row, valid: false)
        }
      }
      let vector = Vector(column.type, count: count, buffer: buffer, validity: mask)
      try emit(Batch(batch.columns + [vector], rowCount: count))
    }
  }

  // MARK: Pairs

  /// Writes the next candidate pairs and returns how many.
  private func nextPairs() -> Int {
    if let probe { return probe.next(left, right, capacity: capacity) }
    var written = 0
    let buildCount = build.rowCount
    guard buildCount > 0 else { return 0 }
    while loopRow < loopCount, written < capacity {
      let size = min(buildCount - loopBuildRow, capacity - written)
      for index in 0..<size {
        left[written + index] = UInt32(truncatingIfNeeded: loopRow)
        right[written + index] = UInt32(truncatingIfNeeded: loopBuildRow + index)
      }
      written += size
      loopBuildRow += size
      if loopBuildRow == buildCount {
        loopBuildRow = 0
        loopRow += 1
      }
    }
    return written
  }

  /// Drops the pairs for which the condition is not true; returns how many are left.
  private func applyCondition(_ batch: Batch, _ count: Int) throws -> Int {
    guard let condition = operation.condition else { return count }
    let candidates = gather(batch, count, only: condition.columnPositions)
    guard let kept = try condition.select(candidates, operation.run.evaluation) else { return count }
    for (place, pair) in kept.indices.enumerated() {
      left[place] = left[Int(pair)]
      right[place] = right[Int(pair)]
    }
    return kept.count
  }

  /// Makes a batch of pairs; columns not in `only` are left as NULLs.
  private func gather(_ batch: Batch, _ count: Int, only: [Int]? = nil) -> Batch {
    let leftRows = UnsafeBufferPointer(start: UnsafePointer(left), count: count)
    let rightRows = UnsafeBufferPointer(start: UnsafePointer(right), count: count)
    let needed = only.map { Set($0) }
    var columns: [Vector] = []
    columns.reserveCapacity(batch.columns.count + build.columns.count)
    let isWhole = only == nil && count == batch.rowCount && isIdentity(count)
    for (index, column) in batch.columns.enumerated() {
      if let needed, !needed.contains(index) {
        columns.append(.nulls(column.type, count: count))
      } else {
        columns.append(isWhole ? column : Gather.rows(column, at: leftRows))
      }
    }
    for (index, column) in build.columns.enumerated() {
      if let needed, !needed.contains(index + batch.columns.count) {
        columns.append(.nulls(column.type, count: count))
      } else {
        columns.append(Gather.rows(column, at: rightRows))
      }
    }
    return Batch(columns, rowCount: count)
  }

  private func isIdentity(_ count: Int) -> Bool {
    var difference: UInt32 = 0
    let rows = left
    var row = 0
    while row < count {
      difference |= rows[row] ^ UInt32(truncatingIfNeeded: row)
      row &+= 1
    }
    return difference == 0
  }

  /// Emits all pairs that match. `tracking` notes the left rows that had one.
  private func pairs(_ batch: Batch, tracking: Bool, _ emit: Emit) throws {
    if tracking { matched = [UInt8](repeating: 0, count: batch.rowCount) }
    let isSingle = operation.join.kind == .single
    while true {
      let candidates = nextPairs()
      if candidates == 0 { return }
      try operation.run.checkpoint()
      let count = try applyCondition(batch, candidates)
      if count == 0 { continue }
      if tracking {
        for pair in 0..<count {
          let row = Int(left[pair])
          if isSingle, matched[row] != 0 {
            throw PulsehouseError(
              .user, "more than one row returned by a subquery used as an expression", sqlState: "21000")
          }
          matched[row] = 1
        }
      }
      if let flags {
        let bytes = flags.values(as: UInt8.self)
        for pair in 0..<count { bytes[Int(right[pair])] = 1 }
      }
      try emit(gather(batch, count))
    }
  }

  /// A left join where every left row has one match at most: one batch in, one out, in order.
  private func leftUnique(_ batch: Batch, _ emit: Emit) throws {
    let count = batch.rowCount
    guard let probe else { return }
    let memory = count <= capacity ? buildRows : AlignedBuffer(byteCount: count * 4)
    defer { withExtendedLifetime(memory) {} }
    let rows = memory.values(as: Int32.self)
    probe.uniqueRows(into: rows)
    let places = UnsafeBufferPointer(start: UnsafePointer(rows), count: count)
    // Clustered rows often have one partner for a whole batch. Who joins batches would spread it out again.
    let one = arenas.isEmpty && places.allEqual ? UnsafeBufferPointer(rebasing: places.prefix(1)) : nil
    let columns = build.columns.enumerated().map { index, column in
      // Dictionaries stay what they are: beside other batches they are worth more.
      guard let one, column.form == .flat else {
        return Gather.rows(column, orNull: places, into: arenas.isEmpty ? nil : arenas[index])
      }
      return Vector(constant: Gather.rows(column, orNull: one).flattened(), count: count)
    }
    try emit(Batch(batch.columns + columns, rowCount: count))
  }

  /// An as-of join: every left row has one match at most, found by binary search among the rows of its key.
  private func nearest(_ batch: Batch, isOuter: Bool, _ emit: Emit) throws {
    guard let probe, let nearest = nearestRows, let value = operation.nearestValue else {
      throw PulsehouseError(.internal, "an as-of join without its order")
    }
    let count = batch.rowCount
    let places = nearest.find(probe, try value.evaluate(batch, operation.run.evaluation), count: count)
    if isOuter {
      let columns = places.withUnsafeBufferPointer { places in build.columns.map { Gather.rows($0, orNull: places) } }
      return try emit(Batch(batch.columns + columns, rowCount: count))
    }
    var written = 0
    for row in 0..<count where places[row] >= 0 {
      left[written] = UInt32(truncatingIfNeeded: row)
      right[written] = UInt32(bitPattern: places[row])
      written += 1
    }
    if written > 0 { try emit(gather(batch, written)) }
  }

  private func emitUnmatched(_ batch: Batch, _ emit: Emit) throws {
    let selection = matched.withUnsafeBufferPointer { buffer in
      buffer.enumerated().filter { $0.element == 0 }.map { UInt32(truncatingIfNeeded: $0.offset) }
    }
    guard !selection.isEmpty else { return }
    let rows = Gather.rows(batch, SelectionVector(selection))
    let nulls = operation.rightTypes.map { Vector.nulls($0, count: selection.count) }
    try emit(Batch(rows.columns + nulls, rowCount: selection.count))
  }

  private func emitRows(_ batch: Batch, where flag: UInt8, _ emit: Emit) throws {
    if flag == 0 { for row in matched.indices { matched[row] ^= 1 } }
    let selection = matched.withUnsafeBufferPointer { buffer -> SelectionVector in
      guard let base = buffer.baseAddress else { return SelectionVector([]) }
      return SelectionVector(mask: base, count: buffer.count)
    }
    if selection.count == 0 { return }
    try emit(selection.count == batch.rowCount ? batch : Gather.rows(batch, selection))
  }

  /// Fills `matched`: 1 for every left row with a match.
  private func findMatches(_ batch: Batch) throws {
    matched = [UInt8](repeating: 0, count: batch.rowCount)
    if operation.condition == nil {
      if let probe {
        matched.withUnsafeMutableBufferPointer { if let base = $0.baseAddress { probe.matches(into: base) } }
      } else if build.rowCount > 0 {
        for row in matched.indices { matched[row] = 1 }
      }
      return
    }
    while true {
      let candidates = nextPairs()
      if candidates == 0 { return }
      try operation.run.checkpoint()
      let count = try applyCondition(batch, candidates)
      for pair in 0..<count { matched[Int(left[pair])] = 1 }
    }
  }

  // MARK: Marks

  /// Returns for each left row whether `key IN (right keys)` is false (0), true (1) or NULL (2).
  private func mark(_ batch: Batch, _ keys: [Vector], nullAware: Bool) throws -> [UInt8] {
    try findMatches(batch)
    var marks = matched
    guard nullAware, !isEmpty, let table else { return marks }
    func isNull(_ row: Int) -> Bool { keys.contains { !$0.isValid(row) } }
    if operation.condition == nil {
      for row in marks.indices where marks[row] == 0 && (hasNullKeys || isNull(row)) { marks[row] = 2 }
      return marks
    }
    // With a further condition only the right rows that meet it are in the list.
    for row in marks.indices where marks[row] == 0 {
      let candidates = isNull(row) ? Array(0..<UInt32(truncatingIfNeeded: build.rowCount)) : table.nullKeyRows
      var start = 0
      while start < candidates.count, marks[row] == 0 {
        let size = min(capacity, candidates.count - start)
        for index in 0..<size {
          left[index] = UInt32(truncatingIfNeeded: row)
          right[index] = candidates[start + index]
        }
        try operation.run.checkpoint()
        if try applyCondition(batch, size) > 0 { marks[row] = 2 }
        start += size
      }
    }
    return marks
  }
}

extension UnsafeBufferPointer<Int32> {
  /// True when all elements are the same, and there is one.
  fileprivate var allEqual: Bool {
    guard let first, self[count - 1] == first else { return false }
    var difference: Int32 = 0
    for element in self { difference |= element ^ first }
    return difference == 0
  }
}
