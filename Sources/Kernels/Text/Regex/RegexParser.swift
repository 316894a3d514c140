import Bytes

/// What is said about a regular expression beside its text.
struct RegexOptions: Hashable, Sendable {
  var ignoresCase = false
  /// Blanks and comments in the expression do not count.
  var isExpanded = false
  /// The text is no expression: it stands for itself.
  var isLiteral = false
  /// `.` and `[^...]` do not match a newline.
  var stopsAtNewline = false
  /// `^` and `$` match at lines' ends too.
  var anchorsMatchLines = false

  /// Reads PostgreSQL's flags; `g` is reported, not kept.
  ///
  /// - Throws: 22023 for an unknown one.
  init(flags: String = "", isGlobal: inout Bool) throws {
    for flag in flags {
      switch flag {
      case "g": isGlobal = true
      default: try set(flag)
      }
    }
  }

  init() {}

  mutating func set(_ flag: Character) throws {
    switch flag {
    case "i": ignoresCase = true
    case "c": ignoresCase = false
    case "x": isExpanded = true
    case "t": isExpanded = false
    case "q": isLiteral = true
    case "n", "m": (stopsAtNewline, anchorsMatchLines) = (true, true)
    case "p": (stopsAtNewline, anchorsMatchLines) = (true, false)
    case "w": (stopsAtNewline, anchorsMatchLines) = (false, true)
    case "s": (stopsAtNewline, anchorsMatchLines) = (false, false)
    case "a", "e": break
    case "b":
      throw PulsehouseError(.unsupported, "basic regular expressions (the option \"b\") are not supported")
    default:
      throw PulsehouseError(.user, "invalid regular expression option: \"\(flag)\"", sqlState: "22023")
    }
  }
}

/// Reads an expression in the syntax of PostgreSQL's advanced regular expressions.
///
/// Source: "Regular Expression Syntax" in PostgreSQL's manual.
struct RegexParser {
  private let codes: [UInt32]
  private var index = 0
  private var options: RegexOptions
  private(set) var groupCount = 0
  /// What is in each group's parentheses, by its number; nil while they are open.
  private var groups: [Int: RegexNode] = [:]
  private var looks: [RegexLook] = []
  /// How many look-around constraints are open; within them nothing is kept.
  private var lookDepth = 0
  private var depth = 0

  private static let maximumDepth = 200

  /// Look-around constraints are bits of a word.
  private static let maximumLooks = 64

  /// - Returns: Look-around constraints stand after those within them.
  static func parse(
    _ pattern: String, _ options: RegexOptions
  ) throws -> (root: RegexNode, groupCount: Int, looks: [RegexLook]) {
    var parser = RegexParser(pattern, options)
    let root = try parser.expression()
    return (root, parser.groupCount, parser.looks)
  }

  private init(_ pattern: String, _ options: RegexOptions) {
    codes = pattern.unicodeScalars.map(\.value)
    self.options = options
  }

  private mutating func expression() throws -> RegexNode {
    if options.isLiteral { return literal() }
    if starts(with: "***=") {
      index += 4
      return literal()
    }
    if starts(with: "***:") { index += 4 }
    try embeddedOptions()
    if options.isLiteral { return literal() }
    let root = try choice()
    if index < codes.count { throw invalid("parentheses () not balanced") }
    return root
  }

  private mutating func literal() -> RegexNode {
    let parts = codes[index...].map { character($0) }
    index = codes.count
    return RegexNode(.sequence(parts))
  }

  private func starts(with text: String) -> Bool {
    codes[index...].starts(with: text.unicodeScalars.map(\.value))
  }

  /// `(?i)` and the like, at the start only.
  private mutating func embeddedOptions() throws {
    guard starts(with: "(?"), index + 2 < codes.count, let first = Unicode.Scalar(codes[index + 2]),
      first.properties.isAlphabetic
    else { return }
    var end = index + 2
    while end < codes.count, codes[end] != 0x29 {
      guard let flag = Unicode.Scalar(codes[end]) else { break }
      do {
        try options.set(Character(flag))
      } catch let error as PulsehouseError where error.kind == .user {
        throw invalid("invalid embedded option")
      }
      end += 1
    }
    guard end < codes.count else { throw invalid("invalid embedded option") }
    index = end + 1
  }

