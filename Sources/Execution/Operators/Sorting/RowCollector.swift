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

/// Stores the rows of a pipeline, morsel by morsel, and finds the bounds of their sort keys on the way.
final class RowCollector: Sink {
  private let columns: StoredColumns
  private let run: QueryRun
  private let reservation: MemoryReservation
  private(set) var writer: RowWriter
  private(set) var bounds: [SortKeyBounds]
  private(set) var morsels: [(ordinal: Int, chunks: [RowChunk])] = []

  init(_ columns: StoredColumns, _ run: QueryRun, _ reservation: MemoryReservation, pools: [StringPool?]) {
    self.columns = columns
    self.run = run
    self.reservation = reservation
    writer = RowWriter(RowLayout(columns.types), pools: pools)
    bounds = columns.keyColumns.map { SortKeyBounds(columns.types[$0]) }
  }

  override func consume(_ batch: Batch) throws {
    var stored = columns.kept.map { batch.columns[$0] }
    for expression in columns.computed { stored.append(try expression.evaluate(batch, run.evaluation)) }
    for (index, column) in columns.keyColumns.enumerated() { bounds[index].include(stored[column]) }
    let added = writer.append(stored, rowCount: batch.rowCount)
    if added > 0 { try reservation.add(added) }
  }

  override func end(ordinal: Int) {
    let chunks = writer.takeChunks()
    if !chunks.isEmpty { morsels.append((ordinal, chunks)) }
  }
}
