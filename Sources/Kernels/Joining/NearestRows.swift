import Bytes
import Vectors

/// The build rows of each key of a `JoinTable` in the order in which an as-of join looks through them.
///
/// The build side is sorted so that, of the rows of a key, those that pass the comparison come last; the first of them
/// is the match. Values are turned into whole numbers that ascend in that order, and lie key by key, so that a search
/// touches one stretch of memory.
package final class NearestRows: Sendable {
  private let table: JoinTable
  /// One for each place of `JoinTable.rows`.
  private let values: [Int64]
  /// True where later is smaller: for `<` and `<=`.
  private let isDescending: Bool
  /// True for `<` and `>`: equal values do not pass.
  private let isStrict: Bool

  /// `order` has a value for every build row, none NULL. `comparison` is no equality: `build value comparison probe value`.
  package init(_ table: JoinTable, by order: Vector, _ comparison: ComparisonOperator) {
    precondition(order.count == table.rowCount, "a value for every build row")
    self.table = table
    isDescending = comparison == .less || comparison == .lessOrEqual
    isStrict = comparison == .less || comparison == .greater
    let byRow = NearestRows.numbers(order, isDescending)
    let placed = table.rowCount - table.nullKeyRows.count
    values = byRow.withUnsafeBufferPointer { byRow in
      [Int64](unsafeUninitializedCapacity: placed) { target, count in
        for place in 0..<placed { target[place] = byRow[Int(table.rows.base[place])] }
        count = placed
      }
    }
  }

  /// Returns for each row of the batch that `probe` has started the build row that is its match, -1 for none. NULL values
  /// have no match.
  package func find(_ probe: JoinProbe, _ wanted: Vector, count: Int) -> [Int32] {
    precondition(wanted.count == count && probe.table === table, "values of the batch that is probed")
    let numbers = NearestRows.numbers(wanted, isDescending)
    let starts = table.starts.base
    let rows = table.rows.base
    return [Int32](unsafeUninitializedCapacity: count) { result, written in
      values.withUnsafeBufferPointer { values in
        for row in 0..<count {
          result[row] = -1
          guard let group = probe.group(ofRow: row), wanted.isValid(row) else { continue }
          var low = Int(starts[group])
          let end = Int(starts[group + 1])
          var length = end - low
          let value = numbers[row]
          // The first place whose value is at least (or above) the one that is wanted.
          while length > 0 {
            let half = length >> 1
            let middle = values[low + half]
            let isBefore = isStrict ? middle <= value : middle < value
            low += isBefore ? half + 1 : 0
            length = isBefore ? length - half - 1 : half
          }
          if low < end { result[row] = Int32(bitPattern: rows[low]) }
        }
      }
      written = count
    }
  }

  /// Whole numbers in the order of the values, or against it. What stands for NULL does not matter.
  private static func numbers(_ vector: Vector, _ isDescending: Bool) -> [Int64] {
    let input = KeyInput(vector)
    let count = vector.count
    let flip: Int64 = isDescending ? -1 : 0
    func all<T>(_ values: UnsafePointer<T>, _ number: (T) -> Int64) -> [Int64] {
      let step = input.isConstant ? 0 : 1
      return [Int64](unsafeUninitializedCapacity: count) { target, written in
        for row in 0..<count { target[row] = number(values[row &* step]) ^ flip }
        written = count
      }
    }
    return withExtendedLifetime(input) {
      if input.isAllNull { return [Int64](repeating: 0, count: count) }
      switch input.values {
      case .byte(let values): return all(values) { Int64($0) }
      case .int16(let values): return all(values) { Int64($0) }
      case .int32(let values): return all(values) { Int64($0) }
      case .int64(let values): return all(values) { $0 }
      case .float(let values): return all(values) { ordered(Double($0)) }
      case .double(let values): return all(values) { ordered($0) }
      case .number(let values): return all(values) { Int64($0) }
      }
    }
  }

  /// A whole number in the order of doubles, NaN last and both zeros the same, as PostgreSQL has them.
  private static func ordered(_ value: Double) -> Int64 {
    if value.isNaN { return .max }
    let bits = Int64(bitPattern: (value == 0 ? 0 : value).bitPattern)
    return bits < 0 ? bits ^ .max : bits
  }
}
