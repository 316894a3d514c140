import Vectors

/// Chooses the order of inner joins by the estimated size of what lies between them, and which side is built.
///
/// Up to ten inputs by dynamic programming over sets of them, more by joining the cheapest pair first.
struct JoinOrder {
  private let estimator: Estimator

  private static let exhaustiveLimit = 10

  init(_ estimator: Estimator) { self.estimator = estimator }

  func reorder(_ plan: LogicalPlan) -> LogicalPlan {
    guard case .join(let join, let left, let right) = plan else { return plan.mapInputs(reorder) }
    switch join.kind {
    case .inner:
      var inputs: [LogicalPlan] = []
      var conditions: [Expression] = []
      flatten(plan, &inputs, &conditions)
      return arrange(inputs.map(reorder), conditions)
    case .left:
      // The hash table is built of the right input: let that be the smaller one.
      let (l, r) = (reorder(left), reorder(right))
      if hasKey(join, l, r), estimator.rows(l) * 2 < estimator.rows(r) {
        return .join(LogicalJoin(.right, on: join.conditions), r, l)
      }
      return .join(join, l, r)
    case .right:
      let (l, r) = (reorder(left), reorder(right))
      if !hasKey(join, l, r) || estimator.rows(r) > estimator.rows(l) * 2 {
        return .join(LogicalJoin(.left, on: join.conditions), r, l)
      }
      return .join(join, l, r)
    default: return plan.mapInputs(reorder)
    }
  }

  private func hasKey(_ join: LogicalJoin, _ left: LogicalPlan, _ right: LogicalPlan) -> Bool {
    let (a, b) = (Set(left.output), Set(right.output))
    return join.conditions.contains { condition in
      guard let (x, y, _) = condition.equality else { return false }
      return x.readsOnly(a) && y.readsOnly(b) || x.readsOnly(b) && y.readsOnly(a)
    }
  }

  /// Collects the inputs and conditions of neighbouring inner joins.
  private func flatten(_ plan: LogicalPlan, _ inputs: inout [LogicalPlan], _ conditions: inout [Expression]) {
    if case .join(let join, let left, let right) = plan, join.kind == .inner {
      flatten(left, &inputs, &conditions)
      flatten(right, &inputs, &conditions)
      conditions += join.conditions
    } else {
      inputs.append(plan)
    }
  }

  private struct Candidate {
    var set: UInt64
    var rows: Double
    var cost: Double
    var plan: LogicalPlan
  }

  private struct Edge {
    var condition: Expression
    /// The inputs it reads.
    var set: UInt64
  }

  private func arrange(_ inputs: [LogicalPlan], _ conditions: [Expression]) -> LogicalPlan {
    guard inputs.count <= 64 else {
      return inputs.dropFirst().reduce(inputs[0]) { .join(LogicalJoin(.inner), $0, $1) }.filtered(by: conditions)
    }
    var owner: [Column: Int] = [:]
    for (index, input) in inputs.enumerated() { for column in input.output { owner[column] = index } }
    var edges: [Edge] = []
    var above: [Expression] = []
    for condition in conditions {
      var set: UInt64 = 0
      for column in condition.columns { if let index = owner[column] { set |= 1 << UInt64(index) } }
      if set == 0 { above.append(condition) } else { edges.append(Edge(condition: condition, set: set)) }
    }
    let leaves = inputs.enumerated().map { index, input in
      Candidate(set: 1 << UInt64(index), rows: estimator.rows(input), cost: 0, plan: input)
    }
    let best =
      inputs.count <= JoinOrder.exhaustiveLimit ? exhaustive(leaves, edges) : greedy(leaves, edges)
    return best.plan.filtered(by: above)
  }

  /// Rows that are built as fast as they are probed: which side they are on is left as written, and with it the order in
  /// which rows come.
  private static let fewRows = 100.0

  /// Joins two disjoint sets; the smaller one is built.
  private func join(_ a: Candidate, _ b: Candidate, _ edges: [Edge]) -> Candidate {
    let set = a.set | b.set
    let conditions = edges.filter { $0.set & ~set == 0 && $0.set & ~a.set != 0 && $0.set & ~b.set != 0 }
      .map(\.condition)
    let rows = max(1, a.rows * b.rows * estimator.joinSelectivity(conditions, a.rows, b.rows))
    let (first, second) = a.set.trailingZeroBitCount < b.set.trailingZeroBitCount ? (a, b) : (b, a)
    let (probe, build) =
      first.rows >= second.rows || second.rows <= JoinOrder.fewRows ? (first, second) : (second, first)
    // A row that is built costs more than one that probes; a product without a condition pays for every pair.
    let work = probe.rows + 2 * build.rows + rows + (conditions.isEmpty ? a.rows * b.rows : 0)
    return Candidate(
      set: set, rows: rows, cost: a.cost + b.cost + work,
      plan: .join(LogicalJoin(.inner, on: conditions), probe.plan, build.plan))
  }

  private func isConnected(_ a: UInt64, _ b: UInt64, _ edges: [Edge]) -> Bool {
    edges.contains { $0.set & a != 0 && $0.set & b != 0 && $0.set & ~(a | b) == 0 }
  }

  private func exhaustive(_ leaves: [Candidate], _ edges: [Edge]) -> Candidate {
    let count = leaves.count
    var best = [Candidate?](repeating: nil, count: 1 << count)
    for leaf in leaves { best[Int(leaf.set)] = leaf }
    let full = (1 << count) - 1
    guard full > 1 else { return leaves[0] }
    for set in 1...full where set & (set - 1) != 0 {
      for needsEdge in [true, false] {
        var part = (set - 1) & set
        while part > 0 {
          defer { part = (part - 1) & set }
          let rest = set ^ part
          // Each pair once.
          if part < rest { continue }
          guard let a = best[part], let b = best[rest] else { continue }
          if needsEdge, !isConnected(a.set, b.set, edges) { continue }
          let cost = a.cost + b.cost
          if let known = best[set], known.cost <= cost { continue }
          let joined = join(a, b, edges)
          if let known = best[set], known.cost <= joined.cost { continue }
          best[set] = joined
        }
        if best[set] != nil { break }
        // A set without a connection is only built when nothing else is left to do.
        if set != full, hasConnection(set, full, edges) { break }
      }
    }
    return best[full] ?? greedy(leaves, edges)
  }

  /// Tells whether the set can grow by a condition; if so, products within it can wait.
  private func hasConnection(_ set: Int, _ full: Int, _ edges: [Edge]) -> Bool {
    edges.contains { $0.set & UInt64(set) != 0 && $0.set & UInt64(full ^ set) != 0 }
  }

  private func greedy(_ leaves: [Candidate], _ edges: [Edge]) -> Candidate {
    var parts = leaves
    while parts.count > 1 {
      var choice: (Int, Int, Candidate, isConnected: Bool)?
      for i in 0..<(parts.count - 1) {
        for j in (i + 1)..<parts.count {
          let connected = isConnected(parts[i].set, parts[j].set, edges)
          if let known = choice, known.isConnected, !connected { continue }
          let joined = join(parts[i], parts[j], edges)
          if let known = choice, known.isConnected == connected, known.2.rows <= joined.rows { continue }
          choice = (i, j, joined, connected)
        }
      }
      guard let (i, j, joined, _) = choice else { break }
      parts.remove(at: j)
      parts[i] = joined
    }
    return parts[0]
  }
}

extension LogicalPlan {
  func filtered(by conditions: [Expression]) -> LogicalPlan {
    conditions.isEmpty ? self : .filter(conditions, self)
  }
}