  // MARK: The grammar

  private mutating func choice() throws -> RegexNode {
    depth += 1
    defer { depth -= 1 }
    if depth > RegexParser.maximumDepth { throw RegexParser.tooComplex }
    var branches = [try sequence()]
    while peek == 0x7C {
      index += 1
      branches.append(try sequence())
    }
    return branches.count == 1 ? branches[0] : RegexNode(.choice(branches))
  }

  private mutating func sequence() throws -> RegexNode {
    var parts: [RegexNode] = []
    while true {
      skipBlanks()
      guard let code = peek, code != 0x7C, code != 0x29 || depth == 1 else { break }
      if code == 0x29 { throw invalid("parentheses () not balanced") }
      if let part = try quantified() { parts.append(part) }
    }
    return parts.count == 1 ? parts[0] : parts.isEmpty ? RegexNode(.empty) : .sequence(parts)
  }

  private var peek: UInt32? { index < codes.count ? codes[index] : nil }

  private mutating func skipBlanks() {
    while true {
      if options.isExpanded, let code = peek, CharacterRanges.space.contains(code) {
        index += 1
      } else if options.isExpanded, peek == 0x23 {
        while let code = peek, code != 10 {
          _ = code
          index += 1
        }
      } else if starts(with: "(?#") {
        while let code = peek, code != 0x29 {
          _ = code
          index += 1
        }
        index = min(index + 1, codes.count)
      } else {
        return
      }
    }
  }

  private mutating func quantified() throws -> RegexNode? {
    let atom = try atom()
    skipBlanks()
    let start = index
    guard let (minimum, maximum) = try quantifier() else { return atom }
    let isExact = codes[start] == 0x7B && !codes[start..<index].contains(0x2C)
    switch atom.kind {
    case .assertion, .look: throw invalid("quantifier operand invalid")
    default: break
    }
    var isLazy = false
    if peek == 0x3F {
      index += 1
      isLazy = true
    }
    if let next = peek, [0x2A, 0x2B, 0x3F].contains(next) { throw invalid("quantifier operand invalid") }
    return RegexNode(.repetition(atom, minimum: minimum, maximum: maximum, isLazy: isLazy), isExact: isExact)
  }

  /// `*`, `+`, `?`, `{m}`, `{m,}`, `{m,n}`.
  private mutating func quantifier() throws -> (Int, Int?)? {
    switch peek {
    case 0x2A:
      index += 1
      return (0, nil)
    case 0x2B:
      index += 1
      return (1, nil)
    case 0x3F:
      index += 1
      return (0, 1)
    case 0x7B:
      guard index + 1 < codes.count, isDigit(codes[index + 1]) else { return nil }
      index += 1
      let minimum = try number()
      var maximum: Int? = minimum
      if peek == 0x2C {
        index += 1
        maximum = peek.map(isDigit) == true ? try number() : nil
      }
      guard peek == 0x7D else { throw invalid("braces {} not balanced") }
      index += 1
      if let maximum, maximum < minimum { throw invalid("invalid repetition count(s)") }
      return (minimum, maximum)
    default: return nil
    }
  }

  private func isDigit(_ code: UInt32) -> Bool { code >= 48 && code <= 57 }

  private mutating func number() throws -> Int {
    var value = 0
    while let code = peek, isDigit(code) {
      value = value * 10 + Int(code - 48)
      if value > 255 { throw invalid("invalid repetition count(s)") }
      index += 1
    }
    return value
  }

  private mutating func atom() throws -> RegexNode {
    guard let code = peek else { return RegexNode(.empty) }
    index += 1
    switch code {
    case 0x28: return try group()
    case 0x5B: return try bracket()
    case 0x2E: return RegexNode(.set(options.stopsAtNewline ? CharacterRanges.newline.complement : .all))
    case 0x5E: return RegexNode(.assertion(options.anchorsMatchLines ? .lineStart : .textStart))
    case 0x24: return RegexNode(.assertion(options.anchorsMatchLines ? .lineEnd : .textEnd))
    case 0x5C: return try escape()
    case 0x2A, 0x2B, 0x3F: throw invalid("quantifier operand invalid")
    case 0x7B where peek.map(isDigit) == true: throw invalid("quantifier operand invalid")
    default: return character(code)
    }
  }

