import Bytes
import CKernels
import Engine
import Execution
import Glibc
import Kernels
import Vectors

/// Rows of a CSV file: typed vectors, and where each row's record began.
struct CSVRows: OrderedItem {
  var columns: [Vector]
  /// From 1.
  var lines: [Int64]
  var rowCount: Int
  /// Records that did not fit, in quarantine mode.
  var rejected: [RejectedRecord]
  /// Records seen: rows and rejected.
  var recordCount: Int64
  /// Bytes of the file read so far.
  var byteCount: Int64

  var weight: Int { rowCount }
  static var weightLimit: Int { 1 << 19 }
}

/// A share of a CSV file that a worker turns into rows.
enum CSVUnit {
  /// Whole lines in which no quote stands: every newline ends a record.
  case lines(CSVLines)
  /// Records that were found already, since quotes make sense in order only.
  case texts(CSVTexts)
}

struct CSVLines {
  var buffer: AlignedBuffer
  var range: Range<Int>
  /// Where the buffer's first byte lies in the file, and the number of the first line of `range`.
  var offset: Int64
  var firstLine: Int64
  var byteCount: Int64
}

/// The text of rows, column by column, and what becomes of those whose text is no value of its type.
struct CSVTexts {
  var columns: [Vector]
  var lines: [Int64]
  var ranges: [Range<Int>]
  var rejected: [RejectedRecord]
  var recordCount: Int64
  var buffer: AlignedBuffer
  /// Where the buffer's first byte lies in the file.
  var offset: Int64
  var byteCount: Int64
}

/// Reads CSV by RFC 4180 (quotes, doubled quotes, embedded delimiters and newlines, CRLF, a byte order mark), in the
/// dialect of a COPY, into typed vectors. Values are cast as PostgreSQL's COPY does.
///
/// Strict: the first record that does not fit is an error with file, line and column. Quarantining: it is put aside, and
/// reading goes on with the next line. A bare quote is such an error in both.
///
/// `next` reads rows one thread at a time; `CSVWorkers` share out the units of `nextUnit`.
final class CSVReader {
  enum Mode { case strict, quarantine }

  /// A column to be filled.
  struct Target {
    var name: String
    var type: LogicalType
  }

  private let input: CSVInput?
  /// The file's name for errors.
  private let name: String
  private let dialect: CSVDialect
  private let mode: Mode
  private let targets: [Target]
  /// Which column each field of a record fills, -1 for none.
  private var columnOfField: [Int] = []
  private let columns: CSVColumns
  private var splitter: CSVRecordSplitter
  private let block = LakeBlock()
  /// Bytes in the block, those of them already taken, and where the next one of `splitter.ends` is.
  private var have = 0
  private var taken = 0
  private var nextEnd = 0
  private var scannedFrom = 0
  private var isAtEnd = false
  /// True when `splitter` knows the bytes from `scannedFrom` on.
  private var isScanned = false
  private var isValidText = true
  private var hasQuotes = false
  /// Where the block's first byte lies in the file.
  private var blockOffset: Int64 = 0
  private var line: Int64 = 1
  private var rejected: [RejectedRecord] = []
  private var nulls: [Int] = []
  private var recordCount: Int64 = 0
  private(set) var hash = XXH64()
  private(set) var byteCount: Int64 = 0

  /// Bytes read at once.
  private let readByteCount: Int
  private static let recordByteLimit = 64 << 20
  private static let rejectedLimit = 10_000

  /// Starts reading. With `byName`, the header says which field fills which target, and others are passed over; else
  /// fields fill the targets in order, and a header (when the dialect has one) is only stepped over.
  ///
  /// `columnOfField` says which target each field fills in order, -1 for none, where that is not one after the other.
  /// - Throws: `.user` naming a column that the header lacks; `.io`.
  init(
    _ input: CSVInput, dialect: CSVDialect, targets: [Target], byName: Bool, mode: Mode, batchRowCount: Int = 65_536,
    readByteCount: Int = 4 << 20, columnOfField: [Int]? = nil, firstLine: Int64 = 1
  ) throws(PulsehouseError) {
    line = firstLine
    try dialect.validate()
    self.input = input
    name = input.name
    self.dialect = dialect
    self.targets = targets
    self.mode = mode
    self.readByteCount = readByteCount
    splitter = CSVRecordSplitter(dialect)
    columns = CSVColumns(columnCount: targets.count, capacity: batchRowCount)
    self.columnOfField = columnOfField ?? Array(targets.indices)
    try fill()
    skipByteOrderMark()
    if dialect.hasHeader || byName { try readHeader(byName: byName) }
  }

