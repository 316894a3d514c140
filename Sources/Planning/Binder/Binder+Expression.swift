import Bytes
import SQLSyntax
import Vectors

extension Binder {
  /// Binds one expression. A literal or NULL that nothing gives a type yet stays of type unknown.
  func bind(_ syntax: Syntax.Expression, _ stage: Stage) throws -> Expression {
    try nested(syntax.range) {
      let nullIsFalse = stage.nullIsFalse
      switch syntax.node {
      case .and, .or: break
      case .not: break
      default: stage.nullIsFalse = false
      }
      defer { stage.nullIsFalse = nullIsFalse }
      return try bindNode(syntax, stage, nullIsFalse: nullIsFalse)
    }
  }

  /// Binds an expression and gives it a type even if nothing else does.
  func bindTyped(_ syntax: Syntax.Expression, _ stage: Stage) throws -> Expression {
    try typed(try bind(syntax, stage), syntax.range)
  }

  private func typed(_ expression: Expression, _ range: SourceRange) throws -> Expression {
    expression.type == .unknown ? try resolveUnknown(expression, to: .text, range) : expression
  }

  /// Binds a condition: `construct` names it in the message when it is not boolean.
  func bindCondition(_ syntax: Syntax.Expression, _ stage: Stage, _ construct: String) throws -> Expression {
    let expression = try bind(syntax, stage)
    try refuseSets([expression], stage, construct, syntax.range)
    if expression.type == .boolean { return expression }
    if expression.type == .unknown { return try resolveUnknown(expression, to: .boolean, syntax.range) }
    throw BinderError.user(
      "42804", "argument of \(construct) must be type boolean, not type \(TypeKind(expression.type).name)",
      syntax.range)
  }

  /// Refuses what makes rows where there is to be one value.
  ///
  /// - Throws: 42804; `construct` names the form.
  func refuseSets(
    _ values: [Expression], _ stage: Stage, _ construct: String, _ range: SourceRange
  ) throws {
    guard let made = stage.expansions?.columns, values.contains(where: { $0.reads(made) }) else { return }
    throw BinderError.user("42804", "argument of \(construct) must not return a set", range)
  }

