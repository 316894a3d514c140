import Bytes
import SQLSyntax

/// Aggregates that belong to a query around the one they are written in.
extension Binder {
  /// What tells calls of aggregates apart for `ownerLevels`: the same text may stand at the same place of two views.
  struct CallSite: Hashable {
    let call: FunctionCall
    let range: SourceRange
    let depth: Int
    let views: [String]
  }

  /// Where an aggregate is computed: by the innermost query whose columns it reads, which may be one around its own.
  ///
  /// - Throws: 42803 for one of a query whose FROM it stands in.
  func owner(of call: FunctionCall, _ stage: Stage, _ range: SourceRange) throws -> Stage {
    if stage.scope.parent == nil { return stage }
    guard let level = try ownerLevel(of: call, stage, range), level > 0 else { return stage }
    let scope = (0..<level).reduce(stage.scope as Scope?) { scope, _ in scope?.parent }
    guard let owner = scope?.subqueryStage else {
      throw BinderError.user(
        "42803", "aggregate functions are not allowed in FROM clause of their own query level", range)
    }
    return owner
  }

  /// How many levels out the nearest column is that a call reads; nil where it reads none, or one that is nowhere.
  private func ownerLevel(of call: FunctionCall, _ stage: Stage, _ range: SourceRange) throws -> Int? {
    var levels: [Int] = []
    var queries: [Query] = []
    var open = call.arguments.map(\.value) + call.orderBy.map(\.value) + (call.filter.map { [$0] } ?? [])
    while let next = open.popLast() {
      if let query = next.subquery { queries.append(query) }
      if case .column(let path) = next.node {
        guard let level = stage.scope.level(of: path) else { return nil }
        levels.append(level)
      }
      open += next.children
    }
    if queries.isEmpty || levels.contains(0) { return levels.min() }
    let site = CallSite(call: call, range: range, depth: stage.scope.depth, views: viewStack)
    if let known = ownerLevels[site] { return known }
    for query in queries { levels += try outerLevels(of: query, stage) }
    ownerLevels[site] = .some(levels.min())
    return levels.min()
  }

  /// The levels, counted from `stage`'s, of the columns and aggregates around a subquery that it reads. It is bound to
  /// know them, and forgotten: its place may be another.
  private func outerLevels(of query: Query, _ stage: Stage) throws -> [Int] {
    let known = subqueries
    var marks: [() -> Void] = []
    var scope: Scope? = stage.scope
    while let current = scope {
      if let stage = current.subqueryStage {
        let (attachments, calls) = (stage.attachments, stage.aggregates?.calls)
        let inputs = stage.aggregates?.input.attachments
        marks.append {
          stage.attachments = attachments
          if let calls, let inputs {
            stage.aggregates?.calls = calls
            stage.aggregates?.input.attachments = inputs
          }
        }
      }
      scope = current.parent
    }
    defer {
      subqueries = known
      for forget in marks { forget() }
    }
    let input = Stage(stage.scope, "aggregate arguments")
    input.isAggregateArgument = true
    input.aggregates = stage.aggregates
    let read = try bindSubquery(query, input).plan.freeColumns
    var levels: [Int] = []
    scope = stage.scope
    var level = 0
    while let current = scope {
      let aggregates = current.subqueryStage?.aggregates?.calls.map(\.output) ?? []
      let isRead =
        !read.isDisjoint(with: aggregates)
        || current.relations.contains { $0.columns.contains { $0.expression.reads(read) } }
        || current.relations.contains { $0.presence?.reads(read) == true }
        || current.visible.contains { $0.expression.reads(read) }
      if isRead { levels.append(level) }
      scope = current.parent
      level += 1
    }
    return levels
  }
}

extension Scope {
  /// How many levels are around this one.
  fileprivate var depth: Int {
    var count = 0
    var scope = parent
    while let current = scope {
      count += 1
      scope = current.parent
    }
    return count
  }
}
