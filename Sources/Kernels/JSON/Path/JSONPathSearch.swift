import Bytes
import Vectors

/// Finds what a path looks for, in one JSON value.
///
/// Source: PostgreSQL 15's jsonpath_exec.c, whose words and SQLSTATEs these are. In lax mode arrays are taken apart and
/// values taken for arrays of one where a step wants that, and what is missing is left out; in strict mode both are
/// errors. Errors within predicates make them unknown.
final class JSONPathSearch {
  /// A value that was found, and where its container lies in the value it comes from (for `keyvalue()`).
  struct Item {
    var value: JSONValue
    var place = JSONPlace()
  }

  final class Found {
    var items: [Item] = []
  }

  enum Outcome { case found, nothing, failed }

  enum Truth { case yes, no, unknown }

  let path: JSONPath
  let variables: JSONValue
  private let root: Item
  private let keepsPlaces: Bool
  let isLax: Bool
  var throwsErrors: Bool
  private var ignoresStructure: Bool
  var current: Item
  private var arraySize: Int?
  private var generatedObjects = 2
  var expressions: [[UInt8]: RegularExpression] = [:]
  var text = RegexText()

  /// `variables` is an object. `keepsPlaces`: the path asks for `keyvalue()`.
  init(_ path: JSONPath, in value: JSONValue, variables: JSONValue, keepsPlaces: Bool, isSilent: Bool) {
    self.path = path
    self.variables = variables
    self.keepsPlaces = keepsPlaces
    root = Item(value: value)
    current = root
    isLax = !path.isStrict
    ignoresStructure = isLax
    throwsErrors = !isSilent
  }

  /// Adds what is found to `found`; without it stops at the first.
  func run(_ found: Found?) throws -> Outcome {
    if isLax || found != nil { return try execute(path.chain[...], root, found) }
    // Strict: errors anywhere count, so everything is looked at.
    let all = Found()
    let outcome = try execute(path.chain[...], root, all)
    return outcome == .failed ? outcome : all.items.isEmpty ? .nothing : .found
  }

  // MARK: Steps

  func execute(_ chain: ArraySlice<JSONPath.Step>, _ item: Item, _ found: Found?) throws -> Outcome {
    try execute(chain, item, found, unwraps: isLax)
  }

  /// Goes on with what a step gave.
  private func next(_ rest: ArraySlice<JSONPath.Step>, _ item: Item, _ found: Found?) throws -> Outcome {
    if !rest.isEmpty { return try execute(rest, item, found) }
    found?.items.append(item)
    return .found
  }

  private func execute(
    _ chain: ArraySlice<JSONPath.Step>, _ item: Item, _ found: Found?, unwraps: Bool
  ) throws -> Outcome {
    guard let step = chain.first else { return .nothing }
    let rest = chain.dropFirst()
    func value(_ value: JSONValue) throws -> Outcome { try next(rest, Item(value: value), found) }
    /// Applies the step to each element of an array.
    func unwrapped() throws -> Outcome { try each(chain, item, found, unwraps: false) }
    switch step {
    case .null: return try value(.null)
    case .boolean(let flag): return try value(.boolean(flag))
    case .number(let digits): return try value(.number(digits))
    case .string(let text): return try value(.string(text))
    case .variable(let name):
      guard let variable = child(Item(value: variables, place: JSONPlace(base: 1)), name) else {
        let name = String(decoding: name, as: UTF8.self)
        throw PulsehouseError(.user, "could not find jsonpath variable \"\(name)\"", sqlState: "42704")
      }
      return try next(rest, variable, found)
    case .root: return try next(rest, root, found)
    case .current: return try next(rest, current, found)
    case .last: return try value(.number(Array("\((arraySize ?? 0) - 1)".utf8)))
    case .key(let key):
      if case .object = item.value {
        if let member = child(item, key) { return try next(rest, member, found) }
        let name = String(decoding: key, as: UTF8.self)
        return try structural("2203A", "JSON object does not contain key \"\(name)\"")
      }
      if unwraps, item.value.isArray { return try unwrapped() }
      return try structural("2203A", "jsonpath member accessor can only be applied to an object")
    case .anyKey:
      if case .object = item.value { return try each(rest, item, found, unwraps: isLax) }
      if unwraps, item.value.isArray { return try unwrapped() }
      return try structural("2203C", "jsonpath wildcard member accessor can only be applied to an object")
    case .anyElement:
      if item.value.isArray { return try each(rest, item, found, unwraps: isLax) }
      if isLax { return try next(rest, item, found) }
      return try structural("22039", "jsonpath wildcard array accessor can only be applied to an array")
    case .anyLevel(let first, let last): return try levels(rest, item, found, first, last)
    case .subscripts(let subscripts): return try elements(subscripts, rest, item, found)
    case .filter(let condition):
      if unwraps, item.value.isArray { return try unwrapped() }
      return try nested(condition, item) == .yes ? try next(rest, item, found) : .nothing
    case .method(let method):
      if unwraps, item.value.isArray, method != .type, method != .size { return try unwrapped() }
      return try apply(method, rest, item, found)
    case .arithmetic(let operation, let left, let right):
      return try calculate(operation, left, right, rest, item, found)
    case .sign(let isNegative, let operand): return try sign(isNegative, operand, rest, item, found)
    case .and, .or, .not, .isUnknown, .exists, .compare, .startsWith, .likeRegex:
      switch try truth(step, item) {
      case .yes: return try value(.boolean(true))
      case .no: return try value(.boolean(false))
      case .unknown: return try value(.null)
      }
    }
  }

