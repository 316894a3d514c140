/// A regular expression as a tree. Nodes have identity, so that what is compiled for a part of it can be kept.
final class RegexNode: Sendable {
  indirect enum Kind: Sendable {
    case empty
    /// One character of the set.
    case set(CharacterRanges)
    case assertion(Assertion)
    case sequence([RegexNode])
    case choice([RegexNode])
    /// `maximum` nil: any number.
    case repetition(RegexNode, minimum: Int, maximum: Int?, isLazy: Bool)
    /// Parentheses that keep what they match, counted from 1.
    case group(RegexNode, Int)
    /// A look-around constraint, by its place among the expression's: a condition on a place, as assertions are.
    case look(Int)
    /// What a group took, once more; until that is known, whatever `form` (the group without conditions) can match.
    case reference(Int, form: RegexNode, ignoresCase: Bool)
  }

  /// Conditions on a place between characters.
  enum Assertion: Sendable {
    case textStart, textEnd, lineStart, lineEnd, wordStart, wordEnd, wordEdge, noWordEdge
  }

  /// Whether a node prefers the longest or the shortest of its matches; nil where it has no choice to make.
  enum Preference: Sendable { case longest, shortest }

  let kind: Kind
  let preference: Preference?
  /// True when a part prefers what the whole does not.
  private let isMixed: Bool
  /// True when there is a group below or here.
  let hasGroups: Bool
  /// True when there is a back reference below or here.
  let hasReferences: Bool
  /// True when there is an assertion or a look-around constraint below or here.
  private let hasConditions: Bool

  /// - Parameter isExact: for a repetition, that it is written `{m}`, which has no preference of its own.
  init(_ kind: Kind, isExact: Bool = false) {
    self.kind = kind
    preference = RegexNode.preference(of: kind, isExact: isExact)
    let parts = RegexNode.parts(of: kind)
    let own = preference
    isMixed = parts.contains { $0.isMixed || $0.preference != nil && $0.preference != own }
    var (hasGroups, hasReferences, hasConditions) = (false, false, false)
    switch kind {
    case .group: hasGroups = true
    case .reference: hasReferences = true
    case .assertion, .look: hasConditions = true
    default: break
    }
    self.hasGroups = hasGroups || parts.contains(where: \.hasGroups)
    self.hasReferences = hasReferences || parts.contains(where: \.hasReferences)
    self.hasConditions = hasConditions || parts.contains(where: \.hasConditions)
  }

  /// A sequence in which neighbours that keep nothing and prefer the same are one part: they are cut as one.
  static func sequence(_ parts: [RegexNode]) -> RegexNode {
    var merged: [RegexNode] = []
    var run: [RegexNode] = []
    func close() {
      merged += run.count > 1 ? [RegexNode(.sequence(run))] : run
      run = []
    }
    guard parts.contains(where: { $0.hasGroups || $0.hasReferences }) else { return RegexNode(.sequence(parts)) }
    for part in parts {
      if part.hasGroups || part.hasReferences || part.isMixed {
        close()
        merged.append(part)
        continue
      }
      if let preference = part.preference, run.contains(where: { $0.preference.map { $0 != preference } ?? false }) {
        close()
      }
      run.append(part)
    }
    close()
    return RegexNode(.sequence(merged))
  }

  /// The nodes right below, but for the form of a back reference.
  var parts: [RegexNode] { RegexNode.parts(of: kind) }

  private static func parts(of kind: Kind) -> [RegexNode] {
    switch kind {
    case .empty, .set, .assertion, .look, .reference: []
    case .group(let inner, _), .repetition(let inner, _, _, _): [inner]
    case .sequence(let parts), .choice(let parts): parts
    }
  }

  /// The same expression, its conditions taken to hold.
  var withoutConditions: RegexNode {
    guard hasConditions else { return self }
    switch kind {
    case .assertion, .look: return RegexNode(.empty)
    case .empty, .set, .reference: return self
    case .group(let inner, let number): return RegexNode(.group(inner.withoutConditions, number))
    case .repetition(let inner, let minimum, let maximum, let isLazy):
      return RegexNode(
        .repetition(inner.withoutConditions, minimum: minimum, maximum: maximum, isLazy: isLazy))
    case .sequence(let parts): return RegexNode(.sequence(parts.map(\.withoutConditions)))
    case .choice(let parts): return RegexNode(.choice(parts.map(\.withoutConditions)))
    }
  }

  /// The expression that matches backwards what this one matches forwards.
  var mirrored: RegexNode {
    switch kind {
    case .empty, .set, .look, .reference: self
    case .assertion(let assertion): RegexNode(.assertion(assertion.mirrored))
    case .group(let inner, let number): RegexNode(.group(inner.mirrored, number))
    case .repetition(let inner, let minimum, let maximum, let isLazy):
      RegexNode(.repetition(inner.mirrored, minimum: minimum, maximum: maximum, isLazy: isLazy))
    case .sequence(let parts): RegexNode(.sequence(parts.reversed().map(\.mirrored)))
    case .choice(let parts): RegexNode(.choice(parts.map(\.mirrored)))
    }
  }

