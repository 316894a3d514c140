import Bytes

/// A compiled regular expression, to be used by one thread.
///
/// The whole match is the leftmost, and of those the longest or shortest as PostgreSQL's rules say. What groups match is
/// found afterwards, part by part, each taking what it prefers while the rest can still match. Back references are
/// compared in that second step alone (`RegexReferences`), which then also chooses the match.
final class RegularExpression {
  let groupCount: Int
  private let root: RegexNode
  private let alphabet: RegexAlphabet
  private let looks: RegexLooks?
  private let anywhere: RegexAutomaton
  private let anchored: RegexAutomaton
  private var parts: [ObjectIdentifier: RegexAutomaton] = [:]
  private var rests: [RestKey: RegexNode] = [:]

  private struct RestKey: Hashable {
    var node: ObjectIdentifier
    var index: Int
  }

  /// - Throws: 2201B for what is no expression.
  init(_ pattern: String, _ options: RegexOptions = RegexOptions()) throws {
    let parsed = try RegexParser.parse(pattern, options)
    (root, groupCount) = (parsed.root, parsed.groupCount)
    let program = try RegexProgram(root)
    let programs = try RegexLooks.programs(parsed.looks)
    alphabet = RegexAlphabet([program] + programs)
    looks = parsed.looks.isEmpty ? nil : RegexLooks(parsed.looks, programs, alphabet)
    anywhere = RegexAutomaton(program, alphabet, isUnanchored: true, looks)
    anchored = RegexAutomaton(program, alphabet, isUnanchored: false, looks)
  }

  /// Whether the text has a match anywhere.
  ///
  /// - Throws: 54000 when back references take too long.
  func matches(_ text: RegexText) throws -> Bool {
    if root.hasReferences { return try firstMatch(text, from: 0) != nil }
    looks?.prepare(text)
    return anywhere.matches(text, from: 0)
  }

  /// The first match at or after `position`, in characters.
  ///
  /// - Throws: 54000 when back references take too long.
  func firstMatch(_ text: RegexText, from position: Int) throws -> Range<Int>? {
    looks?.prepare(text)
    guard anywhere.matches(text, from: position) else { return nil }
    for start in position...text.count {
      if root.hasReferences {
        try text.marks.spend(1)
        for end in ends(root, text, start..<text.count) {
          var references = RegexReferences(self, text)
          if try references.match(root, start..<end) { return start..<end }
        }
      } else if let end = anchored.end(text, from: start, limit: text.count, root.preference ?? .longest) {
        return start..<end
      }
    }
    return nil
  }

  /// What each group took of a match, nil for those that took no part; group 1 first.
  ///
  /// - Throws: 54000 when back references take too long.
  func groups(_ text: RegexText, of match: Range<Int>) throws -> [Range<Int>?] {
    var result = [Range<Int>?](repeating: nil, count: groupCount)
    if groupCount > 0 {
      looks?.prepare(text)
      if root.hasReferences {
        var references = RegexReferences(self, text)
        _ = try references.match(root, match)
        return references.groups
      }
      dissect(root, text, match, &result)
    }
    return result
  }

  private func automaton(_ node: RegexNode) -> RegexAutomaton? {
    let key = ObjectIdentifier(node)
    if let known = parts[key] { return known }
    // A part is never larger than the whole, which was compiled.
    guard let program = try? RegexProgram(node) else { return nil }
    let made = RegexAutomaton(program, alphabet, isUnanchored: false, looks)
    parts[key] = made
    return made
  }

  /// Where matches of `node` that begin with the range end, those that it prefers first.
  func ends(_ node: RegexNode, _ text: RegexText, _ range: Range<Int>) -> [Int] {
    let found = ascendingEnds(node, text, range)
    return node.preference == .shortest ? found : found.reversed()
  }

  func ascendingEnds(_ node: RegexNode, _ text: RegexText, _ range: Range<Int>) -> [Int] {
    automaton(node)?.ends(text, from: range.lowerBound, limit: range.upperBound) ?? []
  }

  func matchesAll(_ node: RegexNode, _ text: RegexText, _ range: Range<Int>) -> Bool {
    automaton(node)?.ends(text, from: range.lowerBound, limit: range.upperBound).last == range.upperBound
  }

