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
    let types = try parameterTypes(of: prepare)
    guard arguments.count == types.count else {
      throw BinderError.user(
        "42601", "wrong number of parameters for prepared statement \"\(prepare.name)\"", .unknown,
        detail: "Expected \(types.count) parameters but got \(arguments.count).")
    }
    let binder = Binder(self)
    var values: [Scalar] = []
    for (index, (value, type)) in arguments.enumerated() {
      let wanted = types[index]
      let cast = try binder.assign(.constant(value, type), to: Field("$\(index + 1)", wanted), .unknown)
      values.append(try evaluateConstant(cast))
    }
    return (types, values)
  }

  /// Returns the types of a prepared statement's parameters, declared or found from their use.
  ///
  /// - Throws: 42P18 for one that has none; what is wrong with the statement.
  func parameterTypes(of prepare: Prepare) throws -> [LogicalType] {
    let binder = Binder(self)
    for (index, type) in prepare.types.enumerated() where type.baseName != "unknown" {
      binder.parameterTypes[index + 1] = try binder.type(type)
    }
    _ = try binder.statement(prepare.statement, .unknown)
    let count = max(prepare.types.count, binder.parameterTypes.keys.max() ?? 0)
    return try (0..<count).map { index in
      if let type = binder.parameterTypes[index + 1], type != .unknown { return type }
      throw BinderError.user("42P18", "could not determine data type of parameter $\(index + 1)", .unknown)
    }
  }
}
