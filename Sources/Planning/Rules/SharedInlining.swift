/// Puts a shared plan that has one reader where it is read.
struct SharedInlining {
  private final class State {
    var counts: [Int: Int] = [:]
    var visited: Set<Int> = []
    var recursions: Set<Int> = []
    var inlined: Set<Int> = []
  }

  private let state = State()
  /// Plans to be put in place whatever their readers (WITH ... AS NOT MATERIALIZED).
  private let always: Set<Int>
  /// The plans that may be; nil for all.
  private let candidates: Set<Int>?

  init(always: Set<Int> = [], candidates: Set<Int>? = nil) {
    self.always = always
    self.candidates = candidates
  }

  /// Rewrites plans that are run together.
  func inline(_ plans: [LogicalPlan]) -> [LogicalPlan] {
    for plan in plans { count(plan) }
    return plans.map(inline)
  }

  private func count(_ plan: LogicalPlan) {
    if case .shared(let shared, _) = plan {
      state.counts[shared.id, default: 0] += 1
      if state.counts[shared.id] == 1 { count(shared.plan) }
    }
    if case .recursion(let recursion, _) = plan, state.recursions.insert(recursion.id).inserted {
      count(recursion.base)
      count(recursion.step)
    }
    for input in plan.inputs { count(input) }
  }

  private func isInlined(_ shared: SharedPlan) -> Bool {
    if always.contains(shared.id) { return true }
    if let candidates, !candidates.contains(shared.id) { return false }
    return state.counts[shared.id] == 1 && !shared.isForced
  }

  private func inline(_ plan: LogicalPlan) -> LogicalPlan {
    if case .recursion(let recursion, _) = plan, state.inlined.insert(recursion.id).inserted {
      recursion.base = inline(recursion.base)
      recursion.step = inline(recursion.step)
    }
    guard case .shared(let shared, let columns) = plan else { return plan.mapInputs(inline) }
    if isInlined(shared) {
      let below = inline(shared.plan)
      return .project(zip(shared.plan.output, columns).map { Projection(.column($0), as: $1) }, below)
    }
    if state.visited.insert(shared.id).inserted { shared.plan = inline(shared.plan) }
    return plan
  }
}
