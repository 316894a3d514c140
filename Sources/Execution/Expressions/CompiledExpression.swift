import Bytes
import Kernels
import Planning
import Synchronization
import Vectors

// Bound expressions made runnable: column identifiers become positions once, then whole batches are evaluated by the
// kernels. `CompiledExpression` gives values, `CompiledPredicate` the rows that pass, `ConstantEvaluator` one value.
// The kernel of each scalar function is chosen in `FunctionDispatch.swift`.

/// A bound expression whose columns are positions in the batches it will see. Shared by all workers.
package final class CompiledExpression: Sendable {
  let root: ExpressionNode

  package var type: LogicalType { root.type }

  /// Positions of the columns the expression reads, ascending.
  package var columnPositions: [Int] { root.positions }

  /// True for a column as it is.
  var isColumn: Bool {
    if case .column = root.kind { return true }
    return false
  }

  /// Resolves `expression` against the columns of the batches, in order.
  ///
  /// - Throws: `.internal` when the expression names a column that is not there.
  package init(_ expression: Expression, input: [Column]) throws {
    var positions: [Int: Int] = [:]
    for (position, column) in input.enumerated() where positions[column.id] == nil { positions[column.id] = position }
    root = try ExpressionNode(expression, positions)
  }

  /// Returns the value of every row, as a vector of the expression's type (with modifiers or without).
  ///
  /// The branches of CASE and COALESCE and the later operands of AND and OR see only the rows that reach them.
  /// - Throws: `.user` with PostgreSQL's message, as soon as a row that counts has an error.
  package func evaluate(_ batch: Batch, _ context: EvaluationContext = EvaluationContext()) throws -> Vector {
    try root.evaluate(Rows(columns: batch.columns, count: batch.rowCount), context)
  }
}

/// One node, with what the evaluator wants to know about it beforehand.
final class ExpressionNode: Sendable {
  enum Kind: Sendable {
    case column(Int)
    case constant(Vector)
    case parameter(Int)
    case subquery(Int)
    case compare(ComparisonOperator, ExpressionNode, ExpressionNode)
    case isDistinct(ExpressionNode, ExpressionNode)
    case and([ExpressionNode])
    case or([ExpressionNode])
    case not(ExpressionNode)
    case isNull(ExpressionNode)
    case call(ScalarFunction, [ExpressionNode])
    case cast(ExpressionNode)
    /// A timestamp plus a product, which is of integers and an interval.
    case moments(ExpressionNode, product: ExpressionNode, ExpressionNode, times: ExpressionNode)
    /// `extract(field from source)`, a number of a type, as an integer.
    case wholePart(ExpressionNode, ExpressionNode, LogicalType)
    case branch([(condition: ExpressionNode, result: ExpressionNode)], otherwise: ExpressionNode?)
    case coalesce([ExpressionNode])
    case isIn(ExpressionNode, Membership)
    case isInList(ExpressionNode, [ExpressionNode])
  }

  let kind: Kind
  let type: LogicalType
  /// Columns read below, ascending.
  let positions: [Int]
  /// Nothing below can raise an error or costs more than a pass over plain values.
  let isCheap: Bool
  /// NULL in the columns read gives NULL.
  let isStrict: Bool
  /// Depends on the columns only, not on parameters, subqueries or the clock.
  let isPure: Bool
  /// Results on whole dictionaries, for a node of one column.
  let dictionaries: DictionaryCache?
  /// How many operations a value takes.
  let operationCount: Int

  /// Returns the integers and the interval of `timestamp + integers::double precision * interval`, with constants for
  /// timestamp and interval; nil for anything else.
  private static func moments(_ sum: [Expression]) -> (Expression, Expression)? {
    guard sum.count == 2, case .constant(_, let type) = sum[0], type == .timestamp || type == .timestamptz,
      case .call(.multiply, let factors, .interval) = sum[1], factors.count == 2
    else { return nil }
    for (number, span) in [(factors[0], factors[1]), (factors[1], factors[0])] {
      guard case .cast(let integers, .double) = number, integers.type.isInteger, case .constant = span else { continue }
      return (integers, span)
    }
    return nil
  }

