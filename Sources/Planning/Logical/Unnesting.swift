import Vectors

/// Pushes the distinct values of an outer query's columns down into a plan that reads them, until nothing does.
struct Unnesting {
  /// Where each outer column is found in an unnested plan's output.
  typealias Map = [Column: Column]

  private let binder: Binder
  private let free: [Column]
  private let freeSet: Set<Column>
  private let domain: SharedPlan
  /// The recursions around the plan, by their number: that of the same recursion with the domain's columns.
  private var turns: [Int: Int] = [:]

  init(_ binder: Binder, _ free: [Column], _ domain: SharedPlan) {
    self.binder = binder
    self.free = free
    freeSet = Set(free)
    self.domain = domain
  }

  /// Returns a plan that gives `plan`'s rows for every value of the domain, with the domain's columns beside them.
  func unnest(_ plan: LogicalPlan) -> (LogicalPlan, Map) {
    if isIndependent(plan) { return beside(plan) }
    switch plan {
    case .filter(let conjuncts, let input):
      let (below, map) = unnest(input)
      return (.filter(conjuncts.map { $0.substituting(expressions(map)) }, below), map)
    case .project(let projections, let input):
      let (below, map) = unnest(input)
      let own = projections.map { Projection($0.expression.substituting(expressions(map)), as: $0.column) }
      let present = Set(own.map(\.column))
      return (.project(own + domainColumns(map).filter { !present.contains($0) }.map { Projection($0) }, below), map)
    case .aggregate(let aggregate, let input): return unnest(aggregate, input)
    case .join(let join, let left, let right): return unnest(join, left, right)
    case .sort(let keys, let input):
      let (below, map) = unnest(input)
      return (.sort(keys.map { $0.mapping { $0.substituting(expressions(map)) } }, below), map)
    case .limit(let count, let offset, let withTies, let input):
      return unnestLimit(count, offset, withTies, input)
    case .window(var window, let input):
      let (below, map) = unnest(input)
      let replace = expressions(map)
      guard
        case .window(let mapped, _) = LogicalPlan.window(window, input).mapExpressions({ $0.substituting(replace) })
      else { return (below, map) }
      window = mapped
      window.partition += domainColumns(map).map { .column($0) }
      return (.window(window, below), map)
    case .expand(let expansion, let input):
      let (below, map) = unnest(input)
      let replace = expressions(map)
      return (.expand(expansion.mapArguments { $0.substituting(replace) }, below), map)
    case .distinctOn(let keys, let input):
      let (below, map) = unnest(input)
      let own = domainColumns(map).map { Expression.column($0) }
      let keys = own + keys.map { $0.substituting(expressions(map)) }
      guard case .sort(let order, let sorted) = below else { return (.distinctOn(keys, below), map) }
      return (.distinctOn(keys, .sort(own.map { SortKey($0) } + order, sorted)), map)
    case .concatenate(let inputs, let columns):
      let map = freshMap()
      let branches = inputs.map { aligned($0) }
      return (.concatenate(branches, columns + domainColumns(map)), map)
    case .setOperation(let kind, let all, let left, let right, let columns):
      let map = freshMap()
      return (
        .setOperation(kind, all: all, aligned(left), aligned(right), columns + domainColumns(map)), map
      )
    case .values(let rows, let columns):
      let branches = rows.map { row -> LogicalPlan in
        let own = columns.map { binder.column($0.name, $0.type) }
        return .project(zip(row, own).map { Projection($0, as: $1) }, .values([[]], []))
      }
      return unnest(.concatenate(branches, columns))
    case .shared(let shared, let columns):
      // The reader of an outer column cannot be computed once; this reader gets a copy.
      let copy = zip(shared.plan.output, columns).map { Projection(.column($0), as: $1) }
      return unnest(.project(copy, shared.plan))
    case .recursion(let recursion, let columns):
      // The rows of every turn carry the domain's columns along.
      binder.nextRecursion += 1
      let id = binder.nextRecursion
      var below = self
      below.turns[recursion.id] = id
      let map = freshMap()
      let all = RecursivePlan(
        id: id, base: aligned(recursion.base), step: below.aligned(recursion.step), isAll: recursion.isAll)
      return (.recursion(all, columns + domainColumns(map)), map)
    case .working(let id, let columns):
      guard let id = turns[id] else { return beside(plan) }
      let map = freshMap()
      return (.working(id, columns + domainColumns(map)), map)
    case .scan, .series: return beside(plan)
    }
  }

