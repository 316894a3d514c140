import Bytes

extension Translator {
  func expression(_ node: WireMessage) throws(PulsehouseError) -> Expression {
    try enter()
    defer { leave() }
    guard let (kind, message) = node.choice else {
      throw PulsehouseError(.internal, "the parser left an expression empty", range: statementRange.bytes)
    }
    switch kind {
    case Tag.Node.aConst: return try constant(message)
    case Tag.Node.columnRef: return try columnReference(message)
    case Tag.Node.paramRef: return try parameter(message)
    case Tag.Node.aExpr: return try operatorExpression(message)
    case Tag.Node.boolExpr: return try booleanOperator(message)
    case Tag.Node.funcCall: return try functionCall(message)
    case Tag.Node.typeCast: return try typeCast(message)
    case Tag.Node.subLink: return try sublink(message)
    case Tag.Node.nullTest: return try nullTest(message)
    case Tag.Node.booleanTest: return try booleanTest(message)
    case Tag.Node.caseExpr: return try caseExpression(message)
    case Tag.Node.coalesceExpr: return try coalesce(message)
    case Tag.Node.minMaxExpr: return try extremum(message)
    case Tag.Node.sqlvalueFunction: return try currentValue(message)
    case Tag.Node.rowExpr: return try row(message)
    case Tag.Node.aArrayExpr: return try array(message)
    case Tag.Node.aIndirection: return try indirection(message)
    case Tag.Node.collateClause: return try collation(message)
    case Tag.Node.groupingFunc: return try grouping(message)
    case Tag.Node.setToDefault:
      return Expression(.defaultValue, range(message.int(Tag.SetToDefault.location)))
    default: throw unsupportedExpression(kind)
    }
  }

  private func unsupportedExpression(_ kind: UInt32) -> PulsehouseError {
    switch kind {
    case Tag.Node.xmlExpr, Tag.Node.xmlSerialize: unsupported("XML")
    case Tag.Node.currentOfExpr: unsupported("WHERE CURRENT OF")
    default: unsupported("this form of expression")
    }
  }

  private func coalesce(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let arguments = try expressions(message.messages(Tag.CoalesceExpr.args))
    return Expression(.coalesce(arguments), range(message.int(Tag.CoalesceExpr.location)))
  }

  private func extremum(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let arguments = try expressions(message.messages(Tag.MinMaxExpr.args))
    let isGreatest = message.int(Tag.MinMaxExpr.op) == 1
    return Expression(
      isGreatest ? .greatest(arguments) : .least(arguments), range(message.int(Tag.MinMaxExpr.location)))
  }

  private func row(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let fields = try expressions(message.messages(Tag.RowExpr.args))
    let isExplicit = message.int(Tag.RowExpr.rowFormat) == 1
    return Expression(.row(fields, isExplicit: isExplicit), range(message.int(Tag.RowExpr.location)))
  }

  private func array(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let elements = try expressions(message.messages(Tag.AArrayExpr.elements))
    return Expression(.array(elements), range(message.int(Tag.AArrayExpr.location)))
  }

  private func collation(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let value = try required(try optionalExpression(message.message(Tag.CollateClause.arg)), "COLLATE")
    return Expression(
      .collate(value, names(message.messages(Tag.CollateClause.collname))),
      range(message.int(Tag.CollateClause.location)))
  }

  private func grouping(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let arguments = try expressions(message.messages(Tag.GroupingFunc.args))
    return Expression(.grouping(arguments), range(message.int(Tag.GroupingFunc.location)))
  }

  /// Returns what the tree must hold there.
  func required<T>(_ value: T?, _ form: String) throws(PulsehouseError) -> T {
    guard let value else {
      throw PulsehouseError(.internal, "the parser left a part of \(form) empty", range: statementRange.bytes)
    }
    return value
  }

  private func constant(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let range = range(message.int(Tag.AConst.location))
    if message.bool(Tag.AConst.isnull) { return Expression(.literal(.null), range) }
    if let value = message.message(Tag.AConst.ival) {
      return Expression(.literal(.integer(Int64(value.int(Tag.Integer.ival)))), range)
    }
    if let value = message.message(Tag.AConst.fval) {
      return Expression(.literal(number(value.string(Tag.Float.fval) ?? "0")), range)
    }
    if let value = message.message(Tag.AConst.boolval) {
      return Expression(.literal(.boolean(value.bool(Tag.Boolean.boolval))), range)
    }
    if let value = message.message(Tag.AConst.sval) {
      return Expression(.literal(.string(value.string(Tag.String.sval) ?? "")), range)
    }
    if let value = message.message(Tag.AConst.bsval) {
      let digits = value.string(Tag.BitString.bsval) ?? "b"
      let isHexadecimal = digits.first == "x" || digits.first == "X"
      return Expression(
        .literal(isHexadecimal ? .hexadecimal(String(digits.dropFirst())) : .bits(String(digits.dropFirst()))), range)
    }
    throw unsupported("this form of constant", range)
  }

