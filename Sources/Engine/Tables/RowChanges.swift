import Vectors

/// Finds the rows that differ from the row before them.
enum RowChanges {
  /// Returns, ascending, each row from 1 on in which any of `columns` (each of `count` rows) has another value than in
  /// the row before; NULL equals NULL.
  static func rows(of columns: [Vector], count: Int) -> [Int] {
    guard count > 1 else { return [] }
    var changes = [Bool](repeating: false, count: count)
    for column in columns { mark(column, in: &changes) }
    return changes.indices.filter { changes[$0] }
  }

  private static func mark(_ column: Vector, in changes: inout [Bool]) {
    switch column.form {
    case .constant: return
    case .dictionary:
      // Different codes may still stand for equal strings only if the dictionary repeats one; a split too many is harmless.
      compare(column.codes, column, in: &changes) { $0 == $1 }
    case .flat:
      switch column.type.physical {
      case .boolean: compare(column.values(as: UInt8.self), column, in: &changes) { $0 == $1 }
      case .int16: compare(column.values(as: Int16.self), column, in: &changes) { $0 == $1 }
      case .int32: compare(column.values(as: Int32.self), column, in: &changes) { $0 == $1 }
      case .int64: compare(column.values(as: Int64.self), column, in: &changes) { $0 == $1 }
      case .float32: compare(column.values(as: UInt32.self), column, in: &changes) { $0 == $1 }
      case .float64: compare(column.values(as: UInt64.self), column, in: &changes) { $0 == $1 }
      case .string: compare(column.values(as: StringReference.self), column, in: &changes) { $0 == $1 }
      case .interval: compare(column.values(as: Interval.self), column, in: &changes) { $0 == $1 }
      case .uuid: compare(column.values(as: UUIDValue.self), column, in: &changes) { $0 == $1 }
      case .numeric:
        compare(column.values(as: Numeric.self), column, in: &changes) {
          $0.mantissa == $1.mantissa && $0.scale == $1.scale && $0.special == $1.special
        }
      }
    }
  }

  private static func compare<T>(
    _ values: UnsafePointer<T>, _ column: Vector, in changes: inout [Bool], _ isEqual: (T, T) -> Bool
  ) {
    for row in 1..<column.count {
      let isValid = column.isValid(row)
      if isValid != column.isValid(row - 1) || (isValid && !isEqual(values[row], values[row - 1])) {
        changes[row] = true
      }
    }
  }
}
