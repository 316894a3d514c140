import Bytes
import SQLSyntax
import Vectors

extension Binder {
  /// Binds a call: a window function before OVER, an aggregate, a scalar function, or a type's name as a cast.
  func bindCall(_ call: FunctionCall, _ stage: Stage, _ range: SourceRange) throws -> Expression {
    guard let name = call.builtInName else {
      throw BinderError.user("42883", "function \(call.name.joined(separator: "."))() does not exist", range)
    }
    let isHypothetical = call.isWithinGroup && Binder.hypotheticalSets.contains(name)
    let isAggregate = call.isStar || isHypothetical || !AggregateSignatures.named(name).isEmpty
    if let over = call.over { return try bindWindowCall(call, name, over, isAggregate: isAggregate, stage, range) }
    if isAggregate { return try bindAggregate(call, name, stage, range) }
    if !WindowSignatures.named(name).isEmpty {
      throw BinderError.user("42809", "window function \(name) requires an OVER clause", range)
    }
    if call.isDistinct {
      throw BinderError.user("42809", "DISTINCT specified, but \(name) is not an aggregate function", range)
    }
    if !call.orderBy.isEmpty || call.isWithinGroup {
      throw BinderError.user("42809", "ORDER BY specified, but \(name) is not an aggregate function", range)
    }
    if call.filter != nil {
      throw BinderError.user("42809", "FILTER specified, but \(name) is not an aggregate function", range)
    }
    if call.isVariadic { throw BinderError.unsupported("VARIADIC", range) }
    return try bindScalarCall(call, name, stage, range)
  }

  private func bindScalarCall(
    _ call: FunctionCall, _ name: String, _ stage: Stage, _ range: SourceRange
  ) throws -> Expression {
    if name == "make_interval" { return try bindMakeInterval(call, stage, range) }
    if let filling = try bindGapFilling(call, name, stage, range) { return filling }
    if call.arguments.contains(where: { $0.name != nil }) {
      throw BinderError.unsupported("a named argument of \(name)", range)
    }
    if let set = try bindSetCall(call, name, stage, range) { return set }
    let arguments = try call.arguments.map { try bind($0.value, stage) }
    let ranges = call.arguments.map(\.value.range)
    if let special = try bindSpecial(name, arguments, ranges, range) { return special }
    if let found = try bindCatalogFunction(name, arguments, ranges, stage, range) { return found }
    let types = arguments.map { TypeKind($0.type) }
    let candidates = ScalarSignatures.named(name)
    switch resolveOverload(candidates, types) {
    case .found(let signature, let declared):
      var bound: [Expression] = []
      for (index, argument) in arguments.enumerated() {
        bound.append(try coerce(argument, toKind: declared[index], ranges[index]))
      }
      // The zone stands first in SQL and last in the kernel.
      if signature.function == .timezone { bound.swapAt(0, 1) }
      return .call(signature.function, bound, signature.result.type)
    case .ambiguous: throw BinderError.ambiguousFunction(name, types, range)
    case .none:
      if arguments.count == 1, let cast = try functionalCast(name, arguments[0], range) { return cast }
      if candidates.isEmpty, SpecialNames.known.contains(name) {
        throw BinderError.unsupported("the function \(name)", range)
      }
      throw BinderError.noFunction(name, types, range)
    }
  }

  /// `date(x)`, `int4(x)`: a type's name as a function is a cast.
  private func functionalCast(_ name: String, _ argument: Expression, _ range: SourceRange) throws -> Expression? {
    let kinds: [String: TypeKind] = [
      "bool": .bool, "int2": .int2, "int4": .int4, "int8": .int8, "float4": .float4, "float8": .float8,
      "numeric": .numeric, "text": .text, "varchar": .varchar, "date": .date, "time": .time, "timestamp": .timestamp,
      "timestamptz": .timestamptz, "interval": .interval,
    ]
    guard let kind = kinds[name], argument.type == .unknown || TypeKind(argument.type).casts(to: kind, .explicit) else {
      return nil
    }
    return try explicitCast(argument, to: kind.type, range)
  }

