import SQLSyntax
import Vectors

extension Binder {
  // A subquery without columns of enclosing queries that gives one value runs on its own (`Expression.subquery`). Any
  // other becomes a join of the rows around it, kept as an attachment until those rows' plan is known.

  /// Binds the query of an expression, whose aggregates may be of the query around it.
  func bindSubquery(_ query: Query, _ stage: Stage) throws -> BoundQuery {
    let around = stage.scope.subqueryStage
    stage.scope.subqueryStage = stage
    defer { stage.scope.subqueryStage = around }
    return try bindQuery(query, parent: stage.scope)
  }

  func bindScalarSubquery(_ query: Query, _ stage: Stage, _ range: SourceRange) throws -> Expression {
    let bound = try bindSubquery(query, stage)
    guard bound.columns.count == 1, let column = bound.columns.first else {
      throw BinderError.user("42601", "subquery must return only one column", range)
    }
    if bound.plan.freeColumns.isEmpty {
      subqueries.append(bound.plan)
      return .subquery(subqueries.count - 1, column.type)
    }
    // The value's column must be the subquery's own: another name for it if it is a column around it.
    let output = self.column(column.name, column.type)
    let plan = LogicalPlan.project([Projection(.column(column), as: output)], bound.plan)
    stage.attachments.append(Attachment(kind: .single, plan: plan, conditions: [], output: output))
    return .column(output)
  }

  func bindExists(_ query: Query, _ stage: Stage, _ range: SourceRange) throws -> Expression {
    let bound = try bindSubquery(query, stage)
    let plan = bound.plan.withoutOrder
    if plan.freeColumns.isEmpty {
      let count = column("count", .bigint, isNullable: false)
      let limited = LogicalPlan.limit(count: .bigint(1), offset: nil, withTies: false, plan)
      let counted = LogicalPlan.aggregate(
        LogicalAggregate(keys: [], aggregates: [AggregateCall(.countStar, [], output: count)]), limited)
      let test = Expression.compare(.greater, .column(count), .bigint(0))
      subqueries.append(.project([Projection(test, as: column("exists", .boolean, isNullable: false))], counted))
      return .subquery(subqueries.count - 1, .boolean)
    }
    return mark(plan, [], stage)
  }

  /// Adds a join that tells whether a row has a match; returns its column.
  private func mark(
    _ plan: LogicalPlan, _ conditions: [Expression], _ stage: Stage, nullAware: Bool = false
  ) -> Expression {
    let output = column("mark", .boolean, isNullable: nullAware)
    stage.attachments.append(
      Attachment(kind: .mark(output, nullAware: nullAware), plan: plan, conditions: conditions, output: output))
    return .column(output)
  }

  /// `value IN (query)`, or its negation.
  func bindInSubquery(
    _ value: Syntax.Expression, _ query: Query, _ stage: Stage, _ range: SourceRange, isNegated: Bool,
    nullIsFalse: Bool
  ) throws -> Expression {
    let (plan, conditions) = try bindComparisons(value, OperatorName("="), query, stage, range)
    let isNullable = conditions.contains(where: \.isNullable)
    func result(_ test: Expression) -> Expression { isNegated ? .not(test) : test }
    if !isNullable { return result(mark(plan, conditions, stage)) }
    if conditions.count == 1, plan.freeColumns.isEmpty {
      return result(mark(plan, conditions, stage, nullAware: true))
    }
    if nullIsFalse {
      // Only true counts: for NOT IN no row may match or be unknown.
      return isNegated
        ? .not(mark(plan, [.coalesce([.conjunction(conditions), .trueConstant], .boolean)], stage))
        : mark(plan, conditions, stage)
    }
    return result(threeValued(plan, .conjunction(conditions), stage))
  }

  func bindQuantifiedSubquery(
    _ value: Syntax.Expression, _ op: OperatorName, _ quantifier: Quantifier, _ query: Query, _ stage: Stage,
    _ range: SourceRange, nullIsFalse: Bool
  ) throws -> Expression {
    if quantifier == .any, op.builtIn == "=" {
      return try bindInSubquery(value, query, stage, range, isNegated: false, nullIsFalse: nullIsFalse)
    }
    let (plan, conditions) = try bindComparisons(value, op, query, stage, range)
    let test = Expression.conjunction(conditions)
    switch quantifier {
    case .any: return nullIsFalse ? mark(plan, conditions, stage) : threeValued(plan, test, stage)
    case .all:
      // Every row passes when none fails.
      if nullIsFalse { return .not(mark(plan, [.not(.coalesce([test, .falseConstant], .boolean))], stage)) }
      return .not(threeValued(plan, .not(test), stage))
    }
  }

