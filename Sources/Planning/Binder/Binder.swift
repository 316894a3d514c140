import Bytes
import SQLSyntax
import Vectors

/// Turns syntax into a logical plan: names to columns, operators to typed calls, subqueries to joins.
///
/// One binder serves one statement. Meaning and words of errors are PostgreSQL's.
final class Binder {
  let planner: Planner
  /// Uncorrelated scalar subqueries; `Expression.subquery` counts them.
  var subqueries: [LogicalPlan] = []
  /// Types of parameters, declared or found, from 1.
  var parameterTypes: [Int: LogicalType] = [:]
  /// False where what is bound outlives the statement, and its parameters.
  var takesParameters = true
  private var nextColumn = 0
  private var nextShared = 0
  var nextRecursion = 0
  private var depth = 0
  /// True once a sequence is asked for its next value.
  var usesSequences = false
  /// Data-modifying statements of WITH, in order, and the tables that stand for what they return.
  var changes: [(statement: PlannedStatement, rows: TableDescription)] = []
  /// The names of WITH around the statement of a WITH that is being bound.
  var outerWith: [Scope] = []
  /// Tables that FOR UPDATE or FOR SHARE names.
  var lockedTables: [TableReference] = []
  /// The calls of array_agg that collect rows, which JSON shows otherwise.
  var arraysOfRows: [Column: (AggregateCall, AggregateCollector)] = [:]
  /// How far out the query is that computes an aggregate with a subquery in its arguments, once it was found.
  var ownerLevels: [CallSite: Int?] = [:]
  /// Where subqueries name columns of enclosing queries, for messages.
  var outerReferences: [Stage.Reference] = []
  /// What names of tables stand for: the planner's, or a view's own while it is bound.
  var names: any SchemaProvider
  /// Views being bound, outermost first.
  var viewStack: [String] = []

  static let maximumDepth = 1200
  static let maximumViewDepth = 64

  init(_ planner: Planner) {
    self.planner = planner
    names = planner.schema
    for (index, type) in planner.options.parameterTypes.enumerated() {
      if let type { parameterTypes[index + 1] = type }
    }
  }

  func column(_ name: String, _ type: LogicalType, isNullable: Bool = true) -> Column {
    nextColumn += 1
    return Column(id: nextColumn, name: name, type: type, isNullable: isNullable)
  }

  /// A new column for what `expression` computes.
  func column(_ name: String, for expression: Expression) -> Column {
    column(name, expression.type, isNullable: expression.isNullable)
  }

  func shared(_ plan: LogicalPlan, isForced: Bool = false) -> SharedPlan {
    nextShared += 1
    return SharedPlan(id: nextShared, plan, isForced: isForced)
  }

  /// Reads `shared` under new columns.
  func read(_ shared: SharedPlan) -> LogicalPlan {
    .shared(shared, shared.plan.output.map { column($0.name, $0.type, isNullable: $0.isNullable) })
  }

  /// Refuses trees that are deeper than the stack.
  func nested<R>(_ range: SourceRange, _ body: () throws -> R) throws -> R {
    depth += 1
    defer { depth -= 1 }
    if depth > Binder.maximumDepth { throw BinderError.tooDeep(range) }
    return try body()
  }

  /// Computes a constant expression; errors point at `range`.
  func evaluate(_ expression: Expression, _ range: SourceRange) throws -> Scalar {
    do {
      return try planner.evaluateConstant(expression)
    } catch var error as PulsehouseError {
      if error.range == nil { error.range = range.bytes }
      throw error
    }
  }
}
