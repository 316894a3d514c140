import Kernels
import Planning
import Vectors

/// Tells which of some rows are not the first of their key.
enum RepeatedRows {
  /// Returns the rows, in no order, that are not the first of their key by the window's order and then by their own.
  /// `rows` are the window's keys and, behind them, its order.
  static func unwanted(_ rows: [Batch], _ windowing: Windowing, _ run: QueryRun) throws -> [Int] {
    let keyTypes = windowing.partition.map { $0.type }
    let order = windowing.order
    let all = Concat.batches(rows, types: keyTypes + order.map { $0.expression.type })
    let orders = order.map { SortOrder(isDescending: $0.isDescending, nullsFirst: $0.nullsFirst) }
    let comparator = order.isEmpty ? nil : RowComparator(Array(all.columns.dropFirst(keyTypes.count)), orders: orders)
    let table = GroupTable(keyTypes)
    var groups = [UInt32](repeating: 0, count: Batch.vectorSize)
    /// The best row of each key so far.
    var best: [Int] = []
    var unwanted: [Int] = []
    var start = 0
    while start < all.rowCount {
      try run.checkpoint()
      let end = min(start + Batch.vectorSize, all.rowCount)
      let keys = all.columns.prefix(keyTypes.count).map { $0.slice(start..<end) }
      groups.withUnsafeMutableBufferPointer { buffer in
        if let base = buffer.baseAddress { table.intern(keys, count: end - start, into: base) }
      }
      for row in start..<end {
        let group = Int(groups[row - start])
        if group == best.count {
          best.append(row)
        } else if let comparator, comparator.compare(row, best[group]) < 0 {
          unwanted.append(best[group])
          best[group] = row
        } else {
          unwanted.append(row)
        }
      }
      start = end
    }
    return unwanted
  }
}
