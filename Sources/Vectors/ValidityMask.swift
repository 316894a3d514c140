import Bytes

/// One bit per row, 1 = valid, in little-endian 64-bit words. Bits past `count` are zero.
///
/// A vector without nulls has no mask at all; a mask may still be all ones.
package struct ValidityMask: Sendable {
  package let buffer: AlignedBuffer
  package let count: Int

  /// Takes words that are already right, with zero bits past `count`.
  package init(buffer: AlignedBuffer, count: Int) {
    precondition(buffer.byteCount >= ValidityMask.wordCount(count) * 8, "a mask needs a bit for every row")
    self.buffer = buffer
    self.count = count
  }

  /// Makes a mask of `count` rows, all valid or all null.
  package init(count: Int, allValid: Bool) {
    let words = ValidityMask.wordCount(count)
    buffer = AlignedBuffer(byteCount: words * 8, zeroed: true)
    self.count = count
    guard allValid, words > 0 else { return }
    let pointer = buffer.values(as: UInt64.self)
    for index in 0..<words { pointer[index] = ~0 }
    if count & 63 != 0 { pointer[words - 1] = (1 << UInt64(count & 63)) &- 1 }
  }

  @inlinable package static func wordCount(_ count: Int) -> Int { (count + 63) >> 6 }

  /// The words; written only while the mask is being built.
  @inlinable package var words: UnsafeMutablePointer<UInt64> { buffer.values(as: UInt64.self) }

  @inlinable package func isValid(_ row: Int) -> Bool {
    assert(row >= 0 && row < count)
    return (words[row >> 6] >> UInt64(row & 63)) & 1 == 1
  }

  /// Sets one bit while the mask is being built.
  @inlinable package func set(_ row: Int, valid: Bool) {
    assert(row >= 0 && row < count)
    let bit: UInt64 = 1 << UInt64(row & 63)
    if valid { words[row >> 6] |= bit } else { words[row >> 6] &= ~bit }
  }

  package var validCount: Int {
    var total = 0
    let pointer = words
    for index in 0..<ValidityMask.wordCount(count) { total += pointer[index].nonzeroBitCount }
    return total
  }

  package var nullCount: Int { count - validCount }

  /// Returns a mask that is valid where both are; nil stands for "all valid".
  package static func and(_ left: ValidityMask?, _ right: ValidityMask?, count: Int) -> ValidityMask? {
    guard let left else { return right }
    guard let right else { return left }
    precondition(left.count == count && right.count == count, "masks of different length")
    let words = wordCount(count)
    let result = AlignedBuffer(byteCount: words * 8)
    let output = result.values(as: UInt64.self)
    let first = left.words
    let second = right.words
    for index in 0..<words { output[index] = first[index] & second[index] }
    return ValidityMask(buffer: result, count: count)
  }

  /// Returns the mask of rows `range`, copied.
  package func slice(_ range: Range<Int>) -> ValidityMask {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "slice outside the mask")
    let length = range.count
    let outWords = ValidityMask.wordCount(length)
    let result = AlignedBuffer(byteCount: outWords * 8, zeroed: true)
    let output = result.values(as: UInt64.self)
    let inWords = ValidityMask.wordCount(count)
    let source = words
    let shift = UInt64(range.lowerBound & 63)
    let first = range.lowerBound >> 6
    for index in 0..<outWords {
      var word = source[first + index] >> shift
      if shift > 0, first + index + 1 < inWords { word |= source[first + index + 1] << (64 - shift) }
      output[index] = word
    }
    if length & 63 != 0, outWords > 0 { output[outWords - 1] &= (1 << UInt64(length & 63)) &- 1 }
    return ValidityMask(buffer: result, count: length)
  }

  /// Returns the masks of some rows behind one another; nil stands for "all valid".
  package static func joined(_ parts: [(mask: ValidityMask?, count: Int)]) -> ValidityMask? {
    guard parts.contains(where: { $0.mask != nil }) else { return nil }
    let result = ValidityMask(count: parts.reduce(0) { $0 + $1.count }, allValid: false)
    let output = result.words
    var position = 0
    for (mask, count) in parts {
      var row = 0
      while row < count {
        let length = min(64, count - row)
        var word = mask.map { $0.words[row >> 6] } ?? ~0
        if length < 64 { word &= (1 << UInt64(length)) &- 1 }
        let shift = UInt64(position & 63)
        output[position >> 6] |= word << shift
        if shift > 0, Int(shift) + length > 64 { output[(position >> 6) + 1] |= word >> (64 - shift) }
        position += length
        row += length
      }
    }
    return result
  }
}
