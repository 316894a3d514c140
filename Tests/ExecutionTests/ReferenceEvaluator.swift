import Bytes
import Execution
import Planning
import Vectors

/// Runs a physical plan one row at a time, in the plainest way: what the operators are held against.
///
/// Rows are boxed values; expressions are evaluated on one row each. Aggregates and window functions are written out
/// here again, for the types that the tests use (integers, text, doubles that are whole numbers).
struct ReferenceEvaluator {
  let tables: [[Batch]]
  typealias Row = [Scalar]

  func rows(_ node: PhysicalNode) throws -> [Row] {
    func input(_ index: Int = 0) throws -> [Row] { try rows(node.inputs[index]) }
    let columns = node.inputs.first?.output ?? []
    switch node.operation {
    case .scan(let scan): return try self.scan(scan, node)
    case .values(let list): return try list.map { try $0.map { try value($0, [], []) } }
    case .series: throw PulsehouseError(.unsupported, "series in the reference")
    case .filter(let condition): return try input().filter { try isTrue(condition, columns, $0) }
    case .project(let expressions):
      return try input().map { row in try expressions.map { try value($0, columns, row) } }
    case .aggregate(let aggregation): return try aggregate(aggregation, columns, input())
    case .join(let join): return try self.join(join, node, input(0), input(1))
    case .sort(let keys): return try sorted(input(), keys, columns)
    case .limit(let count, let offset): return cut(try input(), try number(count), try number(offset) ?? 0)
    case .topN(let keys, let count, let offset, let withTies):
      let all = try sorted(input(), keys, columns)
      let skip = try number(offset) ?? 0
      guard let size = try number(count) else { return cut(all, nil, skip) }
      if size == 0 { return [] }
      var end = min(all.count, skip + size)
      while withTies, end > 0, end < all.count, try order(all[end - 1], all[end], keys, columns) == 0 { end += 1 }
      return Array(all[min(skip, end)..<end])
    case .window(let windowing): return try window(windowing, columns, input())
    case .concatenate: return try node.inputs.flatMap { try rows($0) }
    case .setOperation(let operation, let all): return set(operation, all, try input(0), try input(1))
    case .distinctOn(let keys):
      var last: Row?
      return try input().filter { row in
        let key = try keys.map { try value($0, columns, row) }
        defer { last = key }
        return key != last
      }
    case .shared: return try input()
    case .expand: throw PulsehouseError(.unsupported, "set-returning functions in the reference")
    case .recursion, .working: throw PulsehouseError(.unsupported, "recursion in the reference")
    }
  }

  // MARK: Values

  func value(_ expression: Expression, _ columns: [Column], _ row: Row) throws -> Scalar {
    let batch = Batch(zip(columns, row).map { Vector.of($0.type, [$1]) }, rowCount: 1)
    return try CompiledExpression(expression, input: columns).evaluate(batch, EvaluationContext()).scalar(at: 0)
  }

  private func isTrue(_ expression: Expression?, _ columns: [Column], _ row: Row) throws -> Bool {
    guard let expression else { return true }
    return try value(expression, columns, row) == .boolean(true)
  }

  private func number(_ expression: Expression?) throws -> Int? {
    guard let expression, case .integer(let value) = try value(expression, [], []) else { return nil }
    return Int(value)
  }

  static func compare(_ left: Scalar, _ right: Scalar) -> Int {
    switch (left, right) {
    case (.integer(let a), .integer(let b)): a < b ? -1 : a > b ? 1 : 0
    case (.double(let a), .double(let b)): a < b ? -1 : a > b ? 1 : 0
    case (.text(let a), .text(let b)):
      a == b ? 0 : a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
    case (.boolean(let a), .boolean(let b)): a == b ? 0 : a ? 1 : -1
    default: preconditionFailure("the tests do not order \(left) and \(right)")
    }
  }

  private func order(_ left: Row, _ right: Row, _ keys: [SortKey], _ columns: [Column]) throws -> Int {
    for key in keys {
      let (a, b) = (try value(key.expression, columns, left), try value(key.expression, columns, right))
      if a.isNull || b.isNull {
        if a.isNull && b.isNull { continue }
        return a.isNull == key.nullsFirst ? -1 : 1
      }
      let side = ReferenceEvaluator.compare(a, b)
      if side != 0 { return key.isDescending ? -side : side }
    }
    return 0
  }

  private func sorted(_ rows: [Row], _ keys: [SortKey], _ columns: [Column]) throws -> [Row] {
    try rows.enumerated().sorted { left, right in
      let side = try order(left.element, right.element, keys, columns)
      return side != 0 ? side < 0 : left.offset < right.offset
    }.map { $0.element }
  }

