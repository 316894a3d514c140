import Bytes
import Engine
import Glibc
import TestKit
import Testing
import Vectors

@testable import Ingestion

/// A directory of its own for one test, removed afterwards.
final class Scratch {
  let path: String

  init() {
    var template = Array("/tmp/ingestion-test-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { buffer in
      String(cString: mkdtemp(buffer.baseAddress!))
    }
  }

  deinit { remove(path) }

  private func remove(_ path: String) {
    if let names = try? LocalFileSystem().list(path) {
      for name in names { remove(Path.join(path, name)) }
    }
    if Glibc.remove(path) != 0 { _ = rmdir(path) }
  }

  @discardableResult
  func write(_ name: String, _ bytes: [UInt8], appending: Bool = false) -> String {
    let file = Path.join(path, name)
    try? LocalFileSystem().makeDirectory(Path.parent(file))
    let descriptor = open(file, O_WRONLY | O_CREAT | (appending ? O_APPEND : O_TRUNC), 0o644)
    bytes.withUnsafeBytes { if bytes.count > 0 { _ = Glibc.write(descriptor, $0.baseAddress!, bytes.count) } }
    close(descriptor)
    return file
  }

  @discardableResult
  func write(_ name: String, _ text: String, appending: Bool = false) -> String {
    write(name, Array(text.utf8), appending: appending)
  }
}

@Suite struct CSVReaderTests {
  struct Result: Equatable {
    var rows: [[Scalar]] = []
    var lines: [Int64] = []
    var rejected: [RejectedRecord] = []
    var recordCount: Int64 = 0

    mutating func add(_ rows: CSVRows) {
      for row in 0..<rows.rowCount { self.rows.append(rows.columns.map { $0.scalar(at: row) }) }
      lines += rows.lines
      rejected += rows.rejected
      recordCount += rows.recordCount
    }
  }

  static let targets = [
    CSVReader.Target(name: "id", type: .integer), CSVReader.Target(name: "name", type: .text),
    CSVReader.Target(name: "weight", type: .double),
  ]

  func read(
    _ bytes: [UInt8], _ dialect: CSVDialect = CSVDialect(hasHeader: true), targets: [CSVReader.Target] = targets,
    byName: Bool = true, mode: CSVReader.Mode = .quarantine, batch: Int = 65_536
  ) throws -> Result {
    let scratch = Scratch()
    let path = scratch.write("t.csv", bytes)
    func reader(_ readByteCount: Int) throws -> CSVReader {
      try CSVReader(
        try CSVInput(path), dialect: dialect, targets: targets, byName: byName, mode: mode, batchRowCount: batch,
        readByteCount: readByteCount)
    }
    var result = Result()
    var failure: PulsehouseError?
    do {
      let reader = try reader(4 << 20)
      while let rows = try reader.next() { result.add(rows) }
    } catch let error as PulsehouseError { failure = error }
    // By workers it is the same, wherever the file is cut.
    for (readByteCount, threads) in [(4 << 20, 2), (16, 3), (61, 2), (200, 3)] {
      let shared = Shared()
      do {
        try CSVWorkers.read(try reader(readByteCount), threads: threads) { shared.result.add($0) }
        #expect(failure == nil && shared.result == result, "blocks of \(readByteCount) bytes")
      } catch let error as PulsehouseError {
        #expect(error.line == failure?.line && error.message == failure?.message, "blocks of \(readByteCount) bytes")
      }
    }
    withExtendedLifetime(scratch) {}
    if let failure { throw failure }
    return result
  }

  final class Shared: @unchecked Sendable {
    // @unchecked: the workers take turns.
    var result = Result()
  }

  func read(_ text: String, mode: CSVReader.Mode = .quarantine) throws -> Result {
    try read(Array(text.utf8), mode: mode)
  }

