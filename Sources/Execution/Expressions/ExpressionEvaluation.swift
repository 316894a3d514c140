import Bytes
import Kernels
import Planning
import Vectors

extension ExpressionNode {
  /// Returns the value of every row.
  func evaluate(_ rows: Rows, _ context: EvaluationContext) throws -> Vector {
    if let coded = evaluateOnDictionary(rows, context) { return coded }
    if let spread = try evaluateOnRuns(rows, context) { return spread }
    return try evaluateHere(rows, context)
  }

  /// Evaluates without asking the dictionary cache of this node.
  func evaluateHere(_ rows: Rows, _ context: EvaluationContext) throws -> Vector {
    switch kind {
    case .column(let position): return rows.columns[position]
    case .constant(let value): return Vector(constant: value, count: rows.count)
    case .parameter(let index):
      guard index >= 1, index <= context.parameters.count else {
        throw PulsehouseError(.user, "there is no parameter $\(index)", sqlState: "42P02")
      }
      return .constant(type, context.parameters[index - 1], count: rows.count)
    case .subquery(let index):
      guard index < context.subqueries.count else {
        throw PulsehouseError(.internal, "scalar subquery \(index) has not run")
      }
      if rows.count == 0 { return .nulls(type, count: 0) }
      return .constant(type, try context.subqueries[index].get(), count: rows.count)
    case .compare(let op, let left, let right):
      return Compare.vectors(op, try left.evaluate(rows, context), try right.evaluate(rows, context))
    case .isDistinct(let left, let right):
      return Compare.distinct(try left.evaluate(rows, context), try right.evaluate(rows, context))
    case .and(let operands): return try connect(operands, rows, context, isAnd: true)
    case .or(let operands): return try connect(operands, rows, context, isAnd: false)
    case .not(let operand):
      if case .isNull(let inner) = operand.kind {
        return Boolean.isNull(try inner.evaluate(rows, context), negated: true)
      }
      return Boolean.not(try operand.evaluate(rows, context))
    case .isNull(let operand): return Boolean.isNull(try operand.evaluate(rows, context))
    case .call(let function, let arguments):
      let values = try arguments.map { try $0.evaluate(rows, context) }
      return try function.apply(values, type: type, count: rows.count, context)
    case .cast(let operand):
      return try Cast.vector(try operand.evaluate(rows, context), to: type, now: context.now, zone: context.zone)
    case .moments(let start, let product, let numbers, let span):
      let first = try start.evaluate(rows, context)
      if let moments = TemporalFunctions.moments(
        from: first, try numbers.evaluate(rows, context), times: try span.evaluate(rows, context))
      {
        return moments
      }
      return try ScalarFunction.add.apply(
        [first, try product.evaluate(rows, context)], type: type, count: rows.count, context)
    case .wholePart(let field, let source, let number):
      let operands = [try field.evaluate(rows, context), try source.evaluate(rows, context)]
      if let whole = try TemporalFunctions.wholePart(operands[0], operands[1], as: type, zone: context.zone) {
        return whole
      }
      let exact = try ScalarFunction.extract.apply(operands, type: number, count: rows.count, context)
      return try Cast.vector(exact, to: type, now: context.now, zone: context.zone)
    case .branch(let branches, let otherwise): return try choose(branches, otherwise, rows, context)
    case .coalesce(let operands): return try firstValid(operands, rows, context)
    case .isIn(let operand, let list): return list.contains(try operand.evaluate(rows, context))
    case .isInList(let operand, let items):
      let value = try operand.evaluate(rows, context)
      var result: Vector?
      for item in items {
        let equal = Compare.vectors(.equal, value, try item.evaluate(rows, context))
        result = result.map { Boolean.or($0, equal) } ?? equal
      }
      return result ?? .constant(.boolean, .boolean(false), count: rows.count)
    }
  }

  /// Takes the rows of the columns this node reads; the others stay as they are, unread.
  func gather(_ rows: Rows, _ selection: SelectionVector) -> Rows {
    var columns = rows.columns
    for position in positions { columns[position] = Gather.rows(columns[position], selection) }
    return Rows(columns: columns, count: selection.count)
  }

