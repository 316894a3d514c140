import Bytes
import Vectors

/// Sums of a column's rows from the start of its partition on, so that any frame's sum is one subtraction.
package struct RunningSums {
  private enum Values {
    case small([Int64])
    case wide([Int128], scale: Int32)
    case float([DoubleDouble])
  }

  private let values: Values

  /// `partitionStarts[row]` is the first row of the row's partition. Nil where a difference would not be exact:
  /// infinities, NaN, numerics of several scales or too many digits, types without a sum.
  package init?(_ vector: Vector, partitionStarts: [Int32]) {
    let count = vector.count
    let flat = vector.flattened()
    let mask = flat.rowValidity
    @inline(__always) func valid(_ row: Int) -> Bool { mask?.isValid(row) ?? true }
    switch vector.type.physical {
    case .int16, .int32:
      guard vector.type.isInteger else { return nil }
      var sums = [Int64](repeating: 0, count: count + 1)
      let isShort = vector.type.physical == .int16
      for row in 0..<count {
        let value = isShort ? Int64(flat.values(as: Int16.self)[row]) : Int64(flat.values(as: Int32.self)[row])
        sums[row + 1] = sums[row] &+ (valid(row) ? value : 0)
      }
      values = .small(sums)
    case .int64:
      guard vector.type == .bigint else { return nil }
      var sums = [Int128](repeating: 0, count: count + 1)
      let input = flat.values(as: Int64.self)
      for row in 0..<count { sums[row + 1] = sums[row] &+ (valid(row) ? Int128(input[row]) : 0) }
      values = .wide(sums, scale: 0)
    case .numeric:
      var sums = [Int128](repeating: 0, count: count + 1)
      let input = flat.values(as: Numeric.self)
      var scale: Int32?
      for row in 0..<count {
        var value: Int128 = 0
        if valid(row) {
          guard input[row].special == 0, scale == nil || scale == input[row].scale else { return nil }
          scale = input[row].scale
          value = input[row].mantissa
        }
        let (sum, overflow) = sums[row].addingReportingOverflow(value)
        if overflow { return nil }
        sums[row + 1] = sum
      }
      values = .wide(sums, scale: scale ?? 0)
    case .float32, .float64:
      var sums = [DoubleDouble](repeating: DoubleDouble(), count: count + 1)
      let isReal = vector.type.physical == .float32
      for row in 0..<count {
        var sum = partitionStarts[row] == Int32(row) ? DoubleDouble() : sums[row]
        if valid(row) {
          let value = isReal ? Double(flat.values(as: Float.self)[row]) : flat.values(as: Double.self)[row]
          guard value.isFinite else { return nil }
          sum.add(value)
          guard sum.high.isFinite else { return nil }
        }
        sums[row + 1] = sum
      }
      values = .float(sums)
    case .boolean, .string, .interval, .uuid: return nil
    }
    starts = partitionStarts
  }

  private let starts: [Int32]

  /// Returns the sum or average of rows `from[row]..<to[row]` for each row; NULL where no row is valid.
  ///
  /// `counts[row]` is how many rows before `row` are valid. - Throws: 22003 when a sum leaves the type.
  package func differences(
    _ from: [Int32], _ to: [Int32], _ counts: [Int64], _ kind: SumResult, _ type: LogicalType
  ) throws -> Vector {
    let rows = Array(UInt32(0)..<UInt32(truncatingIfNeeded: from.count))
    return try rows.withUnsafeBufferPointer { rows in
      switch type.physical {
      case .int64:
        return try resultVector(type, rows, zero: Int64(0)) { row in
          guard count(row, from, to, counts) > 0 else { return nil }
          guard let sum = Int64(exactly: whole(row, from, to)) else { throw PulsehouseError.outOfRange("bigint") }
          return sum
        }
      case .numeric:
        return try resultVector(type, rows, zero: Numeric(mantissa: 0, scale: 0)) { row in
          let size = count(row, from, to, counts)
          guard size > 0 else { return nil }
          let sum = Numeric(mantissa: whole(row, from, to), scale: scale)
          return kind == .sum ? sum : try NumericArithmetic.divide(sum, NumericArithmetic.make(size))
        }
      case .float32:
        return try resultVector(type, rows, zero: Float(0)) { row in
          guard count(row, from, to, counts) > 0 else { return nil }
          let sum = Float(float(row, from, to))
          if sum.isInfinite { throw Failure.floatOverflow }
          return sum
        }
      default:
        return resultVector(type, rows, zero: 0.0) { row in
          let size = count(row, from, to, counts)
          guard size > 0 else { return nil }
          return kind == .sum ? float(row, from, to) : float(row, from, to) / Double(size)
        }
      }
    }
  }

  private var scale: Int32 {
    if case .wide(_, let scale) = values { return scale }
    return 0
  }

  @inline(__always) private func count(_ row: Int, _ from: [Int32], _ to: [Int32], _ counts: [Int64]) -> Int64 {
    counts[Int(to[row])] - counts[Int(from[row])]
  }

  @inline(__always) private func whole(_ row: Int, _ from: [Int32], _ to: [Int32]) -> Int128 {
    switch values {
    case .small(let sums): Int128(sums[Int(to[row])] &- sums[Int(from[row])])
    case .wide(let sums, _): sums[Int(to[row])] &- sums[Int(from[row])]
    case .float: 0
    }
  }

  @inline(__always) private func float(_ row: Int, _ from: [Int32], _ to: [Int32]) -> Double {
    guard case .float(let sums) = values else { return Double(whole(row, from, to)) }
    let (start, end) = (Int(from[row]), Int(to[row]))
    // A partition's sums begin at zero; the place before its first row belongs to the one before.
    if start == Int(starts[row]) { return sums[end].value }
    return (sums[end] - sums[start]).value
  }
}
