// SQLLogic: runs test scripts in the public sqllogictest format, in SQLite's flavour (a value a line, R with three
// decimals) and in PostgreSQL's (a row a line). `LogicScript` reads a file, `LogicRunner` runs it against a
// `LogicDatabase`, `RenderedResult` knows how results are written.

/// A script: records of SQL and what each must answer, in order, with loops unrolled.
///
/// Understood: `statement ok|maybe|error [pattern]|count N`, `query TYPES [sort mode] [label]`, `query error [pattern]`,
/// after these a connection's name (`con1`) or `retry N backoff D` (it is tried once: nothing here comes late),
/// `skipif`/`onlyif NAME` or, in a loop,
/// `VARIABLE=VALUE`, `connection NAME`, `include FILE` (or a pattern), `loop`/`foreach`/`endloop`, `mode skip|unskip`,
/// `control sortmode MODE`, `require NAME`, `hash-threshold N`, `halt`, comments. A trailing `# words` of `skipif` and
/// `onlyif` is no part of it, and names are the same in capitals. Records of other kinds (`system`, `let`, ...) are
/// skipped by name. An error's text that is long stands below `----`, up to two blank lines. Lines may end as on Windows.
package struct LogicScript: Sendable {
  package enum SortMode: String, Sendable {
    case noSort = "nosort"
    case rowSort = "rowsort"
    case valueSort = "valuesort"
  }

  package enum Expectation: Sendable, Equatable {
    case success
    /// Rows or an error.
    case anything
    /// An error: with this SQLSTATE, or with a message that contains the text; any error when empty.
    case failure(String)
    case rowsAffected(Int)
    /// Lines as written below `----`; nil where there is none, and a label alone says what is expected.
    case rows(types: String, sort: SortMode, label: String?, hasNames: Bool, lines: [String]?)
  }

  package struct Record: Sendable {
    package enum Action: Sendable {
      case run(sql: String, Expectation)
      /// Reads another script here; the path is relative to this one's folder.
      case include(String)
      /// A record that is not run whatever the database is called, and why.
      case pass(reason: String)
    }
    package var line: Int
    package var action: Action
    package var skipIf: [String] = []
    package var onlyIf: [String] = []
    /// The connection it runs on; nil is the first.
    package var connection: String?
    /// Lines of the file from the record's first to its last, from 0, the expected lines included.
    package var lineRange: Range<Int>
    /// The line after the SQL: where expected rows begin (their `----` included).
    package var resultStart: Int
  }

  package private(set) var records: [Record] = []
  package let lines: [String]
  /// Why the rest of the file is not run, where it says `halt` or `require`; nil otherwise.
  package private(set) var stop: String?

  package struct FormatError: Error, CustomStringConvertible {
    package var line: Int
    package var words: String
    package var description: String { "line \(line): \(words)" }
  }

  /// Reads a script. `names` are those by which `skipif` and `onlyif` of a `halt` may mean the database.
  package init(_ text: String, names: Set<String> = LogicRunner.names) throws {
    // By bytes: a line end of Windows is one character. A byte order mark is none of the text's.
    let bytes = Array(text.utf8)
    let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    lines = bytes[start...].split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
      String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
    }
    var reader = Reader(lines: lines, names: names)
    try reader.read(0..<lines.count, [:])
    records = reader.records
    stop = reader.stop
  }
}

extension LogicScript {
  /// Reads lines into records; one for each turn of a loop.
  private struct Reader {
    let lines: [String]
    let names: Set<String>
    var records: [Record] = []
    var stop: String?
    var isSkipping = false
    /// How results are ordered where a query does not say.
    var sortMode = SortMode.noSort
    var skipIf: [String] = []
    var onlyIf: [String] = []
    var connection: String?

