import Bytes
import Engine
import Vectors

/// How the models of one environment differ from those of another, or of production.
package struct EnvironmentDifference: Sendable {
  package enum Status: String, Sendable {
    /// Only the first of the two has it.
    case added
    /// Only the second of the two has it.
    case removed
    case changed
    case same
  }

  /// One model in both.
  package struct Model: Sendable {
    package var name: RelationName
    package var status: Status
    /// The SQL it was last built from; nil where it is not, or the same in both.
    package var sql: (first: String, second: String)?
    /// Rows; nil where there is no table of it.
    package var rowCounts: (first: Int?, second: Int?)
    package var rows: Rows?
    /// Columns only one has, and those of other types, in words.
    package var columns: [String] = []
  }

  /// Rows of a model that are not in both, over the columns that both have.
  package struct Rows: Sendable {
    /// Columns that tell rows apart; empty when none are known, and then no row counts as changed.
    package var grain: [String]
    package var onlyFirst = 0
    package var onlySecond = 0
    /// Rows of one grain that differ elsewhere.
    package var changed = 0
    /// Rows that differ, `+` of the first and `-` of the second, in order of the grain.
    package var sample = AuditSample()

    package var areSame: Bool { onlyFirst == 0 && onlySecond == 0 && changed == 0 }
  }

  package var models: [Model] = []

  package var areSame: Bool { models.allSatisfy { $0.status == .same } }

  /// Compares two environments; nil is production. Segments that both name are not read.
  ///
  /// - Parameters:
  ///   - project: says which columns are a model's grain.
  ///   - sampleLimit: rows shown of each model.
  /// - Throws: `.user` 42704 for an environment that is not there; what queries throw.
  package static func find(
    _ first: Environment?, _ second: Environment?, _ project: Project, in session: Session, sampleLimit: Int
  ) throws -> EnvironmentDifference {
    // Nothing is committed: the transaction holds the tables of what only one side has.
    try session.begin()
    defer { session.rollback() }
    let snapshot = try session.currentSnapshot()
    for environment in [first, second].compactMap(\.self)
    where try EnvironmentRecord.find(environment, in: snapshot) == nil {
      throw try EnvironmentRecord.missing(environment, in: snapshot)
    }
    let names = [first, second].map { Set(ModelCatalog.managed(in: snapshot, environment: $0)) }
    var difference = EnvironmentDifference()
    let comparison = RowComparison(session, sampleLimit: sampleLimit)
    for name in names[0].union(names[1]).sorted() {
      let grain = project.models.first { $0.name == name }?.grain ?? []
      difference.models.append(try model(name, grain, first, second, snapshot, comparison))
    }
    return difference
  }

  private static func model(
    _ name: RelationName, _ grain: [String], _ first: Environment?, _ second: Environment?, _ snapshot: Snapshot,
    _ comparison: RowComparison
  ) throws -> Model {
    let places = [first, second].map { $0?.own(name.tableName) ?? name.tableName }
    let exists = places.map { snapshot.table($0) != nil || snapshot.view($0) != nil }
    let counts = places.map { snapshot.table($0)?.rowCount }
    var model = Model(
      name: name, status: exists[0] ? exists[1] ? .same : .added : .removed, rowCounts: (counts[0], counts[1]))
    let states = try [first, second].map { try ModelCatalog.state(of: name, in: $0, snapshot) }
    if model.status != .same {
      model.sql = (states[0]?.text ?? "", states[1]?.text ?? "")
      return model
    }
    if let left = states[0], let right = states[1], left.definition != right.definition {
      model.sql = (left.text, right.text)
      model.status = .changed
    }
    try comparison.compare(places[0], places[1], grain, &model)
    if model.rows.map({ !$0.areSame }) ?? false || !model.columns.isEmpty { model.status = .changed }
    return model
  }
}

/// Finds the rows of two tables that are not in both.
private struct RowComparison {
  private let session: Session
  private let sampleLimit: Int
  /// Whether rows that differ can be put aside.
  private let canWrite: Bool
  private static let schema = "pulsehouse__compared"
  /// Rows that differ and are put aside at most.
  private static let rowLimit = 5_000_000

  init(_ session: Session, sampleLimit: Int) {
    self.session = session
    self.sampleLimit = sampleLimit
    canWrite = !session.warehouse.store.isReadOnly
  }

