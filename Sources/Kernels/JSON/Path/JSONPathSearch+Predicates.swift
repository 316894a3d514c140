import Bytes
import Vectors

/// What is true, false or unknown of an item.
extension JSONPathSearch {
  /// Decides a condition with `@` as the item.
  func nested(_ condition: JSONPath.Chain, _ item: Item) throws -> Truth {
    let saved = current
    current = item
    defer { current = saved }
    return try truth(condition, item)
  }

  private func truth(_ chain: JSONPath.Chain, _ item: Item) throws -> Truth {
    guard chain.count == 1 else { throw PulsehouseError(.internal, "a jsonpath predicate of several steps") }
    return try truth(chain[0], item)
  }

  func truth(_ step: JSONPath.Step, _ item: Item) throws -> Truth {
    switch step {
    case .and(let left, let right):
      let first = try truth(left, item)
      if first == .no { return .no }
      let second = try truth(right, item)
      return second == .yes ? first : second
    case .or(let left, let right):
      let first = try truth(left, item)
      if first == .yes { return .yes }
      let second = try truth(right, item)
      return second == .no ? first : second
    case .not(let operand):
      switch try truth(operand, item) {
      case .yes: return .no
      case .no: return .yes
      case .unknown: return .unknown
      }
    case .isUnknown(let operand): return try truth(operand, item) == .unknown ? .yes : .no
    case .exists(let operand): return try exists(operand, item)
    case .compare(let comparison, let left, let right):
      return try pairs(left, right, item, unwrapsRight: true) { a, b in
        JSONPathSearch.compare(comparison, a, b)
      }
    case .startsWith(let left, let right):
      return try pairs(left, right, item, unwrapsRight: false) { whole, start in
        guard case .string(let whole) = whole, case .string(let start) = start else { return .unknown }
        return whole.starts(with: start) ? .yes : .no
      }
    case .likeRegex(let left, let pattern):
      return try pairs(left, nil, item, unwrapsRight: false) { value, _ in
        guard case .string(let bytes) = value else { return .unknown }
        return try self.matches(pattern, bytes) ? .yes : .no
      }
    default: throw PulsehouseError(.internal, "a jsonpath step is no predicate")
    }
  }

  private func exists(_ operand: JSONPath.Chain, _ item: Item) throws -> Truth {
    try quietly {
      // Strict: errors anywhere count, so everything is looked at.
      let all = isLax ? nil : Found()
      let outcome = try execute(operand[...], item, all)
      if outcome == .failed { return .unknown }
      return all.map { !$0.items.isEmpty } ?? (outcome == .found) ? .yes : .no
    }
  }

  /// Tests each left item with each right one: in lax mode one that holds is enough, in strict mode none may be unknown.
  private func pairs(
    _ left: JSONPath.Chain, _ right: JSONPath.Chain?, _ item: Item, unwrapsRight: Bool,
    _ test: (JSONValue, JSONValue) throws -> Truth
  ) throws -> Truth {
    guard let lefts = try quietly({ try items(left, item, unwraps: true) }) else { return .unknown }
    var rights = [Item(value: .null)]
    if let right {
      guard let found = try quietly({ try items(right, item, unwraps: unwrapsRight) }) else { return .unknown }
      rights = found
    }
    var (isFound, isUnknown) = (false, false)
    for left in lefts {
      for right in rights {
        switch try test(left.value, right.value) {
        case .unknown:
          if !isLax { return .unknown }
          isUnknown = true
        case .yes:
          if isLax { return .yes }
          isFound = true
        case .no: break
        }
      }
    }
    return isFound ? .yes : isUnknown ? .unknown : .no
  }

  private static func compare(_ comparison: JSONPath.Comparison, _ a: JSONValue, _ b: JSONValue) -> Truth {
    let order: Int
    switch (a, b) {
    case (.null, .null): order = 0
    case (.null, _), (_, .null): return comparison == .notEqual ? .yes : .no
    case (.boolean(let a), .boolean(let b)): order = a == b ? 0 : a ? 1 : -1
    case (.number, .number):
      guard let a = a.number, let b = b.number else { return .unknown }
      order = NumericArithmetic.compare(a, b)
    case (.string(let a), .string(let b)): order = a == b ? 0 : a.lexicographicallyPrecedes(b) ? -1 : 1
    default: return .unknown
    }
    let holds =
      switch comparison {
      case .equal: order == 0
      case .notEqual: order != 0
      case .less: order < 0
      case .greater: order > 0
      case .lessOrEqual: order <= 0
      case .greaterOrEqual: order >= 0
      }
    return holds ? .yes : .no
  }

  private func matches(_ pattern: JSONPath.Pattern, _ bytes: [UInt8]) throws -> Bool {
    let key = pattern.text + [0] + pattern.flags.utf8
    let expression = try expressions[key] ?? pattern.compile()
    expressions[key] = expression
    bytes.withUnsafeBytes { text.load($0) }
    return try expression.matches(text)
  }
}
