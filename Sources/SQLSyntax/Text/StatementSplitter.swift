/// One statement's text within a longer one.
package struct StatementText: Hashable, Sendable {
  /// From the first token to the last, without the semicolon.
  package var text: String
  /// Bytes of the whole text.
  package var range: Range<Int>
  /// A semicolon stood after it.
  package var isTerminated: Bool
}

/// Finds the ends of statements without parsing them: semicolons outside quotes, comments and parentheses.
package enum StatementSplitter {
  /// Whether a shell should run what was typed, or wait for more.
  package enum Completeness: Hashable, Sendable {
    /// Nothing but white space and comments.
    case empty
    /// Ends in a semicolon.
    case complete
    /// No semicolon yet.
    case incomplete
    case inQuote
    case inComment
    case inParentheses
  }

  /// Returns the statements of `sql` in order; empty ones between semicolons are left out.
  package static func split(_ sql: String) -> [StatementText] {
    var sql = sql
    return sql.withUTF8 { text in
      var result: [StatementText] = []
      scan(text) { range, isTerminated in
        let words = UnsafeBufferPointer(rebasing: text[range])
        result.append(
          StatementText(text: String(decoding: words, as: UTF8.self), range: range, isTerminated: isTerminated))
      }
      return result
    }
  }

  package static func completeness(_ sql: String) -> Completeness {
    var sql = sql
    return sql.withUTF8 { text in
      var isTerminated: Bool?
      let end = scan(text) { isTerminated = $1 }
      if end.isInQuote { return .inQuote }
      if end.isInComment { return .inComment }
      guard let isTerminated else { return .empty }
      if isTerminated { return .complete }
      return end.depth > 0 ? .inParentheses : .incomplete
    }
  }

  private struct End {
    var isInQuote = false
    var isInComment = false
    var depth = 0
  }

  /// Calls `found` with each statement; returns the state in which the text ends.
  @discardableResult
  private static func scan(_ text: UnsafeBufferPointer<UInt8>, _ found: (Range<Int>, Bool) -> Void) -> End {
    var lexer = SQLLexer(text)
    var end = End()
    var statement: Range<Int>?
    while true {
      let token = lexer.next()
      if token.kind == .end {
        if let statement { found(statement, false) }
        end.isInComment = lexer.isInComment
        return end
      }
      if token.kind == .symbol, end.depth == 0, text[token.start] == 0x3B {
        if let statement { found(statement, true) }
        statement = nil
        continue
      }
      if token.kind == .symbol {
        switch text[token.start] {
        case 0x28: end.depth += 1
        case 0x29: end.depth = max(0, end.depth - 1)
        default: break
        }
      }
      if !token.isTerminated { end.isInQuote = true }
      statement = (statement?.lowerBound ?? token.start)..<token.end
    }
  }
}
