import Bytes
import Engine
import Modeling
import Vectors

/// A session without a warehouse: remembers what it is told, and answers as it was taught.
final class FakeSession: ModelSession {
  var statements: [String] = []
  var relations: [RelationName: RelationKind]
  private var schemas: Set<String> = []
  private var published: [RelationName: RelationKind]
  /// Failures by the words of the audit's predicate or query.
  var failing: [(words: String, count: Int)] = []
  /// Thrown by statements that hold the words.
  var broken: [(words: String, error: PulsehouseError)] = []
  private(set) var isOpen = false
  private(set) var commits: [String] = []

  init(tables: [RelationName]) {
    relations = Dictionary(uniqueKeysWithValues: tables.map { ($0, .table) })
    published = relations
  }

  func begin() throws {
    precondition(!isOpen)
    isOpen = true
    published = relations
  }

  func commit(message: String) throws {
    precondition(isOpen)
    isOpen = false
    commits.append(message)
    published = relations
  }

  func rollback() {
    isOpen = false
    relations = published
  }

  func restart(keeping names: [RelationName]) throws {
    rollback()
    try begin()
    for name in names { relations[name] = .table }
  }

  /// What there was when each open branch began; a branch is the session itself, so only one thread may build.
  private var branches: [[RelationName: RelationKind]] = []

  func branch(memoryShare: Int) throws -> any ModelSession {
    branches.append(relations)
    return self
  }

  func adopt(_ branch: any ModelSession) throws { branches.removeLast() }

  func discard(_ branch: any ModelSession, keeping names: [RelationName]) throws {
    relations = branches.removeLast()
    for name in names { relations[name] = .table }
  }

  func execute(_ sql: String) throws -> Int? {
    precondition(isOpen)
    statements.append(sql)
    if let found = broken.first(where: { sql.contains($0.words) }) { throw found.error }
    let words = sql.split(whereSeparator: { $0 == " " || $0 == "\n" })
    if words[0] == "COPY" { return 5 }
    if words[0] == "INSERT" { return 7 }
    if words[1] == "SCHEMA" {
      statements.removeLast()
      schemas.insert(words[words.count - 1].filter { $0 != "\"" })
      return nil
    }
    let parts = words[2].split(separator: ".").map { $0.filter { $0 != "\"" } }
    let name = RelationName(parts[0], parts[1])
    if words[0] == "DROP" {
      relations[name] = nil
      return nil
    }
    precondition(schemas.contains(name.schema), "no schema \(name.schema)")
    precondition(relations[name] == nil, "\(name) is there already")
    relations[name] = words[1] == "VIEW" ? .view : .table
    return words[1] == "VIEW" ? nil : 7
  }

  func query(_ sql: String) throws -> QueryAnswer {
    statements.append(sql)
    if let found = broken.first(where: { sql.contains($0.words) }) { throw found.error }
    if sql.hasSuffix("LIMIT 0") {
      var columns = [Field("user_id", .bigint), Field("what", .text)]
      if sql.contains("heart_rate") { columns.append(Field("event_date", .date)) }
      return QueryAnswer(columns: columns, rows: [])
    }
    if sql.contains("failing(value1") {
      return QueryAnswer(
        columns: [Field("value1", .text), Field("value2", .text)],
        rows: [[.text("10007"), .text("it's")], [.text("1"), .null]])
    }
    // One column for each line that names a failure.
    let lines = sql.split(separator: "\n").filter { $0.contains(" AS failures") }
    return QueryAnswer(
      columns: lines.map { _ in Field("failures", .bigint) },
      rows: [
        lines.map { line in
          let text = lines.count == 1 ? sql : String(line)
          return .integer(Int64(failing.first { text.contains($0.words) }?.count ?? 0))
        }
      ])
  }

  func relationKind(_ name: RelationName) throws -> RelationKind? { relations[name] }

  // Remembers no model, so that everything is new in each run.
  private(set) var runs: [RunRecord] = []
  func baseSnapshot() throws -> UInt64 { 1 }
  func relationVersion(_ name: RelationName) throws -> RelationVersion? {
    relations[name].map { _ in RelationVersion(identifier: 1, changedAt: 1) }
  }
  func reads(of sql: String) throws -> ModelReads { ModelReads() }
  func changes(
    of name: RelationName, since version: RelationVersion, column: Int, origin: Int64, width: Int64
  ) throws -> ChangedBuckets { .any }
  func hasChanged(_ name: RelationName, since version: RelationVersion) throws -> Bool { true }
  func bounds(of name: RelationName, column: Int) throws -> ClosedRange<Int64>? { nil }
  func haveEqualRows(_ first: RelationName, _ second: RelationName) throws -> Bool { false }
  func modelState(_ name: RelationName) throws -> (bytes: [UInt8], writtenAt: UInt64)? { nil }
  func putModelState(_ name: RelationName, _ bytes: [UInt8]) throws {}
  func schemaExists(_ name: String) throws -> Bool { schemas.contains(name) }
  func nextRunNumber() throws -> Int { runs.count + 1 }
  func putRun(_ record: RunRecord) throws { runs.append(record) }
}
