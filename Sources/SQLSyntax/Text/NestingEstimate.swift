/// Bounds how deep a text's syntax tree can nest, from its tokens alone.
///
/// The C library builds and walks its tree by recursion, and packs it in time quadratic in the depth, so a text that
/// could nest too deep is refused before it is handed over. The bound counts, level by level of parentheses, the
/// operators and joins that chain to the left; commas and the flattened AND and OR start a chain anew.
struct NestingEstimate {
  private struct Level {
    /// Operators since the chain began.
    var chain = 0
    /// The longest chain of this level so far.
    var longest = 0
    /// Joins and set operations, which no comma ends.
    var joins = 0
    /// BETWEENs whose AND is still to come.
    var betweens = 0
  }

  /// Returns an upper bound of the tree's depth (in levels of expressions, joins and set operations).
  static func depth(of text: UnsafeBufferPointer<UInt8>) -> Int {
    var lexer = SQLLexer(text)
    var levels = [Level()]
    var worst = 0
    while true {
      let token = lexer.next()
      switch token.kind {
      case .end:
        while levels.count > 1 { close(&levels) }
        return max(worst, levels[0].joins + max(levels[0].longest, levels[0].chain))
      case .operator:
        levels[levels.count - 1].chain += 1
      case .symbol:
        switch text[token.start] {
        case 0x28, 0x5B: levels.append(Level(chain: 1))
        case 0x29, 0x5D: close(&levels)
        case 0x2C: restart(&levels)
        case 0x3B where levels.count == 1:
          worst = max(worst, levels[0].joins + max(levels[0].longest, levels[0].chain))
          levels[0] = Level()
        case 0x2E: break
        default: levels[levels.count - 1].chain += 1
        }
      case .word: word(token, lexer, &levels)
      default: break
      }
    }
  }

  private static func restart(_ levels: inout [Level]) {
    let last = levels.count - 1
    levels[last].longest = max(levels[last].longest, levels[last].chain)
    levels[last].chain = 0
  }

  /// Ends a level: the level around it goes on above the deepest chain within.
  private static func close(_ levels: inout [Level]) {
    guard levels.count > 1, let level = levels.popLast() else { return }
    levels[levels.count - 1].chain += level.joins + max(level.longest, level.chain)
  }

  private static func word(_ token: SQLToken, _ lexer: SQLLexer, _ levels: inout [Level]) {
    let last = levels.count - 1
    switch token.end - token.start {
    case 2:
      if lexer.isWord(token, "or") {
        restart(&levels)
      } else if lexer.isWord(token, "is") || lexer.isWord(token, "at") || lexer.isWord(token, "in") {
        levels[last].chain += 1
      }
    case 3:
      if lexer.isWord(token, "and") {
        if levels[last].betweens > 0 { levels[last].betweens -= 1 } else { restart(&levels) }
      } else if lexer.isWord(token, "not") {
        levels[last].chain += 1
      }
    case 4:
      if lexer.isWord(token, "join") {
        levels[last].joins += 1
      } else if lexer.isWord(token, "like") || lexer.isWord(token, "case") {
        levels[last].chain += 1
      }
    case 5:
      if lexer.isWord(token, "union") {
        levels[last].joins += 1
      } else if lexer.isWord(token, "ilike") {
        levels[last].chain += 1
      }
    case 6:
      if lexer.isWord(token, "except") { levels[last].joins += 1 }
      if lexer.isWord(token, "isnull") { levels[last].chain += 1 }
    case 7:
      if lexer.isWord(token, "between") {
        levels[last].betweens += 1
        levels[last].chain += 1
      } else if lexer.isWord(token, "collate") || lexer.isWord(token, "similar") || lexer.isWord(token, "notnull") {
        levels[last].chain += 1
      }
    case 8: if lexer.isWord(token, "operator") || lexer.isWord(token, "overlaps") { levels[last].chain += 1 }
    case 9: if lexer.isWord(token, "intersect") { levels[last].joins += 1 }
    default: break
    }
  }
}
