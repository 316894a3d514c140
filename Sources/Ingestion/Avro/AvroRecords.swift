import Bytes
import Glibc

/// Reads messages in Avro into a builder, by way of the JSON that says the same. What is refused is kept with its own
/// bytes, not those of the JSON. One thread at a time.
final class AvroRecords {
  private let builder: JSONBatchBuilder
  private let text: AvroText

  /// - Throws: `.user` unless the schema is a record.
  init(_ schema: AvroSchema, into builder: JSONBatchBuilder) throws(PulsehouseError) {
    self.builder = builder
    text = AvroText(try AvroReader(schema))
  }

  /// Makes a message the builder's next row; false when it was rejected. The builder must not be full.
  func append(_ message: UnsafeRawBufferPointer, offset: Int64, line: Int64) -> Bool {
    let reason: String
    do throws(AvroReader.Fault) {
      let (block, range) = try text.read(message)
      if builder.append(
        record: block, from: range.lowerBound, to: range.upperBound, offset: offset, line: line)
      {
        return true
      }
      reason = builder.rejected.popLast()?.reason ?? "not understood"
    } catch {
      reason = error.reason
    }
    builder.rejected.append(RejectedRecord(message, offset: offset, line: line, reason: reason))
    return false
  }

  /// Takes the lines of a lake, each a message as `EscapedRecord` spells it or as it came; shape as the builder's.
  func append(
    lines block: AlignedBuffer, from start: Int, to end: Int, offset: Int64, line: Int64,
    lastLine: JSONBatchBuilder.LastLine
  ) -> JSONBatchBuilder.Progress {
    precondition(
      start >= 0 && start <= end && end <= block.byteCount + AlignedBuffer.padding, "lines outside the block")
    let origin = UnsafeRawPointer(block.base + start)
    let limit = UnsafeRawPointer(block.base + end)
    var progress = JSONBatchBuilder.Progress()
    var p = origin
    while p < limit && !builder.isFull {
      let newline = memchr(p, 0x0A, limit - p).map { UnsafeRawPointer($0) }
      let lineEnd = newline ?? limit
      let isBlank = JSONBatchBuilder.isBlank(p, lineEnd)
      if newline == nil && lastLine == .mayGrow {
        progress.endsInRecord = !isBlank
        break
      }
      if !isBlank {
        take(
          UnsafeRawBufferPointer(start: p, count: lineEnd - p), offset: offset + Int64(p - origin),
          line: line + progress.newlineCount)
        progress.recordCount += 1
      }
      p = lineEnd
      if newline != nil {
        p += 1
        progress.newlineCount += 1
      }
    }
    progress.byteCount = p - origin
    withExtendedLifetime(block) {}
    return progress
  }

  private func take(_ record: UnsafeRawBufferPointer, offset: Int64, line: Int64) {
    switch EscapedRecord(record) {
    case nil: _ = append(record, offset: offset, line: line)
    case .null:
      builder.rejected.append(RejectedRecord(offset: offset, line: line, reason: RejectedRecord.noValue, raw: []))
    case .bytes([]):
      builder.rejected.append(RejectedRecord(offset: offset, line: line, reason: RejectedRecord.emptyValue, raw: []))
    case .bytes(let bytes): _ = bytes.withUnsafeBytes { append($0, offset: offset, line: line) }
    }
  }
}
