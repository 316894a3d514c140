import Bytes
import CKernels

/// Integers as differences to the last row with the same key, where the key is another column of the row group; the
/// first row of each key differs from a base.
///
/// Rows can only be decoded in order from the first, so the whole block is decoded once, when rows of many keys are
/// wanted; for a few rows of a few keys only those keys' chains are followed.
final class KeyedDeltaStream {
  let count: Int
  /// The column whose values are the keys.
  let keyColumn: Int
  let base: Int64
  /// Zigzag differences, a code per row.
  let differences: PackedStream
  /// The keys of all rows, once supplied, and the memory they lie in.
  private var keys: NarrowColumn?
  private var keyMemory: AlignedBuffer?
  /// All values, once decoded.
  private var values: AlignedBuffer?

  /// Keys are at most this much above the least key, so that a table of last values stays small.
  static let maximumKeySpan: UInt64 = 1 << 20

  init(_ cursor: inout BlockCursor, count: Int) throws(PulsehouseError) {
    self.count = count
    keyColumn = Int(try cursor.load(UInt32.self))
    base = try cursor.load(Int64.self)
    differences = try PackedStream(&cursor, count: count)
  }

  var hasKeys: Bool { keys != nil }

  /// Takes the key column's narrow form over the whole row group; `memory` is kept with it.
  func supply(_ keys: NarrowColumn, _ memory: AlignedBuffer) throws(PulsehouseError) {
    guard keys.count == count, keys.maximumCode < KeyedDeltaStream.maximumKeySpan else {
      throw BlockCursor.damaged("a key column too wide to predict from")
    }
    self.keys = keys
    keyMemory = memory
  }

  /// Returns all values, decoding them the first time.
  func allValues(_ scratch: DecodeScratch) throws(PulsehouseError) -> UnsafePointer<Int64> {
    if let values { return UnsafePointer(values.values(as: Int64.self)) }
    guard let keys else { throw PulsehouseError(.internal, "a keyed block read before its keys") }
    let output = AlignedBuffer(byteCount: (count + 1024) * 8)
    switch keys.width {
    case 1: chain(keys.codes.assumingMemoryBound(to: UInt8.self), keys.maximumCode, output, scratch)
    case 2: chain(keys.codes.assumingMemoryBound(to: UInt16.self), keys.maximumCode, output, scratch)
    case 4: chain(keys.codes.assumingMemoryBound(to: UInt32.self), keys.maximumCode, output, scratch)
    default: chain(keys.codes.assumingMemoryBound(to: UInt64.self), keys.maximumCode, output, scratch)
    }
    values = output
    return UnsafePointer(output.values(as: Int64.self))
  }

  func dropValues() { values = nil }

  @inline(__always) private func chain<Key: FixedWidthInteger & UnsignedInteger>(
    _ keys: UnsafePointer<Key>, _ maximumKey: UInt64, _ output: AlignedBuffer, _ scratch: DecodeScratch
  ) {
    let slots = Int(maximumKey) + 1
    let table = AlignedBuffer(byteCount: slots * 8)
    let last = table.values(as: Int64.self)
    last.update(repeating: base, count: slots)
    let values = output.values(as: Int64.self)
    for vector in 0..<differences.vectorCount {
      let start = vector << 10
      let out = values + start
      differences.decode(vector, into: out, scratch)
      DeltaStream.unzigzag(out)
      let length = differences.length(vector)
      var index = 0
      while index < length {
        let key = min(Int(truncatingIfNeeded: keys[start &+ index]), slots &- 1)
        let value = last[key] &+ out[index]
        last[key] = value
        out[index] = value
        index &+= 1
      }
    }
    withExtendedLifetime(table) {}
  }

  /// The most keys whose chains are followed one by one.
  private static let mostChains = 4

  /// Decodes the selected rows (ascending) by following the chains of their keys; false when there are too many keys or
  /// all values are there already.
  func followChains<T: FixedWidthInteger>(
    _ selection: UnsafeBufferPointer<UInt32>, into out: UnsafeMutablePointer<T>
  ) -> Bool {
    guard values == nil, let keys, let last = selection.last, selection.count <= count / 16 else { return false }
    var wanted: [UInt64] = []
    for row in selection {
      let key = keys.code(at: Int(row))
      if wanted.contains(key) { continue }
      if wanted.count == KeyedDeltaStream.mostChains { return false }
      wanted.append(key)
    }
    let rowCount = Int(last) + 1
    let bitmap = AlignedBuffer(byteCount: Bits.wordCount(rowCount) * 8)
    let words = bitmap.values(as: UInt64.self)
    for key in wanted {
      keys.mark(key, rowCount, words)
      var value = base
      var place = 0
      for word in 0..<Bits.wordCount(rowCount) {
        var bits = words[word]
        while bits != 0 {
          let row = word << 6 | bits.trailingZeroBitCount
          bits &= bits &- 1
          let code = differences.code(at: row)
          value &+= Int64(bitPattern: (code &>> 1) ^ (0 &- (code & 1)))
          while place < selection.count && Int(selection[place]) < row { place += 1 }
          if place < selection.count && Int(selection[place]) == row { out[place] = T(truncatingIfNeeded: value) }
        }
      }
    }
    withExtendedLifetime(bitmap) {}
    return true
  }
}