  func compare(
    _ first: TableName, _ second: TableName, _ grain: [String], _ model: inout EnvironmentDifference.Model
  ) throws {
    let snapshot = try session.currentSnapshot()
    var sources = [first, second]
    let fields = sources.map { name in
      snapshot.table(name)?.definition.columns ?? snapshot.view(name)?.definition.columns ?? []
    }
    if let left = snapshot.table(first), let right = snapshot.table(second), try left.isSame(as: right) { return }
    let common = fields[0].filter { field in fields[1].contains { $0.name == field.name && $0.type == field.type } }
      .map(\.name)
    for field in fields[0] where !common.contains(field.name) {
      let other = fields[1].first { $0.name == field.name }
      model.columns.append(
        other.map { "~ \(field.name) \(field.type.name), was \($0.type.name)" } ?? "+ \(field.name) \(field.type.name)")
    }
    for field in fields[1] where !fields[0].contains(where: { $0.name == field.name }) {
      model.columns.append("- \(field.name) \(field.type.name)")
    }
    guard !common.isEmpty else { return }
    if let left = snapshot.table(first), let right = snapshot.table(second) {
      // The few rows that differ are found by their hashes; only of very many is everything compared.
      if canWrite,
        let apart = try session.rowsApart(left, right, columns: common, schema: Self.schema, limit: Self.rowLimit)
      {
        sources = apart
      } else if fields[0] == fields[1] {
        // Whole segments that both have hold rows that both have.
        sources = try session.segmentsApart(left, right, schema: Self.schema)
        if try session.haveSameContent(sources[0], sources[1]) { return }
      }
      let now = try session.currentSnapshot()
      if fields[0] == fields[1], sources.allSatisfy({ now.table($0)?.rowCount == 0 }) { return }
    }
    model.rows = try rows(sources[0], sources[1], common, grain.filter { common.contains($0) })
  }

  private func rows(_ first: TableName, _ second: TableName, _ columns: [String], _ grain: [String]) throws
    -> EnvironmentDifference.Rows
  {
    let list = columns.map(RelationName.quoted).joined(separator: ", ")
    let (left, right) = (RelationName(first).sql, RelationName(second).sql)
    let with = """
      WITH first AS (SELECT \(list) FROM \(left) EXCEPT ALL SELECT \(list) FROM \(right)),
        second AS (SELECT \(list) FROM \(right) EXCEPT ALL SELECT \(list) FROM \(left))

      """
    let isSame = grain.map { "first.\(RelationName.quoted($0)) = second.\(RelationName.quoted($0))" }
      .joined(separator: " AND ")
    var counted = "SELECT (SELECT COUNT(*) FROM first), (SELECT COUNT(*) FROM second)"
    if !grain.isEmpty {
      counted +=
        ", (SELECT COUNT(*) FROM first WHERE EXISTS (SELECT 1 FROM second WHERE \(isSame))), "
        + "(SELECT COUNT(*) FROM second WHERE EXISTS (SELECT 1 FROM first WHERE \(isSame)))"
    }
    let counts = try session.rows(with + counted).first?.map { value -> Int in
      if case .integer(let count) = value { return Int(count) }
      return 0
    }
    guard let counts, counts.count == (grain.isEmpty ? 2 : 4) else {
      throw PulsehouseError(.internal, "a comparison of tables gave no counts")
    }
    var rows = EnvironmentDifference.Rows(grain: grain, onlyFirst: counts[0], onlySecond: counts[1])
    if !grain.isEmpty {
      rows.changed = counts[2]
      rows.onlyFirst -= counts[2]
      rows.onlySecond -= counts[3]
    }
    if !rows.areSame, sampleLimit > 0 {
      let order = (grain.isEmpty ? columns : grain).map(RelationName.quoted) + ["row_of"]
      rows.sample = try AuditSample.take(
        "\(with)SELECT * FROM (SELECT '+' AS row_of, first.* FROM first UNION ALL SELECT '-' AS row_of, second.* FROM second) "
          + "AS apart ORDER BY \(order.joined(separator: ", ")) LIMIT \(sampleLimit)",
        limit: sampleLimit, SessionModelSession(session))
    }
    return rows
  }
}
