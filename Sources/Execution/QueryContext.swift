import Bytes
import Kernels
import Vectors

/// All that a running query knows of the world around it.
package final class QueryContext: Sendable {
  package let tables: any TableSource
  /// How many threads may work on the query, the caller's included.
  package let threadCount: Int
  package let budget: MemoryBudget
  package let cancellation: Cancellation
  /// The start of the statement's transaction, microseconds since 1970-01-01 00:00 UTC.
  package let now: Int64
  /// The zone that moments are read and shown in; nil is UTC.
  package let zone: ZoneRules?
  package let sequences: (any SequenceSource)?
  /// Values of `$1`, `$2`, ... each of the type the plan was bound with.
  package let parameters: [Scalar]
  /// A directory for spilled rows; its files are unlinked as soon as they are open.
  package let temporaryDirectory: String
  /// True to measure the time of every operator (EXPLAIN ANALYZE).
  package let isTimed: Bool
  /// False to group decoded rows always, never the codes of stored columns; results are the same.
  package let groupsCodes: Bool
  /// Groupings on codes with more possible groups than this go partition by partition; results are the same.
  package let mostDenseSlots: Int
  /// False to let zone maps skip nothing, and joins tell scans nothing; results are the same.
  package let prunes: Bool

  package init(
    tables: any TableSource, threadCount: Int = WorkerPool.coreCount, budget: MemoryBudget? = nil,
    cancellation: Cancellation = Cancellation(), now: Int64 = MachineClock.microsecondsSince1970,
    zone: ZoneRules? = nil, sequences: (any SequenceSource)? = nil, parameters: [Scalar] = [],
    temporaryDirectory: String = "/tmp", isTimed: Bool = false, groupsCodes: Bool = true,
    mostDenseSlots: Int = 1 << 20, prunes: Bool = true
  ) {
    self.tables = tables
    self.threadCount = max(1, threadCount)
    self.budget = budget ?? MemoryBudget(limit: MemoryBudget.defaultLimit)
    self.cancellation = cancellation
    self.now = now
    self.zone = zone
    self.sequences = sequences
    self.parameters = parameters
    self.temporaryDirectory = temporaryDirectory
    self.isTimed = isTimed
    self.groupsCodes = groupsCodes
    self.mostDenseSlots = max(2, mostDenseSlots)
    self.prunes = prunes
  }
}
