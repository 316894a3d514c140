import Bytes
import SQLSyntax
import Vectors

extension Binder {
  /// Binds a query with what stands around it. Literals of unknown type in its columns become text, unless
  /// `keepsUnknown` leaves that to whoever knows better (UNION, INSERT).
  func bindQuery(_ query: Query, parent: Scope?, keepsUnknown: Bool = false) throws -> BoundQuery {
    try nested(query.range) {
      if !query.locking.isEmpty { try lock(query) }
      let scope = Scope(parent: parent)
      if let with = query.with { try bindCommonTables(with, scope) }
      var bound: BoundQuery
      switch query.body {
      case .select(let select): bound = try bindSelect(select, query, scope)
      case .values(let rows):
        bound = try bindValues(rows, scope, query.range)
        bound = try finish(bound, query, scope)
      case .setOperation(let operation):
        bound = try bindSetOperation(operation, scope, query.range)
        bound = try finish(bound, query, scope)
      }
      if !keepsUnknown {
        for (index, column) in bound.columns.enumerated() where column.type == .unknown {
          bound.plan = try retype(bound.plan, index, to: .text, query.range)
        }
      }
      inlineCommonTables(scope, &bound.plan)
      return bound
    }
  }

  /// Notes the tables of `FOR UPDATE` and its kin.
  private func lock(_ query: Query) throws {
    let words = [
      LockingClause.Strength.keyShare: "FOR KEY SHARE", .share: "FOR SHARE", .noKeyUpdate: "FOR NO KEY UPDATE",
      .update: "FOR UPDATE",
    ]
    let clause = query.locking.first.flatMap { words[$0.strength] } ?? "FOR UPDATE"
    func refuse(_ what: String) -> PulsehouseError {
      BinderError.user("0A000", "\(clause) is not allowed with \(what)", query.range)
    }
    guard case .select(let select) = query.body else {
      if case .values = query.body {
        throw BinderError.user("0A000", "\(clause) cannot be applied to VALUES", query.range)
      }
      throw refuse("UNION/INTERSECT/EXCEPT")
    }
    if case .none = select.distinct {} else { throw refuse("DISTINCT clause") }
    if !select.groupBy.isEmpty { throw refuse("GROUP BY clause") }
    if select.having != nil { throw refuse("HAVING clause") }
    var parts = select.items.map(\.value)
    while let part = parts.popLast() {
      parts += part.children
      guard case .call(let call) = part.node, let name = call.builtInName else { continue }
      if call.over != nil { throw refuse("window functions") }
      if call.isStar || !AggregateSignatures.named(name).isEmpty { throw refuse("aggregate functions") }
      if SetFunctionNames.contains(name) { throw refuse("set-returning functions in the target list") }
    }
    var tables: [(name: String, table: QualifiedName)] = []
    var pending = select.from
    while let next = pending.popLast() {
      switch next {
      case .table(let named): tables.append((named.alias?.name ?? named.name.name, named.name))
      case .join(let join): pending += [join.left, join.right]
      case .subquery, .function: break
      }
    }
    for clause in query.locking {
      for name in clause.tables where !tables.contains(where: { $0.name == name.name }) {
        throw BinderError.user(
          "42P01", "relation \"\(name.name)\" in FOR UPDATE clause not found in FROM clause", name.range)
      }
      for (name, table) in tables
      where clause.tables.isEmpty || clause.tables.contains(where: { $0.name == name }) {
        if case .table(let found)? = try names.relation(schema: table.schema, name: table.name) {
          lockedTables.append(found.reference)
        }
      }
    }
  }

  // MARK: WITH

  func bindCommonTables(_ with: WithClause, _ scope: Scope) throws {
    for table in with.tables {
      if scope.commonTables[table.name] != nil {
        throw BinderError.user(
          "42712", "WITH query name \"\(table.name)\" specified more than once", table.range)
      }
      guard case .query(let query) = table.statement, !with.changesRows else {
        try bindChange(table, with, scope)
        continue
      }
      if !with.isRecursive { try refuseMarks(table) }
      var bound = try with.isRecursive ? bindRecursive(query, table, scope) : bindQuery(query, parent: scope)
      if table.columns.count > bound.names.count {
        throw BinderError.user(
          "42P10",
          "WITH query \"\(table.name)\" has \(bound.names.count) columns available but \(table.columns.count) columns specified",
          table.range)
      }
      for (index, name) in table.columns.enumerated() { bound.names[index] = name }
      scope.commonTables[table.name] = .bound(
        shared(bound.plan, isForced: table.materialization == .always), names: bound.names,
        isInlined: table.materialization == .never, shown: bound.shown)
    }
  }

