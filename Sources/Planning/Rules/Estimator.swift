import Glibc
import Vectors

/// Guesses how many rows each part of a plan gives, from the statistics of tables.
final class Estimator {
  struct ColumnFacts {
    var distinctCount: Double?
    var minimum: Scalar?
    var maximum: Scalar?
    var nullFraction: Double = 0
  }

  private var facts: [Int: ColumnFacts] = [:]
  private var sharedRows: [Int: Double] = [:]

  func facts(_ column: Column) -> ColumnFacts? { facts[column.id] }

  func learn(_ column: Column, _ fact: ColumnFacts) { facts[column.id] = fact }

  // MARK: Rows

  func rows(_ plan: LogicalPlan) -> Double {
    switch plan {
    case .scan(let scan): return rows(scan)
    case .values(let rows, _): return Double(rows.count)
    case .series(let arguments, let column): return seriesRows(arguments, column)
    case .filter(let conjuncts, let input):
      let rows = rows(input)
      return max(1, rows * selectivity(conjuncts))
    case .project(let projections, let input):
      let rows = rows(input)
      for projection in projections { learn(projection, rows) }
      return rows
    case .aggregate(let aggregate, let input):
      let inputRows = rows(input)
      for key in aggregate.keys { learn(key, inputRows) }
      let groups = groupCount(aggregate.keys.map(\.expression), inputRows)
      return groups * Double(max(1, aggregate.groupingSets?.count ?? 1))
    case .join(let join, let left, let right): return joinRows(join, left, right)
    case .sort(_, let input): return rows(input)
    case .window(let window, let input):
      let rows = rows(input)
      // A rank is as often 1 as there are partitions.
      let groups = window.partition.isEmpty ? 1 : groupCount(window.partition, rows)
      for call in window.calls where call.arguments.isEmpty {
        facts[call.output.id] = ColumnFacts(distinctCount: max(1, rows / groups))
      }
      return rows
    case .limit(let count, _, _, let input):
      let rows = rows(input)
      if case .integer(let limit)? = count?.scalar { return min(rows, Double(limit)) }
      return rows
    case .concatenate(let inputs, let columns):
      let counts = inputs.map { rows($0) }
      for (index, column) in columns.enumerated() { learnUnion(column, inputs.map { $0.output[index] }) }
      return counts.reduce(0, +)
    case .setOperation(_, _, let left, let right, let columns):
      let (a, b) = (rows(left), rows(right))
      for (column, source) in zip(columns, left.output) { facts[column.id] = facts[source.id] }
      return max(1, min(a, b) / 2)
    case .distinctOn(let keys, let input): return groupCount(keys, rows(input))
    case .expand(_, let input): return rows(input) * 10
    case .recursion(let recursion, _): return rows(recursion.base) * 10
    case .working: return 100
    case .shared(let shared, let columns):
      let count: Double
      if let known = sharedRows[shared.id] {
        count = known
      } else {
        count = rows(shared.plan)
        sharedRows[shared.id] = count
      }
      for (column, source) in zip(columns, shared.plan.output) { facts[column.id] = facts[source.id] }
      return count
    }
  }

  private func rows(_ scan: LogicalScan) -> Double {
    let total = Double(scan.table.rowCount)
    for (column, source) in zip(scan.columns, scan.sources) {
      guard case .field(let index) = source, facts[column.id] == nil else { continue }
      facts[column.id] = fieldFacts(scan.table, index)
    }
    var kept = 1.0
    for predicate in scan.predicates {
      kept *= selectivity(predicate.predicate, fieldFacts(scan.table, predicate.field))
    }
    kept *= selectivity(scan.filter)
    return max(min(1, total), total * kept)
  }

  private func fieldFacts(_ table: TableDescription, _ index: Int) -> ColumnFacts {
    guard index < table.statistics.count else { return ColumnFacts() }
    let statistics = table.statistics[index]
    var fact = ColumnFacts(
      distinctCount: statistics.distinctCount, minimum: statistics.minimum, maximum: statistics.maximum)
    if let nulls = statistics.nullCount, table.rowCount > 0 {
      fact.nullFraction = Double(nulls) / Double(table.rowCount)
    }
    if fact.distinctCount == nil, let low = fact.minimum?.ordinal, let high = fact.maximum?.ordinal {
      fact.distinctCount = min(Double(table.rowCount), high - low + 1)
    }
    return fact
  }

  private func seriesRows(_ arguments: [Expression], _ column: Column) -> Double {
    if case .integer(let start)? = arguments[0].scalar, case .integer(let stop)? = arguments[1].scalar,
      column.type.isInteger
    {
      var step = 1.0
      if arguments.count > 2, case .integer(let value)? = arguments[2].scalar, value != 0 { step = abs(Double(value)) }
      facts[column.id] = ColumnFacts(minimum: .integer(min(start, stop)), maximum: .integer(max(start, stop)))
      return max(0, floor(abs(Double(stop) - Double(start)) / step) + 1)
    }
    return 1000
  }

