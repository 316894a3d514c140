/// A type as SQL names it. What it means is PostgreSQL's; how it lies in memory says `physical`.
package enum LogicalType: Hashable, Sendable {
  case boolean
  case smallint
  case integer
  case bigint
  case real
  case double
  /// Exact decimal; without precision any number of digits that `Numeric` holds.
  case numeric(precision: Int?, scale: Int?)
  case text
  /// `varchar(n)`; the length counts characters.
  case varchar(length: Int?)
  /// `char(n)`, blank padded.
  case char(length: Int)
  case bytea
  /// Days since 1970-01-01, `Int32`; the extremes are ±infinity.
  case date
  /// Microseconds since midnight, `Int64`.
  case time
  /// Microseconds since 1970-01-01 00:00, `Int64`, no zone; the extremes are ±infinity.
  case timestamp
  /// Microseconds since 1970-01-01 00:00 UTC, `Int64`; shown in the session's zone.
  case timestamptz
  case interval
  case uuid
  case json
  case jsonb
  /// One dimension, from 1; its values are PostgreSQL's text of them.
  indirect case array(LogicalType)
  /// Labels in an order of their own, as the positions of these.
  case enumeration(EnumerationType)
  /// A row of fields, as PostgreSQL's text of it; comparable when equal rows are equal texts. No column is stored so.
  case record(isComparable: Bool)
  /// The type of a bare NULL or an untyped literal before the binder decides.
  case unknown
}

/// How a type lies in memory: one fixed width each.
package enum PhysicalType: UInt8, Hashable, Sendable, CaseIterable {
  /// One byte, 0 or 1.
  case boolean = 1
  case int16 = 2
  case int32 = 3
  case int64 = 4
  case float32 = 5
  case float64 = 6
  /// `StringReference`, 16 bytes.
  case string = 7
  /// `Numeric`, 32 bytes.
  case numeric = 8
  /// `Interval`, 16 bytes.
  case interval = 9
  /// `UUIDValue`, 16 bytes.
  case uuid = 10

  /// Bytes from one value to the next.
  @inlinable package var stride: Int {
    switch self {
    case .boolean: 1
    case .int16: 2
    case .int32, .float32: 4
    case .int64, .float64: 8
    case .string, .interval, .uuid: 16
    case .numeric: 32
    }
  }
}

extension LogicalType {
  package var physical: PhysicalType {
    switch self {
    case .boolean: .boolean
    case .smallint: .int16
    case .integer, .date, .enumeration: .int32
    case .bigint, .time, .timestamp, .timestamptz: .int64
    case .real: .float32
    case .double: .float64
    case .numeric: .numeric
    case .text, .varchar, .char, .bytea, .json, .jsonb, .array, .record, .unknown: .string
    case .interval: .interval
    case .uuid: .uuid
    }
  }

  /// True for text, varchar and char.
  package var isText: Bool {
    switch self {
    case .text, .varchar, .char: true
    default: false
    }
  }

  package var isInteger: Bool { self == .smallint || self == .integer || self == .bigint }

  /// Returns whether `value` is one of this type's, which is an integer type.
  package func holds(_ value: Int64) -> Bool {
    switch self {
    case .smallint: Int16(exactly: value) != nil
    case .integer: Int32(exactly: value) != nil
    default: true
    }
  }

  package var isFloat: Bool { self == .real || self == .double }

  package var isNumeric: Bool {
    if case .numeric = self { return true }
    return false
  }

  /// True for every type that arithmetic knows as a number.
  package var isNumber: Bool { isInteger || isFloat || isNumeric }

  /// Returns PostgreSQL's name, with its modifiers: `double precision`, `numeric(10,2)`.
  package var name: String {
    switch self {
    case .boolean: "boolean"
    case .smallint: "smallint"
    case .integer: "integer"
    case .bigint: "bigint"
    case .real: "real"
    case .double: "double precision"
    case .numeric(let precision?, let scale): "numeric(\(precision),\(scale ?? 0))"
    case .numeric: "numeric"
    case .text: "text"
    case .varchar(let length?): "character varying(\(length))"
    case .varchar: "character varying"
    case .char(let length): "character(\(length))"
    case .bytea: "bytea"
    case .date: "date"
    case .time: "time without time zone"
    case .timestamp: "timestamp without time zone"
    case .timestamptz: "timestamp with time zone"
    case .interval: "interval"
    case .uuid: "uuid"
    case .json: "json"
    case .jsonb: "jsonb"
    case .array(let element): element.name + "[]"
    case .enumeration(let type): type.name
    case .record: "record"
    case .unknown: "unknown"
    }
  }
}

extension LogicalType: CustomStringConvertible {
  package var description: String { name }
}
