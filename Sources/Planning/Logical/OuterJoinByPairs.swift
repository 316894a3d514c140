import Vectors

/// An outer join whose condition asks subqueries about rows of both sides.
///
/// Each side that is kept gets a number for every row. The pairs that match are those of an inner join, whose condition
/// is a filter and may hold any subquery; they give the numbers, by which the kept sides are joined to them.
struct OuterJoinByPairs {
  private let binder: Binder

  init(_ binder: Binder) { self.binder = binder }

  /// A side with numbered rows: once as it is, for the pairs, and once under other names.
  private struct Numbered {
    var pairs: LogicalPlan
    var pairNumber: Column
    var kept: LogicalPlan
    var number: Column
    /// The kept columns' own names.
    var map: [Column: Expression]
  }

  /// Joins by `conditions`, which read the outputs of `stage`'s attachments.
  func join(
    _ kind: JoinKind, _ left: LogicalPlan, _ right: LogicalPlan, _ conditions: [Expression], _ stage: Stage
  ) -> LogicalPlan {
    let a = kind == .right ? nil : numbered(left)
    let b = kind == .left ? nil : numbered(right)
    let outputs = Set(stage.attachments.map(\.output))
    let product = Decorrelation(binder).join(.inner, a?.pairs ?? left, b?.pairs ?? right, [])
    let pairs = binder.applyFilter(
      product, conditions.filter { !$0.reads(outputs) }, conditions.filter { $0.reads(outputs) }, stage)

    let given = (a.map { [$0.pairNumber] } ?? left.output) + (b.map { [$0.pairNumber] } ?? right.output)
    var result = LogicalPlan.project(given.map { Projection($0) }, pairs)
    if let a {
      let on = Expression.compare(.equal, .column(a.number), .column(a.pairNumber))
      result = .join(LogicalJoin(.left, on: [on]), a.kept, result)
    }
    if let b {
      let number = Expression.column(a == nil ? b.pairNumber : b.pairNumber.nullable)
      let on = Expression.compare(.equal, number, .column(b.number))
      result = .join(LogicalJoin(a == nil ? .right : .full, on: [on]), result, b.kept)
    }
    let columns =
      (kind == .left ? left.output : left.output.map(\.nullable))
      + (kind == .right ? right.output : right.output.map(\.nullable))
    let map = (a?.map ?? [:]).merging(b?.map ?? [:]) { first, _ in first }
    return .project(columns.map { Projection(map[$0] ?? .column($0), as: $0) }, result)
  }

  private func numbered(_ plan: LogicalPlan) -> Numbered {
    let number = binder.column("row_number", .bigint, isNullable: false)
    let window = LogicalWindow(partition: [], order: [], calls: [WindowCall(.rowNumber, [], output: number)])
    let source = binder.shared(.window(window, plan), isForced: true)
    let kept = binder.read(source)
    let columns = source.plan.output
    let keptNumber = kept.output[columns.firstIndex(of: number) ?? 0]
    let map = Dictionary(
      zip(columns, kept.output.map { Expression.column($0) }), uniquingKeysWith: { first, _ in first })
    return Numbered(
      pairs: .shared(source, columns), pairNumber: number, kept: kept, number: keptNumber, map: map)
  }
}