  /// AND and OR: an operand that may raise an error or is costly sees only the rows the earlier ones left open.
  private func connect(
    _ operands: [ExpressionNode], _ rows: Rows, _ context: EvaluationContext, isAnd: Bool
  ) throws -> Vector {
    var result: Vector?
    for operand in operands {
      guard let soFar = result else {
        result = try operand.evaluate(rows, context)
        continue
      }
      if operand.isCheap {
        let value = try operand.evaluate(rows, context)
        result = isAnd ? Boolean.and(soFar, value) : Boolean.or(soFar, value)
        continue
      }
      // Open rows: not false so far for AND, not true for OR; NULL stays open.
      let open = isAnd ? soFar.selection(excluding: 0) : soFar.selection(excluding: 1)
      if open.count == 0 { continue }
      if open.count == rows.count {
        let value = try operand.evaluate(rows, context)
        result = isAnd ? Boolean.and(soFar, value) : Boolean.or(soFar, value)
        continue
      }
      let value = try operand.evaluate(operand.gather(rows, open), context)
      let before = Gather.rows(soFar.flattened(), open)
      let after = isAnd ? Boolean.and(before, value) : Boolean.or(before, value)
      let closed = open.complement(rowCount: rows.count)
      result = Choice.assemble(
        [(open, after.flattened()), (closed, .constant(.boolean, .boolean(!isAnd), count: closed.count))],
        type: .boolean, count: rows.count
      ).flattened()
    }
    return result ?? .constant(.boolean, .boolean(isAnd), count: rows.count)
  }

  private func choose(
    _ branches: [(condition: ExpressionNode, result: ExpressionNode)], _ otherwise: ExpressionNode?, _ rows: Rows,
    _ context: EvaluationContext
  ) throws -> Vector {
    var parts: [(rows: SelectionVector, values: Vector)] = []
    var remaining: SelectionVector?
    for (condition, result) in branches {
      if let remaining, remaining.count == 0 { break }
      let current = remaining.map { condition.gather(rows, $0) } ?? rows
      let truth = try condition.evaluate(current, context)
      let hits = SelectionVector(whereTrue: truth)
      if hits.count == 0 { continue }
      let taken = remaining.map { $0.picked(hits) } ?? hits
      let isAll = taken.count == rows.count
      let values = try result.evaluate(isAll ? rows : result.gather(rows, taken), context)
      parts.append((taken, values))
      let misses = hits.complement(rowCount: current.count)
      remaining = remaining.map { $0.picked(misses) } ?? misses
    }
    if let otherwise, remaining.map({ $0.count > 0 }) ?? (rows.count > 0) {
      guard let rest = remaining else { return try otherwise.evaluate(rows, context) }
      parts.append((rest, try otherwise.evaluate(otherwise.gather(rows, rest), context)))
    }
    return Choice.assemble(parts, type: type, count: rows.count)
  }

  private func firstValid(
    _ operands: [ExpressionNode], _ rows: Rows, _ context: EvaluationContext
  ) throws -> Vector {
    var parts: [(rows: SelectionVector, values: Vector)] = []
    var remaining: SelectionVector?
    for operand in operands {
      if let remaining, remaining.count == 0 { break }
      let values = try operand.evaluate(remaining.map { operand.gather(rows, $0) } ?? rows, context)
      if remaining == nil && values.nullCount == 0 { return values }
      let valid = SelectionVector(whereTrue: Boolean.isNull(values, negated: true))
      let taken = remaining.map { $0.picked(valid) } ?? valid
      if taken.count > 0 {
        parts.append((taken, valid.count == values.count ? values : Gather.rows(values, valid)))
      }
      let nulls = valid.complement(rowCount: values.count)
      remaining = remaining.map { $0.picked(nulls) } ?? nulls
    }
    return Choice.assemble(parts, type: type, count: rows.count)
  }
}

extension SelectionVector {
  /// Returns the rows of 0..<rowCount that are not in the selection.
  func complement(rowCount: Int) -> SelectionVector {
    var result: [UInt32] = []
    result.reserveCapacity(rowCount - count)
    var next: UInt32 = 0
    for index in indices {
      while next < index {
        result.append(next)
        next += 1
      }
      next = index + 1
    }
    while next < UInt32(rowCount) {
      result.append(next)
      next += 1
    }
    return SelectionVector(result)
  }

  /// Returns the members at the positions `inner` names.
  func picked(_ inner: SelectionVector) -> SelectionVector {
    SelectionVector(inner.indices.map { indices[Int($0)] })
  }
}

extension Vector {
  /// Returns the rows of a boolean vector that are NULL or other than `value`.
  fileprivate func selection(excluding value: UInt8) -> SelectionVector {
    let flat = flattened()
    let input = flat.values(as: UInt8.self)
    var result: [UInt32] = []
    for row in 0..<count where !flat.isValid(row) || input[row] != value { result.append(UInt32(row)) }
    return SelectionVector(result)
  }
}
