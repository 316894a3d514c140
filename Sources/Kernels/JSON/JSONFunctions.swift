import Bytes
import Vectors

/// Functions and operators of json and jsonb over whole vectors. A jsonb value is the text of its canonical form.
package enum JSONFunctions {
  static func values(_ vector: Vector) -> (Int) throws -> JSONValue {
    let spread = vector.spread
    let reader = Operand<StringReference>(spread)
    return { row in
      defer { withExtendedLifetime(spread) {} }
      return try reader[row].withBytes { try JSONReader.read($0) }
    }
  }

  static func bytes(_ vector: Vector) -> (Int) -> [UInt8] {
    let spread = vector.spread
    let reader = Operand<StringReference>(spread)
    return { row in
      defer { withExtendedLifetime(spread) {} }
      return reader[row].withBytes { Array($0) }
    }
  }

  /// Writes what was found: as JSON, or as `->>` does: the text of a string without quotes, NULL for null.
  private static func write(_ value: JSONValue?, asText: Bool, _ out: TextBuffer) -> Bool {
    guard let value else { return false }
    if asText {
      switch value {
      case .null: return false
      case .string(let text):
        text.withUnsafeBytes { out.append($0) }
        return true
      default: break
      }
    }
    value.write(out)
    return true
  }

  // MARK: Parts

  /// `json -> key`, `json -> index`, and `->>`.
  package static func part(_ json: Vector, _ key: Vector, asText: Bool, _ type: LogicalType) throws -> Vector {
    if json.isConstantNull || key.isConstantNull { return .nulls(type, count: json.count) }
    if json.type == .json {
      if key.type == .integer {
        let indices = Operand<Int32>(key)
        return try slices(json, [key], asText: asText, type) { try $0.element(Int(indices[$1])) }
      }
      let keys = bytes(key)
      return try slices(json, [key], asText: asText, type) { try $0.member(keys($1)) }
    }
    let values = values(json)
    if key.type == .integer {
      let indices = Operand<Int32>(key)
      return try mapToText(type, count: json.count, strictIn: [json, key]) { row, out in
        let (value, index) = (try values(row), Int(indices[row]))
        switch value {
        case .array, .object: return write(value.element(index), asText: asText, out)
        // A scalar is stored as the only element of an array, and is found there.
        default: return index == 0 || index == -1 ? write(value, asText: asText, out) : false
        }
      }
    }
    let keys = bytes(key)
    return try mapToText(type, count: json.count, strictIn: [json, key]) { row, out in
      write(try values(row).member(keys(row)), asText: asText, out)
    }
  }

  /// `json #> path` and `#>>`; a path is an array of keys and indices.
  package static func path(_ json: Vector, _ path: Vector, asText: Bool, _ type: LogicalType) throws -> Vector {
    if json.isConstantNull || path.isConstantNull { return .nulls(type, count: json.count) }
    if json.type == .json {
      let paths = bytes(path)
      return try slices(json, [path], asText: asText, type) { slice, row in
        var current: JSONSlice? = slice
        for step in try paths(row).withUnsafeBytes({ try ArrayText.elements($0) }) {
          guard let step, let value = current else { return nil }
          current = try value.follow(step)
        }
        return current
      }
    }
    let (values, paths) = (values(json), bytes(path))
    return try mapToText(type, count: json.count, strictIn: [json, path]) { row, out in
      var current: JSONValue? = try values(row)
      for step in try paths(row).withUnsafeBytes({ try ArrayText.elements($0) }) {
        guard let step, let value = current else { return false }
        if case .array = value {
          current = Int(String(decoding: step, as: UTF8.self)).flatMap { value.element($0) }
        } else {
          current = value.member(step)
        }
      }
      return write(current, asText: asText, out)
    }
  }

  // MARK: Questions

  package static func typeName(_ json: Vector) throws -> Vector {
    if json.isConstantNull { return .nulls(.text, count: json.count) }
    let values = values(json)
    return try mapToText(.text, count: json.count, strictIn: [json]) { row, out in
      out.append(string: try values(row).typeName)
      return true
    }
  }

  package static func arrayLength(_ json: Vector) throws -> Vector {
    if json.isConstantNull { return .nulls(.integer, count: json.count) }
    let values = values(json)
    return try mapRows(.integer, count: json.count, [json.spread]) { row -> Int32? in
      switch try values(row) {
      case .array(let elements): return Int32(clamping: elements.count)
      case .object: throw Failure.parameter("cannot get array length of a non-array")
      default: throw Failure.parameter("cannot get array length of a scalar")
      }
    }
  }

  package static func contains(_ left: Vector, _ right: Vector) throws -> Vector {
    if left.isConstantNull || right.isConstantNull { return .nulls(.boolean, count: left.count) }
    let (a, b) = (values(left), values(right))
    return try mapRows(.boolean, count: left.count, [left.spread, right.spread]) { row -> UInt8? in
      bit(try a(row).contains(try b(row)))
    }
  }

  package enum KeyTest: Sendable { case one, any, all }

  /// `jsonb ? key`, `?| keys`, `?& keys`: keys of an object, strings of an array.
  package static func hasKey(_ json: Vector, _ key: Vector, _ test: KeyTest) throws -> Vector {
    if json.isConstantNull || key.isConstantNull { return .nulls(.boolean, count: json.count) }
    let (values, keys) = (values(json), bytes(key))
    return try mapRows(.boolean, count: json.count, [json.spread, key.spread]) { row -> UInt8? in
      let value = try values(row)
      func has(_ key: [UInt8]?) -> Bool {
        guard let key else { return false }
        switch value {
        case .object: return value.member(key) != nil
        case .array(let elements): return elements.contains(.string(key))
        case .string(let text): return text == key
        default: return false
        }
      }
      if test == .one { return bit(has(keys(row))) }
      let all = try keys(row).withUnsafeBytes { try ArrayText.elements($0) }
      return bit(test == .any ? all.contains { has($0) } : all.allSatisfy { $0 == nil || has($0) })
    }
  }

  // MARK: Changes

  /// `jsonb || jsonb`.
  package static func concatenate(_ left: Vector, _ right: Vector) throws -> Vector {
    if left.isConstantNull || right.isConstantNull { return .nulls(.jsonb, count: left.count) }
    let (a, b) = (values(left), values(right))
    return try mapToText(.jsonb, count: left.count, strictIn: [left, right]) { row, out in
      func list(_ value: JSONValue) -> [JSONValue] {
        if case .array(let elements) = value { return elements }
        return [value]
      }
      let (x, y) = (try a(row), try b(row))
      if case .object(let first) = x, case .object(let second) = y {
        JSONValue.object(first + second).canonical.write(out)
      } else {
        JSONValue.array(list(x) + list(y)).write(out)
      }
      return true
    }
  }

  /// `jsonb - key`, `jsonb - index`, `jsonb - keys`.
  package static func remove(_ json: Vector, _ key: Vector) throws -> Vector {
    if json.isConstantNull || key.isConstantNull { return .nulls(.jsonb, count: json.count) }
    let values = values(json)
    let keys: ((Int) throws -> [[UInt8]?])?
    let indices = key.type == .integer ? Operand<Int32>(key) : nil
    if case .array = key.type {
      let texts = bytes(key)
      keys = { row in try texts(row).withUnsafeBytes { try ArrayText.elements($0) } }
    } else if indices == nil {
      let texts = bytes(key)
      keys = { [texts($0)] }
    } else {
      keys = nil
    }
    defer { withExtendedLifetime(key) {} }
    return try mapToText(.jsonb, count: json.count, strictIn: [json, key]) { row, out in
      let value = try values(row)
      var result = value
      switch value {
      case .object(let members):
        guard let keys else { throw Failure.parameter("cannot delete from object using integer index") }
        let unwanted = try keys(row)
        result = .object(members.filter { member in !unwanted.contains { $0 == member.key } })
      case .array(var elements):
        if let indices {
          let index = Int(indices[row])
          let place = index < 0 ? elements.count + index : index
          if elements.indices.contains(place) { elements.remove(at: place) }
          result = .array(elements)
        } else if let unwanted = try keys?(row) {
          result = .array(
            elements.filter { element in
              guard case .string(let text) = element else { return true }
              return !unwanted.contains { $0 == text }
            })
        }
      default: throw Failure.parameter("cannot delete from scalar")
      }
      result.write(out)
      return true
    }
  }

  package enum Rewriting: Sendable { case pretty, withoutNulls }

  package static func rewrite(_ json: Vector, _ rewriting: Rewriting, _ type: LogicalType) throws -> Vector {
    if json.isConstantNull { return .nulls(type, count: json.count) }
    let values = values(json)
    func stripped(_ value: JSONValue) -> JSONValue {
      switch value {
      case .object(let members):
        .object(members.filter { $0.value != .null }.map { JSONValue.Member(key: $0.key, value: stripped($0.value)) })
      case .array(let elements): .array(elements.map(stripped))
      default: value
      }
    }
    return try mapToText(type, count: json.count, strictIn: [json]) { row, out in
      let value = try values(row)
      switch rewriting {
      case .pretty: value.writePretty(out)
      case .withoutNulls:
        if type == .json { stripped(value).writeCompact(out) } else { stripped(value).write(out) }
      }
      return true
    }
  }

  // MARK: Making

  /// The JSON of each value of a vector: what `to_jsonb` gives.
  ///
  /// `zone` is what moments are shown in; nil is UTC.
  static func jsonValues(_ vector: Vector, _ zone: ZoneRules? = nil) -> (Int) throws -> JSONValue {
    if let zone, vector.type == .timestamptz {
      let texts = jsonValues(ZonedCast.texts(vector, zone, isISO: true))
      return { row in
        guard case .string(var text) = try texts(row) else { return .null }
        if let blank = text.firstIndex(of: 0x20) { text[blank] = 0x54 }
        return .string(text)
      }
    }
    let column = TextColumn(vector)
    let buffer = TextBuffer(capacity: 128)
    let type = vector.type
    let elementType: LogicalType? = if case .array(let element) = type { element } else { nil }
    func scalar(_ text: [UInt8], _ type: LogicalType) throws -> JSONValue {
      switch type {
      case .boolean: return .boolean(text.first == 0x74)
      case .json, .jsonb: return try text.withUnsafeBytes { try JSONReader.read($0) }
      case .timestamp, .timestamptz:
        var text = text
        if let blank = text.firstIndex(of: 0x20) { text[blank] = 0x54 }
        if type == .timestamptz { text += Array(":00".utf8) }
        return .string(text)
      case _ where type.isNumber:
        // NaN and the infinities have no number in JSON.
        return text.contains { $0 == 0x4E || $0 == 0x49 } ? .string(text) : .number(text)
      default: return .string(text)
      }
    }
    return { row in
      guard vector.isValid(row) else { return .null }
      buffer.removeAll()
      column.append(row, into: buffer)
      if let elementType {
        return .array(try ArrayText.elements(buffer.bytes).map { try $0.map { try scalar($0, elementType) } ?? .null })
      }
      return try scalar(Array(buffer.bytes), type)
    }
  }

  /// `to_json` and `to_jsonb`.
  package static func make(_ vector: Vector, _ type: LogicalType, zone: ZoneRules? = nil) throws -> Vector {
    if type == .json {
      let write = jsonWriter(vector, zone)
      return try mapToText(type, count: vector.count, strictIn: [vector]) { row, out in
        try write(row, out)
        return true
      }
    }
    let values = jsonValues(vector, zone)
    return try mapToText(type, count: vector.count, strictIn: [vector]) { row, out in
      try values(row).canonical.write(out)
      return true
    }
  }

  /// `jsonb_build_array(...)`.
  package static func buildArray(
    _ arguments: [Vector], _ type: LogicalType, count: Int, zone: ZoneRules? = nil
  ) throws -> Vector {
    if type == .json {
      let writers = arguments.map { jsonWriter($0, zone) }
      return try mapToText(type, count: count, strictIn: []) { row, out in
        out.append(0x5B)
        for (index, write) in writers.enumerated() {
          if index > 0 { out.append(", " as StaticString) }
          try write(row, out)
        }
        out.append(0x5D)
        return true
      }
    }
    let values = arguments.map { jsonValues($0, zone) }
    return try mapToText(type, count: count, strictIn: []) { row, out in
      JSONValue.array(try values.map { try $0(row) }).canonical.write(out)
      return true
    }
  }

  /// `jsonb_build_object(key, value, ...)`.
  package static func buildObject(
    _ arguments: [Vector], _ type: LogicalType, count: Int, zone: ZoneRules? = nil
  ) throws -> Vector {
    if type == .json { return try buildText(arguments, count: count, zone: zone) }
    let values = arguments.map { jsonValues($0, zone) }
    return try mapToText(type, count: count, strictIn: []) { row, out in
      var members: [JSONValue.Member] = []
      for index in stride(from: 0, to: values.count - 1, by: 2) {
        guard arguments[index].isValid(row) else {
          throw Failure.parameter("argument \(index + 1): key must not be null")
        }
        members.append(JSONValue.Member(key: keyText(try values[index](row)), value: try values[index + 1](row)))
      }
      JSONValue.object(members).canonical.write(out)
      return true
    }
  }

  static func keyText(_ value: JSONValue) -> [UInt8] {
    switch value {
    case .string(let text): return text
    case .number(let digits): return digits
    case .boolean(let value): return Array((value ? "true" : "false").utf8)
    default:
      let out = TextBuffer(capacity: 64)
      value.write(out)
      return Array(out.bytes)
    }
  }

  /// `jsonb_agg` and `jsonb_object_agg`: the values at `rows` for each group; NULL for a group without any.
  ///
  /// `takesLines`: each element of an array on a line of its own, as PostgreSQL writes json of rows and arrays.
  static func collect(
    _ columns: [Vector], _ type: LogicalType, _ rows: [[UInt32]], takesLines: Bool
  ) throws -> Vector {
    if type == .json {
      let write = jsonWriter(columns[columns.count - 1])
      let writeKey = columns.count > 1 ? keyWriter(columns[0]) : nil
      let takesLines = takesLines || (columns.count == 1 && takesLine(columns[0]))
      return try mapToText(type, count: rows.count, strictIn: []) { group, out in
        if rows[group].isEmpty { return false }
        out.append(writeKey == nil ? "[" : "{ " as StaticString)
        for (index, row) in rows[group].enumerated() {
          if index > 0 { out.append(takesLines && columns[0].isValid(Int(row)) ? ", \n " : ", " as StaticString) }
          if let writeKey {
            guard columns[0].isValid(Int(row)) else { throw Failure.parameter("field name must not be null") }
            try writeKey(Int(row), out)
            out.append(" : " as StaticString)
          }
          try write(Int(row), out)
        }
        out.append(writeKey == nil ? "]" : " }" as StaticString)
        return true
      }
    }
    let values = columns.map { jsonValues($0) }
    return try mapToText(type, count: rows.count, strictIn: []) { group, out in
      if rows[group].isEmpty { return false }
      let result: JSONValue
      if values.count == 1 {
        result = .array(try rows[group].map { try values[0](Int($0)) })
      } else {
        result = .object(
          try rows[group].map { row in
            guard columns[0].isValid(Int(row)) else { throw Failure.parameter("field name must not be null") }
            return JSONValue.Member(key: keyText(try values[0](Int(row))), value: try values[1](Int(row)))
          })
      }
      result.canonical.write(out)
      return true
    }
  }

  // MARK: Rows

  /// Every element of every array, as JSON or as text.
  package static func elements(
    _ json: Vector, asText: Bool, _ type: LogicalType
  ) throws -> (rows: [UInt32], values: Vector) {
    let values = values(json)
    var rows: [UInt32] = []
    var builder = VectorBuilder(type)
    let out = TextBuffer(capacity: 256)
    let texts = bytes(json)
    for row in 0..<json.count where json.isValid(row) {
      let value = try values(row)
      if json.type == .json, case .array = value {
        try texts(row).withUnsafeBytes { bytes in
          for element in try JSONSlice(bytes: bytes).elements() ?? [] {
            rows.append(UInt32(row))
            out.removeAll()
            if try element.write(asText: asText, out) {
              builder.append(bytes: out.bytes)
            } else {
              builder.appendNull()
            }
          }
        }
        continue
      }
      guard case .array(let elements) = value else {
        throw Failure.parameter(
          "cannot extract elements from \(value.typeName == "object" ? "an object" : "a scalar")")
      }
      for element in elements {
        rows.append(UInt32(row))
        out.removeAll()
        if write(element, asText: asText, out) { builder.append(bytes: out.bytes) } else { builder.appendNull() }
      }
    }
    return (rows, builder.finish())
  }

  /// Every member of every object: its key, and its value as JSON or as text.
  package static func members(
    _ json: Vector, asText: Bool, _ type: LogicalType, named function: String
  ) throws -> (rows: [UInt32], keys: Vector, values: Vector) {
    let values = values(json)
    var rows: [UInt32] = []
    let texts = bytes(json)
    var keys = VectorBuilder(.text)
    var builder = VectorBuilder(type)
    let out = TextBuffer(capacity: 256)
    for row in 0..<json.count where json.isValid(row) {
      let value = try values(row)
      if json.type == .json, case .object = value {
        try texts(row).withUnsafeBytes { bytes in
          for member in try JSONSlice(bytes: bytes).members() ?? [] {
            rows.append(UInt32(row))
            member.key.withUnsafeBytes { keys.append(bytes: $0) }
            out.removeAll()
            if try member.value.write(asText: asText, out) {
              builder.append(bytes: out.bytes)
            } else {
              builder.appendNull()
            }
          }
        }
        continue
      }
      guard case .object(let members) = value else {
        throw Failure.parameter("cannot call \(function) on \(value.typeName == "array" ? "an array" : "a scalar")")
      }
      for member in members {
        rows.append(UInt32(row))
        member.key.withUnsafeBytes { keys.append(bytes: $0) }
        out.removeAll()
        if write(member.value, asText: asText, out) { builder.append(bytes: out.bytes) } else { builder.appendNull() }
      }
    }
    return (rows, keys.finish(), builder.finish())
  }

  // MARK: Casts

  /// Text or json as `type`, json or jsonb: checked, and for jsonb in canonical form.
  static func cast(_ vector: Vector, to type: LogicalType) throws -> Vector {
    try mapText(vector, type) { text, out in
      try text.withBytes { bytes in
        let value = try JSONReader.read(bytes, type: type.name)
        if type == .jsonb { value.canonical.write(out) } else { out.append(bytes) }
      }
      return true
    }
  }

  /// jsonb as a boolean or a number, through text.
  static func scalar(_ vector: Vector, to type: LogicalType) throws -> Vector {
    let text = try mapText(vector, .text) { text, out in
      try text.withBytes { bytes in
        let value = try JSONReader.read(bytes)
        switch (value, type) {
        case (.boolean(let value), .boolean): out.append(value ? "true" : "false" as StaticString)
        case (.number(let digits), _) where type != .boolean: digits.withUnsafeBytes { out.append($0) }
        default:
          throw PulsehouseError(
            .user, "cannot cast jsonb \(value.typeName) to type \(type.name)", sqlState: "22023")
        }
      }
      return true
    }
    if type == .boolean { return try Cast.vector(text, to: type) }
    return try Cast.vector(try Cast.vector(text, to: .numeric(precision: nil, scale: nil)), to: type)
  }
}
