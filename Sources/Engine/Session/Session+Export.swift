import Bytes
import Parquet
import Planning
import SQLSyntax
import Vectors

extension Session {
  /// Writes the rows of `query` as a CSV file that takes its name when it is whole. Returns the number of rows.
  ///
  /// - Throws: whatever the query throws, with ranges into `query`; `.io`.
  package func exportCSV(_ query: String, to path: String, dialect: CSVDialect = CSVDialect(hasHeader: true)) throws
    -> Int
  {
    try export(query) { plan, fields, work in try writeCSV(plan, fields, to: path, dialect, work) }
  }

  /// Writes the rows of `query` as a Parquet file that takes its name when it is whole. Returns the number of rows.
  ///
  /// - Throws: whatever the query throws, with ranges into `query`; `.user` for a value Parquet cannot hold; `.io`.
  package func exportParquet(_ query: String, to path: String, options: ParquetOptions = ParquetOptions()) throws -> Int
  {
    try export(query) { plan, fields, work in try writeParquet(plan, fields, to: path, options, work) }
  }

  private func export(_ query: String, _ write: (PhysicalPlan, [Field], StatementWork) throws -> Int) throws -> Int {
    let scope = try planningScope()
    let cancellation = canceller.start()
    defer { canceller.end(cancellation) }
    let work = StatementWork(
      scope: scope, text: query, sink: DiscardingSink(), cancellation: cancellation, now: statementTime,
      parameters: [])
    let statement = try PostgresParser.parseOne(query)
    guard case .query(let plan) = try planner(scope).plan(statement) else {
      throw PulsehouseError(.user, "a SELECT is needed here", sqlState: "42601", range: statement.range.bytes)
    }
    return try write(plan, zip(plan.columnNames, plan.root.output).map { Field($0, $1.type) }, work)
  }
}