  /// A reader of the units of `other`, for another thread.
  init(workingFor other: CSVReader) {
    input = nil
    name = other.name
    dialect = other.dialect
    targets = other.targets
    mode = other.mode
    readByteCount = other.readByteCount
    columnOfField = other.columnOfField
    splitter = CSVRecordSplitter(dialect)
    columns = CSVColumns(columnCount: targets.count, capacity: other.columns.capacity)
    isAtEnd = true
  }

  deinit { splitter.deallocate() }

  // MARK: - Bytes

  /// Reads more bytes after those not taken yet, and scans them.
  private func fill() throws(PulsehouseError) {
    guard let input else { throw PulsehouseError(.internal, "a worker has no file to read") }
    let rest = have - taken
    let kept = block.buffer
    let wanted = max(readByteCount, rest * 2)
    // Vectors point into the old block, so the rest moves to a new one.
    block.reserve(wanted)
    withExtendedLifetime(kept) { if rest > 0 { memmove(block.base, kept.base + taken, rest) } }
    let count = try input.read(to: block.base + rest, count: wanted - rest)
    hash.update(UnsafeRawBufferPointer(start: block.base + rest, count: count))
    byteCount += Int64(count)
    blockOffset += Int64(taken)
    have = rest + count
    taken = 0
    isAtEnd = count < wanted - rest
    memset(block.base + have, 0, 64)
    isScanned = false
    hasQuotes = memchr(block.base, Int32(dialect.quote), have) != nil
  }

  /// Finds the ends of records from the first byte not taken.
  private func scan() {
    splitter.scan(block.base + taken, have - taken)
    scannedFrom = taken
    nextEnd = 0
    isValidText = CSVText.isPlain(block.base + taken, have - taken)
    isScanned = true
  }

  private func skipByteOrderMark() {
    let base = block.base
    guard have >= 3, base.load(as: UInt8.self) == 0xEF, base.load(fromByteOffset: 1, as: UInt8.self) == 0xBB,
      base.load(fromByteOffset: 2, as: UInt8.self) == 0xBF
    else { return }
    taken = 3
    isScanned = false
  }

  // MARK: - Records

  /// The next record: its range in the block without its line end, and the ends of its fields among `splitter.ends`.
  private struct Record {
    var range: Range<Int>
    var firstEnd: Int
    var fieldCount: Int
    /// Where the next record starts.
    var next: Int
  }

  private enum Found {
    case record(Record)
    case fault(CSVFault)
    /// The block holds no whole record, and rows that lie in it wait to be handed over.
    case later
    case none
  }

  /// Finds the next record; reads on when the block holds no whole one.
  private func nextRecord() throws(PulsehouseError) -> Found {
    while true {
      if !isScanned { scan() }
      var index = nextEnd
      while index < splitter.endCount {
        let end = scannedFrom + Int(splitter.ends[index])
        if block.base.load(fromByteOffset: end, as: UInt8.self) == 0x0A {
          var last = end
          if last > taken, block.base.load(fromByteOffset: last - 1, as: UInt8.self) == 0x0D { last -= 1 }
          return .record(
            Record(range: taken..<last, firstEnd: nextEnd, fieldCount: index - nextEnd + 1, next: end + 1))
        }
        index += 1
      }
      if isAtEnd {
        guard taken < have else { return .none }
        if splitter.endsInside { return .fault(openQuote()) }
        var last = have
        if block.base.load(fromByteOffset: last - 1, as: UInt8.self) == 0x0D { last -= 1 }
        return .record(
          Record(range: taken..<last, firstEnd: nextEnd, fieldCount: splitter.endCount - nextEnd + 1, next: have))
      }
      if have - taken >= Self.recordByteLimit {
        return .fault(splitter.endsInside ? openQuote() : .tooLong(limit: Self.recordByteLimit))
      }
      if columns.rowCount > 0 { return .later }
      try fill()
    }
  }

