import Bytes
import Testing
import Vectors

@testable import Kernels

@Suite struct RegexTests {
  static func loaded(_ text: String) -> RegexText {
    var result = RegexText()
    Array(text.utf8).withUnsafeBytes { result.load($0) }
    return result
  }

  /// The first match and its groups, `-` for those that took no part; nil for none.
  static func first(_ pattern: String, _ text: String) throws -> [String]? {
    let expression = try RegularExpression(pattern)
    let loaded = loaded(text)
    guard let match = try expression.firstMatch(loaded, from: 0) else { return nil }
    let scalars = Array(text.unicodeScalars)
    return try ([match] + expression.groups(loaded, of: match)).map { range in
      range.map { String(String.UnicodeScalarView(scalars[$0])) } ?? "-"
    }
  }

  @Test(arguments: [
    ("foo(?=bar)", "foofoobar", ["foo"]), ("(?<!a)b", "abb", ["b"]), ("(?=(?<=a)b)b+", "bab b", ["b"]),
    ("(.)\\1", "abccd", ["cc", "c"]), ("^(aa+)\\1+$", "aaaaaa", ["aaaaaa", "aaa"]), ("(a)|\\1", "b", nil),
    ("((a)|b)*", "ab", ["ab", "b", "-"]), ("(?:a|ab)(?:c|bcd)(d*)", "abcd", ["abcd", ""]),
    ("(a?)(\\1b)+", "aabab", ["aabab", "a", "ab"]), ("(?=$)", "ab", [""]),
    ("\\m(\\w+) \\1\\M", "a ab ab", ["ab ab", "ab"]),
    ("(?!.*x)é+", "xéé", ["éé"]),
  ])
  func matchesAsPostgreSQL(_ pattern: String, _ text: String, _ expected: [String]?) throws {
    #expect(try Self.first(pattern, text) == expected)
  }

  @Test func oneExpressionForManyTexts() throws {
    let expression = try RegularExpression("(?<=a)b|(?<!a)c(?=d)")
    var text = RegexText()
    for (input, expected) in [("ab", true), ("b", false), ("cd", true), ("acd", false), ("", false), ("xcd", true)] {
      Array(input.utf8).withUnsafeBytes { text.load($0) }
      #expect(try expression.matches(text) == expected, "\(input)")
      #expect(try expression.matches(text) == expected, "\(input) once more")
    }
  }

  @Test(arguments: ["\\1", "(a\\1)", "(a)(?=\\1)", "(?=a)*", "(?<a)", "(?=a", "[\\1]"])
  func refusesWhatIsNoExpression(_ pattern: String) {
    #expect(throws: PulsehouseError.self) { try RegularExpression(pattern) }
  }

  @Test func endsWhatWouldTakeTooLong() throws {
    let expression = try RegularExpression("^(.*)(.*)(.*)(.)\\4c$")
    let error = #expect(throws: PulsehouseError.self) {
      try expression.matches(Self.loaded(String(repeating: "ab", count: 1000) + "c"))
    }
    #expect(error?.sqlState == "54000")
  }

  @Test func constraintsTakeLinearTime() throws {
    // Quadratic time would be a billion steps.
    let text = Self.loaded(String(repeating: "ab", count: 20_000))
    let expression = try RegularExpression("(?=.*c)(?<!c.*)a")
    #expect(try !expression.matches(text))
  }
}
