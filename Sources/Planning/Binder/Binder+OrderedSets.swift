import SQLSyntax
import Vectors

/// Aggregates WITHIN GROUP that are others underneath: hypothetical ranks, and percentiles of several fractions.
extension Binder {
  static let hypotheticalSets: Set<String> = ["rank", "dense_rank", "percent_rank", "cume_dist"]

  /// `rank(x, ...) WITHIN GROUP (ORDER BY y, ...)`: where a row of these values would stand among the group's.
  func bindHypothetical(
    _ call: FunctionCall, _ name: String, _ collector: AggregateCollector, _ input: Stage, _ range: SourceRange
  ) throws -> Expression {
    if call.isDistinct { throw BinderError.user("0A000", "cannot use DISTINCT with WITHIN GROUP", range) }
    guard call.arguments.count == call.orderBy.count else {
      throw BinderError.user(
        "42883", "function \(name)(...) does not exist", range,
        hint:
          "To use the hypothetical-set aggregate \(name), the number of hypothetical direct arguments (here \(call.arguments.count)) must match the number of ordering columns (here \(call.orderBy.count))."
      )
    }
    let filter = try call.filter.map { try bindCondition($0, input, "FILTER") }
    var isBefore = Expression.falseConstant
    var isEqual = Expression.trueConstant
    var keys: [Expression] = []
    for (argument, item) in zip(call.arguments, call.orderBy).reversed() {
      let (value, key) = try unify(
        try bind(argument.value, Stage(input.scope, "direct arguments")), try bindTyped(item.value, input), "<",
        range, leftRange: argument.value.range, rightRange: item.value.range)
      try requireGrouped(value, argument.value, name, input)
      try requireOrder(key.type, item.value.range)
      let order = sortKey(key, item)
      let same = Expression.not(.isDistinct(key, value))
      let first = Expression.branch(
        [
          Branch(when: .isNull(key), then: order.nullsFirst ? .not(.isNull(value)) : .falseConstant),
          Branch(when: .isNull(value), then: order.nullsFirst ? .falseConstant : .trueConstant),
        ], otherwise: .compare(order.isDescending ? .greater : .less, key.ordered, value.ordered), .boolean)
      isBefore = .or([first, .and([same, isBefore])])
      isEqual = .and([same, isEqual])
      keys.insert(key, at: 0)
    }
    func rows(where condition: Expression?) -> Expression {
      let conditions = [filter, condition].compactMap(\.self)
      return collect(
        AggregateCall(
          .countStar, [], filter: conditions.isEmpty ? nil : .conjunction(conditions),
          output: Column(id: 0, name: name, type: .bigint)), name, collector)
    }
    func plusOne(_ count: Expression) -> Expression { .call(.add, [count, .bigint(1)], .bigint) }
    func double(_ value: Expression) -> Expression { .cast(value, .double) }
    switch name {
    case "rank": return plusOne(rows(where: isBefore))
    case "dense_rank":
      let value: Expression
      if keys.count == 1 {
        value = keys[0]
        try requireEquality(value.type, range)
      } else {
        value = try bindRow(call.orderBy.map(\.value), input)
        try requireEquality(value.type, range)
      }
      var distinct = AggregateCall(
        .count, [value], isDistinct: true, filter: .conjunction([filter, isBefore].compactMap(\.self)),
        output: Column(id: 0, name: name, type: .bigint))
      // NULL is one more value, which count leaves out.
      let nulls = rows(where: keys.count == 1 ? .and([isBefore, .isNull(value)]) : .falseConstant)
      distinct.output = Column(id: 0, name: name, type: .bigint)
      let counted = collect(distinct, name, collector)
      let one = Expression.branch(
        [Branch(when: .compare(.greater, nulls, .bigint(0)), then: .bigint(1))], otherwise: .bigint(0), .bigint)
      return plusOne(.call(.add, [counted, one], .bigint))
    case "percent_rank":
      let all = rows(where: nil)
      return .branch(
        [Branch(when: .compare(.equal, all, .bigint(0)), then: .constant(.double(0), .double))],
        otherwise: .call(.divide, [double(rows(where: isBefore)), double(all)], .double), .double)
    default:
      let upTo = rows(where: .or([isBefore, isEqual]))
      return .call(.divide, [double(plusOne(upTo)), double(plusOne(rows(where: nil)))], .double)
    }
  }

  /// The column of an aggregate, which is computed once however often it is written.
  func collect(_ aggregate: AggregateCall, _ name: String, _ collector: AggregateCollector) -> Expression {
    if let known = collector.calls.first(where: { $0.matches(aggregate) }) { return .column(known.output) }
    var made = aggregate
    let isCount = made.function == .count || made.function == .countStar
    made.output = column(name, aggregate.output.type, isNullable: !isCount)
    collector.calls.append(made)
    return .column(made.output)
  }

  /// The fractions of `percentile_cont(ARRAY[...])` of constants, each as a call of its own; nil for another call.
  func fractions(_ call: FunctionCall, _ name: String) -> [FunctionCall]? {
    guard name == "percentile_cont" || name == "percentile_disc", call.arguments.count == 1 else { return nil }
    let argument = call.arguments[0].value
    guard case .array(let elements) = argument.node, elements.allSatisfy(\.isNumber) else { return nil }
    return elements.map { element in
      var single = call
      single.arguments[0].value = element
      return single
    }
  }

  /// Refuses the direct argument of an aggregate WITHIN GROUP that may differ between the rows of a group.
  func requireGrouped(
    _ argument: Expression, _ syntax: Syntax.Expression, _ name: String, _ input: Stage
  ) throws {
    if argument.isFixed { return }
    if argument.hasVolatile { throw BinderError.unsupported("\(name) of a fraction of random()", syntax.range) }
    let own = input.scope.relations.flatMap(\.columns).reduce(into: Set<Column>()) { columns, column in
      column.expression.collectColumns(into: &columns)
    }
    let keys = input.aggregates?.keys ?? []
    func visit(_ expression: Expression) throws {
      if keys.contains(where: { $0.expression == expression }) { return }
      if case .column(let column) = expression {
        if input.attachments.contains(where: { $0.output == column }) {
          throw BinderError.unsupported("\(name) of what a correlated subquery gives", syntax.range)
        }
        guard own.contains(column) else { return }
        let place = input.scope.relations.flatMap(\.columns).first { $0.expression == expression }
        throw BinderError.user(
          "42803",
          "column \"\(place?.displayName ?? column.name)\" must appear in the GROUP BY clause or be used in an aggregate function",
          syntax.range, detail: "Direct arguments of an ordered-set aggregate must use only grouped columns.")
      }
      for child in expression.children { try visit(child) }
    }
    try visit(argument)
    if input.aggregates?.groupingSets != nil {
      throw BinderError.unsupported("\(name) of a key of grouping sets", syntax.range)
    }
  }
}

extension Syntax.Expression {
  /// True for a number as it is written.
  fileprivate var isNumber: Bool {
    switch node {
    case .literal(.integer), .literal(.numeric): true
    default: false
    }
  }
}
