import Bytes
import SQLSyntax
import Vectors

/// Arrays: constructors, subscripts, operators and functions whose types follow the elements'.
extension Binder {
  func bindArray(_ elements: [Syntax.Expression], _ stage: Stage, _ range: SourceRange) throws -> Expression {
    if elements.isEmpty {
      throw BinderError.user(
        "42P18", "cannot determine type of empty array", range,
        hint: "Explicitly cast to the desired type, for example ARRAY[]::integer[].")
    }
    let (bound, type) = try bindCommon(elements, stage, "ARRAY")
    if case .array = type { throw BinderError.unsupported("an array of several dimensions", range) }
    return .call(.makeArray, bound, .array(type))
  }

  /// `ARRAY(SELECT ...)`: what array_agg gives, but empty for no rows.
  func bindArraySubquery(_ query: Query, _ stage: Stage, _ range: SourceRange) throws -> Expression {
    let bound = try bindSubquery(query, stage)
    guard bound.columns.count == 1, let column = bound.columns.first else {
      throw BinderError.user("42601", "subquery must return only one column", range)
    }
    let type = LogicalType.array(column.type)
    let output = self.column("array", type)
    let plan = LogicalPlan.aggregate(
      LogicalAggregate(keys: [], aggregates: [AggregateCall(.arrayAggregate, [.column(column)], output: output)]),
      bound.plan)
    let empty = Expression.constant(.text("{}"), type)
    if plan.freeColumns.isEmpty {
      subqueries.append(plan)
      return .coalesce([.subquery(subqueries.count - 1, type), empty], type)
    }
    stage.attachments.append(Attachment(kind: .single, plan: plan, conditions: [], output: output))
    return .coalesce([.column(output), empty], type)
  }

  func bindSubscripts(
    _ base: Syntax.Expression, _ subscripts: [ArraySubscript], _ stage: Stage, _ range: SourceRange
  ) throws -> Expression {
    let array = try bind(base, stage)
    guard case .array(let element) = array.type else {
      if array.type == .jsonb { return try bindPath(array, subscripts, stage, range) }
      throw BinderError.user(
        "42804", "cannot subscript type \(TypeKind(array.type).name) because it does not support subscripting", range)
    }
    guard subscripts.count == 1, let first = subscripts.first else {
      // There is one dimension, so a second subscript finds nothing.
      return .null(element)
    }
    func place(_ syntax: Syntax.Expression) throws -> Expression {
      let value = try bind(syntax, stage)
      guard value.type == .unknown || TypeKind(value.type).casts(to: .int4, .assignment) else {
        throw BinderError.user("42804", "array subscript must have type integer", syntax.range)
      }
      return try explicitCast(value, to: .integer, syntax.range)
    }
    switch first {
    case .index(let index): return .call(.arrayElement, [array, try place(index)], element)
    case .slice(let lower, let upper):
      let low = try lower.map(place) ?? .constant(.integer(1), .integer)
      let high = try upper.map(place) ?? .constant(.integer(Int64(Int32.max)), .integer)
      return .call(.arraySlice, [array, low, high], array.type)
    }
  }

  /// `j['a'][0]` of jsonb: what `#>` finds by the same steps.
  private func bindPath(
    _ json: Expression, _ subscripts: [ArraySubscript], _ stage: Stage, _ range: SourceRange
  ) throws -> Expression {
    let steps = try subscripts.map { step -> Expression in
      guard case .index(let syntax) = step else {
        throw BinderError.user("42804", "jsonb subscript does not support slices", range)
      }
      let value = try bind(syntax, stage)
      guard value.type == .unknown || value.type.isText || value.type.isInteger else {
        throw BinderError.user(
          "42804", "subscript type \(TypeKind(value.type).name) is not supported", syntax.range,
          hint: "jsonb subscript must be coercible to either integer or text.")
      }
      return try explicitCast(value, to: .text, syntax.range)
    }
    let path = Expression.call(.makeArray, steps, .array(.text))
    let found = try makeBinary(OperatorName("#>"), json, path, range, leftRange: range, rightRange: range)
    // An array of steps is never NULL, but one of its steps may be.
    let unknown = steps.filter(\.isNullable).map { Expression.isNull($0) }
    return unknown.isEmpty
      ? found : .branch([Branch(when: .disjunction(unknown), then: .null(.jsonb))], otherwise: found, .jsonb)
  }

