import Bytes
import Vectors

/// Results that are found in a group's rows by their place: percentile_cont, percentile_disc and mode.
extension CollectedAccumulator {
  private var valueColumn: Vector { columns[argumentTypes.count + orderTypes.count] }

  /// The rows of a group whose order value is not NULL.
  private func valued(_ group: Int) -> [UInt32] {
    guard let members = members(of: group) else { return [] }
    let column = valueColumn
    return column.validity == nil ? Array(members) : members.filter { column.isValid(Int($0)) }
  }

  /// Makes a vector of one row's order value for each group.
  private func pick(_ rows: [Int32], _ type: LogicalType) -> Vector {
    if valueColumn.count == 0 { return .nulls(type, count: rows.count) }
    return rows.withUnsafeBufferPointer { Gather.rows(valueColumn, orNull: $0) }.retyped(as: type)
  }

  func mode(_ groups: UnsafeBufferPointer<UInt32>) -> Vector {
    // Equal values may be spelled differently; what the rows are sorted by first is not.
    let comparator = RowComparator([columns[1 + argumentTypes.count]], orders: [SortOrder()])
    let rows = groups.map { group -> Int32 in
      let values = valued(Int(group))
      if values.isEmpty { return -1 }
      var best = values[0]
      var bestCount = 0
      var start = 0
      while start < values.count {
        var end = start + 1
        while end < values.count, comparator.compare(Int(values[start]), Int(values[end])) == 0 { end += 1 }
        if end - start > bestCount { (best, bestCount) = (values[start], end - start) }
        start = end
      }
      return Int32(bitPattern: best)
    }
    return pick(rows, type)
  }

  func percentile(
    _ groups: UnsafeBufferPointer<UInt32>, _ fraction: PercentileFraction, isContinuous: Bool
  ) throws -> Vector {
    func values(_ places: [(group: UInt32, fraction: Double?)], _ type: LogicalType) throws -> Vector {
      for case let fraction? in places.map(\.fraction) where !(fraction >= 0 && fraction <= 1) {
        throw PulsehouseError.percentileOutOfRange(fraction)
      }
      return isContinuous ? between(places, type) : discrete(places, type)
    }
    switch fraction {
    case .constant(let fraction): return try values(groups.map { ($0, fraction) }, type)
    case .argument:
      let fractions = columns[1]
      guard case .array(let element) = type, fractions.type.physical == .string else {
        let reader = RowReader<Double>(fractions)
        let places = groups.map { group -> (UInt32, Double?) in
          let row = members(of: Int(group))?.first.map(Int.init)
          return (group, row.flatMap { fractions.isValid($0) ? reader[$0] : nil })
        }
        return try values(places, type)
      }
      return try listed(groups) { try values($0, element) }
    }
  }

  /// An array for each group, of a value for each of the fractions that stand in the argument.
  private func listed(
    _ groups: UnsafeBufferPointer<UInt32>, _ values: ([(group: UInt32, fraction: Double?)]) throws -> Vector
  ) throws -> Vector {
    let first = groups.map { group -> Int32 in
      valued(Int(group)).first.map { Int32(bitPattern: $0) } ?? -1
    }
    if columns[1].count == 0 { return .nulls(type, count: groups.count) }
    let arrays = first.withUnsafeBufferPointer { Gather.rows(columns[1], orNull: $0) }
    let (rows, texts) = try ArrayFunctions.elements(of: arrays)
    let fractions = try Cast.vector(texts, to: .double, now: 0).flattened()
    let reader = RowReader<Double>(fractions)
    let results = try values(
      rows.indices.map { (groups[Int(rows[$0])], fractions.isValid($0) ? reader[$0] : nil) })
    return ArrayFunctions.collect(results, type, like: arrays, rows)
  }

  private func discrete(_ places: [(group: UInt32, fraction: Double?)], _ type: LogicalType) -> Vector {
    let rows = places.map { group, fraction -> Int32 in
      let values = valued(Int(group))
      guard let fraction, !values.isEmpty else { return -1 }
      let place = (fraction * Double(values.count)).rounded(.up)
      return Int32(bitPattern: values[max(0, Int(place) - 1)])
    }
    return pick(rows, type)
  }

  private func between(_ places: [(group: UInt32, fraction: Double?)], _ type: LogicalType) -> Vector {
    let column = valueColumn
    func ends(_ place: Int) -> (low: Int, high: Int, part: Double)? {
      let values = valued(Int(places[place].group))
      guard let fraction = places[place].fraction, !values.isEmpty else { return nil }
      let exact = fraction * Double(values.count - 1)
      let low = exact.rounded(.down)
      return (Int(values[Int(low)]), Int(values[Int(exact.rounded(.up))]), exact - low)
    }
    let all = Array(UInt32(0)..<UInt32(truncatingIfNeeded: places.count))
    return all.withUnsafeBufferPointer { all in
      if column.type.physical == .interval {
        let reader = RowReader<Interval>(column)
        return resultVector(type, all, zero: Interval(months: 0, days: 0, microseconds: 0)) { place in
          ends(place).map { CollectedAccumulator.between(reader[$0.low], reader[$0.high], $0.part) }
        }
      }
      return resultVector(type, all, zero: 0.0) { place in
        guard let (low, high, part) = ends(place) else { return nil }
        let (first, second) = (double(column, low), double(column, high))
        return part == 0 ? first : first + part * (second - first)
      }
    }
  }

  private static func between(_ low: Interval, _ high: Interval, _ part: Double) -> Interval {
    let span = Double(high.span - low.span) * part
    let total = low.span + Int128(span.rounded())
    let day: Int128 = 86_400_000_000
    return Interval(
      months: 0, days: Int32(clamping: Int64(clamping: total / day)), microseconds: Int64(clamping: total % day))
  }

  private func double(_ column: Vector, _ row: Int) -> Double {
    switch column.type.physical {
    case .boolean: Double(RowReader<UInt8>(column)[row])
    case .int16: Double(RowReader<Int16>(column)[row])
    case .int32: Double(RowReader<Int32>(column)[row])
    case .int64: Double(RowReader<Int64>(column)[row])
    case .float32: Double(RowReader<Float>(column)[row])
    case .float64: RowReader<Double>(column)[row]
    case .numeric: NumericArithmetic.double(RowReader<Numeric>(column)[row])
    case .string, .interval, .uuid: .nan
    }
  }
}

extension PulsehouseError {
  package static func percentileOutOfRange(_ fraction: Double) -> PulsehouseError {
    var digits = "\(fraction)"
    if digits.hasSuffix(".0") { digits.removeLast(2) }
    return PulsehouseError(.user, "percentile value \(digits) is not between 0 and 1", sqlState: "22003")
  }
}
