import Vectors

/// What a query computes, before it is decided how. A tree of relational operators over bound expressions.
///
/// Columns have identifiers that are unique in one plan, so operators may be moved without renaming. A column of an
/// enclosing query stands in a subquery's expressions as itself until decorrelation joins the two.
indirect enum LogicalPlan {
  case scan(LogicalScan)
  /// Constant rows; `[[]]` with no columns is one empty row.
  case values([[Expression]], [Column])
  case series([Expression], Column)
  /// Keeps the rows for which every conjunct is true.
  case filter([Expression], LogicalPlan)
  case project([Projection], LogicalPlan)
  case aggregate(LogicalAggregate, LogicalPlan)
  case join(LogicalJoin, LogicalPlan, LogicalPlan)
  case sort([SortKey], LogicalPlan)
  /// Ties are kept by the order of the sort right below.
  case limit(count: Expression?, offset: Expression?, withTies: Bool, LogicalPlan)
  case window(LogicalWindow, LogicalPlan)
  /// UNION ALL by position.
  case concatenate([LogicalPlan], [Column])
  case setOperation(SetOperation, all: Bool, LogicalPlan, LogicalPlan, [Column])
  case distinctOn([Expression], LogicalPlan)
  /// Rows of a plan that is computed once; the columns rename its output one by one.
  case shared(SharedPlan, [Column])
  /// Set-returning functions, called for each row of the input.
  case expand(Expansion, LogicalPlan)
  /// WITH RECURSIVE: the base's rows, then those of each turn; by position.
  case recursion(RecursivePlan, [Column])
  /// Within the step of the recursion of this number: the rows of the turn before.
  case working(Int, [Column])
}

struct Projection {
  var expression: Expression
  var column: Column

  init(_ expression: Expression, as column: Column) {
    self.expression = expression
    self.column = column
  }

  /// Passes a column on.
  init(_ column: Column) {
    self.init(.column(column), as: column)
  }
}

struct LogicalScan {
  var table: TableDescription
  var columns: [Column]
  var sources: [TableScan.Source]
  var predicates: [FieldPredicate] = []
  /// Conjuncts over `columns` that the scan applies itself.
  var filter: [Expression] = []
}

struct LogicalAggregate {
  var keys: [Projection]
  var aggregates: [AggregateCall]
  var groupingSets: [[Int]]?
  /// With grouping sets: tells which keys a row left out.
  var groupingColumn: Column?
}

/// A join by conditions alone; which of them are keys is found when the plan becomes physical.
struct LogicalJoin {
  var kind: JoinKind
  var conditions: [Expression]
  /// Of a join that minds NULLs as IN does: what is compared instead of conditions. Of an as-of join: what is compared
  /// beside them, `right op left`. It keeps its sides, whatever they read.
  var comparison: Comparison?

  struct Comparison {
    var left: Expression
    var right: Expression
    var op = ComparisonOperator.equal
  }

  init(_ kind: JoinKind, on conditions: [Expression] = []) {
    self.kind = kind
    self.conditions = conditions
    if kind.isNullAware, conditions.count == 1, case .compare(.equal, let left, let right) = conditions[0] {
      comparison = Comparison(left: left, right: right)
      self.conditions = []
    }
  }
}

struct LogicalWindow {
  var partition: [Expression]
  var order: [SortKey]
  var calls: [WindowCall]
}

/// A plan with several readers. `plan` is replaced in place when rules better it.
final class SharedPlan {
  let id: Int
  var plan: LogicalPlan
  /// Never inlined (WITH ... AS MATERIALIZED).
  let isForced: Bool
  var isOptimized = false

  init(id: Int, _ plan: LogicalPlan, isForced: Bool = false) {
    self.id = id
    self.plan = plan
    self.isForced = isForced
  }
}

/// The parts of a recursive query. They are replaced in place when rules better them.
final class RecursivePlan {
  let id: Int
  var base: LogicalPlan
  var step: LogicalPlan
  /// False for UNION: a row that was there before is left out, and is not gone on from.
  let isAll: Bool
  var isOptimized = false

  init(id: Int, base: LogicalPlan, step: LogicalPlan, isAll: Bool) {
    self.id = id
    self.base = base
    self.step = step
    self.isAll = isAll
  }
}

extension JoinKind {
  /// True for the joins of IN and NOT IN that tell unknown from false.
  var isNullAware: Bool {
    switch self {
    case .antiNullAware, .mark(_, nullAware: true): true
    default: false
    }
  }

  var isMark: Bool {
    if case .mark = self { return true }
    return false
  }
}

