import Vectors

/// The narrowest type that every value seen of a column is of.
///
/// In the order boolean, bigint, double precision, time, date, timestamp, timestamp with time zone, text; a column
/// without values is text. ISO dates and times alone are recognized.
struct TypeGuess {
  private enum Candidate: Int, CaseIterable {
    case boolean, bigint, double, time, date, timestamp, timestamptz

    var type: LogicalType {
      switch self {
      case .boolean: .boolean
      case .bigint: .bigint
      case .double: .double
      case .time: .time
      case .date: .date
      case .timestamp: .timestamp
      case .timestamptz: .timestamptz
      }
    }

    func takes(_ text: String) -> Bool {
      switch self {
      case .boolean: return ["true", "false"].contains(text.lowercased())
      case .bigint: return Int64(text) != nil
      case .double: return TypeGuess.isNumber(text)
      case .time: return TypeGuess.isTime(text[...])
      case .date: return TypeGuess.isDate(text[...])
      case .timestamp:
        return TypeGuess.isDate(text.prefix(10)) && (text.count == 10 || TypeGuess.isClock(text, hasZone: false))
      case .timestamptz: return TypeGuess.isDate(text.prefix(10)) && TypeGuess.isClock(text, hasZone: true)
      }
    }
  }

  private var candidates = Candidate.allCases
  private var hasValues = false
  private var isText = false

  mutating func see(_ text: String) {
    hasValues = true
    if !isText { candidates.removeAll { !$0.takes(text) } }
  }

  /// No type but text will do.
  mutating func seeText() {
    hasValues = true
    isText = true
  }

  /// The type of the values seen; nil when there were none.
  var type: LogicalType? {
    guard hasValues else { return nil }
    return isText ? .text : candidates.first?.type ?? .text
  }

  /// Whether a value is of the type guessed so far.
  func takes(_ text: String) -> Bool {
    var other = self
    other.see(text)
    return other.type == type
  }

  static func isNumber(_ text: String) -> Bool {
    let others = Set("+-.eE".utf8)
    var hasDigit = false
    for byte in text.utf8 {
      if byte >= 48 && byte <= 57 { hasDigit = true } else if !others.contains(byte) { return false }
    }
    return hasDigit && Double(text) != nil
  }

  private static func isDigits(_ text: Substring, _ count: ClosedRange<Int>) -> Bool {
    count.contains(text.utf8.count) && text.utf8.allSatisfy { $0 >= 48 && $0 <= 57 }
  }

  private static func isDate(_ text: Substring) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, isDigits(parts[0], 4...4), isDigits(parts[1], 2...2), isDigits(parts[2], 2...2),
      let month = Int(parts[1]), let day = Int(parts[2])
    else { return false }
    return (1...12).contains(month) && (1...31).contains(day)
  }

  private static func isTime(_ text: Substring) -> Bool {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 || parts.count == 3, isDigits(parts[0], 2...2), isDigits(parts[1], 2...2),
      let hour = Int(parts[0]), hour < 24, let minute = Int(parts[1]), minute < 60
    else { return false }
    guard parts.count == 3 else { return true }
    let seconds = parts[2].split(separator: ".", omittingEmptySubsequences: false)
    return seconds.count <= 2 && isDigits(seconds[0], 2...2) && seconds.dropFirst().allSatisfy { isDigits($0, 1...6) }
  }

  /// The part behind the date: a blank or T, a time, and a zone or none.
  private static func isClock(_ text: String, hasZone: Bool) -> Bool {
    guard text.utf8.count > 11, let separator = text.dropFirst(10).first, separator == " " || separator == "T" else {
      return false
    }
    let clock = text.dropFirst(11)
    guard hasZone else { return isTime(clock) }
    if clock.hasSuffix("Z") { return isTime(clock.dropLast()) }
    guard let sign = clock.lastIndex(where: { $0 == "+" || $0 == "-" }) else { return false }
    let zone = clock[clock.index(after: sign)...]
    let isZone = isDigits(zone, 2...2) || zone.count == 5 && zone.dropFirst(2).first == ":" && isTime(zone)
    return isZone && isTime(clock[..<sign])
  }
}
