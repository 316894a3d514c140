import Bytes
import Engine

extension CSVReader {
  /// Returns the next rows, nil at the end. - Throws: in strict mode `.user` for what does not fit; `.io`.
  func next() throws -> CSVRows? { try nextTexts().map { try typed($0) } }

  func nextTexts() throws -> CSVTexts? {
    rejected = []
    recordCount = 0
    columns.begin()
    reading: while !columns.isFull && rejected.count < Self.rejectedLimit {
      if isScanned, !hasQuotes, isValidText { readPlainLines() }
      if columns.isFull { break }
      switch try nextRecord() {
      case .none, .later: break reading
      case .fault(let fault): try refuseLine(fault)
      case .record(let record):
        // A blank line is no record, unless COPY must read it as one NULL.
        if record.range.isEmpty, mode == .quarantine || columnOfField.count != 1 {
          if mode == .strict { try refuse(missing(0), record) }
          take(record)
          continue
        }
        try read(record)
      }
    }
    guard columns.rowCount > 0 || !rejected.isEmpty else { return nil }
    // Rows never lie in two blocks: a new one is read only while there are none.
    columns.keepAlive(block.buffer)
    let (texts, lines, ranges) = columns.finish()
    return CSVTexts(
      columns: texts, lines: lines, ranges: ranges, rejected: rejected, recordCount: recordCount,
      buffer: block.buffer, offset: blockOffset, byteCount: byteCount)
  }

  func missing(_ count: Int) -> CSVFault {
    for index in columnOfField.indices.dropFirst(count) where columnOfField[index] >= 0 {
      return .missing(column: targets[columnOfField[index]].name)
    }
    return .missing(column: "field \(count + 1)")
  }

  func read(_ record: Record) throws {
    if record.fieldCount != columnOfField.count {
      // A quote where none may stand hides delimiters; then that is the reason.
      for index in 0..<record.fieldCount {
        if case .fault(let fault) = field(record, index) { return try refuseLine(fault) }
      }
      let fault: CSVFault =
        record.fieldCount < columnOfField.count ? missing(record.fieldCount) : .extra(expected: columnOfField.count)
      try refuse(fault, record)
      return take(record)
    }
    if !isValidText, let fault = CSVText.fault(block.base + record.range.lowerBound, record.range.count) {
      try refuse(fault, record)
      return take(record)
    }
    if !hasQuotes {
      readPlain(record)
    } else {
      nulls.removeAll(keepingCapacity: true)
      for index in 0..<record.fieldCount {
        let column = columnOfField[index]
        switch field(record, index) {
        case .fault(let fault): return try refuseLine(fault)
        case .null: if column >= 0 { nulls.append(column) }
        case .text(let text): if column >= 0 { columns.set(column, text) }
        }
      }
      for column in nulls { columns.setNull(column) }
    }
    recordCount += 1
    columns.accept(line: line, range: record.range)
    take(record)
  }

  /// Reads lines of the right number of fields from a block without any quote, up to the first that is different.
  private func readPlainLines() {
    let base = UnsafeRawPointer(block.base)
    let ends = splitter.ends
    let endCount = splitter.endCount
    let offset = scannedFrom
    let delimiter = dialect.delimiter
    let nullCount = dialect.null.count
    let columns = self.columns
    let firstLine = line
    var count: Int64 = 0
    var start = taken
    var index = nextEnd
    columnOfField.withUnsafeBufferPointer { columnOfField in
      let last = columnOfField.count &- 1
      lines: while !columns.isFull, last >= 0, index &+ last < endCount {
        var field = 0
        while field < last {
          let end = base.load(fromByteOffset: offset &+ Int(ends[index &+ field]), as: UInt8.self)
          if end != delimiter { break lines }
          field &+= 1
        }
        let newline = offset &+ Int(ends[index &+ last])
        guard base.load(fromByteOffset: newline, as: UInt8.self) == 0x0A else { break }
        let first = start
        var lineEnd = newline
        if lineEnd > first, base.load(fromByteOffset: lineEnd &- 1, as: UInt8.self) == 0x0D { lineEnd &-= 1 }
        // A blank line is no record.
        if lineEnd == first { break }
        field = 0
        while field <= last {
          let end = field == last ? lineEnd : offset &+ Int(ends[index &+ field])
          let column = columnOfField[field]
          let length = end &- start
          if column >= 0 {
            if length == nullCount, length == 0 || isNull(base + start, length) {
              columns.setNull(column)
            } else {
              columns.set(column, reference(base + start, length))
            }
          }
          start = end &+ 1
          field &+= 1
        }
        columns.accept(line: firstLine &+ count, range: first..<lineEnd)
        count &+= 1
        index &+= last &+ 1
        start = newline &+ 1
      }
    }
    recordCount += count
    line += count
    taken = start
    nextEnd = index
  }

  /// Takes the fields of a record of the right length in a block without any quote: nothing can be wrong with them.
  private func readPlain(_ record: Record) {
    let base = UnsafeRawPointer(block.base)
    let ends = splitter.ends + record.firstEnd
    let offset = scannedFrom
    let last = record.fieldCount - 1
    let nullCount = dialect.null.count
    let columns = self.columns
    var start = record.range.lowerBound
    columnOfField.withUnsafeBufferPointer { columnOfField in
      for index in 0...last {
        let end = index == last ? record.range.upperBound : offset + Int(ends[index])
        let column = columnOfField[index]
        let count = end - start
        if column >= 0 {
          if count == nullCount, count == 0 || isNull(base + start, count) {
            columns.setNull(column)
          } else {
            columns.set(column, reference(base + start, count))
          }
        }
        start = end + 1
      }
    }
  }

  // MARK: - Refusals

  /// Refuses a whole record.
  private func refuse(_ fault: CSVFault, _ record: Record) throws(PulsehouseError) {
    try refuse(fault.words, record.range, line: line)
  }

  /// Refuses the line at which quotes stop making sense.
  private func refuseLine(_ fault: CSVFault) throws(PulsehouseError) {
    let first = line
    try refuse(fault.words, takeLine(), line: first)
  }

  private func refuse(_ reason: String, _ range: Range<Int>, line: Int64) throws(PulsehouseError) {
    if mode == .strict { throw PulsehouseError(.user, reason, sqlState: "22P04", file: name, line: Int(line)) }
    recordCount += 1
    rejected.append(Self.rejection(reason, range, line, block.buffer, blockOffset))
  }

  static func rejection(
    _ reason: String, _ range: Range<Int>, _ line: Int64, _ buffer: AlignedBuffer, _ offset: Int64
  ) -> RejectedRecord {
    let kept = min(range.count, RejectedRecord.rawByteLimit)
    var reason = reason
    if kept < range.count { reason += "; only the first \(kept) of its \(range.count) bytes are kept" }
    return RejectedRecord(
      offset: offset + Int64(range.lowerBound), line: line, reason: reason,
      raw: [UInt8](UnsafeRawBufferPointer(start: buffer.base + range.lowerBound, count: kept)))
  }
}