  @Test func quotesNewlinesAndNulls() throws {
    let text = """
      weight,other,id,name
      1.5,x,1,plain
      ,"y",2,"comma, quote "" and
      newline"
      2e3,,3,""
      -0.5,,4,
      7,,,"a longer name than twelve bytes"\r
      8,,6,last
      """
    let result = try read("\u{FEFF}" + text)
    #expect(
      result.rows == [
        [.integer(1), .text("plain"), .double(1.5)], [.integer(2), .text("comma, quote \" and\nnewline"), .null],
        [.integer(3), .text(""), .double(2000)], [.integer(4), .null, .double(-0.5)],
        [.null, .text("a longer name than twelve bytes"), .double(7)], [.integer(6), .text("last"), .double(8)],
      ])
    #expect(result.lines == [2, 3, 5, 6, 7, 8])
    #expect(result.rejected.isEmpty)
    #expect(result.recordCount == 6)
  }

  static let refused: [(String, String)] = [
    ("1,x", "missing data for column \"weight\""), ("1,x,2,3", "extra data"), ("1,a\"b,2", "bare quote"),
    ("1,\"a\"b,2", "closing quote"), ("x,y,2", "id: invalid input syntax for type integer: \"x\""),
    ("99999999999,y,2", "out of range"), ("1,\"open,2", "unterminated"),
  ]

  @Test(arguments: refused) func badRecordsAreRefusedInWords(record: String, word: String) throws {
    let text = "id,name,weight\n5,a,1\n\(record)\n6,b,2\n7,c,3"
    let result = try read(text)
    #expect(result.rows.map { $0[0] } == [.integer(5), .integer(6), .integer(7)])
    try #require(result.rejected.count == 1)
    #expect(result.rejected[0].reason.contains(word), "\(result.rejected[0].reason)")
    #expect(result.rejected[0].line == 3)
    #expect(result.rejected[0].offset == 21)
    #expect(result.rejected[0].raw == Array(record.utf8))
    #expect(result.recordCount == 4)
    let error = #expect(throws: PulsehouseError.self) { try read(text, mode: .strict) }
    #expect(error?.line == 3)
    #expect(error?.kind == .user)
  }

  @Test func headersMustNameTheColumns() throws {
    for (header, word) in [
      ("id,weight", "\"name\""), ("id,name,name,weight", "twice"), ("", "empty"), ("id,na\"me,weight", "quote"),
    ] {
      let error = #expect(throws: PulsehouseError.self) { try read(header) }
      #expect(error?.message.contains(word) == true, "\(String(describing: error))")
      #expect(error?.line == 1)
    }
    #expect(try read("id,name,weight").rows.isEmpty)
    #expect(try read("id,name,weight\n\n\n").recordCount == 0)
  }

  @Test func invalidTextIsRefusedLineByLine() throws {
    let header = Array("id,name,weight\n1,a,1\n".utf8)
    for bad: [UInt8] in [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0]] {
      let result = try read(header + Array("2,".utf8) + bad + Array(",2\n3,ü,3\n".utf8))
      #expect(result.rows.map { $0[0] } == [.integer(1), .integer(3)])
      #expect(result.rejected.count == 1)
    }
  }

  @Test func dialectsOfCopy() throws {
    var dialect = CSVDialect()
    dialect.delimiter = UInt8(ascii: ";")
    dialect.quote = UInt8(ascii: "'")
    dialect.escape = UInt8(ascii: "\\")
    dialect.null = Array("NULL".utf8)
    let targets = [CSVReader.Target(name: "a", type: .text), CSVReader.Target(name: "b", type: .text)]
    let text = #"""
      NULL;'NULL'
      'it\'s; \\ \n';
      "x";y
      """#
    let result = try read(Array(text.utf8), dialect, targets: targets, byName: false, mode: .strict)
    #expect(
      result.rows == [
        [.null, .text("NULL")], [.text(#"it's; \ \n"#), .text("")], [.text("\"x\""), .text("y")],
      ])
  }

  /// Plain columns take the fast cast, unusual ones the general: same values.
  @Test func numbersOfEveryFormAreRead() throws {
    let text = "1,2,3\n-32768,-5,0.000001\n007,9223372036854775807,1e5\n 8 ,,\n,123456789012345678,-179.999999\n"
    let types: [LogicalType] = [.smallint, .bigint, .double]
    let targets = types.enumerated().map { CSVReader.Target(name: "c\($0)", type: $1) }
    for skipped in [nil, 2, 3] {
      let lines = text.split(separator: "\n").enumerated().filter {
        $0.offset != skipped && ($0.offset != 3 || skipped == nil)
      }
      let bytes = Array((lines.map(\.element).joined(separator: "\n") + "\n").utf8)
      let result = try read(bytes, CSVDialect(), targets: targets, byName: false, mode: .strict)
      let all: [[Scalar]] = [
        [.integer(1), .integer(2), .double(3)], [.integer(-32768), .integer(-5), .double(0.000001)],
        [.integer(7), .integer(.max), .double(100_000)], [.integer(8), .null, .null],
        [.null, .integer(123_456_789_012_345_678), .double(-179.999999)],
      ]
      #expect(result.rows == lines.map { all[$0.offset] })
    }
  }

  /// What Python's csv module writes in its default dialect.
  @Test func aFileOfPythonsIsRead() throws {
    let text =
      "plain,\"with, comma\",\"with \"\"quotes\"\"\"\r\n"
      + ",\"two\nlines\",\"carriage\r\n"
      + "return\"\r\n"
      + " spaces ,é 日本 😀,tab\there\r\n"
      + "\"\"\"\",\",\",\"\"\"\"\"\"\r\n"
      + "a;b,'single',\\back\r\n"
    let targets = (0..<3).map { CSVReader.Target(name: "c\($0)", type: .text) }
    let result = try read(Array(text.utf8), CSVDialect(), targets: targets, byName: false, mode: .strict)
    let expected: [[Scalar]] = [
      [.text("plain"), .text("with, comma"), .text("with \"quotes\"")],
      [.null, .text("two\nlines"), .text("carriage\r\nreturn")],
      [.text(" spaces "), .text("é 日本 😀"), .text("tab\there")],
      [.text("\""), .text(","), .text("\"\"")],
      [.text("a;b"), .text("'single'"), .text("\\back")],
    ]
    #expect(result.rows == expected)
  }

  @Test func oneColumnTakesBlankLinesAsNull() throws {
    let targets = [CSVReader.Target(name: "a", type: .integer)]
    let result = try read(Array("1\n\n3\n".utf8), CSVDialect(), targets: targets, byName: false, mode: .strict)
    #expect(result.rows == [[.integer(1)], [.null], [.integer(3)]])
  }

  /// A plain reader, a character at a time.
  static func reference(_ text: [UInt8]) -> [[Scalar]] {
    var rows: [[Scalar]] = []
    var row: [Scalar] = []
    var field: [UInt8] = []
    var isQuoted = false
    var isInside = false
    var index = 0
    func scalar() -> Scalar {
      field.isEmpty && !isQuoted ? .null : .text(String(decoding: field, as: UTF8.self))
    }
    while index < text.count {
      let byte = text[index]
      index += 1
      if isInside {
        if byte == 34 {
          if index < text.count, text[index] == 34 {
            field.append(34)
            index += 1
          } else {
            isInside = false
          }
        } else {
          field.append(byte)
        }
      } else if byte == 34 {
        isInside = true
        isQuoted = true
      } else if byte == 44 || byte == 10 {
        row.append(scalar())
        field = []
        isQuoted = false
        if byte == 10 {
          rows.append(row)
          row = []
        }
      } else {
        field.append(byte)
      }
    }
    return rows
  }

  @Test(arguments: 0..<8) func generatedFilesReadAsTheReferenceReadsThem(seed: Int) throws {
    var random = JSONMutationTests.Generator(state: UInt64(seed) + 99)
    let targets = (0..<3).map { CSVReader.Target(name: "c\($0)", type: .text) }
    let pieces = ["a", "", "ü", "longer than twelve bytes", ",", "\n", "\"\"", " ", "\r\n", "x"]
    var text = ""
    for _ in 0..<(seed == 7 ? 60_000 : 300) {
      var fields: [String] = []
      for _ in 0..<3 {
        let content = (0..<Int.random(in: 0...4, using: &random)).map { _ in pieces.randomElement(using: &random) ?? ""
        }
        .joined()
        let needsQuotes = content.utf8.contains { [44, 10, 13, 34].contains($0) }
        fields.append(needsQuotes || Bool.random(using: &random) ? "\"\(content)\"" : content)
      }
      text += fields.joined(separator: ",") + "\n"
    }
    let bytes = Array(text.utf8)
    let result = try read(
      bytes, CSVDialect(), targets: targets, byName: false, mode: .strict, batch: seed % 2 == 0 ? 17 : 65_536)
    #expect(result.rows == Self.reference(bytes), "seed \(seed)")
  }

  /// The structure found by the widest kernel is the one plain C finds, at every length around its block size.
  @Test func kernelsAgreeOnStructure() {
    var random = JSONMutationTests.Generator(state: 5)
    for count in [0, 1, 63, 64, 65, 127, 128, 129, 1000, 2047, 2048, 2049] {
      let text = (0..<count).map { _ in Array(",\"\nab".utf8).randomElement(using: &random) ?? 0 }
      let buffer = block(text)
      var splitter = CSVRecordSplitter(CSVDialect())
      defer { splitter.deallocate() }
      splitter.scan(buffer.base, count)
      var expected: [UInt32] = []
      var isInside = false
      for (index, byte) in text.enumerated() {
        if byte == 34 { isInside.toggle() }
        if !isInside, byte == 44 || byte == 10 { expected.append(UInt32(index)) }
      }
      #expect(Array(UnsafeBufferPointer(start: splitter.ends, count: splitter.endCount)) == expected)
      #expect(splitter.endsInside == isInside)
    }
  }
}
