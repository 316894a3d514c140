import Bytes
import SQLSyntax
import Vectors

/// All audits of one table, in as few scans as they allow.
///
/// What zone maps prove is asked first, in one query that reads no rows. Audits that look at rows one by one, and those
/// that aggregate all rows, share one scan for each `condition`; each other one is a query of its own. Only those that
/// fail are asked for rows.
struct AuditPlan {
  private struct Entry {
    var name: String
    /// As the model's header calls it.
    var text: String
    var check: AuditCheck
    var isBlocking: Bool
    var file: String
  }

  private let source: String
  private let grain: [String]
  private let isWholeTable: Bool
  private let entries: [Entry]

  /// - Parameter rows: what audits look at, a table or a query in parentheses; nil for the whole table.
  /// - Parameter times: the variables of time for the project's own audits.
  init(
    _ model: Model, in project: Project, rows: String? = nil, times: [String: MacroValue]
  ) throws(PulsehouseError) {
    isWholeTable = rows == nil && model.kind != .view
    source = rows ?? model.name.sql
    grain = model.grain
    var entries: [Entry] = []
    for call in model.audits {
      do throws(PulsehouseError) {
        let definition = try AuditDefinition.find(call, of: model, in: project)
        var isBlocking = call.isBlocking
        if let asked = call.call["blocking"], try !asked.boolean() { isBlocking = false }
        if case .custom(let custom) = definition {
          if custom.isSkipped { continue }
          if !custom.isBlocking { isBlocking = false }
        }
        let check = try definition.check(call, source: source, times: times)
        var file = model.file.path
        if case .query(_, _, let other?) = check { file = other }
        entries.append(Entry(name: call.name, text: call.text, check: check, isBlocking: isBlocking, file: file))
      } catch {
        throw error.located(in: model.file.text, path: model.file.path)
      }
    }
    if model.kind == .standaloneAudit, let query = try model.query?.with(times) {
      entries.append(
        Entry(
          name: model.name.name, text: model.name.name, check: .query(query.text, file: model.file.path),
          isBlocking: false, file: model.file.path))
    }
    if case .slowlyChanging(let kind) = model.kind { entries.append(Self.versions(kind, model)) }
    self.entries = entries
  }

  /// Of a key's versions one holds at a time, and one alone has no end: asked of every model that keeps versions.
  private static func versions(_ kind: Model.SlowlyChanging, _ model: Model) -> Entry {
    let from = RelationName.quoted(kind.validFrom)
    let until = RelationName.quoted(kind.validTo)
    let key = kind.key.map(RelationName.quoted).joined(separator: ", ")
    let query = """
      SELECT * FROM (
        SELECT *, LEAD(\(from)) OVER (PARTITION BY \(key) ORDER BY \(from), \(until)) AS next_version
        FROM \(model.name.sql)
      ) AS versions WHERE \(until) < \(from) OR \(until) > next_version OR \(until) IS NULL AND next_version IS NOT NULL
      """
    return Entry(
      name: "one_version_at_a_time", text: "one_version_at_a_time", check: .query(query), isBlocking: true,
      file: model.file.path)
  }

  /// Asks every question, and for those that fail for a sample of the rows to blame.
  func run(_ session: any ModelSession, sampleLimit: Int) throws -> [AuditOutcome] {
    var failures = [Int](repeating: 0, count: entries.count)
    let proven = proven(session)
    for scan in sharedScans(without: proven) {
      let answer = try ask(scan.sql, about: scan.members, at: scan.starts, session)
      guard let row = answer.rows.first, row.count == scan.members.count else {
        throw PulsehouseError(.internal, "an aggregate query of audits gave no row")
      }
      for (member, value) in zip(scan.members, row) { failures[member] = try count(value) }
    }
    for (index, entry) in entries.enumerated() {
      guard case .query(let sql, let counting, _) = entry.check else { continue }
      let answer = try ask(
        counting ?? "SELECT COUNT(*) AS failures FROM (\(sql)\n) AS failing", about: [index], session)
      failures[index] = try count(answer.rows.first?.first ?? .null)
    }
    var outcomes: [AuditOutcome] = []
    for (entry, failures) in zip(entries, failures) {
      var outcome = AuditOutcome(
        name: entry.name, text: entry.text, isBlocking: entry.isBlocking, failureCount: failures)
      if failures > 0 {
        outcome.query = sample(entry)
        outcome.sample = try AuditSample.take(outcome.query, limit: sampleLimit, session)
      }
      outcomes.append(outcome)
    }
    return outcomes
  }

