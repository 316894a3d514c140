import Vectors

/// Follows the columns of a logical plan down to scans.
///
/// Columns have one maker each, so one walk over the plan notes what every column is made of, and a second one follows.
struct LineageTracer {
  private typealias Change = QueryLineage.Change
  private typealias Origin = QueryLineage.Origin

  private enum Making {
    case origin(Origin)
    case from([(column: Column, change: Change)])
  }

  private let subqueries: [LogicalPlan]
  private var made: [Column: Making] = [:]
  private var known: [Column: [Origin: Change]] = [:]
  private var following: Set<Column> = []
  private var deciding: Set<Column> = []
  private var tables: Set<String> = []
  private var seenShared: Set<Int> = []
  private var recursions: [Int: RecursivePlan] = [:]
  private var seenSubqueries: Set<Int> = []

  init(subqueries: [LogicalPlan]) { self.subqueries = subqueries }

  mutating func trace(_ bound: BoundQuery) -> QueryLineage {
    visit(bound.plan)
    var outputs: [QueryLineage.Output] = []
    for (name, column) in zip(bound.names, bound.columns) {
      outputs.append(
        QueryLineage.Output(
          field: Field(name, column.type, isNullable: column.isNullable), origins: origins(of: column)))
    }
    var origins: Set<Origin> = []
    for column in deciding { origins.formUnion(self.origins(of: column).keys) }
    return QueryLineage(outputs: outputs, deciding: origins, tables: tables)
  }

  // MARK: What columns are made of

  private mutating func visit(_ plan: LogicalPlan) {
    plan.forEachExpression { visitSubqueries(of: $0) }
    switch plan {
    case .scan(let scan):
      let reference = scan.table.reference
      tables.insert("\(reference.schema).\(reference.name)")
      for (column, source) in zip(scan.columns, scan.sources) {
        guard case .field(let index) = source else { continue }
        made[column] = .origin(
          Origin(schema: reference.schema, table: reference.name, column: scan.table.fields.fields[index].name))
      }
    case .values(let rows, let columns):
      for (index, column) in columns.enumerated() { make(column, of: rows.map { $0[index] }, .computed) }
    case .series(let arguments, let column): make(column, of: arguments, .computed)
    case .project(let projections, _):
      for projection in projections { make(projection.column, of: [projection.expression], .computed) }
    case .aggregate(let aggregate, _):
      for key in aggregate.keys {
        make(key.column, of: [key.expression], .computed)
        decide([key.expression])
      }
      for call in aggregate.aggregates {
        make(
          call.output, of: call.arguments + [call.filter].compactMap(\.self) + call.order.map(\.expression), .aggregated
        )
      }
      if let column = aggregate.groupingColumn { make(column, of: aggregate.keys.map(\.expression), .aggregated) }
    case .window(let window, _):
      let around = window.partition + window.order.map(\.expression)
      for call in window.calls {
        make(call.output, of: call.arguments + [call.filter].compactMap(\.self) + around, .windowed)
      }
    case .expand(let expansion, _):
      for call in expansion.calls {
        for column in call.columns { make(column, of: call.arguments, .computed) }
      }
    case .join(let join, _, _):
      let conditions = join.conditions + (join.comparison.map { [$0.left, $0.right] } ?? [])
      // A mark is a value like any other: whoever reads it reads the conditions.
      if case .mark(let mark, _) = join.kind { make(mark, of: conditions, .computed) } else { decide(conditions) }
    case .filter(let conjuncts, _): decide(conjuncts)
    case .distinctOn(let keys, _): decide(keys)
    case .concatenate(let inputs, let columns): merge(inputs.map(\.output), into: columns)
    case .setOperation(_, _, let left, let right, let columns):
      // EXCEPT gives rows of the left side alone; those of the right decide.
      merge([left.output], into: columns)
      deciding.formUnion(right.output)
    case .shared(let shared, let columns):
      merge([shared.plan.output], into: columns)
      if seenShared.insert(shared.id).inserted { visit(shared.plan) }
    case .recursion(let recursion, let columns):
      merge([recursion.base.output, recursion.step.output], into: columns)
      if recursions.updateValue(recursion, forKey: recursion.id) == nil {
        visit(recursion.base)
        visit(recursion.step)
      }
    case .working(let id, let columns):
      if let recursion = recursions[id] { merge([recursion.base.output, recursion.step.output], into: columns) }
    case .sort, .limit: break
    }
    for input in plan.inputs { visit(input) }
  }

  private mutating func visitSubqueries(of expression: Expression) {
    if case .subquery(let index, _) = expression, seenSubqueries.insert(index).inserted { visit(subqueries[index]) }
    for child in expression.children { visitSubqueries(of: child) }
  }

  private mutating func make(_ column: Column, of expressions: [Expression], _ change: Change) {
    // A window or an aggregate changes even a bare column, but a projection of one only passes it on.
    if change == .computed, expressions.count == 1 {
      switch expressions[0] {
      case .column(let source):
        if source != column { made[column] = .from([(source, .copied)]) }
        return
      case .subquery(let index, _):
        made[column] = .from(subqueries[index].output.prefix(1).map { ($0, .copied) })
        return
      default: break
      }
    }
    made[column] = .from(columns(of: expressions).filter { $0 != column }.map { ($0, change) })
  }

  private func columns(of expressions: [Expression]) -> Set<Column> {
    var result: Set<Column> = []
    func collect(_ expression: Expression) {
      switch expression {
      case .column(let column): result.insert(column)
      case .subquery(let index, _): result.formUnion(subqueries[index].output.prefix(1))
      default: for child in expression.children { collect(child) }
      }
    }
    for expression in expressions { collect(expression) }
    return result
  }

  private mutating func merge(_ sources: [[Column]], into columns: [Column]) {
    for (index, column) in columns.enumerated() {
      made[column] = .from(sources.compactMap { index < $0.count ? ($0[index], .copied) : nil })
    }
  }

  private mutating func decide(_ expressions: [Expression]) { deciding.formUnion(columns(of: expressions)) }

  // MARK: The way down

  private mutating func origins(of column: Column) -> [Origin: Change] {
    if let ready = known[column] { return ready }
    // Within a recursion a column may come from itself; that adds nothing.
    guard following.insert(column).inserted else { return [:] }
    defer { following.remove(column) }
    var result: [Origin: Change] = [:]
    switch made[column] {
    case .origin(let origin)?: result[origin] = .copied
    case .from(let sources)?:
      for (source, change) in sources {
        for (origin, below) in origins(of: source) {
          result[origin] = max(result[origin] ?? .copied, max(change, below))
        }
      }
    case nil: break
    }
    // What was cut short by a circle is known only to whoever began it.
    if following.count == 1 || recursions.isEmpty { known[column] = result }
    return result
  }
}
