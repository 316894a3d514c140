import Bytes
import Encodings
import Glibc
import Segments
import Testing
import Vectors

/// A directory that goes when the test does.
final class ScratchDirectory {
  let path: String

  init() {
    var template = Array("/tmp/pulsehouse-segments-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { preconditionFailure("no temporary directory") }
    path = String(cString: made)
  }

  deinit {
    let fileSystem = LocalFileSystem()
    for name in (try? fileSystem.list(path)) ?? [] { try? fileSystem.removeFile(Path.join(path, name)) }
    try? fileSystem.removeDirectory(path)
  }

  func file(_ name: String) -> String { Path.join(path, name) }
}

enum TestSegments {
  static let schema = Schema([
    Field("user_id", .integer), Field("heart_rate", .smallint), Field("at", .timestamp), Field("latitude", .double),
    Field("country", .text), Field("note", .text), Field("score", .numeric(precision: 10, scale: 2)),
    Field("active", .boolean), Field("empty", .bigint), Field("id", .uuid),
  ])

  /// The value of a cell, so that tests need not keep what they wrote.
  static func value(_ column: Int, _ row: Int) -> Scalar {
    switch column {
    case 0: .integer(Int64(10_001 + (row * 7919) % 50))
    case 1: row % 11 == 3 ? .null : .integer(Int64(50 + (row * 31) % 140))
    case 2: .integer(1_700_000_000_000_000 + Int64(row) * 1_000_000 + Int64(row % 7) * 2_000_000)
    case 3: .double(Double(52_000_000 + (row * 7919) % 50 * 10_000 + row % 100) / 1e6)
    case 4: row % 5 == 0 ? .null : .text(["Norway", "Finland", "Österreich with a long name"][row % 3])
    case 5: .text("note \(row) in a text that is longer than twelve bytes")
    case 6: .numeric(Numeric(mantissa: Int128(row % 1000), scale: 2))
    case 7: .boolean(row % 4 == 0)
    case 8: .null
    default: .uuid(UUIDValue(high: UInt64(row), low: 7))
    }
  }

  static func batch(_ rows: Range<Int>) -> Batch {
    Batch(
      schema.fields.enumerated().map { index, field in Vector.of(field.type, rows.map { value(index, $0) }) },
      rowCount: rows.count)
  }

  /// Writes `rowCount` rows and returns what the writer says of them.
  @discardableResult static func write(_ path: String, rowCount: Int, options: SegmentOptions) throws -> SegmentSummary
  {
    let writer = try SegmentWriter(path, schema: schema, options: options)
    var builder = RowGroupBuilder(schema: schema, rowGroupRowCount: options.rowGroupRowCount)
    var row = 0
    while row < rowCount {
      let end = min(row + 700, rowCount)
      builder.append(batch(row..<end))
      row = end
      while let columns = builder.next() { try writer.append(try writer.encodeRowGroup(columns)) }
    }
    if let columns = builder.finish() { try writer.append(try writer.encodeRowGroup(columns)) }
    return try writer.finish()
  }

