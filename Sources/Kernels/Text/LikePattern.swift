import Bytes
import Glibc
import Vectors

/// LIKE and ILIKE over whole vectors; a constant pattern is compiled once.
package enum Like {
  /// `text LIKE pattern [ESCAPE escape]`; the escape is a backslash by default, none for an empty one.
  package static func match(_ arguments: [Vector], count: Int, ignoringCase: Bool) throws -> Vector {
    let operands = arguments.map { ($0.type.isPadded ? TextLength.unpadded($0) : $0).spread }
    // The padding of char(n) counts in LIKE.
    let texts = arguments[0].spread
    let inputs = ignoringCase ? LetterCase.lower(texts).spread : texts
    let patterns = ignoringCase ? LetterCase.lower(operands[1]).spread : operands[1]
    let escapes = operands.count > 2 ? operands[2] : nil
    if patterns.isConstantNull || (escapes?.isConstantNull ?? false) { return .nulls(.boolean, count: count) }
    if patterns.form == .constant, escapes.map({ $0.form == .constant }) ?? true {
      let pattern = try LikePattern(
        patterns.values(as: StringReference.self)[0], escape: escapes?.values(as: StringReference.self)[0])
      return try pattern.match(inputs)
    }
    let (patternsAt, escapesAt) = (Operand<StringReference>(patterns), escapes.map { Operand<StringReference>($0) })
    let textsAt = Operand<StringReference>(inputs)
    return try mapRows(.boolean, count: count, [inputs, patterns] + (escapes.map { [$0] } ?? [])) { row -> UInt8 in
      let pattern = try LikePattern(patternsAt[row], escape: escapesAt?[row])
      let text = textsAt[row]
      return bit(try text.withBytes { try pattern.matches($0) })
    }
  }
}

/// A compiled LIKE pattern: literal runs between wildcards.
struct LikePattern {
  private enum Token: Equatable {
    case literal([UInt8])
    case anyCharacter
    case anyText
    /// An escape character with nothing after it: an error for a text that reaches it with characters left.
    case danglingEscape
  }

  private enum Shape {
    case exact([UInt8])
    case prefix([UInt8])
    case suffix([UInt8])
    case contains([UInt8])
    case everything
    case general([Token])
  }

  private let shape: Shape

  init(_ pattern: StringReference, escape: StringReference?) throws {
    var escapeBytes: [UInt8] = [0x5C]
    if let escape {
      escapeBytes = escape.withBytes { Array($0) }
      let isOneCharacter = escape.withBytes { Characters.count($0) } <= 1
      guard isOneCharacter else {
        throw PulsehouseError(
          .user, "invalid escape string", sqlState: "22025", hint: "Escape string must be empty or one character.")
      }
    }
    let bytes = pattern.withBytes { Array($0) }
    var tokens: [Token] = []
    var literal: [UInt8] = []
    func flush() {
      if !literal.isEmpty { tokens.append(.literal(literal)) }
      literal = []
    }
    var index = 0
    while index < bytes.count {
      if !escapeBytes.isEmpty, bytes[index...].starts(with: escapeBytes) {
        index += escapeBytes.count
        guard index < bytes.count else {
          flush()
          tokens.append(.danglingEscape)
          continue
        }
        literal.append(bytes[index])
        index += 1
        continue
      }
      switch bytes[index] {
      case 0x25:
        flush()
        if tokens.last != .anyText { tokens.append(.anyText) }
      case 0x5F:
        flush()
        tokens.append(.anyCharacter)
      default: literal.append(bytes[index])
      }
      index += 1
    }
    flush()
    shape = LikePattern.shape(tokens)
  }

  private static func shape(_ tokens: [Token]) -> Shape {
    func literal(_ index: Int) -> [UInt8]? {
      if case .literal(let text) = tokens[index] { return text }
      return nil
    }
    switch tokens.count {
    case 0: return .exact([])
    case 1:
      if let text = literal(0) { return .exact(text) }
      return tokens[0] == .anyText ? .everything : .general(tokens)
    case 2:
      if let text = literal(0), tokens[1] == .anyText { return .prefix(text) }
      if tokens[0] == .anyText, let text = literal(1) { return .suffix(text) }
    case 3:
      if tokens[0] == .anyText, let text = literal(1), tokens[2] == .anyText { return .contains(text) }
    default: break
    }
    return .general(tokens)
  }

  /// Matches every row.
  func match(_ texts: Vector) throws -> Vector {
    switch shape {
    case .exact(let wanted):
      return wanted.withUnsafeBytes { wanted in
        map(texts) { $0.count == wanted.count && ByteSearch.has(wanted, at: 0, in: $0) }
      }
    case .prefix(let wanted):
      return wanted.withUnsafeBytes { wanted in map(texts) { ByteSearch.has(wanted, at: 0, in: $0) } }
    case .suffix(let wanted):
      return wanted.withUnsafeBytes { wanted in
        map(texts) { ByteSearch.has(wanted, at: $0.count - wanted.count, in: $0) }
      }
    case .contains(let wanted):
      return wanted.withUnsafeBytes { wanted in map(texts) { ByteSearch.first(wanted, in: $0, from: 0) != nil } }
    case .everything: return map(texts) { _ in true }
    case .general(let tokens):
      return try mapUnaryThrowing(texts, .boolean) { (text: StringReference) -> UInt8? in
        bit(try text.withBytes { try general(tokens, $0) })
      }
    }
  }

  @inline(__always) private func map(_ texts: Vector, _ body: (UnsafeRawBufferPointer) -> Bool) -> Vector {
    mapUnary(texts, .boolean) { (text: StringReference) in bit(text.withBytes(body)) }
  }

  func matches(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
    switch shape {
    case .exact(let wanted): return wanted.elementsEqual(bytes)
    case .prefix(let wanted): return wanted.withUnsafeBytes { ByteSearch.has($0, at: 0, in: bytes) }
    case .suffix(let wanted):
      return wanted.withUnsafeBytes { ByteSearch.has($0, at: bytes.count - $0.count, in: bytes) }
    case .contains(let wanted): return wanted.withUnsafeBytes { ByteSearch.first($0, in: bytes, from: 0) != nil }
    case .everything: return true
    case .general(let tokens): return try general(tokens, bytes)
    }
  }

  /// Greedy matching with one point to come back to: the last `%` seen, whose text grows by a character each time.
  private func general(_ tokens: [Token], _ bytes: UnsafeRawBufferPointer) throws -> Bool {
    var token = 0
    var place = 0
    var resumeToken = -1
    var resumePlace = 0
    while true {
      var advanced = false
      if token < tokens.count {
        switch tokens[token] {
        case .anyText:
          resumeToken = token + 1
          resumePlace = place
          token += 1
          advanced = true
        case .anyCharacter:
          if place < bytes.count {
            place = Characters.next(bytes, after: place)
            token += 1
            advanced = true
          }
        case .danglingEscape:
          if place < bytes.count {
            throw PulsehouseError(.user, "LIKE pattern must not end with escape character", sqlState: "22025")
          }
        case .literal(let wanted):
          if wanted.withUnsafeBytes({ ByteSearch.has($0, at: place, in: bytes) }) {
            place += wanted.count
            token += 1
            advanced = true
          }
        }
      } else if place == bytes.count {
        return true
      }
      if advanced { continue }
      guard resumeToken >= 0, resumePlace < bytes.count else { return false }
      resumePlace = Characters.next(bytes, after: resumePlace)
      place = resumePlace
      token = resumeToken
    }
  }
}
