import Encodings
import Vectors

/// What a zone map says about a predicate before any row is read.
package enum Pruning: Sendable, Hashable {
  /// No row can pass: skip.
  case none
  /// Some rows may pass: read.
  case some
  /// Every row passes: no need to test.
  case all

  /// Returns what holds when both predicates must hold.
  package func and(_ other: Pruning) -> Pruning {
    if self == .none || other == .none { return .none }
    return self == .all && other == .all ? .all : .some
  }
}

extension ZoneMap {
  /// Judges `predicate` by this zone map alone. True keeps a row; false and NULL drop it. Constants of another kind than
  /// the bounds give `.some`.
  package func prune(_ predicate: ColumnPredicate) -> Pruning {
    if rowCount == 0 { return .none }
    switch predicate {
    case .isNull: return nullCount == 0 ? .none : (nullCount == rowCount ? .all : .some)
    case .isNotNull: return nullCount == rowCount ? .none : (nullCount == 0 ? .all : .some)
    default: break
    }
    if nullCount == rowCount { return .none }
    guard hasBounds else { return .some }
    let verdict: Pruning
    switch predicate {
    case .compare(let comparison, let constant): verdict = prune(comparison, constant)
    case .between(let low, let high): verdict = prune(.greaterOrEqual, low).and(prune(.lessOrEqual, high))
    case .isIn(let constants):
      var result = Pruning.none
      for constant in constants {
        switch prune(.equal, constant) {
        case .none: continue
        case .some: if result == .none { result = .some }
        case .all: result = .all
        }
      }
      verdict = result
    case .isNull, .isNotNull: verdict = .some
    }
    return verdict == .all && nullCount > 0 ? .some : verdict
  }

  private func prune(_ comparison: ComparisonOperator, _ constant: Scalar) -> Pruning {
    guard let low = ScalarOrder.compare(minimum, constant), let high = ScalarOrder.compare(maximum, constant) else {
      return .some
    }
    switch comparison {
    case .equal:
      if low > 0 || high < 0 { return .none }
      return low == 0 && high == 0 ? .all : .some
    case .notEqual:
      if low > 0 || high < 0 { return .all }
      return low == 0 && high == 0 ? .none : .some
    case .less: return high < 0 ? .all : (low >= 0 ? .none : .some)
    case .lessOrEqual: return high <= 0 ? .all : (low > 0 ? .none : .some)
    case .greater: return low > 0 ? .all : (high <= 0 ? .none : .some)
    case .greaterOrEqual: return low >= 0 ? .all : (high < 0 ? .none : .some)
    }
  }
}
