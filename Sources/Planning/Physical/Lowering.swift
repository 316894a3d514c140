import Bytes
import Vectors

/// Turns a logical plan into operators: which conditions of a join are keys, which limit is a top-N, and so on.
struct Lowering {
  private final class State {
    var nextID = 0
    var nextFilter = 0
    var shared: [Int: PhysicalNode] = [:]
  }

  private let estimator: Estimator
  private let state = State()

  /// Of fewer rows than these the first of each partition are found by sorting.
  private static let fewestSearchedRows = 10_000.0

  init(_ estimator: Estimator) { self.estimator = estimator }

  func lower(_ plan: LogicalPlan) throws -> PhysicalNode {
    try lower(plan, needed: nil, conjuncts: [])
  }

  /// `needed` is what is read of the output, where only filters stand between the plan and a projection; `conjuncts` are
  /// the conditions of these filters.
  private func lower(
    _ plan: LogicalPlan, needed: Set<Column>?, conjuncts above: [Expression]
  ) throws -> PhysicalNode {
    switch plan {
    case .scan(let scan):
      var table = TableScan(
        table: scan.table.reference, sources: scan.sources, predicates: scan.predicates,
        filter: scan.filter.isEmpty ? nil : .conjunction(scan.filter))
      table.fields = scan.table.fields
      return node(plan, .scan(table))
    case .values(let rows, _): return node(plan, .values(rows))
    case .series(let arguments, _): return node(plan, .series(arguments))
    case .filter(let conjuncts, let input):
      var read = needed
      if needed != nil { for conjunct in conjuncts { read?.formUnion(conjunct.columns) } }
      let below = try lower(input, needed: read, conjuncts: above + conjuncts)
      return PhysicalNode(
        id: newID(), .filter(.conjunction(conjuncts)), inputs: [below], output: below.output,
        estimatedRowCount: estimator.rows(plan))
    case .project(let projections, let input):
      var read: Set<Column> = []
      for projection in projections { read.formUnion(projection.expression.columns) }
      return node(
        plan, .project(projections.map(\.expression)), [try lower(input, needed: read, conjuncts: [])])
    case .aggregate(let aggregate, let input):
      let below = try lower(input)
      let aggregation = Aggregation(
        keys: aggregate.keys.map(\.expression), aggregates: aggregate.aggregates, groupingSets: aggregate.groupingSets,
        keyBounds: aggregate.keys.map { estimator.bounds($0.expression) })
      return node(plan, .aggregate(aggregation), [below])
    case .join(let join, let left, let right): return try lowerJoin(plan, join, left, right)
    case .sort(let keys, let input): return node(plan, .sort(keys), [try lower(input)])
    case .limit(let count, let offset, let withTies, let input):
      if let count, case .sort(let keys, let sorted) = input, withTies || isSmall(count, offset) {
        return node(
          plan, .topN(keys, count: count, offset: offset, withTies: withTies), [try lower(sorted)])
      }
      if withTies, count != nil { throw PulsehouseError(.internal, "WITH TIES lost its order") }
      return node(plan, .limit(count: count, offset: offset), [try lower(input)])
    case .window(let window, let input):
      let id = newID()
      let below = try lower(input)
      var windowing = Windowing(
        partition: window.partition, order: window.order, calls: window.calls,
        rowLimit: Lowering.rowLimit(window, above))
      if windowing.rowLimit == 1 { windowing.firstRows = firstRowSearch(window, input, below) }
      return PhysicalNode(
        id: id, .window(windowing), inputs: [below],
        output: plan.output.filter { needed?.contains($0) ?? true }, estimatedRowCount: estimator.rows(plan))
    case .concatenate(let inputs, _): return node(plan, .concatenate, try inputs.map(lower))
    case .setOperation(let kind, let all, let left, let right, _):
      return node(plan, .setOperation(kind, all: all), [try lower(left), try lower(right)])
    case .expand(let expansion, let input): return node(plan, .expand(expansion), [try lower(input)])
    case .distinctOn(let keys, let input):
      if case .sort(let order, let rows) = input, let first = try firstOfFew(keys, order, rows) {
        return node(plan, .sort(order), [first])
      }
      return node(plan, .distinctOn(keys), [try lower(input)])
    case .recursion(let recursion, _):
      return node(
        plan, .recursion(recursion.id, all: recursion.isAll), [try lower(recursion.base), try lower(recursion.step)])
    case .working(let id, _): return node(plan, .working(id))
    case .shared(let shared, let columns):
      let source: PhysicalNode
      if let known = state.shared[shared.id] {
        source = known
      } else {
        let below = try lower(shared.plan)
        source = PhysicalNode(
          id: newID(), .shared, inputs: [below], output: below.output, estimatedRowCount: below.estimatedRowCount)
        state.shared[shared.id] = source
      }
      if source.output == columns { return source }
      return PhysicalNode(
        id: newID(), .project(shared.plan.output.map { .column($0) }), inputs: [source], output: columns,
        estimatedRowCount: source.estimatedRowCount)
    }
  }

