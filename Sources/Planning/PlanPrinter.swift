/// What one operator did while a plan ran, for EXPLAIN ANALYZE.
package struct NodeMetrics: Sendable {
  package var rowCount: Int
  package var nanoseconds: UInt64
  /// Of a scan: bytes read from storage, and row groups passed over by zone maps.
  package var bytesRead: Int
  package var blocksRead: Int
  package var blocksSkipped: Int
  /// Bytes written to disk for want of memory.
  package var bytesSpilled: Int

  package init(
    rowCount: Int = 0, nanoseconds: UInt64 = 0, bytesRead: Int = 0, blocksRead: Int = 0, blocksSkipped: Int = 0,
    bytesSpilled: Int = 0
  ) {
    self.rowCount = rowCount
    self.nanoseconds = nanoseconds
    self.bytesRead = bytesRead
    self.blocksRead = blocksRead
    self.blocksSkipped = blocksSkipped
    self.bytesSpilled = bytesSpilled
  }
}

/// Prints plans for people, an operator a line.
package enum PlanPrinter {
  /// Returns the lines of EXPLAIN; with `metrics` by node those of EXPLAIN ANALYZE. The same plan gives the same lines.
  package static func lines(_ plan: PhysicalPlan, metrics: [Int: NodeMetrics]? = nil) -> [String] {
    []
  }
}
