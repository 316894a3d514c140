import Vectors

/// Writes bound expressions as SQL-like text, for EXPLAIN. Columns by their names alone.
enum ExpressionPrinter {
  static func keys(_ keys: [SortKey]) -> String {
    keys.map { key in
      var text = "\(key.expression)"
      if key.isDescending { text += " DESC" }
      if key.nullsFirst != key.isDescending { text += key.nullsFirst ? " NULLS FIRST" : " NULLS LAST" }
      return text
    }.joined(separator: ", ")
  }

  static func call(_ call: AggregateCall) -> String {
    if call.function == .countStar { return "count(*)" + filter(call.filter) }
    var text = "\(call.function.rawValue)(\(call.isDistinct ? "DISTINCT " : "")\(list(call.arguments))"
    switch call.function {
    case .percentileContinuous, .percentileDiscrete, .mode: text += ") WITHIN GROUP (ORDER BY \(keys(call.order)))"
    default: text += call.order.isEmpty ? ")" : " ORDER BY \(keys(call.order)))"
    }
    return text + filter(call.filter)
  }

  static func call(_ call: WindowCall) -> String {
    let name: String
    switch call.function {
    case .rowNumber: name = "row_number"
    case .rank: name = "rank"
    case .denseRank: name = "dense_rank"
    case .percentRank: name = "percent_rank"
    case .cumulativeDistribution: name = "cume_dist"
    case .ntile: name = "ntile"
    case .lag: name = "lag"
    case .lead: name = "lead"
    case .firstValue: name = "first_value"
    case .lastValue: name = "last_value"
    case .nthValue: name = "nth_value"
    case .aggregate(.countStar): return "count(*)" + filter(call.filter) + frame(call.frame)
    case .aggregate(let function): name = function.rawValue
    }
    return "\(name)(\(list(call.arguments)))" + filter(call.filter) + frame(call.frame)
  }

  private static func filter(_ filter: Expression?) -> String { filter.map { " FILTER (WHERE \($0))" } ?? "" }

  private static func frame(_ frame: WindowFrame) -> String {
    if frame == WindowFrame() { return "" }
    func bound(_ bound: FrameBound) -> String {
      switch bound {
      case .unboundedPreceding: "UNBOUNDED PRECEDING"
      case .preceding(let value): "\(value) PRECEDING"
      case .currentRow: "CURRENT ROW"
      case .following(let value): "\(value) FOLLOWING"
      case .unboundedFollowing: "UNBOUNDED FOLLOWING"
      }
    }
    let unit =
      switch frame.unit {
      case .rows: "ROWS"
      case .range: "RANGE"
      case .groups: "GROUPS"
      }
    let exclusion =
      switch frame.exclusion {
      case .none: ""
      case .currentRow: " EXCLUDE CURRENT ROW"
      case .group: " EXCLUDE GROUP"
      case .ties: " EXCLUDE TIES"
      }
    return " \(unit) BETWEEN \(bound(frame.start)) AND \(bound(frame.end))\(exclusion)"
  }

  static func predicate(_ predicate: FieldPredicate) -> String {
    let field = "#\(predicate.field)"
    switch predicate.predicate {
    case .compare(let op, let value): return "\(field) \(op.symbol) \(scalar(value))"
    case .between(let low, let high): return "\(field) BETWEEN \(scalar(low)) AND \(scalar(high))"
    case .isIn(let values): return "\(field) IN (\(values.map { scalar($0) }.joined(separator: ", ")))"
    case .isNull: return "\(field) IS NULL"
    case .isNotNull: return "\(field) IS NOT NULL"
    }
  }

  static func list(_ expressions: [Expression]) -> String {
    expressions.map { "\($0)" }.joined(separator: ", ")
  }

  static func scalar(_ value: Scalar, _ type: LogicalType? = nil) -> String {
    switch value {
    case .null: return "NULL"
    case .boolean(let value): return value ? "true" : "false"
    case .integer(let value):
      switch type {
      case .date: return "date \(value)"
      case .time, .timestamp, .timestamptz: return "\(type == .time ? "time" : "timestamp") \(value)"
      default: return String(value)
      }
    case .real(let value): return "\(value)"
    case .double(let value): return "\(value)"
    case .numeric(let value): return "\(value)"
    case .text(let text):
      return "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'"
    case .bytes(let bytes): return "bytea of \(bytes.count) bytes"
    case .interval(let value): return "interval \(value.months)mon \(value.days)d \(value.microseconds)us"
    case .uuid(let value): return "uuid \(String(value.high, radix: 16))-\(String(value.low, radix: 16))"
    }
  }
}

extension Expression: CustomStringConvertible {
  package var description: String {
    switch self {
    case .column(let column): return column.name.isEmpty ? "?" : column.name
    case .constant(let value, let type): return ExpressionPrinter.scalar(value, type)
    case .parameter(let index, _): return "$\(index)"
    case .subquery(let index, _): return "(subquery #\(index))"
    case .compare(let op, let left, let right): return "\(left.operand) \(op.symbol) \(right.operand)"
    case .isDistinct(let left, let right): return "\(left.operand) IS DISTINCT FROM \(right.operand)"
    case .and(let operands): return operands.map(\.operand).joined(separator: " AND ")
    case .or(let operands): return operands.map(\.operand).joined(separator: " OR ")
    case .not(.isNull(let operand)): return "\(operand.operand) IS NOT NULL"
    case .not(.isDistinct(let left, let right)): return "\(left.operand) IS NOT DISTINCT FROM \(right.operand)"
    case .not(let operand): return "NOT \(operand.operand)"
    case .isNull(let operand): return "\(operand.operand) IS NULL"
    case .cast(let operand, let type): return "\(operand.operand)::\(type.name)"
    case .branch(let branches, let otherwise, _):
      var text = "CASE"
      for branch in branches { text += " WHEN \(branch.condition) THEN \(branch.result)" }
      if let otherwise { text += " ELSE \(otherwise)" }
      return text + " END"
    case .coalesce(let operands, _): return "coalesce(\(ExpressionPrinter.list(operands)))"
    case .isIn(let value, let list): return "\(value.operand) IN (\(ExpressionPrinter.list(list)))"
    case .call(let function, let operands, _):
      switch function {
      case .add, .subtract, .multiply, .divide, .modulo, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight,
        .concatenate, .like, .ilike, .regexMatch, .regexMatchInsensitive:
        if operands.count == 2 { return "\(operands[0].operand) \(function.rawValue) \(operands[1].operand)" }
      case .negate: return "-\(operands[0].operand)"
      default: break
      }
      return "\(function.rawValue)(\(ExpressionPrinter.list(operands)))"
    }
  }

  /// The text as an operand of something else.
  private var operand: String {
    switch self {
    case .column, .constant, .parameter, .subquery, .coalesce, .branch: return description
    case .cast: return description
    case .call(let function, _, _):
      switch function {
      case .add, .subtract, .multiply, .divide, .modulo, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight,
        .concatenate, .like, .ilike, .regexMatch, .regexMatchInsensitive, .negate:
        return "(\(self))"
      default: return description
      }
    default: return "(\(self))"
    }
  }
}
