import Bytes
import Kernels
import Planning
import Synchronization
import Vectors

/// Finds the first row of each of few partitions: keys and order pass by once, and of each key the best row is kept.
///
/// The order must fit a word, by the bounds that its columns are known to keep.
enum GroupedRows {
  /// What one thread keeps.
  private final class Reader {
    let input: OperatorWorker
    let best: BestRows
    let reservation: MemoryReservation

    init(_ source: Operator, _ types: [LogicalType]) throws {
      input = try source.makeWorker()
      best = BestRows(types)
      reservation = source.run.reservation(for: "window functions")
    }
  }

  /// - Throws: `FirstRows.Unsuited` when there are many keys after all, or the order does not fit a word.
  static func find(_ windowing: Windowing, _ source: Operator, _ morselCount: Int, _ most: Int) throws
    -> FirstRows.FoundRows
  {
    let run = source.run
    let keys = try windowing.partition.map { try CompiledExpression($0, input: source.columns) }
    let types = windowing.partition.map { $0.type }
    let sortKeys = try CompiledSortKeys(windowing.order, input: source.columns)
    let packing = try self.packing(windowing.order, source)
    let places = packing.wordCount > 0 ? packing.columns(ofWord: 0) : []
    let readers = Box([Reader?](repeating: nil, count: run.threadCount))
    let sizes = Box([Int](repeating: 0, count: morselCount))
    let lock = Mutex(())
    let shared = Box((source: source, keys: keys, sortKeys: sortKeys))
    try WorkerPool.shared.forEach(count: morselCount, threads: run.threadCount) { morsel, slot in
      let (source, keys, sortKeys) = shared.value
      try run.checkpoint()
      let box = try lock.withLock { _ in
        let reader = try readers.value[slot] ?? Reader(source, types)
        readers.value[slot] = reader
        return Box(reader)
      }
      let reader = box.value
      var row = 0
      try reader.input.run(phase: 0, morsel: morsel) { batch in
        let count = batch.rowCount
        let values = try keys.map { try $0.evaluate(batch, run.evaluation) }
        let order = try sortKeys.evaluate(batch, run).map { $0.flattened() }
        reader.best.append(values, count: count, firstPlace: UInt64(morsel) << 32 | UInt64(row)) { words in
          if packing.wordCount == 0 { return words.update(repeating: 0, count: count) }
          packing.encode(word: 0, places.map { order[$0] }, count: count, into: words)
        }
        row += count
        guard reader.best.groupCount <= max(most / 4, Batch.vectorSize),
          reader.reservation.tryResize(to: reader.best.byteCount)
        else { throw FirstRows.Unsuited() }
      }
      let size = row
      lock.withLock { _ in sizes.value[morsel] = size }
    }
    let all = readers.value.compactMap { $0 }
    guard let first = all.first else { return FirstRows.FoundRows(sizes: sizes.value) }
    for other in all.dropFirst() { first.best.merge(other.best) }
    return FirstRows.FoundRows(
      rows: first.best.places.map { (Int($0 >> 32), Int($0 & 0xFFFF_FFFF)) }, sizes: sizes.value)
  }

  private static func packing(_ order: [SortKey], _ source: Operator) throws -> SortKeyPacking {
    var bounds: [SortKeyBounds] = []
    for key in order {
      guard case .column(let column) = key.expression, let range = try source.bounds(of: column) else {
        throw FirstRows.Unsuited()
      }
      var bound = SortKeyBounds(column.type)
      bound.include(.of(column.type, [.integer(range.lowerBound), .integer(range.upperBound), .null]))
      bounds.append(bound)
    }
    let orders = order.map { SortOrder(isDescending: $0.isDescending, nullsFirst: $0.nullsFirst) }
    let packing = SortKeyPacking(bounds, orders: orders, pools: order.map { _ in nil })
    guard packing.isExact, packing.wordCount <= 1 else { throw FirstRows.Unsuited() }
    return packing
  }
}
