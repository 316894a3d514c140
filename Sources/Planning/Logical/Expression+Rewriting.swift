import Vectors

extension Expression {
  static let trueConstant = Expression.constant(.boolean(true), .boolean)
  static let falseConstant = Expression.constant(.boolean(false), .boolean)

  static func null(_ type: LogicalType) -> Expression { .constant(.null, type) }

  static func bigint(_ value: Int64) -> Expression { .constant(.integer(value), .bigint) }

  /// AND of any number of conjuncts: none is true, one is itself.
  static func conjunction(_ conjuncts: [Expression]) -> Expression {
    switch conjuncts.count {
    case 0: trueConstant
    case 1: conjuncts[0]
    default: .and(conjuncts)
    }
  }

  static func disjunction(_ disjuncts: [Expression]) -> Expression {
    switch disjuncts.count {
    case 0: falseConstant
    case 1: disjuncts[0]
    default: .or(disjuncts)
    }
  }

  /// The conjuncts of nested ANDs, in order.
  var conjuncts: [Expression] {
    if case .and(let operands) = self { return operands.flatMap(\.conjuncts) }
    return [self]
  }

  var disjuncts: [Expression] {
    if case .or(let operands) = self { return operands.flatMap(\.disjuncts) }
    return [self]
  }

  func substituting(_ map: [Column: Expression]) -> Expression {
    if case .column(let column) = self { return map[column] ?? self }
    return mapChildren { $0.substituting(map) }
  }

  package var columns: Set<Column> {
    var result: Set<Column> = []
    collectColumns(into: &result)
    return result
  }

  /// Tells whether the expression reads any column of `set`.
  func reads(_ set: Set<Column>) -> Bool {
    if case .column(let column) = self { return set.contains(column) }
    return children.contains { $0.reads(set) }
  }

  /// Tells whether every column the expression reads is in `set`.
  func readsOnly(_ set: Set<Column>) -> Bool {
    if case .column(let column) = self { return set.contains(column) }
    return children.allSatisfy { $0.readsOnly(set) }
  }

  /// True when the value is known when planning: no column, parameter, subquery or clock in it.
  var isConstant: Bool {
    switch self {
    case .column, .parameter, .subquery: false
    case .call(let function, _, _) where function == .now || function.isVolatile: false
    default: children.allSatisfy(\.isConstant)
    }
  }

  /// True when it has one value for the whole query.
  package var isFixed: Bool {
    switch self {
    case .column: false
    case .call(let function, _, _) where function.isVolatile: false
    default: children.allSatisfy(\.isFixed)
    }
  }

  /// True when it may have another value each time it is asked.
  var hasVolatile: Bool {
    if case .call(let function, _, _) = self, function.isVolatile { return true }
    return children.contains(where: \.hasVolatile)
  }

  /// True when it asks or sets where a sequence stands.
  var asksSequence: Bool {
    if case .call(.nextValue, _, _) = self { return true }
    if case .call(.setValue, _, _) = self { return true }
    if case .call(.currentValue, _, _) = self { return true }
    return children.contains(where: \.asksSequence)
  }

  /// The constant this is, when it is one already.
  var scalar: Scalar? {
    if case .constant(let value, _) = self { return value }
    return nil
  }

  var isNullConstant: Bool { scalar?.isNull ?? false }

  var isTrueConstant: Bool {
    if case .constant(.boolean(true), _) = self { return true }
    return false
  }

  var isFalseOrNullConstant: Bool {
    switch self {
    case .constant(.boolean(false), _), .constant(.null, _): true
    default: false
    }
  }

  /// False only when the value can never be NULL.
  var isNullable: Bool {
    switch self {
    case .column(let column): column.isNullable
    case .constant(let value, _): value.isNull
    case .parameter, .subquery: true
    case .isNull, .isDistinct: false
    // An infinite timestamp has no time.
    case .cast(_, .time): true
    case .compare, .and, .or, .not, .cast, .isIn: children.contains(where: \.isNullable)
    case .coalesce(let operands, _): operands.allSatisfy(\.isNullable)
    case .branch(let branches, let otherwise, _):
      branches.contains { $0.result.isNullable } || (otherwise?.isNullable ?? true)
    case .call(let function, let operands, _):
      switch function {
      case .makeRow: false
      case .add, .subtract, .multiply, .divide, .modulo, .negate, .concatenate, .concat, .hash, .now, .dateTrunc,
        .upper, .lower, .length, .abs, .like:
        function == .concat || function == .hash ? false : operands.contains(where: \.isNullable)
      default: true
      }
    }
  }

  /// True when evaluating it may raise an error, so that it must not be moved to rows it would not have seen.
  var mayRaise: Bool {
    switch self {
    case .column, .constant, .parameter, .subquery: false
    case .call(let function, let operands, _):
      switch function {
      case .like, .ilike, .concat, .length, .upper, .lower, .startsWith, .hash, .concatenate, .now, .trim, .trimLeft,
        .trimRight, .dateTrunc, .extract, .datePart:
        operands.contains(where: \.mayRaise)
      default: true
      }
    case .cast(let operand, let type):
      !TypeKind(operand.type).casts(to: TypeKind(type)) || operand.mayRaise
    default: children.contains(where: \.mayRaise)
    }
  }
}

extension LogicalPlan {
  /// True when something in it may have another value each time it is asked.
  var hasVolatile: Bool {
    var found = false
    forEachExpression { found = found || $0.hasVolatile }
    if case .shared(let shared, _) = self { found = shared.plan.hasVolatile }
    return found || inputs.contains(where: \.hasVolatile)
  }
}

extension SortKey {
  func mapping(_ transform: (Expression) throws -> Expression) rethrows -> SortKey {
    SortKey(try transform(expression), isDescending: isDescending, nullsFirst: nullsFirst)
  }
}
