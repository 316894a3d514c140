import Bytes

/// Reads a path: PostgreSQL's grammar by precedence, each expression told whether it is a predicate.
struct JSONPathParser {
  private typealias Chain = JSONPath.Chain
  private typealias Step = JSONPath.Step

  private let pieces: [JSONPathLexer.Piece]
  private var index = 0
  private var depth = 0
  /// Inside of a filter, where `@` may stand, and of a subscript, where `last` may.
  private var filters = 0
  private var subscripts = 0
  private static let maximumDepth = 300

  init(_ text: UnsafeRawBufferPointer) throws {
    pieces = try JSONPathLexer.pieces(text)
    guard pieces.count > 1 else {
      throw PulsehouseError(
        .user, "invalid input syntax for type jsonpath: \"\(String(decoding: text, as: UTF8.self))\"", sqlState: "22P02"
      )
    }
  }

  static func failure(_ message: String) -> PulsehouseError { PulsehouseError(.user, message, sqlState: "42601") }

  mutating func parse() throws -> (isStrict: Bool, JSONPath.Chain) {
    let isStrict = takeWord("strict")
    if !isStrict { _ = takeWord("lax") }
    let chain = try expression()
    guard next == .end else { throw unexpected() }
    return (isStrict, chain)
  }

  // MARK: Tokens

  private var next: JSONPathLexer.Token { pieces[index].token }

  private func unexpected() -> PulsehouseError {
    // PostgreSQL's scanner has seen the end when a word is the last there is.
    var isLast = next == .end
    if case .word = next, index + 2 >= pieces.count { isLast = true }
    return JSONPathParser.failure(
      isLast
        ? "syntax error at end of jsonpath input"
        : "syntax error at or near \"\(pieces[index].text)\" of jsonpath input")
  }

  private mutating func take(_ mark: String) -> Bool {
    guard next == .mark(mark) else { return false }
    index += 1
    return true
  }

  private mutating func expect(_ mark: String) throws { if !take(mark) { throw unexpected() } }

  private func isWord(_ word: String, at place: Int) -> Bool {
    guard place < pieces.count, case .word(let bytes) = pieces[place].token else { return false }
    // These alone are written in small letters.
    let isExact = word == "true" || word == "false" || word == "null"
    let text = String(decoding: bytes, as: UTF8.self)
    return isExact ? text == word : text.lowercased() == word
  }

  private mutating func takeWord(_ word: String) -> Bool {
    guard isWord(word, at: index) else { return false }
    index += 1
    return true
  }

  // MARK: Expressions

  private mutating func expression() throws -> JSONPath.Chain {
    depth += 1
    defer { depth -= 1 }
    if depth > JSONPathParser.maximumDepth {
      throw PulsehouseError(.user, "stack depth limit exceeded", sqlState: "54001", hint: "The path nests too deeply.")
    }
    return try disjunction()
  }

  private mutating func predicate() throws -> JSONPath.Chain {
    let chain = try expression()
    guard JSONPathParser.isPredicate(chain) else { throw unexpected() }
    return chain
  }

  private static func isPredicate(_ chain: JSONPath.Chain) -> Bool { chain.count == 1 && chain[0].isPredicate }

  private mutating func disjunction() throws -> JSONPath.Chain {
    var left = try conjunction()
    while JSONPathParser.isPredicate(left), take("||") {
      let right = try conjunction()
      guard JSONPathParser.isPredicate(right) else { throw unexpected() }
      left = [.or(left, right)]
    }
    return left
  }

  private mutating func conjunction() throws -> JSONPath.Chain {
    var left = try comparison()
    while JSONPathParser.isPredicate(left), take("&&") {
      let right = try comparison()
      guard JSONPathParser.isPredicate(right) else { throw unexpected() }
      left = [.and(left, right)]
    }
    return left
  }

  private mutating func comparison() throws -> JSONPath.Chain {
    if take("!") {
      if isWord("exists", at: index) { return [.not(try primary())] }
      try expect("(")
      let inner = try predicate()
      try expect(")")
      return [.not(inner)]
    }
    let left = try sum()
    if JSONPathParser.isPredicate(left) { return left }
    if case .mark(let mark) = next, let comparison = JSONPath.Comparison(rawValue: mark) {
      index += 1
      let right = try sum()
      if JSONPathParser.isPredicate(right) { throw unexpected() }
      return [.compare(comparison, left, right)]
    }
    if isWord("starts", at: index), isWord("with", at: index + 1) {
      index += 2
      switch next {
      case .string(let text):
        index += 1
        return [.startsWith(left, [.string(text)])]
      case .variable(let name):
        index += 1
        return [.startsWith(left, [.variable(name)])]
      default: throw unexpected()
      }
    }
    if takeWord("like_regex") { return [.likeRegex(left, try pattern())] }
    return left
  }

  private mutating func pattern() throws -> JSONPath.Pattern {
    guard case .string(let text) = next else { throw unexpected() }
    index += 1
    var flags = ""
    if takeWord("flag") {
      guard case .string(let written) = next else { throw unexpected() }
      index += 1
      flags = String(decoding: written, as: UTF8.self)
      if let wrong = flags.first(where: { !"ismxq".contains($0) }) {
        throw PulsehouseError(
          .user, "invalid input syntax for type jsonpath", sqlState: "42601",
          detail: "Unrecognized flag character \"\(wrong)\" in LIKE_REGEX predicate.")
      }
      if flags.contains("x"), !flags.contains("q") {
        throw PulsehouseError(
          .unsupported, "XQuery \"x\" flag (expanded regular expressions) is not implemented", sqlState: "0A000")
      }
    }
    let pattern = JSONPath.Pattern(text: text, flags: flags)
    _ = try pattern.compile()
    return pattern
  }