  /// A statement of a WITH in which one changes rows: it runs before the statement around it, once, and what it returns
  /// is read as a table. All of them see the state before.
  private func bindChange(_ table: CommonTable, _ with: WithClause, _ scope: Scope) throws {
    guard scope.parent == nil else {
      throw BinderError.user(
        "0A000", "WITH clause containing a data-modifying statement must be at the top level", table.range)
    }
    if with.isRecursive {
      throw BinderError.unsupported("WITH RECURSIVE beside a data-modifying statement", table.range)
    }
    let planned: PlannedStatement
    let known = subqueries
    outerWith.append(scope)
    defer { outerWith.removeLast() }
    switch table.statement {
    case .query(let query):
      let bound = try bindQuery(query, parent: scope)
      planned = .query(try physical(bound.plan, bound.names))
    case .insert(let insert): planned = try self.insert(insert, table.range)
    case .update(let update): planned = .update(try self.update(update, table.range))
    case .delete(let delete): planned = .delete(try self.delete(delete, table.range))
    default: throw BinderError.unsupported("this statement in WITH", table.range)
    }
    subqueries = known
    var fields = planned.returnedFields
    if table.columns.count > fields.count {
      throw BinderError.user(
        "42P10",
        "WITH query \"\(table.name)\" has \(fields.count) columns available but \(table.columns.count) columns specified",
        table.range)
    }
    for (index, name) in table.columns.enumerated() { fields[index].name = name }
    if let changed = planned.changedTable,
      changes.contains(where: { $0.statement.rewrites(changed) }), planned.rewrites(changed)
    {
      throw BinderError.unsupported("two statements in WITH that change rows of one table", table.range)
    }
    let rows = try planner.schema.pendingTable(table.name, fields)
    changes.append((planned, rows))
    guard !fields.isEmpty else {
      scope.commonTables[table.name] = .withoutRows
      return
    }
    scope.commonTables[table.name] = .bound(
      shared(scan(rows), isForced: false), names: fields.map(\.name), isInlined: true, shown: [:])
  }

  /// A WITH query that is read once stands where it is read.
  func inlineCommonTables(_ scope: Scope, _ plan: inout LogicalPlan) {
    guard !scope.commonTables.isEmpty else { return }
    var own: Set<Int> = []
    var always: Set<Int> = []
    for case .bound(let shared, _, let isInlined, _) in scope.commonTables.values {
      own.insert(shared.id)
      if isInlined { always.insert(shared.id) }
    }
    // Scalar subqueries read WITH queries too.
    let plans = SharedInlining(always: always, candidates: own).inline([plan] + subqueries)
    plan = plans[0]
    subqueries = Array(plans.dropFirst())
  }

  // MARK: ORDER BY and LIMIT around VALUES and set operations

  private func finish(_ bound: BoundQuery, _ query: Query, _ scope: Scope) throws -> BoundQuery {
    var result = bound
    if !query.orderBy.isEmpty {
      for (index, column) in result.columns.enumerated() where column.type == .unknown {
        result.plan = try retype(result.plan, index, to: .text, query.range)
      }
      let inner = Scope(parent: scope)
      inner.visible = zip(result.names, result.columns).map {
        VisibleColumn(name: $0, relation: nil, expression: .column($1))
      }
      var keys: [SortKey] = []
      for item in query.orderBy {
        if let index = try ordinal(item.value, result.columns.count, "ORDER BY") {
          try requireOrder(result.columns[index].type, item.value.range)
          keys.append(sortKey(.column(result.columns[index]), item))
          continue
        }
        guard case .column(let path) = item.value.node, path.count == 1, result.names.contains(path[0]) else {
          if case .setOperation = query.body {
            if case .column(let path) = item.value.node, path.count == 1 {
              throw BinderError.user("42703", "column \"\(path[0])\" does not exist", item.value.range)
            }
            throw BinderError.user(
              "0A000", "invalid UNION/INTERSECT/EXCEPT ORDER BY clause", item.value.range,
              detail: "Only result column names can be used, not expressions or functions.",
              hint: "Add the expression/function to every SELECT, or move the UNION into a FROM clause.")
          }
          keys.append(try bindSortItem(item, Stage(inner, "ORDER BY")))
          continue
        }
        keys.append(try bindSortItem(item, Stage(inner, "ORDER BY")))
      }
      result.plan = .sort(keys, result.plan)
    }
    result.plan = try limit(result.plan, query, scope)
    return result
  }

