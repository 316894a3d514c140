import Bytes

/// A file of SQL under headers: `MODEL (...)`, `SOURCE (...)` or `AUDIT (...)`, each with the statements that follow.
///
/// The format is SQLMesh's (SOURCE is ours, in the same form). Nothing is judged here but the form: which properties
/// exist and what they mean is the reader's business.
package struct ModelFile: Hashable, Sendable {
  package let path: String
  package let text: String
  /// At least one.
  package let blocks: [HeaderBlock]

  /// Reads the headers of `text`; the statements below them stay text.
  ///
  /// - Throws: `.user` with range, file and line for a text that does not start with a header, a header that does not
  ///   end, a property without a name; `.unsupported` for a header of Python or Jinja.
  package static func parse(_ text: String, path: String) throws(PulsehouseError) -> ModelFile {
    do throws(PulsehouseError) {
      return ModelFile(path: path, text: text, blocks: try HeaderParser.blocks(of: text))
    } catch {
      throw error.located(in: text, path: path)
    }
  }
}

/// One header and its body.
package struct HeaderBlock: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable, CaseIterable {
    case model
    case source
    case audit
  }
  package var kind: Kind
  /// In the order written.
  package var properties: [Property]
  /// From the kind's word to the closing parenthesis, in bytes of the file.
  package var range: Range<Int>
  package var body: ModelBody

  /// Returns the value of the property called `name` (in lower case), nil if it is absent or has no value.
  package subscript(_ name: String) -> PropertyValue? {
    properties.first { $0.name == name }?.value
  }
}

/// The SQL below a header.
package struct ModelBody: Hashable, Sendable {
  package var text: String
  /// Byte of the file at which `text` starts, and the line it is on, from 1.
  package var offset: Int
  package var line: Int

  /// The body's statements, with ranges in bytes of `text`.
  package var statements: [StatementText] { StatementSplitter.split(text) }
}

extension PulsehouseError {
  /// Returns the error with the file, and with the line of its range in that file's text.
  package func located(in text: String, path: String) -> PulsehouseError {
    var error = self
    error.file = error.file ?? path
    if error.line == nil, let range { error.line = TextPosition(ofByte: range.lowerBound, in: text).line }
    return error
  }
}

/// Reads headers token by token.
private struct HeaderParser {
  let text: UnsafeBufferPointer<UInt8>
  var lexer: SQLLexer

