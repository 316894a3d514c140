import CKernels

/// Totals of runs of codes: run `r` covers rows `ends[r - 1]` (`start` for the first) to before `ends[r]`.
extension DenseCodes {
  func sumsOfRuns(_ start: Int, _ ends: UnsafePointer<UInt32>, _ count: Int, into output: UnsafeMutablePointer<UInt64>)
  {
    switch width {
    case 1: ph_sum_runs8(values(as: UInt8.self), start, ends, count, output)
    case 2: ph_sum_runs16(values(as: UInt16.self), start, ends, count, output)
    case 4: ph_sum_runs32(values(as: UInt32.self), start, ends, count, output)
    default: ph_sum_runs64(values(as: UInt64.self), start, ends, count, output)
    }
  }

  func leastOfRuns(_ start: Int, _ ends: UnsafePointer<UInt32>, _ count: Int, into output: UnsafeMutablePointer<UInt64>)
  {
    switch width {
    case 1: ph_min_runs8(values(as: UInt8.self), start, ends, count, output)
    case 2: ph_min_runs16(values(as: UInt16.self), start, ends, count, output)
    case 4: ph_min_runs32(values(as: UInt32.self), start, ends, count, output)
    default: ph_min_runs64(values(as: UInt64.self), start, ends, count, output)
    }
  }

  func greatestOfRuns(
    _ start: Int, _ ends: UnsafePointer<UInt32>, _ count: Int, into output: UnsafeMutablePointer<UInt64>
  ) {
    switch width {
    case 1: ph_max_runs8(values(as: UInt8.self), start, ends, count, output)
    case 2: ph_max_runs16(values(as: UInt16.self), start, ends, count, output)
    case 4: ph_max_runs32(values(as: UInt32.self), start, ends, count, output)
    default: ph_max_runs64(values(as: UInt64.self), start, ends, count, output)
    }
  }

  @inline(__always) func value(at row: Int) -> UInt64 {
    switch width {
    case 1: UInt64(values(as: UInt8.self)[row])
    case 2: UInt64(values(as: UInt16.self)[row])
    case 4: UInt64(values(as: UInt32.self)[row])
    default: values(as: UInt64.self)[row]
    }
  }

  /// Calls `body` with the run and code of every row.
  @inline(__always) func forEachInRuns(
    _ start: Int, _ ends: UnsafePointer<UInt32>, _ count: Int, _ body: (_ run: Int, _ code: Int) -> Void
  ) {
    switch width {
    case 1: each(values(as: UInt8.self), start, ends, count, body)
    case 2: each(values(as: UInt16.self), start, ends, count, body)
    case 4: each(values(as: UInt32.self), start, ends, count, body)
    default: each(values(as: UInt64.self), start, ends, count, body)
    }
  }

  @inline(__always) private func each<Code: FixedWidthInteger>(
    _ codes: UnsafePointer<Code>, _ start: Int, _ ends: UnsafePointer<UInt32>, _ count: Int,
    _ body: (_ run: Int, _ code: Int) -> Void
  ) {
    var row = start
    for run in 0..<count {
      let end = Int(ends[run])
      while row < end {
        body(run, Int(truncatingIfNeeded: codes[row]))
        row &+= 1
      }
    }
  }
}
