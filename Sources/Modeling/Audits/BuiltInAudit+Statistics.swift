import Bytes

/// Audits that compare rows, or whole columns, with each other.
extension BuiltInAudit {
  /// No range of values, from one column to another, begins before the one below it has ended.
  func checkOfRanges(_ arguments: AuditArguments, _ source: String) throws(PulsehouseError) -> AuditCheck {
    try arguments.allow("lower_bound_column", "upper_bound_column", "partition_clause")
    let lower = try arguments.required("lower_bound_column")
    let upper = try arguments.required("upper_bound_column")
    let partition = arguments.optional("partition_clause").map { "\($0) " } ?? ""
    return .query(
      """
      SELECT * FROM (
        SELECT *,
          LEAD(\(lower)) OVER (\(partition)ORDER BY \(lower), \(upper)) AS next_lower_bound,
          ROW_NUMBER() OVER (\(partition)ORDER BY \(lower) DESC, \(upper) DESC) = 1 AS is_last_record
        FROM \(Self.filtered(source, arguments.condition))
      ) AS ranges
      WHERE NOT (COALESCE(\(lower) <= \(upper), FALSE) AND COALESCE(\(upper) <= next_lower_bound, is_last_record, FALSE))
      """)
  }

  /// The distributions of two columns are alike: the sum of both Kullback-Leibler divergences, over the values that
  /// both columns have, is no more than a threshold.
  func divergenceCheck(_ arguments: AuditArguments, _ source: String) throws(PulsehouseError) -> AuditCheck {
    try arguments.allow("column", "source_column", "target_column", "threshold")
    let from = Self.filtered(source, arguments.condition)
    func shares(_ column: String) -> String {
      "SELECT value, row_count / SUM(row_count) OVER () AS share FROM (SELECT \(column) AS value, "
        + "CAST(COUNT(*) AS DOUBLE PRECISION) AS row_count FROM \(from) GROUP BY \(column)) AS counted"
    }
    let column = try arguments.required(arguments.optional("column") != nil ? "column" : "source_column")
    return .query(
      """
      SELECT * FROM (
        SELECT SUM(first.share * LN(first.share / second.share) + second.share * LN(second.share / first.share))
          AS kl_divergence
        FROM (\(shares(column))) AS first
        JOIN (\(shares(try arguments.required("target_column")))) AS second ON second.value = first.value
      ) AS measured WHERE kl_divergence > \(try arguments.required("threshold"))
      """)
  }

  /// The chi-square statistic of two columns, over the pairs of values that there are, does not exceed a critical value;
  /// with `dependent := true`, exceeds it.
  func chiSquareCheck(_ arguments: AuditArguments, _ source: String) throws(PulsehouseError) -> AuditCheck {
    try arguments.allow("column", "target_column", "column_a", "column_b", "dependent", "critical_value")
    let from = Self.filtered(source, arguments.condition)
    // SQLMesh documents the first pair of names, for columns that are independent, and has the second, for dependent ones.
    let isDocumented = arguments.optional("column") != nil
    let first = try arguments.required(isDocumented ? "column" : "column_a")
    let second = try arguments.required(isDocumented ? "target_column" : "column_b")
    let isDependent = try arguments.flag("dependent", default: !isDocumented)
    let critical = try arguments.required("critical_value")
    return .query(
      """
      SELECT * FROM (
        SELECT (COUNT(DISTINCT first) - 1) * (COUNT(DISTINCT second) - 1) AS degrees_of_freedom,
          SUM((observed - expected) * (observed - expected) / expected) AS chi_square
        FROM (
          SELECT first, second, observed,
            SUM(observed) OVER (PARTITION BY first) * SUM(observed) OVER (PARTITION BY second) / SUM(observed) OVER ()
              AS expected
          FROM (
            SELECT \(first) AS first, \(second) AS second, CAST(COUNT(*) AS DOUBLE PRECISION) AS observed
            FROM \(from) WHERE \(first) IS NOT NULL AND \(second) IS NOT NULL GROUP BY \(first), \(second)
          ) AS counted
        ) AS compared
      ) AS measured WHERE NOT chi_square \(isDependent ? ">" : "<=") \(critical)
      """)
  }
}
