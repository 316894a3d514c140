import Kernels
import Planning
import Segments
import Vectors

/// Answers an aggregation without keys over a whole stored table from zone maps alone: counts, min, max, and sums and
/// averages of integers.
enum ZoneMapAnswer {
  /// Returns the one row, or nil where the zone maps do not suffice.
  static func row(_ aggregation: Aggregation, _ input: Operator, _ types: [LogicalType]) throws -> Batch? {
    guard aggregation.keys.isEmpty, aggregation.groupingSets == nil,
      let scan = input as? SegmentScanOperator, scan.readsEveryRow
    else { return nil }
    var fields: [Int?] = []
    for call in aggregation.aggregates {
      guard call.filter == nil, call.order.isEmpty else { return nil }
      switch call.function {
      case .countStar: fields.append(nil)
      case .count, .sum, .avg:
        guard !call.isDistinct, let field = scan.field(of: call.arguments) else { return nil }
        fields.append(field)
      case .min, .max:
        guard let field = scan.field(of: call.arguments) else { return nil }
        fields.append(field)
      default: return nil
      }
    }
    guard let zoneMaps = try scan.zoneMaps(of: Set(fields.compactMap { $0 })) else { return nil }
    var columns: [Vector] = []
    for (index, call) in aggregation.aggregates.enumerated() {
      let scalar: Scalar?
      if let field = fields[index] {
        guard let zoneMap = zoneMaps[field] else { return nil }
        scalar = try value(call.function, zoneMap, types[index])
      } else {
        scalar = .integer(Int64(scan.rowCount))
      }
      guard let scalar else { return nil }
      columns.append(.of(types[index], [scalar]))
    }
    return Batch(columns, rowCount: 1)
  }

  private static func value(_ function: AggregateFunction, _ zoneMap: ZoneMap, _ type: LogicalType) throws -> Scalar? {
    let count = zoneMap.rowCount - zoneMap.nullCount
    if function == .count { return .integer(Int64(count)) }
    if count == 0 { return .null }
    switch function {
    case .min, .max:
      guard zoneMap.boundsAreExact, zoneMap.hasBounds else { return nil }
      let bound = function == .min ? zoneMap.minimum : zoneMap.maximum
      // 0.0 and -0.0 are equal: the zone map may hold the other one.
      if case .double(let number) = bound, number == 0 { return nil }
      if case .real(let number) = bound, number == 0 { return nil }
      switch (bound, type.physical) {
      case (.integer, .int16), (.integer, .int32), (.integer, .int64), (.double, .float64), (.real, .float32),
        (.boolean, .boolean):
        return bound
      default: return nil
      }
    case .sum:
      guard let sum = zoneMap.sum else { return nil }
      if type.isNumeric { return .numeric(Numeric(mantissa: sum, scale: 0)) }
      return Int64(exactly: sum).map { .integer($0) }
    case .avg:
      guard let sum = zoneMap.sum, type.isNumeric else { return nil }
      return .numeric(
        try NumericArithmetic.divide(Numeric(mantissa: sum, scale: 0), NumericArithmetic.make(Int64(count))))
    default: return nil
    }
  }
}

extension SegmentScanOperator {
  /// True when no row is left out.
  var readsEveryRow: Bool { scan.predicates.isEmpty && scan.filter == nil }

  var rowCount: Int { handles.reduce(0) { $0 + $1.rowCount } }

  /// Returns the table's field that a single argument names; nil for anything else.
  func field(of arguments: [Expression]) -> Int? {
    guard arguments.count == 1, case .column(let column) = arguments[0],
      let position = columns.firstIndex(of: column), case .field(let field) = scan.sources[position]
    else { return nil }
    return field
  }

  /// Returns what is known of whole columns; nil where a segment does not say.
  func zoneMaps(of fields: Set<Int>) throws -> [Int: ZoneMap]? {
    var result: [Int: ZoneMap] = [:]
    for field in fields { result[field] = .empty }
    for handle in handles where handle.rowCount > 0 && !fields.isEmpty {
      let zoneMaps = try handle.zoneMaps()
      for field in fields {
        guard field < zoneMaps.count, zoneMaps[field].rowCount == handle.rowCount else { return nil }
        let before = result[field] ?? .empty
        var merged = before.merged(with: zoneMaps[field])
        if before.rowCount > 0, before.sum == nil || zoneMaps[field].sum == nil { merged.sum = nil }
        result[field] = merged
      }
    }
    return result
  }
}