  private func character(_ code: UInt32) -> RegexNode {
    let set = CharacterRanges.character(code)
    return RegexNode(.set(options.ignoresCase ? set.ignoringCase : set))
  }

  private mutating func group() throws -> RegexNode {
    for (opening, isAhead, isNegated) in RegexParser.lookOpenings where starts(with: opening) {
      index += opening.utf8.count
      return try look(isAhead: isAhead, isNegated: isNegated)
    }
    var number: Int?
    if starts(with: "?:") {
      index += 2
    } else if peek == 0x3F {
      throw invalid("quantifier operand invalid")
    } else if lookDepth == 0 {
      groupCount += 1
      number = groupCount
    }
    let inner = try closed()
    if let number {
      groups[number] = inner
      return RegexNode(.group(inner, number))
    }
    switch inner.kind {
    // In parentheses a condition may be repeated, and a back reference is repeated as a whole.
    case .assertion, .look, .reference: return RegexNode(.sequence([inner]))
    default: return inner
    }
  }

  private static let lookOpenings = [
    ("?=", true, false), ("?!", true, true), ("?<=", false, false), ("?<!", false, true),
  ]

  /// What stands up to the closing parenthesis.
  private mutating func closed() throws -> RegexNode {
    let inner = try choice()
    guard peek == 0x29 else { throw invalid("parentheses () not balanced") }
    index += 1
    return inner
  }

  private mutating func look(isAhead: Bool, isNegated: Bool) throws -> RegexNode {
    lookDepth += 1
    let inner = try closed()
    lookDepth -= 1
    guard looks.count < RegexParser.maximumLooks else { throw RegexParser.tooComplex }
    looks.append(RegexLook(node: inner, isAhead: isAhead, isNegated: isNegated))
    return RegexNode(.look(looks.count - 1))
  }

  // MARK: Brackets

  private mutating func bracket() throws -> RegexNode {
    if starts(with: "[:<:]]") || starts(with: "[:>:]]") {
      let isStart = codes[index + 2] == 0x3C
      index += 6
      return RegexNode(.assertion(isStart ? .wordStart : .wordEnd))
    }
    var isNegated = false
    if peek == 0x5E {
      isNegated = true
      index += 1
    }
    var set = CharacterRanges([])
    var isFirst = true
    while true {
      guard let code = peek else { throw invalid("brackets [] not balanced") }
      if code == 0x5D, !isFirst {
        index += 1
        break
      }
      isFirst = false
      if starts(with: "[:") {
        set = set.union(try namedClass())
        continue
      }
      if code == 0x5C, let shorthand = classEscape(at: index + 1) {
        set = set.union(shorthand)
        index += 2
        continue
      }
      let low = try bracketCharacter()
      if peek == 0x2D, index + 1 < codes.count, codes[index + 1] != 0x5D {
        index += 1
        let high = try bracketCharacter()
        guard low <= high else { throw invalid("invalid character range") }
        set = set.union(CharacterRanges([low...high]))
      } else {
        set = set.union(.character(low))
      }
    }
    if options.ignoresCase { set = set.ignoringCase }
    if isNegated {
      set = (options.stopsAtNewline ? set.union(.newline) : set).complement
    }
    return RegexNode(.set(set))
  }

  private mutating func namedClass() throws -> CharacterRanges {
    let start = index + 2
    guard let end = codes[start...].firstIndex(of: 0x3A), end + 1 < codes.count, codes[end + 1] == 0x5D else {
      throw invalid("brackets [] not balanced")
    }
    let name = String(String.UnicodeScalarView(codes[start..<end].compactMap(Unicode.Scalar.init)))
    guard let set = CharacterRanges.named(name) else { throw invalid("invalid character class") }
    index = end + 2
    return set
  }

  /// One character of a bracket: itself, an escape, `[.x.]` or `[=x=]`.
  private mutating func bracketCharacter() throws -> UInt32 {
    if starts(with: "[.") || starts(with: "[=") {
      let kind = codes[index + 1]
      guard index + 4 < codes.count, codes[index + 3] == kind, codes[index + 4] == 0x5D else {
        throw invalid("invalid collating element")
      }
      let code = codes[index + 2]
      index += 5
      return code
    }
    guard let code = peek else { throw invalid("brackets [] not balanced") }
    index += 1
    if code != 0x5C { return code }
    return try characterEscape(isInBracket: true)
  }

