import Bytes
import Execution
import Glibc
import Testing
import Vectors

/// Spilled rows come back as they were, in order, and a bad disk is an error.
@Suite struct SpillFileTests {
  static func batch(_ range: Range<Int>) -> Batch {
    var numbers = VectorBuilder(.bigint, capacity: range.count)
    var texts = VectorBuilder(.text, capacity: range.count)
    for row in range {
      numbers.append(row % 5 == 0 ? .null : .integer(Int64(row)))
      texts.append(.text("row number \(row)"))
    }
    return Batch([numbers.finish(), texts.finish()], rowCount: range.count)
  }

  static func rows(_ run: SpillRun) throws -> [String] {
    var rows: [String] = []
    let reader = run.reader()
    while let batch = try reader.next() {
      for row in 0..<batch.rowCount {
        rows.append("\(batch.columns[0].scalar(at: row)) \(batch.columns[1].scalar(at: row))")
      }
    }
    return rows
  }

  static func expected(_ range: Range<Int>) -> [String] {
    range.map { "\($0 % 5 == 0 ? Scalar.null : .integer(Int64($0))) \(Scalar.text("row number \($0)"))" }
  }

  @Test(arguments: [0, 1, 100, SpillRun.blockRows - 1, SpillRun.blockRows, 3 * SpillRun.blockRows + 17])
  func runsShareAFile(count: Int) throws {
    let file = try SpillFile(directory: "/tmp")
    let runs = (0..<3).map { _ in SpillRun(file, types: [.bigint, .text]) }
    var start = 0
    while start < count {
      let end = min(start + 700, count)
      for (index, run) in runs.enumerated() { try run.append(SpillFileTests.batch((start + index)..<(end + index))) }
      start = end
    }
    for run in runs { try run.seal() }
    for (index, run) in runs.enumerated() {
      #expect(run.rowCount == count)
      #expect(try SpillFileTests.rows(run) == (count == 0 ? [] : SpillFileTests.expected(index..<(count + index))))
    }
    runs[0].discard()
    #expect(try SpillFileTests.rows(runs[0]).isEmpty)
    #expect(try SpillFileTests.rows(runs[2]).count == count)
  }

  @Test func theFileHasNoName() throws {
    let directory = "/tmp/pulsehouse-spill-\(getpid())"
    mkdir(directory, 0o700)
    defer { rmdir(directory) }
    let file = try SpillFile(directory: directory)
    let run = SpillRun(file, types: [.bigint, .text])
    try run.append(SpillFileTests.batch(0..<5000))
    try run.seal()
    #expect(try LocalFileSystem().list(directory).isEmpty)
    #expect(try SpillFileTests.rows(run).count == 5000)
  }

  @Test func damageIsAnError() throws {
    var template = Array("/tmp/pulsehouse-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    try #require(descriptor >= 0)
    unlink(template)
    let other = dup(descriptor)
    defer { close(other) }
    let run = SpillRun(SpillFile(TemporaryFile(descriptor: descriptor, directory: "/tmp")), types: [.bigint, .text])
    try run.append(SpillFileTests.batch(0..<100))
    try run.seal()
    var byte: UInt8 = 0
    for place in stride(from: 0, to: run.byteCount, by: 97) {
      pread(other, &byte, 1, place)
      byte ^= 1
      pwrite(other, &byte, 1, place)
      let error = #expect(throws: PulsehouseError.self) { _ = try SpillFileTests.rows(run) }
      #expect(error?.kind == .corrupt)
      byte ^= 1
      pwrite(other, &byte, 1, place)
    }
    #expect(try SpillFileTests.rows(run) == SpillFileTests.expected(0..<100))
    ftruncate(other, 10)
    let error = #expect(throws: PulsehouseError.self) { _ = try SpillFileTests.rows(run) }
    #expect(error?.kind == .corrupt)
  }

  @Test func aFullDiskSaysSo() throws {
    let descriptor = open("/dev/full", O_RDWR)
    try #require(descriptor >= 0)
    let run = SpillRun(SpillFile(TemporaryFile(descriptor: descriptor, directory: "/tmp")), types: [.bigint, .text])
    let error = #expect(throws: PulsehouseError.self) {
      try run.append(SpillFileTests.batch(0..<100))
      try run.seal()
    }
    #expect(error?.sqlState == "53100")
    #expect(throws: PulsehouseError.self) { _ = try SpillFile(directory: "/nowhere/at/all") }
  }
}