  private func isIndependent(_ plan: LogicalPlan) -> Bool {
    plan.freeColumns.isDisjoint(with: freeSet) && (turns.isEmpty || !plan.readsTurn(of: turns.keys))
  }

  private func freshMap() -> Map {
    var map: Map = [:]
    for column in free { map[column] = binder.column(column.name, column.type) }
    return map
  }

  private func expressions(_ map: Map) -> [Column: Expression] { map.mapValues { .column($0) } }

  private func domainColumns(_ map: Map) -> [Column] { free.compactMap { map[$0] } }

  private func readDomain() -> (plan: LogicalPlan, map: Map) {
    let plan = binder.read(domain)
    return (plan, Dictionary(zip(free, plan.output), uniquingKeysWith: { a, _ in a }))
  }

  private func beside(_ plan: LogicalPlan) -> (LogicalPlan, Map) {
    let (all, map) = readDomain()
    return (.join(LogicalJoin(.inner), all, plan), map)
  }

  /// A branch of a union: its columns, then the domain's.
  private func aligned(_ plan: LogicalPlan) -> LogicalPlan {
    let (below, map) = unnest(plan)
    return .project((plan.output + domainColumns(map)).map { Projection($0) }, below)
  }

  private func unnest(_ aggregate: LogicalAggregate, _ input: LogicalPlan) -> (LogicalPlan, Map) {
    let (below, map) = unnest(input)
    let replace = expressions(map)
    guard
      case .aggregate(var grouped, _) = LogicalPlan.aggregate(aggregate, input)
        .mapExpressions({ $0.substituting(replace) })
    else { return (below, map) }
    // Without keys there is a row for every value of the domain, also where nothing was found; so there is for a
    // grouping set without any.
    let isScalar = grouped.groupingSets?.contains([]) ?? grouped.keys.isEmpty
    let allLeftOut = (Int64(1) << Int64(grouped.keys.count)) - 1
    let own = domainColumns(map)
    // In front, so that the bits of GROUPING() stay where they are.
    grouped.keys = own.map { Projection($0) } + grouped.keys
    if let sets = grouped.groupingSets {
      grouped.groupingSets = sets.map { Array(0..<own.count) + $0.map { $0 + own.count } }
    }
    let plan = LogicalPlan.aggregate(grouped, below)
    if !isScalar { return (plan, map) }
    let (all, domainMap) = readDomain()
    let conditions = free.compactMap { column -> Expression? in
      guard let left = domainMap[column], let right = map[column] else { return nil }
      return .not(.isDistinct(.column(left), .column(right)))
    }
    let joined = LogicalPlan.join(LogicalJoin(.left, on: conditions), all, plan)
    var projections = domainColumns(domainMap).map { Projection($0) }
    projections += aggregate.keys.map { Projection(.column($0.column.nullable), as: $0.column) }
    for call in aggregate.aggregates {
      let value = Expression.column(call.output.nullable)
      let empty = call.emptyResult
      projections.append(
        Projection(empty.isNullConstant ? value : .coalesce([value, empty], call.output.type), as: call.output))
    }
    if let column = aggregate.groupingColumn {
      projections.append(
        Projection(.coalesce([.column(column.nullable), .bigint(allLeftOut)], column.type), as: column))
    }
    return (.project(projections, joined), domainMap)
  }