  private func cut(_ rows: [Row], _ count: Int?, _ offset: Int) -> [Row] {
    Array(rows.dropFirst(offset).prefix(count ?? rows.count))
  }

  // MARK: Operators

  private func scan(_ scan: TableScan, _ node: PhysicalNode) throws -> [Row] {
    var result: [Row] = []
    for batch in tables[Int(scan.table.handle)] {
      for row in 0..<batch.rowCount {
        func field(_ index: Int) -> Scalar { batch.columns[index].scalar(at: row) }
        let passes = scan.predicates.allSatisfy { predicate in
          let value = field(predicate.field)
          switch predicate.predicate {
          case .isNull: return value.isNull
          case .isNotNull: return !value.isNull
          case .isIn(let list): return !value.isNull && list.contains { ReferenceEvaluator.compare($0, value) == 0 }
          case .between(let low, let high):
            return !value.isNull && ReferenceEvaluator.compare(low, value) <= 0
              && ReferenceEvaluator.compare(value, high) <= 0
          case .compare(let comparison, let constant):
            if value.isNull { return false }
            let side = ReferenceEvaluator.compare(value, constant)
            switch comparison {
            case .equal: return side == 0
            case .notEqual: return side != 0
            case .less: return side < 0
            case .lessOrEqual: return side <= 0
            case .greater: return side > 0
            case .greaterOrEqual: return side >= 0
            }
          }
        }
        guard passes else { continue }
        let output = scan.sources.map { source -> Scalar in
          if case .field(let index) = source { return field(index) }
          return .null
        }
        if try isTrue(scan.filter, node.output, output) { result.append(output) }
      }
    }
    return result
  }

  private func set(_ operation: SetOperation, _ all: Bool, _ left: [Row], _ right: [Row]) -> [Row] {
    var counts: [Row: Int] = [:]
    for row in right { counts[row, default: 0] += 1 }
    var given: Set<Row> = []
    return left.filter { row in
      let isAnswered = counts[row, default: 0] > 0
      if all {
        if isAnswered { counts[row, default: 0] -= 1 }
        return isAnswered == (operation == .intersect)
      }
      return isAnswered == (operation == .intersect) && given.insert(row).inserted
    }
  }

  private func join(_ join: Join, _ node: PhysicalNode, _ left: [Row], _ right: [Row]) throws -> [Row] {
    let (leftColumns, rightColumns) = (node.inputs[0].output, node.inputs[1].output)
    let leftKeys = try left.map { row in try join.leftKeys.map { try value($0, leftColumns, row) } }
    let rightKeys = try right.map { row in try join.rightKeys.map { try value($0, rightColumns, row) } }
    var result: [Row] = []
    var rightMatched = [Bool](repeating: false, count: right.count)
    for (leftIndex, row) in left.enumerated() {
      var matches: [Int] = []
      var mayMatch = false
      for (rightIndex, other) in right.enumerated() {
        var outcome: Bool? = true
        for (key, pair) in zip(leftKeys[leftIndex], rightKeys[rightIndex]).enumerated() {
          if pair.0.isNull || pair.1.isNull {
            if !(join.nullsMatch[key] && pair.0.isNull && pair.1.isNull) {
              outcome = join.nullsMatch[key] ? false : outcome == false ? false : nil
            }
          } else if ReferenceEvaluator.compare(pair.0, pair.1) != 0 {
            outcome = false
          }
        }
        if outcome == false { continue }
        guard try isTrue(join.condition, leftColumns + rightColumns, row + other) else { continue }
        if outcome == true { matches.append(rightIndex) } else { mayMatch = true }
      }
      for match in matches { rightMatched[match] = true }
      let nulls = rightColumns.map { _ in Scalar.null }
      switch join.kind {
      case .inner, .right: result += matches.map { row + right[$0] }
      case .left, .full: result += matches.isEmpty ? [row + nulls] : matches.map { row + right[$0] }
      case .single:
        if matches.count > 1 { throw PulsehouseError(.user, "more than one row", sqlState: "21000") }
        result.append(row + (matches.first.map { right[$0] } ?? nulls))
      case .nearest(let isOuter):
        let match = try matches.first { try isNearest(join, leftColumns, row, rightColumns, right[$0]) }
        if let match { result.append(row + right[match]) } else if isOuter { result.append(row + nulls) }
      case .semi: if !matches.isEmpty { result.append(row) }
      case .anti: if matches.isEmpty { result.append(row) }
      case .antiNullAware: if matches.isEmpty && !mayMatch { result.append(row) }
      case .mark(_, let nullAware):
        result.append(row + [!matches.isEmpty ? .boolean(true) : nullAware && mayMatch ? .null : .boolean(false)])
      }
    }
    if join.kind == .right || join.kind == .full {
      for (index, row) in right.enumerated() where !rightMatched[index] {
        result.append(leftColumns.map { _ in .null } + row)
      }
    }
    return result
  }

