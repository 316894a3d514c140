import Bytes
import Execution
import Planning
import SQLSyntax
import Vectors

/// How a table that a query fills is laid out.
package struct TableOptions: Sendable, Hashable {
  /// Columns by whose values segments are kept apart.
  package var partitionedBy: [String]
  /// Columns the rows are sorted by, most significant first.
  package var clusteredBy: [String]
  package var properties: [String: String]

  package init(partitionedBy: [String] = [], clusteredBy: [String] = [], properties: [String: String] = [:]) {
    self.partitionedBy = partitionedBy
    self.clusteredBy = clusteredBy
    self.properties = properties
  }
}

/// Tables and views made of queries by programs rather than by statements: what models need.
extension Session {
  /// Fills a table anew with the rows of `query`, in the open transaction or one of its own. An old table of the name
  /// goes; its replacement becomes visible with the commit. Returns the number of rows.
  ///
  /// A clustered table's rows are sorted first. - Throws: 42703 for a partition or cluster column the query does not
  /// give; whatever the query throws, with ranges into `query`.
  package func replaceTable(_ name: TableName, query: String, options: TableOptions = TableOptions()) throws -> Int {
    let scope = try planningScope()
    let work = StatementWork(
      scope: scope, text: query, sink: DiscardingSink(), cancellation: canceller.start(), now: statementTime,
      parameters: [])
    defer { canceller.end() }
    let plan = try queryPlan(query, scope, orderedBy: options)
    let fields = zip(plan.columnNames, plan.root.output).map { Field($0, $1.type, isNullable: $1.isNullable) }
    let definition = TableDefinition(
      columns: fields.map { ColumnDefinition(name: $0.name, type: $0.type, isNullable: true) },
      partitionedBy: options.partitionedBy, clusteredBy: options.clusteredBy, properties: options.properties)
    return try inTransaction("replace \(name)") { transaction in
      if !transaction.snapshot.schemas.contains(name.schema) { try transaction.apply(.createSchema(name.schema)) }
      if transaction.snapshot.view(name) != nil { try transaction.apply(.dropView(name)) }
      if transaction.snapshot.table(name) != nil { try transaction.apply(.dropTable(name)) }
      try transaction.apply(.createTable(name, .random(), definition))
      return try write(plan, to: name, definition, transaction, work)
    }
  }

  /// Makes `name` a view of `query`, replacing a view or table of the name.
  package func replaceView(_ name: TableName, query: String, properties: [String: String] = [:]) throws {
    let plan = try queryPlan(query, try planningScope(), orderedBy: TableOptions())
    let columns = zip(plan.columnNames, plan.root.output).map {
      ColumnDefinition(name: $0, type: $1.type, isNullable: $1.isNullable)
    }
    try inTransaction("replace view \(name)") { transaction in
      if !transaction.snapshot.schemas.contains(name.schema) { try transaction.apply(.createSchema(name.schema)) }
      if transaction.snapshot.table(name) != nil { try transaction.apply(.dropTable(name)) }
      try transaction.apply(.putView(name, ViewDefinition(sql: query, columns: columns, properties: properties)))
    }
  }

  /// Writes the rows of `query` as a CSV file that takes its name when it is whole. Returns the number of rows.
  package func exportCSV(_ query: String, to path: String, dialect: CSVDialect = CSVDialect(hasHeader: true)) throws
    -> Int
  {
    let scope = try planningScope()
    let work = StatementWork(
      scope: scope, text: query, sink: DiscardingSink(), cancellation: canceller.start(), now: statementTime,
      parameters: [])
    defer { canceller.end() }
    let plan = try queryPlan(query, scope, orderedBy: TableOptions())
    let fields = zip(plan.columnNames, plan.root.output).map { Field($0, $1.type) }
    return try writeCSV(plan, fields, to: path, dialect, work)
  }

  private func queryPlan(_ query: String, _ scope: PlanningScope, orderedBy options: TableOptions) throws
    -> PhysicalPlan
  {
    let statement = try PostgresParser.parseOne(query)
    guard case .query(var plan) = try planner(scope).plan(statement) else {
      throw PulsehouseError(.user, "a SELECT is needed here", sqlState: "42601", range: statement.range.bytes)
    }
    let order = options.partitionedBy + options.clusteredBy.filter { !options.partitionedBy.contains($0) }
    guard !order.isEmpty else { return plan }
    let keys = try order.map { name in
      guard let index = plan.columnNames.firstIndex(of: name) else {
        throw PulsehouseError(
          .user, "the query gives no column \"\(name)\" to partition or cluster by", sqlState: "42703",
          hint: "Its columns are \(plan.columnNames.joined(separator: ", ")).")
      }
      return SortKey(.column(plan.root.output[index]))
    }
    plan.root = PhysicalNode(
      id: plan.nodeCount, .sort(keys), inputs: [plan.root], output: plan.root.output,
      estimatedRowCount: plan.root.estimatedRowCount)
    return plan
  }
}

extension PhysicalPlan {
  /// A number no node of the plan has yet.
  fileprivate var nodeCount: Int {
    func highest(_ node: PhysicalNode) -> Int { node.inputs.reduce(node.id) { max($0, highest($1)) } }
    return subqueries.reduce(highest(root)) { max($0, highest($1)) } + 1
  }
}
