extension Statement {
  /// The tables and views that the statement reads, each once; those of FROM come before those of
  /// the subqueries beside it.
  ///
  /// Names that a WITH query around them defines are left out where they are in scope. A table that is only written to
  /// is not read; one that UPDATE, DELETE or MERGE changes is.
  package var tablesRead: [QualifiedName] {
    var walk = TableWalk()
    walk.statement(node)
    return walk.found
  }
}

extension Query {
  /// The tables and views that the query reads; see `Statement.tablesRead`.
  package var tablesRead: [QualifiedName] {
    var walk = TableWalk()
    walk.query(self)
    return walk.found
  }

  /// Every place at which the query names a table or view that it reads.
  package var tableReferences: [NamedTable] {
    var walk = TableWalk()
    walk.query(self)
    return walk.references
  }
}

/// Collects the tables of a tree, with the WITH names in scope. Its depth is that of the tree, which is bounded.
private struct TableWalk {
  private(set) var found: [QualifiedName] = []
  private(set) var references: [NamedTable] = []
  private var seen: Set<[String]> = []
  private var scope: Set<String> = []

  mutating func statement(_ node: StatementNode) {
    switch node {
    case .query(let query): self.query(query)
    case .insert(let insert): self.insert(insert)
    case .update(let update):
      within(update.with) { walk in
        walk.table(update.table)
        walk.references(update.from)
        walk.assignments(update.assignments)
        walk.expressions([update.predicate].compactMap(\.self) + update.returning.map(\.value))
      }
    case .delete(let delete):
      within(delete.with) { walk in
        walk.table(delete.table)
        walk.references(delete.using)
        walk.expressions([delete.predicate].compactMap(\.self) + delete.returning.map(\.value))
      }
    case .merge(let merge): self.merge(merge)
    case .copy(let copy):
      switch copy.subject {
      case .query(let query): statement(query)
      case .table(let name, _): if !copy.isFrom { add(name) }
      }
      expressions([copy.predicate].compactMap(\.self))
    case .createTableAs(let create): statement(create.source)
    case .createView(let create): query(create.query)
    case .declareCursor(let declare): query(declare.query)
    case .explain(let explain): statement(explain.statement)
    case .prepare(let prepare): statement(prepare.statement)
    case .execute(let execute): expressions(execute.arguments)
    case .truncate, .maintenance, .lock, .discard, .createTable, .createSchema, .createIndex, .createSequence,
      .alterSequence, .type, .comment, .fetch, .closeCursor, .drop, .alterTable, .refresh, .transaction, .deallocate,
      .set, .show, .reset:
      break
    }
  }

  private mutating func insert(_ insert: Insert) {
    within(insert.with) { walk in
      if case .query(let query) = insert.source { walk.query(query) }
      if case .update(let assignments, let predicate) = insert.onConflict?.action {
        walk.assignments(assignments)
        walk.expressions([predicate].compactMap(\.self))
      }
      walk.expressions(insert.returning.map(\.value))
    }
  }

  private mutating func merge(_ merge: Merge) {
    within(merge.with) { walk in
      walk.table(merge.table)
      walk.references([merge.source])
      walk.expressions([merge.condition])
      for clause in merge.clauses {
        walk.expressions([clause.condition].compactMap(\.self))
        switch clause.action {
        case .update(let assignments): walk.assignments(assignments)
        case .insert(_, let values): walk.expressions(values ?? [])
        case .nothing, .delete: break
        }
      }
    }
  }

  mutating func query(_ query: Query) {
    within(query.with) { walk in
      walk.body(query.body)
      walk.expressions(query.orderBy.map(\.value) + [query.limit, query.offset].compactMap(\.self))
    }
  }

  /// Walks the tables of a WITH clause, then `inner` with their names in scope.
  private mutating func within(_ with: WithClause?, _ inner: (inout TableWalk) -> Void) {
    let outer = scope
    if let with {
      if with.isRecursive { scope.formUnion(with.tables.map(\.name)) }
      for table in with.tables {
        statement(table.statement)
        scope.insert(table.name)
      }
    }
    inner(&self)
    scope = outer
  }

  private mutating func body(_ body: QueryBody) {
    switch body {
    case .select(let select): self.select(select)
    case .values(let rows): for row in rows { expressions(row) }
    case .setOperation(let operation):
      query(operation.left)
      query(operation.right)
    }
  }

  private mutating func select(_ select: Select) {
    references(select.from)
    if case .on(let keys) = select.distinct { expressions(keys) }
    expressions(select.items.map(\.value))
    expressions([select.predicate, select.having].compactMap(\.self))
    grouping(select.groupBy)
    for window in select.windows { expressions(window.window.children) }
  }

  private mutating func grouping(_ elements: [GroupingElement]) {
    for element in elements {
      switch element {
      case .expression(let value): expressions([value])
      case .empty: break
      case .rollup(let inner, _), .cube(let inner, _), .sets(let inner, _): grouping(inner)
      }
    }
  }

  private mutating func references(_ references: [TableReference]) {
    for reference in references {
      switch reference {
      case .table(let table): self.table(table)
      case .subquery(let derived): query(derived.query)
      case .function(let function): expressions(function.items.map(\.call))
      case .join(let join):
        self.references([join.left, join.right])
        if case .on(let predicate) = join.condition { expressions([predicate]) }
      }
    }
  }

  private mutating func table(_ table: NamedTable) {
    if let sample = table.sample { expressions(sample.arguments + (sample.seed.map { [$0] } ?? [])) }
    if table.name.schema == nil, scope.contains(table.name.name) { return }
    references.append(table)
    add(table.name)
  }

  private mutating func add(_ name: QualifiedName) {
    let key = [name.catalog, name.schema, name.name].compactMap(\.self)
    if seen.insert(key).inserted { found.append(name) }
  }

  private mutating func assignments(_ assignments: [Assignment]) {
    for assignment in assignments {
      switch assignment {
      case .single(let target, let value):
        expressions(target.subscripts.flatMap(\.children) + [value])
      case .multiple(let targets, let value):
        expressions(targets.flatMap(\.subscripts).flatMap(\.children) + [value])
      }
    }
  }

  private mutating func expressions(_ expressions: [Expression]) {
    for expression in expressions {
      if let subquery = expression.subquery { query(subquery) }
      self.expressions(expression.children)
    }
  }
}
