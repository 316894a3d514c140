import Bytes
import SQLSyntax
import Vectors

/// Calls of functions, by what they are.
extension Binder {
  /// Binds a call: a window function before OVER, an aggregate, a scalar function, or a type's name as a cast.
  func bindCall(_ call: FunctionCall, _ stage: Stage, _ range: SourceRange) throws -> Expression {
    guard let name = call.builtInName else {
      throw BinderError.user("42883", "function \(call.name.joined(separator: "."))() does not exist", range)
    }
    let isHypothetical = call.isWithinGroup && Binder.hypotheticalSets.contains(name)
    let isAggregate = call.isStar || isHypothetical || !AggregateSignatures.named(name).isEmpty
    if let over = call.over { return try bindWindowCall(call, name, over, isAggregate: isAggregate, stage, range) }
    if isAggregate { return try bindAggregate(call, name, try owner(of: call, stage, range), range) }
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
    if call.isVariadic { return try bindVariadic(call, name, stage, range) }
    return try bindScalarCall(call, name, stage, range)
  }

  private func bindScalarCall(
    _ call: FunctionCall, _ name: String, _ stage: Stage, _ range: SourceRange
  ) throws -> Expression {
    if name == "make_interval" { return try bindMakeInterval(call, stage, range) }
    let call = try positional(call, name, range)
    if let filling = try bindGapFilling(call, name, stage, range) { return filling }
    if call.arguments.contains(where: { $0.name != nil }) {
      throw BinderError.unsupported("a named argument of \(name)", range)
    }
    if let set = try bindSetCall(call, name, stage, range) { return set }
    let arguments = try call.arguments.map { try bind($0.value, stage) }
    let ranges = call.arguments.map(\.value.range)
    if let special = try bindSpecial(name, arguments, ranges, range) { return special }
    if let found = try bindCatalogFunction(name, arguments, ranges, stage, range) { return found }
    if let found = try bindEnumerationFunction(name, arguments, ranges, range) { return found }
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
      throw BinderError.noFunction(name, of: arguments.map(\.type), range)
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
}
