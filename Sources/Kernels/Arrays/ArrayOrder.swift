import Bytes
import Vectors

/// The order of arrays: by the first elements that differ, NULL after all others; where one is the other's beginning the
/// shorter comes first.
extension ArrayFunctions {
  /// Returns bytes for each array that are ordered as the arrays are, and equal where they are. An element is a 1 and its
  /// key, NULL is a 2, the end is a 0.
  package static func order(_ arrays: Vector, now: Int64) throws -> Vector {
    guard case .array(let element) = arrays.type else {
      throw PulsehouseError(.internal, "\(arrays.type) is no array to be ordered")
    }
    let (rows, texts) = try flatten(arrays)
    let values = try Cast.vector(texts, to: element, now: now).flattened()
    var next = 0
    return try mapToText(.bytea, count: arrays.count, strictIn: [arrays]) { row, out in
      while next < rows.count, Int(rows[next]) <= row {
        if values.isValid(next) {
          out.append(1)
          try appendKey(of: values, next, out)
        } else {
          out.append(2)
        }
        next += 1
      }
      out.append(0)
      return true
    }
  }

  /// Appends bytes that are ordered as the values are, none of which begins another's.
  static func appendKey(of values: Vector, _ row: Int, _ out: TextBuffer) throws {
    func append(_ key: UInt64) {
      for shift in stride(from: UInt64(56), through: 0, by: -8) { out.append(UInt8(truncatingIfNeeded: key >> shift)) }
    }
    func append(signed value: Int64) { append(UInt64(bitPattern: value) ^ (1 << 63)) }
    func append(float value: Double) {
      // NaN is beyond all others, and the two zeros are one.
      let bits = value.isNaN ? Double.nan.bitPattern : (value == 0 ? 0 : value.bitPattern)
      append(bits >> 63 == 1 ? ~bits : bits | (1 << 63))
    }
    switch values.type.physical {
    case .boolean: append(signed: Int64(values.values(as: UInt8.self)[row]))
    case .int16: append(signed: Int64(values.values(as: Int16.self)[row]))
    case .int32: append(signed: Int64(values.values(as: Int32.self)[row]))
    case .int64: append(signed: values.values(as: Int64.self)[row])
    case .float32: append(float: Double(values.values(as: Float.self)[row]))
    case .float64: append(float: values.values(as: Double.self)[row])
    case .string: try appendText(values.values(as: StringReference.self)[row], values.type, out)
    case .numeric: appendNumber(values.values(as: Numeric.self)[row], out)
    case .interval:
      let span = values.values(as: Interval.self)[row].span
      append(signed: Int64(truncatingIfNeeded: span >> 64))
      append(UInt64(truncatingIfNeeded: span))
    case .uuid:
      let value = values.values(as: UUIDValue.self)[row]
      append(value.high)
      append(value.low)
    }
  }

  private static func appendText(_ value: StringReference, _ type: LogicalType, _ out: TextBuffer) throws {
    switch type {
    case .jsonb: try value.withBytes { try JSONFunctions.writeOrder($0, out) }
    case .bytea:
      value.withBytes { bytes in
        for byte in bytes {
          out.append(byte)
          if byte == 0 { out.append(0xFF) }
        }
      }
      out.append(0)
      out.append(0)
    case .char:
      value.withoutPadding { $0.withBytes { out.append($0) } }
      out.append(0)
    default:
      value.withBytes { out.append($0) }
      out.append(0)
    }
  }

  /// -Infinity, numbers, Infinity, NaN, as PostgreSQL sorts them.
  private static func appendNumber(_ value: Numeric, _ out: TextBuffer) {
    switch value.special {
    case 0:
      out.append(1)
      JSONValue.writeOrder(number: Array(value.description.utf8), out)
    case 1: out.append(3)
    case 2: out.append(2)
    default: out.append(0)
    }
  }
}