  /// Functions that are other expressions underneath.
  func bindSpecial(
    _ name: String, _ arguments: [Expression], _ ranges: [SourceRange], _ range: SourceRange
  ) throws -> Expression? {
    func text(_ index: Int) throws -> Expression {
      let argument = arguments[index]
      return argument.type == .unknown || argument.type.isText
        ? try coerce(argument, to: .text, ranges[index]) : .cast(argument, .text)
    }
    /// As the value is shown: a boolean by its first letter, unlike its cast.
    func printed(_ index: Int) throws -> Expression {
      if let value = padded(arguments[index]) { return value }
      guard arguments[index].type == .boolean else { return try text(index) }
      return .branch(
        [
          Branch(when: arguments[index], then: .constant(.text("t"), .text)),
          Branch(when: .not(arguments[index]), then: .constant(.text("f"), .text)),
        ], otherwise: nil, .text)
    }
    if let array = try bindArrayFunction(name, arguments, ranges, range) { return array }
    switch (name, arguments.count) {
    case ("octet_length", 1), ("bit_length", 1):
      guard let value = padded(arguments[0]) else { break }
      return try bindSpecial(name, [value], ranges, range)
        ?? .call(.octetLength, [value], .integer)
    default: break
    }
    switch (name, arguments.count) {
    case ("concat", 1...): return .call(.concat, try arguments.indices.map(printed), .text)
    case ("concat_ws", 2...):
      return .call(.concatWithSeparator, [try text(0)] + (try arguments.indices.dropFirst().map(printed)), .text)
    case ("jsonb_build_array", _), ("json_build_array", _), ("jsonb_build_object", _), ("json_build_object", _):
      let isObject = name.hasSuffix("object")
      if isObject, arguments.count % 2 != 0 {
        throw BinderError.user("22023", "argument list must have even number of elements", range)
      }
      let values = try zip(arguments, ranges).map { value, range in
        value.type == .unknown ? try coerce(value, to: .text, range) : value
      }
      let type: LogicalType = name.hasPrefix("jsonb") ? .jsonb : .json
      return .call(
        isObject ? .jsonBuildObject : .jsonBuildArray, try values.map { try asJSON($0, type, range) }, type)
    case ("overlaps", 4): return try bindOverlaps(arguments, ranges, range)
    case ("json_object", 1...2), ("jsonb_object", 1...2):
      let type: LogicalType = name == "jsonb_object" ? .jsonb : .json
      let texts = try zip(arguments, ranges).map { try coerce($0, to: .array(.text), $1) }
      return .call(.jsonObject, texts, type)
    case ("array_to_json", 1):
      guard arguments[0].type.element != nil else { return nil }
      return .call(.toJSON, [arguments[0]], .json)
    case ("current_setting", 1...2):
      guard let setting = try constantText(arguments[0], ranges[0]) else {
        throw BinderError.unsupported("current_setting of a name that is no constant", range)
      }
      if let value = names.setting(setting) { return .constant(.text(value), .text) }
      if arguments.count == 2, try constant(try coerce(arguments[1], to: .boolean, ranges[1]), range) == .boolean(true)
      {
        return .null(.text)
      }
      throw BinderError.user("42704", "unrecognized configuration parameter \"\(setting)\"", range)
    case ("nextval", 1), ("currval", 1):
      usesSequences = true
      return .call(name == "nextval" ? .nextValue : .currentValue, [try text(0)], .bigint)
    case ("lastval", 0):
      usesSequences = true
      return .call(.lastValue, [], .bigint)
    case ("setval", 2...3):
      usesSequences = true
      let isCalled =
        arguments.count == 3 ? try coerce(arguments[2], to: .boolean, ranges[2]) : .constant(.boolean(true), .boolean)
      return .call(.setValue, [try text(0), try coerce(arguments[1], to: .bigint, ranges[1]), isCalled], .bigint)
    case ("row_to_json", 1...2), ("to_json", 1), ("to_jsonb", 1):
      guard arguments[0].type.isRecord else {
        if name == "row_to_json" { throw BinderError.noFunction(name, arguments.map { TypeKind($0.type) }, range) }
        return nil
      }
      if arguments.count == 2 { throw BinderError.unsupported("row_to_json with line feeds", range) }
      return try asJSON(arguments[0], name == "to_jsonb" ? .jsonb : .json, range)
    case ("jsonb_extract_path", 2...), ("jsonb_extract_path_text", 2...), ("json_extract_path", 2...),
      ("json_extract_path_text", 2...):
      let type: LogicalType = name.hasPrefix("jsonb") ? .jsonb : .json
      let path = Expression.call(.makeArray, try arguments.indices.dropFirst().map(text), .array(.text))
      let value = try coerce(arguments[0], to: type, ranges[0])
      return name.hasSuffix("text")
        ? .call(.jsonPathText, [value, path], .text) : .call(.jsonPath, [value, path], type)
    case ("format", 1...):
      return .call(.format, [try text(0)] + (try arguments.indices.dropFirst().map(printed)), .text)
    case ("quote_nullable", 1):
      return .coalesce([.call(.quoteLiteral, [try text(0)], .text), .constant(.text("NULL"), .text)], .text)
    case ("quote_literal", 1) where arguments[0].type != .unknown && !arguments[0].type.isText:
      return .call(.quoteLiteral, [try text(0)], .text)
    case ("bit_length", 1)
    where arguments[0].type == .bytea || arguments[0].type == .unknown || arguments[0].type.isText:
      let value = arguments[0].type == .bytea ? arguments[0] : try text(0)
      return .call(
        .multiply, [.call(.octetLength, [value], .integer), .constant(.integer(8), .integer)], .integer)
    case ("num_nulls", 1...), ("num_nonnulls", 1...):
      let counted = try arguments.enumerated().map { index, argument -> Expression in
        let value = argument.type == .unknown ? try coerce(argument, to: .text, ranges[index]) : argument
        let isNull = Expression.isNull(value)
        return .cast(name == "num_nulls" ? isNull : .not(isNull), .integer)
      }
      return counted.dropFirst().reduce(counted[0]) { .call(.add, [$0, $1], .integer) }
    case ("time_bucket", 2...3):
      // As date_bin, from a Monday unless an origin is given.
      let isZoned = arguments[1].type == .timestamptz
      let type: LogicalType = isZoned ? .timestamptz : .timestamp
      guard arguments[1].type == .unknown || TypeKind(arguments[1].type).category == .dateTime else { return nil }
      let origin =
        arguments.count == 3
        ? try coerce(arguments[2], to: type, ranges[2])
        : Expression.constant(try evaluate(.cast(.constant(.text("2000-01-03"), .text), type), range), type)
      let width = try coerce(arguments[0], to: .interval, ranges[0])
      let bucket = Expression.call(.dateBin, [width, try coerce(arguments[1], to: type, ranges[1]), origin], type)
      return arguments[1].type == .date ? .cast(bucket, .date) : bucket
    case ("make_timestamptz", 6...7):
      let kinds: [LogicalType] = [.integer, .integer, .integer, .integer, .integer, .double]
      let parts = try zip(arguments, kinds).enumerated().map { try coerce($1.0, to: $1.1, ranges[$0]) }
      if arguments.count == 7 {
        return .call(.timezone, [.call(.makeTimestamp, parts, .timestamp), try text(6)], .timestamptz)
      }
      return .cast(.call(.makeTimestamp, parts, .timestamp), .timestamptz)
    case ("clock_timestamp", 0): return .call(.now, [], .timestamptz)
    case ("version", 0): return .constant(.text("PostgreSQL 15 compatible (Pulsehouse)"), .text)
    case ("current_schema", 0): return .constant(.text("public"), .text)
    case ("current_database", 0), ("current_catalog", 0): return .constant(.text("pulsehouse"), .text)
    case ("pg_typeof", 1):
      let type = arguments[0].type
      let name = type.element.map { TypeKind($0).name + "[]" } ?? TypeKind(type).name
      return .constant(.text(name), .text)
    case ("age", 1)
    where arguments[0].type == .unknown || [.date, .timestamp, .timestamptz].contains(arguments[0].type):
      let today = Expression.cast(.cast(.call(.now, [], .timestamptz), .date), .timestamp)
      return .call(.age, [today, try coerce(arguments[0], to: .timestamp, ranges[0])], .interval)
    case ("overlay", 3...4) where arguments.prefix(2).allSatisfy { $0.type == .unknown || $0.type.isText }:
      // overlay(s placing n from p for c) is s up to p, n, and s from p + c on.
      let (value, new) = (try text(0), try text(1))
      let start = try coerce(arguments[2], to: .integer, ranges[2])
      let count =
        arguments.count == 4
        ? try coerce(arguments[3], to: .integer, ranges[3]) : .call(.length, [new], .integer)
      let one = Expression.constant(.integer(1), .integer)
      let before = Expression.call(
        .substring, [value, one, .call(.subtract, [start, one], .integer)], .text)
      let after = Expression.call(.substring, [value, .call(.add, [start, count], .integer)], .text)
      return .call(.concatenate, [.call(.concatenate, [before, new], .text), after], .text)
    default: return nil
    }
  }

