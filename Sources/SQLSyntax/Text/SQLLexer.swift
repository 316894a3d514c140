/// One token of SQL text, by byte offsets.
struct SQLToken {
  enum Kind {
    /// A keyword or an identifier without quotes.
    case word
    case quotedIdentifier
    /// Any constant in single quotes or dollar quotes, its prefix included.
    case string
    case number
    /// `$1`.
    case parameter
    case `operator`
    /// One of `( ) [ ] , ; .` or a colon form (`:`, `::`, `:=`).
    case symbol
    /// A byte that PostgreSQL has no use for.
    case stray
    case end
  }
  var kind: Kind
  var start: Int
  var end: Int
  /// False for a quote or a dollar quote that the text ends within.
  var isTerminated = true
}

/// Cuts SQL text into tokens by the lexical rules of PostgreSQL.
///
/// It is not the parser's scanner: it serves what is done beside parsing, such as statement ends, macro names, file
/// headers and the ends of ranges. It accepts every byte sequence and always advances.
struct SQLLexer {
  let text: UnsafeBufferPointer<UInt8>
  var position: Int
  /// A comment that the text ends within was seen.
  private(set) var isInComment = false

  init(_ text: UnsafeBufferPointer<UInt8>, at position: Int = 0) {
    self.text = text
    self.position = max(0, min(position, text.count))
  }

  @inline(__always)
  private func byte(_ index: Int) -> UInt8 { index < text.count ? text[index] : 0 }

  /// Moves past white space and comments.
  mutating func skipTrivia() {
    while position < text.count {
      let first = text[position]
      if SQLLexer.isSpace(first) {
        position += 1
      } else if first == 0x2D, byte(position + 1) == 0x2D {
        position += 2
        while position < text.count, text[position] != 0x0A, text[position] != 0x0D { position += 1 }
      } else if first == 0x2F, byte(position + 1) == 0x2A {
        skipBlockComment()
      } else {
        return
      }
    }
  }

  /// Block comments nest.
  private mutating func skipBlockComment() {
    var depth = 0
    while position < text.count {
      if text[position] == 0x2F, byte(position + 1) == 0x2A {
        depth += 1
        position += 2
      } else if text[position] == 0x2A, byte(position + 1) == 0x2F {
        depth -= 1
        position += 2
        if depth == 0 { return }
      } else {
        position += 1
      }
    }
    isInComment = true
  }

  /// Returns the next token; `.end` at the end of the text, as often as asked.
  mutating func next() -> SQLToken {
    skipTrivia()
    let start = position
    guard start < text.count else { return SQLToken(kind: .end, start: text.count, end: text.count) }
    let first = text[start]
    if SQLLexer.isIdentifierStart(first) { return wordOrPrefixedString(start) }
    if SQLLexer.isDigit(first) || (first == 0x2E && SQLLexer.isDigit(byte(start + 1))) { return number(start) }
    switch first {
    case 0x27: return quoted(start, openedAt: start, by: 0x27, backslash: false, kind: .string)
    case 0x22: return quoted(start, openedAt: start, by: 0x22, backslash: false, kind: .quotedIdentifier)
    case 0x24: return dollar(start)
    case 0x28, 0x29, 0x5B, 0x5D, 0x2C, 0x3B, 0x2E:
      position = start + 1
      return SQLToken(kind: .symbol, start: start, end: position)
    case 0x3A:
      let second = byte(start + 1)
      position = start + (second == 0x3A || second == 0x3D ? 2 : 1)
      return SQLToken(kind: .symbol, start: start, end: position)
    default:
      if SQLLexer.isOperator(first) { return symbolicOperator(start) }
      position = start + 1
      return SQLToken(kind: .stray, start: start, end: position)
    }
  }

  private mutating func wordOrPrefixedString(_ start: Int) -> SQLToken {
    let second = byte(start + 1)
    if second == 0x27 {
      switch text[start] | 0x20 {
      case 0x65:  // E'...' takes backslash escapes.
        return quoted(start, openedAt: start + 1, by: 0x27, backslash: true, kind: .string)
      case 0x62, 0x78, 0x6E:  // B'...', X'...', N'...'
        return quoted(start, openedAt: start + 1, by: 0x27, backslash: false, kind: .string)
      default: break
      }
    }
    if text[start] | 0x20 == 0x75, second == 0x26 {
      let quote = byte(start + 2)
      if quote == 0x27 || quote == 0x22 {
        let kind: SQLToken.Kind = quote == 0x27 ? .string : .quotedIdentifier
        return quoted(start, openedAt: start + 2, by: quote, backslash: false, kind: kind)
      }
    }
    var index = start + 1
    while index < text.count, SQLLexer.isIdentifierPart(text[index]) { index += 1 }
    position = index
    return SQLToken(kind: .word, start: start, end: index)
  }

