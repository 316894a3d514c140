import Vectors

/// Betters a logical plan by rules, each in a file of its own, in the order below, and turns it into operators.
///
/// To add a rule: a file here with a function from plan to plan that keeps the output's columns, and its place in
/// `optimize`.
struct Optimizer {
  private let estimator = Estimator()
  private let simplification: Simplification
  private let makeColumn: (String, Expression) -> Column

  init(_ planner: Planner, makeColumn: @escaping (String, Expression) -> Column) {
    self.makeColumn = makeColumn
    simplification = Simplification(planner.evaluateConstant)
  }

  func physical(_ plan: LogicalPlan, subqueries: [LogicalPlan], names: [String]) throws -> PhysicalPlan {
    let all = SharedInlining().inline([plan] + subqueries)
    let outputs = all.map(\.output)
    var plans = all.map(optimize)
    plans = zip(plans, outputs).map { plan, output in
      plan.output == output ? plan : .project(output.map { Projection($0) }, plan)
    }
    plans = ColumnPruning().prune(plans).map(LimitPushdown().push)
    plans = plans.map(CommonSubexpressions(makeColumn).share)
    let lowering = Lowering(estimator)
    let nodes = try plans.map { try lowering.lower($0) }
    return PhysicalPlan(root: nodes[0], subqueries: Array(nodes.dropFirst()), columnNames: names)
  }

  private func optimize(_ plan: LogicalPlan) -> LogicalPlan {
    optimizeShared(plan)
    var plan = ConstantRows().fold(simplification.simplify(plan))
    plan = FilterPushdown().push(plan)
    // What was pushed through projections may be simpler now.
    plan = simplification.simplify(plan)
    plan = simplifyScans(plan)
    plan = ScanPredicates().extract(plan)
    return LimitPushdown().push(JoinOrder(estimator).reorder(plan))
  }

  private func simplifyScans(_ plan: LogicalPlan) -> LogicalPlan {
    guard case .scan(var scan) = plan else { return plan.mapInputs(simplifyScans) }
    scan.filter = scan.filter.flatMap { simplification.condition($0).conjuncts }.filter { !$0.isTrueConstant }
    if scan.filter.contains(where: \.isFalseOrNullConstant) { return .values([], scan.columns) }
    return .scan(scan)
  }

  private func kept(_ plan: LogicalPlan, _ output: [Column]) -> LogicalPlan {
    plan.output == output ? plan : .project(output.map { Projection($0) }, plan)
  }

  /// Plans that are read in several places, and recursive ones, are bettered once, on their own.
  private func optimizeShared(_ plan: LogicalPlan) {
    if case .shared(let shared, _) = plan {
      if shared.isOptimized { return }
      shared.isOptimized = true
      let output = shared.plan.output
      shared.plan = kept(optimize(shared.plan), output)
    }
    if case .recursion(let recursion, _) = plan, !recursion.isOptimized {
      recursion.isOptimized = true
      let outputs = (recursion.base.output, recursion.step.output)
      recursion.base = kept(optimize(recursion.base), outputs.0)
      recursion.step = kept(optimize(recursion.step), outputs.1)
    }
    for input in plan.inputs { optimizeShared(input) }
  }
}