  private func joinRows(_ join: LogicalJoin, _ left: LogicalPlan, _ right: LogicalPlan) -> Double {
    let (a, b) = (rows(left), rows(right))
    switch join.kind {
    case .inner: return max(1, a * b * joinSelectivity(join.conditions, a, b))
    case .left: return max(a, a * b * joinSelectivity(join.conditions, a, b))
    case .right: return max(b, a * b * joinSelectivity(join.conditions, a, b))
    case .full: return max(a + b, a * b * joinSelectivity(join.conditions, a, b))
    case .semi: return max(1, a / 2)
    case .anti, .antiNullAware: return max(1, a / 2)
    case .mark, .single, .nearest: return a
    }
  }

  /// The share of all pairs that an inner join's conditions keep.
  func joinSelectivity(_ conditions: [Expression], _ left: Double, _ right: Double) -> Double {
    var result = 1.0
    for condition in conditions {
      if let (a, b, _) = condition.equality, a.scalar == nil, b.scalar == nil {
        let distinct = max(distinctCount(a) ?? 0, distinctCount(b) ?? 0)
        // Without statistics: a key of the smaller side.
        result *= 1 / max(1, distinct > 0 ? distinct : max(1, min(left, right)))
      } else {
        result *= selectivity(condition)
      }
    }
    return result
  }

  // MARK: Distinct values

  func distinctCount(_ expression: Expression) -> Double? {
    switch expression {
    case .column(let column): return facts[column.id]?.distinctCount
    case .constant: return 1
    case .cast(let operand, let type):
      if type == .date, let range = bounds(expression) {
        return Double(range.upperBound) - Double(range.lowerBound) + 1
      }
      return distinctCount(operand)
    case .call(.extract, let operands, _), .call(.datePart, let operands, _):
      guard case .text(let field)? = operands.first?.scalar else { return nil }
      switch field.lowercased() {
      case "hour": return 24
      case "minute", "second": return 60
      case "dow", "isodow": return 7
      case "month": return 12
      case "day": return 31
      case "week": return 53
      case "quarter": return 4
      default: return nil
      }
    case .branch(let branches, _, _): return Double(branches.count + 1)
    default:
      var product = 1.0
      for child in expression.children {
        guard let count = distinctCount(child) else { return nil }
        product *= count
      }
      return product
    }
  }

  func groupCount(_ keys: [Expression], _ rows: Double) -> Double {
    if keys.isEmpty { return 1 }
    var product = 1.0
    for key in keys { product *= distinctCount(key) ?? max(1, pow(rows, 0.5)) }
    return max(1, min(product, rows))
  }

  private func learn(_ projection: Projection, _ rows: Double) {
    if case .column(let source) = projection.expression {
      if source.id != projection.column.id { facts[projection.column.id] = facts[source.id] }
      return
    }
    var fact = ColumnFacts(distinctCount: distinctCount(projection.expression).map { min($0, max(1, rows)) })
    if let range = bounds(projection.expression) {
      fact.minimum = .integer(range.lowerBound)
      fact.maximum = .integer(range.upperBound)
    }
    facts[projection.column.id] = fact
  }

  private func learnUnion(_ column: Column, _ sources: [Column]) {
    let known = sources.compactMap { facts[$0.id] }
    guard known.count == sources.count, !known.isEmpty else { return }
    var fact = ColumnFacts()
    let counts = known.compactMap(\.distinctCount)
    if counts.count == known.count { fact.distinctCount = counts.max() }
    let ranges = sources.compactMap { bounds(.column($0)) }
    if ranges.count == known.count, let low = ranges.map(\.lowerBound).min(), let high = ranges.map(\.upperBound).max()
    {
      fact.minimum = .integer(low)
      fact.maximum = .integer(high)
    }
    facts[column.id] = fact
  }

  // MARK: Bounds

  private static let microsecondsPerDay: Int64 = 86_400_000_000

  /// Bounds of an integer, date or timestamp expression's values that are not NULL; never too narrow.
  func bounds(_ expression: Expression) -> ClosedRange<Int64>? {
    switch expression {
    case .column(let column):
      guard let fact = facts[column.id], case .integer(let low)? = fact.minimum,
        case .integer(let high)? = fact.maximum,
        low <= high
      else { return nil }
      return low...high
    case .constant(.integer(let value), _): return value...value
    case .constant(.boolean, _): return 0...1
    case .cast(let operand, let type):
      let from = operand.type
      if type.isInteger {
        if from.isInteger { return bounds(operand) }
        return extractBounds(operand)
      }
      guard let range = bounds(operand) else { return nil }
      switch (from, type) {
      case (.timestamp, .date), (.timestamptz, .date):
        guard !Estimator.isInfinite(range) else { return nil }
        return floorDivide(range.lowerBound)...floorDivide(range.upperBound)
      case (.date, .timestamp), (.date, .timestamptz):
        let (low, a) = range.lowerBound.multipliedReportingOverflow(by: Estimator.microsecondsPerDay)
        let (high, b) = range.upperBound.multipliedReportingOverflow(by: Estimator.microsecondsPerDay)
        return a || b ? nil : low...high
      case (.timestamp, .timestamptz), (.timestamptz, .timestamp): return range
      default: return nil
      }
    case .call(.timezone, let operands, _):
      guard case .text(let zone)? = operands.last?.scalar, ["utc", "gmt", "z"].contains(zone.lowercased()) else {
        return nil
      }
      return bounds(operands[0])
    case .coalesce(let operands, _):
      let all = operands.compactMap(bounds)
      guard all.count == operands.count, let low = all.map(\.lowerBound).min(), let high = all.map(\.upperBound).max()
      else { return nil }
      return low...high
    default: return nil
    }
  }

