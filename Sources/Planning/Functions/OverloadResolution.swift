/// What a function takes and gives, as PostgreSQL's catalog has it.
struct Signature<Function: Sendable>: Sendable {
  let function: Function
  let arguments: [TypeKind]
  /// The result; `.anyCompatible` for the common type of the arguments that are so.
  let result: TypeKind
  /// How many trailing arguments may be left out.
  var optionalCount = 0
  /// The last argument may come any number of times more.
  var isVariadic = false

  /// Returns the declared types for a call of `count` arguments; nil if it takes no such number.
  func arguments(count: Int) -> [TypeKind]? {
    if count == arguments.count { return arguments }
    if count < arguments.count {
      return count >= arguments.count - optionalCount ? Array(arguments[..<count]) : nil
    }
    guard isVariadic, let last = arguments.last else { return nil }
    return arguments + Array(repeating: last, count: count - arguments.count)
  }
}

/// What PostgreSQL's rules pick among functions or operators of one name.
enum Overload<Function: Sendable> {
  case found(Signature<Function>, arguments: [TypeKind])
  case none
  case ambiguous
}

/// Picks an overload by PostgreSQL's rules (its manual, "Functions" and "Operators" under "Type Conversion"): an exact
/// match, else those reached by implicit casts with most exact types, then most preferred types, then by the category
/// that literals of unknown type can take.
///
/// `isOperator`: a literal of unknown type beside a known type is first taken to be of that type.
func resolveOverload<Function: Sendable>(
  _ candidates: [Signature<Function>], _ types: [TypeKind], isOperator: Bool = false
) -> Overload<Function> {
  typealias Candidate = (signature: Signature<Function>, arguments: [TypeKind])
  var fitting: [Candidate] = []
  for signature in candidates {
    guard let arguments = signature.arguments(count: types.count) else { continue }
    fitting.append((signature, arguments))
  }

  func found(_ candidate: Candidate) -> Overload<Function> {
    .found(candidate.signature, arguments: candidate.arguments)
  }

  if let exact = fitting.first(where: { $0.arguments == types }) { return found(exact) }
  if isOperator, types.count == 2, (types[0] == .unknown) != (types[1] == .unknown) {
    let known = types[0] == .unknown ? types[1] : types[0]
    if let exact = fitting.first(where: { $0.arguments == [known, known] }) { return found(exact) }
  }

  fitting = fitting.filter { candidate in zip(types, candidate.arguments).allSatisfy { $0.casts(to: $1) } }
  if fitting.isEmpty { return .none }
  if fitting.count == 1 { return found(fitting[0]) }

  func keepBest(_ score: (Candidate) -> Int) {
    let best = fitting.map(score).max() ?? 0
    fitting = fitting.filter { score($0) == best }
  }
  keepBest { candidate in zip(types, candidate.arguments).count { $0 != .unknown && $0 == $1 } }
  if fitting.count == 1 { return found(fitting[0]) }
  keepBest { candidate in
    zip(types, candidate.arguments).count {
      $0 != .unknown && ($0 == $1 || ($1.isPreferred && $1.category == $0.category))
    }
  }
  if fitting.count == 1 { return found(fitting[0]) }

  let unknown = types.indices.filter { types[$0] == .unknown }
  guard !unknown.isEmpty else { return .ambiguous }

  var categories: [Int: (TypeCategory, needsPreferred: Bool)] = [:]
  var isResolved = true
  for index in unknown {
    let choices = fitting.map { $0.arguments[index] }
    if choices.contains(where: { $0.category == .string }) {
      categories[index] = (.string, choices.contains { $0.category == .string && $0.isPreferred })
    } else if let first = choices.first?.category, choices.allSatisfy({ $0.category == first }) {
      categories[index] = (first, choices.contains { $0.isPreferred })
    } else {
      isResolved = false
    }
  }
  if isResolved {
    let kept = fitting.filter { candidate in
      categories.allSatisfy { index, wanted in
        let kind = candidate.arguments[index]
        return kind.category == wanted.0 && (!wanted.needsPreferred || kind.isPreferred)
      }
    }
    if !kept.isEmpty { fitting = kept }
    if fitting.count == 1 { return found(fitting[0]) }
  }

  let known = Set(types.filter { $0 != .unknown })
  if known.count == 1, let only = known.first {
    let kept = fitting.filter { candidate in candidate.arguments.allSatisfy { only.casts(to: $0) } }
    if kept.count == 1 { return found(kept[0]) }
  }
  return .ambiguous
}