  private mutating func quoted(
    _ start: Int, openedAt open: Int, by quote: UInt8, backslash: Bool, kind: SQLToken.Kind
  ) -> SQLToken {
    var index = open + 1
    while index < text.count {
      let current = text[index]
      if backslash, current == 0x5C {
        index += 2
      } else if current == quote {
        if byte(index + 1) == quote {
          index += 2
        } else {
          position = index + 1
          return SQLToken(kind: kind, start: start, end: position)
        }
      } else {
        index += 1
      }
    }
    position = text.count
    return SQLToken(kind: kind, start: start, end: position, isTerminated: false)
  }

  /// Reads `$1`, `$$...$$`, `$tag$...$tag$`, or a lone dollar.
  private mutating func dollar(_ start: Int) -> SQLToken {
    var index = start + 1
    if SQLLexer.isDigit(byte(index)) {
      while SQLLexer.isDigit(byte(index)) { index += 1 }
      position = index
      return SQLToken(kind: .parameter, start: start, end: index)
    }
    if SQLLexer.isIdentifierStart(byte(index)) {
      while index < text.count, SQLLexer.isIdentifierPart(text[index]), text[index] != 0x24 { index += 1 }
    }
    guard byte(index) == 0x24 else {
      position = start + 1
      return SQLToken(kind: .stray, start: start, end: position)
    }
    let delimiterCount = index + 1 - start
    index += 1
    while index + delimiterCount <= text.count {
      if text[index] == 0x24, matches(start, index, delimiterCount) {
        position = index + delimiterCount
        return SQLToken(kind: .string, start: start, end: position)
      }
      index += 1
    }
    position = text.count
    return SQLToken(kind: .string, start: start, end: position, isTerminated: false)
  }

  private func matches(_ left: Int, _ right: Int, _ count: Int) -> Bool {
    for offset in 0..<count where text[left + offset] != text[right + offset] { return false }
    return true
  }

  private mutating func number(_ start: Int) -> SQLToken {
    var index = start
    while SQLLexer.isDigit(byte(index)) { index += 1 }
    if byte(index) == 0x2E, byte(index + 1) != 0x2E {
      index += 1
      while SQLLexer.isDigit(byte(index)) { index += 1 }
    }
    if byte(index) | 0x20 == 0x65 {
      var exponent = index + 1
      if byte(exponent) == 0x2B || byte(exponent) == 0x2D { exponent += 1 }
      if SQLLexer.isDigit(byte(exponent)) {
        while SQLLexer.isDigit(byte(exponent)) { exponent += 1 }
        index = exponent
      }
    }
    position = index
    return SQLToken(kind: .number, start: start, end: index)
  }

  private mutating func symbolicOperator(_ start: Int) -> SQLToken {
    var index = start
    while index < text.count, SQLLexer.isOperator(text[index]) {
      if index > start {
        let next = byte(index + 1)
        if text[index] == 0x2D, next == 0x2D { break }
        if text[index] == 0x2F, next == 0x2A { break }
      }
      index += 1
    }
    // An operator of several characters ends in + or - only if it holds a character that SQL's own operators lack.
    if index - start > 1, !text[start..<index].contains(where: SQLLexer.isExtendedOperator) {
      while index - start > 1, text[index - 1] == 0x2B || text[index - 1] == 0x2D { index -= 1 }
    }
    position = index
    return SQLToken(kind: .operator, start: start, end: index)
  }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }

  static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  static func isIdentifierStart(_ byte: UInt8) -> Bool {
    let lower = byte | 0x20
    return (lower >= 0x61 && lower <= 0x7A) || byte == 0x5F || byte >= 0x80
  }

  static func isIdentifierPart(_ byte: UInt8) -> Bool {
    isIdentifierStart(byte) || isDigit(byte) || byte == 0x24
  }

  static func isOperator(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x2B, 0x2D, 0x2A, 0x2F, 0x3C, 0x3E, 0x3D: true
    default: isExtendedOperator(byte)
    }
  }

  /// `~ ! @ # % ^ & | ` ?`
  private static func isExtendedOperator(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x7E, 0x21, 0x40, 0x23, 0x25, 0x5E, 0x26, 0x7C, 0x60, 0x3F: true
    default: false
    }
  }
}

extension SQLLexer {
  /// Returns whether the token is the word `lowercase`, in any case.
  func isWord(_ token: SQLToken, _ lowercase: StaticString) -> Bool {
    guard token.kind == .word, token.end - token.start == lowercase.utf8CodeUnitCount else { return false }
    let expected = lowercase.utf8Start
    for offset in 0..<(token.end - token.start) where SQLLexer.lowered(text[token.start + offset]) != expected[offset] {
      return false
    }
    return true
  }

  /// Returns whether the token is this one ASCII character.
  func isSymbol(_ token: SQLToken, _ character: Unicode.Scalar) -> Bool {
    token.end - token.start == 1 && token.kind != .word && UInt32(text[token.start]) == character.value
  }

  func string(_ token: SQLToken) -> String {
    String(decoding: UnsafeBufferPointer(rebasing: text[token.start..<token.end]), as: UTF8.self)
  }

  static func lowered(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }
}