  func constantText(_ value: Expression, _ range: SourceRange) throws -> String? {
    guard value.isConstant, case .text(let text) = try constant(try coerce(value, to: .text, range), range) else {
      return nil
    }
    return text
  }

  /// `(a, b) OVERLAPS (c, d)`: whether two spans, each of two ends or an end and a length, share a moment.
  private func bindOverlaps(
    _ arguments: [Expression], _ ranges: [SourceRange], _ range: SourceRange
  ) throws -> Expression {
    let kinds = [0, 2].map { arguments[$0].type } + [1, 3].map { arguments[$0].type }
    let times = kinds.filter { $0 != .unknown && $0 != .interval }
    let type: LogicalType
    if times.contains(.time) {
      type = .time
    } else if times.contains(.timestamptz) || times.isEmpty {
      type = .timestamptz
    } else {
      type = .timestamp
    }
    func span(_ first: Int) throws -> (low: Expression, high: Expression) {
      let start = try coerce(arguments[first], to: type, ranges[first])
      let end =
        arguments[first + 1].type == .interval
        ? Expression.call(.add, [start, arguments[first + 1]], type)
        : try coerce(arguments[first + 1], to: type, ranges[first + 1])
      let high = Expression.branch(
        [Branch(when: .or([.isNull(start), .isNull(end)]), then: .null(type))],
        otherwise: .call(.greatest, [start, end], type), type)
      return (.call(.least, [start, end], type), high)
    }
    let (a, b) = (try span(0), try span(2))
    func reaches(_ later: Expression, _ end: Expression, _ own: Expression) -> Expression {
      .branch(
        [
          Branch(when: .isNull(end), then: .null(.boolean)),
          Branch(when: .compare(.less, later, end), then: .trueConstant),
          Branch(when: .isNull(own), then: .null(.boolean)),
        ], otherwise: .falseConstant, .boolean)
    }
    return .branch(
      [
        Branch(when: .compare(.greater, a.low, b.low), then: reaches(a.low, b.high, a.high)),
        Branch(when: .compare(.less, a.low, b.low), then: reaches(b.low, a.high, b.high)),
        Branch(
          when: .compare(.equal, a.low, b.low),
          then: .branch(
            [Branch(when: .or([.isNull(a.high), .isNull(b.high)]), then: .null(.boolean))], otherwise: .trueConstant,
            .boolean)),
      ], otherwise: nil, .boolean)
  }

