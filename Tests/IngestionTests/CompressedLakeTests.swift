import Bytes
import Engine
import TestKit
import Testing
import Vectors

@testable import Ingestion

/// Lakes of `.jsonl.zst` files.
@Suite struct CompressedLakeTests {
  private static func frame(_ text: String) throws -> [UInt8] { try ZstdEncoder.frame(Array(text.utf8)) }

  private static func lines(_ numbers: Range<Int>) -> String { numbers.map(House.line).joined() }

  private func rows(_ house: House) throws -> [[Scalar]] {
    try house.rows("SELECT user_id, _file, _line, _offset FROM bronze.events")
  }

  /// The same rows with the same places, plain and compressed, however long blocks are and however frames are cut.
  @Test(arguments: [4096, 20_000, 1 << 20], [7, 1000, 100_000]) func compressingDoesNotShow(unit: Int, piece: Int)
    throws
  {
    let plain = try House()
    let compressed = try House()
    for house in [plain, compressed] {
      house.options.unitByteCount = unit
      house.options.recordByteLimit = 8192
    }
    for file in 0..<5 {
      var text = ""
      for number in 0..<[1, 700, 30, 1500, 5][file] {
        if number % 97 == 13 { text += "broken \(number)\n" }
        if number == 20 { text += String(repeating: "z", count: 20_000) + "\n\n" }
        text += House.line(file * 10_000 + number)
      }
      if file == 4 { text += "{\"user_id\":44" }
      plain.write("f\(file).jsonl", text)
      let bytes = Array(text.utf8)
      var frames: [UInt8] = []
      for start in stride(from: 0, to: bytes.count, by: piece) {
        frames += try ZstdEncoder.frame(Array(bytes[start..<min(start + piece, bytes.count)]))
      }
      compressed.scratch.write("lake/f\(file).jsonl.zst", frames)
    }
    let first = try plain.ingest()
    let second = try compressed.ingest()
    #expect(second.rowCount == first.rowCount)
    #expect(second.byteCount == first.byteCount)
    #expect(second.quarantinedCount == first.quarantinedCount)
    #expect(second.warnings.map(\.kind) == [.incomplete])
    #expect(try rows(plain) == rows(compressed))
    let refused = "SELECT _file, _line, _offset, reason, raw FROM quarantine.bronze_events"
    #expect(try plain.rows(refused) == compressed.rows(refused))
    try compressed.checkBooks()
    #expect(try compressed.ingest().recordCount == 0)
  }

