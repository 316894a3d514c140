import Bytes
import Testing
import Vectors

@testable import Ingestion

/// A block of bytes as the builder wants it: a zero byte and 63 more after the end.
func block(_ bytes: [UInt8]) -> AlignedBuffer {
  let buffer = AlignedBuffer(byteCount: bytes.count)
  bytes.withUnsafeBytes { if bytes.count > 0 { buffer.base.copyMemory(from: $0.baseAddress!, byteCount: bytes.count) } }
  return buffer
}

/// What lines became: each accepted row with its line and offset, each rejected record's line.
struct Parsed: Equatable {
  var rows: [[Scalar]] = []
  var lines: [Int64] = []
  var offsets: [Int64] = []
  var rejected: [RejectedRecord] = []
  var recordCount: Int64 = 0

  static func == (left: Parsed, right: Parsed) -> Bool {
    left.rows == right.rows && left.lines == right.lines && left.offsets == right.offsets
      && left.rejected == right.rejected && left.recordCount == right.recordCount
  }

  mutating func take(_ rows: JSONRows) {
    for row in 0..<rows.rowCount {
      self.rows.append(rows.fields.map { $0.scalar(at: row) })
      if case .integer(let line) = rows.line.scalar(at: row) { lines.append(line) }
      if case .integer(let offset) = rows.offset.scalar(at: row) { offsets.append(offset) }
    }
  }
}

func parse(
  _ bytes: [UInt8], _ fields: [JSONField], capacity: Int = 1000, templates: Bool = true,
  lastLine: JSONBatchBuilder.LastLine = .isFinal
) throws -> Parsed {
  let builder = try JSONBatchBuilder(fields: fields, capacity: capacity, usesTemplates: templates)
  let buffer = block(bytes)
  var parsed = Parsed()
  var at = 0
  var line: Int64 = 1
  while at < bytes.count {
    let progress = builder.append(
      lines: buffer, from: at, to: bytes.count, offset: Int64(at), line: line, lastLine: lastLine)
    at += progress.byteCount
    line += progress.newlineCount
    parsed.recordCount += progress.recordCount
    let isStuck = progress.byteCount == 0 && !builder.isFull
    if builder.isFull { parsed.take(builder.finish()) }
    if isStuck { break }
  }
  parsed.take(builder.finish())
  parsed.rejected = builder.rejected
  return parsed
}

@Suite struct JSONBatchBuilderTests {
  static let eventFields = [
    JSONField(["user_id"], .bigint), JSONField(["heart_rate"], .integer), JSONField(["timestamp"], .bigint),
    JSONField(["meta", "activity_id"], .integer), JSONField(["meta", "location", "latitude"], .double),
    JSONField(["meta", "location", "longitude"], .double),
  ]

  static func event(_ number: Int) -> String {
    "{\"user_id\":\(10001 + number % 7),\"heart_rate\":\(60 + number % 90),\"timestamp\":\(1_711_943_972 + number),"
      + "\"meta\":{\"activity_id\":\(20000 + number % 900),\"location\":{\"latitude\":\(Double(number % 180) - 90 + 0.416834),"
      + "\"longitude\":-121.\(975002 + number % 1000)}}}"
  }

  @Test func anEventBecomesARow() throws {
    let line =
      #"{"user_id":10001,"heart_rate":128,"timestamp":1711943972,"meta":{"activity_id":20890,"location":{"latitude":37.416834,"longitude":-121.975002}}}"#
    let parsed = try parse(Array((line + "\n" + line + "\n").utf8), Self.eventFields)
    let row: [Scalar] = [
      .integer(10001), .integer(128), .integer(1_711_943_972), .integer(20890), .double(37.416834),
      .double(-121.975002),
    ]
    #expect(parsed.rows == [row, row])
    #expect(parsed.lines == [1, 2])
    #expect(parsed.offsets == [0, Int64(line.utf8.count) + 1])
    #expect(parsed.recordCount == 2)
  }

