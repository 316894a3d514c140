import SQLSyntax
import Vectors

/// `timestamp(p)`, `timestamptz(p)` and `time(p)`: the same types, their values rounded to p digits of the second.
extension Binder {
  /// The digits that a type name asks for; nil for six, which is all there are, and for other types.
  func secondDigits(_ name: TypeName) throws -> Int? {
    guard ["time", "timestamp", "timestamptz"].contains(name.baseName), name.arrayBounds.isEmpty,
      let modifier = name.modifiers.first, case .literal(.integer(let digits)) = modifier.node
    else { return nil }
    // More than six are taken as six, as PostgreSQL does with a warning.
    return digits < 6 ? Int(digits) : nil
  }

  func rounded(_ value: Expression, toSecondDigits digits: Int?) -> Expression {
    guard let digits else { return value }
    return .call(.roundSeconds, [value, .constant(.integer(Int64(digits)), .integer)], value.type)
  }
}
