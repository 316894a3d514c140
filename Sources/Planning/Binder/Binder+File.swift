import SQLSyntax
import Vectors

/// Files in FROM: `read_parquet('events.parquet')`, `read_csv('x.csv', delim := ';') AS t(a integer, b date)`.
extension Binder {
  /// Binds a function that reads files: a constant path, constant options by name, and perhaps columns with types.
  func bindFile(
    _ call: FunctionCall, _ name: String, _ function: TableFunction, _ range: SourceRange
  ) throws -> FromItem {
    guard let first = call.arguments.first, first.name == nil, case .literal(.string(let path)) = first.value.node
    else {
      throw BinderError.user(
        "42883", "\(name) takes the path of a file, as a constant", range,
        hint: "A path may hold * and ?, or name a folder.")
    }
    var request = FileRequest(function: name, path: path, range: range.bytes)
    for argument in call.arguments.dropFirst() {
      guard let option = argument.name else {
        throw BinderError.user(
          "42883", "the options of \(name) have names", argument.value.range, hint: "Write name := value.")
      }
      let value = try bind(argument.value, Stage(Scope(parent: nil), "options of \(name)"))
      guard value.isConstant else {
        throw BinderError.user("42883", "the option \(option) is no constant", argument.value.range)
      }
      request.options.append(
        FileRequest.Option(
          name: option, value: try evaluate(value, argument.value.range), range: argument.value.range.bytes))
    }
    for column in function.columns { request.columns.append(Field(column.name, try type(column.type))) }
    guard let table = try names.fileTable(request) else { throw BinderError.unsupported("\(name) here", range) }
    return try item(
      scan(table), table.fields.fields.map(\.name), schema: nil, name: table.reference.name, function.alias, range)
  }
}
