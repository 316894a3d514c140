import SQLSyntax
import Vectors

extension Binder {
  struct Output {
    var expression: Expression
    var name: String
    var range: SourceRange
    /// What it was written as; nil for a column of a `*`.
    var syntax: Syntax.Expression?
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
      // A subquery is another each time it is bound: what is written alike is the same.
      if syntax.holdsSubquery {
        let text = syntax.sql
        let isSame = { (output: Output) in output.syntax.map { $0.holdsSubquery && $0.sql == text } ?? false }
        if let index = outputs.firstIndex(where: isSame) { return index }
      }
      let expression = try bindTyped(syntax, stage)
      if let index = outputs.firstIndex(where: { $0.expression == expression }) { return index }
      outputs.append(Output(expression: expression, name: "", range: syntax.range, syntax: syntax))
      return outputs.count - 1
    }
    for item in flattened(query.orderBy, scope) { keys.append((try position(item.value, "ORDER BY"), item)) }
    var distinctKeys: [Int] = []
    if case .on(let expressions) = select.distinct {
      distinctKeys = try flattened(expressions, scope).map { try position($0, "DISTINCT ON") }
    }
    if case .all = select.distinct {
      // A row's fields are as distinct as it is.
      let fields = Set(outputs.prefix(visibleCount).flatMap { $0.expression.leaves ?? [] })
      if let hidden = outputs.dropFirst(visibleCount).first(where: { !fields.contains($0.expression) }) {
        throw BinderError.user(
          "42P10", "for SELECT DISTINCT, ORDER BY expressions must appear in select list", hidden.range)
      }
    }
    // A literal that is sorted by must have a type.
    for index in Set(keys.map(\.0) + distinctKeys) where outputs[index].expression.type == .unknown {
      outputs[index].expression = try resolveUnknown(outputs[index].expression, to: .text, outputs[index].range)
    }
    keys = try keys.flatMap { index, item -> [(Int, SortItem)] in
      if let order = outputs[index].expression.heldOrder {
        guard case .none = select.distinct else {
          throw BinderError.unsupported("DISTINCT of what SEARCH and CYCLE order by", item.value.range)
        }
        outputs.append(Output(expression: order, name: "", range: item.value.range))
        return [(outputs.count - 1, item)]
      }
      if let fields = outputs[index].expression.leaves {
        // A row is ordered by its fields in turn, which are as distinct as it is.
        var item = item
        item.nulls = nil
        return try fields.map { field in
          let own = field.type == .unknown ? try resolveUnknown(field, to: .text, item.value.range) : field
          try requireOrder(own.type, item.value.range)
          outputs.append(Output(expression: own, name: "", range: item.value.range))
          return (outputs.count - 1, item)
        }
      }
      try requireOrder(outputs[index].expression.type, item.value.range)
      return [(index, item)]
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
      for index in outputs.indices {
        outputs[index].expression = try grouping.resolve(outputs[index].expression, stage)
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
        for index in outputs.indices {
          outputs[index].expression = outputs[index].expression.substituting(nullable)
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
    // The rows that DISTINCT ON keeps, and their order; `column` is what an output has become.
    func chosen(_ plan: LogicalPlan, _ column: (Int) -> Column) throws -> LogicalPlan {
      var plan = plan
      if case .on = select.distinct {
        for (offset, index) in distinctKeys.enumerated() {
          try requireEquality(column(index).type, outputs[index].range)
          if offset < keys.count, !distinctKeys.contains(keys[offset].0) {
            throw BinderError.user(
              "42P10", "SELECT DISTINCT ON expressions must match initial ORDER BY expressions",
              keys[offset].1.value.range)
          }
        }
        var order = keys.map { sortKey(.column(column($0.0)), $0.1) }
        for index in distinctKeys where !keys.contains(where: { $0.0 == index }) {
          order.append(SortKey(Expression.column(column(index)).ordered))
        }
        plan = .distinctOn(distinctKeys.map { .column(column($0)) }, .sort(order, plan))
      }
      return keys.isEmpty ? plan : .sort(keys.map { sortKey(.column(column($0.0)), $0.1) }, plan)
    }
    // What nothing orders by is computed of ordered rows where that can be seen: the values of sequences, and the sets
    // made of the rows that DISTINCT ON has kept.
    var isChosen = false
    let ordering = Set(keys.map(\.0) + distinctKeys)
    if !keys.isEmpty, select.distinct != .all {
      let made = expansions.columns
      let others = outputs.indices.filter { !ordering.contains($0) }
      let isOrdered = !ordering.contains { outputs[$0].expression.reads(made) }
      let asksSequences = others.contains { outputs[$0].expression.asksSequence }
      if isOrdered, asksSequences || !made.isEmpty && !distinctKeys.isEmpty {
        var columns: [Int: Column] = [:]
        var projections = plan.output.map { Projection($0) }
        for index in ordering.sorted() {
          let own = column(outputs[index].name, for: outputs[index].expression)
          columns[index] = own
          projections.append(Projection(outputs[index].expression, as: own))
          outputs[index].expression = .column(own)
        }
        plan = .project(projections, plan)
        plan = try chosen(plan) { columns[$0] ?? projections[0].column }
        isChosen = true
      }
    }
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

    if case .all = select.distinct {
      for (index, output) in outputs.enumerated() where output.expression.type == .unknown {
        plan = try retype(plan, index, to: .text, output.range)
      }
      plan = try distinct(plan, query.range)
      columns = plan.output
    }
    if !isChosen { plan = try chosen(plan) { columns[$0] } }
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
        Output(expression: expression, name: item.columnName, range: item.value.range, syntax: item.value))
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
    let hasSets = !select.groupBy.allSatisfy { if case .expression = $0 { true } else { false } }
    /// The select item that each key is; nil for what is none, and where nothing depends on it.
    var places: [Int?] = []

    func key(_ syntax: Syntax.Expression) throws -> Int {
      var expression: Expression
      var name = syntax.defaultColumnName
      var items: [Int] = []
      if let index = try ordinal(syntax, select.items.count, "GROUP BY") {
        if let known = collector.keysOfItems[index] { return known }
        let named = select.items[index]
        if case .star = named.value.node { throw BinderError.unsupported("GROUP BY the number of a *", syntax.range) }
        expression = try bindTyped(named.value, stage)
        name = named.columnName
        items = [index]
      } else if case .column(let path) = syntax.node, path.count == 1,
        !scope.visible.contains(where: { $0.name == path[0] }),
        let index = select.items.firstIndex(where: { $0.columnName == path[0] })
      {
        if let known = collector.keysOfItems[index] { return known }
        expression = try bindTyped(select.items[index].value, stage)
        items = [index]
      } else {
        let known = stage.attachments.count + subqueries.count
        expression = try bindTyped(syntax, stage)
        if stage.attachments.count + subqueries.count > known {
          // A subquery is another each time it is bound: what is written alike is the same.
          let text = syntax.sql
          items = select.items.indices.filter { select.items[$0].value.sql == text }
          if let known = items.first.flatMap({ collector.keysOfItems[$0] }) { return known }
        } else if hasSets, let first = firstItem(syntax, expression, select, scope) {
          items = [first]
        }
      }
      try requireEquality(expression.type, syntax.range)
      // Grouping sets tell items apart that are written alike; what is no item's name or number is the first of them.
      let place = hasSets ? items.first : nil
      if let known = collector.keys.indices.first(where: {
        collector.keys[$0].expression == expression && (place == nil || places[$0] == nil || places[$0] == place)
      }) {
        for item in items { collector.keysOfItems[item] = known }
        return known
      }
      places.append(place)
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
    var product: [[Int]] = [[]]
    for element in select.groupBy {
      let own = try sets(element)
      product = product.flatMap { left in own.map { left + $0 } }
      if product.count > 4096 {
        throw BinderError.user("54011", "too many grouping sets present (maximum 4096)", .unknown)
      }
    }
    if !hasSets { return }
    var unique = product.map { set in
      set.reduce(into: [Int]()) { if !$0.contains($1) { $0.append($1) } }
    }
    if select.isGroupByDistinct {
      unique = unique.reduce(into: []) { known, set in
        if !known.contains(where: { Set($0) == Set(set) }) { known.append(set) }
      }
    }
    // GROUP BY () is no grouping: there is a row where there is none.
    if unique == [[]], collector.keys.isEmpty { return }
    if collector.keys.count > 31, unique.count > 1 {
      throw BinderError.unsupported("grouping sets over more than 31 expressions", .unknown)
    }
    collector.groupingSets = unique
    collector.groupingColumn = column("grouping", .bigint, isNullable: false)
    // Keys that a set leaves out are NULL.
    collector.keys = collector.keys.map { Projection($0.expression, as: $0.column.nullable) }
  }

  /// The first select item that is this column, or is written like this expression.
  private func firstItem(
    _ syntax: Syntax.Expression, _ expression: Expression, _ select: Select, _ scope: Scope
  ) -> Int? {
    guard case .column = expression else {
      let text = syntax.sql
      return select.items.firstIndex { $0.value.sql == text }
    }
    return select.items.firstIndex { item in
      guard case .column(let path) = item.value.node else { return false }
      return (try? scope.resolve(path, item.range).0.expression) == expression
    }
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
