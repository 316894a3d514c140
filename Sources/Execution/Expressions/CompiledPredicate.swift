import Kernels
import Planning
import Vectors

/// A condition over batches that gives the rows where it is true. Shared by all workers.
package final class CompiledPredicate: Sendable {
  /// Conjuncts that are cheap and cannot fail, evaluated on all rows at once.
  private let cheap: [ExpressionNode]
  /// The others, each on the rows the earlier ones left.
  private let costly: [ExpressionNode]

  /// Positions of the columns the condition reads, ascending.
  package let columnPositions: [Int]

  package init(_ expression: Expression, input: [Column]) throws {
    let compiled = try CompiledExpression(expression, input: input)
    let conjuncts = Self.conjuncts(compiled.root)
    cheap = conjuncts.filter { $0.isCheap }
    costly = conjuncts.filter { !$0.isCheap }
    columnPositions = compiled.columnPositions
  }

  private static func conjuncts(_ node: ExpressionNode) -> [ExpressionNode] {
    if case .and(let operands) = node.kind { return operands.flatMap { conjuncts($0) } }
    return [node]
  }

  /// Returns the rows where the condition is true (not NULL), or nil when that is every row.
  package func select(_ batch: Batch, _ context: EvaluationContext = EvaluationContext()) throws -> SelectionVector? {
    let rows = Rows(columns: batch.columns, count: batch.rowCount)
    var result: SelectionVector?
    var mask: Vector?
    for node in cheap {
      let value = try node.evaluate(rows, context)
      mask = mask.map { Boolean.and($0, value) } ?? value
    }
    if let mask {
      if mask.form == .constant {
        if mask.scalar(orFalse: 0) == false { return rows.count == 0 ? nil : SelectionVector([]) }
      } else {
        let selection = SelectionVector(whereTrue: mask)
        if selection.count < rows.count { result = selection }
      }
    }
    for node in costly {
      if let result, result.count == 0 { return result }
      let truth = try node.evaluate(result.map { node.gather(rows, $0) } ?? rows, context)
      let kept = SelectionVector(whereTrue: truth)
      if kept.count == truth.count { continue }
      result = result.map { $0.picked(kept) } ?? kept
    }
    return result
  }
}

extension Vector {
  /// Returns whether a boolean row is true; a missing row counts as true, NULL as false.
  fileprivate func scalar(orFalse row: Int) -> Bool {
    guard row < count else { return true }
    return scalar(at: row) == .boolean(true)
  }
}
