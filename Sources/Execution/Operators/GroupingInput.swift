import Kernels
import Vectors

/// What a batch gives to a grouping: keys, and for each aggregate its inputs and the rows that its filter keeps.
struct GroupingInput {
  let keys: [Vector]
  let inputs: [[Vector]]
  /// Nil for all rows.
  let filters: [SelectionVector?]
  let count: Int

  /// Takes what was evaluated before.
  init(keys: [Vector], inputs: [[Vector]], filters: [SelectionVector?], count: Int) {
    self.keys = keys
    self.inputs = inputs
    self.filters = filters
    self.count = count
  }

  /// Evaluates keys and arguments; `position` is that of the batch's first row.
  init(
    _ batch: Batch, keys: [CompiledExpression], _ aggregates: [CompiledAggregate], position: UInt64,
    _ context: EvaluationContext
  ) throws {
    count = batch.rowCount
    self.keys = try keys.map { try $0.evaluate(batch, context) }
    var positions: Vector?
    if aggregates.contains(where: { $0.takesPosition }) {
      positions = GroupingInput.positions(from: position, count: batch.rowCount)
    }
    var inputs: [[Vector]] = []
    var filters: [SelectionVector?] = []
    for aggregate in aggregates {
      let filter = try aggregate.filter?.select(batch, context)
      var vectors: [Vector] = []
      for input in aggregate.inputs {
        // Arguments of rows that the filter drops must not be computed: they may be errors.
        vectors.append(try GroupingInput.evaluate(input, batch, filter, context))
      }
      if aggregate.takesPosition, let positions { vectors.append(positions) }
      inputs.append(vectors)
      filters.append(filter)
    }
    self.inputs = inputs
    self.filters = filters
  }

  /// Returns the positions of `count` rows that follow each other, as a bigint vector.
  static func positions(from position: UInt64, count: Int) -> Vector {
    var builder = VectorBuilder(.bigint, capacity: count)
    let values = builder.values(as: Int64.self)
    for row in 0..<count { values[row] = Int64(bitPattern: position &+ UInt64(row)) }
    builder.advance(by: count)
    return builder.finish()
  }

  private static func evaluate(
    _ expression: CompiledExpression, _ batch: Batch, _ filter: SelectionVector?, _ context: EvaluationContext
  ) throws -> Vector {
    guard let filter else { return try expression.evaluate(batch, context) }
    let kept = try expression.evaluate(Gather.rows(batch, filter), context)
    // Back to the batch's rows; those left out are not looked at.
    var places = [Int32](repeating: -1, count: batch.rowCount)
    for (index, row) in filter.indices.enumerated() { places[Int(row)] = Int32(index) }
    return places.withUnsafeBufferPointer { Gather.rows(kept, orNull: $0) }
  }
}
