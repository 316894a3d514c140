import Vectors

/// Hands a scan the conditions that zone maps and encoded blocks can answer: a column against constants of its own type.
struct ScanPredicates {
  func extract(_ plan: LogicalPlan) -> LogicalPlan {
    guard case .scan(var scan) = plan else { return plan.mapInputs(extract) }
    var rest: [Expression] = []
    for condition in scan.filter {
      if let predicate = predicate(condition, scan) {
        scan.predicates.append(predicate)
      } else {
        rest.append(condition)
      }
    }
    scan.predicates = merged(scan.predicates)
    // What may raise an error goes last, so that the others spare rows from it.
    scan.filter = rest.filter { !$0.mayRaise } + rest.filter(\.mayRaise)
    return .scan(scan)
  }

  private func predicate(_ condition: Expression, _ scan: LogicalScan) -> FieldPredicate? {
    func field(_ expression: Expression) -> (Int, LogicalType)? {
      guard case .column(let column) = expression, let index = scan.columns.firstIndex(of: column),
        case .field(let position) = scan.sources[index]
      else { return nil }
      return (position, column.type)
    }
    switch condition {
    case .compare(let op, let value, .constant(let constant, let type)):
      guard let (position, own) = field(value), own.isStoredAs(type), !constant.isNull else { return nil }
      return FieldPredicate(field: position, .compare(op, constant))
    case .isIn(let value, let list):
      guard let (position, own) = field(value) else { return nil }
      var constants: [Scalar] = []
      for item in list {
        guard case .constant(let constant, let type) = item, own.isStoredAs(type), !constant.isNull else { return nil }
        constants.append(constant)
      }
      return FieldPredicate(field: position, .isIn(constants))
    case .isNull(let value):
      return field(value).map { FieldPredicate(field: $0.0, .isNull) }
    case .not(.isNull(let value)):
      return field(value).map { FieldPredicate(field: $0.0, .isNotNull) }
    default: return nil
    }
  }

  /// `a >= 1` and `a <= 5` become one BETWEEN, which is tested in one pass.
  private func merged(_ predicates: [FieldPredicate]) -> [FieldPredicate] {
    var result: [FieldPredicate] = []
    for predicate in predicates {
      if let index = result.firstIndex(where: { $0.field == predicate.field && between($0, predicate) != nil }),
        let both = between(result[index], predicate)
      {
        result[index].predicate = both
      } else {
        result.append(predicate)
      }
    }
    return result
  }

  private func between(_ a: FieldPredicate, _ b: FieldPredicate) -> ColumnPredicate? {
    guard case .compare(let first, let x) = a.predicate, case .compare(let second, let y) = b.predicate else {
      return nil
    }
    func lower(_ op: ComparisonOperator, _ value: Scalar) -> Scalar? {
      if op == .greaterOrEqual { return value }
      if op == .greater, case .integer(let number) = value, number != .max { return .integer(number + 1) }
      return nil
    }
    func upper(_ op: ComparisonOperator, _ value: Scalar) -> Scalar? {
      if op == .lessOrEqual { return value }
      if op == .less, case .integer(let number) = value, number != .min { return .integer(number - 1) }
      return nil
    }
    if let low = lower(first, x), let high = upper(second, y) { return .between(low, high) }
    if let low = lower(second, y), let high = upper(first, x) { return .between(low, high) }
    return nil
  }
}

extension LogicalType {
  /// Tells whether constants of `other` compare with values of this type as they are.
  fileprivate func isStoredAs(_ other: LogicalType) -> Bool {
    switch (self, other) {
    case (.numeric, .numeric): true
    case (.text, .text), (.varchar, .varchar), (.text, .varchar), (.varchar, .text): true
    case (.char, _), (.interval, _), (.json, _), (.jsonb, _), (.array, _): false
    default: self == other
    }
  }
}
