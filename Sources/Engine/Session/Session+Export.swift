import Bytes
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
    let scope = try planningScope()
    let work = StatementWork(
      scope: scope, text: query, sink: DiscardingSink(), cancellation: canceller.start(), now: statementTime,
      parameters: [])
    defer { canceller.end() }
    let statement = try PostgresParser.parseOne(query)
    guard case .query(let plan) = try planner(scope).plan(statement) else {
      throw PulsehouseError(.user, "a SELECT is needed here", sqlState: "42601", range: statement.range.bytes)
    }
    let fields = zip(plan.columnNames, plan.root.output).map { Field($0, $1.type) }
    return try writeCSV(plan, fields, to: path, dialect, work)
  }
}
