/// A column's name, type and whether it may hold NULL.
package struct Field: Hashable, Sendable {
  package var name: String
  package var type: LogicalType
  package var isNullable: Bool
  /// Digits of the second that values are rounded to; nil for all six.
  package var secondDigits: Int?
  /// The domain whose conditions values must pass, by its identifier; `type` is the type below it.
  package var domain: UInt64?

  package init(_ name: String, _ type: LogicalType, isNullable: Bool = true) {
    self.name = name
    self.type = type
    self.isNullable = isNullable
  }
}

/// The columns of a table or result, in order. Names are compared as PostgreSQL folds them: already lower case unless
/// quoted.
package struct Schema: Hashable, Sendable {
  package var fields: [Field]

  package init(_ fields: [Field]) { self.fields = fields }

  package var count: Int { fields.count }

  package func index(of name: String) -> Int? { fields.firstIndex { $0.name == name } }

  package subscript(index: Int) -> Field { fields[index] }
}
