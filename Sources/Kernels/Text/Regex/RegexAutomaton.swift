/// The steps of an expression: a list that a set of positions walks through (Thompson's construction).
struct RegexProgram: Sendable {
  enum Step: Sendable {
    case consume(CharacterRanges, next: Int)
    case split(Int, Int)
    case test(RegexNode.Assertion, next: Int)
    case look(Int, next: Int)
    case match
  }

  private(set) var steps: [Step] = []
  private(set) var start = 0
  private(set) var hasAssertions = false
  private(set) var hasLooks = false
  private var visited = 0

  private static let maximumSteps = 50_000

  /// - Throws: 2201B when repetitions make it too large.
  init(_ node: RegexNode) throws {
    steps.append(.match)
    start = try add(node, then: 0)
  }

  /// Adds the steps of `node`, which go on at `next`; returns where they begin.
  private mutating func add(_ node: RegexNode, then next: Int) throws -> Int {
    visited += 1
    if max(visited, steps.count) > RegexProgram.maximumSteps { throw RegexParser.tooComplex }
    switch node.kind {
    case .empty: return next
    case .set(let set): return append(.consume(set, next: next))
    case .assertion(let assertion):
      hasAssertions = true
      return append(.test(assertion, next: next))
    case .look(let number):
      hasLooks = true
      return append(.look(number, next: next))
    case .group(let inner, _): return try add(inner, then: next)
    case .reference(_, let form, _): return try add(form, then: next)
    case .sequence(let parts):
      var entry = next
      for part in parts.reversed() { entry = try add(part, then: entry) }
      return entry
    case .choice(let branches):
      var entry = try add(branches[branches.count - 1], then: next)
      for branch in branches.dropLast().reversed() { entry = append(.split(try add(branch, then: next), entry)) }
      return entry
    case .repetition(let inner, let minimum, let maximum, _):
      var entry = next
      if let maximum {
        for _ in 0..<(maximum - minimum) { entry = append(.split(try add(inner, then: entry), next)) }
      } else {
        let loop = append(.split(0, next))
        steps[loop] = .split(try add(inner, then: loop), next)
        entry = loop
      }
      for _ in 0..<minimum { entry = try add(inner, then: entry) }
      return entry
    }
  }

  private mutating func append(_ step: Step) -> Int {
    steps.append(step)
    return steps.count - 1
  }
}

/// Runs a program over text one character at a time, each set of positions made once (a lazy DFA). One thread at a time.
///
/// No input makes it go back: time is linear in the text's length for a match from one place.
final class RegexAutomaton {
  private let program: RegexProgram
  private let alphabet: RegexAlphabet
  /// With true a match may begin anywhere from the start on.
  private let isUnanchored: Bool
  /// The look-around constraints, when the program asks them. They hold their own automata, and the expression holds all.
  private unowned let looks: RegexLooks?
  /// The count of symbols: colors, each as often as there are answers of the constraints.
  private var width: Int
  private var generation = 0
  /// For each state and symbol: the next state * 2, plus 1 when a match ends before the symbol; -1 not made yet.
  private var table: [Int32] = []
  private var cores: [[Int32]] = []
  private var contexts: [RegexAlphabet.Context] = []
  private var known: [Key: Int32] = [:]

  private struct Key: Hashable {
    var core: [Int32]
    var context: RegexAlphabet.Context
  }

  /// States beyond this are forgotten together, so that memory stays bounded.
  private static let maximumStates = 4096
  /// And so are all states when their table has more entries.
  private static let maximumEntries = 1 << 24

  init(_ program: RegexProgram, _ alphabet: RegexAlphabet, isUnanchored: Bool, _ looks: RegexLooks? = nil) {
    self.program = program
    self.alphabet = alphabet
    self.isUnanchored = isUnanchored
    self.looks = program.hasLooks ? looks : nil
    width = alphabet.colorCount + 1
  }

  @inline(__always) private func symbol(_ text: RegexText, _ index: Int, _ looks: RegexLooks?) -> Int {
    let color = text.color(index, alphabet)
    guard let looks else { return color }
    return color * looks.capacity + Int(text.marks.answers[index])
  }

