extension SQLPrinter {
  mutating func query(_ query: Query) {
    with(query.with)
    switch query.body {
    case .select(let select): self.select(select)
    case .values(let rows):
      put("VALUES ")
      list(rows) { printer, row in
        printer.put("(")
        printer.expressions(row)
        printer.put(")")
      }
    case .setOperation(let operation):
      put("(")
      self.query(operation.left)
      put(") " + operation.kind.rawValue.uppercased() + (operation.isAll ? " ALL (" : " ("))
      self.query(operation.right)
      put(")")
    }
    order(query.orderBy)
    if let offset = query.offset {
      put(" OFFSET ")
      operand(offset)
    }
    if let limit = query.limit {
      put(query.withTies ? " FETCH FIRST (" : " LIMIT ")
      if query.withTies { expression(limit) } else { operand(limit) }
      if query.withTies { put(") ROWS WITH TIES") }
    }
    for lock in query.locking {
      switch lock.strength {
      case .keyShare: put(" FOR KEY SHARE")
      case .share: put(" FOR SHARE")
      case .noKeyUpdate: put(" FOR NO KEY UPDATE")
      case .update: put(" FOR UPDATE")
      }
      if !lock.tables.isEmpty { put(" OF " + lock.tables.map(\.sql).joined(separator: ", ")) }
    }
  }

  private mutating func with(_ with: WithClause?) {
    guard let with else { return }
    put(with.isRecursive ? "WITH RECURSIVE " : "WITH ")
    list(with.tables) { printer, table in
      printer.put(SQLPrinter.quoted(table.name))
      if !table.columns.isEmpty {
        printer.put(" (")
        printer.names(table.columns)
        printer.put(")")
      }
      switch table.materialization {
      case .automatic: printer.put(" AS (")
      case .always: printer.put(" AS MATERIALIZED (")
      case .never: printer.put(" AS NOT MATERIALIZED (")
      }
      _ = printer.statement(table.statement)
      printer.put(")")
    }
    put(" ")
  }

  private mutating func select(_ select: Select) {
    put("SELECT")
    switch select.distinct {
    case .none: break
    case .all: put(" DISTINCT")
    case .on(let keys):
      put(" DISTINCT ON (")
      expressions(keys)
      put(")")
    }
    if !select.items.isEmpty { put(" ") }
    items(select.items)
    references(" FROM ", select.from)
    condition(" WHERE ", select.predicate)
    if !select.groupBy.isEmpty {
      put(select.isGroupByDistinct ? " GROUP BY DISTINCT " : " GROUP BY ")
      list(select.groupBy) { $0.grouping($1) }
    }
    condition(" HAVING ", select.having)
    if !select.windows.isEmpty {
      put(" WINDOW ")
      list(select.windows) { printer, window in
        printer.put(SQLPrinter.quoted(window.name) + " AS ")
        printer.window(window.window)
      }
    }
  }

  private mutating func items(_ items: [SelectItem]) {
    list(items) { printer, item in
      printer.expression(item.value)
      if let alias = item.alias { printer.put(" AS " + SQLPrinter.quoted(alias)) }
    }
  }

  private mutating func condition(_ word: String, _ value: Expression?) {
    guard let value else { return }
    put(word)
    expression(value)
  }

  private mutating func grouping(_ element: GroupingElement) {
    switch element {
    case .expression(let value): expression(value)
    case .empty: put("()")
    case .rollup(let elements, _): grouping("ROLLUP (", elements)
    case .cube(let elements, _): grouping("CUBE (", elements)
    case .sets(let elements, _): grouping("GROUPING SETS (", elements)
    }
  }

  private mutating func grouping(_ open: String, _ elements: [GroupingElement]) {
    put(open)
    list(elements) { $0.grouping($1) }
    put(")")
  }

  // FROM

  private mutating func references(_ word: String, _ references: [TableReference]) {
    guard !references.isEmpty else { return }
    put(word)
    list(references) { $0.reference($1) }
  }

  private mutating func reference(_ reference: TableReference) {
    switch reference {
    case .table(let table): self.table(table)
    case .subquery(let derived):
      put(derived.isLateral ? "LATERAL (" : "(")
      query(derived.query)
      put(")")
      alias(derived.alias)
    case .function(let function): tableFunction(function)
    case .join(let join): self.join(join)
    }
  }

  private mutating func table(_ table: NamedTable) {
    put((table.isOnly ? "ONLY " : "") + table.name.sql)
    alias(table.alias)
    guard let sample = table.sample else { return }
    put(" TABLESAMPLE ")
    path(sample.method)
    put("(")
    expressions(sample.arguments)
    put(")")
    if let seed = sample.seed {
      put(" REPEATABLE (")
      expression(seed)
      put(")")
    }
  }

  private mutating func alias(_ alias: TableAlias?) {
    guard let alias else { return }
    put(" AS " + SQLPrinter.quoted(alias.name))
    guard !alias.columns.isEmpty else { return }
    put("(")
    names(alias.columns)
    put(")")
  }

