import Bytes
import SQLSyntax
import Vectors

/// Calls of aggregates.
extension Binder {
  func bindAggregate(
    _ call: FunctionCall, _ name: String, _ stage: Stage, _ range: SourceRange
  ) throws -> Expression {
    if stage.isAggregateArgument {
      throw BinderError.user("42803", "aggregate function calls cannot be nested", range)
    }
    guard let collector = stage.aggregates else {
      throw BinderError.user("42803", "aggregate functions are not allowed in \(stage.clause)", range)
    }
    let input = Stage(stage.scope, "aggregate arguments")
    input.isAggregateArgument = true
    input.aggregates = collector
    if call.isWithinGroup, Binder.hypotheticalSets.contains(name) {
      let result = try bindHypothetical(call, name, collector, input, range)
      collector.input.attachments += input.attachments
      return result
    }
    if let calls = fractions(call, name), !calls.isEmpty {
      let parts = try calls.map { collect(try makeAggregate($0, name, input, range), name, collector) }
      collector.input.attachments += input.attachments
      // No row gives NULL, not an array of NULLs.
      let type = LogicalType.array(parts[0].type)
      return .branch(
        [Branch(when: .isNull(parts[0]), then: .null(type))],
        otherwise: .call(.makeArray, parts, type), type)
    }
    let aggregate = try makeAggregate(call, name, input, range)
    collector.input.attachments += input.attachments
    let result = collect(aggregate, name, collector)
    if aggregate.output.type.element?.isRecord == true, case .column(let column) = result {
      arraysOfRows[column] = (aggregate, collector)
    }
    return aggregate.value(result)
  }

  /// Binds an aggregate's arguments; the output column has the right type but no identity yet.
  func makeAggregate(
    _ call: FunctionCall, _ name: String, _ input: Stage, _ range: SourceRange
  ) throws -> AggregateCall {
    func output(_ type: LogicalType) -> Column { Column(id: 0, name: name, type: type) }
    if call.isVariadic { throw BinderError.unsupported("VARIADIC", range) }
    let filter = try call.filter.map { try bindCondition($0, input, "FILTER") }
    if call.isStar {
      guard name == "count" else { throw BinderError.noFunction(name, [], range) }
      return AggregateCall(.countStar, [], filter: filter, output: output(.bigint))
    }
    if name == "count", call.arguments.isEmpty {
      throw BinderError.user("42809", "count(*) must be used to call a parameterless aggregate function", range)
    }
    var order = try flattened(call.orderBy, input.scope).map { try bindSortItem($0, input) }
    if call.isDistinct { order = order.map { $0.mapping { $0.unordered } } }
    var arguments = try call.arguments.map { try bind($0.value, input) }
    var ranges = call.arguments.map(\.value.range)
    let isOrderedSet = AggregateSignatures.isOrderedSet(name)
    if isOrderedSet != call.isWithinGroup {
      throw BinderError.user(
        "42809",
        isOrderedSet
          ? "WITHIN GROUP is required for ordered-set aggregate \(name)"
          : "\(name) is not an ordered-set aggregate, so it cannot have WITHIN GROUP", range)
    }
    if isOrderedSet {
      guard order.count == 1 else { throw BinderError.unsupported("WITHIN GROUP with several values", range) }
      // The value itself, not what it is sorted by.
      arguments.append(try bindTyped(call.orderBy[0].value, input))
      ranges.append(call.orderBy[0].value.range)
    }
    if isOrderedSet, arguments.count == 2 {
      try requireGrouped(arguments[0], call.arguments[0].value, name, input)
    }
    if name == "min" || name == "max", arguments.count == 1, let element = arguments[0].type.element {
      if element == .json {
        throw BinderError.user("42883", "could not identify a comparison function for type json", range)
      }
      return AggregateCall(
        name == "min" ? .min : .max, [arguments[0].withOrder], filter: filter, output: output(.bytea))
    }
    let isOfList = isOrderedSet && arguments.count == 2 && arguments[0].type.element != nil
    let types = arguments.indices.map { isOfList && $0 == 0 ? .float8 : TypeKind(arguments[$0].type) }
    let signature: AggregateSignatures.Entry
    let declared: [TypeKind]
    switch resolveOverload(AggregateSignatures.named(name), types) {
    case .found(let found, let kinds): (signature, declared) = (found, kinds)
    case .none: throw BinderError.noFunction(name, of: arguments.map(\.type), range)
    case .ambiguous: throw BinderError.ambiguousFunction(name, types, range)
    }
    let given = arguments
    for index in arguments.indices where !(isOfList && index == 0) {
      arguments[index] =
        declared[index] == .anyCompatible
        ? try coerce(
          arguments[index], to: arguments[index].type == .unknown ? .text : arguments[index].type, ranges[index])
        : try coerce(arguments[index], toKind: declared[index], ranges[index])
    }
    if call.isDistinct {
      // DISTINCT and ORDER BY speak of the argument as it is taken: char and varchar as text.
      order = order.map { key in
        guard let index = given.firstIndex(of: key.expression), given[index].type.isText else { return key }
        return key.mapping { _ in arguments[index] }
      }
      if name == "count" { arguments = arguments.map(withoutSpelling) }
      for argument in arguments { try requireEquality(argument.type, range) }
      if !order.isEmpty, !isOrderedSet, !order.allSatisfy({ arguments.contains($0.expression) }) {
        throw BinderError.user(
          "42P10", "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list", range)
      }
    }
    switch signature.function {
    case .jsonAggregate, .jsonObjectAggregate:
      let type: LogicalType = name.hasPrefix("jsonb") ? .jsonb : .json
      for index in arguments.indices {
        arguments[index] = try asJSON(arguments[index], type, ranges[index])
        // As the session's zone shows it, which the aggregate does not know.
        if arguments[index].type == .timestamptz, index == arguments.count - 1 {
          arguments[index] = .call(.toJSON, [arguments[index]], type)
        }
      }
    default: break
    }
    if isOfList { arguments[0] = try explicitCast(arguments[0], to: .array(.double), ranges[0]) }
    var result: LogicalType
    switch signature.function {
    case .percentileDiscrete, .mode, .anyValue: result = arguments[arguments.count - 1].type
    case .jsonAggregate, .jsonObjectAggregate: result = name.hasPrefix("jsonb") ? .jsonb : .json
    case .arrayAggregate:
      if call.isDistinct, arguments[0].type.isRecord {
        throw BinderError.unsupported("array_agg of DISTINCT rows", range)
      }
      result = .array(arguments[0].type)
      if case .array = arguments[0].type { throw BinderError.unsupported("array_agg of arrays", range) }
    case .min, .max: result = arguments[0].type == .varchar(length: nil) ? .text : minMaxType(arguments[0].type)
    default: result = signature.result.type
    }
    if isOfList { result = .array(result) }
    if isOrderedSet {
      let value = arguments.removeLast()
      order[0].expression = value
      try requireOrder(value.type, range)
      if value.ordered != value {
        let (isDescending, nullsFirst) = (order[0].isDescending, order[0].nullsFirst)
        order.insert(SortKey(value.ordered, isDescending: isDescending, nullsFirst: nullsFirst), at: 0)
      }
    }
    return AggregateCall(
      signature.function, arguments, isDistinct: call.isDistinct, filter: filter, order: order,
      output: output(result))
  }

