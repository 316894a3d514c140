import Bytes
import Vectors

/// The functions and operators of jsonpath over whole vectors: (jsonb, path[, variables[, silent]]). A path is its text.
package enum JSONPathFunctions {
  /// `jsonb_path_exists` and, `isOperator`, `@?`: NULL when something failed and was not to be told.
  package static func exists(_ arguments: [Vector], count: Int, isOperator: Bool) throws -> Vector {
    if arguments.contains(where: \.isConstantNull) || count == 0 { return .nulls(.boolean, count: count) }
    let searches = Searches(arguments, isSilent: isOperator)
    return try mapRows(.boolean, count: count, searches.arguments) { row -> UInt8? in
      switch try searches.search(row).run(nil) {
      case .found: 1
      case .nothing: 0
      case .failed: nil
      }
    }
  }

  /// `jsonb_path_match` and, `isOperator`, `@@`: what the path's one boolean is.
  package static func matches(_ arguments: [Vector], count: Int, isOperator: Bool) throws -> Vector {
    if arguments.contains(where: \.isConstantNull) || count == 0 { return .nulls(.boolean, count: count) }
    let searches = Searches(arguments, isSilent: isOperator)
    return try mapRows(.boolean, count: count, searches.arguments) { row -> UInt8? in
      let found = JSONPathSearch.Found()
      _ = try searches.search(row).run(found)
      switch (found.items.count, found.items.first?.value) {
      case (1, .boolean(let value)?): return value ? 1 : 0
      case (1, .null?): return nil
      default:
        if searches.isSilent(row) { return nil }
        throw PulsehouseError(.user, "single boolean result is expected", sqlState: "22038")
      }
    }
  }

  /// `jsonb_path_query_array`: all that was found.
  package static func array(_ arguments: [Vector], count: Int) throws -> Vector {
    try found(arguments, count: count) { items, out in
      JSONValue.array(items.map(\.value)).write(out)
      return true
    }
  }

  /// `jsonb_path_query_first`: NULL where nothing was found.
  package static func first(_ arguments: [Vector], count: Int) throws -> Vector {
    try found(arguments, count: count) { items, out in
      guard let first = items.first else { return false }
      first.value.write(out)
      return true
    }
  }

  private static func found(
    _ arguments: [Vector], count: Int, _ write: ([JSONPathSearch.Item], TextBuffer) -> Bool
  ) throws -> Vector {
    if arguments.contains(where: \.isConstantNull) || count == 0 { return .nulls(.jsonb, count: count) }
    let searches = Searches(arguments, isSilent: false)
    return try mapToText(.jsonb, count: count, strictIn: searches.arguments) { row, out in
      let found = JSONPathSearch.Found()
      _ = try searches.search(row).run(found)
      return write(found.items, out)
    }
  }

  /// `jsonb_path_query`: a row for each value found, and the rows they were asked of.
  package static func all(_ arguments: [Vector], count: Int) throws -> (rows: [UInt32], values: Vector) {
    var rows: [UInt32] = []
    var builder = VectorBuilder(.jsonb)
    if arguments.contains(where: \.isConstantNull) || count == 0 { return (rows, builder.finish()) }
    let searches = Searches(arguments, isSilent: false)
    let out = TextBuffer(capacity: 256)
    for row in 0..<count where searches.arguments.allSatisfy({ $0.isValid(row) }) {
      let found = JSONPathSearch.Found()
      _ = try searches.search(row).run(found)
      for item in found.items {
        out.removeAll()
        item.value.write(out)
        rows.append(UInt32(row))
        builder.append(bytes: out.bytes)
      }
    }
    return (rows, builder.finish())
  }

  /// `text::jsonpath`: the path as PostgreSQL shows it.
  package static func normalize(_ texts: Vector) throws -> Vector {
    try mapText(texts) { text, out in
      try text.withBytes { try JSONPath($0) }.write(out)
      return true
    }
  }

  /// The rows' paths, values and variables; a path and variables that stay the same are read once.
  private final class Searches {
    let arguments: [Vector]
    private let isAlwaysSilent: Bool
    private let values: (Int) throws -> JSONValue
    private let paths: Operand<StringReference>
    private let variables: ((Int) throws -> JSONValue)?
    private let silent: Operand<UInt8>?
    private var known: (text: [UInt8], path: JSONPath, keepsPlaces: Bool)?

    init(_ arguments: [Vector], isSilent: Bool) {
      let spread = arguments.map(\.spread)
      self.arguments = spread
      isAlwaysSilent = isSilent
      values = JSONFunctions.values(spread[0])
      paths = Operand<StringReference>(spread[1])
      variables = spread.count > 2 ? JSONFunctions.values(spread[2]) : nil
      silent = spread.count > 3 ? Operand<UInt8>(spread[3]) : nil
    }

    func isSilent(_ row: Int) -> Bool { isAlwaysSilent || silent.map { $0[row] != 0 } ?? false }

    func search(_ row: Int) throws -> JSONPathSearch {
      let (path, keepsPlaces) = try path(row)
      let variables = try variables?(row) ?? .object([])
      guard case .object = variables else {
        throw PulsehouseError(
          .user, "\"vars\" argument is not an object", sqlState: "22023",
          detail: "Jsonpath parameters should be encoded as key-value pairs of \"vars\" object.")
      }
      return JSONPathSearch(
        path, in: try values(row), variables: variables, keepsPlaces: keepsPlaces, isSilent: isSilent(row))
    }

    private func path(_ row: Int) throws -> (JSONPath, keepsPlaces: Bool) {
      try paths[row].withBytes { bytes in
        if let known, known.text.elementsEqual(bytes) { return (known.path, known.keepsPlaces) }
        let path = try JSONPath(bytes)
        let text = Array(bytes)
        let keepsPlaces = String(decoding: text, as: UTF8.self).lowercased().contains("keyvalue")
        known = (text, path, keepsPlaces)
        return (path, keepsPlaces)
      }
    }
  }
}
