import Vectors

/// Finds rows whose value lies in a range.
package enum RangeRows {
  /// Returns, ascending, the rows of an integer-like column whose value lies in `range`; NULLs do not.
  ///
  /// Made for values that nearly ascend: 64 rows are counted at a time, and looked at one by one where some lie in the
  /// range and some do not.
  package static func rows(_ vector: Vector, within range: ClosedRange<Int64>) -> [UInt32] {
    let flat = vector.flattened()
    switch flat.type.physical {
    case .int16: return rows(flat, range, as: Int16.self)
    case .int32: return rows(flat, range, as: Int32.self)
    case .int64: return rows(flat, range, as: Int64.self)
    default: preconditionFailure("a range of integers for \(flat.type.name)")
    }
  }

  @inline(__always) private static func rows<T: FixedWidthInteger & BitwiseCopyable>(
    _ vector: Vector, _ range: ClosedRange<Int64>, as type: T.Type
  ) -> [UInt32] {
    let count = vector.count
    let values = vector.values(as: type)
    let low = range.lowerBound
    // Exact in 64 bits without a sign: no range of integers is longer.
    let length = UInt64(bitPattern: range.upperBound &- low)
    let mask = vector.validity
    return [UInt32](unsafeUninitializedCapacity: count) { rows, used in
      var start = 0
      while start < count {
        let end = min(start &+ 64, count)
        var inside: UInt64 = 0
        var row = start
        while row < end {
          inside &+= UInt64(bit(UInt64(bitPattern: Int64(values[row]) &- low) <= length))
          row &+= 1
        }
        if inside == UInt64(end &- start), mask == nil {
          row = start
          while row < end {
            rows[used &+ row &- start] = UInt32(truncatingIfNeeded: row)
            row &+= 1
          }
          used &+= end &- start
        } else if inside > 0 {
          row = start
          while row < end {
            rows[used] = UInt32(truncatingIfNeeded: row)
            let isInside = UInt64(bitPattern: Int64(values[row]) &- low) <= length && mask?.isValid(row) ?? true
            used &+= Int(bit(isInside))
            row &+= 1
          }
        }
        start = end
      }
    }
  }
}