  private func bindNode(_ syntax: Syntax.Expression, _ stage: Stage, nullIsFalse: Bool) throws -> Expression {
    let range = syntax.range
    switch syntax.node {
    case .column(let path): return try bindColumn(path, stage, range)
    case .star(let path) where !path.isEmpty: return try bindRow(of: path, stage, range)
    case .star, .allFields: throw BinderError.user("42601", "row expansion via \"*\" is not supported here", range)
    case .parameter(let index):
      guard takesParameters else { throw BinderError.user("42P02", "there is no parameter $\(index)", range) }
      return .parameter(index, parameterTypes[index] ?? .unknown)
    case .literal(let literal): return try bindLiteral(literal, range)
    case .cast(let operand, let name):
      if let fields = try intervalFields(name) {
        if case .literal(.string(let text)) = operand.node { return try interval(text, fields, operand.range) }
        return cut(try explicitCast(try bind(operand, stage), to: .interval, castRange(operand, range)), fields)
      }
      if ["regclass", "regtype", "regnamespace"].contains(name.baseName), name.arrayBounds.isEmpty {
        return try bindRegistered(operand, name.baseName, stage, range)
      }
      if name.baseName == "jsonpath", name.arrayBounds.isEmpty { return try bindPath(operand, stage) }
      let wanted = try type(name)
      if let domain = try domain(name) {
        let value = rounded(
          try explicitCast(try bind(operand, stage), to: wanted, castRange(operand, range)),
          toSecondDigits: domain.domain?.secondDigits)
        return try checked(value, domain, range)
      }
      if case .array(let elements) = operand.node, elements.isEmpty, wanted.element != nil {
        return try explicitCast(.constant(.text("{}"), .unknown), to: wanted, operand.range)
      }
      return rounded(
        try explicitCast(try bind(operand, stage), to: wanted, castRange(operand, range)),
        toSecondDigits: try secondDigits(name))
    case .collate(let operand, let names):
      guard let name = names.last, ["C", "POSIX", "default", "ucs_basic"].contains(name) else {
        throw BinderError.unsupported("the collation \"\(names.joined(separator: "."))\"", range)
      }
      return try bind(operand, stage)
    case .row(let items, _): return try bindRow(items, stage)
    case .array(let elements): return try bindArray(elements, stage, range)
    case .arraySubquery(let query): return try bindArraySubquery(query, stage, range)
    case .subscripted(let base, let subscripts): return try bindSubscripts(base, subscripts, stage, range)
    case .field(let base, let name): return try bindField(base, name, stage, range)

    case .and(let operands):
      return .and(
        try bindInTurn(
          operands, stage, goesOn: { .coalesce([$0, .trueConstant], .boolean) },
          bind: { try bindCondition($0, stage, "AND") }))
    case .or(let operands):
      return .or(
        try bindInTurn(
          operands, stage, goesOn: { .not(.coalesce([$0, .falseConstant], .boolean)) },
          bind: { try bindCondition($0, stage, "OR") }))
    case .not(let operand):
      if case .inSubquery(let value, let query) = operand.node {
        stage.nullIsFalse = false
        return try bindInSubquery(value, query, stage, operand.range, isNegated: true, nullIsFalse: nullIsFalse)
      }
      stage.nullIsFalse = false
      return .not(try bindCondition(operand, stage, "NOT"))
    case .unary(let op, let operand): return try bindUnary(op, operand, stage, range)
    case .binary(let op, let left, let right): return try bindBinary(op, left, right, stage, range)
    case .isNull(let operand, let isNegated):
      let value = try bind(operand, stage)
      try requireKnown(value, operand.range)
      return try makeNullTest(try typed(value, operand.range), isNegated: isNegated, range)
    case .isTruth(let operand, let truth, let isNegated):
      return try bindTruth(operand, truth, isNegated, stage)
    case .isDistinct(let left, let right, let isNegated):
      let test = try makeDistinct(
        try bind(left, stage), try bind(right, stage), range, leftRange: left.range, rightRange: right.range)
      return isNegated ? .not(test) : test
    case .between(let between): return try bindBetween(between, stage, range)
    case .pattern(let match): return try bindPattern(match, stage, range)
    case .inList(let value, let list, let isNegated):
      let test = try bindInList(value, list, stage, range, isNegated ? "<>" : "=")
      return isNegated ? .not(test) : test
    case .quantifiedArray(let value, let op, let quantifier, let array):
      return try bindQuantifiedArray(value, op, quantifier, array, stage, range)

    case .scalarSubquery(let query): return try bindScalarSubquery(query, stage, range)
    case .exists(let query): return try bindExists(query, stage, range)
    case .inSubquery(let value, let query):
      return try bindInSubquery(value, query, stage, range, isNegated: false, nullIsFalse: nullIsFalse)
    case .quantifiedSubquery(let value, let op, let quantifier, let query):
      return try bindQuantifiedSubquery(value, op, quantifier, query, stage, range, nullIsFalse: nullIsFalse)

    case .conditional(let conditional):
      return try stage.conditionally("CASE") { try bindCase(conditional, stage, range) }
    case .coalesce(let operands):
      let (bound, type) = try stage.conditionally("COALESCE") { try bindCommon(operands, stage, "COALESCE") }
      return bound.count == 1 ? bound[0] : .coalesce(bound, type)
    case .greatest(let operands):
      let (bound, type) = try bindCommon(operands, stage, "GREATEST")
      return try makeExtreme(.greatest, bound, type, range)
    case .least(let operands):
      let (bound, type) = try bindCommon(operands, stage, "LEAST")
      return try makeExtreme(.least, bound, type, range)
    case .nullIf(let left, let right):
      let (a, b) = (try bind(left, stage), try bind(right, stage))
      let (x, y) = try unify(a, b, "=", range, leftRange: left.range, rightRange: right.range)
      // The type is that of the comparison, but numbers of two widths are compared as they are.
      let value = a.type.isInteger && b.type.isInteger || a.type.isFloat && b.type.isNumber ? a : x
      return .branch(
        [Branch(when: .compare(.equal, x, y), then: .null(value.type))], otherwise: value, value.type)
    case .call(let call): return try bindCall(call, stage, range)
    case .currentValue(let value): return try bindCurrentValue(value, range)
    case .grouping(let operands): return try bindGrouping(operands, stage, range)
    case .defaultValue: throw BinderError.user("42601", "DEFAULT is not allowed in this context", range)
    }
  }

  /// PostgreSQL points at a literal that cannot be read, else at the cast.
  private func castRange(_ operand: Syntax.Expression, _ range: SourceRange) -> SourceRange {
    if case .literal = operand.node { return operand.range }
    return range
  }

