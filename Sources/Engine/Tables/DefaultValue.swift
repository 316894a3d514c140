import Bytes
import Planning
import Segments
import Vectors

/// Column defaults as the catalog keeps them: hexadecimal digits of the coded value, or `=` and the SQL of an expression.
enum DefaultValue {
  static func encode(_ value: ColumnDefault) -> String {
    switch value {
    case .constant(let scalar): return encode(scalar)
    case .expression(let sql): return "=" + sql
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
  static func decode(_ text: String, _ type: LogicalType) throws -> ColumnDefault {
    if text.hasPrefix("=") { return .expression(String(text.dropFirst())) }
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
}