  @Test func aFileGrowsByFrames() throws {
    let house = try House()
    house.scratch.write("lake/a.jsonl.zst", try Self.frame(Self.lines(0..<3)))
    #expect(try house.ingest().rowCount == 3)
    // A line may begin in one frame and end in the next.
    house.scratch.write("lake/a.jsonl.zst", try Self.frame(House.line(3) + "{\"user_id\""), appending: true)
    let second = try house.ingest()
    #expect(second.rowCount == 1)
    #expect(second.warnings.map(\.file) == ["a.jsonl.zst"])
    house.scratch.write("lake/a.jsonl.zst", try Self.frame(":4}\n" + House.line(5)), appending: true)
    #expect(try house.ingest().rowCount == 2)
    #expect(try house.ingest().unchangedFileCount == 1)
    #expect(
      try house.rows("SELECT user_id, _line FROM bronze.events") == (0...5).map { [.integer($0), .integer($0 + 1)] })
    try house.checkBooks()
  }

  /// An ingest at every length of the file: whole frames are taken, a frame that is cut off waits.
  @Test(arguments: [4096, 1 << 20]) func aFileMayGrowByAnyNumberOfBytes(unit: Int) throws {
    let house = try House()
    house.options.unitByteCount = unit
    let frames = [
      try Self.frame(Self.lines(0..<3)), try Self.frame(Self.lines(3..<400)), try Self.frame(Self.lines(400..<401)),
    ]
    let ends = [frames[0].count, frames[0].count + frames[1].count]
    let bytes = frames.flatMap { $0 }
    var count = 0
    while count < bytes.count {
      let step = min(13, bytes.count - count)
      house.scratch.write("lake/a.jsonl.zst", Array(bytes[count..<count + step]), appending: true)
      count += step
      let report = try house.ingest()
      let expected: Int64 = count == bytes.count ? 401 : count >= ends[1] ? 400 : count >= ends[0] ? 3 : 0
      #expect(try house.count("SELECT count(*) FROM bronze.events") == expected)
      #expect(report.warnings.isEmpty == (ends + [bytes.count]).contains(count), "at \(count)")
    }
    #expect(try house.rows("SELECT user_id FROM bronze.events") == (0..<401).map { [.integer($0)] })
    try house.checkBooks()
  }

  /// Flips every byte: rows come from whole frames alone, damage is told, and nothing traps.
  @Test(arguments: [4096, 1 << 20]) func damageIsReported(unit: Int) throws {
    let good = try Self.frame(Self.lines(0..<2))
    let frames = good + (try Self.frame(Self.lines(2..<150)))
    let house = try House()
    house.options.unitByteCount = unit
    house.options.threadCount = 1
    for index in frames.indices {
      var bytes = frames
      bytes[index] ^= 0x5A
      house.scratch.write("lake/\(index).jsonl.zst", bytes)
    }
    let report = try house.ingest()
    let warned = Set(report.warnings.map(\.file))
    var counts: [Scalar: Scalar] = [:]
    for row in try house.rows("SELECT _file, count(*) FROM bronze.events GROUP BY _file") { counts[row[0]] = row[1] }
    for index in frames.indices {
      let count = counts[.text("\(index).jsonl")]
      // The byte that says how much memory decompressing takes may be another without harm.
      if index == 5 && count == .integer(150) { continue }
      #expect(warned.contains("\(index).jsonl.zst"), "byte \(index)")
      #expect(index < good.count ? count == nil : count == .integer(2), "byte \(index)")
    }
    #expect(report.warnings.contains { $0.kind == .damaged && $0.message.contains("starts at byte \(good.count)") })
    try house.checkBooks()
    // Told again, and what is mended is read on.
    #expect(try house.ingest().warnings.count == report.warnings.count)
    let last = frames.count - 1
    house.scratch.write("lake/\(last).jsonl.zst", frames)
    #expect(try house.ingest().rowCount == 148)
    try house.checkBooks()
  }

  @Test func whatIsNoZstdIsReported() throws {
    let house = try House()
    house.write("a.jsonl.zst", House.line(1))
    house.write("b.jsonl.zst", "")
    house.scratch.write("lake/c.jsonl.zst", try Self.frame(""))
    let report = try house.ingest()
    #expect(report.warnings.map(\.kind) == [.damaged])
    #expect(report.rowCount == 0)
    house.source.kind = .lake(LakeFolder(path: "lake", isComplete: true))
    house.scratch.write("lake/d.jsonl.zst", Array(try Self.frame(House.line(2)).dropLast()))
    #expect(try house.ingest().warnings.map(\.kind) == [.damaged, .damaged])
    try house.checkBooks()
  }

  /// Compressing a file that was read, or unpacking it, changes nothing; a rewritten one is reported.
  @Test func aFileMayBeCompressedAfterItWasRead() throws {
    let house = try House()
    let text = Self.lines(0..<50)
    house.write("a.jsonl", text)
    _ = try house.ingest()
    house.scratch.write("lake/a.jsonl.zst", try Self.frame(text + House.line(50)))
    #expect(try house.ingest().warnings.map(\.kind) == [.twin])
    try LocalFileSystem().removeFile(Path.join(house.scratch.path, "lake/a.jsonl"))
    let report = try house.ingest()
    #expect(report.rowCount == 1)
    #expect(report.warnings.isEmpty)
    house.scratch.write("lake/a.jsonl.zst", try Self.frame(Self.lines(1..<60)))
    #expect(try house.ingest().warnings.map(\.kind) == [.changed])
    house.scratch.write("lake/a.jsonl.zst", try Self.frame(Self.lines(0..<10)))
    #expect(try house.ingest().warnings.map(\.kind) == [.changed])
    try house.checkBooks()
  }
}