  private mutating func sum() throws -> JSONPath.Chain {
    var left = try product()
    while case .mark(let mark) = next, mark == "+" || mark == "-", let operation = JSONPath.Arithmetic(rawValue: mark) {
      if JSONPathParser.isPredicate(left) { throw unexpected() }
      index += 1
      left = [.arithmetic(operation, left, try operand { try $0.product() })]
    }
    return left
  }

  private mutating func product() throws -> JSONPath.Chain {
    var left = try signed()
    while case .mark(let mark) = next, mark == "*" || mark == "/" || mark == "%",
      let operation = JSONPath.Arithmetic(rawValue: mark)
    {
      if JSONPathParser.isPredicate(left) { throw unexpected() }
      index += 1
      left = [.arithmetic(operation, left, try operand { try $0.signed() })]
    }
    return left
  }

  private mutating func signed() throws -> JSONPath.Chain {
    for (mark, isNegative) in [("-", true), ("+", false)] where take(mark) {
      depth += 1
      defer { depth -= 1 }
      if depth > JSONPathParser.maximumDepth { throw JSONPathParser.failure("the path nests too deeply") }
      return [.sign(isNegative: isNegative, try operand { try $0.signed() })]
    }
    return try primary()
  }

  private mutating func operand(_ read: (inout JSONPathParser) throws -> JSONPath.Chain) throws -> JSONPath.Chain {
    let chain = try read(&self)
    if JSONPathParser.isPredicate(chain) { throw unexpected() }
    return chain
  }

  // MARK: Accessors

  private mutating func primary() throws -> JSONPath.Chain {
    if takeWord("exists") {
      try expect("(")
      let inner = try expression()
      if JSONPathParser.isPredicate(inner) { throw unexpected() }
      try expect(")")
      return [.exists(inner)]
    }
    if take("(") {
      let inner = try expression()
      try expect(")")
      if JSONPathParser.isPredicate(inner), isWord("is", at: index), isWord("unknown", at: index + 1) {
        index += 2
        return [.isUnknown(inner)]
      }
      return try accessors(after: inner)
    }
    return try accessors(after: [try head()])
  }

  private mutating func head() throws -> JSONPath.Step {
    let token = next
    switch token {
    case .string(let text):
      index += 1
      return .string(text)
    case .variable(let name):
      index += 1
      return .variable(name)
    case .number(let digits):
      index += 1
      return .number(digits)
    case .mark("$"):
      index += 1
      return .root
    case .mark("@"):
      if filters == 0 { throw JSONPathParser.failure("@ is not allowed in root expressions") }
      index += 1
      return .current
    default: break
    }
    if takeWord("null") { return .null }
    if takeWord("true") { return .boolean(true) }
    if takeWord("false") { return .boolean(false) }
    if takeWord("last") {
      if subscripts == 0 { throw JSONPathParser.failure("LAST is allowed only in array subscripts") }
      return .last
    }
    throw unexpected()
  }

  private mutating func accessors(after head: JSONPath.Chain) throws -> JSONPath.Chain {
    var chain = head
    while true {
      if take(".") {
        chain.append(try member())
      } else if take("[") {
        chain.append(try elements())
      } else if take("?") {
        try expect("(")
        filters += 1
        let inner = try predicate()
        filters -= 1
        try expect(")")
        chain.append(.filter(inner))
      } else {
        return chain
      }
    }
  }

  private mutating func member() throws -> JSONPath.Step {
    if take("*") { return .anyKey }
    if take("**") { return try levels() }
    switch next {
    case .string(let key):
      index += 1
      return .key(key)
    case .word(let name):
      index += 1
      guard next == .mark("(") else { return .key(name) }
      let method = String(decoding: name, as: UTF8.self).lowercased()
      if method == "datetime" {
        throw PulsehouseError(.unsupported, "the jsonpath method .datetime() is not supported yet", sqlState: "0A000")
      }
      guard let method = JSONPath.Method(rawValue: method) else { throw unexpected() }
      index += 1
      try expect(")")
      return .method(method)
    default: throw unexpected()
    }
  }

  private mutating func levels() throws -> JSONPath.Step {
    guard take("{") else { return .anyLevel(first: 0, last: nil) }
    func level() throws -> Int? {
      if takeWord("last") { return nil }
      guard case .number(let digits) = next, let value = Int(String(decoding: digits, as: UTF8.self)), value >= 0 else {
        throw unexpected()
      }
      index += 1
      return value
    }
    let first = try level()
    let last = takeWord("to") ? try level() : first
    try expect("}")
    return .anyLevel(first: first, last: last)
  }

  private mutating func elements() throws -> JSONPath.Step {
    if take("*") {
      try expect("]")
      return .anyElement
    }
    subscripts += 1
    defer { subscripts -= 1 }
    var result: [JSONPath.Subscript] = []
    repeat {
      let first = try operand { try $0.expression() }
      let last = takeWord("to") ? try operand { try $0.expression() } : nil
      result.append(JSONPath.Subscript(first: first, last: last))
    } while take(",")
    try expect("]")
    return .subscripts(result)
  }
}
