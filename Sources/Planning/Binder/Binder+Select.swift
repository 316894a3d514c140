import SQLSyntax
import Vectors

extension Binder {
  struct Output {
    var expression: Expression
    var name: String
    var range: SourceRange
  }

  /// Binds a SELECT with the ORDER BY and LIMIT of the query it is the body of.
  func bindSelect(_ select: Select, _ query: Query, _ outer: Scope) throws -> BoundQuery {
    let scope = Scope(parent: outer)
    var plan = try bindFrom(select.from, scope)
    if let predicate = select.predicate { plan = try filter(plan, [predicate], Stage(scope, "WHERE")) }
    let bounds = plan.leadingConditions

    let input = Stage(scope, "GROUP BY")
    let collector = AggregateCollector(input: input)
    let gaps = GapCollector()
    input.gaps = gaps
    let groupExpansions = ExpansionCollector()
    input.expansions = groupExpansions
    let windows = WindowCollector()
    for named in select.windows {
      if windows.definitions[named.name] != nil {
        throw BinderError.user("42P20", "window \"\(named.name)\" is already defined", named.window.range)
      }
      windows.definitions[named.name] = try completeWindow(named.window, windows.definitions)
    }
    try bindGroupBy(select, collector, scope)

    let stage = Stage(scope, "SELECT")
    stage.aggregates = collector
    stage.windows = windows
    stage.gaps = gaps
    let expansions = ExpansionCollector()
    stage.expansions = expansions
    var outputs = try bindItems(select.items, stage)
    let having = Stage(scope, "HAVING")
    having.aggregates = collector
    var havingSimple: [Expression] = []
    var havingComplex: [Expression] = []
    for condition in select.having?.conjuncts ?? [] {
      having.nullIsFalse = true
      let count = having.attachments.count
      let bound = try bindCondition(condition, having, "HAVING")
      if having.attachments.count == count { havingSimple.append(bound) } else { havingComplex.append(bound) }
    }

    // Sort keys: an output's name, its number, or an expression that may need a column of its own.
    var keys: [(Int, SortItem)] = []
    let visibleCount = outputs.count
    stage.references.reserveCapacity(stage.references.count + query.orderBy.count)
    func position(_ syntax: Syntax.Expression, _ clause: String) throws -> Int {
      if let index = try ordinal(syntax, visibleCount, clause) { return index }
      if case .column(let path) = syntax.node, path.count == 1 {
        let matches = outputs.indices.filter { $0 < visibleCount && outputs[$0].name == path[0] }
        if let first = matches.first {
          if matches.contains(where: { outputs[$0].expression != outputs[first].expression }) {
            throw BinderError.user("42702", "\(clause) \"\(path[0])\" is ambiguous", syntax.range)
          }
          return first
        }
      }
      let expression = try bindTyped(syntax, stage)
      if let index = outputs.firstIndex(where: { $0.expression == expression }) { return index }
      outputs.append(Output(expression: expression, name: "", range: syntax.range))
      return outputs.count - 1
    }
    for item in flattened(query.orderBy, scope) { keys.append((try position(item.value, "ORDER BY"), item)) }
    var distinctKeys: [Int] = []
    if case .on(let expressions) = select.distinct {
      distinctKeys = try flattened(expressions, scope).map { try position($0, "DISTINCT ON") }
    }
    if case .all = select.distinct, outputs.count > visibleCount {
      throw BinderError.user(
        "42P10", "for SELECT DISTINCT, ORDER BY expressions must appear in select list", outputs[visibleCount].range)
    }
    // A literal that is sorted by must have a type.
    for index in Set(keys.map(\.0) + distinctKeys) where outputs[index].expression.type == .unknown {
      outputs[index].expression = try resolveUnknown(outputs[index].expression, to: .text, outputs[index].range)
    }
    for (place, (index, item)) in keys.enumerated() {
      guard let order = outputs[index].expression.heldOrder else {
        try requireOrder(outputs[index].expression.type, item.value.range)
        continue
      }
      guard case .none = select.distinct else {
        throw BinderError.unsupported("DISTINCT of what SEARCH and CYCLE order by", item.value.range)
      }
      outputs.append(Output(expression: order, name: "", range: item.value.range))
      keys[place].0 = outputs.count - 1
    }

    if scope.readsLastTurn, !collector.calls.isEmpty {
      throw BinderError.user(
        "42P19", "aggregate functions are not allowed in a recursive query's recursive term", query.range)
    }

    // From here the rows are put together, from the inside out.
    let isGrouped =
      !select.groupBy.isEmpty || select.having != nil || !collector.calls.isEmpty
    if isGrouped {
      findDependents(of: plan, collector)
      plan = groupExpansions.apply(to: attach(input.attachments, to: plan))
      let grouping = Grouping(
        binder: self, collector: collector,
        inputColumns: Set(plan.output).subtracting(input.attachments.map(\.output)))
      plan = grouping.aggregate(plan)
      outputs = try outputs.map {
        Output(expression: try grouping.resolve($0.expression, stage), name: $0.name, range: $0.range)
      }
      havingSimple = try havingSimple.map { try grouping.resolve($0, having) }
      havingComplex = try havingComplex.map { try grouping.resolve($0, having) }
      try grouping.resolve(windows, stage)
      for index in expansions.calls.indices {
        expansions.calls[index].arguments = try expansions.calls[index].arguments.map {
          try grouping.resolve($0, stage)
        }
      }
      try grouping.resolveAttachments(of: stage)
      try grouping.resolveAttachments(of: having)
      plan = applyFilter(
        plan, havingSimple.flatMap(\.conjuncts), havingComplex.flatMap(\.conjuncts), having)
      if let filling = gaps.filling {
        plan = try GapFilling(self, filling, gaps, collector).fill(plan, bounds: bounds) { argument in
          try grouping.resolve(argument, stage)
        }
        // Whatever could not be NULL can be in a gap.
        let nullable = Dictionary(
          plan.output.map { ($0, Expression.column($0)) }, uniquingKeysWith: { first, _ in first })
        outputs = outputs.map {
          Output(expression: $0.expression.substituting(nullable), name: $0.name, range: $0.range)
        }
      }
    } else {
      plan = attach(input.attachments, to: plan)
    }
    if !isGrouped, let filling = gaps.filling {
      throw BinderError.user("42803", "time_bucket_gapfill belongs in GROUP BY", filling.range)
    }
    if gaps.filling == nil, let call = gaps.calls.first {
      throw BinderError.user(
        "42803", "\(call.kind.rawValue) fills the gaps of time_bucket_gapfill, which is not in GROUP BY", call.range)
    }
    plan = attach(stage.attachments, to: plan)
    plan = apply(windows, to: plan)
    plan = expansions.apply(to: plan)

    // The select list. A plain column that is given once keeps its identity.
    var projections: [Projection] = []
    var used: Set<Column> = []
    let available = Set(plan.output)
    for output in outputs {
      if case .column(let column) = output.expression, available.contains(column), used.insert(column).inserted {
        projections.append(Projection(column))
      } else {
        projections.append(
          Projection(output.expression, as: column(output.name, for: output.expression)))
      }
    }
    plan = .project(projections, plan)
    var columns = projections.map(\.column)
    let names = outputs.prefix(visibleCount).map(\.name)

    switch select.distinct {
    case .none: break
    case .all:
      for (index, output) in outputs.enumerated() where output.expression.type == .unknown {
        plan = try retype(plan, index, to: .text, output.range)
      }
      plan = try distinct(plan, query.range)
      columns = plan.output
    case .on:
      for (offset, index) in distinctKeys.enumerated() {
        try requireEquality(columns[index].type, outputs[index].range)
        if offset < keys.count, !distinctKeys.contains(keys[offset].0) {
          throw BinderError.user(
            "42P10", "SELECT DISTINCT ON expressions must match initial ORDER BY expressions",
            keys[offset].1.value.range)
        }
      }
      var order = keys.map { sortKey(.column(columns[$0.0]), $0.1) }
      for index in distinctKeys where !keys.contains(where: { $0.0 == index }) {
        order.append(SortKey(Expression.column(columns[index]).ordered))
      }
      plan = .distinctOn(distinctKeys.map { .column(columns[$0]) }, .sort(order, plan))
    }
    if !keys.isEmpty { plan = .sort(keys.map { sortKey(.column(columns[$0.0]), $0.1) }, plan) }
    plan = try limit(plan, query, outer, rows: scope)
    if columns.count > visibleCount {
      plan = .project(columns.prefix(visibleCount).map { Projection($0) }, plan)
    }
    return BoundQuery(plan: plan, names: Array(names))
  }

