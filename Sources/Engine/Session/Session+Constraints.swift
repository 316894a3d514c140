import Bytes
import Execution
import Kernels
import Planning
import SQLSyntax
import Segments
import Vectors

/// What new rows are held to before they become visible.
extension Session {
  /// Makes new segments part of a table, once no two rows share a key.
  ///
  /// A table with keys tolerates no other writer since the snapshot: two transactions must not add the same key.
  func add(
    _ segments: [SegmentDescriptor], to name: TableName, removing: [SegmentDescriptor] = [],
    _ definition: TableDefinition, _ transaction: Transaction, _ work: StatementWork
  ) throws {
    if removing.isEmpty, segments.isEmpty { return }
    let keys = try definition.constraints().filter { $0.keyColumns != nil }
    if removing.isEmpty, keys.isEmpty {
      try transaction.apply(.addSegments(name, segments))
    } else {
      try transaction.apply(.replaceSegments(name, removing: removing, adding: segments, .rows))
    }
    if !segments.isEmpty {
      for key in keys { try requireUnique(key, name, definition, among: segments, transaction, work) }
      if let references = work.references {
        references.added[name, default: []] += segments
      } else {
        try requireReferences(of: name, definition, among: segments, transaction, work)
      }
    }
    if !removing.isEmpty { try requireReferenced(name, transaction, work) }
  }

  /// Looks for two rows with one key, at least one of them in `segments` (nil: anywhere).
  ///
  /// - Throws: 23505.
  func requireUnique(
    _ constraint: TableConstraint, _ name: TableName, _ definition: TableDefinition,
    among segments: [SegmentDescriptor]?,
    _ transaction: Transaction, _ work: StatementWork
  ) throws {
    guard let (names, nullsAreDistinct) = constraint.keyColumns else { return }
    let columns = names.map(SQLPrinter.quoted).joined(separator: ", ")
    var conditions = nullsAreDistinct ? names.map { "\(SQLPrinter.quoted($0)) IS NOT NULL" } : []
    // Only rows within the new keys' bounds can have the same ones.
    let isBounded = nullsAreDistinct || segments?.isEmpty == true
    let bounds = try KeyBounds(of: names, definition, among: isBounded ? segments : nil)
    conditions += bounds.conditions { SQLPrinter.quoted($0) }
    let filter = conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND ")) "
    let sql =
      "SELECT \(columns) FROM \(SQLPrinter.quoted(name.schema)).\(SQLPrinter.quoted(name.name)) \(filter)"
      + "GROUP BY \(columns) HAVING count(*) > 1 LIMIT 1"
    let repeated = try rows(sql, in: transaction, work, bounds.parameters, bounds.types)
    guard let row = repeated.first else { return }
    let values = zip(row, names).map { scalar, name in
      let type = definition.columns.first { $0.name == name }?.type ?? .text
      return TextFormat.string(scalar, type) ?? "null"
    }
    throw PulsehouseError(
      .user, "duplicate key value violates unique constraint \"\(constraint.name)\"", sqlState: "23505",
      detail: "Key (\(names.joined(separator: ", ")))=(\(values.joined(separator: ", "))) already exists.")
  }

  /// Runs a query on a transaction's own state.
  func rows(
    _ sql: String, in transaction: Transaction, _ work: StatementWork, _ parameters: [Scalar] = [],
    _ types: [LogicalType] = []
  ) throws -> [[Scalar]] {
    let scope = PlanningScope(transaction.snapshot, in: warehouse, searchPath: searchPath)
    var options = Planner.Options()
    options.parameterTypes = types
    let context = EvaluationContext(parameters: parameters, now: work.now, zone: settings.zone)
    let planner = Planner(
      schema: scope, evaluateConstant: { try ConstantEvaluator.value(of: $0, context) }, options: options)
    guard case .query(let plan) = try planner.plan(try PostgresParser.parseOne(sql)) else { return [] }
    var inner = work
    inner.scope = scope
    inner.parameters = parameters
    let collected = Unchecked<[[Scalar]]>([])
    try Executor.run(plan, in: queryContext(inner)) { batch in
      for row in 0..<batch.rowCount { collected.value.append(batch.columns.map { $0.scalar(at: row) }) }
    }
    return collected.value
  }
}