  /// PostgreSQL's rules ("Regular Expression Matching Rules" in its manual).
  private static func preference(of kind: Kind, isExact: Bool) -> Preference? {
    switch kind {
    case .empty, .set, .assertion, .look, .reference: nil
    case .group(let inner, _): inner.preference
    case .sequence(let parts): parts.lazy.compactMap(\.preference).first
    case .choice: .longest
    case .repetition(let inner, _, _, let isLazy): isExact ? inner.preference : isLazy ? .shortest : .longest
    }
  }
}

extension RegexNode.Assertion {
  /// What it says of the text read backwards.
  var mirrored: RegexNode.Assertion {
    switch self {
    case .textStart: .textEnd
    case .textEnd: .textStart
    case .lineStart: .lineEnd
    case .lineEnd: .lineStart
    case .wordStart: .wordEnd
    case .wordEnd: .wordStart
    case .wordEdge, .noWordEdge: self
    }
  }
}

/// A look-around constraint: whether `node` matches right after a place, or right before it.
struct RegexLook: Sendable {
  let node: RegexNode
  let isAhead: Bool
  let isNegated: Bool
}

/// A set of characters as ranges of code points, ascending and apart.
struct CharacterRanges: Sendable, Hashable {
  private(set) var ranges: [ClosedRange<UInt32>]

  static let all = CharacterRanges([0...0x10FFFF])
  static let newline = CharacterRanges([10...10])

  init(_ ranges: [ClosedRange<UInt32>]) {
    var result: [ClosedRange<UInt32>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = result.last, range.lowerBound <= last.upperBound &+ 1 {
        result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        result.append(range)
      }
    }
    self.ranges = result
  }

  static func character(_ code: UInt32) -> CharacterRanges { CharacterRanges([code...code]) }

  func union(_ other: CharacterRanges) -> CharacterRanges { CharacterRanges(ranges + other.ranges) }

  var complement: CharacterRanges {
    var result: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in ranges {
      if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
      next = range.upperBound + 1
    }
    if next <= 0x10FFFF { result.append(next...0x10FFFF) }
    return CharacterRanges(result)
  }

  func contains(_ code: UInt32) -> Bool {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < code { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].lowerBound <= code
  }

  /// The set with the other case of each letter added.
  var ignoringCase: CharacterRanges {
    var extra: [ClosedRange<UInt32>] = []
    for range in ranges {
      // Beyond the Latin, Greek, Cyrillic and Armenian blocks and their extensions few letters have a case.
      if range.count > 4096 { continue }
      for code in range {
        guard let scalar = Unicode.Scalar(code) else { continue }
        for mapped in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
          let scalars = Array(mapped.unicodeScalars)
          if scalars.count == 1, scalars[0].value != code { extra.append(scalars[0].value...scalars[0].value) }
        }
      }
    }
    return extra.isEmpty ? self : CharacterRanges(ranges + extra)
  }

  /// A class by PostgreSQL's name; nil for an unknown one. Letters beyond ASCII count by their Unicode properties.
  static func named(_ name: String) -> CharacterRanges? { classes[name] }

  static let digit = CharacterRanges([48...57])
  static let space = CharacterRanges([
    9...13, 32...32, 0x85...0x85, 0x1680...0x1680, 0x2000...0x2006, 0x2008...0x200A, 0x2028...0x2029, 0x205F...0x205F,
    0x3000...0x3000,
  ])
  static let word = alphanumeric.union(character(95))
  private static let alphanumeric = letters.union(digit)

  private static let letters = CharacterRanges(
    matching { $0.properties.isAlphabetic || $0.properties.generalCategory == .decimalNumber && $0.value > 127 })

  private static func matching(_ test: (Unicode.Scalar) -> Bool) -> [ClosedRange<UInt32>] {
    var result: [ClosedRange<UInt32>] = []
    // Planes 0 to 2; what lies above has no letters that a class knows.
    for code in UInt32(0)...0x2FFFF {
      guard let scalar = Unicode.Scalar(code), test(scalar) else { continue }
      if let last = result.last, last.upperBound + 1 == code {
        result[result.count - 1] = last.lowerBound...code
      } else {
        result.append(code...code)
      }
    }
    return result
  }

  private static let classes: [String: CharacterRanges] = {
    let punctuation = CharacterRanges([33...47, 58...64, 91...96, 123...126])
    return [
      "alpha": letters, "alnum": alphanumeric, "digit": digit, "space": space,
      "upper": CharacterRanges(matching { $0.properties.isUppercase }),
      "lower": CharacterRanges(matching { $0.properties.isLowercase }), "punct": punctuation,
      "blank": CharacterRanges([9...9, 32...32]), "cntrl": CharacterRanges([0...31, 127...127]),
      "graph": CharacterRanges([33...126]).union(alphanumeric),
      "print": CharacterRanges([32...126]).union(alphanumeric),
      "xdigit": CharacterRanges([48...57, 65...70, 97...102]), "word": word, "ascii": CharacterRanges([0...127]),
    ]
  }()
}
