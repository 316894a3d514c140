import Bytes
import Testing
import Vectors

@testable import Ingestion

@Suite struct AvroTests {
  private static let event = """
    {"type":"record","name":"Event","namespace":"a.b","doc":"no part of the form","fields":[
      {"name":"id","type":"long"},{"name":"rate","type":["null","int"],"default":null},
      {"name":"meta","type":{"type":"record","name":"Meta","fields":[
        {"name":"note","type":["string","null"]},{"name":"place","type":"double"},{"name":"isOn","type":"boolean"}]}}]}
    """

  private func schema(_ text: String) throws -> AvroSchema { try AvroSchema(Array(text.utf8)) }

  /// The examples of the specification's own test data.
  @Test(arguments: [
    ("\"null\"", 7_195_948_357_588_979_594), ("{\"type\":\"boolean\"}", -6_970_731_678_124_411_036),
    ("\"int\"", 8_247_732_601_305_521_295), ("\"long\"", -3_434_872_931_120_570_953),
    ("[\"int\"]", -5_763_638_359_195_182_240 as Int64),
  ]) func fingerprints(text: String, expected: Int64) throws {
    let found = try schema(text)
    // A union's number depends on its form alone, so it is held by the form.
    if case .union = found {
      #expect(found.canonicalForm == "[\"int\"]")
    } else {
      #expect(Int64(bitPattern: found.fingerprint) == expected)
    }
  }

  @Test func theCanonicalFormHasFullNamesAndNothingElse() throws {
    #expect(
      try schema(Self.event).canonicalForm == """
        {"name":"a.b.Event","type":"record","fields":[{"name":"id","type":"long"},{"name":"rate","type":["null","int"]},\
        {"name":"meta","type":{"name":"a.b.Meta","type":"record","fields":[{"name":"note","type":["string","null"]},\
        {"name":"place","type":"double"},{"name":"isOn","type":"boolean"}]}}]}
        """)
  }

  @Test(arguments: [
    "", "{", "\"nothing\"", "{\"type\":\"record\",\"name\":\"x\"}", "[]", "{\"type\":\"array\"}",
    "{\"type\":\"fixed\",\"name\":\"x\"}",
    "{\"type\":\"record\",\"name\":\"x\",\"fields\":[{\"name\":\"y\"}]}", "\"a\\u12\"", "7", "\"int\" 1",
  ]) func whatIsNoSchemaIsAnsweredInWords(text: String) {
    #expect(#expect(throws: PulsehouseError.self) { try schema(text) }?.kind == .user)
  }

  @Test func aSchemaThatContainsItselfIsRefused() {
    let text = "{\"type\":\"record\",\"name\":\"x\",\"fields\":[{\"name\":\"next\",\"type\":[\"null\",\"x\"]}]}"
    #expect(#expect(throws: PulsehouseError.self) { try schema(text) }?.kind == .unsupported)
  }

  private func objects(_ lines: [String], _ schema: AvroSchema) throws -> [[UInt8]] {
    var bytes: [UInt8] = []
    var ranges: [Range<Int>] = []
    for line in lines {
      ranges.append(bytes.count..<(bytes.count + line.utf8.count))
      bytes += Array(line.utf8)
    }
    var objects: [[UInt8]] = []
    try AvroMessageEncoder(schema).encode(bytes, ranges) { objects.append([UInt8]($0)) }
    return objects
  }

  private func text(_ object: [UInt8], _ reader: AvroReader) throws -> String {
    var text: [UInt8] = []
    try object.withUnsafeBytes { try reader.append($0, to: &text) }
    return String(decoding: text, as: UTF8.self)
  }

  @Test func whatIsWrittenIsRead() throws {
    let lines = [
      #"{"id":1,"rate":-70,"meta":{"note":"a \"note\"\n\\ żółw","place":-37.79939,"isOn":true}}"#,
      #"{"id":-9223372036854775808,"rate":null,"meta":{"note":null,"place":1e-300,"isOn":false}}"#,
      #"{"id":9223372036854775807,"rate":2147483647,"meta":{"note":"","place":0,"isOn":true}}"#,
    ]
    let schema = try schema(Self.event)
    let reader = try AvroReader(schema)
    let objects = try objects(lines, schema)
    #expect(
      try text(objects[0], reader)
        == #"{"id":1,"rate":-70,"meta":{"note":"a \"note\"\u000a\\ żółw","place":-37.79939,"isOn":true}}"#)
    #expect(try text(objects[1], reader) == lines[1])
    #expect(try text(objects[2], reader) == lines[2])
    #expect(Array(objects[2].prefix(2)) == [0xC3, 0x01])
  }

  /// What the schema does not take is sent as it came.
  @Test func brokenMessagesStayBroken() throws {
    let lines = ["bad", #"{"id":null}"#, #"{"id":1.5}"#, ""]
    #expect(try objects(lines, try schema(Self.event)) == lines.map { Array($0.utf8) })
  }

  /// Cuts and flips every byte: a fault in words or other JSON, never a trap.
  @Test func damageIsAFault() throws {
    let schema = try schema(
      """
      {"type":"record","name":"r","fields":[{"name":"a","type":{"type":"array","items":["null","string","double"]}},
       {"name":"m","type":{"type":"map","values":"bytes"}},{"name":"f","type":{"type":"fixed","name":"f4","size":4}},
       {"name":"e","type":{"type":"enum","name":"e","symbols":["x","y"]}},{"name":"n","type":"float"}]}
      """)
    let reader = try AvroReader(schema)
    var object: [UInt8] =
      [0xC3, 0x01] + (0..<8).map { UInt8(truncatingIfNeeded: schema.fingerprint >> UInt64(8 * $0)) }
    // Two items in a block with its size, one more, the end; a map of one; fixed; the second symbol; 1.5.
    object += [3, 12, 0, 2, 4, 0x68, 0x69, 2, 0, 0, 2, 2, 0x6B, 4, 0xFF, 1, 0, 1, 2, 3, 4, 2, 0, 0, 0xC0, 0x3F]
    #expect(
      try text(object, reader)
        == #"{"a":[null,"hi",null],"m":{"k":"\u00ff\u0001"},"f":"\u0001\u0002\u0003\u0004","e":"y","n":1.5}"#)
    for index in object.indices {
      #expect(throws: AvroReader.Fault.self, "cut at \(index)") { try text(Array(object.prefix(index)), reader) }
      for mask in [UInt8(0x01), 0x80, 0xFF] {
        var damaged = object
        damaged[index] ^= mask
        _ = try? text(damaged, reader)
        if index < 10 { #expect(throws: AvroReader.Fault.self) { try text(damaged, reader) } }
      }
    }
    #expect(throws: AvroReader.Fault.self) { try text(object + [0], reader) }
    #expect(throws: AvroReader.Fault.self) { try text(Array("{}".utf8), reader) }
  }
}
