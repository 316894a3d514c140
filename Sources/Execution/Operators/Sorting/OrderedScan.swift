import Kernels
import Planning
import Segments
import Synchronization
import Vectors

/// The first and last rows of morsels that workers look through, or the news that one is not in order.
private final class MorselEnds: Sendable {
  struct Ends: Sendable {
    /// One vector of one row for each column; none without rows.
    var first: [Vector]
    var last: [Vector]
  }

  private struct State {
    var ends: [Ends?]
    var hasFailed = false
    var hasTies = false
  }

  private let state: Mutex<State>

  init(count: Int) { state = Mutex(State(ends: Array(repeating: nil, count: count))) }

  var hasFailed: Bool { state.withLock { $0.hasFailed } }

  /// True when rows are equal in all fields but the last, so that more morsels likely need that one.
  var hasTies: Bool { state.withLock { $0.hasTies } }

  func noteTies() { state.withLock { $0.hasTies = true } }

  func set(_ index: Int, _ ends: Ends?) {
    state.withLock { state in
      state.ends[index] = ends
      if ends == nil { state.hasFailed = true }
    }
  }

  /// All ends in order, nil when a morsel failed.
  var all: [Ends]? { state.withLock { $0.hasFailed ? nil : $0.ends.compactMap { $0 } } }
}

/// One thread's reader, whose memory serves one row group after another.
private final class KeptReader: @unchecked Sendable {
  // @unchecked: touched by one worker only.
  var reader: RowGroupReader?
}

extension RowGroupReader {
  fileprivate func read(column: Int, row: Int) throws -> Vector {
    try read(column: column, selection: SelectionVector([UInt32(truncatingIfNeeded: row)]))
  }
}

extension SegmentScanOperator {
  /// Tells by the zone maps whether a value lies in the bounds of few row groups on average: of two, or of an eighth.
  func boundsHardlyOverlap(field: Int) throws -> Bool {
    var (lowest, highest) = (Double.infinity, -Double.infinity)
    var (width, count) = (0.0, 0.0)
    for handle in handles where handle.rowCount > 0 {
      let segment = try handle.open()
      for rowGroup in 0..<segment.rowGroupCount {
        let zone = segment.zoneMap(column: field, rowGroup: rowGroup)
        if zone.nullCount == zone.rowCount { continue }
        guard case .integer(let low) = zone.minimum, case .integer(let high) = zone.maximum else { return false }
        lowest = min(lowest, Double(low))
        highest = max(highest, Double(high))
        width += Double(high) - Double(low) + 1
        count += 1
      }
    }
    return width <= max(2, count / 8) * (highest - lowest + 1)
  }

  /// Reads columns to see whether the rows ascend by them, NULLs last: first the bounds of row groups, which settle it
  /// at once where rows came in another order, then the values, until two of them fall.
  func verifyOrder(by fields: [Int]) throws -> Bool {
    guard let first = fields.first else { return false }
    var highest: ZoneMap?
    for morsel in morsels where morsel.rows.lowerBound == 0 {
      let segment = try handles[morsel.segment].open()
      for rowGroup in morsel.rowGroup.map({ $0..<$0 + 1 }) ?? 0..<segment.rowGroupCount {
        let zone = segment.zoneMap(column: first, rowGroup: rowGroup)
        if let highest, zone.falls(below: highest) { return false }
        highest = zone
      }
    }
    let ends = MorselEnds(count: morsels.count)
    let scan = Box(self)
    let readers = (0..<run.threadCount).map { _ in KeptReader() }
    try WorkerPool.shared.forEach(count: morsels.count, threads: run.threadCount) { index, worker in
      if ends.hasFailed { return }
      ends.set(index, try scan.value.ordered(scan.value.morsels[index], fields, readers[worker], ends))
    }
    guard let all = ends.all else { return false }
    var check = OrderCheck(columnCount: fields.count)
    return all.allSatisfy { check.accepts($0.first) && check.accepts($0.last) }
  }

  /// Returns a morsel's first and last row, or nil when its rows do not ascend.
  private func ordered(
    _ morsel: Morsel, _ fields: [Int], _ kept: KeptReader, _ ends: MorselEnds
  ) throws -> MorselEnds.Ends? {
    if fields.count > 1, !ends.hasTies {
      // Where no rows are equal in all the others, the last field has no say, and is read at the ends alone.
      let (found, hasTies) = try ordered(morsel, Array(fields.dropLast()), kept, atEnds: fields.suffix(1))
      if !hasTies { return found }
      ends.noteTies()
    }
    return try ordered(morsel, fields, kept, atEnds: []).ends
  }

  /// Looks whether a morsel's rows ascend by `fields`, and whether some are equal in all of them. Returns the first and
  /// the last row with more fields `atEnds`; nil where rows fall.
  private func ordered(
    _ morsel: Morsel, _ fields: [Int], _ kept: KeptReader, atEnds: ArraySlice<Int>
  ) throws -> (ends: MorselEnds.Ends?, hasTies: Bool) {
    let segment = try handles[morsel.segment].open()
    var check = OrderCheck(columnCount: fields.count)
    var first: [Vector] = []
    var last: [Vector] = []
    for rowGroup in morsel.rowGroup.map({ $0..<$0 + 1 }) ?? 0..<segment.rowGroupCount {
      let reader = kept.reader ?? RowGroupReader(segment, rowGroup: rowGroup)
      reader.move(to: segment, rowGroup: rowGroup)
      kept.reader = reader
      let rows = morsel.rowGroup == nil ? 0..<segment.rowCount(rowGroup: rowGroup) : morsel.rows
      var start = rows.lowerBound
      while start < rows.upperBound {
        try run.checkpoint()
        let end = min(start + Batch.vectorSize, rows.upperBound)
        let columns = try fields.map { try reader.read(column: $0, rows: start..<end) }
        guard check.accepts(columns) else { return (nil, check.hasTies) }
        if check.hasTies, !atEnds.isEmpty { return (nil, true) }
        if first.isEmpty {
          first = try columns.map { $0.slice(0..<1) } + atEnds.map { try reader.read(column: $0, row: start) }
        }
        last = columns.map { $0.slice(end - start - 1..<end - start) }
        if end == rows.upperBound { last += try atEnds.map { try reader.read(column: $0, row: end - 1) } }
        start = end
      }
    }
    return (MorselEnds.Ends(first: first, last: last), check.hasTies)
  }
}