  /// What is no such object or array: nothing in lax mode.
  private func structural(_ state: String, _ message: String) throws -> Outcome {
    ignoresStructure ? .nothing : try fail(state, message)
  }

  private func fail(_ state: String, _ message: String) throws -> Outcome {
    if throwsErrors { throw PulsehouseError(.user, message, sqlState: state) }
    return .failed
  }

  // MARK: Parts

  private func child(_ item: Item, _ key: [UInt8]) -> Item? {
    guard case .object(let members) = item.value, let index = members.lastIndex(where: { $0.key == key }) else {
      return nil
    }
    return child(item, members[index].value, index)
  }

  private func child(_ item: Item, _ value: JSONValue, _ index: Int) -> Item {
    Item(value: value, place: keepsPlaces && value.isNested ? item.place.child(index, of: item.value) : JSONPlace())
  }

  private func children(_ item: Item) -> [Item] {
    switch item.value {
    case .array(let elements): elements.enumerated().map { child(item, $1, $0) }
    case .object(let members): members.enumerated().map { child(item, $1.value, $0) }
    default: []
    }
  }

  /// Does the same with each element or member.
  private func each(
    _ chain: ArraySlice<JSONPath.Step>, _ item: Item, _ found: Found?, unwraps: Bool
  ) throws -> Outcome {
    var outcome = Outcome.nothing
    for part in children(item) {
      if chain.isEmpty {
        guard let found else { return .found }
        found.items.append(part)
        outcome = .found
        continue
      }
      outcome = try execute(chain, part, found, unwraps: unwraps)
      if outcome == .failed || outcome == .found && found == nil { return outcome }
    }
    return outcome
  }

  private func levels(
    _ rest: ArraySlice<JSONPath.Step>, _ item: Item, _ found: Found?, _ first: Int?, _ last: Int?
  ) throws -> Outcome {
    let saved = ignoresStructure
    ignoresStructure = true
    defer { ignoresStructure = saved }
    var outcome = Outcome.nothing
    if first == 0 {
      outcome = try next(rest, item, found)
      if outcome == .failed || outcome == .found && found == nil { return outcome }
    }
    return item.value.isNested ? try level(1, rest, item, found, first, last) : outcome
  }

  private func level(
    _ level: Int, _ rest: ArraySlice<JSONPath.Step>, _ item: Item, _ found: Found?, _ first: Int?, _ last: Int?
  ) throws -> Outcome {
    var outcome = Outcome.nothing
    if let last, level > last { return outcome }
    for part in children(item) {
      // The last level is that of what has no parts.
      let isWanted = first.map { level >= $0 } ?? (last == nil && !part.value.isNested)
      if isWanted {
        if rest.isEmpty {
          guard let found else { return .found }
          found.items.append(part)
          outcome = .found
        } else {
          outcome = try execute(rest, part, found, unwraps: isLax)
          if outcome == .failed || outcome == .found && found == nil { return outcome }
        }
      }
      guard level < last ?? .max, part.value.isNested else { continue }
      outcome = try self.level(level + 1, rest, part, found, first, last)
      if outcome == .failed || outcome == .found && found == nil { return outcome }
    }
    return outcome
  }

