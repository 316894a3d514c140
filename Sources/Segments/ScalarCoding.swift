import Bytes
import Vectors

/// Boxed values as bytes: a tag, then the value. Tags are on disk for ever.
package enum ScalarCoding {
  private enum Tag: UInt8 {
    case null = 0
    case `false` = 1
    case `true` = 2
    case integer = 3
    case real = 4
    case double = 5
    case numeric = 6
    case text = 7
    case bytes = 8
    case interval = 9
    case uuid = 10
  }

  /// Appends a tag and the value.
  package static func encode(_ scalar: Scalar, into writer: inout ByteWriter) {
    func tag(_ tag: Tag) { writer.append(tag.rawValue) }
    switch scalar {
    case .null: tag(.null)
    case .boolean(let value): tag(value ? .true : .false)
    case .integer(let value):
      tag(.integer)
      writer.append(value)
    case .real(let value):
      tag(.real)
      writer.append(value.bitPattern)
    case .double(let value):
      tag(.double)
      writer.append(value)
    case .numeric(let value):
      tag(.numeric)
      writer.append(UInt64(truncatingIfNeeded: value.mantissa))
      writer.append(UInt64(truncatingIfNeeded: value.mantissa >> 64))
      writer.append(value.scale)
      writer.append(value.special)
    case .text(let value):
      tag(.text)
      writer.append(value)
    case .bytes(let value):
      tag(.bytes)
      writer.append(value)
    case .interval(let value):
      tag(.interval)
      writer.append(value.months)
      writer.append(value.days)
      writer.append(value.microseconds)
    case .uuid(let value):
      tag(.uuid)
      writer.append(value.high)
      writer.append(value.low)
    }
  }

  /// Reads what `encode` wrote. - Throws: `.corrupt`.
  package static func decode(from reader: inout ByteReader) throws(PulsehouseError) -> Scalar {
    guard let tag = Tag(rawValue: try reader.readUInt8()) else { throw reader.corrupt("a value of unknown kind") }
    switch tag {
    case .null: return .null
    case .false: return .boolean(false)
    case .true: return .boolean(true)
    case .integer: return .integer(try reader.readInt64())
    case .real: return .real(Float(bitPattern: try reader.readUInt32()))
    case .double: return .double(try reader.readDouble())
    case .numeric:
      let low = try reader.readUInt64()
      let high = try reader.readUInt64()
      let scale = try reader.readInt32()
      let special = try reader.readInt32()
      return .numeric(
        Numeric(mantissa: Int128(Int64(bitPattern: high)) << 64 | Int128(low), scale: scale, special: special))
    case .text: return .text(try reader.readString())
    case .bytes: return .bytes(try reader.readBytes())
    case .interval:
      let months = try reader.readInt32()
      let days = try reader.readInt32()
      return .interval(Interval(months: months, days: days, microseconds: try reader.readInt64()))
    case .uuid:
      let high = try reader.readUInt64()
      return .uuid(UUIDValue(high: high, low: try reader.readUInt64()))
    }
  }

  /// Returns true when `scalar` is NULL or of the kind that a column of `type` has.
  package static func fits(_ scalar: Scalar, _ type: LogicalType) -> Bool {
    switch (scalar, type.physical) {
    case (.null, _), (.boolean, .boolean), (.real, .float32), (.double, .float64), (.numeric, .numeric),
      (.interval, .interval), (.uuid, .uuid):
      return true
    case (.integer(let value), .int16): return Int16(exactly: value) != nil
    case (.integer(let value), .int32): return Int32(exactly: value) != nil
    case (.integer, .int64): return true
    case (.text, .string): return type != .bytea
    case (.bytes, .string): return type == .bytea
    default: return false
    }
  }
}
