import Vectors

/// Says whether rows that pass by come in ascending order, NULLs last.
package struct OrderCheck {
  private let orders: [SortOrder]
  private var last: [Vector] = []

  /// Takes the number of columns, the first one most significant.
  package init(columnCount: Int) { orders = Array(repeating: SortOrder(), count: columnCount) }

  /// Returns true when `columns`' rows ascend, and the first is not below the last of the call before.
  package mutating func accepts(_ columns: [Vector]) -> Bool {
    precondition(columns.count == orders.count, "columns as promised")
    guard let count = columns.first?.count, count > 0 else { return true }
    if !last.isEmpty, RowComparator(left: last, right: columns, orders: orders).compare(0, 0) > 0 { return false }
    last = columns.map { $0.slice(count - 1..<count) }
    return OrderCheck.isAscending(columns, orders, count)
  }

  private static func isAscending(_ columns: [Vector], _ orders: [SortOrder], _ count: Int) -> Bool {
    let isPlain = columns.allSatisfy { column in
      switch column.type.physical {
      case .int16, .int32, .int64: column.nullCount == 0
      default: false
      }
    }
    guard isPlain else {
      let comparator = RowComparator(columns, orders: orders)
      for row in 1..<count where comparator.compare(row - 1, row) > 0 { return false }
      return true
    }
    // 1 while a row equals the one before in all columns so far.
    var equal = [UInt8](repeating: 1, count: count)
    var falls: UInt8 = 0
    equal.withUnsafeMutableBufferPointer { equal in
      guard let base = equal.baseAddress else { return }
      for column in columns where column.form != .constant {
        let flat = column.flattened()
        switch flat.type.physical {
        case .int16: falls |= scan(flat.values(as: Int16.self), count, base)
        case .int32: falls |= scan(flat.values(as: Int32.self), count, base)
        default: falls |= scan(flat.values(as: Int64.self), count, base)
        }
      }
    }
    return falls == 0
  }

  /// Returns 1 when a value is below the one before it in a row that was equal so far, and narrows `equal`.
  @inline(__always) private static func scan<T: FixedWidthInteger>(
    _ values: UnsafePointer<T>, _ count: Int, _ equal: UnsafeMutablePointer<UInt8>
  ) -> UInt8 {
    var falls: UInt8 = 0
    var row = 1
    while row < count {
      let (before, now) = (values[row &- 1], values[row])
      falls |= equal[row] & bit(now < before)
      equal[row] &= bit(now == before)
      row &+= 1
    }
    return falls
  }
}
