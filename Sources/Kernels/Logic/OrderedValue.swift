import Bytes
import Vectors

/// Arrays and jsonb in a form that compares byte by byte as they do: the bytes they are ordered by, the value's text, and
/// that text's length in four bytes. The least and greatest of such bytes hold the least and greatest value.
package enum OrderedValue {
  package static func make(_ values: Vector, now: Int64) throws -> Vector {
    if values.isConstantNull { return .nulls(.bytea, count: values.count) }
    let flat = values.flattened()
    let order = flat.type == .jsonb ? try JSONFunctions.order(flat) : try ArrayFunctions.order(flat, now: now)
    let keys = order.flattened()
    let (texts, orders) = (flat.values(as: StringReference.self), keys.values(as: StringReference.self))
    return mapToText(.bytea, count: flat.count, strictIn: [flat]) { row, out in
      orders[row].withBytes { order in texts[row].withBytes { write(order, $0, out) } }
      return true
    }
  }

  /// What values are sorted by: of jsonb and arrays bytes that are ordered as they are.
  static func sortable(_ values: Vector, now: Int64) throws -> Vector {
    switch values.type {
    case .jsonb: try JSONFunctions.order(values)
    case .array: try ArrayFunctions.order(values, now: now)
    default: values
    }
  }

  static func write(_ order: UnsafeRawBufferPointer, _ text: UnsafeRawBufferPointer, _ out: TextBuffer) {
    out.append(order)
    out.append(text)
    for shift in [0, 8, 16, 24] { out.append(UInt8(truncatingIfNeeded: text.count >> shift)) }
  }

  static func parts(_ bytes: UnsafeRawBufferPointer) -> (order: [UInt8], text: [UInt8]) {
    let length = bytes.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    return (Array(bytes.dropLast(length + 4)), Array(bytes.dropLast(4).suffix(length)))
  }

  /// Returns the values that `make` put behind their order.
  package static func value(of ordered: Vector, _ type: LogicalType) -> Vector {
    if ordered.isConstantNull { return .nulls(type, count: ordered.count) }
    let flat = ordered.flattened()
    let whole = flat.values(as: StringReference.self)
    return mapToText(type, count: flat.count, strictIn: [flat]) { row, out in
      whole[row].withBytes { bytes in parts(bytes).text.withUnsafeBytes { out.append($0) } }
      return true
    }
  }
}
