import Bytes
import Kernels
import Vectors

/// All rows of an input in sorted runs on disk, cut into parts by their keys: a part comes before the next one, and
/// whoever wants its rows reads them from all runs and sorts them in memory. Any number of threads, a part each.
final class SpilledRows: @unchecked Sendable {
  // @unchecked: immutable after init, as the runs are.

  private let spill: SortSpill
  private let runs: [SortedRun]
  /// The keys of which a part's are not less, and those of the part before are; one fewer than parts.
  private let splitters: Batch

  var partCount: Int { splitters.rowCount + 1 }

  init(_ spill: SortSpill, _ runs: [SortedRun]) throws {
    self.spill = spill
    self.runs = runs
    let bounds = Concat.batches(runs.map { $0.bounds }, types: spill.keyTypes)
    // Rows that lie between a bound and the one before it in its run.
    let counts = runs.flatMap { run in [0] + run.rows.blocks.map { $0.rowCount } }
    let order = Sort.permutation(bounds.columns, orders: spill.orders, rowCount: bounds.rowCount)
    let comparator = RowComparator(
      Array(bounds.columns.prefix(spill.unpartedKeys)), orders: Array(spill.orders.prefix(spill.unpartedKeys)))
    let rowCount = counts.reduce(0, +)
    var size = BatchSize()
    let sample = try runs.first?.rows.read(0)
    let rowBytes = max(8, sample.map { size.byteCount($0) / max(1, $0.rowCount) } ?? 8)
    // Blocks are read whole though parts take some of their rows: parts of many blocks waste little.
    let partRows = min(max(Batch.vectorSize, spill.runBytes / 2 / rowBytes), max(1, rowCount))
    var chosen: [UInt32] = []
    var rows = 0
    for place in order {
      rows += counts[Int(place)]
      if rows >= partRows, comparator.compare(Int(chosen.last ?? order[0]), Int(place)) != 0 {
        chosen.append(place)
        rows = 0
      }
    }
    splitters = chosen.withUnsafeBufferPointer { Gather.rows(bounds, at: $0) }
  }

  /// Returns the rows of a part in order, with what they hold of the budget: the stored columns, and one more.
  func rows(ofPart part: Int) throws -> (rows: Batch, reservation: MemoryReservation) {
    let reservation = spill.run.reservation(for: spill.purpose)
    var pieces: [Batch] = []
    var size = BatchSize()
    var byteCount = 0
    for run in runs {
      let heads = run.bounds.columns
      let count = run.rows.blocks.count
      let first = part == 0 ? 0 : max(0, firstRow(heads, notBefore: part - 1, count) - 1)
      let end = part == partCount - 1 ? count : firstRow(heads, notBefore: part, count)
      var block = first
      while block < end {
        try spill.run.checkpoint()
        let rows = try run.rows.read(block)
        let keys = spill.keys(rows)
        let lower = part == 0 ? 0 : firstRow(keys, notBefore: part - 1, rows.rowCount)
        let upper = part == partCount - 1 ? rows.rowCount : firstRow(keys, notBefore: part, rows.rowCount)
        block += 1
        if lower >= upper { continue }
        let piece =
          lower == 0 && upper == rows.rowCount
          ? rows : Gather.rows(rows, SelectionVector((lower..<upper).map { UInt32(truncatingIfNeeded: $0) }))
        byteCount += size.byteCount(piece)
        // They are put together and then put in order.
        try reservation.resize(to: 3 * byteCount)
        pieces.append(piece)
      }
    }
    let all = Concat.batches(pieces, types: spill.types)
    pieces = []
    let sorted = spill.sorted(all)
    return (sorted, reservation)
  }

  /// Returns the first of `count` ascending keys that does not come before a splitter, by the keys that parts differ in.
  private func firstRow(_ keys: [Vector], notBefore splitter: Int, _ count: Int) -> Int {
    let unparted = spill.unpartedKeys
    let comparator = RowComparator(
      left: Array(keys.prefix(unparted)), right: Array(splitters.columns.prefix(unparted)),
      orders: Array(spill.orders.prefix(unparted)))
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if comparator.compare(middle, splitter) < 0 { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