  private func bindColumn(_ path: [String], _ stage: Stage, _ range: SourceRange) throws -> Expression {
    if let row = try bindWholeRow(path, stage, range) { return row }
    let (column, isOuter) = try stage.scope.resolve(path, range)
    if isOuter {
      outerReferences.append(.init(expression: column.expression, name: column.displayName, range: range))
    } else if !stage.isAggregateArgument {
      stage.references.append(.init(expression: column.expression, name: column.displayName, range: range))
    }
    return column.expression
  }

  private func bindLiteral(_ literal: Literal, _ range: SourceRange) throws -> Expression {
    switch literal {
    case .null: return .null(.unknown)
    case .boolean(let value): return .constant(.boolean(value), .boolean)
    case .integer(let value):
      return .constant(.integer(value), Int64(Int32.min)...Int64(Int32.max) ~= value ? .integer : .bigint)
    case .numeric(let digits):
      let type = LogicalType.numeric(precision: nil, scale: nil)
      do {
        return .constant(try evaluate(.cast(.constant(.text(digits), .text), type), range), type)
      } catch let error as PulsehouseError {
        // 1e300 is more than our numeric holds, and it can only be meant as a float.
        guard error.sqlState == "22003", digits.contains(where: { $0 == "e" || $0 == "E" }),
          let number = Double(digits), number.isFinite, number != 0
        else { throw error }
        return .constant(.double(number), .double)
      }
    case .string(let text): return .constant(.text(text), .unknown)
    case .bits, .hexadecimal: throw BinderError.unsupported("a bit string", range)
    }
  }

  func bindCommon(
    _ operands: [Syntax.Expression], _ stage: Stage, _ construct: String
  ) throws -> ([Expression], LogicalType) {
    let bound =
      construct == "COALESCE"
      ? try bindInTurn(operands, stage, goesOn: { .isNull($0) }, bind: { try bind($0, stage) })
      : try operands.map { try bind($0, stage) }
    let type = try commonType(zip(bound, operands).map { ($0.type, $1.range) }, construct)
    return (try zip(bound, operands).map { try coerce($0, to: type, $1.range) }, type)
  }

  // MARK: Operators

  private func bindUnary(
    _ op: OperatorName, _ operand: Syntax.Expression, _ stage: Stage, _ range: SourceRange
  ) throws -> Expression {
    // A minus before a number is part of it: -2147483648 is an integer's, not a bigint's negation.
    if op.builtIn == "-", case .literal(.integer(let value)) = operand.node, value != .min {
      return try bindLiteral(.integer(-value), range)
    }
    if op.builtIn == "-", case .literal(.numeric(let digits)) = operand.node {
      if digits == "9223372036854775808" { return .constant(.integer(.min), .bigint) }
      return try bindLiteral(.numeric("-" + digits), range)
    }
    let value = try bind(operand, stage)
    let kind = TypeKind(value.type)
    guard let symbol = op.builtIn else { throw BinderError.noOperator(op.symbol, nil, kind, range) }
    switch resolveOverload(OperatorTable.unary(symbol), [kind]) {
    case .found(let signature, let arguments):
      let argument = try coerce(value, toKind: arguments[0], operand.range)
      return symbol == "+"
        ? argument : .call(signature.function, [argument], resultType(signature.result, argument.type))
    case .none: throw BinderError.noOperator(symbol, nil, kind, range)
    case .ambiguous: throw BinderError.ambiguousOperator(symbol, nil, kind, range)
    }
  }

  /// The type a function gives: never a modifier of its argument's type.
  private func resultType(_ kind: TypeKind, _ argument: LogicalType) -> LogicalType { kind.type }

  private func bindBinary(
    _ op: OperatorName, _ left: Syntax.Expression, _ right: Syntax.Expression, _ stage: Stage, _ range: SourceRange
  ) throws -> Expression {
    let a = try bind(left, stage)
    if let fields = a.rowFields, case .scalarSubquery(let query) = right.node {
      let values = try bindRowSubquery(query, count: fields.count, stage, right.range) {
        "subquery has too \($0 > fields.count ? "many" : "few") columns"
      }
      return try compareRows(op, fields.map(\.value), values, range)
    }
    let b = try bind(right, stage)
    return try makeBinary(
      op, a, b, range, leftRange: left.range, rightRange: right.range,
      areRowConstructors: left.isRowConstructor && right.isRowConstructor)
  }

