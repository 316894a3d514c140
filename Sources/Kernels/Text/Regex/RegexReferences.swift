/// Holds a match that the automata found possible against what back references say.
///
/// Each part of the match is cut as the parts prefer, and back references are compared with what their groups took; where
/// they differ the next cut is tried. A part that was cut well is not cut again for the sake of what follows it: these are
/// PostgreSQL's rules, and its answers. Source: PostgreSQL 15, src/backend/regex/regexec.c.
struct RegexReferences {
  private let expression: RegularExpression
  private let text: RegexText
  private(set) var groups: [Range<Int>?]

  init(_ expression: RegularExpression, _ text: RegexText) {
    self.expression = expression
    self.text = text
    groups = [Range<Int>?](repeating: nil, count: expression.groupCount)
  }

  /// Whether `node` matches the range, which its automaton says it may; sets its groups if so.
  ///
  /// - Throws: 54000 when that takes too long.
  mutating func match(_ node: RegexNode, _ range: Range<Int>) throws -> Bool {
    try text.marks.spend(1)
    guard node.hasReferences else {
      if node.hasGroups { try text.marks.spend(range.count) }
      expression.dissect(node, text, range, &groups)
      return true
    }
    switch node.kind {
    case .empty, .set, .assertion, .look: return true
    case .reference: return try repeated(node, range, 1, 1)
    case .group(let inner, let number):
      guard try match(inner, range) else { return false }
      groups[number - 1] = range
      return true
    case .choice(let branches):
      for branch in branches where try matchesAll(branch, range) {
        if try match(branch, range) { return true }
      }
      return false
    case .sequence(let parts): return try sequence(node, parts, 0, range)
    case .repetition(let inner, let minimum, let maximum, _):
      if case .reference = inner.kind { return try repeated(inner, range, minimum, maximum) }
      let isShort = inner.preference == .shortest
      return try isShort ? shortTurns(inner, range, minimum, maximum) : longTurns(inner, range, minimum, maximum)
    }
  }

  private func matchesAll(_ node: RegexNode, _ range: Range<Int>) throws -> Bool {
    try text.marks.spend(range.count + 1)
    return expression.matchesAll(node, text, range)
  }

  private mutating func clear(_ node: RegexNode) {
    guard node.hasGroups else { return }
    if case .group(_, let number) = node.kind { groups[number - 1] = nil }
    for part in node.parts { clear(part) }
  }

  private mutating func sequence(
    _ node: RegexNode, _ parts: [RegexNode], _ index: Int, _ range: Range<Int>
  ) throws -> Bool {
    if index == parts.count - 1 { return try match(parts[index], range) }
    let rest = expression.rest(of: node, parts, after: index)
    try text.marks.spend(range.count + 1)
    for end in expression.ends(parts[index], text, range) where try matchesAll(rest, end..<range.upperBound) {
      if try match(parts[index], range.lowerBound..<end),
        try sequence(node, parts, index + 1, end..<range.upperBound)
      {
        return true
      }
      for part in parts[index...] { clear(part) }
    }
    return false
  }

  /// Whether the range is what the reference's group took, some number of times over.
  private func repeated(_ node: RegexNode, _ range: Range<Int>, _ minimum: Int, _ maximum: Int?) throws -> Bool {
    guard case .reference(let number, _, let ignoresCase) = node.kind, let taken = groups[number - 1] else {
      return false
    }
    if taken.isEmpty { return range.isEmpty }
    if range.isEmpty { return minimum == 0 }
    let (times, rest) = range.count.quotientAndRemainder(dividingBy: taken.count)
    guard rest == 0, times >= minimum, maximum.map({ times <= $0 }) ?? true else { return false }
    try text.marks.spend(range.count)
    for place in range {
      let a = text.codes[place]
      let b = text.codes[taken.lowerBound + (place - range.lowerBound) % taken.count]
      guard a == b || ignoresCase && RegexReferences.lowercase(a) == RegexReferences.lowercase(b) else { return false }
    }
    return true
  }

  private static func lowercase(_ code: UInt32) -> UInt32 {
    guard let scalar = Unicode.Scalar(code) else { return code }
    let mapped = scalar.properties.lowercaseMapping.unicodeScalars
    return mapped.count == 1 ? mapped.first?.value ?? code : code
  }

  /// The ends of each turn of a repetition, and where a turn may end.
  private struct Turns {
    let end: Int
    var ends: [Int]
    /// How many of the first turns are known to match.
    var verified = 0
    let minimum: Int
    let maximum: Int
    private var starts: [Int] = []
    private var candidates: [[Int]] = []