  private static func isInfinite(_ range: ClosedRange<Int64>) -> Bool {
    range.lowerBound == .min || range.upperBound == .max
  }

  private func floorDivide(_ value: Int64) -> Int64 {
    let quotient = value / Estimator.microsecondsPerDay
    return value % Estimator.microsecondsPerDay < 0 ? quotient - 1 : quotient
  }

  private func extractBounds(_ expression: Expression) -> ClosedRange<Int64>? {
    guard case .call(let function, let operands, _) = expression, function == .extract || function == .datePart,
      operands.count == 2, operands[1].type != .interval, case .text(let field)? = operands.first?.scalar
    else { return nil }
    switch field.lowercased() {
    case "hour": return 0...23
    case "minute": return 0...59
    case "second": return 0...60
    case "dow": return 0...6
    case "isodow": return 1...7
    case "month": return 1...12
    case "day": return 1...31
    case "doy": return 1...366
    case "week": return 1...53
    case "quarter": return 1...4
    default: return nil
    }
  }

  // MARK: Selectivity

  func selectivity(_ conjuncts: [Expression]) -> Double { conjuncts.reduce(1) { $0 * selectivity($1) } }

  func selectivity(_ expression: Expression) -> Double {
    switch expression {
    case .constant(.boolean(true), _): return 1
    case .constant: return 0
    case .and(let operands): return operands.reduce(1) { $0 * selectivity($1) }
    case .or(let operands): return 1 - operands.reduce(1) { $0 * (1 - selectivity($1)) }
    case .not(let operand): return max(0.01, 1 - selectivity(operand))
    case .isNull(.column(let column)): return max(0.0001, facts[column.id]?.nullFraction ?? 0.05)
    case .isNull: return 0.05
    case .compare(let op, let left, let right):
      if let value = right.scalar { return comparison(op, left, value) }
      if let value = left.scalar { return comparison(op.flipped, right, value) }
      if op == .equal { return 1 / max(1, max(distinctCount(left) ?? 10, distinctCount(right) ?? 10)) }
      return op == .notEqual ? 0.9 : 0.33
    case .isIn(let value, let list):
      return min(1, Double(list.count) / max(1, distinctCount(value) ?? 50))
    case .call(.like, _, _), .call(.ilike, _, _), .call(.regexMatch, _, _): return 0.1
    default: return 0.33
    }
  }

  private func comparison(_ op: ComparisonOperator, _ expression: Expression, _ value: Scalar) -> Double {
    var fact = ColumnFacts(distinctCount: distinctCount(expression))
    if case .column(let column) = expression, let known = facts[column.id] { fact = known }
    return selectivity(.compare(op, value), fact)
  }

  func selectivity(_ predicate: ColumnPredicate, _ fact: ColumnFacts) -> Double {
    func position(_ value: Scalar) -> Double? {
      guard let low = fact.minimum?.ordinal, let high = fact.maximum?.ordinal, let at = value.ordinal else {
        return nil
      }
      if high <= low { return at < low ? 0 : 1 }
      return min(1, max(0, (at - low) / (high - low)))
    }
    switch predicate {
    case .compare(let op, let value):
      switch op {
      case .equal:
        if let low = fact.minimum?.ordinal, let high = fact.maximum?.ordinal, let at = value.ordinal,
          at < low || at > high
        {
          return 0.000_001
        }
        return 1 / max(1, fact.distinctCount ?? 50)
      case .notEqual: return 1 - 1 / max(2, fact.distinctCount ?? 50)
      case .less, .lessOrEqual: return position(value).map { max($0, 0.000_1) } ?? 0.33
      case .greater, .greaterOrEqual: return position(value).map { max(1 - $0, 0.000_1) } ?? 0.33
      }
    case .between(let low, let high):
      guard let a = position(low), let b = position(high) else { return 0.1 }
      return max(b - a, 1 / max(1, fact.distinctCount ?? 10_000))
    case .isIn(let list): return min(1, Double(list.count) / max(1, fact.distinctCount ?? 50))
    case .isNull: return max(0.000_1, fact.nullFraction)
    case .isNotNull: return 1 - fact.nullFraction
    }
  }
}

extension Scalar {
  /// A number that orders as the value does, for interpolation; nil where there is none.
  var ordinal: Double? {
    switch self {
    case .boolean(let value): value ? 1 : 0
    case .integer(let value): Double(value)
    case .real(let value): value.isFinite ? Double(value) : nil
    case .double(let value): value.isFinite ? value : nil
    case .numeric(let value): value.special == 0 ? Double(value.mantissa) / pow(10, Double(value.scale)) : nil
    default: nil
    }
  }
}