  // MARK: The select list

  func bindItems(_ items: [SelectItem], _ stage: Stage) throws -> [Output] {
    var outputs: [Output] = []
    for (index, item) in items.enumerated() {
      if case .star(let path) = item.value.node {
        for column in try expandStar(path, stage, item.range) {
          stage.references.append(
            .init(expression: column.expression, name: column.displayName, range: item.range))
          outputs.append(Output(expression: column.expression, name: column.name, range: item.range))
        }
        continue
      }
      if case .allFields(let base) = item.value.node {
        guard let fields = try bind(base, stage).rowFields else {
          throw BinderError.unsupported("the fields of this value", item.range)
        }
        outputs += fields.map { Output(expression: $0.value, name: $0.name, range: item.range) }
        continue
      }
      // What GROUP BY has bound already is not bound again, so that a subquery in it stays one.
      let key = stage.aggregates?.keysOfItems[index].flatMap { stage.aggregates?.keys[$0] }
      let expression = try key.map { .column($0.column) } ?? bind(item.value, stage)
      outputs.append(
        Output(expression: expression, name: item.columnName, range: item.value.range))
    }
    return outputs
  }

  func expandStar(_ path: [String], _ stage: Stage, _ range: SourceRange) throws -> [VisibleColumn] {
    if path.isEmpty {
      if stage.scope.visible.isEmpty, stage.scope.relations.isEmpty {
        throw BinderError.user("42601", "SELECT * with no tables specified is not valid", range)
      }
      return stage.scope.visible.filter { !$0.isHidden }
    }
    var scope: Scope? = stage.scope
    while let current = scope {
      if let relation = current.relation(path[...]) { return relation.columns.filter { !$0.isHidden } }
      scope = current.parent
    }
    let name = path[path.count - 1]
    throw BinderError.user(
      "42P01", "missing FROM-clause entry for table \"\(name)\"", range,
      hint: Spelling.nearest(to: name, among: stage.scope.relations.map(\.name)).map {
        "Perhaps you meant the table \"\($0)\"."
      })
  }

