/// Shows a place in SQL text as psql does: the line, and a caret under the place.
///
/// ```
/// LINE 3: ...t some_column, other_column, third_column FRO heart_rate WHER...
///                                                      ^
/// ```
package enum CaretRenderer {
  /// The columns of a line that are shown at most, and those kept right of the caret; both are psql's.
  private static let displayWidth = 60
  private static let rightMargin = 10

  /// Returns the two lines for the first byte of `range`, without a newline at the end; nil if the text is empty.
  ///
  /// `firstLine` is the number of the text's first line, for a text that is cut out of a file.
  package static func render(_ sql: String, _ range: Range<Int>, firstLine: Int = 1) -> String? {
    guard !sql.isEmpty else { return nil }
    let bytes = Array(sql.utf8)
    let place = max(0, min(range.lowerBound, bytes.count))
    var lineStart = place
    while lineStart > 0, bytes[lineStart - 1] != 0x0A { lineStart -= 1 }
    var lineEnd = place
    while lineEnd < bytes.count, bytes[lineEnd] != 0x0A, bytes[lineEnd] != 0x0D { lineEnd += 1 }
    let lineNumber = firstLine + bytes[..<lineStart].count { $0 == 0x0A }

    // One cell per character of the line: what is shown, and the columns it takes.
    var cells: [(text: Character, width: Int)] = []
    var caretCell = 0
    for scalar in String(decoding: bytes[lineStart..<lineEnd], as: UTF8.self).unicodeScalars {
      cells.append((scalar.value < 0x20 || scalar.value == 0x7F ? " " : Character(scalar), width(scalar)))
    }
    caretCell = min(cells.count, String(decoding: bytes[lineStart..<place], as: UTF8.self).unicodeScalars.count)

    let window = window(cells.map(\.width), caretCell)
    var line = "LINE \(lineNumber): " + (window.lowerBound > 0 ? "..." : "")
    let caretColumn = line.count + cells[window.lowerBound..<caretCell].reduce(0) { $0 + $1.width }
    for cell in cells[window] { line.append(cell.text) }
    if window.upperBound < cells.count { line += "..." }
    return line + "\n" + String(repeating: " ", count: caretColumn) + "^"
  }

  /// Returns the cells that are shown so that the caret's is among them.
  private static func window(_ widths: [Int], _ caret: Int) -> Range<Int> {
    var columns = [0]
    for width in widths { columns.append(columns[columns.count - 1] + width) }
    var start = 0
    var end = widths.count
    guard columns[end] > displayWidth else { return start..<end }
    if displayWidth >= columns[caret] + rightMargin {
      while columns[end] > displayWidth { end -= 1 }
    } else {
      while end > caret, columns[caret] + rightMargin < columns[end] { end -= 1 }
      while start < caret, columns[end] - columns[start] > displayWidth { start += 1 }
    }
    return start..<end
  }

  /// Columns a terminal gives to a character: none to combining marks, two to the wide scripts and emoji.
  private static func width(_ scalar: Unicode.Scalar) -> Int {
    let value = scalar.value
    if value < 0x300 { return 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    switch value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }
}