  private func elements(
    _ subscripts: [JSONPath.Subscript], _ rest: ArraySlice<JSONPath.Step>, _ item: Item, _ found: Found?
  ) throws -> Outcome {
    guard item.value.isArray || isLax else {
      return try structural("22039", "jsonpath array accessor can only be applied to an array")
    }
    let parts = item.value.isArray ? children(item) : [item]
    let saved = arraySize
    arraySize = parts.count
    defer { arraySize = saved }
    var outcome = Outcome.nothing
    for wanted in subscripts {
      guard let first = try index(wanted.first, item), let last = try wanted.last.map({ try index($0, item) }) ?? first
      else { return .failed }
      if !ignoresStructure, first < 0 || first > last || last >= parts.count {
        return try fail("22033", "jsonpath array subscript is out of bounds")
      }
      let places = max(first, 0)...max(min(last, parts.count - 1), max(first, 0))
      for place in places where place <= last && place < parts.count {
        outcome = try next(rest, parts[place], found)
        if outcome == .failed || outcome == .found && found == nil { return outcome }
      }
    }
    return outcome
  }

  /// The number a subscript gives; nil when it failed without a word.
  private func index(_ chain: JSONPath.Chain, _ item: Item) throws -> Int? {
    let found = Found()
    if try execute(chain[...], item, found) == .failed { return nil }
    guard found.items.count == 1, let number = found.items[0].value.number else {
      _ = try fail("22033", "jsonpath array subscript is not a single numeric value")
      return nil
    }
    let whole = try NumericArithmetic.truncate(number, 0)
    guard let value = NumericArithmetic.integer(whole), let index = Int32(exactly: value) else {
      _ = try fail("22033", "jsonpath array subscript is out of integer range")
      return nil
    }
    return Int(index)
  }

  /// The items of an expression; in lax mode arrays among them give their elements. Nil when it failed.
  func items(_ chain: JSONPath.Chain, _ item: Item, unwraps: Bool) throws -> [Item]? {
    let found = Found()
    if try execute(chain[...], item, found) == .failed { return nil }
    if !unwraps || !isLax { return found.items }
    return found.items.flatMap { $0.value.isArray ? children($0) : [$0] }
  }

  func quietly<Result>(_ body: () throws -> Result) rethrows -> Result {
    let saved = throwsErrors
    throwsErrors = false
    defer { throwsErrors = saved }
    return try body()
  }

  // MARK: Numbers

  private func calculate(
    _ operation: JSONPath.Arithmetic, _ left: JSONPath.Chain, _ right: JSONPath.Chain,
    _ rest: ArraySlice<JSONPath.Step>, _ item: Item, _ found: Found?
  ) throws -> Outcome {
    guard let lefts = try items(left, item, unwraps: true), let rights = try items(right, item, unwraps: true) else {
      return .failed
    }
    func single(_ items: [Item], _ side: String) throws -> Numeric? {
      if items.count == 1, let number = items[0].value.number { return number }
      _ = try fail(
        "22038", "\(side) operand of jsonpath operator \(operation.rawValue) is not a single numeric value")
      return nil
    }
    guard let a = try single(lefts, "left"), let b = try single(rights, "right") else { return .failed }
    let result: Numeric
    do {
      switch operation {
      case .add: result = try NumericArithmetic.add(a, b)
      case .subtract: result = try NumericArithmetic.subtract(a, b)
      case .multiply: result = try NumericArithmetic.multiply(a, b)
      case .divide: result = try NumericArithmetic.divide(a, b)
      case .modulo: result = try NumericArithmetic.modulo(a, b)
      }
    } catch let error as PulsehouseError where error.sqlState == "22012" && !throwsErrors {
      return .failed
    }
    return try next(rest, Item(value: .number(result)), found)
  }

