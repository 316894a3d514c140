import Bytes
import Vectors

/// Which rows of a block are null, on disk: not at all, all of them, a bit a row, or runs.
enum Validity: UInt8 {
  case allValid = 0
  case bitmap = 1
  case allNull = 2
  case runs = 3

  /// Appends a mask that has both kinds of rows, the shorter way. Returns which.
  static func write(_ mask: ValidityMask, count: Int, into writer: inout ByteWriter) -> Validity {
    var runs: [Int64] = []
    // Alternate runs, the first one valid and maybe empty.
    var isValid = true
    var start = 0
    let limit = count / 64
    var row = 0
    while row < count && runs.count <= limit {
      if row & 63 == 0 && row + 64 <= count && mask.words[row >> 6] == (isValid ? ~0 : 0) {
        row += 64
        continue
      }
      if mask.isValid(row) != isValid {
        runs.append(Int64(row - start))
        start = row
        isValid.toggle()
      }
      row += 1
    }
    if runs.count < limit {
      runs.append(Int64(count - start))
      writer.append(UInt32(runs.count))
      IntegerEncoder.write(runs, into: &writer)
      return .runs
    }
    let bits = ValidityMask(count: count, allValid: false)
    let wordCount = ValidityMask.wordCount(count)
    bits.words.update(from: mask.words, count: wordCount)
    Bits.clearTail(bits.words, count)
    writer.appendArray(UnsafePointer(bits.words), count: wordCount)
    return .bitmap
  }

  /// Reads what `write` wrote; a bitmap stays in place, kept alive by `owner`.
  func read(_ cursor: inout BlockCursor, count: Int, owner: AnyObject, _ scratch: DecodeScratch)
    throws(PulsehouseError) -> ValidityMask?
  {
    switch self {
    case .allValid: return nil
    case .allNull: return ValidityMask(count: count, allValid: false)
    case .bitmap:
      let wordCount = ValidityMask.wordCount(count)
      let words = try cursor.array(UInt64.self, count: wordCount)
      if count & 63 != 0, words[wordCount - 1] >> UInt64(count & 63) != 0 {
        throw BlockCursor.damaged("a validity mask with rows too many")
      }
      return ValidityMask(
        buffer: AlignedBuffer(window: UnsafeRawPointer(words), byteCount: wordCount * 8, owner: owner), count: count)
    case .runs:
      let runCount = try cursor.count(atMost: count + 1)
      let stream = try IntegerStream(&cursor, count: runCount, scratch)
      let lengths = AlignedBuffer(byteCount: runCount * 8)
      try stream.decode(0..<runCount, into: lengths.values(as: Int64.self), scratch)
      let mask = ValidityMask(count: count, allValid: false)
      var row = 0
      for run in 0..<runCount {
        let length = lengths.values(as: Int64.self)[run]
        guard length >= 0, length <= Int64(count - row) else {
          throw BlockCursor.damaged("runs of nulls that do not add up")
        }
        if run & 1 == 0 { Bits.fill(mask.words, row..<(row + Int(length)), with: true) }
        row += Int(length)
      }
      guard row == count else { throw BlockCursor.damaged("runs of nulls that do not add up") }
      return mask
    }
  }
}

extension ValidityMask {
  /// Returns the mask of rows `range`, nil when none of them is null; a window where the range begins on a word.
  func window(_ range: Range<Int>) -> ValidityMask? {
    if range.isEmpty { return nil }
    let part: ValidityMask
    if range.lowerBound & 63 == 0 && (range.upperBound & 63 == 0 || range.upperBound == count) {
      let wordCount = ValidityMask.wordCount(range.count)
      part = ValidityMask(
        buffer: AlignedBuffer(
          window: buffer.base + (range.lowerBound >> 6) * 8, byteCount: wordCount * 8, owner: buffer),
        count: range.count)
    } else {
      part = slice(range)
    }
    return part.validCount == part.count ? nil : part
  }

  /// Returns the mask of the selected rows, nil when none of them is null.
  func gathered(_ selection: UnsafeBufferPointer<UInt32>) -> ValidityMask? {
    let result = ValidityMask(count: selection.count, allValid: true)
    var hasNull = false
    for (index, row) in selection.enumerated() where !isValid(Int(row)) {
      result.set(index, valid: false)
      hasNull = true
    }
    return hasNull ? result : nil
  }
}
