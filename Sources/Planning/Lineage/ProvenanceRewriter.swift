import SQLSyntax
import Vectors

/// A query's plan that gives with each row the rows of tables it was made from.
///
/// A row of a group comes once for each row of the group, a row of UNION once for each row that gives it. Rows that only
/// decide (of EXISTS, IN, scalar subqueries, the right side of EXCEPT) and a window's other rows are not followed.
package struct Provenance: Sendable {
  /// The columns of one table among the plan's output.
  package struct Source: Sendable {
    package var schema: String
    package var table: String
    package var fields: [Field]
    /// Where they begin.
    package var start: Int
  }

  package var plan: PhysicalPlan
  /// The query's own columns come first.
  package var outputCount: Int
  /// One for each place where the query reads a table; all NULL where a row has none from there.
  package var sources: [Source]
}

extension Planner {
  /// Plans a query so that its rows can be traced to the rows they come from; no more than `limit` pairs come.
  ///
  /// - Throws: as planning does; `.unsupported` for recursion, grouping sets, and for windows, LIMIT and DISTINCT ON over
  ///   groups.
  package func provenance(of statement: Statement, limit: Int) throws -> Provenance {
    guard case .query(let query) = statement.node else {
      throw BinderError.unsupported("tracing a statement that is no query", statement.range)
    }
    let binder = Binder(self)
    let bound = try binder.bindQuery(query, parent: nil)
    let traced = try ProvenanceRewriter(binder, statement.range).rewrite(bound.plan)
    var names = bound.names
    var sources: [Provenance.Source] = []
    for trail in traced.trails {
      sources.append(
        Provenance.Source(
          schema: trail.table.reference.schema, table: trail.table.reference.name, fields: trail.table.fields.fields,
          start: names.count))
      names += trail.columns.map(\.name)
    }
    // Under names of their own, since a column of the query may be a table's itself.
    let output = bound.columns + traced.trails.flatMap(\.columns)
    let top = LogicalPlan.project(
      output.map { Projection(.column($0), as: binder.column($0.name, $0.type)) }, traced.plan)
    return Provenance(
      plan: try binder.physical(.limit(count: .bigint(Int64(limit)), offset: nil, withTies: false, top), names),
      outputCount: bound.names.count, sources: sources)
  }
}

/// Lets the columns of the tables a plan reads reach its output.
///
/// Source: B. Glavic and G. Alonso, "Perm: Processing Provenance and Data on the Same Data Model through Query
/// Rewriting" (2009): operators pass the columns on; groups and sets are joined back to the rows they were made of.
final class ProvenanceRewriter {
  /// The columns of one scan, in the order of its table's fields.
  struct Trail {
    var table: TableDescription
    var columns: [Column]
  }

  struct Traced {
    var plan: LogicalPlan
    var trails: [Trail] = []
    /// Whether a row may come several times, once for each that it was made of.
    var isMultiplied = false
  }

  private let binder: Binder
  private let range: SourceRange
  /// By number of the plan as it was: the one that gives the trails too.
  private var shared: [Int: (plan: SharedPlan, traced: Traced)] = [:]

  init(_ binder: Binder, _ range: SourceRange) {
    self.binder = binder
    self.range = range
  }

  func rewrite(_ plan: LogicalPlan) throws -> Traced {
    switch plan {
    case .scan(let scan):
      guard scan.columns.count == scan.table.fields.fields.count else { return Traced(plan: plan) }
      return Traced(plan: plan, trails: [Trail(table: scan.table, columns: scan.columns)])
    case .values, .series: return Traced(plan: plan)
    case .filter, .sort, .expand: return try passedOn(plan)
    case .window: return try once(passedOn(plan), "a window over groups")
    case .limit: return try once(passedOn(plan), "LIMIT over groups")
    case .distinctOn: return try once(passedOn(plan), "DISTINCT ON over groups")
    case .project(let projections, let input):
      var traced = try rewrite(input)
      traced.plan = .project(projections + passing(traced.trails, besides: projections.map(\.column)), traced.plan)
      return traced
    case .join(let join, let left, let right):
      let first = try rewrite(left)
      switch join.kind {
      case .inner, .left, .right, .full:
        let second = try rewrite(right)
        return Traced(
          plan: .join(join, first.plan, second.plan), trails: first.trails + second.trails,
          isMultiplied: first.isMultiplied || second.isMultiplied)
      case .nearest:
        // It takes the first row that fits, of which there must be no other copies.
        let second = try once(rewrite(right), "an as-of join to groups")
        return Traced(
          plan: .join(join, first.plan, second.plan), trails: first.trails + second.trails,
          isMultiplied: first.isMultiplied)
      case .semi, .anti, .antiNullAware, .mark, .single:
        return Traced(plan: .join(join, first.plan, right), trails: first.trails, isMultiplied: first.isMultiplied)
      }
    case .aggregate(let aggregate, let input):
      guard aggregate.groupingSets == nil else {
        throw BinderError.unsupported("tracing rows through grouping sets", range)
      }
      return try joinedBack(plan, .left, input, by: aggregate.keys.map { ($0.column, $0.expression) })
    case .setOperation(_, _, let left, _, let columns):
      // The rows of the left side that are equal to those that were left.
      return try joinedBack(plan, .inner, left, by: zip(columns, left.output).map { ($0, .column($1)) })
    case .concatenate(let inputs, let columns): return try concatenate(inputs, columns)
    case .shared(let plan, let columns): return try readShared(plan, columns)
    case .recursion, .working: throw BinderError.unsupported("tracing rows through WITH RECURSIVE", range)
    }
  }

