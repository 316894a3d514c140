import Bytes
import Vectors

/// Turns messages of JSON into Avro single objects, many at a time. One thread at a time.
package final class AvroMessageEncoder {
  private let writer: AvroWriter
  private let builder: JSONBatchBuilder
  /// The most messages at a time.
  package static let batchLimit = 16_384

  /// - Throws: `.unsupported` for a schema that cannot be written.
  package init(_ schema: AvroSchema) throws(PulsehouseError) {
    writer = try AvroWriter(schema)
    builder = try JSONBatchBuilder(fields: writer.fields, capacity: Self.batchLimit)
  }

  /// Hands `take` each message's Avro, in order, or its own bytes where they are no JSON of the schema: what a broken
  /// watch sends stays broken. `values` lie in `bytes`.
  package func encode(_ bytes: [UInt8], _ values: [Range<Int>], take: (UnsafeRawBufferPointer) -> Void) {
    precondition(values.count <= Self.batchLimit, "too many messages at a time")
    let block = AlignedBuffer(byteCount: bytes.count + values.count)
    var rows = [Int](repeating: -1, count: values.count)
    var start = 0
    bytes.withUnsafeBytes { raw in
      for (index, range) in values.enumerated() where !range.isEmpty {
        let value = UnsafeRawBufferPointer(rebasing: raw[range])
        if let base = value.baseAddress { (block.base + start).copyMemory(from: base, byteCount: value.count) }
        block.base.storeBytes(of: 0, toByteOffset: start + value.count, as: UInt8.self)
        let row = builder.rowCount
        if builder.append(record: block, from: start, to: start + value.count, offset: 0, line: 0) { rows[index] = row }
        start += value.count + 1
      }
    }
    builder.rejected.removeAll(keepingCapacity: true)
    let columns = builder.rowCount > 0 ? builder.finish().fields.map { $0.flattened() } : []
    var object: [UInt8] = []
    for (index, range) in values.enumerated() {
      object.removeAll(keepingCapacity: true)
      if rows[index] < 0 || !writer.append(row: rows[index], of: columns, to: &object) {
        object.append(contentsOf: bytes[range])
      }
      object.withUnsafeBytes(take)
    }
  }
}
