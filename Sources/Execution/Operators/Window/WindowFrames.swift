import Bytes
import Kernels
import Planning
import Vectors

/// A window frame with its distances known.
struct CompiledFrame {
  enum Bound {
    case unboundedPreceding, unboundedFollowing, currentRow
    /// Rows or groups from the current one, negative before it.
    case offset(Int)
    /// RANGE: the value of the order column at which the frame ends.
    case value(CompiledExpression)
  }

  let unit: WindowFrame.Unit
  let start: Bound
  let end: Bound
  let exclusion: WindowFrame.Exclusion
  /// RANGE with a distance: the order column in the type that the bounds have.
  let key: CompiledExpression?

  init(_ frame: WindowFrame, _ windowing: Windowing, input: [Column], _ run: QueryRun) throws {
    unit = frame.unit
    exclusion = frame.exclusion
    var key: Expression?
    func bound(_ bound: FrameBound, _ name: String, isEnd: Bool) throws -> Bound {
      let offset: Expression
      let isPreceding: Bool
      switch bound {
      case .unboundedPreceding: return .unboundedPreceding
      case .unboundedFollowing: return .unboundedFollowing
      case .currentRow: return .currentRow
      case .preceding(let expression): (offset, isPreceding) = (expression, true)
      case .following(let expression): (offset, isPreceding) = (expression, false)
      }
      let value = try Constants.value(of: offset, run)
      if value.isNull {
        throw PulsehouseError(.user, "frame \(name) offset must not be null", sqlState: "22004")
      }
      if frame.unit != .range {
        guard case .integer(let count) = value, count >= 0 else {
          throw PulsehouseError(.user, "frame \(name) offset must not be negative", sqlState: "22013")
        }
        let distance = Int(min(count, 1 << 40))
        return .offset(isPreceding ? -distance : distance)
      }
      guard let sortKey = windowing.order.first else {
        throw PulsehouseError(.internal, "a RANGE distance needs one order column")
      }
      let (column, distance) = try CompiledFrame.operands(sortKey.expression, value, offset.type)
      key = column
      let function: ScalarFunction = isPreceding != sortKey.isDescending ? .subtract : .add
      var limit = Expression.call(function, [column, distance], column.type)
      if let infinity = CompiledFrame.infinity(distance, isNegative: isEnd == sortKey.isDescending) {
        // What lies infinitely far before infinity is nowhere: the frame has all there is on that side.
        let (nowhere, other) = (Expression.constant(infinity.nan, column.type), infinity.value)
        limit = .branch(
          [
            Branch(
              when: .and([.compare(.equal, limit, nowhere), .compare(.notEqual, column, nowhere)]),
              then: .constant(other, column.type))
          ], otherwise: limit, column.type)
      }
      return .value(try CompiledExpression(limit, input: input))
    }
    start = try bound(frame.start, "starting", isEnd: false)
    end = try bound(frame.end, "ending", isEnd: true)
    self.key = try key.map { try CompiledExpression($0, input: input) }
  }

  /// Returns the order column and the distance in types that add and subtract without overflow.
  private static func operands(
    _ column: Expression, _ value: Scalar, _ type: LogicalType
  ) throws -> (Expression, Expression) {
    let isNegative: Bool
    switch value {
    case .integer(let number): isNegative = number < 0
    case .real(let number): isNegative = number < 0 || number.isNaN
    case .double(let number): isNegative = number < 0 || number.isNaN
    case .numeric(let number): isNegative = number.mantissa < 0 || number.special == 1 || number.special == 3
    case .interval(let span):
      // By its length as intervals are compared: a month may make up for days.
      let days = column.type == .time ? 0 : Int128(span.months) * 30 + Int128(span.days)
      isNegative = days * Int128(86_400_000_000) + Int128(span.microseconds) < 0
    default: throw PulsehouseError(.unsupported, "RANGE with a distance of type \(type)")
    }
    if isNegative {
      throw PulsehouseError(.user, "invalid preceding or following size in window function", sqlState: "22013")
    }
    var value = value
    if column.type == .time, case .interval(let span) = value {
      // Months and days do not count between times of day.
      value = .interval(Interval(months: 0, days: 0, microseconds: span.microseconds))
    }
    let distance = Expression.constant(value, type)
    let wide: LogicalType =
      switch column.type {
      case .smallint, .integer, .bigint: .numeric(precision: nil, scale: nil)
      case .real: .double
      case .date: .timestamp
      // A sum of times begins anew at midnight, one of intervals does not.
      case .time: .interval
      default: column.type
      }
    let left = wide == column.type ? column : .cast(column, wide)
    let right: Expression = type == .interval || type == wide ? distance : .cast(distance, wide)
    return (left, right)
  }

  /// An infinity of a distance's type, and what is no number of it; nil for a distance that is finite.
  private static func infinity(_ distance: Expression, isNegative: Bool) -> (value: Scalar, nan: Scalar)? {
    var operand = distance
    while case .cast(let inner, _) = operand { operand = inner }
    guard case .constant(let value, _) = operand else { return nil }
    let isInfinite: Bool
    switch value {
    case .real(let number): isInfinite = number.isInfinite
    case .double(let number): isInfinite = number.isInfinite
    case .numeric(let number): isInfinite = number.special == Numeric.infinity.special
    default: isInfinite = false
    }
    guard isInfinite else { return nil }
    return distance.type == .double
      ? (.double(isNegative ? -.infinity : .infinity), .double(.nan))
      : (.numeric(isNegative ? .negativeInfinity : .infinity), .numeric(.nan))
  }

