/// A statement that makes or changes a type of the user's own.
package enum TypeStatement: Hashable, Sendable {
  case createDomain(CreateDomain)
  /// `CREATE TYPE name AS ENUM (labels)`.
  case createEnum(QualifiedName, labels: [String])
  case alter(AlterType)
}

/// `CREATE DOMAIN name AS type constraints`.
package struct CreateDomain: Hashable, Sendable {
  package var name: QualifiedName
  package var type: TypeName
  package var collation: [String]
  package var constraints: [Constraint]
}

/// `ALTER DOMAIN` or `ALTER TYPE`.
package struct AlterType: Hashable, Sendable {
  package enum Action: Hashable, Sendable {
    case rename(to: String)
    case setSchema(String)
    case setDefault(Expression)
    case dropDefault
    case setNotNull
    case dropNotNull
    case addConstraint(Constraint)
    case dropConstraint(String, ifExists: Bool)
    case renameConstraint(String, to: String)
    /// Constraints always hold for what is stored, so there is nothing left to look at.
    case validateConstraint(String)
    /// `ADD VALUE label`, at the end or beside a neighbour.
    case addValue(String, ifNotExists: Bool, neighbour: String?, isAfter: Bool)
    case renameValue(String, to: String)
  }
  package var name: QualifiedName
  /// `ALTER DOMAIN`, which is for no other types.
  package var isDomain: Bool
  package var action: Action
}
