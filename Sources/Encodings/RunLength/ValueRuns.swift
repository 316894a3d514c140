import Bytes
import CKernels

/// The runs of equal values of a column, for encoders: what is asked of the values is asked once for each run.
struct ValueRuns {
  let count: Int
  private let rowCount: Int
  /// The first row of each run.
  private let starts: AlignedBuffer
  /// The value of each run.
  private let values: AlignedBuffer

  /// Finds the `count` runs of the `rowCount` values, at least one.
  init(_ values: UnsafePointer<Int64>, _ rowCount: Int, _ count: Int) {
    // The kernel writes eight at a time.
    let starts = AlignedBuffer(byteCount: (count + 8) * 4)
    let found = ph_run_starts64(values, rowCount, starts.values(as: UInt32.self))
    precondition(found == count, "as many runs as changes and one")
    self.init(count: count, rowCount: rowCount, starts: starts, values: ValueRuns.values(of: values, starts, count))
  }

  private init(count: Int, rowCount: Int, starts: AlignedBuffer, values: AlignedBuffer) {
    self.count = count
    self.rowCount = rowCount
    self.starts = starts
    self.values = values
  }

  /// The same runs with other values, one for each.
  func with(_ values: AlignedBuffer) -> ValueRuns {
    precondition(values.byteCount >= count * 8, "a value for each run")
    return ValueRuns(count: count, rowCount: rowCount, starts: starts, values: values)
  }

  /// The values that a column of as many rows has in the first row of each run.
  func values(of column: UnsafePointer<Int64>) -> AlignedBuffer { ValueRuns.values(of: column, starts, count) }

  private static func values(of column: UnsafePointer<Int64>, _ starts: AlignedBuffer, _ count: Int) -> AlignedBuffer {
    let values = AlignedBuffer(byteCount: count * 8)
    let value = values.values(as: Int64.self)
    let start = starts.values(as: UInt32.self)
    var run = 0
    while run < count {
      value[run] = column[Int(start[run])]
      run &+= 1
    }
    return values
  }

  func withValues<T>(_ body: (UnsafePointer<Int64>) -> T) -> T {
    defer { withExtendedLifetime(values) {} }
    return body(UnsafePointer(values.values(as: Int64.self)))
  }

  /// Calls `body` with how many rows each run has.
  func withLengths<T>(_ body: (UnsafePointer<Int64>) -> T) -> T {
    withUnsafeTemporaryAllocation(of: Int64.self, capacity: max(count, 1)) { lengths in
      guard let length = lengths.baseAddress else { preconditionFailure("a buffer without memory") }
      forEachRun { length[$0] = Int64($1.count) }
      return body(length)
    }
  }

  /// The value of each row.
  func spread() -> AlignedBuffer {
    let rows = AlignedBuffer(byteCount: rowCount * 8)
    let row = rows.values(as: Int64.self)
    let value = values.values(as: Int64.self)
    forEachRun { (row + $1.lowerBound).update(repeating: value[$0], count: $1.count) }
    return rows
  }

  @inline(__always) private func forEachRun(_ body: (Int, Range<Int>) -> Void) {
    let start = starts.values(as: UInt32.self)
    for run in 0..<count {
      body(run, Int(start[run])..<(run + 1 < count ? Int(start[run + 1]) : rowCount))
    }
    withExtendedLifetime((starts, values)) {}
  }
}
