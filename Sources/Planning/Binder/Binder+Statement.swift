import Bytes
import SQLSyntax
import Vectors

extension Binder {
  func statement(_ node: StatementNode, _ range: SourceRange) throws -> PlannedStatement {
    let known = changes.count
    let planned = try plainStatement(node, range)
    guard changes.count > known else { return planned }
    defer { changes.removeSubrange(known...) }
    if let changed = planned.changedTable, planned.rewrites(changed),
      changes[known...].contains(where: { $0.statement.rewrites(changed) })
    {
      throw BinderError.unsupported("two statements that change rows of one table, one of them in WITH", range)
    }
    return .withChanges(Array(changes[known...]), then: planned)
  }

  private func plainStatement(_ node: StatementNode, _ range: SourceRange) throws -> PlannedStatement {
    switch node {
    case .query(let query):
      if let setting = try settingCall(query) { return setting }
      let bound = try bindQuery(query, parent: nil)
      let plan = PlannedStatement.query(try physical(bound.plan, bound.names))
      return lockedTables.isEmpty ? plan : .locking(lockedTables, then: plan)
    case .insert(let insert): return try self.insert(insert, range)
    case .update(let update): return .update(try self.update(update, range))
    case .delete(let delete): return .delete(try self.delete(delete, range))
    case .merge(let merge): return .merge(try self.merge(merge, range))
    case .truncate(let truncate):
      let tables = try truncate.tables.map { name in
        try refuseMaterialized(try table(name, "truncate"), name.range)
      }
      return .truncate(tables, restartsIdentity: truncate.restartsIdentity)
    case .copy(let copy): return try self.copy(copy, range)
    case .createTable(let create): return .createTable(try createTable(create, range))
    case .createTableAs(let create): return try createTableAs(create, range)
    case .createView(let create): return .createView(try createView(create, range))
    case .createSchema(let create):
      return .createSchema(name: create.name, ifNotExists: create.ifNotExists, elements: create.elements)
    case .createSequence(let create):
      return .createSequence(
        SequenceRequest(use: .none, type: .bigint, options: create.options), name: create.name,
        isTemporary: create.persistence == .temporary, ifNotExists: create.ifNotExists)
    case .alterSequence(let alter): return .alterSequence(alter)
    case .refresh(let name, let withData): return .refresh(name, withData: withData)
    case .createIndex(let create): return .createIndex(try createIndex(create, range))
    case .comment(let comment): return .comment(comment)
    case .type(let statement): return .type(try change(statement, range))
    case .drop(let drop):
      return .drop(
        Drop(kind: drop.kind, names: drop.names, ifExists: drop.ifExists, isCascade: drop.isCascade))
    case .alterTable(let alter): return .alterTable(try self.alter(alter, range))
    case .explain(let explain): return .explain(try self.explain(explain, range))
    case .transaction(let transaction): return .transaction(transaction)
    case .prepare(let prepare):
      _ = try planner.parameterTypes(of: prepare)
      return .prepare(prepare)
    case .execute(let execute):
      return .execute(name: execute.name, arguments: try arguments(of: execute))
    case .deallocate(let name): return .deallocate(name)
    case .lock(let names):
      return .lock(
        try names.map { name in
          guard case .table(let table) = try relation(name) else {
            throw BinderError.unsupported("LOCK TABLE of a view", name.range)
          }
          return table.reference
        })
    case .declareCursor(let declare):
      let known = changes.count
      let bound = try bindQuery(declare.query, parent: nil)
      guard changes.count == known else {
        throw BinderError.user(
          "0A000", "DECLARE CURSOR must not contain data-modifying statements in WITH", declare.query.range)
      }
      if declare.isHeld, !lockedTables.isEmpty {
        throw BinderError.user(
          "0A000", "DECLARE CURSOR WITH HOLD ... FOR UPDATE is not supported", declare.query.range,
          detail: "Holdable cursors must be READ ONLY.")
      }
      let query = PlannedStatement.query(try physical(bound.plan, bound.names))
      return .declareCursor(
        name: declare.name, scrolls: declare.scrolls, isHeld: declare.isHeld,
        lockedTables.isEmpty ? query : .locking(lockedTables, then: query))
    case .fetch(let fetch): return .fetch(fetch)
    case .closeCursor(let name): return .closeCursor(name)
    case .discard(let target): return .discard(target)
    case .maintenance(let verb, let tables):
      for name in tables { _ = try relation(name) }
      return .maintenance(verb)
    case .set(let set):
      return .set(name: set.name, values: try set.values?.map { try setting($0) }, isLocal: set.isLocal)
    case .show(let name): return .show(name)
    case .reset(let name): return .reset(name)
    }
  }

