import Bytes

/// The JSON of a schema as a tree: small, and read once.
enum AvroJSON {
  case null
  case boolean(Bool)
  /// As it is spelled.
  case number(String)
  case string(String)
  case array([AvroJSON])
  case object([(name: String, value: AvroJSON)])

  /// - Throws: `.user` with the place of what is no JSON.
  static func parse(_ bytes: [UInt8]) throws(PulsehouseError) -> AvroJSON {
    var reader = Reader(bytes: bytes)
    let value = try reader.value(depth: 0)
    reader.skipSpace()
    guard reader.index == bytes.count else { throw reader.wrong("the end") }
    return value
  }

  private struct Reader {
    let bytes: [UInt8]
    var index = 0

    func wrong(_ expected: String) -> PulsehouseError {
      PulsehouseError(
        .user, "not an Avro schema: expected \(expected) at byte \(index + 1)", sqlState: "42601",
        line: 1 + bytes.prefix(index).count { $0 == 0x0A })
    }

    var next: UInt8 { index < bytes.count ? bytes[index] : 0 }

    mutating func skipSpace() {
      while index < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) { index += 1 }
    }

    mutating func take(_ byte: Character) -> Bool {
      skipSpace()
      guard next == byte.asciiValue else { return false }
      index += 1
      return true
    }

    mutating func value(depth: Int) throws(PulsehouseError) -> AvroJSON {
      guard depth < 64 else { throw wrong("less nesting") }
      if take("{") {
        var members: [(name: String, value: AvroJSON)] = []
        if take("}") { return .object(members) }
        repeat {
          guard take("\"") else { throw wrong("a name") }
          let name = try string()
          guard take(":") else { throw wrong("':'") }
          members.append((name, try value(depth: depth + 1)))
        } while take(",")
        guard take("}") else { throw wrong("'}'") }
        return .object(members)
      }
      if take("[") {
        var elements: [AvroJSON] = []
        if take("]") { return .array(elements) }
        repeat { elements.append(try value(depth: depth + 1)) } while take(",")
        guard take("]") else { throw wrong("']'") }
        return .array(elements)
      }
      if take("\"") { return .string(try string()) }
      skipSpace()
      let start = index
      while index < bytes.count, bytes[index] < 0x80,
        "+-.0123456789abcdefghijklmnopqrstuvwxyzE".utf8.contains(bytes[index])
      {
        index += 1
      }
      switch String(decoding: bytes[start..<index], as: UTF8.self) {
      case "null": return .null
      case "true": return .boolean(true)
      case "false": return .boolean(false)
      case let word where Double(word) != nil: return .number(word)
      default:
        index = start
        throw wrong("a value")
      }
    }

    /// Reads up to the closing quote.
    mutating func string() throws(PulsehouseError) -> String {
      var text: [UInt8] = []
      while index < bytes.count, bytes[index] != 0x22 {
        if bytes[index] == 0x5C {
          index += 1
          switch next {
          case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(next)
          case UInt8(ascii: "n"): text.append(0x0A)
          case UInt8(ascii: "t"): text.append(0x09)
          case UInt8(ascii: "r"): text.append(0x0D)
          case UInt8(ascii: "u"):
            let digits = String(decoding: bytes[(index + 1)..<min(index + 5, bytes.count)], as: UTF8.self)
            guard digits.utf8.count == 4, let code = UInt32(digits, radix: 16), let scalar = UnicodeScalar(code) else {
              throw wrong("a character's code")
            }
            text += Array(String(Character(scalar)).utf8)
            index += 4
          default: throw wrong("an escape")
          }
        } else {
          text.append(bytes[index])
        }
        index += 1
      }
      guard index < bytes.count, let result = String(validating: text, as: UTF8.self) else {
        throw wrong("the end of text")
      }
      index += 1
      return result
    }
  }
}