  /// Says why quotes opened by the next record never close: one that stands bare, or one whose end is missing.
  private func openQuote() -> CSVFault {
    var start = taken
    for index in nextEnd...splitter.endCount {
      let end = index < splitter.endCount ? scannedFrom + Int(splitter.ends[index]) : have
      let isQuoted = start < end && block.base.load(fromByteOffset: start, as: UInt8.self) == dialect.quote
      if !isQuoted, memchr(block.base + start, Int32(dialect.quote), end - start) != nil {
        return .bareQuote(field: index - nextEnd)
      }
      start = end + 1
    }
    return .unterminated
  }

  /// Steps over a record that was read.
  private func take(_ record: Record) {
    nextEnd = record.firstEnd + record.fieldCount
    line += 1
    if hasQuotes { line += Int64(ph_count_byte(block.base + record.range.lowerBound, record.range.count, 0x0A)) }
    taken = record.next
  }

  /// Steps over the line at which a record starts whose quotes make no sense, and looks anew at what follows.
  private func takeLine() -> Range<Int> {
    let start = taken
    let found = memchr(block.base + start, 0x0A, have - start)
    let newline = found.map { UnsafeRawPointer($0) - UnsafeRawPointer(block.base) }
    let end = newline ?? have
    taken = newline.map { $0 + 1 } ?? have
    line += 1
    isScanned = false
    let hasReturn = end > start && block.base.load(fromByteOffset: end - 1, as: UInt8.self) == 0x0D
    return start..<(hasReturn ? end - 1 : end)
  }

  // MARK: - Fields

  private enum Field {
    case null
    case text(StringReference)
    case fault(CSVFault)
  }

  private func field(_ record: Record, _ index: Int) -> Field {
    let start =
      index == 0 ? record.range.lowerBound : scannedFrom + Int(splitter.ends[record.firstEnd + index - 1]) + 1
    let isLast = index == record.fieldCount - 1
    let end = isLast ? record.range.upperBound : scannedFrom + Int(splitter.ends[record.firstEnd + index])
    let bytes = UnsafeRawPointer(block.base + start)
    let count = end - start
    if count > 0, bytes.load(as: UInt8.self) == dialect.quote { return quotedField(bytes, count, index) }
    if hasQuotes, memchr(bytes, Int32(dialect.quote), count) != nil { return .fault(.bareQuote(field: index)) }
    if count == dialect.null.count,
      count == 0 || isNull(bytes, count)
    {
      return .null
    }
    return .text(reference(bytes, count))
  }

  private func quotedField(_ bytes: UnsafeRawPointer, _ count: Int, _ index: Int) -> Field {
    let quote = dialect.quote
    guard count >= 2 else { return .fault(.unterminated) }
    let content = bytes + 1
    let length = count - 2
    let isDoubled = dialect.escape == quote
    let special = memchr(content, Int32(quote), length) != nil
    let isClosed = bytes.load(fromByteOffset: count - 1, as: UInt8.self) == quote
    if isClosed, !special, isDoubled || memchr(content, Int32(dialect.escape), length) == nil {
      return .text(reference(content, length))
    }
    // Escapes, or data after the closing quote.
    let output = columns.heap.allocate(count)
    var written = 0
    var read = 0
    while true {
      guard read < count - 1 else { return .fault(.afterQuote(field: index)) }
      let byte = content.load(fromByteOffset: read, as: UInt8.self)
      let next = read + 1 < count - 1 ? content.load(fromByteOffset: read + 1, as: UInt8.self) : 0
      let hasNext = read + 1 < count - 1
      if byte == dialect.escape, hasNext, next == quote || next == dialect.escape {
        output.storeBytes(of: next, toByteOffset: written, as: UInt8.self)
        read += 2
      } else if byte == quote {
        guard read == count - 2 else { return .fault(.afterQuote(field: index)) }
        return .text(StringReference(output, count: written))
      } else {
        output.storeBytes(of: byte, toByteOffset: written, as: UInt8.self)
        read += 1
      }
      written += 1
    }
  }

