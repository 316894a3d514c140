import Vectors

/// A plan ready to run: a tree of operators and the scalar subqueries that run before it.
package struct PhysicalPlan: Sendable {
  package var root: PhysicalNode
  /// Uncorrelated scalar subqueries in the order they must run; `Expression.subquery(i, _)` is the single value of
  /// number `i`: NULL for no row, an error (21000) for more than one. A later one may use an earlier one.
  package var subqueries: [PhysicalNode]
  /// Names of the result's columns, in the order of `root.output`.
  package var columnNames: [String]
  /// True where rows must be computed one after another: a sequence counts them.
  package var isSerial: Bool

  package init(
    root: PhysicalNode, subqueries: [PhysicalNode] = [], columnNames: [String], isSerial: Bool = false
  ) {
    self.root = root
    self.subqueries = subqueries
    self.columnNames = columnNames
    self.isSerial = isSerial
  }
}

/// One operator of a physical plan. Inputs are shared, not copied: a node that several parents name runs once when its
/// operation is `.shared`, and once for each parent otherwise.
package final class PhysicalNode: Sendable {
  /// Unique in one plan; metrics of EXPLAIN ANALYZE are kept by it.
  package let id: Int
  package let operation: PhysicalOperation
  package let inputs: [PhysicalNode]
  /// The columns the node gives, in order.
  package let output: [Column]
  package let estimatedRowCount: Double

  package init(
    id: Int, _ operation: PhysicalOperation, inputs: [PhysicalNode] = [], output: [Column],
    estimatedRowCount: Double = 1000
  ) {
    self.id = id
    self.operation = operation
    self.inputs = inputs
    self.output = output
    self.estimatedRowCount = estimatedRowCount
  }
}

package enum PhysicalOperation: Sendable {
  /// Reads a table. No inputs.
  case scan(TableScan)
  /// Constant rows; every expression is free of columns. No inputs. `[[]]` is one row without columns.
  case values([[Expression]])
  /// A set-returning function, `generate_series(start, stop[, step])` of integers or timestamps. No inputs.
  case series([Expression])
  case filter(Expression)
  /// Computes `output[i]` as `expressions[i]`.
  case project([Expression])
  case aggregate(Aggregation)
  /// Two inputs, left and right; the hash table is built on the right one. Output: left columns then right columns
  /// (semi, anti: left ones only; mark: left ones and the mark).
  case join(Join)
  case sort([SortKey])
  /// `count` nil: only an offset. Expressions are free of columns; NULL means none.
  case limit(count: Expression?, offset: Expression?)
  /// The first rows in an order, without sorting all.
  case topN([SortKey], count: Expression, offset: Expression?, withTies: Bool)
  case window(Windowing)
  /// UNION ALL: inputs have columns of equal types, taken by position; any number of inputs.
  case concatenate
  /// INTERSECT and EXCEPT, two inputs by position; without `all` the result is distinct. NULLs are equal here.
  case setOperation(SetOperation, all: Bool)
  /// Keeps the first row of each group of equal keys in an input that is ordered by at least the keys.
  case distinctOn([Expression])
  /// Set-returning functions, called for each row. Output: the input's columns, then the expansion's.
  case expand(Expansion)
  /// Computes its input once and keeps it for all of its parents (WITH used twice, decorrelated subqueries).
  case shared
  /// Two inputs by position: the rows to begin with, and what is run again and again on the rows of the turn before,
  /// which `.working` of the same number reads, until it gives none. Without `all` a row that was there is left out.
  case recursion(Int, all: Bool)
  case working(Int)
}

package enum SetOperation: Sendable { case intersect, except }

/// A table as the plan read it.
package struct TableReference: Hashable, Sendable {
  package var schema: String
  package var name: String
  /// What the provider of the table's data knows it by (with a snapshot: by which one it was bound).
  package var handle: UInt64

  package init(schema: String, name: String, handle: UInt64) {
    self.schema = schema
    self.name = name
    self.handle = handle
  }
}

package struct TableScan: Sendable {
  /// Where a scanned column comes from.
  package enum Source: Hashable, Sendable {
    /// The table's column by position.
    case field(Int)
    /// bigint: the segment's position in the scan's segment list << 40 | the row's position in it. For DELETE, UPDATE.
    case rowIdentifier
  }

  package var table: TableReference
  /// One for each output column.
  package var sources: [Source]
  /// Conjuncts of the filter that zone maps and encoded blocks can answer; the field is the table's position and
  /// need not be an output. The scan applies them exactly: they are not repeated in `filter`.
  package var predicates: [FieldPredicate]
  /// What is left of the filter, over the output columns; nil for none.
  package var filter: Expression?
  /// Filters that joins above make once they know their keys: rows they drop would find no partner. One that is not
  /// made drops nothing.
  package var runtimeFilters: [RuntimeFilter] = []

  package struct RuntimeFilter: Hashable, Sendable {
    package var number: Int
    package var field: Int

    package init(number: Int, field: Int) {
      self.number = number
      self.field = field
    }
  }

  /// The table's fields, for EXPLAIN; empty when nobody said.
  package var fields = Schema([])

  package init(
    table: TableReference, sources: [Source], predicates: [FieldPredicate] = [], filter: Expression? = nil
  ) {
    self.table = table
    self.sources = sources
    self.predicates = predicates
    self.filter = filter
  }
}