/// Between which values the keys of new rows lie, for a query that looks at no others.
struct KeyBounds {
  private var columns: [String] = []
  private(set) var parameters: [Scalar] = []
  private(set) var types: [LogicalType] = []

  /// Of `names`, those whose bounds `segments` know; nil segments know none.
  init(of names: [String], _ definition: TableDefinition, among segments: [SegmentDescriptor]?) throws {
    guard let segments else { return }
    for name in names {
      guard let index = definition.columns.firstIndex(where: { $0.name == name }),
        let bounds = try KeyBounds.bounds(of: index, definition.columns[index].type, segments)
      else { continue }
      columns.append(name)
      parameters += [bounds.minimum, bounds.maximum]
      types += [definition.columns[index].type, definition.columns[index].type]
    }
  }

  /// As conditions on `parameters`; `shown` gives a column's name in SQL.
  func conditions(_ shown: (String) -> String) -> [String] {
    columns.enumerated().map { "\(shown($1)) BETWEEN $\(2 * $0 + 1) AND $\(2 * $0 + 2)" }
  }

  /// The least and the greatest value of a column in `segments`; nil where they do not say enough.
  private static func bounds(
    of column: Int, _ type: LogicalType, _ segments: [SegmentDescriptor]
  ) throws -> (minimum: Scalar, maximum: Scalar)? {
    // NaN is beyond what bounds of floats say, and text's may be cut short.
    guard type.isInteger || type == .date || type == .timestamp || type == .timestamptz else { return nil }
    var merged = ZoneMap.empty
    for segment in segments {
      let zoneMaps = try segment.zoneMaps()
      guard column < zoneMaps.count else { return nil }
      merged = merged.merged(with: zoneMaps[column])
    }
    return merged.hasBounds ? (merged.minimum, merged.maximum) : nil
  }
}

/// A table's CHECK constraints, ready to be tried on batches of its fields.
final class CompiledChecks {
  private let name: String
  private let checks: [(name: String, condition: CompiledExpression)]
  private let views: [(name: String, condition: CompiledExpression)]
  private let fieldCount: Int
  private let context: EvaluationContext

  init(_ checks: RowChecks, of table: TableName, now: Int64, zone: ZoneRules?) throws {
    name = table.name
    fieldCount = checks.columns.count
    self.checks = try checks.conditions.map { ($0.name, try CompiledExpression($0.condition, input: checks.columns)) }
    views = try checks.views.map { ($0.name, try CompiledExpression($0.condition, input: checks.columns)) }
    context = EvaluationContext(now: now, zone: zone)
  }

  /// - Throws: 23514 for the first row that fails a condition, where NULL does not; 44000 for one that a view of
  ///   CHECK OPTION would not show.
  func test(_ batch: Batch) throws {
    for check in checks {
      let result = try check.condition.evaluate(batch, context)
      for row in 0..<batch.rowCount {
        guard result.isValid(row), case .boolean(false) = result.scalar(at: row) else { continue }
        throw PulsehouseError(
          .user, "new row for relation \"\(name)\" violates check constraint \"\(check.name)\"", sqlState: "23514",
          detail: shown(row, of: batch))
      }
    }
    for view in views {
      let result = try view.condition.evaluate(batch, context)
      for row in 0..<batch.rowCount {
        if result.isValid(row), case .boolean(true) = result.scalar(at: row) { continue }
        throw PulsehouseError(
          .user, "new row violates check option for view \"\(view.name)\"", sqlState: "44000",
          detail: shown(row, of: batch))
      }
    }
  }

  private func shown(_ row: Int, of batch: Batch) -> String {
    let values = batch.columns.prefix(fieldCount).map { TextFormat.string($0.scalar(at: row), $0.type) ?? "null" }
    return "Failing row contains (\(values.joined(separator: ", ")))."
  }
}
