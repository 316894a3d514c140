import Bytes
import SQLSyntax
import Vectors

/// The binder's errors, in PostgreSQL's words.
enum BinderError {
  static func user(
    _ state: String, _ message: String, _ range: SourceRange, detail: String? = nil, hint: String? = nil
  ) -> PulsehouseError {
    PulsehouseError(.user, message, sqlState: state, detail: detail, hint: hint, range: range.bytes)
  }

  /// Names a form that PostgreSQL has and we do not.
  static func unsupported(_ form: String, _ range: SourceRange, hint: String? = nil) -> PulsehouseError {
    PulsehouseError(.unsupported, "\(form) is not supported yet", hint: hint, range: range.bytes)
  }

  static func noOperator(_ symbol: String, _ left: TypeKind?, _ right: TypeKind, _ range: SourceRange)
    -> PulsehouseError
  {
    let operands = left.map { "\($0.name) \(symbol) \(right.name)" } ?? "\(symbol) \(right.name)"
    return user(
      "42883", "operator does not exist: \(operands)", range,
      hint: "No operator matches the given name and argument types. You might need to add explicit type casts.")
  }

  static func noOperator(
    _ symbol: String, _ left: LogicalType, _ right: LogicalType, _ range: SourceRange
  ) -> PulsehouseError {
    user(
      "42883", "operator does not exist: \(left.messageName) \(symbol) \(right.messageName)", range,
      hint: "No operator matches the given name and argument types. You might need to add explicit type casts.")
  }

  static func ambiguousOperator(_ symbol: String, _ left: TypeKind?, _ right: TypeKind, _ range: SourceRange)
    -> PulsehouseError
  {
    let operands = left.map { "\($0.name) \(symbol) \(right.name)" } ?? "\(symbol) \(right.name)"
    return user(
      "42725", "operator is not unique: \(operands)", range,
      hint: "Could not choose a best candidate operator. You might need to add explicit type casts.")
  }

  static func noFunction(_ name: String, _ types: [TypeKind], _ range: SourceRange) -> PulsehouseError {
    noFunction(name, named: types.map(\.name), range)
  }

  static func noFunction(_ name: String, of types: [LogicalType], _ range: SourceRange) -> PulsehouseError {
    noFunction(name, named: types.map(\.messageName), range)
  }

  private static func noFunction(_ name: String, named types: [String], _ range: SourceRange) -> PulsehouseError {
    let isKnown =
      !(ScalarSignatures.named(name).isEmpty && AggregateSignatures.named(name).isEmpty
      && WindowSignatures.named(name).isEmpty)
    var hint = "No function matches the given name and argument types. You might need to add explicit type casts."
    if !isKnown,
      let near = Spelling.nearest(
        to: name, among: ScalarSignatures.names + AggregateSignatures.names + WindowSignatures.names)
    {
      hint = "Perhaps you meant the function \"\(near)\"."
    }
    return user("42883", "function \(name)(\(types.joined(separator: ", "))) does not exist", range, hint: hint)
  }

  static func ambiguousFunction(_ name: String, _ types: [TypeKind], _ range: SourceRange) -> PulsehouseError {
    user(
      "42725", "function \(call(name, types)) is not unique", range,
      hint: "Could not choose a best candidate function. You might need to add explicit type casts.")
  }

  private static func call(_ name: String, _ types: [TypeKind]) -> String {
    "\(name)(\(types.map(\.name).joined(separator: ", ")))"
  }

  static func tooDeep(_ range: SourceRange) -> PulsehouseError {
    user("54001", "stack depth limit exceeded", range, hint: "The statement is nested too deeply; make it flatter.")
  }
}

/// Finds what somebody meant by a misspelled name.
enum Spelling {
  /// Returns the nearest of `names` within a third of the name's length in edits; nil when none is near.
  static func nearest(to name: String, among names: some Sequence<String>) -> String? {
    let wanted = Array(name.utf8.prefix(64))
    let limit = max(1, wanted.count / 3)
    var best: (distance: Int, name: String)?
    for candidate in names {
      let bytes = Array(candidate.utf8.prefix(64))
      if abs(bytes.count - wanted.count) > limit { continue }
      let distance = editDistance(wanted, bytes)
      guard distance <= limit else { continue }
      if let current = best, (current.distance, current.name) <= (distance, candidate) { continue }
      best = (distance, candidate)
    }
    return best?.name
  }

  /// Insertions, deletions, substitutions and swaps of neighbours count one each.
  private static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var rows = [[Int]](repeating: [Int](repeating: 0, count: right.count + 1), count: left.count + 1)
    for i in 0...left.count { rows[i][0] = i }
    for j in 0...right.count { rows[0][j] = j }
    guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
    for i in 1...left.count {
      for j in 1...right.count {
        let cost = left[i - 1] == right[j - 1] ? 0 : 1
        var value = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + cost)
        if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
          value = min(value, rows[i - 2][j - 2] + 1)
        }
        rows[i][j] = value
      }
    }
    return rows[left.count][right.count]
  }
}
