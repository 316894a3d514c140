import Bytes
import Kernels
import Testing
import Vectors

@testable import Ingestion

@Suite struct AvroRecordsTests {
  private let schema: AvroSchema
  private let builder: JSONBatchBuilder
  private let records: AvroRecords

  init() throws {
    schema = try AvroSchema(
      Array(
        """
        {"type":"record","name":"Event","fields":[
          {"name":"id","type":"long"},{"name":"note","type":["null","string"]}]}
        """.utf8))
    builder = try JSONBatchBuilder(fields: [JSONField(["id"], .integer), JSONField(["note"], .text)], capacity: 8)
    records = try AvroRecords(schema, into: builder)
  }

  private func object(_ line: String) throws -> [UInt8] {
    var object: [UInt8] = []
    let bytes = Array(line.utf8)
    try AvroMessageEncoder(schema).encode(bytes, [0..<bytes.count]) { object = [UInt8]($0) }
    return object
  }

  private func append(_ message: [UInt8], offset: Int64 = 7) -> Bool {
    message.withUnsafeBytes { records.append($0, offset: offset, line: 3) }
  }

  /// Lines of a lake, with the zero byte that must follow them.
  private func append(
    lines: [UInt8], offset: Int64 = 0, lastLine: JSONBatchBuilder.LastLine = .isFinal
  ) -> JSONBatchBuilder.Progress {
    let block = AlignedBuffer(byteCount: lines.count + 1, zeroed: true)
    lines.withUnsafeBytes { if let base = $0.baseAddress { block.base.copyMemory(from: base, byteCount: $0.count) } }
    return records.append(lines: block, from: 0, to: lines.count, offset: offset, line: 1, lastLine: lastLine)
  }

  private func escaped(_ message: [UInt8]?) -> [UInt8] {
    var line: [UInt8] = []
    if let message {
      message.withUnsafeBytes { EscapedRecord.append($0, to: &line) }
    } else {
      EscapedRecord.append(nil, to: &line)
    }
    return line + [0x0A]
  }

  @Test func aMessageBecomesARow() throws {
    #expect(append(try object(#"{"id":42,"note":"żółw"}"#)))
    #expect(append(try object(#"{"id":-1,"note":null}"#), offset: 8))
    let rows = builder.finish()
    #expect(rows.rowCount == 2)
    #expect(rows.fields[0].scalar(at: 0) == .integer(42))
    #expect(rows.fields[1].scalar(at: 0) == .text("żółw"))
    #expect(rows.fields[1].scalar(at: 1) == .null)
    #expect(rows.offset.scalar(at: 1) == .integer(8))
    #expect(builder.rejected.isEmpty)
  }

  /// What is refused, by Avro or by the column, is kept as it came, not as JSON.
  @Test func whatIsRefusedKeepsItsOwnBytes() throws {
    let whole = try object(#"{"id":42,"note":"x"}"#)
    let large = try object(#"{"id":3000000000,"note":null}"#)
    var strange = whole
    strange[3] ^= 1
    for (message, words) in [
      (Array(whole.dropLast()), "Avro: "), (whole + [0], "Avro: "), (strange, "schema"), (large, "out of range"),
      (Array("{\"id\":1}".utf8), "Avro"),
    ] {
      #expect(!append(message))
      let rejected = builder.rejected.last
      builder.rejected = []
      #expect(rejected?.raw == message)
      #expect(rejected?.offset == 7 && rejected?.line == 3)
      #expect(rejected?.reason.contains(words) == true, "\(rejected?.reason ?? "accepted")")
    }
    #expect(builder.rowCount == 0)
  }

  @Test func everyCutOfAMessageIsAnswered() throws {
    let whole = try object(#"{"id":42,"note":"a note"}"#)
    for count in 1..<whole.count {
      #expect(!append(Array(whole[..<count])))
      #expect(builder.rejected.last?.raw == Array(whole[..<count]))
      builder.rejected = []
    }
  }

  @Test func linesOfALakeAreMessages() throws {
    let one = try object(#"{"id":1,"note":"one"}"#)
    let two = try object(#"{"id":2,"note":"two"}"#)
    let lines = escaped(one) + [0x20, 0x0A] + escaped(nil) + escaped([]) + escaped(Array("bad".utf8)) + escaped(two)
    let progress = append(lines: lines, offset: 100)
    #expect(progress.byteCount == lines.count)
    #expect(progress.newlineCount == 6)
    #expect(progress.recordCount == 5)
    #expect(!progress.endsInRecord)
    #expect(builder.rejected.map(\.line) == [3, 4, 5])
    #expect(builder.rejected.map(\.raw) == [[], [], Array("bad".utf8)])
    let rows = builder.finish()
    #expect(rows.rowCount == 2)
    #expect(rows.offset.scalar(at: 0) == .integer(100))
    #expect(rows.line.scalar(at: 1) == .integer(6))
    #expect(rows.offset.scalar(at: 1) == .integer(100 + Int64(lines.count - escaped(two).count)))
  }

  @Test func aLastLineThatMayGrowIsLeft() throws {
    let line = escaped(try object(#"{"id":1,"note":"one"}"#))
    let half = line + Array(line.dropLast())
    let progress = append(lines: half, lastLine: .mayGrow)
    #expect(progress.byteCount == line.count && progress.endsInRecord)
    #expect(builder.finish().rowCount == 1)
    let whole = append(lines: half, lastLine: .isFinal)
    #expect(whole.byteCount == half.count && !whole.endsInRecord && whole.recordCount == 2)
    #expect(builder.finish().rowCount == 2)
  }

  @Test func aFullBuilderStopsBeforeTheNextLine() throws {
    let line = escaped(try object(#"{"id":1,"note":"one"}"#))
    let lines = (0..<10).flatMap { _ in line }
    let progress = append(lines: lines)
    #expect(progress.recordCount == 8 && progress.byteCount == 8 * line.count)
    #expect(builder.isFull)
    _ = builder.finish()
  }
}
