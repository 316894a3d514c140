import Bytes
import SQLSyntax
import Vectors

/// Calls of window functions, their windows and frames.
extension Binder {
  func bindWindowCall(
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
    let partition = try partitionBy.map { syntax in
      let key = try bindTyped(syntax, stage)
      try requireEquality(key.type, syntax.range)
      return key.type.hasSpellings || key.type.element?.hasSpellings == true ? key.ordered : key
    }
    let order = try flattened(window.orderBy, stage.scope).map { try bindSortItem($0, stage) }
    let frame = try bindFrame(window.frame, order, stage)

    var result: WindowCall
    var made: AggregateCall?
    if isAggregate {
      if call.isDistinct { throw BinderError.unsupported("DISTINCT in a window function", range) }
      if !call.orderBy.isEmpty { throw BinderError.unsupported("ORDER BY in a window function's arguments", range) }
      let aggregate = try makeAggregate(call, name, stage, range)
      made = aggregate
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
    func value(_ column: Column) -> Expression { made?.value(.column(column)) ?? .column(column) }
    let isRank = result.arguments.isEmpty && result.function != .aggregate(.countStar)
    let isCount = result.function == .aggregate(.count) || result.function == .aggregate(.countStar)
    result.output = column(name, result.output.type, isNullable: !(isRank || isCount))
    if let known = collector.calls.first(where: {
      $0.partition == partition && $0.order == order && $0.call.matches(result)
    }) {
      return value(known.call.output)
    }
    collector.calls.append(.init(partition: partition, order: order, call: result))
    return value(result.output)
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
      var open = [syntax]
      while let next = open.popLast() {
        if case .column(let path) = next.node, stage.scope.level(of: path) == 0 {
          let name = unit == .rows ? "ROWS" : unit == .range ? "RANGE" : "GROUPS"
          throw BinderError.user("42P10", "argument of \(name) must not contain variables", next.range)
        }
        open += next.children
      }
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
}

extension WindowCall {
  func matches(_ other: WindowCall) -> Bool {
    function == other.function && arguments == other.arguments && filter == other.filter && frame == other.frame
  }
}