  /// Whether a match ends at or after `position`, beginning there (or, unanchored, anywhere after).
  func matches(_ text: RegexText, from position: Int) -> Bool {
    let looks = looks
    var state = start(text, position)
    var index = position
    while true {
      let entry = entry(state, symbol(text, index, looks))
      if entry & 1 != 0 { return true }
      state = entry >> 1
      if state == 0 || index >= text.count { return false }
      index += 1
    }
  }

  /// The end of the longest (or shortest) match that begins at `position` and ends at most at `limit`; nil for none.
  func end(_ text: RegexText, from position: Int, limit: Int, _ preference: RegexNode.Preference) -> Int? {
    let looks = looks
    var state = start(text, position)
    var index = position
    var found: Int?
    while true {
      let entry = entry(state, symbol(text, index, looks))
      if entry & 1 != 0 {
        found = index
        if preference == .shortest { return found }
      }
      state = entry >> 1
      if state == 0 || index >= limit { return found }
      index += 1
    }
  }

  /// Every end of a match that begins at `position`, up to `limit`, ascending.
  func ends(_ text: RegexText, from position: Int, limit: Int) -> [Int] {
    let looks = looks
    var state = start(text, position)
    var index = position
    var found: [Int] = []
    while true {
      let entry = entry(state, symbol(text, index, looks))
      if entry & 1 != 0 { found.append(index) }
      state = entry >> 1
      if state == 0 || index >= limit { return found }
      index += 1
    }
  }

  private func start(_ text: RegexText, _ position: Int) -> Int32 {
    if let looks, looks.generation != generation {
      generation = looks.generation
      width = (alphabet.colorCount + 1) * looks.capacity
      forget()
    }
    if cores.isEmpty || cores.count > RegexAutomaton.maximumStates { forget() }
    let context = program.hasAssertions ? text.context(before: position) : .none
    return state([Int32(program.start)], context)
  }

  private func forget() {
    table = []
    cores = []
    contexts = []
    known = [:]
    // State 0 has no positions: nothing can match any more.
    _ = state([], .none)
  }

  private func state(_ core: [Int32], _ context: RegexAlphabet.Context) -> Int32 {
    if core.isEmpty, !cores.isEmpty { return 0 }
    let key = Key(core: core, context: context)
    if let number = known[key] { return number }
    let number = Int32(cores.count)
    cores.append(core)
    contexts.append(context)
    known[key] = number
    table.append(contentsOf: repeatElement(cores.count == 1 ? 0 : -1, count: width))
    return number
  }

  @inline(__always) private func entry(_ state: Int32, _ symbol: Int) -> Int32 {
    let entry = table[Int(state) * width + symbol]
    return entry >= 0 ? entry : make(state, symbol)
  }

  private func make(_ state: Int32, _ symbol: Int) -> Int32 {
    var color = symbol
    var answers: UInt64 = 0
    if let looks {
      color = symbol / looks.capacity
      answers = looks.answers[symbol % looks.capacity]
    }
    let after = program.hasAssertions ? alphabet.context(of: color) : .none
    let before = contexts[Int(state)]
    var visited: Set<Int32> = []
    var next: Set<Int32> = []
    var hasMatch = false
    var pending = cores[Int(state)]
    while let position = pending.popLast() {
      guard visited.insert(position).inserted else { continue }
      switch program.steps[Int(position)] {
      case .match: hasMatch = true
      case .split(let first, let second):
        pending.append(Int32(first))
        pending.append(Int32(second))
      case .test(let assertion, let following):
        if assertion.holds(before, after) { pending.append(Int32(following)) }
      case .look(let number, let following):
        if answers >> UInt64(number) & 1 != 0 { pending.append(Int32(following)) }
      case .consume(let set, let following):
        if color < alphabet.colorCount, alphabet.contains(color, set) { next.insert(Int32(following)) }
      }
    }
    if isUnanchored, color < alphabet.colorCount { next.insert(Int32(program.start)) }
    let isForgotten = table.count > RegexAutomaton.maximumEntries
    if isForgotten { forget() }
    let target = self.state(next.sorted(), next.isEmpty ? .none : after)
    let entry = target << 1 | (hasMatch ? 1 : 0)
    if !isForgotten { table[Int(state) * width + symbol] = entry }
    return entry
  }
}

