import Bytes
import SQLSyntax
import Vectors

/// Calls of functions that stand for other expressions.
extension Binder {
  /// Functions whose arguments may have any type.
  private static let functionsOfAny: Set<String> = [
    "concat", "concat_ws", "format", "json_build_array", "jsonb_build_array", "json_build_object", "jsonb_build_object",
    "num_nulls", "num_nonnulls", "pg_typeof",
  ]

  /// Functions that are other expressions underneath.
  func bindSpecial(
    _ name: String, _ arguments: [Expression], _ ranges: [SourceRange], _ range: SourceRange
  ) throws -> Expression? {
    func text(_ index: Int) throws -> Expression {
      let argument = arguments[index]
      return argument.type == .unknown || argument.type.isText
        ? try coerce(argument, to: .text, ranges[index]) : .cast(argument, .text)
    }
    /// As the value is shown: a boolean by its first letter, unlike its cast.
    func printed(_ index: Int) throws -> Expression {
      if let value = padded(arguments[index]) { return value }
      guard arguments[index].type == .boolean else { return try text(index) }
      return .branch(
        [
          Branch(when: arguments[index], then: .constant(.text("t"), .text)),
          Branch(when: .not(arguments[index]), then: .constant(.text("f"), .text)),
        ], otherwise: nil, .text)
    }
    if let array = try bindArrayFunction(name, arguments, ranges, range) { return array }
    if Binder.functionsOfAny.contains(name) {
      for (argument, range) in zip(arguments, ranges).dropFirst(name == "format" || name == "concat_ws" ? 1 : 0) {
        try requireKnown(argument, range)
      }
    }
    switch (name, arguments.count) {
    case ("octet_length", 1), ("bit_length", 1):
      guard let value = padded(arguments[0]) else { break }
      return try bindSpecial(name, [value], ranges, range)
        ?? .call(.octetLength, [value], .integer)
    default: break
    }
    switch (name, arguments.count) {
    case ("concat", 1...): return .call(.concat, try arguments.indices.map(printed), .text)
    case ("concat_ws", 2...):
      return .call(.concatWithSeparator, [try text(0)] + (try arguments.indices.dropFirst().map(printed)), .text)
    case ("jsonb_build_array", _), ("json_build_array", _), ("jsonb_build_object", _), ("json_build_object", _):
      let isObject = name.hasSuffix("object")
      if isObject, arguments.count % 2 != 0 {
        throw BinderError.user("22023", "argument list must have even number of elements", range)
      }
      let values = try zip(arguments, ranges).map { value, range in
        value.type == .unknown ? try coerce(value, to: .text, range) : value
      }
      let type: LogicalType = name.hasPrefix("jsonb") ? .jsonb : .json
      return .call(
        isObject ? .jsonBuildObject : .jsonBuildArray, try values.map { try asJSON($0, type, range) }, type)
    case ("overlaps", 4): return try bindOverlaps(arguments, ranges, range)
    case ("json_object", 1...2), ("jsonb_object", 1...2):
      let type: LogicalType = name == "jsonb_object" ? .jsonb : .json
      let texts = try zip(arguments, ranges).map { try coerce($0, to: .array(.text), $1) }
      return .call(.jsonObject, texts, type)
    case ("array_to_json", 1...2):
      guard arguments[0].type.element != nil else { return nil }
      let array = Expression.call(.toJSON, [try asJSON(arguments[0], .json, range)], .json)
      return try lines(array, arguments.dropFirst().first, ranges.last ?? range)
    case ("jsonb_set_lax", 3...5): return try bindLaxSet(arguments, ranges, range)
    case ("current_setting", 1...2):
      guard let setting = try constantText(arguments[0], ranges[0]) else {
        throw BinderError.unsupported("current_setting of a name that is no constant", range)
      }
      if let value = names.setting(setting) { return .constant(.text(value), .text) }
      if arguments.count == 2, try constant(try coerce(arguments[1], to: .boolean, ranges[1]), range) == .boolean(true)
      {
        return .null(.text)
      }
      throw BinderError.user("42704", "unrecognized configuration parameter \"\(setting)\"", range)
    case ("nextval", 1), ("currval", 1):
      usesSequences = true
      return .call(name == "nextval" ? .nextValue : .currentValue, [try text(0)], .bigint)
    case ("lastval", 0):
      usesSequences = true
      return .call(.lastValue, [], .bigint)
    case ("setval", 2...3):
      usesSequences = true
      let isCalled =
        arguments.count == 3 ? try coerce(arguments[2], to: .boolean, ranges[2]) : .constant(.boolean(true), .boolean)
      return .call(.setValue, [try text(0), try coerce(arguments[1], to: .bigint, ranges[1]), isCalled], .bigint)
    case (let name, 1) where name.hasPrefix("to_json") && arguments[0].type.element?.isRecord == true:
      let type: LogicalType = name == "to_jsonb" ? .jsonb : .json
      return .call(.toJSON, [try asJSON(arguments[0], type, range)], type)
    case ("row_to_json", 1...2), ("to_json", 1), ("to_jsonb", 1):
      guard arguments[0].type.isRecord else {
        if name == "row_to_json" { throw BinderError.noFunction(name, arguments.map { TypeKind($0.type) }, range) }
        return nil
      }
      return try lines(
        try asJSON(arguments[0], name == "to_jsonb" ? .jsonb : .json, range), arguments.dropFirst().first,
        ranges.last ?? range)
    case ("jsonb_extract_path", 2...), ("jsonb_extract_path_text", 2...), ("json_extract_path", 2...),
      ("json_extract_path_text", 2...):
      let type: LogicalType = name.hasPrefix("jsonb") ? .jsonb : .json
      let path = Expression.call(.makeArray, try arguments.indices.dropFirst().map(text), .array(.text))
      let value = try coerce(arguments[0], to: type, ranges[0])
      return name.hasSuffix("text")
        ? .call(.jsonPathText, [value, path], .text) : .call(.jsonPath, [value, path], type)
    case ("format", 1...):
      return .call(.format, [try text(0)] + (try arguments.indices.dropFirst().map(printed)), .text)
    case ("substring", 3) where arguments.allSatisfy({ $0.type == .unknown || $0.type.isText }):
      // substring(text similar pattern escape character)
      return .call(
        .substringRegex, [try text(0), .call(.similarPattern, [try text(1), try text(2)], .text)], .text)
    case ("quote_nullable", 1):
      return .coalesce([.call(.quoteLiteral, [try text(0)], .text), .constant(.text("NULL"), .text)], .text)
    case ("quote_literal", 1) where arguments[0].type != .unknown && !arguments[0].type.isText:
      return .call(.quoteLiteral, [try text(0)], .text)
    case ("bit_length", 1)
    where arguments[0].type == .bytea || arguments[0].type == .unknown || arguments[0].type.isText:
      let value = arguments[0].type == .bytea ? arguments[0] : try text(0)
      return .call(
        .multiply, [.call(.octetLength, [value], .integer), .constant(.integer(8), .integer)], .integer)
    case ("num_nulls", 1...), ("num_nonnulls", 1...):
      let counted = try arguments.enumerated().map { index, argument -> Expression in
        let value = argument.type == .unknown ? try coerce(argument, to: .text, ranges[index]) : argument
        let isNull = Expression.isNull(value)
        return .cast(name == "num_nulls" ? isNull : .not(isNull), .integer)
      }
      return counted.dropFirst().reduce(counted[0]) { .call(.add, [$0, $1], .integer) }
    case ("time_bucket", 2...3):
      // As date_bin, from a Monday unless an origin is given.
      let isZoned = arguments[1].type == .timestamptz
      let type: LogicalType = isZoned ? .timestamptz : .timestamp
      guard arguments[1].type == .unknown || TypeKind(arguments[1].type).category == .dateTime else { return nil }
      let origin =
        arguments.count == 3
        ? try coerce(arguments[2], to: type, ranges[2])
        : Expression.constant(try evaluate(.cast(.constant(.text("2000-01-03"), .text), type), range), type)
      let width = try coerce(arguments[0], to: .interval, ranges[0])
      let bucket = Expression.call(.dateBin, [width, try coerce(arguments[1], to: type, ranges[1]), origin], type)
      return arguments[1].type == .date ? .cast(bucket, .date) : bucket
    case ("make_timestamptz", 6...7):
      let kinds: [LogicalType] = [.integer, .integer, .integer, .integer, .integer, .double]
      let parts = try zip(arguments, kinds).enumerated().map { try coerce($1.0, to: $1.1, ranges[$0]) }
      if arguments.count == 7 {
        // Here a number counts eastward, where AT TIME ZONE's counts westward.
        let zone = try text(6)
        func constant(_ text: String) -> Expression { .constant(.text(text), .text) }
        let isNumber = Expression.disjunction(
          ["+", "-"].map { .call(.startsWith, [zone, constant($0)], .boolean) })
        let turned = Expression.call(.translate, [zone, constant("+-"), constant("-+")], .text)
        return .call(
          .timezone,
          [
            .call(.makeTimestamp, parts, .timestamp),
            .branch([Branch(when: isNumber, then: turned)], otherwise: zone, .text),
          ], .timestamptz)
      }
      return .cast(.call(.makeTimestamp, parts, .timestamp), .timestamptz)
    case ("clock_timestamp", 0): return .call(.now, [], .timestamptz)
    case ("version", 0): return .constant(.text("PostgreSQL 15 compatible (Pulsehouse)"), .text)
    case ("current_schema", 0): return .constant(.text("public"), .text)
    case ("current_database", 0), ("current_catalog", 0): return .constant(.text("pulsehouse"), .text)
    case ("pg_typeof", 1):
      let type = arguments[0].type
      let name = type.element.map { $0.messageName + "[]" } ?? type.messageName
      return .constant(.text(name), .text)
    case ("age", 1)
    where arguments[0].type == .unknown || [.date, .timestamp, .timestamptz].contains(arguments[0].type):
      let today = Expression.cast(.cast(.call(.now, [], .timestamptz), .date), .timestamp)
      return .call(.age, [today, try coerce(arguments[0], to: .timestamp, ranges[0])], .interval)
    case ("overlay", 3...4) where arguments.prefix(2).allSatisfy { $0.type == .unknown || $0.type.isText }:
      // overlay(s placing n from p for c) is s up to p, n, and s from p + c on.
      let (value, new) = (try text(0), try text(1))
      let start = try coerce(arguments[2], to: .integer, ranges[2])
      let count =
        arguments.count == 4
        ? try coerce(arguments[3], to: .integer, ranges[3]) : .call(.length, [new], .integer)
      let one = Expression.constant(.integer(1), .integer)
      let before = Expression.call(
        .substring, [value, one, .call(.subtract, [start, one], .integer)], .text)
      let after = Expression.call(.substring, [value, .call(.add, [start, count], .integer)], .text)
      return .call(.concatenate, [.call(.concatenate, [before, new], .text), after], .text)
    default: return nil
    }
  }

