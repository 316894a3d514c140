import Vectors

/// A column as a plan knows it: an identifier that is unique in one plan, never a position.
///
/// Rules may reorder and drop columns freely; Execution turns identifiers into positions once, when it compiles a
/// plan. Two columns are equal when their identifiers are.
package struct Column: Sendable {
  package let id: Int
  package let name: String
  package let type: LogicalType
  package let isNullable: Bool

  package init(id: Int, name: String, type: LogicalType, isNullable: Bool = true) {
    self.id = id
    self.name = name
    self.type = type
    self.isNullable = isNullable
  }
}

extension Column: Hashable {
  package static func == (left: Column, right: Column) -> Bool { left.id == right.id }
  package func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

/// A bound, typed expression: names are resolved, implicit casts are written out, the type of every node is known.
///
/// Both sides of a comparison and all results of a CASE have one type (for numeric: any precision and scale).
package indirect enum Expression: Hashable, Sendable {
  case column(Column)
  /// NULL is `.constant(.null, type)`.
  case constant(Scalar, LogicalType)
  /// The value of `$index` (from 1), known when the plan runs.
  case parameter(Int, LogicalType)
  case compare(ComparisonOperator, Expression, Expression)
  /// IS DISTINCT FROM; never NULL.
  case isDistinct(Expression, Expression)
  /// Three-valued; at least two operands.
  case and([Expression])
  case or([Expression])
  case not(Expression)
  case isNull(Expression)
  case call(ScalarFunction, [Expression], LogicalType)
  case cast(Expression, LogicalType)
  /// The first branch whose condition is true, else `otherwise` (NULL when nil); untaken branches raise no errors.
  case branch([Branch], otherwise: Expression?, LogicalType)
  case coalesce([Expression], LogicalType)
  /// `value IN (list)`, three-valued.
  case isIn(Expression, [Expression])
  /// The single value of an uncorrelated scalar subquery, run before the plan: an index into `PhysicalPlan.subqueries`.
  case subquery(Int, LogicalType)
}

/// One WHEN of a CASE.
package struct Branch: Hashable, Sendable {
  package var condition: Expression
  package var result: Expression

  package init(when condition: Expression, then result: Expression) {
    self.condition = condition
    self.result = result
  }
}

extension Expression {
  package var type: LogicalType {
    switch self {
    case .column(let column): column.type
    case .constant(_, let type), .parameter(_, let type), .call(_, _, let type), .cast(_, let type),
      .branch(_, _, let type), .coalesce(_, let type), .subquery(_, let type):
      type
    case .compare, .isDistinct, .and, .or, .not, .isNull, .isIn: .boolean
    }
  }

  /// The operands, in order.
  package var children: [Expression] {
    switch self {
    case .column, .constant, .parameter, .subquery: []
    case .compare(_, let left, let right), .isDistinct(let left, let right): [left, right]
    case .and(let operands), .or(let operands), .call(_, let operands, _), .coalesce(let operands, _): operands
    case .not(let operand), .isNull(let operand), .cast(let operand, _): [operand]
    case .branch(let branches, let otherwise, _):
      branches.flatMap { [$0.condition, $0.result] } + (otherwise.map { [$0] } ?? [])
    case .isIn(let value, let list): [value] + list
    }
  }

  /// Returns the same node with each operand replaced by `transform` of it.
  package func mapChildren<E: Error>(_ transform: (Expression) throws(E) -> Expression) throws(E) -> Expression {
    func all(_ operands: [Expression]) throws(E) -> [Expression] {
      var result: [Expression] = []
      result.reserveCapacity(operands.count)
      for operand in operands { result.append(try transform(operand)) }
      return result
    }
    switch self {
    case .column, .constant, .parameter, .subquery: return self
    case .compare(let op, let left, let right): return .compare(op, try transform(left), try transform(right))
    case .isDistinct(let left, let right): return .isDistinct(try transform(left), try transform(right))
    case .and(let operands): return .and(try all(operands))
    case .or(let operands): return .or(try all(operands))
    case .not(let operand): return .not(try transform(operand))
    case .isNull(let operand): return .isNull(try transform(operand))
    case .call(let function, let operands, let type): return .call(function, try all(operands), type)
    case .cast(let operand, let type): return .cast(try transform(operand), type)
    case .branch(let branches, let otherwise, let type):
      var mapped: [Branch] = []
      for branch in branches {
        mapped.append(Branch(when: try transform(branch.condition), then: try transform(branch.result)))
      }
      var last: Expression?
      if let otherwise { last = try transform(otherwise) }
      return .branch(mapped, otherwise: last, type)
    case .coalesce(let operands, let type): return .coalesce(try all(operands), type)
    case .isIn(let value, let list): return .isIn(try transform(value), try all(list))
    }
  }

  /// Adds every column the expression reads to `columns`.
  package func collectColumns(into columns: inout Set<Column>) {
    if case .column(let column) = self { columns.insert(column) }
    for child in children { child.collectColumns(into: &columns) }
  }
}
