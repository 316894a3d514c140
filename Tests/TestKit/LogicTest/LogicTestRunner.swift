/// What a logic test runs against.
package protocol LogicTestDatabase {
  /// Runs one statement; text of every value, nil for NULL; no rows and a count for a statement that gives none.
  mutating func run(_ sql: String) throws -> LogicTestAnswer
}

package struct LogicTestAnswer: Sendable {
  package var rows: [[String?]]
  package var rowsAffected: Int?

  package init(rows: [[String?]], rowsAffected: Int? = nil) {
    self.rows = rows
    self.rowsAffected = rowsAffected
  }
}

/// Runs the records of a file in order and collects what differed.
package struct LogicTestRunner {
  package struct Failure: Sendable, CustomStringConvertible {
    package var place: String
    package var sql: String
    package var expected: String
    package var found: String

    package var description: String {
      "\(place)\n\(sql)\nexpected:\n\(expected)\nfound:\n\(found)\n"
    }
  }

  package var passed = 0
  package var skipped = 0
  package var failures: [Failure] = []
  /// The file with every expected result replaced by the found one, for review: `--complete`.
  package var completed = ""
  /// Names by which `skipif` and `onlyif` may mean us.
  package var names: Set<String> = ["pulsehouse", "postgresql", "postgres"]
  /// Gives the MD5 of bytes as 32 hex digits, for hashed results.
  package var md5: (String) -> String

  package init(md5: @escaping (String) -> String) { self.md5 = md5 }

  package mutating func run(_ file: LogicTestFile, name: String, on database: inout some LogicTestDatabase) {
    var copied = 0
    var lines: [String] = []
    for record in file.records {
      lines += file.lines[copied..<record.resultStart]
      copied = record.lineRange.upperBound
      if record.skipIf.contains(where: names.contains)
        || (!record.onlyIf.isEmpty && !record.onlyIf.contains(where: names.contains))
      {
        skipped += 1
        lines += file.lines[record.resultStart..<copied]
        continue
      }
      let outcome = Result { try database.run(record.sql) }
      let (expected, found, isEqual) = judge(record.expectation, outcome, file.hashThreshold)
      if isEqual {
        passed += 1
        lines += file.lines[record.resultStart..<copied]
      } else {
        failures.append(Failure(place: "\(name):\(record.line)", sql: record.sql, expected: expected, found: found))
        if case .rows(let types, let sort, _, _) = record.expectation, case .success(let answer) = outcome {
          lines.append("----")
          lines += LogicTestRunner.rowLines(answer.rows, types: types, sort: sort)
        } else {
          lines += file.lines[record.resultStart..<copied]
        }
      }
    }
    lines += file.lines[copied...]
    completed = lines.joined(separator: "\n")
  }

  private func judge(
    _ expectation: LogicTestFile.Expectation, _ outcome: Result<LogicTestAnswer, any Error>, _ hashThreshold: Int
  ) -> (expected: String, found: String, isEqual: Bool) {
    switch (expectation, outcome) {
    case (.success, .success): return ("ok", "ok", true)
    case (.success, .failure(let error)): return ("ok", "error: \(error)", false)
    case (.failure(let text), .failure(let error)):
      let words = "\(error)"
      let isEqual = text.isEmpty || LogicTestRunner.message(words, contains: text)
      return ("error: \(text)", "error: \(words)", isEqual)
    case (.failure(let text), .success): return ("error: \(text)", "ok", false)
    case (.rowsAffected(let count), .success(let answer)):
      return ("\(count) rows", "\(answer.rowsAffected ?? answer.rows.count) rows", answer.rowsAffected == count)
    case (.rowsAffected(let count), .failure(let error)): return ("\(count) rows", "error: \(error)", false)
    case (.rows(_, _, _, let lines), .failure(let error)):
      return (lines.joined(separator: "\n"), "error: \(error)", false)
    case (.rows(let types, let sort, _, let lines), .success(let answer)):
      let values = LogicTestRunner.values(answer.rows, types: types, sort: sort)
      if lines.count == 1, lines[0].contains(" values hashing to ") {
        let hash = md5(values.map { $0 + "\n" }.joined())
        let found = "\(values.count) values hashing to \(hash)"
        return (lines[0], found, lines[0] == found)
      }
      let rowLines = LogicTestRunner.rowLines(answer.rows, types: types, sort: sort)
      let found = rowLines.joined(separator: "\n")
      var isEqual = lines == values || lines == rowLines
      if !isEqual { isEqual = lines.map(LogicTestRunner.squeezed) == rowLines.map(LogicTestRunner.squeezed) }
      return (lines.joined(separator: "\n"), found, isEqual)
    }
  }

  /// Text as the public format shows it: `NULL`, `(empty)`, three decimals in R columns.
  private static func shown(_ value: String?, type: Character) -> String {
    guard let value else { return "NULL" }
    if value.isEmpty { return "(empty)" }
    if type == "R", let number = Double(value), number.isFinite, number.magnitude < 1e15 {
      let scaled = (number.magnitude * 1000).rounded()
      let whole = Int(scaled)
      let fraction = String(whole % 1000)
      let sign = number < 0 && whole > 0 ? "-" : ""
      return "\(sign)\(whole / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)"
    }
    return value.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\n")
  }

  private static func cells(_ rows: [[String?]], types: String, sort: LogicTestFile.SortMode) -> [[String]] {
    let letters = Array(types)
    var cells = rows.map { row in
      row.enumerated().map { shown($0.element, type: $0.offset < letters.count ? letters[$0.offset] : "T") }
    }
    if sort == .rowSort { cells.sort { $0.lexicographicallyPrecedes($1) } }
    return cells
  }

  private static func values(_ rows: [[String?]], types: String, sort: LogicTestFile.SortMode) -> [String] {
    let all = cells(rows, types: types, sort: sort).flatMap { $0 }
    return sort == .valueSort ? all.sorted() : all
  }

  private static func rowLines(_ rows: [[String?]], types: String, sort: LogicTestFile.SortMode) -> [String] {
    if sort == .valueSort { return values(rows, types: types, sort: sort) }
    return cells(rows, types: types, sort: sort).map { $0.joined(separator: "\t") }
  }

  private static func squeezed(_ line: String) -> String {
    line.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ")
  }

  private static func message(_ message: String, contains text: String) -> Bool {
    let haystack = Array(squeezed(message).utf8)
    let needle = Array(squeezed(text).utf8)
    guard needle.count <= haystack.count else { return false }
    return (0...(haystack.count - needle.count)).contains { haystack[$0..<($0 + needle.count)].elementsEqual(needle) }
  }
}