  /// JSON in lines where `hasLines` is true.
  private func lines(_ json: Expression, _ hasLines: Expression?, _ range: SourceRange) throws -> Expression {
    guard let hasLines else { return json }
    let condition = try coerce(hasLines, to: .boolean, range)
    return .branch(
      [
        Branch(when: condition, then: .call(.jsonLines, [json], .json)), Branch(when: .not(condition), then: json),
      ], otherwise: nil, .json)
  }

  /// `jsonb_set_lax(target, path, value[, create[, what a NULL value does]])`.
  private func bindLaxSet(
    _ arguments: [Expression], _ ranges: [SourceRange], _ range: SourceRange
  ) throws -> Expression {
    let wanted: [LogicalType] = [.jsonb, .array(.text), .jsonb, .boolean, .text]
    guard zip(arguments, wanted).allSatisfy({ $0.type == $1 || $0.type == .unknown }) else {
      throw BinderError.noFunction("jsonb_set_lax", arguments.map { TypeKind($0.type) }, range)
    }
    let target = try coerce(arguments[0], to: .jsonb, ranges[0])
    let path = try coerce(arguments[1], to: .array(.text), ranges[1])
    let value = try coerce(arguments[2], to: .jsonb, ranges[2])
    let creates =
      arguments.count > 3 ? try coerce(arguments[3], to: .boolean, ranges[3]) : .constant(.boolean(true), .boolean)
    let treatment =
      arguments.count > 4 ? try coerce(arguments[4], to: .text, ranges[4]) : .constant(.text("use_json_null"), .text)
    func raise(_ message: String, _ state: String) -> Expression {
      .call(.raise, [.constant(.text(message), .text), .constant(.text(state), .text)], .jsonb)
    }
    func isTreatment(_ name: String) -> Expression { .compare(.equal, treatment, .constant(.text(name), .text)) }
    func set(_ value: Expression) -> Expression { .call(.jsonSet, [target, path, value, creates], .jsonb) }
    let unknown = raise(
      "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"",
      "22023")
    return .branch(
      [
        Branch(when: .or([.isNull(target), .isNull(path), .isNull(creates)]), then: .null(.jsonb)),
        Branch(when: .isNull(treatment), then: unknown),
        Branch(when: .not(.isNull(value)), then: set(value)),
        Branch(when: isTreatment("use_json_null"), then: set(.constant(.text("null"), .jsonb))),
        Branch(when: isTreatment("delete_key"), then: .call(.jsonRemovePath, [target, path], .jsonb)),
        Branch(when: isTreatment("return_target"), then: target),
        Branch(when: isTreatment("raise_exception"), then: raise("JSON value must not be null", "22004")),
      ], otherwise: unknown, .jsonb)
  }