  /// True when every row's frame is its whole partition.
  var isWholePartition: Bool {
    guard exclusion == .none, case .unboundedPreceding = start, case .unboundedFollowing = end else { return false }
    return true
  }

  /// RANGE or GROUPS up to the current row's peers is the whole partition where there is no order.
  var isWholeWithoutOrder: Bool {
    guard unit != .rows, exclusion == .none, case .unboundedPreceding = start else { return false }
    switch end {
    case .currentRow, .unboundedFollowing: return true
    case .unboundedPreceding, .offset, .value: return false
    }
  }
}

/// First row and the row after the last of a frame, for each row of a chunk.
struct FrameRanges {
  var starts: [Int32]
  var ends: [Int32]
  let exclusion: WindowFrame.Exclusion
}

extension WindowChunk {
  /// Computes each row's frame before exclusion; `start <= end` always.
  func frameRanges(_ frame: CompiledFrame) throws -> FrameRanges {
    var result = FrameRanges(
      starts: [Int32](repeating: 0, count: count), ends: [Int32](repeating: 0, count: count),
      exclusion: frame.exclusion)
    try fill(&result.starts, frame.start, frame, isEnd: false)
    try fill(&result.ends, frame.end, frame, isEnd: true)
    for row in 0..<count where result.ends[row] < result.starts[row] { result.ends[row] = result.starts[row] }
    return result
  }

  private func fill(
    _ output: inout [Int32], _ bound: CompiledFrame.Bound, _ frame: CompiledFrame, isEnd: Bool
  ) throws {
    switch bound {
    case .unboundedPreceding: output = isEnd ? partitionStarts : partitionStarts
    case .unboundedFollowing: output = partitionEnds
    case .currentRow:
      if frame.unit == .rows {
        for row in 0..<count { output[row] = Int32(isEnd ? row + 1 : row) }
      } else {
        output = isEnd ? peerEnds : peerStarts
      }
    case .offset(let distance):
      if frame.unit == .rows {
        for row in 0..<count {
          let place = row + distance + (isEnd ? 1 : 0)
          output[row] = Int32(min(max(place, Int(partitionStarts[row])), Int(partitionEnds[row])))
        }
      } else {
        fillGroups(&output, distance, isEnd)
      }
    case .value(let expression): try fillValues(&output, expression, frame, isEnd)
    }
  }

  private func fillGroups(_ output: inout [Int32], _ distance: Int, _ isEnd: Bool) {
    // Peer groups by number, over the whole chunk.
    var groupStarts: [Int32] = []
    var groupOf = [Int](repeating: 0, count: count)
    for row in 0..<count {
      if peerStarts[row] == Int32(row) { groupStarts.append(Int32(row)) }
      groupOf[row] = groupStarts.count - 1
    }
    groupStarts.append(Int32(count))
    for row in 0..<count {
      let (low, high) = (partitionStarts[row], partitionEnds[row])
      let wanted = groupOf[row] + distance + (isEnd ? 1 : 0)
      let place = wanted < 0 ? low : wanted >= groupStarts.count ? high : groupStarts[wanted]
      output[row] = min(max(place, low), high)
    }
  }

  private func fillValues(
    _ output: inout [Int32], _ expression: CompiledExpression, _ frame: CompiledFrame, _ isEnd: Bool
  ) throws {
    guard let keyExpression = frame.key, let order = operation.orderKeys.orders.first else { return }
    let key = try keyExpression.evaluate(batch, operation.run.evaluation)
    let bounds = try expression.evaluate(batch, operation.run.evaluation)
    let comparator = RowComparator(left: [key], right: [bounds], orders: [order])
    var place = 0
    for row in 0..<count {
      if !key.isValid(row) {
        output[row] = isEnd ? peerEnds[row] : peerStarts[row]
        continue
      }
      place = max(place, Int(partitionStarts[row]))
      let end = Int(partitionEnds[row])
      while place < end {
        // NULLs that come first lie before every bound; those that come last end the search.
        if !key.isValid(place) {
          if order.nullsFirst {
            place += 1
            continue
          }
          break
        }
        let side = comparator.compare(place, row)
        guard isEnd ? side <= 0 : side < 0 else { break }
        place += 1
      }
      output[row] = Int32(place)
    }
  }

  /// Calls `body` with the pieces of a row's frame that exclusion leaves, in order.
  func forEachPiece(_ ranges: FrameRanges, _ row: Int, _ body: (Range<Int>) throws -> Void) rethrows {
    let (start, end) = (Int(ranges.starts[row]), Int(ranges.ends[row]))
    func piece(_ low: Int, _ high: Int) throws {
      let (from, to) = (max(low, start), min(high, end))
      if from < to { try body(from..<to) }
    }
    switch ranges.exclusion {
    case .none: try piece(start, end)
    case .currentRow:
      try piece(start, row)
      try piece(row + 1, end)
    case .group:
      try piece(start, Int(peerStarts[row]))
      try piece(Int(peerEnds[row]), end)
    case .ties:
      try piece(start, Int(peerStarts[row]))
      try piece(row, row + 1)
      try piece(Int(peerEnds[row]), end)
    }
  }
}