  /// `rows` is what FROM has, which LIMIT must not name.
  func limit(_ plan: LogicalPlan, _ query: Query, _ scope: Scope, rows: Scope? = nil) throws -> LogicalPlan {
    if query.limit == nil, query.offset == nil { return plan }
    func count(_ syntax: Syntax.Expression, _ name: String) throws -> Expression {
      let stage = Stage(scope, name)
      if case .column(let path) = syntax.node, rows?.level(of: path) == 0 {
        throw BinderError.user("42P10", "argument of \(name) must not contain variables", syntax.range)
      }
      let value = try coerceCount(try bind(syntax, stage), name, syntax.range)
      if !stage.attachments.isEmpty {
        throw BinderError.unsupported("a correlated subquery in \(name)", syntax.range)
      }
      if value.isConstant, case .integer(let number) = try evaluate(value, syntax.range) {
        if number < 0 {
          throw BinderError.user(
            name == "LIMIT" ? "2201W" : "2201X", "\(name) must not be negative", syntax.range)
        }
        return .bigint(number)
      }
      return value
    }
    if query.withTies, query.orderBy.isEmpty {
      throw BinderError.user("42601", "WITH TIES cannot be specified without ORDER BY clause", query.range)
    }
    return .limit(
      count: try query.limit.map { try count($0, "LIMIT") }, offset: try query.offset.map { try count($0, "OFFSET") },
      withTies: query.withTies, plan)
  }

  /// The output column that a bare number names (from 0); nil for any other expression.
  func ordinal(_ syntax: Syntax.Expression, _ count: Int, _ clause: String) throws -> Int? {
    guard case .literal(let literal) = syntax.node else { return nil }
    guard case .integer(let position) = literal else {
      throw BinderError.user("42601", "non-integer constant in \(clause)", syntax.range)
    }
    guard position >= 1, position <= count else {
      throw BinderError.user("42P10", "\(clause) position \(position) is not in select list", syntax.range)
    }
    return Int(position) - 1
  }

  // MARK: VALUES

  func bindValues(_ rows: [[Syntax.Expression]], _ scope: Scope, _ range: SourceRange) throws -> BoundQuery {
    guard let width = rows.first?.count else { throw BinderError.user("42601", "VALUES needs a row", range) }
    var bound: [[Expression]] = []
    var attachments: [[Attachment]] = []
    for row in rows {
      guard row.count == width else {
        throw BinderError.user(
          "42601", "VALUES lists must all be the same length", row.first?.range ?? range)
      }
      let stage = Stage(scope, "VALUES")
      bound.append(try row.map { try bind($0, stage) })
      attachments.append(stage.attachments)
    }
    var columns: [Column] = []
    for index in 0..<width {
      let types = zip(bound, rows).map { ($0[index].type, $1[index].range) }
      let isUnknown = types.allSatisfy { $0.0 == .unknown }
      if !isUnknown {
        let type = try commonType(types, "VALUES")
        for row in bound.indices { bound[row][index] = try coerce(bound[row][index], to: type, rows[row][index].range) }
      }
      let isNullable = bound.contains { $0[index].isNullable }
      columns.append(column("column\(index + 1)", isUnknown ? .unknown : bound[0][index].type, isNullable: isNullable))
    }
    if attachments.allSatisfy(\.isEmpty) {
      return BoundQuery(plan: .values(bound, columns), names: columns.map(\.name))
    }
    // Subqueries are joined to their own row.
    let rows = zip(bound, attachments).map { row, attachments in
      let own = columns.map { column($0.name, $0.type, isNullable: $0.isNullable) }
      return LogicalPlan.project(
        zip(row, own).map { Projection($0, as: $1) }, attach(attachments, to: .values([[]], [])))
    }
    return BoundQuery(plan: .concatenate(rows, columns), names: columns.map(\.name))
  }

