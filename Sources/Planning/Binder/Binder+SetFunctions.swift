import Bytes
import SQLSyntax
import Vectors

/// Functions that give rows: in FROM, where they see the tables before them, and in select lists.
extension Binder {
  func bindTableFunction(_ function: TableFunction, _ scope: Scope, lateral: FromItem?) throws -> FromItem {
    if function.items.count == 1, !function.hasOrdinality, let item = function.items.first,
      case .call(let syntax) = item.call.node, let name = syntax.builtInName, FileRequest.functions.contains(name)
    {
      return try bindFile(syntax, name, function, item.call.range)
    }
    if function.items.count == 1, !function.hasOrdinality, let item = function.items.first,
      case .call(let syntax) = item.call.node, let name = syntax.builtInName,
      let records = try bindRecords(syntax, name, function, scope, lateral: lateral, item.call.range)
    {
      return records
    }
    if !function.columns.isEmpty || function.items.contains(where: { !$0.columns.isEmpty }) {
      throw BinderError.unsupported("a column definition list", function.range)
    }
    var function = function
    function.items = function.items.flatMap(\.parts)
    let parent = lateral.map { lateralScope($0, scope) } ?? Scope(parent: scope.parent)
    var calls: [SetCall] = []
    var names: [String] = []
    var attachments: [Attachment] = []
    for item in function.items {
      guard case .call(let written) = item.call.node, let name = written.builtInName else {
        throw BinderError.unsupported("this function in FROM", function.range)
      }
      let syntax = try positional(written, name, item.call.range)
      if function.items.count == 1, !function.hasOrdinality {
        if name == "as_of" { return try bindPast(syntax, function, item.call.range) }
        if let plan = try constantRows(syntax, name, scope, item.call.range) {
          return try self.item(
            plan, [function.alias?.name ?? name], schema: nil, name: name, function.alias, function.range,
            isScalar: true)
        }
        if !SetFunctionNames.contains(name) { return try bindRowFunction(function, item.call, name, parent) }
      }
      let stage = Stage(parent, Binder.tableFunctionClause)
      let arguments = try syntax.arguments.map { try bind($0.value, stage) }
      attachments += stage.attachments
      guard let call = try setCall(name, arguments, syntax.arguments.map(\.value.range), item.call.range) else {
        throw BinderError.unsupported("the function \(name) in ROWS FROM", item.call.range)
      }
      calls.append(call)
      // The only column of a function is called as its table is, unless the function names it.
      let isOnly = function.items.count == 1 && call.columns.count == 1 && call.columns[0].name == name
      names += isOnly ? [function.alias?.name ?? name] : call.columns.map(\.name)
    }
    var expansion = Expansion(calls)
    if function.hasOrdinality {
      expansion.ordinality = column("ordinality", .bigint, isNullable: false)
      names.append("ordinality")
    }
    let input = attach(attachments, to: .values([[]], []))
    var rows = LogicalPlan.expand(expansion, input)
    if !attachments.isEmpty {
      rows = .project(rows.output.filter { !input.output.contains($0) }.map { Projection($0) }, rows)
    }
    let first = function.items.first?.call.node
    var name = ""
    if case .call(let syntax)? = first { name = syntax.baseName }
    return try item(
      rows, names, schema: nil, name: name, function.alias, function.range, isScalar: names.count == 1)
  }

