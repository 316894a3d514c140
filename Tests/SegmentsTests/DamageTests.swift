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
    changed[8] = 2
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

  /// Makes all checksums right again after a change of blocks or footer.
  static func forge(_ bytes: inout [UInt8], original: [UInt8]) throws {
    let tail = bytes.count - 64
    let footerOffset = (0..<8).reduce(0) { $0 | Int(bytes[tail + $1]) << (8 * $1) }
    // Blocks tile the file; the footer holds the checksum of each, which is found by its bytes.
    let file = try ByteReader.reading(Array(original[tail..<(tail + 8)]), source: "test") {
      (reader) throws(PulsehouseError) in try reader.readUInt64()
    }
    #expect(Int(file) == footerOffset)
    var start = 64
    while start < footerOffset {
      // The block's end is where its checksum, somewhere in the footer, matches.
      var end = start + 64
      while end <= footerOffset {
        let checksum = CRC32C.checksum(Array(original[start..<end]))
        let pattern = (0..<4).map { UInt8(truncatingIfNeeded: checksum >> UInt32(8 * $0)) }
        if let place = (footerOffset..<(tail - 4)).first(where: { Array(original[$0..<($0 + 4)]) == pattern }) {
          store(CRC32C.checksum(Array(bytes[start..<end])), into: &bytes, at: place)
          break
        }
        end += 64
      }
      try #require(end <= footerOffset)
      start = end
    }
    store(CRC32C.checksum(Array(bytes[footerOffset..<tail])), into: &bytes, at: tail + 16)
    store(CRC32C.checksum(Array(bytes[tail..<(tail + 52)])), into: &bytes, at: tail + 52)
  }

  /// Whoever forges checksums may get wrong answers, but never leads us outside of memory.
  @Test(arguments: [nil] + Encoding.allCases.map { Optional($0) }) func forgedFilesDoNotTrap(encoding: Encoding?) throws
  {
    let directory = ScratchDirectory()
    let original = try smallSegment(directory, encoding, rowCount: 90)
    let seed = UInt64.random(in: 0...(.max))
    var random = SeededGenerator(seed: seed)
    let footerOffset = (0..<8).reduce(0) { $0 | Int(original.bytes[original.bytes.count - 64 + $1]) << (8 * $1) }
    var refused = 0
    for round in 0..<120 {
      var changed = original.bytes
      let isFooter = round % 4 == 3
      for _ in 0..<(1 + round % 3) {
        let range = isFooter ? footerOffset..<(changed.count - 64) : 64..<footerOffset
        let place = Int.random(in: range, using: &random)
        changed[place] = [0, 1, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255, using: &random)][round % 6]
      }
      if isFooter {
        let tail = changed.count - 64
        Self.store(CRC32C.checksum(Array(changed[footerOffset..<tail])), into: &changed, at: tail + 16)
        Self.store(CRC32C.checksum(Array(changed[tail..<(tail + 52)])), into: &changed, at: tail + 52)
      } else {
        try Self.forge(&changed, original: original.bytes)
      }
      do {
        try useEverything(try original.map(changed))
      } catch let error as PulsehouseError {
        #expect([.corrupt, .internal, .unsupported].contains(error.kind), "seed \(seed): \(error)")
        refused += 1
      }
    }
    #expect(refused > 0, "seed \(seed)")
  }

  private func useEverything(_ file: MappedFile) throws {
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
