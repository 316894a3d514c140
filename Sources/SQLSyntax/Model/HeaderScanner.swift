/// One token of a header, with its words; `range` is in bytes of the file.
struct HeaderToken: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    case word
    case quotedIdentifier
    case string
    case number
    case `operator`
    /// One of `( ) [ ] , ; .`, `:=`, `::`, `:`.
    case symbol
    case other
  }
  var kind: Kind
  /// As written.
  var text: String
  var range: Range<Int>

  func isSymbol(_ symbol: String) -> Bool { (kind == .symbol || kind == .operator) && text == symbol }

  /// The name a word or a quoted identifier stands for; nil for any other token.
  var name: String? {
    switch kind {
    case .word: text.lowercased()
    case .quotedIdentifier: String(text.dropFirst().dropLast()).replacing("\"\"", with: "\"")
    default: nil
    }
  }

  /// What a plain string constant stands for; nil for any other token.
  var stringValue: String? {
    guard kind == .string else { return nil }
    if text.hasPrefix("'") { return String(text.dropFirst().dropLast()).replacing("''", with: "'") }
    if text.hasPrefix("$"), let end = text.dropFirst().firstIndex(of: "$") {
      let delimiter = text[...end]
      return String(text.dropFirst(delimiter.count).dropLast(delimiter.count))
    }
    return nil
  }
}

extension HeaderToken {
  /// Converts a token of the lexer.
  init(_ token: SQLToken, _ lexer: SQLLexer) {
    let kind: Kind
    switch token.kind {
    case .word: kind = .word
    case .quotedIdentifier: kind = .quotedIdentifier
    case .string: kind = .string
    case .number: kind = .number
    case .operator: kind = .operator
    case .symbol: kind = .symbol
    case .parameter, .stray, .end: kind = .other
    }
    self.init(kind: kind, text: lexer.string(token), range: token.start..<token.end)
  }
}
