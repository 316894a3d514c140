import Segments
import Vectors

extension Session {
  /// Returns about how many rows and bytes of a table lie within bounds of integer columns, as stored, from what its
  /// segments say of themselves and as if values were spread evenly in each. A table that is not there has none.
  ///
  /// - Parameter bounds: by the column's position; nil is no bound.
  package func estimate(
    of name: TableName, within bounds: [Int: (lower: Int64?, upper: Int64?)]
  ) throws -> (rowCount: Int, byteCount: Int) {
    var (rows, bytes) = (0.0, 0.0)
    for segment in try currentSnapshot().table(name)?.segments() ?? [] {
      let zoneMaps = bounds.isEmpty ? [] : try segment.zoneMaps()
      var share = 1.0
      for (column, bound) in bounds {
        guard case .integer(let least) = zoneMaps[column].minimum,
          case .integer(let greatest) = zoneMaps[column].maximum
        else { continue }
        let first = max(least, bound.lower ?? least)
        let last = min(greatest, bound.upper ?? greatest)
        share *= first > last ? 0 : (Double(last) - Double(first) + 1) / (Double(greatest) - Double(least) + 1)
      }
      rows += Double(segment.rowCount) * share
      bytes += Double(segment.byteCount) * share
    }
    return (Int(rows.rounded()), Int(bytes.rounded()))
  }
}
