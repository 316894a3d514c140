import Bytes
import Encodings
import Glibc
import Segments
import Testing
import Vectors

/// A segment file whose bytes a test changes in place.
struct PatchedFile {
  let path: String
  private(set) var bytes: [UInt8]

  init(_ path: String) throws {
    self.path = path
    bytes = try LocalFileSystem().readFile(path, limit: 1 << 24)
  }

  /// Writes `changed` under another name, so that files mapped before keep theirs.
  func map(_ changed: [UInt8], _ name: String = "changed") throws -> MappedFile {
    let file = try LocalFileSystem().createFile(path + "." + name, .truncating)
    try file.write(changed)
    try file.close()
    return try MappedFile(path + "." + name)
  }
}

@Suite struct DamageTests {
  /// A small file with every column of the test schema in two row groups.
  private func smallSegment(
    _ directory: ScratchDirectory, _ encoding: Encoding? = nil, rowCount: Int = 22, rowGroups: Int = 2
  )
    throws -> PatchedFile
  {
    var options = SegmentOptions()
    options.rowGroupRowCount = (rowCount + 1) / rowGroups
    options.keyColumn = 0
    options.forcedEncoding = encoding
    options.properties = ["table": "t"]
    try TestSegments.write(directory.file("a.seg"), rowCount: rowCount, options: options)
    return try PatchedFile(directory.file("a.seg"))
  }

  /// Reads every column; what can be read must be right. Returns how many columns are damaged.
  private func readAll(_ file: MappedFile, rowGroupRowCount: Int, _ what: String) -> Int {
    let segment: SegmentReader
    do throws(PulsehouseError) { segment = try SegmentReader.open(file) } catch {
      #expect(error.kind == .corrupt, "\(what): \(error)")
      return -1
    }
    var damaged = 0
    for rowGroup in 0..<segment.rowGroupCount {
      let reader = RowGroupReader(segment, rowGroup: rowGroup)
      for column in 0..<segment.schema.count {
        do throws(PulsehouseError) {
          let vector = try reader.read(column: column, rows: 0..<reader.rowCount)
          for row in 0..<reader.rowCount
          where vector.scalar(at: row) != TestSegments.value(column, rowGroup * rowGroupRowCount + row) {
            Issue.record("\(what): column \(column) row \(row) silently changed")
          }
        } catch {
          #expect(error.kind == .corrupt, "\(what): \(error)")
          #expect(error.message.contains(segment.schema[column].name), "\(what): \(error)")
          damaged += 1
        }
      }
    }
    return damaged
  }

  @Test func everyFlippedByteIsFound() throws {
    let directory = ScratchDirectory()
    let original = try smallSegment(directory, rowCount: 11, rowGroups: 1)
    #expect(readAll(try original.map(original.bytes), rowGroupRowCount: 11, "unchanged") == 0)
    var random = SystemRandomNumberGenerator()
    for offset in original.bytes.indices {
      var changed = original.bytes
      changed[offset] ^= UInt8.random(in: 1...255, using: &random)
      let damaged = readAll(
        try original.map(changed), rowGroupRowCount: 11, "byte \(offset) became \(changed[offset])")
      // A key column takes those it predicts with it; every other block stands alone.
      #expect(damaged != 0 && damaged <= 2, "byte \(offset) became \(changed[offset]) unnoticed")
    }
  }

  @Test func truncatedFilesAreRefused() throws {
    let directory = ScratchDirectory()
    let original = try smallSegment(directory)
    for length in 0..<original.bytes.count where length < 200 || length % 13 == 0 {
      let file = try original.map(Array(original.bytes.prefix(length)))
      #expect { try SegmentReader.open(file) } throws: { ($0 as? PulsehouseError)?.kind == .corrupt }
    }
    let longer = try original.map(original.bytes + [0])
    #expect { try SegmentReader.open(longer) } throws: { ($0 as? PulsehouseError)?.kind == .corrupt }
  }

