import Glibc
import Vectors

@testable import Ingestion

/// A plain reader of JSON, a character at a time, that the fast ones are held against.
enum ReferenceValue {
  case null
  case bool(Bool)
  case number(String)
  case string([UInt8])
  case array([ReferenceValue])
  case object([([UInt8], ReferenceValue)])
}

struct ReferenceJSON {
  private let bytes: [UInt8]
  private var at = 0

  private struct Refused: Error {}

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Returns the record's value for each field, or nil when it must be refused.
  static func row(_ bytes: [UInt8], _ fields: [JSONField]) -> [Scalar]? {
    guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
    var reader = ReferenceJSON(bytes)
    guard let value = try? reader.value(depth: 0) else { return nil }
    reader.space()
    guard reader.at == bytes.count, case .object = value else { return nil }
    var row: [Scalar] = []
    for field in fields {
      guard let found = try? look(value, field.path[...]), let scalar = convert(found, field.type) else { return nil }
      row.append(scalar)
    }
    return row
  }

  private static func look(_ value: ReferenceValue, _ path: ArraySlice<String>) throws -> ReferenceValue {
    guard let first = path.first else { return value }
    switch value {
    case .null: return .null
    case .object(let members):
      guard let last = members.last(where: { $0.0 == Array(first.utf8) }) else { return .null }
      return try look(last.1, path.dropFirst())
    default: throw Refused()
    }
  }

  private static func convert(_ value: ReferenceValue, _ type: LogicalType) -> Scalar? {
    switch (value, type) {
    case (.null, _): return .null
    case (.bool(let truth), .boolean): return .boolean(truth)
    case (.string(let text), .text): return .text(String(decoding: text, as: UTF8.self))
    case (.number(let text), .double):
      let number = strtod(text, nil)
      if number.isInfinite { return nil }
      if number == 0, text.split(separator: "e")[0].split(separator: "E")[0].contains(where: { $0 >= "1" && $0 <= "9" })
      {
        return nil
      }
      return .double(number)
    case (.number(let text), .smallint), (.number(let text), .integer), (.number(let text), .bigint):
      guard let whole = whole(text) else { return nil }
      let range: ClosedRange<Int64> =
        type == .smallint ? -32768...32767 : type == .integer ? -2_147_483_648...2_147_483_647 : Int64.min...Int64.max
      return range.contains(whole) ? .integer(whole) : nil
    default: return nil
    }
  }

  /// By shifting the decimal point digit by digit.
  private static func whole(_ text: String) -> Int64? {
    var rest = Substring(text)
    let sign = rest.hasPrefix("-") ? "-" : ""
    if !sign.isEmpty { rest = rest.dropFirst() }
    var exponent = 0
    if let e = rest.firstIndex(where: { $0 == "e" || $0 == "E" }) {
      guard let written = Int(rest[rest.index(after: e)...].replacing("+", with: "")) else {
        return rest.contains { $0 >= "1" && $0 <= "9" } ? nil : 0
      }
      exponent = max(-2000, min(2000, written))
      rest = rest[..<e]
    }
    let parts = rest.split(separator: ".", omittingEmptySubsequences: false)
    var digits = Array(parts[0])
    var fraction = parts.count > 1 ? Array(parts[1]) : []
    while exponent > 0 {
      digits.append(fraction.isEmpty ? "0" : fraction.removeFirst())
      exponent -= 1
    }
    while exponent < 0 {
      fraction.insert(digits.isEmpty ? "0" : digits.removeLast(), at: 0)
      exponent += 1
    }
    if fraction.contains(where: { $0 != "0" }) { return nil }
    let kept = String(digits.drop { $0 == "0" })
    return kept.isEmpty ? 0 : Int64(sign + kept)
  }

  // MARK: - Grammar

  private func peek() -> UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func next() throws -> UInt8 {
    guard at < bytes.count else { throw Refused() }
    at += 1
    return bytes[at - 1]
  }

  private mutating func expect(_ text: String) throws {
    for wanted in text.utf8 {
      guard try next() == wanted else { throw Refused() }
    }
  }