  @Test(arguments: [0, 1, 63, 64, 65, 999, 1000, 1001, 2049]) func rowsSurviveFullBuilders(count: Int) throws {
    let text = (0..<count).map { Self.event($0) + "\n" }.joined()
    let fast = try parse(Array(text.utf8), Self.eventFields)
    let slow = try parse(Array(text.utf8), Self.eventFields, templates: false)
    #expect(fast.rows.count == count)
    #expect(fast == slow)
    #expect(fast.lines == (0..<Int64(count)).map { $0 + 1 })
  }

  /// What must be refused, and a word its reason must hold.
  static let refused: [(String, String)] = [
    (#"{"a":1"#, "ends early"), (#"{"a":1,"#, "ends early"), (#"{"a""#, "ends early"), (#"{"s":"abc"#, "ends early"),
    (#"{"a":12}x"#, "after the end"), (#"{"a":1}{"a":2}"#, "after the end"), (#"[1]"#, "must be a JSON object"),
    ("5", "must be a JSON object"), ("garbage", "must be a JSON object"), (#"{"a":"1"}"#, "found a string"),
    (#"{"a":true}"#, "truth value"), (#"{"a":1.5}"#, "fraction"), (#"{"a":2147483648}"#, "out of range"),
    (#"{"a":-2147483649}"#, "out of range"), (#"{"a":1e400}"#, "out of range"), (#"{"d":1e400}"#, "out of range"),
    (#"{"d":1e-400}"#, "out of range"), (#"{"a":01}"#, "malformed number"), (#"{"a":-}"#, "malformed number"),
    (#"{"a":1.}"#, "malformed number"), (#"{"a":.5}"#, "expected a value"), (#"{"a":+1}"#, "expected a value"),
    (#"{"a":1e}"#, "malformed number"), (#"{"a":NaN}"#, "expected a value"), (#"{"a":nul}"#, "expected a value"),
    (#"{"s":5}"#, "found a number"), (#"{"s":{}}"#, "found an object"), (#"{"s":[1]}"#, "found an array"),
    (#"{"s":"\x"}"#, "unknown escape"), (#"{"s":"\ud800"}"#, "surrogate"), (#"{"s":"\udc00"}"#, "surrogate"),
    (#"{"s":"\u0000"}"#, "\\u0000"), (#"{"s":"\u12G4"}"#, "unknown escape"), ("{\"s\":\"a\u{1}b\"}", "control"),
    (#"{"o":5}"#, "an object"), (#"{"o":[]}"#, "an object"), (#"{'a':1}"#, "expected a key"), (#"{"a":1,}"#, "a key"),
    (#"{"a" 1}"#, "':'"), (#"{"a":1 "b":2}"#, "','"), (#"{"x":[1,2}"#, "',' or ']'"), (#"{"x":{"y":1]}"#, "',' or '}'"),
    (#"{"b":1}"#, "found a number"), (#"{"a":99999999999999999999999}"#, "out of range"),
  ]

  static let mixedFields = [
    JSONField(["a"], .integer), JSONField(["d"], .double), JSONField(["s"], .text), JSONField(["b"], .boolean),
    JSONField(["o", "i"], .bigint), JSONField(["o", "t"], .text),
  ]

  @Test(arguments: refused) func badRecordsAreRefusedInWords(record: String, word: String) throws {
    let good = #"{"a":7,"d":1.5,"s":"x","b":true,"o":{"i":1,"t":"y"}}"#
    let text = [good, good, record, good].joined(separator: "\n") + "\n"
    let parsed = try parse(Array(text.utf8), Self.mixedFields)
    #expect(parsed.rows.count == 3)
    #expect(parsed.lines == [1, 2, 4])
    #expect(parsed.recordCount == 4)
    try #require(parsed.rejected.count == 1)
    #expect(parsed.rejected[0].reason.contains(word), "\(parsed.rejected[0].reason)")
    #expect(parsed.rejected[0].raw == Array(record.utf8))
    #expect(parsed.rejected[0].line == 3)
    #expect(parsed.rejected[0].offset == Int64(2 * good.utf8.count + 2))
    #expect(ReferenceJSON.row(Array(record.utf8), Self.mixedFields) == nil)
  }

  @Test(
    arguments: [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0x80]] as [[UInt8]])
  func invalidUTF8IsRefused(bytes: [UInt8]) throws {
    for (before, after) in [("{\"s\":\"", "\"}"), ("{\"", "\":1}"), ("{\"x\":\"abcdefgh", "\"}")] {
      let parsed = try parse(Array(before.utf8) + bytes + Array(after.utf8) + [10], Self.mixedFields)
      #expect(parsed.rows.isEmpty)
      #expect(parsed.rejected.first?.reason.contains("UTF-8") == true)
    }
  }

  @Test func oddButValidRecordsAreTaken() throws {
    let cases: [(String, [Scalar])] = [
      ("{}", [.null, .null, .null, .null, .null, .null]),
      (
        #" { "o" : { "t" : "z" , "i" : 9 } , "a" : 1.00 } "#,
        [.integer(1), .null, .null, .null, .integer(9), .text("z")]
      ),
      (#"{"a":1,"a":2}"#, [.integer(2), .null, .null, .null, .null, .null]),
      (#"{"a":1,"a":null}"#, [.null, .null, .null, .null, .null, .null]),
      (#"{"o":{"i":1,"t":"q"},"o":{"i":2}}"#, [.null, .null, .null, .null, .integer(2), .null]),
      (#"{"o":{"i":1},"o":null}"#, [.null, .null, .null, .null, .null, .null]),
      (#"{"a":1e3,"d":1E2}"#, [.integer(1000), .double(100), .null, .null, .null, .null]),
      (
        #"{"\u0061":5,"s":"\u00e4\ud83d\ude00\n\"\\\/"}"#,
        [.integer(5), .null, .text("ä😀\n\"\\/"), .null, .null, .null]
      ),
      (#"{"o":{"i":-9223372036854775808}}"#, [.null, .null, .null, .null, .integer(.min), .null]),
      (#"{"o":{"i":9223372036854775807}}"#, [.null, .null, .null, .null, .integer(.max), .null]),
      (#"{"d":-0.0,"x":{"y":[1,{"z":[]}],"a":5}}"#, [.null, .double(-0.0), .null, .null, .null, .null]),
      (
        "{\"s\":\"ünïcode and longer than twelve bytes\",\"b\":false}\r",
        [.null, .null, .text("ünïcode and longer than twelve bytes"), .boolean(false), .null, .null]
      ),
    ]
    for (text, row) in cases {
      for templates in [true, false] {
        let bytes = Array((text + "\n" + text + "\n").utf8)
        let parsed = try parse(bytes, Self.mixedFields, templates: templates)
        #expect(parsed.rows == [row, row], "\(text) \(parsed.rejected.map(\.reason))")
        #expect(ReferenceJSON.row(Array(text.utf8), Self.mixedFields) == row, "\(text)")
      }
    }
  }

  @Test func depthIsLimitedWithoutRecursion() throws {
    for (depth, fits) in [(255, true), (256, false), (100_000, false)] {
      let text = "{\"x\":" + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}"
      let parsed = try parse(Array(text.utf8), Self.mixedFields)
      #expect(parsed.rows.count == (fits ? 1 : 0))
      #expect((ReferenceJSON.row(Array(text.utf8.prefix(2000)), Self.mixedFields) != nil) == fits)
    }
  }

  @Test func aLastLineWaitsUntilItIsWhole() throws {
    let good = Array(#"{"a":1}"#.utf8)
    for count in 0...good.count {
      let bytes = good + [10] + good.prefix(count)
      let builder = try JSONBatchBuilder(fields: Self.mixedFields, capacity: 10)
      let progress = builder.append(
        lines: block(bytes), from: 0, to: bytes.count, offset: 0, line: 1, lastLine: .mayGrow)
      let isWhole = count == good.count
      #expect(progress.byteCount == (isWhole ? bytes.count : good.count + 1))
      #expect(progress.newlineCount == 1)
      #expect(progress.recordCount == (isWhole ? 2 : 1))
      #expect(progress.endsInRecord == (count > 0 && !isWhole))
      #expect(builder.rejected.isEmpty)
    }
  }

  @Test func emptyAndBlankLinesAreNoRecords() throws {
    let parsed = try parse(Array("\n\r\n  \t\n{\"a\":1}\n\n".utf8), Self.mixedFields)
    #expect(parsed.rows.count == 1)
    #expect(parsed.lines == [4])
    #expect(parsed.recordCount == 1)
  }

  @Test func messagesMayHoldNewlines() throws {
    let builder = try JSONBatchBuilder(fields: Self.mixedFields, capacity: 10)
    for (index, text) in ["{\"a\":1}", "{\n\"a\" :\n2}\n", "{\"a\":3}", "{\"a\":4}\n{\"a\":5}", ""].enumerated() {
      let bytes = Array(text.utf8)
      let fits = builder.append(record: block(bytes), from: 0, to: bytes.count, offset: Int64(100 + index), line: 0)
      #expect(fits == (index < 3))
    }
    let rows = builder.finish()
    #expect((0..<rows.rowCount).map { rows.fields[0].scalar(at: $0) } == [.integer(1), .integer(2), .integer(3)])
    #expect((0..<rows.rowCount).map { rows.offset.scalar(at: $0) } == [.integer(100), .integer(101), .integer(102)])
    #expect(builder.rejected.map(\.offset) == [103, 104])
  }

  @Test func typedTextIsRead() throws {
    let fields = [
      JSONField(["d"], .date), JSONField(["t"], .timestamp), JSONField(["z"], .timestamptz), JSONField(["u"], .uuid),
      JSONField(["n"], .numeric(precision: 6, scale: 2)), JSONField(["j"], .json),
      JSONField(["v"], .varchar(length: 3)),
    ]
    let line =
      #"{"d":"2024-02-29","t":"2024-04-01T03:59:32.5Z","z":"2024-04-01 05:59:32+02","u":"00112233-4455-6677-8899-AABBCCDDEEFF","n":12.345,"j":{"k": [1]},"v":"äöü"}"#
    let parsed = try parse(Array((line + "\n" + line + "\n").utf8), fields)
    let row: [Scalar] = [
      .integer(19782), .integer(1_711_943_972_500_000), .integer(1_711_943_972_000_000),
      .uuid(UUIDValue(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF)),
      .numeric(Numeric(mantissa: 1235, scale: 2)), .text(#"{"k": [1]}"#), .text("äöü"),
    ]
    #expect(parsed.rows == [row, row], "\(parsed.rejected.map(\.reason))")
    for bad in [
      #"{"d":"2023-02-29"}"#, #"{"t":"2024-04-01T25:00"}"#, #"{"u":"x"}"#, #"{"n":12345.6}"#, #"{"v":"abcd"}"#,
      #"{"d":20240101}"#, #"{"z":"2024-04-01T00:00:00+2"}"#,
    ] {
      #expect(try parse(Array(bad.utf8), fields).rejected.count == 1, "\(bad)")
    }
  }

  @Test func clashingPathsAndTypesAreNamed() {
    #expect(throws: PulsehouseError.self) {
      try JSONBatchBuilder(fields: [JSONField(["a"], .integer), JSONField(["a"], .text)])
    }
    #expect(throws: PulsehouseError.self) {
      try JSONBatchBuilder(fields: [JSONField(["a"], .integer), JSONField(["a", "b"], .text)])
    }
    #expect(throws: PulsehouseError.self) { try JSONBatchBuilder(fields: [JSONField(["a"], .interval)]) }
  }
}