    mutating func read(_ range: Range<Int>, _ variables: [String: String]) throws {
      var index = range.lowerBound
      while index < range.upperBound, stop == nil {
        let start = index
        let words = LogicScript.words(substituted(lines[index], variables))
        index += 1
        guard let verb = words.first, !verb.hasPrefix("#") else { continue }
        switch verb {
        case "halt":
          if appliesHere() { stop = "halt" }
          clearConditions()
        case "require" where LogicScript.isGiven(words.dropFirst().first ?? ""): break
        case "require", "require-env":
          stop = "requires \(words.dropFirst().joined(separator: " "))"
        case "skipif": skipIf += words.dropFirst().prefix(1).map { condition($0, variables) }
        case "onlyif": onlyIf += words.dropFirst().prefix(1).map { condition($0, variables) }
        case "connection": connection = words.dropFirst().first.flatMap { $0 == "default" ? nil : $0 }
        case "mode": isSkipping = words.dropFirst().first == "skip" || (isSkipping && words.last != "unskip")
        case "include":
          guard words.count > 1 else { throw FormatError(line: start + 1, words: "include wants a file") }
          append(.include(words[1]), start, index..<index, index)
        case "control":
          if words.count > 2, words[1] == "sortmode" { sortMode = SortMode(rawValue: words[2]) ?? sortMode }
          clearConditions()
        case "hash-threshold", "subtest", "sleep", "load", "restart", "reconnect", "tags", "set", "reset", "test-env",
          "unzip":
          clearConditions()
        case "loop", "foreach", "concurrentloop", "concurrentforeach":
          let end = try endOfLoop(start, range.upperBound)
          guard words.count > 1 else { throw FormatError(line: start + 1, words: "a loop wants a variable") }
          for value in try values(words, start) {
            try read(index..<end, variables.merging([words[1]: value]) { $1 })
          }
          index = end + 1
        case "statement", "query": try readRecord(words, start, &index, range.upperBound, variables)
        default:
          let end = endOfText(index, range.upperBound, isLong: verb == "system")
          append(.pass(reason: "\(verb) records"), start, start..<end, end)
          index = end
        }
      }
    }

    private mutating func readRecord(
      _ words: [String], _ start: Int, _ index: inout Int, _ limit: Int, _ variables: [String: String]
    ) throws {
      var sql: [String] = []
      while index < limit, !LogicScript.isBlank(lines[index]), lines[index] != "----" {
        // A comment above the SQL is the script's; one within it is SQL's affair and begins with two dashes.
        if !lines[index].hasPrefix("#") { sql.append(substituted(lines[index], variables)) }
        index += 1
      }
      let resultStart = index
      var expected: [String]?
      if index < limit, lines[index] == "----" {
        index += 1
        let isError = words.count > 1 && words[1] == "error"
        let end =
          isError
          ? endOfText(index, limit, isLong: true)
          : (index..<limit).first { endsRows($0, limit) } ?? limit
        var found = lines[index..<end].map { substituted($0, variables) }
        index = end
        while isError, let last = found.last, LogicScript.isBlank(last) { found.removeLast() }
        expected = found
      }
      var words = words
      if let name = LogicScript.connectionName(&words) { connection = name }
      let expectation = try LogicScript.expectation(words, expected, sortMode, line: start + 1)
      append(.run(sql: sql.joined(separator: "\n"), expectation), start, start..<index, resultStart)
    }

    /// Rows end at an empty line. One of blanks may be a row; before another record it is none.
    private func endsRows(_ index: Int, _ limit: Int) -> Bool {
      if lines[index].isEmpty { return true }
      guard LogicScript.isBlank(lines[index]) else { return false }
      let next = lines[(index + 1)..<limit].first { !LogicScript.isBlank($0) }.map(LogicScript.words)?.first ?? ""
      return next.isEmpty || next.hasPrefix("#") || LogicScript.verbs.contains(next)
    }

    /// Where free text ends that begins at a line: at a blank line; when it is long and was written to hold blank lines,
    /// at two of them, if they come before the next record.
    private func endOfText(_ start: Int, _ limit: Int, isLong: Bool) -> Int {
      var first = start
      while first < limit, !LogicScript.isBlank(lines[first]) { first += 1 }
      guard isLong else { return first }
      for index in first..<limit {
        if index + 1 < limit, LogicScript.isBlank(lines[index]), LogicScript.isBlank(lines[index + 1]) { return index }
        let verb = LogicScript.words(lines[index]).first ?? ""
        if LogicScript.verbs.contains(verb) { return first }
        if verb.hasPrefix("#") { return first }
      }
      return first
    }

    /// `x=3` within a loop over x: a condition that is met or not, whatever the database is.
    private func condition(_ word: String, _ variables: [String: String]) -> String {
      let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, let value = variables[parts[0]] else { return word.lowercased() }
      return value == parts[1] ? names.first ?? word : word
    }

    private mutating func append(_ action: Record.Action, _ start: Int, _ range: Range<Int>, _ resultStart: Int) {
      records.append(
        Record(
          line: start + 1, action: isSkipping ? .pass(reason: "mode skip") : action, skipIf: skipIf, onlyIf: onlyIf,
          connection: connection, lineRange: range, resultStart: resultStart))
      clearConditions()
    }