extension Column {
  /// The same column where it may hold NULL.
  var nullable: Column { isNullable ? self : Column(id: id, name: name, type: type) }
}

extension LogicalPlan {
  var output: [Column] {
    switch self {
    case .scan(let scan): scan.columns
    case .values(_, let columns), .concatenate(_, let columns), .setOperation(_, _, _, _, let columns),
      .shared(_, let columns), .recursion(_, let columns), .working(_, let columns):
      columns
    case .series(_, let column): [column]
    case .filter(_, let input), .sort(_, let input), .limit(_, _, _, let input), .distinctOn(_, let input):
      input.output
    case .project(let projections, _): projections.map(\.column)
    case .aggregate(let aggregate, _):
      aggregate.keys.map(\.column) + aggregate.aggregates.map(\.output)
        + (aggregate.groupingColumn.map { [$0] } ?? [])
    case .window(let window, let input): input.output + window.calls.map(\.output)
    case .expand(let expansion, let input): input.output + expansion.columns
    case .join(let join, let left, let right):
      switch join.kind {
      case .inner, .nearest(isOuter: false): left.output + right.output
      case .left, .single, .nearest(isOuter: true): left.output + right.output.map(\.nullable)
      case .right: left.output.map(\.nullable) + right.output
      case .full: left.output.map(\.nullable) + right.output.map(\.nullable)
      case .semi, .anti, .antiNullAware: left.output
      case .mark(let mark, _): left.output + [mark]
      }
    }
  }

  var inputs: [LogicalPlan] {
    switch self {
    case .scan, .values, .series, .shared, .recursion, .working: []
    case .filter(_, let input), .sort(_, let input), .limit(_, _, _, let input), .distinctOn(_, let input),
      .project(_, let input), .aggregate(_, let input), .window(_, let input), .expand(_, let input):
      [input]
    case .join(_, let left, let right), .setOperation(_, _, let left, let right, _): [left, right]
    case .concatenate(let inputs, _): inputs
    }
  }

  /// Returns the node with each input replaced by `transform` of it.
  func mapInputs(_ transform: (LogicalPlan) throws -> LogicalPlan) rethrows -> LogicalPlan {
    switch self {
    case .scan, .values, .series, .shared, .recursion, .working: self
    case .filter(let conjuncts, let input): .filter(conjuncts, try transform(input))
    case .project(let projections, let input): .project(projections, try transform(input))
    case .aggregate(let aggregate, let input): .aggregate(aggregate, try transform(input))
    case .join(let join, let left, let right): .join(join, try transform(left), try transform(right))
    case .sort(let keys, let input): .sort(keys, try transform(input))
    case .limit(let count, let offset, let withTies, let input):
      .limit(count: count, offset: offset, withTies: withTies, try transform(input))
    case .window(let window, let input): .window(window, try transform(input))
    case .expand(let expansion, let input): .expand(expansion, try transform(input))
    case .concatenate(let inputs, let columns): .concatenate(try inputs.map(transform), columns)
    case .setOperation(let kind, let all, let left, let right, let columns):
      .setOperation(kind, all: all, try transform(left), try transform(right), columns)
    case .distinctOn(let keys, let input): .distinctOn(keys, try transform(input))
    }
  }

  /// Returns the node with each of its own expressions replaced; inputs and shared plans stay.
  func mapExpressions(_ transform: (Expression) throws -> Expression) rethrows -> LogicalPlan {
    func keys(_ keys: [SortKey]) throws -> [SortKey] {
      try keys.map { SortKey(try transform($0.expression), isDescending: $0.isDescending, nullsFirst: $0.nullsFirst) }
    }
    func projections(_ projections: [Projection]) throws -> [Projection] {
      try projections.map { Projection(try transform($0.expression), as: $0.column) }
    }
    switch self {
    case .shared, .concatenate, .setOperation, .recursion, .working: return self
    case .scan(var scan):
      if scan.filter.isEmpty { return self }
      scan.filter = try scan.filter.map(transform)
      return .scan(scan)
    case .values(let rows, let columns): return .values(try rows.map { try $0.map(transform) }, columns)
    case .series(let arguments, let column): return .series(try arguments.map(transform), column)
    case .filter(let conjuncts, let input): return .filter(try conjuncts.map(transform), input)
    case .project(let list, let input): return .project(try projections(list), input)
    case .aggregate(var aggregate, let input):
      aggregate.keys = try projections(aggregate.keys)
      aggregate.aggregates = try aggregate.aggregates.map { call in
        AggregateCall(
          call.function, try call.arguments.map(transform), isDistinct: call.isDistinct,
          filter: try call.filter.map(transform), order: try keys(call.order), output: call.output)
      }
      return .aggregate(aggregate, input)
    case .join(var join, let left, let right):
      join.conditions = try join.conditions.map(transform)
      if let comparison = join.comparison {
        join.comparison = .init(
          left: try transform(comparison.left), right: try transform(comparison.right), op: comparison.op)
      }
      return .join(join, left, right)
    case .sort(let list, let input): return .sort(try keys(list), input)
    case .limit(let count, let offset, let withTies, let input):
      return .limit(count: try count.map(transform), offset: try offset.map(transform), withTies: withTies, input)
    case .window(var window, let input):
      window.partition = try window.partition.map(transform)
      window.order = try keys(window.order)
      window.calls = try window.calls.map { call in
        var call = call
        call.arguments = try call.arguments.map(transform)
        call.filter = try call.filter.map(transform)
        return call
      }
      return .window(window, input)
    case .distinctOn(let list, let input): return .distinctOn(try list.map(transform), input)
    case .expand(let expansion, let input): return .expand(try expansion.mapArguments(transform), input)
    }
  }

