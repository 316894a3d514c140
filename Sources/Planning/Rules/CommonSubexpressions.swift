import Vectors

/// Computes an expression once that a projection, a filter or an aggregation would compute several times over the same
/// rows: a projection below it makes a column of it.
///
/// Only what is evaluated for every row anyway is taken out: an expression that stands in branches of CASE and later
/// operands of AND, OR and COALESCE alone may see fewer rows, or none, and stays there. Nothing volatile is shared.
struct CommonSubexpressions {
  /// Makes a column for what an expression computes.
  let makeColumn: (String, Expression) -> Column
  private let state = State()

  private final class State {
    /// Plans that several others read, or that recur, which are looked at once.
    var shared: Set<Int> = []
    var recursions: Set<Int> = []
    var count = 0
  }

  init(_ makeColumn: @escaping (String, Expression) -> Column) { self.makeColumn = makeColumn }

  func share(_ plan: LogicalPlan) -> LogicalPlan {
    let plan = plan.mapInputs(share)
    switch plan {
    case .shared(let shared, _):
      if state.shared.insert(shared.id).inserted { shared.plan = share(shared.plan) }
      return plan
    case .recursion(let recursion, _):
      if state.recursions.insert(recursion.id).inserted {
        recursion.base = share(recursion.base)
        recursion.step = share(recursion.step)
      }
      return plan
    case .project(let projections, let input):
      let roots = projections.map { Root(expression: $0.expression, isEager: true) }
      guard let sharing = Sharing(roots, self) else { return plan }
      return .project(
        projections.map { Projection(sharing.rewritten($0.expression), as: $0.column) }, sharing.columns(over: input))
    case .filter(let conjuncts, let input):
      guard let filter = filtered(conjuncts, input) else { return plan }
      return .project(plan.output.map { Projection($0) }, filter)
    case .scan(var scan):
      let conjuncts = scan.filter
      scan.filter = []
      guard !conjuncts.isEmpty, let filter = filtered(conjuncts, .scan(scan)) else { return plan }
      return .project(plan.output.map { Projection($0) }, filter)
    case .aggregate(let aggregate, let input):
      // Keys stay as they are: what is known of their bounds is known by their form.
      var roots: [Root] = []
      for call in aggregate.aggregates {
        roots += call.filter.map { [Root(expression: $0, isEager: true)] } ?? []
        for part in call.arguments + call.order.map(\.expression) {
          roots.append(Root(expression: part, isEager: call.filter == nil))
        }
      }
      guard let sharing = Sharing(roots, self) else { return plan }
      var changed = aggregate
      changed.aggregates = aggregate.aggregates.map { call in
        AggregateCall(
          call.function, call.arguments.map(sharing.rewritten), isDistinct: call.isDistinct,
          filter: call.filter.map(sharing.rewritten), order: call.order.map { $0.mapping(sharing.rewritten) },
          output: call.output)
      }
      return .aggregate(changed, sharing.columns(over: input))
    default: return plan
    }
  }

  /// A filter whose costly conjuncts share what they have in common, computed after the cheap ones took their rows.
  private func filtered(_ conjuncts: [Expression], _ input: LogicalPlan) -> LogicalPlan? {
    let cheap = conjuncts.filter { !$0.isCostly }
    let costly = conjuncts.filter(\.isCostly)
    let roots = costly.enumerated().map { Root(expression: $1, isEager: $0 == 0) }
    guard let sharing = Sharing(roots, self) else { return nil }
    return .filter(costly.map(sharing.rewritten), sharing.columns(over: input.filtered(by: cheap)))
  }

  private func nextColumn(_ expression: Expression) -> Column {
    state.count += 1
    return makeColumn("common\(state.count)", expression)
  }

  /// An expression that an operator evaluates: for every row, or for some.
  private struct Root {
    let expression: Expression
    let isEager: Bool
  }

  /// The expressions to compute once, in layers: those of one layer are made of columns and of earlier layers.
  private struct Sharing {
    private var layers: [[Projection]] = []
    private var replacements: [Expression: Expression] = [:]

