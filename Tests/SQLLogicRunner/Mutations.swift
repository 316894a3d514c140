import Bytes
import Engine
import Foundation
import SQLLogic
import TestKit

// `SQLLogicRunner --mutations N FILE...`: the scripts' statements with words lost, doubled, exchanged and put in from
// others are run. Whatever they say, each ends with rows or an error in words, within its time and memory: a trap ends
// the process, and the last line of `--trace FILE` is the statement that did it.

/// Statements of scripts as words, and the ways to spoil them.
struct Mutator {
  private let statements: [[String]]
  private let words: [String]
  private var random: SplitMix

  /// Values that hurt: bounds of types, absurd lengths, half-open quotes.
  private static let nasty = [
    "NULL", "0", "-1", "2147483647", "-2147483648", "9223372036854775807", "-9223372036854775808", "32767", "1e308",
    "1e-308", "'NaN'::float8", "'infinity'::float8", "'-infinity'::timestamp", "date 'infinity'",
    "99999999999999999999999999999999999999", "0.00000000000000000001", "''", "'%'", "'{}'", "'\\'",
    "repeat('x', 5000)",
    "interval '2147483647 months'", "interval '-9223372036854775808 microseconds'", "date '4713-01-01 BC'",
    "timestamp '294276-12-31 23:59:59'",
    "ARRAY[1,NULL,3]", "'{}'::int[]", "true", "(SELECT NULL)", "DISTINCT", "ALL",
    "OVER ()", "FILTER (WHERE false)", "LIMIT 0", "GROUP BY ()", "::text", "::integer", "::numeric", "::date",
    "::jsonb",
    "'[1,{\"a\":null}]'::jsonb", "- -", "NOT", "IS NULL", "AND", "OR", "CASE WHEN", "END",
  ]

  init(_ texts: [String], seed: UInt64) {
    statements = texts.map(Mutator.words).filter { !$0.isEmpty && $0.count < 200 }
    words = statements.flatMap { $0 } + Array(repeating: Mutator.nasty, count: 20).flatMap { $0 }
    random = SplitMix(state: seed)
  }

  /// Names, numbers, quoted texts, and single signs.
  private static func words(_ text: String) -> [String] {
    var words: [String] = []
    var word = ""
    var quote: Character?
    for character in text {
      if let open = quote {
        word.append(character)
        if character == open { quote = nil }
      } else if character.isWhitespace || "(),;[]".contains(character) {
        if !word.isEmpty { words.append(word) }
        word = ""
        if !character.isWhitespace { words.append(String(character)) }
      } else {
        if character == "'" || character == "\"" { quote = character }
        word.append(character)
      }
    }
    return word.isEmpty ? words : words + [word]
  }

  /// Some statement, mostly with one word changed.
  mutating func next() -> String {
    var text = statements[random.next(statements.count)]
    for _ in 0...max(0, random.next(5) - 2) {
      guard !text.isEmpty else { break }
      let place = random.next(text.count)
      switch random.next(6) {
      case 0: text.remove(at: place)
      case 1: text.insert(text[place], at: place)
      case 2: text.swapAt(place, random.next(text.count))
      case 3: text[place] = words[random.next(words.count)]
      case 4: text[place] = Mutator.nasty[random.next(Mutator.nasty.count)]
      default: text.insert(words[random.next(words.count)], at: place)
      }
    }
    return text.joined(separator: " ")
  }
}

/// Runs mutated statements of the scripts; tables are made anew from the scripts every 2,000.
func runMutations(_ options: Options) throws -> Int32 {
  var texts: [String] = []
  for file in options.files {
    let script = try LogicScript(String(decoding: try Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self))
    for record in script.records { if case .run(let sql, _) = record.action { texts.append(sql) } }
  }
  // What reaches out of the warehouse, or changes how the run itself goes, is not for chance to say.
  let outside = [
    "copy ", "read_csv", "read_json", "read_parquet", "set ", "set_config", "reset ", "discard", "drop schema",
  ]
  texts.removeAll { text in outside.contains { text.lowercased().contains($0) } }
  let setup = texts.filter { ["create", "insert"].contains($0.prefix(6).lowercased()) }
  var mutator = Mutator(texts, seed: options.seed)
  var outcomes: [String: Int] = [:]
  var slowest = (seconds: 0.0, sql: "")
  var done = 0
  while done < options.mutations {
    let directory = try TemporaryDirectory()
    var database = try makeDatabase(directory, options, settings: ["statement_timeout = '2s'", "memory = '64MB'"])
    for text in setup { _ = try? database.run(text, connection: nil) }
    for _ in 0..<min(2000, options.mutations - done) {
      let sql = mutator.next()
      if outside.contains(where: sql.lowercased().contains) { continue }
      if let trace = options.trace { try Data((sql + "\n").utf8).write(to: URL(fileURLWithPath: trace)) }
      let start = ContinuousClock.now
      do {
        _ = try database.run(sql, connection: nil)
        outcomes["ok", default: 0] += 1
      } catch let error as LogicError {
        outcomes[error.sqlState, default: 0] += 1
        if error.sqlState == "25P02" { _ = try? database.run("ROLLBACK", connection: nil) }
        if error.sqlState == "XX000" { print("  FAILED an internal error\n\(sql)\n\(error)") }
      }
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      if seconds > slowest.seconds { slowest = (seconds, sql) }
      if seconds > 10 { print("  FAILED took \(seconds) s\n\(sql)") }
    }
    done += 2000
  }
  let counts = outcomes.sorted { $0.value > $1.value }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
  print("seed \(options.seed): \(options.mutations) mutations; \(counts)")
  print("the slowest took \(slowest.seconds) s: \(slowest.sql)")
  return outcomes["XX000"] == nil && slowest.seconds <= 10 ? 0 : 1
}
