import Bytes
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
  /// Morsels that a morsel overlaps on average, at most; and as many does a worker keep beside its own, so that those
  /// which the next ones overlap are read but once.
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
  /// Morsels that each worker keeps.
  private let keptCount: Int

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
    // Of each row its columns twice, and what finding it takes; and the columns and a hash of each that is kept.
    let columnBytes = wanted.reduce(2) { $0 + $1.type.physical.stride }
    let workers = min(run.threadCount, max(1, morselCount))
    let rowCount = min(most, MorselRepeats.morselRows) * workers
    let overlapping = split.overlapping.reduce(0) { $0 + $1.count }
    let neighbours = min((overlapping + morselCount - 1) / max(1, morselCount), MorselRepeats.mostOverlapping)
    let sizes = [neighbours, 0].map { rowCount * (32 + 2 * columnBytes + $0 * (8 + columnBytes)) }
    if reservation.tryResize(to: sizes[0]) {
      keptCount = neighbours + 1
    } else if reservation.tryResize(to: sizes[1]) {
      keptCount = 1
    } else {
      return nil
    }
    guard let rows = try narrow(wanted, true) else { return nil }
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

  /// A morsel as columns, with its keys and their hashes.
  private final class KeptMorsel {
    private let search: MorselRepeats
    private let worker: OperatorWorker
    private(set) var morsel: Int?
    private(set) var columns: any MorselColumns = NoColumns()
    private(set) var keys = Batch([], rowCount: 0)
    let hashes = KeyHashes()

    init(_ search: MorselRepeats) throws {
      self.search = search
      worker = try search.rows.worker()
    }

    private struct NoColumns: MorselColumns {
      let rowCount = 0
      func column(_ output: Int, at rows: [UInt32]) throws -> Vector { preconditionFailure("no columns") }
      func column(_ output: Int, without removed: [UInt32]) throws -> Vector { preconditionFailure("no columns") }
    }

    /// Reads the keys of a morsel; returns false where its rows are only had as batches.
    func read(phase: Int, morsel: Int) throws -> Bool {
      self.morsel = nil
      hashes.removeAll()
      keys = Batch([], rowCount: 0)
      guard let columns = try worker.columns(phase: phase, morsel: morsel) else { return false }
      self.columns = columns
      let rowCount = columns.rowCount
      if rowCount > 0 {
        let narrow = search.narrowKeys
        keys = Batch(try narrow.keyColumns.map { try columns.column($0, without: []) }, rowCount: rowCount)
        for start in stride(from: 0, to: rowCount, by: Batch.vectorSize) {
          let slice = keys.slice(start..<min(start + Batch.vectorSize, rowCount))
          hashes.append(
            try narrow.partition.map { try $0.evaluate(slice, search.run.evaluation) }, count: slice.rowCount)
        }
      }
      self.morsel = morsel
      return true
    }

    /// The keys and what the order is made of, of some rows.
    func tiedColumns(at chosen: [UInt32]) throws -> Batch {
      let narrow = search.narrowKeys
      let rows = SelectionVector(chosen)
      let tied = try narrow.tiedColumns.map { column in
        if let key = narrow.keyColumns.firstIndex(of: column) { return Gather.rows(keys.columns[key], rows) }
        return try columns.column(column, at: chosen)
      }
      return Batch(tied, rowCount: chosen.count)
    }
  }

  private final class Worker: OperatorWorker {
    private let search: MorselRepeats
    /// Read morsels that are only had as batches, and rows of others.
    private let own: OperatorWorker
    private let other: OperatorWorker
    /// The morsels that were read last, the latest behind the others.
    private var kept: [KeptMorsel] = []
    private let repeats = HashRepeats()

    init(_ search: MorselRepeats) throws {
      self.search = search
      own = try search.rows.worker()
      other = try search.ties.makeWorker()
    }

    /// Rows of some morsels, one after the other; the hashes of their keys are known to `repeats`.
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
      let neighbours = split.overlapping[morsel]
      var found = Found()
      var mine = 0..<0
      let whole = try keep(phase, morsel, beside: neighbours, isFirst: true)
      var batches: [Batch] = []
      for next in (neighbours + [morsel]).sorted() {
        if next == morsel {
          let start = found.count
          if let whole {
            add(whole, to: &found)
          } else {
            try own.run(phase: phase, morsel: morsel) { batch in
              batches.append(batch)
              try add(batch, search.keys, to: &found)
            }
          }
          mine = start..<found.count
        } else if let column = split.column {
          if search.keptCount > 1, let neighbour = try keep(phase, next, beside: neighbours + [morsel]) {
            try add(neighbour, column, split.bounds[morsel], to: &found)
          } else {
            _ = other.restrict(column, to: split.bounds[morsel])
            try other.run(phase: phase, morsel: next) { try add($0, search.tiedKeys, to: &found) }
          }
        }
      }
      let unwanted = try unwanted(mine, of: found)
      found.parts = []
      if let whole {
        try hand(whole, without: unwanted, emit)
      } else {
        try hand(batches, without: unwanted, emit)
      }
    }

    /// Returns a morsel's keys, which may be known from before; nil where its rows are only had as batches, or there is
    /// no place for it beside the `wanted`.
    private func keep(_ phase: Int, _ morsel: Int, beside wanted: [Int], isFirst: Bool = false) throws -> KeptMorsel? {
      if let index = kept.firstIndex(where: { $0.morsel == morsel }) {
        kept.append(kept.remove(at: index))
        return kept[kept.count - 1]
      }
      let made: KeptMorsel
      if kept.count < search.keptCount {
        made = try KeptMorsel(search)
      } else {
        let unwanted = kept.firstIndex { $0.morsel.map { !wanted.contains($0) } ?? true }
        guard let index = unwanted ?? (isFirst ? 0 : nil) else { return nil }
        made = kept.remove(at: index)
      }
      kept.append(made)
      return try made.read(phase: phase, morsel: morsel) ? made : nil
    }

    private func add(_ whole: KeptMorsel, to found: inout Found) {
      if whole.keys.rowCount == 0 { return }
      repeats.hashes.append(whole.hashes)
      found.parts.append(
        Part(rowCount: whole.keys.rowCount, keys: search.narrowKeys.tied) { try whole.tiedColumns(at: $0) })
      found.count += whole.keys.rowCount
    }

    /// Takes the rows whose `column` lies in `bounds`.
    private func add(
      _ neighbour: KeptMorsel, _ column: Column, _ bounds: ClosedRange<Int64>, to found: inout Found
    ) throws {
      if neighbour.keys.rowCount == 0 { return }
      guard let key = search.narrowKeys.keyColumns.firstIndex(where: { search.rows.columns[$0] == column }) else {
        throw PulsehouseError(.internal, "a key that is not read")
      }
      let rows = RangeRows.rows(neighbour.keys.columns[key], within: bounds)
      if rows.isEmpty { return }
      repeats.hashes.append(neighbour.hashes, at: rows)
      found.parts.append(
        Part(rowCount: rows.count, keys: search.narrowKeys.tied) { chosen in
          try neighbour.tiedColumns(at: chosen.map { rows[Int($0)] })
        })
      found.count += rows.count
    }

    private func add(_ batch: Batch, _ keys: Keys, to found: inout Found) throws {
      repeats.hashes.append(
        try keys.partition.map { try $0.evaluate(batch, search.run.evaluation) }, count: batch.rowCount)
      found.parts.append(
        Part(rowCount: batch.rowCount, keys: keys) { Gather.rows(batch, SelectionVector($0)) })
      found.count += batch.rowCount
    }

    /// Takes the columns that are no keys of the wanted rows alone.
    private func hand(_ whole: KeptMorsel, without unwanted: [UInt32], _ emit: Emit) throws {
      let (columns, keys) = (whole.columns, whole.keys)
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
      let repeated = repeats.take()
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