  /// Reads digits that did not fit 32 bits or that have a point or an exponent.
  func number(_ digits: String) -> Literal {
    Int64(digits).map(Literal.integer) ?? .numeric(digits)
  }

  private func columnReference(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let fields = message.messages(Tag.ColumnRef.fields)
    let start = message.int(Tag.ColumnRef.location)
    let isStar = fields.last?.choice?.kind == Tag.Node.aStar
    let range = pathRange(start, parts: fields.count)
    return Expression(isStar ? .star(names(fields)) : .column(names(fields)), range)
  }

  /// Returns the range of a dotted name of so many parts.
  func pathRange(_ start: Int, parts: Int) -> SourceRange {
    guard start >= 0, start <= text.count else { return .unknown }
    var lexer = SQLLexer(text, at: start)
    var end = start
    for part in 0..<max(1, parts) {
      if part > 0 {
        let dot = lexer.next()
        guard lexer.isSymbol(dot, ".") else { break }
      }
      let token = lexer.next()
      guard token.kind != .end else { break }
      end = token.end
    }
    return place(start, end)
  }

  /// The C library wraps a number that is too large around; the words tell it.
  private func parameter(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let start = message.int(Tag.ParamRef.location)
    let place = range(start)
    let number = message.int(Tag.ParamRef.number)
    let end = SyntaxFailure.tokenEnd(in: text, at: start)
    guard (1...Translator.maximumParameter).contains(number), end - start <= 6 else {
      let words = start >= 0 && start < end ? String(decoding: text[start..<end], as: UTF8.self) : "$\(number)"
      throw PulsehouseError(.user, "there is no parameter \(words)", sqlState: "42P02", range: place.bytes)
    }
    return Expression(.parameter(number), place)
  }

  /// The most parameters that PostgreSQL's protocol can carry.
  private static let maximumParameter = 65_535

  private func booleanOperator(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let operands = try expressions(message.messages(Tag.BoolExpr.args))
    let range = range(message.int(Tag.BoolExpr.location))
    switch BooleanOperatorCode(rawValue: message.int(Tag.BoolExpr.boolop)) {
    case .and: return Expression(.and(operands), range)
    case .or: return Expression(.or(operands), range)
    case .not: return Expression(.not(try required(operands.first, "NOT")), range)
    case nil: throw unsupported("this logical operator", range)
    }
  }

  private func nullTest(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let value = try required(try optionalExpression(message.message(Tag.NullTest.arg)), "IS NULL")
    return Expression(
      .isNull(value, isNegated: message.int(Tag.NullTest.nulltesttype) == 2),
      range(message.int(Tag.NullTest.location)))
  }

  private func booleanTest(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let value = try required(try optionalExpression(message.message(Tag.BooleanTest.arg)), "IS TRUE")
    let range = range(message.int(Tag.BooleanTest.location))
    let code = message.int(Tag.BooleanTest.booltesttype)
    let truths: [TruthValue] = [.true, .true, .false, .false, .unknown, .unknown]
    guard code >= 1, code <= truths.count else { throw unsupported("this test of a boolean", range) }
    return Expression(.isTruth(value, truths[code - 1], isNegated: code % 2 == 0), range)
  }

  private func caseExpression(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    var branches: [CaseExpression.Branch] = []
    for node in message.messages(Tag.CaseExpr.args) {
      guard let (kind, branch) = node.choice, kind == Tag.Node.caseWhen else { continue }
      branches.append(
        CaseExpression.Branch(
          condition: try required(try optionalExpression(branch.message(Tag.CaseWhen.expr)), "WHEN"),
          result: try required(try optionalExpression(branch.message(Tag.CaseWhen.result)), "THEN"),
          range: range(branch.int(Tag.CaseWhen.location))))
    }
    let operand = try optionalExpression(message.message(Tag.CaseExpr.arg))
    let otherwise = try optionalExpression(message.message(Tag.CaseExpr.defresult))
    return Expression(
      .conditional(CaseExpression(operand: operand, branches: branches, otherwise: otherwise)),
      range(message.int(Tag.CaseExpr.location)))
  }

