import Bytes
import Kernels
import Planning
import Vectors

/// An aggregate call made runnable: what it reads of each row and the accumulator that takes it.
struct CompiledAggregate: Sendable {
  /// The accumulator's inputs: arguments, then order columns when it needs them. The row's position is not among them.
  let inputs: [CompiledExpression]
  let filter: CompiledPredicate?
  /// True when the accumulator takes each row's position as its last input.
  let takesPosition: Bool
  let makeAccumulator: @Sendable () throws -> Accumulator

  /// - Throws: `.unsupported` for an aggregate of a type that it does not know.
  init(_ call: AggregateCall, input: [Column], _ run: QueryRun) throws {
    filter = try call.filter.map { try CompiledPredicate($0, input: input) }
    let arguments = call.arguments
    let types = arguments.map { $0.type }
    let needsOrder = CompiledAggregate.needsOrder(call)
    let isOrderedSet = CompiledAggregate.isOrderedSet(call.function)
    if let value = CompiledAggregate.countableValue(call) {
      let fraction = try CompiledAggregate.fraction(call, run)
      let (valueType, output) = (value.type, call.output.type)
      let isContinuous = call.function == .percentileContinuous
      let isDescending = call.order[0].isDescending
      takesPosition = false
      inputs = [try CompiledExpression(value, input: input)]
      makeAccumulator = {
        PercentileAccumulator(
          fraction: fraction, isContinuous: isContinuous, isDescending: isDescending, valueType: valueType,
          type: output)
      }
      return
    }
    takesPosition = needsOrder
    if needsOrder {
      let orderTypes = call.order.map { $0.expression.type }
      let orders = call.order.map { SortOrder(isDescending: $0.isDescending, nullsFirst: $0.nullsFirst) }
      // The fraction of an ordered-set aggregate is a column only when it is no constant.
      let isFixed = isOrderedSet && CompiledAggregate.hasFixedFraction(call)
      let columns = isFixed ? [] : arguments
      inputs = try (columns + call.order.map { $0.expression }).map { try CompiledExpression($0, input: input) }
      let columnTypes = columns.map { $0.type }
      let fraction: PercentileFraction = isFixed ? .constant(try CompiledAggregate.fraction(call, run)) : .argument
      let isDistinct = call.isDistinct
      let output = call.output.type
      makeAccumulator = {
        let function = try CompiledAggregate.collected(call, fraction)
        return CollectedAccumulator(
          function, arguments: columnTypes, order: orderTypes, orders: orders, isDistinct: isDistinct, type: output)
      }
      return
    }
    inputs = try arguments.map { try CompiledExpression($0, input: input) }
    if call.isDistinct, CompiledAggregate.countsRepeats(call.function) {
      makeAccumulator = { DistinctAccumulator(types, try CompiledAggregate.plain(call)) }
    } else {
      makeAccumulator = { try CompiledAggregate.plain(call) }
    }
    _ = try makeAccumulator()
  }

  /// Returns the value of a percentile whose rows can be counted by value: whole numbers, also under a cast that keeps
  /// their order.
  static func countableValue(_ call: AggregateCall) -> Expression? {
    guard call.order.count == 1, let key = call.order.first, hasFixedFraction(call) else { return nil }
    switch call.function {
    case .percentileContinuous:
      guard call.output.type == .double else { return nil }
      if key.expression.type.isInteger { return key.expression }
      guard case .cast(let inner, .double) = key.expression else { return nil }
      return inner.type == .smallint || inner.type == .integer ? inner : nil
    case .percentileDiscrete:
      switch key.expression.type {
      case .smallint, .integer, .bigint, .date, .timestamp, .timestamptz, .time: return key.expression
      default: return nil
      }
    default: return nil
    }
  }

  /// True when the result depends on the order of the rows.
  private static func needsOrder(_ call: AggregateCall) -> Bool {
    switch call.function {
    case .stringAggregate, .arrayAggregate, .jsonAggregate, .jsonObjectAggregate, .percentileContinuous,
      .percentileDiscrete, .mode:
      true
    case .anyValue: !call.order.isEmpty
    case .regressionCount, .regressionAverageX, .regressionAverageY, .regressionSXX, .regressionSYY, .regressionSXY,
      .regressionSlope, .regressionIntercept, .regressionR2, .bitXor:
      false
    case .countStar, .count, .sum, .avg, .min, .max, .booleanAnd, .booleanOr, .bitAnd, .bitOr, .varianceSample,
      .variancePopulation, .standardDeviationSample, .standardDeviationPopulation, .correlation, .covarianceSample,
      .covariancePopulation, .approximateCountDistinct, .singleValue:
      false
    }
  }