  func makeBinary(
    _ op: OperatorName, _ left: Expression, _ right: Expression, _ range: SourceRange,
    leftRange: SourceRange, rightRange: SourceRange, areRowConstructors: Bool = false
  ) throws -> Expression {
    let (a, b) = (TypeKind(left.type), TypeKind(right.type))
    if let row = try makeRowOperator(op, left, right, range, areConstructors: areRowConstructors) { return row }
    guard let symbol = op.builtIn else { throw BinderError.noOperator(op.symbol, a, b, range) }
    if let comparison = ComparisonOperator(symbol: symbol) {
      let (x, y) = try unify(left, right, symbol, range, leftRange: leftRange, rightRange: rightRange)
      if let element = x.type.element {
        // Equal arrays are equal texts where equal elements are; which of two others comes first is another matter.
        let isByText = (comparison == .equal || comparison == .notEqual) && !element.hasSpellings
        return isByText ? .compare(comparison, x, y) : .compare(comparison, x.ordered, y.ordered)
      }
      return x.type == .jsonb ? .compare(comparison, x.ordered, y.ordered) : .compare(comparison, x, y)
    }
    switch symbol {
    case "!~~", "!~~*", "!~", "!~*":
      let positive = OperatorName(String(symbol.dropFirst()))
      return .not(try makeBinary(positive, left, right, range, leftRange: leftRange, rightRange: rightRange))
    case "||":
      if let array = try makeArrayOperator(symbol, left, right, range, leftRange, rightRange) { return array }
      return try makeConcatenation(left, right, range, leftRange: leftRange, rightRange: rightRange)
    case "~~", "~~*", "~", "~*":
      // Patterns see the blanks of a char(n).
      if let value = padded(left) {
        return try makeBinary(op, value, right, range, leftRange: leftRange, rightRange: rightRange)
      }
    case "@>", "<@", "&&":
      if let array = try makeArrayOperator(symbol, left, right, range, leftRange, rightRange) { return array }
      if symbol == "<@" {
        return try makeBinary(
          OperatorName("@>"), right, left, range, leftRange: rightRange, rightRange: leftRange)
      }
    default: break
    }
    let candidates = OperatorTable.binary(symbol)
    if a.isNumber, b.isNumber, symbol != "<<", symbol != ">>" {
      let kind = arithmeticType(a, b)
      if let entry = candidates.first(where: { $0.arguments == [kind, kind] }) {
        return .call(
          entry.function,
          [try coerce(left, toKind: kind, leftRange), try coerce(right, toKind: kind, rightRange)],
          entry.result.type)
      }
    }
    switch resolveOverload(candidates, [a, b], isOperator: true) {
    case .found(let signature, let arguments):
      return .call(
        signature.function,
        [try coerce(left, toKind: arguments[0], leftRange), try coerce(right, toKind: arguments[1], rightRange)],
        signature.result.type)
    case .none: throw BinderError.noOperator(symbol, left.type, right.type, range)
    case .ambiguous: throw BinderError.ambiguousOperator(symbol, a, b, range)
    }
  }

  /// A `char(n)` as text with its blanks; nil for other types.
  func padded(_ value: Expression) -> Expression? {
    guard case .char(let length) = value.type else { return nil }
    return .call(.rightPad, [.cast(value, .text), .constant(.integer(Int64(length)), .integer)], .text)
  }

  /// `||`: text with anything, as text.
  private func makeConcatenation(
    _ left: Expression, _ right: Expression, _ range: SourceRange, leftRange: SourceRange, rightRange: SourceRange
  ) throws -> Expression {
    let (a, b) = (TypeKind(left.type), TypeKind(right.type))
    if a == .jsonb, b == .jsonb || b == .unknown {
      return .call(.jsonConcatenate, [left, try coerce(right, to: .jsonb, rightRange)], .jsonb)
    }
    if b == .jsonb, a == .unknown {
      return .call(.jsonConcatenate, [try coerce(left, to: .jsonb, leftRange), right], .jsonb)
    }
    if a == .bytea && (b == .bytea || b == .unknown) || a == .unknown && b == .bytea {
      return .call(
        .concatenate, [try coerce(left, to: .bytea, leftRange), try coerce(right, to: .bytea, rightRange)], .bytea)
    }
    guard a.isString || b.isString || a == .unknown || b == .unknown else {
      throw BinderError.noOperator("||", a, b, range)
    }
    func text(_ side: Expression, _ range: SourceRange) throws -> Expression {
      TypeKind(side.type).isString || side.type == .unknown
        ? try coerce(side, to: .text, range) : .cast(side, .text)
    }
    return .call(.concatenate, [try text(left, leftRange), try text(right, rightRange)], .text)
  }