  private func isNearest(
    _ join: Join, _ leftColumns: [Column], _ left: Row, _ rightColumns: [Column], _ right: Row
  ) throws -> Bool {
    guard let nearest = join.nearest else { return false }
    let test = Expression.compare(nearest.comparison, nearest.right, nearest.left)
    return try isTrue(test, rightColumns + leftColumns, right + left)
  }

  private func aggregate(_ aggregation: Aggregation, _ columns: [Column], _ rows: [Row]) throws -> [Row] {
    var result: [Row] = []
    let sets = aggregation.groupingSets ?? [Array(aggregation.keys.indices)]
    for set in sets {
      var order: [Row] = []
      var groups: [Row: [Row]] = [:]
      for row in rows {
        let key = try set.map { try value(aggregation.keys[$0], columns, row) }
        if groups[key] == nil { order.append(key) }
        groups[key, default: []].append(row)
      }
      if set.isEmpty && order.isEmpty { order = [[]] }
      for key in order {
        var output: Row = aggregation.keys.indices.map { index in
          set.firstIndex(of: index).map { key[$0] } ?? .null
        }
        for call in aggregation.aggregates {
          let members = try (groups[key] ?? []).filter { try isTrue(call.filter, columns, $0) }
          let sorted = try self.sorted(members, call.order, columns)
          let arguments = try sorted.map { row in try call.arguments.map { try value($0, columns, row) } }
          let ordered = try sorted.map { row in try call.order.map { try value($0.expression, columns, row) } }
          output.append(try fold(call.function, arguments, ordered, call.isDistinct, call.output.type))
        }
        if sets.count > 1 {
          let bits = aggregation.keys.indices.filter { !set.contains($0) }
            .reduce(0) { $0 | 1 << (aggregation.keys.count - 1 - $1) }
          output.append(.integer(Int64(bits)))
        }
        result.append(output)
      }
    }
    return result
  }

  private func fold(
    _ function: AggregateFunction, _ rows: [Row], _ ordered: [Row], _ distinct: Bool, _ type: LogicalType
  ) throws -> Scalar {
    if function == .countStar { return .integer(Int64(rows.count)) }
    if case .percentileDiscrete = function {
      let values = ordered.map { $0[0] }.filter { !$0.isNull }
      guard case .double(let fraction) = rows.first?.first ?? .null, !values.isEmpty else { return .null }
      return values[max(0, Int((fraction * Double(values.count)).rounded(.up)) - 1)]
    }
    var rows = rows.filter { !$0[0].isNull }
    if distinct {
      var seen: Set<Row> = []
      rows = rows.filter { seen.insert($0).inserted }
    }
    let values = rows.map { $0[0] }
    if function == .count { return .integer(Int64(values.count)) }
    guard let first = values.first else { return .null }
    switch function {
    case .min: return values.dropFirst().reduce(first) { ReferenceEvaluator.compare($1, $0) < 0 ? $1 : $0 }
    case .max: return values.dropFirst().reduce(first) { ReferenceEvaluator.compare($1, $0) > 0 ? $1 : $0 }
    case .anyValue: return first
    case .sum, .avg:
      var whole: Int128 = 0
      var float = 0.0
      for value in values {
        if case .integer(let number) = value { whole += Int128(number) }
        if case .double(let number) = value { float += number }
      }
      if case .double = first { return .double(function == .sum ? float : float / Double(values.count)) }
      if function == .sum {
        return type.isNumeric ? .numeric(Numeric(mantissa: whole, scale: 0)) : .integer(Int64(whole))
      }
      throw PulsehouseError(.unsupported, "averages of integers in the reference")
    case .stringAggregate:
      var text = ""
      for (index, row) in rows.enumerated() {
        if index > 0, case .text(let delimiter) = row[1] { text += delimiter }
        if case .text(let part) = row[0] { text += part }
      }
      return .text(text)
    default: throw PulsehouseError(.unsupported, "\(function) in the reference")
    }
  }

  private func window(_ windowing: Windowing, _ columns: [Column], _ rows: [Row]) throws -> [Row] {
    let partitionKeys = windowing.partition.map { SortKey($0) }
    let all = try sorted(rows, partitionKeys + windowing.order, columns)
    var result: [Row] = []
    var start = 0
    while start < all.count {
      var end = start + 1
      while end < all.count, try order(all[start], all[end], partitionKeys, columns) == 0 { end += 1 }
      let part = Array(all[start..<end])
      for row in part.indices {
        result.append(part[row] + (try windowing.calls.map { try windowValue($0, windowing, columns, part, row) }))
      }
      start = end
    }
    return result
  }