  init(_ expression: Expression, _ columns: [Int: Int]) throws {
    type = expression.type
    let children: [ExpressionNode]
    var cheap = true
    var strict = true
    var pure = true
    switch expression {
    case .column(let column):
      guard let position = columns[column.id] else {
        throw PulsehouseError(.internal, "column \(column.name) (\(column.id)) is not among the operator's inputs")
      }
      kind = .column(position)
      children = []
    case .constant(let scalar, let type):
      kind = .constant(.of(type, [scalar]))
      children = []
    case .parameter(let index, _):
      kind = .parameter(index)
      children = []
      pure = false
    case .subquery(let index, _):
      kind = .subquery(index)
      children = []
      pure = false
    case .compare(let op, let left, let right):
      children = [try ExpressionNode(left, columns), try ExpressionNode(right, columns)]
      kind = .compare(op, children[0], children[1])
    case .isDistinct(let left, let right):
      children = [try ExpressionNode(left, columns), try ExpressionNode(right, columns)]
      kind = .isDistinct(children[0], children[1])
      strict = false
    case .and(let operands):
      children = try operands.map { try ExpressionNode($0, columns) }
      kind = .and(children)
      strict = false
    case .or(let operands):
      children = try operands.map { try ExpressionNode($0, columns) }
      kind = .or(children)
      strict = false
    case .not(let operand):
      children = [try ExpressionNode(operand, columns)]
      kind = .not(children[0])
    case .isNull(let operand):
      children = [try ExpressionNode(operand, columns)]
      kind = .isNull(children[0])
      strict = false
    case .call(.add, let sum, _) where ExpressionNode.moments(sum) != nil:
      let (numbers, span) = ExpressionNode.moments(sum) ?? (sum[0], sum[1])
      children = try (sum + [numbers, span]).map { try ExpressionNode($0, columns) }
      kind = .moments(children[0], product: children[1], children[2], times: children[3])
      cheap = false
    case .call(let function, let arguments, _):
      children = try arguments.map { try ExpressionNode($0, columns) }
      kind = .call(function, children)
      cheap = false
      strict = !function.seesNulls
      pure = function != .now && !function.isVolatile
    case .cast(.call(.extract, let operands, let number), let type) where type.isInteger && operands.count == 2:
      children = try operands.map { try ExpressionNode($0, columns) }
      kind = .wholePart(children[0], children[1], number)
      cheap = false
    case .cast(let operand, _):
      children = [try ExpressionNode(operand, columns)]
      kind = .cast(children[0])
      cheap = false
    case .branch(let branches, let otherwise, _):
      let compiled = try branches.map {
        (condition: try ExpressionNode($0.condition, columns), result: try ExpressionNode($0.result, columns))
      }
      let last = try otherwise.map { try ExpressionNode($0, columns) }
      kind = .branch(compiled, otherwise: last)
      children = compiled.flatMap { [$0.condition, $0.result] } + (last.map { [$0] } ?? [])
      cheap = false
      strict = false
    case .coalesce(let operands, _):
      children = try operands.map { try ExpressionNode($0, columns) }
      kind = .coalesce(children)
      cheap = false
      strict = false
    case .isIn(let value, let list):
      let operand = try ExpressionNode(value, columns)
      var scalars: [Scalar] = []
      for item in list { if case .constant(let scalar, _) = item { scalars.append(scalar) } }
      if scalars.count == list.count {
        kind = .isIn(operand, Membership(.of(operand.type, scalars)))
        children = [operand]
      } else {
        let items = try list.map { try ExpressionNode($0, columns) }
        kind = .isInList(operand, items)
        children = [operand] + items
        strict = false
      }
    }
    var read = Set(children.flatMap { $0.positions })
    if case .column(let column) = expression, let position = columns[column.id] { read.insert(position) }
    positions = read.sorted()
    operationCount = children.isEmpty ? 0 : children.reduce(1) { $0 + $1.operationCount }
    isCheap = cheap && children.allSatisfy { $0.isCheap }
    isStrict = strict && children.allSatisfy { $0.isStrict || $0.positions.isEmpty }
    isPure = pure && children.allSatisfy { $0.isPure }
    if isPure, positions.count == 1, !children.isEmpty {
      dictionaries = DictionaryCache()
    } else {
      dictionaries = nil
    }
  }
}
