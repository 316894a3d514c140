import Planning
import Vectors

/// Evaluates expressions that read no column: constant folding, LIMIT, DEFAULT, VALUES.
package enum ConstantEvaluator {
  /// Returns the value of `expression`, which has no columns.
  ///
  /// - Throws: `.user` when the value is an error, `.internal` for a column.
  package static func value(
    of expression: Expression, _ context: EvaluationContext = EvaluationContext()
  ) throws -> Scalar {
    let compiled = try CompiledExpression(expression, input: [])
    return try compiled.evaluate(Batch([], rowCount: 1), context).scalar(at: 0)
  }
}