  /// `concat(VARIADIC array)` and the like: the array's elements are the arguments.
  func bindVariadic(_ call: FunctionCall, _ name: String, _ stage: Stage, _ range: SourceRange) throws -> Expression {
    let fixed = ["concat": 0, "num_nulls": 0, "num_nonnulls": 0, "concat_ws": 1, "format": 1]
    let isPath = name.hasPrefix("json") && (name.hasSuffix("_extract_path") || name.hasSuffix("_extract_path_text"))
    guard let count = fixed[name] ?? (isPath ? 1 : nil), call.arguments.allSatisfy({ $0.name == nil }) else {
      throw BinderError.unsupported("VARIADIC", range)
    }
    var arguments = try call.arguments.map { try bind($0.value, stage) }
    let ranges = call.arguments.map(\.value.range)
    guard arguments.count == count + 1, var array = arguments.popLast() else {
      throw BinderError.noFunction(name, arguments.map { TypeKind($0.type) }, range)
    }
    if isPath, array.type == .unknown { array = try coerce(array, to: .array(.text), ranges[1]) }
    guard array.type.element != nil else {
      throw BinderError.user("42804", "VARIADIC argument must be an array", ranges[count])
    }
    func text() throws -> Expression {
      guard arguments[0].type == .unknown || arguments[0].type.isText else {
        throw BinderError.noFunction(name, (arguments + [array]).map { TypeKind($0.type) }, range)
      }
      return try coerce(arguments[0], to: .text, ranges[0])
    }
    switch name {
    case "concat": return .call(.arrayToString, [array, .constant(.text(""), .text)], .text)
    case "concat_ws": return .call(.arrayToString, [array, try text()], .text)
    case "format": return .call(.formatArray, [try text(), array], .text)
    case "num_nulls", "num_nonnulls":
      guard let element = array.type.element else { break }
      let some = Expression.call(
        .cardinality, [.call(.arrayRemove, [array, .null(element)], array.type)], .integer)
      return name == "num_nonnulls"
        ? some : .call(.subtract, [.call(.cardinality, [array], .integer), some], .integer)
    default: break
    }
    let type: LogicalType = name.hasPrefix("jsonb") ? .jsonb : .json
    let value = try coerce(arguments[0], to: type, ranges[0])
    let path = try explicitCast(array, to: .array(.text), ranges[1])
    return name.hasSuffix("text") ? .call(.jsonPathText, [value, path], .text) : .call(.jsonPath, [value, path], type)
  }

