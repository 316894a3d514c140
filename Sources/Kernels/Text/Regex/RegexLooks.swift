import Bytes

/// What an expression found out about the text that was loaded last.
final class RegexMarks {
  /// The constraints whose answers these are.
  private var owner: ObjectIdentifier?
  /// For each place, the end included, the number of the answers there; see `RegexLooks.answers`.
  fileprivate(set) var answers: [Int32] = []
  /// The characters that were looked at in search of what back references mean.
  private var steps = 0

  /// A tenth of a second or a few; no text may hold up the program.
  private static let maximumSteps = 30_000_000

  func forget() {
    owner = nil
    steps = 0
  }

  /// Counts work that may grow faster than the text.
  ///
  /// - Throws: 54000 when it was too much.
  func spend(_ count: Int) throws {
    steps += count
    if steps > RegexMarks.maximumSteps {
      throw PulsehouseError(
        .user, "regular expression failed: too many steps", sqlState: "54000",
        hint: "A back reference is tried in many ways; narrow what stands before and between the parts it compares.")
    }
  }

  fileprivate func isOf(_ looks: RegexLooks) -> Bool { owner == ObjectIdentifier(looks) }

  fileprivate func set(_ answers: [Int32], of looks: RegexLooks) {
    self.answers = answers
    owner = ObjectIdentifier(looks)
  }
}

/// The look-around constraints of an expression. Whether one holds depends on the place alone, so all are answered for
/// every place of a text before anything else, in one pass each: what looks back from its beginning, what looks ahead
/// from its end. Time is linear in the text's length. One thread at a time.
final class RegexLooks {
  private var looks: [(look: RegexLook, automaton: RegexAutomaton)] = []
  /// The sets of constraints that held together somewhere, as bits.
  private(set) var answers: [UInt64] = [0]
  private var known: [UInt64: Int32] = [0: 0]
  /// At least the count of `answers`; an automaton has so many symbols for a color.
  private(set) var capacity = 1
  /// Changes when numbers of answers or symbols mean something else.
  private(set) var generation = 1

  private static let maximumAnswers = 1024

  /// The programs of the constraints, in order: those that look ahead read backwards.
  static func programs(_ looks: [RegexLook]) throws -> [RegexProgram] {
    try looks.map { try RegexProgram($0.isAhead ? $0.node.mirrored : $0.node) }
  }

  init(_ looks: [RegexLook], _ programs: [RegexProgram], _ alphabet: RegexAlphabet) {
    for (look, program) in zip(looks, programs) {
      self.looks.append((look, RegexAutomaton(program, alphabet, isUnanchored: true, self)))
    }
  }

  /// Answers all constraints for the text, unless that is done.
  func prepare(_ text: RegexText) {
    if text.marks.isOf(self) { return }
    if answers.count > RegexLooks.maximumAnswers {
      (answers, known, capacity) = ([0], [0: 0], 1)
      generation += 1
    }
    let reversed = looks.contains(where: \.look.isAhead) ? RegexText(reversing: text) : nil
    var bits = [UInt64](repeating: 0, count: text.count + 1)
    for (number, (look, automaton)) in looks.enumerated() {
      // Those further in come first, and their answers may be asked.
      if number > 0 {
        let numbers = bits.map(self.number)
        text.marks.set(numbers, of: self)
        reversed?.marks.set(numbers.reversed(), of: self)
      } else {
        text.marks.set([Int32](repeating: 0, count: text.count + 1), of: self)
        reversed?.marks.set(text.marks.answers, of: self)
      }
      let bit = UInt64(1) << UInt64(number)
      if look.isNegated { for place in bits.indices { bits[place] |= bit } }
      let ends = automaton.ends(look.isAhead ? reversed ?? text : text, from: 0, limit: text.count)
      for end in ends {
        let place = look.isAhead ? text.count - end : end
        if look.isNegated { bits[place] &= ~bit } else { bits[place] |= bit }
      }
    }
    text.marks.set(bits.map(number), of: self)
  }

  private func number(_ bits: UInt64) -> Int32 {
    if let number = known[bits] { return number }
    let number = Int32(answers.count)
    known[bits] = number
    answers.append(bits)
    if answers.count > capacity {
      capacity = capacity * 2
      generation += 1
    }
    return number
  }
}