  private func bindTruth(
    _ operand: Syntax.Expression, _ truth: TruthValue, _ isNegated: Bool, _ stage: Stage
  ) throws -> Expression {
    let value = try bindCondition(operand, stage, "IS \(isNegated ? "NOT " : "")\(truth.rawValue.uppercased())")
    let test: Expression =
      switch truth {
      case .true: .coalesce([value, .falseConstant], .boolean)
      case .false: .coalesce([.not(value), .falseConstant], .boolean)
      case .unknown: .isNull(value)
      }
    return isNegated ? .not(test) : test
  }

  private func bindBetween(_ between: Between, _ stage: Stage, _ range: SourceRange) throws -> Expression {
    let value = try bind(between.value, stage)
    let low = try bind(between.low, stage)
    let high = try bind(between.high, stage)
    try refuseSets([value, low, high], stage, "AND", range)
    func inside(_ low: Expression, _ high: Expression) throws -> Expression {
      if value.type.isRecord {
        return .and([
          try makeBinary(
            OperatorName(">="), value, low, range, leftRange: between.value.range, rightRange: between.low.range,
            areRowConstructors: between.value.isRowConstructor && between.low.isRowConstructor),
          try makeBinary(
            OperatorName("<="), value, high, range, leftRange: between.value.range, rightRange: between.high.range,
            areRowConstructors: between.value.isRowConstructor && between.high.isRowConstructor),
        ])
      }
      let (v1, l) = try unify(
        value, low, ">=", range, leftRange: between.value.range, rightRange: between.low.range)
      let (v2, h) = try unify(
        value, high, "<=", range, leftRange: between.value.range, rightRange: between.high.range)
      return .and([
        .compare(.greaterOrEqual, v1.ordered, l.ordered), .compare(.lessOrEqual, v2.ordered, h.ordered),
      ])
    }
    var test = try inside(low, high)
    if between.isSymmetric { test = .or([test, try inside(high, low)]) }
    return between.isNegated ? .not(test) : test
  }

  private func bindPattern(_ match: PatternMatch, _ stage: Stage, _ range: SourceRange) throws -> Expression {
    let symbol =
      (match.isNegated ? "!" : "") + (match.kind == .similar ? "~" : match.kind == .ilike ? "~~*" : "~~")
    let value = try bind(match.value, stage)
    let pattern = try bind(match.pattern, stage)
    for (side, _) in [(value, 0), (pattern, 1)] where side.type != .unknown && !side.type.isText {
      throw BinderError.noOperator(symbol, value.type, pattern.type, range)
    }
    var arguments = [
      try padded(value) ?? coerce(value, to: .text, match.value.range),
      try coerce(pattern, to: .text, match.pattern.range),
    ]
    if let escape = match.escape {
      arguments.append(try coerce(try bind(escape, stage), to: .text, escape.range))
    }
    let test: Expression
    switch match.kind {
    case .like: test = .call(.like, arguments, .boolean)
    case .ilike: test = .call(.ilike, arguments, .boolean)
    case .similar:
      let pattern = Expression.call(.similarPattern, Array(arguments.dropFirst()), .text)
      test = .call(.regexMatch, [arguments[0], pattern], .boolean)
    }
    return match.isNegated ? .not(test) : test
  }

  func bindInList(
    _ value: Syntax.Expression, _ list: [Syntax.Expression], _ stage: Stage, _ range: SourceRange, _ symbol: String,
    isArray: Bool = false
  ) throws -> Expression {
    let left = try bind(value, stage)
    if left.type.isRecord {
      return .disjunction(
        try list.map { item in
          try makeBinary(
            OperatorName("="), left, try bind(item, stage), range, leftRange: value.range, rightRange: item.range,
            areRowConstructors: !isArray && value.isRowConstructor && item.isRowConstructor)
        })
    }
    let items = try list.map { try bind($0, stage) }
    // One type for all, as PostgreSQL compares with an array; else one comparison each.
    let typed = zip(items, list).map { ($0.type, $1.range) }
    let all = [(left.type, value.range)] + typed
    let kinds = Set(all.map { TypeKind($0.0) }.filter { $0 != .unknown }.map(\.category))
    guard kinds.count <= 1, let common = try? commonType(all, "IN"), comparisonType(left.type, common) != nil else {
      return .disjunction(
        try zip(items, list).map { item, syntax in
          let (a, b) = try unify(
            left, item, symbol, range, leftRange: value.range, rightRange: syntax.range)
          return .compare(.equal, a, b)
        })
    }
    let type = comparisonType(left.type, common) ?? common
    return .isIn(
      try coerce(left, to: type, value.range), try zip(items, list).map { try coerce($0, to: type, $1.range) })
  }

