import Bytes
import Engine
import Kernels
import SQLSyntax
import Vectors

/// A row of a table and the rows it was made from, down to rows that no model makes.
package struct TracedModelRow: Sendable {
  package var table: RelationName
  /// The model's kind; nil for a table that no model makes.
  package var kind: String?
  package var fields: [Field]
  package var values: [Scalar]
  package var sources: [TracedModelRow]
  /// Rows it was made from that are not shown.
  package var omittedCount: Int
  /// Whether there are more of those than were counted.
  package var isCut = false
  /// What there is to say about a row that cannot be followed.
  package var note: String?

  package subscript(_ column: String) -> Scalar? {
    fields.firstIndex { $0.name == column }.map { values[$0] }
  }
}

/// Follows rows of a project's tables through the models' queries to the rows they come from.
///
/// At each model its query is asked once more, for this row alone, with the rows of the tables it reads beside it. So
/// joins, unions and groups are followed exactly as they are computed; rows of views come from the tables below them.
/// What is followed is what the tables hold now: of a row that its model's query gives no more, the trace says so.
package struct ModelTrace {
  private let project: Project
  private let session: Session
  /// Rows shown of those that one row was made from.
  private let limit: Int
  private var followed: [String: TracedModelRow] = [:]
  private var count = 0

  /// More rows than this no one reads.
  private static let rowLimit = 10_000

  package init(_ project: Project, in session: Session, limit: Int) {
    self.project = project
    self.session = session
    self.limit = limit
  }

  /// Traces the rows of `table` for which `condition`, SQL over its columns, is true.
  ///
  /// - Throws: `.user` when there is no such table or row, or for a condition that is no SQL; `.unsupported` for queries
  ///   that cannot be traced, in words.
  package mutating func trace(
    _ table: RelationName, where condition: String
  ) throws -> (rows: [TracedModelRow], hasMore: Bool) {
    let prefix = "SELECT * FROM \(table.sql) WHERE ("
    let sink = CollectingSink()
    do {
      try session.run("\(prefix)\(condition)\n) LIMIT \(limit + 1)", into: sink)
    } catch var error as PulsehouseError {
      error.range = nil
      error.detail = error.detail ?? "In --where \(condition)"
      throw error
    }
    guard !sink.rows.isEmpty else {
      throw PulsehouseError(.user, "no row of \(table) has \(condition)", sqlState: "02000")
    }
    var found: [TracedModelRow] = []
    for row in sink.rows.prefix(limit) { found.append(try follow(table, sink.columns, row)) }
    return (found, sink.rows.count > limit)
  }

  private mutating func follow(_ table: RelationName, _ fields: [Field], _ values: [Scalar]) throws -> TracedModelRow {
    let key =
      table.description + zip(fields, values).map { "\u{1F}" + (TextFormat.string($1, $0.type) ?? "\u{0}") }.joined()
    if let known = followed[key] { return known }
    count += 1
    guard count <= Self.rowLimit else {
      throw PulsehouseError(
        .unsupported, "the row comes from more than \(Self.rowLimit) rows", hint: "Ask for fewer by --limit.")
    }
    let model = project.models.first { $0.name == table }
    var row = TracedModelRow(
      table: table, kind: model?.kind.name, fields: fields, values: values, sources: [], omittedCount: 0)
    if let model, let query = model.query {
      do {
        try addSources(to: &row, model, query)
      } catch let error as PulsehouseError where error.kind == .unsupported {
        row.note = "cannot be followed further: \(error.message)"
      }
    }
    followed[key] = row
    return row
  }

  private mutating func addSources(to row: inout TracedModelRow, _ model: Model, _ query: ModelQuery) throws {
    let text = try query.with(variables(of: model, row)).text
    let outputs = Set(try session.outputNames(of: text))
    let condition = predicate(model, row, among: outputs)
    let found: Session.TracedRows
    do {
      found = try session.trace(
        "SELECT * FROM (\(text)\n) AS traced WHERE \(condition)", limit: Self.rowLimit)
    } catch var error as PulsehouseError {
      error.range = nil
      error.file = error.file ?? model.file.path
      throw error
    }
    guard !found.rows.isEmpty else {
      row.note =
        "its model's query does not give this row now: what it reads changed since, or this is an older version"
      return
    }
    row.isCut = found.rows.count == Self.rowLimit
    var seen: Set<String> = []
    for traced in found.rows {
      for (source, values) in zip(found.sources, traced.sources) {
        guard let values else { continue }
        let name = RelationName(source.table)
        let key =
          name.description
          + zip(source.fields, values).map { "\u{1F}" + (TextFormat.string($1, $0.type) ?? "\u{0}") }
          .joined()
        guard seen.insert(key).inserted else { continue }
        if row.sources.count >= limit {
          row.omittedCount += 1
        } else {
          row.sources.append(try follow(name, source.fields, values))
        }
      }
    }
    if row.sources.isEmpty { row.note = "made by the model's query alone, from no table's row" }
  }

  /// The interval that the row belongs to, where the query asks for one.
  private func variables(of model: Model, _ row: TracedModelRow) -> [String: MacroValue] {
    let now = session.now
    guard case .incrementalByTimeRange(let kind) = model.kind, case .integer(let value)? = row[kind.column],
      let type = row.fields.first(where: { $0.name == kind.column })?.type
    else { return TimeVariables.values(start: 0, end: now, execution: now) }
    let seconds = type == .date ? value * 86_400 : Int64((Double(value) / 1e6).rounded(.down))
    let number = Int64((Double(seconds) / Double(kind.unit.seconds)).rounded(.down))
    return TimeVariables.values(IntervalRange(number, number, kind.unit), execution: now)
  }

  /// True of this row alone: by the model's grain where it has one, else by all its columns.
  private func predicate(_ model: Model, _ row: TracedModelRow, among outputs: Set<String>) -> String {
    let grain = model.grain.filter { outputs.contains($0) }
    let isKeyed = !grain.isEmpty && grain.count == model.grain.count && grain.allSatisfy { row[$0]?.isNull == false }
    var parts: [String] = []
    for (field, value) in zip(row.fields, row.values)
    where isKeyed ? grain.contains(field.name) : outputs.contains(field.name) {
      // JSON has no equality.
      if field.type == .json { continue }
      let name = "traced.\(RelationName.quoted(field.name))"
      guard let text = TextFormat.string(value, field.type) else {
        parts.append("\(name) IS NULL")
        continue
      }
      parts.append("\(name) = CAST('\(text.replacing("'", with: "''"))' AS \(field.type.name))")
    }
    return parts.isEmpty ? "true" : parts.joined(separator: " AND ")
  }
}