    init(_ range: Range<Int>, _ minimum: Int, _ maximum: Int?) {
      end = range.upperBound
      ends = [range.lowerBound]
      self.minimum = max(minimum, 1)
      self.maximum = max(min(range.count, maximum ?? .max), self.minimum)
    }

    /// Where turn `number` (from 1) may end, ascending.
    mutating func candidates(_ number: Int, _ find: (Range<Int>) throws -> [Int]) rethrows -> [Int] {
      let start = ends[number - 1]
      if number <= starts.count, starts[number - 1] == start { return candidates[number - 1] }
      let found = try find(start..<end)
      starts.removeLast(max(starts.count - (number - 1), 0))
      candidates.removeLast(max(candidates.count - (number - 1), 0))
      starts.append(start)
      candidates.append(found)
      return found
    }

    mutating func set(_ number: Int, to place: Int) {
      ends.removeLast(ends.count - number)
      ends.append(place)
      verified = min(verified, number - 1)
    }

    /// True when a turn that takes nothing is not needed to come to the smallest number of turns.
    func needsNoEmpty(_ number: Int, from place: Int) -> Bool {
      number >= minimum || minimum - number < end - place
    }
  }

  private func turnEnds(_ inner: RegexNode, _ range: Range<Int>) throws -> [Int] {
    try text.marks.spend(range.count + 1)
    return expression.ascendingEnds(inner, text, range)
  }

  /// Whether all turns up to `count` match; else the first that does not.
  private mutating func verify(_ turns: inout Turns, _ inner: RegexNode, _ count: Int) throws -> Int? {
    var number = turns.verified + 1
    while number <= count {
      // What an earlier turn took is forgotten.
      clear(inner)
      guard try match(inner, turns.ends[number - 1]..<turns.ends[number]) else { return number }
      turns.verified = number
      number += 1
    }
    return nil
  }

  /// Takes nothing: by one turn that can, else by none.
  private mutating func nothing(_ inner: RegexNode, _ range: Range<Int>) throws {
    if try matchesAll(inner, range), try match(inner, range) { return }
    clear(inner)
  }

  /// Cuts a range into turns of a repeated node that prefers to be long.
  private mutating func longTurns(
    _ inner: RegexNode, _ range: Range<Int>, _ minimum: Int, _ maximum: Int?
  ) throws -> Bool {
    if range.isEmpty, minimum == 0 {
      try nothing(inner, range)
      return true
    }
    var turns = Turns(range, minimum, maximum)
    var (number, limit) = (1, turns.end)
    while number > 0 {
      try text.marks.spend(1)
      let ends = try turns.candidates(number) { try turnEnds(inner, $0) }
      if let place = ends.last(where: { $0 <= limit }) {
        turns.set(number, to: place)
        if place != turns.end, number < turns.maximum {
          if place > turns.ends[number - 1] || !turns.needsNoEmpty(number, from: place) {
            number += 1
            limit = turns.end
            continue
          }
        } else if place != turns.end {
          number -= 1
        } else if number >= turns.minimum {
          guard let failed = try verify(&turns, inner, number) else { return true }
          number = failed
        }
      } else {
        number -= 1
      }
      // A shorter turn, or a shorter one before it; an empty one only where it must be.
      while number > 0 {
        let start = turns.ends[number - 1]
        if turns.ends[number] > start {
          limit = turns.ends[number] - 1
          if limit > start || number < turns.minimum && turns.minimum - number >= turns.end - start { break }
        }
        number -= 1
      }
    }
    return false
  }

  /// Cuts a range into turns of a repeated node that prefers to be short.
  private mutating func shortTurns(
    _ inner: RegexNode, _ range: Range<Int>, _ minimum: Int, _ maximum: Int?
  ) throws -> Bool {
    if range.isEmpty, minimum == 0 { return true }
    var turns = Turns(range, minimum, maximum)
    var (number, limit) = (1, range.lowerBound)
    while number > 0 {
      try text.marks.spend(1)
      if limit == turns.ends[number - 1], limit != turns.end, turns.needsNoEmpty(number, from: limit) { limit += 1 }
      if number >= turns.maximum { limit = turns.end }
      let ends = try turns.candidates(number) { try turnEnds(inner, $0) }
      if let place = ends.first(where: { $0 >= limit }) {
        turns.set(number, to: place)
        if place != turns.end {
          if number < turns.maximum {
            number += 1
            limit = place
            continue
          }
          number -= 1
        } else if number >= turns.minimum {
          guard let failed = try verify(&turns, inner, number) else { return true }
          number = failed
        }
      } else {
        number -= 1
      }
      while number > 0 {
        if turns.ends[number] < turns.end {
          limit = turns.ends[number] + 1
          break
        }
        number -= 1
      }
    }
    return false
  }
}