  private struct Scan {
    var sql: String
    /// The entries that its columns answer, and where in the text each begins.
    var members: [Int]
    var starts: [Int]
  }

  /// The entries of which zone maps say that no row fails.
  private func proven(_ session: any ModelSession) -> Set<Int> {
    var proofs: [(member: Int, expression: String)] = []
    guard isWholeTable else { return [] }
    for (index, entry) in entries.enumerated() {
      if case .rows(_, nil, let proof?) = entry.check { proofs.append((index, proof)) }
    }
    guard !proofs.isEmpty else { return [] }
    let lines = proofs.map { "  \($0.expression) AS failures_\($0.member + 1)" }
    // Where it cannot be asked so (a column that has no order), the scan will do, and says what is wrong.
    guard let answer = try? session.query("SELECT\n\(lines.joined(separator: ",\n"))\nFROM \(source) AS audited"),
      let row = answer.rows.first, row.count == proofs.count
    else { return [] }
    return Set(zip(proofs, row).compactMap { $1 == .integer(0) ? $0.member : nil })
  }

  /// One query for each condition.
  private func sharedScans(without proven: Set<Int>) -> [Scan] {
    var order: [String] = []
    var asked: [String: [(member: Int, expression: String)]] = [:]
    for (index, entry) in entries.enumerated() where !proven.contains(index) {
      let key: String
      let expression: String
      switch entry.check {
      case .rows(let predicate, let condition, _):
        key = condition ?? ""
        expression = "COUNT(CASE WHEN \(predicate) THEN 1 END)"
      case .aggregate(let failures, let condition, _):
        key = condition ?? ""
        expression = failures
      case .query: continue
      }
      if asked[key] == nil { order.append(key) }
      asked[key, default: []].append((index, expression))
    }
    return order.map { key in
      var scan = Scan(sql: "SELECT", members: [], starts: [])
      for (member, expression) in asked[key] ?? [] {
        scan.sql += scan.members.isEmpty ? "\n  " : ",\n  "
        scan.starts.append(scan.sql.utf8.count)
        scan.members.append(member)
        scan.sql += "\(expression) AS failures_\(member + 1)"
      }
      scan.sql += "\nFROM \(BuiltInAudit.filtered(source, key.isEmpty ? nil : key))"
      return scan
    }
  }

  /// Names the audit in an error of its query, whose places mean nothing to its reader.
  private func ask(
    _ sql: String, about members: [Int], at starts: [Int] = [], _ session: any ModelSession
  ) throws -> QueryAnswer {
    do {
      return try session.query(sql)
    } catch var error as PulsehouseError where error.kind == .user || error.kind == .unsupported {
      // Of several questions in one query, the one that the error's place lies in is to blame.
      let place = error.range?.lowerBound
      let position = place.flatMap { place in starts.lastIndex { $0 <= place } }
      if let member = members.count == 1 ? members[0] : position.map({ members[$0] }) {
        error.message = "audit \(entries[member].text): \(error.message)"
        error.file = error.file ?? entries[member].file
      } else {
        error.message = "audits of \(source): \(error.message)"
      }
      error.range = nil
      throw error
    }
  }

  private func count(_ value: Scalar) throws(PulsehouseError) -> Int {
    switch value {
    case .integer(let count): return Int(count)
    case .null: return 0
    default: throw PulsehouseError(.internal, "an audit's count is no whole number")
    }
  }

  /// The query that shows what fails.
  private func sample(_ entry: Entry) -> String {
    switch entry.check {
    case .rows(let predicate, let condition, _):
      let rows = "SELECT * FROM \(BuiltInAudit.filtered(source, condition)) WHERE \(predicate)"
      return grain.isEmpty ? rows : rows + " ORDER BY \(grain.map(RelationName.quoted).joined(separator: ", "))"
    case .aggregate(_, _, let sample): return sample
    case .query(let sql, _, _): return sql
    }
  }
}

/// What one audit found.
package struct AuditOutcome: Sendable {
  package var name: String
  /// As the model's header calls it.
  package var text: String
  /// Whether a failure keeps the run from being published.
  package var isBlocking: Bool
  /// Rows that fail; 0 is a pass.
  package var failureCount: Int
  /// Shows what fails; empty when nothing does. It speaks of the run's own tables.
  package var query = ""
  /// Some of what fails.
  package var sample = AuditSample()
  /// Where the sample is kept when the run was not published.
  package var keptIn: RelationName?

  package var isPassed: Bool { failureCount == 0 }
}
