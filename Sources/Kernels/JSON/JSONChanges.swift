import Bytes
import Vectors

/// Changes of a place within JSON, and objects made of arrays of text.
extension JSONFunctions {
  private enum PathChange {
    case set(JSONValue, creates: Bool)
    case insert(JSONValue, after: Bool)
    case remove
  }

  /// `jsonb_set(target, path, value[, create])`.
  package static func set(_ arguments: [Vector], count: Int) throws -> Vector {
    try change(arguments, count: count) { .set($0, creates: $1 ?? true) }
  }

  /// `jsonb_insert(target, path, value[, after])`.
  package static func insert(_ arguments: [Vector], count: Int) throws -> Vector {
    try change(arguments, count: count) { .insert($0, after: $1 ?? false) }
  }

  private static func change(
    _ arguments: [Vector], count: Int, _ make: (JSONValue, Bool?) -> PathChange
  ) throws -> Vector {
    if arguments.contains(where: \.isConstantNull) { return .nulls(.jsonb, count: count) }
    let (targets, paths, news) = (values(arguments[0]), bytes(arguments[1]), values(arguments[2]))
    let flags = arguments.count > 3 ? Operand<UInt8>(arguments[3]) : nil
    return try mapToText(.jsonb, count: count, strictIn: arguments) { row, out in
      let path = try paths(row).withUnsafeBytes { try ArrayText.elements($0) }
      let change = make(try news(row), flags.map { $0[row] != 0 })
      try changed(try targets(row), path[...], change, depth: 1).canonical.write(out)
      return true
    }
  }

  /// `jsonb #- path`.
  package static func removePath(_ json: Vector, _ path: Vector) throws -> Vector {
    if json.isConstantNull || path.isConstantNull { return .nulls(.jsonb, count: json.count) }
    let (targets, paths) = (values(json), bytes(path))
    return try mapToText(.jsonb, count: json.count, strictIn: [json, path]) { row, out in
      let path = try paths(row).withUnsafeBytes { try ArrayText.elements($0) }
      try changed(try targets(row), path[...], .remove, depth: 1).canonical.write(out)
      return true
    }
  }

  private static func changed(
    _ value: JSONValue, _ path: ArraySlice<[UInt8]?>, _ change: PathChange, depth: Int
  ) throws -> JSONValue {
    guard let first = path.first else { return value }
    guard let key = first else {
      throw PulsehouseError(.user, "path element at position \(depth) is null", sqlState: "22004")
    }
    let rest = path.dropFirst()
    switch value {
    case .object(var members):
      if let index = members.lastIndex(where: { $0.key == key }) {
        if !rest.isEmpty {
          members[index].value = try changed(members[index].value, rest, change, depth: depth + 1)
        } else {
          switch change {
          case .set(let new, _): members[index].value = new
          case .remove: members.removeAll { $0.key == key }
          case .insert:
            throw PulsehouseError(
              .user, "cannot replace existing key", sqlState: "22023",
              hint: "Try using the function jsonb_set to replace key value.")
          }
        }
      } else if rest.isEmpty {
        switch change {
        case .set(let new, creates: true), .insert(let new, _): members.append(JSONValue.Member(key: key, value: new))
        case .set, .remove: break
        }
      }
      return .object(members)
    case .array(var elements):
      guard let number = Int(String(decoding: key, as: UTF8.self)) else {
        throw PulsehouseError(
          .user, "path element at position \(depth) is not an integer: \"\(String(decoding: key, as: UTF8.self))\"",
          sqlState: "22P02")
      }
      let place = number < 0 ? elements.count + number : number
      if !rest.isEmpty {
        guard elements.indices.contains(place) else { return value }
        elements[place] = try changed(elements[place], rest, change, depth: depth + 1)
        return .array(elements)
      }
      switch change {
      case .remove: if elements.indices.contains(place) { elements.remove(at: place) }
      case .set(let new, let creates):
        if elements.indices.contains(place) {
          elements[place] = new
        } else if creates {
          elements.insert(new, at: place < 0 ? 0 : elements.count)
        }
      case .insert(let new, let after):
        if elements.indices.contains(place) {
          elements.insert(new, at: after ? place + 1 : place)
        } else {
          elements.insert(new, at: place < 0 ? 0 : elements.count)
        }
      }
      return .array(elements)
    default:
      if depth == 1 {
        throw Failure.parameter(
          { if case .remove = change { "cannot delete path in scalar" } else { "cannot set path in scalar" } }())
      }
      return value
    }
  }

  /// `json_object(text[])` and `json_object(keys, values)`.
  package static func object(_ arguments: [Vector], _ type: LogicalType, count: Int) throws -> Vector {
    if arguments.contains(where: \.isConstantNull) { return .nulls(type, count: count) }
    let lists = arguments.map { bytes($0) }
    return try mapToText(type, count: count, strictIn: arguments) { row, out in
      let parts = try lists.map { list in try list(row).withUnsafeBytes { try ArrayText.elements($0) } }
      var pairs: [(key: [UInt8]?, value: [UInt8]?)] = []
      if parts.count == 2 {
        guard parts[0].count == parts[1].count else {
          throw PulsehouseError(.user, "mismatched array dimensions", sqlState: "2202E")
        }
        pairs = zip(parts[0], parts[1]).map { ($0, $1) }
      } else {
        guard parts[0].count % 2 == 0 else {
          throw PulsehouseError(.user, "array must have even number of elements", sqlState: "2202E")
        }
        pairs = stride(from: 0, to: parts[0].count, by: 2).map { (parts[0][$0], parts[0][$0 + 1]) }
      }
      let members = try pairs.map { pair in
        guard let key = pair.key else {
          throw PulsehouseError(.user, "null value not allowed for object key", sqlState: "22004")
        }
        return JSONValue.Member(key: key, value: pair.value.map { .string($0) } ?? .null)
      }
      if type == .jsonb {
        JSONValue.object(members).canonical.write(out)
      } else {
        out.append(0x7B)
        for (index, member) in members.enumerated() {
          if index > 0 { out.append(", " as StaticString) }
          JSONValue.write(string: member.key, out)
          out.append(" : " as StaticString)
          member.value.write(out)
        }
        out.append(0x7D)
      }
      return true
    }
  }
}