package struct FieldPredicate: Hashable, Sendable {
  package var field: Int
  package var predicate: ColumnPredicate

  package init(field: Int, _ predicate: ColumnPredicate) {
    self.field = field
    self.predicate = predicate
  }
}

/// Groups and aggregates. Output: the keys in order, then one column for each aggregate, then with several grouping
/// sets one bigint that has a 1 bit for each key left out (the last key is the lowest bit, as GROUPING()).
package struct Aggregation: Sendable {
  /// No keys: one row, also for an empty input.
  package var keys: [Expression]
  package var aggregates: [AggregateCall]
  /// Indices into `keys` for each grouping set; nil for a plain GROUP BY.
  package var groupingSets: [[Int]]?
  /// Known bounds of integer-like keys (from statistics), one for each key, for dense tables; may be wrong only by
  /// being too wide.
  package var keyBounds: [ClosedRange<Int64>?]

  package init(
    keys: [Expression], aggregates: [AggregateCall], groupingSets: [[Int]]? = nil,
    keyBounds: [ClosedRange<Int64>?] = []
  ) {
    self.keys = keys
    self.aggregates = aggregates
    self.groupingSets = groupingSets
    self.keyBounds = keyBounds
  }
}

package enum JoinKind: Hashable, Sendable {
  case inner, left, right, full
  /// Left rows with at least one match.
  case semi
  /// Left rows with no match (NOT EXISTS).
  case anti
  /// Left rows for which `key NOT IN (right keys)` is true: none when a right key is NULL. One key.
  case antiNullAware
  /// All left rows with a boolean column: does a match exist? NULL as `key IN (right keys)` gives it when `nullAware`.
  case mark(Column, nullAware: Bool)
  /// As left, but more than one match is an error (21000).
  case single
  /// Left rows with the first right row, in the right input's order, that has their keys and lies on the asked side of
  /// them in that order (`Join.nearest`): an as-of join. `isOuter` keeps left rows without one.
  case nearest(isOuter: Bool)
}

package struct Join: Sendable {
  package var kind: JoinKind
  /// Equal keys, `left[i] = right[i]`, of one type each; empty for a join by `condition` alone (or a cross join).
  package var leftKeys: [Expression]
  package var rightKeys: [Expression]
  /// For each key: true when NULL matches NULL (IS NOT DISTINCT FROM).
  package var nullsMatch: [Bool]
  /// A further condition over the columns of both sides, part of the match; nil for none.
  package var condition: Expression?
  /// What the right side's keys tell scans below the left side, before these begin.
  package var runtimeFilters: [RuntimeFilter] = []

  package struct RuntimeFilter: Hashable, Sendable {
    /// The number by which a scan asks for it.
    package var number: Int
    /// The key's place.
    package var key: Int

    package init(number: Int, key: Int) {
      self.number = number
      self.key = key
    }
  }

  /// Of a `.nearest` join: what tells the wanted row.
  package var nearest: Nearest?

  /// The match is the first right row with `right comparison left`. The right input is sorted by `right`, so that all
  /// rows after the first one pass too: descending for `<` and `<=`, ascending for `>` and `>=`, without NULLs.
  package struct Nearest: Sendable {
    package var left: Expression
    package var right: Expression
    package var comparison: ComparisonOperator

    package init(left: Expression, right: Expression, comparison: ComparisonOperator) {
      self.left = left
      self.right = right
      self.comparison = comparison
    }
  }

  package init(
    _ kind: JoinKind, leftKeys: [Expression], rightKeys: [Expression], nullsMatch: [Bool]? = nil,
    condition: Expression? = nil
  ) {
    self.kind = kind
    self.leftKeys = leftKeys
    self.rightKeys = rightKeys
    self.nullsMatch = nullsMatch ?? leftKeys.map { _ in false }
    self.condition = condition
  }
}

/// Window functions over one partitioning and order. Output: any of the input's columns and of the calls' outputs. Rows
/// come in partition and sort order.
package struct Windowing: Sendable {
  package var partition: [Expression]
  package var order: [SortKey]
  package var calls: [WindowCall]
  /// How many rows of each partition are wanted, the first in the order; nil for all. Only where every call is
  /// row_number.
  package var rowLimit: Int?
  /// Where `rowLimit` is 1: how the first rows are likely to be found for less than sorting all rows; nil for no way.
  package var firstRows: FirstRowSearch?

  package enum FirstRowSearch: Sendable {
    /// Most rows are the first of their partition: find those that are not.
    case repeats
    /// Partitions are few: keep the best row of each.
    case groups
  }

  package init(partition: [Expression], order: [SortKey], calls: [WindowCall], rowLimit: Int? = nil) {
    self.partition = partition
    self.order = order
    self.calls = calls
    self.rowLimit = rowLimit
  }
}