  func constantText(_ value: Expression, _ range: SourceRange) throws -> String? {
    guard value.isConstant, case .text(let text) = try constant(try coerce(value, to: .text, range), range) else {
      return nil
    }
    return text
  }

  /// `(a, b) OVERLAPS (c, d)`: whether two spans, each of two ends or an end and a length, share a moment.
  private func bindOverlaps(
    _ arguments: [Expression], _ ranges: [SourceRange], _ range: SourceRange
  ) throws -> Expression {
    let kinds = [0, 2].map { arguments[$0].type } + [1, 3].map { arguments[$0].type }
    let times = kinds.filter { $0 != .unknown && $0 != .interval }
    let type: LogicalType
    if times.contains(.time) {
      type = .time
    } else if times.contains(.timestamptz) || times.isEmpty {
      type = .timestamptz
    } else {
      type = .timestamp
    }
    func span(_ first: Int) throws -> (low: Expression, high: Expression) {
      let start = try coerce(arguments[first], to: type, ranges[first])
      let end =
        arguments[first + 1].type == .interval
        ? Expression.call(.add, [start, arguments[first + 1]], type)
        : try coerce(arguments[first + 1], to: type, ranges[first + 1])
      let high = Expression.branch(
        [Branch(when: .or([.isNull(start), .isNull(end)]), then: .null(type))],
        otherwise: .call(.greatest, [start, end], type), type)
      return (.call(.least, [start, end], type), high)
    }
    let (a, b) = (try span(0), try span(2))
    func reaches(_ later: Expression, _ end: Expression, _ own: Expression) -> Expression {
      .branch(
        [
          Branch(when: .isNull(end), then: .null(.boolean)),
          Branch(when: .compare(.less, later, end), then: .trueConstant),
          Branch(when: .isNull(own), then: .null(.boolean)),
        ], otherwise: .falseConstant, .boolean)
    }
    return .branch(
      [
        Branch(when: .compare(.greater, a.low, b.low), then: reaches(a.low, b.high, a.high)),
        Branch(when: .compare(.less, a.low, b.low), then: reaches(b.low, a.high, b.high)),
        Branch(
          when: .compare(.equal, a.low, b.low),
          then: .branch(
            [Branch(when: .or([.isNull(a.high), .isNull(b.high)]), then: .null(.boolean))], otherwise: .trueConstant,
            .boolean)),
      ], otherwise: nil, .boolean)
  }