  /// Calls `body` with each of the node's own expressions.
  func forEachExpression(_ body: (Expression) throws -> Void) rethrows {
    switch self {
    case .shared, .concatenate, .setOperation, .recursion, .working: return
    case .scan(let scan): try scan.filter.forEach(body)
    case .values(let rows, _): for row in rows { try row.forEach(body) }
    case .series(let arguments, _): try arguments.forEach(body)
    case .filter(let conjuncts, _): try conjuncts.forEach(body)
    case .project(let projections, _): for projection in projections { try body(projection.expression) }
    case .aggregate(let aggregate, _):
      for key in aggregate.keys { try body(key.expression) }
      for call in aggregate.aggregates {
        try call.arguments.forEach(body)
        if let filter = call.filter { try body(filter) }
        for key in call.order { try body(key.expression) }
      }
    case .join(let join, _, _):
      try join.conditions.forEach(body)
      if let comparison = join.comparison {
        try body(comparison.left)
        try body(comparison.right)
      }
    case .sort(let keys, _): for key in keys { try body(key.expression) }
    case .limit(let count, let offset, _, _):
      if let count { try body(count) }
      if let offset { try body(offset) }
    case .window(let window, _):
      try window.partition.forEach(body)
      for key in window.order { try body(key.expression) }
      for call in window.calls {
        try call.arguments.forEach(body)
        if let filter = call.filter { try body(filter) }
      }
    case .distinctOn(let keys, _): try keys.forEach(body)
    case .expand(let expansion, _): for call in expansion.calls { try call.arguments.forEach(body) }
    }
  }

  /// The columns the plan reads but does not make: those of enclosing queries.
  var freeColumns: Set<Column> {
    var used: Set<Column> = []
    var made: Set<Column> = []
    collect(used: &used, made: &made)
    return used.subtracting(made)
  }

  /// True when it reads the rows of the turn before, of one of these recursions.
  func readsTurn(of ids: some Collection<Int>) -> Bool {
    switch self {
    case .working(let id, _): ids.contains(id)
    case .shared(let shared, _): shared.plan.readsTurn(of: ids)
    case .recursion(let recursion, _): recursion.base.readsTurn(of: ids) || recursion.step.readsTurn(of: ids)
    default: inputs.contains { $0.readsTurn(of: ids) }
    }
  }

  private func collect(used: inout Set<Column>, made: inout Set<Column>) {
    forEachExpression { $0.collectColumns(into: &used) }
    made.formUnion(output)
    if case .shared(let shared, _) = self { shared.plan.collect(used: &used, made: &made) }
    if case .recursion(let recursion, _) = self {
      recursion.base.collect(used: &used, made: &made)
      recursion.step.collect(used: &used, made: &made)
    }
    for input in inputs { input.collect(used: &used, made: &made) }
  }

  /// Replaces columns in every expression of the whole tree; what the plan makes keeps its identity. What readers share
  /// is changed for all of them.
  func substituting(_ map: [Column: Expression]) -> LogicalPlan {
    if case .shared(let shared, _) = self, !shared.plan.freeColumns.isDisjoint(with: map.keys) {
      shared.plan = shared.plan.substituting(map)
    }
    if case .recursion(let recursion, _) = self, !freeColumns.isDisjoint(with: map.keys) {
      recursion.base = recursion.base.substituting(map)
      recursion.step = recursion.step.substituting(map)
    }
    return mapInputs { $0.substituting(map) }.mapExpressions { $0.substituting(map) }
  }
}
