import SQLSyntax
import Vectors

/// Adds the groups that time_bucket_gapfill misses: for every combination of the other keys, each bucket from the first
/// to the last one.
///
/// Where the buckets begin and end: as written; else as WHERE bounds the time; else with the first and last bucket of
/// all rows. Groups outside of these stay. All is made of joins and windows that are there anyway: the groups, computed
/// once, are joined fully to the product of their keys and the series of buckets; `locf` and `interpolate` find the
/// nearest values by counting those that are not NULL from both ends.
struct GapFilling {
  private let binder: Binder
  private let filling: GapCollector.Filling
  private let gaps: GapCollector
  private let collector: AggregateCollector

  init(_ binder: Binder, _ filling: GapCollector.Filling, _ gaps: GapCollector, _ collector: AggregateCollector) {
    self.binder = binder
    self.filling = filling
    self.gaps = gaps
    self.collector = collector
  }

  /// `groups` gives the keys and aggregates, `bounds` are the conditions of WHERE, `resolve` turns what a call names
  /// into columns of the groups.
  func fill(
    _ groups: LogicalPlan, bounds: [Expression], _ resolve: (Expression) throws -> Expression
  ) throws -> LogicalPlan {
    if collector.groupingSets != nil {
      throw BinderError.unsupported("time_bucket_gapfill with grouping sets", filling.range)
    }
    guard let key = collector.keys.first(where: { $0.expression == filling.bucket }) else {
      throw BinderError.user("42803", "time_bucket_gapfill belongs in GROUP BY", filling.range)
    }
    // What is filled is computed with the groups, so that a gap has NULL there.
    let arguments = try gaps.calls.map { call in
      let value = try resolve(call.argument)
      return Projection(value, as: binder.column(call.kind.rawValue, value.type))
    }
    let output = groups.output
    let source = binder.shared(.project(output.map { Projection($0) } + arguments, groups), isForced: true)
    let others = collector.keys.map(\.column).filter { $0 != key.column }

    let (series, bucket) = try buckets(source, key.column, bounds)
    let (names, keys) = distinct(source, others)
    let grid = LogicalPlan.join(LogicalJoin(.inner), names, series)
    var conditions: [Expression] = [.compare(.equal, .column(bucket), .column(key.column))]
    for (copy, column) in zip(keys, others) {
      conditions.append(.not(.isDistinct(.column(copy), .column(column))))
    }
    let joined = LogicalPlan.join(
      LogicalJoin(.full, on: conditions), grid, .shared(source, source.plan.output))
    // The keys of either side under new names, which then stand for the groups' own.
    let values: [Column: Expression] = Dictionary(
      zip([key.column] + others, [bucket] + keys).map { column, copy in
        (column, .coalesce([.column(copy.nullable), .column(column.nullable)], column.type))
      }, uniquingKeysWith: { first, _ in first })
    var filled = LogicalPlan.project(
      source.plan.output.map { Projection(values[$0] ?? .column($0.nullable), as: $0.nullable) }, joined)
    for (call, argument) in zip(gaps.calls, arguments) {
      filled = apply(call, argument.column, key.column, others, to: filled)
    }
    return .project((output.map(\.nullable) + gaps.calls.map(\.output)).map { Projection($0) }, filled)
  }

  // MARK: Buckets

  private var bucketType: LogicalType { filling.time.type == .timestamptz ? .timestamptz : .timestamp }

  /// The series of buckets, in a column of the key's type.
  private func buckets(
    _ source: SharedPlan, _ key: Column, _ bounds: [Expression]
  ) throws -> (LogicalPlan, Column) {
    let type = bucketType
    let copy = binder.read(source)
    let index = source.plan.output.firstIndex(of: key) ?? 0
    let least = binder.column("min", key.type)
    let greatest = binder.column("max", key.type)
    let extremes = LogicalPlan.aggregate(
      LogicalAggregate(
        keys: [],
        aggregates: [
          AggregateCall(.min, [.column(copy.output[index])], output: least),
          AggregateCall(.max, [.column(copy.output[index])], output: greatest),
        ]), copy)
    func inType(_ column: Column) -> Expression { column.type == type ? .column(column) : .cast(.column(column), type) }
    let start = filling.start ?? bound(bounds, isLower: true)
    let finish = filling.finish ?? bound(bounds, isLower: false)
    let tick = Expression.constant(.interval(Interval(months: 0, days: 0, microseconds: 1)), .interval)
    let first = try start.map { try bucket(of: $0) } ?? inType(least)
    let last = try finish.map { try bucket(of: .call(.subtract, [$0, tick], type)) } ?? inType(greatest)
    let made = binder.column("bucket", type, isNullable: false)
    let call = SetCall(.generateSeries, [first, last, filling.width], columns: [made])
    let series = LogicalPlan.expand(Expansion([call]), extremes)
    let result = binder.column(key.name, key.type, isNullable: false)
    let value: Expression = key.type == type ? .column(made) : .cast(.column(made), key.type)
    return (.project([Projection(value, as: result)], series), result)
  }