  private func classEscape(at position: Int) -> CharacterRanges? {
    guard position < codes.count else { return nil }
    switch codes[position] {
    case 0x64: return .digit
    case 0x73: return .space
    case 0x77: return .word
    case 0x44: return CharacterRanges.digit.complement
    case 0x53: return CharacterRanges.space.complement
    case 0x57: return CharacterRanges.word.complement
    default: return nil
    }
  }

  // MARK: Escapes

  private mutating func escape() throws -> RegexNode {
    guard let code = peek else { throw invalid("invalid escape \\ sequence") }
    if let set = classEscape(at: index) {
      index += 1
      return RegexNode(.set(set))
    }
    let assertions: [UInt32: RegexNode.Assertion] = [
      0x41: .textStart, 0x5A: .textEnd, 0x6D: .wordStart, 0x4D: .wordEnd, 0x79: .wordEdge, 0x59: .noWordEdge,
    ]
    if let assertion = assertions[code] {
      index += 1
      return RegexNode(.assertion(assertion))
    }
    if code >= 0x31, code <= 0x39, let number = referenceNumber() {
      guard lookDepth == 0, let group = groups[number] else { throw invalid("invalid backreference number") }
      return RegexNode(
        .reference(number, form: group.withoutConditions, ignoresCase: options.ignoresCase))
    }
    return character(try characterEscape())
  }

  /// The number after a backslash when it is that of a group: one digit always, more if so many groups were opened.
  private mutating func referenceNumber() -> Int? {
    var end = index
    var value = 0
    while end < codes.count, isDigit(codes[end]) {
      value = min(value * 10 + Int(codes[end] - 48), 1 << 20)
      end += 1
    }
    guard end == index + 1 || value <= groupCount else { return nil }
    index = end
    return value
  }

  /// The character that an escape stands for, after its backslash.
  private mutating func characterEscape(isInBracket: Bool = false) throws -> UInt32 {
    guard let code = peek else { throw invalid("invalid escape \\ sequence") }
    index += 1
    switch code {
    case 0x61: return 7
    case 0x62: return 8
    case 0x42: return 0x5C
    case 0x65: return 27
    case 0x66: return 12
    case 0x6E: return 10
    case 0x72: return 13
    case 0x74: return 9
    case 0x76: return 11
    case 0x30...0x37 where code == 0x30 || !isInBracket:
      index -= 1
      return try octal()
    case 0x63:
      guard let letter = peek else { throw invalid("invalid escape \\ sequence") }
      index += 1
      return letter & 31
    case 0x75: return try hexadecimal(4...4)
    case 0x55: return try hexadecimal(8...8)
    case 0x78: return try hexadecimal(1...255)
    default:
      if let scalar = Unicode.Scalar(code), code < 128, scalar.properties.isAlphabetic || isDigit(code) {
        throw invalid("invalid escape \\ sequence")
      }
      return code
    }
  }

  /// One to three digits, two where three are no byte.
  private mutating func octal() throws -> UInt32 {
    var value: UInt32 = 0
    var digits = 0
    while digits < 3, let code = peek, code >= 0x30, code <= 0x37, value << 3 <= 0xFF {
      value = value << 3 | (code - 0x30)
      digits += 1
      index += 1
    }
    return value
  }

  private mutating func hexadecimal(_ count: ClosedRange<Int>) throws -> UInt32 {
    var value: UInt64 = 0
    var digits = 0
    while digits < count.upperBound, let code = peek, let scalar = Unicode.Scalar(code),
      let digit = Character(scalar).hexDigitValue
    {
      value = min(value << 4 | UInt64(digit), 0x110000)
      digits += 1
      index += 1
    }
    guard count.contains(digits), value <= 0x10FFFF else { throw invalid("invalid escape \\ sequence") }
    return UInt32(value)
  }

  static let tooComplex = PulsehouseError(
    .user, "invalid regular expression: regular expression is too complex", sqlState: "2201B")

  private func invalid(_ words: String) -> PulsehouseError {
    PulsehouseError(.user, "invalid regular expression: \(words)", sqlState: "2201B")
  }
}
