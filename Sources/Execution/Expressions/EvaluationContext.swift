import Bytes
import Kernels
import Vectors

/// What an expression may read besides its rows; fixed while a plan runs, shared by all workers.
package struct EvaluationContext: Sendable {
  /// `$1` is the first; each of the type its expression names.
  package var parameters: [Scalar]
  /// The values of the plan's scalar subqueries, as far as they have run; an error where a row must ask for it to count.
  package var subqueries: [Result<Scalar, PulsehouseError>]
  /// The start of the statement's transaction, in microseconds since 1970-01-01 UTC.
  package var now: Int64
  /// The zone that moments are read and shown in; nil is UTC.
  package var zone: ZoneRules?
  /// Where sequences count on; nil where there are none.
  package var sequences: (any SequenceSource)?
  /// What a function that waits looks at; nil where nothing can end it.
  package var cancellation: Cancellation?

  package init(
    parameters: [Scalar] = [], subqueries: [Result<Scalar, PulsehouseError>] = [], now: Int64 = 0,
    zone: ZoneRules? = nil,
    sequences: (any SequenceSource)? = nil
  ) {
    self.parameters = parameters
    self.subqueries = subqueries
    self.now = now
    self.zone = zone
    self.sequences = sequences
  }
}

/// Gives the values of sequences, each once. Any thread.
package protocol SequenceSource: Sendable {
  /// Takes `count` values in turn. - Throws: 42P01 for no such sequence, 2200H at its end.
  func next(_ name: String, count: Int) throws -> [Int64]
  /// The value this session took last. - Throws: 55000 when it took none.
  func current(_ name: String) throws -> Int64
  /// The value this session took last of any sequence.
  func last() throws -> Int64
  /// Lets a sequence go on from `value`: after it when it counts as given out.
  func set(_ name: String, to value: Int64, isCalled: Bool) throws
}

/// Columns by position and how many rows they have. Unlike a batch it may hold columns that were not gathered, which
/// nobody reads.
struct Rows {
  var columns: [Vector]
  var count: Int
}