  private static func isOrderedSet(_ function: AggregateFunction) -> Bool {
    switch function {
    case .percentileContinuous, .percentileDiscrete, .mode: true
    default: false
    }
  }

  /// False where repeats change nothing, so that DISTINCT need not be kept.
  private static func countsRepeats(_ function: AggregateFunction) -> Bool {
    switch function {
    case .min, .max, .booleanAnd, .booleanOr, .bitAnd, .bitOr, .anyValue, .approximateCountDistinct: false
    default: true
    }
  }

  /// True when one fraction holds for all groups.
  private static func hasFixedFraction(_ call: AggregateCall) -> Bool {
    call.arguments.allSatisfy { $0.isFixed && $0.type == .double }
  }

  static func fraction(_ call: AggregateCall, _ run: QueryRun) throws -> Double? {
    guard let argument = call.arguments.first else { return nil }
    switch try Constants.value(of: .cast(argument, .double), run) {
    case .double(let value): return value
    default: return nil
    }
  }

  private static func collected(_ call: AggregateCall, _ fraction: PercentileFraction) throws -> CollectedFunction {
    switch call.function {
    case .stringAggregate: .concatenation
    case .arrayAggregate: .array
    case .jsonAggregate: .json(takesLines: call.arguments[0].isJSONRow)
    case .jsonObjectAggregate: .json(takesLines: false)
    case .percentileContinuous: .percentile(isContinuous: true, fraction)
    case .percentileDiscrete: .percentile(isContinuous: false, fraction)
    case .mode: .mode
    default: .feed(try plain(call))
    }
  }

  /// Makes the accumulator of a function whose rows come in any order.
  static func plain(_ call: AggregateCall) throws -> Accumulator {
    let type = call.arguments.first?.type ?? .unknown
    let output = call.output.type
    let made: Accumulator? =
      switch call.function {
      case .countStar: CountAccumulator(countsRows: true)
      case .count: CountAccumulator(countsRows: false)
      case .sum: .total(of: type, .sum, result: output)
      case .avg: .total(of: type, .average, result: output)
      case .min: .extreme(type, isMaximum: false)
      case .max: .extreme(type, isMaximum: true)
      case .booleanAnd: .extreme(.boolean, isMaximum: false)
      case .booleanOr: .extreme(.boolean, isMaximum: true)
      case .bitAnd: .bits(type, .and)
      case .bitOr: .bits(type, .or)
      case .bitXor: .bits(type, .xor)
      case .varianceSample: .moment(of: type, .varianceSample, result: output)
      case .variancePopulation: .moment(of: type, .variancePopulation, result: output)
      case .standardDeviationSample: .moment(of: type, .deviationSample, result: output)
      case .standardDeviationPopulation: .moment(of: type, .deviationPopulation, result: output)
      case .correlation: PairMomentAccumulator(.correlation)
      case .covarianceSample: PairMomentAccumulator(.covarianceSample)
      case .covariancePopulation: PairMomentAccumulator(.covariancePopulation)
      case .regressionCount: PairMomentAccumulator(.count)
      case .regressionAverageX: PairMomentAccumulator(.averageX)
      case .regressionAverageY: PairMomentAccumulator(.averageY)
      case .regressionSXX: PairMomentAccumulator(.sxx)
      case .regressionSYY: PairMomentAccumulator(.syy)
      case .regressionSXY: PairMomentAccumulator(.sxy)
      case .regressionSlope: PairMomentAccumulator(.slope)
      case .regressionIntercept: PairMomentAccumulator(.intercept)
      case .regressionR2: PairMomentAccumulator(.r2)
      case .approximateCountDistinct: DistinctEstimateAccumulator()
      case .anyValue: FirstAccumulator(output, allowsMore: true, skipsNulls: true)
      case .singleValue: FirstAccumulator(output, allowsMore: false, skipsNulls: false)
      case .stringAggregate, .arrayAggregate, .jsonAggregate, .jsonObjectAggregate, .percentileContinuous,
        .percentileDiscrete, .mode:
        nil
      }
    guard let made else {
      throw PulsehouseError(.unsupported, "aggregate \(call.function.rawValue) of \(type)")
    }
    return made
  }
}

extension Expression {
  /// True for a row made json of.
  fileprivate var isJSONRow: Bool {
    switch self {
    case .call(.jsonRow, _, _): true
    // That of a table which an outer join may lack.
    case .branch(_, .some(let row), _): row.isJSONRow
    default: false
    }
  }
}