  private func bindMakeInterval(_ call: FunctionCall, _ stage: Stage, _ range: SourceRange) throws -> Expression {
    let names = ["years", "months", "weeks", "days", "hours", "mins", "secs"]
    var values: [Expression] = names.map { name in
      name == "secs" ? .constant(.double(0), .double) : .constant(.integer(0), .integer)
    }
    guard call.arguments.count <= names.count else {
      let types = try call.arguments.map { TypeKind(try bind($0.value, stage).type) }
      throw BinderError.noFunction("make_interval", types, range)
    }
    for (index, argument) in call.arguments.enumerated() {
      var position = index
      if let name = argument.name {
        guard let found = names.firstIndex(of: name) else {
          throw BinderError.user("42883", "function make_interval has no argument named \"\(name)\"", range)
        }
        position = found
      }
      let value = try bind(argument.value, stage)
      let type: LogicalType = position == 6 ? .double : .integer
      guard TypeKind(value.type).casts(to: TypeKind(type)) else {
        throw BinderError.noFunction("make_interval", [TypeKind(value.type)], range)
      }
      values[position] = try coerce(value, to: type, argument.value.range)
    }
    return .call(.makeInterval, values, .interval)
  }

  // MARK: Aggregates

  private func bindAggregate(
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
    if let calls = try fractions(call, name, input), !calls.isEmpty {
      let parts = try calls.map { collect(try makeAggregate($0, name, input, range), name, collector) }
      collector.input.attachments += input.attachments
      // No row gives NULL, not an array of NULLs.
      let some = zip(calls, parts).first { call, _ in
        if case .literal(.null) = call.arguments[0].value.node { false } else { true }
      }
      let type = LogicalType.array(parts[0].type)
      return .branch(
        [Branch(when: .isNull(some?.1 ?? parts[0]), then: .null(type))],
        otherwise: .call(.makeArray, parts, type), type)
    }
    var aggregate = try makeAggregate(call, name, input, range)
    collector.input.attachments += input.attachments
    if let known = collector.calls.first(where: { $0.matches(aggregate) }) { return .column(known.output) }
    let isCount = aggregate.function == .count || aggregate.function == .countStar
    aggregate.output = column(name, aggregate.output.type, isNullable: !isCount)
    collector.calls.append(aggregate)
    return .column(aggregate.output)
  }

