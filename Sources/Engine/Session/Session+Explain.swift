import Bytes
import Execution
import Planning
import Vectors

/// EXPLAIN and EXPLAIN ANALYZE.
extension Session {
  func explain(_ explanation: Explanation, _ work: StatementWork) throws {
    let plan: PhysicalPlan
    var work = work
    var statement = explanation.statement
    if case .execute(let name, let arguments) = statement {
      (statement, work.parameters) = try self.plan(prepared: name, arguments, work)
    }
    if case .locking(_, let query) = statement { statement = query }
    switch statement {
    case .query(let query): plan = query
    case .insert(let insertion): plan = insertion.plan
    case .createTableAs(_, let query?): plan = query
    case .delete(let deletion): plan = deletion.plan
    case .update(let update): plan = update.plan
    case .merge(let merge): plan = merge.plan
    default: throw PulsehouseError(.unsupported, "EXPLAIN of a statement without a plan")
    }
    var lines: [String]
    if explanation.isAnalyze {
      guard case .query = statement else {
        throw PulsehouseError(.unsupported, "EXPLAIN ANALYZE of a statement that changes rows")
      }
      let start = MachineClock.seconds
      let metrics = try Executor.run(plan, in: queryContext(work, isTimed: true)) { _ in }
      let elapsed = MachineClock.seconds - start
      let measured = planMetrics(plan, metrics)
      let codes = Set(measured.keys.filter { metrics[$0]?.groupedCodes ?? false })
      switch explanation.format {
      case .json: lines = [PlanPrinter.json(plan, metrics: measured, groupsCodes: codes)]
      case .text:
        lines = PlanPrinter.lines(plan, metrics: measured, groupsCodes: codes)
        lines.append("Execution time: \(Decimals.format(elapsed * 1000, places: 3)) ms")
      }
    } else {
      let codes = try Executor.groupingsOfCodes(plan, in: queryContext(work))
      lines =
        explanation.format == .json
        ? [PlanPrinter.json(plan, groupsCodes: codes)] : PlanPrinter.lines(plan, groupsCodes: codes)
    }
    try work.sink.begin([Field("QUERY PLAN", .text)])
    for start in stride(from: 0, to: lines.count, by: Batch.vectorSize) {
      let part = lines[start..<min(start + Batch.vectorSize, lines.count)]
      try work.sink.append(Batch([Vector.of(.text, part.map { .text($0) })], rowCount: part.count))
    }
    try work.sink.finish(StatementOutcome("EXPLAIN", rowCount: lines.count))
  }

  private func planMetrics(_ plan: PhysicalPlan, _ metrics: QueryMetrics) -> [Int: Planning.NodeMetrics] {
    var result: [Int: Planning.NodeMetrics] = [:]
    func visit(_ node: PhysicalNode) {
      if let measured = metrics[node.id] {
        result[node.id] = Planning.NodeMetrics(
          rowCount: measured.rowCount, nanoseconds: UInt64(max(0, measured.nanoseconds)),
          bytesRead: measured.bytesRead, blocksRead: measured.rowGroupsRead, blocksSkipped: measured.rowGroupsSkipped,
          bytesSpilled: measured.bytesSpilled)
      }
      for input in node.inputs { visit(input) }
    }
    visit(plan.root)
    for subquery in plan.subqueries { visit(subquery) }
    return result
  }
}
