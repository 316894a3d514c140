import Planning
import Vectors

/// Turns conditions of a scan's filter whose other side is known once the query runs (a parameter, the clock, a scalar
/// subquery's result) into predicates that zone maps and encoded blocks can answer.
enum RuntimePredicates {
  static func apply(to scan: TableScan, _ node: PhysicalNode, _ run: QueryRun) throws -> TableScan {
    guard let filter = scan.filter else { return scan }
    var conjuncts: [Expression] = []
    flatten(filter, into: &conjuncts)
    var result = scan
    var left: [Expression] = []
    for conjunct in conjuncts {
      if let predicate = try predicate(conjunct, scan, node, run) {
        result.predicates.append(predicate)
      } else {
        left.append(conjunct)
      }
    }
    if left.count == conjuncts.count { return scan }
    result.filter = left.isEmpty ? nil : left.count == 1 ? left[0] : .and(left)
    return result
  }

  private static func flatten(_ expression: Expression, into conjuncts: inout [Expression]) {
    if case .and(let operands) = expression {
      for operand in operands { flatten(operand, into: &conjuncts) }
    } else {
      conjuncts.append(expression)
    }
  }

  private static func predicate(
    _ conjunct: Expression, _ scan: TableScan, _ node: PhysicalNode, _ run: QueryRun
  ) throws -> FieldPredicate? {
    guard case .compare(let comparison, let left, let right) = conjunct else { return nil }
    let column: Column
    let value: Expression
    let direction: ComparisonOperator
    if case .column(let found) = left {
      (column, value, direction) = (found, right, comparison)
    } else if case .column(let found) = right {
      (column, value, direction) = (found, left, comparison.flipped)
    } else {
      return nil
    }
    guard isKnown(value), value.type == column.type, let position = node.output.firstIndex(of: column),
      case .field(let field) = scan.sources[position]
    else { return nil }
    switch column.type {
    case .smallint, .integer, .bigint, .date, .time, .timestamp, .timestamptz, .double, .real, .text, .boolean,
      .enumeration:
      break
    default: return nil
    }
    // An error in a condition counts only for rows that it is asked about, so it is left where it stands.
    guard let scalar = try? Constants.value(of: value, run), !scalar.isNull else { return nil }
    return FieldPredicate(field: field, .compare(direction, scalar))
  }

  /// True for expressions that read no column, and at least one thing that only a running query knows.
  private static func isKnown(_ expression: Expression) -> Bool {
    switch expression {
    case .column: false
    case .subquery, .parameter: true
    case .call(.raise, _, _): false
    case .call(.now, _, _): true
    default: !expression.children.isEmpty && hasNoColumn(expression) && expression.children.contains { isKnown($0) }
    }
  }

  private static func hasNoColumn(_ expression: Expression) -> Bool {
    var columns: Set<Column> = []
    expression.collectColumns(into: &columns)
    return columns.isEmpty
  }
}
