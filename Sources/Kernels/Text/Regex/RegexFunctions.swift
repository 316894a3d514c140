import Bytes
import Vectors

/// PostgreSQL's functions of regular expressions, over whole vectors.
package enum RegexFunctions {
  /// `text ~ pattern`, `text ~* pattern`, `regexp_like(text, pattern[, flags])`.
  package static func matches(_ arguments: [Vector], count: Int, ignoringCase: Bool) throws -> Vector {
    let arguments = arguments.map(\.spread)
    if arguments.contains(where: \.isConstantNull) || count == 0 { return .nulls(.boolean, count: count) }
    let source = Expressions(arguments, pattern: 1, flags: arguments.count > 2 ? 2 : nil, ignoringCase: ignoringCase)
    let texts = Operand<StringReference>(arguments[0])
    var text = RegexText()
    return try mapRows(.boolean, count: count, arguments) { row -> UInt8? in
      let expression = try source.expression(row, refusingGlobal: "regexp_like()")
      texts[row].withBytes { text.load($0) }
      return bit(try expression.matches(text))
    }
  }

  /// `regexp_replace(text, pattern, replacement[, flags])` or `(text, pattern, replacement, start[, n[, flags]])`.
  package static func replace(_ arguments: [Vector], count: Int) throws -> Vector {
    let arguments = arguments.map(\.spread)
    if arguments.contains(where: \.isConstantNull) || count == 0 { return .nulls(.text, count: count) }
    let hasStart = arguments.count > 3 && arguments[3].type == .integer
    let flags = hasStart ? (arguments.count > 5 ? 5 : nil) : (arguments.count > 3 ? 3 : nil)
    let source = Expressions(arguments, pattern: 1, flags: flags)
    let (texts, replacements) = (Operand<StringReference>(arguments[0]), Operand<StringReference>(arguments[2]))
    let starts = hasStart ? Operand<Int32>(arguments[3]) : nil
    let numbers = hasStart && arguments.count > 4 ? Operand<Int32>(arguments[4]) : nil
    var text = RegexText()
    return try textRows(arguments, count: count) { row, out in
      let expression = try source.expression(row)
      let start = try position(starts?[row] ?? 1)
      var wanted = Int(numbers?[row] ?? 1)
      guard wanted >= 0 else { throw Failure.parameter("invalid value for parameter \"n\": \(wanted)") }
      if source.isGlobal, numbers == nil { wanted = 0 }
      try texts[row].withBytes { bytes in
        text.load(bytes)
        try replacements[row].withBytes { replacement in
          try replace(expression, text, bytes, replacement, from: start, wanted: wanted, out)
        }
      }
      return true
    }
  }

  private static func replace(
    _ expression: RegularExpression, _ text: RegexText, _ bytes: UnsafeRawBufferPointer,
    _ replacement: UnsafeRawBufferPointer, from start: Int, wanted: Int, _ out: TextBuffer
  ) throws {
    let needsGroups = replacement.contains(0x5C)
    var (search, copied, seen) = (start, 0, 0)
    func copy(_ range: Range<Int>) {
      out.append(
        UnsafeRawBufferPointer(rebasing: bytes[text.offsets[range.lowerBound]..<text.offsets[range.upperBound]]))
    }
    while search <= text.count, let match = try expression.firstMatch(text, from: search) {
      seen += 1
      search = match.isEmpty ? match.upperBound + 1 : match.upperBound
      if wanted > 0, seen != wanted { continue }
      copy(copied..<match.lowerBound)
      copied = match.upperBound
      if needsGroups {
        let groups = try expression.groups(text, of: match)
        append(replacement, out) { number in
          if number == 0 {
            copy(match)
          } else if number <= groups.count, let range = groups[number - 1] {
            copy(range)
          }
        }
      } else {
        out.append(replacement)
      }
      if wanted > 0 { break }
    }
    if copied < text.count { copy(copied..<text.count) }
  }

  /// Writes a replacement: `\&` and `\1` to `\9` stand for what was matched, `\\` for a backslash.
  private static func append(_ replacement: UnsafeRawBufferPointer, _ out: TextBuffer, _ group: (Int) -> Void) {
    var index = 0
    while index < replacement.count {
      let byte = replacement[index]
      index += 1
      guard byte == 0x5C else {
        out.append(byte)
        continue
      }
      guard index < replacement.count else {
        out.append(byte)
        break
      }
      let next = replacement[index]
      switch next {
      case 0x26: group(0)
      case 0x31...0x39: group(Int(next) - 0x30)
      case 0x5C: out.append(next)
      default:
        // Not an escape: the backslash stands for itself, and what follows is read again.
        out.append(byte)
        continue
      }
      index += 1
    }
  }

  /// `regexp_count(text, pattern[, start[, flags]])`.
  package static func count(_ arguments: [Vector], count: Int) throws -> Vector {
    let arguments = arguments.map(\.spread)
    if arguments.contains(where: \.isConstantNull) || count == 0 { return .nulls(.integer, count: count) }
    let source = Expressions(arguments, pattern: 1, flags: arguments.count > 3 ? 3 : nil)
    let texts = Operand<StringReference>(arguments[0])
    let starts = arguments.count > 2 ? Operand<Int32>(arguments[2]) : nil
    var text = RegexText()
    return try mapRows(.integer, count: count, arguments) { row -> Int32? in
      let expression = try source.expression(row, refusingGlobal: "regexp_count()")
      let start = try position(starts?[row] ?? 1)
      texts[row].withBytes { text.load($0) }
      return Int32(clamping: try matches(expression, text, from: start).count)
    }
  }

  /// `regexp_substr(text, pattern[, start[, n[, flags[, group]]]])`, `substring(text from pattern)`: the text of a match;
  /// with `isSubstring` of its first group, if it has one.
  package static func part(_ arguments: [Vector], count: Int, isSubstring: Bool) throws -> Vector {
    let arguments = arguments.map(\.spread)
    if arguments.contains(where: \.isConstantNull) || count == 0 { return .nulls(.text, count: count) }
    let source = Expressions(arguments, pattern: 1, flags: arguments.count > 4 ? 4 : nil)
    let starts = arguments.count > 2 ? Operand<Int32>(arguments[2]) : nil
    let numbers = arguments.count > 3 ? Operand<Int32>(arguments[3]) : nil
    let groups = arguments.count > 5 ? Operand<Int32>(arguments[5]) : nil
    var text = RegexText()
    return try textSlices(arguments, count: count) { row, bytes in
      let expression = try source.expression(row, refusingGlobal: "regexp_substr()")
      let start = try position(starts?[row] ?? 1)
      let number = try positive(numbers?[row] ?? 1, "n")
      let group = Int(groups?[row] ?? 0)
      guard group >= 0 else { throw Failure.parameter("invalid value for parameter \"subexpr\": \(group)") }
      text.load(bytes)
      guard let match = try matches(expression, text, from: start, limit: number).dropFirst(number - 1).first else {
        return nil
      }
      var range: Range<Int>? = match
      let wanted = isSubstring && expression.groupCount > 0 ? 1 : group
      if wanted > 0 {
        let all = try expression.groups(text, of: match)
        range = wanted <= all.count ? all[wanted - 1] : nil
      }
      return range.map { text.offsets[$0.lowerBound]..<text.offsets[$0.upperBound] }
    }
  }

  /// `regexp_instr(text, pattern[, start[, n[, end[, flags[, group]]]]])`: where a match begins or, with end 1, what
  /// follows it.
  package static func position(_ arguments: [Vector], count: Int) throws -> Vector {
    let arguments = arguments.map(\.spread)
    if arguments.contains(where: \.isConstantNull) || count == 0 { return .nulls(.integer, count: count) }
    let source = Expressions(arguments, pattern: 1, flags: arguments.count > 5 ? 5 : nil)
    let texts = Operand<StringReference>(arguments[0])
    func option(_ index: Int) -> Operand<Int32>? { arguments.count > index ? Operand<Int32>(arguments[index]) : nil }
    let (starts, numbers, ends, groups) = (option(2), option(3), option(4), option(6))
    var text = RegexText()
    return try mapRows(.integer, count: count, arguments) { row -> Int32? in
      let expression = try source.expression(row, refusingGlobal: "regexp_instr()")
      let start = try position(starts?[row] ?? 1)
      let number = try positive(numbers?[row] ?? 1, "n")
      let isEnd = ends?[row] ?? 0
      guard isEnd == 0 || isEnd == 1 else {
        throw Failure.parameter("invalid value for parameter \"endoption\": \(isEnd)")
      }
      let group = Int(groups?[row] ?? 0)
      texts[row].withBytes { text.load($0) }
      guard let match = try matches(expression, text, from: start, limit: number).dropFirst(number - 1).first else {
        return 0
      }
      var range: Range<Int>? = match
      if group > 0 {
        let all = try expression.groups(text, of: match)
        range = group <= all.count ? all[group - 1] : nil
      }
      guard let range else { return 0 }
      return Int32(clamping: (isEnd == 1 ? range.upperBound : range.lowerBound) + 1)
    }
  }

  /// The regular expression that a pattern of SIMILAR TO means; `escape` is a backslash unless given.
  package static func similar(_ arguments: [Vector], count: Int) throws -> Vector {
    let arguments = arguments.map(\.spread)
    if arguments.contains(where: \.isConstantNull) || count == 0 { return .nulls(.text, count: count) }
    let patterns = Operand<StringReference>(arguments[0])
    let escapes = arguments.count > 1 ? Operand<StringReference>(arguments[1]) : nil
    return try textRows(arguments, count: count) { row, out in
      let escape = escapes.map { $0[row].string } ?? "\\"
      guard escape.unicodeScalars.count <= 1 else {
        throw PulsehouseError(
          .user, "invalid escape string", sqlState: "22025", hint: "Escape string must be empty or one character.")
      }
      out.append(string: try similar(patterns[row].string, escape.unicodeScalars.first))
      return true
    }
  }

  /// Two escaped double quotes part the pattern in three, of which the middle one is a group; the first part takes as
  /// little as it can.
  private static func similar(_ pattern: String, _ escape: Unicode.Scalar?) throws -> String {
    var result = "^(?:"
    var quotes = 0
    var isEscaped = false
    var isInBracket = false
    for scalar in pattern.unicodeScalars {
      if isEscaped {
        isEscaped = false
        if scalar == "\"", !isInBracket {
          quotes += 1
          guard quotes <= 2 else {
            throw PulsehouseError(
              .user, "SQL regular expression may not contain more than two escape-double-quote separators",
              sqlState: "2200C")
          }
          result += quotes == 1 ? "){1,1}?(" : "){1,1}(?:"
          continue
        }
        result += scalar.value > 127 ? "" : "\\"
        result.unicodeScalars.append(scalar)
      } else if scalar == escape {
        isEscaped = true
      } else if isInBracket {
        if scalar == "\\" { result += "\\" }
        result.unicodeScalars.append(scalar)
        if scalar == "]" { isInBracket = false }
      } else {
        switch scalar {
        case "%": result += ".*"
        case "_": result += "."
        case "(": result += "(?:"
        case "[":
          isInBracket = true
          result += "["
        case "\\", ".", "^", "$": result += "\\" + String(Character(scalar))
        default: result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + ")$"
  }

  /// All matches, one after the other; an empty one is followed by a search one character on.
  static func matches(
    _ expression: RegularExpression, _ text: RegexText, from start: Int, limit: Int = .max
  ) throws -> [Range<Int>] {
    var result: [Range<Int>] = []
    var search = start
    while search <= text.count, result.count < limit, let match = try expression.firstMatch(text, from: search) {
      result.append(match)
      search = match.isEmpty ? match.upperBound + 1 : match.upperBound
    }
    return result
  }

  /// The parts between matches; empty matches at the ends or right after another match part nothing.
  static func split(_ expression: RegularExpression, _ text: RegexText) throws -> [Range<Int>] {
    var parts: [Range<Int>] = []
    var start = 0
    for match in try matches(expression, text, from: 0) where match.lowerBound < text.count && match.upperBound > start
    {
      parts.append(start..<match.lowerBound)
      start = match.upperBound
    }
    parts.append(start..<text.count)
    return parts
  }

  private static func position(_ start: Int32) throws -> Int { try positive(start, "start") - 1 }

  private static func positive(_ value: Int32, _ name: String) throws -> Int {
    guard value > 0 else { throw Failure.parameter("invalid value for parameter \"\(name)\": \(value)") }
    return Int(value)
  }

  /// Compiled expressions by pattern and flags; usually one for all rows.
  final class Expressions {
    private let patterns: Operand<StringReference>
    private let flags: Operand<StringReference>?
    private let ignoringCase: Bool
    private var last: (pattern: StringReference, flags: StringReference, expression: RegularExpression)?
    private var known: [String: (RegularExpression, isGlobal: Bool)] = [:]
    private(set) var isGlobal = false

    init(_ arguments: [Vector], pattern: Int, flags: Int?, ignoringCase: Bool = false) {
      patterns = Operand(arguments[pattern])
      self.flags = flags.map { Operand(arguments[$0]) }
      self.ignoringCase = ignoringCase
    }

    func expression(_ row: Int, refusingGlobal function: String? = nil) throws -> RegularExpression {
      let pattern = patterns[row]
      let flag = flags?[row] ?? StringReference()
      if let last, last.pattern == pattern, last.flags == flag { return last.expression }
      let key = pattern.string + "\u{0}" + flag.string
      let found: (RegularExpression, isGlobal: Bool)
      if let ready = known[key] {
        found = ready
      } else {
        var isGlobal = false
        var options = try RegexOptions(flags: flag.string, isGlobal: &isGlobal)
        if ignoringCase { options.ignoresCase = true }
        if isGlobal, let function {
          throw PulsehouseError(
            .user, "\(function) does not support the \"global\" option", sqlState: "22023")
        }
        found = (try RegularExpression(pattern.string, options), isGlobal)
        if known.count > 256 { known = [:] }
        known[key] = found
      }
      isGlobal = found.isGlobal
      last = (pattern, flag, found.0)
      return found.0
    }
  }
}
