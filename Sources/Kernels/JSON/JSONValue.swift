import Bytes
import Vectors

/// A JSON text as a tree.
indirect enum JSONValue: Sendable, Equatable {
  case null
  case boolean(Bool)
  /// As written.
  case number([UInt8])
  /// Without escapes, UTF-8.
  case string([UInt8])
  case array([JSONValue])
  /// In the order written; a key may stand twice.
  case object([Member])

  struct Member: Sendable, Equatable {
    var key: [UInt8]
    var value: JSONValue
  }

  var typeName: String {
    switch self {
    case .null: "null"
    case .boolean: "boolean"
    case .number: "number"
    case .string: "string"
    case .array: "array"
    case .object: "object"
    }
  }

  /// The last member of this key.
  func member(_ key: [UInt8]) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.key == key }?.value
  }

  /// The element at `index`, counted from the end when negative.
  func element(_ index: Int) -> JSONValue? {
    guard case .array(let elements) = self else { return nil }
    let place = index < 0 ? elements.count + index : index
    return elements.indices.contains(place) ? elements[place] : nil
  }

  /// jsonb's form: of equal keys the last counts, members stand by the length of their keys and then by bytes, numbers
  /// are plain decimals.
  var canonical: JSONValue {
    switch self {
    case .null, .boolean, .string: return self
    case .number(let digits):
      let number = digits.withUnsafeBytes { try? NumericArithmetic.parse($0) }
      return .number(number.map { Array($0.description.utf8) } ?? digits)
    case .array(let elements): return .array(elements.map(\.canonical))
    case .object(let members):
      var last: [[UInt8]: JSONValue] = [:]
      for member in members { last[member.key] = member.value }
      return .object(
        last.map { Member(key: $0.key, value: $0.value.canonical) }.sorted {
          $0.key.count != $1.key.count ? $0.key.count < $1.key.count : $0.key.lexicographicallyPrecedes($1.key)
        })
    }
  }

  /// Whether what `other` holds is found in this, as `@>` asks.
  func contains(_ other: JSONValue) -> Bool {
    switch (self, other) {
    case (.object(let members), .object(let wanted)):
      return wanted.allSatisfy { want in members.contains { $0.key == want.key && $0.value.contains(want.value) } }
    case (.array(let elements), .array(let wanted)):
      return wanted.allSatisfy { want in elements.contains { $0.isContainer == want.isContainer && $0.contains(want) } }
    case (.array(let elements), _) where !other.isContainer: return elements.contains { $0.isSame(as: other) }
    default: return isSame(as: other)
    }
  }

  /// Whether two scalars are equal: numbers by their value.
  private func isSame(as other: JSONValue) -> Bool {
    guard case .number(let a) = self, case .number(let b) = other, a != b else { return self == other }
    let numbers = [a, b].map { digits in digits.withUnsafeBytes { try? NumericArithmetic.parse($0) } }
    guard let first = numbers[0], let second = numbers[1] else { return false }
    return NumericArithmetic.compare(first, second) == 0
  }

  private var isContainer: Bool {
    switch self {
    case .array, .object: true
    default: false
    }
  }

  // MARK: Writing

  func write(_ out: TextBuffer) {
    switch self {
    case .null: out.append("null" as StaticString)
    case .boolean(let value): out.append(value ? "true" : "false" as StaticString)
    case .number(let digits): digits.withUnsafeBytes { out.append($0) }
    case .string(let text): JSONValue.write(string: text, out)
    case .array(let elements):
      out.append(0x5B)
      for (index, element) in elements.enumerated() {
        if index > 0 { out.append(", " as StaticString) }
        element.write(out)
      }
      out.append(0x5D)
    case .object(let members):
      out.append(0x7B)
      for (index, member) in members.enumerated() {
        if index > 0 { out.append(", " as StaticString) }
        JSONValue.write(string: member.key, out)
        out.append(": " as StaticString)
        member.value.write(out)
      }
      out.append(0x7D)
    }
  }

  /// With a line for each element, indented by four blanks a level.
  func writePretty(_ out: TextBuffer, _ level: Int = 0) {
    func line(_ level: Int) {
      out.append(10)
      for _ in 0..<level { out.append("    " as StaticString) }
    }
    switch self {
    case .array(let elements):
      out.append(0x5B)
      for (index, element) in elements.enumerated() {
        if index > 0 { out.append(0x2C) }
        line(level + 1)
        element.writePretty(out, level + 1)
      }
      line(level)
      out.append(0x5D)
    case .object(let members):
      out.append(0x7B)
      for (index, member) in members.enumerated() {
        if index > 0 { out.append(0x2C) }
        line(level + 1)
        JSONValue.write(string: member.key, out)
        out.append(": " as StaticString)
        member.value.writePretty(out, level + 1)
      }
      line(level)
      out.append(0x7D)
    default: write(out)
    }
  }

  static func write(string: [UInt8], _ out: TextBuffer) {
    out.append(0x22)
    for byte in string {
      switch byte {
      case 0x22: out.append("\\\"" as StaticString)
      case 0x5C: out.append("\\\\" as StaticString)
      case 8: out.append("\\b" as StaticString)
      case 12: out.append("\\f" as StaticString)
      case 10: out.append("\\n" as StaticString)
      case 13: out.append("\\r" as StaticString)
      case 9: out.append("\\t" as StaticString)
      case 0..<0x20:
        out.append("\\u00" as StaticString)
        for digit in [byte >> 4, byte & 15] { out.append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
      default: out.append(byte)
      }
    }
    out.append(0x22)
  }
}