extension RegexNode.Assertion {
  fileprivate func holds(_ before: RegexAlphabet.Context, _ after: RegexAlphabet.Context) -> Bool {
    switch self {
    case .textStart: before == .edge
    case .textEnd: after == .edge
    case .lineStart: before == .edge || before == .newline
    case .lineEnd: after == .edge || after == .newline
    case .wordStart: before != .word && after == .word
    case .wordEnd: before == .word && after != .word
    case .wordEdge: (before == .word) != (after == .word)
    case .noWordEdge: (before == .word) == (after == .word)
    }
  }
}

/// Characters in classes that an expression does not tell apart, each a color.
struct RegexAlphabet: Sendable {
  /// What stands beside a place, as far as assertions ask.
  enum Context: UInt8, Sendable { case none, edge, newline, word, other }

  private var starts: [UInt32] = []
  private var ascii: [UInt16] = []
  /// A character of each color.
  private var samples: [UInt32] = []
  private var contexts: [Context] = []

  var colorCount: Int { samples.count }

  /// Tells apart what any of the programs does.
  init(_ programs: [RegexProgram]) {
    var edges: Set<UInt32> = [0]
    func add(_ set: CharacterRanges) {
      for range in set.ranges {
        edges.insert(range.lowerBound)
        edges.insert(range.upperBound + 1)
      }
    }
    for program in programs { for case .consume(let set, _) in program.steps { add(set) } }
    if programs.contains(where: \.hasAssertions) {
      add(.newline)
      add(.word)
    }
    starts = edges.sorted().filter { $0 <= 0x10FFFF }
    samples = starts
    contexts = starts.map { code in
      code == 10 ? .newline : CharacterRanges.word.contains(code) ? .word : .other
    }
    var color = 0
    for code in UInt32(0)..<128 {
      while color + 1 < starts.count, starts[color + 1] <= code { color += 1 }
      ascii.append(UInt16(truncatingIfNeeded: color))
    }
  }

  @inline(__always) func color(of code: UInt32) -> Int {
    if code < 128 { return Int(ascii[Int(code)]) }
    var low = 0
    var high = starts.count
    while low + 1 < high {
      let middle = (low + high) / 2
      if starts[middle] <= code { low = middle } else { high = middle }
    }
    return low
  }

  func context(of color: Int) -> Context { color < contexts.count ? contexts[color] : .edge }

  func contains(_ color: Int, _ set: CharacterRanges) -> Bool { set.contains(samples[color]) }
}

/// A text as its characters.
struct RegexText {
  private(set) var codes: [UInt32] = []
  /// Where each character's bytes begin, and where the last one's end.
  private(set) var offsets: [Int] = []
  let marks = RegexMarks()

  var count: Int { codes.count }

  init() {}

  /// The characters of a text from its last to its first.
  init(reversing text: RegexText) { codes = text.codes.reversed() }

  /// Takes UTF-8; bytes that are none count as one character each.
  mutating func load(_ bytes: UnsafeRawBufferPointer) {
    marks.forget()
    codes.removeAll(keepingCapacity: true)
    offsets.removeAll(keepingCapacity: true)
    var index = 0
    while index < bytes.count {
      offsets.append(index)
      let first = bytes[index]
      let length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1
      if length == 1 || index + length > bytes.count {
        codes.append(UInt32(first))
        index += 1
        continue
      }
      var code = UInt32(first) & (0xFF >> UInt32(length + 1))
      for offset in 1..<length { code = code << 6 | UInt32(bytes[index + offset] & 0x3F) }
      codes.append(code)
      index += length
    }
    offsets.append(bytes.count)
  }

  @inline(__always) func color(_ index: Int, _ alphabet: RegexAlphabet) -> Int {
    index < codes.count ? alphabet.color(of: codes[index]) : alphabet.colorCount
  }

  func context(before index: Int) -> RegexAlphabet.Context {
    if index == 0 { return .edge }
    let code = codes[index - 1]
    return code == 10 ? .newline : CharacterRanges.word.contains(code) ? .word : .other
  }
}
