import Bytes

/// One pass over one text.
struct MacroExpansion {
  let text: UnsafeBufferPointer<UInt8>
  let body: ModelBody
  /// Nil when only the names are asked for.
  let variables: [String: MacroValue]?
  let evaluator: MacroExpander.Evaluator?
  var defined: [String: MacroValue] = [:]
  var functions: [String: MacroFunction] = [:]
  /// What stands for words of this text: the arguments of the function whose body it is.
  var parameters: [String: MacroValue] = [:]
  var used: [String] = []
  private var output: [UInt8] = []
  private var pieces: [ExpandedSQL.Piece] = []
  private var copiedUpTo = 0
  var lexer: SQLLexer
  /// How many macro functions stand around this text.
  let depth: Int
  static let maximumDepth = 32
  /// Text that macros may make of other text at most.
  static let maximumByteCount = 16 << 20

  init(
    _ text: UnsafeBufferPointer<UInt8>, _ body: ModelBody, _ variables: [String: MacroValue]?,
    _ evaluator: MacroExpander.Evaluator?, depth: Int = 0
  ) {
    self.text = text
    self.body = body
    self.variables = variables
    self.evaluator = evaluator
    self.depth = depth
    lexer = SQLLexer(text)
  }

  mutating func run() throws(PulsehouseError) -> ExpandedSQL {
    while true {
      let token = lexer.next()
      switch token.kind {
      case .end:
        copy(upTo: text.count)
        return ExpandedSQL(text: String(decoding: output, as: UTF8.self), body: body, pieces: pieces)
      case .word:
        if let value = parameters[lexer.string(token).lowercased()] {
          replace(token.start..<token.end, by: value.sqlText)
        } else {
          try refuseJinja(word: token)
        }
      case .stray where text[token.start] == 0x7B: try refuseJinja(brace: token.start)
      case .string, .quotedIdentifier: try quoted(token)
      case .operator: try symbolicOperator(token)
      default: break
      }
    }
  }

  // Output

  private mutating func copy(upTo end: Int) {
    guard end > copiedUpTo else { return }
    pieces.append(ExpandedSQL.Piece(start: output.count, original: copiedUpTo..<end, isCopied: true))
    output.append(contentsOf: text[copiedUpTo..<end])
    copiedUpTo = end
  }

  mutating func replace(_ range: Range<Int>, by words: String) {
    copy(upTo: range.lowerBound)
    pieces.append(ExpandedSQL.Piece(start: output.count, original: range, isCopied: false))
    output.append(contentsOf: words.utf8)
    copiedUpTo = range.upperBound
  }

  /// Puts a macro's items into the text, with commas between them; of none, one of the commas around goes too.
  mutating func replace(_ range: Range<Int>, byItems items: [String]) {
    lexer.position = range.upperBound
    guard items.isEmpty else { return replace(range, by: items.joined(separator: ", ")) }
    var ahead = SQLLexer(text, at: range.upperBound)
    let next = ahead.next()
    if ahead.isSymbol(next, ",") {
      replace(range.lowerBound..<next.end, by: "")
      lexer.position = next.end
      return
    }
    copy(upTo: range.lowerBound)
    var end = output.count
    while end > 0, SQLLexer.isSpace(output[end - 1]) { end -= 1 }
    // A space keeps every byte behind it in its place.
    if end > 0, output[end - 1] == 0x2C { output[end - 1] = 0x20 }
    replace(range, by: "")
  }

  // Finding macros

  /// An operator may end in the `@` of a macro: `@x`, `@{x}`, `-@x`, `=@x`.
  private mutating func symbolicOperator(_ token: SQLToken) throws(PulsehouseError) {
    let at = token.end - 1
    guard text[at] == 0x40, token.end < text.count else { return }
    let next = text[token.end]
    let isBraced = next == 0x7B
    guard isBraced || SQLLexer.isIdentifierStart(next) else { return }
    // `<@` is PostgreSQL's "is contained by" and `@@` its text match; those need a space before a name anyway.
    if token.end - token.start > 1, text[at - 1] == 0x3C || text[at - 1] == 0x40 { return }
    if isBraced {
      let name = try bracedName(at: at)
      replace(at..<name.end, by: try value(of: name.text, at..<name.end).bareText)
      lexer.position = name.end
      return
    }
    var end = token.end
    while end < text.count, SQLLexer.isIdentifierPart(text[end]) { end += 1 }
    let name = String(decoding: UnsafeBufferPointer(rebasing: text[token.end..<end]), as: UTF8.self)
    lexer.position = end
    if end < text.count, text[end] == 0x28 {
      try function(name, at: at, openedAt: end)
    } else {
      let value = try value(of: name, at..<end)
      // `column_@x` is one name.
      let isPartOfName = at > 0 && token.start == at && SQLLexer.isIdentifierPart(text[at - 1])
      replace(at..<end, by: isPartOfName ? value.bareText : value.sqlText)
    }
  }

  private func bracedName(at start: Int) throws(PulsehouseError) -> (text: String, end: Int) {
    var end = start + 2
    while end < text.count, SQLLexer.isIdentifierPart(text[end]) { end += 1 }
    guard end > start + 2, end < text.count, text[end] == 0x7D else {
      throw PulsehouseError(
        .user, "expected a name and \"}\" after \"@{\"", sqlState: "42601", range: start..<min(text.count, start + 2))
    }
    let name = String(decoding: UnsafeBufferPointer(rebasing: text[(start + 2)..<end]), as: UTF8.self)
    return (name, end + 1)
  }

  /// Replaces `@{name}` within quotes; the quote's own character is doubled in what is put in.
  private mutating func quoted(_ token: SQLToken) throws(PulsehouseError) {
    guard text[token.start] != 0x24 else { return }
    let quote = token.kind == .string ? "'" : "\""
    var index = token.start
    while index + 1 < token.end {
      if text[index] == 0x40, text[index + 1] == 0x7B {
        let name = try bracedName(at: index)
        let words = try value(of: name.text, index..<name.end).bareText
        replace(index..<name.end, by: words.replacing(quote, with: quote + quote))
        index = name.end
      } else {
        index += 1
      }
    }
  }

  mutating func value(of name: String, _ range: Range<Int>) throws(PulsehouseError) -> MacroValue {
    let key = name.lowercased()
    if let value = parameters[key] ?? defined[key] { return value }
    guard let variables else {
      if !used.contains(key) { used.append(key) }
      return .null
    }
    if let value = variables[key] { return value }
    let known = (Array(variables.keys) + Array(defined.keys)).sorted().map { "@" + $0 }
    throw PulsehouseError(
      .user, "macro variable \"@\(name)\" is not defined", sqlState: "42704",
      hint: known.isEmpty ? nil : "Defined are \(known.joined(separator: ", ")).", range: range)
  }

  // Jinja

  private func refuseJinja(word token: SQLToken) throws(PulsehouseError) {
    if lexer.isWord(token, "jinja_query_begin") || lexer.isWord(token, "jinja_statement_begin") {
      throw unsupported("Jinja (\(lexer.string(token)))", token.start..<token.end)
    }
  }

  private func refuseJinja(brace start: Int) throws(PulsehouseError) {
    guard start + 1 < text.count else { return }
    switch text[start + 1] {
    case 0x7B: throw unsupported("Jinja ({{)", start..<(start + 2))
    case 0x25: throw unsupported("Jinja ({%)", start..<(start + 2))
    case 0x23: throw unsupported("Jinja ({#)", start..<(start + 2))
    default: return
    }
  }
}
