import Bytes
import Testing
import YAML

@Suite struct YAMLTests {
  private func parse(_ text: String) throws -> YAMLValue { try YAMLParser.parse(Array(text.utf8), path: "a.yaml") }

  @Test func readsScalarsSequencesAndMappings() throws {
    let value = try parse(
      """
      # a test
      name: first   # with a remark
      rows:
        - id: 1
          text: 'it''s'
          none: null
          tilde: ~
          quoted: "null"
        - {id: 2, list: [a, b]}
      folded: |
        two
        lines
      yes_or_no: true
      """)
    #expect(value["name"]?.text == "first")
    #expect(value["name"]?.line == 2)
    let rows = try #require(value["rows"]?.elements)
    #expect(rows.count == 2)
    #expect(rows[0]["id"]?.text == "1")
    #expect(rows[0]["text"]?.text == "it's")
    #expect(rows[0]["none"]?.isNull == true)
    #expect(rows[0]["tilde"]?.text == nil)
    #expect(rows[0]["quoted"]?.text == "null")
    #expect(rows[1].line == 9)
    #expect(rows[1]["list"]?.elements?.map(\.text) == ["a", "b"])
    #expect(value["folded"]?.text == "two\nlines\n")
    #expect(value["yes_or_no"]?.boolean == true)
    #expect(value["missing"] == nil)
  }

  @Test func aliasesStandForWhatTheyName() throws {
    let value = try parse("base: &b {x: 1}\nsame: *b\n")
    #expect(value["same"]?["x"]?.text == "1")
  }

  @Test func emptyTextIsNull() throws {
    #expect(try parse("").isNull)
    #expect(try parse("# nothing\n").isNull)
  }

  @Test(arguments: [
    ("a: [1, 2", 1), ("a: 1\nb: 2\na: 3\n", 3), ("a: *nothing\n", 1), ("a: 1\n\tb: 2\n", 2), ("[x]: 1\n", 1),
    ("a: 1\n---\nb: 2\n", 2), ("a: \u{1}\n", 1),
  ])
  func saysWhereItIsWrong(_ text: String, _ line: Int) throws {
    let error = try #require(throws: PulsehouseError.self) { try parse(text) }
    #expect(error.file == "a.yaml")
    #expect(error.line.map { abs($0 - line) <= 1 } == true, "\(error)")
  }

  @Test func hostileTextsEndInErrors() {
    // A thousand levels, and aliases that multiply.
    #expect(throws: PulsehouseError.self) { try parse(String(repeating: "[", count: 1000)) }
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...12 {
      let alias = "*a\(level - 1)"
      text += "a\(level): &a\(level) [\(Array(repeating: alias, count: 10).joined(separator: ", "))]\n"
    }
    #expect(throws: PulsehouseError.self) { try parse(text) }
  }
}
