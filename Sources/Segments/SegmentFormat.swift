import Bytes
import Vectors

/// The constants of the segment file; `FORMAT.md` has the whole of it.
enum SegmentFormat {
  /// The version this program writes. It reads this one and all before it.
  static let version: UInt32 = 3
  static let headMagic: [UInt8] = Array("PULSESEG".utf8)
  static let tailMagic: [UInt8] = Array("PULSEEND".utf8)
  static let headByteCount = 64
  static let tailByteCount = 64
  /// Blocks begin at multiples of this.
  static let alignment = 64

  static func head() -> [UInt8] {
    var writer = ByteWriter(reserving: headByteCount)
    writer.appendRaw(headMagic)
    writer.append(version)
    for _ in writer.count..<(headByteCount - 4) { writer.append(UInt8(0)) }
    writer.append(CRC32C.checksum(writer.bytes))
    return writer.bytes
  }

  static func tail(footerOffset: Int, footerByteCount: Int, footerChecksum: UInt32) -> [UInt8] {
    var writer = ByteWriter(reserving: tailByteCount)
    writer.append(UInt64(footerOffset))
    writer.append(UInt64(footerByteCount))
    writer.append(footerChecksum)
    writer.append(version)
    for _ in writer.count..<(tailByteCount - 12) { writer.append(UInt8(0)) }
    writer.append(CRC32C.checksum(writer.bytes))
    writer.appendRaw(tailMagic)
    return writer.bytes
  }
}

/// Logical types as bytes: a tag, then modifiers. Tags are on disk for ever.
enum TypeCoding {
  static func encode(_ type: LogicalType, into writer: inout ByteWriter) {
    func optional(_ value: Int?) { writer.append(Int32(truncatingIfNeeded: value ?? -1)) }
    switch type {
    case .boolean: writer.append(UInt8(1))
    case .smallint: writer.append(UInt8(2))
    // Labels are the catalog's: here are positions.
    case .integer, .enumeration: writer.append(UInt8(3))
    case .bigint: writer.append(UInt8(4))
    case .real: writer.append(UInt8(5))
    case .double: writer.append(UInt8(6))
    case .numeric(let precision, let scale):
      writer.append(UInt8(7))
      optional(precision)
      writer.append(scale != nil)
      writer.append(Int32(truncatingIfNeeded: scale ?? 0))
    // A row is its text; no column is stored so.
    case .text, .record: writer.append(UInt8(8))
    case .varchar(let length):
      writer.append(UInt8(9))
      optional(length)
    case .char(let length):
      writer.append(UInt8(10))
      optional(length)
    case .bytea: writer.append(UInt8(11))
    case .date: writer.append(UInt8(12))
    case .time: writer.append(UInt8(13))
    case .timestamp: writer.append(UInt8(14))
    case .timestamptz: writer.append(UInt8(15))
    case .interval: writer.append(UInt8(16))
    case .uuid: writer.append(UInt8(17))
    case .json: writer.append(UInt8(18))
    case .jsonb: writer.append(UInt8(19))
    case .unknown: writer.append(UInt8(20))
    case .array(let element):
      writer.append(UInt8(21))
      encode(element, into: &writer)
    }
  }

  /// - Throws: `.corrupt`.
  static func decode(from reader: inout ByteReader) throws(PulsehouseError) -> LogicalType {
    func optional(_ reader: inout ByteReader) throws(PulsehouseError) -> Int? {
      let value = try reader.readInt32()
      return value < 0 ? nil : Int(value)
    }
    switch try reader.readUInt8() {
    case 1: return .boolean
    case 2: return .smallint
    case 3: return .integer
    case 4: return .bigint
    case 5: return .real
    case 6: return .double
    case 7:
      let precision = try optional(&reader)
      let hasScale = try reader.readBool()
      let scale = Int(try reader.readInt32())
      return .numeric(precision: precision, scale: hasScale ? scale : nil)
    case 8: return .text
    case 9: return .varchar(length: try optional(&reader))
    case 10: return .char(length: try optional(&reader) ?? 1)
    case 11: return .bytea
    case 12: return .date
    case 13: return .time
    case 14: return .timestamp
    case 15: return .timestamptz
    case 16: return .interval
    case 17: return .uuid
    case 18: return .json
    case 19: return .jsonb
    case 20: return .unknown
    case 21:
      let element = try decode(from: &reader)
      if case .array = element { throw reader.corrupt("a column of arrays of arrays") }
      return .array(element)
    case let tag: throw reader.corrupt("a column of unknown type \(tag)")
    }
  }
}
