import Vectors

/// Makes expressions simpler without changing their value: constants are computed, logic is flattened, casts around a
/// column that is compared with a constant move to the constant.
///
/// An expression that cannot be computed when planning is left as it is: it raises its error only if a row reaches it.
struct Simplification {
  private let evaluate: Planner.ConstantEvaluator
  private let ranges: RangeRewriting

  init(_ evaluate: @escaping Planner.ConstantEvaluator) {
    self.evaluate = evaluate
    ranges = RangeRewriting(evaluate)
  }

  func simplify(_ plan: LogicalPlan) -> LogicalPlan {
    let plan = plan.mapInputs(simplify).mapExpressions { simplify($0) }
    switch plan {
    case .filter(let conjuncts, let input):
      let kept = conjuncts.flatMap { condition($0).conjuncts }.filter { !$0.isTrueConstant }
      return kept.isEmpty ? input : .filter(kept, input)
    case .join(var join, let left, let right):
      join.conditions = join.conditions.flatMap(\.conjuncts).filter { !$0.isTrueConstant }
      return .join(join, left, right)
    default: return plan
    }
  }

  /// Simplifies where NULL counts as false.
  func condition(_ expression: Expression) -> Expression {
    switch expression {
    case .coalesce(let operands, .boolean) where operands.count == 2 && operands[1].isFalseOrNullConstant:
      return condition(operands[0])
    case .constant(.null, .boolean): return .falseConstant
    case .isIn(let value, let list) where list.contains(where: \.isNullConstant):
      let rest = list.filter { !$0.isNullConstant }
      return rest.isEmpty ? .falseConstant : makeIn(value, rest)
    case .or(let operands): return makeOr(operands.map(condition))
    case .and(let operands): return makeAnd(operands.map(condition))
    default: return expression
    }
  }

  func simplify(_ expression: Expression) -> Expression {
    switch expression {
    case .column, .constant, .parameter, .subquery: return expression
    default: break
    }
    let mapped = expression.mapChildren { simplify($0) }
    let result = rewrite(mapped)
    if result.scalar == nil, result.isConstant, let value = try? evaluate(result) {
      return .constant(value, result.type)
    }
    return result
  }

  private func rewrite(_ expression: Expression) -> Expression {
    switch expression {
    case .and(let operands): return makeAnd(operands)
    case .or(let operands): return makeOr(operands)
    case .not(let operand): return makeNot(operand)
    case .compare(let op, let left, let right):
      if left.isNullConstant || right.isNullConstant {
        return left.isFailure || right.isFailure ? expression : .null(.boolean)
      }
      if left.scalar != nil, right.scalar == nil { return rewrite(.compare(op.flipped, right, left)) }
      return ranges.rewrite(op, left, right) ?? expression
    case .isNull(let operand): return operand.isNullable || operand.mayRaise ? expression : .falseConstant
    case .coalesce(let operands, let type): return makeCoalesce(operands, type)
    case .branch(let branches, let otherwise, let type): return makeBranch(branches, otherwise, type)
    case .isIn(let value, let list): return makeIn(value, list)
    case .cast(let operand, let type):
      if operand.type == type { return operand }
      // What literals need most; the evaluator would compile an expression for it.
      if type.isInteger, operand.type.isInteger, case .constant(.integer(let value), _) = operand, type.holds(value) {
        return .constant(.integer(value), type)
      }
      return operand.isNullConstant ? .null(type) : expression
    case .call(let function, let arguments, let type)
    where !function.seesNulls && arguments.contains(where: \.isNullConstant)
      && !arguments.contains(where: \.isFailure):
      return .null(type)
    default: return expression
    }
  }

  private func makeAnd(_ operands: [Expression]) -> Expression {
    var seen: Set<Expression> = []
    var kept: [Expression] = []
    for operand in operands.flatMap(\.conjuncts) {
      if operand.isTrueConstant { continue }
      if case .constant(.boolean(false), _) = operand { return .falseConstant }
      if seen.insert(operand).inserted { kept.append(operand) }
    }
    return .conjunction(kept)
  }

