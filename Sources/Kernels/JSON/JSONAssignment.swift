import Bytes
import Vectors

/// `SET j['a'][0] = v`: jsonb with another value at a place, which is made where it is missing.
extension JSONFunctions {
  /// Longer arrays would be mostly nulls that nobody asked for.
  private static let maximumLength = 1 << 24

  /// `(jsonb, path, beginsWithArray, value)`: the value at the end of the path, a text array. What the path leads through
  /// is made where it is missing: an array for a whole number, else an object; arrays are filled up with nulls. A NULL
  /// jsonb is an empty array or object, a NULL value JSON's null.
  ///
  /// - Throws: 22004 for a NULL step, 22023 where the path leads into a scalar or before an array, 22P02, 54000.
  package static func assign(_ arguments: [Vector], count: Int) throws -> Vector {
    let (targets, values) = (values(arguments[0]), values(arguments[3]))
    let paths = bytes(arguments[1])
    let beginsWithArray = Operand<UInt8>(arguments[2])
    return try mapToText(.jsonb, count: count, strictIn: []) { row, out in
      let path = try paths(row).withUnsafeBytes { try ArrayText.elements($0) }.map { step throws -> [UInt8] in
        if let step { return step }
        throw PulsehouseError(.user, "jsonb subscript in assignment must not be null", sqlState: "22004")
      }
      let empty: JSONValue = beginsWithArray[row] != 0 ? .array([]) : .object([])
      let target = arguments[0].isValid(row) ? try targets(row) : empty
      let value = arguments[3].isValid(row) ? try values(row) : JSONValue.null
      try assigned(target, path[...], value, depth: 1).canonical.write(out)
      return true
    }
  }

  private static func assigned(
    _ target: JSONValue, _ path: ArraySlice<[UInt8]>, _ value: JSONValue, depth: Int
  ) throws -> JSONValue {
    guard let step = path.first else { return value }
    let rest = path.dropFirst()
    switch target {
    case .object(var members):
      if let index = members.lastIndex(where: { $0.key == step }) {
        members[index].value = try assigned(members[index].value, rest, value, depth: depth + 1)
      } else {
        members.append(JSONValue.Member(key: step, value: try made(rest, value)))
      }
      return .object(members)
    case .array(var elements):
      let text = String(decoding: step, as: UTF8.self)
      guard let number = Int(text) else {
        throw PulsehouseError(
          .user, "path element at position \(depth) is not an integer: \"\(text)\"", sqlState: "22P02")
      }
      let place = number < 0 ? elements.count + number : number
      guard place >= 0 else {
        throw PulsehouseError(
          .user, "path element at position \(depth) is out of range: \(number)", sqlState: "22023")
      }
      if place < elements.count {
        elements[place] = try assigned(elements[place], rest, value, depth: depth + 1)
      } else {
        try fill(&elements, to: place)
        elements.append(try made(rest, value))
      }
      return .array(elements)
    default:
      throw PulsehouseError(
        .user, "cannot replace existing key", sqlState: "22023",
        detail: "The path assumes key is a composite object, but it is a scalar value.")
    }
  }

  /// A value within the containers that the rest of a path asks for.
  private static func made(_ path: ArraySlice<[UInt8]>, _ value: JSONValue) throws -> JSONValue {
    var result = value
    for step in path.reversed() {
      if let place = Int(String(decoding: step, as: UTF8.self)) {
        var elements: [JSONValue] = []
        try fill(&elements, to: max(0, place))
        result = .array(elements + [result])
      } else {
        result = .object([JSONValue.Member(key: step, value: result)])
      }
    }
    return result
  }

  private static func fill(_ elements: inout [JSONValue], to count: Int) throws {
    guard count < maximumLength else {
      throw PulsehouseError(.user, "array size exceeds the maximum allowed (\(maximumLength))", sqlState: "54000")
    }
    while elements.count < count { elements.append(.null) }
  }
}