  // MARK: Set operations

  private func bindSetOperation(
    _ operation: Syntax.SetOperation, _ scope: Scope, _ range: SourceRange
  ) throws -> BoundQuery {
    // A chain of one operation is flattened, so that its length is not a depth.
    var operands = [operation.right]
    var leftmost = operation.left
    let isChain = operation.kind == .union
    while isChain, case .setOperation(let next) = leftmost.body, next.kind == .union, next.isAll == operation.isAll,
      leftmost.with == nil, leftmost.orderBy.isEmpty, leftmost.limit == nil, leftmost.offset == nil
    {
      operands.append(next.right)
      leftmost = next.left
    }
    operands.append(leftmost)
    operands.reverse()
    let name = operation.kind.rawValue.uppercased()
    var branches = try operands.map { try bindQuery($0, parent: scope, keepsUnknown: true) }
    let width = branches[0].columns.count
    for (branch, syntax) in zip(branches, operands) where branch.columns.count != width {
      throw BinderError.user("42601", "each \(name) query must have the same number of columns", syntax.range)
    }
    var columns: [Column] = []
    for index in 0..<width {
      // A chain is typed pair by pair: a literal has the type of the first pair it stands in.
      var type = branches[0].columns[index].type
      for branch in branches.indices.dropFirst() {
        let own = branches[branch].columns[index].type
        let common = try commonType([(type, operands[branch - 1].range), (own, operands[branch].range)], name)
        for side in branch == 1 ? [0, 1] : [branch] where branches[side].columns[index].type == .unknown {
          branches[side].plan = try retype(branches[side].plan, index, to: common, operands[side].range)
        }
        type = common
      }
      for branch in branches.indices where branches[branch].columns[index].type != type {
        branches[branch].plan = try retype(branches[branch].plan, index, to: type, operands[branch].range)
      }
      let isNullable = branches.contains { $0.columns[index].isNullable }
      columns.append(column(branches[0].names[index], type, isNullable: isNullable))
    }
    let plan: LogicalPlan
    switch operation.kind {
    case .union:
      let all = LogicalPlan.concatenate(branches.map(\.plan), columns)
      plan = operation.isAll ? all : try distinct(all, range)
    case .intersect, .except:
      for column in columns { try requireEquality(column.type, range) }
      plan = .setOperation(
        operation.kind == .intersect ? .intersect : .except, all: operation.isAll, branches[0].plan,
        branches[1].plan, columns)
    }
    return BoundQuery(plan: plan, names: branches[0].names)
  }

  /// The rows of `plan`, each once.
  func distinct(_ plan: LogicalPlan, _ range: SourceRange) throws -> LogicalPlan {
    for column in plan.output { try requireEquality(column.type, range) }
    if plan.output.isEmpty { return .limit(count: .bigint(1), offset: nil, withTies: false, plan) }
    return .aggregate(LogicalAggregate(keys: plan.output.map { Projection($0) }, aggregates: []), plan)
  }

  /// Gives column `index` of a plan another type. A literal of unknown type is read as that type.
  func retype(_ plan: LogicalPlan, _ index: Int, to type: LogicalType, _ range: SourceRange) throws -> LogicalPlan {
    let old = plan.output[index]
    switch plan {
    case .project(var projections, let input) where old.type == .unknown:
      let value = try resolveUnknown(projections[index].expression, to: type, range)
      projections[index] = Projection(
        value, as: Column(id: old.id, name: old.name, type: type, isNullable: old.isNullable))
      return .project(projections, input)
    case .values(var rows, var columns) where old.type == .unknown:
      for row in rows.indices { rows[row][index] = try resolveUnknown(rows[row][index], to: type, range) }
      columns[index] = Column(id: old.id, name: old.name, type: type, isNullable: old.isNullable)
      return .values(rows, columns)
    case .limit(let count, let offset, let withTies, let input) where old.type == .unknown:
      return .limit(
        count: count, offset: offset, withTies: withTies, try retype(input, index, to: type, range))
    default:
      var projections = plan.output.map { Projection($0) }
      let value = try explicitCast(.column(old), to: type, range)
      if value == .column(old) { return plan }
      projections[index] = Projection(value, as: column(old.name, type, isNullable: old.isNullable))
      return .project(projections, plan)
    }
  }
}
