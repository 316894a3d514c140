import Planning
import Vectors

/// What an expression may read beside the columns of its batch; fixed while a query runs.
package struct EvaluationEnvironment: Sendable {
  /// The start of the statement's transaction, microseconds since 1970-01-01 00:00 UTC.
  package var now: Int64
  /// Values of `$1`, `$2`, ...
  package var parameters: [Scalar]
  /// Results of the plan's scalar subqueries, by their number, as far as they have run.
  package var subqueries: [Scalar]

  package init(now: Int64 = 0, parameters: [Scalar] = [], subqueries: [Scalar] = []) {
    self.now = now
    self.parameters = parameters
    self.subqueries = subqueries
  }
}
