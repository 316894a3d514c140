import Vectors

/// A predicate over integers as ascending, disjoint, inclusive ranges: what passes is in one of them.
struct IntegerRanges {
  private(set) var ranges: [ClosedRange<Int64>]

  init(_ ranges: [ClosedRange<Int64>]) { self.ranges = ranges }

  var isEmpty: Bool { ranges.isEmpty }

  func contains(_ value: Int64) -> Bool {
    if ranges.count <= 4 { return ranges.contains { $0.contains(value) } }
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < value { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].contains(value)
  }

  /// Translates `predicate`, mapping its constants by `key`, which keeps order; nil when one has no key, or the
  /// predicate asks about nulls.
  init?(_ predicate: ColumnPredicate, key: (Scalar) -> Int64?) {
    switch predicate {
    case .isNull, .isNotNull: return nil
    case .compare(let comparison, let constant):
      guard let value = key(constant) else { return nil }
      switch comparison {
      case .equal: ranges = [value...value]
      case .notEqual:
        ranges = []
        if value > .min { ranges.append(.min...(value - 1)) }
        if value < .max { ranges.append((value + 1)...(.max)) }
      case .less: ranges = value > .min ? [.min...(value - 1)] : []
      case .lessOrEqual: ranges = [.min...value]
      case .greater: ranges = value < .max ? [(value + 1)...(.max)] : []
      case .greaterOrEqual: ranges = [value...(.max)]
      }
    case .between(let low, let high):
      guard let low = key(low), let high = key(high) else { return nil }
      ranges = low <= high ? [low...high] : []
    case .isIn(let constants):
      var values: [Int64] = []
      for constant in constants {
        guard let value = key(constant) else { return nil }
        values.append(value)
      }
      values.sort()
      ranges = []
      for value in values {
        if let last = ranges.last, last.upperBound == .max || value <= last.upperBound + 1 {
          ranges[ranges.count - 1] = last.lowerBound...max(value, last.upperBound)
        } else {
          ranges.append(value...value)
        }
      }
    }
  }

  /// The key of an integer-like constant.
  static func integerKey(_ scalar: Scalar) -> Int64? {
    switch scalar {
    case .integer(let value): value
    case .boolean(let value): value ? 1 : 0
    default: nil
    }
  }

  /// The key of a float: ascends as PostgreSQL orders floats, NaN above all, both zeros alike.
  @inline(__always) static func floatKey(_ value: Double) -> Int64 {
    if value != value { return .max }
    let bits = Int64(bitPattern: (value + 0).bitPattern)
    return bits ^ Int64(bitPattern: UInt64(bitPattern: bits &>> 63) &>> 1)
  }

  static func floatKey(_ scalar: Scalar) -> Int64? {
    switch scalar {
    case .double(let value): floatKey(value)
    case .real(let value): floatKey(Double(value))
    default: nil
    }
  }
}
