import Vectors

/// A type without its modifiers, and the pseudo-types that signatures use. Named as in PostgreSQL's `pg_type`.
enum TypeKind: UInt8, Sendable, Hashable, CaseIterable {
  case bool, int2, int4, int8, float4, float8, numeric
  case text, varchar, bpchar, bytea
  case date, time, timestamp, timestamptz, interval
  case uuid, json, jsonb
  /// An array, whatever its elements.
  case array
  /// An enumerated type, whichever it is.
  case enumeration
  case record
  case unknown
  /// Any type, each argument its own.
  case any
  /// Any type; all such arguments get their common type.
  case anyCompatible
}

/// PostgreSQL's type categories, within which implicit casts prefer one type.
enum TypeCategory: Sendable {
  case boolean, number, string, dateTime, timespan, user, array, enumeration, unknown, pseudo
}

extension TypeKind {
  init(_ type: LogicalType) {
    switch type {
    case .boolean: self = .bool
    case .smallint: self = .int2
    case .integer: self = .int4
    case .bigint: self = .int8
    case .real: self = .float4
    case .double: self = .float8
    case .numeric: self = .numeric
    case .text: self = .text
    case .varchar: self = .varchar
    case .char: self = .bpchar
    case .bytea: self = .bytea
    case .date: self = .date
    case .time: self = .time
    case .timestamp: self = .timestamp
    case .timestamptz: self = .timestamptz
    case .interval: self = .interval
    case .uuid: self = .uuid
    case .json: self = .json
    case .jsonb: self = .jsonb
    case .array: self = .array
    case .enumeration: self = .enumeration
    case .record: self = .record
    case .unknown: self = .unknown
    }
  }

  /// The type without modifiers. A `bpchar` without a length has none in our types and stands as text; so do the
  /// pseudo-types.
  var type: LogicalType {
    switch self {
    case .bool: .boolean
    case .int2: .smallint
    case .int4: .integer
    case .int8: .bigint
    case .float4: .real
    case .float8: .double
    case .numeric: .numeric(precision: nil, scale: nil)
    case .text, .bpchar, .enumeration, .any, .anyCompatible: .text
    case .varchar: .varchar(length: nil)
    case .bytea: .bytea
    case .date: .date
    case .time: .time
    case .timestamp: .timestamp
    case .timestamptz: .timestamptz
    case .interval: .interval
    case .uuid: .uuid
    case .json: .json
    case .jsonb: .jsonb
    case .array: .array(.text)
    case .record: .record(isComparable: false)
    case .unknown: .unknown
    }
  }

  /// The name without modifiers, for messages.
  var name: String {
    self == .bpchar ? "character" : self == .array ? "anyarray" : self == .enumeration ? "anyenum" : type.name
  }

  var category: TypeCategory {
    switch self {
    case .bool: .boolean
    case .int2, .int4, .int8, .float4, .float8, .numeric: .number
    case .text, .varchar, .bpchar: .string
    case .date, .time, .timestamp, .timestamptz: .dateTime
    case .interval: .timespan
    case .bytea, .uuid, .json, .jsonb: .user
    case .array: .array
    case .enumeration: .enumeration
    case .unknown: .unknown
    case .any, .anyCompatible, .record: .pseudo
    }
  }

  var isPreferred: Bool {
    switch self {
    case .bool, .float8, .text, .timestamptz, .interval: true
    default: false
    }
  }

  var isInteger: Bool { self == .int2 || self == .int4 || self == .int8 }
  var isNumber: Bool { category == .number }
  var isString: Bool { category == .string }
}

/// Where a cast is asked for: each context allows what the ones before it do.
enum CastContext: Int, Comparable, Sendable {
  case implicit, assignment, explicit
  static func < (left: CastContext, right: CastContext) -> Bool { left.rawValue < right.rawValue }
}

extension TypeKind {
  /// Returns the first context in which PostgreSQL casts this type to `target`; nil if it never does.
  func castContext(to target: TypeKind) -> CastContext? {
    if self == target { return .implicit }
    switch (self, target) {
    case (_, .any), (_, .anyCompatible), (.unknown, _): return .implicit
    case (.bool, .int4), (.int4, .bool): return .explicit
    case (.int2, _) where target.isNumber, (.int4, .int8), (.int4, .float4), (.int4, .float8), (.int4, .numeric),
      (.int8, .float4), (.int8, .float8), (.int8, .numeric), (.numeric, .float4), (.numeric, .float8),
      (.float4, .float8):
      return .implicit
    case _ where isNumber && target.isNumber: return .assignment
    case _ where isString && target.isString: return .implicit
    case (.date, .timestamp), (.date, .timestamptz), (.timestamp, .timestamptz), (.time, .interval): return .implicit
    case (.timestamp, .date), (.timestamp, .time), (.timestamptz, .date), (.timestamptz, .time),
      (.timestamptz, .timestamp), (.interval, .time), (.json, .jsonb), (.jsonb, .json):
      return .assignment
    case (.jsonb, .bool): return .explicit
    case _ where self == .jsonb && target.isNumber: return .explicit
    case (_, .record): return nil
    case _ where target.isString: return .assignment
    case _ where isString: return .explicit
    default: return nil
    }
  }

  func casts(to target: TypeKind, _ context: CastContext = .implicit) -> Bool {
    guard let needed = castContext(to: target) else { return false }
    return needed <= context
  }
}
