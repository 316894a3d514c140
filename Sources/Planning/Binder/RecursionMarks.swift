import Bytes
import SQLSyntax
import Vectors

/// The columns that SEARCH and CYCLE add to a recursion.
///
/// A row's are made of those of the row before, which the step's select list hands on, and of the row itself. What is
/// sorted by is held as bytes with the value to be shown behind them (`withOrder`).
struct RecursionMarks {
  private struct Mark {
    enum Kind {
      case depth, path
      /// Whether the row is on the path before it, which is the mark after this one.
      case cycle(yes: Expression, no: Expression)
    }

    var kind: Kind
    var name: String
    var column: Column
    /// The columns that it looks at.
    var fields: [Int]
  }

  private let binder: Binder
  private let width: Int
  private var marks: [Mark] = []

  var columns: [Column] { marks.map(\.column) }
  var names: [String] { marks.map(\.name) }

  /// Which columns show something else than they hold.
  var shown: [Int: LogicalType] {
    var shown: [Int: LogicalType] = [:]
    for (index, mark) in marks.enumerated() {
      switch mark.kind {
      case .depth: shown[width + index] = .record(isComparable: false)
      case .path: shown[width + index] = .array(.record(isComparable: false))
      case .cycle: break
      }
    }
    return shown
  }

  /// - Throws: 42601 and 42701 for columns that are not there, or there already, 0A000 for other forms of queries.
  init(
    _ binder: Binder, _ table: CommonTable, _ operation: Syntax.SetOperation, _ names: [String], _ columns: [Column]
  ) throws {
    self.binder = binder
    width = columns.count
    if table.search == nil, table.cycle == nil { return }
    if case .setOperation = operation.left.body {
      throw BinderError.user(
        "0A000", "with a SEARCH or CYCLE clause, the left side of the UNION must be a SELECT", operation.left.range)
    }
    guard case .select = operation.right.body else {
      throw BinderError.user(
        "42601", "with a SEARCH or CYCLE clause, the right side of the UNION must be a SELECT", operation.right.range)
    }
    func places(_ wanted: [String], _ word: String, _ range: SourceRange) throws -> [Int] {
      var found: [Int] = []
      for name in wanted {
        guard let index = names.firstIndex(of: name) else {
          throw BinderError.user("42601", "\(word) column \"\(name)\" not in WITH query column list", range)
        }
        if found.contains(index) {
          throw BinderError.user("42701", "\(word) column \"\(name)\" specified more than once", range)
        }
        try binder.requireOrder(columns[index].type, range)
        found.append(index)
      }
      return found
    }
    func requireNew(_ name: String, _ word: String, _ range: SourceRange) throws {
      if names.contains(name) {
        throw BinderError.user("42601", "\(word) column name \"\(name)\" already used in WITH query column list", range)
      }
    }
    if let search = table.search {
      let fields = try places(search.columns, "search", search.range)
      try requireNew(search.sequenceColumn, "search sequence", search.range)
      marks.append(
        Mark(
          kind: search.isBreadthFirst ? .depth : .path, name: search.sequenceColumn,
          column: binder.column(search.sequenceColumn, .bytea), fields: fields))
    }
    if let cycle = table.cycle {
      let fields = try places(cycle.columns, "cycle", cycle.range)
      let mark = try RecursionMarks.cycleMark(binder, cycle)
      try requireNew(cycle.markColumn, "cycle mark", cycle.range)
      try requireNew(cycle.pathColumn, "cycle path", cycle.range)
      let pairs = [
        ("cycle mark", cycle.markColumn, "cycle path", cycle.pathColumn),
        ("search sequence", table.search?.sequenceColumn, "cycle mark", cycle.markColumn),
        ("search sequence", table.search?.sequenceColumn, "cycle path", cycle.pathColumn),
      ]
      for (first, own, second, other) in pairs where own == other {
        throw BinderError.user("42601", "\(first) column name and \(second) column name are the same", cycle.range)
      }
      marks.append(
        Mark(
          kind: .cycle(yes: mark.yes, no: mark.no), name: cycle.markColumn,
          column: binder.column(cycle.markColumn, mark.yes.type), fields: fields))
      marks.append(
        Mark(kind: .path, name: cycle.pathColumn, column: binder.column(cycle.pathColumn, .bytea), fields: fields))
    }
  }

