package enum ComparisonOperator: UInt8, Sendable, Hashable, CaseIterable {
  case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual

  /// The operator that gives the same answer with its sides exchanged.
  package var flipped: ComparisonOperator {
    switch self {
    case .equal: .equal
    case .notEqual: .notEqual
    case .less: .greater
    case .lessOrEqual: .greaterOrEqual
    case .greater: .less
    case .greaterOrEqual: .lessOrEqual
    }
  }

  /// The operator that is true where this one is false, on non-null values.
  package var negated: ComparisonOperator {
    switch self {
    case .equal: .notEqual
    case .notEqual: .equal
    case .less: .greaterOrEqual
    case .lessOrEqual: .greater
    case .greater: .lessOrEqual
    case .greaterOrEqual: .less
    }
  }

  package var symbol: String {
    switch self {
    case .equal: "="
    case .notEqual: "<>"
    case .less: "<"
    case .lessOrEqual: "<="
    case .greater: ">"
    case .greaterOrEqual: ">="
    }
  }
}

/// A test of one column against constants of the column's own type, simple enough to be answered from a zone map or
/// on the encoded form. True keeps the row; NULL and false drop it. Constants are never NULL.
package enum ColumnPredicate: Hashable, Sendable {
  case compare(ComparisonOperator, Scalar)
  /// Inclusive at both ends.
  case between(Scalar, Scalar)
  case isIn([Scalar])
  case isNull
  case isNotNull
}