    private mutating func clearConditions() {
      skipIf = []
      onlyIf = []
      connection = nil
    }

    private func appliesHere() -> Bool {
      !skipIf.contains(where: names.contains) && (onlyIf.isEmpty || onlyIf.contains(where: names.contains))
    }

    private func endOfLoop(_ start: Int, _ limit: Int) throws -> Int {
      var depth = 0
      for index in start..<limit {
        let verb = LogicScript.words(lines[index]).first ?? ""
        if ["loop", "foreach", "concurrentloop", "concurrentforeach"].contains(verb) { depth += 1 }
        if verb == "endloop" {
          depth -= 1
          if depth == 0 { return index }
        }
      }
      throw FormatError(line: start + 1, words: "this loop has no endloop")
    }

    private func values(_ words: [String], _ start: Int) throws -> [String] {
      if words[0].hasSuffix("foreach") { return Array(words.dropFirst(2)) }
      guard words.count == 4, let first = Int(words[2]), let end = Int(words[3]), end - first <= 1_000_000 else {
        throw FormatError(line: start + 1, words: "loop wants a variable, a start and an end")
      }
      return (first..<max(first, end)).map(String.init)
    }

    private func substituted(_ line: String, _ variables: [String: String]) -> String {
      guard !variables.isEmpty, line.utf8.contains(UInt8(ascii: "$")) else { return line }
      var result = line
      for (name, value) in variables {
        result = result.split(separator: "${\(name)}", omittingEmptySubsequences: false).joined(separator: value)
      }
      return result
    }
  }

  /// Words with which records begin.
  private static let verbs: Set<String> = [
    "statement", "query", "system", "skipif", "onlyif", "connection", "halt", "hash-threshold", "loop", "foreach",
    "endloop",
  ]

  static func words(_ line: String) -> [String] {
    line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
  }

  static func isBlank(_ line: String) -> Bool { line.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 } }

  /// Things a script may require that are so here.
  private static func isGiven(_ name: String) -> Bool {
    [
      "skip_reload", "vector_size", "noforcestorage", "noalternativeverify", "no_alternative_verify", "64bit",
      "notwindows", "notmusl", "no_extension_autoloading", "no_vector_verification", "no_latest_storage",
      "core_functions",
      "no_block_verification", "strinline", "ram", "allow_unsigned_extensions",
    ].contains(name)
  }

  /// Takes the name of a connection, such as `con1`, from the end of a record's first line.
  private static func connectionName(_ words: inout [String]) -> String? {
    guard words.count == 3, words[2].hasPrefix("con"), words[2].dropFirst(3).allSatisfy(\.isNumber) else { return nil }
    return words.removeLast()
  }

  private static func expectation(
    _ words: [String], _ expected: [String]?, _ sortMode: SortMode, line: Int
  ) throws -> Expectation {
    var words = words
    if let place = words.lastIndex(of: "retry"), place >= 2, place + 3 < words.count, words[place + 2] == "backoff" {
      words.removeSubrange(place...)
    }
    if words[0] == "statement", words.count > 1 { words[1] = words[1].lowercased() }
    if words[0] == "query", words.count == 1 || SortMode(rawValue: words[1]) != nil { words.insert("", at: 1) }
    let rest = words.dropFirst(2)
    switch (words[0], words.count > 1 ? words[1] : "") {
    case ("statement", "ok"), ("statement", "notice"), ("statement", "async"): return .success
    case ("statement", "maybe"): return .anything
    case ("statement", "error"), ("query", "error"):
      return .failure(rest.isEmpty ? (expected ?? []).joined(separator: "\n") : rest.joined(separator: " "))
    case ("statement", "count"):
      guard let count = rest.first.flatMap({ Int($0) }) else {
        throw FormatError(line: line, words: "statement count wants a number")
      }
      return .rowsAffected(count)
    case ("query", let types):
      var sort = sortMode
      var label: String?
      var hasNames = false
      for word in rest.joined(separator: ",").split(separator: ",").map(String.init) {
        if let mode = SortMode(rawValue: word) {
          sort = mode
        } else if word == "colnames" {
          hasNames = true
        } else {
          label = word
        }
      }
      // Without a result and a label there are to be no rows.
      return .rows(
        types: types, sort: sort, label: label, hasNames: hasNames, lines: expected ?? (label == nil ? [] : nil))
    default: throw FormatError(line: line, words: "what is \"\(words.joined(separator: " "))\"?")
    }
  }
}
