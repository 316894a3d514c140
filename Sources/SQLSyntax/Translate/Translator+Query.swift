import Bytes

extension Translator {
  /// The most queries that one chain of set operations joins.
  static let maximumChain = 2000
  /// Levels that a query or a join counts for in the depth limit.
  private static let queryLevels = 2

  func query(_ message: WireMessage, isInto: Bool = false) throws(PulsehouseError) -> Query {
    try enter(Translator.queryLevels)
    defer { leave(Translator.queryLevels) }
    if !isInto, let into = message.message(Tag.SelectStmt.intoClause) {
      let place = into.message(Tag.IntoClause.rel).map { range($0.int(Tag.RangeVar.location)) } ?? .unknown
      throw unsupported("SELECT INTO here", place, hint: "Use CREATE TABLE ... AS SELECT.")
    }
    let with = try withClause(message.message(Tag.SelectStmt.withClause))
    let body = try queryBody(message)
    let orderBy = try each(message.messages(Tag.SelectStmt.sortClause), sortItem)
    let limit = try optionalExpression(message.message(Tag.SelectStmt.limitCount))
    let offset = try optionalExpression(message.message(Tag.SelectStmt.limitOffset))
    let locking = try each(message.messages(Tag.SelectStmt.lockingClause), lockingClause)
    return Query(
      with: with, body: body, orderBy: orderBy, limit: limit.flatMap(withoutNull),
      withTies: message.int(Tag.SelectStmt.limitOption) == 3, offset: offset.flatMap(withoutNull), locking: locking,
      range: range(of: body))
  }

  /// `LIMIT ALL` and `LIMIT NULL` are no limit.
  private func withoutNull(_ value: Expression) -> Expression? {
    if case .literal(.null) = value.node { return nil }
    return value
  }

  private func range(of body: QueryBody) -> SourceRange {
    switch body {
    case .select(let select):
      guard let first = select.items.first, let last = select.items.last else { return .unknown }
      return first.range.union(last.value.range)
    case .values(let rows): return rows.first?.first?.range ?? .unknown
    case .setOperation(let operation): return operation.left.range
    }
  }

  private func queryBody(_ message: WireMessage) throws(PulsehouseError) -> QueryBody {
    switch SetOperationCode(rawValue: message.int(Tag.SelectStmt.op)) {
    case .union: return try setOperation(.union, message)
    case .intersect: return try setOperation(.intersect, message)
    case .except: return try setOperation(.except, message)
    case .some(.none), nil: break
    }
    let rows = message.messages(Tag.SelectStmt.valuesLists)
    guard rows.isEmpty else {
      var values: [[Expression]] = []
      values.reserveCapacity(rows.count)
      for row in rows { values.append(try expressions(items(row))) }
      return .values(values)
    }
    return .select(try select(message))
  }

  private func setOperation(
    _ kind: SetOperation.Kind, _ message: WireMessage
  ) throws(PulsehouseError) -> QueryBody {
    // A chain of one operation is as long as it likes: it nests by its left side, which is followed without recursion.
    let code = message.int(Tag.SelectStmt.op)
    let isAll = message.bool(Tag.SelectStmt.all)
    var chain = [message]
    var left = try required(message.message(Tag.SelectStmt.larg), "a set operation")
    while left.int(Tag.SelectStmt.op) == code, left.bool(Tag.SelectStmt.all) == isAll, isPlain(left) {
      chain.append(left)
      if chain.count > Translator.maximumChain {
        throw SyntaxFailure.tooDeep(
          statementRange, detail: "A chain of set operations joins more than \(Translator.maximumChain) queries.")
      }
      left = try required(left.message(Tag.SelectStmt.larg), "a set operation")
    }
    var result = try query(left)
    for part in chain.reversed() {
      let right = try query(try required(part.message(Tag.SelectStmt.rarg), "a set operation"))
      let body = QueryBody.setOperation(SetOperation(kind: kind, isAll: isAll, left: result, right: right))
      result = Query(
        with: nil, body: body, orderBy: [], limit: nil, withTies: false, offset: nil, locking: [], range: result.range)
    }
    return result.body
  }