  private func minMaxType(_ type: LogicalType) -> LogicalType {
    switch type {
    case .varchar: .text
    case .numeric: .numeric(precision: nil, scale: nil)
    default: type
    }
  }
}

extension Binder {
  /// Finds the columns that a select list may name beside the primary key that GROUP BY names: of the key's table, in this
  /// FROM. Those that nobody names cost nothing.
  func findDependents(of plan: LogicalPlan, _ collector: AggregateCollector) {
    guard collector.groupingSets == nil else { return }
    let keys = Set(
      collector.keys.compactMap { key -> Column? in
        if case .column(let column) = key.expression { column } else { nil }
      })
    if keys.isEmpty { return }
    func visit(_ plan: LogicalPlan) {
      switch plan {
      case .filter(_, let input): visit(input)
      case .join(_, let left, let right):
        visit(left)
        visit(right)
      case .scan(let scan):
        let places = scan.sources.map { source -> Int? in
          if case .field(let index) = source { index } else { nil }
        }
        func column(_ name: String) -> Column? {
          scan.table.fields.index(of: name).flatMap(places.firstIndex(of:)).map { scan.columns[$0] }
        }
        for constraint in scan.table.constraints {
          guard case .primaryKey(let names) = constraint.kind,
            names.allSatisfy({ column($0).map(keys.contains) ?? false })
          else { continue }
          for column in scan.columns where !keys.contains(column) {
            let output = self.column(column.name, column.type)
            collector.calls.append(AggregateCall(.anyValue, [.column(column)], output: output))
            collector.dependents[.column(column)] = output
          }
        }
      default: break
      }
    }
    visit(plan)
  }
}

extension AggregateCall {
  /// What the call gives, of the column it becomes.
  func value(_ column: Expression) -> Expression {
    guard function == .min || function == .max, case .call(.withOrder, let operands, _) = arguments.first else {
      return column
    }
    return column.withoutOrder(operands[0].type)
  }

  /// Tells whether both compute the same.
  func matches(_ other: AggregateCall) -> Bool {
    function == other.function && arguments == other.arguments && isDistinct == other.isDistinct
      && filter == other.filter && order == other.order
  }
}
