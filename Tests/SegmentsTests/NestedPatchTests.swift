import Bytes
import Encodings
import Segments
import Testing
import Vectors

/// Instants with gaps of many sizes, whose differences have patches, whose high parts have patches, and so on.
@Suite struct NestedPatchTests {
  static let schema = Schema([Field("at", .bigint)])

  /// The value of a row. The fixture holds these for ever.
  static func value(_ row: Int) -> Int64 {
    let place = row % 9000
    let jitter = row * 7919 % 13
    return Int64(1_000_000 + place * 14 + jitter + place / 11 * 500 + place / 130 * 30_000 + place / 1700 * 5_000_000)
  }

  static func write(_ path: String, rowCount: Int) throws {
    var options = SegmentOptions()
    options.forcedEncoding = .delta
    let writer = try SegmentWriter(path, schema: schema, options: options)
    let vector = Vector.of(.bigint, (0..<rowCount).map { .integer(value($0)) })
    try writer.append(try writer.encodeRowGroup([vector]))
    _ = try writer.finish()
  }

  static func difference(_ segment: SegmentReader) throws -> String? {
    let reader = RowGroupReader(segment, rowGroup: 0)
    let vector = try reader.read(column: 0, rows: 0..<reader.rowCount)
    for row in 0..<reader.rowCount where vector.scalar(at: row) != .integer(value(row)) {
      return "row \(row): \(vector.scalar(at: row))"
    }
    return nil
  }

  @Test func whatIsWrittenIsRead() throws {
    let directory = ScratchDirectory()
    try Self.write(directory.file("a.seg"), rowCount: 30_000)
    let file = try MappedFile(directory.file("a.seg"))
    #expect(try Self.difference(try SegmentReader.open(file)) == nil)
    #expect(SegmentVerifier.verify(file).isEmpty)
    // Five bits for most, and little for the others.
    #expect(file.bytes.count * 8 < 30_000 * 8)
  }

  @Test func fixtureOpens() throws {
    let folder = Path.join(Path.parent(#filePath), "Fixtures")
    let file = try MappedFile(Path.join(folder, "version-3-patches.segment"))
    let segment = try SegmentReader.open(file)
    #expect(segment.rowCount == 20_000)
    #expect(segment.encodings(column: 0, rowGroup: 0) == [.delta])
    #expect(try Self.difference(segment) == nil)
    #expect(SegmentVerifier.verify(file).isEmpty)
  }

  @Test func forgedFilesDoNotTrap() throws {
    let directory = ScratchDirectory()
    try Self.write(directory.file("a.seg"), rowCount: 6000)
    let original = try PatchedFile(directory.file("a.seg"))
    let block = try DamageTests.blocks(original.bytes)[0].range
    try DamageTests.useForged(original, rounds: 600) { _ in block }
  }
}
