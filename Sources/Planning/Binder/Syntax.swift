import SQLSyntax

/// The syntax tree's types whose names ours share.
enum Syntax {
  typealias Expression = SQLSyntax.Expression
  typealias Join = SQLSyntax.Join
  typealias SetOperation = SQLSyntax.SetOperation
  typealias TableReference = SQLSyntax.TableReference
  typealias WindowFrame = SQLSyntax.WindowFrame
  typealias Drop = SQLSyntax.Drop
  typealias AlterTable = SQLSyntax.AlterTable
}

extension OperatorName {
  /// The symbol, when the operator is PostgreSQL's own.
  var builtIn: String? { schema == nil || schema == "pg_catalog" ? symbol : nil }
}

extension FunctionCall {
  /// The function's name, when it is written without a schema or with PostgreSQL's own.
  var builtInName: String? {
    switch name.count {
    case 1: name[0]
    case 2 where name[0] == "pg_catalog": name[1]
    default: nil
    }
  }
}
