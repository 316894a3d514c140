import Bytes
import CKernels
import Engine
import Glibc
import Vectors

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
  let name: String
  let dialect: CSVDialect
  let mode: Mode
  let targets: [Target]
  /// Which column each field of a record fills, -1 for none.
  var columnOfField: [Int] = []
  let columns: CSVColumns
  var splitter: CSVRecordSplitter
  let block = LakeBlock()
  /// Bytes in the block, those of them already taken, and where the next one of `splitter.ends` is.
  private var have = 0
  var taken = 0
  var nextEnd = 0
  var scannedFrom = 0
  private var isAtEnd = false
  /// True when `splitter` knows the bytes from `scannedFrom` on.
  var isScanned = false
  var isValidText = true
  var hasQuotes = false
  /// Where the block's first byte lies in the file.
  var blockOffset: Int64 = 0
  var line: Int64 = 1
  var rejected: [RejectedRecord] = []
  var nulls: [Int] = []
  var recordCount: Int64 = 0
  private(set) var hash = XXH64()
  private(set) var byteCount: Int64 = 0

  /// Bytes read at once.
  private let readByteCount: Int
  private static let recordByteLimit = 64 << 20
  static let rejectedLimit = 10_000

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
  struct Record {
    var range: Range<Int>
    var firstEnd: Int
    var fieldCount: Int
    /// Where the next record starts.
    var next: Int
  }

  enum Found {
    case record(Record)
    case fault(CSVFault)
    /// The block holds no whole record, and rows that lie in it wait to be handed over.
    case later
    case none
  }

  /// Finds the next record; reads on when the block holds no whole one.
  func nextRecord() throws(PulsehouseError) -> Found {
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
  func take(_ record: Record) {
    nextEnd = record.firstEnd + record.fieldCount
    line += 1
    if hasQuotes { line += Int64(ph_count_byte(block.base + record.range.lowerBound, record.range.count, 0x0A)) }
    taken = record.next
  }

  /// Steps over the line at which a record starts whose quotes make no sense, and looks anew at what follows.
  func takeLine() -> Range<Int> {
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
}
