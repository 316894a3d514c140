/// What a script runs against.
package protocol LogicDatabase {
  /// Runs one record's SQL on a connection (nil: the first) and gives the rows of its last statement.
  mutating func run(_ sql: String, connection: String?) throws -> LogicAnswer
}

package struct LogicAnswer: Sendable {
  package var columnNames: [String]
  package var isBoolean: [Bool]
  /// Which columns are floating-point numbers.
  package var isFloat: [Bool]
  /// Which are numeric.
  package var isNumeric: [Bool]
  /// The text of every value, nil for NULL.
  package var rows: [[String?]]
  package var rowsAffected: Int?

  package init(
    columnNames: [String] = [], isBoolean: [Bool] = [], isFloat: [Bool] = [], isNumeric: [Bool] = [],
    rows: [[String?]], rowsAffected: Int? = nil
  ) {
    self.columnNames = columnNames
    self.isBoolean = isBoolean
    self.isFloat = isFloat
    self.isNumeric = isNumeric
    self.rows = rows
    self.rowsAffected = rowsAffected
  }
}

/// An error as scripts judge it.
package struct LogicError: Error, CustomStringConvertible {
  package var sqlState: String
  package var description: String

  package init(sqlState: String, _ description: String) {
    self.sqlState = sqlState
    self.description = description
  }
}

