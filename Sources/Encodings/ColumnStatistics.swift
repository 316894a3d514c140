import Bytes
import CKernels
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
    if !overflow && span < 1 << 15 { return countNarrow(values, count, minimum: minimum, span: Int(span)) }
    if !overflow && span < Int64(bitCount) {
      return marked(count, slots: Int(span) + 1) { UInt64(bitPattern: values[$0] &- minimum) }
    }
    return linear(
      marked(count, slots: bitCount) { (UInt64(bitPattern: values[$0]) &* 0x9E37_79B9_7F4A_7C15) &>> 46 }, of: count)
  }

  /// One in eight different values, by their hashes, which tells enough where there are many; found on another's way
  /// through the values.
  struct Sample {
    private let memory: AlignedBuffer
    private var count = 0
    private var rowCount = 0

    /// Fewer rows are counted as fast.
    static let leastRowCount = 1 << 15
    /// Of fewer different values the count of all is not eight times the sample's to a few in a hundred.
    private static let fewest = 1 << 11

    init(rowCount: Int) { memory = AlignedBuffer(byteCount: (rowCount + 8) * 8) }

    /// True where values that lie so far apart are counted by their hashes.
    static func suits(_ minimum: Int64, _ maximum: Int64) -> Bool {
      let (span, overflow) = maximum.subtractingReportingOverflow(minimum)
      return overflow || span >= Int64(bitCount)
    }

    mutating func add(_ values: UnsafePointer<Int64>, _ rows: Int) {
      let hashes = memory.values(as: UInt64.self) + count
      count += UnsafeRawPointer(values).withMemoryRebound(to: UInt64.self, capacity: rows) {
        ph_sample_hashes64($0, rows, hashes)
      }
      rowCount += rows
    }

    /// About how many different values were added; nil where they are too few to tell.
    var estimate: Int? {
      let hashes = memory.values(as: UInt64.self)
      let different = linear(marked(count, slots: bitCount) { hashes[$0] &>> 43 }, of: count)
      withExtendedLifetime(memory) {}
      return different < Sample.fewest ? nil : min(rowCount, different * 8)
    }
  }

  /// How many of so many slots the values fill. Null rows are filled with a neighbour's value, so they add nothing of
  /// their own.
  @inline(__always) private static func marked(_ count: Int, slots: Int, _ slot: (Int) -> UInt64) -> Int {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: (slots + 63) >> 6) { buffer in
      guard let words = buffer.baseAddress else { return 0 }
      buffer.initialize(repeating: 0)
      var index = 0
      while index < count {
        let slot = slot(index)
        words[Int(truncatingIfNeeded: slot &>> 6)] |= 1 &<< (slot & 63)
        index &+= 1
      }
      return buffer.reduce(0) { $0 + $1.nonzeroBitCount }
    }
  }

  /// How many values of `count` there are when so many slots for hashes are filled.
  private static func linear(_ used: Int, of count: Int) -> Int {
    let free = Double(bitCount - used)
    if free < 1 { return count }
    return min(count, Int((-Double(bitCount) * log(free / Double(bitCount))).rounded()))
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
