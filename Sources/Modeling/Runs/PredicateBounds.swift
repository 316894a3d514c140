import Vectors

/// The least and greatest integer that several conditions of one column let pass.
struct PredicateBounds {
  private(set) var lower: Int64?
  private(set) var upper: Int64?

  init(_ predicates: [ColumnPredicate]) {
    for predicate in predicates {
      switch predicate {
      case .between(.integer(let low), .integer(let high)):
        narrow(low, high)
      case .compare(.equal, .integer(let value)): narrow(value, value)
      case .compare(.less, .integer(let value)) where value > .min: narrow(nil, value - 1)
      case .compare(.lessOrEqual, .integer(let value)): narrow(nil, value)
      case .compare(.greater, .integer(let value)) where value < .max: narrow(value + 1, nil)
      case .compare(.greaterOrEqual, .integer(let value)): narrow(value, nil)
      default: break
      }
    }
  }

  private mutating func narrow(_ low: Int64?, _ high: Int64?) {
    if let low { lower = max(lower ?? low, low) }
    if let high { upper = min(upper ?? high, high) }
  }
}

/// About how much a query will read of stored tables.
package struct ReadEstimate: Hashable, Sendable {
  package var rowCount = 0
  package var byteCount = 0

  package init(rowCount: Int = 0, byteCount: Int = 0) {
    self.rowCount = rowCount
    self.byteCount = byteCount
  }
}