  /// True for a query without clauses of its own around its body.
  private func isPlain(_ message: WireMessage) -> Bool {
    message.message(Tag.SelectStmt.withClause) == nil && message.messages(Tag.SelectStmt.sortClause).isEmpty
      && message.message(Tag.SelectStmt.limitCount) == nil && message.message(Tag.SelectStmt.limitOffset) == nil
      && message.messages(Tag.SelectStmt.lockingClause).isEmpty && message.message(Tag.SelectStmt.intoClause) == nil
  }

  private func select(_ message: WireMessage) throws(PulsehouseError) -> Select {
    let items = try each(message.messages(Tag.SelectStmt.targetList), selectItem)
    let from = try each(message.messages(Tag.SelectStmt.fromClause), tableReference)
    let predicate = try optionalExpression(message.message(Tag.SelectStmt.whereClause))
    let groupBy = try each(message.messages(Tag.SelectStmt.groupClause), groupingElement)
    let having = try optionalExpression(message.message(Tag.SelectStmt.havingClause))
    let windows = try each(message.messages(Tag.SelectStmt.windowClause), namedWindow)
    return Select(
      distinct: try distinct(message.messages(Tag.SelectStmt.distinctClause)), items: items, from: from,
      predicate: predicate, groupBy: groupBy, isGroupByDistinct: message.bool(Tag.SelectStmt.groupDistinct),
      having: having, windows: windows)
  }

  /// A plain DISTINCT arrives as a list of one empty node.
  private func distinct(_ nodes: [WireMessage]) throws(PulsehouseError) -> Distinct {
    if nodes.isEmpty { return .none }
    if nodes.count == 1, nodes[0].choice == nil { return .all }
    return .on(try expressions(nodes))
  }

  func selectItem(_ node: WireMessage) throws(PulsehouseError) -> SelectItem {
    guard let (kind, message) = node.choice, kind == Tag.Node.resTarget else {
      throw unsupported("this form of select list")
    }
    let value = try required(try optionalExpression(message.message(Tag.ResTarget.val)), "a select list")
    return SelectItem(
      value: value, alias: message.string(Tag.ResTarget.name), range: range(message.int(Tag.ResTarget.location)))
  }

  private func groupingElement(_ node: WireMessage) throws(PulsehouseError) -> GroupingElement {
    guard let (kind, message) = node.choice, kind == Tag.Node.groupingSet else {
      return .expression(try expression(node))
    }
    try enter()
    defer { leave() }
    let place = range(message.int(Tag.GroupingSet.location))
    let content = message.messages(Tag.GroupingSet.content)
    switch GroupingSetCode(rawValue: message.int(Tag.GroupingSet.kind)) {
    case .empty: return .empty(place)
    case .rollup: return .rollup(try each(content, groupingElement), place)
    case .cube: return .cube(try each(content, groupingElement), place)
    case .sets: return .sets(try each(content, groupingElement), place)
    case .simple, nil: throw unsupported("this form of GROUP BY", place)
    }
  }

  private func namedWindow(_ node: WireMessage) throws(PulsehouseError) -> NamedWindow {
    guard let (kind, message) = node.choice, kind == Tag.Node.windowDef else {
      throw unsupported("this form of WINDOW")
    }
    return NamedWindow(
      name: message.string(Tag.WindowDef.name) ?? "", window: try windowSpecification(message))
  }

  private func lockingClause(_ node: WireMessage) throws(PulsehouseError) -> LockingClause {
    guard let (kind, message) = node.choice, kind == Tag.Node.lockingClause else {
      throw unsupported("this form of row locking")
    }
    let strengths: [LockingClause.Strength] = [.keyShare, .share, .noKeyUpdate, .update]
    let code = message.int(Tag.LockingClause.strength) - 2
    guard strengths.indices.contains(code) else { throw unsupported("this form of row locking") }
    var tables: [QualifiedName] = []
    for node in message.messages(Tag.LockingClause.lockedRels) {
      if let (kind, table) = node.choice, kind == Tag.Node.rangeVar { tables.append(qualifiedName(table)) }
    }
    return LockingClause(strength: strengths[code], tables: tables)
  }

