import Kernels
import Vectors

extension ExpressionNode {
  /// Fewer operations cost no more than to look for runs.
  private static let leastOperations = 3
  private static let leastRows = 64

  /// Evaluates once for each run of equal values of the only column read, where rows are many to a run; nil where that
  /// does not apply. Clustered rows have long runs of equal days.
  func evaluateOnRuns(_ rows: Rows, _ context: EvaluationContext) throws -> Vector? {
    guard dictionaries != nil, operationCount >= ExpressionNode.leastOperations,
      rows.count >= ExpressionNode.leastRows
    else { return nil }
    let position = positions[0]
    guard let runs = IntegerRuns(rows.columns[position], most: rows.count / 4) else { return nil }
    var columns = rows.columns
    columns[position] = runs.values
    return runs.spread(try evaluateHere(Rows(columns: columns, count: runs.values.count), context))
  }
}