  /// Compares every cell of the segment with what was written; returns the first difference.
  static func difference(_ segment: SegmentReader) throws -> String? {
    var base = 0
    for rowGroup in 0..<segment.rowGroupCount {
      let reader = RowGroupReader(segment, rowGroup: rowGroup)
      for column in 0..<segment.schema.count {
        let vector = try reader.read(column: column, rows: 0..<reader.rowCount)
        for row in 0..<reader.rowCount where vector.scalar(at: row) != value(column, base + row) {
          return "column \(column) row \(base + row): \(vector.scalar(at: row)), not \(value(column, base + row))"
        }
      }
      base += reader.rowCount
    }
    return nil
  }
}

@Suite struct SegmentTests {
  @Test(arguments: [0, 1, 63, 1024, 2499, 2500, 2501, 6000]) func writtenRowsComeBack(rowCount: Int) throws {
    let directory = ScratchDirectory()
    var options = SegmentOptions()
    options.rowGroupRowCount = 2500
    options.keyColumn = 0
    options.properties = ["table": "silver.heart_rate", "partition": "2024-04-01"]
    options.sortedBy = [2]
    let summary = try TestSegments.write(directory.file("a.seg"), rowCount: rowCount, options: options)
    let file = try MappedFile(directory.file("a.seg"))
    let segment = try SegmentReader.open(file)
    #expect(summary.byteCount == file.count)
    #expect(summary.rowCount == rowCount)
    #expect(segment.rowCount == rowCount)
    #expect(segment.rowGroupCount == (rowCount + 2499) / 2500)
    #expect(segment.checksum == summary.checksum)
    #expect(segment.schema == TestSegments.schema)
    #expect(segment.properties == options.properties)
    #expect(segment.sortedBy == [2])
    #expect(try TestSegments.difference(segment) == nil)
    #expect(SegmentVerifier.verify(file).isEmpty)
    for column in 0..<segment.schema.count {
      #expect(segment.zoneMap(column: column) == summary.zoneMaps[column])
      let values = (0..<rowCount).map { TestSegments.value(column, $0) }
      #expect(segment.zoneMap(column: column).nullCount == values.count { $0.isNull })
    }
    #expect(try LocalFileSystem().list(directory.path) == ["a.seg"])
  }

  @Test(arguments: Encoding.allCases) func everyForcedEncodingComesBack(encoding: Encoding) throws {
    let directory = ScratchDirectory()
    var options = SegmentOptions()
    options.rowGroupRowCount = 1100
    options.keyColumn = 0
    options.forcedEncoding = encoding
    try TestSegments.write(directory.file("a.seg"), rowCount: 2300, options: options)
    let segment = try SegmentReader.open(try MappedFile(directory.file("a.seg")))
    #expect(try TestSegments.difference(segment) == nil)
  }

