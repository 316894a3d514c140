/// The operators that are functions underneath, by symbol. Numbers beside numbers are settled before this table by
/// their common type; comparisons have rules of their own.
///
/// To add one: a line here, and its function in `ScalarFunction` with a kernel in Execution.
enum OperatorTable {
  typealias Entry = Signature<ScalarFunction>

  static func binary(_ symbol: String) -> [Entry] { binaryOperators[symbol] ?? [] }
  static func unary(_ symbol: String) -> [Entry] { unaryOperators[symbol] ?? [] }

  private static func o(_ function: ScalarFunction, _ left: TypeKind, _ right: TypeKind, _ result: TypeKind) -> Entry {
    Entry(function: function, arguments: [left, right], result: result)
  }

  private static func u(_ function: ScalarFunction, _ operand: TypeKind) -> Entry {
    Entry(function: function, arguments: [operand], result: operand)
  }

  private static func same(_ function: ScalarFunction, _ kinds: [TypeKind]) -> [Entry] {
    kinds.map { o(function, $0, $0, $0) }
  }

  private static let numbers: [TypeKind] = [.int2, .int4, .int8, .float4, .float8, .numeric]
  private static let integers: [TypeKind] = [.int2, .int4, .int8]

  private static let binaryOperators: [String: [Entry]] = [
    "+": same(.add, numbers) + [
      o(.add, .date, .int4, .date),
      o(.add, .int4, .date, .date),
      o(.add, .date, .interval, .timestamp),
      o(.add, .interval, .date, .timestamp),
      o(.add, .date, .time, .timestamp),
      o(.add, .time, .date, .timestamp),
      o(.add, .timestamp, .interval, .timestamp),
      o(.add, .interval, .timestamp, .timestamp),
      o(.add, .timestamptz, .interval, .timestamptz),
      o(.add, .interval, .timestamptz, .timestamptz),
      o(.add, .interval, .interval, .interval),
      o(.add, .time, .interval, .time),
      o(.add, .interval, .time, .time),
    ],
    "-": same(.subtract, numbers) + [
      o(.jsonRemove, .jsonb, .text, .jsonb),
      o(.jsonRemove, .jsonb, .int4, .jsonb),
      o(.jsonRemove, .jsonb, .array, .jsonb),
      o(.subtract, .date, .int4, .date),
      o(.subtract, .date, .date, .int4),
      o(.subtract, .date, .interval, .timestamp),
      o(.subtract, .timestamp, .timestamp, .interval),
      o(.subtract, .timestamptz, .timestamptz, .interval),
      o(.subtract, .timestamp, .interval, .timestamp),
      o(.subtract, .timestamptz, .interval, .timestamptz),
      o(.subtract, .interval, .interval, .interval),
      o(.subtract, .time, .time, .interval),
      o(.subtract, .time, .interval, .time),
    ],
    "*": same(.multiply, numbers) + [
      o(.multiply, .interval, .float8, .interval),
      o(.multiply, .float8, .interval, .interval),
    ],
    "/": same(.divide, numbers) + [o(.divide, .interval, .float8, .interval)],
    "%": same(.modulo, integers + [.numeric]),
    "^": [o(.power, .float8, .float8, .float8), o(.power, .numeric, .numeric, .numeric)],
    "&": same(.bitAnd, integers),
    "|": same(.bitOr, integers),
    "#": same(.bitXor, integers),
    "<<": [o(.shiftLeft, .int2, .int4, .int2), o(.shiftLeft, .int4, .int4, .int4), o(.shiftLeft, .int8, .int4, .int8)],
    ">>": [
      o(.shiftRight, .int2, .int4, .int2), o(.shiftRight, .int4, .int4, .int4), o(.shiftRight, .int8, .int4, .int8),
    ],
    "~~": [o(.like, .text, .text, .bool)],
    "~~*": [o(.ilike, .text, .text, .bool)],
    "~": [o(.regexMatch, .text, .text, .bool)],
    "~*": [o(.regexMatchInsensitive, .text, .text, .bool)],
    "->": [
      o(.jsonGet, .json, .text, .json), o(.jsonGet, .json, .int4, .json), o(.jsonGet, .jsonb, .text, .jsonb),
      o(.jsonGet, .jsonb, .int4, .jsonb),
    ],
    "->>": [
      o(.jsonGetText, .json, .text, .text), o(.jsonGetText, .json, .int4, .text),
      o(.jsonGetText, .jsonb, .text, .text), o(.jsonGetText, .jsonb, .int4, .text),
    ],
    "#>": [o(.jsonPath, .json, .array, .json), o(.jsonPath, .jsonb, .array, .jsonb)],
    "#-": [o(.jsonRemovePath, .jsonb, .array, .jsonb)],
    "#>>": [o(.jsonPathText, .json, .array, .text), o(.jsonPathText, .jsonb, .array, .text)],
    "@>": [o(.jsonContains, .jsonb, .jsonb, .bool)],
    "@?": [o(.jsonPathExistsOperator, .jsonb, .text, .bool)],
    "@@": [o(.jsonPathMatchOperator, .jsonb, .text, .bool)],
    "?": [o(.jsonHasKey, .jsonb, .text, .bool)],
    "?|": [o(.jsonHasAny, .jsonb, .array, .bool)],
    "?&": [o(.jsonHasAll, .jsonb, .array, .bool)],
    "^@": [o(.startsWith, .text, .text, .bool)],
  ]

  private static let unaryOperators: [String: [Entry]] = [
    "-": (numbers + [.interval]).map { u(.negate, $0) },
    "+": numbers.map { u(.add, $0) },
    "~": integers.map { u(.bitNot, $0) },
    "@": numbers.map { u(.abs, $0) },
    "|/": [u(.sqrt, .float8)],
    "||/": [u(.cbrt, .float8)],
  ]
}
