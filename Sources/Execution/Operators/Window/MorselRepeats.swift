import Kernels
import Planning
import Vectors

/// The first row of each partition where nearly every row is one, found morsel by morsel in one reading: each is held
/// while the rows that repeat a key are looked for, and handed on without those that are not the first.
///
/// For tables whose morsels are nearly parted by the bounds of a key column, as events in order of arrival are by their
/// time: rows of one key lie in one morsel, or in the few that overlap it, of which the rows within its bounds are read
/// too. However many late rows there are, every answer is right; there are only more rows to read again.
final class MorselRepeats: FirstRowSource {
  /// Morsels that a morsel overlaps on average, at most.
  private static let mostOverlapping = 4
  /// Types whose bounds are integers.
  private static let parting: Set<LogicalType> = [.smallint, .integer, .bigint, .date, .timestamp, .timestamptz]
  /// Rows of the largest morsels, about.
  private static let morselRows = 1 << 18

  private let windowing: Windowing
  /// Keys, order and outputs of the rows; and keys and order alone.
  private let rows: Operator
  private let ties: Operator
  private let run: QueryRun
  private let keys: Keys
  private let tiedKeys: Keys
  private let narrowKeys: NarrowKeys
  /// Where each output comes from: a column of `rows`; nil for the row's number, which is 1.
  private let outputs: [Int?]
  private let types: [LogicalType]
  private let split: Split
  private let reservation: MemoryReservation

  /// Keys and order as a reading gives them.
  private struct Keys {
    let partition: [CompiledExpression]
    let order: CompiledSortKeys

    init(_ windowing: Windowing, _ columns: [Column]) throws {
      partition = try windowing.partition.map { try CompiledExpression($0, input: columns) }
      order = try CompiledSortKeys(windowing.order, input: columns)
    }
  }

  /// Keys and order of rows whose columns are taken one by one.
  private struct NarrowKeys {
    /// Columns of the rows that the keys are made of, and what makes the keys of these.
    let keyColumns: [Int]
    let partition: [CompiledExpression]
    /// Columns that keys and order are made of, and what makes both of these.
    let tiedColumns: [Int]
    let tied: Keys

    init(_ windowing: Windowing, _ columns: [Column]) throws {
      let order = windowing.order.map { $0.expression }
      func places(_ expressions: [Expression]) -> [Int] {
        let read = expressions.reduce(into: Set<Column>()) { $0.formUnion($1.columns) }
        return columns.indices.filter { read.contains(columns[$0]) }
      }
      keyColumns = places(windowing.partition)
      tiedColumns = places(windowing.partition + order)
      let (keys, all) = (keyColumns.map { columns[$0] }, tiedColumns.map { columns[$0] })
      partition = try windowing.partition.map { try CompiledExpression($0, input: keys) }
      tied = try Keys(windowing, all)
    }
  }

  /// What parts the morsels: bounds of a key column, and whose bounds overlap with whose. Without a column there is but
  /// one morsel.
  private struct Split {
    var column: Column?
    var bounds: [ClosedRange<Int64>] = []
    var overlapping: [[Int]]
  }

  /// Nil where no key column parts the morsels, or memory does not hold one for each thread.
  init?(_ operation: WindowOperator, _ narrow: FirstRows.Narrow) throws {
    (windowing, run, types) = (operation.windowing, operation.run, operation.types)
    let input = Set(operation.input.columns)
    let tied = (windowing.partition + windowing.order.map { $0.expression })
      .reduce(into: Set<Column>()) { $0.formUnion($1.columns) }
    guard let ties = try narrow(tied, false) else { return nil }
    try ties.prepareOnce()
    guard let morselCount = try ties.morselCount(phase: 0), let most = ties.mostRows,
      let split = try MorselRepeats.split(operation.windowing, ties, morselCount)
    else { return nil }
    reservation = run.reservation(for: "window functions")
    let wanted = tied.union(operation.columns.filter(input.contains))
    // Of each row its columns twice, and what finding it takes.
    let rowBytes = wanted.reduce(32) { $0 + 2 * $1.type.physical.stride + 2 }
    let bytes = min(most, MorselRepeats.morselRows) * rowBytes * min(run.threadCount, max(1, morselCount))
    guard reservation.tryResize(to: bytes), let rows = try narrow(wanted, true) else { return nil }
    try rows.prepareOnce()
    guard try rows.morselCount(phase: 0) == morselCount else { return nil }
    (self.ties, self.rows, self.split) = (ties, rows, split)
    keys = try Keys(windowing, rows.columns)
    tiedKeys = try Keys(windowing, ties.columns)
    narrowKeys = try NarrowKeys(windowing, rows.columns)
    outputs = operation.columns.map { rows.columns.firstIndex(of: $0) }
  }

