import Bytes
import SQLSyntax
import Vectors

extension Binder {
  /// Binds a FROM clause into `scope`; entries after the first may be LATERAL.
  func bindFrom(_ tables: [Syntax.TableReference], _ scope: Scope) throws -> LogicalPlan {
    var result: FromItem?
    for table in tables {
      guard let left = result else {
        result = try bindTable(table, scope, lateral: nil)
        continue
      }
      let right = try bindTable(table, scope, lateral: left)
      result = try combine(left, right, .inner, [])
    }
    guard let item = result else { return .values([[]], []) }
    scope.relations = item.relations
    scope.visible = item.visible
    return item.plan
  }

  private func combine(
    _ left: FromItem, _ right: FromItem, _ kind: JoinKind, _ conditions: [Expression]
  ) throws -> FromItem {
    try checkNames(left, right)
    return FromItem(
      plan: Decorrelation(self).join(kind, left.plan, right.plan, conditions),
      relations: left.relations + right.relations, visible: left.visible + right.visible)
  }

  private func checkNames(_ left: FromItem, _ right: FromItem) throws {
    for relation in right.relations
    where left.relations.contains(where: {
      $0.name == relation.name && ($0.schema == relation.schema || $0.schema == nil || relation.schema == nil)
    }) && !relation.name.isEmpty {
      throw BinderError.user("42712", "table name \"\(relation.name)\" specified more than once", .unknown)
    }
  }

  private func bindTable(
    _ table: Syntax.TableReference, _ scope: Scope, lateral: FromItem?
  ) throws -> FromItem {
    switch table {
    case .table(let named): return try bindNamedTable(named, scope)
    case .subquery(let derived):
      var parent = scope
      if derived.isLateral, let lateral { parent = lateralScope(lateral, scope) }
      // A subquery in FROM sees the enclosing queries' names, not its neighbours'.
      let outer = derived.isLateral ? parent : scope.parent
      let bound = try bindQuery(derived.query, parent: outer)
      return try alias(bound, derived.alias, derived.range)
    case .function(let function): return try bindTableFunction(function, scope, lateral: lateral)
    case .join(let join):
      return try nested(join.range) { try bindJoin(join, scope, lateral: lateral) }
    }
  }

  /// The names that a LATERAL entry sees: those before it, then the enclosing queries'.
  func lateralScope(_ left: FromItem, _ scope: Scope) -> Scope {
    let result = Scope(parent: scope.parent)
    result.relations = left.relations
    result.visible = left.visible
    return result
  }

  // MARK: Tables and views

  private func bindNamedTable(_ named: NamedTable, _ scope: Scope) throws -> FromItem {
    let name = named.name
    if name.schema == nil, name.catalog == nil, let table = scope.commonTable(name.name) {
      if let sample = named.sample {
        throw BinderError.user("42601", "TABLESAMPLE clause can only be applied to tables", sample.range)
      }
      switch table {
      case .withoutRows:
        throw BinderError.user(
          "0A000", "WITH query \"\(name.name)\" does not have a RETURNING clause", name.range)
      case .recursive:
        throw BinderError.user(
          "42P19",
          "recursive reference to query \"\(name.name)\" must not appear within its non-recursive term", name.range)
      case .working(let working):
        working.readerCount += 1
        scope.readsLastTurn = true
        if working.readerCount > 1 {
          throw BinderError.user(
            "42P19", "recursive reference to query \"\(name.name)\" must not appear more than once", name.range)
        }
        let columns = working.columns.map { column($0.name, $0.type, isNullable: $0.isNullable) }
        var found = try item(
          .working(working.id, columns), working.names, schema: nil, name: name.name, named.alias, name.range)
        found.mapColumns { index, column in column.isHidden = index >= working.visibleCount }
        return found
      case .bound(let shared, let names, _, let shown):
        let plan = read(shared)
        var found = try item(plan, names, schema: nil, name: name.name, named.alias, name.range)
        found.mapColumns { index, column in
          if let type = shown[index] { column.expression = column.expression.withoutOrder(type) }
        }
        return found
      }
    }
    switch try relation(name) {
    case .table(let table):
      var plan = scan(table)
      if let sample = named.sample { plan = try bindSample(sample, plan) }
      return try item(
        plan, table.fields.fields.map(\.name), schema: name.schema ?? table.reference.schema, name: name.name,
        named.alias, name.range)
    case .view(let view):
      if let sample = named.sample {
        throw BinderError.user("42601", "TABLESAMPLE clause can only be applied to tables", sample.range)
      }
      let bound = try bindView(view, name.range)
      return try item(
        bound.plan, bound.names, schema: name.schema ?? view.schema, name: name.name, named.alias, name.range)
    }
  }

