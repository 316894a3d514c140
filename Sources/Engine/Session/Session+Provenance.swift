import Bytes
import Execution
import Planning
import SQLSyntax
import Vectors

extension Session {
  /// A row of a query with the rows of tables it was made from.
  package struct TracedRow: Sendable {
    package var values: [Scalar]
    /// By place in `TracedRows.sources`; nil where it has none from there.
    package var sources: [[Scalar]?]
  }

  package struct TracedRows: Sendable {
    package var fields: [Field]
    package var sources: [(table: TableName, fields: [Field])]
    package var rows: [TracedRow]
  }

  /// Runs a query and gives with each row those it was made from, `limit` at most; see `Provenance` for what counts.
  ///
  /// - Throws: as the query does; `.unsupported` for recursion and grouping sets.
  package func trace(_ sql: String, limit: Int) throws -> TracedRows {
    let cancellation = canceller.start()
    defer { canceller.end(cancellation) }
    let scope = try planningScope()
    let provenance = try planner(scope).provenance(of: try PostgresParser.parseOne(sql), limit: limit)
    let sink = CollectingSink()
    let plan = provenance.plan
    let work = StatementWork(
      scope: scope, text: sql, sink: sink, cancellation: cancellation, now: statementTime, parameters: [])
    let fields = zip(plan.columnNames, plan.root.output).map { Field($0, $1.type, isNullable: $1.isNullable) }
    sink.begin(fields)
    try Executor.run(plan, in: queryContext(work)) { sink.append($0) }
    return TracedRows(
      fields: Array(fields.prefix(provenance.outputCount)),
      sources: provenance.sources.map { (TableName($0.schema, $0.table), $0.fields) },
      rows: sink.rows.map { row in
        TracedRow(
          values: Array(row.prefix(provenance.outputCount)),
          sources: provenance.sources.map { source in
            let values = Array(row[source.start..<(source.start + source.fields.count)])
            return values.allSatisfy(\.isNull) ? nil : values
          })
      })
  }
}

extension Session {
  /// The names of a query's columns, without running it.
  package func outputNames(of sql: String) throws -> [String] {
    guard case .query(let plan) = try planner(try planningScope()).plan(try PostgresParser.parseOne(sql)) else {
      throw PulsehouseError(.internal, "asked for the columns of a statement that is no query")
    }
    return plan.columnNames
  }

  /// The time statements go by, microseconds since 1970 UTC.
  package var now: Int64 { statementTime }
}
