/// A test script in the public sqllogictest format: records of SQL and what it must answer.
///
/// Understood: `statement ok|error [pattern]|count N`, `query TYPES [sort mode] [label]`, `query error [pattern]`,
/// `skipif`/`onlyif NAME`, `hash-threshold N`, `halt`, comments; results as one value a line (SQLite's flavour), as one
/// row a line, or as a count with an MD5 hash. A trailing `# hint` of a record line is no part of it.
package struct LogicTestFile: Sendable {
  package enum SortMode: String, Sendable {
    case noSort = "nosort"
    case rowSort = "rowsort"
    case valueSort = "valuesort"
  }

  package enum Expectation: Sendable, Equatable {
    case success
    /// An error whose message contains the text (any error when empty).
    case failure(String)
    case rowsAffected(Int)
    /// Lines as written below `----`.
    case rows(types: String, sort: SortMode, label: String?, lines: [String])
  }

  package struct Record: Sendable {
    package var line: Int
    package var sql: String
    package var expectation: Expectation
    package var skipIf: [String]
    package var onlyIf: [String]
    /// Lines of the file from the record's first to its last, from 0, the expected lines included.
    package var lineRange: Range<Int>
    /// The line after the SQL: where expected rows begin (their `----` included).
    package var resultStart: Int
  }

  package var records: [Record]
  package var hashThreshold: Int
  package let lines: [String]

  package struct FormatError: Error, CustomStringConvertible {
    package var line: Int
    package var description: String
  }

  package init(_ text: String) throws {
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.hasSuffix("\r") ? String(line.dropLast()) : String(line)
    }
    records = []
    hashThreshold = 0
    var index = 0
    var skipIf: [String] = []
    var onlyIf: [String] = []
    while index < lines.count {
      let start = index
      let words = lines[index].split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
      index += 1
      guard let verb = words.first, !verb.hasPrefix("#") else { continue }
      switch verb {
      case "halt":
        return
      case "hash-threshold":
        hashThreshold = words.count > 1 ? Int(words[1]) ?? 0 : 0
      case "skipif": skipIf += words.dropFirst().prefix(1)
      case "onlyif": onlyIf += words.dropFirst().prefix(1)
      case "subtest", "mode", "control", "sleep", "include", "connection", "require":
        continue
      case "statement", "query":
        var sql: [String] = []
        while index < lines.count, !lines[index].isEmpty, lines[index] != "----" {
          sql.append(lines[index])
          index += 1
        }
        let resultStart = index
        var expected: [String] = []
        if index < lines.count, lines[index] == "----" {
          index += 1
          while index < lines.count, !lines[index].isEmpty {
            expected.append(lines[index])
            index += 1
          }
        }
        let expectation = try LogicTestFile.expectation(words, expected, line: start + 1)
        records.append(
          Record(
            line: start + 1, sql: sql.joined(separator: "\n"), expectation: expectation, skipIf: skipIf,
            onlyIf: onlyIf, lineRange: start..<index, resultStart: resultStart))
        skipIf = []
        onlyIf = []
      default:
        throw FormatError(line: start + 1, description: "line \(start + 1): no record begins with \"\(verb)\"")
      }
    }
  }

  private static func expectation(_ words: [String], _ expected: [String], line: Int) throws -> Expectation {
    let rest = words.dropFirst(2)
    switch (words[0], words.count > 1 ? words[1] : "") {
    case ("statement", "ok"): return .success
    case ("statement", "error"), ("query", "error"):
      return .failure(rest.isEmpty ? expected.joined(separator: "\n") : rest.joined(separator: " "))
    case ("statement", "count"):
      guard let count = rest.first.flatMap({ Int($0) }) else {
        throw FormatError(line: line, description: "line \(line): statement count wants a number")
      }
      return .rowsAffected(count)
    case ("query", let types):
      var sort = SortMode.noSort
      var label: String?
      for word in rest {
        if let mode = SortMode(rawValue: word) { sort = mode } else { label = word }
      }
      return .rows(types: types, sort: sort, label: label, lines: expected)
    default:
      throw FormatError(line: line, description: "line \(line): what is \"\(words.joined(separator: " "))\"?")
    }
  }
}
