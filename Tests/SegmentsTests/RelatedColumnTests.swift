import Bytes
import Encodings
import Segments
import Testing
import Vectors

/// Columns that are stored with the help of others: instants upon their days, places tracked together by user.
enum RelatedColumns {
  static let schema = Schema([
    Field("user_id", .integer), Field("event_date", .date), Field("event_ts", .timestamp), Field("latitude", .double),
    Field("longitude", .double),
  ])

  /// The value of a cell. Fixtures hold these for ever.
  static func value(_ column: Int, _ row: Int) -> Scalar {
    let user = row * 7919 % 23
    let isSession = row % 3 == 0
    let day = Int64(19_700 + row * row * 37 % 641)
    switch column {
    case 0: return .integer(Int64(10_001 + user))
    case 1: return row % 29 == 7 || row % 311 == 4 ? .null : .integer(day)
    case 2:
      if row % 29 == 7 { return .null }
      return .integer(day * 86_400_000_000 + Int64(row * row * 7919 % 86_400) * 1_000_000)
    default:
      if row % 37 == column { return .null }
      if row % 41 == column { return .double([-0.0, .nan, .infinity, 1.0 / 3][row % 4]) }
      let home = column == 3 ? user * 3_100_007 - 40_000_000 : 90_000_000 - user * 7_300_001
      let around = isSession ? row * 7919 % 30 : row * (column * 2 + 104_729) % 8000
      return .double(Double(home + around) / 1e6)
    }
  }

  static func write(_ path: String, rowCount: Int, encoding: Encoding?, rowGroupRowCount: Int) throws {
    var options = SegmentOptions()
    options.rowGroupRowCount = rowGroupRowCount
    options.forcedEncoding = encoding
    options.keyColumn = 0
    let writer = try SegmentWriter(path, schema: schema, options: options)
    for start in stride(from: 0, to: rowCount, by: rowGroupRowCount) {
      let rows = start..<min(start + rowGroupRowCount, rowCount)
      let columns = schema.fields.enumerated().map { column, field in
        Vector.of(field.type, rows.map { value(column, $0) })
      }
      try writer.append(try writer.encodeRowGroup(columns))
    }
    _ = try writer.finish()
  }

  /// Compares every cell of what can be read; returns the first difference, and how many columns cannot be read.
  static func compare(_ segment: SegmentReader) -> (difference: String?, damaged: Int) {
    var base = 0
    var damaged = 0
    for rowGroup in 0..<segment.rowGroupCount {
      let reader = RowGroupReader(segment, rowGroup: rowGroup)
      // From the last column on, so that leaders are opened by those they lead.
      for column in (0..<segment.schema.count).reversed() {
        guard let vector = try? reader.read(column: column, rows: 0..<reader.rowCount) else {
          damaged += 1
          continue
        }
        for row in 0..<reader.rowCount where vector.scalar(at: row) != value(column, base + row) {
          return ("column \(column) row \(base + row): \(vector.scalar(at: row))", damaged)
        }
      }
      base += reader.rowCount
    }
    return (nil, damaged)
  }

  static func encodings(_ path: String) throws -> [[Encoding]] {
    let segment = try SegmentReader.open(try MappedFile(path))
    return (0..<schema.count).map { segment.encodings(column: $0, rowGroup: 0) }
  }
}

@Suite struct RelatedColumnTests {
  @Test(arguments: [nil, Encoding.linked, .tracked]) func rowsComeBack(encoding: Encoding?) throws {
    let directory = ScratchDirectory()
    let path = directory.file("a.seg")
    try RelatedColumns.write(path, rowCount: 5000, encoding: encoding, rowGroupRowCount: 2100)
    let encodings = try RelatedColumns.encodings(path)
    if encoding != .tracked { #expect(encodings[2] == [.linked]) }
    if encoding != .linked { #expect(encodings[3...] == [[.decimal, .tracked], [.decimal, .tracked]]) }
    let file = try MappedFile(path)
    let (difference, damaged) = RelatedColumns.compare(try SegmentReader.open(file))
    #expect(difference == nil)
    #expect(damaged == 0)
    #expect(SegmentVerifier.verify(file).isEmpty)
  }

  @Test func fixtureOpens() throws {
    let folder = Path.join(Path.parent(#filePath), "Fixtures")
    let file = try MappedFile(Path.join(folder, "version-2-related.segment"))
    let segment = try SegmentReader.open(file)
    #expect(segment.rowCount == 2200)
    #expect(segment.schema == RelatedColumns.schema)
    #expect(segment.encodings(column: 2, rowGroup: 0) == [.linked])
    #expect(segment.encodings(column: 4, rowGroup: 0) == [.decimal, .tracked])
    let (difference, damaged) = RelatedColumns.compare(segment)
    #expect(difference == nil)
    #expect(damaged == 0)
    #expect(SegmentVerifier.verify(file).isEmpty)
  }

  @Test(arguments: [Encoding.linked, .tracked]) func flippedBytesAreFound(encoding: Encoding) throws {
    let directory = ScratchDirectory()
    try RelatedColumns.write(directory.file("a.seg"), rowCount: 60, encoding: encoding, rowGroupRowCount: 60)
    let original = try PatchedFile(directory.file("a.seg"))
    for offset in stride(from: 64, to: DamageTests.footerOffset(original.bytes), by: 5) {
      var changed = original.bytes
      changed[offset] ^= 0x41
      let (difference, damaged) = RelatedColumns.compare(try SegmentReader.open(try original.map(changed)))
      #expect(difference == nil, "byte \(offset)")
      // Whoever needs a damaged column falls with it: keys take both places, days the instants, a leader its follower.
      #expect((1...3).contains(damaged), "byte \(offset) unnoticed")
    }
  }

  @Test(arguments: [Encoding.linked, .tracked]) func forgedFilesDoNotTrap(encoding: Encoding) throws {
    let directory = ScratchDirectory()
    try RelatedColumns.write(directory.file("a.seg"), rowCount: 2200, encoding: encoding, rowGroupRowCount: 1100)
    let original = try PatchedFile(directory.file("a.seg"))
    let blocks = try DamageTests.blocks(original.bytes).map(\.range)
    try DamageTests.useForged(original, rounds: 300) { round in
      let block = blocks[round % blocks.count]
      // Half of the changes meet the first bytes of a block, where counts and columns are.
      return round % 2 == 0 ? block.lowerBound..<min(block.lowerBound + 160, block.upperBound) : block
    }
  }
}
