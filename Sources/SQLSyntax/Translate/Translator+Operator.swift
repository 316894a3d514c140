import Bytes

extension Translator {
  func operatorExpression(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let place = range(message.int(Tag.AExpr.location))
    let name = operatorName(message.messages(Tag.AExpr.name))
    guard let code = OperatorExpressionCode(rawValue: message.int(Tag.AExpr.kind)) else {
      throw unsupported("this form of operator", place)
    }
    let right = try required(message.message(Tag.AExpr.rexpr), "an operator")
    guard let leftNode = message.message(Tag.AExpr.lexpr) else {
      return Expression(.unary(name, try expression(right)), place)
    }
    let left = try expression(leftNode)
    switch code {
    case .in: return try list(left, right, name, place)
    case .between, .notBetween, .betweenSymmetric, .notBetweenSymmetric: return try between(code, left, right, place)
    default: return try combine(code, name, left, try expression(right), place)
    }
  }

  /// Joins two operands that are translated already. (Apart from the recursion, whose frames are to be small.)
  private func combine(
    _ code: OperatorExpressionCode, _ name: OperatorName, _ left: Expression, _ right: Expression, _ place: SourceRange
  ) throws(PulsehouseError) -> Expression {
    switch code {
    case .plain: return Expression(.binary(name, left, right), place)
    case .any: return Expression(.quantifiedArray(left, name, .any, right), place)
    case .all: return Expression(.quantifiedArray(left, name, .all, right), place)
    case .distinct: return Expression(.isDistinct(left, right, isNegated: false), place)
    case .notDistinct: return Expression(.isDistinct(left, right, isNegated: true), place)
    case .nullIf: return Expression(.nullIf(left, right), place)
    case .like: return pattern(.like, left, right, name, place)
    case .ilike: return pattern(.ilike, left, right, name, place)
    case .similar: return pattern(.similar, left, right, name, place)
    case .in, .between, .notBetween, .betweenSymmetric, .notBetweenSymmetric:
      throw unsupported("this form of operator", place)
    }
  }

  private func list(
    _ value: Expression, _ node: WireMessage, _ name: OperatorName, _ place: SourceRange
  ) throws(PulsehouseError) -> Expression {
    Expression(.inList(value, try expressions(items(node)), isNegated: name.symbol == "<>"), place)
  }

  private func between(
    _ code: OperatorExpressionCode, _ value: Expression, _ node: WireMessage, _ place: SourceRange
  ) throws(PulsehouseError) -> Expression {
    let bounds = try expressions(items(node))
    guard bounds.count == 2 else { throw unsupported("this form of BETWEEN", place) }
    let between = Between(
      value: value, low: bounds[0], high: bounds[1],
      isSymmetric: code == .betweenSymmetric || code == .notBetweenSymmetric,
      isNegated: code == .notBetween || code == .notBetweenSymmetric)
    return Expression(.between(between), place)
  }

  /// Takes the pattern out of the escape call that the grammar wraps around it.
  private func pattern(
    _ kind: PatternMatch.Kind, _ value: Expression, _ right: Expression, _ name: OperatorName, _ place: SourceRange
  ) -> Expression {
    var match = PatternMatch(
      kind: kind, value: value, pattern: right, escape: nil, isNegated: name.symbol.hasPrefix("!"))
    if case .call(let call) = right.node, call.name.first == "pg_catalog",
      call.name.last == (kind == .similar ? "similar_to_escape" : "like_escape"), let first = call.arguments.first
    {
      match.pattern = first.value
      match.escape = call.arguments.count > 1 ? call.arguments[1].value : nil
    }
    return Expression(.pattern(match), place)
  }

  func sublink(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let place = range(message.int(Tag.SubLink.location))
    let query = try subquery(message.message(Tag.SubLink.subselect), place)
    let test = try optionalExpression(message.message(Tag.SubLink.testexpr))
    let operatorNodes = message.messages(Tag.SubLink.operName)
    switch SublinkCode(rawValue: message.int(Tag.SubLink.subLinkType)) {
    case .exists: return Expression(.exists(query), place)
    case .scalar: return Expression(.scalarSubquery(query), place)
    case .array: return Expression(.arraySubquery(query), place)
    case .any where operatorNodes.isEmpty:
      return Expression(.inSubquery(try required(test, "IN"), query), place)
    case .any:
      return Expression(
        .quantifiedSubquery(try required(test, "ANY"), operatorName(operatorNodes), .any, query), place)
    case .all:
      return Expression(
        .quantifiedSubquery(try required(test, "ALL"), operatorName(operatorNodes), .all, query), place)
    case .rowCompare, .multiple, nil: throw unsupported("this form of subquery", place)
    }
  }

  func subquery(_ node: WireMessage?, _ place: SourceRange) throws(PulsehouseError) -> Query {
    guard let (kind, message) = node?.choice, kind == Tag.Node.selectStmt else {
      throw unsupported("this form of subquery", place)
    }
    return try query(message)
  }

