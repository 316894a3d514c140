import Bytes

/// A bit for each of a table's rows, all unset at first. Set by one thread, then read by any.
package final class RowFlags: @unchecked Sendable {
  // @unchecked: written before it is shared.
  private let words: AlignedBuffer
  private let count: Int

  package init(count: Int) {
    self.count = count
    words = AlignedBuffer(byteCount: (count + 63) / 64 * 8, zeroed: true)
  }

  package func set(_ row: Int) {
    precondition(row >= 0 && row < count, "a row beyond the flags")
    words.values(as: UInt64.self)[row >> 6] |= 1 << UInt64(row & 63)
  }

  /// Returns which rows of `range` are set, counted from its first.
  package func set(in range: Range<Int>) -> [UInt32] {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "rows beyond the flags")
    var rows: [UInt32] = []
    guard mayHaveSet(range) else { return rows }
    let words = self.words.values(as: UInt64.self)
    for word in range.lowerBound >> 6...(range.upperBound - 1) >> 6 {
      var rest = words[word]
      while rest != 0 {
        let row = word << 6 + rest.trailingZeroBitCount
        if range.contains(row) { rows.append(UInt32(truncatingIfNeeded: row - range.lowerBound)) }
        rest &= rest &- 1
      }
    }
    return rows
  }

  /// False when no row of `range` is set; true where one is, or one beside it.
  package func mayHaveSet(_ range: Range<Int>) -> Bool {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "rows beyond the flags")
    if range.isEmpty { return false }
    let words = self.words.values(as: UInt64.self)
    var any: UInt64 = 0
    for word in range.lowerBound >> 6...(range.upperBound - 1) >> 6 { any |= words[word] }
    return any != 0
  }
}
