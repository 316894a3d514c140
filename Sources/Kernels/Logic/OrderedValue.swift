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
      orders[row].withBytes { out.append($0) }
      texts[row].withBytes { out.append($0) }
      for shift in [0, 8, 16, 24] { out.append(UInt8(truncatingIfNeeded: texts[row].count >> shift)) }
      return true
    }
  }

  /// Returns the values that `make` put behind their order.
  package static func value(of ordered: Vector, _ type: LogicalType) -> Vector {
    if ordered.isConstantNull { return .nulls(type, count: ordered.count) }
    let flat = ordered.flattened()
    let whole = flat.values(as: StringReference.self)
    return mapToText(type, count: flat.count, strictIn: [flat]) { row, out in
      whole[row].withBytes { bytes in
        let length = bytes.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        out.append(UnsafeRawBufferPointer(rebasing: bytes.dropLast(4).suffix(length)))
      }
      return true
    }
  }
}
