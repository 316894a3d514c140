import Bytes

/// Integers as differences to the last row with the same key, where the key is another column of the row group.
///
/// The first row of each key takes the next of `firsts`. Rows can only be decoded in order from the first, so a reader
/// decodes the whole block once (`materialise`), or, for rows of few keys, follows the chains of those keys alone.
final class KeyedDeltaStream {
  let count: Int
  /// The column whose values are the keys.
  let keyColumn: Int
  let firsts: IntegerStream
  let firstCount: Int
  /// Zigzag differences, a code per row; that of a key's first row is not used.
  let differences: PackedStream
  /// All values, once decoded.
  private(set) var values: AlignedBuffer?

  /// Keys are at most this much above the least key, so that a table of last values stays small.
  static let maximumKeySpan: UInt64 = 1 << 20

  init(_ cursor: inout BlockCursor, count: Int, depth: Int, _ scratch: DecodeScratch) throws(PulsehouseError) {
    self.count = count
    keyColumn = Int(try cursor.load(UInt32.self))
    firstCount = try cursor.count(atMost: count)
    firsts = try IntegerStream(&cursor, count: firstCount, depth: depth + 1, scratch)
    try cursor.align(to: 8)
    differences = try PackedStream(&cursor, count: count)
  }

  /// Decodes the whole block. `keys[row]` are the key column's codes, of `keyWidth` bytes, none above `maximumKey`.
  func materialise(keys: UnsafeRawPointer, keyWidth: Int, maximumKey: UInt64, _ scratch: DecodeScratch)
    throws(PulsehouseError)
  {
    if values != nil { return }
    guard maximumKey < KeyedDeltaStream.maximumKeySpan else {
      throw BlockCursor.damaged("a key column too wide to predict from")
    }
    let output = AlignedBuffer(byteCount: (count + 1024) * 8)
    let initial = AlignedBuffer(byteCount: (firstCount + 1) * 8)
    try firsts.decode(0..<firstCount, into: initial.values(as: Int64.self), scratch)
    let isComplete: Bool
    switch keyWidth {
    case 1: isComplete = chain(keys.assumingMemoryBound(to: UInt8.self), maximumKey, initial, output, scratch)
    case 2: isComplete = chain(keys.assumingMemoryBound(to: UInt16.self), maximumKey, initial, output, scratch)
    case 4: isComplete = chain(keys.assumingMemoryBound(to: UInt32.self), maximumKey, initial, output, scratch)
    default: isComplete = chain(keys.assumingMemoryBound(to: UInt64.self), maximumKey, initial, output, scratch)
    }
    guard isComplete else { throw BlockCursor.damaged("first values that do not match the keys") }
    values = output
  }

  @inline(__always) private func chain<Key: FixedWidthInteger & UnsignedInteger>(
    _ keys: UnsafePointer<Key>, _ maximumKey: UInt64, _ initial: AlignedBuffer, _ output: AlignedBuffer,
    _ scratch: DecodeScratch
  ) -> Bool {
    let slots = Int(maximumKey) + 1
    let table = AlignedBuffer(byteCount: slots * 8)
    let last = table.values(as: Int64.self)
    let seenWords = (slots + 63) >> 6
    let seenMemory = AlignedBuffer(byteCount: seenWords * 8, zeroed: true)
    let seen = seenMemory.values(as: UInt64.self)
    let initialValues = initial.values(as: Int64.self)
    let values = output.values(as: Int64.self)
    var next = 0
    for vector in 0..<differences.vectorCount {
      let start = vector << 10
      let out = values + start
      differences.decode(vector, into: out, scratch)
      DeltaStream.unzigzag(out)
      let length = differences.length(vector)
      var index = 0
      while index < length {
        let key = min(Int(truncatingIfNeeded: keys[start &+ index]), slots &- 1)
        let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: key & 63)
        let value: Int64
        if seen[key &>> 6] & bit == 0 {
          if next == firstCount { return false }
          seen[key &>> 6] |= bit
          value = initialValues[next]
          next &+= 1
        } else {
          value = last[key] &+ out[index]
        }
        last[key] = value
        out[index] = value
        index &+= 1
      }
    }
    return next == firstCount
  }
}
