import Bytes
import Planning
import SQLSyntax
import Vectors

/// Materialized views: tables that remember the query they were made by.
extension Session {
  /// Makes the rows of a materialized view anew, in one step.
  func refresh(_ written: QualifiedName, withData: Bool, _ work: StatementWork) throws {
    guard let state = try existingTable(written, work.scope.snapshot) else {
      throw PulsehouseError(
        .user, "relation \"\(written.name)\" does not exist", sqlState: "42P01", range: written.range.bytes)
    }
    guard let query = state.definition.materializedQuery else {
      throw PulsehouseError(
        .user, "\"\(written.name)\" is not a materialized view", sqlState: "0A000", range: written.range.bytes)
    }
    try work.scope.requireOwn(state.name)
    try inTransaction("REFRESH MATERIALIZED VIEW \(state.name)") { transaction in
      var definition = state.definition
      definition.isPopulated = withData
      if state.definition != definition { try transaction.apply(.alterTable(state.name, definition)) }
      try transaction.apply(.truncateTable(state.name))
      guard withData else { return }
      // Read as the transaction sees it; the view's own old rows are not asked.
      let scope = PlanningScope(
        transaction.snapshot, in: warehouse, searchPath: searchPath, environment: settings.environment,
        fileReader: fileReader)
      guard case .query(var plan) = try planner(scope).plan(try PostgresParser.parseOne(query)) else { return }
      try noteTables(of: scope)
      plan = try plan.assigned(to: definition, of: state.name)
      var inner = work
      inner.scope = scope
      inner.text = query
      _ = try write(plan, to: state.name, definition, transaction, inner)
    }
    try work.sink.finish(StatementOutcome("REFRESH MATERIALIZED VIEW"))
  }

  func existingTable(_ name: QualifiedName, _ snapshot: Snapshot) throws -> TableState? {
    for schema in schemas(of: name) {
      let full = snapshot.resolve(TableName(schema, name.name), in: settings.environment)
      if let table = snapshot.table(full) { return table }
    }
    return nil
  }
}

extension TableDefinition {
  private static let queryKey = "materialized query"
  private static let emptyKey = "materialized without data"

  /// The query of a materialized view, as written; nil for a plain table.
  var materializedQuery: String? {
    get { properties[Self.queryKey] }
    set { properties[Self.queryKey] = newValue }
  }

  /// False for a materialized view that was made or refreshed WITH NO DATA: it cannot be read.
  var isPopulated: Bool {
    get { properties[Self.emptyKey] == nil }
    set { properties[Self.emptyKey] = newValue ? nil : "" }
  }
}

extension PhysicalPlan {
  /// The plan of a query whose tables may have changed since, in the types of the view's columns.
  fileprivate func assigned(to definition: TableDefinition, of name: TableName) throws -> PhysicalPlan {
    guard root.output.count == definition.columns.count else {
      throw PulsehouseError(
        .user, "the query of the materialized view \(name) gives other columns now", sqlState: "42P16",
        hint: "DROP and CREATE it again.")
    }
    if zip(root.output, definition.columns).allSatisfy({ $0.type == $1.type }) { return self }
    throw PulsehouseError(
      .user, "the query of the materialized view \(name) gives columns of other types now", sqlState: "42P16",
      hint: "DROP and CREATE it again.")
  }
}
