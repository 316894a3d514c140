import Bytes
import Vectors

/// The members or elements of JSON text as they stand there: what `json`, which keeps its words, gives back of itself.
enum JSONParts {
  case object([(key: [UInt8], range: Range<Int>)])
  case array([Range<Int>])
  case scalar

  /// - Throws: 22P02 for what is no JSON.
  static func read(_ bytes: UnsafeRawBufferPointer) throws -> JSONParts { try JSONReader.parts(bytes) }
}

/// A piece of JSON text.
struct JSONSlice {
  let bytes: UnsafeRawBufferPointer

  private func part(_ range: Range<Int>) -> JSONSlice {
    JSONSlice(bytes: UnsafeRawBufferPointer(rebasing: bytes[range]))
  }

  func member(_ key: [UInt8]) throws -> JSONSlice? {
    guard case .object(let members) = try JSONParts.read(bytes) else { return nil }
    return members.last { $0.key == key }.map { part($0.range) }
  }

  /// Negative indices count from the end.
  func element(_ index: Int) throws -> JSONSlice? {
    guard case .array(let elements) = try JSONParts.read(bytes) else { return nil }
    let place = index < 0 ? elements.count + index : index
    return elements.indices.contains(place) ? part(elements[place]) : nil
  }

  func follow(_ step: [UInt8]) throws -> JSONSlice? {
    if case .array = try JSONParts.read(bytes) {
      guard let index = Int(String(decoding: step, as: UTF8.self)) else { return nil }
      return try element(index)
    }
    return try member(step)
  }

  func elements() throws -> [JSONSlice]? {
    guard case .array(let elements) = try JSONParts.read(bytes) else { return nil }
    return elements.map(part)
  }

  func members() throws -> [(key: [UInt8], value: JSONSlice)]? {
    guard case .object(let members) = try JSONParts.read(bytes) else { return nil }
    return members.map { ($0.key, part($0.range)) }
  }

  /// Appends the words as they stand or, with `asText`, a string without its quotes; false for null as text.
  func write(asText: Bool, _ out: TextBuffer) throws -> Bool {
    if asText {
      switch bytes.first {
      case 0x6E: return false
      case 0x22:
        guard case .string(let text) = try JSONReader.read(bytes) else { return false }
        text.withUnsafeBytes { out.append($0) }
        return true
      default: break
      }
    }
    out.append(bytes)
    return true
  }
}

extension JSONFunctions {
  /// Applies `find` to the text of each row, and writes what it gives.
  static func slices(
    _ json: Vector, _ others: [Vector], asText: Bool, _ type: LogicalType,
    _ find: (JSONSlice, Int) throws -> JSONSlice?
  ) throws -> Vector {
    let spread = json.spread
    let reader = Operand<StringReference>(spread)
    defer { withExtendedLifetime(spread) {} }
    return try mapToText(type, count: json.count, strictIn: [json] + others) { row, out in
      try reader[row].withBytes { bytes in
        guard let found = try find(JSONSlice(bytes: bytes), row) else { return false }
        return try found.write(asText: asText, out)
      }
    }
  }

  // MARK: Making json

  /// Writes each value of a vector as PostgreSQL spells it in json, which keeps the words of json within it.
  static func jsonWriter(_ vector: Vector, _ zone: ZoneRules? = nil) -> (Int, TextBuffer) throws -> Void {
    let type = vector.type
    if type == .json || type == .jsonb {
      let column = TextColumn(vector)
      return { row, out in
        if vector.isValid(row) { column.append(row, into: out) } else { out.append("null" as StaticString) }
      }
    }
    let values = jsonValues(vector, zone)
    return { row, out in try values(row).writeCompact(out) }
  }

  /// True for values that json_agg puts on a line of their own.
  static func takesLine(_ vector: Vector) -> Bool {
    if case .array = vector.type { return true }
    return false
  }

  static func keyWriter(_ vector: Vector) -> (Int, TextBuffer) throws -> Void {
    let values = jsonValues(vector)
    return { row, out in JSONValue.write(string: keyText(try values(row)), out) }
  }

  /// `row_to_json`: names and values in turn, without blanks.
  package static func buildRow(_ arguments: [Vector], count: Int, zone: ZoneRules?) throws -> Vector {
    try writeObject(arguments, count: count, zone: zone, ("{", ":", ",", "}"))
  }

  /// `json_build_object`.
  static func buildText(_ arguments: [Vector], count: Int, zone: ZoneRules?) throws -> Vector {
    try writeObject(arguments, count: count, zone: zone, ("{", " : ", ", ", "}"))
  }

  private static func writeObject(
    _ arguments: [Vector], count: Int, zone: ZoneRules?,
    _ marks: (open: StaticString, colon: StaticString, comma: StaticString, close: StaticString)
  ) throws -> Vector {
    let keys = stride(from: 0, to: arguments.count, by: 2).map { keyWriter(arguments[$0]) }
    let values = stride(from: 1, to: arguments.count, by: 2).map { jsonWriter(arguments[$0], zone) }
    return try mapToText(.json, count: count, strictIn: []) { row, out in
      out.append(marks.open)
      for (index, value) in values.enumerated() {
        if index > 0 { out.append(marks.comma) }
        guard arguments[index * 2].isValid(row) else {
          throw Failure.parameter("argument \(index * 2 + 1): key must not be null")
        }
        try keys[index](row, out)
        out.append(marks.colon)
        try value(row, out)
      }
      out.append(marks.close)
      return true
    }
  }
}

extension JSONValue {
  /// Without blanks, as json of arrays and rows is written.
  func writeCompact(_ out: TextBuffer) {
    switch self {
    case .array(let elements):
      out.append(0x5B)
      for (index, element) in elements.enumerated() {
        if index > 0 { out.append(0x2C) }
        element.writeCompact(out)
      }
      out.append(0x5D)
    case .object(let members):
      out.append(0x7B)
      for (index, member) in members.enumerated() {
        if index > 0 { out.append(0x2C) }
        JSONValue.write(string: member.key, out)
        out.append(0x3A)
        member.value.writeCompact(out)
      }
      out.append(0x7D)
    default: write(out)
    }
  }
}