/// Runs the records of a script in order and collects what differed.
package struct LogicRunner {
  package struct Failure: Sendable, CustomStringConvertible {
    package var place: String
    package var sql: String
    package var expected: String
    package var found: String

    package var description: String {
      "\(place)\n\(sql)\nexpected:\n\(expected)\nfound:\n\(found)\n"
    }
  }

  /// Names by which `skipif` and `onlyif` may mean this database.
  package static let names: Set<String> = ["pulsehouse", "postgresql", "postgres"]

  package private(set) var passed = 0
  /// How many records were passed over, by reason.
  package private(set) var skipped: [String: Int] = [:]
  package private(set) var failures: [Failure] = []
  /// The file with every expected result replaced by the found one, for review.
  package private(set) var completed = ""
  /// Gives the MD5 of bytes as 32 hex digits, for hashed results.
  private let md5: (String) -> String
  /// Reads a script named by `include`.
  private let read: (String) throws -> String
  private var labels: [String: String] = [:]

  package init(md5: @escaping (String) -> String, read: @escaping (String) throws -> String) {
    self.md5 = md5
    self.read = read
  }

  package mutating func run(_ script: LogicScript, name: String, on database: inout some LogicDatabase) {
    run(script, name: name, on: &database, depth: 0)
  }

  private mutating func run(
    _ script: LogicScript, name: String, on database: inout some LogicDatabase, depth: Int
  ) {
    var copied = 0
    var lines: [String] = []
    for record in script.records {
      let start = max(copied, record.resultStart)
      lines += script.lines[copied..<start]
      copied = max(start, record.lineRange.upperBound)
      let old = script.lines[start..<copied]
      if let reason = record.skipReason {
        skipped[reason, default: 0] += 1
        lines += old
        continue
      }
      switch record.action {
      case .pass(let reason):
        skipped[reason, default: 0] += 1
        lines += old
      case .include(let path):
        do {
          guard depth < 20 else { throw LogicError(sqlState: "54001", "scripts include each other") }
          try run(LogicScript(read(path)), name: path, on: &database, depth: depth + 1)
        } catch {
          fail(name, record, "include \(path)", "a script", "error: \(error)")
        }
        lines += old
      case .run(let sql, let expectation):
        let outcome = Result { try database.run(sql, connection: record.connection) }
        if let (expected, found) = difference(expectation, outcome) {
          fail(name, record, sql, expected, found)
          lines += replacement(expectation, outcome) ?? Array(old)
        } else {
          passed += 1
          lines += old
        }
      }
    }
    if let stop = script.stop { skipped["the rest of the file: \(stop)", default: 0] += 1 }
    lines += script.lines[copied...]
    completed = lines.joined(separator: "\n")
  }

  private mutating func fail(
    _ name: String, _ record: LogicScript.Record, _ sql: String, _ expected: String, _ found: String
  ) {
    failures.append(Failure(place: "\(name):\(record.line)", sql: sql, expected: expected, found: found))
  }

  private func replacement(
    _ expectation: LogicScript.Expectation, _ outcome: Result<LogicAnswer, any Error>
  ) -> [String]? {
    guard case .rows(let types, let sort, _, _, _) = expectation, case .success(let answer) = outcome else {
      return nil
    }
    return ["----"] + RenderedResult(answer, types: types, style: .sqlite).rowLines(sort)
  }

  /// Returns what was expected and what was found when they differ.
  private mutating func difference(
    _ expectation: LogicScript.Expectation, _ outcome: Result<LogicAnswer, any Error>
  ) -> (expected: String, found: String)? {
    switch (expectation, outcome) {
    case (.success, .success), (.anything, _): return nil
    case (.success, .failure(let error)): return ("ok", "error: \(LogicRunner.words(error))")
    case (.failure(let text), .failure(let error)):
      return LogicRunner.isMeant(error, by: text) ? nil : ("error: \(text)", "error: \(LogicRunner.words(error))")
    case (.failure(let text), .success): return ("error: \(text)", "ok")
    case (.rowsAffected(let count), .success(let answer)):
      let found = answer.rowsAffected ?? answer.rows.count
      return found == count ? nil : ("\(count) rows", "\(found) rows")
    case (.rowsAffected(let count), .failure(let error)):
      return ("\(count) rows", "error: \(LogicRunner.words(error))")
    case (.rows(_, _, _, _, let lines), .failure(let error)):
      return ((lines ?? ["rows"]).joined(separator: "\n"), "error: \(LogicRunner.words(error))")
    case (.rows(let types, let sort, let label, let hasNames, let lines), .success(let answer)):
      return difference(types, sort, label, hasNames, lines, answer)
    }
  }

  private mutating func difference(
    _ types: String, _ sort: LogicScript.SortMode, _ label: String?, _ hasNames: Bool, _ expected: [String]?,
    _ answer: LogicAnswer
  ) -> (expected: String, found: String)? {
    // SQLite's way to write a small negative number; it has no sign here.
    var lines = (expected ?? []).map { types.contains("R") && $0 == "-0.000" ? "0.000" : $0 }
    if hasNames, !lines.isEmpty {
      let names = RenderedResult.squeezed(lines.removeFirst())
      let found = answer.columnNames.joined(separator: " ")
      if names != found { return ("columns \(names)", "columns \(found)") }
    }
    if let label {
      // Queries of one label must give one result, whatever is written below them.
      let hash = md5(RenderedResult(answer, types: types, style: .sqlite).values(sort).map { $0 + "\n" }.joined())
      if let known = labels[label], known != hash { return ("the result of the label \(label)", "another result") }
      labels[label] = hash
    }
    if expected == nil { return nil }
    if lines.count == 1, lines[0].contains(" values hashing to ") {
      var found = ""
      for style in RenderedResult.Style.allCases {
        let values = RenderedResult(answer, types: types, style: style).values(sort)
        found = "\(values.count) values hashing to \(md5(values.map { $0 + "\n" }.joined()))"
        if found == lines[0] { return nil }
      }
      return (lines[0], found)
    }
    for style in RenderedResult.Style.allCases
    where RenderedResult(answer, types: types, style: style).matches(lines, sort) { return nil }
    // Comments may stand among the rows, but a row may begin so, too.
    let rows = lines.filter { !$0.hasPrefix("#") }
    if rows.count < lines.count {
      for style in RenderedResult.Style.allCases
      where RenderedResult(answer, types: types, style: style).matches(rows, sort) { return nil }
    }
    // As SQLite would have it only where the script has it so.
    let isSQLite = types.contains { "IR".contains($0) } && lines.count != answer.rows.count
    let found = RenderedResult(answer, types: types, style: isSQLite ? .sqlite : .postgres).rowLines(sort)
    return (lines.joined(separator: "\n"), found.joined(separator: "\n"))
  }

  private static func words(_ error: any Error) -> String {
    guard let error = error as? LogicError else { return "\(error)" }
    return "\(error.sqlState) \(error.description)"
  }

  /// Tells whether an error is the one that a script names: by its SQLSTATE or by words of its message.
  private static func isMeant(_ error: any Error, by text: String) -> Bool {
    if text.isEmpty { return true }
    let state = (error as? LogicError)?.sqlState ?? ""
    var pattern = text
    // What clients of other databases put before a message.
    for prefix in ["db error: ERROR: ", "pq: ", "ERROR: ", "<REGEX>:"] where pattern.hasPrefix(prefix) {
      pattern.removeFirst(prefix.count)
    }
    if pattern.hasPrefix("<!REGEX>:") {
      let unwanted = try? Regex(String(pattern.dropFirst(9)))
      return unwanted.map { (try? $0.firstMatch(in: "\(error)")) == nil } ?? false
    }
    if pattern.hasPrefix("pgcode ") {
      let rest = pattern.dropFirst(7).split(separator: " ", maxSplits: 1)
      if let code = rest.first, code != state { return false }
      pattern = rest.count > 1 ? String(rest[1]) : ""
      if pattern.isEmpty { return true }
    }
    if pattern == state || pattern == "(\(state))" || pattern == "(sqlstate \(state))" { return true }
    let message = RenderedResult.squeezed("\(error)").lowercased()
    let wanted = RenderedResult.squeezed(pattern).lowercased()
    if message.contains(wanted) { return true }
    guard let expression = try? Regex(pattern).ignoresCase() else { return false }
    return (try? expression.firstMatch(in: "\(error)")) != nil
  }
}

extension LogicScript.Record {
  /// Why this record is not for us; nil when it is.
  fileprivate var skipReason: String? {
    if let name = skipIf.first(where: LogicRunner.names.contains) { return "skipif \(name)" }
    if !onlyIf.isEmpty, !onlyIf.contains(where: LogicRunner.names.contains) { return "onlyif \(onlyIf[0])" }
    return nil
  }
}