  func withClause(_ message: WireMessage?) throws(PulsehouseError) -> WithClause? {
    guard let message else { return nil }
    let tables = try each(message.messages(Tag.WithClause.ctes), commonTable)
    return WithClause(
      isRecursive: message.bool(Tag.WithClause.recursive), tables: tables,
      range: range(message.int(Tag.WithClause.location)))
  }

  private func commonTable(_ node: WireMessage) throws(PulsehouseError) -> CommonTable {
    guard let (kind, message) = node.choice, kind == Tag.Node.commonTableExpr else {
      throw unsupported("this form of WITH")
    }
    let place = range(message.int(Tag.CommonTableExpr.location))
    let statement = try required(message.message(Tag.CommonTableExpr.ctequery), "WITH")
    let materializations: [Int: CommonTable.Materialization] = [2: .always, 3: .never]
    return CommonTable(
      name: message.string(Tag.CommonTableExpr.ctename) ?? "",
      columns: names(message.messages(Tag.CommonTableExpr.aliascolnames)),
      materialization: materializations[message.int(Tag.CommonTableExpr.ctematerialized)] ?? .automatic,
      search: message.message(Tag.CommonTableExpr.searchClause).map(searchClause),
      cycle: try cycleClause(message.message(Tag.CommonTableExpr.cycleClause)),
      statement: try self.statement(statement), range: place)
  }

  private func searchClause(_ message: WireMessage) -> SearchClause {
    SearchClause(
      columns: names(message.messages(Tag.CTESearchClause.searchColList)),
      isBreadthFirst: message.bool(Tag.CTESearchClause.searchBreadthFirst),
      sequenceColumn: message.string(Tag.CTESearchClause.searchSeqColumn) ?? "",
      range: range(message.int(Tag.CTESearchClause.location)))
  }

  private func cycleClause(_ message: WireMessage?) throws(PulsehouseError) -> CycleClause? {
    guard let message else { return nil }
    return CycleClause(
      columns: names(message.messages(Tag.CTECycleClause.cycleColList)),
      markColumn: message.string(Tag.CTECycleClause.cycleMarkColumn) ?? "",
      mark: try required(try optionalExpression(message.message(Tag.CTECycleClause.cycleMarkValue)), "CYCLE"),
      noMark: try required(try optionalExpression(message.message(Tag.CTECycleClause.cycleMarkDefault)), "CYCLE"),
      pathColumn: message.string(Tag.CTECycleClause.cyclePathColumn) ?? "",
      range: range(message.int(Tag.CTECycleClause.location)))
  }

  // FROM

  func tableReference(_ node: WireMessage) throws(PulsehouseError) -> TableReference {
    guard let (kind, message) = node.choice else { throw unsupported("this form of FROM") }
    switch kind {
    case Tag.Node.rangeVar: return .table(namedTable(message))
    case Tag.Node.joinExpr: return .join(try join(message))
    case Tag.Node.rangeSubselect: return .subquery(try derivedTable(message))
    case Tag.Node.rangeFunction: return .function(try tableFunction(message))
    case Tag.Node.rangeTableSample:
      let place = range(message.int(Tag.RangeTableSample.location))
      let relation = try required(message.message(Tag.RangeTableSample.relation), "TABLESAMPLE")
      guard let (kind, table) = relation.choice, kind == Tag.Node.rangeVar else {
        throw unsupported("TABLESAMPLE of anything but a table", place)
      }
      var named = namedTable(table)
      named.sample = TableSample(
        method: names(message.messages(Tag.RangeTableSample.method)),
        arguments: try expressions(message.messages(Tag.RangeTableSample.args)),
        seed: try optionalExpression(message.message(Tag.RangeTableSample.repeatable)), range: place)
      return .table(named)
    case Tag.Node.rangeTableFunc: throw unsupported("XMLTABLE")
    default: throw unsupported("this form of FROM")
    }
  }

  func qualifiedName(_ message: WireMessage) -> QualifiedName {
    let catalog = message.string(Tag.RangeVar.catalogname)
    let schema = message.string(Tag.RangeVar.schemaname)
    let parts = 1 + (catalog == nil ? 0 : 1) + (schema == nil ? 0 : 1)
    return QualifiedName(
      catalog: catalog, schema: schema, name: message.string(Tag.RangeVar.relname) ?? "",
      range: pathRange(message.int(Tag.RangeVar.location), parts: parts))
  }

