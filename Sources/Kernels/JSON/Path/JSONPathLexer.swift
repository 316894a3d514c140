import Bytes
import Vectors

/// Words, marks, numbers and strings of a path.
struct JSONPathLexer {
  enum Token: Equatable {
    /// A name or a word of the language.
    case word([UInt8])
    case string([UInt8])
    case variable([UInt8])
    case number([UInt8])
    case mark(String)
    case end
  }

  struct Piece {
    var token: Token
    /// As it is written.
    var text: String
  }

  private let bytes: UnsafeRawBufferPointer
  private var index = 0

  /// - Throws: 42601 for a string without end, and numbers that letters follow.
  static func pieces(_ bytes: UnsafeRawBufferPointer) throws -> [Piece] {
    var lexer = JSONPathLexer(bytes: bytes)
    var result: [Piece] = []
    while true {
      try lexer.skipBlanks()
      let start = lexer.index
      let token = try lexer.token()
      result.append(Piece(token: token, text: String(decoding: bytes[start..<lexer.index], as: UTF8.self)))
      if token == .end { return result }
    }
  }

  private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private func byte(_ place: Int) -> UInt8? { place < bytes.count ? bytes[place] : nil }

  private mutating func skipBlanks() throws {
    while let next = byte(index) {
      if [0x20, 9, 10, 13, 12].contains(next) {
        index += 1
      } else if next == 0x2F, byte(index + 1) == 0x2A {
        index += 2
        while byte(index) != 0x2A || byte(index + 1) != 0x2F {
          if index >= bytes.count { throw JSONPathParser.failure("unexpected end of comment at end of jsonpath input") }
          index += 1
        }
        index += 2
      } else {
        return
      }
    }
  }

  private mutating func token() throws -> Token {
    guard let first = byte(index) else { return .end }
    switch first {
    case 0x22: return .string(try string())
    case 0x24:
      index += 1
      if byte(index) == 0x22 { return .variable(try string()) }
      let name = try word()
      return name.isEmpty ? .mark("$") : .variable(name)
    case 0x30...0x39: return .number(try number())
    case 0x2E where byte(index + 1).map(JSONPathLexer.isDigit) == true: return .number(try number())
    default: break
    }
    for mark in ["&&", "||", "**", "==", "!=", "<>", "<=", ">="] where starts(with: mark) {
      index += 2
      return .mark(mark == "<>" ? "!=" : mark)
    }
    if JSONPathLexer.isSpecial(first) {
      index += 1
      let mark = String(UnicodeScalar(first))
      return .mark(mark == "=" ? "==" : mark)
    }
    return .word(try word())
  }

  private func starts(with mark: String) -> Bool {
    index + 2 <= bytes.count && mark.utf8.elementsEqual(bytes[index..<(index + 2)])
  }

  static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private static func isSpecial(_ byte: UInt8) -> Bool { "?%$.[]{}()|&!=<>@#,*:-+/".utf8.contains(byte) }

  private mutating func word() throws -> [UInt8] {
    var result: [UInt8] = []
    while let next = byte(index), !JSONPathLexer.isSpecial(next), next > 0x20, next != 0x22 {
      if next == 0x5C {
        try escape(into: &result)
      } else {
        result.append(next)
        index += 1
      }
    }
    return result
  }

  private mutating func string() throws -> [UInt8] {
    index += 1
    var result: [UInt8] = []
    while let next = byte(index) {
      if next == 0x22 {
        index += 1
        return result
      }
      if next == 0x5C {
        try escape(into: &result)
      } else {
        result.append(next)
        index += 1
      }
    }
    throw JSONPathParser.failure("unexpected end of quoted string at end of jsonpath input")
  }

  private mutating func number() throws -> [UInt8] {
    let start = index
    func digits() { while let next = byte(index), JSONPathLexer.isDigit(next) { index += 1 } }
    digits()
    let whole = index
    if byte(index) == 0x2E {
      index += 1
      digits()
    }
    if let next = byte(index), next | 0x20 == 0x65 {
      let before = index
      index += 1
      if byte(index) == 0x2B || byte(index) == 0x2D { index += 1 }
      let first = index
      digits()
      if first == index { index = before }
    }
    let hasZero = whole > start + 1 && bytes[start] == 0x30
    if hasZero || byte(index).map({ $0 == 0x5F || $0 >= 0x80 || (0x61...0x7A).contains($0 | 0x20) }) == true {
      let shown = hasZero ? bytes[start..<whole] : bytes[start...min(index, bytes.count - 1)]
      throw JSONPathParser.failure(
        "trailing junk after numeric literal at or near \"\(String(decoding: shown, as: UTF8.self))\" of jsonpath input"
      )
    }
    guard let value = try NumericArithmetic.parse(UnsafeRawBufferPointer(rebasing: bytes[start..<index])) else {
      throw JSONPathParser.failure("syntax error at end of jsonpath input")
    }
    return Array(value.description.utf8)
  }

  /// Reads what a backslash begins.
  private mutating func escape(into result: inout [UInt8]) throws {
    index += 1
    guard let next = byte(index) else {
      throw JSONPathParser.failure("unexpected end after backslash at end of jsonpath input")
    }
    index += 1
    switch next {
    case 0x62: result.append(8)
    case 0x66: result.append(12)
    case 0x6E: result.append(10)
    case 0x72: result.append(13)
    case 0x74: result.append(9)
    case 0x76: result.append(11)
    case 0x78:
      guard let high = hexadecimal(), let low = hexadecimal() else { throw invalid("hexadecimal character sequence") }
      try append(high << 4 | low, into: &result)
    case 0x75:
      var code = try unicode()
      if (0xD800..<0xDC00).contains(code), byte(index) == 0x5C, byte(index + 1) == 0x75 {
        index += 2
        let low = try unicode()
        guard (0xDC00..<0xE000).contains(low) else { throw JSONPathLexer.surrogate }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      try append(code, into: &result)
    default: result.append(next)
    }
  }

  private func invalid(_ what: String) -> PulsehouseError {
    JSONPathParser.failure("invalid \(what) at or near \"\\\" of jsonpath input")
  }

  private static let surrogate = PulsehouseError(
    .user, "invalid input syntax for type jsonpath", sqlState: "22P02",
    detail: "Unicode low surrogate must follow a high surrogate.")

  private mutating func unicode() throws -> UInt32 {
    var code: UInt32 = 0
    if byte(index) == 0x7B {
      index += 1
      var count = 0
      while count < 6, let digit = hexadecimal() {
        code = code << 4 | digit
        count += 1
      }
      guard count > 0, byte(index) == 0x7D else { throw invalid("Unicode escape sequence") }
      index += 1
      return code
    }
    for _ in 0..<4 {
      guard let digit = hexadecimal() else { throw invalid("Unicode escape sequence") }
      code = code << 4 | digit
    }
    return code
  }

  private mutating func hexadecimal() -> UInt32? {
    guard let next = byte(index), let digit = NumberParse.hexValue(next) else { return nil }
    index += 1
    return UInt32(digit)
  }

  private func append(_ code: UInt32, into result: inout [UInt8]) throws {
    guard code != 0 else {
      throw PulsehouseError(
        .user, "unsupported Unicode escape sequence", sqlState: "22P05", detail: "\\u0000 cannot be converted to text.")
    }
    guard let scalar = Unicode.Scalar(code) else { throw JSONPathLexer.surrogate }
    result.append(contentsOf: String(Character(scalar)).utf8)
  }
}
