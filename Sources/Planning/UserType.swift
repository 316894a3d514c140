import SQLSyntax
import Vectors

/// A type that somebody made by CREATE DOMAIN or CREATE TYPE.
package struct UserType: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case domain(DomainRule)
    /// Labels in their order.
    case enumeration([EnumerationType.Label])
  }
  /// Told apart from a later type of the same name; by it columns know theirs.
  package var identifier: UInt64
  package var schema: String
  package var name: String
  package var kind: Kind

  package init(identifier: UInt64, schema: String, name: String, kind: Kind) {
    self.identifier = identifier
    self.schema = schema
    self.name = name
    self.kind = kind
  }

  /// What a domain is; nil for another type.
  package var domain: DomainRule? {
    if case .domain(let rule) = kind { rule } else { nil }
  }

  /// What an enumerated type is; nil for another type.
  package var enumeration: EnumerationType? {
    guard case .enumeration(let labels) = kind else { return nil }
    return EnumerationType(identifier: identifier, schema: schema, name: name, labels: labels)
  }
}

/// What a domain is. Its values are those of the type below; nothing else of them is stored.
package struct DomainRule: Hashable, Sendable {
  /// A condition over `VALUE`, as SQL.
  package struct Check: Hashable, Sendable {
    package var name: String
    package var condition: String

    package init(name: String, condition: String) {
      self.name = name
      self.condition = condition
    }
  }

  /// The type below, that of the innermost domain where domains stand on each other.
  package var type: LogicalType
  package var secondDigits: Int?
  /// The domain that this one is made of.
  package var parent: UInt64?
  package var isNullable: Bool
  /// What a column gets that has no default of its own.
  package var defaultValue: ColumnDefault?
  /// In order of their names, without those of the parent.
  package var checks: [Check]

  package init(
    type: LogicalType, secondDigits: Int? = nil, parent: UInt64? = nil, isNullable: Bool = true,
    defaultValue: ColumnDefault? = nil, checks: [Check] = []
  ) {
    self.type = type
    self.secondDigits = secondDigits
    self.parent = parent
    self.isNullable = isNullable
    self.defaultValue = defaultValue
    self.checks = checks
  }
}

/// CREATE or ALTER of a type, resolved.
package enum TypeChange: Sendable {
  case create(QualifiedName, UserType.Kind)
  case alter(TypeAlteration)
}

package struct TypeAlteration: Sendable {
  /// What values that are stored must pass from now on.
  package enum Test: Sendable {
    case isNotNull
    /// A condition over `VALUE`, as SQL.
    case check(String)
  }
  /// `ALTER DOMAIN` or `ALTER TYPE`.
  package var tag: String
  /// The type as it is to be, under its new name.
  package var type: UserType
  /// The schema it is to go to.
  package var schema: String?
  package var test: Test?
  /// The label that gets another name, by the one it had.
  package var renamedLabel: String?
  package var notices: [String] = []
}
