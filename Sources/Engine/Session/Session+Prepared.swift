import Bytes
import Execution
import Planning
import SQLSyntax
import Vectors

/// Statements that were prepared, and what is done with them.
extension Session {
  func preparedStatement(_ name: String) throws -> Prepare {
    guard let prepare = prepared[name] else {
      throw PulsehouseError(.user, "prepared statement \"\(name)\" does not exist", sqlState: "26000")
    }
    return prepare
  }

  func createTableAs(
    _ create: CreateTableAs, prepared name: String, _ arguments: [(Scalar, LogicalType)], _ work: StatementWork
  ) throws {
    var prepare = try preparedStatement(name)
    guard case .query = prepare.statement else {
      throw PulsehouseError(.user, "prepared statement is not a SELECT", sqlState: "42809")
    }
    var create = create
    create.source = prepare.statement
    prepare.statement = .createTableAs(create)
    try execute(prepare, arguments, work)
  }

  func execute(_ prepare: Prepare, _ arguments: [(Scalar, LogicalType)], _ work: StatementWork) throws {
    let (planned, values) = try plan(prepare, arguments, work)
    var inner = work
    inner.parameters = values
    try perform(planned, inner)
  }

  /// Plans a prepared statement for its arguments. - Throws: 26000 for no such statement.
  func plan(
    prepared name: String, _ arguments: [(Scalar, LogicalType)], _ work: StatementWork
  ) throws -> (PlannedStatement, [Scalar]) {
    try plan(try preparedStatement(name), arguments, work)
  }

  private func plan(
    _ prepare: Prepare, _ arguments: [(Scalar, LogicalType)], _ work: StatementWork
  ) throws -> (PlannedStatement, [Scalar]) {
    var options = Planner.Options()
    let values: [Scalar]
    (options.parameterTypes, values) = try planner(work.scope).parameters(of: prepare, arguments)
    let context = EvaluationContext(parameters: values, now: work.now, zone: settings.zone)
    let planner = Planner(
      schema: work.scope, evaluateConstant: { try ConstantEvaluator.value(of: $0, context) }, options: options)
    let planned = try planner.plan(Statement(node: prepare.statement, range: .unknown))
    if case .execute = planned { throw PulsehouseError(.unsupported, "EXECUTE of a prepared EXECUTE") }
    return (planned, values)
  }
}
