import Bytes
import SQLSyntax
import Vectors

/// The functions of jsonpath, whose arguments have names.
extension Binder {
  private static let pathFunctions: Set<String> = [
    "jsonb_path_exists", "jsonb_path_match", "jsonb_path_query", "jsonb_path_query_array", "jsonb_path_query_first",
  ]

  /// `jsonb_path_query(d, '$', silent => true)` with its arguments in their places; other calls as they are.
  ///
  /// - Throws: 42883 for a name that the function does not have, or that comes twice.
  func positional(_ call: FunctionCall, _ name: String, _ range: SourceRange) throws -> FunctionCall {
    guard Binder.pathFunctions.contains(name), call.arguments.contains(where: { $0.name != nil }) else { return call }
    let names = ["target", "path", "vars", "silent"]
    var places = [Syntax.Expression?](repeating: nil, count: names.count)
    for (index, argument) in call.arguments.enumerated() {
      guard let place = argument.name.map({ names.firstIndex(of: $0) }) ?? index, place < names.count,
        places[place] == nil
      else { throw BinderError.noFunction(name, [], range) }
      places[place] = argument.value
    }
    let silent = places[3] ?? Syntax.Expression(.literal(.boolean(false)), range)
    let variables = places[2] ?? Syntax.Expression(.literal(.string("{}")), range)
    guard let target = places[0], let path = places[1] else { throw BinderError.noFunction(name, [], range) }
    var result = call
    result.arguments = [target, path, variables, silent].map { value in
      var argument = call.arguments[0]
      argument.name = nil
      argument.value = value
      return argument
    }
    return result
  }

  /// `text::jsonpath`: a text that is a path, in PostgreSQL's form.
  func bindPath(_ operand: Syntax.Expression, _ stage: Stage) throws -> Expression {
    let text = try coerce(try bind(operand, stage), to: .text, operand.range)
    return .call(.jsonPathInput, [text], .text)
  }
}