  /// TABLESAMPLE: each row is kept with the given chance, whatever the method.
  private func bindSample(_ sample: TableSample, _ plan: LogicalPlan) throws -> LogicalPlan {
    let method = sample.method.last ?? ""
    guard method == "bernoulli" || method == "system" else {
      throw BinderError.user("42704", "tablesample method \(method) does not exist", sample.range)
    }
    guard sample.arguments.count == 1, let argument = sample.arguments.first else {
      throw BinderError.user("42601", "tablesample method \(method) requires 1 argument", sample.range)
    }
    let value = try bind(argument, Stage(Scope(parent: nil), "TABLESAMPLE"))
    guard value.isConstant else {
      throw BinderError.unsupported("a sample size that is not a constant", argument.range)
    }
    let percent = try explicitCast(value, to: .double, argument.range)
    guard case .double(let size) = try evaluate(percent, argument.range), size >= 0, size <= 100 else {
      throw BinderError.user("2202H", "sample percentage must be between 0 and 100", argument.range)
    }
    let share = Expression.constant(.double(size / 100), .double)
    guard let seed = sample.seed, case .scan(var scan) = plan else {
      return .filter([.compare(.less, .call(.random, [], .double), share)], plan)
    }
    // The same rows for the same seed, as long as the table stays the same: by where a row lies.
    let wanted = try explicitCast(try bind(seed, Stage(Scope(parent: nil), "REPEATABLE")), to: .double, seed.range)
    guard wanted.isConstant else { throw BinderError.unsupported("a seed that is not a constant", seed.range) }
    guard case .double(let number) = try evaluate(wanted, seed.range) else {
      throw BinderError.user("2202G", "TABLESAMPLE REPEATABLE parameter cannot be null", seed.range)
    }
    let place = column("row", .bigint, isNullable: false)
    let columns = scan.columns
    scan.columns.append(place)
    scan.sources.append(.rowIdentifier)
    let bits = Expression.constant(.integer(Int64(bitPattern: (number + 0).bitPattern)), .bigint)
    let chance = Expression.call(.sample, [.column(place), bits], .double)
    return .project(columns.map { Projection($0) }, .filter([.compare(.less, chance, share)], .scan(scan)))
  }

  func scan(_ table: TableDescription) -> LogicalPlan {
    let fields = table.fields.fields
    return .scan(
      LogicalScan(
        table: table, columns: fields.map { column($0.name, $0.type, isNullable: $0.isNullable) },
        sources: fields.indices.map { .field($0) }))
  }

  /// Looks a table or view up.
  ///
  /// - Throws: 42P01 with what was perhaps meant.
  func relation(_ name: QualifiedName) throws -> Relation {
    if let relation = try names.relation(schema: name.schema, name: name.name) { return relation }
    let shown = name.schema.map { "\($0).\(name.name)" } ?? name.name
    let known = names.relationNames()
    var near = Spelling.nearest(
      to: name.name, among: known.filter { name.schema == nil || $0.schema == name.schema }.map(\.name))
    if let match = known.first(where: { $0.name == near }), name.schema != nil {
      near = "\(match.schema).\(match.name)"
    }
    if near == nil, let match = known.first(where: { $0.name == name.name }) { near = "\(match.schema).\(match.name)" }
    throw BinderError.user(
      "42P01", "relation \"\(shown)\" does not exist", name.range,
      hint: near.map { "Perhaps you meant \"\($0)\"." })
  }