  private static func cycleMark(_ binder: Binder, _ cycle: CycleClause) throws -> (yes: Expression, no: Expression) {
    let stage = Stage(Scope(parent: nil), "CYCLE")
    let values = [cycle.mark, cycle.noMark]
    let bound = try values.map { try binder.bind($0, stage) }
    var type = try binder.commonType(zip(bound, values).map { ($0.type, $1.range) }, "CYCLE")
    if type == .unknown { type = .text }
    try binder.requireEquality(type, cycle.range)
    return (
      try binder.coerce(bound[0], to: type, cycle.mark.range), try binder.coerce(bound[1], to: type, cycle.noMark.range)
    )
  }

  // MARK: Queries

  /// The step's query, with the marks of the row before at the end of its select list.
  func step(_ query: Query, _ table: CommonTable) throws -> Query {
    guard !marks.isEmpty, case .select(var select) = query.body else { return query }
    guard case .none = select.distinct, select.groupBy.isEmpty, query.orderBy.isEmpty, query.limit == nil else {
      throw BinderError.unsupported("SEARCH or CYCLE of a step with DISTINCT, GROUP BY, ORDER BY or LIMIT", query.range)
    }
    guard let name = select.from.compactMap({ RecursionMarks.alias(of: table.name, in: $0) }).first else {
      throw BinderError.unsupported("SEARCH or CYCLE of a recursion that a subquery reads", table.range)
    }
    let before = marks.map { Syntax.Expression(.column([name, $0.name]), query.range) }
    select.items += Select(listing: before).items
    var result = query
    result.body = .select(select)
    return result
  }

  private static func alias(of name: String, in reference: Syntax.TableReference) -> String? {
    switch reference {
    case .table(let named): named.name.schema == nil && named.name.name == name ? named.alias?.name ?? name : nil
    case .join(let join): alias(of: name, in: join.left) ?? alias(of: name, in: join.right)
    case .subquery, .function: nil
    }
  }

  /// The first rows with their marks.
  func base(_ plan: LogicalPlan) -> LogicalPlan {
    marks.isEmpty ? plan : .project(projections(plan, before: marks.map { .null($0.column.type) }), plan)
  }

  /// The step's rows with marks of their own in place of those of the rows before; none of a row that closes a cycle.
  func step(_ plan: LogicalPlan) -> LogicalPlan {
    if marks.isEmpty { return plan }
    let before = plan.output.dropFirst(width).map { Expression.column($0) }
    var rows = plan
    for (mark, value) in zip(marks, before) {
      if case .cycle(let yes, _) = mark.kind { rows = .filter([.compare(.notEqual, value, yes)], rows) }
    }
    return .project(projections(plan, before: before), rows)
  }

  private func projections(_ plan: LogicalPlan, before: [Expression]) -> [Projection] {
    let own = Array(plan.output.prefix(width))
    var result = own.map { Projection($0) }
    for (index, mark) in marks.enumerated() {
      let fields = mark.fields.map { Expression.column(own[$0]) }
      let value: Expression
      switch mark.kind {
      case .depth: value = .call(.rowDepth, [before[index]] + fields, .bytea)
      case .path: value = .call(.rowPath, [before[index]] + fields, .bytea)
      case .cycle(let yes, let no):
        let isKnown = Expression.call(.rowPathContains, [before[index + 1]] + fields, .boolean)
        value = .branch([Branch(when: isKnown, then: yes)], otherwise: no, yes.type)
      }
      result.append(Projection(value, as: binder.column(mark.name, for: value)))
    }
    return result
  }
}

extension Binder {
  /// - Throws: 42601 for SEARCH or CYCLE of what is no recursion.
  func refuseMarks(_ table: CommonTable) throws {
    guard let range = table.search?.range ?? table.cycle?.range else { return }
    throw BinderError.user("42601", "WITH query is not recursive", range)
  }
}
