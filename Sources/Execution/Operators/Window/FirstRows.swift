import Kernels
import Planning
import Synchronization
import Vectors

/// How a window operator gives the first row of each partition without storing or sorting the table.
protocol FirstRowSource {
  func morselCount() throws -> Int?
  func makeWorker() throws -> OperatorWorker
  func isOrdered(by wanted: [Column]) throws -> Bool
  /// Gives memory back.
  func finish()
}

/// The first row of each partition, found by two readings: key and order columns are read apart from
/// the others and tell which rows are wanted; then the table passes by a second time, in its own order.
///
/// - Where nearly every row is one (`.repeats`): the rows that repeat a key are found by `RepeatedKeys`, compared, and
///   crossed out.
/// - Where keys are few (`.groups`): the best row of each is kept (`BestRows`) while keys and order pass by.
final class FirstRows: FirstRowSource {
  private let rows: Operator
  /// Where each output comes from: a column of `rows`; nil for the row's number, which is 1.
  private let outputs: [Int?]
  private let types: [LogicalType]
  /// How many rows lie before each morsel, and how many there are in all.
  private let firstRows: [Int]
  /// The rows that are wanted, or those that are not.
  private let flags: RowFlags
  private let areWanted: Bool
  private let reservation: MemoryReservation

  /// Makes operators of the input that give some of its columns, and are counted in the plan's metrics or not.
  typealias Narrow = (Set<Column>, _ isCounted: Bool) throws -> Operator?

  /// Thrown when this is not the way.
  struct Unsuited: Error {}

  /// Rows by morsel and place in it, and how many rows each morsel has.
  struct FoundRows {
    var rows: [(morsel: Int, row: Int)] = []
    var sizes: [Int] = []
  }

  /// Nil when too many rows repeat a key, or memory does not hold what is needed.
  init?(_ operation: WindowOperator, _ narrow: Narrow) throws {
    let (run, windowing) = (operation.run, operation.windowing)
    func columns(_ expressions: [Expression]) -> Set<Column> {
      expressions.reduce(into: []) { $0.formUnion($1.columns) }
    }
    let order = windowing.order.map { $0.expression }
    let input = Set(operation.input.columns)
    guard let keys = try narrow(columns(windowing.partition), false),
      let ties = try narrow(columns(windowing.partition + order), false),
      let rows = try narrow(Set(operation.columns.filter(input.contains)), true)
    else { return nil }
    self.rows = rows
    outputs = operation.columns.map { rows.columns.firstIndex(of: $0) }
    types = operation.types
    reservation = run.reservation(for: "window functions")
    for source in [keys, ties, rows] { try source.prepareOnce() }
    guard let most = keys.mostRows, let morselCount = try rows.morselCount(phase: 0),
      try keys.morselCount(phase: 0) == morselCount, try ties.morselCount(phase: 0) == morselCount
    else { return nil }
    areWanted = windowing.firstRows == .groups
    do {
      let found: FoundRows
      if areWanted {
        found = try GroupedRows.find(windowing, ties, morselCount, most)
      } else {
        found = try RepeatedKeys.find(windowing, keys, morselCount, most)
      }
      var firstRows = [0]
      for size in found.sizes { firstRows.append(firstRows[firstRows.count - 1] + size) }
      self.firstRows = firstRows
      let total = firstRows[firstRows.count - 1]
      guard reservation.tryResize(to: total / 8 + found.rows.count * 32) else { throw Unsuited() }
      flags = RowFlags(count: total)
      if areWanted {
        for (morsel, row) in found.rows { flags.set(firstRows[morsel] + row) }
      } else {
        try crossOut(found.rows, ties, windowing, run)
      }
    } catch is Unsuited {
      return nil
    }
    _ = reservation.tryResize(to: firstRows[firstRows.count - 1] / 8)
  }

  // MARK: Which rows to leave out