  /// Looks a table up to be changed.
  func table(_ name: QualifiedName, _ verb: String) throws -> TableDescription {
    switch try relation(name) {
    case .table(let table): return table
    case .view where verb == "merge into":
      throw BinderError.user(
        "0A000", "cannot execute MERGE on relation \"\(name.name)\"", name.range,
        detail: "This operation is not supported for views.")
    case .view: throw BinderError.user("42809", "cannot \(verb) view \"\(name.name)\"", name.range)
    }
  }

  func bindView(_ view: ViewDescription, _ range: SourceRange) throws -> BoundQuery {
    try within(view, range) { query in
      var bound = try bindQuery(query, parent: nil)
      if let names = view.columnNames {
        for (index, name) in names.enumerated() where index < bound.names.count { bound.names[index] = name }
      }
      return bound
    }
  }

  /// Binds something of a view's query, in which names stand for what they do there.
  func within<Bound>(_ view: ViewDescription, _ range: SourceRange, _ bind: (Query) throws -> Bound) throws -> Bound {
    let key = "\(view.schema).\(view.name)"
    if viewStack.contains(key) {
      throw BinderError.user("42P17", "infinite recursion detected in view \"\(view.name)\"", range)
    }
    if viewStack.count >= Binder.maximumViewDepth { throw BinderError.tooDeep(range) }
    viewStack.append(key)
    let outerNames = names
    names = view.names ?? names
    defer {
      viewStack.removeLast()
      names = outerNames
    }
    do {
      guard case .query(let query) = try PostgresParser.parseOne(view.query).node else {
        throw PulsehouseError(.internal, "the view \(key) is not a query")
      }
      return try bind(query)
    } catch var error as PulsehouseError {
      // The place is in the view's text, not in the statement's.
      error.range = range.bytes
      error.detail = error.detail ?? "This is about the query of view \"\(view.name)\"."
      throw error
    }
  }

  // MARK: Aliases

  private func alias(_ bound: BoundQuery, _ alias: TableAlias?, _ range: SourceRange) throws -> FromItem {
    try item(bound.plan, bound.names, schema: nil, name: "", alias, range)
  }

  func item(
    _ plan: LogicalPlan, _ names: [String], schema: String?, name: String, _ alias: TableAlias?, _ range: SourceRange,
    isScalar: Bool = false
  ) throws -> FromItem {
    let name = alias?.name ?? name
    var names = names
    if let columns = alias?.columns, !columns.isEmpty {
      if columns.count > names.count {
        throw BinderError.user(
          "42P10", "table \"\(name)\" has \(names.count) columns available but \(columns.count) columns specified",
          range)
      }
      for (index, column) in columns.enumerated() { names[index] = column }
    }
    let visible = zip(names, plan.output).map {
      VisibleColumn(name: $0, relation: name.isEmpty ? nil : name, expression: .column($1))
    }
    let relation = ScopeRelation(
      schema: alias == nil ? schema : nil, name: name, columns: visible, isScalar: isScalar)
    return FromItem(plan: plan, relations: [relation], visible: visible)
  }

  // MARK: Joins