  /// The most rows of a partition that can pass conditions on their row_number: `n` for `= n`, `<= n`, `< n + 1`.
  private static func rowLimit(_ window: LogicalWindow, _ conjuncts: [Expression]) -> Int? {
    guard window.calls.allSatisfy({ $0.function == .rowNumber }), let call = window.calls.first else { return nil }
    var limit: Int?
    for conjunct in conjuncts {
      guard case .compare(let comparison, .column(let column), let bound) = conjunct, column == call.output,
        case .integer(let value)? = bound.scalar, value >= 0, value <= 1 << 40
      else { continue }
      let most: Int
      switch comparison {
      case .equal, .lessOrEqual: most = Int(value)
      case .less: most = max(Int(value) - 1, 0)
      default: continue
      }
      limit = min(limit ?? most, most)
    }
    return limit
  }

  /// The first rows of DISTINCT ON, where few keys make it better to sort only these; nil where that is not so.
  private func firstOfFew(_ keys: [Expression], _ order: [SortKey], _ input: LogicalPlan) throws -> PhysicalNode? {
    let rest = order.filter { !keys.contains($0.expression) }
    let window = LogicalWindow(partition: keys, order: rest, calls: [])
    let below = try lower(input)
    guard firstRowSearch(window, input, below) == .groups,
      keys.allSatisfy({ estimator.distinctCount($0) != nil })
    else { return nil }
    var windowing = Windowing(partition: keys, order: rest, calls: [], rowLimit: 1)
    windowing.firstRows = .groups
    return PhysicalNode(
      id: newID(), .window(windowing), inputs: [below], output: below.output,
      estimatedRowCount: estimator.groupCount(keys, estimator.rows(input)))
  }

  /// How to look for the first rows of `input`, which is lowered to `below`: only where its columns can be read apart, and
  /// its rows are so many that it matters.
  private func firstRowSearch(
    _ window: LogicalWindow, _ input: LogicalPlan, _ below: PhysicalNode
  ) -> Windowing.FirstRowSearch? {
    let keys = window.partition + window.order.map(\.expression)
    let rows = estimator.rows(input)
    guard rows >= Lowering.fewestSearchedRows, !window.partition.isEmpty, !keys.contains(where: \.hasVolatile),
      below.narrowed(to: Set(below.output), isCounted: true) != nil
    else { return nil }
    let groups = estimator.groupCount(window.partition, rows)
    return groups * 2 >= rows ? .repeats : groups * 8 <= rows ? .groups : nil
  }

  /// Sorting all is better than keeping very many.
  private func isSmall(_ count: Expression, _ offset: Expression?) -> Bool {
    func value(_ expression: Expression?) -> Double {
      guard let expression else { return 0 }
      if case .integer(let number)? = expression.scalar { return Double(number) }
      return expression.isNullConstant ? .infinity : 1000
    }
    return value(count) + value(offset) <= 100_000
  }

  private func newID() -> Int {
    state.nextID += 1
    return state.nextID
  }

  private func node(
    _ plan: LogicalPlan, _ operation: PhysicalOperation, _ inputs: [PhysicalNode] = []
  ) -> PhysicalNode {
    PhysicalNode(
      id: newID(), operation, inputs: inputs, output: plan.output, estimatedRowCount: estimator.rows(plan))
  }

  // MARK: Joins

