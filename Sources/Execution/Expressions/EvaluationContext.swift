import Kernels
import Vectors

/// What an expression may read besides its rows; fixed while a plan runs, shared by all workers.
package struct EvaluationContext: Sendable {
  /// `$1` is the first; each of the type its expression names.
  package var parameters: [Scalar]
  /// The values of the plan's scalar subqueries, as far as they have run.
  package var subqueries: [Scalar]
  /// The start of the statement's transaction, in microseconds since 1970-01-01 UTC.
  package var now: Int64
  /// The zone that moments are read and shown in; nil is UTC.
  package var zone: ZoneRules?

  package init(parameters: [Scalar] = [], subqueries: [Scalar] = [], now: Int64 = 0, zone: ZoneRules? = nil) {
    self.parameters = parameters
    self.subqueries = subqueries
    self.now = now
    self.zone = zone
  }
}

/// Columns by position and how many rows they have. Unlike a batch it may hold columns that were not gathered, which
/// nobody reads.
struct Rows {
  var columns: [Vector]
  var count: Int
}
