/// A SELECT, VALUES, TABLE or set operation with what may stand around it.
package struct Query: Hashable, Sendable {
  package var with: WithClause?
  package var body: QueryBody
  package var orderBy: [SortItem]
  /// The row count of LIMIT or FETCH; nil without one and for `LIMIT ALL`.
  package var limit: Expression?
  /// `FETCH FIRST n ROWS WITH TIES`.
  package var withTies: Bool
  package var offset: Expression?
  /// `FOR UPDATE` and its kin.
  package var locking: [LockingClause]
  package var range: SourceRange
}

extension Query {
  /// The expression of `SELECT expression` with nothing else, not even a name; nil for any other query.
  package var onlyExpression: Expression? {
    guard with == nil, orderBy.isEmpty, limit == nil, offset == nil, locking.isEmpty, case .select(let select) = body,
      case .none = select.distinct, select.from.isEmpty, select.predicate == nil, select.groupBy.isEmpty,
      select.having == nil, select.windows.isEmpty, select.items.count == 1, let item = select.items.first,
      item.alias == nil
    else { return nil }
    return item.value
  }
}

package indirect enum QueryBody: Hashable, Sendable {
  case select(Select)
  case values([[Expression]])
  case setOperation(SetOperation)
}

package struct SetOperation: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable {
    case union
    case intersect
    case except
  }
  package var kind: Kind
  package var isAll: Bool
  package var left: Query
  package var right: Query
}

package struct Select: Hashable, Sendable {
  package var distinct: Distinct
  package var items: [SelectItem]
  /// Comma-separated; a join is one entry.
  package var from: [TableReference]
  package var predicate: Expression?
  package var groupBy: [GroupingElement]
  /// `GROUP BY DISTINCT`.
  package var isGroupByDistinct: Bool
  package var having: Expression?
  package var windows: [NamedWindow]
}

extension Select {
  /// `SELECT a, b`, without FROM.
  package init(listing values: [Expression]) {
    self.init(
      distinct: .none, items: values.map { SelectItem(value: $0, alias: nil, range: $0.range) }, from: [],
      predicate: nil, groupBy: [], isGroupByDistinct: false, having: nil, windows: [])
  }
}

package enum Distinct: Hashable, Sendable {
  case none
  case all
  case on([Expression])
}

/// One entry of a select list or of RETURNING. A star is an expression of its own kind.
package struct SelectItem: Hashable, Sendable {
  package var value: Expression
  package var alias: String?
  package var range: SourceRange
}

package indirect enum GroupingElement: Hashable, Sendable {
  case expression(Expression)
  /// `()`.
  case empty(SourceRange)
  case rollup([GroupingElement], SourceRange)
  case cube([GroupingElement], SourceRange)
  case sets([GroupingElement], SourceRange)
}

package struct SortItem: Hashable, Sendable {
  package enum Direction: String, Hashable, Sendable {
    case ascending
    case descending
  }
  package enum Nulls: String, Hashable, Sendable {
    case first
    case last
  }
  package var value: Expression
  /// Ascending if nothing was written.
  package var direction: Direction
  /// Nil if nothing was written: last when ascending, first when descending.
  package var nulls: Nulls?
  /// The operator of `ORDER BY x USING <`.
  package var usingOperator: OperatorName?
  package var range: SourceRange
}

/// `FOR UPDATE | NO KEY UPDATE | SHARE | KEY SHARE [OF names]`.
package struct LockingClause: Hashable, Sendable {
  package enum Strength: String, Hashable, Sendable {
    case keyShare
    case share
    case noKeyUpdate
    case update
  }
  package var strength: Strength
  package var tables: [QualifiedName]
}

package struct WithClause: Hashable, Sendable {
  package var isRecursive: Bool
  package var tables: [CommonTable]
  package var range: SourceRange
}

extension WithClause {
  /// True when one of its statements changes rows.
  package var changesRows: Bool {
    tables.contains { table in
      if case .query = table.statement { false } else { true }
    }
  }
}

package struct CommonTable: Hashable, Sendable {
  package enum Materialization: String, Hashable, Sendable {
    case automatic
    case always
    case never
  }
  package var name: String
  package var columns: [String]
  package var materialization: Materialization
  package var search: SearchClause?
  package var cycle: CycleClause?
  /// A query, or an INSERT, UPDATE or DELETE (with RETURNING).
  package var statement: StatementNode
  package var range: SourceRange
}

