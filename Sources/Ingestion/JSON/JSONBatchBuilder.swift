import Bytes
import Glibc
import Vectors

/// Turns JSON records, lines of a block or single messages, into vectors, one per field; keeps what does not fit apart.
///
/// ```
/// var next = start
/// repeat {
///   let result = builder.append(lines: block, from: next, ...)
///   next += result.byteCount
///   if builder.isFull { use(builder.finish()) }
/// } while ...
/// ```
/// Two ways to read a record, equal in every answer: `JSONTemplate` for records shaped like an earlier one,
/// `JSONRecordParser` for all others. One thread at a time; as many builders as threads.
///
/// What fits is decided strictly: the record must be valid JSON (RFC 8259) in valid UTF-8, an object, at most
/// `JSONTree.depthLimit` deep; a value must be of the column's type (a whole number for an integer, in range). A missing
/// or null value is NULL, unknown keys are ignored, and of two values of one path the last counts.
package final class JSONBatchBuilder {
  package let fields: [JSONField]
  private let parser: JSONRecordParser
  private let columns: JSONColumns
  private let usesTemplates: Bool
  /// The most recently useful first.
  private var templates: [JSONTemplate] = []
  private static let templateLimit = 8
  /// Learning must pay: each new template costs, each line read through one earns.
  private var learningCredit = 256
  private static let learningCost = 32
  /// Records in a row that no template could read.
  private var missStreak = 0

  /// Records that did not fit since they were last taken.
  package var rejected: [RejectedRecord] = []

  /// Makes a builder of at most `capacity` rows at a time. - Throws: `.user` for paths that clash, `.unsupported` for a
  /// type that JSON cannot fill.
  package convenience init(fields: [JSONField], capacity: Int = 131_072) throws(PulsehouseError) {
    try self.init(fields: fields, capacity: capacity, usesTemplates: true)
  }

  init(fields: [JSONField], capacity: Int, usesTemplates: Bool) throws(PulsehouseError) {
    precondition(capacity > 0, "a builder needs room for a row")
    self.fields = fields
    self.usesTemplates = usesTemplates
    // Types are checked by the parser's tree before anything is written.
    columns = JSONColumns(fields.map(\.type), capacity: capacity)
    parser = try JSONRecordParser(fields, columns: columns)
  }

  /// True when values may point into the bytes they were read from; blocks are then kept until their rows are gone.
  package var keepsBytes: Bool { columns.keepsBytes }

  package var rowCount: Int { columns.rowCount }
  package var isFull: Bool { columns.rowCount == columns.capacity }

  /// What to do with a last line that has no newline.
  package enum LastLine: Sendable {
    /// Take it when it is a whole record (no longer record can start with one), else leave it.
    case mayGrow
    /// It is final: take it or reject it.
    case isFinal
  }

  /// What `append(lines:)` took.
  package struct Progress: Sendable, Hashable {
    /// Bytes taken, up to the start of the first line not taken.
    package var byteCount = 0
    /// Newlines among them.
    package var newlineCount: Int64 = 0
    /// Records among them, accepted or rejected; lines of blanks are not records.
    package var recordCount: Int64 = 0
    /// True when all that is left is a last line that may yet grow.
    package var endsInRecord = false
  }

  /// Takes lines from byte `start` of `block` up to byte `end`, until the builder is full or the bytes end.
  ///
  /// Shape: `start` is the start of a line; the byte at `end` is zero and 63 more after it are readable. String values
  /// point into `block`, which the vectors keep alive. `offset` and `line` (from 1) say where `start` lies in its file.
  package func append(
    lines block: AlignedBuffer, from start: Int, to end: Int, offset: Int64, line: Int64, lastLine: LastLine
  ) -> Progress {
    precondition(start >= 0 && start <= end && end < block.byteCount + AlignedBuffer.padding, "lines outside the block")
    let origin = UnsafeRawPointer(block.base + start)
    let limit = UnsafeRawPointer(block.base + end)
    precondition(limit.load(as: UInt8.self) == 0, "a zero byte must follow the lines")
    columns.prepare()
    columns.keepAlive(block)
    var progress = Progress()
    var currentLine = line
    var p = origin
    let firstRow = rowCount
    while p < limit && !isFull {
      if readByTemplate(&p, limit, &currentLine, origin) { continue }
      let newline = memchr(p, 0x0A, limit - p).map { UnsafeRawPointer($0) }
      let lineEnd = newline ?? limit
      if Self.isBlank(p, lineEnd) {
        guard newline != nil || lastLine == .isFinal else { break }
      } else if p.load(as: UInt8.self) == EscapedRecord.mark, newline != nil || lastLine == .isFinal,
        let record = EscapedRecord(UnsafeRawBufferPointer(start: p, count: lineEnd - p))
      {
        take(record, offset: Int64(p - origin), fileOffset: offset, line: currentLine)
        progress.recordCount += 1
      } else if parser.parse(p, lineEnd) {
        accept(offset: Int64(p - origin), line: currentLine)
        learn(p, lineEnd)
        progress.recordCount += 1
      } else if newline == nil && lastLine == .mayGrow {
        progress.endsInRecord = true
        break
      } else {
        reject(p, lineEnd, offset: offset + Int64(p - origin), line: currentLine)
        progress.recordCount += 1
      }
      p = lineEnd
      if newline != nil {
        p += 1
        currentLine += 1
      }
    }
    if offset != 0 {
      for row in firstRow..<rowCount { columns.offsets[row] &+= offset }
    }
    progress.byteCount = p - origin
    progress.newlineCount = currentLine - line
    progress.recordCount += templateRecordCount
    templateRecordCount = 0
    return progress
  }

  /// Takes one record that lies at bytes `start..<end` of `block`; newlines inside it are whitespace. False when it was
  /// rejected. The builder must not be full; shape as for lines.
  package func append(record block: AlignedBuffer, from start: Int, to end: Int, offset: Int64, line: Int64) -> Bool {
    precondition(!isFull, "a full builder takes no record")
    precondition(
      start >= 0 && start <= end && end < block.byteCount + AlignedBuffer.padding, "record outside the block")
    let origin = UnsafeRawPointer(block.base + start)
    let limit = UnsafeRawPointer(block.base + end)
    precondition(limit.load(as: UInt8.self) == 0, "a zero byte must follow the record")
    columns.prepare()
    columns.keepAlive(block)
    if memchr(origin, 0x0A, end - start) == nil {
      var p = origin
      var ignoredLine = line
      if readByTemplate(&p, limit, &ignoredLine, origin) {
        templateRecordCount = 0
        columns.offsets[rowCount - 1] = offset
        return true
      }
    }
    guard parser.parse(origin, limit) else {
      reject(origin, limit, offset: offset, line: line)
      return false
    }
    accept(offset: offset, line: line)
    learn(origin, limit)
    return true
  }

  private var templateRecordCount: Int64 = 0

  /// Reads what lines it can by the templates; false when not even one.
  private func readByTemplate(
    _ p: inout UnsafeRawPointer, _ limit: UnsafeRawPointer, _ line: inout Int64, _ origin: UnsafeRawPointer
  ) -> Bool {
    // Where shapes keep changing, trying costs more than it saves: then only now and then.
    if missStreak > 16 && missStreak & 15 != 0 {
      missStreak += 1
      return false
    }
    for index in templates.indices {
      let before = rowCount
      templates[index].read(&p, end: limit, line: &line, origin: origin, parser: parser)
      let count = rowCount - before
      guard count > 0 else { continue }
      if index > 0 { templates.swapAt(0, index) }
      templateRecordCount += Int64(count)
      learningCredit = min(learningCredit + count, 4096)
      missStreak = 0
      return true
    }
    missStreak += 1
    return false
  }

  private func learn(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) {
    guard usesTemplates, !parser.hasDuplicates, end - start <= 1 << 16 else { return }
    guard learningCredit >= Self.learningCost else { return }
    learningCredit -= Self.learningCost
    let template = JSONTemplate(parser, start, end)
    if templates.contains(where: { $0.isSame(as: template) }) { return }
    if templates.count == Self.templateLimit { templates.removeLast() }
    templates.insert(template, at: 0)
  }

  /// Takes a message that a line spells, in the line's place.
  private func take(_ record: EscapedRecord, offset: Int64, fileOffset: Int64, line: Int64) {
    guard case .bytes(let bytes) = record, !bytes.isEmpty else {
      let reason = record == .null ? RejectedRecord.noValue : RejectedRecord.emptyValue
      rejected.append(RejectedRecord(offset: fileOffset + offset, line: line, reason: reason, raw: []))
      return
    }
    let block = AlignedBuffer(byteCount: bytes.count)
    bytes.withUnsafeBytes { raw in
      if let base = raw.baseAddress { block.base.copyMemory(from: base, byteCount: raw.count) }
    }
    let start = UnsafeRawPointer(block.base)
    if parser.parse(start, start + bytes.count) {
      columns.keepAlive(block)
      accept(offset: offset, line: line)
    } else {
      reject(start, start + bytes.count, offset: fileOffset + offset, line: line)
    }
  }

  private func accept(offset: Int64, line: Int64) {
    parser.nullMissing()
    columns.lines[columns.rowCount] = line
    columns.offsets[columns.rowCount] = offset
    columns.rowCount += 1
  }

  private func reject(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer, offset: Int64, line: Int64) {
    let record = UnsafeRawBufferPointer(start: start, count: end - start)
    let reason = parser.fault?.words(record, fields: fields) ?? "not understood"
    rejected.append(RejectedRecord(record, offset: offset, line: line, reason: reason))
  }

  static func isBlank(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Bool {
    var p = start
    while p < end {
      switch p.load(as: UInt8.self) {
      case 0x20, 0x09, 0x0D: p += 1
      default: return false
      }
    }
    return true
  }

  /// Returns the rows taken so far: one vector per field, then where each record began, then its line. Starts anew.
  package func finish() -> JSONRows {
    let count = rowCount
    let made = columns.finish()
    return JSONRows(fields: made.fields, offset: made.offset, line: made.line, rowCount: count)
  }
}

/// Rows made of JSON records, and where each came from.
package struct JSONRows: Sendable {
  package var fields: [Vector]
  package var offset: Vector
  package var line: Vector
  package var rowCount: Int
}
