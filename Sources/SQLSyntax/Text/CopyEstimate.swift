/// Bounds how much larger the C library's tree of a text is than the text, from the text's tokens alone.
///
/// Where columns are set together, as in `SET (a, b) = (SELECT ...)`, the tree that the library hands over holds what they
/// are set to once for each of them. Another such statement may stand in there, so a text of a thousand bytes could take
/// all memory.
struct CopyEstimate {
  /// What is between two parentheses, or around all of them.
  private struct Level {
    /// How often the tree holds it.
    let copies: Int
    /// How often what comes next.
    var current: Int
    var itemCount = 1

    init(copies: Int) {
      self.copies = copies
      current = copies
    }
  }

  /// True when the tree holds no more than `limit` tokens a second time.
  static func isBelow(_ limit: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard hasAssignments(text) else { return true }
    var lexer = SQLLexer(text)
    var levels = [Level(copies: 1)]
    var left = limit
    // Of the parentheses that the last token closed.
    var closedCount = 0
    while true {
      let token = lexer.next()
      if token.kind == .end { return true }
      let top = levels.count - 1
      // What looks like one operator may be several.
      let size = token.kind == .operator ? token.end - token.start : 1
      let more = size.multipliedReportingOverflow(by: levels[top].current - 1)
      if more.overflow || more.partialValue > left { return false }
      left -= more.partialValue
      let closed = closedCount
      closedCount = 0
      switch token.kind {
      case .operator where text[token.start] == UInt8(ascii: "=") && closed > 1:
        let copies = levels[top].copies.multipliedReportingOverflow(by: closed)
        if copies.overflow { return false }
        levels[top].current = max(levels[top].current, copies.partialValue)
      case .symbol:
        switch text[token.start] {
        case UInt8(ascii: "("), UInt8(ascii: "["): levels.append(Level(copies: levels[top].current))
        case UInt8(ascii: ")"), UInt8(ascii: "]"):
          closedCount = levels[top].itemCount
          if top > 0 { levels.removeLast() }
        case UInt8(ascii: ","):
          levels[top].itemCount += 1
          levels[top].current = levels[top].copies
        case UInt8(ascii: ";") where top == 0: levels[0] = Level(copies: 1)
        default: break
        }
      default: break
      }
    }
  }

  /// True when the word SET may be in the text.
  private static func hasAssignments(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard text.count > 2 else { return false }
    for index in 0..<(text.count - 2)
    where text[index] | 0x20 == UInt8(ascii: "s") && text[index + 1] | 0x20 == UInt8(ascii: "e")
      && text[index + 2] | 0x20 == UInt8(ascii: "t")
    {
      return true
    }
    return false
  }
}