  private func makeOr(_ operands: [Expression]) -> Expression {
    var seen: Set<Expression> = []
    var kept: [Expression] = []
    for operand in operands.flatMap(\.disjuncts) {
      if operand.isTrueConstant { return .trueConstant }
      if case .constant(.boolean(false), _) = operand { continue }
      if seen.insert(operand).inserted { kept.append(operand) }
    }
    kept = mergeEqualities(kept)
    // (a AND b) OR (a AND c) is a AND (b OR c): what all share can be pushed on its own.
    if kept.count > 1 {
      let parts = kept.map(\.conjuncts)
      let common = parts[0].filter { part in parts.dropFirst().allSatisfy { $0.contains(part) } }
      if !common.isEmpty {
        let rest = parts.map { Expression.conjunction($0.filter { !common.contains($0) }) }
        if rest.contains(where: \.isTrueConstant) { return .conjunction(common) }
        return .conjunction(common + [.disjunction(rest)])
      }
    }
    return .disjunction(kept)
  }

  /// `a = 1 OR a = 2` is `a IN (1, 2)`.
  private func mergeEqualities(_ disjuncts: [Expression]) -> [Expression] {
    var result: [Expression] = []
    var places: [Expression: Int] = [:]
    for disjunct in disjuncts {
      let value: Expression
      let items: [Expression]
      switch disjunct {
      case .compare(.equal, let left, let right) where right.scalar != nil && left.scalar == nil:
        (value, items) = (left, [right])
      case .isIn(let left, let list) where list.allSatisfy({ $0.scalar != nil }): (value, items) = (left, list)
      default:
        result.append(disjunct)
        continue
      }
      guard let place = places[value] else {
        places[value] = result.count
        result.append(disjunct)
        continue
      }
      var all: [Expression]
      switch result[place] {
      case .compare(_, _, let first): all = [first]
      case .isIn(_, let list): all = list
      default: all = []
      }
      for item in items where !all.contains(item) { all.append(item) }
      result[place] = all.count == 1 ? .compare(.equal, value, all[0]) : .isIn(value, all)
    }
    return result
  }

  private func makeNot(_ operand: Expression) -> Expression {
    switch operand {
    case .constant(.boolean(let value), _): value ? .falseConstant : .trueConstant
    case .constant(.null, _): .null(.boolean)
    case .not(let inner): inner
    case .compare(let op, let left, let right): .compare(op.negated, left, right)
    default: .not(operand)
    }
  }

  private func makeCoalesce(_ operands: [Expression], _ type: LogicalType) -> Expression {
    var kept: [Expression] = []
    for operand in operands where !operand.isNullConstant {
      kept.append(operand)
      if !operand.isNullable { break }
    }
    switch kept.count {
    case 0: return .null(type)
    case 1: return kept[0].type == type ? kept[0] : .coalesce(kept, type)
    default: return .coalesce(kept, type)
    }
  }

  private func makeBranch(_ branches: [Branch], _ otherwise: Expression?, _ type: LogicalType) -> Expression {
    var kept: [Branch] = []
    var last = otherwise
    for branch in branches {
      if branch.condition.isFalseOrNullConstant { continue }
      if branch.condition.isTrueConstant {
        last = branch.result
        break
      }
      kept.append(branch)
    }
    if kept.isEmpty { return last ?? .null(type) }
    return .branch(kept, otherwise: last, type)
  }

  private func makeIn(_ value: Expression, _ list: [Expression]) -> Expression {
    if value.isNullConstant { return .null(.boolean) }
    if list.count == 1 { return rewrite(.compare(.equal, value, list[0])) }
    var seen: Set<Expression> = []
    let items = list.filter { seen.insert($0).inserted }
    // Each item alone may lose a cast; all of them must.
    if case .cast(let inner, _) = value {
      let single = items.compactMap { item -> Expression? in
        guard item.scalar != nil, case .compare(.equal, let left, let right)? = ranges.rewrite(.equal, value, item),
          left == inner
        else { return nil }
        return right
      }
      if single.count == items.count { return .isIn(inner, single) }
    }
    return .isIn(value, items)
  }
}

extension Expression {
  /// True for a constant expression that could not be computed when its turn was: whoever evaluates it fails.
  fileprivate var isFailure: Bool { scalar == nil && isConstant }
}
