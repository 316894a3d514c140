import SQLSyntax

/// Finds the tables and views a query reads: every name in FROM, at any depth, that is no common table expression.
struct TablesRead {
  private var found: Set<RelationName> = []

  static func names(in query: Query) -> Set<RelationName> {
    var reader = TablesRead()
    reader.read(query, hidden: [])
    return reader.found
  }

  private mutating func read(_ query: Query, hidden: Set<String>) {
    var hidden = hidden
    if let with = query.with {
      // Without RECURSIVE a common table sees those before it; with it, all of them.
      if with.isRecursive { hidden.formUnion(with.tables.map(\.name)) }
      for table in with.tables {
        if case .query(let inner) = table.statement { read(inner, hidden: hidden) }
        hidden.insert(table.name)
      }
    }
    read(query.body, hidden)
    for item in query.orderBy { read(item.value, hidden) }
    read(query.limit, hidden)
    read(query.offset, hidden)
  }

  private mutating func read(_ body: QueryBody, _ hidden: Set<String>) {
    switch body {
    case .values(let rows):
      for row in rows { for value in row { read(value, hidden) } }
    case .setOperation(let operation):
      read(operation.left, hidden: hidden)
      read(operation.right, hidden: hidden)
    case .select(let select):
      for table in select.from { read(table, hidden) }
      for item in select.items { read(item.value, hidden) }
      read(select.predicate, hidden)
      for element in select.groupBy { read(element, hidden) }
      read(select.having, hidden)
      for window in select.windows { read(window.window, hidden) }
      if case .on(let values) = select.distinct { for value in values { read(value, hidden) } }
    }
  }

  private mutating func read(_ element: GroupingElement, _ hidden: Set<String>) {
    switch element {
    case .expression(let expression): read(expression, hidden)
    case .empty: break
    case .rollup(let inner, _), .cube(let inner, _), .sets(let inner, _):
      for element in inner { read(element, hidden) }
    }
  }

  private mutating func read(_ table: TableReference, _ hidden: Set<String>) {
    switch table {
    case .table(let named):
      if named.name.schema == nil && hidden.contains(named.name.name) { return }
      found.insert(RelationName(named.name.schema ?? "public", named.name.name))
    case .subquery(let derived): read(derived.query, hidden: hidden)
    case .function(let function): for item in function.items { read(item.call, hidden) }
    case .join(let join):
      read(join.left, hidden)
      read(join.right, hidden)
      if case .on(let condition) = join.condition { read(condition, hidden) }
    }
  }

  private mutating func read(_ window: WindowSpecification, _ hidden: Set<String>) {
    for expression in window.partitionBy { read(expression, hidden) }
    for item in window.orderBy { read(item.value, hidden) }
  }

  private mutating func read(_ expression: Expression?, _ hidden: Set<String>) {
    guard let expression else { return }
    switch expression.node {
    case .column, .star, .parameter, .literal, .currentValue, .defaultValue: break
    case .cast(let inner, _), .collate(let inner, _), .field(let inner, _), .allFields(let inner), .not(let inner),
      .unary(_, let inner), .isNull(let inner, _), .isTruth(let inner, _, _):
      read(inner, hidden)
    case .row(let items, _), .array(let items), .and(let items), .or(let items), .coalesce(let items),
      .greatest(let items), .least(let items), .grouping(let items):
      for item in items { read(item, hidden) }
    case .subscripted(let base, let subscripts):
      read(base, hidden)
      for entry in subscripts {
        switch entry {
        case .index(let index): read(index, hidden)
        case .slice(let lower, let upper):
          read(lower, hidden)
          read(upper, hidden)
        }
      }
    case .binary(_, let left, let right), .isDistinct(let left, let right, _), .nullIf(let left, let right),
      .quantifiedArray(let left, _, _, let right):
      read(left, hidden)
      read(right, hidden)
    case .between(let between):
      read(between.value, hidden)
      read(between.low, hidden)
      read(between.high, hidden)
    case .pattern(let match):
      read(match.value, hidden)
      read(match.pattern, hidden)
      read(match.escape, hidden)
    case .inList(let value, let items, _):
      read(value, hidden)
      for item in items { read(item, hidden) }
    case .scalarSubquery(let query), .exists(let query), .arraySubquery(let query): read(query, hidden: hidden)
    case .inSubquery(let value, let query), .quantifiedSubquery(let value, _, _, let query):
      read(value, hidden)
      read(query, hidden: hidden)
    case .conditional(let choice):
      read(choice.operand, hidden)
      for branch in choice.branches {
        read(branch.condition, hidden)
        read(branch.result, hidden)
      }
      read(choice.otherwise, hidden)
    case .call(let call):
      for argument in call.arguments { read(argument.value, hidden) }
      for item in call.orderBy { read(item.value, hidden) }
      read(call.filter, hidden)
      if case .inline(let window)? = call.over { read(window, hidden) }
    }
  }
}
