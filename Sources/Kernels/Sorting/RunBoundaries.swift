import Vectors

/// Finds where runs of equal rows begin in sorted columns.
package enum RunBoundaries {
  /// Sets `starts[row]` to 1 where row `row` of `column` differs from the row before it (two NULLs are equal), and
  /// leaves it alone elsewhere. Row 0 is always left alone. O(rows), one typed loop.
  package static func mark(_ column: Vector, into starts: UnsafeMutablePointer<UInt8>) {
    let count = column.count
    guard count > 1, column.form != .constant else { return }
    if column.form == .dictionary {
      // Codes that are equal are equal values; others may still be equal.
      let codes = column.codes
      let comparator = RowComparator([column], orders: [SortOrder()])
      for row in 1..<count where column.validity != nil || codes[row] != codes[row - 1] {
        if comparator.compare(row - 1, row) != 0 { starts[row] = 1 }
      }
      return
    }
    switch column.type.physical {
    case .boolean: each(column, starts, as: UInt8.self) { $0 == $1 }
    case .int16: each(column, starts, as: Int16.self) { $0 == $1 }
    case .int32: each(column, starts, as: Int32.self) { $0 == $1 }
    case .int64: each(column, starts, as: Int64.self) { $0 == $1 }
    case .float32: each(column, starts, as: Float.self) { $0 == $1 || ($0.isNaN && $1.isNaN) }
    case .float64: each(column, starts, as: Double.self) { $0 == $1 || ($0.isNaN && $1.isNaN) }
    case .string:
      let spelling = column.type.spelling
      if spelling == .exact {
        each(column, starts, as: StringReference.self) { $0 == $1 }
      } else {
        each(column, starts, as: StringReference.self) { ValueOrder.compare($0, $1, spelling) == 0 }
      }
    case .numeric: each(column, starts, as: Numeric.self) { ValueOrder.compare($0, $1) == 0 }
    case .interval: each(column, starts, as: Interval.self) { $0.span == $1.span }
    case .uuid: each(column, starts, as: UUIDValue.self) { $0 == $1 }
    }
  }

  @inline(__always) private static func each<T: BitwiseCopyable>(
    _ column: Vector, _ starts: UnsafeMutablePointer<UInt8>, as type: T.Type, _ equal: (T, T) -> Bool
  ) {
    let values = column.values(as: type)
    let count = column.count
    var row = 1
    guard let mask = column.rowValidity else {
      while row < count {
        starts[row] |= bit(!equal(values[row &- 1], values[row]))
        row &+= 1
      }
      return
    }
    while row < count {
      let (before, now) = (mask.isValid(row &- 1), mask.isValid(row))
      if before != now || (now && !equal(values[row &- 1], values[row])) { starts[row] = 1 }
      row &+= 1
    }
  }
}