  /// The values and types that EXECUTE gives a prepared statement.
  func arguments(of execute: Execute) throws -> [(Scalar, LogicalType)] {
    try execute.arguments.map { syntax in
      let value = try bind(syntax, Stage(Scope(parent: nil), "EXECUTE"))
      return (try constant(value, syntax.range), value.type)
    }
  }

  /// Betters a bound plan and turns it, with the subqueries it needs, into operators.
  func physical(_ plan: LogicalPlan, _ names: [String]) throws -> PhysicalPlan {
    let optimizer = Optimizer(planner) { self.column($0, for: $1) }
    var physical = try optimizer.physical(plan, subqueries: subqueries, names: names)
    physical.isSerial = usesSequences
    return physical
  }

  func constant(_ expression: Expression, _ range: SourceRange) throws -> Scalar {
    if let value = expression.scalar { return value }
    guard expression.isConstant else {
      throw BinderError.user("42P10", "a constant is needed here", range)
    }
    return try evaluate(expression, range)
  }

  /// A value of SET: a bare word counts as text.
  private func setting(_ syntax: Syntax.Expression) throws -> Scalar {
    if case .column(let path) = syntax.node { return .text(path.joined(separator: ".")) }
    return try constant(try bind(syntax, Stage(Scope(parent: nil), "SET")), syntax.range)
  }

  /// `SELECT set_config(name, value, is_local)` of constants, by itself; nil for other queries, where the name is unknown.
  private func settingCall(_ query: Query) throws -> PlannedStatement? {
    guard let (call, column) = query.onlyCall, call.builtInName == "set_config", call.arguments.count == 3 else {
      return nil
    }
    let stage = Stage(Scope(parent: nil), "SELECT")
    let values = try zip(call.arguments, [LogicalType.text, .text, .boolean]).map { argument, type in
      try constant(
        try coerce(try bind(argument.value, stage), to: type, argument.value.range), argument.value.range)
    }
    guard case .text(let name) = values[0] else {
      throw BinderError.user("22004", "SET requires parameter name", query.range)
    }
    var texts: [Scalar]?
    if case .text(let value) = values[1] {
      // The one setting that is a list.
      let parts = name.lowercased() == "search_path" ? value.split(separator: ",").map(String.init) : [value]
      texts = parts.map { .text(String($0.drop { $0 == " " })) }
    }
    return .setConfig(name: name.lowercased(), values: texts, isLocal: values[2] == .boolean(true), column: column)
  }

  private func explain(_ explain: Explain, _ range: SourceRange) throws -> Explanation {
    var result = Explanation(
      isAnalyze: false, isVerbose: false, format: .text, statement: try statement(explain.statement, range))
    for option in explain.options {
      switch option.name {
      case "analyze": result.isAnalyze = option.isTrue
      case "verbose": result.isVerbose = option.isTrue
      case "costs", "timing", "summary", "buffers", "settings", "wal": break
      case "format":
        guard case .text(let name)? = option.value else { break }
        switch name.lowercased() {
        case "text": result.format = .text
        case "json": result.format = .json
        default: throw BinderError.unsupported("EXPLAIN (FORMAT \(name))", option.range)
        }
      default:
        throw BinderError.user("42601", "unrecognized EXPLAIN option \"\(option.name)\"", option.range)
      }
    }
    return result
  }
}

extension StatementOption {
  /// An option that is switched on: without a value, or by one that says so.
  var isTrue: Bool {
    switch value {
    case nil: true
    case .boolean(let value)?: value
    case .integer(let value)?: value != 0
    case .text(let text)?: ["true", "on", "yes", "1"].contains(text.lowercased())
    default: false
    }
  }
}

extension Query {
  /// The call that is all of `SELECT f(...)`, and its column's name.
  fileprivate var onlyCall: (call: FunctionCall, column: String)? {
    guard with == nil, orderBy.isEmpty, limit == nil, offset == nil, case .select(let select) = body,
      select.items.count == 1, select.from.isEmpty, select.predicate == nil, select.groupBy.isEmpty,
      select.having == nil, case .none = select.distinct, case .call(let call) = select.items[0].value.node
    else { return nil }
    return (call, select.items[0].columnName)
  }
}
