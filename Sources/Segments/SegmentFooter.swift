import Bytes
import Encodings
import Vectors

/// What a segment says of itself at its end: schema, order, properties, and where each block lies.
struct SegmentFooter: Sendable {
  /// A block's place, checksum and zone map.
  struct BlockEntry: Sendable {
    var offset: Int
    var byteCount: Int
    var checksum: UInt32
    /// How it is encoded, outermost first; for reports.
    var encodings: [Encoding]
    var zoneMap: ZoneMap
  }

  struct RowGroupEntry: Sendable {
    var rowCount: Int
    /// One per column.
    var blocks: [BlockEntry]
  }

  var schema: Schema
  var sortedBy: [Int]
  var properties: [String: String]
  var rowGroups: [RowGroupEntry]
  /// One per column, over all row groups.
  var zoneMaps: [ZoneMap]

  func encode() -> [UInt8] {
    var writer = ByteWriter(reserving: 256 + rowGroups.count * schema.count * 48)
    writer.appendCount(schema.count)
    for field in schema.fields {
      writer.append(field.name)
      TypeCoding.encode(field.type, into: &writer)
      writer.append(field.isNullable)
    }
    writer.appendCount(sortedBy.count)
    for column in sortedBy { writer.appendCount(column) }
    writer.appendCount(properties.count)
    for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
      writer.append(name)
      writer.append(value)
    }
    writer.appendCount(rowGroups.count)
    for rowGroup in rowGroups {
      writer.appendCount(rowGroup.rowCount)
      for block in rowGroup.blocks {
        writer.appendCount(block.byteCount)
        writer.append(block.checksum)
        writer.appendCount(block.encodings.count)
        for encoding in block.encodings { writer.append(encoding.rawValue) }
        block.zoneMap.encode(into: &writer)
      }
    }
    for zoneMap in zoneMaps { zoneMap.encode(into: &writer) }
    return writer.bytes
  }

  /// Reads a footer whose checksum is right. Blocks must tile the file from its head to `footerOffset`, so that no byte
  /// is without a checksum. - Throws: `.corrupt`.
  static func decode(_ reader: inout ByteReader, footerOffset: Int) throws(PulsehouseError) -> SegmentFooter {
    var fields: [Field] = []
    for _ in 0..<(try reader.readCount(minimumByteCount: 3)) {
      let name = try reader.readString()
      let type = try TypeCoding.decode(from: &reader)
      fields.append(Field(name, type, isNullable: try reader.readBool()))
    }
    var sortedBy: [Int] = []
    for _ in 0..<(try reader.readCount()) {
      let column = try reader.readVarint()
      guard column < UInt64(fields.count) else { throw reader.corrupt("an order by column \(column)") }
      sortedBy.append(Int(column))
    }
    var properties: [String: String] = [:]
    for _ in 0..<(try reader.readCount(minimumByteCount: 2)) {
      let name = try reader.readString()
      properties[name] = try reader.readString()
    }
    var rowGroups: [RowGroupEntry] = []
    var offset = SegmentFormat.headByteCount
    var total = 0
    for _ in 0..<(try reader.readCount(minimumByteCount: 1)) {
      let rowCount = try reader.readVarint()
      guard rowCount > 0, rowCount <= UInt64(Int32.max), total <= 1 << 47 else {
        throw reader.corrupt("a row group of \(rowCount) rows")
      }
      total += Int(rowCount)
      var blocks: [BlockEntry] = []
      blocks.reserveCapacity(fields.count)
      for field in fields {
        let byteCount = try reader.readVarint()
        let checksum = try reader.readUInt32()
        guard byteCount > 0, byteCount % UInt64(SegmentFormat.alignment) == 0,
          byteCount <= UInt64(footerOffset - offset)
        else { throw reader.corrupt("a block of \(byteCount) bytes") }
        var encodings: [Encoding] = []
        for _ in 0..<(try reader.readCount()) {
          guard let encoding = Encoding(rawValue: try reader.readUInt8()) else {
            throw reader.corrupt("an unknown encoding")
          }
          encodings.append(encoding)
        }
        let zoneMap = try ZoneMap.decode(from: &reader)
        guard zoneMap.rowCount == Int(rowCount) else { throw reader.corrupt("a zone map of another row count") }
        try check(zoneMap, field, reader)
        blocks.append(
          BlockEntry(
            offset: offset, byteCount: Int(byteCount), checksum: checksum, encodings: encodings, zoneMap: zoneMap))
        offset += Int(byteCount)
      }
      rowGroups.append(RowGroupEntry(rowCount: Int(rowCount), blocks: blocks))
    }
    var zoneMaps: [ZoneMap] = []
    for field in fields {
      let zoneMap = try ZoneMap.decode(from: &reader)
      try check(zoneMap, field, reader)
      guard zoneMap.rowCount == total else { throw reader.corrupt("a zone map of another row count") }
      zoneMaps.append(zoneMap)
    }
    try reader.expectEnd()
    guard offset == footerOffset else { throw reader.corrupt("blocks that end at \(offset), not at the footer") }
    return SegmentFooter(
      schema: Schema(fields), sortedBy: sortedBy, properties: properties, rowGroups: rowGroups, zoneMaps: zoneMaps)
  }

  private static func check(_ zoneMap: ZoneMap, _ field: Field, _ reader: ByteReader) throws(PulsehouseError) {
    guard ScalarCoding.fits(zoneMap.minimum, field.type), ScalarCoding.fits(zoneMap.maximum, field.type) else {
      throw reader.corrupt("bounds of another type than column \(field.name)")
    }
  }
}
