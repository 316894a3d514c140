/// Rows drawn as a table with rulers, fitted to a terminal.
///
/// ```
/// ┌───────────┬────────────┐
/// │ country   │ heart_rate │
/// │ text      │   smallint │
/// ├───────────┼────────────┤
/// │ Polska    │         72 │
/// └───────────┴────────────┘
/// ```
package struct BoxTable: Sendable {
  package struct Header: Sendable {
    package var name: String
    package var type: String
    package var isRightAligned: Bool

    package init(name: String, type: String, isRightAligned: Bool) {
      self.name = name
      self.type = type
      self.isRightAligned = isRightAligned
    }
  }

  /// Where none has a type, there is no line of types.
  package var headers: [Header]
  /// The first rows; nil cells are NULL.
  package var head: [[String?]]
  /// The last rows, drawn under a line of dots when rows between were left out.
  package var tail: [[String?]]
  package var omittedRowCount: Int

  package init(headers: [Header], head: [[String?]], tail: [[String?]] = [], omittedRowCount: Int = 0) {
    self.headers = headers
    self.head = head
    self.tail = tail
    self.omittedRowCount = omittedRowCount
  }

  /// Returns the lines, at most `width` cells wide when that can be done by cutting long cells and leaving out columns
  /// in the middle (said in the last line). Control characters in cells are shown as escapes.
  package func lines(width: Int?) -> [String] {
    let cells = (head + tail).map { row in row.map { $0.map(BoxTable.visible) ?? "NULL" } }
    var widths = headers.enumerated().map { index, header in
      let content = cells.map { DisplayWidth.of($0[index]) }.max() ?? 0
      return max(content, DisplayWidth.of(header.name), DisplayWidth.of(header.type))
    }
    var shown = Array(headers.indices)
    var hidden = 0
    if let width {
      func total() -> Int { shown.reduce(1) { $0 + widths[$1] + 3 } + (hidden > 0 ? 4 : 0) }
      // First narrow the widest columns, down to 16 cells; then leave out columns from the middle.
      while total() > width, let widest = shown.max(by: { widths[$0] < widths[$1] }), widths[widest] > 16 {
        widths[widest] = max(16, widths[widest] - (total() - width))
      }
      while total() > width && shown.count > 2 {
        hidden += 1
        shown.remove(at: shown.count / 2)
      }
    }
    let gap = hidden > 0 ? shown.count - shown.count / 2 : nil
    func rule(_ left: String, _ middle: String, _ right: String) -> String {
      var parts = shown.map { String(repeating: "─", count: widths[$0] + 2) }
      if let gap { parts.insert("───", at: gap) }
      return left + parts.joined(separator: middle) + right
    }
    func line(_ texts: (Int) -> String, alignRight: (Int) -> Bool, filler: String) -> String {
      var parts = shown.map { column in
        let cut = DisplayWidth.truncate(texts(column), to: widths[column])
        return " " + DisplayWidth.pad(cut, to: widths[column], onLeft: alignRight(column)) + " "
      }
      if let gap { parts.insert(" \(filler) ", at: gap) }
      return "│" + parts.joined(separator: "│") + "│"
    }
    var output = [rule("┌", "┬", "┐")]
    output.append(line({ headers[$0].name }, alignRight: { headers[$0].isRightAligned }, filler: "…"))
    if headers.contains(where: { !$0.type.isEmpty }) {
      output.append(line({ headers[$0].type }, alignRight: { headers[$0].isRightAligned }, filler: " "))
    }
    output.append(rule("├", "┼", "┤"))
    for (index, row) in cells.enumerated() {
      if index == head.count && omittedRowCount > 0 {
        output.append(line({ _ in "·" }, alignRight: { headers[$0].isRightAligned }, filler: "·"))
      }
      output.append(line({ row[$0] }, alignRight: { headers[$0].isRightAligned }, filler: "…"))
    }
    output.append(rule("└", "┴", "┘"))
    if hidden > 0 { output.append("\(hidden) of \(headers.count) columns left out to fit; \\mode line shows all") }
    return output
  }

  /// Shows line breaks and other controls as escapes, so a cell stays on its line and cannot steer the terminal.
  package static func visible(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.value < 0x20 || ($0.value >= 0x7f && $0.value < 0xa0) }) else {
      return text
    }
    var output = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": output += "\\n"
      case "\r": output += "\\r"
      case "\t": output += "\\t"
      case _ where scalar.value < 0x20 || (scalar.value >= 0x7f && scalar.value < 0xa0):
        output += "\\x" + String(scalar.value, radix: 16)
      default: output.unicodeScalars.append(scalar)
      }
    }
    return output
  }
}