  /// Files of every format version open for ever: these were written when the version was new. What they hold is
  /// `TestSegments.value`, which must never change.
  @Test(arguments: ["version-1", "version-1-plain", "version-1-delta", "version-1-runLength", "version-1-keyedDelta"])
  func fixturesOpen(name: String) throws {
    let folder = Path.join(Path.parent(#filePath), "Fixtures")
    let file = try MappedFile(Path.join(folder, name + ".segment"))
    let segment = try SegmentReader.open(file)
    #expect(segment.rowCount == (name == "version-1" ? 700 : 60))
    #expect(segment.schema == TestSegments.schema)
    #expect(segment.properties == ["table": "silver.heart_rate"])
    #expect(try TestSegments.difference(segment) == nil)
    #expect(SegmentVerifier.verify(file).isEmpty)
  }

  @Test func abandonedWritersLeaveNothing() throws {
    let directory = ScratchDirectory()
    do {
      let writer = try SegmentWriter(directory.file("a.seg"), schema: TestSegments.schema)
      try writer.append(try writer.encodeRowGroup(TestSegments.batch(0..<10).columns))
    }
    #expect(try LocalFileSystem().list(directory.path).isEmpty)
  }

  @Test func zoneMapsPruneAsRowsDecide() throws {
    let directory = ScratchDirectory()
    var options = SegmentOptions()
    options.rowGroupRowCount = 500
    try TestSegments.write(directory.file("a.seg"), rowCount: 1700, options: options)
    let segment = try SegmentReader.open(try MappedFile(directory.file("a.seg")))
    for rowGroup in 0..<segment.rowGroupCount {
      let reader = RowGroupReader(segment, rowGroup: rowGroup)
      let start = rowGroup * 500
      for column in 0..<segment.schema.count {
        var predicates: [ColumnPredicate] = [.isNull, .isNotNull]
        for row in [0, 250, 600, 1600] {
          let constant = TestSegments.value(column, row)
          if constant.isNull { continue }
          predicates += ComparisonOperator.allCases.map { .compare($0, constant) }
          predicates.append(.isIn([constant]))
          predicates.append(.between(constant, constant))
        }
        for predicate in predicates {
          let words = AlignedBuffer(byteCount: 64)
          let hits = try reader.filter(
            column: column, predicate, rows: 0..<reader.rowCount, into: words.values(as: UInt64.self))
          switch reader.prune(column: column, predicate) {
          case .none: #expect(hits == 0, "column \(column), rows from \(start), \(predicate)")
          case .all: #expect(hits == reader.rowCount, "column \(column), rows from \(start), \(predicate)")
          case .some: break
          }
        }
      }
    }
    let at = segment.zoneMap(column: 2, rowGroup: 0)
    #expect(at.prune(.compare(.less, .integer(1_600_000_000_000_000))) == .none)
    #expect(at.prune(.compare(.greater, .integer(1_600_000_000_000_000))) == .all)
    #expect(
      segment.zoneMap(column: 1).sum
        == (0..<1700).reduce(Int128(0)) {
          if case .integer(let value) = TestSegments.value(1, $1) { $0 + Int128(value) } else { $0 }
        })
  }

  @Test func zoneMapsSurviveTheirBytes() throws {
    let maps = [
      ZoneMap.empty, ZoneMap(rowCount: 9, nullCount: 9),
      ZoneMap(
        rowCount: 1 << 40, nullCount: 3, minimum: .integer(.min), maximum: .integer(.max), boundsAreExact: false,
        distinctEstimate: 77, sum: -(Int128(1) << 90)),
      ZoneMap(rowCount: 2, nullCount: 0, minimum: .text("ä"), maximum: .text("zz")),
      ZoneMap(rowCount: 2, nullCount: 0, minimum: .double(-0.0), maximum: .double(.nan)),
      ZoneMap(rowCount: 2, nullCount: 0, minimum: .bytes([0]), maximum: .bytes([255, 0])),
      ZoneMap(rowCount: 2, nullCount: 0, minimum: .numeric(.negativeInfinity), maximum: .numeric(.nan)),
    ]
    var writer = ByteWriter()
    for map in maps { map.encode(into: &writer) }
    let decoded = try ByteReader.reading(writer.bytes, source: "test") { (reader) throws(PulsehouseError) in
      var result: [ZoneMap] = []
      while !reader.isAtEnd { result.append(try ZoneMap.decode(from: &reader)) }
      return result
    }
    #expect(decoded == maps)
  }

  @Test func builderKeepsDictionariesAndOrder() throws {
    let schema = Schema([Field("word", .text)])
    var builder = RowGroupBuilder(schema: schema, rowGroupRowCount: 1000)
    let dictionary = Vector.of(.text, [.text("a long word, longer than twelve"), .text("b")])
    var expected: [Scalar] = []
    for part in 0..<30 {
      let codes = AlignedBuffer(byteCount: 4 * 77)
      for row in 0..<77 {
        codes.values(as: UInt32.self)[row] = UInt32((row + part) % 2)
        expected.append(dictionary.scalar(at: (row + part) % 2))
      }
      builder.append(Batch([Vector(codes: codes, count: 77, dictionary: dictionary)], rowCount: 77))
      builder.append(Batch([Vector.constant(.text, part % 2 == 0 ? .null : .text("constant"), count: 3)], rowCount: 3))
      expected += Array(repeating: part % 2 == 0 ? .null : .text("constant"), count: 3)
    }
    var found: [Scalar] = []
    while let columns = builder.next() {
      #expect(columns[0].form == .dictionary)
      #expect(columns[0].count == 1000)
      found += (0..<1000).map { columns[0].scalar(at: $0) }
    }
    if let columns = builder.finish() { found += (0..<columns[0].count).map { columns[0].scalar(at: $0) } }
    #expect(found == expected)
    #expect(builder.pendingRowCount == 0)
    #expect(builder.finish() == nil)
  }
}