  /// `json_to_record(x) AS t(a integer, b text)` and `json_to_recordset`: members become columns; nil for other functions.
  private func bindRecords(
    _ call: FunctionCall, _ name: String, _ function: TableFunction, _ scope: Scope, lateral: FromItem?,
    _ range: SourceRange
  ) throws -> FromItem? {
    let isSet = name.hasSuffix("_to_recordset")
    guard ["json_to_record", "jsonb_to_record", "json_to_recordset", "jsonb_to_recordset"].contains(name) else {
      return nil
    }
    let definitions = function.columns.isEmpty ? function.items[0].columns : function.columns
    guard !definitions.isEmpty, call.arguments.count == 1 else {
      throw BinderError.user(
        "42601", "a column definition list is required for functions returning \"record\"", range)
    }
    let type: LogicalType = name.hasPrefix("jsonb") ? .jsonb : .json
    let parent = lateral.map { lateralScope($0, scope) } ?? Scope(parent: scope.parent)
    let stage = Stage(parent, Binder.tableFunctionClause)
    let value = try coerce(try bind(call.arguments[0].value, stage), to: type, range)
    var plan = attach(stage.attachments, to: .values([[]], []))
    var object = value
    if isSet {
      let element = column("value", type)
      plan = .expand(Expansion([SetCall(.jsonArrayElements, [value], columns: [element])]), plan)
      object = .column(element)
    }
    var projections: [Projection] = []
    for definition in definitions {
      let wanted = try self.type(definition.type)
      if try domain(definition.type) != nil {
        throw BinderError.unsupported("a domain as a column of \(name)", definition.range)
      }
      if wanted.element != nil { throw BinderError.unsupported("an array as a column of \(name)", definition.range) }
      let key = Expression.constant(.text(definition.name), .text)
      let member: Expression
      if wanted == .json || wanted == .jsonb {
        member = try explicitCast(.call(.jsonGet, [object, key], type), to: wanted, definition.range)
      } else {
        member = try explicitCast(.call(.jsonGetText, [object, key], .text), to: wanted, definition.range)
      }
      projections.append(Projection(member, as: column(definition.name, wanted)))
    }
    var alias = function.alias
    if alias?.columns.isEmpty == false { alias?.columns = [] }
    return try item(
      .project(projections, plan), definitions.map(\.name), schema: nil, name: name, alias, range)
  }

  /// `FROM now()`: one row of any other function.
  private func bindRowFunction(
    _ function: TableFunction, _ call: Syntax.Expression, _ name: String, _ parent: Scope
  ) throws -> FromItem {
    let stage = Stage(parent, Binder.tableFunctionClause)
    let value = try bindTyped(call, stage)
    let own = column(name, for: value)
    return try item(
      .project([Projection(value, as: own)], attach(stage.attachments, to: .values([[]], []))),
      [function.alias?.name ?? name], schema: nil, name: name, function.alias, function.range, isScalar: true)
  }

  /// generate_series of constants, and unnest of an array that is written out, are rows of their own.
  private func constantRows(
    _ call: FunctionCall, _ name: String, _ scope: Scope, _ range: SourceRange
  ) throws -> LogicalPlan? {
    switch name {
    case "generate_series":
      let literals = call.arguments.allSatisfy { argument in
        var stack = [argument.value]
        while let next = stack.popLast() {
          if case .column = next.node { return false }
          if next.subquery != nil { return false }
          stack += next.children
        }
        return true
      }
      guard literals else { return nil }
      let stage = Stage(Scope(parent: scope.parent), Binder.tableFunctionClause)
      let arguments = try call.arguments.map { try bind($0.value, stage) }
      guard let found = try setCall(name, arguments, call.arguments.map(\.value.range), range) else { return nil }
      return .series(found.arguments, found.columns[0])
    case "unnest":
      guard call.arguments.count == 1, case .array(let elements)? = call.arguments.first?.value.node, !elements.isEmpty
      else { return nil }
      let isFree = elements.allSatisfy { element in
        if case .literal = element.node { true } else { false }
      }
      guard isFree else { return nil }
      var bound = try bindValues(elements.map { [$0] }, Scope(parent: scope.parent), range)
      if bound.columns[0].type == .unknown { bound.plan = try retype(bound.plan, 0, to: .text, range) }
      return bound.plan
    default: return nil
    }
  }

  /// A call in an expression: its rows are put beside those of the query; nil for other functions.
  func bindSetCall(_ call: FunctionCall, _ name: String, _ stage: Stage, _ range: SourceRange) throws -> Expression? {
    guard SetFunctionNames.contains(name) else { return nil }
    let collector = try expansions(stage, range)
    let arguments = try call.arguments.map { try bind($0.value, stage) }
    guard let made = try setCall(name, arguments, call.arguments.map(\.value.range), range) else { return nil }
    func isSame(_ known: SetCall) -> Bool {
      known.function == made.function && known.arguments == made.arguments
        && !made.arguments.contains(where: \.hasVolatile)
    }
    let grouped = stage.aggregates?.input.expansions?.calls ?? []
    let known = (grouped + collector.calls).first(where: isSame)
    if known == nil { collector.calls.append(made) }
    let columns = known?.columns ?? made.columns
    return columns.count == 1
      ? .column(columns[0]) : makeRow(columns.map { RowField(name: $0.name, value: .column($0)) })
  }