  @Test func newerFormatsAreRefusedInWords() throws {
    let directory = ScratchDirectory()
    let original = try smallSegment(directory)
    var changed = original.bytes
    changed[8] = 4
    Self.store(CRC32C.checksum(Array(changed[0..<60])), into: &changed, at: 60)
    let file = try original.map(changed)
    #expect { try SegmentReader.open(file) } throws: {
      ($0 as? PulsehouseError)?.kind == .unsupported && "\($0)".contains("newer")
    }
  }

  @Test func verifierNamesTheDamagedBlockAndTheRestAnswers() throws {
    let directory = ScratchDirectory()
    let original = try smallSegment(directory)
    var changed = original.bytes
    changed[64 + 40] ^= 1
    let file = try original.map(changed)
    let damage = SegmentVerifier.verify(file)
    #expect(damage.count == 1)
    let first = try #require(damage.first)
    #expect(first.part == "block")
    #expect(first.column == "user_id")
    #expect(first.rowGroup == 0)
    #expect(first.offset == 64)
    #expect(first.expectedChecksum != first.foundChecksum)
    #expect(first.message.contains(file.path) && first.message.contains("0x"))
    let segment = try SegmentReader.open(file)
    let reader = RowGroupReader(segment, rowGroup: 0)
    #expect(try reader.read(column: 1, rows: 0..<1).scalar(at: 0) == TestSegments.value(1, 0))
    #expect(throws: PulsehouseError.self) { try reader.read(column: 0, rows: 0..<1) }

    changed = original.bytes
    changed[original.bytes.count - 100] ^= 1
    #expect(SegmentVerifier.verify(try original.map(changed, "other")).map(\.part) == ["file"])
  }

  private static func store(_ value: UInt32, into bytes: inout [UInt8], at offset: Int) {
    for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(8 * index)) }
  }

  /// Where a block lies and where in the footer its checksum does.
  struct BlockPlace {
    var range: Range<Int>
    var checksumOffset: Int
  }

  /// Finds the blocks of a sound file by their checksums: they tile it from byte 64 to the footer.
  static func blocks(_ bytes: [UInt8]) throws -> [BlockPlace] {
    let tail = bytes.count - 64
    let footerOffset = Self.footerOffset(bytes)
    var places: [UInt32: Int] = [:]
    for offset in footerOffset..<(tail - 3) { places[load(bytes, offset)] = offset }
    var result: [BlockPlace] = []
    var start = 64
    while start < footerOffset {
      var end = start + 64
      var found: Int?
      while end <= footerOffset {
        found = bytes.withUnsafeBytes { places[CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[start..<end]))] }
        if found != nil { break }
        end += 64
      }
      result.append(BlockPlace(range: start..<end, checksumOffset: try #require(found)))
      start = end
    }
    return result
  }

  private static func load(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
  }

  static func footerOffset(_ bytes: [UInt8]) -> Int { Int(load(bytes, bytes.count - 64)) }

  private static func checksum(_ bytes: [UInt8], _ range: Range<Int>) -> UInt32 {
    bytes.withUnsafeBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  /// Makes all checksums right again after a change of blocks or footer.
  private static func forge(_ bytes: inout [UInt8], _ blocks: [BlockPlace]) {
    for block in blocks { store(checksum(bytes, block.range), into: &bytes, at: block.checksumOffset) }
    let tail = bytes.count - 64
    store(checksum(bytes, footerOffset(bytes)..<tail), into: &bytes, at: tail + 16)
    store(checksum(bytes, tail..<(tail + 52)), into: &bytes, at: tail + 52)
  }

  @Test(arguments: [nil] + Encoding.allCases.map { Optional($0) }) func forgedFilesDoNotTrap(encoding: Encoding?) throws
  {
    let directory = ScratchDirectory()
    let original = try smallSegment(directory, encoding, rowCount: 90)
    let footerOffset = Self.footerOffset(original.bytes)
    try Self.useForged(original, rounds: 120) { round in
      round % 4 == 3 ? footerOffset..<(original.bytes.count - 64) : 64..<footerOffset
    }
  }

  /// Uses a file in which up to three bytes are others, in the range that `range` says for each round, and all checksums
  /// right. Whoever forges checksums may get wrong answers, but never leads us outside of memory.
  static func useForged(_ original: PatchedFile, rounds: Int, in range: (Int) -> Range<Int>) throws {
    let seed = UInt64.random(in: 0...(.max))
    var random = SeededGenerator(seed: seed)
    let blocks = try blocks(original.bytes)
    let footerOffset = footerOffset(original.bytes)
    var refused = 0
    for round in 0..<rounds {
      var changed = original.bytes
      let range = range(round)
      for _ in 0..<(1 + round % 3) {
        changed[Int.random(in: range, using: &random)] =
          [0, 1, 2, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255, using: &random)][round % 7]
      }
      // The blocks' checksums are in the footer, where they would undo what was changed.
      forge(&changed, range.lowerBound >= footerOffset ? [] : blocks)
      do {
        try useEverything(try original.map(changed))
      } catch let error as PulsehouseError {
        #expect([.corrupt, .internal, .unsupported].contains(error.kind), "seed \(seed): \(error)")
        refused += 1
      }
    }
    #expect(refused > 0, "seed \(seed)")
  }

  static func useEverything(_ file: MappedFile) throws {
    let segment = try SegmentReader.open(file)
    var firstError: (any Error)?
    let memory = AlignedBuffer(byteCount: (1 << 20))
    for rowGroup in 0..<segment.rowGroupCount where segment.rowCount(rowGroup: rowGroup) < 10_000 {
      let reader = RowGroupReader(segment, rowGroup: rowGroup)
      let count = reader.rowCount
      for column in 0..<segment.schema.count {
        do {
          let vector = try reader.read(column: column, rows: 0..<count)
          let constants = (0..<count).map { vector.scalar(at: $0) }.filter { !$0.isNull }
          _ = try reader.read(column: column, selection: SelectionVector([0, UInt32(count - 1)]))
          if let narrow = try reader.narrow(column: column, rows: 0..<count, scratch: memory), narrow.width == 1 {
            for row in 0..<count {
              let code = UInt64(narrow.codes.load(fromByteOffset: row, as: UInt8.self))
              #expect(code <= narrow.maximumCode)
              if let dictionary = narrow.dictionary { _ = dictionary.scalar(at: Int(code)) }
            }
          }
          if let runs = try reader.runs(column: column), runs.count > 0 { _ = runs.values.scalar(at: runs.count - 1) }
          if let constant = constants.first {
            for predicate in [ColumnPredicate.compare(.lessOrEqual, constant), .isIn([constant]), .isNull] {
              _ = reader.prune(column: column, predicate)
              _ = try reader.filter(
                column: column, predicate, rows: 0..<count, into: memory.values(as: UInt64.self))
            }
          }
        } catch {
          firstError = firstError ?? error
        }
      }
    }
    _ = SegmentVerifier.verify(file)
    if let firstError { throw firstError }
  }
}

/// A small generator with a seed, so that a failing case can be run again.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