  /// `value op ANY (array)` of an array that is not written out.
  func bindQuantifiedValue(
    _ value: Syntax.Expression, _ op: OperatorName, _ quantifier: Quantifier, _ array: Syntax.Expression,
    _ stage: Stage, _ range: SourceRange
  ) throws -> Expression {
    let left = try bind(value, stage)
    var right = try bind(array, stage)
    if right.type == .unknown {
      right = try resolveUnknown(right, to: .array(left.type == .unknown ? .text : left.type), array.range)
    }
    guard case .array(let element) = right.type else {
      throw BinderError.user("42809", "op ANY/ALL (array) requires array on right side", array.range)
    }
    guard let symbol = op.builtIn else {
      throw BinderError.noOperator(op.symbol, TypeKind(left.type), TypeKind(element), range)
    }
    guard let type = try quantifiedType(symbol, left, element, range, value.range, array.range) else {
      throw BinderError.unsupported("ANY or ALL of an array with the operator \(op.symbol)", range)
    }
    return .call(
      .quantified,
      [
        try ComparisonOperator(symbol: symbol) == nil
          ? padded(left) ?? coerce(left, to: type, value.range)
          : coerce(left, to: type, value.range), try explicitCast(right, to: .array(type), array.range),
        .constant(.text(symbol), .text), .constant(.boolean(quantifier == .any), .boolean),
      ], .boolean)
  }

  /// What both sides of `value op ANY (array)` are brought to; nil for an operator that the kernel does not know.
  private func quantifiedType(
    _ symbol: String, _ left: Expression, _ element: LogicalType, _ range: SourceRange, _ leftRange: SourceRange,
    _ rightRange: SourceRange
  ) throws -> LogicalType? {
    let (a, b) = (TypeKind(left.type), TypeKind(element))
    if ComparisonOperator(symbol: symbol) != nil {
      guard let type = comparisonType(left.type, element) else { throw BinderError.noOperator(symbol, a, b, range) }
      return type
    }
    switch symbol {
    case "~~", "~~*", "!~~", "!~~*", "~", "~*", "!~", "!~*":
      guard a == .unknown || left.type.isText, element.isText else {
        throw BinderError.noOperator(symbol, a, b, range)
      }
      return .text
    case "@>" where element == .jsonb && (a == .unknown || left.type == .jsonb): return .jsonb
    default:
      let sample = try makeBinary(
        OperatorName(symbol), left, .null(element), range, leftRange: leftRange, rightRange: rightRange)
      guard sample.type == .boolean else {
        throw BinderError.user("42809", "op ANY/ALL (array) requires operator to yield boolean", range)
      }
      return nil
    }
  }

  /// `||`, `@>`, `<@` and `&&` of arrays; nil when neither side is one.
  func makeArrayOperator(
    _ symbol: String, _ left: Expression, _ right: Expression, _ range: SourceRange, _ leftRange: SourceRange,
    _ rightRange: SourceRange
  ) throws -> Expression? {
    let (a, b) = (left.type.element, right.type.element)
    guard a != nil || b != nil else { return nil }
    if symbol == "||", a == nil, left.type != .unknown || b == nil, let element = b {
      let type = try commonType([(left.type, leftRange), (element, rightRange)], "||")
      return .call(
        .arrayPrepend, [try coerce(left, to: type, leftRange), try explicitCast(right, to: .array(type), rightRange)],
        .array(type))
    }
    if symbol == "||", b == nil, right.type != .unknown, let element = a {
      let type = try commonType([(element, leftRange), (right.type, rightRange)], "||")
      return .call(
        .arrayAppend, [try explicitCast(left, to: .array(type), leftRange), try coerce(right, to: type, rightRange)],
        .array(type))
    }
    var elements: [(LogicalType, SourceRange)] = []
    if let a { elements.append((a, leftRange)) }
    if let b { elements.append((b, rightRange)) }
    let type = LogicalType.array(try commonType(elements, symbol))
    let x = try explicitCast(left, to: type, leftRange)
    let y = try explicitCast(right, to: type, rightRange)
    switch symbol {
    case "||": return .call(.arrayConcatenate, [x, y], type)
    case "@>": return .call(.arrayContains, [x, y], .boolean)
    case "<@": return .call(.arrayContains, [y, x], .boolean)
    default: return .call(.arrayOverlaps, [x, y], .boolean)
    }
  }

