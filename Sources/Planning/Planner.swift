import Bytes
import SQLSyntax
import Vectors

// From a statement's syntax to what a session must do: names and types are resolved (`Binder/`) into a logical plan
// (`Logical/`), rules make it a better one (`Rules/`), and it becomes operators (`Physical/`). Nothing here runs a
// query or reads a file: tables come from a `SchemaProvider`, constants are computed by the caller's evaluator.

/// Plans statements against one state of the world. Cheap to make; safe to use from any thread.
package struct Planner: Sendable {
  package struct Options: Sendable {
    /// Types of `$1`, `$2`, ... as declared; nil is found from how it is used.
    package var parameterTypes: [LogicalType?] = []
    package init() {}
  }

  /// Computes an expression that is free of columns, parameters and subqueries.
  package typealias ConstantEvaluator = @Sendable (Expression) throws -> Scalar

  package let schema: any SchemaProvider
  package let evaluateConstant: ConstantEvaluator
  package let options: Options

  package init(
    schema: any SchemaProvider, evaluateConstant: @escaping ConstantEvaluator, options: Options = Options()
  ) {
    self.schema = schema
    self.evaluateConstant = evaluateConstant
    self.options = options
  }

  /// Returns what a session must do for `statement`.
  ///
  /// - Throws: `.user` with PostgreSQL's SQLSTATE, words and the range to point at; `.unsupported` naming the form.
  package func plan(_ statement: Statement) throws -> PlannedStatement {
    try Binder(self).statement(statement.node, statement.range)
  }

  /// Returns the columns that a query gives, which is not planned further.
  ///
  /// - Throws: As `plan`; 42601 for another statement.
  package func columns(of statement: Statement) throws -> [Field] {
    guard case .query(let query) = statement.node else {
      throw BinderError.user("42601", "a query is needed here", statement.range)
    }
    let bound = try Binder(self).bindQuery(query, parent: nil)
    return zip(bound.names, bound.columns).map { Field($0, $1.type) }
  }

  /// Returns the types of a prepared statement's parameters, declared or found from their use, and the arguments cast
  /// to them.
  ///
  /// - Throws: 42601 for too few or too many arguments, 42804 for one of a type that does not fit.
  package func parameters(
    of prepare: Prepare, _ arguments: [(Scalar, LogicalType)]
  ) throws -> (types: [LogicalType?], values: [Scalar]) {
    let binder = Binder(self)
    for (index, type) in prepare.types.enumerated() { binder.parameterTypes[index + 1] = try binder.type(type) }
    _ = try binder.statement(prepare.statement, .unknown)
    let count = max(prepare.types.count, binder.parameterTypes.keys.max() ?? 0)
    guard arguments.count == count else {
      throw BinderError.user(
        "42601", "wrong number of parameters for prepared statement \"\(prepare.name)\"", .unknown,
        detail: "Expected \(count) parameters but got \(arguments.count).")
    }
    var types: [LogicalType?] = []
    var values: [Scalar] = []
    for (index, (value, type)) in arguments.enumerated() {
      let wanted = binder.parameterTypes[index + 1] ?? (type == .unknown ? .text : type)
      let cast = try binder.assign(.constant(value, type), to: Field("$\(index + 1)", wanted), .unknown)
      types.append(wanted)
      values.append(try evaluateConstant(cast))
    }
    return (types, values)
  }
}
