import Bytes
import Ingestion
import Kernels
import Simulation
import Vectors

/// Events as columns, as they come out of JSON.
private struct Events {
  var columns: [Vector]
  var count: Int
}

/// Encodes and decodes the same events in each format, one message at a time or a batch of them as one message.
final class FormatComparison {
  private let schema: AvroSchema
  private let writer: AvroWriter
  private let reader: AvroReader
  private let fields: [JSONField]
  private let events: Events
  private let decoder: ZstdDecoder
  private static let batchCount = 1000
  private static let syncMarker = [UInt8](repeating: 0x5A, count: 16)

  init(eventCount: Int, schemaPath: String) throws {
    schema = try AvroSchema(try LocalFileSystem().readFile(schemaPath, limit: 1 << 20), file: schemaPath)
    writer = try AvroWriter(schema)
    reader = try AvroReader(schema)
    fields = writer.fields
    decoder = try ZstdDecoder()
    var options = SimulationOptions()
    options.eventCount = eventCount
    options.malformedShare = 0
    let stream = try EventStream(options)
    var lines: [UInt8] = []
    func take(_ message: SimulatedMessage) {
      lines.append(contentsOf: message.value)
      lines.append(0x0A)
    }
    while let _: Void = stream.next(take) {}
    events = try Self.decode(lines: lines, fields, capacity: eventCount)
  }

  private static func decode(lines: [UInt8], _ fields: [JSONField], capacity: Int) throws -> Events {
    let builder = try JSONBatchBuilder(fields: fields, capacity: capacity)
    return try decode(lines: lines, builder)
  }

  private static func decode(lines: [UInt8], _ builder: JSONBatchBuilder) throws -> Events {
    let block = AlignedBuffer(byteCount: lines.count)
    lines.withUnsafeBytes { raw in
      if let base = raw.baseAddress { block.base.copyMemory(from: base, byteCount: raw.count) }
    }
    _ = builder.append(lines: block, from: 0, to: lines.count, offset: 0, line: 1, lastLine: .isFinal)
    guard builder.rejected.isEmpty else {
      throw PulsehouseError(.internal, "an event does not fit: \(builder.rejected[0].reason)")
    }
    let count = builder.rowCount
    return Events(columns: builder.finish().fields.map { $0.flattened() }, count: count)
  }

  /// What one format makes of `rows`: the message's bytes, and back to lines of JSON or straight to rows.
  private struct Format {
    var name: String
    var batchCount: Int
    var encode: (Range<Int>, inout [UInt8]) throws -> Void
    /// Appends the messages' JSON, a line each, which is then read like all JSON.
    var decode: (UnsafeRawBufferPointer, inout [UInt8]) throws -> Void
  }

  func run() throws {
    let one = 1
    let many = Self.batchCount
    let formats = [
      Format(name: "JSON", batchCount: one, encode: json, decode: { text, lines in lines.append(contentsOf: text) }),
      Format(name: "JSON + zstd", batchCount: one, encode: compressed(json), decode: decompressed { $1 += $0 }),
      Format(name: "JSON + zstd", batchCount: many, encode: compressed(json), decode: decompressed { $1 += $0 }),
      Format(name: "Avro single objects", batchCount: one, encode: avroObject, decode: readObject),
      Format(name: "Avro blocks", batchCount: many, encode: avroBlock, decode: readBlock),
      Format(
        name: "Avro blocks + zstd", batchCount: many, encode: compressed(avroBlock),
        decode: decompressed { bytes, lines in try bytes.withUnsafeBytes { try self.readBlock($0, &lines) } }),
    ]
    for format in formats { try measure(format) }
  }

  private func measure(_ format: Format) throws {
    var bytes: [UInt8] = []
    var ends: [Int] = []
    let builder = try JSONBatchBuilder(fields: fields, capacity: events.count)
    var encodeSeconds = Double.infinity
    var decodeSeconds = Double.infinity
    for _ in 0..<3 {
      let clock = ContinuousClock()
      bytes.removeAll(keepingCapacity: true)
      ends.removeAll(keepingCapacity: true)
      let encoding = try clock.measure {
        var first = 0
        while first < events.count {
          let end = min(first + format.batchCount, events.count)
          try format.encode(first..<end, &bytes)
          ends.append(bytes.count)
          first = end
        }
      }
      encodeSeconds = min(encodeSeconds, encoding / .seconds(1))
      var lines: [UInt8] = []
      lines.reserveCapacity(events.count * 160)
      var decoded: Events?
      let decoding = try clock.measure {
        var start = 0
        try bytes.withUnsafeBytes { raw in
          for end in ends {
            try format.decode(UnsafeRawBufferPointer(rebasing: raw[start..<end]), &lines)
            start = end
          }
        }
        decoded = try Self.decode(lines: lines, builder)
      }
      decodeSeconds = min(decodeSeconds, decoding / .seconds(1))
      try check(decoded, format.name)
    }
    let perEvent = Double(events.count)
    print(
      "{\"format\":\"\(format.name)\",\"batch\":\(format.batchCount),\"bytes\":\(Double(bytes.count) / perEvent),"
        + "\"encode_ns\":\(encodeSeconds * 1e9 / perEvent),\"decode_ns\":\(decodeSeconds * 1e9 / perEvent)}")
  }