  @inline(__always)
  private func reference(_ bytes: UnsafeRawPointer, _ count: Int) -> StringReference {
    count <= StringReference.inlineCapacity
      ? JSONText.inlineReference(bytes, count) : StringReference(bytes, count: count)
  }

  // MARK: - The header

  private func readHeader(byName: Bool) throws(PulsehouseError) {
    let record: Record
    switch try nextRecord() {
    case .none, .later:
      guard byName, let first = targets.first else { return }
      throw PulsehouseError(
        .user, "the file is empty: its header must name column \"\(first.name)\"", sqlState: "22P04",
        file: name, line: 1)
    case .fault(let fault): throw PulsehouseError(.user, fault.words, sqlState: "22P04", file: name, line: 1)
    case .record(let found): record = found
    }
    var names: [String] = []
    for index in 0..<record.fieldCount {
      switch field(record, index) {
      case .fault(let fault): throw PulsehouseError(.user, fault.words, sqlState: "22P04", file: name, line: 1)
      case .null: names.append("")
      case .text(let text): names.append(text.string)
      }
    }
    take(record)
    guard byName else { return }
    columnOfField = names.map { name in targets.firstIndex { $0.name == name } ?? -1 }
    for (index, target) in targets.enumerated() {
      let fields = columnOfField.indices.filter { columnOfField[$0] == index }
      if fields.isEmpty {
        throw PulsehouseError(
          .user, "the header has no column \"\(target.name)\"", sqlState: "22P04",
          detail: "It names \(names.joined(separator: ", ")).", file: name, line: 1)
      }
      if fields.count > 1 {
        throw PulsehouseError(
          .user, "the header names column \"\(target.name)\" twice", sqlState: "22P04", file: name, line: 1)
      }
    }
  }

  // MARK: - Rows

  /// Returns the next rows, nil at the end. - Throws: in strict mode `.user` for what does not fit; `.io`.
  func next() throws -> CSVRows? { try nextTexts().map { try typed($0) } }

