/// Rows of equal-length vectors on their way through a pipeline: at most `Batch.vectorSize` of them between operators.
///
/// Every row is alive: selection vectors stay inside an operator (a filter compacts what it keeps).
package struct Batch: Sendable {
  package let columns: [Vector]
  package let rowCount: Int

  /// The most rows a batch has between operators.
  package static let vectorSize = 2048

  /// Takes `columns`, each of `rowCount` rows; no columns at all still has rows (`SELECT count(*)`).
  package init(_ columns: [Vector], rowCount: Int) {
    for column in columns { precondition(column.count == rowCount, "columns of different length") }
    self.columns = columns
    self.rowCount = rowCount
  }

  package func slice(_ range: Range<Int>) -> Batch {
    Batch(columns.map { $0.slice(range) }, rowCount: range.count)
  }
}

/// Row indices still alive, ascending, each below the row count they speak of.
package struct SelectionVector: Sendable {
  package var indices: [UInt32]

  package init(_ indices: [UInt32]) { self.indices = indices }

  /// All rows of a range.
  package init(_ rows: Range<Int>) { indices = [UInt32](UInt32(rows.lowerBound)..<UInt32(rows.upperBound)) }

  package var count: Int { indices.count }
}
