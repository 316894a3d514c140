import Bytes
import Vectors

/// The direction of one sort column.
package struct SortOrder: Sendable, Hashable {
  package var isDescending: Bool
  package var nullsFirst: Bool

  package init(isDescending: Bool = false, nullsFirst: Bool = false) {
    self.isDescending = isDescending
    self.nullsFirst = nullsFirst
  }
}

/// Compares whole rows of two sets of columns (or of one with itself) under a sort order: for merges, top-N and ties.
package struct RowComparator: @unchecked Sendable {
  // @unchecked: the raw pointers belong to the vectors kept beside them, which are immutable.

  private struct Side {
    let vector: Vector
    let base: UnsafeRawPointer
    let codes: UnsafePointer<UInt32>?
    let step: Int
    let stride: Int

    init(_ vector: Vector) {
      self.vector = vector
      stride = vector.type.physical.stride
      codes = vector.form == .dictionary ? vector.codes : nil
      step = vector.form == .flat ? stride : 0
      base = UnsafeRawPointer((vector.dictionary ?? vector).buffer.base)
    }

    @inline(__always) func load<T: BitwiseCopyable>(_ row: Int, as type: T.Type) -> T {
      if let codes { return base.load(fromByteOffset: Int(codes[row]) &* stride, as: type) }
      return base.load(fromByteOffset: row &* step, as: type)
    }
  }

  private struct Column {
    let left: Side
    let right: Side
    let physical: PhysicalType
    let spelling: Spelling
    let mayBeNull: Bool
    let order: SortOrder
  }

  private let columns: [Column]

  /// `left` and `right` have the same physical types, column by column, one order each.
  package init(left: [Vector], right: [Vector], orders: [SortOrder]) {
    precondition(left.count == right.count && left.count == orders.count, "an order for every column")
    columns = left.indices.map { index in
      let (first, second) = (left[index], right[index])
      precondition(first.type.physical == second.type.physical, "columns of different types")
      return Column(
        left: Side(first), right: Side(second), physical: first.type.physical,
        spelling: first.type.spelling == second.type.spelling ? first.type.spelling : .exact,
        mayBeNull: first.validity != nil || second.validity != nil, order: orders[index])
    }
  }

  package init(_ columns: [Vector], orders: [SortOrder]) { self.init(left: columns, right: columns, orders: orders) }

  /// Returns a negative, zero or positive number as left's row sorts before, with or after right's row.
  package func compare(_ leftRow: Int, _ rightRow: Int) -> Int {
    for column in columns {
      let order = compare(column, leftRow, rightRow)
      if order != 0 { return order }
    }
    return 0
  }

  /// Compares by the columns from `first` on only.
  func compare(_ leftRow: Int, _ rightRow: Int, from first: Int) -> Int {
    var index = first
    while index < columns.count {
      let order = compare(columns[index], leftRow, rightRow)
      if order != 0 { return order }
      index += 1
    }
    return 0
  }

  private func compare(_ column: Column, _ leftRow: Int, _ rightRow: Int) -> Int {
    if column.mayBeNull {
      let leftValid = column.left.vector.isValid(leftRow)
      let rightValid = column.right.vector.isValid(rightRow)
      if !(leftValid && rightValid) {
        if leftValid == rightValid { return 0 }
        return leftValid == column.order.nullsFirst ? 1 : -1
      }
    }
    let order = values(column, leftRow, rightRow)
    return column.order.isDescending ? -order : order
  }

  @inline(__always) private func values(_ column: Column, _ l: Int, _ r: Int) -> Int {
    let (left, right) = (column.left, column.right)
    switch column.physical {
    case .boolean: return ValueOrder.compare(left.load(l, as: UInt8.self), right.load(r, as: UInt8.self))
    case .int16: return ValueOrder.compare(left.load(l, as: Int16.self), right.load(r, as: Int16.self))
    case .int32: return ValueOrder.compare(left.load(l, as: Int32.self), right.load(r, as: Int32.self))
    case .int64: return ValueOrder.compare(left.load(l, as: Int64.self), right.load(r, as: Int64.self))
    case .float32:
      return ValueOrder.compare(Double(left.load(l, as: Float.self)), Double(right.load(r, as: Float.self)))
    case .float64: return ValueOrder.compare(left.load(l, as: Double.self), right.load(r, as: Double.self))
    case .string:
      let (a, b) = (left.load(l, as: StringReference.self), right.load(r, as: StringReference.self))
      return column.spelling == .exact ? ValueOrder.compare(a, b) : ValueOrder.compare(a, b, column.spelling)
    case .numeric: return ValueOrder.compare(left.load(l, as: Numeric.self), right.load(r, as: Numeric.self))
    case .interval: return ValueOrder.compare(left.load(l, as: Interval.self), right.load(r, as: Interval.self))
    case .uuid: return ValueOrder.compare(left.load(l, as: UUIDValue.self), right.load(r, as: UUIDValue.self))
    }
  }
}
