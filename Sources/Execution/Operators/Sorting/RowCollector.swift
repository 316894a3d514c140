import Bytes
import Kernels
import Planning
import Vectors

/// What of an input's batches is stored for a sort, and where its sort keys lie in a stored row.
struct StoredColumns {
  /// Positions of the input's columns that are kept, in the order of the store's first columns.
  let kept: [Int]
  /// The store's column of each sort key: a kept one, or one of its own behind them.
  let keyColumns: [Int]
  /// Keys that are computed.
  let computed: [CompiledExpression]
  let types: [LogicalType]

  /// Keeps `wanted` columns of the input, and whatever `keys` need.
  init(wanted: Set<Int>, keys: [Expression], input: [Column]) throws {
    var plain: [Int?] = []
    for key in keys {
      if case .column(let column) = key, let position = input.firstIndex(of: column) {
        plain.append(position)
      } else {
        plain.append(nil)
      }
    }
    let kept = wanted.union(plain.compactMap { $0 }).sorted()
    var keyColumns: [Int] = []
    var computed: [CompiledExpression] = []
    var types = kept.map { input[$0].type }
    for (key, position) in zip(keys, plain) {
      if let position, let place = kept.firstIndex(of: position) {
        keyColumns.append(place)
      } else {
        let compiled = try CompiledExpression(key, input: input)
        keyColumns.append(types.count)
        types.append(key.type)
        computed.append(compiled)
      }
    }
    self.kept = kept
    self.keyColumns = keyColumns
    self.computed = computed
    self.types = types
  }
}

/// Stores the rows of a pipeline, morsel by morsel, and finds the bounds of their sort keys on the way. Rows that come
/// when memory is short go to disk at once; those that are stored by then follow at the end.
final class RowCollector: Sink {
  private let spill: SortSpill
  private let run: QueryRun
  let reservation: MemoryReservation
  private(set) var writer: RowWriter
  private(set) var bounds: [SortKeyBounds]
  private(set) var morsels: [(ordinal: Int, chunks: [RowChunk])] = []
  private let disk: SortRunWriter
  private var ordinal = 0
  /// Rows of the current morsel that came before.
  private var rowInMorsel = 0

  init(_ spill: SortSpill, pools: [StringPool?]) {
    self.spill = spill
    run = spill.run
    reservation = run.reservation(for: spill.purpose)
    writer = RowWriter(spill.layout, pools: pools)
    bounds = spill.columns.keyColumns.map { SortKeyBounds(spill.columns.types[$0]) }
    disk = SortRunWriter(spill)
  }

  override func begin(ordinal: Int) {
    self.ordinal = ordinal
    rowInMorsel = 0
  }

  override func consume(_ batch: Batch) throws {
    var stored = spill.columns.kept.map { batch.columns[$0] }
    for expression in spill.columns.computed { stored.append(try expression.evaluate(batch, run.evaluation)) }
    defer { rowInMorsel += batch.rowCount }
    if spill.isOnDisk { return try disk.append(stored, rowCount: batch.rowCount, ordinal, rowInMorsel) }
    for (index, column) in spill.columns.keyColumns.enumerated() { bounds[index].include(stored[column]) }
    var added = writer.append(stored, rowCount: batch.rowCount)
    if added > 0 { added += added / writer.layout.stride * SortSpill.pairBytes }
    for column in stored where column.type.physical == .string && column.form == .flat {
      added += column.buffer.byteCount
    }
    if added > 0 { spill.take(added, reservation) }
  }

  override func end(ordinal: Int) {
    let chunks = writer.takeChunks()
    if !chunks.isEmpty { morsels.append((ordinal, chunks)) }
  }

  /// Sends the stored rows to disk too, and returns the runs of all. `pools` take no string any more.
  func moveToDisk(pools: [StringPool?]) throws -> [SortedRun] {
    let layout = writer.layout
    for (ordinal, chunks) in morsels {
      let store = RowStore(layout, chunks, hasNulls: writer.hasNulls, pools: pools)
      var rowInMorsel = 0
      for (index, chunk) in chunks.enumerated() {
        var start = 0
        while start < chunk.rowCount {
          let end = min(start + Batch.vectorSize, chunk.rowCount)
          let rows = store.rows(chunk: index, start..<end)
          let columns = layout.types.indices.map { own(store.column($0, of: rows)) }
          try disk.append(columns, rowCount: end - start, ordinal, rowInMorsel)
          rowInMorsel += end - start
          start = end
        }
      }
      let bytes = chunks.reduce(0) { $0 + $1.rowCount * (layout.stride + SortSpill.pairBytes) }
      try reservation.resize(to: max(0, reservation.byteCount - bytes))
    }
    morsels = []
    try disk.write()
    try reservation.resize(to: 0)
    return disk.runs
  }

  /// Returns the values without the strings of all rows beside them.
  private func own(_ column: Vector) -> Vector {
    guard let dictionary = column.dictionary, dictionary.count > column.count / 2 else { return column }
    return column.flattened()
  }
}