  func morselCount() throws -> Int? { split.overlapping.count }

  func makeWorker() throws -> OperatorWorker { try Worker(self) }

  func isOrdered(by wanted: [Column]) throws -> Bool {
    try wanted.allSatisfy(rows.columns.contains) && rows.isOrdered(by: wanted)
  }

  func finish() {
    rows.finish()
    _ = reservation.tryResize(to: 0)
  }

  private static func split(_ windowing: Windowing, _ ties: Operator, _ morselCount: Int) throws -> Split? {
    if morselCount <= 1 { return Split(overlapping: Array(repeating: [], count: morselCount)) }
    var best: (split: Split, overlaps: Int)?
    for case .column(let column) in windowing.partition where parting.contains(column.type) {
      var bounds: [ClosedRange<Int64>] = []
      for morsel in 0..<morselCount {
        guard let known = try ties.bounds(of: column, morsel: morsel) else { break }
        bounds.append(known)
      }
      guard bounds.count == morselCount,
        let overlapping = overlaps(bounds, atMost: best?.overlaps ?? mostOverlapping * morselCount)
      else { continue }
      best = (Split(column: column, bounds: bounds, overlapping: overlapping), overlapping.reduce(0) { $0 + $1.count })
    }
    guard let best, let column = best.split.column else { return nil }
    // Rows outside of the bounds must be cheap to leave out.
    return try ties.makeWorker().restrict(column, to: best.split.bounds[0]) ? best.split : nil
  }

  /// Returns, for each range, the others that have a value in common with it; nil when they are more than `most` in all.
  static func overlaps(_ ranges: [ClosedRange<Int64>], atMost most: Int) -> [[Int]]? {
    var overlapping = [[Int]](repeating: [], count: ranges.count)
    var open: [Int] = []
    var count = 0
    for index in ranges.indices.sorted(by: { ranges[$0].lowerBound < ranges[$1].lowerBound }) {
      open.removeAll { ranges[$0].upperBound < ranges[index].lowerBound }
      count += 2 * open.count
      if count > most { return nil }
      for other in open {
        overlapping[other].append(index)
        overlapping[index].append(other)
      }
      open.append(index)
    }
    return overlapping
  }

  private final class Worker: OperatorWorker {
    private let search: MorselRepeats
    private let own: OperatorWorker
    private let other: OperatorWorker
    private let hashes = HashRepeats()

    init(_ search: MorselRepeats) throws {
      self.search = search
      own = try search.rows.worker()
      other = try search.ties.makeWorker()
    }

    /// Rows of some morsels, one after the other; the hashes of their keys are known to `hashes`.
    private struct Found {
      var parts: [Part] = []
      var count = 0
    }

    /// Rows that follow one another, and their columns: of all columns that `keys` is about.
    private struct Part {
      let rowCount: Int
      let keys: Keys
      let rows: (_ chosen: [UInt32]) throws -> Batch
    }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      let split = search.split
      var found = Found()
      var mine = 0..<0
      var columns: (any MorselColumns)?
      var keys: Batch?
      var batches: [Batch] = []
      for next in (split.overlapping[morsel] + [morsel]).sorted() {
        if next == morsel {
          let start = found.count
          columns = try own.columns(phase: phase, morsel: morsel)
          if let columns {
            keys = try add(columns, to: &found)
          } else {
            try own.run(phase: phase, morsel: morsel) { batch in
              batches.append(batch)
              try add(batch, search.keys, to: &found)
            }
          }
          mine = start..<found.count
        } else if let column = split.column {
          _ = other.restrict(column, to: split.bounds[morsel])
          try other.run(phase: phase, morsel: next) { try add($0, search.tiedKeys, to: &found) }
        }
      }
      let unwanted = try unwanted(mine, of: found)
      found.parts = []
      if let columns, let keys {
        try hand(columns, keys, without: unwanted, emit)
      } else {
        try hand(batches, without: unwanted, emit)
      }
    }

    /// Takes only the key columns; returns them.
    private func add(_ columns: any MorselColumns, to found: inout Found) throws -> Batch {
      let rowCount = columns.rowCount
      let narrow = search.narrowKeys
      if rowCount == 0 { return Batch([], rowCount: 0) }
      let keys = Batch(try narrow.keyColumns.map { try columns.column($0, without: []) }, rowCount: rowCount)
      for start in stride(from: 0, to: rowCount, by: Batch.vectorSize) {
        let slice = keys.slice(start..<min(start + Batch.vectorSize, rowCount))
        hashes.append(
          try narrow.partition.map { try $0.evaluate(slice, search.run.evaluation) }, count: slice.rowCount)
      }
      found.parts.append(
        Part(rowCount: rowCount, keys: narrow.tied) { chosen in
          let rows = SelectionVector(chosen)
          let columns = try narrow.tiedColumns.map { column in
            if let key = narrow.keyColumns.firstIndex(of: column) { return Gather.rows(keys.columns[key], rows) }
            return try columns.column(column, at: chosen)
          }
          return Batch(columns, rowCount: chosen.count)
        })
      found.count += rowCount
      return keys
    }