  /// Where the calls of a stage go.
  private func expansions(_ stage: Stage, _ range: SourceRange) throws -> ExpansionCollector {
    let hint = "You might be able to move the set-returning function into a LATERAL FROM item."
    if stage.isAggregateArgument {
      throw BinderError.user(
        "0A000", "aggregate function calls cannot contain set-returning function calls", range, hint: hint)
    }
    if stage.isWindowArgument {
      throw BinderError.unsupported("a set-returning function in a window function's call", range, hint: hint)
    }
    if stage.clause == Binder.tableFunctionClause {
      throw BinderError.user("0A000", "set-returning functions must appear at top level of FROM", range)
    }
    guard let collector = stage.expansions else {
      throw BinderError.user("0A000", "set-returning functions are not allowed in \(stage.clause)", range)
    }
    if let construct = stage.conditional {
      throw BinderError.user("0A000", "set-returning functions are not allowed in \(construct)", range, hint: hint)
    }
    return collector
  }

  static let tableFunctionClause = "functions in FROM"

  /// Types a call; nil for a function that gives no rows.
  private func setCall(
    _ name: String, _ arguments: [Expression], _ ranges: [SourceRange], _ range: SourceRange
  ) throws -> SetCall? {
    let types = arguments.map { TypeKind($0.type) }
    func texts(_ counts: ClosedRange<Int>) throws -> [Expression] {
      guard counts.contains(arguments.count),
        arguments.allSatisfy({ $0.type == .unknown || TypeKind($0.type).isString })
      else { throw BinderError.noFunction(name, types, range) }
      return try zip(arguments, ranges).map { try coerce($0, to: .text, $1) }
    }
    func call(_ function: SetFunction, _ arguments: [Expression], _ columns: [(String, LogicalType)]) -> SetCall {
      SetCall(function, arguments, columns: columns.map { column($0.0, $0.1) })
    }
    func json() throws -> (value: Expression, type: LogicalType) {
      let type: LogicalType = name.hasPrefix("jsonb") ? .jsonb : .json
      guard arguments.count == 1, arguments[0].type == .unknown || arguments[0].type == type else {
        throw BinderError.noFunction(name, types, range)
      }
      return (try coerce(arguments[0], to: type, ranges[0]), type)
    }
    switch name {
    case "generate_series": return try seriesCall(arguments, ranges, range)
    case "unnest":
      guard arguments.count == 1, let element = arguments[0].type.element else {
        throw BinderError.noFunction(name, types, range)
      }
      return call(.unnest, arguments, [(name, element)])
    case "generate_subscripts":
      if (2...3).contains(arguments.count), arguments[0].type == .unknown {
        throw BinderError.user(
          "42804", "could not determine polymorphic type because input has type unknown", ranges[0])
      }
      guard (2...3).contains(arguments.count), arguments[0].type.element != nil,
        types[1] == .unknown || types[1].casts(to: .int4), arguments.count == 2 || types[2].casts(to: .bool)
      else { throw BinderError.noFunction(name, types, range) }
      let reverse = arguments.count == 2 ? .falseConstant : try coerce(arguments[2], to: .boolean, ranges[2])
      return call(
        .generateSubscripts, [arguments[0], try coerce(arguments[1], to: .integer, ranges[1]), reverse],
        [(name, .integer)])
    case "regexp_matches": return call(.regexpMatches, try texts(2...3), [(name, .array(.text))])
    case "regexp_split_to_table": return call(.regexpSplit, try texts(2...3), [(name, .text)])
    case "string_to_table": return call(.stringToTable, try texts(2...3), [(name, .text)])
    case "jsonb_path_query":
      let declared = [LogicalType.jsonb, .text, .jsonb, .boolean]
      guard (2...4).contains(arguments.count),
        zip(arguments, declared).allSatisfy({ $0.type == .unknown || $0.type == $1 })
      else { throw BinderError.noFunction(name, types, range) }
      let bound = try arguments.indices.map { try coerce(arguments[$0], to: declared[$0], ranges[$0]) }
      return call(.jsonPathQuery, bound, [(name, .jsonb)])
    case "jsonb_array_elements", "json_array_elements":
      let (value, type) = try json()
      return call(.jsonArrayElements, [value], [("value", type)])
    case "jsonb_array_elements_text", "json_array_elements_text":
      return call(.jsonArrayElementsText, [try json().value], [("value", .text)])
    case "jsonb_object_keys", "json_object_keys": return call(.jsonObjectKeys, [try json().value], [(name, .text)])
    case "jsonb_each", "json_each":
      let (value, type) = try json()
      return call(.jsonEach, [value], [("key", .text), ("value", type)])
    case "jsonb_each_text", "json_each_text":
      return call(.jsonEachText, [try json().value], [("key", .text), ("value", .text)])
    default: return nil
    }
  }

