import Bytes

/// A path of SQL/JSON as PostgreSQL's `jsonpath` has it: what to look for in a JSON value.
///
/// Source: PostgreSQL 15, "The SQL/JSON Path Language", and its jsonpath_gram.y for what may stand where.
struct JSONPath: Sendable {
  /// A step and what is done with its results: `$.a[*]` is three of them.
  typealias Chain = [Step]

  indirect enum Step: Sendable {
    case null
    case boolean(Bool)
    /// In plain digits.
    case number([UInt8])
    case string([UInt8])
    case variable([UInt8])
    /// `$`, `@`, `last`.
    case root, current, last
    case key([UInt8])
    /// `.*`, `[*]`.
    case anyKey, anyElement
    /// `.**{first to last}`; nil for the last level.
    case anyLevel(first: Int?, last: Int?)
    case subscripts([Subscript])
    case filter(Chain)
    case method(Method)
    case and(Chain, Chain)
    case or(Chain, Chain)
    case not(Chain)
    case isUnknown(Chain)
    case exists(Chain)
    case compare(Comparison, Chain, Chain)
    case startsWith(Chain, Chain)
    case likeRegex(Chain, Pattern)
    case arithmetic(Arithmetic, Chain, Chain)
    case sign(isNegative: Bool, Chain)
  }

  struct Subscript: Sendable {
    var first: Chain
    var last: Chain?
  }

  enum Method: String, Sendable, CaseIterable {
    case type, size, abs, floor, ceiling, double, keyvalue
  }

  enum Comparison: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case greater = ">"
    case lessOrEqual = "<="
    case greaterOrEqual = ">="
  }

  enum Arithmetic: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case modulo = "%"
  }

  struct Pattern: Sendable {
    var text: [UInt8]
    /// As written.
    var flags: String

    /// In the order in which PostgreSQL shows them.
    var shownFlags: String { String("ismxq".filter { flags.contains($0) }) }

    /// - Throws: 2201B for what is no expression.
    func compile() throws -> RegularExpression {
      var options = RegexOptions()
      options.ignoresCase = flags.contains("i")
      options.isLiteral = flags.contains("q")
      if !options.isLiteral {
        options.stopsAtNewline = !flags.contains("s")
        options.anchorsMatchLines = flags.contains("m")
      }
      return try RegularExpression(String(decoding: text, as: UTF8.self), options)
    }
  }

  var isStrict: Bool
  var chain: Chain

  /// - Throws: 42601 for what is no path, 22P02 for an empty text.
  init(_ text: UnsafeRawBufferPointer) throws {
    var parser = try JSONPathParser(text)
    (isStrict, chain) = try parser.parse()
  }
}

extension JSONPath.Step {
  /// How strongly it binds, for brackets.
  var priority: Int {
    switch self {
    case .or: 0
    case .and: 1
    case .compare, .startsWith: 2
    case .arithmetic(.add, _, _), .arithmetic(.subtract, _, _): 3
    case .arithmetic: 4
    case .sign: 5
    default: 6
    }
  }

  /// True for what is true, false or unknown.
  var isPredicate: Bool {
    switch self {
    case .and, .or, .not, .isUnknown, .exists, .compare, .startsWith, .likeRegex: true
    default: false
    }
  }
}
