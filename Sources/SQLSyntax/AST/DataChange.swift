package struct Insert: Hashable, Sendable {
  package enum Source: Hashable, Sendable {
    case query(Query)
    case defaultValues
  }
  package enum Overriding: String, Hashable, Sendable {
    case none
    case system
    case user
  }
  package var with: WithClause?
  package var table: NamedTable
  /// The named columns in their order, or none.
  package var columns: [AssignmentTarget]
  package var source: Source
  package var overriding: Overriding
  package var onConflict: OnConflict?
  package var returning: [SelectItem]
}

/// `ON CONFLICT [target] DO NOTHING | DO UPDATE SET ... [WHERE ...]`.
package struct OnConflict: Hashable, Sendable {
  package enum Target: Hashable, Sendable {
    case any
    /// `(column or expression, ...) [WHERE predicate]`.
    case columns([Expression], predicate: Expression?)
    case constraint(String)
  }
  package enum Action: Hashable, Sendable {
    case nothing
    case update([Assignment], predicate: Expression?)
  }
  package var target: Target
  package var action: Action
  package var range: SourceRange
}

/// A column that is written to, or a part of it; fields after it are refused by the parser's translation.
package struct AssignmentTarget: Hashable, Sendable {
  package var name: String
  /// None where all of the column is written.
  package var subscripts: [ArraySubscript]
  package var range: SourceRange
}

package enum Assignment: Hashable, Sendable {
  /// `column = value`; the value may be `.defaultValue`.
  case single(AssignmentTarget, Expression)
  /// `(a, b) = (1, 2)` or `(a, b) = (SELECT ...)`: the value is a row or a scalar subquery.
  case multiple([AssignmentTarget], Expression)
}

package struct Update: Hashable, Sendable {
  package var with: WithClause?
  package var table: NamedTable
  package var assignments: [Assignment]
  package var from: [TableReference]
  package var predicate: Expression?
  package var returning: [SelectItem]
}

package struct Delete: Hashable, Sendable {
  package var with: WithClause?
  package var table: NamedTable
  package var using: [TableReference]
  package var predicate: Expression?
  package var returning: [SelectItem]
}

package struct Merge: Hashable, Sendable {
  package enum Action: Hashable, Sendable {
    case nothing
    case delete
    case update([Assignment])
    /// No values is `DEFAULT VALUES`.
    case insert(columns: [AssignmentTarget], values: [Expression]?)
  }
  package struct Clause: Hashable, Sendable {
    package var isMatched: Bool
    package var condition: Expression?
    package var action: Action
  }
  package var with: WithClause?
  package var table: NamedTable
  package var source: TableReference
  package var condition: Expression
  package var clauses: [Clause]
}

package struct Truncate: Hashable, Sendable {
  package var tables: [QualifiedName]
  package var restartsIdentity: Bool
  package var isCascade: Bool
}

/// `COPY table | (query) FROM | TO file | PROGRAM command | STDIN | STDOUT`.
package struct Copy: Hashable, Sendable {
  package enum Subject: Hashable, Sendable {
    case table(QualifiedName, columns: [String])
    case query(StatementNode)
  }
  package enum Place: Hashable, Sendable {
    case file(String)
    case program(String)
    /// STDIN or STDOUT.
    case standard
  }
  package var subject: Subject
  package var isFrom: Bool
  package var place: Place
  package var options: [StatementOption]
  /// `WHERE`, of COPY FROM only.
  package var predicate: Expression?
}
