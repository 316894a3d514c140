import Glibc

/// The rows of a result as a script writes them.
struct RenderedResult {
  /// How values are spelled.
  enum Style: CaseIterable {
    /// Integers cut to whole numbers, reals with three decimals, what cannot be printed as `@`.
    case sqlite
    /// The same, with the sign of a small negative number: `-0.000`.
    case sqliteSigned
    /// As PostgreSQL shows them.
    case postgres
    /// The same, but with booleans written out.
    case words
    /// The same as PostgreSQL, but with booleans as `1` and `0`.
    case digits
    /// The same as PostgreSQL, but with the minutes of a zone's offset: `+00:00`.
    case longOffsets
  }

  private let rows: [[String]]
  private let isNumber: [Bool]

  init(_ answer: LogicAnswer, types: String, style: Style) {
    let letters = Array(types)
    isNumber = zip(answer.isFloat, answer.isNumeric).map { $0 || $1 }
    rows = answer.rows.map { row in
      row.enumerated().map { index, value in
        let isBoolean = index < answer.isBoolean.count && answer.isBoolean[index]
        return RenderedResult.cell(value, index < letters.count ? letters[index] : "T", isBoolean, style)
      }
    }
  }

  private static func cell(_ value: String?, _ type: Character, _ isBoolean: Bool, _ style: Style) -> String {
    guard let value else { return "NULL" }
    if value.isEmpty { return "(empty)" }
    switch style {
    case .sqlite, .sqliteSigned:
      if isBoolean, type == "I" || type == "R" { return cell(value == "t" ? "1" : "0", type, false, style) }
      switch type {
      case "I":
        if Int(value) != nil { return value }
        // Text counts for the number that it begins with.
        guard let number = leadingNumber(value), number.magnitude < 9e18 else { return value }
        return String(Int(number))
      case "R":
        guard let number = leadingNumber(value) else { return value }
        let text = threeDecimals(number)
        return text == "-0.000" && style == .sqlite ? "0.000" : text
      default:
        return String(
          decoding: value.utf8.map { $0 < 0x20 || $0 > 0x7E ? UInt8(ascii: "@") : $0 }, as: UTF8.self)
      }
    case .longOffsets where isMoment(value): return value + ":00"
    case .digits where isBoolean: return value == "t" ? "1" : "0"
    case .postgres, .words, .digits, .longOffsets:
      if isBoolean, style == .words { return value == "t" ? "true" : "false" }
      return value.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\n")
    }
  }

  /// Tells whether a text is a moment whose offset has no minutes, such as `2024-01-01 00:00:00+00`.
  private static func isMoment(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard bytes.count >= 22, bytes[4] == UInt8(ascii: "-"), bytes[10] == UInt8(ascii: " ") else { return false }
    let sign = bytes[bytes.count - 3]
    return (sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-")) && bytes[13] == UInt8(ascii: ":")
      && bytes.suffix(2).allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }

  private static func threeDecimals(_ number: Double) -> String {
    var buffer = [CChar](repeating: 0, count: 400)
    let count = withVaList([number]) { vsnprintf(&buffer, buffer.count, "%.3f", $0) }
    return String(decoding: buffer.prefix(Int(max(0, count))).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// The number that a text begins with, 0 where it begins with none, as C reads it. Nil for what is not finite.
  private static func leadingNumber(_ text: String) -> Double? {
    let number = text.withCString { strtod($0, nil) }
    return number.isFinite ? number : nil
  }

  /// One value a line, sorted as asked for.
  func values(_ sort: LogicScript.SortMode) -> [String] {
    switch sort {
    case .noSort: return rows.flatMap { $0 }
    case .rowSort: return rows.sorted(by: RenderedResult.precedes).flatMap { $0 }
    case .valueSort: return rows.flatMap { $0 }.sorted(by: RenderedResult.precedes)
    }
  }

  /// One row a line, sorted as asked for.
  func rowLines(_ sort: LogicScript.SortMode) -> [String] {
    switch sort {
    case .noSort: return rows.map { $0.joined(separator: "\t") }
    case .rowSort: return rows.sorted(by: RenderedResult.precedes).map { $0.joined(separator: "\t") }
    case .valueSort: return values(sort)
    }
  }

  /// Tells whether these are the lines a script expects, in one of the ways they may be written.
  func matches(_ lines: [String], _ sort: LogicScript.SortMode) -> Bool {
    if lines == values(sort) || lines == rowLines(sort) { return true }
    var expected = lines.map(RenderedResult.squeezed)
    var found = rowLines(sort).map(RenderedResult.squeezed)
    if sort != .noSort {
      expected.sort(by: RenderedResult.precedes)
      found.sort(by: RenderedResult.precedes)
    }
    return expected == found || isClose(expected, found)
  }

  /// Tells whether the lines are the same but for how numbers that are no integers are spelled: `1.0` is `1`, and the last of
  /// their digits are the machine's affair.
  private func isClose(_ expected: [String], _ found: [String]) -> Bool {
    guard isNumber.contains(true), expected.count == found.count else { return false }
    for (left, right) in zip(expected, found) where left != right {
      let (a, b) = (left.split(separator: " "), right.split(separator: " "))
      guard a.count == b.count else { return false }
      for (x, y) in zip(a, b) where x != y {
        guard let first = Double(x), let second = Double(y) else { return false }
        let scale = max(first.magnitude, second.magnitude)
        guard first == second || (first - second).magnitude <= scale * 1e-12 else { return false }
      }
    }
    return true
  }

  private static func precedes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }

  /// Rows in the order of their first differing values, by bytes.
  private static func precedes(_ left: [String], _ right: [String]) -> Bool {
    for (a, b) in zip(left, right) where a != b { return precedes(a, b) }
    return left.count < right.count
  }

  static func squeezed(_ line: String) -> String {
    line.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ")
  }
}