  /// Binds an aggregate's arguments; the output column has the right type but no identity yet.
  private func makeAggregate(
    _ call: FunctionCall, _ name: String, _ input: Stage, _ range: SourceRange
  ) throws -> AggregateCall {
    func output(_ type: LogicalType) -> Column { Column(id: 0, name: name, type: type) }
    if call.isVariadic { throw BinderError.unsupported("VARIADIC", range) }
    let filter = try call.filter.map { try bindCondition($0, input, "FILTER") }
    if call.isStar {
      guard name == "count" else {
        throw BinderError.user("42809", "\(name)(*) specified, but \(name) is not an aggregate function", range)
      }
      return AggregateCall(.countStar, [], filter: filter, output: output(.bigint))
    }
    var order = try flattened(call.orderBy, input.scope).map { try bindSortItem($0, input) }
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
      arguments.append(order[0].expression)
      ranges.append(call.orderBy[0].value.range)
    }
    if name == "string_agg", arguments.contains(where: { $0.type == .bytea }) {
      throw BinderError.unsupported("string_agg of bytea", range)
    }
    let types = arguments.map { TypeKind($0.type) }
    let signature: AggregateSignatures.Entry
    let declared: [TypeKind]
    switch resolveOverload(AggregateSignatures.named(name), types) {
    case .found(let found, let kinds): (signature, declared) = (found, kinds)
    case .none: throw BinderError.noFunction(name, types, range)
    case .ambiguous: throw BinderError.ambiguousFunction(name, types, range)
    }
    for index in arguments.indices {
      arguments[index] =
        declared[index] == .anyCompatible
        ? try coerce(
          arguments[index], to: arguments[index].type == .unknown ? .text : arguments[index].type, ranges[index])
        : try coerce(arguments[index], toKind: declared[index], ranges[index])
    }
    if call.isDistinct {
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
    case .arrayAggregate where arguments[0].type.isRecord: throw BinderError.unsupported("array_agg of rows", range)
    default: break
    }
    let result: LogicalType
    switch signature.function {
    case .percentileDiscrete, .mode, .anyValue: result = arguments[arguments.count - 1].type
    case .jsonAggregate, .jsonObjectAggregate: result = name.hasPrefix("jsonb") ? .jsonb : .json
    case .arrayAggregate:
      result = .array(arguments[0].type)
      if case .array = arguments[0].type { throw BinderError.unsupported("array_agg of arrays", range) }
    case .min, .max: result = arguments[0].type == .varchar(length: nil) ? .text : minMaxType(arguments[0].type)
    default: result = signature.result.type
    }
    if isOrderedSet {
      let value = arguments.removeLast()
      order[0].expression = value
      try requireOrder(value.type, range)
      if value.type.element != nil { throw BinderError.unsupported("\(name) of arrays", range) }
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

  // MARK: Window functions

  private func bindWindowCall(
    _ call: FunctionCall, _ name: String, _ over: WindowReference, isAggregate: Bool, _ stage: Stage,
    _ range: SourceRange
  ) throws -> Expression {
    if stage.isAggregateArgument {
      throw BinderError.user("42803", "aggregate function calls cannot contain window function calls", range)
    }
    if stage.isWindowArgument { throw BinderError.user("42P20", "window function calls cannot be nested", range) }
    guard let collector = stage.windows else {
      throw BinderError.user("42P20", "window functions are not allowed in \(stage.clause)", range)
    }
    stage.isWindowArgument = true
    defer { stage.isWindowArgument = false }
    let window = try resolveWindow(over, collector)
    let partitionBy = flattened(window.partitionBy, stage.scope)
    let partition = try partitionBy.map { try bindTyped($0, stage) }
    for (key, syntax) in zip(partition, partitionBy) { try requireEquality(key.type, syntax.range) }
    let order = try flattened(window.orderBy, stage.scope).map { try bindSortItem($0, stage) }
    let frame = try bindFrame(window.frame, order, stage)

    var result: WindowCall
    if isAggregate {
      if call.isDistinct { throw BinderError.unsupported("DISTINCT in a window function", range) }
      if !call.orderBy.isEmpty { throw BinderError.unsupported("ORDER BY in a window function's arguments", range) }
      let aggregate = try makeAggregate(call, name, stage, range)
      result = WindowCall(
        .aggregate(aggregate.function), aggregate.arguments, filter: aggregate.filter, frame: frame,
        output: aggregate.output)
    } else {
      let signatures = WindowSignatures.named(name)
      if signatures.isEmpty {
        throw ScalarSignatures.named(name).isEmpty
          ? BinderError.noFunction(name, [], range)
          : BinderError.user(
            "42809", "OVER specified, but \(name) is not a window function nor an aggregate function", range)
      }
      if call.filter != nil {
        throw BinderError.unsupported("FILTER for a window function that is not an aggregate", range)
      }
      if call.isDistinct {
        throw BinderError.user("42809", "DISTINCT is not implemented for window functions", range)
      }
      let arguments = try call.arguments.map { try bind($0.value, stage) }
      result = try makeWindowCall(name, signatures, arguments, call.arguments.map(\.value.range), frame, range)
    }
    let isRank = result.arguments.isEmpty && result.function != .aggregate(.countStar)
    let isCount = result.function == .aggregate(.count) || result.function == .aggregate(.countStar)
    result.output = column(name, result.output.type, isNullable: !(isRank || isCount))
    if let known = collector.calls.first(where: {
      $0.partition == partition && $0.order == order && $0.call.matches(result)
    }) {
      return .column(known.call.output)
    }
    collector.calls.append(.init(partition: partition, order: order, call: result))
    return .column(result.output)
  }

  private func makeWindowCall(
    _ name: String, _ signatures: [WindowSignatures.Entry], _ arguments: [Expression], _ ranges: [SourceRange],
    _ frame: WindowFrame, _ range: SourceRange
  ) throws -> WindowCall {
    let types = arguments.map { TypeKind($0.type) }
    guard case .found(let signature, let declared) = resolveOverload(signatures, types) else {
      throw BinderError.noFunction(name, types, range)
    }
    let compatible = arguments.indices.filter { declared[$0] == .anyCompatible }
    let common =
      compatible.isEmpty
      ? nil
      : try? commonType(compatible.map { (arguments[$0].type, ranges[$0]) }, name)
    if !compatible.isEmpty {
      if common == nil { throw BinderError.noFunction(name, types, range) }
      if compatible.allSatisfy({ types[$0] == .unknown }) {
        throw BinderError.user(
          "42804", "could not determine polymorphic type because input has type unknown", range)
      }
    }
    var bound: [Expression] = []
    for (index, argument) in arguments.enumerated() {
      if declared[index] == .anyCompatible, let common {
        bound.append(try coerce(argument, to: common, ranges[index]))
      } else {
        bound.append(try coerce(argument, toKind: declared[index], ranges[index]))
      }
    }
    let type = signature.result == .anyCompatible ? (common ?? .text) : signature.result.type
    return WindowCall(signature.function, bound, frame: frame, output: Column(id: 0, name: name, type: type))
  }

  private func resolveWindow(_ over: WindowReference, _ collector: WindowCollector) throws -> WindowSpecification {
    switch over {
    case .named(let name, let range):
      guard let window = collector.definitions[name] else {
        throw BinderError.user("42704", "window \"\(name)\" does not exist", range)
      }
      return window
    case .inline(let window): return try completeWindow(window, collector.definitions)
    }
  }

  /// Adds what a window copies from the one it names.
  func completeWindow(
    _ window: WindowSpecification, _ definitions: [String: WindowSpecification]
  ) throws -> WindowSpecification {
    guard let name = window.base else { return window }
    guard let base = definitions[name] else {
      throw BinderError.user("42704", "window \"\(name)\" does not exist", window.range)
    }
    if !window.partitionBy.isEmpty {
      throw BinderError.user("42P20", "cannot override PARTITION BY clause of window \"\(name)\"", window.range)
    }
    if !window.orderBy.isEmpty, !base.orderBy.isEmpty {
      throw BinderError.user("42P20", "cannot override ORDER BY clause of window \"\(name)\"", window.range)
    }
    if base.frame != nil {
      throw BinderError.user(
        "42P20", "cannot copy window \"\(name)\" because it has a frame clause", window.range)
    }
    var result = window
    result.base = nil
    result.partitionBy = base.partitionBy
    if result.orderBy.isEmpty { result.orderBy = base.orderBy }
    return result
  }

  private func bindFrame(_ frame: Syntax.WindowFrame?, _ order: [SortKey], _ stage: Stage) throws -> WindowFrame {
    guard let frame else { return WindowFrame() }
    let unit: WindowFrame.Unit
    switch frame.unit {
    case .rows: unit = .rows
    case .range: unit = .range
    case .groups: unit = .groups
    }
    let exclusion: WindowFrame.Exclusion
    switch frame.exclusion {
    case .none: exclusion = .none
    case .currentRow: exclusion = .currentRow
    case .group: exclusion = .group
    case .ties: exclusion = .ties
    }
    func distance(_ syntax: Syntax.Expression) throws -> Expression {
      let value = try offset(syntax)
      return value.isConstant ? .constant(try evaluate(value, syntax.range), value.type) : value
    }
    func offset(_ syntax: Syntax.Expression) throws -> Expression {
      let value = try bind(syntax, Stage(Scope(parent: nil), "window frame"))
      if unit != .range { return try coerceCount(value, "\(unit == .rows ? "ROWS" : "GROUPS")", syntax.range) }
      guard order.count == 1 else {
        throw BinderError.user(
          "42P20", "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column", syntax.range)
      }
      let type = order[0].expression.type
      switch TypeKind(type).category {
      case .number:
        guard value.type == .unknown || value.type.isNumber else { break }
        return type.isInteger && value.type.isNumber && !value.type.isInteger
          ? value : try coerce(value, to: type.isNumeric ? TypeKind.numeric.type : type, syntax.range)
      case .dateTime, .timespan: return try coerce(value, to: .interval, syntax.range)
      default: break
      }
      throw BinderError.user(
        "0A000", "RANGE with offset PRECEDING/FOLLOWING is not supported for column type \(TypeKind(type).name)",
        syntax.range)
    }
    func bound(_ bound: Syntax.WindowFrame.Bound) throws -> FrameBound {
      switch bound {
      case .unboundedPreceding: .unboundedPreceding
      case .preceding(let value): .preceding(try distance(value))
      case .currentRow: .currentRow
      case .following(let value): .following(try distance(value))
      case .unboundedFollowing: .unboundedFollowing
      }
    }
    if unit == .groups, order.isEmpty {
      throw BinderError.user("42P20", "GROUPS mode requires an ORDER BY clause", .unknown)
    }
    return WindowFrame(unit, from: try bound(frame.start), to: try bound(frame.end), exclusion: exclusion)
  }

  /// A row count: a bigint, as LIMIT, OFFSET and ROWS take it.
  func coerceCount(_ value: Expression, _ construct: String, _ range: SourceRange) throws -> Expression {
    if value.type == .unknown || TypeKind(value.type).casts(to: .int8, .assignment), !value.type.isText {
      return try explicitCast(value, to: .bigint, range)
    }
    throw BinderError.user(
      "42804", "argument of \(construct) must be type bigint, not type \(TypeKind(value.type).name)", range)
  }

  // MARK: Order

  func bindSortItem(_ item: SortItem, _ stage: Stage) throws -> SortKey {
    sortKey(try sortable(try bindTyped(item.value, stage), item), item)
  }

  func sortable(_ expression: Expression, _ item: SortItem) throws -> Expression {
    try requireOrder(expression.type, item.value.range)
    return expression
  }

  func sortKey(_ expression: Expression, _ item: SortItem) -> SortKey {
    var isDescending = item.direction == .descending
    if let symbol = item.usingOperator?.symbol { isDescending = symbol == ">" }
    return SortKey(expression.ordered, isDescending: isDescending, nullsFirst: item.nulls.map { $0 == .first })
  }

  func requireOrder(_ type: LogicalType, _ range: SourceRange) throws {
    if type == .json {
      throw BinderError.user("42883", "could not identify an ordering operator for type json", range)
    }
    if type.isRecord { throw BinderError.unsupported("the order of rows that are values", range) }
    if let element = type.element {
      switch element {
      case .numeric, .interval, .uuid, .bytea, .json, .jsonb:
        throw BinderError.unsupported("the order of arrays of \(TypeKind(element).name)", range)
      default: break
      }
    }
  }

  func requireEquality(_ type: LogicalType, _ range: SourceRange) throws {
    if type == .json {
      throw BinderError.user("42883", "could not identify an equality operator for type json", range)
    }
    if type == .record(isComparable: false) {
      throw BinderError.unsupported("the equality of rows that are values, with fields of these types", range)
    }
  }
}

extension Expression {
  /// What a value is sorted by: itself, but for arrays.
  var ordered: Expression { type.element == nil ? self : .call(.arrayOrder, [self], .bytea) }
}

extension AggregateCall {
  /// Tells whether both compute the same.
  func matches(_ other: AggregateCall) -> Bool {
    function == other.function && arguments == other.arguments && isDistinct == other.isDistinct
      && filter == other.filter && order == other.order
  }
}

extension WindowCall {
  func matches(_ other: WindowCall) -> Bool {
    function == other.function && arguments == other.arguments && filter == other.filter && frame == other.frame
  }
}

/// Names of PostgreSQL's functions that we do not have yet, to say so rather than "does not exist".
enum SpecialNames {
  static let known: Set<String> = [
    "setseed",
    "timeofday", "unistr", "normalize",
    "to_ascii", "set_config", "pg_sleep", "txid_current",
    "erf",
  ]
}