  private func bindJoin(_ join: Syntax.Join, _ scope: Scope, lateral: FromItem?) throws -> FromItem {
    let left = try bindTable(join.left, scope, lateral: lateral)
    // Names to the left of the whole join come first for LATERAL within it.
    var seen = left
    if let lateral {
      seen.relations = lateral.relations + left.relations
      seen.visible = lateral.visible + left.visible
    }
    let right = try bindTable(join.right, scope, lateral: seen)
    try checkNames(left, right)
    let kind: JoinKind
    switch join.kind {
    case .inner: kind = .inner
    case .left: kind = .left
    case .right: kind = .right
    case .full: kind = .full
    }
    if kind == .right || kind == .full {
      let free = right.plan.freeColumns
      if !free.isDisjoint(with: left.plan.output) {
        throw BinderError.user(
          "42P10", "invalid reference to FROM-clause entry in a \(join.kind.rawValue.uppercased()) JOIN", join.range,
          detail: "The combining JOIN type must be INNER or LEFT for a LATERAL reference.")
      }
    }
    var (leftPlan, rightPlan) = (left.plan, right.plan)
    let leftRelations = kind == .right || kind == .full ? withPresence(left.relations, &leftPlan) : left.relations
    let rightRelations = kind == .left || kind == .full ? withPresence(right.relations, &rightPlan) : right.relations
    var result = FromItem(
      plan: left.plan, relations: leftRelations + rightRelations, visible: left.visible + right.visible)
    var conditions: [Expression] = []
    var merged: [VisibleColumn]?
    var stage: Stage?
    switch join.condition {
    case .none: break
    case .natural:
      let names = left.visible.map(\.name).filter { name in right.visible.contains { $0.name == name } }
      (conditions, merged) = try mergeColumns(names, left, right, kind, join.range)
    case .using(let names, let alias):
      (conditions, merged) = try mergeColumns(names, left, right, kind, join.range)
      if let alias, result.relations.contains(where: { $0.name == alias }) {
        throw BinderError.user("42712", "table name \"\(alias)\" specified more than once", .unknown)
      }
      if let alias, let merged {
        let columns = merged.prefix(names.count).map {
          VisibleColumn(name: $0.name, relation: alias, expression: $0.expression)
        }
        result.relations.append(ScopeRelation(schema: nil, name: alias, columns: columns))
      }
    case .on(let condition):
      let inner = Scope(parent: scope.parent)
      inner.relations = result.relations
      inner.visible = result.visible
      let own = Stage(inner, "JOIN conditions")
      own.nullIsFalse = kind == .inner
      conditions = try condition.conjuncts.flatMap { syntax -> [Expression] in
        own.nullIsFalse = kind == .inner
        return try bindCondition(syntax, own, "JOIN/ON").conjuncts
      }
      if !own.attachments.isEmpty {
        if kind == .inner { stage = own } else { attach(own, &leftPlan, &rightPlan) }
        if kind != .inner, !own.attachments.isEmpty {
          result.plan = OuterJoinByPairs(self).join(kind, leftPlan, rightPlan, conditions, own)
          result = nullExtended(result)
          return try join.alias.map { try aliasJoin(result, $0, join.range) } ?? result
        }
      }
    }
    if let stage {
      let product = Decorrelation(self).join(.inner, left.plan, right.plan, [])
      let complex = conditions.filter { condition in
        condition.reads(Set(stage.attachments.map(\.output)))
      }
      let simple = conditions.filter { !complex.contains($0) }
      result.plan = applyFilter(product, simple, complex, stage)
    } else {
      result.plan = Decorrelation(self).join(kind, leftPlan, rightPlan, conditions)
    }
    if let merged { result.visible = merged }
    result = nullExtended(result)
    if let alias = join.alias { return try aliasJoin(result, alias, join.range) }
    return result
  }

  /// Joins the subqueries of an outer join's condition to the side that they are about; leaves those about both.
  func attach(_ stage: Stage, _ left: inout LogicalPlan, _ right: inout LogicalPlan) {
    var rest: [Attachment] = []
    for attachment in stage.attachments {
      let own = Set(attachment.plan.output)
      var outside = attachment.plan.freeColumns
      for condition in attachment.conditions + attachment.guards { condition.collectColumns(into: &outside) }
      outside.subtract(own)
      if !outside.isDisjoint(with: rest.map(\.output)) {
        // Whether its value is asked for depends on one that is about both.
        rest.append(attachment)
      } else if outside.isDisjoint(with: left.output) {
        right = attach([attachment], to: right)
      } else if outside.isDisjoint(with: right.output) {
        left = attach([attachment], to: left)
      } else {
        rest.append(attachment)
      }
    }
    stage.attachments = rest
  }