  private func unnestLimit(
    _ count: Expression?, _ offset: Expression?, _ withTies: Bool, _ input: LogicalPlan
  ) -> (LogicalPlan, Map) {
    var (below, map) = unnest(input)
    var order: [SortKey] = []
    if case .sort(let keys, let sorted) = below { (order, below) = (keys, sorted) }
    let number = binder.column("row_number", .bigint, isNullable: false)
    let call = WindowCall(withTies ? .rank : .rowNumber, [], output: number)
    let window = LogicalWindow(partition: domainColumns(map).map { .column($0) }, order: order, calls: [call])
    var conjuncts: [Expression] = []
    let skipped =
      offset.map { Expression.coalesce([$0.substituting(expressions(map)), .bigint(0)], .bigint) } ?? .bigint(0)
    if let count = count?.substituting(expressions(map)) {
      let last = Expression.call(.add, [skipped, count], .bigint)
      conjuncts.append(.coalesce([.compare(.lessOrEqual, .column(number), last), .trueConstant], .boolean))
    }
    if offset != nil { conjuncts.append(.compare(.greater, .column(number), skipped)) }
    let windowed = LogicalPlan.window(window, below)
    let kept = conjuncts.isEmpty ? windowed : LogicalPlan.filter(conjuncts, windowed)
    return (kept, map)
  }

  private func unnest(_ join: LogicalJoin, _ left: LogicalPlan, _ right: LogicalPlan) -> (LogicalPlan, Map) {
    /// Conditions that tie both sides to one value of the domain.
    func ties(_ a: Map, _ b: Map) -> [Expression] {
      free.compactMap { column in
        guard let x = a[column], let y = b[column] else { return nil }
        return .not(.isDistinct(.column(x), .column(y)))
      }
    }
    func conditions(_ map: Map) -> [Expression] {
      (join.conditions + (join.comparison.map { [.compare(.equal, $0.left, $0.right)] } ?? []))
        .map { $0.substituting(expressions(map)) }
    }

    if case .nearest = join.kind {
      let (a, leftMap) = unnest(left)
      let (b, rightMap) = isIndependent(right) ? (right, [:]) : unnest(right)
      var join = join
      join.conditions = join.conditions.map { $0.substituting(expressions(leftMap)) } + ties(leftMap, rightMap)
      if let comparison = join.comparison {
        join.comparison = .init(
          left: comparison.left.substituting(expressions(leftMap)),
          right: comparison.right.substituting(expressions(leftMap)), op: comparison.op)
      }
      return (.join(join, a, b), leftMap)
    }
    if isIndependent(right), join.kind != .right, join.kind != .full {
      let (a, map) = unnest(left)
      let below = LogicalPlan.join(LogicalJoin(join.kind, on: conditions(map)), a, right)
      return (below, map)
    }
    if join.kind == .inner || join.kind == .right, isIndependent(left) {
      let (b, map) = unnest(right)
      return (.join(LogicalJoin(join.kind, on: conditions(map)), left, b), map)
    }
    let (a, leftMap) = unnest(left)
    let (b, rightMap) = unnest(right)
    var kind = join.kind
    var own = conditions(kind == .right ? rightMap : leftMap)
    switch kind {
    case .antiNullAware:
      // No match and nothing unknown, within one value of the domain.
      kind = .anti
      own = [.coalesce([.conjunction(own), .trueConstant], .boolean)]
    case .full:
      let joined = LogicalPlan.join(LogicalJoin(.full, on: own + ties(leftMap, rightMap)), a, b)
      var map: Map = [:]
      var projections = (left.output + right.output).map { Projection($0.nullable) }
      for column in free {
        guard let x = leftMap[column], let y = rightMap[column] else { continue }
        let merged = binder.column(column.name, column.type)
        projections.append(
          Projection(.coalesce([.column(x.nullable), .column(y.nullable)], column.type), as: merged))
        map[column] = merged
      }
      return (.project(projections, joined), map)
    default: break
    }
    let below = LogicalPlan.join(LogicalJoin(kind, on: own + ties(leftMap, rightMap)), a, b)
    return (below, kind == .right ? rightMap : leftMap)
  }
}