/// `SEARCH DEPTH | BREADTH FIRST BY columns SET column`.
package struct SearchClause: Hashable, Sendable {
  package var columns: [String]
  package var isBreadthFirst: Bool
  package var sequenceColumn: String
  package var range: SourceRange
}

/// `CYCLE columns SET column [TO value DEFAULT value] USING column`.
package struct CycleClause: Hashable, Sendable {
  package var columns: [String]
  package var markColumn: String
  package var mark: Expression
  package var noMark: Expression
  package var pathColumn: String
  package var range: SourceRange
}

/// What stands in FROM.
package indirect enum TableReference: Hashable, Sendable {
  case table(NamedTable)
  case subquery(DerivedTable)
  case function(TableFunction)
  case join(Join)
}

/// `[catalog.][schema.]name`.
package struct QualifiedName: Hashable, Sendable {
  package var catalog: String?
  package var schema: String?
  package var name: String
  package var range: SourceRange

  package init(catalog: String? = nil, schema: String? = nil, name: String, range: SourceRange = .unknown) {
    self.catalog = catalog
    self.schema = schema
    self.name = name
    self.range = range
  }
}

/// `AS name (columns)`.
package struct TableAlias: Hashable, Sendable {
  package var name: String
  package var columns: [String]
}

package struct NamedTable: Hashable, Sendable {
  package var name: QualifiedName
  /// `ONLY name`.
  package var isOnly: Bool
  package var alias: TableAlias?
  package var sample: TableSample?
}

/// `TABLESAMPLE method (arguments) [REPEATABLE (seed)]`.
package struct TableSample: Hashable, Sendable {
  package var method: [String]
  package var arguments: [Expression]
  package var seed: Expression?
  package var range: SourceRange
}

package struct DerivedTable: Hashable, Sendable {
  package var query: Query
  package var isLateral: Bool
  package var alias: TableAlias?
  package var range: SourceRange
}

/// `function(...) [WITH ORDINALITY]` or `ROWS FROM (f(...), g(...))`.
package struct TableFunction: Hashable, Sendable {
  package struct Item: Hashable, Sendable {
    /// A call, or a function without parentheses such as `CURRENT_DATE`.
    package var call: Expression
    /// The columns of `f(...) AS (a integer, b text)` inside ROWS FROM.
    package var columns: [ColumnDefinition]
  }
  package var items: [Item]
  package var isRowsFrom: Bool
  package var hasOrdinality: Bool
  package var isLateral: Bool
  package var alias: TableAlias?
  /// The columns of `f(...) AS t(a integer, b text)`.
  package var columns: [ColumnDefinition]
  package var range: SourceRange
}

package struct Join: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable {
    /// Also `CROSS JOIN`: inner, no condition.
    case inner
    case left
    case right
    case full
  }
  package enum Condition: Hashable, Sendable {
    case none
    case natural
    case using([String], alias: String?)
    case on(Expression)
  }
  package var kind: Kind
  package var left: TableReference
  package var right: TableReference
  package var condition: Condition
  /// The alias of a parenthesized join.
  package var alias: TableAlias?
  package var range: SourceRange
}

/// `WINDOW name AS (...)`.
package struct NamedWindow: Hashable, Sendable {
  package var name: String
  package var window: WindowSpecification
}

package enum WindowReference: Hashable, Sendable {
  /// `OVER name`.
  case named(String, SourceRange)
  /// `OVER (...)`.
  case inline(WindowSpecification)
}

package struct WindowSpecification: Hashable, Sendable {
  /// The window that this one copies and adds to: `(base ORDER BY x)`.
  package var base: String?
  package var partitionBy: [Expression]
  package var orderBy: [SortItem]
  /// Nil if none was written: RANGE from UNBOUNDED PRECEDING to CURRENT ROW.
  package var frame: WindowFrame?
  package var range: SourceRange
}

package struct WindowFrame: Hashable, Sendable {
  package enum Unit: String, Hashable, Sendable {
    case rows
    case range
    case groups
  }
  package enum Bound: Hashable, Sendable {
    case unboundedPreceding
    case preceding(Expression)
    case currentRow
    case following(Expression)
    case unboundedFollowing
  }
  package enum Exclusion: String, Hashable, Sendable {
    case none
    case currentRow
    case group
    case ties
  }
  package var unit: Unit
  package var start: Bound
  package var end: Bound
  package var exclusion: Exclusion
}
