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
  /// Returns the lines of EXPLAIN; `groupsCodes` names the aggregations that run (without metrics: may run) on the codes
  /// of stored columns; with `metrics` by node those of EXPLAIN ANALYZE. The same plan gives the same lines.
  package static func lines(_ plan: PhysicalPlan, metrics: [Int: NodeMetrics]? = nil, groupsCodes: Set<Int> = [])
    -> [String]
  {
    var printer = TreePrinter(plan, metrics: metrics, groupsCodes: groupsCodes)
    printer.print(plan.root, indent: 0)
    for (index, subquery) in plan.subqueries.enumerated() {
      printer.lines.append("Subquery #\(index)")
      printer.print(subquery, indent: 1)
    }
    return printer.lines
  }

  /// Returns EXPLAIN (FORMAT JSON): a document of one object for each operator, inputs in `Plans`.
  package static func json(_ plan: PhysicalPlan, metrics: [Int: NodeMetrics]? = nil, groupsCodes: Set<Int> = [])
    -> String
  {
    let printer = TreePrinter(plan, metrics: metrics, groupsCodes: groupsCodes)
    var text = "[{\"Plan\": \(printer.json(plan.root, indent: 1))"
    if !plan.subqueries.isEmpty {
      let subqueries = plan.subqueries.map { printer.json($0, indent: 1) }
      text += ", \"Subqueries\": [\(subqueries.joined(separator: ", "))]"
    }
    return text + "}]"
  }
}
