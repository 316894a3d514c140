import Vectors

/// Every aggregate we have. NULL inputs are skipped unless said otherwise; no row gives NULL (0 for the counts).
package enum AggregateFunction: String, Sendable, Hashable, CaseIterable {
  /// count(*): counts rows, NULL or not.
  case countStar = "count(*)"
  case count, sum, avg, min, max
  case booleanAnd = "bool_and"
  case booleanOr = "bool_or"
  case bitAnd = "bit_and"
  case bitOr = "bit_or"
  case bitXor = "bit_xor"
  case varianceSample = "var_samp"
  case variancePopulation = "var_pop"
  case standardDeviationSample = "stddev_samp"
  case standardDeviationPopulation = "stddev_pop"
  case correlation = "corr"
  case covarianceSample = "covar_samp"
  case covariancePopulation = "covar_pop"
  case regressionCount = "regr_count"
  case regressionAverageX = "regr_avgx"
  case regressionAverageY = "regr_avgy"
  case regressionSXX = "regr_sxx"
  case regressionSYY = "regr_syy"
  case regressionSXY = "regr_sxy"
  case regressionSlope = "regr_slope"
  case regressionIntercept = "regr_intercept"
  case regressionR2 = "regr_r2"
  case stringAggregate = "string_agg"
  /// NULLs included.
  case arrayAggregate = "array_agg"
  case jsonAggregate = "jsonb_agg"
  /// (key, value)
  case jsonObjectAggregate = "jsonb_object_agg"
  /// Ordered-set: the fraction is the argument, the value is the last of the order.
  case percentileContinuous = "percentile_cont"
  case percentileDiscrete = "percentile_disc"
  case mode
  case approximateCountDistinct = "approx_count_distinct"
  /// Any value of the group; used when a column depends on the group key.
  case anyValue = "any_value"
  /// The only value of the group; more than one row is an error. Scalar subqueries use it.
  case singleValue = "single_value"
}

/// One aggregate to compute: function, inputs, and the column its result becomes.
package struct AggregateCall: Hashable, Sendable {
  package var function: AggregateFunction
  package var arguments: [Expression]
  package var isDistinct: Bool
  /// FILTER (WHERE ...): rows for which it is not true are left out.
  package var filter: Expression?
  /// ORDER BY inside the call, or WITHIN GROUP for an ordered-set aggregate.
  package var order: [SortKey]
  package var output: Column

  package init(
    _ function: AggregateFunction, _ arguments: [Expression], isDistinct: Bool = false, filter: Expression? = nil,
    order: [SortKey] = [], output: Column
  ) {
    self.function = function
    self.arguments = arguments
    self.isDistinct = isDistinct
    self.filter = filter
    self.order = order
    self.output = output
  }
}

/// One key of an order.
package struct SortKey: Hashable, Sendable {
  package var expression: Expression
  package var isDescending: Bool
  package var nullsFirst: Bool

  /// PostgreSQL's default: NULLs last ascending, first descending.
  package init(_ expression: Expression, isDescending: Bool = false, nullsFirst: Bool? = nil) {
    self.expression = expression
    self.isDescending = isDescending
    self.nullsFirst = nullsFirst ?? isDescending
  }
}