  func bindMakeInterval(_ call: FunctionCall, _ stage: Stage, _ range: SourceRange) throws -> Expression {
    let names = ["years", "months", "weeks", "days", "hours", "mins", "secs"]
    var values: [Expression] = names.map { name in
      name == "secs" ? .constant(.double(0), .double) : .constant(.integer(0), .integer)
    }
    guard call.arguments.count <= names.count else {
      let types = try call.arguments.map { TypeKind(try bind($0.value, stage).type) }
      throw BinderError.noFunction("make_interval", types, range)
    }
    for (index, argument) in call.arguments.enumerated() {
      var position = index
      if let name = argument.name {
        guard let found = names.firstIndex(of: name) else {
          throw BinderError.user("42883", "function make_interval has no argument named \"\(name)\"", range)
        }
        position = found
      }
      let value = try bind(argument.value, stage)
      let type: LogicalType = position == 6 ? .double : .integer
      guard TypeKind(value.type).casts(to: TypeKind(type)) else {
        throw BinderError.noFunction("make_interval", [TypeKind(value.type)], range)
      }
      values[position] = try coerce(value, to: type, argument.value.range)
    }
    return .call(.makeInterval, values, .interval)
  }
}

/// Names of PostgreSQL's functions that we do not have yet, to say so rather than "does not exist".
enum SpecialNames {
  static let known: Set<String> = [
    "setseed", "timeofday", "normalize", "to_ascii", "set_config", "txid_current", "erf",
  ]
}