  func functionCall(_ message: WireMessage) throws(PulsehouseError) -> Expression {
    let nameNodes = message.messages(Tag.FuncCall.funcname)
    let location = message.int(Tag.FuncCall.location)
    let usesSQLSyntax = message.int(Tag.FuncCall.funcformat) == 4
    let place = usesSQLSyntax ? range(location) : pathRange(location, parts: nameNodes.count)
    let name = names(nameNodes)
    let arguments = try each(message.messages(Tag.FuncCall.args), functionArgument)
    let orderBy = try each(message.messages(Tag.FuncCall.aggOrder), sortItem)
    let filter = try optionalExpression(message.message(Tag.FuncCall.aggFilter))
    var over: WindowReference?
    if let window = message.message(Tag.FuncCall.over) { over = try windowReference(window) }
    let call = FunctionCall(
      name: name, arguments: arguments, isStar: message.bool(Tag.FuncCall.aggStar),
      isDistinct: message.bool(Tag.FuncCall.aggDistinct), isVariadic: message.bool(Tag.FuncCall.funcVariadic),
      orderBy: orderBy, isWithinGroup: message.bool(Tag.FuncCall.aggWithinGroup), filter: filter, over: over,
      usesSQLSyntax: usesSQLSyntax)
    return Expression(.call(call), place)
  }

  private func functionArgument(_ node: WireMessage) throws(PulsehouseError) -> FunctionCall.Argument {
    if let (kind, message) = node.choice, kind == Tag.Node.namedArgExpr {
      let value = try required(try optionalExpression(message.message(Tag.NamedArgExpr.arg)), "a named argument")
      return FunctionCall.Argument(name: message.string(Tag.NamedArgExpr.name), value: value)
    }
    return FunctionCall.Argument(name: nil, value: try expression(node))
  }

  private func windowReference(_ message: WireMessage) throws(PulsehouseError) -> WindowReference {
    if let name = message.string(Tag.WindowDef.name) {
      return .named(name, range(message.int(Tag.WindowDef.location)))
    }
    return .inline(try windowSpecification(message))
  }

  func windowSpecification(_ message: WireMessage) throws(PulsehouseError) -> WindowSpecification {
    let place = range(message.int(Tag.WindowDef.location))
    return WindowSpecification(
      base: message.string(Tag.WindowDef.refname),
      partitionBy: try expressions(message.messages(Tag.WindowDef.partitionClause)),
      orderBy: try each(message.messages(Tag.WindowDef.orderClause), sortItem), frame: try frame(message, place),
      range: place)
  }

  private func frame(_ message: WireMessage, _ place: SourceRange) throws(PulsehouseError) -> WindowFrame? {
    let bits = FrameBits(rawValue: message.int(Tag.WindowDef.frameOptions))
    guard bits.contains(.isWritten) else { return nil }
    let unit: WindowFrame.Unit = bits.contains(.rows) ? .rows : bits.contains(.groups) ? .groups : .range
    let startOffset = try optionalExpression(message.message(Tag.WindowDef.startOffset))
    let endOffset = try optionalExpression(message.message(Tag.WindowDef.endOffset))
    let start: WindowFrame.Bound
    if bits.contains(.startUnboundedPreceding) {
      start = .unboundedPreceding
    } else if bits.contains(.startCurrentRow) {
      start = .currentRow
    } else if bits.contains(.startPreceding) {
      start = .preceding(try required(startOffset, "a window frame"))
    } else if bits.contains(.startFollowing) {
      start = .following(try required(startOffset, "a window frame"))
    } else {
      throw unsupported("this start of a window frame", place)
    }
    let end: WindowFrame.Bound
    if bits.contains(.endUnboundedFollowing) {
      end = .unboundedFollowing
    } else if bits.contains(.endCurrentRow) {
      end = .currentRow
    } else if bits.contains(.endPreceding) {
      end = .preceding(try required(endOffset, "a window frame"))
    } else if bits.contains(.endFollowing) {
      end = .following(try required(endOffset, "a window frame"))
    } else {
      throw unsupported("this end of a window frame", place)
    }
    let exclusion: WindowFrame.Exclusion =
      bits.contains(.excludeCurrentRow)
      ? .currentRow : bits.contains(.excludeGroup) ? .group : bits.contains(.excludeTies) ? .ties : .none
    return WindowFrame(unit: unit, start: start, end: end, exclusion: exclusion)
  }

  func sortItem(_ node: WireMessage) throws(PulsehouseError) -> SortItem {
    guard let (kind, message) = node.choice, kind == Tag.Node.sortBy else {
      // The arguments of an ordered-set aggregate come as sort items; anything else is not one.
      throw unsupported("this form of ORDER BY")
    }
    let value = try required(try optionalExpression(message.message(Tag.SortBy.node)), "ORDER BY")
    let direction = message.int(Tag.SortBy.sortbyDir)
    let nulls = message.int(Tag.SortBy.sortbyNulls)
    let operators = message.messages(Tag.SortBy.useOp)
    let place = range(message.int(Tag.SortBy.location))
    return SortItem(
      value: value, direction: direction == 3 ? .descending : .ascending,
      nulls: nulls == 2 ? .first : nulls == 3 ? .last : nil,
      usingOperator: operators.isEmpty ? nil : operatorName(operators), range: place.isKnown ? place : value.range)
  }
}
