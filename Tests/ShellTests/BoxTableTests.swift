import Shell
import Testing

@Suite struct BoxTableTests {
  static let headers = [
    BoxTable.Header(name: "country", type: "text", isRightAligned: false),
    BoxTable.Header(name: "rate", type: "smallint", isRightAligned: true),
  ]

  @Test func drawsWideLettersAndNulls() {
    let table = BoxTable(headers: BoxTableTests.headers, head: [["Ærø", "72"], ["日本", nil]])
    #expect(
      table.lines(width: nil) == [
        "┌─────────┬──────────┐",
        "│ country │     rate │",
        "│ text    │ smallint │",
        "├─────────┼──────────┤",
        "│ Ærø     │       72 │",
        "│ 日本    │     NULL │",
        "└─────────┴──────────┘",
      ])
  }

  @Test func marksOmittedRows() {
    let table = BoxTable(headers: BoxTableTests.headers, head: [["a", "1"]], tail: [["z", "9"]], omittedRowCount: 24)
    #expect(table.lines(width: nil)[5] == "│ ·       │        · │")
  }

  @Test(arguments: [20, 30, 40, 80]) func fitsTheTerminal(width: Int) {
    let headers = (0..<8).map { BoxTable.Header(name: "column_\($0)", type: "text", isRightAligned: false) }
    let table = BoxTable(headers: headers, head: [(0..<8).map { String(repeating: "x", count: $0 * 9) }])
    let lines = table.lines(width: width)
    for line in lines.dropLast() where width >= 40 { #expect(DisplayWidth.of(line) <= width) }
    #expect(lines.last?.contains("columns left out") == true)
  }

  @Test func controlsCannotSteerTheTerminal() {
    #expect(BoxTable.visible("a\u{1b}[2Jb\nc\t\u{9b}d") == "a\\x1b[2Jb\\nc\\t\\x9bd")
  }

  @Test func widthCountsCells() {
    #expect(DisplayWidth.of("heart") == 5)
    #expect(DisplayWidth.of("e\u{301}") == 1)
    #expect(DisplayWidth.of("漢字") == 4)
    #expect(DisplayWidth.truncate("漢字漢字", to: 5) == "漢字…")
    #expect(DisplayWidth.pad("漢", to: 4, onLeft: true) == "  漢")
  }
}