  /// USING: the columns to compare, and what bare names mean afterwards.
  private func mergeColumns(
    _ names: [String], _ left: FromItem, _ right: FromItem, _ kind: JoinKind, _ range: SourceRange
  ) throws -> ([Expression], [VisibleColumn]) {
    func find(_ name: String, _ item: FromItem, _ side: String) throws -> VisibleColumn {
      let matches = item.visible.filter { $0.name == name }
      guard let match = matches.first else {
        throw BinderError.user(
          "42703", "column \"\(name)\" specified in USING clause does not exist in \(side) table", range,
          hint: Spelling.nearest(to: name, among: item.visible.map(\.name)).map {
            "Perhaps you meant the column \"\($0)\"."
          })
      }
      if matches.count > 1 {
        throw BinderError.user(
          "42702", "common column name \"\(name)\" appears more than once in \(side) table", range)
      }
      return match
    }
    var conditions: [Expression] = []
    var merged: [VisibleColumn] = []
    for name in names {
      let (a, b) = (try find(name, left, "left"), try find(name, right, "right"))
      let (x, y) = try unify(a.expression, b.expression, "=", range, leftRange: range, rightRange: range)
      conditions.append(.compare(.equal, x, y))
      let type = try commonType([(a.expression.type, range), (b.expression.type, range)], "JOIN/USING")
      let (l, r) = (try coerce(a.expression, to: type, range), try coerce(b.expression, to: type, range))
      let value: Expression =
        switch kind {
        case .right: r
        case .full: .coalesce([l, r], type)
        default: l
        }
      merged.append(VisibleColumn(name: name, relation: nil, expression: value))
    }
    let set = Set(names)
    return (
      conditions, merged + (left.visible + right.visible).filter { !set.contains($0.name) }
    )
  }

  /// Gives the relations of a side that rows may lack what tells where they do: the first column that is never NULL, or
  /// one made for it.
  private func withPresence(_ relations: [ScopeRelation], _ plan: inout LogicalPlan) -> [ScopeRelation] {
    var made: Expression?
    return relations.map { relation in
      if relation.presence != nil || relation.isScalar { return relation }
      var relation = relation
      let never = Set(plan.output.filter { !$0.isNullable })
      relation.presence =
        relation.columns.map(\.expression).first { expression in never.contains { expression == .column($0) } }
        ?? plan.output.first { !$0.isNullable }.map { .column($0) } ?? made
      if relation.presence == nil {
        let mark = column("present", .boolean, isNullable: false)
        plan = .project(plan.output.map { Projection($0) } + [Projection(.trueConstant, as: mark)], plan)
        made = .column(mark)
        relation.presence = made
      }
      return relation
    }
  }

  /// Lets the names of an outer join's sides say that they may be NULL.
  private func nullExtended(_ item: FromItem) -> FromItem {
    let output = Dictionary(item.plan.output.map { ($0, Expression.column($0)) }, uniquingKeysWith: { a, _ in a })
    func renewed(_ columns: [VisibleColumn]) -> [VisibleColumn] {
      columns.map {
        VisibleColumn(name: $0.name, relation: $0.relation, expression: $0.expression.substituting(output))
      }
    }
    return FromItem(
      plan: item.plan,
      relations: item.relations.map { relation in
        var relation = relation
        relation.columns = renewed(relation.columns)
        relation.presence = relation.presence?.substituting(output)
        return relation
      },
      visible: renewed(item.visible))
  }

  /// `(a JOIN b ...) AS j (columns)`: only the alias is seen afterwards.
  private func aliasJoin(_ item: FromItem, _ alias: TableAlias, _ range: SourceRange) throws -> FromItem {
    if alias.columns.count > item.visible.count {
      throw BinderError.user(
        "42P10",
        "join expression \"\(alias.name)\" has \(item.visible.count) columns available but \(alias.columns.count) columns specified",
        range)
    }
    var visible = item.visible
    for index in visible.indices {
      visible[index].relation = alias.name
      if index < alias.columns.count { visible[index].name = alias.columns[index] }
    }
    return FromItem(
      plan: item.plan, relations: [ScopeRelation(schema: nil, name: alias.name, columns: visible)], visible: visible)
  }
}
