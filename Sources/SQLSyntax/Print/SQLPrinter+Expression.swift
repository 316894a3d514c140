extension SQLPrinter {
  /// Writes an operand: in parentheses unless it is a name, a constant, a call or something else that holds together.
  mutating func operand(_ value: Expression) {
    switch value.node {
    case .column, .parameter, .call(FunctionCall.plain), .coalesce, .nullIf, .greatest, .least, .cast, .currentValue,
      .scalarSubquery, .grouping, .exists, .array, .arraySubquery, .conditional, .row(_, isExplicit: true):
      expression(value)
    case .literal(let literal) where !literal.isNegative: expression(value)
    default:
      put("(")
      expression(value)
      put(")")
    }
  }

  mutating func expression(_ value: Expression) {
    switch value.node {
    case .column(let names): path(names)
    case .star(let names): put(names.map { SQLPrinter.quoted($0) + "." }.joined() + "*")
    case .parameter(let number): put("$\(number)")
    case .literal(let literal): self.literal(literal)
    case .cast(let value, let type):
      put("CAST(")
      expression(value)
      put(" AS ")
      self.type(type)
      put(")")
    case .collate(let value, let names):
      operand(value)
      put(" COLLATE ")
      path(names)
    case .row(let fields, let isExplicit):
      put(isExplicit ? "ROW(" : "(")
      expressions(fields)
      put(")")
    case .array(let elements): wrapped("ARRAY[", elements, "]")
    case .subscripted(let base, let subscripts): subscripted(base, subscripts)
    case .field(let base, let name):
      enclosed(base)
      put("." + SQLPrinter.quoted(name))
    case .allFields(let base):
      enclosed(base)
      put(".*")
    case .and, .or, .not, .unary, .binary, .isNull, .isTruth, .isDistinct, .between, .pattern, .inList,
      .quantifiedArray:
      operation(value)
    case .scalarSubquery, .exists, .inSubquery, .quantifiedSubquery, .arraySubquery: subquery(value)
    case .conditional(let conditional): self.conditional(conditional)
    case .coalesce(let values): wrapped("COALESCE(", values, ")")
    case .nullIf(let left, let right): wrapped("NULLIF(", [left, right], ")")
    case .greatest(let values): wrapped("GREATEST(", values, ")")
    case .least(let values): wrapped("LEAST(", values, ")")
    case .grouping(let values): wrapped("GROUPING(", values, ")")
    case .call(let call): self.call(call)
    case .currentValue(let current):
      put(current.kind.rawValue.uppercased() + (current.precision.map { "(\($0))" } ?? ""))
    case .defaultValue: put("DEFAULT")
    }
  }

  private mutating func wrapped(_ open: String, _ values: [Expression], _ close: String) {
    put(open)
    expressions(values)
    put(close)
  }

  private mutating func enclosed(_ value: Expression) { wrapped("(", [value], ")") }

  private mutating func literal(_ literal: Literal) {
    switch literal {
    case .null: put("NULL")
    case .boolean(let value): put(value ? "true" : "false")
    case .integer(let value): put(String(value))
    case .numeric(let digits): put(digits)
    case .string(let text): put(SQLPrinter.constant(text))
    case .bits(let digits): put("B'\(digits)'")
    case .hexadecimal(let digits): put("X'\(digits)'")
    }
  }

  private mutating func subscripted(_ base: Expression, _ subscripts: [ArraySubscript]) {
    enclosed(base)
    self.subscripts(subscripts)
  }

  mutating func subscripts(_ subscripts: [ArraySubscript]) {
    for item in subscripts {
      put("[")
      switch item {
      case .index(let index): expression(index)
      case .slice(let lower, let upper):
        if let lower { operand(lower) }
        put(" : ")
        if let upper { operand(upper) }
      }
      put("]")
    }
  }

  private mutating func joined(_ values: [Expression], by word: String) {
    for (index, value) in values.enumerated() {
      if index > 0 { put(word) }
      operand(value)
    }
  }

  private func words(_ name: OperatorName) -> String {
    name.schema.map { "OPERATOR(" + SQLPrinter.quoted($0) + "." + name.symbol + ")" } ?? name.symbol
  }

  private mutating func operation(_ value: Expression) {
    switch value.node {
    case .and(let operands): joined(operands, by: " AND ")
    case .or(let operands): joined(operands, by: " OR ")
    case .not(let inner):
      put("NOT ")
      operand(inner)
    case .unary(let name, let inner):
      put(words(name) + " ")
      operand(inner)
    case .binary(let name, let left, let right): joined([left, right], by: " " + words(name) + " ")
    case .isNull(let inner, let isNegated):
      operand(inner)
      put(isNegated ? " IS NOT NULL" : " IS NULL")
    case .isTruth(let inner, let truth, let isNegated):
      operand(inner)
      put((isNegated ? " IS NOT " : " IS ") + truth.rawValue.uppercased())
    case .isDistinct(let left, let right, let isNegated):
      joined([left, right], by: isNegated ? " IS NOT DISTINCT FROM " : " IS DISTINCT FROM ")
    case .between(let between):
      operand(between.value)
      put((between.isNegated ? " NOT" : "") + " BETWEEN " + (between.isSymmetric ? "SYMMETRIC " : ""))
      joined([between.low, between.high], by: " AND ")
    case .pattern(let match): pattern(match)
    case .inList(let inner, let list, let isNegated):
      operand(inner)
      wrapped(isNegated ? " NOT IN (" : " IN (", list, ")")
    case .quantifiedArray(let left, let name, let quantifier, let right):
      operand(left)
      wrapped(" " + words(name) + " " + quantifier.rawValue.uppercased() + " (", [right], ")")
    default: break
    }
  }

  private mutating func pattern(_ match: PatternMatch) {
    operand(match.value)
    put(match.isNegated ? " NOT" : "")
    switch match.kind {
    case .like: put(" LIKE ")
    case .ilike: put(" ILIKE ")
    case .similar: put(" SIMILAR TO ")
    }
    operand(match.pattern)
    if let escape = match.escape {
      put(" ESCAPE ")
      operand(escape)
    }
  }

  private mutating func subquery(_ value: Expression) {
    switch value.node {
    case .exists: put("EXISTS ")
    case .inSubquery(let left, _):
      operand(left)
      put(" IN ")
    case .quantifiedSubquery(let left, let name, let quantifier, _):
      operand(left)
      put(" " + words(name) + " " + quantifier.rawValue.uppercased() + " ")
    case .arraySubquery: put("ARRAY")
    default: break
    }
    guard let inner = value.subquery else { return }
    put("(")
    query(inner)
    put(")")
  }

  private mutating func conditional(_ value: CaseExpression) {
    put("CASE")
    if let operand = value.operand {
      put(" ")
      self.operand(operand)
    }
    for branch in value.branches {
      put(" WHEN ")
      expression(branch.condition)
      put(" THEN ")
      expression(branch.result)
    }
    if let otherwise = value.otherwise {
      put(" ELSE ")
      expression(otherwise)
    }
    put(" END")
  }

  // Calls

  private mutating func call(_ call: FunctionCall) {
    if call.usesSQLSyntax, specialSyntax(call) { return }
    path(call.name)
    put("(")
    if call.isStar { put("*") }
    if call.isDistinct { put("DISTINCT ") }
    for (index, argument) in call.arguments.enumerated() {
      if index > 0 { put(", ") }
      if call.isVariadic, index == call.arguments.count - 1 { put("VARIADIC ") }
      if let name = argument.name { put(SQLPrinter.quoted(name) + " => ") }
      expression(argument.value)
    }
    if !call.isWithinGroup { order(call.orderBy) }
    put(")")
    if call.isWithinGroup {
      put(" WITHIN GROUP (")
      order(call.orderBy)
      put(")")
    }
    if let filter = call.filter { wrapped(" FILTER (WHERE ", [filter], ")") }
    switch call.over {
    case .named(let name, _): put(" OVER " + SQLPrinter.quoted(name))
    case .inline(let window):
      put(" OVER ")
      self.window(window)
    case nil: break
    }
  }

  /// Writes a call in the syntax it came from; false for one that has none here.
  private mutating func specialSyntax(_ call: FunctionCall) -> Bool {
    let values = call.arguments.map(\.value)
    switch (call.baseName, values.count) {
    case ("timezone", 2): joined([values[1], values[0]], by: " AT TIME ZONE ")
    case ("extract", 2):
      put("EXTRACT(")
      joined(values, by: " FROM ")
      put(")")
    case ("position", 2):
      put("POSITION(")
      joined([values[1], values[0]], by: " IN ")
      put(")")
    case ("substring", 2):
      put("SUBSTRING(")
      joined(values, by: " FROM ")
      put(")")
    case ("substring", 3), ("overlay", 3), ("overlay", 4):
      let between = call.baseName == "overlay" ? [" PLACING ", " FROM ", " FOR "] : [" FROM ", " FOR "]
      put(call.baseName.uppercased() + "(")
      for (index, value) in values.enumerated() {
        if index > 0 { put(between[index - 1]) }
        operand(value)
      }
      put(")")
    case ("btrim", _): wrapped("TRIM(BOTH FROM ", values, ")")
    case ("ltrim", _): wrapped("TRIM(LEADING FROM ", values, ")")
    case ("rtrim", _): wrapped("TRIM(TRAILING FROM ", values, ")")
    case ("overlaps", 4):
      wrapped("(", Array(values[..<2]), ") OVERLAPS ")
      wrapped("(", Array(values[2...]), ")")
    case ("normalize", 1): wrapped("NORMALIZE(", values, ")")
    case ("pg_collation_for", 1): wrapped("COLLATION FOR (", values, ")")
    default: return false
    }
    return true
  }

  mutating func order(_ items: [SortItem]) {
    guard !items.isEmpty else { return }
    put(" ORDER BY ")
    list(items) { printer, item in
      printer.expression(item.value)
      if let symbol = item.usingOperator {
        printer.put(" USING " + printer.words(symbol))
      } else if item.direction == .descending {
        printer.put(" DESC")
      }
      switch item.nulls {
      case .first: printer.put(" NULLS FIRST")
      case .last: printer.put(" NULLS LAST")
      case nil: break
      }
    }
  }

  mutating func window(_ window: WindowSpecification) {
    put("(")
    if let base = window.base { put(SQLPrinter.quoted(base)) }
    if !window.partitionBy.isEmpty { wrapped(" PARTITION BY ", window.partitionBy, "") }
    order(window.orderBy)
    if let frame = window.frame {
      put(" " + frame.unit.rawValue.uppercased() + " BETWEEN ")
      bound(frame.start)
      put(" AND ")
      bound(frame.end)
      switch frame.exclusion {
      case .none: break
      case .currentRow: put(" EXCLUDE CURRENT ROW")
      case .group: put(" EXCLUDE GROUP")
      case .ties: put(" EXCLUDE TIES")
      }
    }
    put(")")
  }

  private mutating func bound(_ bound: WindowFrame.Bound) {
    switch bound {
    case .unboundedPreceding: put("UNBOUNDED PRECEDING")
    case .currentRow: put("CURRENT ROW")
    case .unboundedFollowing: put("UNBOUNDED FOLLOWING")
    case .preceding(let offset):
      operand(offset)
      put(" PRECEDING")
    case .following(let offset):
      operand(offset)
      put(" FOLLOWING")
    }
  }
}

extension FunctionCall {
  /// Matches a call that is printed as a name and parentheses and nothing after them.
  fileprivate enum Plain { case plain }

  fileprivate static let plain = Plain.plain

  fileprivate static func ~= (_: Plain, call: FunctionCall) -> Bool {
    !call.usesSQLSyntax && call.over == nil && call.filter == nil && !call.isWithinGroup
  }
}

extension Literal {
  fileprivate var isNegative: Bool {
    switch self {
    case .integer(let value): value < 0
    case .numeric(let digits): digits.hasPrefix("-")
    default: false
    }
  }
}
