/// Aggregates by SQL name, one line for each signature of PostgreSQL's.
///
/// To add one: a case in `AggregateFunction` with its state in Execution, and a line here for each signature.
enum AggregateSignatures {
  typealias Entry = Signature<AggregateFunction>

  static func named(_ name: String) -> [Entry] { table[name] ?? [] }

  /// Aggregates whose value is in WITHIN GROUP (ORDER BY ...): the direct arguments, then the ordered one.
  static func isOrderedSet(_ name: String) -> Bool {
    name == "percentile_cont" || name == "percentile_disc" || name == "mode"
  }

  static var names: [String] { Array(table.keys) }

  private static let table: [String: [Entry]] = {
    var table: [String: [Entry]] = [:]
    for (name, entry) in rows { table[name, default: []].append(entry) }
    for (alias, name) in [("every", "bool_and"), ("variance", "var_samp"), ("stddev", "stddev_samp")] {
      table[alias] = table[name]
    }
    return table
  }()

  private typealias Row = (String, Entry)

  private static func f(
    _ name: String, _ function: AggregateFunction, _ arguments: [TypeKind], _ result: TypeKind
  ) -> Row {
    (name, Entry(function: function, arguments: arguments, result: result))
  }

  private static func same(_ name: String, _ function: AggregateFunction, _ kinds: [TypeKind]) -> [Row] {
    kinds.map { f(name, function, [$0], $0) }
  }

  private static func statistic(_ name: String, _ function: AggregateFunction) -> [Row] {
    [
      f(name, function, [.int2], .numeric), f(name, function, [.int4], .numeric), f(name, function, [.int8], .numeric),
      f(name, function, [.float4], .float8), f(name, function, [.float8], .float8),
      f(name, function, [.numeric], .numeric),
    ]
  }

  private static let ordered: [TypeKind] = [
    .int2, .int4, .int8, .float4, .float8, .numeric, .text, .bpchar, .date, .time, .timestamp, .timestamptz, .interval,
    .enumeration,
  ]

  private static let rows: [Row] =
    [
      f("count", .count, [.any], .int8),
      f("sum", .sum, [.int2], .int8), f("sum", .sum, [.int4], .int8), f("sum", .sum, [.int8], .numeric),
      f("sum", .sum, [.float4], .float4), f("sum", .sum, [.float8], .float8), f("sum", .sum, [.numeric], .numeric),
      f("sum", .sum, [.interval], .interval),
      f("avg", .avg, [.int2], .numeric), f("avg", .avg, [.int4], .numeric), f("avg", .avg, [.int8], .numeric),
      f("avg", .avg, [.float4], .float8), f("avg", .avg, [.float8], .float8), f("avg", .avg, [.numeric], .numeric),
      f("avg", .avg, [.interval], .interval),
    ]
    + same("min", .min, ordered) + same("max", .max, ordered)
    + same("bool_and", .booleanAnd, [.bool]) + same("bool_or", .booleanOr, [.bool])
    + same("bit_and", .bitAnd, [.int2, .int4, .int8]) + same("bit_or", .bitOr, [.int2, .int4, .int8])
    + same("bit_xor", .bitXor, [.int2, .int4, .int8])
    + statistic("var_samp", .varianceSample) + statistic("var_pop", .variancePopulation)
    + statistic("stddev_samp", .standardDeviationSample) + statistic("stddev_pop", .standardDeviationPopulation)
    + [
      f("corr", .correlation, [.float8, .float8], .float8),
      f("covar_samp", .covarianceSample, [.float8, .float8], .float8),
      f("covar_pop", .covariancePopulation, [.float8, .float8], .float8),
      f("regr_count", .regressionCount, [.float8, .float8], .int8),
      f("regr_avgx", .regressionAverageX, [.float8, .float8], .float8),
      f("regr_avgy", .regressionAverageY, [.float8, .float8], .float8),
      f("regr_sxx", .regressionSXX, [.float8, .float8], .float8),
      f("regr_syy", .regressionSYY, [.float8, .float8], .float8),
      f("regr_sxy", .regressionSXY, [.float8, .float8], .float8),
      f("regr_slope", .regressionSlope, [.float8, .float8], .float8),
      f("regr_intercept", .regressionIntercept, [.float8, .float8], .float8),
      f("regr_r2", .regressionR2, [.float8, .float8], .float8),
      f("string_agg", .stringAggregate, [.text, .text], .text),
      f("string_agg", .stringAggregate, [.bytea, .bytea], .bytea),
      f("percentile_cont", .percentileContinuous, [.float8, .float8], .float8),
      f("percentile_cont", .percentileContinuous, [.float8, .interval], .interval),
      f("percentile_disc", .percentileDiscrete, [.float8, .anyCompatible], .anyCompatible),
      f("mode", .mode, [.anyCompatible], .anyCompatible),
      f("approx_count_distinct", .approximateCountDistinct, [.any], .int8),
      f("any_value", .anyValue, [.anyCompatible], .anyCompatible),
      f("jsonb_agg", .jsonAggregate, [.any], .jsonb),
      f("json_agg", .jsonAggregate, [.any], .json),
      f("jsonb_object_agg", .jsonObjectAggregate, [.any, .any], .jsonb),
      f("json_object_agg", .jsonObjectAggregate, [.any, .any], .json),
      f("array_agg", .arrayAggregate, [.anyCompatible], .anyCompatible),
    ]
}

/// Functions that only stand before OVER, by SQL name.
enum WindowSignatures {
  typealias Entry = Signature<WindowFunction>

  static func named(_ name: String) -> [Entry] { table[name] ?? [] }

  static var names: [String] { Array(table.keys) }

  private static func f(
    _ function: WindowFunction, _ arguments: [TypeKind], _ result: TypeKind, optional: Int = 0
  ) -> [Entry] {
    [Entry(function: function, arguments: arguments, result: result, optionalCount: optional)]
  }

  private static let table: [String: [Entry]] = [
    "row_number": f(.rowNumber, [], .int8),
    "rank": f(.rank, [], .int8),
    "dense_rank": f(.denseRank, [], .int8),
    "percent_rank": f(.percentRank, [], .float8),
    "cume_dist": f(.cumulativeDistribution, [], .float8),
    "ntile": f(.ntile, [.int4], .int4),
    "lag": f(.lag, [.anyCompatible, .int4, .anyCompatible], .anyCompatible, optional: 2),
    "lead": f(.lead, [.anyCompatible, .int4, .anyCompatible], .anyCompatible, optional: 2),
    "first_value": f(.firstValue, [.anyCompatible], .anyCompatible),
    "last_value": f(.lastValue, [.anyCompatible], .anyCompatible),
    "nth_value": f(.nthValue, [.anyCompatible, .int4], .anyCompatible),
  ]
}