  private func sign(
    _ isNegative: Bool, _ operand: JSONPath.Chain, _ rest: ArraySlice<JSONPath.Step>, _ item: Item, _ found: Found?
  ) throws -> Outcome {
    guard let operands = try items(operand, item, unwraps: true) else { return .failed }
    var outcome = Outcome.nothing
    for operand in operands {
      if let number = operand.value.number {
        if found == nil, rest.isEmpty { return .found }
        let value = JSONValue.number(isNegative ? NumericArithmetic.negate(number) : number)
        outcome = try next(rest, Item(value: value), found)
      } else {
        if found == nil, rest.isEmpty { continue }
        return try fail(
          "2203B", "operand of unary jsonpath operator \(isNegative ? "-" : "+") is not a numeric value")
      }
      if outcome == .failed || outcome == .found && found == nil { return outcome }
    }
    return outcome
  }

  private func apply(
    _ method: JSONPath.Method, _ rest: ArraySlice<JSONPath.Step>, _ item: Item, _ found: Found?
  ) throws -> Outcome {
    func numeric(_ compute: (Numeric) throws -> Numeric) throws -> Outcome {
      guard let number = item.value.number else {
        return try fail(
          "22036", "jsonpath item method .\(method.rawValue)() can only be applied to a numeric value")
      }
      return try next(rest, Item(value: .number(try compute(number))), found)
    }
    switch method {
    case .type: return try next(rest, Item(value: .string(Array(item.value.typeName.utf8))), found)
    case .size:
      if case .array(let elements) = item.value {
        return try next(rest, Item(value: .number(Array("\(elements.count)".utf8))), found)
      }
      if isLax { return try next(rest, Item(value: .number([0x31])), found) }
      return try structural("22039", "jsonpath item method .size() can only be applied to an array")
    case .abs: return try numeric(NumericArithmetic.abs)
    case .floor: return try numeric(NumericArithmetic.floor)
    case .ceiling: return try numeric(NumericArithmetic.ceil)
    case .double: return try double(rest, item, found)
    case .keyvalue:
      guard case .object(let members) = item.value else {
        return try fail("2203C", "jsonpath item method .keyvalue() can only be applied to an object")
      }
      return try keyValues(members, rest, item, found)
    }
  }

  private func double(_ rest: ArraySlice<JSONPath.Step>, _ item: Item, _ found: Found?) throws -> Outcome {
    let bytes: [UInt8]
    var kind = "numeric"
    switch item.value {
    case .number(let digits): bytes = digits
    case .string(let text):
      bytes = text
      kind = "string"
    default:
      return try fail("22036", "jsonpath item method .double() can only be applied to a string or numeric value")
    }
    guard case .value(let value) = bytes.withUnsafeBytes({ NumberParse.double($0) }), value.isFinite else {
      return try fail(
        "22036",
        "\(kind) argument of jsonpath item method .double() "
          + (kind == "string"
            ? "is not a valid representation of a double precision number"
            : "is out of range for type double precision"))
    }
    return try next(rest, Item(value: .number(try NumericArithmetic.make(value))), found)
  }

  private func keyValues(
    _ members: [JSONValue.Member], _ rest: ArraySlice<JSONPath.Step>, _ item: Item, _ found: Found?
  ) throws -> Outcome {
    var outcome = Outcome.nothing
    for member in members {
      let object = JSONValue.object([
        JSONValue.Member(key: Array("id".utf8), value: .number(Array("\(item.place.identifier)".utf8))),
        JSONValue.Member(key: Array("key".utf8), value: .string(member.key)),
        JSONValue.Member(key: Array("value".utf8), value: member.value),
      ])
      let place = JSONPlace(base: generatedObjects)
      generatedObjects += 1
      outcome = try next(rest, Item(value: object, place: place), found)
      if outcome == .failed || outcome == .found && found == nil { return outcome }
    }
    return outcome
  }
}

extension JSONValue {
  static func number(_ value: Numeric) -> JSONValue { .number(Array(value.description.utf8)) }

  /// The number this is; nil for others, and for one of more digits than numeric has here.
  var number: Numeric? {
    guard case .number(let digits) = self else { return nil }
    return digits.withUnsafeBytes { try? NumericArithmetic.parse($0) }
  }

  var isArray: Bool { if case .array = self { true } else { false } }

  var isNested: Bool {
    switch self {
    case .array, .object: true
    default: false
    }
  }
}