  /// Whether any row of the subquery passes `test`: true, else NULL if it is NULL for any, else false.
  private func threeValued(_ plan: LogicalPlan, _ test: Expression, _ stage: Stage) -> Expression {
    if !test.isNullable { return mark(plan, [test], stage) }
    let source = shared(plan)
    func attempt(_ wrap: (Expression) -> Expression) -> Expression {
      let copy = read(source)
      var map: [Column: Expression] = [:]
      for (old, new) in zip(plan.output, copy.output) { map[old] = .column(new) }
      return mark(copy, wrap(test.substituting(map)).conjuncts, stage)
    }
    let isTrue = attempt { $0 }
    let isUnknown = attempt { .isNull($0) }
    return .branch(
      [Branch(when: isTrue, then: .trueConstant), Branch(when: isUnknown, then: .null(.boolean))],
      otherwise: .falseConstant, .boolean)
  }

  /// Binds `value op (query)` to one comparison for each column.
  private func bindComparisons(
    _ value: Syntax.Expression, _ op: OperatorName, _ query: Query, _ stage: Stage, _ range: SourceRange
  ) throws -> (LogicalPlan, [Expression]) {
    let whole = try bind(value, stage)
    try refuseSets([whole], stage, "a comparison with a subquery", value.range)
    let bound = try bindSubquery(query, stage)
    // A row that is no constructor is a value, as rows of the subquery may be.
    let isValue = !value.isRowConstructor && bound.columns.count == 1 && bound.columns[0].type.isRecord
    let left = isValue ? [whole] : whole.rowFields?.map(\.value) ?? [whole]
    if bound.columns.count > left.count {
      throw BinderError.user("42601", "subquery has too many columns", range)
    }
    if bound.columns.count < left.count {
      throw BinderError.user("42601", "subquery has too few columns", range)
    }
    var plan = bound.plan.withoutOrder
    // A column around the subquery that it gives as its own must have a name of its own in the join.
    let free = plan.freeColumns
    let made = Set(plan.inputs.flatMap(\.output))
    var columns = plan.output
    if columns.contains(where: { free.contains($0) && !made.contains($0) }) {
      columns = columns.map { column($0.name, $0.type) }
      plan = .project(zip(plan.output, columns).map { Projection(.column($0), as: $1) }, plan)
    }
    var conditions: [Expression] = []
    if left.count > 1, op.builtIn != "=" {
      return (plan, [try compareRows(op, left, columns.map { .column($0) }, range)])
    }
    for (index, right) in columns.enumerated() {
      let test = try makeBinary(op, left[index], .column(right), range, leftRange: value.range, rightRange: range)
      guard test.type == .boolean else {
        throw BinderError.user("42809", "op ANY/ALL (array) requires operator to yield boolean", range)
      }
      conditions.append(test)
    }
    return (plan, conditions)
  }

  // MARK: Joining them in

  /// Filters `plan` by conditions that may need subqueries; those that need none go first.
  func filter(_ plan: LogicalPlan, _ conditions: [Syntax.Expression], _ stage: Stage) throws -> LogicalPlan {
    var simple: [Expression] = []
    var complex: [Expression] = []
    for condition in conditions.flatMap(\.conjuncts) {
      stage.nullIsFalse = true
      let count = stage.attachments.count
      let bound = try bindCondition(condition, stage, stage.clause)
      stage.nullIsFalse = false
      if stage.attachments.count == count { simple += bound.conjuncts } else { complex += bound.conjuncts }
    }
    return applyFilter(plan, simple, complex, stage)
  }

  func applyFilter(
    _ plan: LogicalPlan, _ simple: [Expression], _ complex: [Expression], _ stage: Stage
  ) -> LogicalPlan {
    var result = simple.isEmpty ? plan : .filter(simple, plan)
    // A condition that is nothing but a mark (or its negation) makes its join a semi (or anti) join.
    var rest: [Expression] = []
    for condition in complex {
      switch condition {
      case .column(let column):
        if let index = stage.attachments.firstIndex(where: { $0.output == column && $0.kind.isMark }) {
          stage.attachments[index].kind = .semi
          continue
        }
      case .not(.column(let column)):
        if let index = stage.attachments.firstIndex(where: { $0.output == column && $0.kind.isMark }) {
          let isNullAware = stage.attachments[index].kind == .mark(column, nullAware: true)
          stage.attachments[index].kind = isNullAware ? .antiNullAware : .anti
          continue
        }
      default: break
      }
      rest.append(condition)
    }
    result = attach(stage.attachments, to: result)
    stage.attachments = []
    return rest.isEmpty ? result : .filter(rest, result)
  }