  /// The bucket of a time, aligned as those of the rows.
  private func bucket(of time: Expression) throws -> Expression {
    guard let made = try binder.bindSpecial("time_bucket", [filling.width, time], [.unknown, .unknown], .unknown) else {
      throw BinderError.unsupported("these bounds of time_bucket_gapfill", filling.range)
    }
    return made
  }

  /// What a condition of WHERE says of the time: the first that may be, or the first after all that may be.
  private func bound(_ conditions: [Expression], isLower: Bool) -> Expression? {
    let tick = Expression.constant(.interval(Interval(months: 0, days: 0, microseconds: 1)), .interval)
    let day = Expression.constant(.interval(Interval(months: 0, days: 1, microseconds: 0)), .interval)
    let step = filling.time.type == .date ? day : tick
    for condition in conditions.flatMap(\.conjuncts) {
      guard case .compare(let written, let left, let right) = condition else { continue }
      let (value, op) = left == filling.time ? (right, written) : (left, written.flipped)
      guard left == filling.time || right == filling.time, value.isFixed else { continue }
      let time: Expression = value.type == bucketType ? value : .cast(value, bucketType)
      let next = Expression.call(.add, [time, step], bucketType)
      switch op {
      case .greaterOrEqual where isLower: return time
      case .greater where isLower: return next
      case .less where !isLower: return time
      case .lessOrEqual where !isLower: return next
      default: continue
      }
    }
    return nil
  }

  /// Every combination of the other keys; one row without any.
  private func distinct(_ source: SharedPlan, _ others: [Column]) -> (LogicalPlan, [Column]) {
    if others.isEmpty { return (.values([[]], []), []) }
    let copy = binder.read(source)
    let found = Dictionary(zip(source.plan.output, copy.output), uniquingKeysWith: { first, _ in first })
    let keys = others.map { column in
      Projection(.column(found[column] ?? column), as: binder.column(column.name, column.type))
    }
    return (.aggregate(LogicalAggregate(keys: keys, aggregates: []), copy), keys.map(\.column))
  }

  // MARK: Values

  private func apply(
    _ call: GapCollector.Call, _ argument: Column, _ key: Column, _ others: [Column], to plan: LogicalPlan
  ) -> LogicalPlan {
    let partition = others.map { Expression.column($0.nullable) }
    let value = Expression.column(argument.nullable)
    /// Finds the nearest value that is not NULL, from the row on towards one end, and its bucket.
    func nearest(_ plan: LogicalPlan, isBefore: Bool) -> (LogicalPlan, value: Column, time: Column) {
      let order = [SortKey(.column(key), isDescending: !isBefore)]
      let count = binder.column("count", .bigint, isNullable: false)
      let found = binder.column(argument.name, argument.type)
      let time = binder.column(key.name, key.type)
      let counted = LogicalPlan.window(
        LogicalWindow(
          partition: partition, order: order, calls: [WindowCall(.aggregate(.count), [value], output: count)]), plan)
      let picked = LogicalPlan.window(
        LogicalWindow(
          partition: partition + [.column(count)], order: order,
          calls: [
            WindowCall(.firstValue, [value], output: found), WindowCall(.firstValue, [.column(key)], output: time),
          ]), counted)
      return (picked, found, time)
    }
    let (before, last, lastTime) = nearest(plan, isBefore: true)
    let kept = plan.output.map { Projection($0) }
    if call.kind == .locf { return .project(kept + [Projection(.column(last), as: call.output)], before) }
    let (both, next, nextTime) = nearest(before, isBefore: false)
    let exact = argument.type.isNumeric
    let number: LogicalType = exact ? TypeKind.numeric.type : .double
    func seconds(_ from: Column, _ to: Expression) -> Expression {
      let type = bucketType
      func time(_ value: Expression) -> Expression { value.type == type ? value : .cast(value, type) }
      let distance = Expression.call(.subtract, [time(to), time(.column(from))], .interval)
      return .call(exact ? .extract : .datePart, [.constant(.text("epoch"), .text), distance], number)
    }
    func inNumber(_ column: Column) -> Expression {
      column.type == number ? .column(column) : .cast(.column(column), number)
    }
    let rise = Expression.call(.subtract, [inNumber(next), inNumber(last)], number)
    let part = Expression.call(.multiply, [rise, seconds(lastTime, .column(key))], number)
    let share = Expression.call(.divide, [part, seconds(lastTime, .column(nextTime))], number)
    let line = Expression.call(.add, [inNumber(last), share], number)
    let cast: Expression = line.type == argument.type ? line : .cast(line, argument.type)
    let unknown = Expression.or([.isNull(.column(last)), .isNull(.column(next))])
    let result = Expression.branch(
      [Branch(when: .not(.isNull(value)), then: value), Branch(when: unknown, then: .null(argument.type))],
      otherwise: cast, argument.type)
    return .project(kept + [Projection(result, as: call.output)], both)
  }
}
