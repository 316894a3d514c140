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
    guard let symbol = op.builtIn, let comparison = ComparisonOperator(symbol: symbol) else {
      throw BinderError.unsupported("ANY or ALL of an array with the operator \(op.symbol)", range)
    }
    guard let type = comparisonType(left.type, element) else {
      throw BinderError.noOperator(symbol, TypeKind(left.type), TypeKind(element), range)
    }
    return .call(
      .quantified,
      [
        try coerce(left, to: type, value.range), try explicitCast(right, to: .array(type), array.range),
        .constant(.integer(Int64(comparison.rawValue)), .integer), .constant(.boolean(quantifier == .any), .boolean),
      ], .boolean)
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
    func array(_ index: Int) throws -> (Expression, LogicalType) {
      let value =
        arguments[index].type == .unknown
        ? try resolveUnknown(arguments[index], to: .array(.text), ranges[index]) : arguments[index]
      guard let element = value.type.element else {
        throw BinderError.noFunction(name, arguments.map { TypeKind($0.type) }, range)
      }
      return (value, element)
    }
    /// The array and the element as of one type.
    func pair(_ arrayIndex: Int, _ elementIndex: Int) throws -> (array: Expression, element: Expression, LogicalType) {
      let (value, own) = try array(arrayIndex)
      let type = try commonType(
        [(own, ranges[arrayIndex]), (arguments[elementIndex].type, ranges[elementIndex])], name)
      return (
        try explicitCast(value, to: .array(type), ranges[arrayIndex]),
        try coerce(arguments[elementIndex], to: type, ranges[elementIndex]), type
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
      let (value, element, type) = try pair(0, 1)
      return .call(.arrayAppend, [value, element], .array(type))
    case ("array_prepend", 2):
      let (value, element, type) = try pair(1, 0)
      return .call(.arrayPrepend, [element, value], .array(type))
    case ("array_cat", 2):
      return try makeArrayOperator("||", try array(0).0, try array(1).0, range, ranges[0], ranges[1])
    case ("array_position", 2):
      let (value, element, _) = try pair(0, 1)
      return .call(.arrayPosition, [value, element], .integer)
    case ("array_positions", 2):
      let (value, element, _) = try pair(0, 1)
      return .call(.arrayPositions, [value, element], .array(.integer))
    case ("array_replace", 3):
      let (value, own) = try array(0)
      let type = try commonType(
        [(own, ranges[0]), (arguments[1].type, ranges[1]), (arguments[2].type, ranges[2])], name)
      return .call(
        .arrayReplace,
        [
          try explicitCast(value, to: .array(type), ranges[0]), try coerce(arguments[1], to: type, ranges[1]),
          try coerce(arguments[2], to: type, ranges[2]),
        ], .array(type))
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
      let (value, element, type) = try pair(0, 1)
      return .call(.arrayRemove, [value, element], .array(type))
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