  /// Joins subqueries to the rows they belong to.
  func attach(_ attachments: [Attachment], to plan: LogicalPlan) -> LogicalPlan {
    attachments.reduce(plan) { result, attachment in
      let (outer, attachment) = guarded(attachment, result)
      return Decorrelation(self).join(
        attachment.kind, outer, attachment.plan, attachment.conditions, output: attachment.output)
    }
  }

  /// Lets a subquery see NULL instead of the columns around it where nobody asks for its value, so that it computes
  /// nothing of them that may fail.
  private func guarded(_ attachment: Attachment, _ outer: LogicalPlan) -> (LogicalPlan, Attachment) {
    if attachment.guards.isEmpty { return (outer, attachment) }
    var read = attachment.plan.freeColumns
    for condition in attachment.conditions { condition.collectColumns(into: &read) }
    let condition = Expression.conjunction(attachment.guards)
    var projections = outer.output.map { Projection($0) }
    var map: [Column: Expression] = [:]
    for around in outer.output where read.contains(around) {
      let seen = column(around.name, around.type)
      let value = Expression.branch([Branch(when: condition, then: .column(around))], otherwise: nil, around.type)
      projections.append(Projection(value, as: seen))
      map[around] = .column(seen)
    }
    if map.isEmpty { return (outer, attachment) }
    var attachment = attachment
    attachment.plan = attachment.plan.substituting(map)
    attachment.conditions = attachment.conditions.map { $0.substituting(map) }
    return (.project(projections, outer), attachment)
  }

  /// Binds an operand whose subqueries' values are asked for only where `guards` are true.
  func bindGuarded<R>(
    _ stage: Stage, _ guards: @autoclosure () -> [Expression], _ bind: () throws -> R
  ) rethrows -> R {
    let first = stage.attachments.count
    let result = try bind()
    if stage.attachments.count == first { return result }
    let guards = guards()
    for index in stage.attachments.indices.dropFirst(first) { stage.attachments[index].guards += guards }
    return result
  }

  /// Binds operands that are computed one after the other until one tells the answer: `goesOn` is the condition on an
  /// operand under which the next is asked for. Only what may fail is kept from computing then.
  func bindInTurn(
    _ operands: [Syntax.Expression], _ stage: Stage, goesOn: (Expression) -> Expression,
    bind: (Syntax.Expression) throws -> Expression
  ) rethrows -> [Expression] {
    var bound: [Expression] = []
    for operand in operands {
      let first = stage.attachments.count
      let value = try bind(operand)
      for index in stage.attachments.indices.dropFirst(first) where stage.attachments[index].mayRaise {
        stage.attachments[index].guards += bound.map(goesOn)
      }
      bound.append(value)
    }
    return bound
  }
}

extension Attachment {
  /// True where computing it may raise an error.
  fileprivate var mayRaise: Bool {
    if kind == .single, !plan.isOneRow { return true }
    return conditions.contains(where: \.mayRaise) || plan.mayRaise
  }
}

extension LogicalPlan {
  /// True for what is one row by its form.
  fileprivate var isOneRow: Bool {
    switch self {
    case .aggregate(let aggregate, _): aggregate.keys.isEmpty && aggregate.groupingSets == nil
    case .values(let rows, _): rows.count == 1
    case .project(_, let input): input.isOneRow
    default: false
    }
  }

  fileprivate var mayRaise: Bool {
    var raises = false
    forEachExpression { raises = raises || $0.mayRaise }
    if case .shared(let shared, _) = self { raises = shared.plan.mayRaise }
    return raises || inputs.contains(where: \.mayRaise)
  }
}

extension Syntax.Expression {
  /// The operands of nested ANDs.
  var conjuncts: [Syntax.Expression] {
    if case .and(let operands) = node { return operands.flatMap(\.conjuncts) }
    return [self]
  }
}

extension LogicalPlan {
  /// The same rows in any order: a sort on top is dropped.
  var withoutOrder: LogicalPlan {
    switch self {
    case .sort(_, let input): input.withoutOrder
    case .project(let projections, let input): .project(projections, input.withoutOrder)
    default: self
    }
  }
}
