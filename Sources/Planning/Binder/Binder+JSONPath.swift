import Bytes
import SQLSyntax
import Vectors

/// The functions of jsonpath, and paths themselves.
extension Binder {
  static let pathFunctions: Set<String> = [
    "jsonb_path_exists", "jsonb_path_match", "jsonb_path_query", "jsonb_path_query_array", "jsonb_path_query_first",
  ]

  /// `text::jsonpath`: a text that is a path, in PostgreSQL's form.
  func bindPath(_ operand: Syntax.Expression, _ stage: Stage) throws -> Expression {
    let text = try coerce(try bind(operand, stage), to: .text, operand.range)
    return .call(.jsonPathInput, [text], .text)
  }
}