/// Reads JSON text. Source: RFC 8259.
struct JSONReader {
  private let bytes: UnsafeRawBufferPointer
  private var index = 0
  private var depth = 0
  private static let maximumDepth = 500

  /// - Throws: 22P02 for what is no JSON, 54001 for too many levels.
  static func read(_ bytes: UnsafeRawBufferPointer, type: String = "json") throws -> JSONValue {
    var reader = JSONReader(bytes: bytes)
    guard let value = try reader.value() else { throw invalid(bytes, type) }
    reader.skipBlanks()
    guard reader.index == bytes.count else { throw invalid(bytes, type) }
    return value
  }

  /// Finds the members or elements of JSON text.
  static func parts(_ bytes: UnsafeRawBufferPointer) throws -> JSONParts {
    var reader = JSONReader(bytes: bytes)
    guard let parts = try reader.parts() else { throw invalid(bytes, "json") }
    reader.skipBlanks()
    guard reader.index == bytes.count else { throw invalid(bytes, "json") }
    return parts
  }

  private mutating func parts() throws -> JSONParts? {
    skipBlanks()
    guard index < bytes.count else { return nil }
    func value(_ reader: inout JSONReader) throws -> Range<Int>? {
      reader.skipBlanks()
      let start = reader.index
      return try reader.value() == nil ? nil : start..<reader.index
    }
    if take("{") {
      var members: [(key: [UInt8], range: Range<Int>)] = []
      skipBlanks()
      if take("}") { return .object([]) }
      while true {
        skipBlanks()
        guard index < bytes.count, bytes[index] == 0x22, let key = try string() else { return nil }
        skipBlanks()
        guard take(":"), let range = try value(&self) else { return nil }
        members.append((key, range))
        skipBlanks()
        if take(",") { continue }
        return take("}") ? .object(members) : nil
      }
    }
    if take("[") {
      var elements: [Range<Int>] = []
      skipBlanks()
      if take("]") { return .array([]) }
      while true {
        guard let range = try value(&self) else { return nil }
        elements.append(range)
        skipBlanks()
        if take(",") { continue }
        return take("]") ? .array(elements) : nil
      }
    }
    return try self.value() == nil ? nil : .scalar
  }

  private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private static func invalid(_ bytes: UnsafeRawBufferPointer, _ type: String) -> PulsehouseError {
    PulsehouseError(
      .user, "invalid input syntax for type \(type)", sqlState: "22P02",
      detail: "This is no JSON: \(String(decoding: bytes.prefix(80), as: UTF8.self))")
  }

  private mutating func skipBlanks() {
    while index < bytes.count, [0x20, 9, 10, 13].contains(bytes[index]) { index += 1 }
  }