  private func windowValue(
    _ call: WindowCall, _ windowing: Windowing, _ columns: [Column], _ part: [Row], _ row: Int
  ) throws -> Scalar {
    func isPeer(_ other: Int) throws -> Bool { try order(part[row], part[other], windowing.order, columns) == 0 }
    let firstPeer = try part.indices.first { try isPeer($0) } ?? row
    let lastPeer = try part.indices.last { try isPeer($0) } ?? row
    func argument(_ index: Int, _ at: Int) throws -> Scalar { try value(call.arguments[index], columns, part[at]) }
    func integer(_ index: Int, _ fallback: Int) throws -> Int? {
      guard index < call.arguments.count else { return fallback }
      guard case .integer(let number) = try argument(index, row) else { return nil }
      return Int(number)
    }
    let frame = try self.frame(call.frame, windowing, columns, part, row, firstPeer...lastPeer)
    switch call.function {
    case .rowNumber: return int(row + 1)
    case .rank: return int(firstPeer + 1)
    case .denseRank:
      var rank = 1
      for other in 1..<max(1, row + 1) where try order(part[other - 1], part[other], windowing.order, columns) != 0 {
        rank += 1
      }
      return int(rank)
    case .percentRank: return .double(part.count == 1 ? 0 : Double(firstPeer) / Double(part.count - 1))
    case .cumulativeDistribution: return .double(Double(lastPeer + 1) / Double(part.count))
    case .ntile:
      guard case .integer(let buckets) = try argument(0, 0) else { return .null }
      var sizes = [Int](repeating: part.count / Int(buckets), count: Int(buckets))
      for extra in 0..<(part.count % Int(buckets)) { sizes[extra] += 1 }
      var left = row
      for (bucket, size) in sizes.enumerated() {
        if left < size { return int(bucket + 1) }
        left -= size
      }
      return .null
    case .lag, .lead:
      guard let offset = try integer(1, 1) else { return .null }
      let place = call.function == .lag ? row - offset : row + offset
      if part.indices.contains(place) { return try argument(0, place) }
      return call.arguments.count > 2 ? try argument(2, row) : .null
    case .firstValue: return try frame.first.map { try argument(0, $0) } ?? .null
    case .lastValue: return try frame.last.map { try argument(0, $0) } ?? .null
    case .nthValue:
      guard let place = try integer(1, 1), place <= frame.count else { return .null }
      return try argument(0, frame[place - 1])
    case .aggregate(let function):
      let rows = try frame.filter { try isTrue(call.filter, columns, part[$0]) }
      let arguments = try rows.map { at in try call.arguments.indices.map { try argument($0, at) } }
      return try fold(function, arguments, [], false, call.output.type)
    }
  }

  private func frame(
    _ frame: WindowFrame, _ windowing: Windowing, _ columns: [Column], _ part: [Row], _ row: Int,
    _ peers: ClosedRange<Int>
  ) throws -> [Int] {
    func isInside(_ other: Int, _ bound: FrameBound, isEnd: Bool) throws -> Bool {
      let distance: Int
      switch bound {
      case .unboundedPreceding: return !isEnd || false
      case .unboundedFollowing: return isEnd
      case .currentRow: distance = 0
      case .preceding(let expression): distance = -(try number(expression) ?? 0)
      case .following(let expression): distance = try number(expression) ?? 0
      }
      let position: Int
      switch frame.unit {
      case .rows: position = other - row
      case .groups:
        var steps = 0
        for next in min(row, other)..<max(row, other)
        where try order(part[next], part[next + 1], windowing.order, columns) != 0 { steps += 1 }
        position = other < row ? -steps : steps
      case .range:
        if case .currentRow = bound { return isEnd ? other <= peers.upperBound : other >= peers.lowerBound }
        let key = windowing.order[0]
        let (mine, theirs) = (
          try value(key.expression, columns, part[row]), try value(key.expression, columns, part[other])
        )
        guard case .integer(let a) = mine, case .integer(let b) = theirs else {
          // NULLs are each other's peers, and lie outside every other frame.
          return isEnd
            ? other <= peers.upperBound || (mine.isNull == false && theirs.isNull && key.nullsFirst)
            : other >= peers.lowerBound || (mine.isNull == false && theirs.isNull && !key.nullsFirst)
        }
        position = Int(key.isDescending ? a - b : b - a)
      }
      return isEnd ? position <= distance : position >= distance
    }
    return try part.indices.filter { other in
      guard try isInside(other, frame.start, isEnd: false), try isInside(other, frame.end, isEnd: true) else {
        return false
      }
      switch frame.exclusion {
      case .none: return true
      case .currentRow: return other != row
      case .group: return !peers.contains(other)
      case .ties: return other == row || !peers.contains(other)
      }
    }
  }
}
