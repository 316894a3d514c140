import Vectors

/// Says whether rows that pass by come in ascending order, NULLs last.
package struct OrderCheck {
  private let orders: [SortOrder]
  private var last: [Vector] = []
  /// True when a row was equal to the one before it in all columns.
  package private(set) var hasTies = false

  /// Takes the number of columns, the first one most significant.
  package init(columnCount: Int) { orders = Array(repeating: SortOrder(), count: columnCount) }

  /// Returns true when `columns`' rows ascend, and the first is not below the last of the call before.
  package mutating func accepts(_ columns: [Vector]) -> Bool {
    precondition(columns.count == orders.count, "columns as promised")
    guard let count = columns.first?.count, count > 0 else { return true }
    if !last.isEmpty {
      let order = RowComparator(left: last, right: columns, orders: orders).compare(0, 0)
      if order > 0 { return false }
      if order == 0 { hasTies = true }
    }
    last = columns.map { $0.slice(count - 1..<count) }
    return isAscending(columns, count)
  }

  private mutating func isAscending(_ columns: [Vector], _ count: Int) -> Bool {
    let isPlain = columns.allSatisfy { column in
      switch column.type.physical {
      case .int16, .int32, .int64: column.nullCount == 0
      default: false
      }
    }
    guard isPlain else {
      let comparator = RowComparator(columns, orders: orders)
      for row in 1..<count {
        let order = comparator.compare(row - 1, row)
        if order > 0 { return false }
        if order == 0 { hasTies = true }
      }
      return true
    }
    // 1 while a row equals the one before in all columns so far.
    var equal = [UInt8](repeating: 1, count: count)
    var falls: UInt8 = 0
    var ties: UInt8 = 0
    equal.withUnsafeMutableBufferPointer { equal in
      guard let base = equal.baseAddress else { return }
      for column in columns where column.form != .constant {
        let flat = column.flattened()
        switch flat.type.physical {
        case .int16: falls |= OrderCheck.scan(flat.values(as: Int16.self), count, base)
        case .int32: falls |= OrderCheck.scan(flat.values(as: Int32.self), count, base)
        default: falls |= OrderCheck.scan(flat.values(as: Int64.self), count, base)
        }
      }
      for row in stride(from: 1, to: count, by: 1) { ties |= base[row] }
    }
    if ties != 0 { hasTies = true }
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