  // MARK: GROUP BY

  private func bindGroupBy(_ select: Select, _ collector: AggregateCollector, _ scope: Scope) throws {
    if select.groupBy.isEmpty { return }
    let stage = collector.input

    func key(_ syntax: Syntax.Expression) throws -> Int {
      var expression: Expression
      var name = syntax.defaultColumnName
      var items: [Int] = []
      if let index = try ordinal(syntax, select.items.count, "GROUP BY") {
        let named = select.items[index]
        if case .star = named.value.node { throw BinderError.unsupported("GROUP BY the number of a *", syntax.range) }
        expression = try bindTyped(named.value, stage)
        name = named.columnName
        items = [index]
      } else if case .column(let path) = syntax.node, path.count == 1,
        !scope.visible.contains(where: { $0.name == path[0] }),
        let index = select.items.firstIndex(where: { $0.columnName == path[0] })
      {
        expression = try bindTyped(select.items[index].value, stage)
        items = [index]
      } else {
        let known = stage.attachments.count + subqueries.count
        expression = try bindTyped(syntax, stage)
        if stage.attachments.count + subqueries.count > known {
          // A subquery is another each time it is bound: what is written alike is the same.
          let text = syntax.sql
          items = select.items.indices.filter { select.items[$0].value.sql == text }
        }
      }
      try requireEquality(expression.type, syntax.range)
      if let known = collector.keys.firstIndex(where: { $0.expression == expression }) {
        for item in items { collector.keysOfItems[item] = known }
        return known
      }
      for item in items { collector.keysOfItems[item] = collector.keys.count }
      let isNullable = expression.isNullable
      collector.keys.append(
        Projection(expression, as: column(name, expression.type, isNullable: isNullable)))
      return collector.keys.count - 1
    }
    /// The sets of keys that an element stands for.
    func keys(_ element: GroupingElement) throws -> [Int] {
      switch element {
      case .expression(let syntax):
        return try flattened([syntax], scope).map(key)
      case .empty: return []
      case .rollup(_, let range), .cube(_, let range), .sets(_, let range):
        throw BinderError.unsupported("grouping sets within ROLLUP or CUBE", range)
      }
    }
    func sets(_ element: GroupingElement) throws -> [[Int]] {
      switch element {
      case .expression, .empty: return [try keys(element)]
      case .rollup(let elements, _):
        let parts = try elements.map(keys)
        return (0...parts.count).reversed().map { parts.prefix($0).flatMap { $0 } }
      case .cube(let elements, let range):
        let parts = try elements.map(keys)
        guard parts.count <= 12 else { throw BinderError.user("54011", "CUBE is limited to 12 elements", range) }
        return (0..<(1 << parts.count)).reversed().map { mask in
          parts.indices.filter { mask & (1 << (parts.count - 1 - $0)) != 0 }.flatMap { parts[$0] }
        }
      case .sets(let elements, _): return try elements.flatMap(sets)
      }
    }
    var isPlain = true
    var product: [[Int]] = [[]]
    for element in select.groupBy {
      if case .expression = element {} else { isPlain = false }
      let own = try sets(element)
      product = product.flatMap { left in own.map { left + $0 } }
      if product.count > 4096 {
        throw BinderError.user("54011", "too many grouping sets present (maximum 4096)", .unknown)
      }
    }
    if isPlain { return }
    var unique = product.map { set in
      set.reduce(into: [Int]()) { if !$0.contains($1) { $0.append($1) } }
    }
    if select.isGroupByDistinct {
      unique = unique.reduce(into: []) { known, set in
        if !known.contains(where: { Set($0) == Set(set) }) { known.append(set) }
      }
    }
    if collector.keys.count > 31, unique.count > 1 {
      throw BinderError.unsupported("grouping sets over more than 31 expressions", .unknown)
    }
    collector.groupingSets = unique
    collector.groupingColumn = column("grouping", .bigint, isNullable: false)
    // Keys that a set leaves out are NULL.
    collector.keys = collector.keys.map { Projection($0.expression, as: $0.column.nullable) }
  }