    /// Nil when nothing is worth it.
    init?(_ roots: [Root], _ rule: CommonSubexpressions) {
      guard roots.count > 1 || roots.contains(where: { $0.expression.children.count > 1 }) else { return nil }
      var census = Census()
      for root in roots { census.visit(root.expression, isEager: root.isEager) }
      let shared = census.order.filter { expression in
        guard let entry = census.entries[expression] else { return false }
        return entry.count > 1 && entry.isEager && expression.isWorthSharing
      }
      guard !shared.isEmpty else { return nil }
      let set = Set(shared)
      var depths: [Expression: Int] = [:]
      func depth(_ expression: Expression) -> Int {
        if let known = depths[expression] { return known }
        let below = expression.children.map(depth).max() ?? 0
        let result = set.contains(expression) ? below + 1 : below
        depths[expression] = result
        return result
      }
      let placed = shared.map { ($0, layer: depth($0) - 1) }
      for (expression, layer) in placed.sorted(by: { $0.layer < $1.layer }) {
        while layers.count <= layer { layers.append([]) }
        let inner = expression.mapChildren(rewritten)
        let column = rule.nextColumn(expression)
        layers[layer].append(Projection(inner, as: column))
        replacements[expression] = .column(column)
      }
    }

    func rewritten(_ expression: Expression) -> Expression {
      if expression.children.isEmpty { return expression }
      return replacements[expression] ?? expression.mapChildren(rewritten)
    }

    /// The rows of a plan with the shared columns after its own.
    func columns(over input: LogicalPlan) -> LogicalPlan {
      layers.reduce(input) { plan, layer in .project(plan.output.map { Projection($0) } + layer, plan) }
    }
  }

  /// How often each expression is asked for, counting what stands within an expression once.
  private struct Census {
    struct Entry {
      var count: Int
      var isEager: Bool
    }
    private(set) var entries: [Expression: Entry] = [:]
    /// In the order they were met.
    private(set) var order: [Expression] = []

    mutating func visit(_ expression: Expression, isEager: Bool) {
      if expression.children.isEmpty { return }
      if let known = entries[expression] {
        entries[expression] = Entry(count: known.count + 1, isEager: known.isEager || isEager)
        if isEager, !known.isEager { expression.forEachEagerChild { markEager($0) } }
        return
      }
      entries[expression] = Entry(count: 1, isEager: isEager)
      order.append(expression)
      var eager: [Expression] = []
      if isEager { expression.forEachEagerChild { eager.append($0) } }
      for child in expression.children { visit(child, isEager: eager.contains(child)) }
    }

    private mutating func markEager(_ expression: Expression) {
      guard let known = entries[expression], !known.isEager else { return }
      entries[expression]?.isEager = true
      expression.forEachEagerChild { markEager($0) }
    }
  }
}

extension Expression {
  /// The operands that are evaluated for every row that the expression is evaluated for.
  fileprivate func forEachEagerChild(_ body: (Expression) -> Void) {
    switch self {
    case .and(let operands), .or(let operands), .coalesce(let operands, _): operands.first.map(body)
    case .branch(let branches, _, _): branches.first.map { body($0.condition) }
    default: children.forEach(body)
    }
  }

  /// True for what takes more than a look at plain values.
  fileprivate var isCostly: Bool {
    switch self {
    case .call, .cast, .branch, .coalesce: true
    default: children.contains(where: \.isCostly)
    }
  }

  /// True for what differs from row to row, by the row alone, and costs more than passing it on.
  fileprivate var isWorthSharing: Bool {
    isCostly && !isConvertedColumn && !isFixed && !hasVolatile && !columns.isEmpty
  }

  /// True for a column as another kind of binary number: free next to what it is computed for, and aggregates over a
  /// scan know it by its form.
  private var isConvertedColumn: Bool {
    guard case .cast(.column(let column), let type) = self else { return false }
    return (column.type.isInteger || column.type.isFloat) && (type.isInteger || type.isFloat)
  }
}