  /// Compares rows by keys and order, and crosses out all but the first of each key.
  private func crossOut(
    _ repeated: [(morsel: Int, row: Int)], _ ties: Operator, _ windowing: Windowing, _ run: QueryRun
  ) throws {
    if repeated.isEmpty { return }
    let repeated = repeated.sorted { ($0.morsel, $0.row) < ($1.morsel, $1.row) }
    var ranges: [Range<Int>] = []
    var start = 0
    for end in 1...repeated.count where end == repeated.count || repeated[end].morsel != repeated[start].morsel {
      ranges.append(start..<end)
      start = end
    }
    let keys = try windowing.partition.map { try CompiledExpression($0, input: ties.columns) }
    let sortKeys = try CompiledSortKeys(windowing.order, input: ties.columns)
    let shared = Box((ties: ties, keys: keys, sortKeys: sortKeys, budget: run.context.budget))
    let readers = Box([OperatorWorker?](repeating: nil, count: run.threadCount))
    let parts = Box([[Batch]](repeating: [], count: ranges.count))
    let held = Mutex(0)
    try WorkerPool.shared.forEach(count: ranges.count, threads: run.threadCount) { [ranges] index, slot in
      let (ties, keys, sortKeys, budget) = shared.value
      try run.checkpoint()
      let reader = try held.withLock { _ in
        if readers.value[slot] == nil { readers.value[slot] = try ties.makeWorker() }
        return Box(readers.value[slot])
      }
      var next = ranges[index].lowerBound
      let end = ranges[index].upperBound
      var row = 0
      var found: [Batch] = []
      var size = BatchSize()
      try reader.value?.run(phase: 0, morsel: repeated[next].morsel) { batch in
        var chosen: [UInt32] = []
        while next < end, repeated[next].row < row + batch.rowCount {
          chosen.append(UInt32(truncatingIfNeeded: repeated[next].row - row))
          next += 1
        }
        row += batch.rowCount
        if chosen.isEmpty { return }
        let rows = Gather.rows(batch, SelectionVector(chosen))
        let values = try keys.map { try $0.evaluate(rows, run.evaluation) } + sortKeys.evaluate(rows, run)
        found.append(Batch(values, rowCount: rows.rowCount))
      }
      let bytes = found.reduce(0) { $0 + size.byteCount($1) }
      let made = Box(found)
      let total = held.withLock { total in
        total += bytes
        parts.value[index] = made.value
        return total
      }
      // They are put together, and their keys kept.
      guard next == end, budget.reserved + 3 * total <= budget.limit else { throw Unsuited() }
    }
    let unwanted = try RepeatedRows.unwanted(parts.value.flatMap { $0 }, windowing, run)
    for row in unwanted { flags.set(firstRows[repeated[row].morsel] + repeated[row].row) }
  }

  // MARK: The rows

  func morselCount() throws -> Int? { try rows.morselCount(phase: 0) }

  func makeWorker() throws -> OperatorWorker { Worker(self, try rows.worker()) }

  func isOrdered(by wanted: [Column]) throws -> Bool {
    try wanted.allSatisfy(rows.columns.contains) && rows.isOrdered(by: wanted)
  }

  func finish() {
    rows.finish()
    _ = reservation.tryResize(to: 0)
  }

  private final class Worker: OperatorWorker {
    private let first: FirstRows
    private let input: OperatorWorker

    init(_ first: FirstRows, _ input: OperatorWorker) {
      self.first = first
      self.input = input
    }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      var row = first.firstRows[morsel]
      if first.areWanted, !first.flags.mayHaveSet(row..<first.firstRows[morsel + 1]) { return }
      try input.run(phase: phase, morsel: morsel) { batch in
        let range = row..<row + batch.rowCount
        row = range.upperBound
        let flagged = first.flags.set(in: range)
        if flagged.count == (first.areWanted ? 0 : batch.rowCount) { return }
        var rows = batch
        if first.areWanted {
          rows = Gather.rows(batch, SelectionVector(flagged))
        } else if !flagged.isEmpty {
          rows = Gather.rows(batch, without: flagged)
        }
        try emit(rows.first(first.outputs, first.types))
      }
    }
  }
}

extension Batch {
  /// The rows' columns as outputs, each of which is one of them or, where nil, the row's number in its partition: 1.
  func first(_ outputs: [Int?], _ types: [LogicalType]) -> Batch {
    let columns = zip(outputs, types).map { place, type in
      place.map { self.columns[$0] } ?? .constant(type, .integer(1), count: rowCount)
    }
    return Batch(columns, rowCount: rowCount)
  }
}
