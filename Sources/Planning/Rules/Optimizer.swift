import Vectors

/// Betters a logical plan by rules, each in a file of its own, in the order below, and turns it into operators.
///
/// To add a rule: a file here with a function from plan to plan that keeps the output's columns, and its place in
/// `optimize`.
struct Optimizer {
  let binder: Binder
  let estimator = Estimator()

  init(binder: Binder) { self.binder = binder }

  func physical(_ plan: LogicalPlan, subqueries: [LogicalPlan], names: [String]) throws -> PhysicalPlan {
    let lowering = Lowering(estimator)
    let root = optimize(plan)
    let others = subqueries.map(optimize)
    return PhysicalPlan(
      root: try lowering.lower(root), subqueries: try others.map { try lowering.lower($0) }, columnNames: names)
  }

  func optimize(_ plan: LogicalPlan) -> LogicalPlan {
    plan
  }
}
