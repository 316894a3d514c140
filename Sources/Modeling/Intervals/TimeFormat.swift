import Bytes
import Kernels

/// How text or a number says a time: `%Y`, `%m`, `%d`, `%H`, `%M`, `%S` and other characters as they are, largest first,
/// so that later times are greater.
package struct TimeFormat: Hashable, Sendable {
  /// What SQLMesh takes for text without a format.
  static let day = TimeFormat(known: "%Y-%m-%d")
  private static let order: [Character] = ["Y", "m", "d", "H", "M", "S"]

  package let text: String
  /// Whether it tells hours apart.
  let hasHours: Bool
  /// Whether what it writes is a number.
  let isNumber: Bool

  private init(known text: String) {
    self.text = text
    hasHours = text.contains("%H")
    isNumber = text.allSatisfy { $0 == "%" || $0.isLetter }
  }

  /// - Throws: `.unsupported` for other directives, or in an order in which later times are not greater.
  init(_ text: String) throws(PulsehouseError) {
    var directives: [Character] = []
    var rest = Substring(text)
    while let place = rest.firstIndex(of: "%") {
      rest = rest[rest.index(after: place)...]
      guard let directive = rest.popFirst() else { break }
      directives.append(directive)
    }
    guard directives.count >= 3, directives == Array(Self.order.prefix(directives.count)) else {
      throw PulsehouseError(
        .unsupported, "the format '\(text)' of a time_column is not supported natively",
        hint: "Write '%Y-%m-%d', '%Y%m%d', '%Y-%m-%d %H:%M:%S' or the like: every part once, the largest first.")
    }
    self.init(known: text)
  }

  /// - Parameter seconds: since 1970 UTC.
  func string(seconds: Int64) -> String {
    // `2024-01-03 04:05:06`
    let timestamp = Array(CalendarText.timestamp(seconds: seconds))
    let places: [Character: Range<Int>] = [
      "Y": 0..<4, "m": 5..<7, "d": 8..<10, "H": 11..<13, "M": 14..<16, "S": 17..<19,
    ]
    var result = ""
    var isDirective = false
    for character in text {
      if isDirective {
        if let range = places[character], range.upperBound <= timestamp.count { result += String(timestamp[range]) }
        isDirective = false
      } else if character == "%" {
        isDirective = true
      } else {
        result.append(character)
      }
    }
    return result
  }
}
