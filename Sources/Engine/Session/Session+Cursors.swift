import Bytes
import Execution
import Planning
import SQLSyntax
import Vectors

/// A query's rows, kept to be fetched in parts.
struct Cursor {
  /// Row numbers count from 1; 0 is before the first, one more than there are behind the last.
  var position = 0
  /// Nil where neither SCROLL nor NO SCROLL was said: it scrolls then too.
  var scrolls: Bool?
  var isHeld: Bool
  /// How many savepoints stood when it was declared; nil once its transaction was committed.
  var savepointCount: Int?
  let rows: CursorRows
}

/// DECLARE, FETCH, MOVE and CLOSE.
extension Session {
  func declareCursor(
    _ name: String, scrolls: Bool?, isHeld: Bool, _ query: PlannedStatement, _ work: StatementWork
  ) throws {
    guard open != nil || isHeld else {
      throw PulsehouseError(
        .user, "DECLARE CURSOR can only be used in transaction blocks", sqlState: "25P01")
    }
    guard cursors[name] == nil else {
      throw PulsehouseError(.user, "cursor \"\(name)\" already exists", sqlState: "42P03")
    }
    let rows = CursorRows(MemoryBudget(limit: settings.memoryLimit))
    var inner = work
    inner.sink = rows
    try perform(query, inner)
    cursors[name] = Cursor(scrolls: scrolls, isHeld: isHeld, savepointCount: open?.savepoints.count, rows: rows)
    try work.sink.finish(StatementOutcome("DECLARE CURSOR"))
  }

  func fetch(_ fetch: Fetch, _ work: StatementWork) throws {
    guard let cursor = cursors[fetch.cursor] else {
      throw PulsehouseError(.user, "cursor \"\(fetch.cursor)\" does not exist", sqlState: "34000")
    }
    let step = CursorStep(fetch, from: cursor.position, of: cursor.rows.rowCount)
    if cursor.scrolls == false, step.goesBack(from: cursor.position) {
      throw PulsehouseError(
        .user, "cursor can only scan forward", sqlState: "55000",
        hint: "Declare it with SCROLL option to enable backward scan.")
    }
    cursors[fetch.cursor]?.position = step.position
    if fetch.isMove {
      return try work.sink.finish(StatementOutcome("MOVE \(step.rows.count)", rowCount: step.rows.count))
    }
    try work.sink.begin(cursor.rows.columns)
    try cursor.rows.give(step.rows, isReversed: step.isReversed, to: work.sink)
    try work.sink.finish(StatementOutcome("FETCH \(step.rows.count)", rowCount: step.rows.count))
  }

  func closeCursor(_ name: String?, _ work: StatementWork) throws {
    if let name {
      guard cursors.removeValue(forKey: name) != nil else {
        throw PulsehouseError(.user, "cursor \"\(name)\" does not exist", sqlState: "34000")
      }
    } else {
      cursors = [:]
    }
    try work.sink.finish(StatementOutcome(name == nil ? "CLOSE CURSOR ALL" : "CLOSE CURSOR"))
  }

  /// Lets go of the cursors that a transaction declared; after a commit those WITH HOLD stay.
  func endCursors(isCommitted: Bool) {
    if cursors.isEmpty { return }
    cursors = cursors.filter { $0.value.savepointCount == nil || (isCommitted && $0.value.isHeld) }
    for name in cursors.keys { cursors[name]?.savepointCount = nil }
  }
}

/// Where FETCH leads: the rows it gives, and where the cursor stands then.
struct CursorStep {
  /// Row numbers from 0, in the order of the query.
  private(set) var rows = 0..<0
  private(set) var isReversed = false
  private(set) var position: Int
  /// True when the row that the cursor stands on is asked for anew.
  private var isAgain = false