  private mutating func take(_ text: StaticString) -> Bool {
    let wanted = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    guard index + wanted.count <= bytes.count,
      UnsafeRawBufferPointer(rebasing: bytes[index..<(index + wanted.count)]).elementsEqual(wanted)
    else { return false }
    index += wanted.count
    return true
  }

  private mutating func value() throws -> JSONValue? {
    skipBlanks()
    guard index < bytes.count else { return nil }
    depth += 1
    defer { depth -= 1 }
    if depth > JSONReader.maximumDepth {
      throw PulsehouseError(.user, "stack depth limit exceeded", sqlState: "54001", hint: "The JSON nests too deeply.")
    }
    switch bytes[index] {
    case 0x7B: return try object()
    case 0x5B: return try array()
    case 0x22: return try string().map { .string($0) }
    case 0x74: return take("true") ? .boolean(true) : nil
    case 0x66: return take("false") ? .boolean(false) : nil
    case 0x6E: return take("null") ? .null : nil
    default: return number()
    }
  }

  private mutating func object() throws -> JSONValue? {
    index += 1
    var members: [JSONValue.Member] = []
    skipBlanks()
    if take("}") { return .object([]) }
    while true {
      skipBlanks()
      guard index < bytes.count, bytes[index] == 0x22, let key = try string() else { return nil }
      skipBlanks()
      guard take(":"), let value = try value() else { return nil }
      members.append(JSONValue.Member(key: key, value: value))
      skipBlanks()
      if take(",") { continue }
      return take("}") ? .object(members) : nil
    }
  }

  private mutating func array() throws -> JSONValue? {
    index += 1
    var elements: [JSONValue] = []
    skipBlanks()
    if take("]") { return .array([]) }
    while true {
      guard let value = try value() else { return nil }
      elements.append(value)
      skipBlanks()
      if take(",") { continue }
      return take("]") ? .array(elements) : nil
    }
  }

  private mutating func number() -> JSONValue? {
    let start = index
    _ = take("-")
    func digits(_ index: inout Int) -> Bool {
      let first = index
      while index < bytes.count, bytes[index] >= 0x30, bytes[index] <= 0x39 { index += 1 }
      return index > first
    }
    let first = index
    guard digits(&index) else { return nil }
    if bytes[first] == 0x30, index > first + 1 { return nil }
    if take("."), !digits(&index) { return nil }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      guard digits(&index) else { return nil }
    }
    // A word right after a number makes neither.
    if index < bytes.count, bytes[index] | 0x20 >= 0x61, bytes[index] | 0x20 <= 0x7A { return nil }
    return .number(Array(bytes[start..<index]))
  }

  private mutating func string() throws -> [UInt8]? {
    index += 1
    var text: [UInt8] = []
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      if byte == 0x22 { return text }
      if byte < 0x20 { return nil }
      guard byte == 0x5C else {
        text.append(byte)
        continue
      }
      guard index < bytes.count else { return nil }
      let escape = bytes[index]
      index += 1
      switch escape {
      case 0x22, 0x5C, 0x2F: text.append(escape)
      case 0x62: text.append(8)
      case 0x66: text.append(12)
      case 0x6E: text.append(10)
      case 0x72: text.append(13)
      case 0x74: text.append(9)
      case 0x75:
        guard var code = unit() else { return nil }
        if code >= 0xD800, code < 0xDC00 {
          guard take("\\u"), let low = unit(), low >= 0xDC00, low < 0xE000 else { return nil }
          code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard code != 0, let scalar = Unicode.Scalar(code) else {
          throw PulsehouseError(
            .user, "unsupported Unicode escape sequence", sqlState: "22P05",
            detail: code == 0 ? "\\u0000 cannot be converted to text." : nil)
        }
        text.append(contentsOf: String(Character(scalar)).utf8)
      default: return nil
      }
    }
    return nil
  }

  private mutating func unit() -> UInt32? {
    guard index + 4 <= bytes.count else { return nil }
    var code: UInt32 = 0
    for offset in 0..<4 {
      guard let digit = NumberParse.hexValue(bytes[index + offset]) else { return nil }
      code = code << 4 | UInt32(digit)
    }
    index += 4
    return code
  }
}