  private func bindQuantifiedArray(
    _ value: Syntax.Expression, _ op: OperatorName, _ quantifier: Quantifier, _ array: Syntax.Expression,
    _ stage: Stage, _ range: SourceRange
  ) throws -> Expression {
    guard case .array(let elements) = array.node else {
      return try bindQuantifiedValue(value, op, quantifier, array, stage, range)
    }
    if quantifier == .any, op.builtIn == "=", !elements.isEmpty {
      return try bindInList(value, elements, stage, range, "=", isArray: true)
    }
    let left = try bind(value, stage)
    let tests = try elements.map { element in
      try makeBinary(
        op, left, try bind(element, stage), range, leftRange: value.range, rightRange: element.range)
    }
    return quantifier == .any ? .disjunction(tests) : .conjunction(tests)
  }

  private func bindCase(_ conditional: CaseExpression, _ stage: Stage, _ range: SourceRange) throws -> Expression {
    let operand = try conditional.operand.map { try bindTyped($0, stage) }
    var conditions: [Expression] = []
    /// That the conditions so far are not true.
    var failed: [Expression] = []
    for branch in conditional.branches {
      let condition = try bindGuarded(stage, failed) { () throws -> Expression in
        if let operand, operand.type.isRecord {
          return try makeBinary(
            OperatorName("="), operand, try bind(branch.condition, stage), branch.condition.range,
            leftRange: branch.condition.range, rightRange: branch.condition.range)
        }
        if let operand, let syntax = conditional.operand {
          let (a, b) = try unify(
            operand, try bind(branch.condition, stage), "=", branch.condition.range, leftRange: syntax.range,
            rightRange: branch.condition.range)
          return .compare(.equal, a, b)
        }
        return try bindCondition(branch.condition, stage, "CASE/WHEN")
      }
      conditions.append(condition)
      failed.append(.not(.coalesce([condition, .falseConstant], .boolean)))
    }
    let results = try conditional.branches.enumerated().map { index, branch in
      try bindGuarded(stage, failed.prefix(index) + [conditions[index]]) { try bind(branch.result, stage) }
    }
    let otherwise = try conditional.otherwise.map { syntax in
      try bindGuarded(stage, failed) { try bind(syntax, stage) }
    }
    // PostgreSQL looks at ELSE first.
    var types: [(LogicalType, SourceRange)] = []
    if let otherwise, let syntax = conditional.otherwise { types.append((otherwise.type, syntax.range)) }
    types += zip(results, conditional.branches).map { ($0.type, $1.result.range) }
    let type = try commonType(types, "CASE")
    var branches: [Branch] = []
    for (index, branch) in conditional.branches.enumerated() {
      branches.append(
        Branch(when: conditions[index], then: try coerce(results[index], to: type, branch.result.range)))
    }
    return .branch(branches, otherwise: try otherwise.map { try coerce($0, to: type, range) }, type)
  }

  private func bindCurrentValue(_ value: CurrentValue, _ range: SourceRange) throws -> Expression {
    let digits = value.precision.flatMap { $0 < 6 ? $0 : nil }
    let now = rounded(.call(.now, [], .timestamptz), toSecondDigits: digits)
    switch value.kind {
    case .currentDate: return .cast(now, .date)
    case .currentTimestamp: return now
    case .localTimestamp: return .cast(now, .timestamp)
    case .localTime: return .cast(now, .time)
    case .currentTime: throw BinderError.unsupported("CURRENT_TIME (time with time zone)", range)
    case .currentCatalog: return .constant(.text("pulsehouse"), .text)
    case .currentSchema: return .constant(.text("public"), .text)
    case .currentRole, .currentUser, .user, .sessionUser: return .constant(.text("pulsehouse"), .text)
    }
  }
}

extension ComparisonOperator {
  init?(symbol: String) {
    switch symbol {
    case "=": self = .equal
    case "<>", "!=": self = .notEqual
    case "<": self = .less
    case "<=": self = .lessOrEqual
    case ">": self = .greater
    case ">=": self = .greaterOrEqual
    default: return nil
    }
  }
}