  private mutating func space() {
    while let byte = peek(), byte == 32 || byte == 9 || byte == 10 || byte == 13 { at += 1 }
  }

  private mutating func value(depth: Int) throws -> ReferenceValue {
    space()
    guard let first = peek() else { throw Refused() }
    if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
      guard depth < 256 else { throw Refused() }
    }
    switch first {
    case UInt8(ascii: "n"):
      try expect("null")
      return .null
    case UInt8(ascii: "t"):
      try expect("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try expect("false")
      return .bool(false)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "{"):
      at += 1
      var members: [([UInt8], ReferenceValue)] = []
      space()
      if peek() == UInt8(ascii: "}") {
        at += 1
        return .object([])
      }
      while true {
        space()
        let key = try string()
        space()
        try expect(":")
        members.append((key, try value(depth: depth + 1)))
        space()
        let after = try next()
        if after == UInt8(ascii: "}") { return .object(members) }
        guard after == UInt8(ascii: ",") else { throw Refused() }
      }
    case UInt8(ascii: "["):
      at += 1
      var items: [ReferenceValue] = []
      space()
      if peek() == UInt8(ascii: "]") {
        at += 1
        return .array([])
      }
      while true {
        items.append(try value(depth: depth + 1))
        space()
        let after = try next()
        if after == UInt8(ascii: "]") { return .array(items) }
        guard after == UInt8(ascii: ",") else { throw Refused() }
      }
    default: return .number(try number())
    }
  }

  private mutating func digits() throws -> String {
    var found = ""
    while let byte = peek(), byte >= 48, byte <= 57 {
      found.append(Character(UnicodeScalar(byte)))
      at += 1
    }
    guard !found.isEmpty else { throw Refused() }
    return found
  }

  private mutating func number() throws -> String {
    var text = ""
    if peek() == UInt8(ascii: "-") {
      text = "-"
      at += 1
    }
    let whole = try digits()
    guard whole == "0" || !whole.hasPrefix("0") else { throw Refused() }
    text += whole
    if peek() == UInt8(ascii: ".") {
      at += 1
      text += "." + (try digits())
    }
    if let e = peek(), e == UInt8(ascii: "e") || e == UInt8(ascii: "E") {
      at += 1
      text += "e"
      if let sign = peek(), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
        text.append(Character(UnicodeScalar(sign)))
        at += 1
      }
      text += try digits()
    }
    return text
  }

  private mutating func string() throws -> [UInt8] {
    try expect("\"")
    var text: [UInt8] = []
    while true {
      let byte = try next()
      if byte == UInt8(ascii: "\"") { return text }
      guard byte >= 32 else { throw Refused() }
      guard byte == UInt8(ascii: "\\") else {
        text.append(byte)
        continue
      }
      switch try next() {
      case UInt8(ascii: "\""): text.append(34)
      case UInt8(ascii: "\\"): text.append(92)
      case UInt8(ascii: "/"): text.append(47)
      case UInt8(ascii: "b"): text.append(8)
      case UInt8(ascii: "f"): text.append(12)
      case UInt8(ascii: "n"): text.append(10)
      case UInt8(ascii: "r"): text.append(13)
      case UInt8(ascii: "t"): text.append(9)
      case UInt8(ascii: "u"):
        var unit = try unit()
        if unit >= 0xD800 && unit < 0xDC00 {
          try expect("\\u")
          let low = try self.unit()
          guard low >= 0xDC00 && low < 0xE000 else { throw Refused() }
          unit = 0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00)
        }
        guard unit != 0, let scalar = UnicodeScalar(unit) else { throw Refused() }
        text += Array(String(Character(scalar)).utf8)
      default: throw Refused()
      }
    }
  }

  private mutating func unit() throws -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      let byte = try next()
      guard let digit = Character(UnicodeScalar(byte)).hexDigitValue, byte < 128 else { throw Refused() }
      value = value * 16 + UInt32(digit)
    }
    return value
  }
}
