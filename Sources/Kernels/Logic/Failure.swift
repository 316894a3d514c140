import Bytes
import Vectors

/// PostgreSQL's words and SQLSTATEs for what a value can do wrong.
enum Failure {
  static let divisionByZero = PulsehouseError(.user, "division by zero", sqlState: "22012")
  static let floatOverflow = PulsehouseError(.user, "value out of range: overflow", sqlState: "22003")
  static let floatUnderflow = PulsehouseError(.user, "value out of range: underflow", sqlState: "22003")
  static let numericOverflow = PulsehouseError(
    .user, "numeric value has more than \(Numeric.maximumDigits) digits", sqlState: "22003")
  static let timestampRange = PulsehouseError(.user, "timestamp out of range", sqlState: "22008")
  static let dateRange = PulsehouseError(.user, "date out of range", sqlState: "22008")
  static let intervalRange = PulsehouseError(.user, "interval out of range", sqlState: "22008")

  static func outOfRange(_ type: LogicalType) -> PulsehouseError {
    PulsehouseError(.user, "\(baseName(type)) out of range", sqlState: "22003")
  }

  static func invalidInput(_ type: LogicalType, _ text: String) -> PulsehouseError {
    if case .enumeration(let own) = type {
      return PulsehouseError(.user, "invalid input value for enum \(own.name): \"\(text)\"", sqlState: "22P02")
    }
    return PulsehouseError(
      .user, "invalid input syntax for type \(baseName(type)): \"\(text)\"", sqlState: "22P02")
  }

  /// Dates and times have an SQLSTATE of their own.
  static func invalidDateTime(_ type: LogicalType, _ text: String) -> PulsehouseError {
    PulsehouseError(.user, "invalid input syntax for type \(baseName(type)): \"\(text)\"", sqlState: "22007")
  }

  static func fieldRange(_ text: String) -> PulsehouseError {
    PulsehouseError(.user, "date/time field value out of range: \"\(text)\"", sqlState: "22008")
  }

  static func valueRange(_ type: LogicalType, _ text: String) -> PulsehouseError {
    PulsehouseError(.user, "value \"\(text)\" is out of range for type \(baseName(type))", sqlState: "22003")
  }

  static func parameter(_ message: String) -> PulsehouseError { PulsehouseError(.user, message, sqlState: "22023") }

  static func noOperator(_ symbol: String, _ types: [LogicalType]) -> PulsehouseError {
    let names = types.map { baseName($0) }
    let text = names.count == 2 ? "\(names[0]) \(symbol) \(names[1])" : "\(symbol)(\(names.joined(separator: ", ")))"
    return PulsehouseError(.unsupported, "operator or function does not exist: \(text)", sqlState: "42883")
  }

  /// The type's name without modifiers, as PostgreSQL's messages have it.
  static func baseName(_ type: LogicalType) -> String {
    switch type {
    case .numeric: "numeric"
    case .varchar: "character varying"
    case .char: "character"
    case .time: "time"
    case .timestamp: "timestamp"
    default: type.name
    }
  }
}
