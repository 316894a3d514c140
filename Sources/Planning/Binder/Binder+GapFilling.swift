import Bytes
import SQLSyntax
import Vectors

/// What a SELECT asks of its groups by time: which buckets there must be, and what stands in those without rows.
final class GapCollector {
  enum Kind: String {
    /// The last value that is not NULL.
    case locf
    /// On the line between the value before and the one after.
    case interpolate
  }

  struct Call {
    var kind: Kind
    var argument: Expression
    /// Stands for the call in expressions.
    var output: Column
    var range: SourceRange
  }

  struct Filling {
    /// The bucket of a row, as GROUP BY has it.
    var bucket: Expression
    var width: Expression
    /// What is put into buckets, of the bucket's type or a date.
    var time: Expression
    /// The bounds that were written, as times; nil where they follow from WHERE or the rows.
    var start: Expression?
    var finish: Expression?
    var range: SourceRange
  }

  var filling: Filling?
  var calls: [Call] = []
}

extension Binder {
  /// Binds `time_bucket_gapfill(width, time[, start, finish])`, `locf(value)` and `interpolate(value)`; nil for any other
  /// function.
  func bindGapFilling(
    _ call: FunctionCall, _ name: String, _ stage: Stage, _ range: SourceRange
  ) throws -> Expression? {
    if name == "time_bucket_gapfill" { return try bindGapBucket(call, stage, range) }
    guard let kind = GapCollector.Kind(rawValue: name) else { return nil }
    guard let gaps = stage.gaps, stage.aggregates != nil, !stage.isAggregateArgument, !stage.isWindowArgument else {
      throw BinderError.user("42803", "\(name) is not allowed in \(stage.clause)", range)
    }
    guard call.arguments.count == 1, let syntax = call.arguments.first?.value else {
      throw BinderError.noFunction(name, try call.arguments.map { TypeKind(try bind($0.value, stage).type) }, range)
    }
    let argument = try bindTyped(syntax, stage)
    if kind == .interpolate, !argument.type.isNumber {
      throw BinderError.noFunction(name, [TypeKind(argument.type)], range)
    }
    if let known = gaps.calls.first(where: { $0.kind == kind && $0.argument == argument }) {
      return .column(known.output)
    }
    let output = column(name, argument.type)
    gaps.calls.append(.init(kind: kind, argument: argument, output: output, range: range))
    return .column(output)
  }

  private func bindGapBucket(_ call: FunctionCall, _ stage: Stage, _ range: SourceRange) throws -> Expression {
    guard let gaps = stage.gaps, !stage.isAggregateArgument else {
      throw BinderError.user("42803", "time_bucket_gapfill belongs in GROUP BY", range)
    }
    let arguments = try call.arguments.map { try bind($0.value, stage) }
    let ranges = call.arguments.map(\.value.range)
    guard arguments.count == 2 || arguments.count == 4,
      let bucket = try bindSpecial("time_bucket", Array(arguments.prefix(2)), Array(ranges.prefix(2)), range)
    else { throw BinderError.noFunction("time_bucket_gapfill", arguments.map { TypeKind($0.type) }, range) }
    let type: LogicalType = arguments[1].type == .timestamptz ? .timestamptz : .timestamp
    func bound(_ index: Int) throws -> Expression? {
      guard index < arguments.count, !arguments[index].isNullConstant else { return nil }
      guard arguments[index].isFixed else {
        throw BinderError.unsupported("a bound of time_bucket_gapfill that differs from row to row", ranges[index])
      }
      return try coerce(arguments[index], to: type, ranges[index])
    }
    let filling = GapCollector.Filling(
      bucket: bucket, width: try coerce(arguments[0], to: .interval, ranges[0]), time: arguments[1],
      start: try bound(2), finish: try bound(3), range: range)
    guard filling.width.isFixed else {
      throw BinderError.unsupported("a width of time_bucket_gapfill that differs from row to row", ranges[0])
    }
    if let known = gaps.filling,
      known.bucket != bucket || known.start != filling.start || known.finish != filling.finish
    {
      throw BinderError.user("42803", "a query has one time_bucket_gapfill", range)
    }
    gaps.filling = filling
    return bucket
  }
}

extension LogicalPlan {
  /// The conditions of the filters on top.
  var leadingConditions: [Expression] {
    guard case .filter(let conjuncts, let input) = self else { return [] }
    return conjuncts + input.leadingConditions
  }
}
