import Bytes
import Vectors

/// Rows as PostgreSQL's text of them: `(1,"a b",)`.
package enum RowText {
  /// Makes a row of the fields, which come as a name and a value each.
  package static func make(
    _ arguments: [Vector], _ type: LogicalType, count: Int, zone: ZoneRules?
  ) throws -> Vector {
    let fields = try stride(from: 1, to: arguments.count, by: 2).map { index in
      let value = arguments[index]
      return zone != nil && value.type == .timestamptz ? try Cast.vector(value, to: .text, zone: zone) : value
    }
    let columns = fields.map { TextColumn($0) }
    let field = TextBuffer(capacity: 128)
    let result = mapToText(type, count: count, strictIn: []) { row, out in
      out.append(0x28)
      for (index, column) in columns.enumerated() {
        if index > 0 { out.append(0x2C) }
        if column.isNull(row) { continue }
        field.removeAll()
        column.append(row, into: field)
        append(field.bytes, to: out)
      }
      out.append(0x29)
      return true
    }
    withExtendedLifetime(fields) {}
    return result
  }

  /// Appends a field, in quotes where it would be read as something else.
  private static func append(_ bytes: UnsafeRawBufferPointer, to out: TextBuffer) {
    let isPlain =
      !bytes.isEmpty
      && !bytes.contains { byte in
        byte == 0x22 || byte == 0x5C || byte == 0x28 || byte == 0x29 || byte == 0x2C || TextCursor.isBlank(byte)
      }
    if isPlain { return out.append(bytes) }
    out.append(0x22)
    for byte in bytes {
      if byte == 0x22 || byte == 0x5C { out.append(byte) }
      out.append(byte)
    }
    out.append(0x22)
  }
}
