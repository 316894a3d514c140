import Bytes

/// A compiled regular expression, to be used by one thread.
///
/// The whole match is the leftmost, and of those the longest or shortest as PostgreSQL's rules say. What groups match is
/// found afterwards, part by part, each taking what it prefers while the rest can still match.
final class RegularExpression {
  let groupCount: Int
  private let root: RegexNode
  private let alphabet: RegexAlphabet
  private let anywhere: RegexAutomaton
  private let anchored: RegexAutomaton
  private var parts: [ObjectIdentifier: RegexAutomaton] = [:]
  private var rests: [RestKey: RegexNode] = [:]

  private struct RestKey: Hashable {
    var node: ObjectIdentifier
    var index: Int
  }

  /// - Throws: 2201B for what is no expression, `.unsupported` for back references and look-around.
  init(_ pattern: String, _ options: RegexOptions = RegexOptions()) throws {
    (root, groupCount) = try RegexParser.parse(pattern, options)
    let program = try RegexProgram(root)
    alphabet = RegexAlphabet(program)
    anywhere = RegexAutomaton(program, alphabet, isUnanchored: true)
    anchored = RegexAutomaton(program, alphabet, isUnanchored: false)
  }

  /// Whether the text has a match anywhere.
  func matches(_ text: RegexText) -> Bool { anywhere.matches(text, from: 0) }

  /// The first match at or after `position`, in characters.
  func firstMatch(_ text: RegexText, from position: Int) -> Range<Int>? {
    guard anywhere.matches(text, from: position) else { return nil }
    for start in position...text.count {
      if let end = anchored.end(text, from: start, limit: text.count, root.preference ?? .longest) {
        return start..<end
      }
    }
    return nil
  }

  /// What each group took of a match, nil for those that took no part; group 1 first.
  func groups(_ text: RegexText, of match: Range<Int>) -> [Range<Int>?] {
    var result = [Range<Int>?](repeating: nil, count: groupCount)
    if groupCount > 0 { dissect(root, text, match, &result) }
    return result
  }

  private func automaton(_ node: RegexNode) -> RegexAutomaton? {
    let key = ObjectIdentifier(node)
    if let known = parts[key] { return known }
    // A part is never larger than the whole, which was compiled.
    guard let program = try? RegexProgram(node) else { return nil }
    let made = RegexAutomaton(program, alphabet, isUnanchored: false)
    parts[key] = made
    return made
  }

  private func ends(_ node: RegexNode, _ text: RegexText, _ range: Range<Int>) -> [Int] {
    let found = automaton(node)?.ends(text, from: range.lowerBound, limit: range.upperBound) ?? []
    return node.preference == .shortest ? found : found.reversed()
  }

  private func matchesAll(_ node: RegexNode, _ text: RegexText, _ range: Range<Int>) -> Bool {
    automaton(node)?.ends(text, from: range.lowerBound, limit: range.upperBound).last == range.upperBound
  }

  private func dissect(_ node: RegexNode, _ text: RegexText, _ range: Range<Int>, _ groups: inout [Range<Int>?]) {
    guard node.hasGroups else { return }
    switch node.kind {
    case .empty, .set, .assertion: return
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
      dissect(inner, text, range, &groups, minimum, maximum, isLazy)
    }
  }

  /// What follows part `index` of a sequence, as a node of its own.
  private func rest(of node: RegexNode, _ nodes: [RegexNode], after index: Int) -> RegexNode {
    let key = RestKey(node: ObjectIdentifier(node), index: index)
    if let known = rests[key] { return known }
    let made = RegexNode(.sequence(Array(nodes[(index + 1)...])))
    rests[key] = made
    return made
  }

  /// Splits a repetition into its turns, each as long as can be while the others still fit.
  private func dissect(
    _ inner: RegexNode, _ text: RegexText, _ range: Range<Int>, _ groups: inout [Range<Int>?], _ minimum: Int,
    _ maximum: Int?, _ isLazy: Bool
  ) {
    if range.isEmpty, minimum == 0 { return }
    // For each turn the ends still to be tried; a turn that leads nowhere is taken back.
    var turns: [(start: Int, candidates: ArraySlice<Int>)] = []
    func candidates(_ start: Int) -> ArraySlice<Int> {
      let all = ends(inner, text, start..<range.upperBound)
      return all.filter { $0 > start || turns.count < minimum || range.isEmpty }[...]
    }
    var dead: Set<Int> = []
    turns.append((range.lowerBound, candidates(range.lowerBound)))
    while let turn = turns.last {
      guard let end = turn.candidates.first else {
        if minimum <= 1, maximum == nil { dead.insert(turn.start) }
        turns.removeLast()
        if !turns.isEmpty { turns[turns.count - 1].candidates.removeFirst() }
        continue
      }
      if end == range.upperBound, turns.count >= minimum {
        for turn in turns {
          if let end = turn.candidates.first { dissect(inner, text, turn.start..<end, &groups) }
        }
        return
      }
      if dead.contains(end) || maximum.map({ turns.count >= $0 }) == true
        || (end == range.upperBound && turns.count > minimum)
      {
        turns[turns.count - 1].candidates.removeFirst()
        continue
      }
      turns.append((end, candidates(end)))
    }
  }
}