  func namedTable(_ message: WireMessage) -> NamedTable {
    NamedTable(
      name: qualifiedName(message), isOnly: !message.bool(Tag.RangeVar.inh),
      alias: tableAlias(message.message(Tag.RangeVar.alias)), sample: nil)
  }

  func tableAlias(_ message: WireMessage?) -> TableAlias? {
    guard let message, let name = message.string(Tag.Alias.aliasname) else { return nil }
    return TableAlias(name: name, columns: names(message.messages(Tag.Alias.colnames)))
  }

  private func join(_ message: WireMessage) throws(PulsehouseError) -> Join {
    try enter(Translator.queryLevels)
    defer { leave(Translator.queryLevels) }
    let left = try tableReference(try required(message.message(Tag.JoinExpr.larg), "a join"))
    let right = try tableReference(try required(message.message(Tag.JoinExpr.rarg), "a join"))
    let kind: Join.Kind
    switch JoinCode(rawValue: message.int(Tag.JoinExpr.jointype)) {
    case .inner: kind = .inner
    case .left: kind = .left
    case .right: kind = .right
    case .full: kind = .full
    case nil: throw unsupported("this kind of join", right.range)
    }
    let using = names(message.messages(Tag.JoinExpr.usingClause))
    let condition: Join.Condition
    if message.bool(Tag.JoinExpr.isNatural) {
      condition = .natural
    } else if !using.isEmpty {
      let alias = message.message(Tag.JoinExpr.joinUsingAlias)?.string(Tag.Alias.aliasname)
      condition = .using(using, alias: alias)
    } else if let predicate = try optionalExpression(message.message(Tag.JoinExpr.quals)) {
      condition = .on(predicate)
    } else {
      condition = .none
    }
    return Join(
      kind: kind, left: left, right: right, condition: condition,
      alias: tableAlias(message.message(Tag.JoinExpr.alias)), range: right.range)
  }

  private func derivedTable(_ message: WireMessage) throws(PulsehouseError) -> DerivedTable {
    let query = try subquery(message.message(Tag.RangeSubselect.subquery), .unknown)
    let alias = tableAlias(message.message(Tag.RangeSubselect.alias))
    guard alias != nil else {
      throw PulsehouseError(
        .user, "subquery in FROM must have an alias", sqlState: "42601",
        hint: "For example, FROM (SELECT ...) [AS] foo.", range: query.range.bytes ?? statementRange.bytes)
    }
    return DerivedTable(
      query: query, isLateral: message.bool(Tag.RangeSubselect.lateral), alias: alias, range: query.range)
  }

  private func tableFunction(_ message: WireMessage) throws(PulsehouseError) -> TableFunction {
    var functions: [TableFunction.Item] = []
    for node in message.messages(Tag.RangeFunction.functions) {
      // Each is a pair: the call, and its column definitions or an empty node.
      let pair = items(node)
      guard let first = pair.first else { continue }
      var columns: [ColumnDefinition] = []
      if pair.count > 1, pair[1].choice != nil { columns = try each(items(pair[1]), columnDefinition) }
      functions.append(TableFunction.Item(call: try expression(first), columns: columns))
    }
    return TableFunction(
      items: functions, isRowsFrom: message.bool(Tag.RangeFunction.isRowsfrom),
      hasOrdinality: message.bool(Tag.RangeFunction.ordinality), isLateral: message.bool(Tag.RangeFunction.lateral),
      alias: tableAlias(message.message(Tag.RangeFunction.alias)),
      columns: try each(message.messages(Tag.RangeFunction.coldeflist), columnDefinition),
      range: functions.first?.call.range ?? .unknown)
  }
}

extension TableReference {
  /// The place of its name, call or query.
  package var range: SourceRange {
    switch self {
    case .table(let table): table.name.range
    case .subquery(let derived): derived.range
    case .function(let function): function.range
    case .join(let join): join.range
    }
  }
}
