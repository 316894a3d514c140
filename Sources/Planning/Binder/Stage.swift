import SQLSyntax

/// Where in a query an expression stands: what it may name, and what has to be joined in before it can be computed.
final class Stage {
  let scope: Scope
  /// The clause's name for messages: `WHERE`, `GROUP BY`, `JOIN conditions`.
  let clause: String
  /// Where aggregates go; nil where none may stand.
  var aggregates: AggregateCollector?
  /// Where window calls go; nil where none may stand.
  var windows: WindowCollector?
  /// Where set-returning calls go; nil where none may stand.
  var expansions: ExpansionCollector?
  /// The construct within which no rows may be made, since it may not be computed: `CASE`, `COALESCE`.
  var conditional: String?
  /// What time_bucket_gapfill asks for; nil where it may not stand.
  var gaps: GapCollector?
  /// Subqueries that become joins, in the order they must be applied.
  var attachments: [Attachment] = []
  /// True while NULL and false mean the same for the expression being bound (a conjunct of a filter).
  var nullIsFalse = false
  /// Columns of this level named outside of aggregates, for messages.
  var references: [Reference] = []
  /// True for the arguments of an aggregate, of a window function.
  var isAggregateArgument = false
  var isWindowArgument = false

  struct Reference {
    var expression: Expression
    var name: String
    var range: SourceRange
  }

  init(_ scope: Scope, _ clause: String) {
    self.scope = scope
    self.clause = clause
  }

  /// Binds what may not be computed.
  func conditionally<Bound>(_ construct: String, _ bind: () throws -> Bound) rethrows -> Bound {
    let outer = conditional
    conditional = construct
    defer { conditional = outer }
    return try bind()
  }
}

/// A subquery that gives a column of its query's rows by a join.
struct Attachment {
  /// `.mark`, `.single`; or what a filter made of a mark: `.semi`, `.anti`, `.antiNullAware`.
  var kind: JoinKind
  var plan: LogicalPlan
  var conditions: [Expression]
  /// The column that stands for the subquery in expressions.
  var output: Column
  /// Conditions on the rows around it that must be true for its value to be asked for: those of a branch of CASE.
  var guards: [Expression] = []
}

final class AggregateCollector {
  var calls: [AggregateCall] = []
  /// GROUP BY's expressions and the columns they become.
  var keys: [Projection] = []
  /// Keys that GROUP BY names by a select item's number or name: the item is the key.
  var keysOfItems: [Int: Int] = [:]
  var groupingSets: [[Int]]?
  var groupingColumn: Column?
  /// Columns that have one value a group, since GROUP BY names their table's primary key, and the aggregates they become.
  var dependents: [Expression: Column] = [:]
  /// The stage of the aggregates' arguments.
  let input: Stage

  init(input: Stage) { self.input = input }
}

final class ExpansionCollector {
  var calls: [SetCall] = []

  var columns: Set<Column> { Set(calls.flatMap(\.columns)) }

  /// Puts the calls' rows beside those of `plan`: first the calls whose arguments are without rows of their own, side by
  /// side, then those that were called with these, and so on.
  func apply(to plan: LogicalPlan) -> LogicalPlan {
    var plan = plan
    var open = calls
    while !open.isEmpty {
      let made = Set(open.flatMap(\.columns))
      let ready = open.filter { call in !call.arguments.contains { $0.reads(made) } }
      plan = .expand(Expansion(ready), plan)
      open.removeAll { ready.contains($0) }
    }
    return plan
  }
}

final class WindowCollector {
  var calls: [Call] = []
  var definitions: [String: WindowSpecification] = [:]

  struct Call {
    var partition: [Expression]
    var order: [SortKey]
    var call: WindowCall
  }
}
