import Bytes
import CKernels
import Vectors

/// The keys by which other columns of a row group are predicted: a number from 0 for each row.
///
/// Where the key column lies in runs, a few rows' keys and a few keys' rows are found by them, and a key for each row is
/// written down only when all are wanted. One thread at a time.
package final class SuppliedKeys {
  let count: Int
  /// No key is greater.
  let greatest: UInt64
  private let block: Block
  private let form: Form
  /// The keys of all rows, where they lie in runs and were asked for nevertheless.
  private var spread: (keys: NarrowColumn, memory: AlignedBuffer)?

  private enum Form {
    case runs(ends: UnsafePointer<UInt32>, keys: [UInt64])
    case codes(NarrowColumn, AlignedBuffer)
  }

  /// Keys are at most this, so that a table of what is known of each stays small.
  static let span: UInt64 = 1 << 20
  /// The most keys whose rows are followed one by one.
  private static let few = 4
  /// Shorter runs than this in the mean are not worth being kept apart.
  private static let leastRun = 16

  /// Takes the keys of a block; nil when its values are none.
  package init?(_ block: Block) throws(PulsehouseError) {
    self.block = block
    count = block.rowCount
    if let (ends, keys, greatest) = try block.keyRuns(atMost: max(block.rowCount / SuppliedKeys.leastRun, 1)) {
      form = .runs(ends: ends, keys: keys)
      self.greatest = greatest
      return
    }
    let memory = AlignedBuffer(byteCount: (block.rowCount + 1024) * 8)
    guard let narrow = try block.narrow(0..<block.rowCount, into: memory) else { return nil }
    form = .codes(narrow, memory)
    greatest = narrow.maximumCode
  }

  /// Returns the keys, which a column of `rowCount` rows is to be predicted by.
  ///
  /// - Throws: `.corrupt` when they cannot be.
  func checked(for rowCount: Int) throws(PulsehouseError) -> SuppliedKeys {
    guard count == rowCount, greatest < SuppliedKeys.span else {
      throw BlockCursor.damaged("a key column too wide to predict from")
    }
    return self
  }

  /// Returns the keys of all rows, as long as this object lives.
  func narrow() throws(PulsehouseError) -> NarrowColumn {
    if case .codes(let keys, _) = form { return keys }
    if let spread { return spread.keys }
    let memory = AlignedBuffer(byteCount: (count + 1024) * 8)
    guard let keys = try block.narrow(0..<count, into: memory) else {
      throw PulsehouseError(.internal, "keys in runs that have no narrow form")
    }
    spread = (keys, memory)
    return keys
  }

  /// Returns the keys that the rows of `selection` have (ascending rows); nil when they are more than a few.
  func few(of selection: UnsafeBufferPointer<UInt32>) -> [UInt64]? {
    var found: [UInt64] = []
    func isFew(_ key: UInt64) -> Bool {
      if key == found.last || found.contains(key) { return true }
      found.append(key)
      return found.count <= SuppliedKeys.few
    }
    switch form {
    case .codes(let keys, _):
      for row in selection where !isFew(keys.code(at: Int(row))) { return nil }
    case .runs(let ends, let keys):
      var run = 0
      var place = 0
      while place < selection.count {
        run = SuppliedKeys.first(in: run..<keys.count) { ends[$0] > selection[place] }
        guard isFew(keys[run]) else { return nil }
        place = SuppliedKeys.first(in: place..<selection.count) { selection[$0] >= ends[run] }
      }
    }
    return found
  }

  /// Returns the first of `indices` from which on all fulfil `condition`; the end when none does. O(log n).
  @inline(__always) private static func first(in indices: Range<Int>, _ condition: (Int) -> Bool) -> Int {
    var low = indices.lowerBound
    var high = indices.upperBound
    while low < high {
      let middle = (low + high) / 2
      if condition(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// Returns which of the first `rowCount` rows have a key.
  func rows(of key: UInt64, below rowCount: Int) -> KeyRows {
    switch form {
    case .codes(let keys, _):
      let bitmap = KeyBitmap(rowCount)
      keys.mark(key, rowCount, bitmap.words)
      return .bits(bitmap)
    case .runs(let ends, let keys):
      var ranges: [Range<Int>] = []
      var start = 0
      for (run, other) in keys.enumerated() where start < rowCount {
        let end = min(Int(ends[run]), rowCount)
        if other == key { ranges.append(start..<end) }
        start = end
      }
      return .ranges(ranges)
    }
  }
}

/// The rows of one key, up to the last that is wanted.
enum KeyRows {
  case ranges([Range<Int>])
  case bits(KeyBitmap)

  /// Calls `values` for the rows of `ranges`, those of a vector at a time, and `take` with the place in `selection` and the
  /// value of each that is selected.
  @inline(__always) static func byVector(
    _ ranges: [Range<Int>], _ selection: UnsafeBufferPointer<UInt32>,
    _ values: (Range<Int>) -> UnsafePointer<Int64>, take: (Int, Int64) -> Void
  ) {
    var place = 0
    for range in ranges {
      var row = range.lowerBound
      while row < range.upperBound {
        let end = min((row >> 10 + 1) << 10, range.upperBound)
        let found = values(row..<end)
        while place < selection.count && Int(selection[place]) < row { place &+= 1 }
        while place < selection.count && Int(selection[place]) < end {
          take(place, found[Int(selection[place]) &- row])
          place &+= 1
        }
        row = end
      }
    }
  }
}

/// A bit for each of a row group's first rows, to be written by its maker.
final class KeyBitmap {
  let words: UnsafeMutablePointer<UInt64>
  private let wordCount: Int
  private let memory: AlignedBuffer

  init(_ rowCount: Int) {
    wordCount = Bits.wordCount(rowCount)
    memory = AlignedBuffer(byteCount: wordCount * 8)
    words = memory.values(as: UInt64.self)
  }

  /// How many bits are set.
  var count: Int { Bits.count(words, wordCount * 64) }

  /// Calls `value` for each row whose bit is set, and `take` with the place in `selection` and the value of each that is
  /// selected.
  @inline(__always) func forEach(
    _ selection: UnsafeBufferPointer<UInt32>, _ value: (Int) -> Int64, take: (Int, Int64) -> Void
  ) {
    var place = 0
    for word in 0..<wordCount {
      var bits = words[word]
      while bits != 0 {
        let row = word << 6 | bits.trailingZeroBitCount
        bits &= bits &- 1
        let value = value(row)
        while place < selection.count && Int(selection[place]) < row { place &+= 1 }
        if place < selection.count && Int(selection[place]) == row { take(place, value) }
      }
    }
  }
}

extension Block {
  /// Returns where runs of equal keys end, their keys, and what no key is above; nil where there are more than `most`, or
  /// the block does not lie in runs, or has no keys.
  fileprivate func keyRuns(atMost most: Int) throws(PulsehouseError) -> (UnsafePointer<UInt32>, [UInt64], UInt64)? {
    let stream: IntegerStream
    let least: Int64
    let greatest: UInt64
    switch body {
    case .integers(let integers):
      switch type.physical {
      case .boolean, .int16, .int32, .int64: break
      default: return nil
      }
      (stream, least, greatest) = (integers, header.minimum, UInt64(bitPattern: header.maximum &- header.minimum))
    case .dictionary(let values, let codes): (stream, least, greatest) = (codes, 0, UInt64(values.count - 1))
    case .none, .decimal, .plain, .strings: return nil
    }
    switch stream {
    case .constant(let value, _): return (wholeEnd(), [UInt64(bitPattern: value &- least)], greatest)
    case .runLength(let runs) where runs.runCount <= most:
      let values = try runs.values(of: 0..<runs.runCount, scratch)
      return (runs.runEnds, (0..<runs.runCount).map { UInt64(bitPattern: values[$0] &- least) }, greatest)
    case .packed, .delta, .runLength, .keyedDelta, .linked, .tracked: return nil
    }
  }
}
