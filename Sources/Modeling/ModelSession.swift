import SQLSyntax
import Vectors

/// What a run needs of a warehouse: SQL, and one transaction around it all.
///
/// Statements between `begin` and `commit` see what the ones before them did; nobody else does until `commit`.
package protocol ModelSession: AnyObject {
  func begin() throws
  /// Publishes everything since `begin`, or nothing.
  func commit(message: String) throws
  func rollback()
  /// Runs one statement and returns the number of rows it made, if it has one.
  func execute(_ sql: String) throws -> Int?
  func query(_ sql: String) throws -> QueryAnswer
  /// Says what a name stands for now; nil for nothing.
  func relationKind(_ name: RelationName) throws -> RelationKind?
}

/// The rows of a small query.
package struct QueryAnswer: Sendable {
  package var columns: [Field]
  package var rows: [[Scalar]]

  package init(columns: [Field], rows: [[Scalar]]) {
    self.columns = columns
    self.rows = rows
  }
}

package enum RelationKind: Sendable, Hashable {
  case table
  case view
}

/// The schema and name of a table or view, as SQL folds them.
package struct RelationName: Hashable, Sendable, Comparable, CustomStringConvertible {
  package var schema: String
  package var name: String

  package init(_ schema: String, _ name: String) {
    self.schema = schema
    self.name = name
  }

  /// A name of SQL text; without a schema it is one of `public`.
  init(_ name: QualifiedName) { self.init(name.schema ?? "public", name.name) }

  /// `schema.name` for people.
  package var description: String { "\(schema).\(name)" }
  /// `"schema"."name"` for SQL, quoted whatever the letters.
  package var sql: String { Self.quoted(schema) + "." + Self.quoted(name) }

  package static func quoted(_ identifier: String) -> String {
    "\"" + identifier.replacing("\"", with: "\"\"") + "\""
  }

  package static func < (left: RelationName, right: RelationName) -> Bool {
    (left.schema, left.name) < (right.schema, right.name)
  }
}
