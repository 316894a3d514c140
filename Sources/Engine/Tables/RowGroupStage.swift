import Execution
import Segments
import Vectors

/// What a `TableWriter` takes from stages.
package enum WriterItem: OrderedItem {
  case rows(Batch)
  case rowGroup(EncodedRowGroup)

  package var weight: Int {
    switch self {
    case .rows(let batch): batch.rowCount
    case .rowGroup(let rowGroup): rowGroup.rowCount
    }
  }

  package static var weightLimit: Int { Batch.weightLimit }
}

/// Encodes the rows of a morsel as row groups on the thread that computes them, where they fill row groups well; other
/// rows are handed on for the writer to put together with what comes before and after.
///
/// What is full is fixed, so that the same morsels make the same row groups on any number of threads.
final class RowGroupStage: RowStage {
  private let target: TableTarget
  private var batches: [Batch] = []
  private var rowCount = 0
  /// Row groups of this morsel that are on their way.
  private var hasEncoded = false

  /// - Precondition: the target has no partitions.
  init(_ target: TableTarget) {
    precondition(target.partitionedBy.isEmpty, "rows of several partitions in a row group")
    self.target = target
  }

  private var limit: Int { target.options.rowGroupRowCount }
  /// A morsel with somewhat more rows than a row group is one all the same: two halves would be worse.
  private var most: Int { limit + limit / 4 }

  func take(_ batch: Batch) throws -> [WriterItem] {
    try target.requireValues(batch.columns)
    batches.append(batch)
    rowCount += batch.rowCount
    // Two row groups or more stay, so that the last ones can share what is left.
    return rowCount >= 4 * limit ? try encode(limit, count: 2) : []
  }

  func endMorsel() throws -> [WriterItem] {
    defer { (batches, rowCount, hasEncoded) = ([], 0, false) }
    let count = (rowCount + most - 1) / most
    if count == 0 { return [] }
    let size = (rowCount + count - 1) / count
    if !hasEncoded, size < limit - limit / 4 { return batches.map { .rows($0) } }
    return try encode(size, count: count)
  }

  /// Encodes the first rows as `count` row groups of `size` rows; the last may be shorter.
  private func encode(_ size: Int, count: Int) throws -> [WriterItem] {
    var builder = RowGroupBuilder(schema: target.fields, rowGroupRowCount: size)
    for batch in batches { builder.append(batch) }
    var options = target.options
    options.rowGroupRowCount = size
    var items: [WriterItem] = []
    for _ in 0..<count {
      guard let columns = builder.next() ?? builder.finish() else { break }
      let rowGroup = try SegmentWriter.encodeRowGroup(columns, schema: target.fields, options: options)
      rowCount -= rowGroup.rowCount
      items.append(.rowGroup(rowGroup))
    }
    hasEncoded = true
    batches = builder.rest()
    return items
  }
}
