import Planning
import Vectors

/// How coarsely an expression sees a timestamp, or a whole number: `extract(hour FROM t)` changes at whole hours only, so
/// it need be asked only once for each hour.
enum TimeGranularity {
  static let second: UInt64 = 1_000_000
  static let minute = 60 * second
  static let hour = 60 * minute
  static let day = 24 * hour

  /// Returns the microseconds between places where `expression`, of one timestamp column, may change; nil when it may
  /// change anywhere. Such places are multiples of it since 1970.
  static func of(_ expression: Expression) -> UInt64? {
    if let unit = known(expression) { return unit }
    if case .column = expression { return nil }
    var finest: UInt64 = day
    for child in expression.children {
      guard let unit = of(child) else { return nil }
      finest = min(finest, unit)
    }
    return finest
  }

  /// Returns how many whole numbers in a row, from a multiple of it on, `expression` of one column cannot tell apart,
  /// if none is negative: 86,400 for `seconds / 86400`; nil when it may differ for any two.
  static func ofWholeNumbers(_ expression: Expression) -> UInt64? {
    switch expression {
    case .column: return nil
    case .constant: return 0
    case .call(.divide, let operands, _):
      guard operands.count == 2, case .constant(.integer(let divisor), _) = operands[1], divisor > 0 else { return nil }
      switch operands[0] {
      case .column(let column) where column.type.isInteger: return UInt64(divisor)
      case .call(.modulo, let inner, _):
        guard inner.count == 2, case .column(let column) = inner[0], column.type.isInteger,
          case .constant(.integer(let modulus), _) = inner[1], modulus > 0, modulus % divisor == 0
        else { return nil }
        return UInt64(divisor)
      default: return nil
      }
    default:
      var unit: UInt64 = 0
      for child in expression.children {
        guard let other = ofWholeNumbers(child) else { return nil }
        unit = greatestCommonDivisor(unit, other)
      }
      return unit
    }
  }

  private static func greatestCommonDivisor(_ first: UInt64, _ second: UInt64) -> UInt64 {
    var (larger, smaller) = (first, second)
    while smaller != 0 { (larger, smaller) = (smaller, larger % smaller) }
    return larger
  }

  private static func known(_ expression: Expression) -> UInt64? {
    switch expression {
    case .cast(.column(let column), .date) where column.type == .timestamp: return day
    case .call(let function, let arguments, _):
      guard arguments.count == 2, case .constant(.text(let name), _) = arguments[0],
        case .column(let column) = arguments[1], column.type == .timestamp
      else { return nil }
      switch function {
      case .extract, .datePart: return unit(ofField: name)
      case .dateTrunc: return name.lowercased() == "second" ? second : unit(ofField: name)
      default: return nil
      }
    default: return nil
    }
  }

  private static func unit(ofField name: String) -> UInt64? {
    switch name.lowercased() {
    case "minute": minute
    case "hour": hour
    case "day", "dow", "isodow", "doy", "week", "month", "quarter", "year", "isoyear", "decade", "century",
      "millennium":
      day
    default: nil
    }
  }
}