  /// `GROUPING(a, b)`: a bit for each that the row's grouping set leaves out, the last one lowest.
  func bindGrouping(_ operands: [Syntax.Expression], _ stage: Stage, _ range: SourceRange) throws -> Expression {
    guard let collector = stage.aggregates, !stage.isAggregateArgument else {
      throw BinderError.user("42803", "grouping operations are not allowed in \(stage.clause)", range)
    }
    let plain = Stage(stage.scope, "GROUPING")
    var result = Expression.constant(.integer(0), .bigint)
    for operand in operands {
      let expression = try bindTyped(operand, plain)
      guard let index = collector.keys.firstIndex(where: { $0.expression == expression }) else {
        throw BinderError.user(
          "42803", "arguments to GROUPING must be grouping expressions of the associated query level", operand.range)
      }
      let shift = Int64(collector.keys.count - 1 - index)
      let bit: Expression =
        collector.groupingColumn.map { column in
          .call(
            .bitAnd,
            [
              .call(.shiftRight, [.column(column), .constant(.integer(shift), .integer)], .bigint),
              .bigint(1),
            ], .bigint)
        } ?? .bigint(0)
      result = .call(.add, [.call(.multiply, [result, .bigint(2)], .bigint), bit], .bigint)
    }
    return .cast(result, .integer)
  }

  // MARK: Windows

  /// Computes window calls, those over one partitioning and order together.
  private func apply(_ windows: WindowCollector, to plan: LogicalPlan) -> LogicalPlan {
    var groups: [LogicalWindow] = []
    // Calls with an order first: one over the whole partition can go with any of them.
    let calls = windows.calls.filter { !$0.order.isEmpty } + windows.calls.filter(\.order.isEmpty)
    for call in calls {
      if call.order.isEmpty, call.call.isOfWholePartition,
        let index = groups.firstIndex(where: { $0.partition == call.partition && !$0.order.isEmpty })
      {
        var whole = call.call
        whole.frame = WindowFrame(.rows, from: .unboundedPreceding, to: .unboundedFollowing)
        groups[index].calls.append(whole)
        continue
      }
      if let index = groups.firstIndex(where: { $0.partition == call.partition && $0.order == call.order }) {
        groups[index].calls.append(call.call)
      } else {
        groups.append(LogicalWindow(partition: call.partition, order: call.order, calls: [call.call]))
      }
    }
    return groups.reduce(plan) { .window($1, $0) }
  }
}

extension WindowCall {
  /// True for an aggregate that has no order and no frame, so that each row of a partition gets the same.
  fileprivate var isOfWholePartition: Bool {
    if case .aggregate = function { return frame == WindowFrame() }
    return false
  }
}
