import Bytes

/// Integers as runs of equal values. Where the runs end is worked out when the block is opened, their values are decoded
/// when first asked for: a reader of few rows needs few of them.
///
/// One thread at a time.
final class RunLengthStream {
  let count: Int
  let runCount: Int
  /// Where each run ends, exclusive, ascending; the last is `count`.
  private let ends: AlignedBuffer
  /// One `Int64` per run, of which those are valid whose vector of 1024 is in `decoded`.
  private let values: AlignedBuffer
  private let valueStream: IntegerStream
  private var decoded: [Bool]
  private var missingVectorCount: Int

  init(_ cursor: inout BlockCursor, count: Int, depth: Int, _ scratch: DecodeScratch) throws(PulsehouseError) {
    self.count = count
    runCount = try cursor.count(atMost: count)
    valueStream = try IntegerStream(&cursor, count: runCount, depth: depth + 1, scratch)
    let lengthStream = try IntegerStream(&cursor, count: runCount, depth: depth + 1, scratch)
    values = AlignedBuffer(byteCount: runCount * 8)
    ends = AlignedBuffer(byteCount: runCount * 4)
    missingVectorCount = (runCount + packedVectorSize - 1) / packedVectorSize
    decoded = [Bool](repeating: false, count: missingVectorCount)
    // The lengths become ends where they lie. None is nothing and they add up to `count`: so each end is a row's.
    let end = ends.values(as: UInt32.self)
    try lengthStream.decode(0..<runCount, into: end, scratch)
    var position: UInt64 = 0
    var emptyCount = 0
    var run = 0
    while run < runCount {
      let length = end[run]
      emptyCount &+= length == 0 ? 1 : 0
      position &+= UInt64(length)
      end[run] = UInt32(truncatingIfNeeded: position)
      run &+= 1
    }
    guard position == UInt64(count), emptyCount == 0 else { throw BlockCursor.damaged("runs that do not add up") }
  }

  /// The values of all runs, of which those of `runs` are valid.
  @inline(__always) func values(of runs: Range<Int>, _ scratch: DecodeScratch) throws(PulsehouseError)
    -> UnsafePointer<Int64>
  {
    if missingVectorCount > 0 { try decode(runs, scratch) }
    return UnsafePointer(values.values(as: Int64.self))
  }

  private func decode(_ runs: Range<Int>, _ scratch: DecodeScratch) throws(PulsehouseError) {
    let output = values.values(as: Int64.self)
    var start = runs.lowerBound / packedVectorSize * packedVectorSize
    while start < runs.upperBound {
      let end = min(start + packedVectorSize, runCount)
      if !decoded[start / packedVectorSize] {
        try valueStream.decode(start..<end, into: output + start, scratch)
        decoded[start / packedVectorSize] = true
        missingVectorCount -= 1
      }
      start = end
    }
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

  /// Returns the runs that hold `rows`, which are not empty.
  func runs(of rows: Range<Int>) -> Range<Int> { run(at: rows.lowerBound)..<run(at: rows.upperBound - 1) + 1 }

  /// Decodes rows `rows`, which are not empty.
  @inline(__always) func decode<T: FixedWidthInteger>(
    _ rows: Range<Int>, into out: UnsafeMutablePointer<T>, _ scratch: DecodeScratch
  ) throws(PulsehouseError) {
    let ends = runEnds
    let runs = runs(of: rows)
    let values = try values(of: runs, scratch)
    var run = runs.lowerBound
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