  /// Finds what the groups of a node without back references took of a match of it.
  func dissect(_ node: RegexNode, _ text: RegexText, _ range: Range<Int>, _ groups: inout [Range<Int>?]) {
    guard node.hasGroups else { return }
    switch node.kind {
    case .empty, .set, .assertion, .look, .reference: return
    case .group(let inner, let number):
      groups[number - 1] = range
      dissect(inner, text, range, &groups)
    case .choice(let branches):
      if let branch = branches.first(where: { matchesAll($0, text, range) }) { dissect(branch, text, range, &groups) }
    case .sequence(let nodes):
      var start = range.lowerBound
      for (index, part) in nodes.enumerated() {
        var end = range.upperBound
        if index + 1 < nodes.count {
          let rest = rest(of: node, nodes, after: index)
          let candidates = ends(part, text, start..<range.upperBound)
          guard let found = candidates.first(where: { matchesAll(rest, text, $0..<range.upperBound) }) else { return }
          end = found
        }
        dissect(part, text, start..<end, &groups)
        start = end
      }
    case .repetition(let inner, let minimum, let maximum, let isLazy):
      if minimum > 0 {
        // Groups keep what the last turn took; those before it are one part.
        let before = turnsBeforeLast(of: node, inner, minimum, maximum, isLazy)
        let candidates = ends(before, text, range)
        if let start = candidates.first(where: { matchesAll(inner, text, $0..<range.upperBound) }) {
          dissect(inner, text, start..<range.upperBound, &groups)
        }
      } else if range.isEmpty {
        // What prefers to be short is left out, what prefers to be long takes nothing once.
        if inner.preference != .shortest, matchesAll(inner, text, range) { dissect(inner, text, range, &groups) }
      } else if let start = lastTurn(inner, text, range, maximum) {
        dissect(inner, text, start..<range.upperBound, &groups)
      }
    }
  }

  private func turnsBeforeLast(
    of node: RegexNode, _ inner: RegexNode, _ minimum: Int, _ maximum: Int?, _ isLazy: Bool
  ) -> RegexNode {
    let key = RestKey(node: ObjectIdentifier(node), index: -1)
    if let known = rests[key] { return known }
    let turns = RegexNode.Kind.repetition(inner, minimum: minimum - 1, maximum: maximum.map { $0 - 1 }, isLazy: isLazy)
    let made = RegexNode(turns, isExact: node.preference == inner.preference)
    rests[key] = made
    return made
  }

  /// What follows part `index` of a sequence, as a node of its own.
  func rest(of node: RegexNode, _ nodes: [RegexNode], after index: Int) -> RegexNode {
    let key = RestKey(node: ObjectIdentifier(node), index: index)
    if let known = rests[key] { return known }
    let made = RegexNode(.sequence(Array(nodes[(index + 1)...])))
    rests[key] = made
    return made
  }

  /// Where the last turn begins when a repetition of any number of turns takes all of a range that is not empty, each
  /// turn what it prefers while the others still fit.
  private func lastTurn(_ inner: RegexNode, _ text: RegexText, _ range: Range<Int>, _ maximum: Int?) -> Int? {
    // For each turn the ends still to be tried; a turn that leads nowhere is taken back.
    var turns: [(start: Int, candidates: ArraySlice<Int>)] = []
    func candidates(_ start: Int) -> ArraySlice<Int> {
      ends(inner, text, start..<range.upperBound).filter { $0 > start }[...]
    }
    var dead: Set<Int> = []
    turns.append((range.lowerBound, candidates(range.lowerBound)))
    while let turn = turns.last {
      guard let end = turn.candidates.first else {
        if maximum == nil { dead.insert(turn.start) }
        turns.removeLast()
        if !turns.isEmpty { turns[turns.count - 1].candidates.removeFirst() }
        continue
      }
      if end == range.upperBound { return turn.start }
      if dead.contains(end) || maximum.map({ turns.count >= $0 }) == true {
        turns[turns.count - 1].candidates.removeFirst()
        continue
      }
      turns.append((end, candidates(end)))
    }
    return nil
  }
}
