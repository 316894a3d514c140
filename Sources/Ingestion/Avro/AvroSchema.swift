import Bytes

/// A schema of Apache Avro, as far as one record after another needs it: how the bytes of a value follow each other.
///
/// Source: Apache Avro 1.11 specification.
package indirect enum AvroSchema: Hashable, Sendable {
  case null, boolean, int, long, float, double, bytes, string
  case fixed(name: String, byteCount: Int)
  case enumeration(name: String, symbols: [String])
  case array(AvroSchema)
  case map(AvroSchema)
  case union([AvroSchema])
  case record(name: String, fields: [Field])

  package struct Field: Hashable, Sendable {
    package var name: String
    package var type: AvroSchema
  }

  /// Reads a schema's JSON. - Throws: `.user` for what is no schema; `.unsupported` for one that contains itself.
  package init(_ json: [UInt8], file: String? = nil) throws(PulsehouseError) {
    do throws(PulsehouseError) {
      var names: [String: AvroSchema?] = [:]
      self = try AvroSchema(try AvroJSON.parse(json), namespace: "", names: &names)
    } catch {
      var placed = error
      placed.file = file
      throw placed
    }
  }

  private static func wrong(_ what: String) -> PulsehouseError {
    PulsehouseError(.user, "not an Avro schema: \(what)", sqlState: "42601")
  }

  private init(
    _ json: AvroJSON, namespace: String, names: inout [String: AvroSchema?]
  ) throws(PulsehouseError) {
    switch json {
    case .string(let name): self = try Self.named(name, namespace, names)
    case .array(let choices):
      var branches: [AvroSchema] = []
      for choice in choices { branches.append(try AvroSchema(choice, namespace: namespace, names: &names)) }
      guard !branches.isEmpty else { throw Self.wrong("a union of nothing") }
      self = .union(branches)
    case .object(let members):
      func member(_ name: String) -> AvroJSON? { members.last { $0.name == name }?.value }
      guard let type = member("type") else { throw Self.wrong("a type without \"type\"") }
      guard case .string(let kind) = type else {
        self = try AvroSchema(type, namespace: namespace, names: &names)
        return
      }
      switch kind {
      case "array", "map":
        guard let element = member(kind == "array" ? "items" : "values") else { throw Self.wrong("\(kind) of nothing") }
        let schema = try AvroSchema(element, namespace: namespace, names: &names)
        self = kind == "array" ? .array(schema) : .map(schema)
      case "record", "enum", "fixed":
        guard case .string(let short)? = member("name"), !short.isEmpty else {
          throw Self.wrong("\(kind) without a name")
        }
        var space = namespace
        if case .string(let own)? = member("namespace") { space = own }
        if let dot = short.lastIndex(of: ".") { space = String(short[..<dot]) }
        let name = short.contains(".") || space.isEmpty ? short : "\(space).\(short)"
        // Known from here on, but not yet whole: whoever needs it now contains itself.
        names.updateValue(nil, forKey: name)
        self = try Self.definition(kind, name, space, members, &names)
        names.updateValue(self, forKey: name)
      default: self = try Self.named(kind, namespace, names)
      }
    default: throw Self.wrong("neither a name, nor an object, nor a union")
    }
  }

  private static func named(
    _ name: String, _ namespace: String, _ names: [String: AvroSchema?]
  ) throws(PulsehouseError) -> AvroSchema {
    switch name {
    case "null": return .null
    case "boolean": return .boolean
    case "int": return .int
    case "long": return .long
    case "float": return .float
    case "double": return .double
    case "bytes": return .bytes
    case "string": return .string
    default: break
    }
    let full = name.contains(".") || namespace.isEmpty ? name : "\(namespace).\(name)"
    guard let known = names[full] ?? names[name] else { throw wrong("there is no type \"\(name)\"") }
    guard let schema = known else {
      throw PulsehouseError(.unsupported, "the Avro type \(full) contains itself, which is not supported")
    }
    return schema
  }

  private static func definition(
    _ kind: String, _ name: String, _ namespace: String, _ members: [(name: String, value: AvroJSON)],
    _ names: inout [String: AvroSchema?]
  ) throws(PulsehouseError) -> AvroSchema {
    func member(_ name: String) -> AvroJSON? { members.last { $0.name == name }?.value }
    switch kind {
    case "fixed":
      guard case .number(let text)? = member("size"), let count = Int(text), (0...1 << 20).contains(count) else {
        throw wrong("\(name) has no size")
      }
      return .fixed(name: name, byteCount: count)
    case "enum":
      guard case .array(let list)? = member("symbols") else { throw wrong("\(name) has no symbols") }
      var symbols: [String] = []
      for entry in list {
        guard case .string(let symbol) = entry else { throw wrong("a symbol of \(name)") }
        symbols.append(symbol)
      }
      return .enumeration(name: name, symbols: symbols)
    default:
      guard case .array(let list)? = member("fields") else { throw wrong("\(name) has no fields") }
      var fields: [Field] = []
      for entry in list {
        guard case .object(let field) = entry,
          case .string(let fieldName)? = field.last(where: { $0.name == "name" })?.value,
          let type = field.last(where: { $0.name == "type" })?.value
        else { throw wrong("a field of \(name)") }
        fields.append(Field(name: fieldName, type: try AvroSchema(type, namespace: namespace, names: &names)))
      }
      return .record(name: name, fields: fields)
    }
  }

  /// The schema in the one form that is hashed: Avro's Parsing Canonical Form.
  package var canonicalForm: String {
    var seen: Set<String> = []
    return canonical(&seen)
  }

  private func canonical(_ seen: inout Set<String>) -> String {
    func quoted(_ text: String) -> String { "\"\(text)\"" }
    switch self {
    case .null: return "\"null\""
    case .boolean: return "\"boolean\""
    case .int: return "\"int\""
    case .long: return "\"long\""
    case .float: return "\"float\""
    case .double: return "\"double\""
    case .bytes: return "\"bytes\""
    case .string: return "\"string\""
    case .array(let element): return "{\"type\":\"array\",\"items\":\(element.canonical(&seen))}"
    case .map(let element): return "{\"type\":\"map\",\"values\":\(element.canonical(&seen))}"
    case .union(let branches):
      var written: [String] = []
      for branch in branches { written.append(branch.canonical(&seen)) }
      return "[\(written.joined(separator: ","))]"
    case .fixed(let name, let byteCount):
      guard seen.insert(name).inserted else { return quoted(name) }
      return "{\"name\":\(quoted(name)),\"type\":\"fixed\",\"size\":\(byteCount)}"
    case .enumeration(let name, let symbols):
      guard seen.insert(name).inserted else { return quoted(name) }
      return "{\"name\":\(quoted(name)),\"type\":\"enum\",\"symbols\":[\(symbols.map(quoted).joined(separator: ","))]}"
    case .record(let name, let fields):
      guard seen.insert(name).inserted else { return quoted(name) }
      var written: [String] = []
      for field in fields { written.append("{\"name\":\(quoted(field.name)),\"type\":\(field.type.canonical(&seen))}") }
      return "{\"name\":\(quoted(name)),\"type\":\"record\",\"fields\":[\(written.joined(separator: ","))]}"
    }
  }

  /// What single objects name their schema by: CRC-64-AVRO of the canonical form.
  package var fingerprint: UInt64 {
    var hash = Self.emptyFingerprint
    for byte in canonicalForm.utf8 { hash = (hash >> 8) ^ Self.table[Int((hash ^ UInt64(byte)) & 0xFF)] }
    return hash
  }

  private static let emptyFingerprint: UInt64 = 0xC15D_213A_A4D7_A795
  private static let table: [UInt64] = (0..<256).map { index in
    var value = UInt64(index)
    for _ in 0..<8 { value = (value >> 1) ^ (emptyFingerprint & (0 &- (value & 1))) }
    return value
  }
}
