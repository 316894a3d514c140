import Vectors

/// Functions that give any number of rows for each of their calls.
package enum SetFunction: String, Sendable, Hashable {
  case generateSeries = "generate_series"
  case unnest
  /// (array, dimension[, whether from the last])
  case generateSubscripts = "generate_subscripts"
  case regexpMatches = "regexp_matches"
  case regexpSplit = "regexp_split_to_table"
  case stringToTable = "string_to_table"
  case jsonArrayElements = "json_array_elements"
  case jsonArrayElementsText = "json_array_elements_text"
  /// (jsonb, path[, variables, silent])
  case jsonPathQuery = "jsonb_path_query"
  case jsonObjectKeys = "json_object_keys"
  /// Two columns: key and value.
  case jsonEach = "json_each"
  case jsonEachText = "json_each_text"
}

/// One call of such a function, and the columns its rows become.
package struct SetCall: Sendable, Hashable {
  package var function: SetFunction
  package var arguments: [Expression]
  package var columns: [Column]

  package init(_ function: SetFunction, _ arguments: [Expression], columns: [Column]) {
    self.function = function
    self.arguments = arguments
    self.columns = columns
  }
}

/// Rows put beside each input row: those of one call, or of several side by side, the shorter ones filled up with NULL.
package struct Expansion: Sendable, Hashable {
  package var calls: [SetCall]
  /// bigint: 1 for the first row of each input row, and so on; nil when nobody asks.
  package var ordinality: Column?
  /// True when an input row for which there are none is kept, with NULLs.
  package var keepsEmpty: Bool

  package init(_ calls: [SetCall], ordinality: Column? = nil, keepsEmpty: Bool = false) {
    self.calls = calls
    self.ordinality = ordinality
    self.keepsEmpty = keepsEmpty
  }

  /// The columns it adds, in order.
  package var columns: [Column] {
    let own = calls.flatMap(\.columns) + (ordinality.map { [$0] } ?? [])
    return keepsEmpty ? own.map { Column(id: $0.id, name: $0.name, type: $0.type) } : own
  }

  package func mapArguments(_ transform: (Expression) throws -> Expression) rethrows -> Expansion {
    var result = self
    result.calls = try calls.map { SetCall($0.function, try $0.arguments.map(transform), columns: $0.columns) }
    return result
  }
}