  private func fresh(_ column: Column) -> Column { binder.column(column.name, column.type) }

  /// A node of one input that passes its columns on.
  private func passedOn(_ plan: LogicalPlan) throws -> Traced {
    var traced = Traced(plan: plan)
    traced.plan = try plan.mapInputs { input in
      let below = try rewrite(input)
      traced.trails = below.trails
      traced.isMultiplied = below.isMultiplied
      return below.plan
    }
    return traced
  }

  /// Refuses what counts or orders rows over rows that come several times.
  private func once(_ traced: Traced, _ what: String) throws -> Traced {
    if traced.isMultiplied { throw BinderError.unsupported("tracing rows through \(what)", range) }
    return traced
  }

  private func passing(_ trails: [Trail], besides known: [Column]) -> [Projection] {
    var seen = Set(known)
    return trails.flatMap(\.columns).filter { seen.insert($0).inserted }.map { Projection($0) }
  }

  // MARK: Groups and sets

  /// Leaves a node as it is, and joins its rows to those of `input` that have the same values.
  private func joinedBack(
    _ plan: LogicalPlan, _ kind: JoinKind, _ input: LogicalPlan, by keys: [(column: Column, expression: Expression)]
  ) throws -> Traced {
    let below = try rewrite(input)
    if below.trails.isEmpty { return Traced(plan: plan) }
    // Shared, so that its columns can have other names than the same ones below the node.
    let rows = binder.shared(below.plan, isForced: true)
    let columns = rows.plan.output.map(fresh)
    var map: [Column: Column] = [:]
    for (old, new) in zip(rows.plan.output, columns) { map[old] = new }
    let names = map.mapValues { Expression.column($0) }
    let trails = below.trails.map { trail in
      Trail(table: trail.table, columns: trail.columns.map { map[$0] ?? $0 })
    }
    var projections = passing(trails, besides: [])
    var conditions: [Expression] = []
    for key in keys {
      let own = fresh(key.column)
      projections.append(Projection(key.expression.substituting(names), as: own))
      conditions.append(.not(.isDistinct(.column(key.column), .column(own))))
    }
    return Traced(
      plan: .join(LogicalJoin(kind, on: conditions), plan, .project(projections, .shared(rows, columns))),
      trails: trails, isMultiplied: true)
  }

  // MARK: Unions and WITH

  private func concatenate(_ inputs: [LogicalPlan], _ columns: [Column]) throws -> Traced {
    let rewritten = try inputs.map { (own: $0.output, traced: try rewrite($0)) }
    let all = rewritten.flatMap { $0.traced.trails }
    if all.isEmpty { return Traced(plan: .concatenate(inputs, columns)) }
    let trails = all.map { Trail(table: $0.table, columns: $0.columns.map(fresh)) }
    var start = 0
    var plans: [LogicalPlan] = []
    for entry in rewritten {
      let own = start..<(start + entry.traced.trails.count)
      start = own.upperBound
      // Each input's columns under names of their own, since two of them may be one.
      var projections = entry.own.map { Projection(.column($0), as: fresh($0)) }
      for (index, trail) in all.enumerated() {
        for column in trail.columns {
          let value = own.contains(index) ? Expression.column(column) : Expression.null(column.type)
          projections.append(Projection(value, as: fresh(column)))
        }
      }
      plans.append(.project(projections, entry.traced.plan))
    }
    return Traced(
      plan: .concatenate(plans, columns + trails.flatMap(\.columns)), trails: trails,
      isMultiplied: rewritten.contains { $0.traced.isMultiplied })
  }

  private func readShared(_ plan: SharedPlan, _ columns: [Column]) throws -> Traced {
    let known: (plan: SharedPlan, traced: Traced)
    if let ready = shared[plan.id] {
      known = ready
    } else {
      // Another plan, since the one there was may also be read as it is.
      let own = plan.plan.output
      let below = try rewrite(plan.plan)
      let trails = below.trails.map { Trail(table: $0.table, columns: $0.columns.map(fresh)) }
      let added = zip(below.trails.flatMap(\.columns), trails.flatMap(\.columns)).map { old, new in
        Projection(.column(old), as: new)
      }
      let wider = LogicalPlan.project(own.map { Projection(.column($0), as: fresh($0)) } + added, below.plan)
      known = (
        binder.shared(wider, isForced: true), Traced(plan: wider, trails: trails, isMultiplied: below.isMultiplied)
      )
      shared[plan.id] = known
    }
    let trails = known.traced.trails.map { Trail(table: $0.table, columns: $0.columns.map(fresh)) }
    return Traced(
      plan: .shared(known.plan, columns + trails.flatMap(\.columns)), trails: trails,
      isMultiplied: known.traced.isMultiplied)
  }
}