  private func seriesCall(
    _ arguments: [Expression], _ ranges: [SourceRange], _ range: SourceRange
  ) throws -> SetCall {
    typealias Entry = Signature<Int>
    func entry(_ kinds: [TypeKind], optional: Int, _ result: TypeKind) -> Entry {
      Entry(function: 0, arguments: kinds, result: result, optionalCount: optional)
    }
    let signatures = [
      entry([.int4, .int4, .int4], optional: 1, .int4), entry([.int8, .int8, .int8], optional: 1, .int8),
      entry([.numeric, .numeric, .numeric], optional: 1, .numeric),
      entry([.timestamp, .timestamp, .interval], optional: 0, .timestamp),
      entry([.timestamptz, .timestamptz, .interval], optional: 0, .timestamptz),
    ]
    let types = arguments.map { TypeKind($0.type) }
    switch resolveOverload(signatures, types) {
    case .found(let signature, let kinds):
      var bound: [Expression] = []
      for (index, argument) in arguments.enumerated() {
        bound.append(try coerce(argument, toKind: kinds[index], ranges[index]))
      }
      if signature.result == .numeric, bound.count == 2 {
        bound.append(.constant(.numeric(Numeric(mantissa: 1, scale: 0)), TypeKind.numeric.type))
      }
      return SetCall(
        .generateSeries, bound,
        columns: [column("generate_series", signature.result.type, isNullable: false)])
    case .none: throw BinderError.noFunction("generate_series", types, range)
    case .ambiguous: throw BinderError.ambiguousFunction("generate_series", types, range)
    }
  }
}

/// The names of the functions that give rows.
enum SetFunctionNames {
  private static let all: Set<String> = [
    "generate_series", "unnest", "generate_subscripts", "regexp_matches", "regexp_split_to_table", "string_to_table",
    "json_array_elements", "jsonb_array_elements", "json_array_elements_text", "jsonb_array_elements_text",
    "jsonb_path_query", "json_object_keys", "jsonb_object_keys", "json_each", "jsonb_each", "json_each_text",
    "jsonb_each_text",
  ]

  static func contains(_ name: String) -> Bool { all.contains(name) }
}

extension TableFunction.Item {
  /// `unnest` of several arrays is an `unnest` of each, side by side.
  fileprivate var parts: [TableFunction.Item] {
    guard case .call(let call) = self.call.node, call.builtInName == "unnest", call.arguments.count > 1 else {
      return [self]
    }
    return call.arguments.map { argument in
      var part = self
      var single = call
      single.arguments = [argument]
      part.call = Syntax.Expression(.call(single), self.call.range)
      return part
    }
  }
}

extension [[Syntax.Expression]] {
  /// True for one row with a set-returning function in it, which INSERT takes for the list of a SELECT.
  var givesSets: Bool {
    guard count == 1 else { return false }
    var open = self[0]
    while let next = open.popLast() {
      if case .call(let call) = next.node, let name = call.builtInName, SetFunctionNames.contains(name) { return true }
      open += next.children
    }
    return false
  }
}
