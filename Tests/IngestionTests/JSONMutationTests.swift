import Bytes
import Testing
import Vectors

@testable import Ingestion

/// Generated and mutated lines: the template way, the walk and the plain reference must agree on every one.
@Suite struct JSONMutationTests {
  struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  static func number(_ random: inout Generator) -> String {
    let whole = String(Int64(bitPattern: random.next()) >> Int64.random(in: 0...63, using: &random))
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<4: return whole
    case 4..<7:
      let count = Int.random(in: 1...12, using: &random)
      let fraction = (0..<count).map { _ in String(Int.random(in: 0...9, using: &random)) }.joined()
      return String(Int.random(in: -200...200, using: &random)) + "." + fraction
    case 7: return "\(Double(bitPattern: random.next() & 0x7FEF_FFFF_FFFF_FFFF))".replacing("nan", with: "1")
    case 8: return whole + "e" + String(Int.random(in: -30...30, using: &random))
    default: return "0.0"
    }
  }

  static func string(_ random: inout Generator) -> String {
    let pieces = ["a", "walk", "ü", "日本", "😀", "\\n", "\\\"", "\\u00e9", "\\ud83d\\ude00", " ", "/", "0123456789abc"]
    let count = Int.random(in: 0...6, using: &random)
    return "\"" + (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined() + "\""
  }

  static func value(_ random: inout Generator, _ depth: Int) -> String {
    switch Int.random(in: 0..<(depth > 3 ? 6 : 9), using: &random) {
    case 0: "null"
    case 1: "true"
    case 2: "false"
    case 3, 4: number(&random)
    case 5: string(&random)
    case 6:
      "[" + (0..<Int.random(in: 0...3, using: &random)).map { _ in value(&random, depth + 1) }.joined(separator: ",")
        + "]"
    default:
      "{"
        + (0..<Int.random(in: 0...2, using: &random)).map { "\"k\($0)\":" + value(&random, depth + 1) }.joined(
          separator: ", ") + "}"
    }
  }

  static func record(_ random: inout Generator, shape: Int) -> String {
    let whole = String(Int.random(in: -40000...40000, using: &random))
    var members = ["\"a\":" + (Int.random(in: 0..<8, using: &random) == 0 ? "null" : whole)]
    if shape != 1 { members.append("\"d\":" + number(&random)) }
    members.append("\"s\":" + string(&random))
    if shape == 2 { members.append("\"extra\":" + value(&random, 0)) }
    members.append("\"b\":" + (Bool.random(using: &random) ? "true" : "false"))
    let inner = ["\"i\":" + String(Int64(bitPattern: random.next())), "\"t\":" + string(&random)]
    members.append("\"o\":{" + (shape == 3 ? inner.reversed() : inner).joined(separator: ",") + "}")
    if Int.random(in: 0..<20, using: &random) == 0 { members.shuffle(using: &random) }
    return "{" + members.joined(separator: shape == 4 ? " , " : ",") + "}"
  }

  @Test(arguments: 0..<12) func allThreeReadersAgree(seed: Int) throws {
    var random = Generator(state: UInt64(seed) &* 7919 &+ 1)
    let fields = JSONBatchBuilderTests.mixedFields
    let shape = seed % 6
    var records: [[UInt8]] = []
    for _ in 0..<400 {
      var bytes = Array(Self.record(&random, shape: shape == 5 ? Int.random(in: 0..<5, using: &random) : shape).utf8)
      if Int.random(in: 0..<3, using: &random) == 0 { Self.mutate(&bytes, &random) }
      bytes.removeAll { $0 == 10 }
      records.append(bytes)
    }
    let text = Array(records.joined(separator: [10])) + [10]
    let fast = try parse(text, fields, capacity: 97)
    let slow = try parse(text, fields, capacity: 1000, templates: false)
    #expect(fast == slow, "seed \(seed)")
    var rows: [[Scalar]] = []
    var refusedLines: [Int64] = []
    for (index, record) in records.enumerated() {
      if record.allSatisfy({ $0 == 32 || $0 == 9 || $0 == 13 }) { continue }
      if let row = ReferenceJSON.row(record, fields) { rows.append(row) } else { refusedLines.append(Int64(index + 1)) }
    }
    #expect(slow.rejected.map(\.line) == refusedLines, "seed \(seed)")
    #expect(slow.rows == rows, "seed \(seed)")
  }

  /// Records of numbers alone have a kernel of their own; here too with values of every length, bare of some, and changed.
  @Test(arguments: 0..<12) func recordsOfNumbersAgree(seed: Int) throws {
    var random = Generator(state: UInt64(seed) &* 104_729 &+ 5)
    let types: [LogicalType] = [.smallint, .integer, .bigint, .double, .double]
    let fields = types.enumerated().map { JSONField(["n\($0.offset)"], $0.element) }
    let width = seed % 3 == 0 ? 4 : 5
    let records: [[UInt8]] = (0..<400).map { _ in
      let members = (0..<width).map { column -> String in
        let isOdd = Int.random(in: 0..<40, using: &random) == 0
        let shift = [50, 34, 1, 0, 0][column] + Int64.random(in: 0...12, using: &random)
        let whole = String(Int64(bitPattern: random.next()) >> shift)
        let number = isOdd || column > 2 ? Self.number(&random) : whole
        return "\"n\(column)\":" + number
      }
      var bytes = Array(("{" + members.joined(separator: ",") + "}").utf8)
      if Int.random(in: 0..<6, using: &random) == 0 { Self.mutate(&bytes, &random) }
      bytes.removeAll { $0 == 10 }
      return bytes
    }
    let text = Array(records.joined(separator: [10])) + [10]
    let fast = try parse(text, fields, capacity: 97)
    let slow = try parse(text, fields, capacity: 1000, templates: false)
    #expect(fast == slow, "seed \(seed)")
    let rows = records.compactMap { ReferenceJSON.row($0, fields) }
    #expect(slow.rows == rows, "seed \(seed)")
  }

  static let oddNumbers = [
    "0", "-0", "00", "01", "-01", "-", "+1", "", "1.", ".5", "-.5", "0.5", "-0.5", "00.5", "01.5", "1.5.5",
    "1-5", "1/5", "--1", "5", "-5", "-0.0", "1e5", "1.5e5", "1.5E-3", "1.5-3", "32767", "32768", "-32768", "-32769",
    "2147483647", "2147483648", "-2147483648", "-2147483649", "123456789012345", "1234567890123456", "-123456789012345",
    "-1234567890123456", "12345678901234567", "9007199254740993", "0.12345678901234", "0.123456789012345",
    "-0.1234567890123", "1234567890123.5", "12345678901234.5", "123456789012345.5", "99999999999999.9",
    "123456789012345.",
    "1234567890123.55", "-12345678901.555",
    "null", "true", "\"1\"", "[1]", " 7", "7 ", "1.5 ", "1 5", "0x1",
  ]

  /// The kernel reads several records at once: wherever among good ones an odd number stands, it is read or refused as
  /// alone, and spoils none beside it.
  @Test(arguments: oddNumbers) func anOddNumberAmongPlainOnesAgrees(odd: String) throws {
    let types: [LogicalType] = [.smallint, .integer, .bigint, .double]
    let fields = types.enumerated().map { JSONField(["n\($0.offset)"], $0.element) }
    var records: [[UInt8]] = []
    for column in types.indices {
      for distance in 0..<24 {
        for place in 0...distance {
          let numbers = types.indices.map { index in
            if index == column && place == distance { return odd }
            return index == 3 ? "\(place - 9).\(place)25" : "\(place * 7 - 30)"
          }
          let members = numbers.enumerated().map { "\"n\($0.offset)\":\($0.element)" }
          records.append(Array("{\(members.joined(separator: ","))}".utf8))
        }
      }
    }
    let text = Array(records.joined(separator: [10])) + [10]
    let fast = try parse(text, fields, capacity: 977)
    let slow = try parse(text, fields, capacity: 10_000, templates: false)
    #expect(fast == slow)
    #expect(slow.rows == records.compactMap { ReferenceJSON.row($0, fields) })
  }

  static func mutate(_ bytes: inout [UInt8], _ random: inout Generator) {
    let interesting = Array("{}[]\",:\\0123456789-+.eEtfnu \u{1}".utf8) + [0x80, 0xC3, 0xFF, 0xED, 13, 9, 0]
    for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0: bytes.remove(at: place)
      case 1: bytes[place] = interesting.randomElement(using: &random) ?? 0
      case 2: bytes.insert(interesting.randomElement(using: &random) ?? 0, at: place)
      case 3: bytes.removeSubrange(place...)
      default: bytes.insert(contentsOf: bytes[..<place], at: place)
      }
    }
  }

  /// Cutting a file at any byte and going on from where the first part was left gives what one read gives.
  @Test func everyCutOfAFileGivesTheSameRows() throws {
    let good = #"{"a":1,"d":2.5,"s":"é","b":true,"o":{"i":3,"t":"u"}}"#
    let bytes = Array([good, "", "bad", good, #"{"a":"x"}"#, good, good].joined(separator: "\n").utf8)
    let fields = JSONBatchBuilderTests.mixedFields
    let whole = try parse(bytes, fields)
    for cut in 0...bytes.count {
      let builder = try JSONBatchBuilder(fields: fields, capacity: 100)
      var parsed = Parsed()
      let first = builder.append(
        lines: block(Array(bytes[..<cut])), from: 0, to: cut, offset: 0, line: 1, lastLine: .mayGrow)
      let rest = Array(bytes[first.byteCount...])
      let second = builder.append(
        lines: block(rest), from: 0, to: rest.count, offset: Int64(first.byteCount), line: 1 + first.newlineCount,
        lastLine: .isFinal)
      parsed.take(builder.finish())
      parsed.rejected = builder.rejected
      parsed.recordCount = first.recordCount + second.recordCount
      #expect(parsed == whole, "cut at \(cut)")
    }
  }
}
