import Bytes
import Segments
import Vectors

/// What the warehouse knows of a segment file without opening it.
package struct SegmentDescriptor: Hashable, Sendable {
  /// Relative to the warehouse directory; unique for ever.
  package var path: String
  package var rowCount: Int
  package var byteCount: Int
  package var rowGroupCount: Int
  /// The checksum the segment writer returned and the segment's footer repeats.
  package var checksum: UInt32
  /// The text of the partition value all rows share; nil in a table that is not partitioned.
  package var partition: String?
  /// One zone map per column, encoded; `zoneMaps()` decodes them. Kept encoded because most queries look at few.
  package var encodedZoneMaps: [UInt8]

  /// Describes a segment just written to `path`, relative to the warehouse directory.
  package init(path: String, summary: SegmentSummary, partition: String? = nil) {
    self.path = path
    rowCount = summary.rowCount
    byteCount = summary.byteCount
    rowGroupCount = summary.rowGroupCount
    checksum = summary.checksum
    self.partition = partition
    var writer = ByteWriter()
    writer.appendCount(summary.zoneMaps.count)
    for zoneMap in summary.zoneMaps { zoneMap.encode(into: &writer) }
    encodedZoneMaps = writer.bytes
  }

  /// Returns one zone map per column of the table when the segment was written. - Throws: `.corrupt`.
  package func zoneMaps() throws(PulsehouseError) -> [ZoneMap] {
    try ByteReader.reading(encodedZoneMaps, source: path) { reader throws(PulsehouseError) in
      let count = try reader.readCount()
      var zoneMaps: [ZoneMap] = []
      zoneMaps.reserveCapacity(count)
      for _ in 0..<count { zoneMaps.append(try ZoneMap.decode(from: &reader)) }
      try reader.expectEnd()
      return zoneMaps
    }
  }

  /// The catalog item's value: everything but the path, which is its key.
  func encode() -> [UInt8] {
    var writer = ByteWriter(reserving: encodedZoneMaps.count + 32)
    writer.appendCount(rowCount)
    writer.appendCount(byteCount)
    writer.appendCount(rowGroupCount)
    writer.append(checksum)
    writer.append(partition != nil)
    if let partition { writer.append(partition) }
    writer.appendRaw(encodedZoneMaps)
    return writer.bytes
  }

  /// Reads what `encode` wrote. - Throws: `.corrupt`.
  init(path: String, decoding value: [UInt8]) throws(PulsehouseError) {
    self = try ByteReader.reading(value, source: path) { reader throws(PulsehouseError) in
      try SegmentDescriptor(path: path, &reader)
    }
  }

  private init(path: String, _ reader: inout ByteReader) throws(PulsehouseError) {
    self.path = path
    rowCount = try reader.readSize()
    byteCount = try reader.readSize()
    rowGroupCount = try reader.readSize()
    checksum = try reader.readUInt32()
    partition = try reader.readBool() ? try reader.readString() : nil
    encodedZoneMaps = [UInt8](try reader.readRaw(reader.remaining))
  }
}

extension ByteReader {
  /// Reads a count of rows or bytes of something that lies elsewhere.
  mutating func readSize() throws(PulsehouseError) -> Int {
    let value = try readVarint()
    guard value < 1 << 56 else { throw corrupt("a size of \(value)") }
    return Int(value)
  }
}
