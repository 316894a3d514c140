import Glibc
import Vectors

/// What an encoder found out about the rows of a block on its way.
package struct ColumnStatistics: Sendable, Hashable {
  package var nullCount = 0
  /// Bounds of the non-null values; NULL when there are none or they are unknown.
  package var minimum = Scalar.null
  package var maximum = Scalar.null
  /// False when long strings have been cut to bounds.
  package var boundsAreExact = true
  package var distinctEstimate: Int?
  /// The exact sum of an integer column.
  package var sum: Int128?

  package init() {}
}

/// Counts distinct values roughly: exactly over small ranges, by linear counting over hashes otherwise.
///
/// Source: Whang et al., "A linear-time probabilistic counting algorithm for database applications" (1990).
struct DistinctCounter {
  private static let bitCount = 1 << 18

  /// Counts the different numbers among `count`, each within `minimum ... maximum`.
  static func count(_ values: UnsafePointer<Int64>, _ count: Int, minimum: Int64, maximum: Int64) -> Int {
    let (span, overflow) = maximum.subtractingReportingOverflow(minimum)
    let isDense = !overflow && span < Int64(bitCount)
    if isDense && span < 1 << 15 { return countNarrow(values, count, minimum: minimum, span: Int(span)) }
    let slots = isDense ? Int(span) + 1 : bitCount
    return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: (slots + 63) >> 6) { buffer in
      guard let words = buffer.baseAddress else { return 0 }
      buffer.initialize(repeating: 0)
      var index = 0
      while index < count {
        // Null rows are filled with a neighbour's value, so they add nothing of their own.
        let slot =
          isDense
          ? UInt64(bitPattern: values[index] &- minimum)
          : (UInt64(bitPattern: values[index]) &* 0x9E37_79B9_7F4A_7C15) &>> 46
        words[Int(truncatingIfNeeded: slot &>> 6)] |= 1 &<< (slot & 63)
        index &+= 1
      }
      var used = 0
      for word in buffer { used += word.nonzeroBitCount }
      if isDense { return used }
      let free = Double(slots - used)
      if free < 1 { return count }
      return min(count, Int((-Double(slots) * log(free / Double(slots))).rounded()))
    }
  }

  /// A byte for each possible value: setting one waits for no other.
  private static func countNarrow(_ values: UnsafePointer<Int64>, _ count: Int, minimum: Int64, span: Int) -> Int {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: span + 1) { seen in
      seen.initialize(repeating: 0)
      guard let base = seen.baseAddress else { return 0 }
      var index = 0
      while index < count {
        base[Int(values[index] &- minimum)] = 1
        index &+= 1
      }
      var used = 0
      for flag in seen { used += Int(flag) }
      return used
    }
  }
}
