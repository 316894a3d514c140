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
}