    private func add(_ batch: Batch, _ keys: Keys, to found: inout Found) throws {
      hashes.append(
        try keys.partition.map { try $0.evaluate(batch, search.run.evaluation) }, count: batch.rowCount)
      found.parts.append(
        Part(rowCount: batch.rowCount, keys: keys) { Gather.rows(batch, SelectionVector($0)) })
      found.count += batch.rowCount
    }

    /// Takes the columns that are no keys of the wanted rows alone.
    private func hand(
      _ columns: any MorselColumns, _ keys: Batch, without unwanted: [UInt32], _ emit: Emit
    ) throws {
      let rowCount = columns.rowCount - unwanted.count
      if rowCount == 0 { return }
      let kept = unwanted.isEmpty ? keys : Gather.joined([keys], without: unwanted)
      let outputs = try zip(search.outputs, search.types).map { output, type in
        guard let output else { return Vector.constant(type, .integer(1), count: rowCount) }
        if let kept, let key = search.narrowKeys.keyColumns.firstIndex(of: output) { return kept.columns[key] }
        return try columns.column(output, without: unwanted)
      }
      try emitVectors(Batch(outputs, rowCount: rowCount), emit)
    }

    private func emitVectors(_ rows: Batch, _ emit: Emit) throws {
      for start in stride(from: 0, to: rows.rowCount, by: Batch.vectorSize) {
        try emit(rows.slice(start..<min(start + Batch.vectorSize, rows.rowCount)))
      }
    }

    private func hand(_ batches: [Batch], without unwanted: [UInt32], _ emit: Emit) throws {
      let rowCount = batches.reduce(0) { $0 + $1.rowCount } - unwanted.count
      if rowCount > 0, !unwanted.isEmpty, let rows = joined(batches, without: unwanted) {
        return try emitVectors(rows, emit)
      }
      var unwanted = unwanted[...]
      var start: UInt32 = 0
      for batch in batches {
        let end = start + UInt32(truncatingIfNeeded: batch.rowCount)
        let here = unwanted.prefix { $0 < end }.map { $0 - start }
        unwanted = unwanted.dropFirst(here.count)
        start = end
        if here.count == batch.rowCount { continue }
        let rows = here.isEmpty ? batch : Gather.rows(batch, without: here)
        try emit(rows.first(search.outputs, search.types))
      }
    }

    /// The outputs of all rows but some, in one batch; nil where they are better taken batch by batch.
    private func joined(_ batches: [Batch], without unwanted: [UInt32]) -> Batch? {
      let wanted = search.outputs.compactMap { $0 }
      let rows = Gather.joined(
        batches.map { batch in Batch(wanted.map { batch.columns[$0] }, rowCount: batch.rowCount) }, without: unwanted)
      var next = 0
      let places = search.outputs.map { output -> Int? in
        if output == nil { return nil }
        defer { next += 1 }
        return next
      }
      return rows?.first(places, search.types)
    }

    /// Returns, ascending and counted from the first, the rows of `mine` that are not the first of their key.
    private func unwanted(_ mine: Range<Int>, of found: Found) throws -> [UInt32] {
      let repeated = hashes.take()
      if repeated.isEmpty { return [] }
      return try RepeatedRows.unwanted(try tied(repeated, of: found), search.windowing, search.run)
        .lazy.map { repeated[$0] }.filter(mine.contains)
        .map { UInt32(truncatingIfNeeded: $0 - mine.lowerBound) }.sorted()
    }

    /// The keys and the order of some rows, which ascend.
    private func tied(_ chosen: [Int], of found: Found) throws -> [Batch] {
      var tied: [Batch] = []
      var next = 0
      var start = 0
      for part in found.parts {
        let first = next
        while next < chosen.count, chosen[next] < start + part.rowCount { next += 1 }
        if next > first {
          let rows = try part.rows(chosen[first..<next].map { UInt32(truncatingIfNeeded: $0 - start) })
          let values = try part.keys.partition.map { try $0.evaluate(rows, search.run.evaluation) }
          tied.append(Batch(values + (try part.keys.order.evaluate(rows, search.run)), rowCount: rows.rowCount))
        }
        start += part.rowCount
      }
      return tied
    }
  }
}
