import Bytes
import Planning
import Segments
import Vectors

/// Column defaults as the catalog keeps them: hexadecimal digits of the coded value, or SQL after a mark: `=` for an
/// expression, `!` and `?` for the next value of an identity (always, by default), `+` for a generated column.
enum DefaultValue {
  static func encode(_ value: ColumnDefault) -> String {
    switch value {
    case .constant(let scalar): return encode(scalar)
    case .expression(let sql): return "=" + sql
    case .identity(let sql, let always): return (always ? "!" : "?") + sql
    case .generated(let sql): return "+" + sql
    }
  }

  private static func encode(_ scalar: Scalar) -> String {
    var writer = ByteWriter()
    ScalarCoding.encode(scalar, into: &writer)
    return writer.bytes.map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }

  /// - Throws: `.corrupt` for a text that is no default or not one of `type`.
  static func decode(_ text: String, _ type: LogicalType) throws(PulsehouseError) -> ColumnDefault {
    let sql = String(text.dropFirst())
    switch text.first {
    case "=": return .expression(sql)
    case "!": return .identity(sql, always: true)
    case "?": return .identity(sql, always: false)
    case "+": return .generated(sql)
    default: break
    }
    let digits = Array(text.utf8)
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count - 1, by: 2) {
      guard let byte = UInt8(String(decoding: digits[index...(index + 1)], as: UTF8.self), radix: 16) else {
        throw PulsehouseError(.corrupt, "a column's default cannot be read")
      }
      bytes.append(byte)
    }
    let scalar = try ByteReader.reading(bytes, source: "column default") { reader throws(PulsehouseError) in
      try ScalarCoding.decode(from: &reader)
    }
    guard ScalarCoding.fits(scalar, type) else {
      throw PulsehouseError(.corrupt, "a column's default is not of its type \(type)")
    }
    return .constant(scalar)
  }

  /// The name of the sequence that a default takes its values of; nil for any other.
  static func sequenceName(_ text: String) -> String? {
    guard let first = text.first, "=!?".contains(first), var rest = text.after("nextval('") else { return nil }
    var name = ""
    while let character = rest.popFirst() {
      if character == "'" {
        guard rest.first == "'" else { return name }
        rest.removeFirst()
      }
      name.append(character)
    }
    return nil
  }
}

extension String {
  /// What follows the first place where `part` stands.
  fileprivate func after(_ part: String) -> Substring? {
    var rest = self[...]
    while !rest.isEmpty {
      if rest.hasPrefix(part) { return rest.dropFirst(part.count) }
      rest.removeFirst()
    }
    return nil
  }
}