  private func lowerJoin(
    _ plan: LogicalPlan, _ logical: LogicalJoin, _ left: LogicalPlan, _ right: LogicalPlan
  ) throws -> PhysicalNode {
    let (a, b) = (Set(left.output), Set(right.output))
    var join = Join(logical.kind, leftKeys: [], rightKeys: [], nullsMatch: [])
    var rest: [Expression] = []
    for condition in logical.conditions {
      guard let (x, y, nullsMatch) = condition.equality, !(x.columns.isEmpty || y.columns.isEmpty) else {
        rest.append(condition)
        continue
      }
      if x.readsOnly(a), y.readsOnly(b) {
        join.leftKeys.append(x)
        join.rightKeys.append(y)
        join.nullsMatch.append(nullsMatch)
      } else if y.readsOnly(a), x.readsOnly(b) {
        join.leftKeys.append(y)
        join.rightKeys.append(x)
        join.nullsMatch.append(nullsMatch)
      } else {
        rest.append(condition)
      }
    }
    if !rest.isEmpty { join.condition = .conjunction(rest) }
    if join.kind.isNullAware {
      guard let comparison = logical.comparison, join.leftKeys.isEmpty, join.condition == nil else {
        throw PulsehouseError(.internal, "a NOT IN join without its comparison")
      }
      join.leftKeys = [comparison.left]
      join.rightKeys = [comparison.right]
      join.nullsMatch = [false]
    }
    if case .nearest = join.kind {
      guard let comparison = logical.comparison, join.condition == nil else {
        throw PulsehouseError(.internal, "an as-of join with more than keys and an order")
      }
      join.nearest = Join.Nearest(left: comparison.left, right: comparison.right, comparison: comparison.op)
      if join.leftKeys.isEmpty {
        // One group of all rows.
        join.leftKeys = [.constant(.integer(1), .integer)]
        join.rightKeys = join.leftKeys
        join.nullsMatch = [false]
      }
    }
    var probe = try lower(left)
    let build = try lower(right)
    for (index, key) in join.leftKeys.enumerated() where mayFilter(join, index, probe, build) {
      guard let filtered = probe.filtered(by: key, number: state.nextFilter + 1) else { continue }
      state.nextFilter += 1
      probe = filtered
      join.runtimeFilters.append(.init(number: state.nextFilter, key: index))
    }
    return node(plan, .join(join), [probe, build])
  }
}

extension Lowering {
  /// Tells whether the right side's keys are likely to spare the left side rows.
  private func mayFilter(_ join: Join, _ key: Int, _ left: PhysicalNode, _ right: PhysicalNode) -> Bool {
    switch join.kind {
    case .inner, .right, .semi: break
    default: return false
    }
    guard !join.nullsMatch[key], right.estimatedRowCount * 2 <= left.estimatedRowCount else { return false }
    switch join.leftKeys[key].type {
    case .smallint, .integer, .bigint, .date, .time, .timestamp, .timestamptz, .text: break
    default: return false
    }
    // Keys of all rows, such as those of a whole dimension, drop none.
    guard let distinct = estimator.distinctCount(join.leftKeys[key]) else { return true }
    return right.estimatedRowCount <= distinct * 0.75
  }
}

extension PhysicalNode {
  /// The node with a scan below that asks for a runtime filter on what `key` comes from; nil where no scan may.
  func filtered(by key: Expression, number: Int) -> PhysicalNode? {
    func replacing(_ input: Int, _ key: Expression) -> PhysicalNode? {
      guard let changed = inputs[input].filtered(by: key, number: number) else { return nil }
      var inputs = inputs
      inputs[input] = changed
      return PhysicalNode(id: id, operation, inputs: inputs, output: output, estimatedRowCount: estimatedRowCount)
    }
    // A wider integer has the same value.
    var key = key
    while case .cast(let inner, let type) = key, type.isInteger, inner.type.isInteger,
      inner.type.physical.stride <= type.physical.stride
    {
      key = inner
    }
    guard case .column(let column) = key else { return nil }
    switch operation {
    case .scan(var scan):
      guard let index = output.firstIndex(of: column), index < scan.sources.count, output[index].type == column.type,
        case .field(let field) = scan.sources[index]
      else { return nil }
      scan.runtimeFilters.append(.init(number: number, field: field))
      return PhysicalNode(id: id, .scan(scan), output: output, estimatedRowCount: estimatedRowCount)
    case .filter, .sort: return replacing(0, key)
    case .project(let expressions):
      guard let index = output.firstIndex(of: column), index < expressions.count else { return nil }
      return replacing(0, expressions[index])
    case .join(let join):
      if inputs[0].output.contains(column) {
        switch join.kind {
        case .right, .full: return nil
        default: return replacing(0, key)
        }
      }
      return join.kind == .inner ? replacing(1, key) : nil
    default: return nil
    }
  }
}

extension Expression {
  /// The sides of `a = b`, or of `a IS NOT DISTINCT FROM b` where NULLs match.
  var equality: (Expression, Expression, nullsMatch: Bool)? {
    switch self {
    case .compare(.equal, let left, let right): (left, right, false)
    case .not(.isDistinct(let left, let right)): (left, right, true)
    default: nil
    }
  }
}
