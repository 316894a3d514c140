import Bytes

/// Integers as runs of equal values. Runs are few, so their ends and values are decoded when the block is opened.
final class RunLengthStream {
  let count: Int
  let runCount: Int
  /// Where each run ends, exclusive, ascending; the last is `count`.
  let ends: AlignedBuffer
  /// One `Int64` per run.
  let values: AlignedBuffer

  init(_ cursor: inout BlockCursor, count: Int, depth: Int, _ scratch: DecodeScratch) throws(PulsehouseError) {
    self.count = count
    runCount = try cursor.count(atMost: count)
    let valueStream = try IntegerStream(&cursor, count: runCount, depth: depth + 1, scratch)
    let lengthStream = try IntegerStream(&cursor, count: runCount, depth: depth + 1, scratch)
    values = AlignedBuffer(byteCount: runCount * 8)
    ends = AlignedBuffer(byteCount: runCount * 4)
    try valueStream.decode(0..<runCount, into: values.values(as: Int64.self), scratch)
    let lengths = AlignedBuffer(byteCount: runCount * 8)
    try lengthStream.decode(0..<runCount, into: lengths.values(as: Int64.self), scratch)
    let length = lengths.values(as: Int64.self)
    let end = ends.values(as: UInt32.self)
    var position: Int64 = 0
    for run in 0..<runCount {
      guard length[run] > 0, length[run] <= Int64(count) - position else {
        throw BlockCursor.damaged("runs that do not add up")
      }
      position += length[run]
      end[run] = UInt32(position)
    }
    guard position == Int64(count) else { throw BlockCursor.damaged("runs that do not add up") }
  }

  var runEnds: UnsafePointer<UInt32> { UnsafePointer(ends.values(as: UInt32.self)) }

  /// Returns the run that holds `row`. O(log runs).
  func run(at row: Int) -> Int {
    let ends = runEnds
    var low = 0
    var high = runCount - 1
    while low < high {
      let middle = (low + high) / 2
      if Int(ends[middle]) > row { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// Decodes rows `rows`, which are not empty.
  @inline(__always) func decode<T: FixedWidthInteger>(_ rows: Range<Int>, into out: UnsafeMutablePointer<T>) {
    let ends = runEnds
    let values = self.values.values(as: Int64.self)
    var run = run(at: rows.lowerBound)
    var row = rows.lowerBound
    // Short runs are written a block of sixteen at a time, past their end where the next run writes over it.
    let block = 16
    while row < rows.upperBound {
      let end = min(Int(ends[run]), rows.upperBound)
      let value = T(truncatingIfNeeded: values[run])
      let target = out + (row - rows.lowerBound)
      let length = end - row
      if length <= 4 * block && row + 5 * block <= rows.upperBound {
        var filled = 0
        repeat {
          for lane in 0..<block { target[filled &+ lane] = value }
          filled &+= block
        } while filled < length
      } else {
        target.update(repeating: value, count: length)
      }
      row = end
      run += 1
    }
  }
}
