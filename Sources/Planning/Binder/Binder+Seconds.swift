import SQLSyntax
import Vectors

/// `timestamp(p)`, `time(p)`, `interval(p)` and the like: the same types, their values rounded to p digits of the
/// second; and intervals of some fields.
extension Binder {
  /// The digits that a type name asks for; nil for six, which is all there are, and for other types.
  func secondDigits(_ name: TypeName) throws -> Int? {
    guard name.arrayBounds.isEmpty else { return nil }
    if let fields = try intervalFields(name) { return fields.digits }
    if let domain = try domain(name) { return domain.domain?.secondDigits }
    guard ["time", "timestamp", "timestamptz"].contains(name.baseName),
      let modifier = name.modifiers.first, case .literal(.integer(let digits)) = modifier.node
    else { return nil }
    // More than six are taken as six, as PostgreSQL does with a warning.
    return digits < 6 ? Int(digits) : nil
  }

  func rounded(_ value: Expression, toSecondDigits digits: Int?) -> Expression {
    guard let digits else { return value }
    return .call(.roundSeconds, [value, .constant(.integer(Int64(digits)), .integer)], value.type)
  }

  /// What stands behind `interval` in a type's name.
  struct IntervalModifier {
    /// PostgreSQL's mask: a bit for each field.
    let mask: Int64
    /// Digits of the second; nil for all six.
    let digits: Int?

    /// The least field, when there is something less than it.
    var unit: String? {
      [(12, nil), (11, "minute"), (10, "hour"), (3, "day"), (1, "month"), (2, "year")].first { bit, _ in
        mask & (1 << bit) != 0
      }?.1
    }

    /// Whether a column's values can be kept with digits of the second alone.
    var isAnyOfSeconds: Bool { unit == nil && mask != 1 << 11 | 1 << 12 }
  }

  /// The fields and digits of an interval's type; nil for other types and for all fields and digits.
  func intervalFields(_ name: TypeName) throws -> IntervalModifier? {
    guard name.baseName == "interval", name.arrayBounds.isEmpty, !name.modifiers.isEmpty else { return nil }
    guard name.modifiers.count <= 2, case .literal(.integer(let mask)) = name.modifiers[0].node else {
      throw BinderError.unsupported("interval with these fields", name.range)
    }
    guard name.modifiers.count == 2 else { return IntervalModifier(mask: mask, digits: nil) }
    guard case .literal(.integer(let digits)) = name.modifiers[1].node, digits >= 0 else {
      throw BinderError.unsupported("interval with these fields", name.range)
    }
    return IntervalModifier(mask: mask, digits: digits < 6 ? Int(digits) : nil)
  }

  /// `INTERVAL '1' DAY`: the last field gives the unit of a bare number.
  func interval(_ text: String, _ fields: IntervalModifier, _ range: SourceRange) throws -> Expression {
    let read = Expression.call(
      .readInterval, [.constant(.text(text), .text), .constant(.integer(fields.mask), .bigint)], .interval)
    return .constant(try evaluate(cut(read, fields), range), .interval)
  }

  /// `interval HOUR TO MINUTE`: what is less than the last field is cut off.
  func cut(_ value: Expression, _ fields: IntervalModifier) -> Expression {
    guard let unit = fields.unit else { return rounded(value, toSecondDigits: fields.digits) }
    return .call(.dateTrunc, [.constant(.text(unit), .text), value], .interval)
  }
}
