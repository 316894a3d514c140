import Bytes
import SQLSyntax
import Vectors

/// Calls that name their arguments: `make_date(year => 2020, month => 1, day => 2)`.
extension Binder {
  /// A parameter of a function that may be named, and what it is where it is left out.
  private struct Parameter {
    let name: String
    let value: Literal?

    init(_ name: String, _ value: Literal? = nil) {
      self.name = name
      self.value = value
    }
  }

  private static func parameters(of name: String) -> [Parameter]? {
    let date = ["year", "month", "day"].map { Parameter($0) }
    let moment = ["year", "month", "mday", "hour", "min", "sec"].map { Parameter($0) }
    let change = ["jsonb_in", "path", "replacement"].map { Parameter($0) }
    switch name {
    case "make_date": return date
    case "make_time": return ["hour", "min", "sec"].map { Parameter($0) }
    case "make_timestamp": return moment
    case "make_timestamptz": return moment + [Parameter("timezone")]
    case "jsonb_set": return change + [Parameter("create_if_missing", .boolean(true))]
    case "jsonb_insert": return change + [Parameter("insert_after", .boolean(false))]
    case "jsonb_set_lax":
      return change + [
        Parameter("create_if_missing", .boolean(true)), Parameter("null_value_treatment", .string("use_json_null")),
      ]
    case _ where pathFunctions.contains(name):
      return [
        Parameter("target"), Parameter("path"), Parameter("vars", .string("{}")), Parameter("silent", .boolean(false)),
      ]
    default: return nil
    }
  }

  /// A call with its arguments in their places; one that names none, or of another function, as it is.
  ///
  /// - Throws: 42883 for a name that the function does not have or that comes twice, and for an argument that is missing.
  func positional(_ call: FunctionCall, _ name: String, _ range: SourceRange) throws -> FunctionCall {
    guard call.arguments.contains(where: { $0.name != nil }), let parameters = Binder.parameters(of: name) else {
      return call
    }
    var places = [Syntax.Expression?](repeating: nil, count: parameters.count)
    for (index, argument) in call.arguments.enumerated() {
      guard
        let place = argument.name.map({ name in parameters.firstIndex { $0.name == name } }) ?? index,
        place < places.count, places[place] == nil
      else { throw BinderError.noFunction(name, [], range) }
      places[place] = argument.value
    }
    while let last = places.last, last == nil { places.removeLast() }
    var result = call
    result.arguments = try zip(places, parameters).map { value, parameter in
      guard let value = value ?? parameter.value.map({ Syntax.Expression(.literal($0), range) }) else {
        throw BinderError.noFunction(name, [], range)
      }
      var argument = call.arguments[0]
      argument.name = nil
      argument.value = value
      return argument
    }
    return result
  }
}