  static func blocks(of text: String) throws(PulsehouseError) -> [HeaderBlock] {
    var text = text
    let result: Result<[HeaderBlock], PulsehouseError> = text.withUTF8 { bytes in
      do throws(PulsehouseError) {
        var parser = HeaderParser(text: bytes, lexer: SQLLexer(bytes))
        return .success(try parser.blocks())
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  mutating func blocks() throws(PulsehouseError) -> [HeaderBlock] {
    var blocks: [HeaderBlock] = []
    lexer.skipTrivia()
    var start: (kind: HeaderBlock.Kind, word: SQLToken)?
    let first = lexer.next()
    start = header(at: first)
    guard start != nil else { throw noHeader(first) }
    while let current = start {
      let header = try properties(current.kind, current.word)
      let next = lexer.next()
      // Without its semicolon the body would read as a part of the header.
      guard next.kind == .end || lexer.isSymbol(next, ";") else {
        throw failure(
          "expected \";\" after the \(current.kind.rawValue.uppercased()) header", next.start..<next.end)
      }
      let body: ModelBody
      (body, start) = self.body()
      blocks.append(
        HeaderBlock(kind: current.kind, properties: header.properties, range: header.range, body: body))
    }
    return blocks
  }

  private func failure(_ message: String, _ range: Range<Int>) -> PulsehouseError {
    PulsehouseError(.user, message, sqlState: "42601", range: range)
  }

  private func noHeader(_ token: SQLToken) -> PulsehouseError {
    if lexer.isWord(token, "jinja_query_begin") || lexer.isWord(token, "jinja_statement_begin") {
      return PulsehouseError(
        .unsupported, "Jinja is not supported natively", hint: "Run this model with SQLMesh.",
        range: token.start..<token.end)
    }
    if lexer.isWord(token, "from") || lexer.isWord(token, "import") || lexer.isWord(token, "def") {
      return PulsehouseError(
        .unsupported, "a Python model is not supported natively", hint: "Run this model with SQLMesh.",
        range: token.start..<token.end)
    }
    return failure("expected MODEL (...), SOURCE (...) or AUDIT (...) at the top of the file", token.start..<token.end)
  }

  /// Returns the kind of the header that starts with this token, nil if none does.
  private func header(at token: SQLToken) -> (kind: HeaderBlock.Kind, word: SQLToken)? {
    guard token.kind == .word else { return nil }
    let kind: HeaderBlock.Kind
    if lexer.isWord(token, "model") {
      kind = .model
    } else if lexer.isWord(token, "source") {
      kind = .source
    } else if lexer.isWord(token, "audit") {
      kind = .audit
    } else {
      return nil
    }
    var ahead = SQLLexer(text, at: token.end)
    return ahead.isSymbol(ahead.next(), "(") ? (kind, token) : nil
  }

  /// Reads `(...)` after the kind's word.
  private mutating func properties(
    _ kind: HeaderBlock.Kind, _ word: SQLToken
  ) throws(PulsehouseError) -> (properties: [Property], range: Range<Int>) {
    lexer.position = word.end
    var tokens: [HeaderToken] = []
    var opened: [UInt8] = []
    repeat {
      let token = lexer.next()
      if token.kind == .end || !token.isTerminated {
        let what = token.kind == .end ? "the \(kind.rawValue.uppercased()) header is" : "this quote is"
        let place = token.kind == .end ? word.start..<word.end : token.start..<min(token.end, token.start + 1)
        throw failure("\(what) never closed", place)
      }
      if token.kind == .symbol {
        switch text[token.start] {
        case 0x28: opened.append(0x29)
        case 0x5B: opened.append(0x5D)
        case 0x29, 0x5D:
          guard opened.popLast() == text[token.start] else {
            throw failure("this closes nothing that was opened", token.start..<token.end)
          }
        case 0x3B:
          throw failure(
            "the \(kind.rawValue.uppercased()) header is not closed before this", token.start..<token.end)
        default: break
        }
      }
      tokens.append(HeaderToken(token, lexer))
    } while !opened.isEmpty
    let start = tokens[0].range.lowerBound
    let end = lexer.position
    let group = PropertyValue(
      text: String(decoding: UnsafeBufferPointer(rebasing: text[start..<end]), as: UTF8.self), range: start..<end,
      tokens: tokens[...])
    let properties = try group.properties()
    var seen: Set<String> = []
    for property in properties where !seen.insert(property.name).inserted {
      throw failure("the property \"\(property.name)\" is written twice", property.nameRange)
    }
    return (properties, word.start..<end)
  }

  /// Takes the text up to the next header, or all that is left.
  private mutating func body() -> (ModelBody, (kind: HeaderBlock.Kind, word: SQLToken)?) {
    let start = lexer.position
    let line = 1 + text[..<start].count { $0 == 0x0A }
    var isStatementStart = true
    var end = text.count
    var next: (kind: HeaderBlock.Kind, word: SQLToken)?
    while true {
      let token = lexer.next()
      if token.kind == .end { break }
      if isStatementStart, let found = header(at: token) {
        next = found
        end = token.start
        break
      }
      isStatementStart = lexer.isSymbol(token, ";")
    }
    let words = String(decoding: UnsafeBufferPointer(rebasing: text[start..<end]), as: UTF8.self)
    return (ModelBody(text: words, offset: start, line: line), next)
  }
}