  private func currentValue(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let range = range(message.int(Tag.SQLValueFunction.location))
    let kinds: [CurrentValue.Kind] = [
      .currentDate, .currentTime, .currentTime, .currentTimestamp, .currentTimestamp, .localTime, .localTime,
      .localTimestamp, .localTimestamp, .currentRole, .currentUser, .user, .sessionUser, .currentCatalog,
      .currentSchema,
    ]
    let withPrecision: Set = [3, 5, 7, 9]
    let code = message.int(Tag.SQLValueFunction.op)
    guard code >= 1, code <= kinds.count else { throw unsupported("this function", range) }
    let precision = withPrecision.contains(code) ? message.int(Tag.SQLValueFunction.typmod) : nil
    return Expression(.currentValue(CurrentValue(kind: kinds[code - 1], precision: precision)), range)
  }

  private func indirection(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let base = try required(try optionalExpression(message.message(Tag.AIndirection.arg)), "a subscript")
    return try applying(message.messages(Tag.AIndirection.indirection), to: base)
  }

  /// Applies fields and subscripts, in order; neighbouring subscripts stay together.
  private func applying(_ nodes: [WireMessage], to base: Expression) throws(PulsehouseError) -> Expression {
    var result = base
    var subscripts: [ArraySubscript] = []
    var levels = 0
    defer { leave(levels) }
    func flush() {
      guard !subscripts.isEmpty else { return }
      result = Expression(.subscripted(result, subscripts), result.range)
      subscripts = []
    }
    for node in nodes {
      guard let (kind, message) = node.choice else { continue }
      if kind == Tag.Node.aIndices {
        subscripts.append(try arraySubscript(message))
        continue
      }
      flush()
      try enter()
      levels += 1
      if kind == Tag.Node.aStar {
        result = Expression(.allFields(result), result.range)
      } else if let name = string(node) {
        result = Expression(.field(result, name), result.range)
      }
    }
    flush()
    return result
  }

  func arraySubscript(_ message: WireMessage) throws(PulsehouseError) -> ArraySubscript {
    let upper = try optionalExpression(message.message(Tag.AIndices.uidx))
    if message.bool(Tag.AIndices.isSlice) {
      return .slice(try optionalExpression(message.message(Tag.AIndices.lidx)), upper)
    }
    return .index(try required(upper, "a subscript"))
  }

  private func typeCast(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let value = try required(try optionalExpression(message.message(Tag.TypeCast.arg)), "a cast")
    let type = try typeName(try required(message.message(Tag.TypeCast.typeName), "a cast"))
    let place = range(message.int(Tag.TypeCast.location))
    return Expression(.cast(value, type), place.isKnown ? place : type.range)
  }

  func typeName(_ message: WireMessage) throws(PulsehouseError) -> TypeName {
    let nameNodes = message.messages(Tag.TypeName.names)
    var bounds: [Int?] = []
    for node in message.messages(Tag.TypeName.arrayBounds) {
      let size = node.choice.map { $0.message.int(Tag.Integer.ival) } ?? -1
      bounds.append(size < 0 ? nil : size)
    }
    return TypeName(
      names: names(nameNodes), modifiers: try expressions(message.messages(Tag.TypeName.typmods)),
      arrayBounds: bounds, isSetOf: message.bool(Tag.TypeName.setof), isReference: message.bool(Tag.TypeName.pctType),
      range: typeRange(message.int(Tag.TypeName.location)))
  }

  /// Returns the range of a type's words, which for `double precision` or `timestamp with time zone` are several.
  private func typeRange(_ start: Int) -> SourceRange {
    let first = range(start)
    guard first.isKnown else { return first }
    var lexer = SQLLexer(text, at: start)
    let token = lexer.next()
    var end = token.end
    if lexer.isWord(token, "double") || lexer.isWord(token, "character") || lexer.isWord(token, "char")
      || lexer.isWord(token, "bit") || lexer.isWord(token, "national")
    {
      let next = lexer.next()
      if lexer.isWord(next, "precision") || lexer.isWord(next, "varying") { end = next.end }
    } else {
      var next = lexer.next()
      while lexer.isSymbol(next, ".") {
        end = lexer.next().end
        next = lexer.next()
      }
    }
    return place(start, end)
  }
}
