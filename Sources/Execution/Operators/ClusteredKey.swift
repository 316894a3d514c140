import Planning
import Segments
import Vectors

/// A grouping key that the table is stored in (nearly) ascending order of, as its row groups' zone maps tell.
///
/// A value that lies in the bounds of one row group only is nowhere else: its groups are complete when that row group
/// has been read. Nothing is taken on trust: values in the bounds of several row groups are called open, however the
/// rows lie.
struct ClusteredKey {
  /// The key's place among the grouping keys.
  let key: Int
  let scan: SegmentScanOperator
  /// For each row group of each segment the values that no other row group's bounds hold; nil for none.
  private let closed: [[ClosedRange<Int64>?]]

  /// Fewer row groups than these are not worth it, and a scan might want to cut them.
  private static let fewestRowGroups = 16

  /// Finds such a key among columns that reach the grouping as the scan gives them; nil when there is none.
  ///
  /// - Throws: what opening a segment throws.
  static func find(_ keys: [Expression], _ input: Operator) throws -> ClusteredKey? {
    var source = input
    while let stream = source as? StreamOperator { source = stream.input }
    guard let scan = source as? SegmentScanOperator,
      scan.handles.reduce(0, { $0 + $1.rowCount }) >= fewestRowGroups << 11
    else { return nil }
    for (index, key) in keys.enumerated() {
      guard case .column(let column) = key, let id = identity(of: column.id, input),
        let output = scan.columns.firstIndex(where: { $0.id == id }),
        case .field(let field) = scan.scan.sources[output],
        let closed = try closedRanges(scan, field)
      else { continue }
      return ClusteredKey(key: index, scan: scan, closed: closed)
    }
    return nil
  }

  func closedRange(_ source: SegmentScanOperator.RowGroupPlace) -> ClosedRange<Int64>? {
    closed[source.segment][source.rowGroup]
  }

  /// Follows a column down through projections; nil when it is computed on the way.
  private static func identity(of column: Int, _ input: Operator) -> Int? {
    var id = column
    var source = input
    while let stream = source as? StreamOperator {
      if case .project(let expressions) = stream.node.operation {
        guard let place = stream.columns.firstIndex(where: { $0.id == id }),
          case .column(let inner) = expressions[place]
        else { return nil }
        id = inner.id
      }
      source = stream.input
    }
    return id
  }

  private static func closedRanges(_ scan: SegmentScanOperator, _ field: Int) throws -> [[ClosedRange<Int64>?]]? {
    var bounds: [(segment: Int, rowGroup: Int, low: Int64, high: Int64)] = []
    var result: [[ClosedRange<Int64>?]] = []
    for (segment, handle) in scan.handles.enumerated() {
      guard handle.rowCount > 0 else {
        result.append([])
        continue
      }
      let reader = try handle.open()
      result.append(Array(repeating: nil, count: reader.rowGroupCount))
      for rowGroup in 0..<reader.rowGroupCount where reader.rowCount(rowGroup: rowGroup) > 0 {
        let zoneMap = reader.zoneMap(column: field, rowGroup: rowGroup)
        if zoneMap.nullCount == zoneMap.rowCount { continue }
        guard case .integer(let low) = zoneMap.minimum, case .integer(let high) = zoneMap.maximum else { return nil }
        bounds.append((segment, rowGroup, low, high))
      }
    }
    guard bounds.count >= fewestRowGroups else { return nil }
    bounds.sort { ($0.low, $0.high) < ($1.low, $1.high) }
    var below: Int64?
    var (closedWidth, width) = (0.0, 0.0)
    for (index, bound) in bounds.enumerated() {
      let first = below.map { $0 >= bound.low ? ($0 == Int64.max ? nil : $0 + 1) : bound.low } ?? bound.low
      var last: Int64? = bound.high
      if index + 1 < bounds.count, bounds[index + 1].low <= bound.high {
        last = bounds[index + 1].low == Int64.min ? nil : bounds[index + 1].low - 1
      }
      if below == Int64.max { last = nil }
      width += Double(bound.high) - Double(bound.low) + 1
      if let first, let last, first <= last {
        result[bound.segment][bound.rowGroup] = first...last
        closedWidth += Double(last) - Double(first) + 1
      }
      below = max(below ?? bound.high, bound.high)
    }
    return closedWidth >= width * 0.75 ? result : nil
  }
}