  /// The events must come back value for value.
  private func check(_ decoded: Events?, _ name: String) throws {
    guard let decoded, decoded.count == events.count else {
      throw PulsehouseError(.internal, "\(name) lost events")
    }
    for (index, column) in events.columns.enumerated() {
      for row in stride(from: 0, to: events.count, by: 97)
      where column.scalar(at: row) != decoded.columns[index].scalar(at: row) {
        throw PulsehouseError(.internal, "\(name) changed \(fields[index].path.joined(separator: "."))")
      }
    }
  }

  // MARK: Formats

  /// The watch's own text: nested objects, coordinates with six places.
  private func json(_ rows: Range<Int>, _ text: inout [UInt8]) {
    let columns = events.columns
    for row in rows {
      text += "{\"user_id\":".utf8
      append(columns[0].values(as: Int64.self)[row], &text)
      text += ",\"heart_rate\":".utf8
      append(Int64(columns[1].values(as: Int32.self)[row]), &text)
      text += ",\"timestamp\":".utf8
      append(columns[2].values(as: Int64.self)[row], &text)
      text += ",\"meta\":{\"activity_id\":".utf8
      append(columns[3].values(as: Int64.self)[row], &text)
      text += ",\"location\":{\"latitude\":".utf8
      append(columns[4].values(as: Double.self)[row], &text)
      text += ",\"longitude\":".utf8
      append(columns[5].values(as: Double.self)[row], &text)
      text += "}}}\n".utf8
    }
  }

  private func append(_ number: Int64, _ text: inout [UInt8]) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var rest = number.magnitude
      var first = 20
      repeat {
        first -= 1
        digits[first] = UInt8(truncatingIfNeeded: rest % 10) + 0x30
        rest /= 10
      } while rest > 0
      if number < 0 { text.append(UInt8(ascii: "-")) }
      text.append(contentsOf: digits[first...])
    }
  }

  private func append(_ number: Double, _ text: inout [UInt8]) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { digits in
      guard let base = digits.baseAddress else { return }
      text.append(contentsOf: UnsafeBufferPointer(start: base, count: FloatText.write(number, to: base)))
    }
  }

  private func avroObject(_ rows: Range<Int>, _ bytes: inout [UInt8]) {
    for row in rows { _ = writer.append(row: row, of: events.columns, to: &bytes) }
  }

  private func readObject(_ object: UnsafeRawBufferPointer, _ lines: inout [UInt8]) throws {
    try reader.append(object, to: &lines)
    lines.append(0x0A)
  }

  /// A block of an object container file: the number of records, their bytes, and the marker that ends it.
  private func avroBlock(_ rows: Range<Int>, _ bytes: inout [UInt8]) {
    var data: [UInt8] = []
    for row in rows { _ = writer.append(datum: row, of: events.columns, to: &data) }
    withUnsafeBytes(of: UInt32(rows.count).littleEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: UInt32(data.count).littleEndian) { bytes.append(contentsOf: $0) }
    bytes += data
    bytes += Self.syncMarker
  }

  private func readBlock(_ block: UnsafeRawBufferPointer, _ lines: inout [UInt8]) throws {
    let count = block.loadUnaligned(as: UInt32.self)
    var index = 8
    for _ in 0..<count {
      try reader.append(datum: block, at: &index, to: &lines)
      lines.append(0x0A)
    }
  }

  private func compressed(
    _ encode: @escaping (Range<Int>, inout [UInt8]) throws -> Void
  ) -> (Range<Int>, inout [UInt8]) throws -> Void {
    { rows, bytes in
      var plain: [UInt8] = []
      try encode(rows, &plain)
      bytes += try Zstd.compress(plain, level: 3)
    }
  }

  private func decompressed(
    _ decode: @escaping ([UInt8], inout [UInt8]) throws -> Void
  ) -> (UnsafeRawBufferPointer, inout [UInt8]) throws -> Void {
    { [decoder] frame, lines in
      var plain: [UInt8] = []
      var start = 0
      while start < frame.count {
        var taken: ZstdDecoder.Step?
        let part = try [UInt8](unsafeUninitializedCapacity: 1 << 18) { buffer, count in
          let step = try decoder.decompress(
            UnsafeRawBufferPointer(rebasing: frame[start...]), into: UnsafeMutableRawBufferPointer(buffer))
          count = step.producedCount
          taken = step
        }
        guard let step = taken else { break }
        plain += part
        start += step.consumedCount
        if step.endsFrame { break }
      }
      try decode(plain, &lines)
    }
  }
}