  init(_ fetch: Fetch, from start: Int, of rowCount: Int) {
    position = start
    let count = Int(clamping: fetch.count)
    switch fetch.direction {
    case .forward where count < 0, .backward where count > 0:
      back(count == .min ? .max : abs(count), from: start)
    case .forward, .backward:
      // BACKWARD of less than none goes forward.
      forward(count == .min ? .max : abs(count), from: start, rowCount)
    case .absolute: go(to: count >= 0 ? count : max(0, rowCount + 1 + max(count, -rowCount - 1)), rowCount)
    case .relative:
      let (target, isTooFar) = start.addingReportingOverflow(count)
      if count == 0 {
        forward(0, from: start, rowCount)
      } else {
        go(to: isTooFar ? (count > 0 ? rowCount + 1 : 0) : max(0, target), rowCount)
        isReversed = count < 0
      }
    }
  }

  private mutating func forward(_ count: Int, from start: Int, _ rowCount: Int) {
    if count == 0 {
      isAgain = start >= 1 && start <= rowCount
      if isAgain { rows = (start - 1)..<start }
      return
    }
    let (end, isTooFar) = start.addingReportingOverflow(count)
    position = isTooFar || end > rowCount ? rowCount + 1 : end
    rows = min(start, rowCount)..<min(position, rowCount)
  }

  private mutating func back(_ count: Int, from start: Int) {
    let end = max(0, start - 1)
    position = start - 1 < count ? 0 : start - count
    rows = max(0, position - 1)..<end
    isReversed = true
  }

  private mutating func go(to row: Int, _ rowCount: Int) {
    position = min(row, rowCount + 1)
    if position >= 1, position <= rowCount { rows = (position - 1)..<position }
  }

  /// True for what a cursor declared NO SCROLL cannot do.
  func goesBack(from start: Int) -> Bool {
    isAgain || isReversed || position < start || (position == start && !rows.isEmpty)
  }
}

/// Keeps all rows of a query in memory, which is counted.
final class CursorRows: ResultSink {
  private(set) var columns: [Field] = []
  private(set) var rowCount = 0
  private var batches: [Batch] = []
  private let budget: MemoryBudget

  init(_ budget: MemoryBudget) { self.budget = budget }

  func begin(_ columns: [Field]) { self.columns = columns }

  /// - Throws: 53200.
  func append(_ batch: Batch) throws {
    try budget.reserve(batch.columns.reduce(0) { $0 + $1.heldByteCount }, for: "a cursor")
    batches.append(batch)
    rowCount += batch.rowCount
  }

  func finish(_ outcome: StatementOutcome) {}

  /// Gives the rows of a range, last first where it is reversed.
  func give(_ range: Range<Int>, isReversed: Bool, to sink: any ResultSink) throws {
    var start = 0
    var parts: [(Batch, Range<Int>)] = []
    for batch in batches {
      let own = range.clamped(to: start..<(start + batch.rowCount))
      if !own.isEmpty { parts.append((batch, (own.lowerBound - start)..<(own.upperBound - start))) }
      start += batch.rowCount
    }
    for (batch, rows) in isReversed ? parts.reversed() : parts {
      if !isReversed, rows.count == batch.rowCount {
        try sink.append(batch)
        continue
      }
      let order = isReversed ? Array(rows.reversed()) : Array(rows)
      let vectors = batch.columns.map { column in Vector.of(column.type, order.map { column.scalar(at: $0) }) }
      try sink.append(Batch(vectors, rowCount: order.count))
    }
  }
}

extension Vector {
  /// About how many bytes the values take: what is shared with other vectors counts as if it were not.
  fileprivate var heldByteCount: Int {
    if form == .constant { return type.physical.stride }
    var total = count * (form == .dictionary ? 4 : type.physical.stride)
    guard type.physical == .string, form == .flat else { return total }
    let texts = values(as: StringReference.self)
    // What stands in rows that are NULL may be anything.
    for row in 0..<count where isValid(row) { total += texts[row].count }
    return total
  }
}
