import Bytes
import CPgQuery

/// Builds the errors of parsing and translation.
enum SyntaxFailure {
  /// Converts an error of the C library: its words, and its position from characters to bytes.
  static func parserError(_ error: PgQueryError, in text: UnsafeBufferPointer<UInt8>) -> PulsehouseError {
    var message = error.message.map { String(cString: $0) } ?? "syntax error"
    var range: Range<Int>?
    if error.cursorpos > 0 {
      let start = byteOffset(ofCharacter: Int(error.cursorpos) - 1, in: text)
      var end = tokenEnd(in: text, at: start)
      // Later minor versions of PostgreSQL 15 show all of the junk, not its first character alone.
      if message.hasPrefix("trailing junk after"), let words = message.firstRange(of: " at or near \"") {
        while end < text.count, SQLLexer.isIdentifierPart(text[end]) { end += 1 }
        message = message[..<words.upperBound] + String(decoding: text[start..<end], as: UTF8.self) + "\""
      }
      range = start..<end
    }
    if message.hasSuffix("not implemented") || message.hasSuffix("not yet implemented")
      || message.hasSuffix("not supported") && !message.hasPrefix("LIMIT")
    {
      return PulsehouseError(.unsupported, message, range: range)
    }
    return PulsehouseError(.user, message, sqlState: state(of: message), range: range)
  }

  private static func state(of message: String) -> String {
    if message.hasPrefix("invalid byte sequence") { return "22021" }
    if message.hasPrefix("unsafe use of \\'") { return "22P06" }
    if message == "invalid Unicode escape" { return "22025" }
    if message.hasPrefix("frame start") || message.hasPrefix("frame end") { return "42P20" }
    if message.hasPrefix("memory exhausted") || message.hasPrefix("stack depth") { return "54001" }
    return "42601"
  }

  static func byteOffset(ofCharacter character: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    var remaining = character
    var index = 0
    while index < text.count {
      if text[index] & 0xC0 != 0x80 {
        if remaining == 0 { return index }
        remaining -= 1
      }
      index += 1
    }
    return text.count
  }

  /// Returns the end of the token at byte `start`.
  static func tokenEnd(in text: UnsafeBufferPointer<UInt8>, at start: Int) -> Int {
    guard start >= 0, start < text.count else { return max(0, min(start, text.count)) }
    var lexer = SQLLexer(text, at: start)
    let token = lexer.next()
    return token.start == start ? token.end : start
  }

  static func tooDeep(
    _ range: SourceRange?, detail: String = "The statement nests deeper than \(PostgresParser.maximumDepth) levels."
  ) -> PulsehouseError {
    PulsehouseError(
      .user, "stack depth limit exceeded", sqlState: "54001",
      detail: detail,
      hint: "Split it: long chains of operators, joins or set operations can go through a WITH query or VALUES.",
      range: range?.bytes)
  }

  static func unsupported(_ what: String, _ range: SourceRange = .unknown, hint: String? = nil) -> PulsehouseError {
    PulsehouseError(.unsupported, "\(what) is not supported", hint: hint, range: range.bytes)
  }

  static func user(_ message: String, _ range: SourceRange) -> PulsehouseError {
    PulsehouseError(.user, message, sqlState: "42601", range: range.bytes)
  }
}