  private func nextTexts() throws -> CSVTexts? {
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

  // MARK: - Units

  /// Returns the next share of the file, nil at the end. One thread at a time. - Throws: as `next`.
  func nextUnit() throws -> CSVUnit? {
    while true {
      if hasQuotes { return try nextTexts().map { .texts($0) } }
      let end = taken + ph_after_last(block.base + taken, have - taken, 0x0A)
      if end > taken { return .lines(takeLines(to: end)) }
      if isAtEnd { return taken < have ? .lines(takeLines(to: have)) : nil }
      // A record without an end in sight: one by one, with its limit.
      if have - taken >= Self.recordByteLimit { return try nextTexts().map { .texts($0) } }
      try fill()
    }
  }

  private func takeLines(to end: Int) -> CSVLines {
    defer {
      line += Int64(ph_count_byte(block.base + taken, end - taken, 0x0A))
      taken = end
      isScanned = false
    }
    return CSVLines(
      buffer: block.buffer, range: taken..<end, offset: blockOffset, firstLine: line, byteCount: byteCount)
  }

  /// Hands over the rows of a unit of the reader that this one works for.
  func read(_ unit: CSVUnit, rows: (CSVRows) throws -> Void) throws {
    switch unit {
    case .texts(let texts): try rows(typed(texts))
    case .lines(let lines):
      block.adopt(lines.buffer)
      taken = lines.range.lowerBound
      have = lines.range.upperBound
      blockOffset = lines.offset
      line = lines.firstLine
      byteCount = lines.byteCount
      isScanned = false
      while let next = try next() { try rows(next) }
    }
  }

  private func missing(_ count: Int) -> CSVFault {
    for index in columnOfField.indices.dropFirst(count) where columnOfField[index] >= 0 {
      return .missing(column: targets[columnOfField[index]].name)
    }
    return .missing(column: "field \(count + 1)")
  }

  private func read(_ record: Record) throws {
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

  private func isNull(_ bytes: UnsafeRawPointer, _ count: Int) -> Bool {
    UnsafeRawBufferPointer(start: bytes, count: count).elementsEqual(dialect.null)
  }

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

  private static func rejection(
    _ reason: String, _ range: Range<Int>, _ line: Int64, _ buffer: AlignedBuffer, _ offset: Int64
  ) -> RejectedRecord {
    let kept = min(range.count, RejectedRecord.rawByteLimit)
    var reason = reason
    if kept < range.count { reason += "; only the first \(kept) of its \(range.count) bytes are kept" }
    return RejectedRecord(
      offset: offset + Int64(range.lowerBound), line: line, reason: reason,
      raw: [UInt8](UnsafeRawBufferPointer(start: buffer.base + range.lowerBound, count: kept)))
  }

  /// Casts the rows read to the targets' types. Touches nothing but its argument and what never changes.
  private func typed(_ texts: CSVTexts) throws -> CSVRows {
    let (lines, rowCount) = (texts.lines, texts.lines.count)
    var result = texts.columns
    var rejected = texts.rejected
    var reasons: [Int: String] = [:]
    for (index, target) in targets.enumerated() where target.type != .text {
      let text = texts.columns[index]
      do {
        result[index] = try CSVFastCast.vector(text, to: target.type) ?? Cast.assign(text, to: target.type)
      } catch {
        // Some row does not fit: find each.
        var values: [Vector] = []
        for row in 0..<rowCount {
          let one = text.slice(row..<(row + 1))
          do {
            values.append(try Cast.assign(one, to: target.type))
          } catch let error as PulsehouseError {
            if mode == .strict {
              throw PulsehouseError(
                error.kind, error.message, sqlState: error.sqlState, detail: "Column \"\(target.name)\".",
                file: name, line: Int(lines[row]))
            }
            if reasons[row] == nil { reasons[row] = "\(target.name): \(error.message)" }
            values.append(.constant(target.type, .null, count: 1))
          }
        }
        result[index] = Concat.vectors(values, type: target.type)
      }
    }
    if !reasons.isEmpty {
      let kept = SelectionVector((0..<rowCount).filter { reasons[$0] == nil }.map { UInt32($0) })
      result = result.map { Gather.rows($0, kept) }
      for (row, reason) in reasons {
        rejected.append(Self.rejection(reason, texts.ranges[row], lines[row], texts.buffer, texts.offset))
      }
    }
    rejected.sort { $0.line < $1.line }
    let keptLines = reasons.isEmpty ? lines : lines.indices.filter { reasons[$0] == nil }.map { lines[$0] }
    return CSVRows(
      columns: result, lines: keptLines, rowCount: keptLines.count, rejected: rejected,
      recordCount: texts.recordCount, byteCount: texts.byteCount)
  }
}

/// Checks of text by the block.
enum CSVText {
  /// Returns true when the bytes are UTF-8 (a sequence may be cut off at the end) without a zero byte.
  static func isPlain(_ bytes: UnsafeRawPointer, _ count: Int) -> Bool {
    guard let (index, fault) = firstFault(bytes, count) else { return true }
    if case .nulByte = fault { return false }
    return count - index < 4 && bytes.load(fromByteOffset: index, as: UInt8.self) >= 0xC2
  }

  static func fault(_ bytes: UnsafeRawPointer, _ count: Int) -> CSVFault? { firstFault(bytes, count)?.1 }

  private static func firstFault(_ bytes: UnsafeRawPointer, _ count: Int) -> (Int, CSVFault)? {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let end = bytes + count
    var p = bytes
    while p < end {
      if end - p >= 8 {
        let word = p.loadUnaligned(as: UInt64.self)
        // No byte is zero and none outside ASCII.
        if ((word &- ones) | word) & (ones &* 0x80) == 0 {
          p += 8
          continue
        }
      }
      let byte = p.load(as: UInt8.self)
      if byte == 0 { return (p - bytes, .nulByte) }
      if byte < 0x80 {
        p += 1
        continue
      }
      let length = JSONText.sequenceLength(p, end)
      if length == 0 { return (p - bytes, .invalidUTF8) }
      p += length
    }
    return nil
  }
}