  private mutating func tableFunction(_ function: TableFunction) {
    if function.isLateral { put("LATERAL ") }
    if function.isRowsFrom { put("ROWS FROM (") }
    list(function.items) { printer, item in
      printer.expression(item.call)
      if !item.columns.isEmpty { printer.columns(" AS (", item.columns) }
    }
    if function.isRowsFrom { put(")") }
    if function.hasOrdinality { put(" WITH ORDINALITY") }
    if function.columns.isEmpty {
      alias(function.alias)
    } else {
      columns(" AS \(function.alias.map { SQLPrinter.quoted($0.name) } ?? "")(", function.columns)
    }
  }

  /// Writes `name type [COLLATE name]`, as columns stand in an alias.
  private mutating func columns(_ open: String, _ columns: [ColumnDefinition]) {
    put(open)
    list(columns) { printer, column in
      printer.put(SQLPrinter.quoted(column.name) + " ")
      printer.type(column.type)
      if !column.collation.isEmpty {
        printer.put(" COLLATE ")
        printer.path(column.collation)
      }
    }
    put(")")
  }

  private mutating func join(_ join: Join) {
    put("(")
    reference(join.left)
    switch join.condition {
    case .natural: put(" NATURAL " + join.kind.rawValue.uppercased() + " JOIN ")
    case .none: put(" CROSS JOIN ")
    case .using, .on: put(" " + join.kind.rawValue.uppercased() + " JOIN ")
    }
    reference(join.right)
    switch join.condition {
    case .natural, .none: break
    case .on(let predicate): condition(" ON ", predicate)
    case .using(let columns, let alias):
      put(" USING (")
      names(columns)
      put(")")
      if let alias { put(" AS " + SQLPrinter.quoted(alias)) }
    }
    put(")")
    alias(join.alias)
  }

  // Statements

  /// Writes the statement; false for a kind that has no text here.
  mutating func statement(_ node: StatementNode) -> Bool {
    switch node {
    case .query(let query): self.query(query)
    case .insert(let insert): self.insert(insert)
    case .update(let update):
      with(update.with)
      put("UPDATE ")
      table(update.table)
      put(" SET ")
      assignments(update.assignments)
      references(" FROM ", update.from)
      condition(" WHERE ", update.predicate)
      returning(update.returning)
    case .delete(let delete):
      with(delete.with)
      put("DELETE FROM ")
      table(delete.table)
      references(" USING ", delete.using)
      condition(" WHERE ", delete.predicate)
      returning(delete.returning)
    default: return false
    }
    return true
  }

  private mutating func returning(_ items: [SelectItem]) {
    guard !items.isEmpty else { return }
    put(" RETURNING ")
    self.items(items)
  }

  private mutating func assignments(_ assignments: [Assignment]) {
    list(assignments) { printer, assignment in
      switch assignment {
      case .single(let target, let value):
        printer.targets([target])
        printer.put(" = ")
        printer.expression(value)
      case .multiple(let targets, let value):
        printer.put("(")
        printer.targets(targets)
        printer.put(") = ")
        printer.expression(value)
      }
    }
  }

  private mutating func targets(_ targets: [AssignmentTarget]) {
    list(targets) { printer, target in
      printer.put(SQLPrinter.quoted(target.name))
      printer.subscripts(target.subscripts)
    }
  }

  private mutating func insert(_ insert: Insert) {
    with(insert.with)
    put("INSERT INTO ")
    table(insert.table)
    if !insert.columns.isEmpty {
      put(" (")
      targets(insert.columns)
      put(")")
    }
    switch insert.overriding {
    case .none: break
    case .system: put(" OVERRIDING SYSTEM VALUE")
    case .user: put(" OVERRIDING USER VALUE")
    }
    switch insert.source {
    case .defaultValues: put(" DEFAULT VALUES")
    case .query(let query):
      put(" ")
      self.query(query)
    }
    if let conflict = insert.onConflict { onConflict(conflict) }
    returning(insert.returning)
  }

  private mutating func onConflict(_ conflict: OnConflict) {
    put(" ON CONFLICT")
    switch conflict.target {
    case .any: break
    case .constraint(let name): put(" ON CONSTRAINT " + SQLPrinter.quoted(name))
    case .columns(let columns, let predicate):
      put(" (")
      list(columns) { printer, column in
        if case .column = column.node {
          printer.expression(column)
        } else {
          printer.put("(")
          printer.expression(column)
          printer.put(")")
        }
      }
      put(")")
      condition(" WHERE ", predicate)
    }
    switch conflict.action {
    case .nothing: put(" DO NOTHING")
    case .update(let assignments, let predicate):
      put(" DO UPDATE SET ")
      self.assignments(assignments)
      condition(" WHERE ", predicate)
    }
  }
}
