import Vectors

/// Tells which pairs of rows have equal keys: the check behind a hash that matched.
package enum RowMatch {
  /// Clears `mask[i]` where row `leftRows[i]` of `left` and row `rightRows[i]` of `right` differ.
  ///
  /// Shape: `count` pairs; the mask holds 0 or 1 and is only ever cleared, so call once per key column. Two NULLs match
  /// when `nullsMatch` (grouping), else nothing matches a NULL (joins). Equality is SQL's (NaN equals NaN, 1.5 equals
  /// 1.50).
  package static func refine(
    _ left: Vector, _ leftRows: UnsafePointer<UInt32>, _ right: Vector, _ rightRows: UnsafePointer<UInt32>, count: Int,
    nullsMatch: Bool, _ mask: UnsafeMutablePointer<UInt8>
  ) {
    precondition(left.type.physical == right.type.physical, "keys of different types")
    switch left.type.physical {
    case .boolean: pairs(left, leftRows, right, rightRows, count, nullsMatch, mask, as: UInt8.self) { $0 == $1 }
    case .int16: pairs(left, leftRows, right, rightRows, count, nullsMatch, mask, as: Int16.self) { $0 == $1 }
    case .int32: pairs(left, leftRows, right, rightRows, count, nullsMatch, mask, as: Int32.self) { $0 == $1 }
    case .int64: pairs(left, leftRows, right, rightRows, count, nullsMatch, mask, as: Int64.self) { $0 == $1 }
    case .float32:
      pairs(left, leftRows, right, rightRows, count, nullsMatch, mask, as: Float.self) {
        $0 == $1 || ($0.isNaN && $1.isNaN)
      }
    case .float64:
      pairs(left, leftRows, right, rightRows, count, nullsMatch, mask, as: Double.self) {
        $0 == $1 || ($0.isNaN && $1.isNaN)
      }
    case .string:
      let spelling = left.type.spelling
      if spelling == .exact || right.type.spelling != spelling {
        pairs(left, leftRows, right, rightRows, count, nullsMatch, mask, as: StringReference.self) { $0 == $1 }
      } else {
        pairs(left, leftRows, right, rightRows, count, nullsMatch, mask, as: StringReference.self) {
          ValueOrder.compare($0, $1, spelling) == 0
        }
      }
    case .numeric:
      pairs(left, leftRows, right, rightRows, count, nullsMatch, mask, as: Numeric.self) {
        ValueOrder.compare($0, $1) == 0
      }
    case .interval:
      pairs(left, leftRows, right, rightRows, count, nullsMatch, mask, as: Interval.self) { $0.span == $1.span }
    case .uuid: pairs(left, leftRows, right, rightRows, count, nullsMatch, mask, as: UUIDValue.self) { $0 == $1 }
    }
  }

  @inline(__always) private static func pairs<T: BitwiseCopyable>(
    _ left: Vector, _ leftRows: UnsafePointer<UInt32>, _ right: Vector, _ rightRows: UnsafePointer<UInt32>,
    _ count: Int, _ nullsMatch: Bool, _ mask: UnsafeMutablePointer<UInt8>, as type: T.Type, _ equal: (T, T) -> Bool
  ) {
    let first = RowReader<T>(left)
    let second = RowReader<T>(right)
    if left.validity == nil && right.validity == nil {
      var pair = 0
      while pair < count {
        mask[pair] &= bit(equal(first[Int(leftRows[pair])], second[Int(rightRows[pair])]))
        pair &+= 1
      }
      return
    }
    for pair in 0..<count where mask[pair] != 0 {
      let (leftRow, rightRow) = (Int(leftRows[pair]), Int(rightRows[pair]))
      let leftValid = left.isValid(leftRow)
      let rightValid = right.isValid(rightRow)
      if leftValid && rightValid {
        mask[pair] = bit(equal(first[leftRow], second[rightRow]))
      } else {
        mask[pair] = bit(nullsMatch && leftValid == rightValid)
      }
    }
  }
}
