import SQLSyntax
import Vectors

/// Files in FROM: `read_parquet('events.parquet')`.
extension Binder {
  /// Binds a function that reads files, whose only argument is a constant path.
  func bindFile(_ call: FunctionCall, _ function: TableFunction, _ range: SourceRange) throws -> FromItem {
    guard call.arguments.count == 1, case .literal(.string(let path)) = call.arguments[0].value.node else {
      throw BinderError.user(
        "42883", "\(call.builtInName ?? "this function") takes the path of a file, as a constant", range,
        hint: "A path may hold * and ?, or name a folder.")
    }
    guard let table = try names.fileTable(path) else {
      throw BinderError.unsupported("reading files here", range)
    }
    return try item(
      scan(table), table.fields.fields.map(\.name), schema: nil, name: table.reference.name, function.alias, range)
  }
}
