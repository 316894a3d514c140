/// One value of any type, boxed: literals, zone maps, result rows. Never used per row in a hot loop.
package enum Scalar: Sendable {
  case null
  case boolean(Bool)
  /// smallint, integer, bigint; date in days; time, timestamp and timestamptz in microseconds.
  case integer(Int64)
  case real(Float)
  case double(Double)
  case numeric(Numeric)
  /// text, varchar, char, json, jsonb.
  case text(String)
  case bytes([UInt8])
  case interval(Interval)
  case uuid(UUIDValue)

  package var isNull: Bool {
    if case .null = self { return true }
    return false
  }
}

extension Scalar: Hashable {
  /// Equality by representation: NULL equals NULL, 1.0 and 1.00 differ. SQL's equality is a kernel's affair.
  package static func == (left: Scalar, right: Scalar) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.boolean(let a), .boolean(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.real(let a), .real(let b)): a.bitPattern == b.bitPattern
    case (.double(let a), .double(let b)): a.bitPattern == b.bitPattern
    case (.numeric(let a), .numeric(let b)): a.mantissa == b.mantissa && a.scale == b.scale && a.special == b.special
    case (.text(let a), .text(let b)): a.utf8.elementsEqual(b.utf8)
    case (.bytes(let a), .bytes(let b)): a == b
    case (.interval(let a), .interval(let b)): a == b
    case (.uuid(let a), .uuid(let b)): a == b
    default: false
    }
  }

  package func hash(into hasher: inout Hasher) {
    switch self {
    case .null: hasher.combine(0)
    case .boolean(let value): hasher.combine(value)
    case .integer(let value): hasher.combine(value)
    case .real(let value): hasher.combine(value.bitPattern)
    case .double(let value): hasher.combine(value.bitPattern)
    case .numeric(let value):
      hasher.combine(value.mantissa)
      hasher.combine(value.scale)
      hasher.combine(value.special)
    case .text(let value): for byte in value.utf8 { hasher.combine(byte) }
    case .bytes(let value): hasher.combine(value)
    case .interval(let value): hasher.combine(value)
    case .uuid(let value): hasher.combine(value)
    }
  }
}
