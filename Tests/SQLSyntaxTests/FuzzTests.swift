import Bytes
import Glibc
import SQLSyntax
import Testing

/// A small generator whose runs can be repeated by seed (SplitMix64).
private struct Random: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Mutates real texts and gives them to every door: whatever comes back, nothing traps and every place lies in the text.
@Suite struct FuzzTests {
  private static let words: [String] = [
    "SELECT", "FROM", "WHERE", "(", ")", "[", "]", ",", ";", "'", "\"", "$$", "$a$", "--", "/*", "*/", "::", ":=", "=>",
    "@x", "@{x}", "@DEF(", "{{", "{%", "\\", "E'\\", "U&'\\", "NULL", "CASE", "WHEN", "END", "AND", "NOT", "IN", "IS",
    "BETWEEN", "UNION ALL", "JOIN", "ON", "USING", "LATERAL", "OVER", "ROWS", "GROUP BY", "ORDER BY", "LIMIT", "WITH",
    "INSERT INTO t", "UPDATE t SET", "DELETE FROM", "VALUES", "0", "-1", "99999999999999999999", "1e999", ".5", "1..2",
    "$1", "$99999999999", "X'zz'", "B'2'", "ä", "\u{0}", "\u{FEFF}", "\u{200B}", "𝄞", "\n", "\t", "MODEL (", "AUDIT (",
    "name", ".", "*", "%", "@", "!=", "<>", "INTERVAL '1' YEAR TO", "numeric(1,2,3)", "char(0)", "timestamp(99)",
    "\"\"",
    "ARRAY[", "ROW(", "GROUPING SETS (", "CAST(", "AS", "EXCLUDE", "DEFAULT", "RETURNING", "FETCH FIRST", "WITH TIES",
  ]

  private static let headers: [String] = [
    """
    MODEL (name silver.x, kind INCREMENTAL_BY_TIME_RANGE (time_column ts, batch_size 3), cron '@daily', grain (a, b),
      audits (not_null(columns := (a, b)), forall(criteria := (a > 0, b <> ''))), columns (a int, "b.c" text, d.e date));
    @DEF(x, 1 + @y); SELECT @x, '@{y}' FROM @this_model WHERE ts BETWEEN @start_ts AND @end_ts; -- done
    """,
    "AUDIT (name a, blocking false); SELECT * FROM @this_model; AUDIT (name b); SELECT @VAR('y', 2)",
    "SOURCE (name bronze.x, kind KAFKA (topic t), columns (meta.a.b double precision), on_error QUARANTINE);",
  ]

  private static func corpus() -> [[UInt8]] {
    let sql =
      Goldens.pairs(Goldens.expressions).map { "SELECT " + $0.sql } + Goldens.pairs(Goldens.statements).map(\.sql)
    return (sql + headers + headers + headers).map { Array($0.utf8) }
  }

  private static func mutated(_ corpus: [[UInt8]], _ random: inout Random) -> String {
    var bytes = corpus[Int.random(in: 0..<corpus.count, using: &random)]
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let place = Int.random(in: 0...bytes.count, using: &random)
      switch Int.random(in: 0..<8, using: &random) {
      case 0: if place < bytes.count { bytes.remove(at: place) }
      case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
      case 2, 3:
        let word = words[Int.random(in: 0..<words.count, using: &random)]
        bytes.insert(contentsOf: Array((" " + word + " ").utf8), at: place)
      case 4: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...20, using: &random)))
      case 5:
        let part = bytes[place..<min(bytes.count, place + Int.random(in: 1...30, using: &random))]
        for _ in 0..<Int.random(in: 1...20, using: &random) { bytes.insert(contentsOf: part, at: place) }
      case 6:
        let other = corpus[Int.random(in: 0..<corpus.count, using: &random)]
        let from = Int.random(in: 0...other.count, using: &random)
        bytes.replaceSubrange(place..., with: other[from...])
      default: bytes.insert(contentsOf: corpus[Int.random(in: 0..<corpus.count, using: &random)], at: place)
      }
      if bytes.count > 4_000 { bytes.removeLast(bytes.count - 4_000) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Gives `text` to every door; returns what is wrong with the answers.
  private static func complaint(_ text: String) -> String? {
    let count = text.utf8.count
    func misplaced(_ range: Range<Int>?) -> Bool { range.map { $0.lowerBound < 0 || $0.upperBound > count } ?? false }

    _ = StatementSplitter.completeness(text)
    for statement in StatementSplitter.split(text) where misplaced(statement.range) { return "split: \(statement)" }
    do throws(PulsehouseError) {
      for statement in try PostgresParser.parse(text) {
        if misplaced(statement.range.bytes) { return "statement at \(statement.range)" }
        if statement.tablesRead.contains(where: { misplaced($0.range.bytes) }) { return "a table's place" }
        if let complaint = RoundTrip.complaint(statement) { return complaint }
      }
    } catch {
      if error.kind == .internal || misplaced(error.range) { return "\(error) at \(String(describing: error.range))" }
      if let range = error.range { _ = CaretRenderer.render(text, range) }
    }
    do throws(PulsehouseError) {
      let variables: [String: MacroValue] = ["x": .sql("a.b"), "y": .text("it's"), "this_model": .sql("t")]
      let expanded = try MacroExpander.expand(text, variables: variables)
      let end = expanded.text.utf8.count
      for place in [0, end / 3, end / 2, end] where misplaced(expanded.original(place..<end)) {
        return "map at \(place)"
      }
    } catch {
      if error.kind == .internal || misplaced(error.range) { return "macro: \(error)" }
    }
    return headerComplaint(text, misplaced)
  }

  private static func headerComplaint(_ text: String, _ misplaced: (Range<Int>?) -> Bool) -> String? {
    do throws(PulsehouseError) {
      for block in try ModelFile.parse(text, path: "m.sql").blocks {
        if misplaced(block.range) || block.body.offset > text.utf8.count { return "header: \(block.range)" }
        for property in block.properties {
          guard let value = property.value else { continue }
          if misplaced(value.range) || value.text.utf8.count != value.range.count { return "property: \(value.range)" }
          _ = try? value.name()
          _ = try? value.string()
          _ = try? value.boolean()
          _ = try? value.integer()
          _ = try? value.number()
          _ = try? value.properties()
          _ = try? value.columns()
          for entry in value.list() { _ = try? entry.call().arguments.map(\.value.sql) }
        }
      }
    } catch {
      if error.kind == .internal || misplaced(error.range) || error.line == nil { return "model: \(error)" }
    }
    return nil
  }

  /// Texts per seed; `PULSEHOUSE_FUZZ_ROUNDS` in the environment asks for more.
  private static var rounds: Int { getenv("PULSEHOUSE_FUZZ_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 1_500 }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func mutatedTextsNeverTrap(_ seed: UInt64) {
    let corpus = FuzzTests.corpus()
    var random = Random(state: seed)
    for round in 0..<FuzzTests.rounds {
      let text = FuzzTests.mutated(corpus, &random)
      if let complaint = FuzzTests.complaint(text) {
        Issue.record("seed \(seed), round \(round): \(complaint)\n\(text)")
        return
      }
    }
  }
}
