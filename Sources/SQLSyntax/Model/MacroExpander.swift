import Bytes

/// What a macro variable stands for.
package indirect enum MacroValue: Hashable, Sendable {
  /// A string: `@name` becomes a quoted constant, `@{name}` the bare words.
  case text(String)
  /// A number in its digits.
  case number(String)
  case boolean(Bool)
  /// SQL to put in as it is: a table's name, a cast, a list.
  case sql(String)
  case null
  /// `(a, b)`.
  case list([MacroValue])

  /// The SQL that `@name` becomes.
  package var sqlText: String {
    switch self {
    case .text(let text): "'" + text.replacing("'", with: "''") + "'"
    case .number(let digits): digits
    case .boolean(let value): value ? "true" : "false"
    case .sql(let text): text
    case .null: "NULL"
    case .list(let values): "(" + values.map(\.sqlText).joined(separator: ", ") + ")"
    }
  }

  /// The words that `@{name}` becomes, within a constant or beside other words.
  package var bareText: String {
    if case .text(let text) = self { return text }
    return sqlText
  }
}

/// SQL whose macros are replaced, with the way back to where each byte came from.
package struct ExpandedSQL: Hashable, Sendable {
  package let text: String
  /// What was expanded, where it stood, for errors.
  package let body: ModelBody
  fileprivate let pieces: [Piece]

  /// A run of the text: copied byte by byte, or put in for `original`.
  fileprivate struct Piece: Hashable, Sendable {
    var start: Int
    var original: Range<Int>
    var isCopied: Bool
  }

  /// Returns the place in the file's text that a range of `text` came from; a macro's whole place for what it became.
  package func original(_ range: Range<Int>) -> Range<Int> {
    let lower = original(range.lowerBound, isEnd: false)
    let upper = original(range.upperBound, isEnd: true)
    return (body.offset + lower)..<(body.offset + max(lower, upper))
  }

  private func original(_ offset: Int, isEnd: Bool) -> Int {
    var low = 0
    var high = pieces.count
    // The last piece that starts at or before the offset; the end of a range belongs to the piece it closes.
    while low < high {
      let middle = (low + high) / 2
      if pieces[middle].start < offset || (!isEnd && pieces[middle].start == offset) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    guard low > 0 else { return pieces.first.map { $0.original.lowerBound } ?? 0 }
    let piece = pieces[low - 1]
    if piece.isCopied { return min(piece.original.upperBound, piece.original.lowerBound + offset - piece.start) }
    return isEnd ? piece.original.upperBound : piece.original.lowerBound
  }

  /// Returns an error about `text` as one about the file: range, and line if `fileText` is given.
  package func located(_ error: PulsehouseError, in fileText: String? = nil, path: String) -> PulsehouseError {
    var error = error
    error.range = error.range.map(original)
    if let fileText { return error.located(in: fileText, path: path) }
    error.file = error.file ?? path
    return error
  }
}

/// Replaces the `@` variables of a model's SQL, as SQLMesh does those that need no Python.
///
/// - `@name` becomes the variable's SQL, `@{name}` its bare words; names are not case-sensitive.
/// - Within constants and quoted identifiers only `@{name}` counts; comments and dollar quotes are left alone.
/// - `@DEF(name, sql);` defines a variable for what follows, and `@VAR('name' [, default])` reads one.
/// - Every other macro function, and Jinja, is refused by name.
package enum MacroExpander {
  /// Returns the body's SQL with its variables replaced by `variables` (names in lower case).
  ///
  /// - Throws: `.user` for an unknown variable or a malformed `@DEF`, `.unsupported` for what needs Python or Jinja;
  ///   ranges are in bytes of the file the body was cut from.
  package static func expand(
    _ body: ModelBody, variables: [String: MacroValue]
  ) throws(PulsehouseError) -> ExpandedSQL {
    var text = body.text
    let result: Result<ExpandedSQL, PulsehouseError> = text.withUTF8 { bytes in
      do throws(PulsehouseError) {
        var expansion = Expansion(bytes, body, variables)
        return .success(try expansion.run())
      } catch {
        var shifted = error
        shifted.range = error.range.map { ($0.lowerBound + body.offset)..<($0.upperBound + body.offset) }
        return .failure(shifted)
      }
    }
    return try result.get()
  }

  /// Returns `text` with its variables replaced, for SQL that stands in no file.
  package static func expand(
    _ text: String, variables: [String: MacroValue]
  ) throws(PulsehouseError) -> ExpandedSQL {
    try expand(ModelBody(text: text, offset: 0, line: 1), variables: variables)
  }

  /// Returns the names of the variables that `text` uses and does not define itself, in lower case, in order.
  package static func variables(of text: String) throws(PulsehouseError) -> [String] {
    var text = text
    let result: Result<[String], PulsehouseError> = text.withUTF8 { bytes in
      do throws(PulsehouseError) {
        var expansion = Expansion(bytes, ModelBody(text: "", offset: 0, line: 1), nil)
        _ = try expansion.run()
        return .success(expansion.used)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}

/// One pass over one text.
private struct Expansion {
  private let text: UnsafeBufferPointer<UInt8>
  private let body: ModelBody
  /// Nil when only the names are asked for.
  private let variables: [String: MacroValue]?
  private var defined: [String: MacroValue] = [:]
  private(set) var used: [String] = []
  private var output: [UInt8] = []
  private var pieces: [ExpandedSQL.Piece] = []
  private var copiedUpTo = 0
  private var lexer: SQLLexer
  /// How many macro functions stand around this text.
  private let depth: Int
  private static let maximumDepth = 32

  init(_ text: UnsafeBufferPointer<UInt8>, _ body: ModelBody, _ variables: [String: MacroValue]?, depth: Int = 0) {
    self.text = text
    self.body = body
    self.variables = variables
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
      case .word: try refuseJinja(word: token)
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

  private mutating func replace(_ range: Range<Int>, by words: String) {
    copy(upTo: range.lowerBound)
    pieces.append(ExpandedSQL.Piece(start: output.count, original: range, isCopied: false))
    output.append(contentsOf: words.utf8)
    copiedUpTo = range.upperBound
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
      replace(at..<end, by: try value(of: name, at..<end).sqlText)
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

  private mutating func value(of name: String, _ range: Range<Int>) throws(PulsehouseError) -> MacroValue {
    let key = name.lowercased()
    if let value = defined[key] { return value }
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

  // Functions

  private mutating func function(_ name: String, at start: Int, openedAt open: Int) throws(PulsehouseError) {
    let (arguments, end) = try self.arguments(name, start, open)
    let words = arguments.map { range in
      String(decoding: UnsafeBufferPointer(rebasing: text[range]), as: UTF8.self)
    }
    switch name.lowercased() {
    case "def":
      guard words.count == 2, let key = simpleName(words[0]) else {
        throw PulsehouseError(.user, "expected @DEF(name, value)", sqlState: "42601", range: start..<end)
      }
      if words[1].contains("->") {
        throw unsupported("a macro function defined by @DEF", start..<end)
      }
      defined[key] = .sql(try expanded(arguments[1]))
      // The semicolon after it goes too.
      var ahead = SQLLexer(text, at: end)
      let next = ahead.next()
      let after = ahead.isSymbol(next, ";") ? next.end : end
      replace(start..<after, by: "")
      lexer.position = after
    case "var":
      guard let key = words.first.flatMap(simpleName), words.count <= 2 else {
        throw PulsehouseError(
          .user, "expected @VAR('name') or @VAR('name', default)", sqlState: "42601", range: start..<end)
      }
      var replacement: String
      if let known = defined[key] ?? variables?[key] {
        replacement = known.sqlText
      } else if words.count == 2 {
        replacement = try expanded(arguments[1])
      } else {
        replacement = try value(of: key, start..<end).sqlText
      }
      replace(start..<end, by: replacement)
      lexer.position = end
    default:
      throw unsupported("the macro @\(name.uppercased())", start..<open)
    }
  }

  private func unsupported(_ what: String, _ range: Range<Int>) -> PulsehouseError {
    PulsehouseError(
      .unsupported, "\(what) is not supported natively", hint: "Run this model with SQLMesh.", range: range)
  }

  /// Expands a part of the text on its own, with what is defined so far.
  private mutating func expanded(_ range: Range<Int>) throws(PulsehouseError) -> String {
    guard depth < Expansion.maximumDepth else {
      throw PulsehouseError(.user, "macros nest too deep", sqlState: "54001", range: range)
    }
    var inner = Expansion(UnsafeBufferPointer(rebasing: text[range]), body, variables, depth: depth + 1)
    inner.defined = defined
    inner.used = used
    do throws(PulsehouseError) {
      let result = try inner.run()
      used = inner.used
      return result.text
    } catch {
      var shifted = error
      shifted.range = error.range.map { ($0.lowerBound + range.lowerBound)..<($0.upperBound + range.lowerBound) }
      throw shifted
    }
  }

  /// Returns the ranges of the arguments within the parentheses opened at `open`, and the end of the call.
  private func arguments(
    _ name: String, _ start: Int, _ open: Int
  ) throws(PulsehouseError) -> (arguments: [Range<Int>], end: Int) {
    var inner = SQLLexer(text, at: open)
    var depth = 0
    var argument: Range<Int>?
    var arguments: [Range<Int>] = []
    while true {
      let token = inner.next()
      guard token.kind != .end, token.isTerminated else {
        throw PulsehouseError(
          .user, "the parenthesis after @\(name) is never closed", sqlState: "42601", range: start..<open)
      }
      if inner.isSymbol(token, "(") || inner.isSymbol(token, "[") {
        depth += 1
        if depth == 1 { continue }
      }
      if inner.isSymbol(token, ")") || inner.isSymbol(token, "]") { depth -= 1 }
      if depth == 0 || (depth == 1 && inner.isSymbol(token, ",")) {
        if let argument { arguments.append(argument) }
        argument = nil
        if depth == 0 { return (arguments, token.end) }
      } else {
        argument = (argument?.lowerBound ?? token.start)..<token.end
      }
    }
  }

  /// Returns the name in `name`, `'name'` or `@name`, in lower case.
  private func simpleName(_ words: String) -> String? {
    var name = Substring(words)
    if name.first == "'", name.last == "'", name.utf8.count > 2 { name = name.dropFirst().dropLast() }
    if name.first == "@" { name = name.dropFirst() }
    guard let first = name.utf8.first, SQLLexer.isIdentifierStart(first),
      name.utf8.allSatisfy(SQLLexer.isIdentifierPart)
    else { return nil }
    return name.lowercased()
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