  /// Functions with an array among their arguments; nil for other names.
  func bindArrayFunction(
    _ name: String, _ arguments: [Expression], _ ranges: [SourceRange], _ range: SourceRange
  ) throws -> Expression? {
    var noFunction: PulsehouseError { BinderError.noFunction(name, arguments.map { TypeKind($0.type) }, range) }
    func array(_ index: Int) throws -> (Expression, LogicalType) {
      if arguments[index].type == .unknown {
        throw BinderError.user(
          "42804", "could not determine polymorphic type because input has type unknown", ranges[index])
      }
      guard let element = arguments[index].type.element else { throw noFunction }
      return (arguments[index], element)
    }
    /// The array and values as of one type, which any of them may settle: PostgreSQL's anycompatible.
    func compatible(
      _ arrayIndex: Int, _ values: [Int]
    ) throws -> (array: Expression, values: [Expression], type: LogicalType) {
      let array = arguments[arrayIndex]
      guard array.type == .unknown || array.type.element != nil else { throw noFunction }
      let others = values.map { (arguments[$0].type, ranges[$0]) }
      let own = array.type.element.map { [($0, ranges[arrayIndex])] } ?? []
      let known = (own + others).filter { $0.0 != .unknown }
      guard Set(known.map { TypeKind($0.0).category }).count <= 1 else { throw noFunction }
      let type = try commonType(own + others, name)
      if type.element != nil {
        throw BinderError.unsupported("an array of several dimensions", range)
      }
      return (
        array.type == .unknown
          ? try resolveUnknown(array, to: .array(type), ranges[arrayIndex])
          : try explicitCast(array, to: .array(type), ranges[arrayIndex]),
        try values.map { try coerce(arguments[$0], to: type, ranges[$0]) }, type
      )
    }
    switch (name, arguments.count) {
    case ("array_length", 2), ("array_upper", 2), ("array_lower", 2):
      let dimension = try coerce(arguments[1], to: .integer, ranges[1])
      return .call(name == "array_lower" ? .arrayLower : .arrayLength, [try array(0).0, dimension], .integer)
    case ("cardinality", 1): return .call(.cardinality, [try array(0).0], .integer)
    case ("array_to_string", 2), ("array_to_string", 3):
      let rest = try arguments.indices.dropFirst().map { try coerce(arguments[$0], to: .text, ranges[$0]) }
      return .call(.arrayToString, [try array(0).0] + rest, .text)
    case ("array_append", 2):
      let (value, elements, type) = try compatible(0, [1])
      return .call(.arrayAppend, [value] + elements, .array(type))
    case ("array_prepend", 2):
      let (value, elements, type) = try compatible(1, [0])
      return .call(.arrayPrepend, elements + [value], .array(type))
    case ("array_cat", 2):
      let known = arguments.compactMap(\.type.element)
      guard arguments.allSatisfy({ $0.type == .unknown || $0.type.element != nil }),
        Set(known.map { TypeKind($0).category }).count <= 1
      else { throw noFunction }
      let type = LogicalType.array(try commonType(zip(known, ranges).map { ($0, $1) }, name))
      let sides = try zip(arguments, ranges).map { argument, range in
        argument.type == .unknown
          ? try resolveUnknown(argument, to: type, range) : try explicitCast(argument, to: type, range)
      }
      return .call(.arrayConcatenate, sides, type)
    case ("array_position", 2), ("array_position", 3):
      let (value, elements, type) = try compatible(0, [1])
      try requireEquality(type, range)
      let start = arguments.count > 2 ? [try coerce(arguments[2], to: .integer, ranges[2])] : []
      return .call(.arrayPosition, [value] + elements + start, .integer)
    case ("array_positions", 2):
      let (value, elements, type) = try compatible(0, [1])
      try requireEquality(type, range)
      return .call(.arrayPositions, [value] + elements, .array(.integer))
    case ("array_replace", 3):
      let (value, elements, type) = try compatible(0, [1, 2])
      try requireEquality(type, range)
      return .call(.arrayReplace, [value] + elements, .array(type))
    case ("array_fill", 2):
      guard arguments[0].type != .unknown else {
        throw BinderError.user(
          "42804", "could not determine polymorphic type because input has type unknown", range)
      }
      let size = try explicitCast(arguments[1], to: .array(.integer), ranges[1])
      return .call(.arrayFill, [arguments[0], size], .array(arguments[0].type))
    case ("array_ndims", 1):
      let length = Expression.call(.cardinality, [try array(0).0], .integer)
      return .branch(
        [
          Branch(
            when: .compare(.greater, length, .constant(.integer(0), .integer)), then: .constant(.integer(1), .integer))
        ],
        otherwise: nil, .integer)
    case ("array_dims", 1):
      let length = Expression.call(.cardinality, [try array(0).0], .integer)
      let text = Expression.call(
        .concat, [.constant(.text("[1:"), .text), .cast(length, .text), .constant(.text("]"), .text)], .text)
      return .branch(
        [Branch(when: .compare(.greater, length, .constant(.integer(0), .integer)), then: text)], otherwise: nil, .text)
    case ("trim_array", 2):
      let (value, element) = try array(0)
      return .call(.arrayTrim, [value, try coerce(arguments[1], to: .integer, ranges[1])], .array(element))
    case ("width_bucket", 2):
      let (bounds, own) = try array(1)
      let type = try commonType([(arguments[0].type, ranges[0]), (own, ranges[1])], name)
      return .call(
        .widthBucketArray,
        [try coerce(arguments[0], to: type, ranges[0]), try explicitCast(bounds, to: .array(type), ranges[1])], .integer
      )
    case ("array_remove", 2):
      let (value, elements, type) = try compatible(0, [1])
      try requireEquality(type, range)
      return .call(.arrayRemove, [value] + elements, .array(type))
    default: return nil
    }
  }
}

extension LogicalType {
  /// The type of an array's elements; nil for what is none.
  var element: LogicalType? {
    if case .array(let element) = self { return element }
    return nil
  }
}
