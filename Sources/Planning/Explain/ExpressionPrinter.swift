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

  /// A scan's own condition, with the names and types of the table's fields.
  static func predicate(_ predicate: FieldPredicate, _ fields: Schema) -> String {
    let isKnown = predicate.field < fields.count
    let field = isKnown ? fields[predicate.field].name : "#\(predicate.field)"
    func scalar(_ value: Scalar) -> String { self.scalar(value, isKnown ? fields[predicate.field].type : nil) }
    switch predicate.predicate {
    case .compare(let op, let value): return "\(field) \(op.symbol) \(scalar(value))"
    case .between(let low, let high): return "\(field) BETWEEN \(scalar(low)) AND \(scalar(high))"
    case .isIn(let values): return "\(field) IN (\(values.map(scalar).joined(separator: ", ")))"
    case .isNull: return "\(field) IS NULL"
    case .isNotNull: return "\(field) IS NOT NULL"
    }
  }

  static func list(_ expressions: [Expression]) -> String {
    expressions.map { "\($0)" }.joined(separator: ", ")
  }

  private static func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }

  /// A date of the Gregorian calendar, from days since 1970-01-01.
  private static func day(_ days: Int64) -> String {
    if days <= Int64(Int32.min) { return "-infinity" }
    if days >= Int64(Int32.max) { return "infinity" }
    // Eras of 400 years that begin on 1 March, as in Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * month + 2) / 5 + 1
    let calendarMonth = month < 10 ? month + 3 : month - 9
    let year = yearOfEra + era * 400 + (calendarMonth <= 2 ? 1 : 0)
    return "\(padded(year, 4))-\(padded(calendarMonth, 2))-\(padded(day, 2))"
  }

  /// A time of day, from microseconds.
  private static func clock(_ microseconds: Int64) -> String {
    let seconds = microseconds / 1_000_000
    let fraction = microseconds % 1_000_000
    let time = "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
    return fraction == 0 ? time : "\(time).\(padded(fraction, 6))"
  }

  private static func moment(_ microseconds: Int64) -> String {
    if microseconds == .min { return "-infinity" }
    if microseconds == .max { return "infinity" }
    let perDay: Int64 = 86_400_000_000
    var (days, rest) = microseconds.quotientAndRemainder(dividingBy: perDay)
    if rest < 0 { (days, rest) = (days - 1, rest + perDay) }
    return "\(day(days)) \(clock(rest))"
  }

  static func scalar(_ value: Scalar, _ type: LogicalType? = nil) -> String {
    switch value {
    case .null: return "NULL"
    case .boolean(let value): return value ? "true" : "false"
    case .integer(let value):
      switch type {
      case .enumeration(let labels): return "'\(labels.label(at: Int32(clamping: value)) ?? String(value))'"
      case .date: return "'\(day(value))'"
      case .time: return "'\(clock(value))'"
      case .timestamp, .timestamptz: return "'\(moment(value))'"
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
