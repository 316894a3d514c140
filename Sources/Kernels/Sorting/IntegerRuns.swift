import Bytes
import Vectors

/// Runs of equal values of an integer column without NULLs.
package struct IntegerRuns {
  /// Each run's value.
  package let values: Vector
  /// Each row's run, a `UInt32`.
  private let numbers: AlignedBuffer
  private let rowCount: Int

  /// Nil for other columns, and where the runs are more than `most`, of which the first rows already tell.
  package init?(_ column: Vector, most: Int) {
    guard column.form == .flat, column.validity == nil, column.count > 0 else { return nil }
    let found: (numbers: AlignedBuffer, starts: [UInt32])?
    switch column.type.physical {
    case .int16: found = IntegerRuns.find(column.values(as: Int16.self), column.count, most)
    case .int32: found = IntegerRuns.find(column.values(as: Int32.self), column.count, most)
    case .int64: found = IntegerRuns.find(column.values(as: Int64.self), column.count, most)
    default: found = nil
    }
    guard let found else { return nil }
    numbers = found.numbers
    rowCount = column.count
    values = found.starts.withUnsafeBufferPointer { Gather.rows(column, at: $0) }
  }

  /// Gives each row the value of its run.
  package func spread(_ results: Vector) -> Vector {
    Gather.rows(
      results, at: UnsafeBufferPointer(start: UnsafePointer(numbers.values(as: UInt32.self)), count: rowCount))
  }

  private static func find<T: FixedWidthInteger>(
    _ values: UnsafePointer<T>, _ count: Int, _ most: Int
  ) -> (numbers: AlignedBuffer, starts: [UInt32])? {
    let sample = min(count, 64)
    if changes(values, sample) > max(sample * most / count, 8) || changes(values, count) >= most { return nil }
    let buffer = AlignedBuffer(byteCount: count * 4)
    let numbers = buffer.values(as: UInt32.self)
    numbers[0] = 0
    let starts = [UInt32](unsafeUninitializedCapacity: most + 1) { starts, used in
      starts[0] = 0
      used = 1
      var row = 1
      while row < count {
        // Written in any case; kept where a run begins.
        starts[used] = UInt32(truncatingIfNeeded: row)
        used &+= Int(bit(values[row] != values[row &- 1]))
        numbers[row] = UInt32(truncatingIfNeeded: used &- 1)
        row &+= 1
      }
    }
    return (buffer, starts)
  }

  /// Returns how often a value differs from the one before.
  private static func changes<T: FixedWidthInteger>(_ values: UnsafePointer<T>, _ count: Int) -> Int {
    var changes: UInt32 = 0
    var row = 1
    while row < count {
      changes &+= UInt32(truncatingIfNeeded: Int(bit(values[row] != values[row &- 1])))
      row &+= 1
    }
    return Int(changes)
  }
}
